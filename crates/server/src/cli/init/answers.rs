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
        let ask_origin = Question::new("--origin", "Public origin of the server", "http://localhost:4100");
        let origin = ask_origin.ask(init.origin.as_deref(), read_origin)?;
        let project = Question::new("--project", "Project ID", "shop").ask(init.project.as_deref(), read_project_id)?;
        let ask_app =
            Question::new("--app", "Origin of the web app whose users sign in (- for none)", "http://localhost:5173");
        let app = ask_app.ask_or_none(init.app.as_deref(), read_origin)?;
        let default_store = place.default_store();
        let ask_store = Question::new("--store", "Store (sqlite:PATH or postgres://…)", &default_store);
        let store = ask_store.ask_or_default(init.store.as_deref(), read_store)?;
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
        let host = Question::new("--smtp-host", "Mail server (SMTP host, - for none)", "-");
        let Some(host) = host.ask_or_none(options.smtp_host.as_deref(), take)? else {
            return Ok(None);
        };
        let username = Question::new("--smtp-username", "Username at the mail server (- for none)", "-");
        let username = username.ask_or_none(options.smtp_username.as_deref(), take)?;
        let password = match (&options.smtp_password_file, &username) {
            (Some(file), _) => std::fs::read_to_string(file)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_string())
                .map_err(|error| CommandError(format!("can't read {}: {error}", file.display())))?,
            (None, Some(_)) if question::is_possible() => question::ask_secret("Password (not shown)")?,
            (None, _) => String::new(),
        };
        let sender = format!("no-reply@{}", origin.host());
        let from = Question::new("--mail-from", "Sender of the emails", &sender);
        let from = from.ask_or_default(options.mail_from.as_deref(), take)?;
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

/// What an answer must be; the message is for the option and the terminal alike.
type Read<T> = fn(&str) -> Result<T, String>;

fn take(text: &str) -> Result<String, String> {
    Ok(text.to_string())
}

fn read_origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text).map_err(|error| error.to_string())
}

fn read_store(text: &str) -> Result<String, String> {
    let is_known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    is_known.then(|| text.to_string()).ok_or_else(|| "write sqlite:PATH or postgres://user@host:port/database".into())
}

/// As the settings of a project judge it, before the next question is asked.
fn read_project_id(text: &str) -> Result<String, String> {
    if text == "vestibule" {
        return Err("choose another one: vestibule.toml is the name of the configuration".into());
    }
    let origin = Origin::parse("http://localhost").map_err(|error| error.to_string())?;
    match ProjectSettings::new(text, origin).validate() {
        Ok(()) => Ok(text.to_string()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    }
}

/// A question with its option and its default.
struct Question<'a> {
    option: &'a str,
    label: &'a str,
    default: &'a str,
}

impl<'a> Question<'a> {
    fn new(option: &'a str, label: &'a str, default: &'a str) -> Self {
        Self { option, label, default }
    }

    /// The option, or else an answer, asked for until it is right; without a terminal, the option must be given.
    fn ask<T>(&self, given: Option<&str>, read: Read<T>) -> Result<T, CommandError> {
        let Self { option, label, default } = self;
        if let Some(given) = given {
            return read(given).map_err(|message| CommandError(format!("{option}: {message}")));
        }
        if !question::is_possible() {
            let example = format!("{option} \"{default}\"");
            return Err(CommandError(format!("without a terminal to ask at, add {option}, such as {example}")));
        }
        loop {
            match read(&question::ask(label, default)?) {
                Ok(answer) => return Ok(answer),
                Err(message) => question::say(&message),
            }
        }
    }

    /// The same for what has a default that fits; without a terminal, it is used.
    fn ask_or_default<T>(&self, given: Option<&str>, read: Read<T>) -> Result<T, CommandError> {
        let is_unasked = given.is_none() && !question::is_possible();
        self.ask(if is_unasked { Some(self.default) } else { given }, read)
    }

    /// The same for what may be left out: by an empty option, by the answer `-`, or without a terminal.
    fn ask_or_none<T>(&self, given: Option<&str>, read: Read<T>) -> Result<Option<T>, CommandError> {
        let is_none = |text: &str| text.is_empty() || text == "-";
        match given {
            Some(given) if is_none(given) => Ok(None),
            None if !question::is_possible() => Ok(None),
            Some(_) => self.ask(given, read).map(Some),
            None => loop {
                let answer = question::ask(self.label, self.default)?;
                if is_none(&answer) {
                    return Ok(None);
                }
                match read(&answer) {
                    Ok(answer) => return Ok(Some(answer)),
                    Err(message) => question::say(&message),
                }
            },
        }
    }
}
