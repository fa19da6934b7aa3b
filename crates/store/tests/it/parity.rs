//! Both engines have the same tables, columns, types and nullability after migration.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_store::{Store, projects};

use crate::test_store::{P, TestStore, connect, write};

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

/// For each table with rows of projects: a statement that adds a row of project 1, and one that counts such rows.
fn rows_of_a_project(columns: &BTreeSet<Column>, overriding: &str, bytes: &str) -> Vec<(String, String)> {
    let mut tables: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
    for column in columns {
        tables.entry(&column.0).or_default().push(column);
    }
    tables.retain(|_, columns| columns.iter().any(|(_, name, ..)| name == "project_no"));
    assert!(tables.len() > 20, "{:?}", tables.keys());
    let statements = tables.into_iter().map(|(table, columns)| {
        let needed: Vec<_> =
            columns.into_iter().filter(|(_, name, _, is_needed)| *is_needed || name == "project_no").collect();
        let names: Vec<_> = needed.iter().map(|(_, name, ..)| name.as_str()).collect();
        let value = |kind| match kind {
            "integer" => "1",
            "bytes" => bytes,
            _ => "'1'",
        };
        let values: Vec<_> = needed.iter().map(|(_, _, kind, _)| value(*kind)).collect();
        let (names, values) = (names.join(", "), values.join(", "));
        let counting = format!("SELECT COUNT(*) FROM {table} WHERE project_no = 1");
        (format!("INSERT INTO {table} ({names}) {overriding} VALUES ({values})"), counting)
    });
    statements.collect()
}

#[tokio::test]
async fn a_deleted_project_leaves_no_row_in_any_table_on_sqlite() {
    let place = TestStore::sqlite();
    let store = place.open().await;
    let statements = rows_of_a_project(&sqlite_columns(&place), "", "x'31'");
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    let count = |text: &str| connection.query_row(text, [], |row| row.get::<_, i64>(0)).unwrap();
    for (adding, counting) in &statements {
        connection.execute(adding, []).unwrap_or_else(|error| panic!("{error}: {adding}"));
        assert_eq!(count(counting), 1, "{counting}");
    }
    write(&store, (), |tx, ()| Box::pin(projects::delete(tx, P))).await;
    for (_, counting) in &statements {
        assert_eq!(count(counting), 0, "{counting}");
    }
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_deleted_project_leaves_no_row_in_any_table_on_postgres() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let statements = rows_of_a_project(&postgres_columns(&place).await, "OVERRIDING SYSTEM VALUE", "'1'");
    let vestibule_store::Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let connection = connect(url).await;
    let count = async |text: &str| connection.query_one(text, &[]).await.unwrap().get::<_, i64>(0);
    for (adding, counting) in &statements {
        connection.execute(adding, &[]).await.unwrap_or_else(|error| panic!("{error}: {adding}"));
        assert_eq!(count(counting).await, 1, "{counting}");
    }
    write(&store, (), |tx, ()| Box::pin(projects::delete(tx, P))).await;
    for (_, counting) in &statements {
        assert_eq!(count(counting).await, 0, "{counting}");
    }
}
