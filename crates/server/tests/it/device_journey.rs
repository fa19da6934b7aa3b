//! A guest on a phone, with each of the four mobile SDKs: sign-up, sign-in, promotion, sign-out.

use serde_json::json;

use crate::{
    guest_journey::identify,
    support::{Device, Engine, Platform, TestServer, decoder, on_both_engines},
};

const USER: &str = "https://authgear.com/claims/user";

async fn a_guest_signs_in_again_with_its_key_as_the_same_user(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for platform in Platform::ALL {
        let mut device = Device::new(&server, platform);
        let sub = device.authenticate().await;
        assert_eq!(device.user_info().await[&format!("{USER}/is_anonymous")], true);
        device.refresh().await;
        device.reinstall();
        assert_eq!(device.authenticate().await, sub, "{platform:?}");
        let identities = &device.user_info().await[&format!("{USER}/identities")];
        assert_eq!(identities.as_array().map(Vec::len), Some(1), "one key, one identity: {identities}");
    }
}

async fn the_earlier_grant_of_a_key_lives_on(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Android);
    device.authenticate().await;
    let first = device.held().clone();
    device.authenticate().await;
    assert_ne!(device.held().refresh, first.refresh, "every login makes a grant of its own");
    device.token(&[("grant_type", "refresh_token"), ("refresh_token", &first.refresh)], true).await.expect(200);
}

async fn one_session_only_ends_the_earlier_grant_with_an_event(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set_client("phone", "x_max_concurrent_session", 1)).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let first = device.held().refresh.clone();
    device.authenticate().await;
    let reply = device.token(&[("grant_type", "refresh_token"), ("refresh_token", &first)], true).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    assert_eq!(super::rotation::revocations(&server).await, ["another_session"]);
    device.authenticate().await;
    assert_eq!(super::rotation::revocations(&server).await, ["another_session", "another_session"]);
    // The rule of the server ended them, and not a request of the user.
    let events = server.events("session.revoked").await;
    assert!(events.iter().all(|event| event["context"]["ip_address"].is_null()), "{events:?}");
}

async fn signing_out_forgets_the_key_on_ios_alone(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for platform in Platform::ALL {
        let mut device = Device::new(&server, platform);
        let sub = device.authenticate().await;
        let refresh = device.held().refresh.clone();
        device.log_out().await;
        let reply = device.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)], true).await;
        reply.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
        let again = device.authenticate().await;
        assert_eq!(again == sub, platform != Platform::Ios, "{platform:?}");
        // A second sign-out without a session sends an empty token, which is not an error.
        device.reinstall();
        device.log_out().await;
    }
}

async fn a_guest_is_promoted_with_its_key_and_the_key_is_retired(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut mailbox = server.mailbox();
    for platform in Platform::ALL {
        let mut device = Device::new(&server, platform);
        let sub = device.authenticate().await;
        let kid = device.kid.clone().expect("the key's id");
        let before = device.held().clone();
        let mut browser = server.browser();
        browser.open(&device.promotion_url().await).await;
        let email = format!("{platform:?}@shop.example").to_lowercase();
        identify(&mut browser, &email).await;
        browser.fill("Code", &mailbox.next_code(&email).await);
        browser.press("Confirm").await;
        let info = device.finish_promotion(browser.at_app()).await;
        assert_eq!(info["sub"], *sub);
        assert_eq!(info[&format!("{USER}/is_anonymous")], false);
        assert_eq!(info["email"], *email);
        // The guest's grant ended when the member's was delivered.
        let reply = device.token(&[("grant_type", "refresh_token"), ("refresh_token", &before.refresh)], true).await;
        reply.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
        // The key gets an error instead of a new guest, even when it is sent along.
        for with_jwk in [false, true] {
            let jwt = device.sign("auth", &device.challenge().await, &kid, with_jwk);
            device.present(&jwt).await.expect_oauth_error(
                400,
                "invalid_grant",
                "the account of this key was promoted: sign in with its login ID instead",
            );
        }
        // Nor does it promote a second time.
        let jwt = device.sign("promote", &device.challenge().await, &kid, false);
        browser.open(&device.promotion_url_with(&jwt)).await;
        browser.expect_page(400, "This link has expired");
    }
}

async fn a_guest_with_a_key_is_promoted_by_code_too(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set_client("phone", "x_dpop_disabled", true)).await;
    let mut mailbox = server.mailbox();
    let mut device = Device::new(&server, Platform::Android);
    let sub = device.authenticate().await;
    let body = json!({"session_type": "refresh_token", "refresh_token": device.held().refresh});
    let code = device.http.post_json("/api/anonymous_user/promotion_code", &body).await.result();
    let hint = format!(
        "https://authgear.com/login_hint?type=anonymous&promotion_code={}",
        code["promotion_code"].as_str().expect("a code")
    );
    let mut browser = server.browser();
    browser.open(&device.authorize_url(&[("prompt", "login"), ("login_hint", &hint)])).await;
    identify(&mut browser, "code@shop.example").await;
    browser.fill("Code", &mailbox.next_code("code@shop.example").await);
    browser.press("Confirm").await;
    assert_eq!(device.finish_promotion(browser.at_app()).await["sub"], *sub);
}

async fn a_token_bound_to_a_key_gets_no_promotion_code_without_its_proof(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Android);
    device.authenticate().await;
    let body = json!({"session_type": "refresh_token", "refresh_token": device.held().refresh});
    let reply = device.http.post_json("/api/anonymous_user/promotion_code", &body).await;
    reply.expect_api_error(403, "Forbidden", "Forbidden", "Invalid DPoP key binding");
}

async fn a_hint_is_used_up_by_the_first_form_and_its_owner_may_reload(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (mut device, mut mailbox) = (Device::new(&server, Platform::Ios), server.mailbox());
    device.authenticate().await;
    let url = device.promotion_url().await;
    let (mut browser, mut other) = (server.browser(), server.browser());
    for opened in [&mut browser, &mut other] {
        opened.open(&url).await;
        opened.expect_page(200, "Save your progress");
    }
    // The user may take longer than the challenge's lifetime.
    server.clock.advance_seconds(20 * 60);
    identify(&mut browser, "slow@shop.example").await;
    let flow = browser.url().clone();
    browser.open(&url).await;
    assert_eq!(browser.url().as_str(), format!("{flow}/start"), "the same browser goes on where it was");
    identify(&mut other, "late@shop.example").await;
    other.expect_page(400, "This link has expired");
    other.open(&url).await;
    other.expect_page(400, "This link has expired");
    browser.open(flow.as_str()).await;
    browser.fill("Code", &mailbox.next_code("slow@shop.example").await);
    browser.press("Confirm").await;
    device.finish_promotion(browser.at_app()).await;
}

async fn a_hint_that_proves_nothing_shows_a_page_and_changes_nothing(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::ReactNative);
    device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    let challenge = device.challenge().await;
    let outsider = Device::new(&server, Platform::ReactNative);
    let mut browser = server.browser();
    let another = device.challenge().await;
    for (jwt, why) in [
        (device.sign("auth", &challenge, &kid, false), "made to log in"),
        (outsider.sign("promote", &another, &kid, false), "another key"),
        (device.sign("promote", &challenge, "unknown-key-id", true), "an unknown key, though it is sent along"),
        (device.sign("promote", "0".repeat(32).as_str(), &kid, false), "no challenge of ours"),
        ("no.jws.atall".to_string(), "no JWS"),
    ] {
        browser.open(&device.promotion_url_with(&jwt)).await;
        let page = browser.expect_page(400, "This link has expired");
        assert!(page.links.iter().any(|(_, target)| target.starts_with("com.example.shop://")), "{why}");
    }
    // A wrong signature redeemed its challenge; the others redeemed nothing.
    for (challenge, status, heading) in
        [(another, 400, "This link has expired"), (challenge, 200, "Save your progress")]
    {
        browser.open(&device.promotion_url_with(&device.sign("promote", &challenge, &kid, false))).await;
        browser.expect_page(status, heading);
    }
}

async fn an_id_token_is_renewed_for_the_session_that_asks(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for platform in Platform::ALL {
        let mut device = Device::new(&server, platform);
        device.authenticate().await;
        let body = device.refresh_id_token().await.expect(200).json();
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "nothing but an ID token: {body}");
        let payload = body["id_token"].as_str().and_then(|token| token.split('.').nth(1)).expect("a JWT").to_string();
        let claims = decode_claims(&payload);
        assert_eq!(claims["aud"], json!(["phone"]));
        assert_eq!(claims[&format!("{USER}/is_anonymous")], true);
        assert!(claims.get("amr").is_none(), "a key has no name among the methods");
    }
}

fn decode_claims(payload: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

async fn an_id_token_without_a_session_is_refused_and_an_empty_bearer_costs_no_guest(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let grant = [("grant_type", crate::support::ID_TOKEN_GRANT)];
    let reply = device.token(&grant, true).await;
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    reply.expect_oauth_error(401, "invalid_request", "no access token was presented");
    let request = device.token_request(&grant, true).bearer_auth("dead");
    let reply = crate::support::Reply::of(request).await;
    assert!(reply.header("www-authenticate").is_some_and(|challenge| challenge.contains("invalid_grant")));
    reply.expect_oauth_error(401, "invalid_grant", "valid session is required");
    // Another application's token gives no ID token for this one.
    let web = server.app_client().sign_up().await;
    let request = device.token_request(&grant, true).bearer_auth(&web.access);
    crate::support::Reply::of(request).await.expect_oauth_error(401, "invalid_grant", "valid session is required");
    device.client_id = "partner".into();
    let reply = device.token(&[grant[0], ("client_secret", "x")], false).await;
    reply.expect_oauth_error(400, "unauthorized_client", "grant type is not allowed for this client");
}

async fn device_info_names_the_session_and_malformed_is_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let sub = device.user_info().await["sub"].as_str().expect("a sub").parse().expect("a user id");
    let project = server.app.projects.find_by_id("test").expect("the project");
    let grants = {
        let mut conn = server.app.store.read().await.expect("a connection");
        vestibule_store::grants::list(&mut conn, project.no, sub).await.expect("grants")
    };
    assert_eq!(grants[0].device.as_deref(), Some("iPhone 15 Pro"));
    let refresh = device.held().refresh.clone();
    for grant in [("grant_type", "refresh_token"), ("grant_type", crate::support::ANONYMOUS_GRANT)] {
        let fields = [grant, ("refresh_token", &refresh), ("jwt", "x"), ("x_device_info", "e30")];
        let reply = device.token(&fields, false).await.expect(400);
        let body = reply.json();
        assert_eq!(body["error"], "invalid_request");
        assert!(body["error_description"].as_str().is_some_and(|text| text.starts_with("invalid device info: ")));
    }
    decoder::user_info(Platform::Ios, server.app_client().user_info(&device.held().access).await);
}

on_both_engines!(
    a_guest_signs_in_again_with_its_key_as_the_same_user,
    the_earlier_grant_of_a_key_lives_on,
    one_session_only_ends_the_earlier_grant_with_an_event,
    signing_out_forgets_the_key_on_ios_alone,
    a_guest_is_promoted_with_its_key_and_the_key_is_retired,
    a_guest_with_a_key_is_promoted_by_code_too,
    a_token_bound_to_a_key_gets_no_promotion_code_without_its_proof,
    a_hint_is_used_up_by_the_first_form_and_its_owner_may_reload,
    a_hint_that_proves_nothing_shows_a_page_and_changes_nothing,
    an_id_token_is_renewed_for_the_session_that_asks,
    an_id_token_without_a_session_is_refused_and_an_empty_bearer_costs_no_guest,
    device_info_names_the_session_and_malformed_is_refused,
);
