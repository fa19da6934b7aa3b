//! A server with one credential of each kind.

use std::sync::atomic::AtomicU16;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use vestibule_app::{admin::keys::AdminScope, jobs};
use vestibule_domain::{id::UserId, secret::TokenHash};
use vestibule_store::{admin_keys, device_keys, grants, operator_sessions, sessions, users};

use super::sample::{Carrier, Sample, Worth};
use crate::{
    account::{PASSWORD, Scene},
    introspection::make_secret,
    lifetimes::{sign_up_cookie, user_info_by_cookie},
    support::{Admin, AppClient, Browser, Device, Engine, Http, Platform, TestServer, altered},
    token_reach::third_party_token,
};

/// A value of the shape that the server's own random cookies have.
const UNKNOWN: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// The server with one of everything.
pub(super) struct World {
    pub(super) scene: Scene,
    pub(super) samples: Vec<Sample>,
    /// A stored flow of the browser that has the flow cookie.
    pub(super) flow: String,
    /// The token of the portal's forms in the browser that has the cookie of forms.
    pub(super) portal_form: String,
    /// The code of a device that waits.
    pub(super) user_code: String,
    /// A guest's token, to introspect.
    pub(super) guest_token: String,
    /// Another guest's token, to revoke.
    pub(super) given_up: String,
    /// How many requests were sent: each says that it comes from another address, so none meets a limit.
    pub(super) sent: AtomicU16,
    owners: Owners,
}

/// Whose the right credentials are.
struct Owners {
    users: Vec<String>,
    admin_key: String,
    operator_cookie: String,
}

impl World {
    pub(super) async fn make(engine: Engine) -> Self {
        let mut scene = Scene::make(engine, |setup| {
            setup.open_portal();
            setup.configure("server.trusted_proxies", "127.0.0.1");
            setup.set_client("blog", "anonymous_scopes", vec!["openid", "offline_access"]);
            setup.set_client("phone", "device_authorization_enabled", true);
        })
        .await;
        let mut samples = make_dead_tokens(&mut scene).await;
        // One that was never used, and one to prepare the rest with.
        let (admin, helper) = (Admin::of(&scene.server).await, Admin::of(&scene.server).await);
        samples.push(Sample::bearer("admin key", Worth::AdminKey, &admin.token));
        samples.push(Sample::bearer("wrong admin key", Worth::Nothing, &altered(&admin.token)));
        samples.extend(make_authorizations(&mut scene, &helper).await);
        samples.extend(make_cookies(&scene, &helper).await);
        let (flow, flow_cookie) = begin_flow(&scene.server).await;
        let owner = scene.server.owner().await;
        let operator_cookie = cookie(&owner, "vestibule_operator");
        let mut at_portal = scene.server.browser();
        at_portal.open("/portal/sign-in").await;
        let portal_form = at_portal.hidden("_csrf").expect("a token");
        samples.extend([
            Sample::of("flow cookie", Carrier::Flow, Worth::Itself, &flow_cookie),
            Sample::of("operator cookie", Carrier::Operator, Worth::Itself, &operator_cookie),
            Sample::of(
                "portal form cookie",
                Carrier::PortalForm,
                Worth::Itself,
                &cookie(&at_portal, "vestibule_lobby"),
            ),
            Sample::of(
                "known device cookie",
                Carrier::KnownDevice,
                Worth::Itself,
                &cookie(&scene.browser, "known_device"),
            ),
            Sample::of(
                "portal known device cookie",
                Carrier::PortalKnownDevice,
                Worth::Itself,
                &cookie(&owner, "vestibule_known_device"),
            ),
            Sample::of("malformed known device cookie", Carrier::KnownDevice, Worth::Nothing, "x"),
            Sample::of("malformed portal known device cookie", Carrier::PortalKnownDevice, Worth::Nothing, "x"),
            Sample::of("another browser's flow cookie", Carrier::Flow, Worth::NewBrowser, UNKNOWN),
            Sample::of("another browser's form cookie", Carrier::PortalForm, Worth::NewBrowser, UNKNOWN),
            Sample::of("malformed flow cookie", Carrier::Flow, Worth::Nothing, "x"),
            Sample::of("malformed form cookie", Carrier::PortalForm, Worth::Nothing, "x"),
            Sample::of("unknown operator cookie", Carrier::Operator, Worth::Nothing, UNKNOWN),
        ]);
        let users = list_users(&scene, &samples).await;
        let guest_token = scene.client.sign_up().await.access;
        let given_up = scene.client.sign_up().await.access;
        let device = scene.server.http().post_form("/oauth2/device_authorization", &[("client_id", "phone")]).await;
        let user_code = device.expect(200).json()["user_code"].as_str().expect("a user code").to_string();
        let owners = Owners { users, admin_key: admin.key_id, operator_cookie };
        let sent = AtomicU16::new(0);
        Self { scene, samples, flow, portal_form, user_code, guest_token, given_up, sent, owners }
    }

    /// What the store has of the owners of the right credentials: each change that one of them makes leaves a trace here, and each use
    /// each use of a session, grant, key or operator's session does, too.
    pub(super) async fn traces(&self) -> Vec<String> {
        let app = &self.scene.server.app;
        let no = app.projects.find_by_id("test").expect("the project").no;
        // Uses are remembered and written later.
        jobs::accesses::flush_all(app).await.expect("the store works");
        let events = self.scene.server.all_events_of("test").await;
        let mut conn = app.store.read().await.expect("a connection");
        let mut traces = Vec::new();
        for sub in &self.owners.users {
            let id: UserId = sub.parse().expect("a user's id");
            let user = users::find(&mut conn, no, id).await.expect("the store works").expect("the user");
            let sessions = sessions::list(&mut conn, no, id).await.expect("the store works");
            let grants = grants::list(&mut conn, no, id).await.expect("the store works");
            let keys = device_keys::list(&mut conn, no, id).await.expect("the store works");
            let of_it = events.iter().filter(|event| event.to_string().contains(sub.as_str())).count();
            traces.push(format!("{user:?} {sessions:?} {grants:?} {keys:?} {of_it} events"));
        }
        let key = admin_keys::find(&mut conn, no, &self.owners.admin_key).await.expect("the store works");
        let hash = digest(&SHA256, self.owners.operator_cookie.as_bytes());
        let hash = TokenHash(hash.as_ref().try_into().expect("32 bytes"));
        let operator = operator_sessions::find(&mut conn, hash).await.expect("the store works");
        traces.extend([format!("{key:?}"), format!("{operator:?}")]);
        traces
    }
}

/// Tokens that were worth something once, or are elsewhere. The clock moves on.
async fn make_dead_tokens(scene: &mut Scene) -> Vec<Sample> {
    let (server, client) = (&scene.server, &scene.client);
    let expired = client.sign_up().await.access;
    server.clock.advance_seconds(1_801);
    let renewed = client.refresh(&scene.tokens.refresh).await.expect(200).json();
    scene.tokens.access = renewed["access_token"].as_str().expect("an access token").into();
    let gone = client.sign_up().await;
    let app_session = open_account(server.browser(), client, &gone.refresh).await;
    client.revoke(&gone.refresh).await.expect(200);
    let other = server.add_project("other", |_| {}).await;
    let elsewhere = Http::new(&other.origin, server.address);
    let foreign = AppClient::new(elsewhere.clone(), "web", "http://shop.test/after-login").sign_up().await.access;
    let foreign_key = Admin::in_project(server, "other", &AdminScope::ALL).await.token;
    let mut visitor = Browser::new(elsewhere);
    visitor.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.result();
    let nothing = Worth::Nothing;
    vec![
        Sample::bearer("nonsense as bearer", nothing, "stale.token.here"),
        Sample::bearer("expired token", nothing, &expired),
        Sample::bearer("revoked token", nothing, &gone.access),
        Sample::bearer("another project's token", nothing, &foreign),
        Sample::bearer("another project's admin key", nothing, &foreign_key),
        Sample::of("ended app session cookie", Carrier::AppSession, nothing, &app_session),
        Sample::of("another project's session cookie", Carrier::Session, nothing, &cookie(&visitor, "session")),
    ]
}

/// What can be sent as `Authorization`, and a client's secret in a form.
async fn make_authorizations(scene: &mut Scene, helper: &Admin) -> Vec<Sample> {
    let third = third_party_token(scene).await;
    let server = &scene.server;
    let mut device = Device::new(server, Platform::Ios);
    device.authenticate().await;
    let limited = server.other_client().sign_up().await;
    let secret = make_secret(server, "backend").await;
    let session = cookie(&scene.browser, "session");
    let revoked = Admin::of(server).await;
    helper.delete(&format!("/keys/{}", revoked.key_id)).await.expect(204);
    vec![
        Sample::bearer("member's token", Worth::AccessToken, &scene.tokens.access),
        Sample::bearer("third party's token", Worth::ThirdParty, &third),
        Sample::bearer("bound token without proof", Worth::AccessToken, &device.held().access),
        Sample::bearer("limited guest's token", Worth::AccessToken, &limited.access),
        Sample::basic("client authentication", Worth::Itself, &secret),
        Sample::of("client authentication in the form", Carrier::Form, Worth::Itself, &secret),
        Sample::bearer("refresh token as bearer", Worth::Nothing, &scene.tokens.refresh),
        Sample::bearer("session cookie as bearer", Worth::Nothing, &session),
        Sample::bearer("revoked admin key", Worth::Nothing, &revoked.token),
        Sample::basic("wrong client authentication", Worth::Nothing, "wrong"),
        Sample::of("wrong client authentication in the form", Carrier::Form, Worth::Nothing, "wrong"),
    ]
}

/// The cookies of people.
async fn make_cookies(scene: &Scene, helper: &Admin) -> Vec<Sample> {
    let (server, session) = (&scene.server, cookie(&scene.browser, "session"));
    let access = scene.tokens.access.as_str();
    let opened = open_account(server.browser(), &scene.client, &scene.tokens.refresh).await;
    let guest = sign_up_cookie(server).await;
    let ended = sign_up_cookie(server).await;
    let sub = user_info_by_cookie(server, &ended).await.expect(200).json();
    let sub = sub["sub"].as_str().expect("a sub");
    helper.delete(&format!("/users/{sub}/sessions")).await.expect(204);
    let value = |pair: &str| pair.split_once('=').expect("a cookie").1.to_string();
    let (of_session, of_app) = (Carrier::Session, Carrier::AppSession);
    vec![
        Sample::of("session cookie", of_session, Worth::Itself, &session),
        Sample::of("guest's session cookie", of_session, Worth::Itself, &value(&guest)),
        Sample::of("ended session cookie", of_session, Worth::Nothing, &value(&ended)),
        Sample::of("wrong session cookie", of_session, Worth::Nothing, &altered(&session)),
        Sample::of("access token as session cookie", of_session, Worth::Nothing, access),
        Sample::of("app session as session cookie", of_session, Worth::Nothing, &opened),
        Sample::of("app session cookie", of_app, Worth::Itself, &opened),
        Sample::of("wrong app session cookie", of_app, Worth::Nothing, &altered(&opened)),
        Sample::of("session as app session cookie", of_app, Worth::Nothing, &session),
        Sample::of("access token as app session cookie", of_app, Worth::Nothing, access),
        Sample::of("session as operator cookie", Carrier::Operator, Worth::Nothing, &session),
    ]
}

/// The users behind the right tokens and session cookies.
async fn list_users(scene: &Scene, samples: &[Sample]) -> Vec<String> {
    let mut subs = Vec::new();
    for sample in samples.iter().filter(|sample| sample.is_worth_something()) {
        let token = sample.value.strip_prefix("Bearer ").filter(|_| sample.worth != Worth::AdminKey);
        let reply = if let Some(token) = token {
            scene.client.user_info(token).await
        } else if sample.carrier == Carrier::Session {
            user_info_by_cookie(&scene.server, &format!("session={}", sample.value)).await
        } else {
            continue;
        };
        let sub = reply.expect(200).json()["sub"].as_str().expect("a sub").to_string();
        if !subs.contains(&sub) {
            subs.push(sub);
        }
    }
    subs
}

/// A flow that waits for a code, and the cookie of its browser. Before a form was sent, a flow is stored nowhere.
async fn begin_flow(server: &TestServer) -> (String, String) {
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[("x_page", "signup")])).await;
    browser.fill("Email address", "lee@shop.example");
    browser.fill("Password", PASSWORD);
    browser.press("Create account").await;
    let id = browser.url().path().strip_prefix("/flow/").and_then(|rest| rest.split('/').next());
    (id.expect("the address of a flow").to_string(), cookie(&browser, "oauth_ui"))
}

/// The app session cookie of a grant.
async fn open_account(mut browser: Browser, client: &AppClient, refresh_token: &str) -> String {
    let body = json!({ "refresh_token": refresh_token });
    let token = client.http.post_json("/oauth2/app_session_token", &body).await.result();
    let token = token["app_session_token"].as_str().expect("a token").to_string();
    let pairs = [("type", "app_session_token"), ("app_session_token", token.as_str())];
    let hint: String = url::Url::parse_with_params("https://authgear.com/login_hint", pairs).expect("a URL").into();
    let page = format!("{}/settings", client.http.origin);
    let more = [("prompt", "none"), ("response_type", "none"), ("redirect_uri", &page), ("login_hint", &hint)];
    browser.open(&client.authorize_url(&more)).await;
    cookie(&browser, "app_session")
}

fn cookie(browser: &Browser, name: &str) -> String {
    browser.cookie(name).unwrap_or_else(|| panic!("no cookie {name}")).to_string()
}
