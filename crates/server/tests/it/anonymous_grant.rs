//! The challenge endpoint, and every check of the anonymous grant.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::id::UserId;
use vestibule_server::boot::maintain;
use vestibule_store::Sql;

use crate::support::{
    ANONYMOUS_GRANT, Admin, Device, Engine, KeyPair, Platform, Reply, Setup, TestServer, encode, on_both_engines,
};

const CREDENTIALS: (&str, &str) = ("invalid_grant", "InvalidCredentials");

fn refused(reply: Reply, (error, description): (&str, &str)) {
    reply.expect_oauth_error(400, error, description);
}

async fn a_challenge_is_issued_with_its_expiry_and_costs_no_write(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let list_writes = || {
        let stats = server.app.store.stats();
        // Not those of jobs, which let go of claims and hand on the project's first event.
        let of_jobs = ["release_own_claims", "hand_on_events"];
        let of_requests = stats.by_name.iter().filter(|(name, _)| !of_jobs.contains(*name));
        of_requests.map(|(name, write)| (*name, write.count)).collect::<Vec<_>>()
    };
    let before = list_writes();
    for (purpose, content_type) in [
        ("anonymous_request", "application/json"),
        ("biometric_request", "application/json; charset=UTF-8"),
        ("app2app_request", "application/json"),
    ] {
        let request = server.http().request(Method::POST, "/oauth2/challenge").header("content-type", content_type);
        // An invalid bearer token is ignored.
        let request = request.bearer_auth("stale").body(json!({"purpose": purpose}).to_string());
        let reply = Reply::of(request).await;
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.result()["expire_at"], "2030-05-01T08:05:00.000Z");
    }
    assert_eq!(list_writes(), before);
}

async fn a_challenge_for_an_unknown_purpose_is_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for (body, location) in [
        (json!({"purpose": "login"}), "/purpose"),
        (json!({}), ""),
        (json!({"purpose": "anonymous_request", "x": 1}), "/x"),
    ] {
        let reply = server.http().post_json("/oauth2/challenge", &body).await;
        let reply = reply.expect_api_error(400, "Invalid", "ValidationFailed", "invalid request body");
        assert_eq!(reply.json()["error"]["info"]["causes"][0]["location"], location, "{body}");
    }
}

async fn what_is_structurally_wrong_is_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let (kid, now) = (device.uuid(), device.now());
    let challenge = device.challenge().await;
    let header = |change: &dyn Fn(&mut Value)| {
        let mut header = json!({"typ": "vnd.authgear.anonymous-request", "alg": "RS256", "kid": kid, "jwk": device.key.jwk(&kid, false)});
        change(&mut header);
        header.to_string()
    };
    let payload = |change: &dyn Fn(&mut Value)| {
        let mut payload = json!({"iat": now, "exp": now + 60, "challenge": challenge, "action": "auth"});
        change(&mut payload);
        payload.to_string()
    };
    let remove = |value: &mut Value, name: &str| {
        value.as_object_mut().expect("an object").remove(name);
    };
    let (good_header, good_payload) = (header(&|_| {}), payload(&|_| {}));
    let outsider = KeyPair::ec();
    let small = json!({"kid": kid, "kty": "RSA", "alg": "RS256", "n": encode([0xFF; 128]), "e": "AQAB"});
    let huge_exponent = |header: &mut Value| header["jwk"]["e"] = json!(encode([0xFF; 5]));
    for (header, payload, why) in [
        (header(&|h| h["typ"] = json!("JWT")), good_payload.clone(), "another type"),
        (header(&|h| remove(h, "typ")), good_payload.clone(), "no type"),
        (header(&|h| h["alg"] = json!("none")), good_payload.clone(), "alg none"),
        (header(&|h| h["alg"] = json!("HS256")), good_payload.clone(), "a symmetric alg"),
        (header(&|h| h["alg"] = json!("ES256")), good_payload.clone(), "an alg of another kind than the key"),
        (header(&|h| h["jwk"]["d"] = json!("AQAB")), good_payload.clone(), "a private key"),
        (header(&|h| h["jwk"] = small.clone()), good_payload.clone(), "a small modulus"),
        (header(&huge_exponent), good_payload.clone(), "a huge exponent"),
        (header(&|h| h["jwk"] = outsider.jwk(&kid, false)), good_payload.clone(), "another's key"),
        (header(&|h| h["jwk"]["kid"] = json!("short")), good_payload.clone(), "a malformed key id"),
        (header(&|h| h["jwk"]["kid"] = json!("another-key-id")), good_payload.clone(), "two key ids"),
        (header(&|h| remove(h, "jwk")), good_payload.clone(), "an unknown key that is not sent along"),
        (header(&|h| h["crit"] = json!(["b64"])), good_payload.clone(), "a critical extension"),
        (good_header.clone(), payload(&|p| remove(p, "action")), "no action"),
        (good_header.clone(), payload(&|p| p["action"] = json!("promote")), "the action of a promotion"),
        (good_header.clone(), payload(&|p| remove(p, "challenge")), "no challenge"),
        (good_header.clone(), payload(&|p| p["challenge"] = json!("0".repeat(32))), "no challenge of ours"),
        (good_header.clone(), payload(&|p| p["exp"] = json!(now - 301)), "expired"),
        (good_header.clone(), payload(&|p| p["iat"] = json!(now + 301)), "from the future"),
        (good_header.clone(), payload(&|p| p["nbf"] = json!(now + 301)), "not valid yet"),
        (good_header.clone(), "[]".into(), "no claims"),
    ] {
        let reply = device.present(&device.key.sign(&header, &payload)).await;
        assert_eq!(reply.status, 400, "{why}: {reply:?}");
        refused(reply, CREDENTIALS);
    }
    let good = device.key.sign(&good_header, &good_payload);
    let unsigned = good.rsplit_once('.').expect("three parts").0;
    for jwt in ["a.b.c".to_string(), format!("{unsigned}."), format!("{unsigned}.{}", encode([1; 256]))] {
        refused(device.present(&jwt).await, CREDENTIALS);
    }
    // None of them redeemed the challenge, and the times are optional.
    let timeless = payload(&|p| {
        remove(p, "iat");
        remove(p, "exp");
    });
    device.present(&device.key.sign(&good_header, &timeless)).await.expect(200);
    refused(device.present(&good).await, CREDENTIALS);
}

async fn keys_on_the_curve_sign_up_too(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Android);
    device.key = KeyPair::ec();
    let sub = device.authenticate().await;
    device.reinstall();
    assert_eq!(device.authenticate().await, sub);
}

async fn a_known_key_is_proved_with_the_stored_key_alone(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::ReactNative);
    device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    // The private key was lost: a new one with the same ID, sent along.
    let mut other = Device::new(&server, Platform::ReactNative);
    let jwt = other.sign("auth", &other.challenge().await, &kid, true);
    refused(other.present(&jwt).await, CREDENTIALS);
    // Signed with the correct key, but naming another one, or none.
    for named in [json!("another-key-id"), Value::Null] {
        let mut header =
            json!({"typ": "vnd.authgear.anonymous-request", "alg": "RS256", "jwk": device.key.jwk(&kid, false)});
        if !named.is_null() {
            header["kid"] = named;
        }
        let payload = device.payload("auth", &device.challenge().await);
        refused(device.present(&device.key.sign(&header.to_string(), &payload)).await, CREDENTIALS);
    }
    // They are recorded in the audit log, coalesced.
    assert_eq!(server.events("authentication.identity.anonymous.failed").await.len(), 1);
    other.kid = None;
    assert_ne!(other.authenticate().await, device.authenticate().await, "under its own id it is another guest");
}

async fn a_challenge_works_for_its_purpose_its_project_and_five_minutes(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let elsewhere = TestServer::start_plain(Engine::Sqlite).await;
    let mut device = Device::new(&server, Platform::Flutter);
    device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    let other = server.http().post_json("/oauth2/challenge", &json!({"purpose": "biometric_request"})).await.result();
    let of_elsewhere = Device::new(&elsewhere, Platform::Flutter).challenge().await;
    for challenge in [other["token"].as_str().expect("a token"), &of_elsewhere] {
        refused(device.present(&device.sign("auth", challenge, &kid, false)).await, CREDENTIALS);
    }
    // Another device's challenge is accepted: it only proves freshness.
    let lent = Device::new(&server, Platform::Ios).challenge().await;
    device.present(&device.sign("auth", &lent, &kid, false)).await.expect(200);
    let challenge = device.challenge().await;
    server.clock.advance_seconds(300);
    device.present(&device.sign("auth", &challenge, &kid, false)).await.expect(200);
    let challenge = device.challenge().await;
    server.clock.advance_seconds(301);
    refused(device.present(&device.sign("auth", &challenge, &kid, false)).await, CREDENTIALS);
}

async fn applications_and_settings_decide_who_may_be_a_guest(engine: Engine) {
    let no_guests = |setup: &mut Setup| setup.set("authentication.identities", vec!["login_id"]);
    let server = TestServer::start(engine, no_guests).await;
    let device = Device::new(&server, Platform::Ios);
    let jwt = device.sign("auth", &device.challenge().await, &device.uuid(), true);
    refused(device.present(&jwt).await, ("unauthorized_client", "AnonymousUserDisallowed"));

    let server = TestServer::start(engine, |setup| setup.set("authentication.public_signup_disabled", true)).await;
    let mut device = Device::new(&server, Platform::Ios);
    let jwt = device.sign("auth", &device.challenge().await, &device.uuid(), true);
    refused(device.present(&jwt).await, ("unauthorized_client", "public signup is disabled"));
    device.client_id = "partner".into();
    let reply = device.token(&[("grant_type", ANONYMOUS_GRANT), ("jwt", &jwt), ("client_secret", "x")], false).await;
    let body = reply.expect(400).json();
    assert_eq!(body["error"], "unauthorized_client");
    let text = body["error_description"].as_str().expect("a text");
    assert!(text.starts_with("Anonymous user is not supported by the client application type."), "{text}");
    device.client_id = "machine".into();
    let reply = device.token(&[("grant_type", ANONYMOUS_GRANT), ("jwt", &jwt)], false).await;
    refused(reply, ("unauthorized_client", "grant type is not allowed for this client"));
    device.client_id = "nobody".into();
    let reply = device.token(&[("grant_type", ANONYMOUS_GRANT), ("jwt", &jwt)], false).await;
    refused(reply, ("invalid_client", "invalid client ID"));
    device.client_id = "phone".into();
    refused(device.token(&[("grant_type", ANONYMOUS_GRANT)], false).await, ("invalid_request", "jwt is required"));
}

async fn limits_answer_429_and_spare_returning_guests(engine: Engine) {
    let tight = |setup: &mut Setup| {
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.burst", 2);
        // A new key checks no login ID, so that limit does not apply.
        setup.set("authentication.rate_limits.account_enumeration.per_ip.burst", 1);
    };
    let server = TestServer::start(engine, tight).await;
    let mut device = Device::new(&server, Platform::Android);
    device.authenticate().await;
    Device::new(&server, Platform::Ios).authenticate().await;
    let other = Device::new(&server, Platform::Android);
    let jwt = other.sign("auth", &other.challenge().await, &other.uuid(), true);
    let reply = other.present(&jwt).await;
    assert!(reply.header("retry-after").is_some());
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
    device.authenticate().await;
    // A refused request can be sent again.
    server.clock.advance_seconds(61);
    other.present(&jwt).await.expect(200);
}

async fn many_known_devices_share_an_address_and_failures_count_for_it(engine: Engine) {
    let server =
        TestServer::start(engine, |setup| setup.configure("rate_limits.token_requests_per_address", "2")).await;
    let mut school = Vec::new();
    for _ in 0..4 {
        let mut device = Device::new(&server, Platform::Android);
        device.key = KeyPair::ec();
        device.authenticate().await;
        school.push(device);
        server.clock.advance_seconds(31);
    }
    server.clock.advance_seconds(61);
    // All at the same second, and twice.
    for device in &mut school {
        device.authenticate().await;
        device.refresh().await;
    }
    let stranger = Device::new(&server, Platform::Android);
    let present = async |kid: &str| {
        let jwt = stranger.sign("auth", &stranger.challenge().await, kid, false);
        stranger.present(&jwt).await
    };
    for _ in 0..2 {
        refused(present("unknown").await, CREDENTIALS);
    }
    present("unknown").await.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
    let jwt = stranger.sign("auth", &stranger.challenge().await, &stranger.uuid(), true);
    stranger.present(&jwt).await.expect_oauth_error(
        429,
        "x_rate_limited",
        "rate limit exceeded, please try again later.",
    );
    server.app_client().refresh("nonsense").await.expect(429);
    for device in &mut school {
        device.authenticate().await;
        device.refresh().await;
    }
}

async fn a_known_device_key_has_a_limit_of_its_own(engine: Engine) {
    let server =
        TestServer::start(engine, |setup| setup.configure("rate_limits.token_requests_per_device_key", "3")).await;
    let (mut device, mut other) = (Device::new(&server, Platform::Ios), Device::new(&server, Platform::Ios));
    device.authenticate().await;
    other.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    for _ in 0..3 {
        device.present(&device.sign("auth", &device.challenge().await, &kid, false)).await.expect(200);
    }
    let reply = device.present(&device.sign("auth", &device.challenge().await, &kid, false)).await;
    assert_eq!(reply.header("retry-after"), Some("20"));
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
    other.authenticate().await;
    // A third party that knows the ID of a key does not use up its limit.
    server.clock.advance_seconds(61);
    for _ in 0..4 {
        refused(other.present(&other.sign("auth", &other.challenge().await, &kid, false)).await, CREDENTIALS);
    }
    device.present(&device.sign("auth", &device.challenge().await, &kid, false)).await.expect(200);
}

/// The tokens of a request that loses are signed and dropped, so it must be limited like one that wins.
async fn a_request_that_is_sent_again_and_again_meets_the_limit_of_its_key(engine: Engine) {
    let server =
        TestServer::start(engine, |setup| setup.configure("rate_limits.token_requests_per_device_key", "3")).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let jwt = device.sign("auth", &device.challenge().await, &device.kid.clone().expect("a key id"), false);
    device.present(&jwt).await.expect(200);
    for _ in 0..2 {
        refused(device.present(&jwt).await, CREDENTIALS);
    }
    let reply = device.present(&jwt).await;
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
}

async fn a_sign_in_is_recorded_to_the_hour_and_its_challenge_until_it_has_ended(engine: Engine) {
    const CHALLENGES: Sql = Sql::new("SELECT COUNT(*) FROM spent WHERE expires_at IS NULL");
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let mut device = Device::new(&server, Platform::Android);
    let sub = device.authenticate().await;
    let last = async || admin.get(&format!("/users/{sub}")).await.expect(200).json()["last_login_at"].clone();
    assert_eq!(last().await, Value::Null);
    for (seconds, recorded) in [
        (60, "2030-05-01T08:01:00.000Z"),
        (60, "2030-05-01T08:01:00.000Z"),
        (3_539, "2030-05-01T08:01:00.000Z"),
        (1, "2030-05-01T09:01:00.000Z"),
    ] {
        server.clock.advance_seconds(seconds);
        assert_eq!(device.authenticate().await, sub);
        assert_eq!(last().await, recorded);
    }
    let challenges = async || {
        maintain(&server.app).await.expect("the clean-up runs");
        let mut conn = server.app.store.read().await.expect("a connection");
        let found: Option<i64> = conn.query_optional(&CHALLENGES, &[], |row| row.get(0)).await.expect("a count");
        found.expect("a count")
    };
    assert_eq!(challenges().await, 5);
    // The last one has ended, and a clock that ran ahead by an hour would have been put right.
    server.clock.advance_seconds(300 + 3_600);
    assert_eq!(challenges().await, 1);
    server.clock.advance_seconds(1);
    assert_eq!(challenges().await, 0);
}

async fn one_user_may_ask_for_60_tokens_a_minute(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    device.key = KeyPair::ec();
    device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    for _ in 0..60 {
        device.present(&device.sign("auth", &device.challenge().await, &kid, false)).await.expect(200);
    }
    let reply = device.present(&device.sign("auth", &device.challenge().await, &kid, false)).await;
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
}

/// Changes the guest directly in the store, like an operator.
async fn with_user(server: &TestServer, sub: &str, deletes: bool) {
    let (no, user) =
        (server.app.projects.find_by_id("test").expect("the project").no, sub.parse::<UserId>().expect("an id"));
    let now = server.app.clock.now();
    let done = server.app.store.write("test", (), move |tx, ()| {
        Box::pin(async move {
            if deletes {
                vestibule_store::users::delete(tx, no, user).await
            } else {
                vestibule_store::users::set_disabled(tx, no, user, Some(now), now).await
            }
        })
    });
    assert!(done.await.expect("the store"));
}

async fn a_disabled_guest_gets_its_error_and_the_key_of_a_deleted_one_is_unknown(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for platform in [Platform::Ios, Platform::Android] {
        let mut device = Device::new(&server, platform);
        let sub = device.authenticate().await;
        let kid = device.kid.clone().expect("a key id");
        with_user(&server, &sub, false).await;
        let again = device.sign("auth", &device.challenge().await, &kid, false);
        refused(device.present(&again).await, ("invalid_grant", "user is disabled"));
        with_user(&server, &sub, true).await;
        if platform == Platform::Ios {
            // Without the key it cannot be identified.
            refused(device.present(&again).await, CREDENTIALS);
        } else {
            assert_ne!(device.authenticate().await, sub, "with the key it is a new guest's");
        }
    }
}

async fn two_answers_are_never_cached(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let jwt = device.sign("auth", &device.challenge().await, &device.uuid(), true);
    let reply = device.present(&jwt).await.expect(200);
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), (Some("no-store"), Some("no-cache")));
    let body = reply.json();
    let mut names: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["access_token", "expires_in", "id_token", "refresh_token", "token_type"], "and no scope");
    assert_eq!(body["expires_in"], 1800);
}

on_both_engines!(
    a_challenge_is_issued_with_its_expiry_and_costs_no_write,
    a_challenge_for_an_unknown_purpose_is_refused,
    what_is_structurally_wrong_is_refused,
    keys_on_the_curve_sign_up_too,
    a_known_key_is_proved_with_the_stored_key_alone,
    a_challenge_works_for_its_purpose_its_project_and_five_minutes,
    applications_and_settings_decide_who_may_be_a_guest,
    limits_answer_429_and_spare_returning_guests,
    many_known_devices_share_an_address_and_failures_count_for_it,
    a_known_device_key_has_a_limit_of_its_own,
    a_request_that_is_sent_again_and_again_meets_the_limit_of_its_key,
    a_sign_in_is_recorded_to_the_hour_and_its_challenge_until_it_has_ended,
    one_user_may_ask_for_60_tokens_a_minute,
    a_disabled_guest_gets_its_error_and_the_key_of_a_deleted_one_is_unknown,
    two_answers_are_never_cached,
);
