//! `vestibule backup`, `restore` and `migrate-store`.
#![expect(clippy::print_stdout, reason = "a command line talks to its terminal")]

use std::path::{Path, PathBuf};

use clap::Args;
use vestibule_app::open;
use vestibule_store::{
    BackupSummary, Location, Store, TransferStep, back_up_sqlite, restore_sqlite, transfer_to_postgres,
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
#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    config: ConfigFile,
    /// The backup
    file: PathBuf,
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
        println!("{}: {} bytes, schema {}, checked.", self.file.display(), summary.bytes, summary.schema);
        println!(
            "Back up the master key, too, in another place: without it, the signing keys in the backup can't be decrypted."
        );
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let to = sqlite_path(&self.config, "Use pg_restore for it: see docs/guides/backup.md.")?;
        let kept = to.exists();
        let summary = off_thread(self.file.clone(), to.clone(), restore_sqlite).await?;
        println!(
            "{} restored from {}: {} bytes, schema {}.",
            to.display(),
            self.file.display(),
            summary.bytes,
            summary.schema
        );
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
        // Opening it validates the target and creates its schema.
        let target = Location::postgres(self.to.clone(), 1);
        Store::open(&target).await?.close().await;
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
