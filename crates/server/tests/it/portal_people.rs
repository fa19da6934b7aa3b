//! The portal's people and numbers: the overview, users and what is done about them, the audit log, webhooks.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Admin, Browser, Device, Engine, OWNER_PASSWORD, Platform, Receiver, TestServer, on_both_engines};

on_both_engines!(
    users_are_listed_searched_and_turned_page_by_page,
    an_operator_promotes_a_guest,
    an_operator_ends_sessions_and_revokes_a_device_key,
    an_operator_disables_and_deletes_a_user,
    an_operator_edits_attributes,
    the_overview_shows_the_numbers,
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

/// Signs in anew, after a time no session lasts.
async fn sign_in(owner: &mut Browser) {
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
    owner.follow("Earlier ones").await;
    let page = owner.expect_page(200, "Users");
    assert!(page.text.contains("kim@shop.test") && !page.text.contains("Earlier ones"), "{}", page.text);
    owner.follow("To the newest").await;
    for (search, found) in [("kim@", true), (ids[0].as_str(), true), (&ids[0][..20], true), ("lee@", false)] {
        owner.fill("Search", search);
        owner.press("Find").await;
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

/// The newest event of a name, once it is in the log and an operator set it off.
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
    owner.press("Make it a member").await;
    assert!(owner.expect_page(422, "Promote a guest").complaint("value").is_some());
    owner.fill("Login ID", "Kim@shop.test");
    owner.press("Make it a member").await;
    let page = owner.expect_page(200, "Kim@shop.test");
    assert!(page.text.contains("The guest is a member now") && page.text.contains("Verified"), "{}", page.text);
    let told = app.user_info(&guest.access).await.expect(200).json();
    assert_eq!((&told["sub"], &told["email"]), (&json!(subject), &json!("Kim@shop.test")), "its session goes on");
    let promoted = event(&admin, "user.anonymous.promoted").await;
    assert_eq!(promoted["payload"]["user"]["id"], subject);
    let other = app.subject(&app.sign_up().await.access).await;
    owner.open(&format!("{AT}/users/{other}/promote")).await;
    owner.fill("Login ID", "kim@shop.test");
    owner.press("Make it a member").await;
    let page = owner.expect_page(422, "Promote a guest");
    assert_eq!(page.complaint("value"), Some("It belongs to another user."));
}

async fn an_operator_ends_sessions_and_revokes_a_device_key(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let admin = Admin::of(&server).await;
    let mut device = Device::new(&server, Platform::Ios);
    let subject = device.authenticate().await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.follow("Revoke the key of iPhone 15 Pro").await;
    let page = owner.expect_page(200, "Revoke this device key?");
    assert!(page.text.contains("1 session stays open. Without one, this guest can never come back."), "{}", page.text);
    owner.press("Revoke the key").await;
    let page = owner.expect_page(200, "Guest");
    assert!(
        page.text.contains("The device is nobody from now on") && !page.text.contains("Device keys"),
        "{}",
        page.text
    );
    device.refresh().await;
    event(&admin, "identity.anonymous.revoked").await;
    let refresh = device.held().refresh.clone();
    owner.follow("End all sessions").await;
    let page = owner.expect_page(200, "End all sessions?");
    assert!(page.text.contains("ends 1 session. This guest can never come back: it has no"), "{}", page.text);
    owner.press("End the session").await;
    let page = owner.expect_page(200, "Guest");
    assert!(page.text.contains("Not signed in anywhere"), "{}", page.text);
    event(&admin, "session.revoked").await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    device.token(&fields, true).await.expect(400);
    // The page of before, sent once more: what it names is gone.
    let web = server.app_client();
    let subject = web.subject(&web.sign_up().await.access).await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.follow("End the session of Corner Shop").await;
    assert!(owner.expect_page(200, "End this session?").text.contains("never come back"), "{}", owner.page().text);
    let mut other = owner.clone();
    owner.press("End the session").await;
    other.press("End the session").await;
    assert!(other.expect_page(200, "Guest").text.contains("It is not there any more"));
}

async fn an_operator_disables_and_deletes_a_user(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.follow("Disable").await;
    let page = owner.expect_page(200, "Disable this user?");
    assert!(page.text.contains("ends 1 session") && page.text.contains("never come back"), "{}", page.text);
    app.refresh(&guest.refresh).await.expect(200);
    owner.press("Disable the user").await;
    assert!(owner.expect_page(200, "Guest").text.contains("The user is disabled"));
    event(&admin, "user.disabled").await;
    app.refresh(&guest.refresh).await.expect(400);
    owner.press("Enable").await;
    assert!(owner.expect_page(200, "Guest").text.contains("The user is let in again"));
    // A delicate thing: an owner who proved who it is long ago is asked again, and comes back to the question.
    server.clock.advance_seconds(601);
    owner.reload().await;
    owner.follow("Delete").await;
    owner.expect_page(200, "Is it really you?");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Go on").await;
    owner.expect_page(200, "Delete a user");
    owner.fill("Type “delete”", "yes");
    owner.press("Delete the user").await;
    assert!(owner.expect_page(422, "Delete a user").complaint("typed").is_some());
    owner.fill("Type “delete”", "delete");
    owner.press("Delete the user").await;
    assert!(owner.expect_page(200, "Users").text.contains("The user is deleted"));
    event(&admin, "user.deleted").await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    owner.expect_page(404, "There is nothing here");
    owner.open(&format!("{AT}/users/nobody")).await;
    owner.expect_page(404, "There is nothing here");
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
    assert!(owner.expect_page(422, "Attributes").complaint("custom").is_some());
    owner.fill("Custom attributes", "{\"cart\": \"c-2\"}");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Kim").text.contains("Saved"));
    let told = app.user_info(&guest.access).await.expect(200).json();
    assert_eq!((&told["name"], &told["custom_attributes"]), (&json!("Kim"), &json!({"cart": "c-2"})));
    event(&admin, "user.updated").await;
    owner.follow("Edit the attributes").await;
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Kim").text.contains("Nothing was changed"));
    owner.follow("Edit the attributes").await;
    owner.fill("Standard attributes", "{\"email\": \"a@b.test\"}");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Attributes").complaint("standard").is_some());
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
    let is_counted =
        |report: &Value| report["funnel"] == json!({"guests_created": 3, "guests_returned": 1, "guests_promoted": 1});
    admin.wait_until("/statistics", is_counted).await;
    sign_in(&mut owner).await;
    owner.open(&format!("{AT}/overview")).await;
    let page = owner.expect_page(200, "Overview");
    for said in [
        "New guests 3",
        "Became members 1",
        "33.3 %",
        "2030-05-01: New: 3, Came back: 0",
        "2030-05-02: New: 0, Came back: 1",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    owner.open(&format!("{AT}/overview?days=7&app=nobody")).await;
    let page = owner.expect_page(200, "Overview");
    assert!(page.text.contains("No guest came in these days"), "{}", page.text);
    // The redirect from the project's first page leads somewhere.
    owner.open(AT).await;
    assert_eq!(owner.reply().status, 200);
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
        let told: Vec<Value> = lines.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(told.len(), expected.iter().filter(|there| **there).count(), "{query}");
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
    let test = format!("Send a test to {}", receiver.url);
    owner.open(&format!("{AT}/webhooks")).await;
    owner.follow("Replace it").await;
    owner.press("Make a new secret").await;
    assert!(owner.expect_page(200, "Webhook secret").text.contains("It is shown this once"));
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
    assert!(owner.expect_page(200, "Webhooks").text.contains("It is on its way again"));
    admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][0].is_object()).await;
    owner.follow("Delivered").await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("user.created"));
    assert_eq!(event(&admin, "hook.delivery.replayed").await["payload"]["event_type"], "user.created");
}

async fn empty_pages_say_so(engine: Engine) {
    let (_server, mut owner) = start(engine).await;
    for (path, heading, said) in [
        ("/overview", "Overview", "No guest came in these days"),
        ("/users", "Users", "No users yet"),
        ("/users?kind=guest", "Users", "No users match this filter"),
        ("/events?type=user.deleted", "Audit log", "No event fits"),
        ("/webhooks", "Webhooks", "No webhooks yet."),
        ("/webhooks?state=dead", "Webhooks", "No failed deliveries."),
    ] {
        owner.open(&format!("{AT}{path}")).await;
        let page = owner.expect_page(200, heading);
        assert!(page.text.contains(said), "{path}: {}", page.text);
    }
}

async fn mail_and_text_messages_are_tried_out(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut mailbox = server.mailbox();
    owner.open(&format!("{AT}/messages")).await;
    owner.fill("Email address", "nobody");
    owner.press("Send a test: Mail").await;
    let page = owner.expect_page(422, "Mail and SMS");
    assert!(page.text.contains("Enter an email address like name@example.com"), "{}", page.text);
    owner.fill("Email address", " kim@shop.example ");
    owner.press("Send a test: Mail").await;
    let page = owner.expect_page(200, "Mail and SMS");
    assert!(page.text.contains("Test sent. Check the inbox of kim@shop.example"), "{}", page.text);
    assert_eq!(mailbox.next_mail("kim@shop.example").await.subject, "A test from Corner Shop");
    owner.fill("Phone number", "+49 30 901820");
    owner.press("Send a test: Text messages").await;
    owner.expect_page(200, "Mail and SMS");
    assert!(mailbox.next_mail("+4930901820").await.text.contains("This is a test"));
    let told = server.events("message.tested").await;
    let told: Vec<_> = told.iter().map(|event| &event["payload"]).collect();
    assert_eq!(told, [&json!({"channel": "mail", "is_taken": true}), &json!({"channel": "sms", "is_taken": true})]);
}
