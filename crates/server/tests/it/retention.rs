//! The retention of guests: warned, expired, revived and erased by the rules of their applications, with holds, dry runs, several nodes
//! and interrupted runs.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::{jobs::retention, projects::Project, retention::Overview, state::App};
use vestibule_domain::{
    grant::Grant,
    id::{GrantId, UserId},
    project::NonBlockingHandler,
    retention::{ClassSettings, RetentionSettings},
    secret::TokenHash,
    subject::{Meaning, Subject},
    time::Timestamp,
    user::User,
};
use vestibule_server::boot;
use vestibule_store::{grants, user_lists, users};

use crate::{
    lifetimes::change_settings,
    support::{Admin, AppClient, Device, Engine, Platform, Receiver, TestServer, on_both_engines},
};

pub(crate) const DAY: i64 = 86_400;

on_both_engines!(
    an_unused_guest_is_warned_expires_and_is_erased,
    a_guest_seen_inside_its_window_is_kept,
    a_guest_without_a_session_is_judged_by_its_last_use,
    a_device_key_revives_its_guest,
    an_operator_revives_a_guest,
    a_hold_keeps_its_guest_until_it_ends,
    holds_are_checked,
    rules_that_end_many_guests_wait_for_an_operator,
    other_applications_and_members_are_not_touched,
    a_guest_ends_with_its_session,
    a_longer_rule_takes_an_expiry_back,
    an_interrupted_run_goes_on_where_it_stood,
    a_guest_used_during_the_run_stays,
    many_ended_grants_are_removed_together,
);

fn class(days: u32) -> ClassSettings {
    ClassSettings { idle_seconds: Some(days * 86_400), ..ClassSettings::default() }
}

/// One rule for all classes of guests.
pub(crate) fn same(class: ClassSettings) -> RetentionSettings {
    RetentionSettings { without_key: class.clone(), with_key: class.clone(), with_attributes: class }
}

pub(crate) async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.configure("hooks.allow_private_addresses", "true");
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
        for client_id in ["web", "blog"] {
            setup.set_client(client_id, "refresh_token_idle_timeout_seconds", 400 * DAY);
        }
    })
    .await
}

/// Sets the rules of all applications, or of one.
pub(crate) async fn set_rules(server: &TestServer, only: Option<&str>, rules: &RetentionSettings) {
    change_settings(server, |settings| {
        let clients = settings.oauth.clients.iter_mut().filter(|client| client.application_type().allows_anonymous());
        for client in clients.filter(|client| only.is_none_or(|only| client.client_id == only)) {
            client.guest_retention = rules.clone();
        }
    })
    .await;
}

fn project(app: &App) -> Arc<Project> {
    app.projects.find_by_id("test").expect("the test project")
}

/// One run of the job.
pub(crate) async fn run(app: &App) {
    retention::sweep(app, &project(app)).await.expect("a run");
}

async fn look(app: &Arc<App>) -> Overview {
    let project = project(app);
    let ctx = vestibule_app::ctx::Ctx::without_request(app, &project, app.clock.now());
    vestibule_app::retention::overview(&ctx).await.expect("an overview")
}

/// Advances the clock by days and an hour, then runs the job.
pub(crate) async fn advance(server: &TestServer, days: i64) {
    server.clock.advance_seconds(days * DAY + 3_700);
    run(&server.app).await;
}

pub(crate) async fn status(admin: &Admin, subject: &str) -> u16 {
    admin.get(&format!("/users/{subject}")).await.status
}

pub(crate) async fn sign_up(client: &AppClient) -> (crate::support::Tokens, String) {
    let guest = client.sign_up().await;
    let subject = client.subject(&guest.access).await;
    (guest, subject)
}

async fn an_unused_guest_is_warned_expires_and_is_erased(engine: Engine) {
    let server = start(engine).await;
    let receiver = Receiver::start().await;
    let names = ["user.anonymous.expiring", "user.anonymous.expired", "user.anonymous.revived", "user.deleted"];
    change_settings(&server, |settings| {
        let events = Some(names.map(String::from).to_vec());
        settings.hook.non_blocking_handlers = vec![NonBlockingHandler { events, url: receiver.url.clone() }];
    })
    .await;
    let rule = ClassSettings { warning_seconds: Some(172_800), grace_seconds: Some(259_200), ..class(10) };
    set_rules(&server, None, &same(rule)).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (guest, subject) = sign_up(&client).await;
    // The dry run, then a first run.
    run(&server.app).await;
    run(&server.app).await;
    assert!(receiver.calls().is_empty());
    advance(&server, 8).await;
    let warned = receiver.wait_for(1).await[0].json();
    assert_eq!((&warned["type"], &warned["payload"]["user"]["id"]), (&json!(names[0]), &json!(subject)));
    assert_eq!(warned["context"]["triggered_by"], "system");
    let expires_at = warned["payload"]["expires_at"].as_str().and_then(Timestamp::parse_rfc3339).expect("a time");
    assert!(expires_at >= server.clock.now().plus(std::time::Duration::from_secs(86_400)));
    assert_eq!(client.refresh(&guest.refresh).await.status, 200, "a warned guest goes on");
    // The refresh was a use, so the warning is void.
    advance(&server, 2).await;
    advance(&server, 6).await;
    assert_eq!(receiver.wait_for(2).await[1].kind(), names[0], "a second warning");
    advance(&server, 2).await;
    assert_eq!(receiver.wait_for(3).await[2].kind(), names[1]);
    assert_eq!(client.refresh(&guest.refresh).await.status, 400, "its sessions have ended");
    assert_eq!(status(&admin, &subject).await, 200, "it is in its grace period");
    advance(&server, 3).await;
    let deleted = receiver.wait_for(4).await[3].json();
    assert_eq!((&deleted["type"], &deleted["payload"]["reason"]), (&json!(names[3]), &json!("retention")));
    assert_eq!(deleted["payload"]["user"]["id"], json!(subject));
    assert_eq!(status(&admin, &subject).await, 404);
    let log = server.events("retention.completed").await;
    let sums = ["warned", "expired", "erased"]
        .map(|name| log.iter().map(|event| event["payload"][name].as_u64().expect("a number")).sum::<u64>());
    assert_eq!(sums, [2, 1, 1]);
    assert!(server.events("user.deleted").await.is_empty(), "one entry for a run, none for a guest");
}

async fn a_guest_seen_inside_its_window_is_kept(engine: Engine) {
    let server = start(engine).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(0), ..class(10) })).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (guest, subject) = sign_up(&client).await;
    run(&server.app).await;
    // A use that is only in the memory of this process, and is lost by a crash.
    server.clock.advance_seconds(50);
    client.user_info(&guest.access).await.expect(200);
    server.clock.advance_seconds(10 * DAY);
    run(&server.app).await;
    assert_eq!(status(&admin, &subject).await, 200, "10 days after its last use");
    server.clock.advance_seconds(3_700);
    run(&server.app).await;
    assert_eq!(status(&admin, &subject).await, 404);
}

async fn a_guest_without_a_session_is_judged_by_its_last_use(engine: Engine) {
    let server = start(engine).await;
    change_settings(&server, |settings| {
        settings.oauth.clients[0].anonymous_refresh_token_idle_timeout_seconds = Some(3_600);
    })
    .await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(0), ..class(10) })).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let ((idle, first), (revoked, second)) = (sign_up(&client).await, sign_up(&client).await);
    run(&server.app).await;
    server.clock.advance_seconds(3_000);
    client.refresh(&idle.refresh).await.expect(200);
    client.revoke(&revoked.refresh).await.expect(200);
    server.clock.advance_seconds(2 * DAY);
    boot::maintain(&server.app).await.expect("maintained");
    server.clock.advance_seconds(8 * DAY);
    run(&server.app).await;
    for subject in [&first, &second] {
        assert_eq!(status(&admin, subject).await, 200, "exactly 10 days after the last use");
    }
    server.clock.advance_seconds(3_700);
    run(&server.app).await;
    for subject in [&first, &second] {
        assert_eq!(status(&admin, subject).await, 404);
    }
}

async fn a_device_key_revives_its_guest(engine: Engine) {
    let server = start(engine).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(604_800), ..class(30) })).await;
    let admin = Admin::of(&server).await;
    let mut device = Device::new(&server, Platform::Android);
    let subject = device.authenticate().await;
    run(&server.app).await;
    advance(&server, 31).await;
    assert_eq!(look(&server.app).await.last.map(|last| last.done.expired), Some(1));
    advance(&server, 5).await;
    assert_eq!(device.authenticate().await, subject, "the same guest");
    advance(&server, 3).await;
    assert_eq!(look(&server.app).await.last.map(|last| (last.done.revived, last.done.erased)), Some((1, 0)));
    assert_eq!(status(&admin, &subject).await, 200);
    // Then it is as any other guest.
    advance(&server, 31).await;
    advance(&server, 8).await;
    assert_eq!(status(&admin, &subject).await, 404);
    assert_ne!(device.authenticate().await, subject, "an ID is never used again");
}

async fn an_operator_revives_a_guest(engine: Engine) {
    let server = start(engine).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(604_800), ..class(30) })).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, subject) = sign_up(&client).await;
    run(&server.app).await;
    let revive = format!("/users/{subject}/revive");
    assert_eq!(admin.post(&revive, &json!({})).await.expect(409).json()["code"], "not_expired");
    advance(&server, 31).await;
    admin.post(&revive, &json!({})).await.expect(204);
    assert_eq!(admin.post(&revive, &json!({})).await.expect(409).json()["code"], "not_expired");
    advance(&server, 8).await;
    assert_eq!(status(&admin, &subject).await, 200, "it counts as seen when it was revived");
    let event = admin.wait_until("/events?type=user.anonymous.revived", |log| log["events"][0].is_object()).await;
    assert_eq!(event["events"][0]["payload"]["user"]["id"], json!(subject));
    advance(&server, 31).await;
    advance(&server, 8).await;
    assert_eq!(status(&admin, &subject).await, 404);
    admin.post(&revive, &json!({})).await.expect(404);
}

/// A hold that lasts so many days from now.
fn hold(server: &TestServer, days: u64) -> Value {
    let until = server.clock.now().plus(std::time::Duration::from_secs(days * 86_400));
    json!({"owner": "orders", "reason": "Order 4711 is open", "expires_at": until.to_rfc3339()})
}

async fn a_hold_keeps_its_guest_until_it_ends(engine: Engine) {
    let server = start(engine).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(0), ..class(10) })).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let ((_, held), (_, freed), (_, other)) = (sign_up(&client).await, sign_up(&client).await, sign_up(&client).await);
    run(&server.app).await;
    let made = admin.post(&format!("/users/{held}/holds"), &hold(&server, 40)).await.expect(201).json();
    assert_eq!((&made["owner"], &made["reason"]), (&json!("orders"), &json!("Order 4711 is open")));
    let removed = admin.post(&format!("/users/{freed}/holds"), &hold(&server, 40)).await.expect(201).json();
    advance(&server, 11).await;
    assert_eq!(
        [status(&admin, &held).await, status(&admin, &freed).await, status(&admin, &other).await],
        [200, 200, 404]
    );
    let listed = admin.get(&format!("/users/{held}/holds")).await.expect(200).json();
    assert_eq!(listed["holds"], json!([made]));
    let path = format!("/users/{freed}/holds/{}", removed["id"].as_str().expect("an ID"));
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    advance(&server, 1).await;
    assert_eq!([status(&admin, &held).await, status(&admin, &freed).await], [200, 404]);
    advance(&server, 30).await;
    assert_eq!(status(&admin, &held).await, 404, "the hold has ended");
    assert_eq!(server.events("user.hold.created").await.len(), 2);
    assert_eq!(server.events("user.hold.removed").await.len(), 1);
}

async fn holds_are_checked(engine: Engine) {
    let server = start(engine).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, subject) = sign_up(&client).await;
    let path = format!("/users/{subject}/holds");
    let good = hold(&server, 40);
    let with = |name: &str, value: Value| {
        let mut hold = good.clone();
        hold[name] = value;
        hold
    };
    for (wrong, at) in [
        (with("owner", json!("")), "owner"),
        (with("owner", json!("x".repeat(101))), "owner"),
        (with("reason", json!("a\nb")), "reason"),
        (with("expires_at", json!("tomorrow")), "expires_at"),
        (with("expires_at", json!("2020-01-01T00:00:00Z")), "expires_at"),
        (with("expires_at", json!("2090-01-01T00:00:00Z")), "expires_at"),
    ] {
        assert_eq!(admin.post(&path, &wrong).await.expect(422).json()["errors"][0]["path"], at, "{wrong}");
    }
    admin.post(&format!("/users/{}/holds", UserId::lower_bound(7)), &good).await.expect(404);
    let once = || admin.request(Method::POST, &path).header("idempotency-key", "k-1").json(&good);
    let first = crate::support::Reply::of(once()).await.expect(201).json();
    assert_eq!(crate::support::Reply::of(once()).await.expect(201).json(), first, "one hold, however often it is sent");
    for _ in 1..100 {
        admin.post(&path, &good).await.expect(201);
    }
    assert_eq!(admin.post(&path, &good).await.expect(409).json()["code"], "too_many_holds");
    // Deletion on request ignores them.
    admin.delete(&format!("/users/{subject}")).await.expect(204);
    admin.get(&path).await.expect(404);
}

async fn rules_that_end_many_guests_wait_for_an_operator(engine: Engine) {
    let server = start(engine).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let (_, old) = sign_up(&client).await;
    let (_, older) = sign_up(&client).await;
    server.clock.advance_seconds(40 * DAY);
    let (_, young) = sign_up(&client).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(0), ..class(30) })).await;
    run(&server.app).await;
    let waiting = admin.get("/retention").await.expect(200).json();
    assert_eq!(waiting["plan"]["is_waiting"], true);
    let of_web = &waiting["plan"]["applications"][0];
    assert_eq!((&of_web["client_id"], &of_web["guests"], &of_web["due"]), (&json!("web"), &json!(3), &json!(2)));
    assert_eq!(of_web["ages"][2], json!({"below_days": 90, "guests": 2, "due": 2}));
    advance(&server, 0).await;
    assert_eq!(status(&admin, &old).await, 200, "nothing is done before");
    let other = json!({"rules": "0f343b0931126a20f133d67c2b018a3b"});
    assert_eq!(admin.post("/retention/confirm", &other).await.expect(409).json()["code"], "plan_changed");
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/retention").await;
    let page = owner.expect_page(200, "Guest retention");
    assert!(page.text.contains("Would expire: 2 of 3 (66 %)."), "{}", page.text);
    owner.press("Confirm: 2 guests expire").await;
    assert!(owner.expect_page(200, "Guest retention").text.contains("Rules confirmed."), "{}", owner.page().text);
    advance(&server, 0).await;
    let left = [status(&admin, &old).await, status(&admin, &older).await, status(&admin, &young).await];
    assert_eq!(left, [404, 404, 200]);
    assert_eq!(server.events("retention.confirmed").await.len(), 1);
    // Other rules are tried again first.
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(0), ..class(1) })).await;
    advance(&server, 2).await;
    assert_eq!(status(&admin, &young).await, 200);
    assert_eq!(admin.get("/retention").await.expect(200).json()["plan"]["is_waiting"], true);
}

async fn other_applications_and_members_are_not_touched(engine: Engine) {
    let server = start(engine).await;
    let (client, blog, admin) = (server.app_client(), server.other_client(), Admin::of(&server).await);
    let with_attributes = RetentionSettings { with_attributes: class(30), ..same(class(10)) };
    set_rules(&server, Some("web"), &with_attributes).await;
    let ((_, plain), (_, reader), (_, member), (_, named)) =
        (sign_up(&client).await, sign_up(&blog).await, sign_up(&client).await, sign_up(&client).await);
    let login_id = json!({"type": "email", "value": "kim@shop.example", "is_verified": true});
    admin.post(&format!("/users/{member}/promote"), &json!({"login_id": login_id})).await.expect(200);
    let cart = json!({"custom_attributes": {"cart": "c-1"}});
    admin.send(Method::PATCH, &format!("/users/{named}"), &cart).await.expect(200);
    let (_, disabled) = sign_up(&client).await;
    admin.post(&format!("/users/{disabled}/disable"), &json!({})).await.expect(200);
    run(&server.app).await;
    advance(&server, 20).await;
    advance(&server, 8).await;
    assert_eq!(status(&admin, &plain).await, 404);
    for subject in [&reader, &member, &named, &disabled] {
        assert_eq!(status(&admin, subject).await, 200);
    }
    advance(&server, 10).await;
    advance(&server, 8).await;
    assert_eq!(status(&admin, &named).await, 404, "it has a rule of its own");
    let mut conn = server.app.store.read().await.expect("a connection");
    let no = project(&server.app).no;
    for (subject, meaning) in [(&named, Some(Meaning::Tombstone)), (&plain, None)] {
        let id = Subject::Id(subject.parse().expect("an ID"));
        let found = vestibule_store::subjects::find(&mut conn, no, &id).await.expect("the ledger");
        assert_eq!(found, meaning, "only what something remembers leaves a tombstone");
    }
    drop(conn);
    advance(&server, 300).await;
    for subject in [&reader, &member, &disabled] {
        assert_eq!(status(&admin, subject).await, 200);
    }
}

async fn a_guest_ends_with_its_session(engine: Engine) {
    let server = start(engine).await;
    let rule = ClassSettings { ends_with_session: Some(true), grace_seconds: Some(0), ..ClassSettings::default() };
    set_rules(&server, None, &RetentionSettings { without_key: rule, ..RetentionSettings::default() }).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let ((gone, first), (_, second)) = (sign_up(&client).await, sign_up(&client).await);
    let mut device = Device::new(&server, Platform::Ios);
    let third = device.authenticate().await;
    run(&server.app).await;
    client.revoke(&gone.refresh).await.expect(200);
    device.log_out().await;
    run(&server.app).await;
    assert_eq!(status(&admin, &first).await, 200, "a use may be on its way to the store");
    advance(&server, 0).await;
    let left = [status(&admin, &first).await, status(&admin, &second).await, status(&admin, &third).await];
    assert_eq!(left, [404, 200, 200]);
}

async fn a_longer_rule_takes_an_expiry_back(engine: Engine) {
    let server = start(engine).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    set_rules(&server, None, &same(class(10))).await;
    let (_, subject) = sign_up(&client).await;
    run(&server.app).await;
    advance(&server, 11).await;
    assert_eq!(look(&server.app).await.last.map(|last| last.done.expired), Some(1));
    set_rules(&server, None, &RetentionSettings::default()).await;
    run(&server.app).await;
    advance(&server, 0).await;
    assert_eq!(look(&server.app).await.last.map(|last| last.done.revived), Some(1));
    advance(&server, 100).await;
    assert_eq!(status(&admin, &subject).await, 200);
}

/// Adds guests that were last seen when they were created, each with a grant.
async fn add_guests(server: &TestServer, count: usize) -> Vec<UserId> {
    let (app, no) = (&server.app, project(&server.app).no);
    let now = app.clock.now();
    let ids: Vec<UserId> = (0..count).map(|_| app.entropy.id(now)).collect();
    for chunk in ids.chunks(500) {
        let input: Vec<(UserId, GrantId)> = chunk.iter().map(|id| (*id, app.entropy.id(now))).collect();
        let added = app.store.write("add_guests", input, move |tx, input| {
            Box::pin(async move {
                for (id, grant) in input {
                    users::insert(tx, no, &User::new_guest(*id, now)).await?;
                    grants::insert(tx, no, &new_grant(*grant, *id, now)).await?;
                }
                Ok::<_, vestibule_store::StoreError>(())
            })
        });
        added.await.expect("added");
    }
    ids
}

fn new_grant(id: GrantId, user_id: UserId, now: Timestamp) -> Grant {
    Grant {
        id,
        user_id,
        client_id: "web".into(),
        token_hash: TokenHash([7; 32]),
        scope: None,
        created_at: now,
        last_access_at: now,
        authenticated_at: now,
        amr: None,
        session_id: None,
        dpop_jkt: None,
        device: None,
        previous: None,
        has_revoked_tokens: false,
        ends_at: None,
    }
}

/// How many users and grants the project has.
async fn count_rows(app: &App) -> (usize, usize) {
    let mut conn = app.store.read().await.expect("a connection");
    let users = user_lists::list_newest(&mut conn, project(app).no, None, 100_000).await.expect("users");
    let grants = grants::scan_any_project(&mut conn, None, 100_000).await.expect("grants");
    (users.len(), grants.len())
}

async fn an_interrupted_run_goes_on_where_it_stood(engine: Engine) {
    let mut server = start(engine).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(86_400), ..class(10) })).await;
    add_guests(&server, 1_500).await;
    run(&server.app).await;
    server.clock.advance_seconds(11 * DAY);
    let (_, young) = sign_up(&server.app_client()).await;
    for is_second in [false, true] {
        // Each attempt is dropped after some steps, as a crash would do.
        for steps in [1, 2, 3, 5, 8, 13, 21, 34] {
            let app = Arc::clone(&server.app);
            let attempt = tokio::spawn(async move { retention::sweep(&app, &project(&app)).await });
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
            attempt.abort();
            attempt.await.ok();
            if steps == 13 {
                server.restart().await;
            }
        }
        run(&server.app).await;
        let done = look(&server.app).await.last.expect("a run that ended").done;
        let expected = if is_second { (0, 1_500) } else { (1_500, 0) };
        assert_eq!((done.expired, done.erased), expected, "each exactly once");
        server.clock.advance_seconds(2 * DAY);
    }
    assert_eq!(count_rows(&server.app).await, (1, 1));
    assert_eq!(status(&Admin::of(&server).await, &young).await, 200);
}

async fn a_guest_used_during_the_run_stays(engine: Engine) {
    let server = start(engine).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(0), ..class(10) })).await;
    let client = server.app_client();
    let mut guests = Vec::new();
    for _ in 0..12 {
        guests.push(sign_up(&client).await);
    }
    add_guests(&server, 400).await;
    run(&server.app).await;
    server.clock.advance_seconds(11 * DAY);
    let app = Arc::clone(&server.app);
    let running = tokio::spawn(async move { retention::sweep(&app, &project(&app)).await });
    let mut used = Vec::new();
    for (guest, subject) in &guests {
        if client.refresh(&guest.refresh).await.status == 200 {
            used.push((guest, subject));
        }
    }
    running.await.expect("no panic").expect("a run");
    run(&server.app).await;
    let admin = Admin::of(&server).await;
    for (guest, subject) in &used {
        assert_eq!(status(&admin, subject).await, 200, "a refresh that succeeded keeps its guest");
        client.refresh(&guest.refresh).await.expect(200);
    }
    let (users, grants) = count_rows(&server.app).await;
    assert_eq!((users, grants), (used.len(), used.len()), "all others are gone, and nothing of them is left");
}

async fn many_ended_grants_are_removed_together(engine: Engine) {
    let server = start(engine).await;
    change_settings(&server, |settings| {
        settings.oauth.clients[0].anonymous_refresh_token_idle_timeout_seconds = Some(3_600);
    })
    .await;
    let client = server.app_client();
    add_guests(&server, 2_500).await;
    server.clock.advance_seconds(3_000);
    let used = sign_up(&client).await.0;
    server.clock.advance_seconds(1_000);
    client.refresh(&used.refresh).await.expect(200);
    boot::maintain(&server.app).await.expect("maintained");
    assert_eq!(count_rows(&server.app).await, (2_501, 1), "guests stay, their ended grants go");
    client.refresh(&used.refresh).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn two_nodes_at_once_erase_each_guest_once() {
    let server = start(Engine::Postgres).await;
    set_rules(&server, None, &same(ClassSettings { grace_seconds: Some(0), ..class(10) })).await;
    let node = server.open_app(server.clock.clone()).await;
    add_guests(&server, 3_000).await;
    // The dry run, counted by both.
    let (here, there) = (project(&server.app), project(&node));
    let (first, second) = tokio::join!(retention::sweep(&server.app, &here), retention::sweep(&node, &there));
    first.and(second).expect("a dry run");
    let plan = look(&server.app).await.plan.expect("a plan");
    assert_eq!(plan.applications["web"].totals(), (3_000, 0), "each counted once");
    server.clock.advance_seconds(11 * DAY);
    let (first, second) = tokio::join!(retention::sweep(&server.app, &here), retention::sweep(&node, &there));
    first.and(second).expect("a run");
    run(&server.app).await;
    assert_eq!(look(&server.app).await.last.map(|last| last.done.erased), Some(3_000));
    assert_eq!(count_rows(&server.app).await, (0, 0));
}
