//! An account at a provider whose verified address is a member's (`identity.on_conflict.oauth`): with `login_and_link` it is connected
//! once that member has signed in with its own methods, in sign-up, sign-in and promotion alike; an address alone connects nothing.

use serde_json::{Value, json};

use crate::{
    account::{KIM, PASSWORD, Scene},
    providers::{BUTTON, set_secret, settings_of},
    support::{Browser, Engine, OpenIdProvider, Setup, on_both_engines},
    undo_links::{link_about, redeem},
};

const TAKEN: &str = "You already have an account";
const NOTE: &str = "your Our ID account is connected to this account";
const NAME: &str = "Our ID · kim@shop.example";

/// Kim, a member without an account at the provider.
async fn make(engine: Engine, change: impl FnOnce(&mut Setup)) -> (Scene, OpenIdProvider) {
    let provider = OpenIdProvider::start().await;
    let issuer = provider.issuer.clone();
    let scene = Scene::make(engine, |setup| {
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &issuer)]);
        setup.set("identity.on_conflict.oauth", "login_and_link");
        setup.configure("providers.private_hosts", "127.0.0.1");
        change(setup);
    })
    .await;
    set_secret(&scene.server, "ours").await;
    (scene, provider)
}

fn claims() -> Value {
    json!({"sub": "kim-at-id", "email": KIM, "email_verified": true})
}

async fn there_and_back(scene: &Scene, provider: &OpenIdProvider, browser: &mut Browser, claims: &Value) {
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), claims, scene.server.clock.now());
    browser.open_from_elsewhere(&back).await;
}

/// A new browser at the page that says that the address is a member's.
async fn meet_the_conflict(scene: &Scene, provider: &OpenIdProvider, page: &str) -> Browser {
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("x_page", page)])).await;
    there_and_back(scene, provider, &mut browser, &claims()).await;
    browser.expect_page(200, TAKEN);
    browser
}

async fn prove(browser: &mut Browser, login_id: &str, password: &str) {
    browser.follow("Sign in to that account").await;
    browser.expect_page(200, "Welcome back");
    browser.fill("Email address", login_id);
    browser.fill("Password", password);
    browser.press("Sign in").await;
}

async fn connected(scene: &Scene) -> usize {
    scene.server.events("identity.oauth.connected").await.len()
}

async fn a_sign_in_connects_the_account_in_sign_up_and_sign_in(engine: Engine) {
    for page in ["signup", "login"] {
        let (scene, provider) = make(engine, |_| {}).await;
        let mut browser = meet_the_conflict(&scene, &provider, page).await;
        assert_eq!(connected(&scene).await, 0, "an address alone connects nothing");
        prove(&mut browser, KIM, "a wrong password").await;
        assert!(browser.page().text.contains(NOTE), "{}", browser.page().text);
        assert_eq!(connected(&scene).await, 0);
        browser.fill("Email address", KIM);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        let tokens = scene.client.finish(browser.at_app()).await;
        assert_eq!(scene.client.subject(&tokens.access).await, scene.sub, "{page}");
        assert_eq!(connected(&scene).await, 1);
        let mut again = scene.server.browser();
        again.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
        there_and_back(&scene, &provider, &mut again, &claims()).await;
        let tokens = scene.client.finish(again.at_app()).await;
        assert_eq!(scene.client.subject(&tokens.access).await, scene.sub);
        // The owner hears of it, and can take it back.
        let link = link_about(&scene, KIM, &format!("“{NAME}” was connected")).await;
        redeem(&scene, &link, &format!("Remove {NAME}?"), &[]).await;
        assert_eq!(scene.server.events("identity.oauth.disconnected").await.len(), 1);
    }
}

async fn a_promotion_that_ends_in_a_sign_in_connects_the_account(engine: Engine) {
    for (policy, gives_up) in [("error", false), ("login", true)] {
        let (scene, provider) = make(engine, |setup| setup.set("identity.on_conflict.promotion", policy)).await;
        let (client, mut browser) = (scene.client.clone(), scene.server.browser());
        let guest = client.sign_up().await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        there_and_back(&scene, &provider, &mut browser, &claims()).await;
        browser.expect_page(200, TAKEN);
        prove(&mut browser, KIM, PASSWORD).await;
        let tokens = client.finish(browser.at_app()).await;
        assert_eq!(client.subject(&tokens.access).await, scene.sub, "{policy}");
        assert_eq!(connected(&scene).await, 1, "{policy}");
        assert_eq!(client.user_info(&guest.access).await.status == 200, !gives_up, "{policy}");
    }
}

async fn a_merge_that_is_cancelled_connects_nothing(engine: Engine) {
    for (button, count) in [("Cancel", 0), ("Sign in without them", 1)] {
        let (scene, provider) = make(engine, |setup| setup.set("identity.on_conflict.promotion", "merge")).await;
        let (client, mut browser) = (scene.client.clone(), scene.server.browser());
        let guest = client.sign_up().await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        there_and_back(&scene, &provider, &mut browser, &claims()).await;
        browser.expect_page(200, TAKEN);
        prove(&mut browser, KIM, PASSWORD).await;
        browser.expect_page(200, "Bring your things along?");
        assert_eq!(connected(&scene).await, 0, "nothing is decided");
        browser.press(button).await;
        assert!(browser.is_at_app());
        assert_eq!(connected(&scene).await, count, "{button}");
    }
}

async fn another_member_gets_no_account_of_it(engine: Engine) {
    let (scene, provider) = make(engine, |_| {}).await;
    let mut lee = scene.server.browser();
    lee.open("/settings/sign-in").await;
    let lee_claims = json!({"sub": "lee", "email": "lee@shop.example", "email_verified": true});
    there_and_back(&scene, &provider, &mut lee, &lee_claims).await;
    lee.expect_page(200, "My account");
    lee.open("/settings/password").await;
    lee.fill("New password", "another quiet harbour");
    lee.press("Save password").await;
    let mut browser = meet_the_conflict(&scene, &provider, "login").await;
    prove(&mut browser, "lee@shop.example", "another quiet harbour").await;
    scene.client.finish(browser.at_app()).await;
    assert_eq!(connected(&scene).await, 0);
}

async fn without_the_setting_or_a_verified_address_nothing_is_connected(engine: Engine) {
    let (scene, provider) = make(engine, |setup| setup.set("identity.on_conflict.oauth", "error")).await;
    let mut browser = meet_the_conflict(&scene, &provider, "login").await;
    prove(&mut browser, KIM, PASSWORD).await;
    scene.client.finish(browser.at_app()).await;
    assert_eq!(connected(&scene).await, 0);

    let (scene, provider) = make(engine, |_| {}).await;
    let unverified = json!({"sub": "kim-at-id", "email": KIM, "email_verified": false});
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
    there_and_back(&scene, &provider, &mut browser, &unverified).await;
    let tokens = scene.client.finish(browser.at_app()).await;
    assert_ne!(scene.client.subject(&tokens.access).await, scene.sub, "it neither opens nor blocks");
    assert_eq!(connected(&scene).await, 0);
}

async fn a_setting_that_is_turned_off_meanwhile_counts(engine: Engine) {
    let (scene, provider) = make(engine, |_| {}).await;
    let mut browser = meet_the_conflict(&scene, &provider, "login").await;
    scene.server.change_project(|setup| setup.set("identity.on_conflict.oauth", "error")).await;
    prove(&mut browser, KIM, PASSWORD).await;
    scene.client.finish(browser.at_app()).await;
    assert_eq!(connected(&scene).await, 0);
}

/// The operator removes the provider, puts another one under its alias, or believes its addresses no more.
async fn a_provider_that_is_removed_meanwhile_connects_nothing(engine: Engine) {
    let with = |assumes: bool, issuer: &str| {
        let mut settings = settings_of("ours", "Our ID", issuer);
        if assumes {
            let email = toml::Table::from_iter([("assume_verified".to_string(), true.into())]);
            let claims = toml::Table::from_iter([("email".to_string(), email.into())]);
            settings.as_table_mut().expect("a table").insert("claims".into(), claims.into());
        }
        settings
    };
    for case in ["removed", "replaced", "not believed", "as before"] {
        let (scene, provider) = make(engine, |_| {}).await;
        let issuer = provider.issuer.clone();
        scene.server.change_project(|setup| setup.set("identity.oauth.providers", vec![with(true, &issuer)])).await;
        let unverified = json!({"sub": "kim-at-id", "email": KIM, "email_verified": false});
        let mut browser = scene.server.browser();
        browser.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
        there_and_back(&scene, &provider, &mut browser, &unverified).await;
        browser.expect_page(200, TAKEN);
        let changed = match case {
            "removed" => Vec::new(),
            "replaced" => vec![with(true, "https://another.example")],
            "not believed" => vec![with(false, &issuer)],
            _ => vec![with(true, &issuer)],
        };
        scene.server.change_project(|setup| setup.set("identity.oauth.providers", changed)).await;
        browser.follow("Sign in to that account").await;
        assert_eq!(browser.page().text.contains(NOTE), case == "as before", "{case}");
        browser.fill("Email address", KIM);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        scene.client.finish(browser.at_app()).await;
        assert_eq!(connected(&scene).await, usize::from(case == "as before"), "{case}");
    }
}

/// The member was proved by a provider, and decides about the guest when that is removed.
async fn a_provider_that_is_removed_meanwhile_proves_no_member(engine: Engine) {
    for removes in [true, false] {
        let (scene, provider) = make(engine, |setup| setup.set("identity.on_conflict.promotion", "merge")).await;
        let lee = json!({"sub": "lee", "email": "lee@shop.example", "email_verified": true});
        let mut member = scene.server.browser();
        member.open("/settings/sign-in").await;
        there_and_back(&scene, &provider, &mut member, &lee).await;
        member.expect_page(200, "My account");
        let (client, mut browser) = (scene.client.clone(), scene.server.browser());
        let guest = client.sign_up().await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        there_and_back(&scene, &provider, &mut browser, &lee).await;
        browser.expect_page(200, "Bring your things along?");
        if removes {
            scene.server.change_project(|setup| setup.set("identity.oauth.providers", Vec::<toml::Value>::new())).await;
        }
        browser.press("Bring my things along").await;
        assert_eq!(browser.is_at_app(), !removes);
        assert_eq!(scene.server.events("user.merged").await.len(), usize::from(!removes));
        assert_eq!(client.user_info(&guest.access).await.status == 200, removes, "the guest is as before");
    }
}

async fn the_way_to_a_new_account_connects_nothing(engine: Engine) {
    let (mut scene, provider) = make(engine, |_| {}).await;
    let mut browser = meet_the_conflict(&scene, &provider, "signup").await;
    browser.follow("Use a different login").await;
    browser.fill("Email address", "new@shop.example");
    browser.fill("Password", "another quiet harbour");
    browser.press("Create account").await;
    browser.fill("Code", &scene.mailbox.next_code("new@shop.example").await);
    browser.press("Confirm").await;
    scene.client.finish(browser.at_app()).await;
    assert_eq!(connected(&scene).await, 0);
}

on_both_engines!(
    a_sign_in_connects_the_account_in_sign_up_and_sign_in,
    a_promotion_that_ends_in_a_sign_in_connects_the_account,
    a_merge_that_is_cancelled_connects_nothing,
    another_member_gets_no_account_of_it,
    without_the_setting_or_a_verified_address_nothing_is_connected,
    a_setting_that_is_turned_off_meanwhile_counts,
    a_provider_that_is_removed_meanwhile_connects_nothing,
    a_provider_that_is_removed_meanwhile_proves_no_member,
    the_way_to_a_new_account_connects_nothing,
);
