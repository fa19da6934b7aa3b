//! What `vestibule init` has to know: from options, or asked for on a terminal.

use std::path::{Path, PathBuf};

use vestibule_app::config::SmtpSecurity;
use vestibule_domain::project::{Origin, ProjectSettings};

use super::{CommandError, Init, MailOptions, Place, text};
use crate::cli::question;

pub(super) struct Answers {
    pub(super) origin: Origin,
    pub(super) project: String,
    pub(super) app: Option<Origin>,
    pub(super) store: String,
    pub(super) mail: Option<MailAnswers>,
}

pub(super) struct MailAnswers {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: SmtpSecurity,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) from: String,
}

impl Answers {
    pub(super) fn collect(init: &Init, place: &Place) -> Result<Self, CommandError> {
        let origin = ask(init.origin.as_deref(), "--origin", "Public origin of the server", "http://localhost:4100")?;
        let origin = read_origin("--origin", &origin)?;
        let project = ask(init.project.as_deref(), "--project", "Project ID", "shop")?;
        let app = ask_or(
            init.app.as_deref(),
            "Origin of the web app whose users sign in (- for none)",
            "http://localhost:5173",
        )?;
        let app = app.map(|app| read_origin("--app", &app)).transpose()?;
        let store =
            ask(init.store.as_deref(), "--store", "Store (sqlite:PATH or postgres://…)", &place.default_store())?;
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| store.starts_with(scheme)) {
            return Err(CommandError("--store must be sqlite:PATH or postgres://user@host:port/database".into()));
        }
        let mail = MailAnswers::collect(&init.mail, &origin)?;
        Ok(Self { origin, project, app, store, mail })
    }

    /// The project file's content; all its problems otherwise.
    pub(super) fn project_settings(&self) -> Result<ProjectSettings, CommandError> {
        ProjectSettings::parse_toml(&text::project(self)).map_err(|all| {
            let lines: Vec<String> = all.iter().map(|problem| format!("  {problem}")).collect();
            CommandError(format!("nothing was written: the project would not be valid:\n{}", lines.join("\n")))
        })
    }

    /// The embedded store makes its own key.
    pub(super) fn master_key_file(&self, dir: &Path) -> Option<PathBuf> {
        (!self.store.starts_with("sqlite:")).then(|| dir.join("master.key"))
    }
}

impl MailAnswers {
    fn collect(options: &MailOptions, origin: &Origin) -> Result<Option<Self>, CommandError> {
        let Some(host) = ask_or(options.smtp_host.as_deref(), "Mail server (SMTP host, - for none)", "-")? else {
            return Ok(None);
        };
        let username = ask_or(options.smtp_username.as_deref(), "User name at the mail server (- for none)", "-")?;
        let password = match (&options.smtp_password_file, &username) {
            (Some(file), _) => std::fs::read_to_string(file)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_string())
                .map_err(|error| CommandError(format!("can't read {}: {error}", file.display())))?,
            (None, Some(_)) if question::is_possible() => question::ask_secret("Password (not shown)")?,
            (None, _) => String::new(),
        };
        let sender = format!("no-reply@{}", origin.host());
        let from = ask(options.mail_from.as_deref(), "--mail-from", "Sender of the emails", &sender)?;
        Ok(Some(Self {
            host,
            port: options.smtp_port,
            security: options.smtp_security.as_setting(),
            username: username.unwrap_or_default(),
            password,
            from,
        }))
    }
}

impl Place {
    fn default_store(&self) -> String {
        let folder = match &self.owner {
            Some(_) => PathBuf::from("/var/lib/vestibule"),
            None => self.dir.join("vestibule-data"),
        };
        format!("sqlite:{}", folder.join("vestibule.db").display())
    }
}

fn read_origin(option: &str, text: &str) -> Result<Origin, CommandError> {
    Origin::parse(text).map_err(|error| CommandError(format!("{option}: {error}")))
}

/// The option, or else the answer to a question; without a terminal, the option must be given.
fn ask(option: Option<&str>, name: &str, label: &str, default: &str) -> Result<String, CommandError> {
    match option {
        Some(value) => Ok(value.to_string()),
        None if question::is_possible() => question::ask(label, default),
        None => Err(CommandError(format!("without a terminal to ask at, add {name}, such as {name} \"{default}\""))),
    }
}

/// The same for what may be left out: by an empty option, the answer `-`, or without a terminal.
fn ask_or(option: Option<&str>, label: &str, default: &str) -> Result<Option<String>, CommandError> {
    let text = match option {
        Some(value) => value.to_string(),
        None if question::is_possible() => question::ask(label, default)?,
        None => String::new(),
    };
    Ok(Some(text).filter(|text| !text.is_empty() && text != "-"))
}
