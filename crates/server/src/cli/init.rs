//! `vestibule init`: writes a configuration and a project file, from answers or options.

mod answers;
mod files;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use vestibule_app::{config::SmtpSecurity, open};

use super::{CommandError, ConfigFile, question};
use answers::Answers;
use files::Owner;

/// Write a configuration and a project file, from answers or options
///
/// On a terminal, asks for what no option gives. As root, the files are for the user that the server runs as.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Directory of the files; as root /etc/vestibule, otherwise this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The address at which users and applications reach the server.
    #[arg(
        long,
        value_name = "URL",
        help = "Where users and applications reach the server, such as https://auth.shop.example or http://localhost:4100"
    )]
    origin: Option<String>,
    /// The ID of the project
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// The origin of the web app whose users sign in.
    #[arg(
        long,
        value_name = "URL",
        help = "The origin of the web app whose users sign in, such as https://shop.example; empty for none"
    )]
    app: Option<String>,
    /// sqlite:PATH or postgres://user@host:port/database; without it, an embedded store in /var/lib/vestibule (as root) or
    /// vestibule-data
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(flatten)]
    mail: MailOptions,
    /// As root: the user that the server runs as
    #[arg(long, value_name = "NAME", default_value = "vestibule")]
    user: String,
    /// Replace existing files; they are kept with the ending .bak
    #[arg(long)]
    replace: bool,
}

/// The mail server.
#[derive(Debug, Args)]
struct MailOptions {
    /// The mail server (SMTP); empty for none
    #[arg(long, value_name = "HOST")]
    smtp_host: Option<String>,
    /// The port of the mail server
    #[arg(long, value_name = "N", default_value_t = 587)]
    smtp_port: u16,
    /// How the connection to the mail server is encrypted
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Security::Starttls)]
    smtp_security: Security,
    /// The username at the mail server; empty for none
    #[arg(long, value_name = "NAME")]
    smtp_username: Option<String>,
    /// A file with the password; without it, init asks on a terminal and does not show it
    #[arg(long, value_name = "FILE")]
    smtp_password_file: Option<PathBuf>,
    /// The sender, such as "Shop <no-reply@shop.example>"
    #[arg(long, value_name = "ADDRESS")]
    mail_from: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Security {
    None,
    Starttls,
    Tls,
}

impl Security {
    fn as_setting(self) -> SmtpSecurity {
        match self {
            Self::None => SmtpSecurity::None,
            Self::Starttls => SmtpSecurity::Starttls,
            Self::Tls => SmtpSecurity::Tls,
        }
    }
}

/// Where the files are.
struct Place {
    dir: PathBuf,
    /// For another user than the one who runs the command.
    owner: Option<Owner>,
}

impl Init {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let owner = if files::is_root() { Some(Owner::find(&self.user)?) } else { None };
        let dir =
            self.dir.clone().unwrap_or_else(|| if owner.is_some() { "/etc/vestibule".into() } else { ".".into() });
        let place = Place { dir: std::path::absolute(dir)?, owner };
        let answers = Answers::collect(&self, &place)?;
        let (config, project) = (place.dir.join("vestibule.toml"), place.dir.join(format!("{}.toml", answers.project)));
        let settings = answers.project_settings()?;
        place.create()?;
        let part = place.dir.join("vestibule.toml.part");
        std::fs::remove_file(&part).ok();
        files::write(&part, &text::configuration(&answers, &place.dir), place.owner.as_ref())?;
        let checked = ConfigFile { config: Some(part.clone()) }.load_alone();
        let placed = checked.and_then(|loaded| {
            self.make_room(&[&config, &project])?;
            std::fs::rename(&part, &config)?;
            Ok(loaded)
        });
        if placed.is_err() {
            std::fs::remove_file(&part).ok();
        }
        let loaded = placed?;
        files::write(&project, &settings.to_toml(), place.owner.as_ref())?;
        if let Some(folder) = open::store_file(&loaded).as_deref().and_then(Path::parent) {
            files::make_folder(folder, 0o700, place.owner.as_ref())?;
        }
        if let Some(key) = answers.master_key_file(&place.dir) {
            files::make_master_key(&key, place.owner.as_ref())?;
        }
        println!("{}", text::summary(&answers, &place, (&config, &project)));
        Ok(())
    }

    /// Keeps existing files under another name, if that was asked for.
    fn make_room(&self, targets: &[&Path]) -> Result<(), CommandError> {
        for file in targets.iter().filter(|file| file.exists()) {
            let kept = files::kept_name(file);
            let name = file.display();
            if kept.exists() {
                return Err(CommandError(format!(
                    "nothing was changed: {name} exists, and so does {}: move one of them away first",
                    kept.display()
                )));
            }
            let question = format!("{name} exists. Replace it, and keep it as {}?", kept.display());
            let may_replace = self.replace || (question::is_possible() && question::confirm(&question)?);
            if !may_replace {
                return Err(CommandError(format!(
                    "nothing was changed: {name} exists. Choose another --dir, or add --replace, which keeps it as {}",
                    kept.display()
                )));
            }
        }
        for file in targets.iter().filter(|file| file.exists()) {
            std::fs::rename(file, files::kept_name(file))?;
            println!("{} is kept as {}.", file.display(), files::kept_name(file).display());
        }
        Ok(())
    }
}

impl Place {
    fn create(&self) -> Result<(), CommandError> {
        let mode = if self.owner.is_some() { 0o750 } else { 0o700 };
        // Its files are read by the server and changed by root.
        files::make_folder(&self.dir, mode, self.owner.as_ref().map(Owner::of_root).as_ref())
    }
}
