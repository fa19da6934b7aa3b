//! Every statement of the house is understood by both engines.

use vestibule_store::{STATEMENTS, Sql, Store};

use crate::place::on_both_engines;

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
