//! Every statement of the house is understood by both engines.

use tokio_postgres::types::Type;
use vestibule_store::{Engine, Location, STATEMENTS, Sql, Store};

use crate::place::{Place, connect, on_both_engines};

on_both_engines!(every_statement_is_understood, a_wrong_statement_is_not_understood);

async fn every_statement_is_understood(store: Store) {
    let mut conn = store.read().await.unwrap();
    for (aggregate, statements) in STATEMENTS {
        assert!(!statements.is_empty());
        for sql in *statements {
            if let Err(error) = conn.prepare(sql).await {
                panic!("in {aggregate}: {error}");
            }
        }
    }
}

async fn a_wrong_statement_is_not_understood(store: Store) {
    const WRONG: Sql = Sql::new("SELECT nothing FROM nowhere");
    assert!(store.read().await.unwrap().prepare(&WRONG).await.is_err());
}

/// Behind some poolers a statement is sent with the types of its values instead of asking for them.
#[tokio::test]
async fn postgres_wants_of_every_parameter_the_type_it_is_sent_as() {
    let place = Place::postgres().await;
    place.open().await.close().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let connection = connect(url).await;
    for sql in STATEMENTS.iter().flat_map(|(_, statements)| *statements) {
        let text = sql.text(Engine::Postgres);
        for kind in connection.prepare(text).await.unwrap().params() {
            assert!([Type::INT8, Type::TEXT, Type::BYTEA].contains(kind), "{kind} in {text}");
        }
    }
}

/// The list would be worth little if a statement could be left out of it.
#[test]
fn every_statement_is_listed() {
    for (file, source) in crate::walls::aggregates() {
        let (_, list) = source.split_once("STATEMENTS: &[&Sql] =").unwrap_or_default();
        let (list, _) = list.split_once(';').unwrap_or_default();
        let listed: Vec<_> = list.split(['[', ',', ']']).map(|entry| entry.trim().trim_start_matches('&')).collect();
        for line in source.lines() {
            if let Some((name, _)) = line.strip_prefix("const ").and_then(|rest| rest.split_once(": Sql = ")) {
                assert!(listed.contains(&name), "{name} of {file} is not in its STATEMENTS");
            }
        }
    }
}

/// Tables with few rows in each project.
const SHORT: [&str; 4] = [" admin_keys ", " client_secrets ", " daily_counts ", " project_keys "];

/// A scan costs more the more guests there are, and on SQLite it keeps every writer waiting.
#[tokio::test]
async fn no_statement_looks_at_a_whole_table() {
    let place = Place::sqlite();
    let _store = place.open().await;
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    for (aggregate, statements) in STATEMENTS {
        for sql in *statements {
            let text = sql.text(Engine::Sqlite);
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                // There are few projects and all are wanted; the outbox is short, and seldom swept of a project.
                let is_scan = step.starts_with("SCAN") && !["SCAN projects", "SCAN outbox"].contains(&step.as_str());
                // All of a project is as good as the whole table, but for tables with few rows a project, for lists that
                // stop after a page, and for the end of a project.
                let is_walk = step.ends_with("(project_no=?)")
                    && !SHORT.iter().any(|table| step.contains(table))
                    && !text.contains("LIMIT")
                    && !["projects", "operators"].contains(aggregate);
                let is_fine = !is_scan && !is_walk;
                assert!(is_fine, "in {aggregate}: {step}: {text}");
            }
        }
    }
}
