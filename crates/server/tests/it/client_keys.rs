//! Client authentication by key, `private_key_jwt` (OIDC Core §9, RFC 7523): at every endpoint, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::admin::keys::AdminScope;

use crate::{
    client_authentication::give_secret,
    support::{Admin, Engine, KeyPair, Receiver, Reply, Setup, TestServer, encode, on_both_engines},
};

on_both_engines!(
    a_key_authenticates_at_every_endpoint,
    whatever_is_wrong_with_an_assertion_is_refused,
    published_keys_are_fetched_seldom_and_may_change,
    keys_that_cannot_be_fetched_are_an_outage,
    keys_in_a_private_network_are_not_fetched,
    keys_are_settings_like_others,
);

const TOKEN: &str = "/oauth2/token";
const ORDERS: &str = "https://orders.shop.example";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn set_of(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

fn resources(setup: &mut Setup) {
    setup.set_client("machine", "resources", vec![format!("{ORDERS} orders:read")]);
}

/// An assertion of the application `machine`, made by the key, with these claims replaced or (null) removed.
fn assertion(server: &TestServer, key: &KeyPair, changes: Value) -> String {
    let now = server.clock.now().as_seconds();
    let jti = encode(server.app.entropy.bytes::<16>());
    let mut claims =
        json!({"iss": "machine", "sub": "machine", "aud": server.origin, "jti": jti, "iat": now, "exp": now + 60});
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    key.sign(&format!(r#"{{"alg":"{}","kid":"k1"}}"#, key.alg()), &claims.to_string())
}

async fn ask(server: &TestServer, assertion: &str, more: &[(&str, &str)]) -> Reply {
    let fields = [
        ("grant_type", "client_credentials"),
        ("resource", ORDERS),
        ("client_assertion_type", TYPE),
        ("client_assertion", assertion),
    ];
    let fields: Vec<_> = fields.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name)).collect();
    let more = more.iter().copied().filter(|(_, value)| !value.is_empty());
    server.http().post_form(TOKEN, &fields.into_iter().chain(more).collect::<Vec<_>>()).await
}

async fn a_key_authenticates_at_every_endpoint(engine: Engine) {
    for key in [KeyPair::rsa(), KeyPair::ec()] {
        let server = TestServer::start(engine, |setup| {
            resources(setup);
            setup.set_client("machine", "jwks", set_of(&[key.jwk("k1", false)]));
            setup.set_client("backend", "jwks", set_of(&[key.jwk("k1", false)]));
        })
        .await;
        let issuer = server.origin.clone();
        let token_endpoint = format!("{issuer}/oauth2/token");
        let mut token = String::new();
        for audience in [json!(issuer), json!(token_endpoint), json!([issuer, token_endpoint])] {
            let assertion = assertion(&server, &key, json!({"aud": audience}));
            // The application may be named beside it.
            let id: &[(&str, &str)] = if audience.is_array() { &[("client_id", "machine")] } else { &[] };
            let body = ask(&server, &assertion, id).await.expect(200).json();
            token = body["access_token"].as_str().expect("a token").to_string();
        }
        let post = async |path: &str, audience: &str, client: &str| {
            let changes = json!({"aud": audience, "iss": client, "sub": client});
            let assertion = assertion(&server, &key, changes);
            let fields = [("client_assertion_type", TYPE), ("client_assertion", &assertion), ("token", &token)];
            server.http().post_form(path, &fields).await
        };
        let seen = post("/oauth2/introspect", &format!("{issuer}/oauth2/introspect"), "backend").await;
        assert_eq!(seen.expect(200).json()["active"], true);
        post("/oauth2/revoke", &token_endpoint, "backend").await.expect(400);
        post("/oauth2/revoke", &issuer, "machine").await.expect(200);
        let seen = post("/oauth2/introspect", &issuer, "backend").await;
        assert_eq!(seen.expect(200).json(), json!({"active": false}));
        post("/oauth2/revoke", "https://other.example", "machine").await.expect(401);
        let refused = post("/oauth2/introspect", &format!("{issuer}/oauth2/revoke"), "backend").await.expect(401);
        assert_eq!(refused.json()["error"], "invalid_client");
        // Also what is no assertion of a known kind (RFC 7521 §4.2.1).
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            for more in [("client_assertion_type", "urn:other"), ("client_assertion", "")] {
                let refused = server.http().post_form(path, &[more, ("token", &token)]).await.expect(401);
                assert_eq!(refused.json()["error"], "invalid_client", "{path} {more:?}");
                assert!(refused.header("www-authenticate").is_some_and(|value| value.starts_with("Basic ")));
            }
        }
        // A secret goes on until it is removed.
        give_secret(&server, "machine", "s3cret").await;
        let by_secret = [("client_assertion", ""), ("client_assertion_type", "")];
        let by_secret = [&by_secret[..], &[("client_id", "machine"), ("client_secret", "s3cret")]].concat();
        ask(&server, "", &by_secret).await.expect(200);
    }
}

async fn whatever_is_wrong_with_an_assertion_is_refused(engine: Engine) {
    let (key, other) = (KeyPair::ec(), KeyPair::ec());
    let server = TestServer::start(engine, |setup| {
        resources(setup);
        setup.set_client("machine", "jwks", set_of(&[key.jwk("k1", false)]));
        setup.set_client("partner", "jwks", set_of(&[other.jwk("k1", false)]));
    })
    .await;
    let now = server.clock.now().as_seconds();
    let origin = server.origin.as_str();
    for changes in [
        json!({"aud": "https://other.example"}),
        json!({"aud": [origin, "https://other.example"]}),
        json!({"aud": format!("{origin}/")}),
        json!({"aud": format!("{origin}.other.example")}),
        json!({"aud": format!("{origin}/oauth2/revoke")}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"iss": "partner"}),
        json!({"sub": "partner"}),
        json!({"iss": "partner", "sub": "partner"}),
        json!({"iss": null}),
        json!({"jti": null}),
        json!({"jti": ""}),
        json!({"exp": null}),
        json!({"exp": now - 60}),
        json!({"exp": now + 4_000}),
        json!({"nbf": now + 61}),
        json!({"iat": now + 61}),
    ] {
        let reply = ask(&server, &assertion(&server, &key, changes.clone()), &[("client_id", "machine")]).await;
        assert_eq!(
            (reply.status, reply.json()["error"].as_str()),
            (400, Some("invalid_client")),
            "{changes}: {reply:?}"
        );
    }
    let good = assertion(&server, &key, json!({}));
    let (input, signature) = good.rsplit_once('.').expect("a JWS");
    let payload = input.split_once('.').expect("two parts").1;
    let unsigned = format!("{}.{payload}.", encode(r#"{"alg":"none"}"#));
    let symmetric = format!("{}.{payload}.{signature}", encode(r#"{"alg":"HS256"}"#));
    let own_key = json!({"alg": "ES256", "jwk": other.jwk("k1", false)}).to_string();
    let claims = json!({"iss": "machine", "sub": "machine", "aud": origin, "jti": "own-key", "exp": now + 60});
    let forged = [
        unsigned,
        symmetric,
        other.sign(&own_key, &claims.to_string()),
        assertion(&server, &other, json!({})),
        assertion(&server, &KeyPair::rsa(), json!({})),
        key.sign(r#"{"alg":"ES256","typ":"dpop+jwt"}"#, &claims.to_string()),
        "nonsense".to_string(),
        "a.b.c".to_string(),
    ];
    for forged in &forged {
        let reply = ask(&server, forged, &[("client_id", "machine")]).await;
        assert_eq!(
            (reply.status, reply.json()["error"].as_str()),
            (400, Some("invalid_client")),
            "{forged}: {reply:?}"
        );
    }
    for (more, error) in [
        (vec![("client_assertion_type", "urn:other")], "invalid_client"),
        (vec![("client_assertion_type", "")], "invalid_client"),
        (vec![("client_assertion", "")], "invalid_client"),
        (vec![("client_secret", "s3cret"), ("client_id", "machine")], "invalid_request"),
        (vec![("client_id", "backend")], "invalid_client"),
        (vec![("client_id", "web")], "invalid_client"),
        (vec![("client_id", "nobody")], "invalid_client"),
    ] {
        let reply = ask(&server, &good, &more).await;
        assert_eq!((reply.status, reply.json()["error"].as_str()), (400, Some(error)), "{more:?}: {reply:?}");
    }
    let basic = server.http().request(Method::POST, TOKEN).basic_auth("machine", Some("s3cret"));
    let fields = [("grant_type", "client_credentials"), ("client_assertion_type", TYPE), ("client_assertion", &good)];
    assert_eq!(Reply::of(basic.form(&fields)).await.expect(400).json()["error"], "invalid_request");
    // None of this used it up; its first use does, also when the request fails then.
    ask(&server, &good, &[("resource", "https://nowhere.example")]).await.expect(400);
    let again = ask(&server, &good, &[]).await.expect(400).json();
    assert_eq!(again["error_description"], "the client assertion is refused: it was used before");
    let (one, two) = (assertion(&server, &key, json!({})), assertion(&server, &key, json!({"jti": "twice"})));
    ask(&server, &one, &[]).await.expect(200);
    let both = tokio::join!(ask(&server, &two, &[]), ask(&server, &two, &[]));
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "of two at the same time one is good");
}

async fn start_publishing(engine: Engine, is_guarded: bool) -> (TestServer, Receiver) {
    let publisher = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        resources(setup);
        setup.set_client("machine", "jwks_uri", publisher.url.as_str());
        setup.configure("hooks.allow_private_addresses", if is_guarded { "false" } else { "true" });
    })
    .await;
    (server, publisher)
}

async fn published_keys_are_fetched_seldom_and_may_change(engine: Engine) {
    let (server, publisher) = start_publishing(engine, false).await;
    let (old, new) = (KeyPair::ec(), KeyPair::ec());
    let publish = |keys: &[Value]| publisher.answer(200, &set_of(keys));
    let fetched = || publisher.calls().len();
    publish(&[old.jwk("k1", false)]);
    let first = [assertion(&server, &old, json!({})), assertion(&server, &old, json!({}))];
    let both = tokio::join!(ask(&server, &first[0], &[]), ask(&server, &first[1], &[]));
    assert_eq!((both.0.status, both.1.status, fetched()), (200, 200, 1), "one fetch for two requests");
    // Strangers' signatures fit no key; they cause a fetch a minute at most.
    for _ in 0..3 {
        ask(&server, &assertion(&server, &new, json!({})), &[]).await.expect(400);
    }
    assert_eq!(fetched(), 1);
    server.clock.advance_seconds(60);
    publish(&[old.jwk("k0", false), new.jwk("k1", false)]);
    ask(&server, &assertion(&server, &new, json!({})), &[]).await.expect(200);
    assert_eq!(fetched(), 2);
    ask(&server, &assertion(&server, &new, json!({})), &[]).await.expect(200);
    // Its kid names the other key now.
    ask(&server, &assertion(&server, &old, json!({})), &[]).await.expect(400);
    assert_eq!(fetched(), 2);
    // After ten minutes it is fetched again; while that fails, the known keys are good for an hour.
    server.clock.advance_seconds(600);
    publisher.answer(500, "");
    ask(&server, &assertion(&server, &new, json!({})), &[]).await.expect(200);
    assert_eq!(fetched(), 3);
    ask(&server, &assertion(&server, &new, json!({})), &[]).await.expect(200);
    assert_eq!(fetched(), 3, "not at once again");
    server.clock.advance_seconds(3_600);
    publisher.answer(200, "not a set");
    let reply = ask(&server, &assertion(&server, &new, json!({})), &[]).await;
    assert_eq!(reply.header("retry-after"), Some("2"));
    reply.expect(503);
}

async fn keys_that_cannot_be_fetched_are_an_outage(engine: Engine) {
    let (server, publisher) = start_publishing(engine, false).await;
    let key = KeyPair::ec();
    publisher.answer(302, "");
    let asked = assertion(&server, &key, json!({}));
    ask(&server, &asked, &[]).await.expect_oauth_error(
        503,
        "temporarily_unavailable",
        "the keys of the application can't be fetched",
    );
    ask(&server, &asked, &[]).await.expect(503);
    assert_eq!(publisher.calls().len(), 1, "not at once again");
    server.clock.advance_seconds(10);
    publisher.answer(200, &set_of(&[key.jwk("k1", false)]));
    ask(&server, &assertion(&server, &key, json!({})), &[]).await.expect(200);
}

async fn keys_in_a_private_network_are_not_fetched(engine: Engine) {
    let (server, publisher) = start_publishing(engine, true).await;
    let key = KeyPair::ec();
    publisher.answer(200, &set_of(&[key.jwk("k1", false)]));
    ask(&server, &assertion(&server, &key, json!({})), &[]).await.expect(503);
    assert_eq!(publisher.calls().len(), 0);
}

async fn keys_are_settings_like_others(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let admin = Admin::new(&server, &[AdminScope::SettingsWrite]).await;
    let key = KeyPair::ec().jwk("k1", false);
    let mut private = key.clone();
    private["d"] = json!("AQ");
    let machine = |name: &str, value: Value| json!({"client_id": "nightly", "x_application_type": "m2m", name: value});
    let mut two = machine("jwks", json!(set_of(std::slice::from_ref(&key))));
    two["jwks_uri"] = json!("https://app.example/jwks");
    let mut public = machine("jwks", json!(set_of(std::slice::from_ref(&key))));
    public["x_application_type"] = json!("native");
    public["redirect_uris"] = json!(["com.example:/back"]);
    for refused in [
        machine("jwks", json!(set_of(&[private]))),
        machine("jwks", json!("{}")),
        machine("jwks_uri", json!("http://app.example/jwks")),
        two,
        public,
    ] {
        admin.post("/applications", &refused).await.expect(422);
    }
    admin.post("/applications", &machine("jwks", json!(set_of(std::slice::from_ref(&key))))).await.expect(201);
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/applications/backend").await;
    owner.fill("URL of the keys", "https://app.example/jwks");
    owner.press("Save").await;
    let project = server.app.projects.find_by_id("test").expect("the project");
    assert_eq!(project.settings.client("backend").expect("it").jwks_uri(), Some("https://app.example/jwks"));
    let document = server.http().get("/.well-known/openid-configuration").await.expect(200).json();
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = document[format!("{endpoint}_endpoint_auth_methods_supported")].to_string();
        assert!(methods.contains("private_key_jwt"), "{endpoint}: {methods}");
        let algorithms = &document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(*algorithms, json!(["RS256", "ES256"]), "{endpoint}");
    }
}
