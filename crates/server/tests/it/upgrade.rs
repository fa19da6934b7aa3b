//! Data of earlier releases: the current binary opens it, and no session ends.
//!
//! For each release, add its data (needs `pg_dump`):
//! `VESTIBULE_KEEP_RELEASE=0.2.0 cargo test -p vestibule-server --test it keep_the_data_of_this_release -- --ignored`

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vestibule_app::{
    adapters::entropy::Entropy,
    crypto::seal::{KeyForm, MasterKey},
};
use vestibule_domain::id::ProjectNo;
use vestibule_store::{
    Location, Store,
    keys::{self, KeyRow},
    projects,
};

use crate::support::{
    Browser, Engine, Installation, TestStore,
    binary::{Process, post, refresh, refresh_token, sign_up},
    connect_to, on_both_engines,
};

const PASSWORD: &str = "violet tugboat marmalade";

/// The credentials of a release's users.
#[derive(Serialize, Deserialize)]
struct Known {
    guest: String,
    member: String,
    member_sub: String,
    revoked: String,
}

fn releases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/released")
}

fn name_of(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgres",
    }
}

/// A guest, a member and a signed-out user.
async fn people(installation: &Installation) -> Known {
    let process = installation.start();
    let (client, port) = (process.client(), process.address.port());
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let answer = sign_up(&client, port).await.expect("an answer");
        tokens.push(refresh_token(answer, "result").await.expect("a guest"));
    }
    let [guest, revoked, promoted] = <[String; 3]>::try_from(tokens).expect("three");
    let answer = post(&client, port, "/oauth2/revoke", &[("token", &revoked)]).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let (app, mut browser) = (process.app_client(), Browser::new(process.http()));
    let body = json!({ "session_type": "refresh_token", "refresh_token": promoted });
    let code = process.http().post_json("/api/anonymous_user/promotion_code", &body).await.result();
    browser.open(&app.promotion_url(code["promotion_code"].as_str().expect("a code"))).await;
    browser.fill("Username", "kim");
    browser.fill("Password", PASSWORD);
    browser.press("Save my progress").await;
    let member = app.finish(browser.at_app()).await;
    let member_sub = app.subject(&member.access).await;
    Known { guest, member: member.refresh, member_sub, revoked }
}

async fn keep(engine: Engine, folder: &Path) {
    let place = TestStore::make(engine).await;
    let installation = Installation::make(&place.url());
    let known = people(&installation).await;
    let name = name_of(engine);
    fs::create_dir_all(folder).expect("a folder");
    fs::copy(installation.folder.path().join("master.key"), folder.join(format!("{name}.key"))).expect("the key");
    fs::write(folder.join(format!("{name}.json")), serde_json::to_vec_pretty(&known).expect("JSON")).expect("a file");
    match engine {
        Engine::Sqlite => {
            installation.run(&["backup", folder.join("sqlite.db").to_str().expect("text")]);
        }
        Engine::Postgres => {
            let program = std::env::var("PG_DUMP").unwrap_or_else(|_| "pg_dump".into());
            let arguments = ["--inserts", "--no-owner", "--no-privileges", "--dbname", &place.url()];
            let output = Command::new(program).args(arguments).output().expect("pg_dump runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            // Only SQL: other clients do not understand psql's own commands.
            let text = String::from_utf8(output.stdout).expect("text");
            let sql: String =
                text.lines().filter(|line| !line.starts_with('\\')).map(|line| format!("{line}\n")).collect();
            fs::write(folder.join("postgres.sql"), sql).expect("a file");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a tool, not a test: it needs VESTIBULE_KEEP_RELEASE and pg_dump"]
async fn keep_the_data_of_this_release() {
    // As with `--include-ignored`, which means tests.
    let Ok(release) = std::env::var("VESTIBULE_KEEP_RELEASE") else { return };
    for engine in [Engine::Sqlite, Engine::Postgres] {
        keep(engine, &releases().join(&release)).await;
    }
}

/// The data of a release, in a separate location.
async fn unpack(engine: Engine, folder: &Path) -> (TestStore, Installation) {
    let place = TestStore::make_empty(engine).await;
    match engine {
        Engine::Sqlite => {
            let target = place.url();
            let target = target.strip_prefix("sqlite:").expect("a file");
            fs::copy(folder.join("sqlite.db"), target).expect("the store is copied");
        }
        Engine::Postgres => {
            let sql = fs::read_to_string(folder.join("postgres.sql")).expect("the dump");
            connect_to(&place.url()).await.batch_execute(&sql).await.expect("the dump is loaded");
        }
    }
    let installation = Installation::bare(&place.url());
    let key = folder.join(format!("{}.key", name_of(engine)));
    fs::copy(key, installation.folder.path().join("master.key")).expect("the key is copied");
    (place, installation)
}

async fn data_of_every_earlier_release_is_migrated_and_sessions_stay_alive(engine: Engine) {
    let mut seen = 0;
    for entry in fs::read_dir(releases()).expect("the kept releases") {
        let folder = entry.expect("an entry").path();
        let known = fs::read(folder.join(format!("{}.json", name_of(engine)))).expect("what its people hold");
        let known: Known = serde_json::from_slice(&known).expect("JSON");
        let (_place, installation) = unpack(engine, &folder).await;
        // Twice: the second start finds the migrated store.
        for is_migrated in [false, true] {
            let process = installation.start();
            let (client, port) = (process.client(), process.address.port());
            if !is_migrated {
                for token in [&known.guest, &known.member] {
                    let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
                    assert_eq!(answer.status(), 200, "{folder:?}: {}", answer.text().await.expect("text"));
                }
                let answer = refresh(&client, port, "rotating", &known.revoked).await.expect("an answer");
                assert_eq!(answer.status(), 400, "{folder:?}: a revoked token works again");
            }
            let (app, mut browser) = (process.app_client(), Browser::new(process.http()));
            browser.open(&app.authorize_url(&[])).await;
            browser.fill("Username", "kim");
            browser.fill("Password", PASSWORD);
            browser.press("Sign in").await;
            let back = app.finish(browser.at_app()).await;
            assert_eq!(app.subject(&back.access).await, known.member_sub, "{folder:?}");
            assert_eq!(sign_up(&client, port).await.expect("an answer").status(), 200);
        }
        seen += 1;
    }
    assert!(seen > 0, "no release was kept");
}

/// The store of an installation, opened with or without its server.
async fn open_store(place: &TestStore) -> Store {
    let location = match place.url().strip_prefix("sqlite:") {
        Some(path) => Location::Sqlite { path: path.into() },
        None => Location::postgres(place.url(), 2),
    };
    Store::open(&location).await.expect("the store opens")
}

/// Every key of every project, with the project's number and id.
async fn all_keys(store: &Store) -> Vec<(ProjectNo, String, KeyRow)> {
    let mut conn = store.read().await.expect("a connection");
    let mut all = Vec::new();
    for project in projects::list_any_project(&mut conn).await.expect("the projects") {
        let keys = keys::list(&mut conn, project.no).await.expect("its keys");
        all.extend(keys.into_iter().map(|key| (project.no, project.id.clone(), key)));
    }
    all
}

fn context_of(project: &str, key: &KeyRow) -> String {
    format!("vestibule/{project}/{}", key.purpose)
}

/// Unseals a value like releases before 0.1.0: AES-256-GCM with the master key itself.
fn opens_as_before(master: &str, sealed: &[u8], context: &str) -> bool {
    let key: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&master[at..at + 2], 16).expect("hexadecimal")).collect();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"));
    let (nonce, body) = sealed.split_at(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a nonce");
    key.open_in_place(nonce, Aad::from(context), &mut body.to_vec()).is_ok()
}

/// Signs in as the member of a release, and refreshes its users' tokens.
async fn sessions_stay_alive(process: &Process, known: &mut Known) {
    let (client, port) = (process.client(), process.address.port());
    for token in [&mut known.guest, &mut known.member] {
        let answer = refresh(&client, port, "rotating", token).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        *token = refresh_token(answer, "").await.expect("the next token");
    }
    let (app, mut browser) = (process.app_client(), Browser::new(process.http()));
    browser.open(&app.authorize_url(&[])).await;
    browser.fill("Username", "kim");
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    let back = app.finish(browser.at_app()).await;
    assert_eq!(app.subject(&back.access).await, known.member_sub);
}

/// ADR 71: the next release derives the sealing key differently. This release reads the data of both neighbors, and
/// writes what the previous one can read.
async fn sealed_data_upgrades_and_rolls_back_without_losing_a_session(engine: Engine) {
    for entry in fs::read_dir(releases()).expect("the kept releases") {
        let folder = entry.expect("an entry").path();
        let known = fs::read(folder.join(format!("{}.json", name_of(engine)))).expect("what its people hold");
        let mut known: Known = serde_json::from_slice(&known).expect("JSON");
        let (place, installation) = unpack(engine, &folder).await;
        let master = fs::read_to_string(installation.folder.path().join("master.key")).expect("the key");
        let master = master.trim();

        // Upgraded from the previous release, and used: new signing keys are sealed too.
        let process = installation.start();
        sessions_stay_alive(&process, &mut known).await;
        drop(process);
        installation.run(&["key", "rotate", "--project", "crash"]);
        let store = open_store(&place).await;
        let left = all_keys(&store).await;
        assert_eq!(left.len(), 6, "two more than there were");
        for (_, project, key) in &left {
            assert!(opens_as_before(master, &key.sealed, &context_of(project, key)), "{} cannot go back", key.kid);
        }

        // The next release sealed everything in its form, and was then downgraded.
        let next = MasterKey::from_hex(master, "test").expect("a key").in_form(KeyForm::Separate);
        for (no, project, key) in left {
            let plain = next.open(&key.sealed, &context_of(&project, &key)).expect("it reads what this one wrote");
            let sealed = next.seal(&plain, &context_of(&project, &key), &Entropy::Os);
            assert!(!opens_as_before(master, &sealed, &context_of(&project, &key)));
            let resealed = KeyRow { sealed, ..key };
            let written = store.write("test", resealed, move |tx, key| {
                Box::pin(async move {
                    keys::remove(tx, no, &key.kid).await?;
                    keys::insert(tx, no, key).await
                })
            });
            written.await.expect("the store works");
        }
        store.close().await;
        let process = installation.start();
        sessions_stay_alive(&process, &mut known).await;
    }
}

on_both_engines!(
    data_of_every_earlier_release_is_migrated_and_sessions_stay_alive,
    sealed_data_upgrades_and_rolls_back_without_losing_a_session,
);
