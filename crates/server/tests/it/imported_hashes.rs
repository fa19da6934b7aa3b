//! Foreign password hashes: imported within bounds, rejected beyond them, and harmless if stored already.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Admin, Browser, Engine, OWNER_PASSWORD, Reply, TestServer, on_both_engines};

on_both_engines!(
    a_hash_beyond_the_bounds_is_refused_at_import_and_says_why,
    the_presets_of_other_servers_are_imported,
    a_hash_of_another_server_signs_in_and_is_made_anew,
    a_stored_hash_beyond_the_bounds_fails_the_sign_in_and_nothing_else,
    an_operators_stored_hash_beyond_the_bounds_stops_nothing,
);

const PASSWORD: &str = "password";
/// Of `PASSWORD`, made with Python's argon2-cffi.
const FOREIGN: &str = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";
/// One sign-in with this hash used to end the process: it requests four terabytes of memory.
const HUGE: &str = "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

/// The ID of `kim-…`, and that of its login ID.
fn ids(number: u8) -> [String; 2] {
    ["01", "02"].map(|kind| format!("018f3c2e-2a54-7a0c-8a67-{kind}0a6f5fd2{number:02x}"))
}

/// A line of an import: a member with this username and password hash.
fn member(number: u8, hash: &str) -> String {
    let (created, [id, login_id]) = (1_893_456_000_000_000_i64, ids(number));
    json!({
        "id": id, "created_at": created, "updated_at": created, "password_hash": hash,
        "login_ids": [{
            "id": login_id, "type": "username", "value": format!("kim-{number}"), "original": format!("kim-{number}"),
            "created_at": created, "updated_at": created,
        }],
    })
    .to_string()
}

async fn import(admin: &Admin, lines: &[String]) -> Vec<Value> {
    let request = admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
    let answer = Reply::of(request.body(lines.join("\n"))).await.expect(200).json();
    answer["lines"].as_array().expect("lines").clone()
}

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| {
        setup.set(
            "identity.login_id.keys",
            vec![toml::Table::from_iter([("type".to_string(), toml::Value::from("username"))])],
        );
        setup.set("authentication.primary_authenticators", vec!["password"]);
        setup.open_portal();
    })
    .await
}

/// Signs in as `kim-…`.
async fn sign_in(server: &TestServer, number: u8) -> Browser {
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[])).await;
    browser.fill("Username", &format!("kim-{number}"));
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    browser
}

async fn a_hash_beyond_the_bounds_is_refused_at_import_and_says_why(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    let with = |change: (&str, &str)| FOREIGN.replace(change.0, change.1);
    let bad = [
        (HUGE.to_string(), "needs m=4294967295; this server accepts at most 77824"),
        (with(("m=256", "m=77825")), "needs m=77825"),
        (with(("t=2", "t=4294967295")), "needs t=4294967295"),
        (with(("m=256,t=2", "m=77824,t=8")), "needs m × t = 622592; this server accepts at most 262144"),
        (with(("m=256,t=2", "m=65537,t=4")), "needs m × t = 262148"),
        (with(("p=2", "p=16777215")), "needs p=16777215"),
        (with(("m=256", "m=99999999999")), "parameters m, t and p"),
        (with(("argon2id", "argon2i")), "not an argon2id hash"),
        (with(("v=19", "v=16")), "version 19"),
        (with(("$c29tZXNhbHQ$", &format!("${}$", "a".repeat(500)))), "longer than 256 characters"),
        (with(("$c29tZXNhbHQ$", "$")), "output of the password hash must have 16 to 64 bytes"),
        ("$argon2id$".to_string(), "not a PHC string"),
        ("correct horse".to_string(), "not a PHC string"),
    ];
    let mut lines: Vec<String> = (1..).zip(&bad).map(|(number, (hash, _))| member(number, hash)).collect();
    lines.push(member(100, FOREIGN));
    let outcomes = import(&admin, &lines).await;
    for (outcome, (hash, why)) in outcomes.iter().zip(&bad) {
        let reason = outcome["reason"].as_str().unwrap_or_default();
        assert_eq!(outcome["outcome"], "refused", "{hash}");
        assert!(reason.contains(why) && !reason.contains(FOREIGN), "{hash}: {reason}");
    }
    assert_eq!(outcomes[bad.len()]["outcome"], "created", "the lines before change nothing");
    let users = admin.get("/users").await.expect(200).json();
    assert_eq!(users["users"].as_array().map(Vec::len), Some(1));
}

async fn the_presets_of_other_servers_are_imported(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    // OWASP, RFC 9106, PHP, Spring Security.
    let presets = ["m=47104,t=1,p=1", "m=7168,t=5,p=1", "m=65536,t=3,p=4", "m=65536,t=4,p=1", "m=16384,t=2,p=1"];
    let lines = (1..).zip(presets).map(|(number, cost)| member(number, &FOREIGN.replace("m=256,t=2,p=2", cost)));
    for (outcome, preset) in import(&admin, &lines.collect::<Vec<_>>()).await.iter().zip(presets) {
        assert_eq!(outcome["outcome"], "created", "{preset}: {outcome}");
    }
}

async fn a_hash_of_another_server_signs_in_and_is_made_anew(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    assert_eq!(import(&admin, &[member(1, FOREIGN)]).await[0]["outcome"], "created");
    assert!(sign_in(&server, 1).await.is_at_app());
    let kept = admin.get("/export/users").await.expect(200).body;
    assert!(!kept.contains(FOREIGN) && kept.contains("$argon2id$v=19$m=8,t=1,p=1$"), "{kept}");
    assert!(sign_in(&server, 1).await.is_at_app());
}

async fn a_stored_hash_beyond_the_bounds_fails_the_sign_in_and_nothing_else(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    assert_eq!(import(&admin, &[member(1, FOREIGN), member(2, FOREIGN)]).await[1]["outcome"], "created");
    // As a release that accepted every hash stored it.
    let user = ids(1)[0].parse().expect("an id");
    let (no, now) = (server.app.projects.all()[0].no, server.clock.now());
    let written = server
        .app
        .store
        .write("test", (), move |tx, ()| Box::pin(vestibule_store::credentials::set_password(tx, no, user, HUGE, now)));
    written.await.expect("the store works");
    for _ in 0..2 {
        let browser = sign_in(&server, 1).await;
        let page = browser.expect_page(422, "Welcome back");
        assert!(page.problem("password").is_some(), "{}", page.text);
    }
    assert!(sign_in(&server, 2).await.is_at_app(), "others go on");
}

async fn an_operators_stored_hash_beyond_the_bounds_stops_nothing(engine: Engine) {
    let server = start(engine).await;
    let mut owner = server.owner().await;
    let write = async |hash: String| {
        let written = server.app.store.write("test", hash, |tx, hash| {
            Box::pin(async move {
                let operator = vestibule_store::operators::find_by_email(tx, "olga@house.example").await?;
                let id = operator.expect("the owner").id;
                vestibule_store::operators::set_password(tx, id, Some(hash)).await
            })
        });
        assert!(written.await.expect("the store works"));
    };
    owner.press("Sign out").await;
    let sign_in = async |owner: &mut Browser, password: &str| {
        owner.open("/portal/sign-in").await;
        owner.fill("Email", "olga@house.example");
        owner.fill("Password", password);
        owner.press("Sign in").await;
    };
    write(HUGE.to_string()).await;
    sign_in(&mut owner, OWNER_PASSWORD).await;
    owner.expect_page(422, "Sign in to the portal");
    write(FOREIGN.to_string()).await;
    sign_in(&mut owner, PASSWORD).await;
    owner.expect_page(200, "Projects");
}
