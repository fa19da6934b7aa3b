//! DPoP over HTTP: which proof is rejected where, and with which message.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    ANONYMOUS_GRANT, Device, Engine, KeyPair, Platform, Reply, TestServer, encode, on_both_engines, query,
};

const BINDING: &str = "Invalid DPoP key binding";
const CLOCK: &str = ": it is more than 5 minutes old or ahead, check the clock of the device";

/// A proof for the token endpoint, changed in header or payload.
fn proof(device: &Device, change: impl Fn(&mut Value, &mut Value)) -> String {
    let mut header = json!({"typ": "dpop+jwt", "alg": device.dpop.alg(), "jwk": device.dpop.jwk("k", false)});
    let target = format!("{}/oauth2/token", device.http.origin);
    let mut payload =
        json!({"iat": device.now(), "exp": device.now() + 60, "jti": device.uuid(), "htm": "POST", "htu": target});
    change(&mut header, &mut payload);
    device.dpop.sign(&header.to_string(), &payload.to_string())
}

async fn send(device: &Device, fields: &[(&str, &str)], proofs: &[String]) -> Reply {
    let mut form = vec![("client_id", device.client_id.as_str())];
    form.extend(fields);
    let mut request = device.http.request(Method::POST, "/oauth2/token").form(&form);
    for proof in proofs {
        request = request.header("dpop", proof);
    }
    Reply::of(request).await
}

async fn sign_up(device: &Device, proofs: &[String]) -> Reply {
    let jwt = device.sign("auth", &device.challenge().await, &device.uuid(), true);
    send(device, &[("grant_type", ANONYMOUS_GRANT), ("jwt", &jwt)], proofs).await
}

async fn refresh(device: &Device, token: &str, proofs: &[String]) -> Reply {
    send(device, &[("grant_type", "refresh_token"), ("refresh_token", token)], proofs).await
}

async fn a_grant_is_not_made_with_a_bad_proof_and_each_fault_is_named(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let now = device.now();
    type Change = Box<dyn Fn(&mut Value, &mut Value)>;
    let change = |f: fn(&mut Value, &mut Value)| -> Change { Box::new(f) };
    let clock = |text: &str| format!("{text}{CLOCK}");
    let table: Vec<(Change, String)> = vec![
        (Box::new(move |_, p| p["iat"] = json!(now + 301)), clock("invalid DPoP jwt")),
        (Box::new(move |_, p| p["exp"] = json!(now - 301)), clock("invalid DPoP jwt")),
        (
            Box::new(move |_, p| {
                p["iat"] = json!(now - 301);
                p["exp"] = json!(now + 60);
            }),
            clock("DPoP proof expired"),
        ),
        (change(|h, _| h["alg"] = json!("HS256")), "unsupported alg in DPoP jwt".into()),
        (change(|h, _| h["jwk"] = json!("x")), "invalid DPoP jwk".into()),
        (change(|h, _| h["jwk"]["d"] = json!("AA")), "invalid DPoP jwk".into()),
        (change(|h, _| h["typ"] = json!("JWT")), "invalid DPoP jwt typ".into()),
        (change(|_, p| p["jti"] = json!("j".repeat(44))), "invalid DPoP jwt payload".into()),
        (change(|_, p| p["htm"] = json!("GET")), "htm in the DPoP proof does not match request method".into()),
        (
            change(|_, p| p["htu"] = json!("http://localhost/oauth2/token")),
            "htu in the DPoP proof does not match request uri".into(),
        ),
        (change(|h, _| h["jwk"] = KeyPair::ec().jwk("k", false)), "invalid DPoP jwt signature".into()),
    ];
    for (change, description) in table {
        let reply = sign_up(&device, &[proof(&device, change)]).await;
        reply.expect_oauth_error(400, "invalid_dpop_proof", &description);
    }
    let reply = sign_up(&device, &["not a proof".into()]).await;
    reply.expect_oauth_error(400, "invalid_dpop_proof", "malformed DPoP jwt");
    sign_up(&device, &[proof(&device, |_, p| p["htu"] = json!(format!("{}?x=1#y", p["htu"].as_str().expect("text"))))])
        .await
        .expect(200);
    let many = sign_up(&device, &[proof(&device, |_, _| {}), proof(&device, |_, _| {})]).await;
    assert_eq!((many.status, many.body.trim()), (400, "multiple DPoP headers are not allowed"));
}

async fn a_binding_is_checked_at_refresh_and_settings_link_as_the_matrix_says(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let mut other = Device::new(&server, Platform::Ios);
    other.dpop = KeyPair::ec();
    let token = |reply: Reply| reply.expect(200).json()["refresh_token"].as_str().expect("a token").to_string();
    let unbound = token(sign_up(&device, &[]).await);
    let bound = token(sign_up(&device, &[proof(&device, |_, _| {})]).await);
    let good = || vec![proof(&device, |_, _| {})];
    let bad = || vec![proof(&device, |_, p| p["htm"] = json!("GET"))];
    let late = || {
        vec![proof(&device, |_, p| {
            p["iat"] = json!(device.now() - 301);
        })]
    };
    let clock = format!("{BINDING}{CLOCK}");
    for (grant, proofs, reported) in [
        (&unbound, vec![], None),
        (&unbound, good(), None),
        (&unbound, vec![], None),
        (&unbound, bad(), Some(BINDING)),
        (&unbound, late(), Some(clock.as_str())),
        (&bound, good(), None),
        (&bound, vec![], Some(BINDING)),
        (&bound, vec![proof(&other, |_, _| {})], Some(BINDING)),
        (&bound, bad(), Some(BINDING)),
        (&bound, late(), Some(clock.as_str())),
    ] {
        let reply = refresh(&device, grant, &proofs).await;
        match reported {
            None => drop(reply.expect(200)),
            Some(reported) => drop(reply.expect_oauth_error(400, "invalid_dpop_proof", reported)),
        }
        // The same at the settings link, in the JSON API's format; `htu` is this endpoint's there.
        let mut request =
            device.http.request(Method::POST, "/oauth2/app_session_token").json(&json!({"refresh_token": grant}));
        if !proofs.is_empty() {
            let wrong_target = reported.is_none();
            let proof = if wrong_target {
                device.proof("POST", &format!("{}/oauth2/app_session_token", server.origin))
            } else {
                proofs[0].clone()
            };
            request = request.header("dpop", proof);
        }
        let reply = Reply::of(request).await;
        match reported {
            None => drop(reply.result()),
            Some(reported) if reported == clock => {
                drop(reply.expect_api_error(403, "Forbidden", "Forbidden", reported))
            }
            Some(_) => drop(reply.expect_api_error(403, "Forbidden", "Forbidden", BINDING)),
        }
    }
}

async fn a_bound_token_in_a_body_cannot_show_that_it_holds_its_key(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let bound = sign_up(&device, &[proof(&device, |_, _| {})]).await.expect(200).json();
    let mut body = json!({"session_type": "refresh_token", "refresh_token": bound["refresh_token"]});
    for path in ["/api/anonymous_user/promotion_code", "/api/anonymous_user/signup"] {
        let is_sign_up = path.ends_with("signup");
        if is_sign_up {
            body["client_id"] = json!("phone");
        }
        // This endpoint reads no proof, so none helps.
        let proof = device.proof("POST", &format!("{}{path}", server.origin));
        let request = server.http().request(Method::POST, path).json(&body).header("dpop", proof);
        let reply = Reply::of(request).await;
        if is_sign_up {
            reply.expect_api_error(400, "Invalid", "Invalid", "invalid refresh token");
        } else {
            reply.expect_api_error(403, "Forbidden", "Forbidden", BINDING);
        }
    }
}

async fn a_proof_is_accepted_once_where_a_binding_is_checked(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let bound = sign_up(&device, &[proof(&device, |_, _| {})]).await.expect(200).json();
    let bound = bound["refresh_token"].as_str().expect("a token");
    let once = [proof(&device, |_, _| {})];
    refresh(&device, bound, &once).await.expect(200);
    let replayed = refresh(&device, bound, &once).await;
    replayed.expect_oauth_error(400, "invalid_dpop_proof", "DPoP proof was used before");
    // Stored as long as the proof itself is valid.
    server.clock.advance_seconds(300);
    let replayed = refresh(&device, bound, &once).await;
    replayed.expect_oauth_error(400, "invalid_dpop_proof", "DPoP proof was used before");
    server.clock.advance_seconds(1);
    let old = refresh(&device, bound, &once).await;
    old.expect_oauth_error(400, "invalid_dpop_proof", &format!("{BINDING}{CLOCK}"));
}

async fn a_proof_a_grant_was_made_with_is_used_up(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let used = "DPoP proof was used before";
    let once = [proof(&device, |_, _| {})];
    let bound = sign_up(&device, &once).await.expect(200).json();
    let bound = bound["refresh_token"].as_str().expect("a token");
    refresh(&device, bound, &once).await.expect_oauth_error(400, "invalid_dpop_proof", used);
    // A second grant is rejected too, and leaves the challenge for a valid proof.
    let challenge = device.challenge().await;
    let jwt = device.sign("auth", &challenge, &device.uuid(), true);
    let fields = [("grant_type", ANONYMOUS_GRANT), ("jwt", jwt.as_str())];
    send(&device, &fields, &once).await.expect_oauth_error(400, "invalid_dpop_proof", used);
    let known = [proof(&device, |_, _| {})];
    send(&device, &fields, &known).await.expect(200);
    refresh(&device, bound, &known).await.expect_oauth_error(400, "invalid_dpop_proof", used);
    refresh(&device, bound, &[proof(&device, |_, _| {})]).await.expect(200);
}

async fn a_proof_a_code_was_exchanged_with_is_used_up(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut mailbox = server.mailbox();
    // With a key announced in the authorization request, and without.
    for (number, announced) in [true, false].into_iter().enumerate() {
        let device = Device::new(&server, Platform::Ios);
        let mut browser = server.browser();
        let jkt = if announced { device.jkt() } else { String::new() };
        browser.open(&device.authorize_url(&[("dpop_jkt", &jkt), ("x_page", "signup")])).await;
        let email = format!("kim{number}@shop.example");
        browser.fill("Email address", &email);
        browser.fill("Password", "violet tugboat marmalade");
        let create = browser.page().forms.iter().flat_map(|form| &form.buttons).next().expect("a button").text.clone();
        browser.press(&create).await;
        browser.fill("Code", &mailbox.next_code(&email).await);
        browser.press("Confirm").await;
        let (code, uri) = (query(browser.at_app(), "code").expect("a code"), "com.example.shop://host/path");
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", uri),
            ("code_verifier", crate::support::VERIFIER),
        ];
        let once = [proof(&device, |_, _| {})];
        let body = send(&device, &fields, &once).await.expect(200).json();
        let token = body["refresh_token"].as_str().expect("a token");
        let replayed = refresh(&device, token, &once).await;
        replayed.expect_oauth_error(400, "invalid_dpop_proof", "DPoP proof was used before");
        refresh(&device, token, &[proof(&device, |_, _| {})]).await.expect(200);
    }
}

async fn an_application_with_dpop_disabled_accepts_everything(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set_client("phone", "x_dpop_disabled", true)).await;
    let device = Device::new(&server, Platform::Ios);
    let bad = || [proof(&device, |_, p| p["htm"] = json!("GET"))];
    sign_up(&device, &bad()).await.expect(200);
    let bound = sign_up(&device, &[proof(&device, |_, _| {})]).await.expect(200).json();
    let bound = bound["refresh_token"].as_str().expect("a token");
    for proofs in [vec![], bad().to_vec(), vec![proof(&device, |_, _| {})]] {
        refresh(&device, bound, &proofs).await.expect(200);
    }
}

async fn a_bad_proof_fails_nothing_that_needs_none(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Android);
    device.authenticate().await;
    let refresh = device.held().refresh.clone();
    let id_token =
        device.http.request(Method::POST, "/oauth2/token").header("dpop", "x").bearer_auth(&device.held().access);
    Reply::of(id_token.form(&[("grant_type", crate::support::ID_TOKEN_GRANT), ("client_id", "phone")]))
        .await
        .expect(200);
    for (path, proofs, status) in [("/oauth2/revoke", 2, 400), ("/oauth2/revoke", 1, 200)] {
        let mut request = device.http.request(Method::POST, path).form(&[("token", &refresh)]);
        for _ in 0..proofs {
            request = request.header("dpop", "x");
        }
        Reply::of(request).await.expect(status);
    }
}

async fn a_code_is_bound_to_the_key_of_dpop_jkt_in_either_spelling(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut mailbox = server.mailbox();
    // Android and Flutter hash Java's spelling of the modulus.
    for (number, platform) in [Platform::Ios, Platform::ReactNative, Platform::Android].into_iter().enumerate() {
        let mut device = Device::new(&server, platform);
        let mut browser = server.browser();
        let jkt = device.jkt();
        browser.open(&device.authorize_url(&[("dpop_jkt", &jkt), ("x_page", "signup")])).await;
        let email = format!("jkt{number}@shop.example");
        browser.fill("Email address", &email);
        browser.fill("Password", "violet tugboat marmalade");
        let create = browser.page().forms.iter().flat_map(|form| &form.buttons).next().expect("a button").text.clone();
        browser.press(&create).await;
        browser.fill("Code", &mailbox.next_code(&email).await);
        browser.press("Confirm").await;
        let landing = browser.at_app().clone();
        let dpop = std::mem::replace(&mut device.dpop, KeyPair::ec());
        let stolen = device.exchange(&landing).await;
        stolen.expect_oauth_error(400, "invalid_dpop_proof", BINDING);
        device.dpop = dpop;
        let body = device.exchange(&landing).await.expect(200).json();
        assert!(body["refresh_token"].is_string(), "{platform:?}");
        // The standard thumbprint is stored.
        let id: String =
            body["refresh_token"].as_str().and_then(|token| token.split('.').next()).expect("an id").into();
        let project = server.app.projects.find_by_id("test").expect("the project");
        let mut conn = server.app.store.read().await.expect("a connection");
        let grant = vestibule_store::grants::find(&mut conn, project.no, id.parse().expect("an id")).await;
        let grant = grant.expect("the store").expect("a grant");
        assert_eq!(grant.dpop_jkt.as_deref(), Some(device.dpop.thumbprint(false).as_str()));
    }
}

async fn a_malformed_proof_is_distinguished_from_a_forged_one(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let device = Device::new(&server, Platform::Ios);
    let good = proof(&device, |_, _| {});
    let forged = format!("{}.{}", good.rsplit_once('.').expect("parts").0, encode([7; 64]));
    let reply = sign_up(&device, &[forged]).await;
    reply.expect_oauth_error(400, "invalid_dpop_proof", "invalid DPoP jwt signature");
}

on_both_engines!(
    a_grant_is_not_made_with_a_bad_proof_and_each_fault_is_named,
    a_binding_is_checked_at_refresh_and_settings_link_as_the_matrix_says,
    a_bound_token_in_a_body_cannot_show_that_it_holds_its_key,
    a_proof_is_accepted_once_where_a_binding_is_checked,
    a_proof_a_grant_was_made_with_is_used_up,
    a_proof_a_code_was_exchanged_with_is_used_up,
    an_application_with_dpop_disabled_accepts_everything,
    a_bad_proof_fails_nothing_that_needs_none,
    a_code_is_bound_to_the_key_of_dpop_jkt_in_either_spelling,
    a_malformed_proof_is_distinguished_from_a_forged_one,
);
