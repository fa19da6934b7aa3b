//! Migration 0017 on the rows of an earlier release, on both engines.

use vestibule_domain::id::ProjectNo;
use vestibule_store::{Location, Store, counts};

use crate::test_store::{TestStore, connect};

/// A guest of 2030-05-01T00:00:00Z (its ID says so) was promoted; two others signed in to an existing account, one of them
/// after two days.
const BEFORE: &str = r#"
DELETE FROM migrations WHERE version >= 17;
DROP TABLE consents;
DROP TABLE client_starts;
DROP TABLE limit_counts;
DROP TABLE device_codes;
DROP TABLE login_method_changes;
DROP TABLE external_accounts;
DROP TABLE provider_secrets;
DROP INDEX hook_deliveries_by_dead_lane;
DROP INDEX outbox_by_kept_user;
CREATE INDEX outbox_by_due ON outbox (kind, due_at);
DROP TABLE subjects;
DROP TABLE foreign_subjects;
DROP TABLE retention_marks;
DROP TABLE retention_holds;
DROP TABLE merges;
DROP TABLE user_names;
DROP TABLE logos;
DROP TABLE receiver_moves;
DROP INDEX login_ids_by_domain;
DROP INDEX users_by_standing;
DROP INDEX users_by_login;
DELETE FROM job_state WHERE name = 'user_names';
-- 0018, 0020, 0025, 0026, 0028, 0029, 0042, 0051 and 0056 again, which would find their columns.
ALTER TABLE users DROP COLUMN sessions_ended_at;
ALTER TABLE grants DROP COLUMN ends_at;
ALTER TABLE operators DROP COLUMN email_proved_at;
ALTER TABLE operator_links DROP COLUMN made_by;
ALTER TABLE operator_links DROP COLUMN is_mailed;
ALTER TABLE users DROP COLUMN credential_generation;
ALTER TABLE users DROP COLUMN full_endings;
ALTER TABLE users DROP COLUMN left_at;
ALTER TABLE users DROP COLUMN left_client;
DELETE FROM job_state WHERE name = 'retention_since';
ALTER TABLE operators DROP COLUMN credential_generation;
DROP INDEX outbox_by_claim;
DROP INDEX hook_deliveries_by_claim;
ALTER TABLE outbox DROP COLUMN claimed_by;
ALTER TABLE hook_deliveries DROP COLUMN claimed_by;
ALTER TABLE hook_deliveries DROP COLUMN tries;
INSERT INTO events (project_no, seq, user_id, type, client_id, body, created_at) VALUES
  (1, 1, NULL, 'user.anonymous.promoted', 'web',
   '{"payload":{"anonymous_user":{"id":"01bb44c0-d400-7000-8000-000000000001"},"user":{"id":"01bb44c0-d400-7000-8000-000000000001"}}}',
   1903824030000000),
  (1, 2, NULL, 'user.anonymous.promoted', 'web',
   '{"payload":{"anonymous_user":{"id":"01bb44c0-d400-7000-8000-000000000002"},"user":{"id":"01bb44c0-d400-7000-8000-000000000009"}}}',
   1903824600000000),
  (1, 3, NULL, 'user.anonymous.promoted', NULL,
   '{"payload":{"anonymous_user":{"id":"01bb44c0-d400-7000-8000-000000000003"},"user":{"id":"01bb44c0-d400-7000-8000-000000000009"}}}',
   1903996800000000),
  (1, 4, NULL, 'user.authenticated', 'web', '{"payload":{}}', 1903996800000000);
"#;

async fn check(store: &Store) {
    let counts = counts::list(&mut store.read().await.unwrap(), ProjectNo(1), 0, i64::MAX).await.unwrap();
    let found: Vec<_> =
        counts.iter().map(|one| (one.day, one.client_id.as_str(), one.name.as_str(), one.count)).collect();
    assert_eq!(
        found,
        [
            (DAY, "", "guests_signed_in_of_day", 1),
            (DAY, "web", "guests_signed_in", 1),
            (DAY, "web", "guests_signed_in_of_day", 1),
            (DAY, "web", "signed_in_within_10m", 1),
            (DAY + 2, "", "guests_signed_in", 1),
            (DAY + 2, "", "signed_in_within_7d", 1),
        ]
    );
}

/// 2030-05-01.
const DAY: i64 = 22_035;

#[tokio::test]
async fn those_who_signed_in_are_counted_from_the_log_on_sqlite() {
    let place = TestStore::sqlite();
    place.open().await.close().await;
    rusqlite::Connection::open(place.path()).unwrap().execute_batch(BEFORE).unwrap();
    check(&place.open().await).await;
}

#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn those_who_signed_in_are_counted_from_the_log_on_postgres() {
    let place = TestStore::postgres().await;
    place.open().await.close().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    connect(url).await.batch_execute(BEFORE).await.unwrap();
    check(&place.open().await).await;
}
