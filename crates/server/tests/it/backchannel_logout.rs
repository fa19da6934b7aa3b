//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): who is told of a session's end, and how.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};
use vestibule_app::admin::keys::AdminScope;
use vestibule_server::boot;

use crate::{
    account::{KIM, PASSWORD, Scene},
    consent::ConsentingClient,
    credentials::{LoginMethod, Person},
    lifetimes::change_settings,
    support::{Admin, Call, Engine, Receiver, Reply, Setup, TestServer, Tokens, on_both_engines, query},
    token::claims,
};

on_both_engines!(
    an_application_is_told_however_a_session_ends,
    it_is_told_when_another_member_signs_in_and_when_the_session_expires,
    it_is_told_when_its_user_is_deleted,
    a_notice_is_sent_again_with_a_fresh_token,
    a_notice_names_only_the_user_where_the_application_wants_it_so,
    applications_that_do_not_want_notices_get_none,
    the_url_is_a_setting_like_others,
);

pub(crate) const SCOPE: &str = "openid offline_access";

/// Kim, signed in to a browser, and an application that is told of ends.
pub(crate) struct Told {
    pub(crate) scene: Scene,
    pub(crate) backend: ConsentingClient,
    pub(crate) receiver: Receiver,
    count: usize,
}

impl Told {
    async fn start(engine: Engine) -> Self {
        Self::start_as(engine, "backend", |_| {}).await
    }

    /// With this application instead.
    pub(crate) async fn start_as(engine: Engine, client_id: &str, change: impl FnOnce(&mut Setup)) -> Self {
        let receiver = Receiver::start().await;
        let scene = Scene::make(engine, |setup| {
            setup.configure("hooks.allow_private_addresses", "true");
            setup.set_client(client_id, "backchannel_logout_uri", receiver.url.as_str());
            change(setup);
        })
        .await;
        let backend = ConsentingClient::new(&scene.server, client_id).await;
        Self { scene, backend, receiver, count: 0 }
    }

    pub(crate) async fn sign_in(&mut self) -> Tokens {
        self.backend.sign_in(&mut self.scene.browser, SCOPE).await
    }

    /// Waits for the next notice; its token's claims.
    async fn next(&mut self) -> Value {
        self.count += 1;
        let calls = self.receiver.wait_for(self.count).await;
        assert_eq!(calls.len(), self.count, "one notice for each grant");
        verify(&self.scene.server, &self.backend.app.client_id, &calls[self.count - 1]).await
    }

    /// Waits for the notice of the session of these tokens.
    pub(crate) async fn expect_end_of(&mut self, tokens: &Tokens, how: &str) {
        let id_token = claims(tokens.id.as_deref().expect("an ID token")).1;
        let told = self.next().await;
        assert_eq!((&told["sid"], &told["sub"]), (&id_token["sid"], &id_token["sub"]), "{how}");
        let dead = self.backend.app.user_info(&tokens.access).await;
        assert_eq!(dead.status, 401, "{how}");
    }
}

/// Verifies a call as §2.6 says.
async fn verify(server: &TestServer, client_id: &str, call: &Call) -> Value {
    assert_eq!(call.headers["content-type"], "application/x-www-form-urlencoded");
    let token = call.text.strip_prefix("logout_token=").expect("a form with the token alone");
    let header = decode_header(token).expect("a JWT");
    assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
    let keys: JwkSet = serde_json::from_value(server.http().get("/oauth2/jwks").await.json()).expect("a key set");
    let key = DecodingKey::from_jwk(keys.find(&header.kid.expect("a kid")).expect("its key")).expect("a key");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[&server.origin]);
    validation.set_audience(&[client_id]);
    let claims = decode::<Value>(token, &key, &validation).expect("a good signature").claims;
    assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|iat| iat + 120));
    assert!(claims["jti"].is_string() && claims.get("nonce").is_none(), "{claims}");
    claims
}

async fn an_application_is_told_however_a_session_ends(engine: Engine) {
    let mut told = Told::start(engine).await;
    let admin = Admin::of(&told.scene.server).await;
    let user = format!("/users/{}", told.scene.sub);
    let http = told.scene.server.http();

    let tokens = told.sign_in().await;
    let hint = tokens.id.as_deref().expect("an ID token");
    told.scene.browser.open(&format!("/oauth2/end_session?id_token_hint={hint}")).await;
    told.expect_end_of(&tokens, "the application signs out").await;

    told.scene.sign_in(KIM, PASSWORD).await;
    let tokens = told.sign_in().await;
    admin.delete(&format!("{user}/sessions")).await.expect(204);
    told.expect_end_of(&tokens, "an operator ends all sessions").await;

    told.scene.sign_in(KIM, PASSWORD).await;
    let tokens = told.sign_in().await;
    let request = http.request(reqwest::Method::POST, "/oauth2/revoke");
    let request = request.basic_auth("backend", Some(&told.backend.secret)).form(&[("token", &tokens.refresh)]);
    Reply::of(request).await.expect(200);
    told.expect_end_of(&tokens, "it revokes its token").await;

    told.scene.sign_in(KIM, PASSWORD).await;
    let tokens = told.sign_in().await;
    let web = ConsentingClient { app: told.scene.server.app_client(), secret: String::new() };
    let of_web = web.sign_in(&mut told.scene.browser, SCOPE).await;
    web.app.revoke(&of_web.refresh).await.expect(200);
    told.expect_end_of(&tokens, "another application of the browser's session revokes its token").await;

    told.scene.sign_in(KIM, PASSWORD).await;
    let tokens = told.sign_in().await;
    admin.post(&format!("{user}/disable"), &json!({})).await.expect(200);
    told.expect_end_of(&tokens, "the user is disabled").await;
    admin.post(&format!("{user}/enable"), &json!({})).await.expect(200);

    told.scene.sign_in(KIM, PASSWORD).await;
    told.scene.browser.open(&told.backend.url(SCOPE, &[])).await;
    told.scene.browser.press("Continue").await;
    let code = query(told.scene.browser.at_app(), "code").expect("a code");
    let tokens = Tokens::read(&told.backend.exchange(&code).await.expect(200).json());
    told.scene.server.clock.advance_seconds(11);
    told.backend.exchange(&code).await.expect(400);
    told.expect_end_of(&tokens, "its code is used again").await;
}

async fn it_is_told_when_another_member_signs_in_and_when_the_session_expires(engine: Engine) {
    let mut told = Told::start(engine).await;
    let tokens = told.sign_in().await;
    let mut person = Person::new(&told.scene.server, LoginMethod::EmailPassword);
    let shares = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "false")];
    let more = [&shares[..], &[("x_page", "signup"), ("prompt", "login")]].concat();
    let url = told.scene.client.authorize_url(&more);
    told.scene.browser.open(&url).await;
    person.join(&mut told.scene.browser, "lee@shop.example", "Create account").await;
    told.expect_end_of(&tokens, "another member signs in").await;

    let tokens = told.sign_in().await;
    // Longer than the idle timeout, and than what another node may know.
    told.scene.server.clock.advance_seconds(2_592_000 + 3_600);
    boot::maintain(&told.scene.server.app).await.expect("the store works");
    told.expect_end_of(&tokens, "the session expires").await;
}

async fn it_is_told_when_its_user_is_deleted(engine: Engine) {
    let mut told = Told::start(engine).await;
    let tokens = told.sign_in().await;
    let admin = Admin::of(&told.scene.server).await;
    admin.delete(&format!("/users/{}", told.scene.sub)).await.expect(204);
    told.expect_end_of(&tokens, "an operator deletes the user").await;
}

async fn a_notice_is_sent_again_with_a_fresh_token(engine: Engine) {
    let mut told = Told::start(engine).await;
    told.receiver.answer(400, "");
    let tokens = told.sign_in().await;
    let admin = Admin::of(&told.scene.server).await;
    admin.delete(&format!("/users/{}/sessions", told.scene.sub)).await.expect(204);
    let first = told.next().await;
    let is_postponed = |page: &Value| page["deliveries"][0]["last_status"] == 400;
    let waiting = admin.wait_until("/deliveries?state=waiting", is_postponed).await;
    assert_eq!(waiting["deliveries"][0]["type"], "backchannel_logout");
    told.scene.server.clock.advance_seconds(5);
    let second = told.next().await;
    assert_eq!(second["iat"].as_i64(), first["iat"].as_i64().map(|iat| iat + 5));
    assert_ne!(second["jti"], first["jti"]);
    for name in ["sid", "sub"] {
        assert_eq!(second[name], claims(tokens.id.as_deref().expect("an ID token")).1[name]);
    }
    admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][0].is_object()).await;
    // It is no event: neither webhooks nor the log have it.
    let log = admin.get(&format!("/events?user_id={}", told.scene.sub)).await.expect(200).json();
    assert!(!log.to_string().contains("backchannel_logout"), "{log}");
}

async fn a_notice_names_only_the_user_where_the_application_wants_it_so(engine: Engine) {
    let only_user = |setup: &mut Setup| setup.set_client("backend", "backchannel_logout_session_required", false);
    let mut told = Told::start_as(engine, "backend", only_user).await;
    told.sign_in().await;
    let admin = Admin::of(&told.scene.server).await;
    admin.delete(&format!("/users/{}/sessions", told.scene.sub)).await.expect(204);
    let notice = told.next().await;
    assert_eq!((notice.get("sid"), &notice["sub"]), (None, &json!(told.scene.sub)));
}

async fn applications_that_do_not_want_notices_get_none(engine: Engine) {
    let mut told = Told::start(engine).await;
    let admin = Admin::of(&told.scene.server).await;
    // Not the end of another application's session.
    admin.delete(&format!("/users/{}/sessions", told.scene.sub)).await.expect(204);
    told.scene.sign_in(KIM, PASSWORD).await;
    told.sign_in().await;
    // What waits is not sent to an application that wants none any more; where its URL changed: `receiver_moves`.
    told.receiver.answer(500, "");
    admin.delete(&format!("/users/{}/sessions", told.scene.sub)).await.expect(204);
    told.next().await;
    let is_postponed = |page: &Value| page["deliveries"][0]["last_status"] == 500;
    admin.wait_until("/deliveries?state=waiting", is_postponed).await;
    change_settings(&told.scene.server, |settings| {
        let client = settings.oauth.clients.iter_mut().find(|client| client.client_id == "backend").expect("it");
        client.backchannel_logout_uri = None;
    })
    .await;
    told.scene.server.clock.advance_seconds(5);
    let dead = admin.wait_until("/deliveries?state=dead", |page| page["deliveries"][0].is_object()).await;
    let error = dead["deliveries"][0]["last_error"].as_str().expect("a reason");
    assert!(error.contains("no longer wants"), "{error}");
    assert_eq!(told.receiver.calls().len(), 1);
}

async fn the_url_is_a_setting_like_others(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let admin = Admin::new(&server, &[AdminScope::SettingsWrite]).await;
    let application = |kind: &str, url: &str| {
        json!({
            "client_id": "orders", "x_application_type": kind, "backchannel_logout_uri": url,
            "redirect_uris": ["https://orders.example/callback"],
        })
    };
    for (kind, url) in [
        ("spa", "https://orders.example/logout"),
        ("m2m", "https://orders.example/logout"),
        ("confidential", "https://orders.example/logout#x"),
        ("confidential", "/logout"),
    ] {
        admin.post("/applications", &application(kind, url)).await.expect(422);
    }
    admin.post("/applications", &application("confidential", "https://orders.example/logout")).await.expect(201);
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/applications/partner").await;
    owner.fill("Logout URL", "https://partner.test/logout");
    owner.untick("Name the session");
    owner.press("Save").await;
    let project = server.app.projects.find_by_id("test").expect("the project");
    let partner = project.settings.client("partner").expect("the application");
    assert_eq!(partner.backchannel_logout_uri(), Some("https://partner.test/logout"));
    assert!(!partner.names_session_in_logout());
    let document = server.http().get("/.well-known/openid-configuration").await.expect(200).json();
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
}
