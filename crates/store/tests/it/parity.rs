//! Both engines have the same tables, columns, types and nullability after migration.

use std::collections::BTreeSet;

use vestibule_store::Store;

use crate::test_store::{TestStore, connect};

type Column = (String, String, &'static str, bool);

fn sqlite_columns(place: &TestStore) -> BTreeSet<Column> {
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT t.name, c.name, c.type, c.\"notnull\"
             FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let rows = statement.query_map([], |row| {
        let kind = match row.get::<_, String>(2)?.as_str() {
            "INTEGER" => "integer",
            "TEXT" => "text",
            "BLOB" => "bytes",
            other => panic!("a column of type {other}"),
        };
        Ok((row.get(0)?, row.get(1)?, kind, row.get(3)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

async fn postgres_columns(place: &TestStore) -> BTreeSet<Column> {
    let vestibule_store::Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let rows = connect(url)
        .await
        .query(
            "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO'
             FROM information_schema.columns WHERE table_schema = 'public'",
            &[],
        )
        .await
        .unwrap();
    rows.iter()
        .map(|row| {
            let kind = match row.get::<_, &str>(2) {
                "bigint" => "integer",
                "text" => "text",
                "bytea" => "bytes",
                other => panic!("a column of type {other}"),
            };
            (row.get(0), row.get(1), kind, row.get(3))
        })
        .collect()
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn both_engines_have_the_same_columns() {
    let (sqlite, postgres) = (TestStore::sqlite(), TestStore::postgres().await);
    let _open: [Store; 2] = [sqlite.open().await, postgres.open().await];
    let (ours, theirs) = (sqlite_columns(&sqlite), postgres_columns(&postgres).await);
    assert!(ours.len() > 50);
    assert_eq!(ours.difference(&theirs).collect::<Vec<_>>(), Vec::<&Column>::new(), "only on SQLite");
    assert_eq!(theirs.difference(&ours).collect::<Vec<_>>(), Vec::<&Column>::new(), "only on PostgreSQL");
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn both_engines_have_the_same_indexes() {
    let (sqlite, postgres) = (TestStore::sqlite(), TestStore::postgres().await);
    let _open: [Store; 2] = [sqlite.open().await, postgres.open().await];
    let connection = rusqlite::Connection::open(sqlite.path()).unwrap();
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL").unwrap();
    let ours: BTreeSet<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let vestibule_store::Location::Postgres { url, .. } = &postgres.location else { panic!("not on PostgreSQL") };
    let rows = connect(url)
        .await
        .query(
            "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE '%\\_by\\_%'",
            &[],
        )
        .await
        .unwrap();
    let theirs: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(!ours.is_empty());
    assert_eq!(ours, theirs);
}
