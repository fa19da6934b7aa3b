//! A native app presents an account, or an address, that belongs to a member: each policy, and the continuation at the token endpoint and on
//! a page.

use serde_json::{Value, json};
use url::Url;

use crate::{
    guest_journey::promote,
    native_sign_in::{Scene, native},
    providers::{BUTTON, id_claims, kim, settings_of},
    support::{Admin, AppClient, Browser, Device, Engine, Platform, Reply, Tokens, on_both_engines, query},
};

const TAKEN: &str = "You already have an account";
const GO_ON: &str = "Sign in to that account";
const PASSWORD: &str = "violet tugboat marmalade";

/// The continuation of a refusal of this kind.
#[track_caller]
pub(crate) fn continuation(reply: Reply, kind: &str) -> String {
    let body = reply.expect(400).json();
    assert_eq!((&body["error"], &body["x_conflict"]), (&json!("x_identity_conflict"), &json!(kind)), "{body}");
    assert!(body["error_description"].as_str().is_some_and(|text| text.contains("x_login_hint")), "{body}");
    body["x_continuation"].as_str().expect("a continuation").to_string()
}

/// Both forms of the continuation of a refusal: for the token endpoint, and the `login_hint` of a page.
#[track_caller]
pub(crate) fn forms(reply: Reply, kind: &str) -> (String, String) {
    let hint = reply.json()["x_login_hint"].as_str().expect("a login_hint").to_string();
    assert!(hint.starts_with("https://authgear.com/login_hint?type=continuation&x_continuation="), "{hint}");
    (continuation(reply, kind), hint)
}

pub(crate) fn hint_of(continuation: &str) -> String {
    let pairs = [("type", "continuation"), ("x_continuation", continuation)];
    Url::parse_with_params("https://authgear.com/login_hint", pairs).expect("a URL").into()
}

/// The URL that an app opens to go on.
pub(crate) fn page_url(client: &AppClient, hint: &str) -> String {
    client.authorize_url(&[("login_hint", hint)])
}

pub(crate) async fn redeem(client: &AppClient, continuation: &str) -> Reply {
    let fields = [
        ("grant_type", crate::native_sign_in::GRANT),
        ("client_id", client.client_id.as_str()),
        ("x_action", "login"),
        ("x_continuation", continuation),
    ];
    client.http.post_form("/oauth2/token", &fields).await
}

/// A member with the account, and a guest who presents it.
async fn meet(engine: Engine, policy: &str) -> (Scene, String, Tokens, String) {
    let scene = Scene::open(engine, |setup| setup.set("identity.on_conflict.promotion", policy)).await;
    let owner = scene.client.subject(&scene.log_in(&kim()).await.access).await;
    let guest = scene.client.sign_up().await;
    let sub = scene.client.subject(&guest.access).await;
    (scene, owner, guest, sub)
}

async fn with_error_the_app_may_sign_in_as_the_owner(engine: Engine) {
    let (scene, owner, guest, _) = meet(engine, "error").await;
    let credential = scene.credential(&kim()).await;
    let refused = credential.send(&scene.client, ("promote", Some(&guest.access)), &[]).await;
    assert_eq!((refused.header("cache-control"), refused.header("pragma")), (Some("no-store"), Some("no-cache")));
    let sealed = continuation(refused, "identity");
    assert!(!sealed.contains("kim") && scene.is_guest(&guest).await);
    // The credential of the provider is used up.
    credential.send(&scene.client, ("login", None), &[]).await.expect(400);
    let tokens = Tokens::read(&redeem(&scene.client, &sealed).await.expect(200).json());
    assert_eq!(scene.client.subject(&tokens.access).await, owner);
    assert!(scene.is_guest(&guest).await, "the guest is as before");
    assert_eq!(scene.count("user.anonymous.promoted").await, 0);
    let again = redeem(&scene.client, &sealed).await;
    let used = "invalid x_continuation: it was used or is too old, ask the provider again";
    again.expect_oauth_error(400, "invalid_request", used);
}

/// The account at the provider once more, in the browser.
async fn go_on(scene: &Scene, browser: &mut Browser, button: &str) {
    browser.press(button).await;
    let back = scene.provider.sign_in(browser.at_app(), &kim(), scene.server.clock.now());
    browser.open_from_elsewhere(&back).await;
}

/// Without a key of the application, whoever reads the page's URL could open it, and get a code for the account.
async fn with_error_a_page_signs_in_as_the_owner_and_asks_the_provider(engine: Engine) {
    let (scene, owner, guest, _) = meet(engine, "error").await;
    let (proof, hint) = forms(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
    let mut browser = scene.server.browser();
    browser.open(&page_url(&scene.client, &hint)).await;
    browser.expect_page(200, TAKEN);
    assert_eq!(scene.count("user.authenticated").await, 0, "nothing happens before the press");
    go_on(&scene, &mut browser, GO_ON).await;
    let tokens = scene.client.finish(browser.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, owner);
    assert!(scene.is_guest(&guest).await);
    assert_eq!(browser.cookie("session"), None, "a continuation leaves no session in a browser");
    // It is good once, here and there.
    redeem(&scene.client, &proof).await.expect(400);
    let mut other = scene.server.browser();
    other.open(&page_url(&scene.client, &hint)).await;
    other.expect_page(400, "This link has expired");
}

async fn what_goes_into_a_url_proves_nothing(engine: Engine) {
    let (scene, owner, guest, _) = meet(engine, "error").await;
    let (proof, hint) = forms(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
    let of_page = query(&Url::parse(&hint).expect("a URL"), "x_continuation").expect("the form for a page");
    let invalid = "invalid x_continuation: it was used or is too old, ask the provider again";
    redeem(&scene.client, &of_page).await.expect_oauth_error(400, "invalid_request", invalid);
    // What proves the account is not taken from a URL, where others may have read it.
    let mut browser = scene.server.browser();
    browser.open(&page_url(&scene.client, &hint_of(&proof))).await;
    browser.expect_page(400, "This link has expired");
    // The reader of the URL has no account at the provider that is the owner's.
    let mut thief = scene.server.browser();
    thief.open(&page_url(&scene.client, &hint)).await;
    thief.press(GO_ON).await;
    let own = json!({"sub": "thief", "email": "thief@id.example", "email_verified": true});
    let back = scene.provider.sign_in(thief.at_app(), &own, scene.server.clock.now());
    thief.open_from_elsewhere(&back).await;
    thief.expect_page(200, "No account uses this Our ID account");
    assert_eq!(scene.count("user.authenticated").await, 0);
    assert!(scene.is_guest(&guest).await);
    // The application's own form is used up with the page, which somebody began.
    redeem(&scene.client, &proof).await.expect_oauth_error(400, "invalid_request", invalid);
    assert_eq!(scene.client.subject(&scene.log_in(&kim()).await.access).await, owner);
}

/// A phone whose guest presents an account of a member, and what it gets: both forms of a continuation.
async fn meet_on_a_phone(engine: Engine, claims: &Value) -> (Scene, Device, String, (String, String)) {
    let scene = Scene::open(engine, |_| {}).await;
    let owner = scene.client.subject(&scene.log_in(&kim()).await.access).await;
    let mut phone = Device::new(&scene.server, Platform::Ios);
    phone.authenticate().await;
    let continued = continue_on(&scene, &phone, claims).await;
    (scene, phone, owner, continued)
}

async fn continue_on(scene: &Scene, phone: &Device, claims: &Value) -> (String, String) {
    let credential = scene.credential(claims).await;
    let fields = [
        ("grant_type", crate::native_sign_in::GRANT),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ("subject_token", credential.id_token.as_str()),
        ("x_oauth_provider_alias", "ours"),
        ("x_action", "promote"),
        ("nonce", credential.nonce.as_str()),
    ];
    let request = phone.token_request(&fields, true).bearer_auth(&phone.held().access);
    let again = request.try_clone().expect("a form");
    let forms = forms(Reply::of(request).await, "identity");
    // The proof is good once, also where no tokens are given.
    assert_eq!(Reply::of(again).await.expect(400).json()["error"], "invalid_dpop_proof");
    forms
}

/// Where the code is of no use without the application's key, its answer of the provider counts on the page, with its age.
async fn with_a_key_a_page_goes_on_with_what_the_application_has(engine: Engine) {
    let (scene, phone, owner, (_, hint)) = meet_on_a_phone(engine, &kim()).await;
    let asked_at = scene.server.clock.now().as_seconds();
    scene.server.clock.advance_seconds(200);
    let jkt = phone.jkt();
    let mut browser = scene.server.browser();
    browser.open(&phone.authorize_url(&[("login_hint", &hint), ("dpop_jkt", &jkt)])).await;
    browser.expect_page(200, TAKEN);
    browser.press(GO_ON).await;
    let landing = browser.at_app().clone();
    // The code of a reader of the URL.
    let client = AppClient { client_id: phone.client_id.clone(), ..scene.client.clone() };
    client.exchange(&query(&landing, "code").expect("a code")).await.expect(400);
    let tokens = Tokens::read(&phone.exchange(&landing).await.expect(200).json());
    let claims = id_claims(&tokens);
    assert_eq!((&claims["sub"], &claims["auth_time"]), (&json!(owner), &json!(asked_at)), "as old as the answer");
    // Another key, or none, opens nothing.
    let (_, hint) = continue_on(&scene, &phone, &kim()).await;
    for jkt in ["", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"] {
        let mut browser = scene.server.browser();
        let key = [("login_hint", hint.as_str()), ("dpop_jkt", jkt)];
        browser.open(&phone.authorize_url(if jkt.is_empty() { &key[..1] } else { &key })).await;
        browser.expect_page(400, "This link has expired");
    }
}

async fn a_page_that_goes_on_heeds_the_request(engine: Engine) {
    let (scene, phone, _, _) = meet_on_a_phone(engine, &kim()).await;
    let lee = scene.log_in(&json!({"sub": "lee", "email": "lee@id.example", "email_verified": true})).await;
    let lees_token = lee.id.expect("an ID token");
    let jkt = phone.jkt();
    let silent = json!({"sub": "kim-at-id", "email": "kim@id.example", "email_verified": true, "auth_time": null});
    // What the request asks for, and the `max_age` with which the provider is asked again.
    for (claims, more, asked) in [
        (kim(), ("max_age", "1000"), None),
        (kim(), ("max_age", "100"), Some("100")),
        (kim(), ("max_age", "0"), Some("0")),
        (kim(), ("prompt", "login"), Some("0")),
        (silent.clone(), ("max_age", "1000"), Some("1000")),
        (silent, ("prompt", "consent"), None),
    ] {
        let (_, hint) = continue_on(&scene, &phone, &claims).await;
        scene.server.clock.advance_seconds(200);
        let mut browser = scene.server.browser();
        browser.open(&phone.authorize_url(&[("login_hint", &hint), ("dpop_jkt", &jkt), more])).await;
        browser.expect_page(200, TAKEN);
        browser.press(GO_ON).await;
        let landing = browser.at_app().clone();
        assert_eq!(query(&landing, "code").is_some(), asked.is_none(), "{more:?} {landing}");
        assert_eq!(query(&landing, "max_age").as_deref(), asked, "{more:?} {landing}");
    }
    let (_, hint) = continue_on(&scene, &phone, &kim()).await;
    let mut browser = scene.server.browser();
    browser.open(&phone.authorize_url(&[("login_hint", &hint), ("dpop_jkt", &jkt), ("prompt", "none")])).await;
    assert_eq!(query(browser.at_app(), "error").as_deref(), Some("login_required"), "a page is needed");
    let before = scene.count("user.authenticated").await;
    browser
        .open(&phone.authorize_url(&[("login_hint", &hint), ("dpop_jkt", &jkt), ("id_token_hint", &lees_token)]))
        .await;
    browser.expect_page(200, "That is another Our ID account");
    assert_eq!(scene.count("user.authenticated").await, before, "the application wants Lee");
}

/// An application that may do without its key: its code is of use to a reader of the URL.
async fn a_key_that_is_not_needed_binds_nothing(engine: Engine) {
    let (scene, phone, _, (_, hint)) = meet_on_a_phone(engine, &kim()).await;
    scene.server.change_project(|setup| setup.set_client(&phone.client_id, "x_dpop_disabled", true)).await;
    let mut browser = scene.server.browser();
    browser.open(&phone.authorize_url(&[("login_hint", &hint), ("dpop_jkt", &phone.jkt())])).await;
    browser.expect_page(200, TAKEN);
    browser.press(GO_ON).await;
    assert!(query(browser.at_app(), "max_age").is_some(), "the provider is asked: {}", browser.at_app());
}

/// The operator takes no ID tokens any more, while a page waits.
async fn a_provider_that_takes_no_tokens_any_more_proves_nothing_on_a_page(engine: Engine) {
    let (scene, phone, _, (_, hint)) = meet_on_a_phone(engine, &kim()).await;
    let before = scene.count("user.authenticated").await;
    let mut browser = scene.server.browser();
    browser.open(&phone.authorize_url(&[("login_hint", &hint), ("dpop_jkt", &phone.jkt())])).await;
    browser.expect_page(200, TAKEN);
    let issuer = scene.provider.issuer.clone();
    let settings = vec![settings_of("ours", "Our ID", &issuer)];
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", settings)).await;
    browser.press(GO_ON).await;
    assert!(query(browser.at_app(), "max_age").is_some(), "the provider is asked: {}", browser.at_app());
    assert_eq!(scene.count("user.authenticated").await, before);
}

async fn with_login_the_guest_is_given_up_in_the_same_call(engine: Engine) {
    let (scene, owner, guest, sub) = meet(engine, "login").await;
    let reply = scene.exchange(&kim(), "promote", Some(&guest.access)).await.expect(200);
    let tokens = Tokens::read(&reply.json());
    assert_eq!(scene.client.subject(&tokens.access).await, owner);
    scene.client.user_info(&guest.access).await.expect(401);
    let promoted = scene.server.events("user.anonymous.promoted").await;
    let payload = &promoted[0]["payload"];
    assert_eq!((&payload["anonymous_user"]["id"], &payload["user"]["id"]), (&json!(sub), &json!(owner)));
}

async fn with_merge_the_member_decides_on_a_page(engine: Engine) {
    for (button, merges) in [("Bring my things along", true), ("Sign in without them", false)] {
        let (scene, owner, guest, sub) = meet(engine, "merge").await;
        let (_, hint) = forms(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
        assert!(scene.is_guest(&guest).await);
        let mut browser = scene.server.browser();
        browser.open(&page_url(&scene.client, &hint)).await;
        browser.expect_page(200, TAKEN);
        go_on(&scene, &mut browser, GO_ON).await;
        browser.expect_page(200, "Bring your things along?");
        browser.press(button).await;
        let tokens = scene.client.finish(browser.at_app()).await;
        assert_eq!(scene.client.subject(&tokens.access).await, owner);
        let merged = scene.server.events("user.merged").await;
        assert_eq!(merged.len(), usize::from(merges));
        assert_eq!(scene.client.user_info(&guest.access).await.status == 401, merges, "{sub}");
    }
}

/// A scene with a member who has a password and this address, but no account at the provider.
async fn with_member(engine: Engine, policy: &str) -> (Scene, String) {
    let scene = Scene::open(engine, |setup| setup.set("identity.on_conflict.oauth", policy)).await;
    let (client, mut browser, mut mailbox) = (&scene.client, scene.server.browser(), scene.server.mailbox());
    promote(client, &client.sign_up().await, &mut browser, &mut mailbox, "kim@id.example").await;
    let member = client.finish(browser.at_app()).await;
    let sub = client.subject(&member.access).await;
    (scene, sub)
}

async fn prove_by_password(browser: &mut Browser) {
    browser.follow(GO_ON).await;
    browser.expect_page(200, "Welcome back");
    browser.fill("Email address", "kim@id.example");
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
}

async fn an_address_of_a_member_opens_nothing_without_its_own_methods(engine: Engine) {
    for policy in ["error", "login_and_link"] {
        for action in ["login", "promote"] {
            let (scene, member) = with_member(engine, policy).await;
            let guest = scene.client.sign_up().await;
            let bearer = (action == "promote").then_some(guest.access.as_str());
            let sealed = continuation(scene.exchange(&kim(), action, bearer).await, "claim");
            // The token endpoint does not sign in by an address, whatever was proved of it.
            let (_, again) = forms(redeem(&scene.client, &sealed).await, "claim");
            redeem(&scene.client, &sealed).await.expect(400);
            let mut browser = scene.server.browser();
            browser.open(&page_url(&scene.client, &again)).await;
            browser.expect_page(200, TAKEN);
            prove_by_password(&mut browser).await;
            let tokens = scene.client.finish(browser.at_app()).await;
            assert_eq!(scene.client.subject(&tokens.access).await, member, "{policy} {action}");
            // Whoever has the link may have sent it to the owner of the address.
            assert_eq!(scene.count("identity.oauth.connected").await, 0, "{policy} {action}");
            assert!(scene.is_guest(&guest).await);
            continuation(scene.exchange(&kim(), "login", None).await, "claim");
        }
    }
}

async fn an_unverified_address_neither_opens_nor_blocks(engine: Engine) {
    let (scene, member) = with_member(engine, "login_and_link").await;
    let unverified = json!({"sub": "kim-at-id", "email": "kim@id.example", "email_verified": false});
    let tokens = scene.log_in(&unverified).await;
    let info = scene.info(&tokens).await;
    assert!(info["sub"] != *member && info.get("email").is_none(), "{info}");
}

async fn an_account_of_another_is_not_connected(engine: Engine) {
    let (scene, member) = with_member(engine, "error").await;
    let other = json!({"sub": "lee", "email": "lee@id.example", "email_verified": true});
    let lee = scene.client.subject(&scene.log_in(&other).await.access).await;
    let mine: Value = json!({"sub": "mine"});
    let own = scene.log_in(&mine).await;
    let sealed = continuation(scene.exchange(&other, "link", Some(&own.access)).await, "identity");
    assert_eq!(scene.count("identity.oauth.connected").await, 0);
    // The person may switch to the account that it has.
    let tokens = Tokens::read(&redeem(&scene.client, &sealed).await.expect(200).json());
    assert_eq!(scene.client.subject(&tokens.access).await, lee);
    assert_ne!(lee, member);
}

async fn a_guest_that_is_free_again_is_promoted_on_the_page(engine: Engine) {
    let (scene, owner, guest, sub) = meet(engine, "error").await;
    let (_, sealed) = forms(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
    Admin::of(&scene.server).await.delete(&format!("/users/{owner}")).await.expect(204);
    let mut browser = scene.server.browser();
    browser.open(&page_url(&scene.client, &sealed)).await;
    browser.expect_page(200, "Save your progress");
    assert_eq!(scene.count("user.anonymous.promoted").await, 0, "nothing happens before the press");
    go_on(&scene, &mut browser, BUTTON).await;
    let tokens = scene.client.finish(browser.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, sub);
}

async fn a_page_that_is_opened_late_asks_the_provider_again(engine: Engine) {
    let (scene, owner, guest, _) = meet(engine, "error").await;
    let (_, sealed) = forms(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
    let mut browser = scene.server.browser();
    browser.open(&page_url(&scene.client, &sealed)).await;
    browser.expect_page(200, TAKEN);
    scene.server.clock.advance_seconds(301);
    browser.press(GO_ON).await;
    let back = scene.provider.sign_in(browser.at_app(), &kim(), scene.server.clock.now());
    browser.open_from_elsewhere(&back).await;
    let tokens = scene.client.finish(browser.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, owner);
    let (late, late_hint) = forms(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
    scene.server.clock.advance_seconds(301);
    redeem(&scene.client, &late).await.expect(400);
    let mut browser = scene.server.browser();
    browser.open(&page_url(&scene.client, &late_hint)).await;
    browser.expect_page(400, "This link has expired");
}

async fn a_continuation_belongs_to_its_application_and_cannot_be_made(engine: Engine) {
    let (scene, _, guest, _) = meet(engine, "error").await;
    let (sealed, hint) = forms(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
    let blog = scene.server.other_client();
    let invalid = "invalid x_continuation: it was used or is too old, ask the provider again";
    redeem(&blog, &sealed).await.expect_oauth_error(400, "invalid_request", invalid);
    let mut browser = scene.server.browser();
    browser.open(&page_url(&blog, &hint)).await;
    browser.expect_page(400, "This link has expired");
    for forged in [sealed.replace(&sealed[40..44], "AAAA"), sealed[..60].to_string(), "x".into()] {
        redeem(&scene.client, &forged).await.expect_oauth_error(400, "invalid_request", invalid);
        let mut browser = scene.server.browser();
        browser.open(&page_url(&scene.client, &hint_of(&forged))).await;
        browser.expect_page(400, "This link has expired");
    }
    // With the guest's session it ends, on the page.
    scene.client.revoke(&guest.refresh).await.expect(200);
    let mut browser = scene.server.browser();
    browser.open(&page_url(&scene.client, &hint)).await;
    browser.expect_page(400, "This link has expired");
    // Where the project takes no ID tokens any more, neither does it take these.
    let issuer = scene.provider.issuer.clone();
    scene
        .server
        .change_project(|setup| {
            let settings = settings_of("ours", "Our ID", &issuer);
            let mut other = native(settings_of("other", "Other", "https://other.example"));
            other.as_table_mut().expect("a table").insert("client_id".into(), "c".into());
            setup.set("identity.oauth.providers", vec![settings, other]);
        })
        .await;
    redeem(&scene.client, &sealed).await.expect_oauth_error(400, "invalid_request", invalid);
}

async fn an_owner_who_ended_all_sessions_meanwhile_is_not_signed_in(engine: Engine) {
    let (scene, owner, guest, _) = meet(engine, "error").await;
    let sealed = continuation(scene.exchange(&kim(), "promote", Some(&guest.access)).await, "identity");
    let credential = scene.credential(&kim()).await;
    scene.server.clock.advance_seconds(2);
    let admin = Admin::of(&scene.server).await;
    admin.delete(&format!("/users/{owner}/sessions")).await.expect(204);
    redeem(&scene.client, &sealed).await.expect(400);
    credential.send(&scene.client, ("login", None), &[]).await.expect(400);
    scene.server.clock.advance_seconds(2);
    scene.log_in(&kim()).await;
}

on_both_engines!(
    with_error_the_app_may_sign_in_as_the_owner,
    with_error_a_page_signs_in_as_the_owner_and_asks_the_provider,
    what_goes_into_a_url_proves_nothing,
    with_a_key_a_page_goes_on_with_what_the_application_has,
    a_page_that_goes_on_heeds_the_request,
    a_key_that_is_not_needed_binds_nothing,
    a_provider_that_takes_no_tokens_any_more_proves_nothing_on_a_page,
    with_login_the_guest_is_given_up_in_the_same_call,
    with_merge_the_member_decides_on_a_page,
    an_address_of_a_member_opens_nothing_without_its_own_methods,
    an_unverified_address_neither_opens_nor_blocks,
    an_account_of_another_is_not_connected,
    a_guest_that_is_free_again_is_promoted_on_the_page,
    a_page_that_is_opened_late_asks_the_provider_again,
    a_continuation_belongs_to_its_application_and_cannot_be_made,
    an_owner_who_ended_all_sessions_meanwhile_is_not_signed_in,
);
