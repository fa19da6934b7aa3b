//! Module boundaries inside the crate: drivers stay in `db`, SQL stays in the aggregates.

use std::{fs, path::Path};

/// The source of every aggregate: each file beside `lib.rs`.
pub(crate) fn aggregates() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("the sources are here") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("lib.rs") {
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(&path).expect("a readable file")));
        }
    }
    assert!(files.len() > 10);
    files
}

#[test]
fn no_aggregate_names_a_driver() {
    for (file, source) in aggregates() {
        for driver in ["rusqlite", "tokio_postgres", "deadpool"] {
            assert!(!source.contains(driver), "{file} names {driver}; only src/db may");
        }
    }
}

#[test]
fn no_aggregate_builds_sql_from_values() {
    for (file, source) in aggregates() {
        assert!(!source.contains("format!("), "{file} formats text; a statement is a constant");
    }
}
