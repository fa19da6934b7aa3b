//! Signing up, signing in and promotion with a provider, on the pages; and the account page afterwards.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use toml::Table;
use vestibule_app::{actor::Actor, ctx::Ctx, providers::secrets};
use vestibule_domain::secret::Secret;

use crate::{
    guest_journey::promote,
    resolver::resolve,
    support::{
        AppClient, Browser, CLIENT, Engine, Manner, OpenIdProvider, SECRET, Setup, TestServer, Tokens, on_both_engines,
    },
};

pub(crate) const BUTTON: &str = "Continue with Our ID";
pub(crate) const KIM: &str = "kim@id.example";
const IS_ANONYMOUS: &str = "https://authgear.com/claims/user/is_anonymous";

/// The settings of one provider.
pub(crate) fn settings_of(alias: &str, name: &str, issuer: &str) -> toml::Value {
    let mut provider = Table::new();
    for (key, value) in [("alias", alias), ("type", "oidc"), ("client_id", CLIENT), ("name", name), ("issuer", issuer)]
    {
        provider.insert(key.into(), value.into());
    }
    toml::Value::Table(provider)
}

/// A server whose project has this provider, with the alias `ours`.
pub(crate) async fn start(engine: Engine, provider: &OpenIdProvider, change: impl FnOnce(&mut Setup)) -> TestServer {
    let server = TestServer::start(engine, |setup| {
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &provider.issuer)]);
        setup.configure("providers.private_hosts", "127.0.0.1");
        change(setup);
    })
    .await;
    set_secret(&server, "ours").await;
    server
}

pub(crate) async fn set_secret(server: &TestServer, alias: &str) {
    let project = server.app.projects.find_by_id("test").expect("the project");
    let ctx = Ctx::without_request(&server.app, &project, server.clock.now());
    let actor = Actor::at_terminal("provider set-secret");
    secrets::set(&ctx, &actor, alias, Secret::new(SECRET.to_string())).await.expect("the secret is set");
}

/// What the provider says of Kim.
pub(crate) fn kim() -> Value {
    json!({"sub": "kim-at-id", "email": KIM, "email_verified": true, "name": "Kim Li", "given_name": "Kim"})
}

/// A guest, its promotion page, and a provider.
pub(crate) struct Scene {
    pub(crate) provider: OpenIdProvider,
    pub(crate) server: TestServer,
    pub(crate) client: AppClient,
    pub(crate) guest: Tokens,
    pub(crate) sub: String,
    pub(crate) browser: Browser,
}

impl Scene {
    pub(crate) async fn open(engine: Engine, change: impl FnOnce(&mut Setup)) -> Self {
        let provider = OpenIdProvider::start().await;
        let server = start(engine, &provider, change).await;
        let (client, mut browser) = (server.app_client(), server.browser());
        let guest = client.sign_up().await;
        let sub = client.subject(&guest.access).await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        browser.expect_page(200, "Save your progress");
        Self { provider, server, client, guest, sub, browser }
    }

    /// Presses the button, and signs in at the provider; answers where the browser is sent back to.
    pub(crate) async fn go_there(&mut self, claims: &Value) -> String {
        self.browser.press(BUTTON).await;
        self.provider.sign_in(self.browser.at_app(), claims, self.server.clock.now())
    }

    /// There and back.
    pub(crate) async fn come_back(&mut self, claims: &Value) {
        let back = self.go_there(claims).await;
        self.browser.open_from_elsewhere(&back).await;
    }

    pub(crate) async fn is_guest(&self) -> bool {
        let info = self.client.user_info(&self.guest.access).await.expect(200).json();
        info[IS_ANONYMOUS].as_bool().expect("a flag") && info["sub"] == *self.sub
    }

    /// A browser of a person who signs in to the app with the provider.
    pub(crate) async fn sign_in_elsewhere(&self, claims: &Value) -> Browser {
        let mut browser = self.server.browser();
        browser.open(&self.client.authorize_url(&[("x_page", "login")])).await;
        browser.press(BUTTON).await;
        let back = self.provider.sign_in(browser.at_app(), claims, self.server.clock.now());
        browser.open_from_elsewhere(&back).await;
        browser
    }
}

async fn a_guest_is_promoted_with_a_provider_and_keeps_its_sub(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    scene.come_back(&kim()).await;
    let member = scene.client.finish(scene.browser.at_app()).await;
    let info = scene.client.user_info(&member.access).await.expect(200).json();
    assert_eq!((&info["sub"], &info[IS_ANONYMOUS]), (&json!(scene.sub), &json!(false)));
    assert_eq!((&info["email"], &info["email_verified"], &info["name"]), (&json!(KIM), &json!(true), &json!("Kim Li")));
    let identities = info["https://authgear.com/claims/user/identities"].as_array().expect("a list");
    let external = identities.iter().find(|one| one["type"] == "oauth").expect("the account at the provider");
    assert_eq!((&external["oauth_provider_type"], &external["oauth_provider_alias"]), (&json!("oidc"), &json!("ours")));
    assert!(id_claims(&member).get("amr").is_none(), "how the user authenticated there is not known");
    let resolved =
        resolve(&scene.server, "/_resolver/resolve?require=member", Some(&member.access), None).await.expect(200);
    assert_eq!(resolved.header("x-authgear-session-amr"), Some(""), "nor does the resolver say it");
    let promoted = scene.server.events("user.anonymous.promoted").await;
    let identity = promoted[0]["payload"]["identities"].as_array().expect("a list");
    assert!(identity.iter().any(|one| one["claims"]["https://authgear.com/claims/oauth/subject_id"] == "kim-at-id"));
    let connected = scene.server.events("identity.oauth.connected").await;
    assert_eq!(connected.len(), 1);
    assert_eq!(connected[0]["payload"]["user"]["id"], scene.sub);
    assert_eq!(connected[0]["payload"]["identity"]["type"], "oauth");

    let again = scene.sign_in_elsewhere(&kim()).await;
    let tokens = scene.client.finish(again.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.sub, "another browser, the same member");
    let renamed = json!({"sub": "kim-at-id", "email": "kim@new.example", "email_verified": true});
    let again = scene.sign_in_elsewhere(&renamed).await;
    let tokens = scene.client.finish(again.at_app()).await;
    let info = scene.client.user_info(&tokens.access).await.expect(200).json();
    assert_eq!(
        (&info["sub"], &info["email"]),
        (&json!(scene.sub), &json!(KIM)),
        "a changed address takes nothing away"
    );
}

pub(crate) fn id_claims(tokens: &Tokens) -> Value {
    let id = tokens.id.as_ref().expect("an ID token");
    let payload = id.split('.').nth(1).expect("a payload");
    let bytes = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

async fn a_person_signs_up_with_a_provider(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let client = server.app_client();
    for page in ["signup", "login"] {
        let claims = json!({"sub": page, "email": format!("{page}@id.example"), "email_verified": true});
        let mut browser = server.browser();
        browser.open(&client.authorize_url(&[("x_page", page)])).await;
        browser.press(BUTTON).await;
        let back = provider.sign_in(browser.at_app(), &claims, server.clock.now());
        browser.open_from_elsewhere(&back).await;
        let tokens = client.finish(browser.at_app()).await;
        let info = client.user_info(&tokens.access).await.expect(200).json();
        assert_eq!(info["email"], claims["email"]);
    }
    assert_eq!(server.events("user.created").await.len(), 2);
    assert!(server.events("identity.oauth.connected").await.is_empty(), "both are new users");
}

async fn an_app_goes_straight_to_a_provider(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let client = server.app_client();
    let mut browser = server.browser();
    browser.open(&client.authorize_url(&[("x_oauth_provider_alias", "ours")])).await;
    let back = provider.sign_in(browser.at_app(), &kim(), server.clock.now());
    browser.open_from_elsewhere(&back).await;
    client.finish(browser.at_app()).await;
    browser.open(&client.authorize_url(&[("x_oauth_provider_alias", "unknown"), ("prompt", "login")])).await;
    browser.expect_page(200, "Welcome back");
}

async fn a_link_to_a_provider_changes_no_session_without_a_press(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("prompt", "login")];
    let straight = [&shared[..], &[("x_oauth_provider_alias", "ours")]].concat();
    browser.open(&client.authorize_url(&straight)).await;
    let back = provider.sign_in(browser.at_app(), &kim(), server.clock.now());
    browser.open_from_elsewhere(&back).await;
    assert!(browser.is_at_app() && browser.cookie("session").is_some());
    browser.open_from_elsewhere(&client.authorize_url(&straight)).await;
    browser.expect_page(200, "Welcome back");
}

async fn claims_may_come_from_user_info(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    scene.provider.behave(Manner::UserInfo(kim()));
    scene.come_back(&kim()).await;
    let member = scene.client.finish(scene.browser.at_app()).await;
    let info = scene.client.user_info(&member.access).await.expect(200).json();
    assert_eq!((&info["sub"], &info["email"]), (&json!(scene.sub), &json!(KIM)));
}

async fn an_account_of_a_member_is_not_given_to_a_guest(engine: Engine) {
    for (policy, gives_up) in [("error", false), ("login", true)] {
        let mut scene = Scene::open(engine, |setup| setup.set("identity.on_conflict.promotion", policy)).await;
        let owner = scene.sign_in_elsewhere(&kim()).await;
        let owner = scene.client.finish(owner.at_app()).await;
        let owner = scene.client.subject(&owner.access).await;
        scene.come_back(&kim()).await;
        if !gives_up {
            scene.browser.expect_page(200, "You already have an account");
            assert!(scene.is_guest().await, "{policy}");
            scene.browser.press("Sign in to that account").await;
            let now = scene.server.clock.now();
            let back = scene.provider.sign_in(scene.browser.at_app(), &kim(), now);
            scene.browser.open_from_elsewhere(&back).await;
        }
        let tokens = scene.client.finish(scene.browser.at_app()).await;
        assert_eq!(scene.client.subject(&tokens.access).await, owner, "{policy}");
        assert_ne!(owner, scene.sub);
        if !gives_up {
            assert!(scene.is_guest().await, "the guest is as before");
        }
        assert_eq!(scene.server.events("user.anonymous.promoted").await.len(), usize::from(gives_up), "{policy}");
    }
}

async fn who_wants_to_sign_in_does_not_promote_its_guest_by_mistake(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    scene.browser.follow("Sign in instead").await;
    scene.browser.follow("Sign in without my guest progress").await;
    scene.come_back(&kim()).await;
    scene.browser.expect_page(200, "No account uses this Our ID account");
    assert!(scene.is_guest().await);
    scene.browser.press("Save my progress").await;
    let back = scene.provider.sign_in(scene.browser.at_app(), &kim(), scene.server.clock.now());
    scene.browser.open_from_elsewhere(&back).await;
    let member = scene.client.finish(scene.browser.at_app()).await;
    assert_eq!(scene.client.subject(&member.access).await, scene.sub);
}

async fn a_closed_sign_up_is_closed_for_providers_too(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |setup| setup.set("authentication.public_signup_disabled", true)).await;
    let client = server.app_client();
    let mut browser = server.browser();
    browser.open(&client.authorize_url(&[("x_oauth_provider_alias", "ours")])).await;
    let back = provider.sign_in(browser.at_app(), &kim(), server.clock.now());
    browser.open_from_elsewhere(&back).await;
    browser.expect_page(200, "No account uses this Our ID account");
    assert!(server.events("user.created").await.is_empty());
}

async fn a_provider_that_does_not_answer_has_a_page_and_is_then_left_alone(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let back = scene.go_there(&kim()).await;
    scene.provider.behave(Manner::Status(503));
    scene.browser.open_from_elsewhere(&back).await;
    scene.browser.expect_page(200, "Our ID does not answer");
    assert!(scene.is_guest().await);
    // Its metadata is known, but not for a new server.
    scene.server.clock.advance_seconds(2);
    for _ in 0..6 {
        scene.provider.behave(Manner::Honest);
        scene.browser.press("Try again").await;
        let back = scene.provider.sign_in(scene.browser.at_app(), &kim(), scene.server.clock.now());
        scene.provider.behave(Manner::Status(500));
        scene.browser.open_from_elsewhere(&back).await;
        scene.browser.expect_page(200, "Our ID does not answer");
    }
    scene.provider.behave(Manner::Honest);
    let before = scene.provider.exchanges();
    scene.browser.press("Try again").await;
    let back = scene.provider.sign_in(scene.browser.at_app(), &kim(), scene.server.clock.now());
    scene.browser.open_from_elsewhere(&back).await;
    scene.browser.expect_page(200, "Our ID does not answer");
    assert_eq!(scene.provider.exchanges(), before, "it is left alone");
    scene.server.clock.advance_seconds(31);
    scene.browser.press("Try again").await;
    let back = scene.provider.sign_in(scene.browser.at_app(), &kim(), scene.server.clock.now());
    scene.browser.open_from_elsewhere(&back).await;
    let member = scene.client.finish(scene.browser.at_app()).await;
    assert_eq!(scene.client.subject(&member.access).await, scene.sub);
}

async fn a_slow_provider_is_given_up(engine: Engine) {
    let mut scene = Scene::open(engine, |setup| setup.configure("providers.timeout_seconds", "1")).await;
    let back = scene.go_there(&kim()).await;
    scene.provider.behave(Manner::Silent);
    scene.browser.open_from_elsewhere(&back).await;
    scene.browser.expect_page(200, "Our ID does not answer");
    assert!(scene.is_guest().await);
}

async fn a_person_who_declines_can_go_on_another_way(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    scene.browser.press(BUTTON).await;
    let back = scene.provider.decline(scene.browser.at_app());
    scene.browser.open_from_elsewhere(&back).await;
    scene.browser.expect_page(200, "You did not sign in with Our ID");
    assert!(scene.is_guest().await);
    scene.browser.follow("Choose another way").await;
    scene.browser.expect_page(200, "Save your progress");
    scene.browser.fill("Email address", "kim@shop.example");
    scene.browser.fill("Password", "violet tugboat marmalade");
    scene.browser.press("Save my progress").await;
    scene.browser.expect_page(200, "Check your email");
}

async fn a_provider_without_a_secret_is_not_asked(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = TestServer::start(engine, |setup| {
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &provider.issuer)]);
        setup.configure("providers.private_hosts", "127.0.0.1");
    })
    .await;
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[("x_page", "login")])).await;
    browser.press(BUTTON).await;
    browser.expect_page(200, "You cannot sign in with Our ID yet");
    set_secret(&server, "ours").await;
    browser.follow("Choose another way").await;
    browser.press(BUTTON).await;
    provider.sign_in(browser.at_app(), &kim(), server.clock.now());
}

async fn a_private_address_is_not_called_unless_the_operator_names_it(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = TestServer::start(engine, |setup| {
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &provider.issuer)]);
    })
    .await;
    set_secret(&server, "ours").await;
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[("x_page", "login")])).await;
    browser.press(BUTTON).await;
    browser.expect_page(200, "Our ID does not answer");
}

async fn keys_are_kept_and_read_again_when_they_rotate(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    for _ in 0..2 {
        scene.client.finish(scene.sign_in_elsewhere(&kim()).await.at_app()).await;
    }
    assert_eq!(scene.provider.key_reads(), 1);
    scene.provider.rotate("k2");
    scene.sign_in_elsewhere(&kim()).await.expect_page(200, "Our ID could not confirm who you are");
    scene.server.clock.advance_seconds(31);
    scene.client.finish(scene.sign_in_elsewhere(&kim()).await.at_app()).await;
    assert_eq!(scene.provider.key_reads(), 2);
}

async fn a_guest_promoted_otherwise_still_finds_the_buttons_of_sign_in(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    promote(&client, &guest, &mut browser, &mut mailbox, "kim@shop.example").await;
    client.finish(browser.at_app()).await;
    browser.open(&client.authorize_url(&[("prompt", "login")])).await;
    assert!(browser.page().text.contains(BUTTON), "{}", browser.page().text);
}

on_both_engines!(
    a_guest_is_promoted_with_a_provider_and_keeps_its_sub,
    a_person_signs_up_with_a_provider,
    an_app_goes_straight_to_a_provider,
    a_link_to_a_provider_changes_no_session_without_a_press,
    claims_may_come_from_user_info,
    an_account_of_a_member_is_not_given_to_a_guest,
    who_wants_to_sign_in_does_not_promote_its_guest_by_mistake,
    a_closed_sign_up_is_closed_for_providers_too,
    a_provider_that_does_not_answer_has_a_page_and_is_then_left_alone,
    a_slow_provider_is_given_up,
    a_person_who_declines_can_go_on_another_way,
    a_provider_without_a_secret_is_not_asked,
    a_private_address_is_not_called_unless_the_operator_names_it,
    keys_are_kept_and_read_again_when_they_rotate,
    a_guest_promoted_otherwise_still_finds_the_buttons_of_sign_in,
);
