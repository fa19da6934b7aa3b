//! The history of a user in the portal, and the first steps of a project.

use serde_json::json;

use crate::support::{Admin, Browser, Device, Engine, Platform, TestServer, on_both_engines};

on_both_engines!(
    a_history_tells_of_guest_device_promotion_and_operators,
    a_long_history_is_read_by_page,
    first_steps_are_shown_until_they_are_done,
);

const AT: &str = "/portal/p/test";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

/// Where each of these begins in a text, in this order.
fn assert_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("\"{part}\" is not next in: {text}")).1;
    }
}

async fn a_history_tells_of_guest_device_promotion_and_operators(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let admin = Admin::of(&server).await;
    let subject = Device::new(&server, Platform::Ios).authenticate().await;
    let at = format!("{AT}/users/{subject}");
    owner.open(&at).await;
    let page = owner.expect_page(200, "Guest");
    assert_order(&page.text, &["History", "Guest since then", "2030-", "UTC"]);
    assert!(page.text.contains("Device key added"), "{}", page.text);

    server.clock.advance_seconds(60);
    let promotion = json!({"login_id": {"type": "email", "value": "kim@shop.test"}});
    admin.post(&format!("/users/{subject}/promote"), &promotion).await.expect(200);
    server.clock.advance_seconds(60);
    owner.open(&format!("{at}/disabled")).await;
    owner.press("Disable user").await;
    let is_logged = |log: &serde_json::Value| {
        log["events"].as_array().is_some_and(|all| all.iter().any(|event| event["type"] == "user.disabled"))
    };
    admin.wait_until(&format!("/events?user_id={subject}"), is_logged).await;
    owner.open(&format!("{at}/history")).await;
    let page = owner.expect_page(200, "History");
    assert_order(
        &page.text,
        &[
            "User disabled",
            "by olga@house.example",
            "Guest promoted",
            "kim@shop.test",
            "by a program through the Admin API",
            "Guest since then",
        ],
    );
    let times = page.text.matches("Guest promoted").count();
    // Once as the entry, once as the label of its details.
    assert_eq!(times, 2, "what an event says is not said twice: {}", page.text);
    assert!(!page.text.contains("Email address added"), "it came with the promotion: {}", page.text);
    let stranger = "01890000-0000-7000-8000-000000000000";
    owner.open(&format!("{AT}/users/{stranger}/history")).await;
    owner.expect_page(404, "Page not found");
}

async fn a_long_history_is_read_by_page(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let subject = app.subject(&app.sign_up().await.access).await;
    for round in 0..52 {
        server.clock.advance_seconds(10);
        let action = if round % 2 == 0 { "disable" } else { "enable" };
        admin.post(&format!("/users/{subject}/{action}"), &json!({})).await.expect(200);
    }
    // Ending its session is an event, too.
    let all = |log: &serde_json::Value| log["events"].as_array().is_some_and(|all| all.len() == 53);
    admin.wait_until(&format!("/events?user_id={subject}&limit=200"), all).await;
    owner.open(&format!("{AT}/users/{subject}")).await;
    assert!(!owner.page().text.contains("Guest since then"), "{}", owner.page().text);
    owner.follow("Whole history").await;
    let page = owner.expect_page(200, "History");
    assert!(!page.text.contains("Guest since then") && page.text.contains("User enabled"), "{}", page.text);
    owner.follow("Earlier").await;
    let page = owner.expect_page(200, "History");
    assert_order(&page.text, &["User disabled", "Guest since then"]);
    assert!(!page.links.iter().any(|(text, _)| text == "Earlier"), "{}", page.text);
    for cursor in ["x", "1", "1.x", "x.1"] {
        owner.open(&format!("{AT}/users/{subject}/history?cursor={cursor}")).await;
        owner.expect_page(409, "Conflict");
    }
    // Times that are out of range are no fault.
    owner.open(&format!("{AT}/users/{subject}/history?cursor=1.{}", i64::MIN)).await;
    owner.expect_page(200, "History");
}

async fn first_steps_are_shown_until_they_are_done(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let overview = format!("{AT}/overview");
    owner.open(&overview).await;
    let page = owner.expect_page(200, "Overview");
    assert_order(&page.text, &["First steps", "Create an application Done", "See your first guest", "Quick start"]);
    let done = |page: &str, step: &str| page.contains(&format!("{step} Done"));
    assert!(!done(&page.text, "See your first guest") && !done(&page.text, "Send a test email"), "{}", page.text);
    let subject = app.subject(&app.sign_up().await.access).await;
    owner.open(&overview).await;
    assert!(done(&owner.page().text, "See your first guest"), "{}", owner.page().text);
    owner.follow("Email and SMS").await;
    owner.expect_page(200, "Email and SMS");
    let promotion = json!({"login_id": {"type": "email", "value": "kim@shop.test", "is_verified": true}});
    admin.post(&format!("/users/{subject}/promote"), &promotion).await.expect(200);
    owner.open(&overview).await;
    for step in ["See your first guest", "Send a test email", "See your first promotion"] {
        assert!(done(&owner.page().text, step), "{step}: {}", owner.page().text);
    }
}
