//! `vestibule backup`, `restore` and `migrate-store`.
#![expect(clippy::print_stdout, reason = "a command line talks to its terminal")]

use std::path::PathBuf;

use clap::Args;
use vestibule_app::open;
use vestibule_store::{
    BackupStep, BackupSummary, Location, ReportBackup, TransferStep, back_up_sqlite, check_backup, restore_sqlite,
    transfer_to_postgres,
};

use super::{
    CommandError, ConfigFile,
    progress::{Progress, Unit},
};

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
        let summary = {
            let to = self.file.clone();
            off_thread("copying", move |report| back_up_sqlite(&from, &to, report)).await?
        };
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
            let summary = off_thread("checking", move |report| check_backup(&file, report)).await?;
            println!("{}: {}.", self.file.display(), describe(&summary));
            return Ok(());
        }
        let to = sqlite_path(&self.config, "Use pg_restore for it: see docs/guides/backup.md.")?;
        let kept = to.exists();
        let summary = {
            let (from, to) = (self.file.clone(), to.clone());
            off_thread("checking the backup", move |report| restore_sqlite(&from, &to, report)).await?
        };
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
        let mut report = TransferReport::new();
        let moved = transfer_to_postgres(&from, &self.to, |step| report.show(step));
        moved.await.map_err(|error| {
            CommandError(format!("{error}\nThe embedded store was not changed. Run the command again to continue."))
        })?;
        println!("Set store.url to the new database and keep the master key. Sessions stay valid.");
        Ok(())
    }
}

/// Shows how far a move is: the rows of all tables together.
struct TransferReport {
    progress: Progress,
    total: Option<u64>,
    /// Rows of the tables that are done, and of the one that is copied.
    before: u64,
    table: (String, u64),
}

impl TransferReport {
    fn new() -> Self {
        let progress = Progress::start("counting rows");
        Self { progress, total: None, before: 0, table: (String::new(), 0) }
    }

    fn show(&mut self, step: TransferStep) {
        match step {
            TransferStep::Counted { rows } => self.total = Some(rows),
            TransferStep::Resumed { table, rows } | TransferStep::Copied { table, rows } => {
                if self.table.0 != table {
                    self.before += self.table.1;
                }
                self.table = (table, rows);
                self.progress.set("copying", Unit::Things("rows"), self.before + rows, self.total);
            }
            TransferStep::Verified { table, rows } => {
                self.progress.wait_for("comparing");
                self.progress.print(&format!("{table}: {rows} rows, equal"));
            }
        }
    }
}

fn show_backup(progress: &Progress, step: BackupStep) {
    match step {
        BackupStep::Copying { done, total } => progress.set("copying", Unit::Bytes, done, Some(total)),
        BackupStep::Hashing { done, total } => progress.set("computing the checksum", Unit::Bytes, done, Some(total)),
        BackupStep::Checking => progress.wait_for("checking every page"),
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

/// Runs blocking work and shows how far it is.
async fn off_thread(
    step: &'static str,
    work: impl FnOnce(ReportBackup<'_>) -> Result<BackupSummary, vestibule_store::StoreError> + Send + 'static,
) -> Result<BackupSummary, CommandError> {
    let working = tokio::task::spawn_blocking(move || {
        let progress = Progress::start(step);
        work(&|step| show_backup(&progress, step))
    });
    Ok(working.await??)
}
