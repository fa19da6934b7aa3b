//! `GET|POST /oauth2/userinfo`, with the requirements of every SDK's decoder.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    guest_journey::promote,
    support::{Engine, Reply, TestServer, on_both_engines},
};

const USER_INFO: &str = "/oauth2/userinfo";
const CLAIMS: &str = "https://authgear.com/claims/user/";

/// The requirements of the four SDKs for every user.
fn check_decoders(info: &Value) {
    assert!(info["sub"].is_string());
    for claim in ["is_anonymous", "is_verified", "can_reauthenticate"] {
        assert!(info[format!("{CLAIMS}{claim}")].is_boolean(), "{claim}: {info}");
    }
    assert!(info["custom_attributes"].is_object() && info["x_web3"].is_object());
    assert!(info[format!("{CLAIMS}roles")].is_array());
    let lists = ["authenticators", "identities"].map(|list| info[format!("{CLAIMS}{list}")].as_array());
    for item in lists.into_iter().flatten().flatten() {
        for name in ["created_at", "updated_at"] {
            let time = item[name].as_str().expect("a time");
            let fraction = time.strip_suffix('Z').and_then(|time| time.split_once('.')).map(|(_, fraction)| fraction);
            assert!(fraction.is_some_and(|f| f.len() == 3 && f.bytes().all(|b| b.is_ascii_digit())), "{time}");
        }
        assert!(item["type"].is_string());
    }
    check_no_null(info);
}

fn check_no_null(value: &Value) {
    match value {
        Value::Null => panic!("a null: two SDKs cannot read it"),
        Value::Array(items) => items.iter().for_each(check_no_null),
        Value::Object(members) => members.values().for_each(check_no_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn a_guest_is_exactly_the_documented_minimum(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let guest = client.sign_up().await;
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let by_token = client.user_info(&guest.access).await;
    assert_eq!(by_token.header("content-type"), Some("application/json"));
    assert_eq!(by_token.header("cache-control"), Some("no-store"));
    for mut info in [by_token.json(), browser.fetch(USER_INFO).await.expect(200).json()] {
        check_decoders(&info);
        assert_eq!(info["sub"].take().as_str().map(str::len), Some(36));
        assert_eq!(
            info,
            json!({
                "sub": null, "custom_attributes": {}, "x_web3": {}, "updated_at": 1_903_852_800,
                "https://authgear.com/claims/user/is_anonymous": true,
                "https://authgear.com/claims/user/is_verified": false,
                "https://authgear.com/claims/user/can_reauthenticate": false,
                "https://authgear.com/claims/user/recovery_code_enabled": false,
                "https://authgear.com/claims/user/roles": [],
                "https://authgear.com/claims/user/authenticators": [],
                "https://authgear.com/claims/user/identities": [{
                    "type": "anonymous",
                    "created_at": "2030-05-01T08:00:00.000Z", "updated_at": "2030-05-01T08:00:00.000Z"
                }],
            })
        );
    }
}

async fn a_promoted_member_is_reported_live(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    client.user_info(&guest.access).await.expect(200);
    server.clock.advance_seconds(60);
    promote(&client, &guest, &mut browser, &mut mailbox, "Kim@shop.example").await;
    // The next read, without a cache: with the guest's own token as the guest that it was, with the member's completely.
    let limited = client.user_info(&guest.access).await.expect(200).json();
    check_decoders(&limited);
    assert_eq!((&limited[format!("{CLAIMS}is_anonymous")], limited.get("email")), (&json!(true), None));
    let member = client.finish(browser.at_app()).await;
    let mut info = client.user_info(&member.access).await.expect(200).json();
    check_decoders(&info);
    info["sub"].take();
    assert_eq!(
        info,
        json!({
            "sub": null, "custom_attributes": {}, "x_web3": {}, "updated_at": 1_903_852_860,
            "email": "Kim@shop.example", "email_verified": true,
            "https://authgear.com/claims/user/is_anonymous": false,
            "https://authgear.com/claims/user/is_verified": true,
            "https://authgear.com/claims/user/can_reauthenticate": true,
            "https://authgear.com/claims/user/recovery_code_enabled": false,
            "https://authgear.com/claims/user/roles": [],
            "https://authgear.com/claims/user/authenticators": [{
                "type": "password", "kind": "primary",
                "created_at": "2030-05-01T08:01:00.000Z", "updated_at": "2030-05-01T08:01:00.000Z"
            }],
            "https://authgear.com/claims/user/identities": [{
                "type": "login_id", "login_id_key": "email", "login_id_type": "email",
                "created_at": "2030-05-01T08:01:00.000Z", "updated_at": "2030-05-01T08:01:00.000Z"
            }],
        })
    );
}

async fn lists_need_the_full_access_scope(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("blog", "anonymous_scopes", vec!["openid", "offline_access"]);
    })
    .await;
    let client = server.other_client();
    let info = client.user_info(&client.sign_up().await.access).await.expect(200).json();
    check_decoders(&info);
    for claim in ["recovery_code_enabled", "authenticators", "identities"] {
        assert_eq!(info.get(format!("{CLAIMS}{claim}")), None);
    }
}

async fn a_dead_credential_is_invalid_grant_and_none_is_not(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, http) = (server.app_client(), server.http());
    let guest = client.sign_up().await;
    let dead = client.sign_up().await;
    client.revoke(&dead.refresh).await.expect(200);
    let ask = |authorization: Option<String>| {
        let request = http.request(Method::GET, USER_INFO);
        Reply::of(match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        })
    };
    for bearer in ["nonsense", "a.b.c", &dead.access, &guest.refresh] {
        let reply =
            ask(Some(format!("Bearer {bearer}"))).await.expect_oauth_error(401, "invalid_grant", "invalid session");
        let challenge = "Bearer error=\"invalid_grant\", error_description=\"invalid session\"";
        assert_eq!(reply.header("www-authenticate"), Some(challenge));
    }
    // During an overload, an SDK must not drop its guest.
    for authorization in [None, Some("Bearer".to_string()), Some("Bearer ".to_string())] {
        let reply = ask(authorization).await;
        let reply = reply.expect_oauth_error(401, "invalid_request", "no access token was presented");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    for scheme in ["bearer", "BEARER"] {
        ask(Some(format!("{scheme} {}", guest.access))).await.expect(200);
    }
    let request = http.request(Method::POST, USER_INFO).bearer_auth(&guest.access);
    Reply::of(request).await.expect(200);
}

async fn a_dead_session_cookie_is_cleared(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut browser = server.browser();
    browser.set_cookie("session", "nonsense");
    browser.fetch(USER_INFO).await.expect_oauth_error(401, "invalid_grant", "invalid session");
    assert_eq!(browser.cookie("session"), None);
}

async fn a_bad_bearer_falls_through_to_the_cookie(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let by_cookie = browser.fetch(USER_INFO).await.expect(200).json()["sub"].clone();
    let guest = client.sign_up().await;
    let cookie = format!("session={}", browser.cookie("session").expect("a session"));
    for (bearer, sub) in [("stale", by_cookie), (&guest.access, client.subject(&guest.access).await.into())] {
        let request = server.http().request(Method::GET, USER_INFO).header("cookie", &cookie).bearer_auth(bearer);
        assert_eq!(Reply::of(request).await.expect(200).json()["sub"], sub);
    }
}

on_both_engines!(
    a_guest_is_exactly_the_documented_minimum,
    a_promoted_member_is_reported_live,
    lists_need_the_full_access_scope,
    a_dead_credential_is_invalid_grant_and_none_is_not,
    a_dead_session_cookie_is_cleared,
    a_bad_bearer_falls_through_to_the_cookie,
);
