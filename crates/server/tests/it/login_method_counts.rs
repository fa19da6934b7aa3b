//! With which login methods users became members, in the statistics of the Admin API and the portal; and that a recount finds the same.

use serde_json::{Value, json};

use crate::{
    guest_journey::promote,
    late_sign_ups::{execute, recount},
    providers::{BUTTON, kim, start},
    support::{Admin, Engine, OpenIdProvider, on_both_engines},
};

on_both_engines!(members_are_counted_by_login_method_and_a_recount_finds_the_same);

async fn members_are_counted_by_login_method_and_a_recount_finds_the_same(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |setup| {
        setup.open_portal();
        setup.set("identity.on_conflict.promotion", "login");
    })
    .await;
    let (admin, client, mut mailbox) = (Admin::of(&server).await, server.app_client(), server.mailbox());
    // One guest is promoted with the provider, another one signs in to that account, a third one is promoted by email.
    for _ in 0..2 {
        let mut browser = server.browser();
        let guest = client.sign_up().await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        browser.press(BUTTON).await;
        let back = provider.sign_in(browser.at_app(), &kim(), server.clock.now());
        browser.open_from_elsewhere(&back).await;
        client.finish(browser.at_app()).await;
    }
    promote(&client, &client.sign_up().await, &mut server.browser(), &mut mailbox, "lee@shop.example").await;
    // Two members sign up with the provider, with an address that is believed and without.
    server.clock.advance_seconds(86_400);
    for (sub, verified) in [("one", true), ("two", false)] {
        let mut browser = server.browser();
        browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
        browser.press(BUTTON).await;
        let claims = json!({"sub": sub, "email": format!("{sub}@id.example"), "email_verified": verified});
        let back = provider.sign_in(browser.at_app(), &claims, server.clock.now());
        browser.open_from_elsewhere(&back).await;
        client.finish(browser.at_app()).await;
    }
    server.clock.advance_seconds(61);
    let range = "/statistics?from=2030-04-25&to=2030-05-10";
    let expected = json!([
        {"method": "oauth", "provider": "ours", "guests_promoted": 1, "members_created": 2},
        {"method": "email", "provider": null, "guests_promoted": 1, "members_created": 0},
    ]);
    let report = admin.wait_until(range, |report| {
        let sum = |name: &str| -> i64 {
            report["days"].as_array().expect("days").iter().filter_map(|day| day[name].as_i64()).sum()
        };
        (sum("guests_promoted"), sum("guests_signed_in"), sum("members_created"), sum("guests_created")) == (2, 1, 2, 3)
    });
    assert_eq!(report.await["login_methods"], expected);
    let first = admin.get("/statistics?from=2030-05-01&to=2030-05-01").await.expect(200).json();
    assert_eq!(first["login_methods"][1]["members_created"], 0, "{}", first["login_methods"]);
    let other = admin.get(&format!("{range}&client_id=other")).await.expect(200).json();
    assert_eq!(other["login_methods"], json!([]));
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/overview").await;
    let text = &owner.expect_page(200, "Overview").text;
    assert!(text.contains("By login method") && text.contains("Our ID") && text.contains("Email address"), "{text}");

    let read = async || -> Value { admin.get(range).await.expect(200).json()["login_methods"].clone() };
    assert!(!recount(&server, &[]).contains("login methods"), "all is right");
    execute(&server, "DELETE FROM daily_counts WHERE name = 'members_created_by:oauth:ours'").await;
    execute(&server, "UPDATE daily_counts SET count = 7 WHERE name = 'guests_promoted_by:email'").await;
    let wrong = read().await;
    let printed = recount(&server, &["--dry-run"]);
    assert!(printed.contains("2030-05-01: login methods: wrong\n2030-05-02: login methods: wrong\n"), "{printed}");
    assert_eq!(read().await, wrong);
    let printed = recount(&server, &["--to", "2030-05-01"]);
    assert!(
        printed.contains("2030-05-01: login methods: corrected\n") && !printed.contains("05-02: login"),
        "{printed}"
    );
    recount(&server, &[]);
    assert_eq!(read().await, expected);
    // Of a day that the log does not have as a whole, the numbers stay.
    execute(&server, "DELETE FROM events WHERE type = 'user.created' AND seq = (SELECT MAX(seq) FROM events WHERE type = 'user.created')").await;
    assert!(!recount(&server, &[]).contains("login methods"));
    assert_eq!(read().await, expected);
}
