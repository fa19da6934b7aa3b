//! ID tokens that native apps present: promotion, sign-in and connecting in one call.

use aws_lc_rs::digest;
use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::project::ProviderType::{self, Apple, Facebook, Microsoft};

use crate::{
    provider_vendors::{RELAY, user_at},
    providers::{kim, settings_of, start},
    support::{
        Admin, AppClient, Device, Engine, Http, OpenIdProvider, Platform, Reply, Setup, TestServer, Tokens,
        on_both_engines, vendors::Vendors,
    },
};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(crate) const IS_ANONYMOUS: &str = "https://authgear.com/claims/user/is_anonymous";
/// The app at the provider.
pub(crate) const APP: &str = "com.example.shop";

/// The settings of a provider with an app.
pub(crate) fn native(mut settings: toml::Value) -> toml::Value {
    settings.as_table_mut().expect("a table").insert("native_client_ids".into(), vec![APP].into());
    settings
}

/// A server whose project takes the ID tokens of one provider.
pub(crate) struct Scene {
    pub(crate) provider: OpenIdProvider,
    pub(crate) server: TestServer,
    pub(crate) client: AppClient,
}

/// What an app sends of a provider's answer.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) alias: &'static str,
    pub(crate) id_token: String,
    pub(crate) nonce: String,
}

pub(crate) async fn nonce(http: &Http) -> String {
    let issued = http.post_json("/oauth2/challenge", &json!({"purpose": "id_token_request"})).await.result();
    issued["token"].as_str().expect("a nonce").to_string()
}

/// The nonce as apps give it to a provider.
pub(crate) fn hash(nonce: &str) -> String {
    digest::digest(&digest::SHA256, nonce.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Credential {
    /// Sends the exchange; `more` replaces or adds fields, and an empty value omits one.
    pub(crate) async fn send(
        &self,
        client: &AppClient,
        (action, bearer): (&str, Option<&str>),
        more: &[(&str, &str)],
    ) -> Reply {
        let mut fields = vec![
            ("grant_type", GRANT),
            ("client_id", client.client_id.as_str()),
            ("subject_token_type", ID_TOKEN),
            ("subject_token", &self.id_token),
            ("requested_token_type", ACCESS_TOKEN),
            ("x_oauth_provider_alias", self.alias),
            ("x_action", action),
            ("nonce", &self.nonce),
        ];
        fields.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        fields.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        let request = client.http.request(Method::POST, "/oauth2/token").form(&fields);
        Reply::of(match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }
}

impl Scene {
    pub(crate) async fn open(engine: Engine, change: impl FnOnce(&mut Setup)) -> Self {
        let provider = OpenIdProvider::start().await;
        let issuer = provider.issuer.clone();
        let server = start(engine, &provider, |setup| {
            setup.set("identity.oauth.providers", vec![native(settings_of("ours", "Our ID", &issuer))]);
            change(setup);
        })
        .await;
        Self { client: server.app_client(), provider, server }
    }

    /// What an app gets from the provider for this user, with a nonce of the server.
    pub(crate) async fn credential(&self, claims: &Value) -> Credential {
        let nonce = nonce(&self.client.http).await;
        self.credential_with(claims, &hash(&nonce), nonce.clone())
    }

    /// The same with another nonce in the ID token.
    pub(crate) fn credential_with(&self, claims: &Value, in_token: &str, nonce: String) -> Credential {
        let mut all = json!({"aud": APP, "nonce": in_token});
        all.as_object_mut().expect("an object").extend(claims.as_object().expect("an object").clone());
        let id_token = self.provider.native_token(&all, self.server.clock.now());
        Credential { alias: "ours", id_token, nonce }
    }

    /// Asks the provider, and sends its answer.
    pub(crate) async fn exchange(&self, claims: &Value, action: &str, bearer: Option<&str>) -> Reply {
        self.credential(claims).await.send(&self.client, (action, bearer), &[]).await
    }

    pub(crate) async fn log_in(&self, claims: &Value) -> Tokens {
        Tokens::read(&self.exchange(claims, "login", None).await.expect(200).json())
    }

    pub(crate) async fn info(&self, tokens: &Tokens) -> Value {
        self.client.user_info(&tokens.access).await.expect(200).json()
    }

    pub(crate) async fn is_guest(&self, tokens: &Tokens) -> bool {
        self.info(tokens).await[IS_ANONYMOUS] == true
    }

    pub(crate) async fn count(&self, event: &str) -> usize {
        self.server.events(event).await.len()
    }
}

async fn a_guest_is_promoted_in_one_call_and_keeps_its_sub(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let guest = scene.client.sign_up().await;
    let sub = scene.client.subject(&guest.access).await;
    let reply = scene.exchange(&kim(), "promote", Some(&guest.access)).await.expect(200);
    assert_eq!((reply.header("cache-control"), reply.header("pragma")), (Some("no-store"), Some("no-cache")));
    assert_eq!(reply.json()["issued_token_type"], ACCESS_TOKEN);
    let member = Tokens::read(&reply.json());
    let info = scene.info(&member).await;
    assert_eq!((&info["sub"], &info[IS_ANONYMOUS]), (&json!(sub), &json!(false)));
    assert_eq!((&info["email"], &info["email_verified"]), (&json!("kim@id.example"), &json!(true)));
    assert_eq!(info["name"], "Kim Li");
    let promoted = scene.server.events("user.anonymous.promoted").await;
    assert_eq!((promoted.len(), scene.count("identity.oauth.connected").await), (1, 1));
    assert_eq!(
        (&promoted[0]["payload"]["user"]["id"], &promoted[0]["context"]["client_id"]),
        (&json!(sub), &json!("web"))
    );
    // What the guest had shows the guest until the app has its tokens for sure, and then ends.
    assert!(scene.is_guest(&guest).await);
    scene.server.clock.advance_seconds(301);
    scene.client.user_info(&guest.access).await.expect(401);
    scene.client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    scene.client.refresh(&member.refresh).await.expect(200);
    let again = scene.log_in(&kim()).await;
    assert_eq!(scene.client.subject(&again.access).await, sub);
}

async fn all_else_of_a_promoted_guest_ends_at_once(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut browser = scene.server.browser();
    let body = json!({"session_type": "cookie"});
    browser.fetch_json("/api/anonymous_user/signup", &body).await.expect(200);
    // Two applications by single sign-on with one guest.
    let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("prompt", "none")];
    browser.open(&scene.client.authorize_url(&shared)).await;
    let own = scene.client.finish(browser.at_app()).await;
    let other_app = scene.server.other_client();
    browser.open(&other_app.authorize_url(&shared)).await;
    let other = other_app.finish(browser.at_app()).await;
    scene.exchange(&kim(), "promote", Some(&own.access)).await.expect(200);
    other_app.user_info(&other.access).await.expect(401);
    browser.open("/settings").await;
    assert!(browser.reply().status != 200 || !browser.page().text.contains("kim@id.example"));
}

async fn a_person_signs_up_and_signs_in_again(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let first = scene.log_in(&kim()).await;
    assert_eq!((scene.count("user.created").await, scene.count("user.authenticated").await), (1, 0));
    let second = scene.log_in(&kim()).await;
    assert_eq!(scene.client.subject(&first.access).await, scene.client.subject(&second.access).await);
    let authenticated = scene.server.events("user.authenticated").await;
    assert_eq!((scene.count("user.created").await, authenticated.len()), (1, 1));
    let session = &authenticated[0]["payload"]["session"];
    assert_eq!((&session["type"], &session["client_id"]), (&json!("offline_grant"), &json!("web")));
    // A nonce that a library does not let the app hash.
    let raw = nonce(&scene.client.http).await;
    let credential = scene.credential_with(&kim(), &raw, raw.clone());
    let reply =
        credential.send(&scene.client, ("login", None), &[("requested_token_type", ""), ("x_action", "")]).await;
    let third = Tokens::read(&reply.expect(200).json());
    assert!(third.id.is_some(), "openid is among the default scopes");
    // The scopes of the request, and no refresh token without its scope.
    let credential = scene.credential(&kim()).await;
    let body = credential.send(&scene.client, ("login", None), &[("scope", "openid")]).await.expect(200).json();
    assert!(body.get("refresh_token").is_none() && body["access_token"].is_string(), "{body}");
}

async fn a_closed_sign_up_is_closed_here_too_but_not_for_guests(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let guest = scene.client.sign_up().await;
    scene.server.change_project(|setup| setup.set("authentication.public_signup_disabled", true)).await;
    let refused = scene.exchange(&kim(), "login", None).await;
    refused.expect_oauth_error(400, "unauthorized_client", "public signup is disabled");
    assert_eq!(scene.count("user.created").await, 0);
    scene.exchange(&kim(), "promote", Some(&guest.access)).await.expect(200);
    scene.exchange(&kim(), "login", None).await.expect(200);
}

async fn a_member_connects_an_account_and_keeps_its_grant(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let kim = scene.log_in(&kim()).await;
    let sub = scene.client.subject(&kim.access).await;
    let second = json!({"sub": "kim-2", "email": "kim2@id.example", "email_verified": true});
    let body = scene.exchange(&second, "link", Some(&kim.access)).await.expect(200).json();
    assert!(body.get("refresh_token").is_none(), "{body}");
    let access = body["access_token"].as_str().expect("an access token");
    assert_eq!(scene.client.subject(access).await, sub);
    scene.client.refresh(&kim.refresh).await.expect(200);
    assert_eq!(scene.count("identity.oauth.connected").await, 1);
    let mail = scene.server.mailbox().next_mail("kim@id.example").await;
    assert!(mail.text.contains("Our ID · kim2@id.example"), "{}", mail.text);
    let by_second = scene.log_in(&second).await;
    assert_eq!(scene.client.subject(&by_second.access).await, sub);
    // Connected already: nothing to do.
    scene.exchange(&second, "link", Some(&kim.access)).await.expect(200);
    assert_eq!(scene.count("identity.oauth.connected").await, 1);
    // As on the account page, the member must have authenticated recently.
    scene.server.clock.advance_seconds(301);
    let third = json!({"sub": "kim-3"});
    let refused = scene.exchange(&third, "link", Some(&kim.access)).await;
    refused.expect_oauth_error(
        400,
        "interaction_required",
        "the member must have authenticated within the last 5 minutes: reauthenticate, then repeat",
    );
    assert_eq!(scene.count("identity.oauth.connected").await, 1);
}

/// A server whose project takes the ID tokens of the vendors that have some.
async fn with_vendors(engine: Engine) -> (Vendors, TestServer) {
    let vendors = Vendors::start().await;
    let server = TestServer::start(engine, |setup| {
        vendors.configure(setup);
        let kinds = [Apple, Microsoft];
        let all = kinds.map(|kind| native(crate::support::vendors::settings_of(kind, crate::support::vendors::TENANT)));
        setup.set("identity.oauth.providers", all.to_vec());
    })
    .await;
    (vendors, server)
}

async fn credential_of(
    (vendors, server): (&Vendors, &TestServer),
    kind: ProviderType,
    user: &Value,
    changes: &Value,
) -> Credential {
    let nonce = nonce(&server.http()).await;
    let mut claims = user.clone();
    let members = claims.as_object_mut().expect("an object");
    members.extend([("aud".to_string(), json!(APP)), ("nonce".to_string(), json!(hash(&nonce)))]);
    members.extend(changes.as_object().expect("an object").clone());
    let id_token = vendors.native_token(kind, &claims, server.clock.now());
    Credential { alias: kind.as_str(), id_token, nonce }
}

async fn apples_tokens_are_long_lived_and_its_name_is_beside_them(engine: Engine) {
    let (vendors, server) = with_vendors(engine).await;
    let client = server.app_client();
    let user = user_at(Apple, "001.kim", RELAY, true);
    let day = json!({"exp": server.clock.now().as_seconds() + 86_400});
    let named = [("x_provider_profile", r#"{"given_name":"Kim","family_name":"Li"}"#)];
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    let credential = credential_of((&vendors, &server), Apple, &user, &day).await;
    let reply = credential.send(&client, ("promote", Some(&guest.access)), &named).await.expect(200);
    let member = Tokens::read(&reply.json());
    let info = client.user_info(&member.access).await.expect(200).json();
    assert_eq!((&info["sub"], &info["email"], &info["name"]), (&json!(sub), &json!(RELAY), &json!("Kim Li")));
    // The name is not signed, so it changes nothing of an account.
    let other = [("x_provider_profile", r#"{"given_name":"Mallory"}"#)];
    let credential = credential_of((&vendors, &server), Apple, &user, &json!({})).await;
    credential.send(&client, ("login", None), &other).await.expect(200);
    let stored = Admin::of(&server).await.get(&format!("/users/{sub}")).await.expect(200).json().to_string();
    assert!(stored.contains("Kim") && !stored.contains("Mallory"), "{stored}");
    // The pages of the same team lead to the same account.
    let credential =
        credential_of((&vendors, &server), Apple, &user, &json!({"aud": crate::support::vendors::CLIENT})).await;
    let again = Tokens::read(&credential.send(&client, ("login", None), &[]).await.expect(200).json());
    assert_eq!(client.subject(&again.access).await, sub);
}

async fn microsofts_accounts_are_objects_of_tenants(engine: Engine) {
    let (vendors, server) = with_vendors(engine).await;
    let client = server.app_client();
    let user = user_at(Microsoft, "o-1", "kim@work.example", true);
    let credential = credential_of((&vendors, &server), Microsoft, &user, &json!({})).await;
    let first = Tokens::read(&credential.send(&client, ("login", None), &[]).await.expect(200).json());
    let pairwise = json!({"sub": "another-client-sees-another"});
    let credential = credential_of((&vendors, &server), Microsoft, &user, &pairwise).await;
    let second = Tokens::read(&credential.send(&client, ("login", None), &[]).await.expect(200).json());
    assert_eq!(client.subject(&first.access).await, client.subject(&second.access).await);
    let foreign = json!({"tid": "11111111-86f1-41af-91ab-2d7cd011db47"});
    let credential = credential_of((&vendors, &server), Microsoft, &user, &foreign).await;
    credential.send(&client, ("login", None), &[]).await.expect(400);
}

/// Facebook's Limited Login: the same account as on the pages, and an address that is not verified.
async fn facebooks_tokens_are_of_the_account_of_its_pages(engine: Engine) {
    let vendors = Vendors::start().await;
    let server = TestServer::start(engine, |setup| {
        vendors.configure(setup);
        let mut facebook = crate::support::vendors::settings_of(Facebook, "");
        let app = toml::Value::from(vec![crate::support::vendors::CLIENT]);
        facebook.as_table_mut().expect("a table").insert("native_client_ids".into(), app);
        setup.set("identity.oauth.providers", vec![facebook]);
    })
    .await;
    let client = server.app_client();
    let token = |changes: Value| {
        let mut claims = json!({
            "aud": crate::support::vendors::CLIENT, "sub": "10150000000000000", "name": "Kim Li", "given_name": "Kim",
            "family_name": "Li", "email": "kim@id.example", "email_verified": true,
        });
        claims.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        claims
    };
    let send = async |changes: Value| {
        let nonce = nonce(&client.http).await;
        let mut claims = token(changes);
        claims["nonce"] = hash(&nonce).into();
        let id_token = vendors.native_token(Facebook, &claims, server.clock.now());
        Credential { alias: "facebook", id_token, nonce }.send(&client, ("login", None), &[]).await
    };
    let member = Tokens::read(&send(json!({})).await.expect(200).json());
    let info = client.user_info(&member.access).await.expect(200).json();
    assert_eq!((&info["given_name"], info.get("email")), (&json!("Kim"), None), "{info}");
    let stored = Admin::of(&server).await.get(&format!("/users/{}", info["sub"].as_str().expect("a sub"))).await;
    let stored = stored.expect(200).json().to_string();
    let subject = r#""https://authgear.com/claims/oauth/subject_id":"10150000000000000""#;
    assert!(stored.contains(subject), "the number that its API has: {stored}");
    for lie in [json!({"iss": "https://www.facebook.com"}), json!({"aud": "another-app"}), json!({"sub": "kim"})] {
        send(lie).await.expect(400);
    }
}

/// Android: the token is for the web client, and the app's client asked for it.
async fn googles_tokens_name_the_app_beside_the_audience(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = TestServer::start(engine, |setup| {
        let mut google = toml::Table::new();
        for (key, value) in [("alias", "google"), ("type", "google"), ("client_id", "web-client")] {
            google.insert(key.into(), value.into());
        }
        setup.set("identity.oauth.providers", vec![native(toml::Value::Table(google))]);
        setup.configure("providers.google_issuer", &provider.issuer);
        setup.configure("providers.private_hosts", "127.0.0.1");
    })
    .await;
    let client = server.app_client();
    let nonce = nonce(&client.http).await;
    let claims = json!({
        "sub": "1", "aud": "web-client", "azp": APP, "nonce": nonce, "email": "kim@gmail.com", "email_verified": true,
    });
    let id_token = provider.native_token(&claims, server.clock.now());
    let credential = Credential { alias: "google", id_token, nonce };
    let tokens = Tokens::read(&credential.send(&client, ("login", None), &[]).await.expect(200).json());
    assert_eq!(client.user_info(&tokens.access).await.expect(200).json()["email"], "kim@gmail.com");
}

async fn a_phone_with_a_device_key_is_promoted_with_its_proof(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut phone = Device::new(&scene.server, Platform::Ios);
    let sub = phone.authenticate().await;
    let bearer = phone.held().access.clone();
    let credential = scene.credential(&kim()).await;
    let fields = [
        ("grant_type", GRANT),
        ("subject_token_type", ID_TOKEN),
        ("subject_token", credential.id_token.as_str()),
        ("x_oauth_provider_alias", "ours"),
        ("x_action", "promote"),
        ("nonce", credential.nonce.as_str()),
    ];
    // A copied access token alone promotes nobody.
    let mut plain = fields.to_vec();
    plain.push(("client_id", phone.client_id.as_str()));
    let request = phone.http.request(Method::POST, "/oauth2/token").form(&plain).bearer_auth(&bearer);
    Reply::of(request).await.expect_oauth_error(400, "invalid_dpop_proof", "Invalid DPoP key binding");
    let request = phone.token_request(&fields, true).bearer_auth(&bearer);
    let body = Reply::of(request).await.expect(200).json();
    assert_eq!(scene.client.subject(body["access_token"].as_str().expect("a token")).await, sub);
    // The new grant is bound to the same key.
    let refresh = body["refresh_token"].as_str().expect("a refresh token");
    let stolen = [("grant_type", "refresh_token"), ("client_id", &phone.client_id), ("refresh_token", refresh)];
    phone.http.post_form("/oauth2/token", &stolen).await.expect(400);
    phone.token(&stolen[..1].iter().chain(&stolen[2..]).copied().collect::<Vec<_>>(), false).await.expect(200);
}

async fn the_grant_is_listed_and_served_only_where_a_provider_has_apps(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let lists = async || {
        let document = scene.client.http.get("/.well-known/openid-configuration").await.expect(200).json();
        document["grant_types_supported"].as_array().expect("a list").contains(&json!(GRANT))
    };
    assert!(lists().await);
    let credential = scene.credential(&kim()).await;
    for application in ["backend", "partner", "machine"] {
        let client = AppClient { client_id: application.into(), ..scene.client.clone() };
        let refused = credential.send(&client, ("login", None), &[]).await;
        refused.expect_oauth_error(400, "unauthorized_client", "grant type is not allowed for this client");
    }
    // What the SDKs exchange for a URL stays refused.
    let url_token = "urn:authgear:params:oauth:token-type:pre-authenticated-url-token";
    let refused = credential.send(&scene.client, ("login", None), &[("requested_token_type", url_token)]).await;
    refused.expect_oauth_error(400, "invalid_request", "requested_token_type not supported");
    let issuer = scene.provider.issuer.clone();
    scene
        .server
        .change_project(|setup| {
            setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &issuer)]);
        })
        .await;
    assert!(!lists().await);
    let refused = credential.send(&scene.client, ("login", None), &[]).await;
    refused.expect_oauth_error(400, "unsupported_grant_type", "grant type is not supported");
}

on_both_engines!(
    a_guest_is_promoted_in_one_call_and_keeps_its_sub,
    all_else_of_a_promoted_guest_ends_at_once,
    a_person_signs_up_and_signs_in_again,
    a_closed_sign_up_is_closed_here_too_but_not_for_guests,
    a_member_connects_an_account_and_keeps_its_grant,
    apples_tokens_are_long_lived_and_its_name_is_beside_them,
    microsofts_accounts_are_objects_of_tenants,
    facebooks_tokens_are_of_the_account_of_its_pages,
    googles_tokens_name_the_app_beside_the_audience,
    a_phone_with_a_device_key_is_promoted_with_its_proof,
    the_grant_is_listed_and_served_only_where_a_provider_has_apps,
);
