//! The questions of `vestibule check`: a sound store has no such rows, and each kind of bad row is found.

use vestibule_store::{Location, Store, check_integrity, checks};

use crate::test_store::{TestStore, connect};

/// Rows of a sound store.
const SOUND: &str = "
INSERT INTO projects (no, id, public_origin, settings, version, created_at, updated_at) VALUES (1, 'shop', 'https://a.test', '{}', 1, 1, 1);
INSERT INTO project_keys (project_no, kid, purpose, sealed, created_at) VALUES (1, 'k', 'RS256', {BYTES32}, 1);
INSERT INTO users (project_no, id, created_at, updated_at, anonymous_since) VALUES (1, {A}, 1, 1, 1);
INSERT INTO users (project_no, id, created_at, updated_at, promoted_at) VALUES (1, {B}, 1, 1, 1);
INSERT INTO login_ids (project_no, kind, value, id, user_id, original, created_at, updated_at) VALUES (1, 'email', 'kim@shop.example', {A}, {B}, 'x', 1, 1);
INSERT INTO passwords (project_no, user_id, hash, created_at, updated_at) VALUES (1, {B}, 'x', 1, 1);
";

/// One bad change, and what finds it.
const BAD: [(&str, &str); 15] = [
    (
        "INSERT INTO login_ids (project_no, kind, value, id, user_id, original, created_at, updated_at) VALUES (1, 'email', 'x', {A}, {C}, 'x', 1, 1)",
        "login IDs without a user",
    ),
    (
        "INSERT INTO passwords (project_no, user_id, hash, created_at, updated_at) VALUES (1, {C}, 'x', 1, 1)",
        "passwords without a user",
    ),
    (
        "INSERT INTO passkeys (project_no, credential_id, id, user_id, public_key, sign_count, created_at) VALUES (1, {A}, {A}, {C}, {A}, 0, 1)",
        "passkeys without a user",
    ),
    (
        "INSERT INTO device_keys (project_no, kid, id, user_id, jwk, created_at, last_used_at) VALUES (1, 'x', {A}, {C}, '{}', 1, 1)",
        "device keys without a user",
    ),
    (
        "INSERT INTO sessions (project_no, id, user_id, secret_hash, created_at, last_access_at, authenticated_at) VALUES (1, {A}, {C}, {BYTES32}, 1, 1, 1)",
        "sessions without a user",
    ),
    (
        "INSERT INTO consents (project_no, user_id, client_id, scope, granted_at, updated_at) VALUES (1, {C}, 'x', 'x', 1, 1)",
        "consents without a user",
    ),
    (
        "INSERT INTO external_accounts (project_no, provider, subject, id, user_id, created_at, updated_at) VALUES (1, 'google', 'x', {A}, {C}, 1, 1)",
        "external accounts without a user",
    ),
    ("DELETE FROM login_ids", "promoted users without a login method"),
    (
        "INSERT INTO passwords (project_no, user_id, hash, created_at, updated_at) VALUES (1, {A}, 'x', 1, 1)",
        "guests with a login method of a member",
    ),
    ("UPDATE users SET promoted_at = 1 WHERE id = {A}", "guests that are marked as promoted"),
    (
        "INSERT INTO grants (project_no, id, user_id, client_id, token_hash, created_at, last_access_at, authenticated_at) VALUES (1, {A}, {A}, 'x', {A}, 1, 1, 1)",
        "IDs or token hashes of a wrong length",
    ),
    ("UPDATE users SET project_no = 2 WHERE id = {A}", "users of a project that does not exist"),
    (
        "INSERT INTO project_keys (project_no, kid, purpose, sealed, created_at) VALUES (2, 'k', 'RS256', {A}, 1)",
        "keys of a project that does not exist",
    ),
    ("DELETE FROM project_keys", "projects without a signing key"),
    (
        "INSERT INTO operator_roles (project_no, operator_id, role) VALUES (1, {A}, 'owner')",
        "roles, sessions or passkeys of an operator that does not exist",
    ),
];

/// The names of what a store has that it must not have.
async fn find(location: &Location) -> Vec<&'static str> {
    let mut conn = Store::look(location).await.unwrap().expect("a store");
    Store::read_at_length(&mut conn).await.unwrap();
    let mut found = Vec::new();
    for check in checks::PROBLEMS {
        let rows = checks::run(&mut conn, check).await.unwrap();
        found.extend((rows.count > 0).then_some(check.what));
    }
    for check in checks::AMOUNTS {
        checks::run(&mut conn, check).await.unwrap();
    }
    assert_eq!(checks::schema(&mut conn).await.unwrap(), Store::NEWEST_SCHEMA);
    checks::count_expired(&mut conn, crate::test_store::at(9)).await.unwrap();
    found
}

/// The statement with its values in the notation of an engine.
fn fill(text: &str, bytes: impl Fn(&str) -> String) -> String {
    let ids = [("{A}", "a1"), ("{B}", "b2"), ("{C}", "c3")];
    let filled = ids.iter().fold(text.to_owned(), |text, (name, pair)| text.replace(name, &bytes(&pair.repeat(16))));
    filled.replace("{BYTES32}", &bytes(&"d4".repeat(32)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_bad_row_is_found_on_sqlite() {
    let bytes = |digits: &str| format!("x'{digits}'");
    for (bad, what) in [("", "")].into_iter().chain(BAD) {
        let place = TestStore::sqlite();
        place.open().await.close().await;
        let connection = rusqlite::Connection::open(place.path()).unwrap();
        connection.execute_batch(&fill(SOUND, bytes)).unwrap();
        connection.execute_batch(&fill(bad, bytes)).unwrap();
        drop(connection);
        let found = find(&place.location).await;
        assert_eq!(found, if what.is_empty() { vec![] } else { vec![what] }, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn each_kind_of_bad_row_is_found_on_postgres() {
    let bytes = |digits: &str| format!("'\\x{digits}'::bytea");
    for (bad, what) in [("", "")].into_iter().chain(BAD) {
        let place = TestStore::postgres().await;
        place.open().await.close().await;
        let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
        let connection = connect(url).await;
        connection.batch_execute(&fill(SOUND, bytes)).await.unwrap();
        connection.batch_execute(&fill(bad, bytes)).await.unwrap();
        let found = find(&place.location).await;
        assert_eq!(found, if what.is_empty() { vec![] } else { vec![what] }, "{bad}");
    }
}

#[tokio::test]
async fn damaged_pages_are_found_beside_an_open_store() {
    let place = TestStore::sqlite();
    place.open().await.close().await;
    let store = place.open().await;
    let integrity = check_integrity(&place.location).unwrap();
    assert!(integrity.faults.is_empty() && integrity.read.is_some(), "{integrity:?}");
    store.close().await;
    drop(store);
    let mut bytes = std::fs::read(place.path()).unwrap();
    // The header of a page in the middle.
    bytes[10 * 4_096..10 * 4_096 + 8].fill(0xff);
    std::fs::write(place.path(), bytes).unwrap();
    assert!(!check_integrity(&place.location).unwrap().faults.is_empty());
}
