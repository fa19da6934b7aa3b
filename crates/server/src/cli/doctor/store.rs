//! The store: there, of this release, readable, writable, with the right master key, and not ahead of the clock.

use std::time::Duration;

use vestibule_app::{
    adapters::entropy::Entropy,
    check::{Finding, check_keys},
    config::Config,
    open, readiness,
};
use vestibule_domain::{project::Origin, time::Timestamp};
use vestibule_store::{Conn, Store, StoreError, checks, projects};

use super::report::Report;

const CHECK: &str = "store";
/// How far the clocks of nodes may differ.
const APART: Duration = Duration::from_secs(5);

/// Checks the store; returns the origins of its projects, with their IDs.
pub(super) async fn check(config: &Config, now: Timestamp, report: &mut Report) -> Vec<(String, Origin)> {
    let found = match Store::look(&open::location(&config.store)).await {
        Ok(found) => found,
        Err(error) => {
            report.fail(CHECK, &error.to_string(), "correct store.url, or start the database");
            return Vec::new();
        }
    };
    let Some(mut conn) = found else {
        report.fail(CHECK, "there is no store yet", "create it with a project: vestibule project apply FILE");
        return Vec::new();
    };
    match look(&mut conn, config, now, report).await {
        Ok(projects) => projects,
        Err(error) => {
            report.fail(CHECK, &error.to_string(), "run `vestibule check` for details");
            Vec::new()
        }
    }
}

async fn look(
    conn: &mut Conn,
    config: &Config,
    now: Timestamp,
    report: &mut Report,
) -> Result<Vec<(String, Origin)>, StoreError> {
    let (schema, newest) = (checks::schema(conn).await?, Store::NEWEST_SCHEMA);
    let origins = list_origins(conn).await?;
    if origins.is_empty() {
        report.warn(CHECK, "there is no project", "create one: vestibule project apply FILE");
    }
    if schema < newest {
        let message = format!("the schema ({schema}) is of an earlier release than this program ({newest})");
        report.warn(CHECK, &message, "the next start of the server migrates it; back up before");
        return Ok(origins);
    }
    if schema > newest {
        let message = format!("the schema ({schema}) is of a later release than this program ({newest})");
        report.fail(CHECK, &message, "use the release of the server");
        return Ok(origins);
    }
    let last = readiness::read_last_proof(conn).await?;
    if last.is_some_and(|last| last > now.plus(APART)) {
        let message = format!(
            "the clock is behind the last write of a server: it is {} here, and was {} there",
            now.to_rfc3339(),
            last.map(Timestamp::to_rfc3339).unwrap_or_default()
        );
        report.fail("clock", &message, "synchronize the clocks of all nodes (NTP)");
        // A proof of now would hide it.
        return Ok(origins);
    }
    prove_write(config, now, report).await;
    check_projects(config, report).await;
    Ok(origins)
}

async fn list_origins(conn: &mut Conn) -> Result<Vec<(String, Origin)>, StoreError> {
    let rows = projects::list_any_project(conn).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, Origin::parse(&row.public_origin).ok()?))).collect())
}

async fn prove_write(config: &Config, now: Timestamp, report: &mut Report) {
    let (store, _) = match open::open_existing_store(config, &Entropy::Os).await {
        Ok(opened) => opened,
        Err(error) => {
            return report.fail(CHECK, &error.to_string(), "run this command as the user that the server runs as");
        }
    };
    match readiness::prove_write(&store, now).await {
        Ok(()) => report.ok(CHECK, "it can be read, and a write succeeded"),
        Err(error) => {
            report.fail(CHECK, &format!("it takes no write: {error}"), "look at the disk and at the owner of its files")
        }
    }
    store.close().await;
}

async fn check_projects(config: &Config, report: &mut Report) {
    let findings = match check_keys(config).await {
        Ok(findings) => findings,
        Err(error) => return report.fail("keys", &error.to_string(), "run `vestibule check` for details"),
    };
    for finding in findings {
        match finding {
            Finding::Sound(text) => report.ok("keys", &text),
            Finding::Note(text) => report.warn("keys", &text, "start the server once, or set secrets.master_key_file"),
            Finding::Problem(text) => {
                report.fail(
                    "keys",
                    &text,
                    "use the master key that the store was created with; a backup of it has the same 64 digits",
                );
            }
        }
    }
}
