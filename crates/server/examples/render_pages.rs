//! Renders every sample page and mail in every language into a folder, to be looked at in a browser:
//! `cargo run -p vestibule-server --example render_pages -- FOLDER`.

use std::{env, fs, io, path::Path};

use vestibule_pages::sample::{sample_context, samples};
use vestibule_web::{
    asset,
    locale::Locales,
    mail::{MailContext, MailKind},
    theme::theme_css,
    user_agent::Device,
};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| io::Error::other("give a folder to write to"))?;
    let folder = Path::new(&folder);
    for locale in Locales::shared().locales() {
        let mut ctx = sample_context(locale.clone());
        let place = folder.join(locale.tag());
        fs::create_dir_all(&place)?;
        let (brand, app_name) = (ctx.brand.clone(), ctx.app_name.clone());
        let device = Some(Device::BrowserOn("Chrome", "Linux"));
        let mail_ctx = MailContext { device, ..MailContext::new(locale.clone(), brand, app_name) };
        for (name, kind) in MailKind::samples() {
            let mail = kind.render(&mail_ctx);
            fs::write(place.join(format!("mail-{name}.html")), mail.html)?;
            fs::write(place.join(format!("mail-{name}.txt")), format!("Subject: {}\n\n{}", mail.subject, mail.text))?;
        }
        for sample in samples() {
            for (suffix, accent) in [("", None), ("-yellow", Some("#ffc400")), ("-blue", Some("#2f4bd8"))] {
                ctx.brand.accent_color = accent.map(str::to_owned);
                let html = write_assets(folder, &sample.page.render(&ctx), &theme_css(&ctx.brand))?;
                fs::write(place.join(format!("{}{suffix}.html", sample.name)), html)?;
            }
        }
    }
    Ok(())
}

/// Writes the page's assets next to it, and makes the links relative so that the page opens from a disk.
fn write_assets(folder: &Path, html: &str, theme: &str) -> io::Result<String> {
    for link in html.split('"').filter(|part| part.starts_with("/assets/")) {
        let file = folder.join(&link[1..]);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        match asset::asset(&link["/assets/".len()..]) {
            Some(found) => fs::write(file, found.bytes)?,
            None => fs::write(file, theme)?,
        }
    }
    Ok(html.replace("\"/assets/", "\"../assets/"))
}
