//! `vestibule project logo`: the logo of a project from a file, and into one.

use std::{fs::File, io::Read as _, path::PathBuf};

use clap::Args;
use vestibule_app::{actor::Actor, logos};
use vestibule_domain::logo::{LogoImage, MAX_BYTES};

use super::{CommandError, ConfigFile, Opened};

#[derive(Debug, Args)]
pub(super) struct LogoCommand {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    id: String,
    /// Use this image: PNG, JPEG or WebP, at most 256 KiB
    #[arg(long, value_name = "FILE")]
    put: Option<PathBuf>,
    /// Write the image to this file, which must not exist
    #[arg(long, value_name = "FILE", conflicts_with = "put")]
    save: Option<PathBuf>,
    /// Remove the logo
    #[arg(long, conflicts_with_all = ["put", "save"])]
    remove: bool,
}

impl LogoCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let image = self.put.as_ref().map(read).transpose()?;
        let opened = Opened::open(&self.config, &self.id).await?;
        let done = self.act(&opened, image).await;
        opened.close().await;
        println!("{}: {}", self.id, done?);
        Ok(())
    }

    async fn act(&self, opened: &Opened, image: Option<LogoImage>) -> Result<String, CommandError> {
        let (ctx, actor) = (opened.ctx(), Actor::at_terminal("project logo"));
        if let Some(image) = image {
            let words = format!("{}, {} × {} pixels", image.format.label(), image.width, image.height);
            let is_new = logos::put(&ctx, &actor, image).await?;
            return Ok(if is_new { format!("the logo is now {words}") } else { "no changes".to_string() });
        }
        if self.remove {
            let is_removed = logos::remove(&ctx, &actor).await?;
            return Ok(if is_removed { "the logo was removed" } else { "no logo is uploaded" }.to_string());
        }
        let Some(logo) = &ctx.project.logo else { return Ok("no logo is uploaded".to_string()) };
        let words = format!("{}, {} × {} pixels", logo.format.label(), logo.width, logo.height);
        let Some(file) = &self.save else { return Ok(format!("{words}, uploaded {}", logo.uploaded_at)) };
        let found = logos::find_content(&ctx, &logo.file_name()).await?;
        let (_, content) = found.ok_or_else(|| CommandError("the logo was replaced meanwhile: try again".into()))?;
        let name = file.display();
        let mut target =
            File::create_new(file).map_err(|error| CommandError(format!("can't create {name}: {error}")))?;
        std::io::Write::write_all(&mut target, &content)
            .map_err(|error| CommandError(format!("can't write {name}: {error}")))?;
        Ok(format!("{words}, saved as {name}"))
    }
}

/// Reads an image, and no more of a file than an image may have.
fn read(file: &PathBuf) -> Result<LogoImage, CommandError> {
    let name = file.display();
    let mut content = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut content))
        .map_err(|error| CommandError(format!("can't read {name}: {error}")))?;
    LogoImage::parse(&content).map_err(|problem| CommandError(format!("{name}: {problem}")))
}
