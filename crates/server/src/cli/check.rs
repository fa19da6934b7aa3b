//! `vestibule check`.
#![expect(clippy::print_stdout, reason = "a command line talks to its terminal")]

use std::process::ExitCode;

use clap::Args;
use vestibule_app::{
    adapters::clock::Clock,
    check::{CheckStep, Finding, check},
};

use super::{
    CommandError, ConfigFile,
    progress::{Progress, Unit},
};

/// The exit status when the store was checked and has problems; 1 means that it could not be checked.
const HAS_PROBLEMS: u8 = 3;

/// Check that the store is sound, while the server runs or not; nothing is changed
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 if the store is sound, 3 if it has problems, 1 if it can't be checked.")]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigFile,
    /// Print only what is wrong
    #[arg(long)]
    quiet: bool,
}

impl Check {
    pub(super) async fn run(self) -> Result<ExitCode, CommandError> {
        let progress = Progress::start("checking");
        let show = |CheckStep { what, done, total }| {
            let of = |count| u64::try_from(count).unwrap_or(u64::MAX);
            progress.set(what, Unit::Things("checks"), of(done), Some(of(total)));
        };
        let findings = check(&self.config.load()?, Clock::System.now(), show).await?;
        drop(progress);
        for finding in &findings {
            match finding {
                Finding::Problem(text) => println!("PROBLEM  {text}"),
                Finding::Sound(text) if !self.quiet => println!("ok       {text}"),
                Finding::Note(text) if !self.quiet => println!("note     {text}"),
                Finding::Sound(_) | Finding::Note(_) => {}
            }
        }
        match findings.iter().filter(|finding| matches!(finding, Finding::Problem(_))).count() {
            0 => Ok(ExitCode::SUCCESS),
            count => {
                println!("{count} problems. What to do: docs/guides/backup.md#damage");
                Ok(ExitCode::from(HAS_PROBLEMS))
            }
        }
    }
}
