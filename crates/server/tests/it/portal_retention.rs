//! Retention on the page of a user in the portal: holds are placed and lifted, expired guests revived, by operators who may.

use vestibule_domain::retention::ClassSettings;

use crate::{
    portal_operators::invite,
    portal_people::sign_in,
    retention::{advance, run, same, set_rules, sign_up, start, status},
    support::{Admin, Engine, on_both_engines},
};

on_both_engines!(an_operator_places_and_lifts_holds, an_operator_revives_a_guest, viewers_only_look);

const AT: &str = "/portal/p/test";

/// Guests are warned after eight days, expire after ten, and are kept for five more.
fn rules() -> vestibule_domain::retention::RetentionSettings {
    let class = ClassSettings { idle_seconds: Some(10 * 86_400), ..ClassSettings::default() };
    same(ClassSettings { warning_seconds: Some(172_800), grace_seconds: Some(432_000), ..class })
}

async fn an_operator_places_and_lifts_holds(engine: Engine) {
    let server = start(engine).await;
    set_rules(&server, None, &rules()).await;
    let ((_, held), admin) = (sign_up(&server.app_client()).await, Admin::of(&server).await);
    run(&server.app).await;
    let mut owner = server.owner().await;
    let short = &held[..13];
    owner.open(&format!("{AT}/users?kind=held")).await;
    assert!(owner.expect_page(200, "Users").text.contains("No users match this filter"));
    owner.open(&format!("{AT}/users/{held}")).await;
    assert!(owner.expect_page(200, "Guest").text.contains("No holds."));
    owner.follow("Place a hold").await;
    owner.expect_page(200, "Place a hold");
    owner.fill("Owner", "orders");
    owner.fill("Last day", "2020-01-01");
    owner.press("Place hold").await;
    let page = owner.expect_page(422, "Place a hold");
    assert_eq!(page.problem("until"), Some("Choose a day from today on, within ten years."));
    assert!(page.problem("reason").is_some() && page.problem("owner").is_none(), "{}", page.text);
    let last_day = server.clock.now().plus(std::time::Duration::from_secs(20 * 86_400)).to_rfc3339();
    owner.fill("Reason", "Order 4711 is <open>");
    owner.fill("Last day", &last_day[..10]);
    owner.press("Place hold").await;
    let page = owner.expect_page(200, "Guest");
    assert!(page.text.contains("Hold placed.") && page.text.contains("Order 4711 is <open>"), "{}", page.text);
    owner.open(&format!("{AT}/users?kind=held")).await;
    assert!(owner.expect_page(200, "Users").text.contains(short));
    let listed = admin.get("/users?kind=held").await.expect(200).json();
    assert_eq!(listed["users"][0]["id"], held.as_str());
    advance(&server, 12).await;
    sign_in(&mut owner).await;
    assert_eq!(status(&admin, &held).await, 200);
    owner.open(&format!("{AT}/users?kind=expiring")).await;
    assert!(owner.expect_page(200, "Users").text.contains("No users match this filter"), "a held guest is not warned");
    owner.open(&format!("{AT}/users/{held}")).await;
    owner.press("Lift the hold of orders").await;
    let page = owner.expect_page(200, "Guest");
    assert!(page.text.contains("Hold lifted.") && page.text.contains("No holds."), "{}", page.text);
    for (name, target) in [("user.hold.created", Some("orders")), ("user.hold.removed", None)] {
        let log = admin.wait_until(&format!("/events?type={name}"), |log| log["events"][0].is_object()).await;
        let event = &log["events"][0];
        assert_eq!(event["context"]["audit_context"]["operator_email"], "olga@house.example", "{event}");
        assert!(target.is_none_or(|target| event["payload"]["target"] == target), "{event}");
    }
    // A hold that is gone meanwhile.
    let gone = format!("{AT}/users/{held}/holds/lift");
    let csrf = owner.hidden("_csrf").expect("a token");
    owner.post(&gone, &[("_csrf", &csrf), ("hold", &held)]).await;
    assert!(owner.expect_page(200, "Guest").text.contains("It no longer exists."));
}

async fn an_operator_revives_a_guest(engine: Engine) {
    let server = start(engine).await;
    set_rules(&server, None, &rules()).await;
    let ((_, guest), admin) = (sign_up(&server.app_client()).await, Admin::of(&server).await);
    let mut owner = server.owner().await;
    run(&server.app).await;
    advance(&server, 8).await;
    sign_in(&mut owner).await;
    let user = format!("{AT}/users/{guest}");
    owner.open(&user).await;
    let page = owner.expect_page(200, "Guest");
    assert!(page.text.contains("Your server was warned") && !page.text.contains("Revive"), "{}", page.text);
    owner.open(&format!("{AT}/users?kind=expiring")).await;
    assert!(owner.expect_page(200, "Users").text.contains(&guest[..13]));
    let listed = admin.get("/users?kind=expiring").await.expect(200).json();
    assert_eq!(listed["users"][0]["id"], guest.as_str());
    advance(&server, 3).await;
    sign_in(&mut owner).await;
    owner.open(&user).await;
    assert!(owner.expect_page(200, "Guest").text.contains("Expired"));
    owner.press("Revive this guest").await;
    let page = owner.expect_page(200, "Guest");
    assert!(page.text.contains("Guest revived.") && !page.text.contains("Revive this guest"), "{}", page.text);
    let csrf = owner.hidden("_csrf").expect("a token");
    owner.post(&format!("{user}/revive"), &[("_csrf", &csrf)]).await;
    assert!(owner.expect_page(200, "Guest").text.contains("No changes to save."), "it is not expired any more");
    let log = admin.wait_until("/events?type=user.anonymous.revived", |log| log["events"][0].is_object()).await;
    assert_eq!(log["events"][0]["context"]["audit_context"]["operator_email"], "olga@house.example");
    advance(&server, 6).await;
    assert_eq!(status(&admin, &guest).await, 200, "it counts as seen when it was revived");
}

async fn viewers_only_look(engine: Engine) {
    let server = start(engine).await;
    let (_, guest) = sign_up(&server.app_client()).await;
    let mut owner = server.owner().await;
    let mut viewer = invite(&server, &mut owner, "test", "vi@house.example", "Viewer").await;
    viewer.open(&format!("{AT}/users/{guest}")).await;
    let page = viewer.expect_page(200, "Guest");
    assert!(page.text.contains("No holds.") && !page.text.contains("Place a hold"), "{}", page.text);
}
