//! Every route of the table called with every kind of credential. A credential that a route does not declare acts exactly like
//! none, alone and beside one that the route declares; a credential that a route declares makes a difference.
//!
//! A route that is served is in the table, so none is left out here: `http::routes::mount` takes a group of the table and not a
//! route, a route's handler is private to that file, and `walls.rs` lets no other file of `http/` build routes.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU16, Ordering},
};

use reqwest::{Method, RequestBuilder, header};
use serde_json::json;
use vestibule_server::{
    flows::admin::keys::Scope,
    routes::{Credential, Face, RouteView, list_routes},
};

use crate::{
    account::{PASSWORD, Scene},
    introspection::make_secret,
    support::{Admin, AppClient, Browser, Device, Engine, Http, Platform, Reply, TestServer, altered, on_both_engines},
    token_reach::third_party_token,
};

const ID_TOKEN: &str = "urn:authgear:params:oauth:grant-type:id-token";
const SETTINGS_ACTION: &str = "urn:authgear:params:oauth:response-type:settings-action";
/// An authorization request that takes part in single sign-on.
const SHARED: [(&str, &str); 2] = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "false")];

/// How a credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Bearer,
    Basic,
    Session,
    AppSession,
    Flow,
    Operator,
    PortalForm,
}

impl Carrier {
    fn is_authorization(self) -> bool {
        matches!(self, Self::Bearer | Self::Basic)
    }

    /// Whether a route that declares this credential reads what is sent so.
    fn is_read_as(self, declared: Credential) -> bool {
        match declared {
            Credential::SessionCookie => self == Self::Session,
            Credential::AppSessionCookie => self == Self::AppSession,
            Credential::FlowCookie => self == Self::Flow,
            Credential::BearerToken(_) | Credential::AdminKey(_) => self == Self::Bearer,
            Credential::ClientAuthentication => self == Self::Basic,
            Credential::OperatorCookie(_) => self == Self::Operator,
            Credential::PortalFormCookie => self == Self::PortalForm,
        }
    }

    fn is_read_by(self, route: &RouteView) -> bool {
        route.accepts.iter().any(|declared| self.is_read_as(*declared))
    }
}

/// What a credential is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    Nothing,
    AccessToken,
    AdminKey,
    /// What its carrier is declared for.
    Itself,
}

/// One credential.
struct Sample {
    name: &'static str,
    carrier: Carrier,
    worth: Worth,
    /// The value of the `Authorization` or `Cookie` header.
    value: String,
}

impl Sample {
    fn bearer(name: &'static str, worth: Worth, token: &str) -> Self {
        Self { name, carrier: Carrier::Bearer, worth, value: format!("Bearer {token}") }
    }

    fn basic(name: &'static str, worth: Worth, secret: &str) -> Self {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let value = format!("Basic {}", STANDARD.encode(format!("backend:{secret}")));
        Self { name, carrier: Carrier::Basic, worth, value }
    }

    fn cookie(name: &'static str, (carrier, cookie): (Carrier, &str), worth: Worth, value: &str) -> Self {
        Self { name, carrier, worth, value: format!("{cookie}={value}") }
    }

    /// Whether it is a right credential for what the route declares.
    fn is_right_for(&self, route: &RouteView) -> bool {
        route.accepts.iter().any(|declared| {
            self.carrier.is_read_as(*declared)
                && match (self.worth, declared) {
                    (Worth::Itself, _)
                    | (Worth::AccessToken, Credential::BearerToken(_))
                    | (Worth::AdminKey, Credential::AdminKey(_)) => true,
                    (Worth::Nothing | Worth::AccessToken | Worth::AdminKey, _) => false,
                }
        })
    }
}

/// The server with one of everything.
struct World {
    scene: Scene,
    samples: Vec<Sample>,
    /// A stored flow of the browser that has the flow cookie.
    flow: String,
    /// The token of the portal's forms in the browser that has the cookie of forms.
    portal_form: String,
    /// A guest's token, to introspect.
    guest_token: String,
    /// Another guest's token, to revoke.
    given_up: String,
    callers: AtomicU16,
}

impl World {
    async fn make(engine: Engine) -> Self {
        let mut scene = Scene::make(engine, |setup| {
            setup.open_portal();
            // Each request says that it comes from another address: none meets a limit.
            setup.configure("server.trusted_proxies", "127.0.0.1");
            setup.set_client("blog", "anonymous_scopes", vec!["openid", "offline_access"]);
        })
        .await;
        let third = third_party_token(&mut scene).await;
        let (flow, flow_cookie) = begin_flow(&scene.server).await;
        let owner = scene.server.owner().await;
        let mut at_portal = scene.server.browser();
        at_portal.open("/portal/sign-in").await;
        let portal_form = at_portal.hidden("_csrf").expect("a token");
        let portal = [cookie(&owner, "vestibule_operator"), cookie(&at_portal, "vestibule_lobby")];
        let mut samples = make_authorizations(&scene, &third).await;
        samples.extend(make_cookies(&scene, &flow_cookie, portal).await);
        let guest_token = scene.client.sign_up().await.access;
        let given_up = scene.client.sign_up().await.access;
        Self { scene, samples, flow, portal_form, guest_token, given_up, callers: AtomicU16::new(0) }
    }

    fn path(&self, route: &RouteView) -> String {
        let client = if route.face == Face::Portal { "backend" } else { "absent" };
        let view = if route.method == "GET" { "start" } else { "continue" };
        route
            .path
            .replace("/flow/{id}", &format!("/flow/{}", self.flow))
            .replace("{view}", view)
            .replace("{project}", "test")
            .replace("{client_id}", client)
            .replace("{framework}", "react")
            .replace("{secret_id}", "0000000000000000")
            .replace("{*rest}", "x/y")
            .replace("{*path}", "x.css")
            .replace(['{', '}'], "")
    }

    /// Requests to a route without credentials, made so that each declared credential matters to one of them.
    fn requests(&self, route: &RouteView) -> Vec<RequestBuilder> {
        let (http, client, path) = (self.scene.server.http(), &self.scene.client, self.path(route));
        let method: Method = route.method.parse().expect("a method");
        let request = || http.request(method.clone(), &path).header(header::ACCEPT, "text/html");
        let form = |fields: &[(&str, &str)]| request().form(fields);
        match (method.as_str(), route.path.as_str()) {
            ("POST", "/oauth2/token") => {
                let of_client = |client| form(&[("grant_type", ID_TOKEN), ("client_id", client)]);
                let clients = ["web", "phone", "blog", "partner"].map(of_client);
                clients.into_iter().chain([form(&[("grant_type", ID_TOKEN)])]).collect()
            }
            ("POST", "/oauth2/introspect") => vec![form(&[("token", &self.guest_token)])],
            ("POST", "/oauth2/revoke") => vec![form(&[("token", &self.given_up)])],
            ("GET" | "POST", "/oauth2/authorize") => {
                let order = [("response_type", SETTINGS_ACTION), ("x_settings_action", "change_password")];
                let silent = client.authorize_url(&[[("prompt", "none")].as_slice(), &SHARED].concat());
                let order = client.authorize_url(&[order.as_slice(), &SHARED].concat());
                let send = |url: String| {
                    let url = url::Url::parse(&url).expect("a URL");
                    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
                    if method == Method::GET { request().query(&pairs) } else { request().form(&pairs) }
                };
                [silent, order].map(send).into()
            }
            ("POST", "/oauth2/challenge") => vec![request().json(&json!({"purpose": "anonymous_request"}))],
            ("POST", "/oauth2/app_session_token") => vec![request().json(&json!({"refresh_token": "x"}))],
            ("POST", "/api/anonymous_user/signup" | "/api/anonymous_user/promotion_code") => {
                vec![request().json(&json!({"session_type": "cookie"}))]
            }
            ("GET" | "OPTIONS", _) => vec![request()],
            _ if route.face == Face::AdminApi => vec![request().json(&json!({}))],
            _ if route.face == Face::Portal => vec![form(&[("_csrf", &self.portal_form)])],
            _ => vec![form(&[])],
        }
    }

    /// The answers to all requests of a route with some credentials, without what differs each time.
    async fn answers(&self, route: &RouteView, samples: &[&Sample]) -> Vec<String> {
        let values = |is_authorization: bool| {
            let chosen = samples.iter().filter(move |sample| sample.carrier.is_authorization() == is_authorization);
            chosen.map(|sample| sample.value.as_str()).collect::<Vec<_>>().join("; ")
        };
        let mut answers = Vec::new();
        for mut request in self.requests(route) {
            let [high, low] = self.callers.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            request = request.header("x-forwarded-for", format!("203.{high}.{low}.7"));
            for (name, value) in [(header::AUTHORIZATION, values(true)), (header::COOKIE, values(false))] {
                if !value.is_empty() {
                    request = request.header(name, value);
                }
            }
            answers.push(answer(request, route).await);
        }
        answers
    }

    /// A right credential of each kind that the route does not declare, to be sent beside one that it declares.
    fn undeclared_beside(&self, declared: &Sample, route: &RouteView) -> Vec<&Sample> {
        let (mut carriers, mut chosen) = (Vec::new(), Vec::new());
        for sample in self.samples.iter().filter(|sample| sample.worth != Worth::Nothing) {
            let has_place = !(sample.carrier.is_authorization()
                && (declared.carrier.is_authorization()
                    || carriers.iter().any(|carrier: &Carrier| carrier.is_authorization())));
            if has_place && !sample.carrier.is_read_by(route) && !carriers.contains(&sample.carrier) {
                carriers.push(sample.carrier);
                chosen.push(sample);
            }
        }
        chosen
    }
}

/// What can be sent as `Authorization`.
async fn make_authorizations(scene: &Scene, third: &str) -> Vec<Sample> {
    let server = &scene.server;
    let mut device = Device::new(server, Platform::Ios);
    device.authenticate().await;
    let limited = server.other_client().sign_up().await;
    let admin = Admin::of(server).await;
    let secret = make_secret(server, "backend").await;
    let session = cookie(&scene.browser, "session");
    vec![
        Sample::bearer("stale bearer", Worth::Nothing, "stale.token.here"),
        Sample::bearer("refresh token as bearer", Worth::Nothing, &scene.tokens.refresh),
        Sample::bearer("session cookie as bearer", Worth::Nothing, &session),
        Sample::bearer("wrong admin key", Worth::Nothing, &altered(&admin.token)),
        Sample::bearer("member's token", Worth::AccessToken, &scene.tokens.access),
        Sample::bearer("third party's token", Worth::AccessToken, third),
        Sample::bearer("bound token without proof", Worth::AccessToken, &device.held().access),
        Sample::bearer("limited guest's token", Worth::AccessToken, &limited.access),
        Sample::bearer("admin key", Worth::AdminKey, &admin.token),
        Sample::basic("client authentication", Worth::Itself, &secret),
        Sample::basic("wrong client authentication", Worth::Nothing, "wrong"),
    ]
}

/// What can be sent as `Cookie`.
async fn make_cookies(scene: &Scene, flow: &str, [owner, form]: [String; 2]) -> Vec<Sample> {
    let (session, access) = (cookie(&scene.browser, "session"), scene.tokens.access.as_str());
    let opened = open_account(scene.server.browser(), &scene.client, &scene.tokens.refresh).await;
    let signed_in = (Carrier::Session, "session");
    let of_app = (Carrier::AppSession, "app_session");
    let of_flow = (Carrier::Flow, "oauth_ui");
    let operator = (Carrier::Operator, "vestibule_operator");
    let form_cookie = (Carrier::PortalForm, "vestibule_lobby");
    vec![
        Sample::cookie("session cookie", signed_in, Worth::Itself, &session),
        Sample::cookie("wrong session cookie", signed_in, Worth::Nothing, &altered(&session)),
        Sample::cookie("access token as session cookie", signed_in, Worth::Nothing, access),
        Sample::cookie("app session as session cookie", signed_in, Worth::Nothing, &opened),
        Sample::cookie("app session cookie", of_app, Worth::Itself, &opened),
        Sample::cookie("session as app session cookie", of_app, Worth::Nothing, &session),
        Sample::cookie("access token as app session cookie", of_app, Worth::Nothing, access),
        Sample::cookie("flow cookie", of_flow, Worth::Itself, flow),
        Sample::cookie("another browser's flow cookie", of_flow, Worth::Nothing, &"x".repeat(32)),
        Sample::cookie("operator cookie", operator, Worth::Itself, &owner),
        Sample::cookie("session as operator cookie", operator, Worth::Nothing, &session),
        Sample::cookie("portal form cookie", form_cookie, Worth::Itself, &form),
    ]
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

/// Status, headers and body of an answer, without what is drawn or counted.
async fn answer(request: RequestBuilder, route: &RouteView) -> String {
    if route.path.ends_with("/stream") {
        // The right answer has no end.
        let response = request.send().await.expect("the server answers");
        if response.status().is_success() {
            return response.status().to_string();
        }
        return blur(&format!("{} {}", response.status(), response.text().await.expect("text")));
    }
    let reply = Reply::of(request).await;
    let mut lines = vec![reply.status.to_string()];
    for (name, value) in &reply.headers {
        let value = value.to_str().expect("a header of text");
        match name.as_str() {
            "date" | "content-length" | "x-request-id" => {}
            "set-cookie" => {
                let (name, rest) = value.split_once('=').expect("a cookie");
                let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
                lines.push(format!("set-cookie {name} empty={} {attributes}", value.is_empty()));
            }
            name => lines.push(format!("{name}: {value}")),
        }
    }
    lines.push(reply.body);
    blur(&lines.join("\n"))
}

/// The text with a star for each word that is drawn or counted: a long one with digits or with both small and capital letters.
fn blur(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':');
    let mut blurred = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_part) {
        let (before, found) = rest.split_at(at);
        let (word, after) = found.split_at(found.find(|c| !is_part(c)).unwrap_or(found.len()));
        let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
        let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        let is_drawn = word.len() >= 16 && (has(u8::is_ascii_digit) || is_mixed);
        blurred.push_str(before);
        blurred.push_str(if is_drawn { "*" } else { word });
        rest = after;
    }
    blurred + rest
}

/// Where a right credential shows in no answer, because of what it is for.
fn is_silent(route: &RouteView, sample: &Sample) -> bool {
    match sample.carrier {
        // A flow belongs to its browser, whoever is signed in there; only guests are promoted.
        Carrier::Session | Carrier::AppSession => route.path.starts_with("/flow/") || route.path == "/settings/promote",
        // Where a flow begins, it is set again.
        Carrier::Flow => !route.path.starts_with("/flow/"),
        // It shows in the form token of a page.
        Carrier::PortalForm => route.method == "GET",
        // Tokens are revoked without it, too; a wrong secret is refused.
        Carrier::Basic => route.path == "/oauth2/revoke",
        Carrier::Bearer | Carrier::Operator => false,
    }
}

/// The routes of the listener that serves projects and portal. The page of metrics is on another one, and its handler is not given
/// the request.
fn public_routes() -> Vec<RouteView> {
    let routes = list_routes();
    let (metrics, public): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.face == Face::Metrics);
    assert!(metrics.len() == 1 && metrics[0].accepts.is_empty(), "{metrics:?}");
    public
}

async fn an_undeclared_credential_acts_like_none(engine: Engine) {
    let world = World::make(engine).await;
    let (mut ignored, mut beside) = (0, 0);
    let (mut shown, mut wrong) = (BTreeSet::new(), Vec::new());
    for route in public_routes() {
        let place = format!("{} {}", route.method, route.path);
        let nothing = world.answers(&route, &[]).await;
        assert_eq!(world.answers(&route, &[]).await, nothing, "{place}: two requests without credentials");
        let stale = world.answers(&route, &[&world.samples[0]]).await;
        for sample in &world.samples {
            let answers = world.answers(&route, &[sample]).await;
            if !sample.carrier.is_read_by(&route) {
                ignored += 1;
                if answers != nothing {
                    wrong.push(format!("{place} reads: {}\n{nothing:#?}\n{answers:#?}", sample.name));
                }
            } else if sample.is_right_for(&route) {
                shown.insert(sample.name);
                if answers == nothing && !is_silent(&route, sample) {
                    wrong.push(format!("{place} declares what makes no difference: {}\n{nothing:#?}", sample.name));
                }
                let together = [vec![sample], world.undeclared_beside(sample, &route)].concat();
                beside += together.len() - 1;
                let again = world.answers(&route, &together).await;
                if again != answers {
                    wrong.push(format!("{place} reads what stands beside: {}\n{answers:#?}\n{again:#?}", sample.name));
                }
            } else if sample.carrier == Carrier::Bearer && answers != stale {
                wrong.push(format!("{place} accepts: {}\n{stale:#?}\n{answers:#?}", sample.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(ignored > 3_000 && beside > 500, "{ignored} {beside}");
    for sample in world.samples.iter().filter(|sample| sample.worth != Worth::Nothing) {
        assert!(shown.contains(sample.name), "no route accepts: {}", sample.name);
    }
}

async fn an_admin_key_without_the_scope_is_refused(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let http: Http = server.http();
    let mut tried = 0;
    for scope in Scope::ALL {
        let narrow = Admin::new(&server, &[scope]).await;
        for route in list_routes() {
            let Some(Credential::AdminKey(needed)) = route.accepts.first() else { continue };
            let (method, path) = (route.method.parse().expect("a method"), route.path.replace(['{', '}'], ""));
            let request = http.request(method, &path).bearer_auth(&narrow.token).json(&json!({}));
            let status = request.send().await.expect("the server answers").status();
            assert_eq!(status == 403, *needed != scope, "{} {path} with {}: {status}", route.method, scope.as_str());
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

on_both_engines!(an_undeclared_credential_acts_like_none, an_admin_key_without_the_scope_is_refused);
