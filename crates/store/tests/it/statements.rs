//! Both engines accept every statement, and neither executes one by reading a whole table.

use std::collections::BTreeSet;

use rusqlite::functions::FunctionFlags;
use tokio_postgres::types::Type;
use vestibule_store::{Conn, Engine, Location, STATEMENTS, Sql, Store};

use crate::test_store::{TestStore, connect, on_both_engines};

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

/// Behind some poolers a statement is sent with the types of its values, without asking the server for them.
#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn postgres_wants_of_every_parameter_the_type_it_is_sent_as() {
    let place = TestStore::postgres().await;
    place.open().await.close().await;
    let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
    let connection = connect(url).await;
    for sql in STATEMENTS.iter().flat_map(|(_, statements)| *statements) {
        let text = sql.text(Engine::Postgres);
        for kind in connection.prepare(text).await.unwrap().params() {
            assert!(SENT.contains(kind), "{kind} in {text}");
        }
    }
}

/// The types of values.
const SENT: [Type; 6] = [Type::INT8, Type::TEXT, Type::BYTEA, Type::INT8_ARRAY, Type::TEXT_ARRAY, Type::BYTEA_ARRAY];

/// The checks are complete only if the list is.
#[test]
fn every_statement_is_listed() {
    for (file, source) in crate::boundaries::aggregates() {
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

/// Tables with few rows per project.
const SHORT: [&str; 7] = [
    " admin_keys ",
    " client_secrets ",
    " client_starts ",
    " daily_counts ",
    " logos ",
    " project_keys ",
    " provider_secrets ",
];

/// Aggregates with few rows, or whose statements read all of a project to delete it.
const FEW: [&str; 3] = ["projects", "operators", "receiver_moves"];

/// `ended` is what is found for a set of IDs that the caller counts. `first` is a subquery that stops at its LIMIT. There are few projects and all are wanted; the outbox is short, and seldom swept of a project; what a search by halving keeps, and
/// the projects and receivers one after the other that something waits for; one row for each node.
const SCANNED: [&str; 11] = [
    "SCAN projects",
    "SCAN projects USING COVERING INDEX projects_by_authority",
    "SCAN outbox",
    "SCAN span",
    "SCAN CONSTANT ROW",
    "SCAN w",
    "SCAN numbers",
    "SCAN waiting",
    "SCAN first",
    "SCAN limit_counts",
    "SCAN ended",
];

/// The statements of PostgreSQL.
fn on_postgres() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |(aggregate, statements): &'static (&'static str, &'static [&'static Sql])| {
        statements.iter().map(|sql| (*aggregate, sql.text(Engine::Postgres)))
    };
    STATEMENTS.iter().flat_map(of)
}

/// Two nodes clean up at the same moment (decision 105).
#[test]
fn what_removes_so_many_rows_leaves_those_that_are_locked() {
    let mut found = 0;
    for (aggregate, text) in on_postgres().filter(|(_, text)| text.contains("DELETE FROM") && text.contains("LIMIT $"))
    {
        found += 1;
        assert!(text.contains("SKIP LOCKED"), "in {aggregate}: {text}");
    }
    assert!(found > 5, "{found}");
}

/// Transactions that end the same sessions never wait for each other in a circle (decision 105). A deleted project has no requests any more,
/// and `ended` locks its rows in a statement of its own.
#[test]
fn what_changes_several_sessions_or_grants_locks_them_in_order() {
    let mut found = 0;
    for (aggregate, text) in on_postgres().filter(|(aggregate, _)| !["projects", "ended"].contains(aggregate)) {
        let changes = ["UPDATE grants", "DELETE FROM grants", "UPDATE sessions", "DELETE FROM sessions"];
        if !changes.iter().any(|change| text.contains(change)) || text.contains("WHERE project_no = $1 AND id = $2") {
            continue;
        }
        found += 1;
        assert!(text.contains("FOR UPDATE") || text.contains("FOR NO KEY UPDATE"), "in {aggregate}: {text}");
    }
    assert!(found > 5, "{found}");
}

/// A scan slows down with the number of guests, and on SQLite it blocks all writers.
#[tokio::test]
async fn no_statement_looks_at_a_whole_table() {
    let place = TestStore::sqlite();
    let _store = place.open().await;
    let connection = rusqlite::Connection::open(place.path()).unwrap();
    connection.create_scalar_function("has_id", 2, FunctionFlags::SQLITE_DETERMINISTIC, |_| Ok(true)).unwrap();
    let mut picked = 0;
    for (aggregate, statements) in STATEMENTS {
        for sql in *statements {
            let text = sql.text(Engine::Sqlite);
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
            let mut rows = statement.raw_query();
            let on_both = PICKED.iter().filter(|(_, index)| index.starts_with("hook_"));
            let wanted = on_both.chain(&PICKED_ON_SQLITE).find(|(said, _)| text.contains(said));
            picked += usize::from(wanted.is_some_and(|wanted| PICKED_ON_SQLITE.contains(wanted)));
            let mut is_picked = wanted.is_none();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                is_picked |= wanted.is_some_and(|(_, index)| step.contains(index));
                let is_scan = step.starts_with("SCAN") && !SCANNED.contains(&step.as_str());
                // Reading all of a project equals reading the table, except for tables with few rows per project, for
                // lists that stop after a page, and for the deletion of a project.
                let is_full_scan = step.ends_with("(project_no=?)")
                    && !SHORT.iter().any(|table| step.contains(table))
                    && !text.contains("LIMIT")
                    && !FEW.contains(aggregate);
                let is_fine = !is_scan && !is_full_scan;
                assert!(is_fine, "in {aggregate}: {step}: {text}");
            }
            assert!(is_picked, "in {aggregate}: without {wanted:?}: {text}");
        }
    }
    assert_eq!(picked, PICKED_ON_SQLITE.len(), "a search was renamed: PICKED_ON_SQLITE must follow");
}

/// Twenty thousand rows of each kind in one project: enough for PostgreSQL's planner to prefer the most selective
/// index.
const FILL: [&str; 36] = [
    "INSERT INTO users (project_no, id, created_at, updated_at, anonymous_since, promoted_at, disabled_at, last_login_at)
     SELECT 1, uuid_send(md5(n::text)::uuid), n, n, CASE WHEN n % 5 > 0 THEN n END, CASE WHEN n % 10 = 0 THEN n END,
            CASE WHEN n % 1000 = 0 THEN n END, n
     FROM generate_series(1, 20000) n",
    "INSERT INTO users (project_no, id, created_at, updated_at, anonymous_since)
     SELECT 2, uuid_send(md5(n::text)::uuid), n, n, n FROM generate_series(1, 500) n",
    "INSERT INTO grants (project_no, id, user_id, client_id, token_hash, created_at, last_access_at, authenticated_at, session_id)
     SELECT project_no, id, id, 'web', id, created_at, created_at, created_at, CASE WHEN created_at % 50 = 0 THEN id END FROM users",
    "INSERT INTO sessions (project_no, id, user_id, secret_hash, created_at, last_access_at, authenticated_at)
     SELECT project_no, id, id, id, created_at, created_at, created_at FROM users",
    "INSERT INTO login_ids (project_no, kind, value, id, user_id, original, created_at, updated_at)
     SELECT project_no, kind, md5(created_at::text) || CASE kind WHEN 'email' THEN '@host-' || created_at % 500 ELSE '' END,
            id, id, 'x', created_at, created_at
     FROM users, (VALUES ('email'), ('username')) kinds (kind)",
    "INSERT INTO user_names (project_no, phrase, user_id)
     SELECT project_no, md5(created_at::text || word), id FROM users, generate_series(1, 2) word",
    "INSERT INTO passwords (project_no, user_id, hash, created_at, updated_at)
     SELECT project_no, id, 'x', created_at, created_at FROM users",
    "INSERT INTO passkeys (project_no, credential_id, id, user_id, public_key, sign_count, created_at)
     SELECT project_no, id, id, id, id, 0, created_at FROM users",
    "INSERT INTO device_keys (project_no, kid, id, user_id, jwk, created_at, last_used_at)
     SELECT project_no, md5(created_at::text), id, id, '{}', created_at, created_at FROM users",
    "INSERT INTO consents (project_no, user_id, client_id, scope, granted_at, updated_at)
     SELECT project_no, id, 'partner-' || created_at % 20, 'openid', created_at, created_at FROM users",
    "INSERT INTO external_accounts (project_no, provider, subject, id, user_id, created_at, updated_at)
     SELECT project_no, 'google', md5(created_at::text), id, id, created_at, created_at FROM users",
    "INSERT INTO subjects (project_no, id, user_id)
     SELECT project_no, sha256(id), CASE WHEN created_at % 2 = 0 THEN id END FROM users",
    "INSERT INTO foreign_subjects (project_no, id, user_id)
     SELECT project_no, md5(created_at::text), CASE WHEN created_at % 2 = 0 THEN id END FROM users",
    "INSERT INTO retention_marks (project_no, user_id, warned_at, expired_at)
     SELECT project_no, id, created_at, CASE WHEN created_at % 2 = 0 THEN created_at END FROM users",
    "INSERT INTO retention_holds (project_no, user_id, id, owner, reason, created_at, expires_at)
     SELECT project_no, id, id, 'orders', 'an open order', created_at, created_at FROM users",
    "INSERT INTO merges (project_no, id, guest_id, member_id, state, requested_at, answer_by, changed_at, undo_until, asked, kept)
     SELECT project_no, id, sha256(id), id, created_at % 5, created_at, CASE WHEN created_at % 5 = 0 THEN created_at END, created_at,
            CASE WHEN created_at % 100 = 1 THEN created_at END, 1, CASE WHEN created_at % 100 = 1 THEN '{}' END
     FROM users",
    "INSERT INTO logos (project_no, hash, format, width, height, content, created_at)
     SELECT created_at, id, 'png', 1, 1, id, created_at FROM users WHERE project_no = 1",
    "INSERT INTO events (project_no, seq, user_id, type, client_id, body, created_at)
     SELECT project_no, created_at, id, 'user.' || created_at % 10, 'web', '{}', created_at FROM users",
    "INSERT INTO flows (project_no, id, state, version, created_at, expires_at)
     SELECT project_no, id, '{}', 1, created_at, created_at FROM users",
    "INSERT INTO authorization_codes (project_no, code_hash, payload, expires_at)
     SELECT project_no, id, '{}', created_at FROM users",
    "INSERT INTO device_codes (project_no, code_hash, user_code, client_id, scope, expires_at, user_id)
     SELECT project_no, id, md5(created_at::text), 'tv', 'openid', created_at, id FROM users",
    "INSERT INTO login_method_changes (project_no, user_id, no, id, identity_id, expires_at)
     SELECT project_no, id, n, id, id, created_at FROM users, generate_series(1, 2) n",
    "INSERT INTO spent (project_no, id, holder, expires_at) SELECT project_no, id, id, created_at FROM users",
    // Challenges, which begin with the second of their end.
    "INSERT INTO spent (project_no, id) SELECT project_no, int4send(CAST(created_at AS INTEGER)) || id FROM users",
    "INSERT INTO projects (id, public_origin, settings, version, created_at, updated_at)
     SELECT 'p' || n, 'https://p' || n || '.example', '{}', 1, 1, 1 FROM generate_series(1, 3) n",
    "INSERT INTO tries (project_no, id, full_until) SELECT project_no, id, created_at FROM users",
    "INSERT INTO hook_deliveries (project_no, seq, lane, url, type, body, state, attempts, created_at, due_at, finished_at)
     SELECT project_no, created_at, id, 'https://shop.example/' || created_at % 3, 'user.created', '{}',
            CASE WHEN created_at % 100 = 0 THEN 0 WHEN created_at % 100 = 1 THEN 2 ELSE 1 END, 1, created_at, created_at, created_at
     FROM users",
    "INSERT INTO receiver_moves (project_no, old_url, kind, new_url, moved_at)
     SELECT project_no, 'https://shop.example/' || created_at, created_at % 2, 'https://shop.example/new', created_at
     FROM users WHERE created_at % 100 = 0",
    // Kept aside: nothing takes these, so there may be many.
    "INSERT INTO outbox (project_no, kind, user_id, payload, created_at, due_at)
     SELECT project_no, 'event.unreadable', id, '{}', created_at, created_at FROM users",
    "INSERT INTO idempotency (project_no, key_hash, request_hash, started_at, expires_at)
     SELECT project_no, id, id, created_at, created_at FROM users",
    "INSERT INTO operators (id, email, name, password_hash, created_at)
     SELECT id, md5(created_at::text), 'x', 'x', created_at FROM users WHERE project_no = 2",
    "INSERT INTO operator_roles (project_no, operator_id, role) SELECT created_at % 5, id, 'editor' FROM users WHERE project_no = 2",
    "INSERT INTO operator_passkeys (credential_id, id, operator_id, public_key, sign_count, name, created_at)
     SELECT id, id, id, id, 0, 'x', created_at FROM users WHERE project_no = 2",
    "INSERT INTO operator_events (id, operator_id, email, done_by, act, detail, created_at)
     SELECT id, sha256((created_at % 20)::text::bytea), 'x', 'x', 'signed_in', 'password', created_at FROM users WHERE project_no = 1",
    "INSERT INTO operator_sessions (token_hash, operator_id, created_at, last_access_at, proved_at)
     SELECT sha256(id), id, created_at, created_at, created_at FROM users WHERE project_no = 1",
    "INSERT INTO operator_links (token_hash, purpose, project_no, role, email, created_at, expires_at)
     SELECT sha256(id), 'reset', created_at % 5, 'editor', 'x', created_at, created_at FROM users WHERE project_no = 1",
];

/// Tables that may be read as a whole: there are few projects, and all are wanted; the outbox is short and rarely
/// searched by project; due deliveries have an index of their own.
const WHOLE: [&str; 4] = [" on projects", " on outbox", " on limit_counts", "hook_deliveries_by_due"];

/// Lists of few rows among many, which must use an index: part of the statement, and its index. For members it is that of members or of users
/// who are no active guests, which has few others.
const PICKED: [(&str, &str); 13] = [
    ("AND anonymous_since IS NULL\n     ORDER BY id", "users_by_"),
    ("AND anonymous_since IS NULL\n       LIMIT $4", "users_by_"),
    ("AND disabled_at IS NOT NULL", "users_by_disabling"),
    ("AND promoted_at >= $2", "users_by_promotion"),
    ("AND last_login_at >= $2", "users_by_login"),
    ("AND l.value ~>=~ $3", "login_ids_prefix"),
    ("AND split_part(l.value, '@', 2) ~>=~ $2", "login_ids_by_domain"),
    ("AND phrase >= $2", "user_names_pkey"),
    // And no more users than were found by it.
    ("= ANY(ARRAY(\n         SELECT user_id\n         FROM user_names", "(id = ANY ("),
    // The list of held users stops with its page, and reads no more users than that.
    (
        "AND h.expires_at >= $4\n           AND (SELECT g.yielded_to IS NULL FROM users g WHERE g.project_no = h.project_no AND g.id = h.user_id)\n         ORDER BY h.user_id DESC",
        "Scan Backward using retention_holds_by_user",
    ),
    ("= ANY(ARRAY(\n         SELECT DISTINCT h.user_id", "(id = ANY ("),
    ("WITH RECURSIVE waiting (project_no, url)", "hook_deliveries_by_receiver"),
    ("ORDER BY d.due_at\n     LIMIT $4", "hook_deliveries_by_receiver"),
];

/// Searches on SQLite, with the step that they must have: both ends of what is looked for bound the reading.
const PICKED_ON_SQLITE: [(&str, &str); 2] = [
    (
        "AND substr(l.value, instr(l.value, '@') + 1) >= $2",
        "INDEX login_ids_by_domain (project_no=? AND <expr>>? AND <expr><?)",
    ),
    ("AND phrase >= $2", "user_names USING PRIMARY KEY (project_no=? AND phrase>? AND phrase<?)"),
];

fn leak(text: String) -> &'static Sql {
    Box::leak(Box::new(Sql::new(Box::leak(text.into_boxed_str()))))
}

/// The statement with a constant page size: PostgreSQL knows the value when it plans, which it does anew as long as
/// that pays.
fn limit_to_a_page(text: &str) -> String {
    let Some((before, number)) =
        text.split_once("LIMIT $").and_then(|(before, rest)| Some((before, rest.chars().next()?.to_digit(10)?)))
    else {
        return text.to_owned();
    };
    assert!(!text.contains("$10"), "more parameters than are counted down here");
    let mut text = format!("{before}LIMIT 200{}", &text[before.len() + "LIMIT $1".len()..]);
    for later in number + 1..10 {
        text = text.replace(&format!("${later}"), &format!("${}", later - 1));
    }
    text
}

/// The generic plan of a statement, which PostgreSQL uses once a connection has run it a few times.
async fn explain(conn: &mut Conn, text: &str) -> Vec<String> {
    let text = limit_to_a_page(text);
    let count = (1..).take_while(|number| text.contains(&format!("${number}"))).count();
    let values = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    for preparing in [format!("PREPARE looked_at AS {text}"), "SET plan_cache_mode = force_generic_plan".to_owned()] {
        conn.query_all(leak(preparing), &[], |_| Ok(())).await.unwrap();
    }
    let explaining = leak(format!("EXPLAIN (COSTS OFF) EXECUTE looked_at{values}"));
    let plan = conn.query_all(explaining, &[], |row| row.get::<String>(0)).await.unwrap();
    conn.query_all(leak("DEALLOCATE looked_at".to_owned()), &[], |_| Ok(())).await.unwrap();
    plan
}

/// The step of a plan that reads more rows as a project grows, if there is one.
fn find_scan(aggregate: &str, text: &str, plan: &[String]) -> Option<String> {
    let mut steps: Vec<(&str, Option<&str>)> = Vec::new();
    for line in plan.iter().map(|line| line.trim_start_matches([' ', '-', '>']).trim_start_matches("Parallel ")) {
        let is_scan = ["Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Index Scan"]
            .iter()
            .any(|kind| line.starts_with(kind));
        match (line.strip_prefix("Index Cond: "), steps.last_mut()) {
            (Some(condition), Some(step)) => step.1 = Some(condition),
            _ if is_scan => steps.push((line, None)),
            _ => {}
        }
    }
    let is_short =
        |step: &str| SHORT.iter().any(|table| format!("{step} ").contains(table)) || step.contains("_pkey on projects");
    steps.into_iter().find_map(|(step, condition)| {
        let is_fine = match condition {
            None => aggregate == "operators" || WHOLE.iter().any(|whole| step.contains(whole)),
            Some(condition) => {
                let only_project = condition.contains("project_no = ") && !condition.contains(" AND ");
                !only_project || is_short(step) || text.contains("LIMIT") || FEW.contains(&aggregate)
            }
        };
        (!is_fine).then(|| format!("{step}, {}", condition.unwrap_or("all of it")))
    })
}

/// The same on PostgreSQL, whose plans depend on its statistics: with a filled store, and with the store's connection
/// settings.
#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn no_statement_looks_at_a_whole_table_on_postgres() {
    let place = TestStore::postgres().await;
    let store = place.open().await;
    let mut conn = store.read().await.unwrap();
    for fill in FILL {
        conn.query_all(leak(fill.to_owned()), &[], |_| Ok(())).await.unwrap();
    }
    // After filling, and after a vacuum, which allows index-only scans and may change plans.
    for preparing in ["ANALYZE", "VACUUM (ANALYZE)"] {
        conn.query_all(leak(preparing.to_owned()), &[], |_| Ok(())).await.unwrap();
        let (mut picked, mut scans) = (BTreeSet::new(), Vec::new());
        for (aggregate, statements) in STATEMENTS {
            for sql in *statements {
                let text = sql.text(Engine::Postgres);
                let plan = explain(&mut conn, text).await;
                if let Some(scan) = find_scan(aggregate, text, &plan) {
                    scans.push(format!("in {aggregate}: {scan}: {text}\n{}", plan.join("\n")));
                }
                for (said, index) in PICKED.iter().filter(|(said, _)| text.contains(said)) {
                    picked.insert(said);
                    if !plan.iter().any(|line| line.contains(index)) {
                        scans.push(format!("in {aggregate}: without {index}: {text}\n{}", plan.join("\n")));
                    }
                }
            }
        }
        assert!(scans.is_empty(), "after {preparing}: {}", scans.join("\n\n"));
        assert_eq!(picked.len(), PICKED.len(), "a list was renamed: PICKED must follow");
    }

    // Negative cases: no index begins with these columns.
    for wrong in [
        "SELECT id FROM users WHERE project_no = $1 AND updated_at > $2",
        "SELECT user_id FROM grants WHERE token_hash = $1",
        "SELECT u.id FROM users u JOIN sessions s ON s.project_no = u.project_no AND s.secret_hash = u.id WHERE u.project_no = $1",
        "UPDATE events SET body = $2 WHERE project_no = $1",
    ] {
        let plan = explain(&mut conn, wrong).await;
        assert!(find_scan("users", wrong, &plan).is_some(), "{wrong}\n{}", plan.join("\n"));
    }
}
