//! The command line: commands, arguments and output.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its terminal")]

mod admin;
mod check;
mod client;
mod data;
mod demo;
mod dev_mail;
mod doctor;
mod exposed;
mod init;
mod key;
mod logo;
mod manual;
mod operator;
mod probe;
mod progress;
mod project;
mod provider;
mod question;
mod serve;
mod session;
mod signals;
mod statistics;
mod user;

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};

use tokio::sync::watch;
use vestibule_app::{
    adapters::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender},
    config::{self, Config},
    ctx::Ctx,
    open,
    projects::Project,
    state::{Adapters, App},
};
use vestibule_domain::time::Timestamp;

/// Vestibule: an identity server for visitors who have not signed up yet.
#[derive(Debug, Parser)]
#[command(
    name = "vestibule",
    version,
    about,
    long_about = "Vestibule makes every visitor a guest with a stable ID on first use, and promotes the guest to a member with the same ID when the visitor signs up.\n\nStart with `vestibule demo`. For production, write a configuration and a project file (`vestibule init`), apply the project file (`vestibule project apply`), run `vestibule serve` and check everything with `vestibule doctor`.",
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a demo on this machine: identity server, shop and mailbox
    Demo(demo::Demo),
    Init(init::Init),
    Serve(serve::Serve),
    Doctor(doctor::Doctor),
    /// Check or explain the server's configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Create, change and export projects: identities, applications, lifetimes
    #[command(subcommand)]
    Project(project::ProjectCommand),
    /// Manage API keys of the Admin API
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Manage portal operators
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
    /// Find, show, delete, export and import users; manage their device keys
    #[command(subcommand)]
    User(user::UserCommand),
    /// Back up the embedded store to a file while the server runs
    Backup(data::BackUp),
    /// Restore the embedded store from a backup; the server must be stopped
    Restore(data::Restore),
    /// Check that the store is sound, while the server runs or not
    Check(check::Check),
    /// Move the embedded store to PostgreSQL; the server must be stopped
    MigrateStore(data::MigrateStore),
    /// Manage client secrets of applications
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// List providers of external accounts and set their client secrets
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// List and end sessions of a user
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// List and rotate signing keys
    #[command(subcommand)]
    Key(key::SigningKeyCommand),
    Probe(probe::Probe),
    Completions(manual::Completions),
    Man(manual::Man),
    /// Correct the numbers of past days
    #[command(subcommand)]
    Statistics(statistics::StatisticsCommand),
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the configuration and report every error
    Check(ConfigFile),
    /// Print every configuration key with its default and description
    Reference,
}

/// Which configuration file to read.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file (TOML); without it, defaults and environment variables apply
    #[arg(long, value_name = "FILE", env = "VESTIBULE_CONFIG")]
    config: Option<PathBuf>,
}

/// The options of a command for one project.
#[derive(Debug, Args)]
struct OfProject {
    #[command(flatten)]
    config: ConfigFile,
    /// The project ID
    #[arg(long)]
    project: String,
}

impl ConfigFile {
    fn load(&self) -> Result<Config, CommandError> {
        self.load_with(std::env::vars())
    }

    /// The file alone, whatever the environment says.
    fn load_alone(&self) -> Result<Config, CommandError> {
        self.load_with(std::iter::empty())
    }

    fn load_with(&self, environment: impl Iterator<Item = (String, String)>) -> Result<Config, CommandError> {
        config::load(self.config.as_deref(), environment).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
            CommandError(format!("the configuration is not valid:\n{}", lines.join("\n")))
        })
    }
}

/// The store and one project of it, for a command that reads or changes them.
struct Opened {
    app: Arc<App>,
    project: Arc<Project>,
}

impl Opened {
    async fn open(config: &ConfigFile, project: &str) -> Result<Self, CommandError> {
        let adapters =
            Adapters { clock: Clock::System, entropy: Entropy::Os, mailer: Mailer::None, sms: SmsSender::None };
        let config = config.load()?;
        open::require_store(&config).await?;
        let app = open::open(config, adapters).await?;
        match app.projects.find_by_id(project) {
            Some(project) => Ok(Self { app, project }),
            None => {
                app.store.close().await;
                Err(CommandError(format!("there is no project \"{project}\": see `vestibule project list`")))
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    fn ctx(&self) -> Ctx<'_> {
        Ctx::without_request(&self.app, &self.project, self.now())
    }

    async fn close(&self) {
        self.app.store.close().await;
    }
}

/// Text that a user or a device chose, without characters that could control the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}

/// Printed with the portal's first-run link.
const NO_OPERATOR: &str = "No operator yet: open this link to create the first one. It works once, within 24 hours.";

/// Why a command failed, for the user at the terminal.
#[derive(Debug)]
struct CommandError(String);

impl<E: std::error::Error> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs a command; a failure prints one message and gives a non-zero exit code.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    if !matches!(cli.command, Command::Serve(_) | Command::Demo(_)) {
        signals::end_on_closed_pipe();
    }
    let done = match cli.command {
        Command::Check(command) => return exit_with(command.run()),
        Command::Doctor(command) => return exit_with(command.run()),
        Command::Config(ConfigCommand::Reference) => {
            print!("{}", config::DEFAULTS);
            Ok(())
        }
        Command::Config(ConfigCommand::Check(file)) => file.load().map(|config| {
            println!("The configuration is valid.");
            for warning in exposed::list(file.config.as_deref(), &config) {
                eprintln!("vestibule: warning: {warning}");
            }
        }),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Probe(command) => block_on(command.run()),
        Command::Serve(command) => block_on(command.run()),
        Command::Demo(demo) => block_on(demo.run()),
        Command::Project(command) => block_on(command.run()),
        Command::Admin(command) => block_on(command.run()),
        Command::Operator(command) => block_on(command.run()),
        Command::User(command) => block_on(command.run()),
        Command::Backup(command) => block_on(command.run()),
        Command::Restore(command) => block_on(command.run()),
        Command::MigrateStore(command) => block_on(command.run()),
        Command::Client(command) => block_on(command.run()),
        Command::Provider(command) => block_on(command.run()),
        Command::Session(command) => block_on(command.run()),
        Command::Key(command) => block_on(command.run()),
        Command::Statistics(command) => block_on(command.run()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError(message)) => {
            complain(message);
            ExitCode::FAILURE
        }
    }
}

/// Prints why a command failed. The process ends even if standard error is not read.
fn complain(message: String) {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        writeln!(std::io::stderr(), "vestibule: {message}").ok();
        done.send(()).ok();
    });
    is_done.recv_timeout(std::time::Duration::from_secs(1)).ok();
}

/// The exit status of a check: not every finding is a failure of the command.
fn exit_with(work: impl Future<Output = Result<ExitCode, CommandError>>) -> ExitCode {
    block_on(work).unwrap_or_else(|CommandError(message)| {
        complain(message);
        ExitCode::FAILURE
    })
}

fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Prints a line of a server that continues when the output is closed.
fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Resolves when the sender says that the command stops.
async fn ended(mut stop_receiver: watch::Receiver<bool>) {
    let _ = stop_receiver.wait_for(|ended| *ended).await;
}
