//! `vestibule backup`, `restore` and `migrate-store`.
#![expect(clippy::print_stdout, reason = "a command line talks to its terminal")]

use std::path::{Path, PathBuf};

use clap::Args;
use vestibule_app::open;
use vestibule_store::{
    BackupSummary, Location, TransferStep, back_up_sqlite, check_backup, restore_sqlite, transfer_to_postgres,
};

use super::{CommandError, ConfigFile};

/// Back up the embedded store while it is in use
#[derive(Debug, Args)]
pub(super) struct BackUp {
    #[command(flatten)]
    config: ConfigFile,
    /// The file to create; it must not exist
    file: PathBuf,
}

/// Restore the embedded store from a backup; the server must be stopped
///
/// With --check, checks the backup and restores nothing: its length, its checksum and every page.
#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    config: ConfigFile,
    /// The backup
    file: PathBuf,
    /// Check the backup without restoring it
    #[arg(long)]
    check: bool,
}

/// Move the embedded store to PostgreSQL; the server must be stopped
#[derive(Debug, Args)]
pub(super) struct MigrateStore {
    #[command(flatten)]
    config: ConfigFile,
    /// An empty PostgreSQL database: postgres://user:password@host:port/database
    #[arg(long, value_name = "URL", env = "VESTIBULE_MIGRATE_TO", hide_env_values = true)]
    to: String,
}

impl BackUp {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let from = sqlite_path(&self.config, "Use pg_dump for it: see docs/guides/backup.md.")?;
        let summary = off_thread(from, self.file.clone(), back_up_sqlite).await?;
        println!("{}: {}.", self.file.display(), describe(&summary));
        println!(
            "Back up the master key, too, in another place: without it, the signing keys in the backup can't be decrypted."
        );
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        if self.check {
            let file = self.file.clone();
            let summary = tokio::task::spawn_blocking(move || check_backup(&file)).await??;
            println!("{}: {}.", self.file.display(), describe(&summary));
            return Ok(());
        }
        let to = sqlite_path(&self.config, "Use pg_restore for it: see docs/guides/backup.md.")?;
        let kept = to.exists();
        let summary = off_thread(self.file.clone(), to.clone(), restore_sqlite).await?;
        println!("{} restored from {}: {}.", to.display(), self.file.display(), describe(&summary));
        if kept {
            println!("The previous store is kept as {}.before-restore.", to.display());
        }
        println!("Use the master key from the time of the backup.");
        Ok(())
    }
}

impl MigrateStore {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let from = sqlite_path(&self.config, "The store is in PostgreSQL already.")?;
        if !from.exists() {
            return Err(CommandError(format!("there is no store at {}", from.display())));
        }
        if !self.to.starts_with("postgres://") && !self.to.starts_with("postgresql://") {
            return Err(CommandError("--to must be postgres://user:password@host:port/database".into()));
        }
        let moved = transfer_to_postgres(&from, &self.to, |step| match step {
            TransferStep::Copied { table, rows } if rows % 1_000_000 == 0 => println!("{table}: {rows} rows so far"),
            TransferStep::Copied { .. } => {}
            TransferStep::Verified { table, rows } => println!("{table}: {rows} rows, equal"),
        });
        moved.await.map_err(|error| {
            CommandError(format!("{error}\nThe embedded store was not changed. Run the command again to continue."))
        })?;
        println!("Set store.url to the new database and keep the master key. Sessions stay valid.");
        Ok(())
    }
}

/// What is known of a backup.
fn describe(summary: &BackupSummary) -> String {
    let checksum = match summary.has_checksum {
        true => "pages and checksum are right",
        false => "pages are right, without a checksum (made by an earlier release or by another program)",
    };
    let schema = match summary.is_known_schema {
        true => summary.schema.to_string(),
        false => format!("{} (of a later release than this program)", summary.schema),
    };
    format!("{} bytes, schema {schema}, {checksum}", summary.bytes)
}

fn sqlite_path(config: &ConfigFile, otherwise: &str) -> Result<PathBuf, CommandError> {
    match open::location(&config.load()?.store) {
        Location::Sqlite { path } => Ok(path),
        Location::Postgres { .. } => Err(CommandError(format!("the store is in PostgreSQL. {otherwise}"))),
    }
}

async fn off_thread(
    from: PathBuf,
    to: PathBuf,
    work: fn(&Path, &Path) -> Result<BackupSummary, vestibule_store::StoreError>,
) -> Result<BackupSummary, CommandError> {
    Ok(tokio::task::spawn_blocking(move || work(&from, &to)).await??)
}
