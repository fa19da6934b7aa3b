//! Migration 0013 on the rows of an earlier release, on both engines.

use vestibule_store::{Location, Store};

use crate::test_store::{TestStore, connect};

/// The migrations of the release before 0013.
macro_rules! migrations_before {
    ($engine:literal) => {
        [
            include_str!(concat!("../../migrations/0001_foundation.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0003_credentials.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0004_events.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0006_seen.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0007_operators.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0008_dense_indexes.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0009_planner.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0010_operator_passkeys.", $engine, ".sql")),
            include_str!(concat!("../../migrations/0011_operator_events.", $engine, ".sql")),
            BEFORE,
        ]
    };
}

/// The data of that release.
const BEFORE: &str = "
CREATE TABLE migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO migrations (version, name) VALUES (11, '0011_operator_events');
INSERT INTO projects (id, public_origin, settings, version, created_at, updated_at) VALUES
  ('a', 'https://auth.shop.example', '{}', 1, 1, 1),
  ('b', 'http://auth.shop.example', '{}', 1, 1, 1),
  ('c', 'http://auth.shop.example:443', '{}', 1, 1, 1),
  ('d', 'https://auth.shop.example:8443', '{}', 1, 1, 1),
  ('e', 'https://auth.shop.example.:8443', '{}', 1, 1, 1),
  ('f', 'https://blog.example.:80', '{}', 1, 1, 1),
  ('g', 'http://[::1]:8080', '{}', 1, 1, 1),
  ('h', 'https://blog.example.', '{}', 1, 1, 1);
";
const AUTHORITIES: &str = "SELECT authority FROM projects ORDER BY no";
/// The previous release writes rows without the column.
const WRITTEN_BY_THE_PREVIOUS: &str = "
INSERT INTO projects (id, public_origin, settings, version, created_at, updated_at)
  VALUES ('i', 'http://blog.example', '{}', 1, 1, 1), ('j', 'https://blog.example:80', '{}', 1, 1, 1)";

fn expected() -> Vec<Option<String>> {
    let authorities = ["auth.shop.example", "", "", "auth.shop.example:8443", "", "blog.example", "[::1]:8080", ""];
    authorities.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty())).into()
}

#[tokio::test]
async fn hosts_are_filled_in_and_the_older_keeps_them_on_sqlite() {
    let place = TestStore::sqlite();
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    for text in migrations_before!("sqlite") {
        connection.execute_batch(text).unwrap();
    }
    let store: Store = place.open().await;
    let read = || {
        let mut statement = connection.prepare(AUTHORITIES).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(read(), expected());
    connection.execute_batch(WRITTEN_BY_THE_PREVIOUS).unwrap();
    store.close().await;
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn hosts_are_filled_in_and_the_older_keeps_them_on_postgres() {
    let place = TestStore::postgres().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let client = connect(url).await;
    for text in migrations_before!("postgres") {
        client.batch_execute(text).await.unwrap();
    }
    let store = place.open().await;
    let rows = client.query(AUTHORITIES, &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<Option<String>>>(), expected());
    client.batch_execute(WRITTEN_BY_THE_PREVIOUS).await.unwrap();
    store.close().await;
}
