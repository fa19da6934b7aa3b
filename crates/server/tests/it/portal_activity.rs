//! The operators' audit log: its content, what it never contains, who may read it, and when entries expire.

use vestibule_store::operator_events;

use crate::support::{Browser, Engine, OWNER_PASSWORD, SoftPasskey, TestServer, on_both_engines};

on_both_engines!(
    what_operators_do_is_written_down,
    wrong_passwords_are_written_down_within_bounds,
    the_record_is_read_by_page_and_ends,
);

const EMAIL: &str = "olga@house.example";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

/// The log, oldest first: act, operator, actor, detail.
async fn read(server: &TestServer) -> Vec<[String; 4]> {
    let mut conn = server.app.store.read().await.expect("a connection");
    let events = operator_events::list_page(&mut conn, None, None, 1_000).await.expect("the store works");
    events.into_iter().rev().map(|one| [one.act, one.email, one.done_by, one.detail]).collect()
}

/// How often each entry of a failed sign-in happened, newest first.
async fn count_failures(server: &TestServer) -> Vec<i64> {
    let mut conn = server.app.store.read().await.expect("a connection");
    let events = operator_events::list_page(&mut conn, None, None, 1_000).await.expect("the store works");
    events.into_iter().filter(|one| one.act == "sign_in_failed").map(|one| one.times).collect()
}

async fn what_operators_do_is_written_down(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut mailbox = server.mailbox();
    let mut passkey = SoftPasskey::new();
    owner.open("/portal/me").await;
    owner.fill("Name of the new passkey", "Blue key");
    owner.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    owner.fill("New name (Blue key)", "Green key");
    owner.press("Save name").await;
    owner.press("Remove password").await;
    owner.fill("New password", OWNER_PASSWORD);
    owner.press("Set password").await;
    owner.press("Remove").await;
    owner.press("Sign out").await;
    owner.fill("Email", EMAIL);
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;

    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "ed@house.example");
    owner.tick("Editor");
    owner.press("Invite").await;
    let link = mailbox.next_welcome("ed@house.example").await;
    let mut editor = server.browser();
    editor.open(&link).await;
    editor.fill("Your name", "Ed");
    editor.fill("Password", "nine grey herons by the weir");
    editor.press("Accept invitation").await;
    editor.open("/portal/activity").await;
    editor.expect_page(403, "You need a higher role");
    owner.open("/portal/p/test/operators").await;
    owner.follow("Recovery link").await;
    owner.press("Create link").await;
    let page = owner.expect_page(200, "Recovery link");
    let reset = page.text.split_whitespace().find(|word| word.contains("/welcome/")).expect("a link").to_string();
    editor.open(&reset).await;
    editor.fill("Password", "ten grey herons by the weir");
    editor.press("Set password").await;
    owner.open("/portal/p/test/operators").await;
    let links: Vec<_> = owner.page().links.iter().filter(|(text, _)| text == "Change").collect();
    let theirs = links.iter().find(|(_, to)| !to.contains("everywhere")).expect("the editor's").1.clone();
    for role in ["Viewer", "None"] {
        owner.open(&theirs).await;
        owner.tick(role);
        owner.press("Change role").await;
    }

    let (olga, ed) = (EMAIL, "ed@house.example");
    let expected = [
        ["first_run_link_used", olga, olga, "password"],
        ["passkey_added", olga, olga, "Blue key"],
        ["passkey_renamed", olga, olga, "Blue key → Green key"],
        ["password_removed", olga, olga, ""],
        ["password_changed", olga, olga, ""],
        ["passkey_removed", olga, olga, "Green key"],
        ["signed_out", olga, olga, ""],
        ["signed_in", olga, olga, "password"],
        ["invited", ed, olga, "editor of test"],
        ["joined", ed, ed, "password"],
        ["link_made", ed, olga, ""],
        ["link_used", ed, ed, "password"],
        ["role_changed", ed, olga, "viewer of test"],
        ["removed", ed, olga, "test"],
    ];
    // The clock stands still, so IDs of one moment are unordered.
    let sort = |mut all: Vec<[String; 4]>| {
        all.sort();
        all
    };
    assert_eq!(sort(read(&server).await), sort(expected.map(|one| one.map(str::to_string)).to_vec()));
    let everything = format!("{:?}", read(&server).await);
    for secret in [OWNER_PASSWORD, "herons", link.rsplit('/').next().expect("a token"), "welcome"] {
        assert!(!everything.contains(secret), "{secret} is in the record");
    }
    owner.open("/portal/p/test/operators").await;
    owner.follow("Operator activity").await;
    let page = owner.expect_page(200, "Operator activity");
    assert!(page.text.contains("Role changed viewer of test"), "{}", page.text);
    assert!(page.text.contains("ed@house.example · by olga@house.example · from 127.0.0.1"), "{}", page.text);
}

async fn wrong_passwords_are_written_down_within_bounds(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.press("Sign out").await;
    // Input for an unknown address may be anything, even a password.
    owner.fill("Email", OWNER_PASSWORD);
    owner.fill("Password", "wrong");
    owner.press("Sign in").await;
    owner.expect_page(422, "Sign in to the portal");
    for round in 0..15 {
        owner.open("/portal/sign-in").await;
        owner.fill("Email", EMAIL);
        owner.fill("Password", "wrong");
        owner.press("Sign in").await;
        owner.expect_page(
            if round < 10 { 422 } else { 429 },
            if round < 10 { "Sign in to the portal" } else { "Too many attempts" },
        );
    }
    let failed: Vec<_> = read(&server).await.into_iter().filter(|one| one[0] == "sign_in_failed").collect();
    // Equal ones of an hour are one entry with their number.
    assert_eq!(failed, [["sign_in_failed", EMAIL, EMAIL, "password"]]);
    assert_eq!(count_failures(&server).await, [10]);
    server.clock.advance_seconds(601);
    owner.open("/portal/sign-in").await;
    owner.fill("Email", EMAIL);
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;
    owner.open("/portal/me").await;
    let page = owner.expect_page(200, "Your account");
    assert!(
        page.text.contains("Recent activity") && page.text.contains("Sign-in attempt failed 10 times with a password"),
        "{}",
        page.text
    );
    server.clock.advance_seconds(601);
    owner.open("/portal/prove?next=/portal/me").await;
    owner.fill("Password", "wrong");
    owner.press("Continue").await;
    owner.expect_page(422, "Confirm that it's you");
    assert!(read(&server).await.iter().any(|one| one[0] == "proof_failed"));
}

async fn the_record_is_read_by_page_and_ends(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    for _ in 0..30 {
        server.clock.advance_seconds(1);
        owner.press("Sign out").await;
        owner.fill("Email", EMAIL);
        owner.fill("Password", OWNER_PASSWORD);
        owner.press("Sign in").await;
        owner.expect_page(200, "Projects");
    }
    owner.follow("Operator activity").await;
    let page = owner.expect_page(200, "Operator activity");
    // Half of them are sign-outs, at the same time as the sign-ins.
    let count = |text: &str| text.matches("Signed in with a password").count() + text.matches("Signed out").count();
    assert_eq!(count(&page.text), 50, "{}", page.text);
    owner.follow("Earlier").await;
    let page = owner.expect_page(200, "Operator activity");
    assert_eq!(count(&page.text), 10, "{}", page.text);
    assert!(
        page.text.contains("First-run link used with a password") && !page.text.contains("Earlier"),
        "{}",
        page.text
    );
    owner.open("/portal/activity?before=x").await;
    assert_eq!(owner.reply().status, 400);

    // Kept as long as the event log.
    let clean = async || vestibule_server::boot::maintain(&server.app).await.expect("the store works");
    server.clock.advance_seconds(364 * 86_400);
    clean().await;
    assert_eq!(read(&server).await.len(), 61);
    server.clock.advance_seconds(2 * 86_400);
    clean().await;
    assert_eq!(read(&server).await.len(), 0);
}
