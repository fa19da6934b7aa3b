//! Promotion and sign-in with the vendors whose providers have types of their own: Apple, Microsoft, GitHub, Facebook, LinkedIn.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::{actor::Actor, ctx::Ctx, providers::secrets};
use vestibule_domain::{
    project::ProviderType::{self, Apple, Facebook, GitHub, Google, LinkedIn, Microsoft, Oidc},
    secret::Secret,
};

use crate::support::{
    Admin, AppClient, Browser, Engine, Reply, Setup, TestServer, Tokens, on_both_engines,
    vendors::{Back, Lie, TENANT, VENDORS, Vendors},
};

const IS_ANONYMOUS: &str = "https://authgear.com/claims/user/is_anonymous";
const SUBJECT: &str = "https://authgear.com/claims/oauth/subject_id";
pub(crate) const RELAY: &str = "x1y2@privaterelay.appleid.com";

pub(crate) fn brand(kind: ProviderType) -> &'static str {
    kind.brand().expect("a vendor has a name")
}

/// What a vendor says of Kim, whose address is `address`, verified as the vendor says that.
pub(crate) fn user_at(kind: ProviderType, id: &str, address: &str, is_verified: bool) -> Value {
    match kind {
        // Flags as texts, as Apple sends them.
        Apple => json!({"sub": id, "email": address, "email_verified": is_verified.to_string()}),
        Microsoft => json!({
            "tid": TENANT, "oid": id, "sub": format!("pairwise-{id}"), "name": "Kim Li", "email": address,
            "xms_edov": is_verified, "email_verified": true,
        }),
        GitHub => json!({
            "user": {"id": id.parse::<u64>().expect("a number"), "login": "kim", "name": "Kim Li", "email": address},
            "emails": [
                {"email": "other@hub.example", "primary": false, "verified": true},
                {"email": address, "primary": true, "verified": is_verified},
            ],
        }),
        Facebook => json!({
            "id": id, "name": "Kim Li", "first_name": "Kim", "last_name": "Li", "email": address,
            "email_verified": true, "picture": {"data": {"url": "https://cdn.face.example/kim.jpg"}},
        }),
        LinkedIn | Google | Oidc => {
            json!({"sub": id, "name": "Kim Li", "email": address, "email_verified": is_verified})
        }
    }
}

/// A server whose project has every vendor, and what its tests need.
pub(crate) struct Scene {
    pub(crate) vendors: Vendors,
    pub(crate) server: TestServer,
    pub(crate) client: AppClient,
}

/// A guest at its promotion page.
pub(crate) struct Guest {
    pub(crate) tokens: Tokens,
    pub(crate) sub: String,
    pub(crate) browser: Browser,
}

impl Scene {
    pub(crate) async fn open(engine: Engine, change: impl FnOnce(&mut Setup)) -> Self {
        let vendors = Vendors::start().await;
        let server = TestServer::start(engine, |setup| {
            vendors.configure(setup);
            change(setup);
        })
        .await;
        let scene = Self { client: server.app_client(), vendors, server };
        for kind in VENDORS {
            scene.set_secret(kind, &scene.vendors.secret(kind)).await.expect("the secret is set");
        }
        scene
    }

    pub(crate) async fn set_secret(&self, kind: ProviderType, secret: &str) -> Result<(), String> {
        let project = self.server.app.projects.find_by_id("test").expect("the project");
        let ctx = Ctx::without_request(&self.server.app, &project, self.server.clock.now());
        let actor = Actor::at_terminal("provider set-secret");
        let set = secrets::set(&ctx, &actor, kind.as_str(), Secret::new(secret.to_string())).await;
        set.map_err(|error| format!("{error:?}"))
    }

    pub(crate) async fn guest(&self) -> Guest {
        let tokens = self.client.sign_up().await;
        let sub = self.client.subject(&tokens.access).await;
        let mut browser = self.server.browser();
        browser.open(&self.client.promotion_url(&self.client.promotion_code(&tokens).await)).await;
        browser.expect_page(200, "Save your progress");
        Guest { tokens, sub, browser }
    }

    /// Presses the button of a vendor, and signs in there.
    pub(crate) async fn go_there(&self, browser: &mut Browser, kind: ProviderType, user: &Value) -> Back {
        browser.press(&format!("Continue with {}", brand(kind))).await;
        self.vendors.sign_in(kind, browser.at_app(), user, self.server.clock.now())
    }

    /// There and back.
    pub(crate) async fn go_and_return(&self, browser: &mut Browser, kind: ProviderType, user: &Value) {
        let back = self.go_there(browser, kind, user).await;
        back.open(browser).await;
    }

    /// A browser of a person who signs in to the app with a vendor.
    pub(crate) async fn sign_in_elsewhere(&self, kind: ProviderType, user: &Value) -> Browser {
        let mut browser = self.server.browser();
        browser.open(&self.client.authorize_url(&[("x_page", "login")])).await;
        self.go_and_return(&mut browser, kind, user).await;
        browser
    }

    /// The `sub` of the user whose browser has come back to the app.
    pub(crate) async fn subject(&self, browser: &Browser) -> String {
        self.client.subject(&self.client.finish(browser.at_app()).await.access).await
    }

    pub(crate) async fn is_guest(&self, guest: &Guest) -> bool {
        let info = self.client.user_info(&guest.tokens.access).await.expect(200).json();
        info[IS_ANONYMOUS].as_bool().expect("a flag") && info["sub"] == *guest.sub
    }
}

async fn every_vendor_promotes_a_guest_and_signs_in_its_member(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    for (number, kind) in (1..).zip(VENDORS) {
        let address = format!("kim@{}.example", kind.as_str());
        let user = user_at(kind, &format!("{number}"), &address, true);
        let mut guest = scene.guest().await;
        scene.go_and_return(&mut guest.browser, kind, &user).await;
        let member = scene.client.finish(guest.browser.at_app()).await;
        let info = scene.client.user_info(&member.access).await.expect(200).json();
        assert_eq!((&info["sub"], &info[IS_ANONYMOUS]), (&json!(guest.sub), &json!(false)), "{kind:?}");
        // Facebook does not say whether an address is verified.
        let email = if kind == Facebook { Value::Null } else { json!(address) };
        assert_eq!(info["email"], email, "{kind:?}");
        let identities = info["https://authgear.com/claims/user/identities"].as_array().expect("a list");
        let external = identities.iter().find(|one| one["type"] == "oauth").expect("the account at the vendor");
        assert_eq!(external["oauth_provider_type"], kind.as_str());
        assert_eq!(external["oauth_provider_alias"], kind.as_str());
        let again = scene.sign_in_elsewhere(kind, &user).await;
        assert_eq!(scene.subject(&again).await, guest.sub, "{kind:?}: another browser, the same member");
    }
    let connected = scene.server.events("identity.oauth.connected").await;
    let subjects: Vec<_> =
        connected.iter().map(|event| event["payload"]["identity"]["claims"][SUBJECT].clone()).collect();
    assert_eq!(subjects, [json!("1"), json!(format!("{TENANT}/2")), json!("3"), json!("4"), json!("5")]);
}

async fn a_vendor_fills_the_profile_of_a_new_member(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let browser = scene.sign_in_elsewhere(Facebook, &user_at(Facebook, "7", "kim@face.example", true)).await;
    let member = scene.client.finish(browser.at_app()).await;
    let info = scene.client.user_info(&member.access).await.expect(200).json();
    assert_eq!((&info["given_name"], &info["family_name"]), (&json!("Kim"), &json!("Li")));
    assert_eq!(info["picture"], "https://cdn.face.example/kim.jpg");
    // A GitHub user without a name has its login, and only the address that the list has as the primary one.
    let mut nameless = user_at(GitHub, "8", "kim@hub.example", true);
    nameless["user"]["name"] = Value::Null;
    nameless["user"]["email"] = "public@hub.example".into();
    let browser = scene.sign_in_elsewhere(GitHub, &nameless).await;
    let info = scene.client.user_info(&scene.client.finish(browser.at_app()).await.access).await.expect(200).json();
    assert_eq!((&info["name"], &info["email"]), (&json!("kim"), &json!("kim@hub.example")));
    // Nor does one have an address that it does not let us read.
    let mut silent = user_at(GitHub, "9", "kim@hub.example", true);
    silent["emails"] = Value::Null;
    let browser = scene.sign_in_elsewhere(GitHub, &silent).await;
    let info = scene.client.user_info(&scene.client.finish(browser.at_app()).await.access).await.expect(200).json();
    assert_eq!(info.get("email"), None);
}

/// The profile that is stored with the external account of a user.
async fn profile_of(scene: &Scene, sub: &str) -> Value {
    let user = Admin::of(&scene.server).await.get(&format!("/users/{sub}")).await.expect(200).json();
    let identities = user["identities"].as_array().expect("a list");
    let external = identities.iter().find(|one| one["type"] == "oauth").expect("an external account");
    external["claims"]["https://authgear.com/claims/oauth/profile"].clone()
}

async fn apples_name_is_said_once_and_kept(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut first = user_at(Apple, "001.kim", RELAY, true);
    first["is_private_email"] = "true".into();
    let later = first.clone();
    first["beside"] = r#"{"name":{"firstName":"Kim","lastName":"Li"},"email":"x1y2@privaterelay.appleid.com"}"#.into();
    let mut guest = scene.guest().await;
    scene.go_and_return(&mut guest.browser, Apple, &first).await;
    let member = scene.client.finish(guest.browser.at_app()).await;
    let info = scene.client.user_info(&member.access).await.expect(200).json();
    assert_eq!((&info["given_name"], &info["family_name"]), (&json!("Kim"), &json!("Li")));
    assert_eq!((&info["email"], &info["email_verified"]), (&json!(RELAY), &json!(true)));
    let expected = json!({
        "name": "Kim Li", "given_name": "Kim", "family_name": "Li", "email": RELAY, "email_verified": true,
        "is_private_email": true,
    });
    assert_eq!(profile_of(&scene, &guest.sub).await, expected);
    scene.server.clock.advance_seconds(60);
    let again = scene.sign_in_elsewhere(Apple, &later).await;
    assert_eq!(scene.subject(&again).await, guest.sub);
    assert_eq!(profile_of(&scene, &guest.sub).await, expected, "what Apple does not say again stays");
}

/// The way of Apple's answer: a post without cookies, a sealed answer, and a navigation with the flow's cookie.
async fn a_posted_answer_goes_on_as_a_navigation(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut guest = scene.guest().await;
    let mut user = user_at(Apple, "001.kim", RELAY, true);
    user["beside"] = r#"{"name":{"firstName":"Kimberley","lastName":"Li"}}"#.into();
    let back = scene.go_there(&mut guest.browser, Apple, &user).await;
    let (code, state) = (back.parameter("code"), back.parameter("state"));
    let request = scene.server.http().request(Method::POST, &back.url);
    let posted = Reply::of(request.form(back.form.as_ref().expect("a form"))).await;
    assert_eq!(posted.status, 303, "{}", posted.body);
    assert_eq!(posted.header("set-cookie"), None);
    let next = posted.header("location").expect("a redirect").to_string();
    assert!(next.starts_with("/sso/oauth2/callback/apple?answer="), "{next}");
    for word in [&code, &state, &"Kimberley".to_string()] {
        assert!(!next.contains(word.as_str()), "{word} is in the URL");
    }
    assert_eq!(scene.vendors.exchanges(), 0, "the post decides nothing");
    assert!(scene.is_guest(&guest).await);
    guest.browser.open_from_elsewhere(&next).await;
    assert_eq!(scene.subject(&guest.browser).await, guest.sub);
}

async fn a_person_who_declines_goes_on_another_way(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    for kind in VENDORS {
        let mut guest = scene.guest().await;
        guest.browser.press(&format!("Continue with {}", brand(kind))).await;
        let back = scene.vendors.decline(kind, guest.browser.at_app());
        back.open(&mut guest.browser).await;
        guest.browser.expect_page(200, &format!("You did not sign in with {}", brand(kind)));
        assert!(scene.is_guest(&guest).await, "{kind:?}");
        guest.browser.follow("Choose another way").await;
        guest.browser.expect_page(200, "Save your progress");
    }
    assert_eq!(scene.vendors.exchanges(), 0);
}

async fn a_vendor_that_is_down_or_slow_has_a_page(engine: Engine) {
    let scene = Scene::open(engine, |setup| setup.configure("providers.timeout_seconds", "1")).await;
    for (number, kind) in (1..).zip(VENDORS) {
        let user = user_at(kind, &format!("{number}"), "kim@shop.example", false);
        let mut guest = scene.guest().await;
        for lie in [Lie::Status(503), Lie::Silent] {
            let back = scene.go_there(&mut guest.browser, kind, &user).await;
            scene.vendors.behave(lie.clone());
            back.open(&mut guest.browser).await;
            scene.vendors.behave(Lie::None);
            guest.browser.expect_page(200, &format!("{} does not answer", brand(kind)));
            assert!(scene.is_guest(&guest).await, "{kind:?} {lie:?}");
            guest.browser.follow("Choose another way").await;
        }
        scene.go_and_return(&mut guest.browser, kind, &user).await;
        assert_eq!(scene.subject(&guest.browser).await, guest.sub, "{kind:?}: it answers again");
    }
}

async fn apples_secret_is_a_private_key(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    for bad in ["a client secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", ""] {
        let refused = scene.set_secret(Apple, bad).await.expect_err("it is no key");
        assert!(refused.contains(".p8"), "{refused}");
    }
    let pem = scene.vendors.secret(Apple);
    let refused = scene.set_secret(GitHub, &pem).await.expect_err("GitHub's is one line");
    assert!(refused.contains("ASCII"), "{refused}");
    // Another key than Apple knows: Apple refuses the client, and the person is told that it did not work.
    let other = Vendors::start().await.secret(Apple);
    scene.set_secret(Apple, &other.replace('\n', "\r\n")).await.expect("a key");
    let browser = scene.sign_in_elsewhere(Apple, &user_at(Apple, "1", RELAY, true)).await;
    browser.expect_page(200, "Apple could not confirm who you are");
}

on_both_engines!(
    every_vendor_promotes_a_guest_and_signs_in_its_member,
    a_vendor_fills_the_profile_of_a_new_member,
    apples_name_is_said_once_and_kept,
    a_posted_answer_goes_on_as_a_navigation,
    a_person_who_declines_goes_on_another_way,
    a_vendor_that_is_down_or_slow_has_a_page,
    apples_secret_is_a_private_key,
);
