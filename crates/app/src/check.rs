//! `vestibule check`: whether a store is sound, beside a running server or without one. Changes nothing.

use std::path::Path;

use vestibule_domain::{project::ProjectSettings, time::Timestamp};
use vestibule_store::{Conn, Store, StoreError, check_integrity, checks, keys, outbox, projects};

use crate::{
    adapters::entropy::Entropy,
    config::Config,
    crypto::{keyring::KeyRing, seal::MasterKey},
    events::{self, QueuedEvent},
    open::{self, OpenError},
};

/// Queued events that are read at a time.
const PAGE: i64 = 500;

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A check that found nothing wrong.
    Sound(String),
    /// What an operator may want to know.
    Note(String),
    /// What must not be.
    Problem(String),
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckStep {
    /// What is checked now.
    pub what: &'static str,
    /// Checks that are done.
    pub done: usize,
    /// All checks.
    pub total: usize,
}

/// Checks beside those of the rows: files, events, projects.
const OTHERS: usize = 3;

/// Checks the store of a configuration; `progress` is called before each step.
///
/// # Errors
/// When there is no store, or it cannot be read at all.
pub async fn check(config: &Config, now: Timestamp, progress: impl Fn(CheckStep)) -> Result<Vec<Finding>, OpenError> {
    let location = open::location(&config.store);
    open::require_store(config).await?;
    let mut report = Report::default();
    let rows = checks::PROBLEMS.len();
    let step = |what, done| progress(CheckStep { what, done, total: rows + OTHERS });
    step("pages and indexes", 0);
    let integrity = {
        let location = location.clone();
        tokio::task::spawn_blocking(move || check_integrity(&location)).await.map_err(|_| StoreError::Closed)??
    };
    if let Some(read) = integrity.read {
        report.judge(&format!("pages and indexes ({read})"), &integrity.faults);
    }
    let Some(mut conn) = Store::look(&location).await? else { return Ok(report.0) };
    Store::read_at_length(&mut conn).await?;
    if !report.compare_schema(&mut conn).await? {
        return Ok(report.0);
    }
    report.check_rows(&mut conn, |what, done| step(what, done + 1)).await?;
    step("queued events", rows + 1);
    report.check_events(&mut conn).await?;
    step("projects", rows + 2);
    report.check_projects(&mut conn, config).await?;
    report.describe(&mut conn, now).await?;
    Ok(report.0)
}

/// Checks only what the master key opens: settings and keys of the projects.
///
/// # Errors
/// When there is no store of this release's schema, or it cannot be read.
pub async fn check_keys(config: &Config) -> Result<Vec<Finding>, OpenError> {
    let mut report = Report::default();
    open::require_store(config).await?;
    if let Some(mut conn) = Store::look(&open::location(&config.store)).await?
        && report.compare_schema(&mut conn).await?
    {
        report.check_projects(&mut conn, config).await?;
    }
    Ok(report.0)
}

#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    /// Adds one problem for each fault, or that there is none.
    fn judge(&mut self, what: &str, faults: &[String]) {
        match faults {
            [] => self.0.push(Finding::Sound(what.to_string())),
            faults => self.0.extend(faults.iter().map(|fault| Finding::Problem(format!("{what}: {fault}")))),
        }
    }

    /// Whether the tables are those that this release knows.
    async fn compare_schema(&mut self, conn: &mut Conn) -> Result<bool, StoreError> {
        let (schema, newest) = (checks::schema(conn).await?, Store::NEWEST_SCHEMA);
        if schema < newest {
            self.0.push(Finding::Note(format!(
                "the schema ({schema}) is of an earlier release: the rows are not checked. This release's next start migrates it to {newest}"
            )));
        } else if schema > newest {
            self.0.push(Finding::Note(format!(
                "the schema ({schema}) is of a later release than this program ({newest}): check it with that release, too"
            )));
        }
        Ok(schema >= newest)
    }

    async fn check_rows(&mut self, conn: &mut Conn, step: impl Fn(&'static str, usize)) -> Result<(), StoreError> {
        for (done, check) in checks::PROBLEMS.iter().enumerate() {
            step(check.what, done);
            match checks::run(conn, check).await {
                Ok(found) if found.count == 0 => self.0.push(Finding::Sound(format!("no {}", check.what))),
                Ok(found) => {
                    let example = found.example.map(|id| format!(", for example of the user {}", hyphenate(&id)));
                    self.0.push(Finding::Problem(format!(
                        "{}: {}{}",
                        check.what,
                        found.count,
                        example.unwrap_or_default()
                    )));
                }
                // A damaged table cannot be counted; the others can.
                Err(error) => self.0.push(Finding::Problem(format!("{}: can't be counted: {error}", check.what))),
            }
        }
        Ok(())
    }

    /// Reads every queued event as the job that hands them on does.
    async fn check_events(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let (mut after, mut unreadable) = (0, Vec::new());
        loop {
            let ids = outbox::list_ids_any_project(conn, events::OUTBOX_KIND, after, PAGE).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            for id in ids {
                match outbox::find_any_project(conn, id).await {
                    Ok(row) => {
                        let is_read = |payload: &str| serde_json::from_str::<QueuedEvent>(payload).is_ok();
                        unreadable.extend(row.filter(|row| !is_read(&row.payload)).map(|row| row.id));
                    }
                    Err(StoreError::Decode { .. }) => unreadable.push(id),
                    Err(error) => return Err(error),
                }
            }
        }
        let kept = outbox::count_any_project(conn, events::UNREADABLE_KIND).await?;
        let mut faults = Vec::new();
        if let Some(first) = unreadable.first() {
            faults.push(format!("{} can't be read, the first one in row {first} of the outbox", unreadable.len()));
        }
        if kept > 0 {
            faults.push(format!(
                "{kept} could not be read and are kept aside, as rows of the kind {} of the outbox",
                events::UNREADABLE_KIND
            ));
        }
        self.judge("queued events", &faults);
        Ok(())
    }

    /// Reads the settings of every project, and its keys if the master key is at hand.
    async fn check_projects(&mut self, conn: &mut Conn, config: &Config) -> Result<(), StoreError> {
        let master = read_master_key(config);
        let (mut settings, mut sealed) = (Vec::new(), Vec::new());
        for project in projects::list_any_project(conn).await? {
            if let Err(error) = ProjectSettings::from_json(&project.settings) {
                settings.push(format!("project {}: {error}", project.id));
            }
            if let Some(Ok(master)) = &master {
                let rows = keys::list(conn, project.no).await?;
                let opened = KeyRing::open(&project.id, rows, master);
                sealed.extend(opened.err().map(|error| format!("project {}: {error}", project.id)));
            }
        }
        self.judge("settings of the projects", &settings);
        match master {
            Some(Ok(_)) => self.judge("keys of the projects, with the master key", &sealed),
            Some(Err(error)) => self.0.push(Finding::Problem(format!("master key: {error}"))),
            None => {
                self.0.push(Finding::Note(
                    "there is no master key file: the keys of the projects are not checked".into(),
                ));
            }
        }
        Ok(())
    }

    async fn describe(&mut self, conn: &mut Conn, now: Timestamp) -> Result<(), StoreError> {
        for amount in checks::AMOUNTS {
            let found = checks::run(conn, amount).await?;
            self.0.push(Finding::Note(format!("{}: {}", amount.what, found.count)));
        }
        let expired = checks::count_expired(conn, now).await?;
        self.0.push(Finding::Note(format!("expired rows that a running server removes: {expired}")));
        Ok(())
    }
}

/// The master key, if there is one: a check creates none.
fn read_master_key(config: &Config) -> Option<Result<MasterKey, String>> {
    let key = match open::master_key_file(config) {
        None => MasterKey::from_hex(&config.secrets.master_key, "secrets.master_key"),
        Some(file) if Path::new(&file).exists() => MasterKey::from_file(&file, &Entropy::Os),
        Some(_) => return None,
    };
    Some(key.map_err(|error| error.to_string()))
}

/// A user ID as the server prints it, from its hexadecimal digits.
fn hyphenate(digits: &str) -> String {
    let mut id = digits.to_string();
    if id.len() == 32 && id.is_ascii() {
        for at in [20, 16, 12, 8] {
            id.insert(at, '-');
        }
    }
    id
}
