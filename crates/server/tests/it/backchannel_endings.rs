//! Back-channel logout: every end of a session notifies the applications with a URI for it, and no other application.

use serde_json::{Value, json};

use crate::{
    account::{KIM, PASSWORD},
    backchannel_logout::{SCOPE, Told},
    consent::ConsentingClient,
    guest_journey::identify,
    promotion::promote_by_cookie,
    recovery::{NEW_PASSWORD, recover},
    support::{Admin, Browser, Engine, Setup, Tokens, on_both_engines, promotion_hint, query},
};

on_both_engines!(
    it_is_told_when_the_password_changes,
    it_is_told_when_its_guest_is_promoted_elsewhere,
    it_is_told_when_it_gets_the_tokens_of_the_member_that_its_guest_became,
    it_is_told_when_the_member_deletes_the_account,
    it_is_told_when_its_consent_is_withdrawn,
    it_is_told_when_a_sign_in_takes_the_place_of_an_earlier_one,
    it_is_told_when_the_member_or_an_operator_ends_single_sessions,
    applications_without_a_url_get_none,
);

/// Signs Kim in to the application, apart from the session of any browser.
async fn sign_in_apart(told: &Told, password: &str) -> Tokens {
    let mut browser = told.scene.server.browser();
    browser.open(&told.backend.app.authorize_url(&[("scope", SCOPE)])).await;
    browser.fill("Email address", KIM);
    browser.fill("Password", password);
    browser.press("Sign in").await;
    if !browser.is_at_app() {
        browser.press("Allow").await;
    }
    redeem(&told.backend, &browser).await
}

/// Exchanges the code with which a browser has come back.
async fn redeem(client: &ConsentingClient, browser: &Browser) -> Tokens {
    let code = query(browser.at_app(), "code").expect("a code");
    Tokens::read(&client.exchange(&code).await.expect(200).json())
}

async fn it_is_told_when_the_password_changes(engine: Engine) {
    let mut told = Told::start_as(engine, "backend", |_| {}).await;
    let tokens = sign_in_apart(&told, PASSWORD).await;
    told.scene.browser.open("/settings/password").await;
    told.scene.browser.fill("Current password", PASSWORD);
    told.scene.browser.fill("New password", "two herons under the old bridge");
    told.scene.browser.press("Save password").await;
    told.scene.browser.expect_page(200, "My account");
    told.expect_end_of(&tokens, "the member changes the password").await;

    let tokens = sign_in_apart(&told, "two herons under the old bridge").await;
    let mut browser = recover(&mut told.scene).await;
    browser.fill("Password", NEW_PASSWORD);
    browser.press("Save password").await;
    told.expect_end_of(&tokens, "the member recovers the account").await;
}

/// A browser with the cookie of a new guest, and the tokens that the application gets for it.
async fn sign_up_guest(told: &Told) -> (Browser, Tokens) {
    let mut browser = told.scene.server.browser();
    browser.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.result();
    let (code, error) = told.backend.ask_silently(&mut browser, SCOPE).await;
    let code = code.unwrap_or_else(|| panic!("no code but {error:?}"));
    let tokens = Tokens::read(&told.backend.exchange(&code).await.expect(200).json());
    (browser, tokens)
}

async fn it_is_told_when_its_guest_is_promoted_elsewhere(engine: Engine) {
    let mut told = Told::start_as(engine, "backend", |_| {}).await;
    let (mut browser, tokens) = sign_up_guest(&told).await;
    promote_by_cookie(&told.scene.client, &mut browser, &mut told.scene.mailbox, "lee@shop.example").await;
    told.expect_end_of(&tokens, "its guest is promoted by another application").await;
}

/// Promotes the guest of a browser on the application's own request, up to the code.
async fn promote_here(told: &mut Told, browser: &mut Browser, email: &str) {
    let answer = browser.fetch_json("/api/anonymous_user/promotion_code", &json!({"session_type": "cookie"})).await;
    let hint = promotion_hint(answer.result()["promotion_code"].as_str().expect("a promotion code"));
    browser.open(&told.backend.url(SCOPE, &[("prompt", "login"), ("login_hint", &hint)])).await;
    identify(browser, email).await;
    browser.fill("Code", &told.scene.mailbox.next_code(email).await);
    browser.press("Confirm").await;
}

async fn it_is_told_when_it_gets_the_tokens_of_the_member_that_its_guest_became(engine: Engine) {
    let mut told = Told::start_as(engine, "backend", |_| {}).await;
    let (mut browser, of_guest) = sign_up_guest(&told).await;
    promote_here(&mut told, &mut browser, "lee@shop.example").await;
    let member = redeem(&told.backend, &browser).await;
    told.expect_end_of(&of_guest, "it has the tokens of the member").await;
    told.backend.app.user_info(&member.access).await.expect(200);

    // It never fetches them.
    let (mut browser, of_guest) = sign_up_guest(&told).await;
    promote_here(&mut told, &mut browser, "ray@shop.example").await;
    browser.at_app();
    told.scene.server.clock.advance_seconds(2 * 3_600);
    vestibule_server::boot::maintain(&told.scene.server.app).await.expect("the store works");
    told.expect_end_of(&of_guest, "the time to fetch them is over").await;
}

async fn it_is_told_when_the_member_deletes_the_account(engine: Engine) {
    let mut told = Told::start_as(engine, "backend", |_| {}).await;
    let tokens = told.sign_in().await;
    told.scene.browser.open("/settings/delete").await;
    told.scene.browser.fill(&format!("To confirm, type {KIM}"), KIM);
    told.scene.browser.press("Delete my account").await;
    told.scene.browser.expect_page(200, "You are signed out");
    told.expect_end_of(&tokens, "the member deletes the account").await;
}

async fn it_is_told_when_its_consent_is_withdrawn(engine: Engine) {
    let mut told = Told::start_as(engine, "partner", |_| {}).await;
    let tokens = told.sign_in().await;
    told.scene.browser.open("/settings/applications").await;
    told.scene.browser.press("Remove access").await;
    told.expect_end_of(&tokens, "the member withdraws consent").await;

    let tokens = told.sign_in().await;
    let admin = Admin::of(&told.scene.server).await;
    admin.delete(&format!("/users/{}/consents/partner", told.scene.sub)).await.expect(204);
    told.expect_end_of(&tokens, "an operator withdraws consent").await;
}

async fn it_is_told_when_a_sign_in_takes_the_place_of_an_earlier_one(engine: Engine) {
    let only_one = |setup: &mut Setup| setup.set_client("backend", "x_max_concurrent_session", 1);
    let mut told = Told::start_as(engine, "backend", only_one).await;
    let first = sign_in_apart(&told, PASSWORD).await;
    let second = sign_in_apart(&told, PASSWORD).await;
    told.expect_end_of(&first, "the member signs in again").await;
    let third = sign_in_apart(&told, PASSWORD).await;
    told.expect_end_of(&second, "the member signs in once more").await;
    told.backend.app.user_info(&third.access).await.expect(200);
}

async fn it_is_told_when_the_member_or_an_operator_ends_single_sessions(engine: Engine) {
    let mut told = Told::start_as(engine, "backend", |_| {}).await;
    let admin = Admin::of(&told.scene.server).await;
    let path = format!("/users/{}/sessions", told.scene.sub);
    let listed = async || admin.get(&path).await.expect(200).json()["sessions"].as_array().expect("a list").clone();
    let id_of = |one: &Value| one["id"].as_str().expect("an ID").to_string();

    let tokens = sign_in_apart(&told, PASSWORD).await;
    let all = listed().await;
    let own = all.iter().find(|one| one["client_id"] == "backend").expect("the session of the application");
    admin.delete(&format!("{path}/{}", id_of(own))).await.expect(204);
    told.expect_end_of(&tokens, "an operator ends its session").await;

    let tokens = told.sign_in().await;
    let all = listed().await;
    let of_browser = all.iter().find(|one| one["client_id"].is_null()).expect("the session of the browser");
    admin.delete(&format!("{path}/{}", id_of(of_browser))).await.expect(204);
    told.expect_end_of(&tokens, "an operator ends the browser's session").await;

    let tokens = sign_in_apart(&told, PASSWORD).await;
    told.scene.sign_in(KIM, PASSWORD).await;
    told.scene.browser.open("/settings").await;
    told.scene.browser.press("Sign out everywhere else").await;
    told.expect_end_of(&tokens, "the member ends all other sessions").await;
}

async fn applications_without_a_url_get_none(engine: Engine) {
    let mut told = Told::start_as(engine, "partner", |_| {}).await;
    let silent = ConsentingClient::new(&told.scene.server, "backend").await;
    let admin = Admin::of(&told.scene.server).await;
    let user = format!("/users/{}", told.scene.sub);
    // Its grants are older than that of the notified application, so that notices of theirs would come first.
    silent.sign_in(&mut told.scene.browser, SCOPE).await;
    let tokens = told.sign_in().await;
    admin.delete(&format!("{user}/sessions")).await.expect(204);
    told.expect_end_of(&tokens, "an operator ends all sessions").await;

    told.scene.sign_in(KIM, PASSWORD).await;
    silent.sign_in(&mut told.scene.browser, SCOPE).await;
    let tokens = told.sign_in().await;
    admin.delete(&user).await.expect(204);
    told.expect_end_of(&tokens, "an operator deletes the user").await;
    let taken = admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][1].is_object()).await;
    let urls: Vec<&Value> = taken["deliveries"].as_array().expect("a list").iter().map(|one| &one["url"]).collect();
    assert_eq!(urls, [&json!(told.receiver.url); 2], "{taken}");
    for state in ["waiting", "dead"] {
        let page = admin.get(&format!("/deliveries?state={state}")).await.expect(200).json();
        assert_eq!(page["deliveries"], json!([]), "{state}");
    }
}
