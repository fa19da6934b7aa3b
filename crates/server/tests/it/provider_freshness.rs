//! How old the proof of a sign-in with a provider is: as old as the provider says, also where it signs its user in without a question; and
//! what asks for a recent one.

use serde_json::{Value, json};
use vestibule_domain::project::ProviderType::{self, Apple, GitHub};

use crate::{
    native_sign_in,
    provider_vendors::{self, brand, user_at},
    providers::{BUTTON, id_claims, kim, settings_of, start},
    resolver::resolve,
    support::{AppClient, Browser, Engine, OpenIdProvider, Setup, TestServer, Tokens, on_both_engines, query, vendors},
};

const CONFIRM: &str = "Confirm that it’s you";
const CONNECT: &str = "/settings/external-accounts/connect?provider=ours";
const NOT_CONFIRMED: &str = "could not confirm who you are";
const CAN: &str = "https://authgear.com/claims/user/can_reauthenticate";

/// What the provider says of a user who signed in there then, or of whom it does not say when.
fn signed_in(seconds: Option<i64>) -> Value {
    json!({"sub": "kim-at-id", "email": "kim@id.example", "email_verified": false, "auth_time": seconds})
}

async fn set_up(engine: Engine) -> (TestServer, OpenIdProvider) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    (server, provider)
}

/// Presses the button on the page where the browser is, and comes back.
async fn go_and_return(server: &TestServer, provider: &OpenIdProvider, browser: &mut Browser, claims: &Value) {
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), claims, server.clock.now());
    browser.open_from_elsewhere(&back).await;
}

/// The tokens of an app after a sign-in in this browser, with a session.
async fn sign_in(
    server: &TestServer,
    provider: &OpenIdProvider,
    browser: &mut Browser,
    claims: &Value,
) -> (AppClient, Tokens) {
    let client = server.app_client();
    let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("prompt", "select_account")];
    browser.open(&client.authorize_url(&shared)).await;
    go_and_return(server, provider, browser, claims).await;
    let tokens = client.finish(browser.at_app()).await;
    (client, tokens)
}

/// The time that the resolver names.
async fn resolved(server: &TestServer, tokens: &Tokens) -> Option<String> {
    let reply = resolve(server, "/_resolver/resolve?require=member", Some(&tokens.access), None).await.expect(200);
    reply.header("x-authgear-session-authenticated-at").map(str::to_string)
}

async fn a_silent_sign_in_is_as_old_as_the_provider_says(engine: Engine) {
    let (server, provider) = set_up(engine).await;
    let mut browser = server.browser();
    // First a sign-up, then a sign-in: the person was signed in at the provider an hour before.
    for _ in 0..2 {
        let then = server.clock.now().as_seconds() - 3_600;
        let (client, tokens) = sign_in(&server, &provider, &mut browser, &signed_in(Some(then))).await;
        assert_eq!(id_claims(&tokens)["auth_time"], then);
        client.refresh(&tokens.refresh).await.expect(200);
        assert_eq!(resolved(&server, &tokens).await, Some(then.to_string()));
        browser.open(CONNECT).await;
        browser.expect_page(200, CONFIRM);
        server.clock.advance_seconds(10);
    }
    // A provider whose clock is ahead does not make it newer than now.
    let ahead = server.clock.now().as_seconds() + 50;
    let (_, tokens) = sign_in(&server, &provider, &mut browser, &signed_in(Some(ahead))).await;
    assert_eq!(id_claims(&tokens)["auth_time"], server.clock.now().as_seconds());
    browser.open(CONNECT).await;
    browser.expect_page(200, "Connect Our ID");
}

async fn a_promotion_is_as_old_as_the_provider_says(engine: Engine) {
    let (server, provider) = set_up(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let guest = client.sign_up().await;
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    let then = server.clock.now().as_seconds() - 3_600;
    go_and_return(&server, &provider, &mut browser, &signed_in(Some(then))).await;
    let member = client.finish(browser.at_app()).await;
    assert_eq!(id_claims(&member)["auth_time"], then);
}

async fn a_provider_that_does_not_say_when_proves_nothing_recent(engine: Engine) {
    let (server, provider) = set_up(engine).await;
    let mut browser = server.browser();
    for _ in 0..2 {
        let (client, tokens) = sign_in(&server, &provider, &mut browser, &signed_in(None)).await;
        let claims = id_claims(&tokens);
        assert_eq!((claims.get("auth_time"), claims.get("amr")), (None, None), "{claims}");
        assert_eq!(resolved(&server, &tokens).await, None);
        assert_eq!(client.user_info(&tokens.access).await.expect(200).json()["sub"], claims["sub"]);
        for page in [CONNECT, "/settings/delete", "/settings/export"] {
            browser.open(page).await;
            browser.expect_page(200, CONFIRM);
        }
        // An app that limits the age gets a page, not a code.
        let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "")];
        browser.open(&client.authorize_url(&[&shared[..], &[("max_age", "86400")]].concat())).await;
        browser.expect_page(200, "Welcome back");
        // One that only wants to hear it, as a Vestibule whose provider this one is, gets its code.
        browser.open(&client.authorize_url(&[&shared[..], &[("max_age", "31536000")]].concat())).await;
        browser.press("Continue").await;
        assert!(query(browser.at_app(), "code").is_some(), "{}", browser.at_app());
    }
    // The page to confirm asks the provider, which then says it.
    browser.open(CONNECT).await;
    browser.press(BUTTON).await;
    assert_eq!(query(browser.at_app(), "max_age").as_deref(), Some("0"));
    let now = server.clock.now();
    let back = provider.sign_in(browser.at_app(), &signed_in(Some(now.as_seconds())), now);
    browser.open_from_elsewhere(&back).await;
    browser.expect_page(200, "Connect Our ID");
}

async fn a_silent_sign_in_does_not_make_a_session_older(engine: Engine) {
    let (server, provider) = set_up(engine).await;
    let mut browser = server.browser();
    let now = server.clock.now().as_seconds();
    sign_in(&server, &provider, &mut browser, &signed_in(Some(now))).await;
    server.clock.advance_seconds(60);
    for silent in [Some(now - 5_000), None] {
        let (_, tokens) = sign_in(&server, &provider, &mut browser, &signed_in(silent)).await;
        assert_eq!(id_claims(&tokens)["auth_time"], now, "what the session has proved counts");
        browser.open(CONNECT).await;
        browser.expect_page(200, "Connect Our ID");
    }
    server.clock.advance_seconds(241);
    browser.open(CONNECT).await;
    browser.expect_page(200, CONFIRM);
}

async fn an_app_that_limits_the_age_has_the_provider_asked(engine: Engine) {
    let (server, provider) = set_up(engine).await;
    let client = server.app_client();
    sign_in(&server, &provider, &mut server.browser(), &signed_in(None)).await;
    for (age, is_good) in [(Some(700), false), (None, false), (Some(500), true)] {
        let mut browser = server.browser();
        browser.open(&client.authorize_url(&[("max_age", "600"), ("x_page", "login")])).await;
        browser.press(BUTTON).await;
        let asked = ["prompt", "max_age"].map(|name| query(browser.at_app(), name));
        assert_eq!(asked, [None, Some("600".into())]);
        let then = age.map(|age| server.clock.now().as_seconds() - age);
        let back = provider.sign_in(browser.at_app(), &signed_in(then), server.clock.now());
        browser.open_from_elsewhere(&back).await;
        if is_good {
            assert_eq!(id_claims(&client.finish(browser.at_app()).await)["auth_time"], json!(then));
        } else {
            assert!(browser.page().text.contains(NOT_CONFIRMED), "{age:?} {}", browser.page().text);
        }
    }
}

/// `prompt=login` without a hint (OIDC Core §3.1.2.1): the provider's own session is not enough, in a browser that is signed in here and in
/// another one.
async fn an_app_that_wants_a_new_sign_in_has_the_provider_asked(engine: Engine) {
    let (server, provider) = set_up(engine).await;
    let client = server.app_client();
    let mut signed_in_here = server.browser();
    sign_in(&server, &provider, &mut signed_in_here, &signed_in(None)).await;
    let mut stranger = server.browser();
    for browser in [&mut signed_in_here, &mut stranger] {
        for age in [Some(3_600), Some(61), None, Some(0)] {
            browser.open(&client.authorize_url(&[("prompt", "login")])).await;
            browser.press(BUTTON).await;
            let asked = ["prompt", "max_age"].map(|name| query(browser.at_app(), name));
            assert_eq!(asked, [Some("login".into()), Some("0".into())]);
            let then = age.map(|age| server.clock.now().as_seconds() - age);
            let back = provider.sign_in(browser.at_app(), &signed_in(then), server.clock.now());
            browser.open_from_elsewhere(&back).await;
            if age.is_some_and(|age| age > 60) {
                assert!(browser.page().text.contains(NOT_CONFIRMED), "{age:?} {}", browser.page().text);
            } else {
                // A provider that does not say when is believed in who it is, and the tokens say nothing newer.
                assert_eq!(
                    id_claims(&client.finish(browser.at_app()).await).get("auth_time").cloned(),
                    then.map(Value::from)
                );
            }
        }
    }
    // A limit of the age beside it asks for no less.
    stranger.open(&client.authorize_url(&[("prompt", "login"), ("max_age", "600")])).await;
    stranger.press(BUTTON).await;
    let asked = ["prompt", "max_age"].map(|name| query(stranger.at_app(), name));
    assert_eq!(asked, [Some("login".into()), Some("0".into())]);
    // The choice of an account asks for no password, and the SDKs send `prompt=login` with every promotion.
    let guest = client.sign_up().await;
    let promotion = client.promotion_url(&client.promotion_code(&guest).await);
    assert!(promotion.contains("prompt=login"), "{promotion}");
    for request in [client.authorize_url(&[("prompt", "select_account")]), promotion] {
        stranger.open(&request).await;
        stranger.press(BUTTON).await;
        assert_eq!(["prompt", "max_age"].map(|name| query(stranger.at_app(), name)), [None, Some("31536000".into())]);
    }
}

/// A provider that can be asked for nothing still signs its users in.
async fn a_new_sign_in_takes_no_provider_away(engine: Engine) {
    let scene = provider_vendors::Scene::open(engine, |_| {}).await;
    for kind in [GitHub, Apple] {
        scene
            .server
            .change_project(move |setup| setup.set("identity.oauth.providers", vec![vendor(kind, false)]))
            .await;
        let mut user = user_at(kind, "7", "kim@hub.example", false);
        if kind == Apple {
            user["auth_time"] = (scene.server.clock.now().as_seconds() - 3_600).into();
        }
        let mut browser = scene.server.browser();
        browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
        scene.go_and_return(&mut browser, kind, &user).await;
        let tokens = scene.client.finish(browser.at_app()).await;
        assert_eq!(id_claims(&tokens).get("auth_time"), user.get("auth_time"), "{kind:?}");
    }
}

/// The settings of a vendor that cannot be asked to have its user sign in again.
fn vendor(kind: ProviderType, can_reauthenticate: bool) -> toml::Value {
    let mut settings = vendors::settings_of(kind, vendors::TENANT);
    settings.as_table_mut().expect("a table").insert("can_reauthenticate".into(), can_reauthenticate.into());
    settings
}

async fn a_provider_that_cannot_be_asked_is_no_reauthentication_unless_the_operator_says_so(engine: Engine) {
    let scene = provider_vendors::Scene::open(engine, |_| {}).await;
    let client = &scene.client;
    for kind in [GitHub, Apple] {
        let of = |is_enough: bool| {
            move |setup: &mut Setup| setup.set("identity.oauth.providers", vec![vendor(kind, is_enough)])
        };
        scene.server.change_project(of(false)).await;
        let mut user = user_at(kind, "7", "kim@hub.example", false);
        let button = format!("Continue with {}", brand(kind));
        let mut browser = scene.server.browser();
        let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "")];
        browser.open(&client.authorize_url(&shared)).await;
        scene.go_and_return(&mut browser, kind, &user).await;
        let tokens = client.finish(browser.at_app()).await;
        assert_eq!(id_claims(&tokens)[CAN], false, "{kind:?}");
        browser.open("/settings/delete").await;
        let page = browser.expect_page(200, CONFIRM);
        assert!(
            !page.text.contains(&button) && page.text.contains("Please contact the people who run"),
            "{}",
            page.text
        );
        // A forged form does not get there either.
        let token = browser.hidden("_csrf").unwrap_or_default();
        let form = [("_csrf", token.as_str()), ("action", "provider"), ("provider", kind.as_str())];
        browser.post("/settings/confirm?next=%2Fsettings%2Fdelete", &form).await;
        assert!(!browser.is_at_app(), "{}", browser.url());
        let hint = tokens.id.clone().expect("an ID token");
        let again = client.authorize_url(&[("id_token_hint", &hint), ("max_age", "0"), ("prompt", "login")]);
        browser.open(&again).await;
        assert!(!browser.page().text.contains(&button), "{}", browser.page().text);

        scene.server.change_project(of(true)).await;
        assert_eq!(client.user_info(&tokens.access).await.expect(200).json()[CAN], true);
        browser.open(&again).await;
        scene.go_and_return(&mut browser, kind, &user).await;
        let fresh = client.finish(browser.at_app()).await;
        let now = scene.server.clock.now().as_seconds();
        assert_eq!(id_claims(&fresh)["auth_time"], now, "{kind:?}: at the operator's word");
        if kind == Apple {
            // What it says counts all the same.
            user["auth_time"] = (now - 61).into();
            browser.open(&again).await;
            scene.go_and_return(&mut browser, kind, &user).await;
            assert!(browser.page().text.contains(NOT_CONFIRMED), "{}", browser.page().text);
        }
        scene.server.clock.advance_seconds(10);
    }
}

async fn the_grant_of_a_native_sign_in_is_as_old_as_the_provider_says(engine: Engine) {
    let scene = native_sign_in::Scene::open(engine, |_| {}).await;
    let mut said = kim();
    for age in [0, 200, 400] {
        let then = scene.server.clock.now().as_seconds() - age;
        said["auth_time"] = then.into();
        let tokens = scene.log_in(&said).await;
        assert_eq!(id_claims(&tokens)["auth_time"], then);
        let second = json!({"sub": format!("second-{age}")});
        let linked = scene.exchange(&second, "link", Some(&tokens.access)).await;
        assert_eq!(linked.status, if age < 300 { 200 } else { 400 }, "{age} {}", linked.body);
    }
    said["auth_time"] = Value::Null;
    let tokens = scene.log_in(&said).await;
    assert_eq!(id_claims(&tokens).get("auth_time"), None);
    let refused = scene.exchange(&json!({"sub": "third"}), "link", Some(&tokens.access)).await;
    refused.expect_oauth_error(
        400,
        "interaction_required",
        "the member must have authenticated within the last 5 minutes: reauthenticate, then repeat",
    );
    // A guest that is promoted.
    let guest = scene.client.sign_up().await;
    let new = json!({"sub": "new", "auth_time": scene.server.clock.now().as_seconds() - 900});
    let member = Tokens::read(&scene.exchange(&new, "promote", Some(&guest.access)).await.expect(200).json());
    assert_eq!(id_claims(&member)["auth_time"], new["auth_time"]);
}

/// The sign-in of a third-party application, which waits for consent without a session: that all sessions ended after the person signed in
/// at the provider, but before it signed in here, ends nothing.
async fn an_old_sign_in_at_the_provider_is_a_new_one_here(engine: Engine) {
    let (server, provider) = set_up(engine).await;
    let mut browser = server.browser();
    let (client, tokens) = sign_in(&server, &provider, &mut browser, &signed_in(None)).await;
    let sub = client.subject(&tokens.access).await;
    server.clock.advance_seconds(60);
    crate::support::Admin::of(&server).await.delete(&format!("/users/{sub}/sessions")).await.expect(204);
    server.clock.advance_seconds(60);
    let then = server.clock.now().as_seconds() - 3_600;
    let redirect_uri = "https://partner.test/callback".into();
    let partner = AppClient { client_id: "partner".into(), redirect_uri, ..client };
    let mut elsewhere = server.browser();
    elsewhere.open(&partner.authorize_url(&[("scope", "openid"), ("x_page", "login")])).await;
    go_and_return(&server, &provider, &mut elsewhere, &signed_in(Some(then))).await;
    elsewhere.press("Allow").await;
    assert!(query(elsewhere.at_app(), "code").is_some(), "{}", elsewhere.at_app());
}

/// A flow whose member decides about the guest: the age of the proof is that of the sign-in at the provider.
async fn a_decision_about_the_guest_keeps_the_age(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |setup| setup.set("identity.on_conflict.promotion", "merge")).await;
    sign_in(&server, &provider, &mut server.browser(), &signed_in(None)).await;
    for age in [Some(3_600), None] {
        let (client, mut browser) = (server.app_client(), server.browser());
        let guest = client.sign_up().await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        let then = age.map(|age| server.clock.now().as_seconds() - age);
        go_and_return(&server, &provider, &mut browser, &signed_in(then)).await;
        browser.expect_page(200, "Bring your things along?");
        server.clock.advance_seconds(100);
        browser.press("Bring my things along").await;
        let claims = id_claims(&client.finish(browser.at_app()).await);
        assert_eq!(claims.get("auth_time").cloned(), then.map(Value::from), "{age:?}");
    }
}

/// A provider that has a second alias without the operator's word.
async fn an_alias_without_the_operators_word_proves_nothing_recent(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let issuer = provider.issuer.clone();
    let server = start(engine, &provider, |setup| {
        let mut trusted = settings_of("trusted", "Trusted", &issuer);
        trusted.as_table_mut().expect("a table").insert("can_reauthenticate".into(), true.into());
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &issuer), trusted]);
    })
    .await;
    crate::providers::set_secret(&server, "trusted").await;
    for (button, is_recent) in [(BUTTON, false), ("Continue with Trusted", true)] {
        let mut browser = server.browser();
        browser.open("/settings/sign-in").await;
        browser.press(button).await;
        let back = provider.sign_in(browser.at_app(), &signed_in(None), server.clock.now());
        browser.open_from_elsewhere(&back).await;
        browser.open("/settings/delete").await;
        assert_eq!(browser.page().text.contains(CONFIRM), !is_recent, "{button}: {}", browser.page().text);
    }
}

on_both_engines!(
    a_silent_sign_in_is_as_old_as_the_provider_says,
    a_promotion_is_as_old_as_the_provider_says,
    a_provider_that_does_not_say_when_proves_nothing_recent,
    a_silent_sign_in_does_not_make_a_session_older,
    an_app_that_limits_the_age_has_the_provider_asked,
    an_app_that_wants_a_new_sign_in_has_the_provider_asked,
    a_new_sign_in_takes_no_provider_away,
    a_provider_that_cannot_be_asked_is_no_reauthentication_unless_the_operator_says_so,
    the_grant_of_a_native_sign_in_is_as_old_as_the_provider_says,
    an_old_sign_in_at_the_provider_is_a_new_one_here,
    a_decision_about_the_guest_keeps_the_age,
    an_alias_without_the_operators_word_proves_nothing_recent,
);
