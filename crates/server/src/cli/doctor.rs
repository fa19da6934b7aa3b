//! `vestibule doctor`: checks the configuration and what surrounds the server, and says what to do.

mod files;
mod machine;
mod mail;
mod origins;
mod report;
mod store;

use std::process::ExitCode;

use clap::Args;
use vestibule_app::{adapters::clock::Clock, config::Config};

use super::{CommandError, ConfigFile};
use report::Report;

/// The exit status when something fails; 1 means that the command itself failed.
const HAS_FAILURES: u8 = 3;

/// Check the configuration, the store and what surrounds the server, and say what to do
///
/// Run it as the user that the server runs as. It changes nothing but one row of the store, which proves that a write succeeds.
#[derive(Debug, Args)]
#[command(
    after_help = "Each line is ok, warn or fail; what to do follows it.\nExit status: 0 without a failure, 3 with one, 1 if the command itself failed."
)]
pub(super) struct Doctor {
    #[command(flatten)]
    config: ConfigFile,
    /// Send a test email to this address
    #[arg(long, value_name = "ADDRESS")]
    mail_to: Option<String>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self) -> Result<ExitCode, CommandError> {
        let mut report = Report::new(self.json);
        match self.config.load() {
            Ok(config) => {
                let from = self.config.config.as_deref().map(|file| file.display().to_string());
                report.ok("configuration", &format!("{} is valid", from.as_deref().unwrap_or("the environment")));
                self.check(&config, &mut report).await;
            }
            Err(CommandError(message)) => {
                report.fail(
                    "configuration",
                    &message,
                    "correct the file; `vestibule config reference` explains every key",
                );
            }
        }
        Ok(if report.finish()? { ExitCode::SUCCESS } else { ExitCode::from(HAS_FAILURES) })
    }

    async fn check(&self, config: &Config, report: &mut Report) {
        let now = Clock::System.now();
        files::check(self.config.config.as_deref(), config, report);
        let projects = store::check(config, now, report).await;
        origins::check(config, &projects, report).await;
        mail::check(config, self.mail_to.as_deref(), report).await;
        machine::check_clock(report).await;
        machine::check_open_files(config, report);
        machine::check_disk(config, report);
    }
}
