//! The files that `vestibule init` writes, and what it says at the end.

use std::{fmt::Write as _, path::Path};

use vestibule_app::config::SmtpSecurity;
use vestibule_domain::project::Origin;

use super::{
    Place,
    answers::{Answers, MailAnswers},
};

const PROOF: &str = "a string takes everything";
/// The port of a server behind a proxy.
const PORT: u16 = 4100;
/// Of the Debian package.
const UNIT: &str = "/lib/systemd/system/vestibule.service";
/// The port of an origin that names none.
const HTTP: u16 = 80;

/// A TOML string.
fn quote(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

pub(super) fn configuration(answers: &Answers, dir: &Path) -> String {
    let Answers { origin, project, store, mail, .. } = answers;
    let mut out = String::from(
        "# Written by `vestibule init`. Every key and its default: `vestibule config reference`.\n\n[server]\n",
    );
    writeln!(out, "listen = {}", quote(&format!("127.0.0.1:{}", own_port(origin)))).expect(PROOF);
    if needs_proxy(origin) {
        out.push_str("# The reverse proxy that terminates TLS. If it is on another machine, give its address, and listen where it reaches you.\n");
        out.push_str("trusted_proxies = [\"127.0.0.1\"]\n");
    }
    writeln!(out, "\n[store]\nurl = {}", quote(store)).expect(PROOF);
    if let Some(key) = answers.master_key_file(dir) {
        out.push_str("\n[secrets]\n# The same file on every node. Back it up in another place than the database.\n");
        writeln!(out, "master_key_file = {}", quote(&key.display().to_string())).expect(PROOF);
    }
    writeln!(out, "\n[portal]\npublic_origin = {}\nproject = {}", quote(origin.as_str()), quote(project)).expect(PROOF);
    if let Some(mail) = mail {
        write_mail(&mut out, mail);
    }
    out
}

fn write_mail(out: &mut String, mail: &MailAnswers) {
    let security = match mail.security {
        SmtpSecurity::None => "none",
        SmtpSecurity::Starttls => "starttls",
        SmtpSecurity::Tls => "tls",
    };
    writeln!(out, "\n[smtp]\nhost = {}\nport = {}", quote(&mail.host), mail.port).expect(PROOF);
    writeln!(out, "security = {}\nfrom = {}", quote(security), quote(&mail.from)).expect(PROOF);
    if !mail.username.is_empty() {
        writeln!(out, "username = {}\npassword = {}", quote(&mail.username), quote(&mail.password)).expect(PROOF);
    }
}

/// The project as a file; normalized when it is written.
pub(super) fn project(answers: &Answers) -> String {
    let (id, origin) = (quote(&answers.project), quote(answers.origin.as_str()));
    let mut out = format!("[project]\nid = {id}\npublic_origin = {origin}\n\n");
    out.push_str("[authentication]\nidentities = [\"login_id\", \"anonymous\"]\n");
    if let Some(app) = &answers.app {
        let home = quote(&format!("{app}/"));
        let (client, back) = (quote(&format!("{}-web", answers.project)), quote(&format!("{app}/after-login")));
        write!(
            out,
            "\n[ui]\ndefault_client_uri = {home}\n\n[[oauth.clients]]\nclient_id = {client}\nname = {id}\n\
             x_application_type = \"spa\"\nclient_uri = {home}\nredirect_uris = [{back}]\n\
             post_logout_redirect_uris = [{home}]\nid_token_signed_response_alg = \"ES256\"\n"
        )
        .expect(PROOF);
    }
    out
}

/// The port to listen on: that of an origin on this machine, which clients reach without a proxy.
fn own_port(origin: &Origin) -> u16 {
    if needs_proxy(origin) { PORT } else { origin.port().unwrap_or(HTTP) }
}

fn needs_proxy(origin: &Origin) -> bool {
    origin.is_https() || !origin.is_local()
}

pub(super) fn summary(answers: &Answers, place: &Place, (config, project): (&Path, &Path)) -> String {
    let (config, project) = (config.display(), project.display());
    let run = match &place.owner {
        Some(owner) => format!("runuser -u {} -- vestibule", owner.name),
        None => "vestibule".to_string(),
    };
    let needs_dev_mail = answers.mail.is_none() && answers.origin.is_local();
    let serve = if needs_dev_mail {
        format!("{run} serve --dev-mail --config {config}")
    } else if place.owner.is_some() && Path::new(UNIT).exists() {
        "systemctl start vestibule".to_string()
    } else {
        format!("{run} serve --config {config}")
    };
    let mut out = format!(
        "Written: {config}\n         {project}\n\nNext:\n  \
         {run} project apply --config {config} {project}\n  {serve}\n  {run} doctor --config {config}\n"
    );
    if answers.mail.is_none() {
        out.push_str("\nThere is no mail server yet: ");
        out.push_str(if answers.origin.is_local() {
            "--dev-mail shows emails on a page of this machine."
        } else {
            "codes can't be sent until [smtp] is in the configuration."
        });
        out.push('\n');
    } else if answers.mail.as_ref().is_some_and(|mail| !mail.username.is_empty() && mail.password.is_empty()) {
        out.push_str("\nThe password of the mail server is empty: set smtp.password, or VESTIBULE__SMTP__PASSWORD.\n");
    }
    if needs_proxy(&answers.origin) {
        writeln!(
            out,
            "A reverse proxy must serve {} and pass requests on: docs/guides/run.md, section 5.",
            answers.origin
        )
        .expect(PROOF);
    }
    out.push_str("Back up the master key, in another place than the store.");
    out
}
