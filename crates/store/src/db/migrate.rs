//! Schema migrations: numbered pairs of SQL files, forward only. Uses both drivers and the table `migrations`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use tokio_postgres::types::Type;

use super::{
    StoreError,
    error::{describe, is_broken},
};

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_foundation",
        sqlite: include_str!("../../migrations/0001_foundation.sqlite.sql"),
        postgres: include_str!("../../migrations/0001_foundation.postgres.sql"),
    },
    Migration {
        version: 3,
        name: "0003_credentials",
        sqlite: include_str!("../../migrations/0003_credentials.sqlite.sql"),
        postgres: include_str!("../../migrations/0003_credentials.postgres.sql"),
    },
    Migration {
        version: 4,
        name: "0004_events",
        sqlite: include_str!("../../migrations/0004_events.sqlite.sql"),
        postgres: include_str!("../../migrations/0004_events.postgres.sql"),
    },
    Migration {
        version: 6,
        name: "0006_seen",
        sqlite: include_str!("../../migrations/0006_seen.sqlite.sql"),
        postgres: include_str!("../../migrations/0006_seen.postgres.sql"),
    },
    Migration {
        version: 7,
        name: "0007_operators",
        sqlite: include_str!("../../migrations/0007_operators.sqlite.sql"),
        postgres: include_str!("../../migrations/0007_operators.postgres.sql"),
    },
    Migration {
        version: 8,
        name: "0008_dense_indexes",
        sqlite: include_str!("../../migrations/0008_dense_indexes.sqlite.sql"),
        postgres: include_str!("../../migrations/0008_dense_indexes.postgres.sql"),
    },
    Migration {
        version: 9,
        name: "0009_planner",
        sqlite: include_str!("../../migrations/0009_planner.sqlite.sql"),
        postgres: include_str!("../../migrations/0009_planner.postgres.sql"),
    },
    Migration {
        version: 10,
        name: "0010_operator_passkeys",
        sqlite: include_str!("../../migrations/0010_operator_passkeys.sqlite.sql"),
        postgres: include_str!("../../migrations/0010_operator_passkeys.postgres.sql"),
    },
    Migration {
        version: 11,
        name: "0011_operator_events",
        sqlite: include_str!("../../migrations/0011_operator_events.sqlite.sql"),
        postgres: include_str!("../../migrations/0011_operator_events.postgres.sql"),
    },
    Migration {
        version: 12,
        name: "0012_repeats",
        sqlite: include_str!("../../migrations/0012_repeats.sqlite.sql"),
        postgres: include_str!("../../migrations/0012_repeats.postgres.sql"),
    },
    Migration {
        version: 13,
        name: "0013_authority",
        sqlite: include_str!("../../migrations/0013_authority.sqlite.sql"),
        postgres: include_str!("../../migrations/0013_authority.postgres.sql"),
    },
    Migration {
        version: 14,
        name: "0014_shares",
        sqlite: include_str!("../../migrations/0014_shares.sqlite.sql"),
        postgres: include_str!("../../migrations/0014_shares.postgres.sql"),
    },
    Migration {
        version: 15,
        name: "0015_passkey_backup",
        sqlite: include_str!("../../migrations/0015_passkey_backup.sqlite.sql"),
        postgres: include_str!("../../migrations/0015_passkey_backup.postgres.sql"),
    },
    Migration {
        version: 16,
        name: "0016_operator_event_times",
        sqlite: include_str!("../../migrations/0016_operator_event_times.sqlite.sql"),
        postgres: include_str!("../../migrations/0016_operator_event_times.postgres.sql"),
    },
    Migration {
        version: 17,
        name: "0017_guests_signed_in",
        sqlite: include_str!("../../migrations/0017_guests_signed_in.sqlite.sql"),
        postgres: include_str!("../../migrations/0017_guests_signed_in.postgres.sql"),
    },
    Migration {
        version: 18,
        name: "0018_promotion",
        sqlite: include_str!("../../migrations/0018_promotion.sqlite.sql"),
        postgres: include_str!("../../migrations/0018_promotion.postgres.sql"),
    },
    Migration {
        version: 20,
        name: "0020_operator_proofs",
        sqlite: include_str!("../../migrations/0020_operator_proofs.sqlite.sql"),
        postgres: include_str!("../../migrations/0020_operator_proofs.postgres.sql"),
    },
    Migration {
        version: 22,
        name: "0022_consents",
        sqlite: include_str!("../../migrations/0022_consents.sqlite.sql"),
        postgres: include_str!("../../migrations/0022_consents.postgres.sql"),
    },
    Migration {
        version: 25,
        name: "0025_ended_access",
        sqlite: include_str!("../../migrations/0025_ended_access.sqlite.sql"),
        postgres: include_str!("../../migrations/0025_ended_access.postgres.sql"),
    },
    Migration {
        version: 26,
        name: "0026_known_browsers",
        sqlite: include_str!("../../migrations/0026_known_browsers.sqlite.sql"),
        postgres: include_str!("../../migrations/0026_known_browsers.postgres.sql"),
    },
    Migration {
        version: 27,
        name: "0027_login_method_changes",
        sqlite: include_str!("../../migrations/0027_login_method_changes.sqlite.sql"),
        postgres: include_str!("../../migrations/0027_login_method_changes.postgres.sql"),
    },
    Migration {
        version: 28,
        name: "0028_full_endings",
        sqlite: include_str!("../../migrations/0028_full_endings.sqlite.sql"),
        postgres: include_str!("../../migrations/0028_full_endings.postgres.sql"),
    },
    Migration {
        version: 29,
        name: "0029_claims",
        sqlite: include_str!("../../migrations/0029_claims.sqlite.sql"),
        postgres: include_str!("../../migrations/0029_claims.postgres.sql"),
    },
    Migration {
        version: 31,
        name: "0031_due_order",
        sqlite: include_str!("../../migrations/0031_due_order.sqlite.sql"),
        postgres: include_str!("../../migrations/0031_due_order.postgres.sql"),
    },
    Migration {
        version: 32,
        name: "0032_limit_counts",
        sqlite: include_str!("../../migrations/0032_limit_counts.sqlite.sql"),
        postgres: include_str!("../../migrations/0032_limit_counts.postgres.sql"),
    },
    Migration {
        version: 35,
        name: "0035_device_codes",
        sqlite: include_str!("../../migrations/0035_device_codes.sqlite.sql"),
        postgres: include_str!("../../migrations/0035_device_codes.postgres.sql"),
    },
    Migration {
        version: 37,
        name: "0037_external_accounts",
        sqlite: include_str!("../../migrations/0037_external_accounts.sqlite.sql"),
        postgres: include_str!("../../migrations/0037_external_accounts.postgres.sql"),
    },
    Migration {
        version: 40,
        name: "0040_subjects",
        sqlite: include_str!("../../migrations/0040_subjects.sqlite.sql"),
        postgres: include_str!("../../migrations/0040_subjects.postgres.sql"),
    },
    Migration {
        version: 42,
        name: "0042_retention",
        sqlite: include_str!("../../migrations/0042_retention.sqlite.sql"),
        postgres: include_str!("../../migrations/0042_retention.postgres.sql"),
    },
    Migration {
        version: 46,
        name: "0046_merges",
        sqlite: include_str!("../../migrations/0046_merges.sqlite.sql"),
        postgres: include_str!("../../migrations/0046_merges.postgres.sql"),
    },
    Migration {
        version: 51,
        name: "0051_delivery_tries",
        sqlite: include_str!("../../migrations/0051_delivery_tries.sqlite.sql"),
        postgres: include_str!("../../migrations/0051_delivery_tries.postgres.sql"),
    },
    Migration {
        version: 56,
        name: "0056_life_of_a_guest",
        sqlite: include_str!("../../migrations/0056_life_of_a_guest.sqlite.sql"),
        postgres: include_str!("../../migrations/0056_life_of_a_guest.postgres.sql"),
    },
    Migration {
        version: 57,
        name: "0057_user_names",
        sqlite: include_str!("../../migrations/0057_user_names.sqlite.sql"),
        postgres: include_str!("../../migrations/0057_user_names.postgres.sql"),
    },
    Migration {
        version: 58,
        name: "0058_dated_challenges",
        sqlite: include_str!("../../migrations/0058_dated_challenges.sqlite.sql"),
        postgres: include_str!("../../migrations/0058_dated_challenges.postgres.sql"),
    },
    Migration {
        version: 59,
        name: "0059_standing",
        sqlite: include_str!("../../migrations/0059_standing.sqlite.sql"),
        postgres: include_str!("../../migrations/0059_standing.postgres.sql"),
    },
    Migration {
        version: 60,
        name: "0060_receiver_moves",
        sqlite: include_str!("../../migrations/0060_receiver_moves.sqlite.sql"),
        postgres: include_str!("../../migrations/0060_receiver_moves.postgres.sql"),
    },
    Migration {
        version: 61,
        name: "0061_room_for_uses",
        sqlite: include_str!("../../migrations/0061_room_for_uses.sqlite.sql"),
        postgres: include_str!("../../migrations/0061_room_for_uses.postgres.sql"),
    },
    Migration {
        version: 62,
        name: "0062_logos",
        sqlite: include_str!("../../migrations/0062_logos.sqlite.sql"),
        postgres: include_str!("../../migrations/0062_logos.postgres.sql"),
    },
    Migration {
        version: 63,
        name: "0063_last_logins",
        sqlite: include_str!("../../migrations/0063_last_logins.sqlite.sql"),
        postgres: include_str!("../../migrations/0063_last_logins.postgres.sql"),
    },
];

/// The newest migration that this release knows.
pub(super) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// Serializes migrating nodes on PostgreSQL. The number is arbitrary, but must not be used for another lock.
const ADVISORY_LOCK: &str = "SELECT pg_advisory_xact_lock(8172353617462153)";

/// Applies pending migrations in one transaction; other processes that open the store wait for it.
///
/// A schema newer than this program is left unchanged: migrations work with the previous release's code.
pub(super) fn migrate_sqlite(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let open = |error: rusqlite::Error| StoreError::from_opening(&error, path);
    refuse_foreign(connection, path)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(open)?;
    transaction
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS migrations (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT",
        )
        .map_err(open)?;
    let applied: i64 = transaction
        .query_row("SELECT COALESCE(MAX(version), 0) FROM migrations", [], |row| row.get(0))
        .map_err(open)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > applied) {
        transaction
            .execute_batch(migration.sqlite)
            .and_then(|()| {
                transaction.execute(
                    "INSERT INTO migrations (version, name) VALUES (?1, ?2)",
                    (migration.version, migration.name),
                )
            })
            .map_err(|error| StoreError::Migration { name: migration.name, reason: error.to_string() })?;
    }
    transaction.commit().map_err(open)
}

/// Refuses the database of another program: it has tables, but not the one that every store has.
fn refuse_foreign(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let question = "SELECT COUNT(*) > 0 AND COUNT(*) FILTER (WHERE name = 'migrations') = 0 FROM sqlite_schema WHERE type = 'table'";
    let is_foreign = connection.query_row(question, [], |row| row.get::<_, bool>(0));
    match is_foreign.map_err(|error| StoreError::from_opening(&error, path))? {
        true => Err(StoreError::NotAStore { path: path.to_path_buf() }),
        false => Ok(()),
    }
}

/// Applies pending migrations in one transaction under an advisory lock.
///
/// A schema newer than this program is left unchanged: migrations work with the previous release's code.
pub(super) async fn migrate_postgres(client: &mut tokio_postgres::Client) -> Result<(), StoreError> {
    let fail = |name: &'static str| {
        move |error: tokio_postgres::Error| {
            let reason = describe(&error);
            if is_broken(&error) { StoreError::Unavailable(reason) } else { StoreError::Migration { name, reason } }
        }
    };
    let begin = fail("begin");
    let transaction = client.transaction().await.map_err(begin)?;
    transaction.batch_execute("SET LOCAL statement_timeout = 0").await.map_err(begin)?;
    transaction.batch_execute(ADVISORY_LOCK).await.map_err(begin)?;
    // Use unnamed statements: a pooler may keep a named one on a connection that others use.
    let row = transaction.query_typed_one("SELECT to_regclass('migrations') IS NULL", &[]).await.map_err(begin)?;
    // Check first: with IF NOT EXISTS, PostgreSQL logs a notice when the table exists.
    if row.try_get(0).map_err(begin)? {
        let create = "CREATE TABLE migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";
        transaction.batch_execute(create).await.map_err(begin)?;
    }
    let newest = "SELECT COALESCE(MAX(version), 0) FROM migrations";
    let row = transaction.query_typed_one(newest, &[]).await.map_err(begin)?;
    let applied: i64 = row.try_get(0).map_err(begin)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > applied) {
        let fail = fail(migration.name);
        transaction.batch_execute(migration.postgres).await.map_err(fail)?;
        transaction
            .execute_typed(
                "INSERT INTO migrations (version, name) VALUES ($1, $2)",
                &[(&migration.version, Type::INT8), (&migration.name, Type::TEXT)],
            )
            .await
            .map_err(fail)?;
    }
    transaction.commit().await.map_err(fail("commit"))
}
