//! Data of earlier releases, kept as they left it: today's binary opens it, and nobody is logged out.
//!
//! With each release, keep what it leaves behind (needs `pg_dump`):
//! `VESTIBULE_KEEP_RELEASE=0.2.0 cargo test -p vestibule-server --test it keep_the_data_of_this_release`

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{
    Browser, Engine, Installation, Place,
    binary::{post, refresh, refresh_token, sign_up},
    connect_to, on_both_engines,
};

const PASSWORD: &str = "violet tugboat marmalade";

/// What the people of a kept release hold.
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

/// A guest, a member and somebody who signed out.
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
    let place = Place::make(engine).await;
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
            // Only SQL: psql's own commands mean nothing to anybody else.
            let text = String::from_utf8(output.stdout).expect("text");
            let sql: String =
                text.lines().filter(|line| !line.starts_with('\\')).map(|line| format!("{line}\n")).collect();
            fs::write(folder.join("postgres.sql"), sql).expect("a file");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_the_data_of_this_release() {
    let Ok(release) = std::env::var("VESTIBULE_KEEP_RELEASE") else { return };
    for engine in [Engine::Sqlite, Engine::Postgres] {
        keep(engine, &releases().join(&release)).await;
    }
}

/// What a release left behind, in a place of its own.
async fn unpack(engine: Engine, folder: &Path) -> (Place, Installation) {
    let place = Place::make_empty(engine).await;
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

async fn data_of_every_earlier_release_is_taken_over_and_nobody_is_logged_out(engine: Engine) {
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

on_both_engines!(data_of_every_earlier_release_is_taken_over_and_nobody_is_logged_out);
