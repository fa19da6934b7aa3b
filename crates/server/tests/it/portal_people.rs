//! The portal's statistics and users: the overview, users and actions on them, the audit log, webhooks.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    admin_users::is_funnel,
    support::{Admin, Browser, Device, Engine, OWNER_PASSWORD, Platform, Receiver, TestServer, on_both_engines},
};

on_both_engines!(
    users_are_listed_searched_and_turned_page_by_page,
    an_operator_promotes_a_guest,
    an_operator_ends_sessions_and_revokes_a_device_key,
    an_operator_disables_and_deletes_a_user,
    an_operator_edits_attributes,
    the_overview_shows_the_numbers,
    a_sign_in_to_an_existing_account_is_no_promotion,
    consequences_read_naturally_for_none_and_one,
    the_audit_log_is_filtered_and_taken_away,
    webhooks_are_tried_out_and_sent_again,
    mail_and_text_messages_are_tried_out,
    empty_pages_say_so,
);

const AT: &str = "/portal/p/test";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

/// Signs in again, after every session has expired.
pub(crate) async fn sign_in(owner: &mut Browser) {
    owner.open("/portal").await;
    owner.fill("Email", "olga@house.example");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;
    owner.expect_page(200, "Projects");
}

async fn users_are_listed_searched_and_turned_page_by_page(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut ids = Vec::new();
    for _ in 0..52 {
        ids.push(app.subject(&app.sign_up().await.access).await);
        server.clock.advance_seconds(1);
    }
    let promotion = json!({"login_id": {"type": "email", "value": "kim@shop.test"}});
    admin.post(&format!("/users/{}/promote", ids[0]), &promotion).await.expect(200);
    owner.open(&format!("{AT}/users")).await;
    let page = owner.expect_page(200, "Users");
    assert!(page.text.contains(&ids[51][..13]) && !page.text.contains("kim@shop.test"), "{}", page.text);
    owner.follow("Next page").await;
    let page = owner.expect_page(200, "Users");
    assert!(page.text.contains("kim@shop.test") && !page.text.contains("Next page"), "{}", page.text);
    owner.follow("First page").await;
    for (search, found) in [("kim@", true), (ids[0].as_str(), true), (&ids[0][..20], true), ("lee@", false)] {
        owner.fill("Search", search);
        owner.press("Search").await;
        let page = owner.expect_page(200, "Users");
        assert_eq!(page.text.contains("kim@shop.test"), found, "{search}: {}", page.text);
        assert_eq!(page.text.contains("No results"), !found, "{search}: {}", page.text);
    }
    for (kind, found) in
        [("member", true), ("promoted", true), ("guest", false), ("disabled", false), ("dormant", false)]
    {
        owner.open(&format!("{AT}/users?kind={kind}")).await;
        let page = owner.expect_page(200, "Users");
        assert_eq!(page.text.contains("kim@shop.test"), found, "{kind}: {}", page.text);
    }
    owner.follow("Show all users").await;
    owner.expect_page(200, "Users");
}

/// The newest event of a name that an operator triggered, once it is in the log.
async fn event(admin: &Admin, name: &str) -> Value {
    let is_ours = |log: &Value| log["events"][0]["context"]["triggered_by"] == "portal";
    let event = admin.wait_until(&format!("/events?type={name}"), is_ours).await["events"][0].clone();
    assert_eq!(event["context"]["audit_context"]["operator_email"], "olga@house.example", "{event}");
    event
}

async fn an_operator_promotes_a_guest(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.expect_page(200, "Guest");
    owner.follow("Promote").await;
    owner.expect_page(200, "Promote a guest");
    owner.fill("Login ID", "not an address");
    owner.fill("Password", "123");
    owner.press("Promote to member").await;
    assert!(owner.expect_page(422, "Promote a guest").problem("value").is_some());
    owner.fill("Login ID", "Kim@shop.test");
    owner.press("Promote to member").await;
    let page = owner.expect_page(200, "Kim@shop.test");
    assert!(page.text.contains("Guest promoted") && page.text.contains("Verified"), "{}", page.text);
    let reported = app.user_info(&guest.access).await.expect(200).json();
    assert_eq!(
        (&reported["sub"], &reported["email"]),
        (&json!(subject), &json!("Kim@shop.test")),
        "its session goes on"
    );
    let promoted = event(&admin, "user.anonymous.promoted").await;
    assert_eq!(promoted["payload"]["user"]["id"], subject);
    let other = app.subject(&app.sign_up().await.access).await;
    owner.open(&format!("{AT}/users/{other}/promote")).await;
    owner.fill("Login ID", "kim@shop.test");
    owner.press("Promote to member").await;
    let page = owner.expect_page(422, "Promote a guest");
    assert_eq!(page.problem("value"), Some("Another user has this login ID already."));
}

async fn an_operator_ends_sessions_and_revokes_a_device_key(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let admin = Admin::of(&server).await;
    let mut device = Device::new(&server, Platform::Ios);
    let subject = device.authenticate().await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.follow("Revoke the key of iPhone 15 Pro").await;
    let page = owner.expect_page(200, "Revoke this device key?");
    assert!(
        page.text.contains("1 session stays open. When they end, this guest can no longer be recovered."),
        "{}",
        page.text
    );
    owner.press("Revoke key").await;
    let page = owner.expect_page(200, "Guest");
    assert!(
        page.text.contains("This device can't sign in again") && !page.text.contains("Device keys"),
        "{}",
        page.text
    );
    device.refresh().await;
    event(&admin, "identity.anonymous.revoked").await;
    let refresh = device.held().refresh.clone();
    owner.follow("End all sessions").await;
    let page = owner.expect_page(200, "End all sessions?");
    assert!(page.text.contains("ends 1 session. This guest can no longer be recovered: it has no"), "{}", page.text);
    owner.press("End session").await;
    let page = owner.expect_page(200, "Guest");
    assert!(page.text.contains("Not signed in anywhere"), "{}", page.text);
    event(&admin, "session.revoked").await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    device.token(&fields, true).await.expect(400);
    // The old page sent again: its user is gone.
    let web = server.app_client();
    let subject = web.subject(&web.sign_up().await.access).await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.follow("End the session of Corner Shop").await;
    assert!(
        owner.expect_page(200, "End this session?").text.contains("no longer be recovered"),
        "{}",
        owner.page().text
    );
    let mut other = owner.clone();
    owner.press("End session").await;
    other.press("End session").await;
    assert!(other.expect_page(200, "Guest").text.contains("It no longer exists"));
}

async fn an_operator_disables_and_deletes_a_user(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.follow("Disable").await;
    let page = owner.expect_page(200, "Disable this user?");
    assert!(page.text.contains("ends 1 session") && page.text.contains("no longer be recovered"), "{}", page.text);
    app.refresh(&guest.refresh).await.expect(200);
    owner.press("Disable user").await;
    assert!(owner.expect_page(200, "Guest").text.contains("User disabled"));
    event(&admin, "user.disabled").await;
    app.refresh(&guest.refresh).await.expect(400);
    owner.press("Enable").await;
    assert!(owner.expect_page(200, "Guest").text.contains("User enabled"));
    // A sensitive action: an owner without recent authentication must reauthenticate, and returns to the question.
    server.clock.advance_seconds(601);
    owner.reload().await;
    owner.follow("Delete").await;
    owner.expect_page(200, "Confirm that it's you");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    owner.expect_page(200, "Delete this user?");
    owner.fill("Type “delete”", "yes");
    owner.press("Delete user").await;
    assert!(owner.expect_page(422, "Delete this user?").problem("typed").is_some());
    owner.fill("Type “delete”", "delete");
    owner.press("Delete user").await;
    assert!(owner.expect_page(200, "Users").text.contains("User deleted"));
    event(&admin, "user.deleted").await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.expect_page(404, "Page not found");
    owner.open(&format!("{AT}/users/nobody")).await;
    owner.expect_page(404, "Page not found");
}

async fn an_operator_edits_attributes(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    let before = json!({"custom_attributes": {"cart": "c-1", "old": 1}});
    admin.send(Method::PATCH, &format!("/users/{subject}"), &before).await.expect(200);
    owner.open(&format!("{AT}/users/{subject}/attributes")).await;
    owner.fill("Standard attributes", "{\"name\": \"Kim\"}");
    owner.fill("Custom attributes", "{\"cart\":");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Attributes").problem("custom").is_some());
    owner.fill("Custom attributes", "{\"cart\": \"c-2\"}");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Kim").text.contains("Changes saved"));
    let reported = app.user_info(&guest.access).await.expect(200).json();
    assert_eq!((&reported["name"], &reported["custom_attributes"]), (&json!("Kim"), &json!({"cart": "c-2"})));
    event(&admin, "user.updated").await;
    owner.follow("Edit attributes").await;
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Kim").text.contains("No changes to save"));
    owner.follow("Edit attributes").await;
    owner.fill("Standard attributes", "{\"email\": \"a@b.test\"}");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Attributes").problem("standard").is_some());
}

async fn the_overview_shows_the_numbers(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut guests = Vec::new();
    for _ in 0..3 {
        guests.push(app.sign_up().await);
    }
    server.clock.advance_seconds(86_400);
    let fresh = app.refresh(&guests[0].refresh).await.expect(200).json();
    let subject = app.subject(fresh["access_token"].as_str().expect("a token")).await;
    let promotion = json!({"login_id": {"type": "email", "value": "kim@shop.test"}});
    admin.post(&format!("/users/{subject}/promote"), &promotion).await.expect(200);
    server.clock.advance_seconds(61);
    let is_counted = |report: &Value| is_funnel(report, [3, 1, 1, 0]);
    admin.wait_until("/statistics", is_counted).await;
    sign_in(&mut owner).await;
    owner.open(&format!("{AT}/overview")).await;
    let page = owner.expect_page(200, "Overview");
    for output in
        ["New guests 3", "Promoted 1", "33.3 %", "2030-05-01: New: 3, Returning: 0", "2030-05-02: New: 0, Returning: 1"]
    {
        assert!(page.text.contains(output), "{output}: {}", page.text);
    }
    owner.open(&format!("{AT}/overview?days=7&app=nobody")).await;
    let page = owner.expect_page(200, "Overview");
    assert!(page.text.contains("No new guests in this period"), "{}", page.text);
    // The redirect from the project's first page has a target.
    owner.open(AT).await;
    assert_eq!(owner.reply().status, 200);
}

/// Two guests of an application, one with a cookie, and one that is gone at once: one is promoted, one signs in instead.
async fn a_sign_in_to_an_existing_account_is_no_promotion(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.set("identity.on_conflict.promotion", "login");
    })
    .await;
    let mut owner = server.owner().await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let (first, second, third) = (app.sign_up().await, app.sign_up().await, app.sign_up().await);
    app.revoke(&third.refresh).await.expect(200);
    server.http().post_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.expect(200);
    server.clock.advance_seconds(61);
    let is_counted = |report: &Value| report["funnel"]["guests_created"] == 4;
    admin.wait_until("/statistics", is_counted).await;

    let subject = app.subject(&first.access).await;
    let login_id = json!({"type": "email", "value": "kim@shop.test", "is_verified": true});
    let promotion = json!({"login_id": login_id, "password": "correct horse battery"});
    admin.post(&format!("/users/{subject}/promote"), &promotion).await.expect(200);
    let mut visitor = server.browser();
    visitor.open(&app.promotion_url(&app.promotion_code(&second).await)).await;
    visitor.follow("Sign in instead").await;
    visitor.follow("Sign in without my guest progress").await;
    visitor.fill("Email address", "kim@shop.test");
    visitor.fill("Password", "correct horse battery");
    visitor.press("Sign in").await;
    let member = app.finish(visitor.at_app()).await;
    assert_eq!(app.subject(&member.access).await, subject);

    let report = admin.wait_until("/statistics", |report: &Value| is_funnel(report, [4, 0, 1, 1])).await;
    let of = |client_id: &str| {
        let days = report["days"].as_array().expect("days");
        let day = days.iter().find(|day| day["client_id"] == client_id).expect("a day");
        ["guests_created", "guests_without_session", "guests_promoted", "guests_signed_in"]
            .map(|name| day[name].as_i64())
    };
    assert_eq!(of("web"), [2, 0, 0, 1].map(Some));
    assert_eq!(of(""), [2, 1, 1, 0].map(Some), "the operator's key promoted without an application");
    let within: i64 =
        report["time_to_promotion"].as_array().expect("buckets").iter().filter_map(|one| one["count"].as_i64()).sum();
    assert_eq!(within, 1, "{report}");

    owner.open(&format!("{AT}/overview")).await;
    let page = owner.expect_page(200, "Overview");
    for shown in [
        "Promoted 1",
        "25.0 %",
        "1 guest was promoted in 30 days. 1 guest signed in to an existing account instead.",
        "Corner Shop 2 0 0 1",
        "Cookie-based applications 1 0 0 0",
        "No application 1 0 1 0",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
}

async fn consequences_read_naturally_for_none_and_one(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    owner.open(&format!("{AT}/settings/delete")).await;
    assert!(owner.page().text.contains("It has no users."), "{}", owner.page().text);
    owner.open(&format!("{AT}/applications/web/delete")).await;
    assert!(owner.page().text.contains("No one is signed in, so no one is signed out."), "{}", owner.page().text);

    let new = json!({"login_ids": [{"type": "email", "value": "kim@shop.test"}]});
    let kim = admin.post("/users", &new).await.expect(201).json()["id"].as_str().expect("an ID").to_string();
    owner.open(&format!("{AT}/users/{kim}/disabled")).await;
    assert!(owner.page().text.contains("The user is not signed in anywhere."), "{}", owner.page().text);
    owner.open(&format!("{AT}/users/{kim}/delete")).await;
    assert!(owner.page().text.contains("Deletes the user at once, with 1 identity."), "{}", owner.page().text);

    app.sign_up().await;
    owner.open(&format!("{AT}/anonymous-users")).await;
    owner.untick("Enable anonymous users?");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Anonymous users”?");
    assert!(page.text.contains("1 guest stays signed in until its session ends."), "{}", page.text);
}

async fn the_audit_log_is_filtered_and_taken_away(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut subjects = Vec::new();
    for _ in 0..2 {
        let subject = app.subject(&app.sign_up().await.access).await;
        admin.post(&format!("/users/{subject}/disable"), &json!({})).await.expect(200);
        subjects.push(subject);
        server.clock.advance_seconds(3_600 * 20);
    }
    admin.wait_until("/events?type=user.disabled", |log| log["events"][1].is_object()).await;
    sign_in(&mut owner).await;
    for (query, expected) in [
        ("type=user.disabled", [true, true]),
        ("type=user.deleted", [false, false]),
        ("type=user.disabled&from=2030-05-02", [false, true]),
        ("type=user.disabled&to=2030-05-01", [true, false]),
        (&format!("user={}", subjects[0]), [true, false]),
        (&format!("user={}&type=user.disabled", subjects[1]), [false, true]),
        (&format!("user={}&type=user.deleted", subjects[1]), [false, false]),
    ] {
        owner.open(&format!("{AT}/events?{query}")).await;
        let page = owner.expect_page(200, "Audit log");
        let is_there = |subject: &String| page.links.iter().any(|(_, to)| to.ends_with(&format!("/users/{subject}")));
        assert_eq!([is_there(&subjects[0]), is_there(&subjects[1])], expected, "{query}");
        let csv = owner.fetch(&format!("{AT}/events/export?format=csv&{query}")).await.expect(200);
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let is_there = |subject: &String| csv.body.contains(subject.as_str());
        assert_eq!([is_there(&subjects[0]), is_there(&subjects[1])], expected, "{query}: {}", csv.body);
        let lines = owner.fetch(&format!("{AT}/events/export?format=jsonl&{query}")).await.expect(200);
        let reported: Vec<Value> = lines.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        // Disabling a user also ends its session, which is an event of its own.
        let events_each = if query.contains("type=") { 1 } else { 2 };
        assert_eq!(reported.len(), events_each * expected.iter().filter(|there| **there).count(), "{query}");
        let same = admin.get(&format!("/export/events?{}", query.replace("user=", "user_id="))).await.expect(200);
        assert_eq!(same.body, lines.body, "the Admin API tells the same");
    }
    for wrong in ["from=May", "user=kim"] {
        owner.open(&format!("{AT}/events?{wrong}")).await;
        owner.expect_page(422, "Audit log");
        owner.fetch(&format!("{AT}/events/export?format=csv&{wrong}")).await.expect(400);
    }
    owner.fetch(&format!("{AT}/events/export?format=xml")).await.expect(400);
}

async fn webhooks_are_tried_out_and_sent_again(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.configure("hooks.allow_private_addresses", "true");
        setup.configure("hooks.retry_hours", "0");
        let url = receiver.url.clone();
        let handler = toml::toml! { url = url };
        setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    let (mut owner, admin) = (server.owner().await, Admin::of(&server).await);
    let test = format!("Send test to {}", receiver.url);
    owner.open(&format!("{AT}/webhooks")).await;
    owner.follow("Replace secret").await;
    owner.press("Create a new secret").await;
    assert!(owner.expect_page(200, "Webhook secret").text.contains("You won't see it again"));
    owner.follow("Done").await;
    owner.press(&test).await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("test delivered (status 200)"));
    let calls = receiver.wait_for(1).await;
    assert_eq!(calls[0].kind(), "hook.test");
    assert!(calls[0].headers.contains_key("x-authgear-body-signature"));
    receiver.answer(500, "");
    owner.press(&test).await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("the receiver answered with status 500"));
    assert_eq!(event(&admin, "hook.tested").await["payload"]["url"], receiver.url);
    receiver.answer(404, "");
    server.app_client().sign_up().await;
    admin.wait_until("/deliveries?state=dead", |page| page["deliveries"][0].is_object()).await;
    owner.follow("Failed").await;
    let again = owner.page().forms.iter().flat_map(|form| &form.buttons).find(|b| b.text.starts_with("Send again"));
    let again = again.expect("a dead letter can be sent again").text.clone();
    owner.press(&again).await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("Delivery queued again"));
    admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][0].is_object()).await;
    owner.follow("Delivered").await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("user.created"));
    assert_eq!(event(&admin, "hook.delivery.replayed").await["payload"]["event_type"], "user.created");
}

async fn empty_pages_say_so(engine: Engine) {
    let (_server, mut owner) = start(engine).await;
    for (path, heading, output) in [
        ("/overview", "Overview", "No new guests in this period"),
        ("/users", "Users", "No users yet"),
        ("/users?kind=guest", "Users", "No users match this filter"),
        ("/events?type=user.deleted", "Audit log", "No events match this filter"),
        ("/webhooks", "Webhooks", "No webhooks yet."),
        ("/webhooks?state=dead", "Webhooks", "No failed deliveries."),
    ] {
        owner.open(&format!("{AT}{path}")).await;
        let page = owner.expect_page(200, heading);
        assert!(page.text.contains(output), "{path}: {}", page.text);
    }
}

async fn mail_and_text_messages_are_tried_out(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut mailbox = server.mailbox();
    owner.open(&format!("{AT}/messages")).await;
    owner.fill("Email address", "nobody");
    owner.press("Send test: Email").await;
    let page = owner.expect_page(422, "Email and SMS");
    assert!(page.text.contains("Enter an email address like name@example.com"), "{}", page.text);
    owner.fill("Email address", " kim@shop.example ");
    owner.press("Send test: Email").await;
    let page = owner.expect_page(200, "Email and SMS");
    assert!(page.text.contains("Test sent. Check the inbox of kim@shop.example"), "{}", page.text);
    assert_eq!(mailbox.next_mail("kim@shop.example").await.subject, "Test message from Corner Shop");
    owner.fill("Phone number", "+49 30 901820");
    owner.press("Send test: Text messages").await;
    owner.expect_page(200, "Email and SMS");
    assert!(mailbox.next_mail("+4930901820").await.text.contains("This is a test"));
    let reported = server.events("message.tested").await;
    let reported: Vec<_> = reported.iter().map(|event| &event["payload"]).collect();
    assert_eq!(reported, [&json!({"channel": "mail", "is_taken": true}), &json!({"channel": "sms", "is_taken": true})]);
}
