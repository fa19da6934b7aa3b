//! Webhook URLs in the portal: added, changed, removed, rejected, and changed concurrently.

use serde_json::{Value, json};

use crate::support::{Admin, Browser, Engine, Receiver, TestServer, on_both_engines};

on_both_engines!(
    a_notification_webhook_is_added_changed_and_removed,
    a_blocking_webhook_refuses_guests,
    problems_are_shown_beside_the_field,
    private_addresses_are_refused_beside_the_field,
    two_editors_of_an_address_meet_a_clear_conflict,
    what_was_typed_for_an_address_that_is_gone_is_not_lost,
    similar_addresses_are_distinguished,
    time_outs_are_saved,
    viewers_look_and_change_nothing,
    a_delivery_shows_what_was_sent_and_answered,
    a_test_shows_what_was_sent_and_answered,
);

const AT: &str = "/portal/p/test/webhooks";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.configure("hooks.allow_private_addresses", "true");
    })
    .await;
    let owner = server.owner().await;
    (server, owner)
}

/// The webhook settings.
fn hook(server: &TestServer) -> Value {
    let project = server.app.projects.find_by_id("test").expect("the project");
    let hook = serde_json::to_value(&project.settings).expect("JSON")["hook"].take();
    if hook.is_null() { json!({}) } else { hook }
}

/// Adds a notification webhook for these events.
async fn add(browser: &mut Browser, url: &str, events: &[&str]) {
    browser.open(&format!("{AT}/notification/new")).await;
    browser.fill("URL", url);
    browser.untick("All events");
    for event in events {
        browser.tick(event);
    }
    browser.press("Save").await;
    assert!(browser.expect_page(200, "Webhooks").text.contains("Changes saved."), "{}", browser.page().text);
}

async fn a_notification_webhook_is_added_changed_and_removed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    owner.open(AT).await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("No webhooks yet."));
    owner.follow("Add notification webhook").await;
    owner.fill("URL", &first.url);
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("All events"), "{}", owner.page().text);
    assert_eq!(hook(&server), json!({"non_blocking_handlers": [{"url": first.url}]}), "an absent key stays absent");

    let admin = Admin::of(&server).await;
    let guest = server.app_client().sign_up().await;
    let subject = server.app_client().subject(&guest.access).await;
    assert_eq!(first.wait_for(1).await[0].kind(), "user.created");

    owner.open(AT).await;
    owner.follow("Change").await;
    owner.fill("URL", &second.url);
    owner.untick("All events");
    owner.tick("user.disabled");
    owner.tick("user.reenabled");
    owner.press("Save").await;
    let reported = json!([{"url": second.url, "events": ["user.disabled", "user.reenabled"]}]);
    assert_eq!(hook(&server)["non_blocking_handlers"], reported);
    admin.post(&format!("/users/{subject}/disable"), &json!({})).await.expect(200);
    assert_eq!(second.wait_for(1).await[0].kind(), "user.disabled");

    owner.open(AT).await;
    owner.follow("Remove").await;
    assert!(owner.expect_page(200, "Remove this webhook?").text.contains(&second.url));
    owner.press("Remove webhook").await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("Webhook removed."));
    assert_eq!(hook(&server), json!({}));
    assert_eq!(first.calls().len(), 1, "it was told nothing after it was replaced");
    let keys: Vec<Value> =
        server.events("project.changed").await.iter().map(|e| e["payload"]["keys"].clone()).collect();
    assert!(keys.iter().any(|keys| keys.to_string().contains("hook.non_blocking_handlers")), "{keys:?}");
}

async fn a_blocking_webhook_refuses_guests(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let receiver = Receiver::start().await;
    receiver.answer(200, r#"{"is_allowed": false, "title": "No", "reason": "not today"}"#);
    owner.open(AT).await;
    owner.follow("Add blocking webhook").await;
    owner.fill("URL", &receiver.url);
    owner.press("Save").await;
    let page = owner.expect_page(422, "New webhook");
    assert_eq!(page.problem("event"), Some("Choose an option."), "{:?}", page.problems);
    owner.tick("Before a user is created");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("Blocking"));
    let body = json!({"session_type": "refresh_token", "client_id": "web"});
    let sign_up = async || server.http().post_json("/api/anonymous_user/signup", &body).await.status;
    assert_ne!(sign_up().await, 200, "the hook said no");
    owner.follow("Change").await;
    owner.tick("Before a guest becomes a member");
    owner.press("Save").await;
    assert_eq!(hook(&server)["blocking_handlers"][0]["event"], "user.anonymous.pre_promote");
    assert_eq!(sign_up().await, 200, "nobody is asked about sign-ups any more");
}

async fn problems_are_shown_beside_the_field(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open(&format!("{AT}/notification/new")).await;
    owner.untick("All events");
    owner.press("Save").await;
    let page = owner.expect_page(422, "New webhook");
    let expected = "Write an absolute http or https URL, such as \"https://shop.example/\".";
    assert_eq!(page.problem("url"), Some(expected));
    assert_eq!(page.problem("events"), Some("Choose at least one option."));
    owner.fill("URL", "ftp://shop.example");
    owner.tick("user.created");
    owner.press("Save").await;
    let page = owner.expect_page(422, "New webhook");
    assert_eq!(page.problem("url"), Some("The address is not an http or https URL."), "{:?}", page.problems);
    assert_eq!(hook(&server), json!({}), "nothing was saved");
    owner.open(&format!("{AT}/nobody/new")).await;
    owner.expect_page(404, "Page not found");
    owner.open(&format!("{AT}/notification/0011223344556677-0")).await;
    owner.expect_page(404, "Page not found");
}

async fn private_addresses_are_refused_beside_the_field(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    for url in ["http://127.0.0.1:8080/hook", "http://[::1]/", "http://localhost/hook", "https://192.168.1.1"] {
        for kind in ["notification", "blocking"] {
            owner.open(&format!("{AT}/{kind}/new")).await;
            owner.fill("URL", url);
            if kind == "blocking" {
                owner.tick("Before a user is created");
            }
            owner.press("Save").await;
            let page = owner.expect_page(422, "New webhook");
            assert!(page.problem("url").is_some_and(|text| text.contains("private network")), "{:?}", page.problems);
        }
    }
    assert_eq!(hook(&server), json!({}));
    // A name that does not resolve yet is accepted.
    add(&mut owner, "https://hooks.shop.invalid/", &["user.created"]).await;
}

async fn two_editors_of_an_address_meet_a_clear_conflict(engine: Engine) {
    let (server, mut first) = start(engine).await;
    add(&mut first, "https://one.shop.example/", &["user.created"]).await;
    first.follow("Change").await;
    let mut second = first.clone();
    first.tick("user.deleted");
    first.press("Save").await;
    first.expect_page(200, "Webhooks");
    second.tick("user.disabled");
    second.press("Save").await;
    let page = second.expect_page(409, "Webhook");
    assert!(page.text.contains("changed this page while you were editing"), "{}", page.text);
    assert!(page.text.contains("user.created user.created, user.deleted user.created, user.disabled"), "{}", page.text);
    assert_eq!(hook(&server)["non_blocking_handlers"][0]["events"], json!(["user.created", "user.deleted"]));
    second.press("Save").await;
    second.expect_page(200, "Webhooks");
    assert_eq!(hook(&server)["non_blocking_handlers"][0]["events"], json!(["user.created", "user.disabled"]));
    // Adding another URL meanwhile is no conflict, wherever it is in the list.
    second.follow("Change").await;
    add(&mut first, "https://two.shop.example/", &["user.created"]).await;
    second.untick("user.disabled");
    second.press("Save").await;
    second.expect_page(200, "Webhooks");
    assert_eq!(hook(&server)["non_blocking_handlers"][0]["events"], json!(["user.created"]));
}

async fn what_was_typed_for_an_address_that_is_gone_is_not_lost(engine: Engine) {
    let (server, mut first) = start(engine).await;
    add(&mut first, "https://one.shop.example/", &["user.created"]).await;
    let mut second = first.clone();
    second.follow("Change").await;
    let mut third = first.clone();
    third.follow("Remove").await;
    first.follow("Remove").await;
    first.press("Remove webhook").await;
    second.fill("URL", "https://other.shop.example/");
    second.press("Save").await;
    let page = second.expect_page(409, "New webhook");
    assert!(page.text.contains("gone, or changed"), "{}", page.text);
    assert_eq!(hook(&server), json!({}), "nothing was saved");
    second.press("Save").await;
    assert!(second.expect_page(200, "Webhooks").text.contains("Changes saved."));
    let reported = json!([{"url": "https://other.shop.example/", "events": ["user.created"]}]);
    assert_eq!(hook(&server)["non_blocking_handlers"], reported);
    third.press("Remove webhook").await;
    assert!(third.expect_page(200, "Webhooks").text.contains("It no longer exists."));
    assert_eq!(hook(&server)["non_blocking_handlers"], reported);
}

async fn similar_addresses_are_distinguished(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    add(&mut owner, "https://one.shop.example/", &["user.created"]).await;
    add(&mut owner, "https://one.shop.example/", &["user.deleted"]).await;
    let links: Vec<String> =
        owner.page().links.iter().filter(|(text, _)| text == "Change").map(|(_, to)| to.clone()).collect();
    owner.open(&links[1]).await;
    owner.tick("user.updated");
    owner.press("Save").await;
    owner.expect_page(200, "Webhooks");
    let all = hook(&server)["non_blocking_handlers"].clone();
    assert_eq!(all[0]["events"], json!(["user.created"]));
    assert_eq!(all[1]["events"], json!(["user.updated", "user.deleted"]));
    owner.open(&format!("{}/remove", links[0])).await;
    owner.press("Remove webhook").await;
    assert_eq!(hook(&server)["non_blocking_handlers"], json!([all[1]]));
}

async fn time_outs_are_saved(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open(AT).await;
    let words = "Blocking webhook: 5 seconds. All blocking webhooks of one event: 10 seconds. Notification: 1 minute.";
    assert!(owner.page().text.contains(words), "{}", owner.page().text);
    owner.follow("Change timeouts").await;
    owner.fill("Blocking webhook timeout", "61");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Webhook timeouts").problem("question").is_some());
    owner.fill("Blocking webhook timeout", "2");
    owner.press("Save").await;
    owner.expect_page(200, "Webhook timeouts");
    assert_eq!(hook(&server), json!({"sync_hook_timeout_seconds": 2}), "what nobody changed stays absent");
    owner.open(AT).await;
    assert!(owner.page().text.contains("Blocking webhook: 2 seconds"), "{}", owner.page().text);
}

async fn viewers_look_and_change_nothing(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    add(&mut owner, "https://one.shop.example/", &["user.created"]).await;
    let change = owner.page().links.iter().find(|(text, _)| text == "Change").expect("a link").1.clone();
    let mut mailbox = server.mailbox();
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "vi@house.example");
    owner.tick("Viewer");
    owner.press("Invite").await;
    let link = mailbox.next_welcome("vi@house.example").await;
    let mut viewer = server.browser();
    viewer.open(&link).await;
    viewer.fill("Your name", "Vi");
    viewer.fill("Password", "nine grey herons by the weir");
    viewer.press("Accept invitation").await;
    viewer.open(AT).await;
    let page = viewer.expect_page(200, "Webhooks");
    assert!(page.text.contains("https://one.shop.example/"), "{}", page.text);
    assert!(!page.links.iter().any(|(text, _)| text == "Change" || text == "Remove" || text.starts_with("Add one")));
    viewer.open(&change).await;
    let page = viewer.expect_page(200, "Webhook");
    assert!(page.text.contains("You have the viewer role"), "{}", page.text);
    assert!(!page.forms.iter().any(|form| form.buttons.iter().any(|button| button.text == "Save")));
}

/// An answer of a receiver that wants to deceive its reader.
const HOSTILE: &str = "<script>alert(1)</script>\u{202e}gpj.exe\u{0}\u{1b}[2J";
/// The same as it is shown.
const HARMLESS: &str = "<script>alert(1)</script>\u{fffd}gpj.exe\u{fffd}\u{fffd}[2J";

async fn a_delivery_shows_what_was_sent_and_answered(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let receiver = Receiver::start().await;
    add(&mut owner, &receiver.url, &["user.created"]).await;
    receiver.answer(500, &format!("{HOSTILE}{}", "x".repeat(2_000)));
    let app = server.app_client();
    let subject = app.subject(&app.sign_up().await.access).await;
    let admin = Admin::of(&server).await;
    admin.wait_until("/deliveries?state=waiting", |page| page["deliveries"][0]["last_status"] == 500).await;
    owner.open(&format!("{AT}?state=waiting")).await;
    owner.follow("user.created").await;
    let page = owner.expect_page(200, "Delivery of user.created");
    for expected in [HARMLESS, "The first 1,024 bytes", "status 500", "tried once", "Next try", &subject, "2030-"] {
        assert!(page.text.contains(expected), "{expected}: {}", page.text);
    }
    assert!(!owner.reply().body.contains("<script>alert"), "an answer is text");
    let signature = receiver.calls()[0].headers["webhook-signature"].to_str().expect("ASCII").to_string();
    assert!(page.text.contains("webhook-signature: (hidden)") && !page.text.contains(&signature), "{}", page.text);
    let id = receiver.calls()[0].headers["webhook-id"].to_str().expect("ASCII").to_string();
    assert!(page.text.contains(&format!("webhook-id: {id}")), "{}", page.text);
    assert!(!owner.page().forms.iter().any(|form| form.buttons.iter().any(|one| one.text == "Send again")));

    receiver.answer(200, "fine");
    server.clock.advance_seconds(6);
    admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][0].is_object()).await;
    owner.reload().await;
    let page = owner.expect_page(200, "Delivery of user.created");
    let tries = page.text.split_once("Tries").expect("a heading").1;
    assert!(tries.find("fine") < tries.find("status 500"), "newest first: {tries}");
    assert!(page.text.contains("Delivered") && page.text.contains("tried 2 times"), "{}", page.text);
    owner.press("Send again").await;
    let page = owner.expect_page(200, "Delivery of user.created");
    assert!(page.text.contains("Delivery queued again"), "{}", page.text);
    receiver.wait_for(3).await;
    for path in ["999", "x", "0", "-1"] {
        owner.open(&format!("{AT}/deliveries/{path}")).await;
        owner.expect_page(404, "Page not found");
    }
}

async fn a_test_shows_what_was_sent_and_answered(engine: Engine) {
    let (_server, mut owner) = start(engine).await;
    let receiver = Receiver::start().await;
    add(&mut owner, &receiver.url, &["user.created"]).await;
    let test = format!("Send test to {}", receiver.url);
    receiver.answer(418, HOSTILE);
    owner.press(&test).await;
    let page = owner.expect_page(200, "Webhooks");
    for expected in
        [HARMLESS, "hook.test", "webhook-timestamp", "x-authgear-body-signature: (hidden)", "The receiver took"]
    {
        assert!(page.text.contains(expected), "{expected}: {}", page.text);
    }
    let signature = receiver.calls()[0].headers["x-authgear-body-signature"].to_str().expect("ASCII").to_string();
    assert!(!page.text.contains(&signature), "{}", page.text);
    receiver.answer(204, "");
    owner.press(&test).await;
    assert!(owner.expect_page(200, "Webhooks").text.contains("No answer body."));
}
