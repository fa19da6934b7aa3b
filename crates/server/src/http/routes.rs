//! The table of routes: method, path, accepted credentials and handler of everything the server answers (decision 67). A
//! router is built from it and from nothing else; a handler's declaration is the type of what it is given.

use std::sync::Arc;

use axum::{
    RequestPartsExt, Router,
    extract::{RawPathParams, Request, State},
    handler::Handler,
    http::{Method, request::Parts},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};

use super::{
    admin_api, anonymous, assets, cors,
    credentials::{Accepts, Brought, CredentialKind},
    health, metrics, oauth, pages, portal, resolver,
    visit::Visit,
};
use crate::app::App;

/// One of the HTTP surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// OAuth 2.0 and OpenID Connect.
    OAuth,
    /// The JSON API of the SDKs.
    SdkApi,
    /// The pages of sign-up, sign-in and promotion.
    HostedPages,
    /// The account pages.
    AccountPages,
    /// What a reverse proxy asks.
    Resolver,
    /// The operators' portal.
    Portal,
    /// The Admin API.
    AdminApi,
    /// Health and readiness.
    Probes,
    /// Style sheets, scripts and images.
    Assets,
    /// The metrics page, on a listener of its own.
    Metrics,
}

/// A route: who answers what, and which credentials of a request it is given.
pub(crate) struct Route {
    pub(crate) face: Face,
    pub(crate) method: Method,
    /// What stands before the path.
    pub(crate) mount: &'static str,
    pub(crate) path: &'static str,
    pub(crate) accepts: Vec<CredentialKind>,
    /// Credentials in the request's own parameters, which the handler reads itself.
    pub(crate) parameters: &'static [&'static str],
    endpoint: MethodRouter<Arc<App>>,
}

impl Face {
    /// Every face, in the order of the reference page.
    pub const ALL: [Self; 10] = [
        Self::OAuth,
        Self::SdkApi,
        Self::HostedPages,
        Self::AccountPages,
        Self::Resolver,
        Self::AdminApi,
        Self::Portal,
        Self::Probes,
        Self::Metrics,
        Self::Assets,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OAuth => "OAuth and OpenID Connect",
            Self::SdkApi => "SDK API",
            Self::HostedPages => "Hosted pages",
            Self::AccountPages => "Account pages",
            Self::Resolver => "Resolver",
            Self::Portal => "Portal",
            Self::AdminApi => "Admin API",
            Self::Probes => "Probes",
            Self::Assets => "Assets",
            Self::Metrics => "Metrics",
        }
    }
}

impl Route {
    /// A route of a project. What it accepts is the type of the handler's second parameter.
    fn new<A, F>(
        face: Face,
        method: Method,
        path: &'static str,
        handler: impl Fn(Visit, A, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        A: Accepts,
        F: Future<Output = Response> + Send + 'static,
    {
        let endpoint = move |visit: Visit, mut request: Request| {
            let brought = request.extensions_mut().remove::<Brought>().unwrap_or_default();
            let kept = A::keep(brought, &visit.project);
            handler(visit, kept, request)
        };
        Self::declare(face, (method, path), A::ACCEPTS.to_vec(), endpoint)
    }

    /// A route that is asked without a project.
    fn of_server<F, R>(
        face: Face,
        path: &'static str,
        handler: impl Fn(Arc<App>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: IntoResponse,
    {
        let endpoint = move |State(app): State<Arc<App>>| handler(app);
        Self::declare(face, (Method::GET, path), Vec::new(), endpoint)
    }

    /// A route with its declaration, for faces that give their handlers another caller.
    pub(super) fn declare<T: 'static>(
        face: Face,
        (method, path): (Method, &'static str),
        accepts: Vec<CredentialKind>,
        handler: impl Handler<T, Arc<App>>,
    ) -> Self {
        let filter = MethodFilter::try_from(method.clone()).expect("a method of the table is one of the usual ones");
        Self { face, method, mount: "", path, accepts, parameters: &[], endpoint: on(filter, handler) }
    }

    /// The same below a path.
    pub(super) fn below(self, mount: &'static str) -> Self {
        Self { mount, ..self }
    }

    /// Names the credentials that the handler reads from the request's own parameters.
    fn reads(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    /// Puts something around the handler.
    pub(super) fn around(mut self, wrap: impl FnOnce(MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>>) -> Self {
        self.endpoint = wrap(self.endpoint);
        self
    }

    /// The whole path, with `{parameters}`.
    pub(crate) fn full_path(&self) -> String {
        format!("{}{}", self.mount, self.path)
    }
}

/// Routes that are put into a router together, because the same middleware is around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RouteGroup {
    OpenDocuments,
    CalledByScripts,
    BrowserPages,
    CalledByServers,
    Probes,
    MetricsPage,
    Portal,
    AdminDescription,
    AdminApi,
}

/// The table by groups: what is listed and what is served are both read from here.
const GROUPS: [(RouteGroup, fn() -> Vec<Route>); 9] = [
    (RouteGroup::OpenDocuments, open_documents),
    (RouteGroup::CalledByScripts, called_by_scripts),
    (RouteGroup::BrowserPages, browser_pages),
    (RouteGroup::CalledByServers, called_by_servers),
    (RouteGroup::Probes, probes),
    (RouteGroup::MetricsPage, metrics_page),
    (RouteGroup::Portal, portal::table),
    (RouteGroup::AdminDescription, admin_api::open_routes),
    (RouteGroup::AdminApi, admin_api::guarded_routes),
];

/// Adds the table's routes of one group to a router. There is no other way to serve a route: its handler is private to this
/// file, so what is not in the table answers no request.
pub(super) fn mount(router: Router<Arc<App>>, group: RouteGroup) -> Router<Arc<App>> {
    let routes = GROUPS.into_iter().filter(|(own, _)| *own == group).flat_map(|(_, routes)| routes());
    routes.fold(router, |router, route| router.route(route.path, route.endpoint))
}

/// Every route of every face.
pub(crate) fn table() -> Vec<Route> {
    GROUPS.into_iter().flat_map(|(_, routes)| routes()).collect()
}

/// Documents that every origin may read.
fn open_documents() -> Vec<Route> {
    let get = |path, handler| Route::new(Face::OAuth, Method::GET, path, handler);
    let metadata = oauth::discovery::metadata;
    with_preflights(vec![
        get("/.well-known/openid-configuration", metadata),
        get("/.well-known/oauth-authorization-server", metadata),
        Route::new(Face::OAuth, Method::GET, "/oauth2/jwks", oauth::discovery::jwks),
    ])
}

/// What scripts call from the project's origins.
fn called_by_scripts() -> Vec<Route> {
    let (oauth, api) = (Face::OAuth, Face::SdkApi);
    with_preflights(vec![
        Route::new(oauth, Method::POST, "/oauth2/token", oauth::token::token).reads(&[
            "client_id",
            "client_secret",
            "code",
            "refresh_token",
            "jwt",
        ]),
        Route::new(oauth, Method::POST, "/oauth2/challenge", oauth::challenge::issue),
        Route::new(oauth, Method::POST, "/oauth2/app_session_token", oauth::app_session_token::issue)
            .reads(&["refresh_token"]),
        Route::new(oauth, Method::POST, "/oauth2/revoke", oauth::revoke::revoke).reads(&[
            "client_id",
            "client_secret",
            "token",
        ]),
        Route::new(oauth, Method::GET, "/oauth2/userinfo", oauth::user_info::user_info),
        Route::new(oauth, Method::POST, "/oauth2/userinfo", oauth::user_info::user_info),
        Route::new(api, Method::POST, "/api/anonymous_user/signup", anonymous::sign_up).reads(&["refresh_token"]),
        Route::new(api, Method::POST, "/api/anonymous_user/promotion_code", anonymous::promotion_code)
            .reads(&["refresh_token"]),
    ])
}

/// What people open in their browser.
fn browser_pages() -> Vec<Route> {
    let (oauth, hosted) = (Face::OAuth, Face::HostedPages);
    let hints = &["login_hint", "id_token_hint"];
    let mut routes = vec![
        Route::new(oauth, Method::GET, "/oauth2/authorize", oauth::authorize::get).reads(hints),
        Route::new(oauth, Method::POST, "/oauth2/authorize", oauth::authorize::post).reads(hints),
        Route::new(oauth, Method::GET, "/oauth2/end_session", oauth::end_session::get).reads(&["id_token_hint"]),
        Route::new(oauth, Method::POST, "/oauth2/end_session", oauth::end_session::post),
        Route::new(hosted, Method::GET, "/logout", pages::sign_out::confirm),
        Route::new(hosted, Method::POST, "/logout", pages::sign_out::sign_out),
        Route::new(hosted, Method::GET, "/logged-out", pages::sign_out::left),
        Route::new(hosted, Method::GET, "/flow/{id}", pages::flow::show),
        Route::new(hosted, Method::GET, "/flow/{id}/{view}", pages::flow::show_step),
        Route::new(hosted, Method::POST, "/flow/{id}/{view}", pages::flow::act),
        Route::new(Face::Assets, Method::GET, "/assets/{*path}", assets::asset),
    ];
    routes.extend(pages::settings::routes());
    routes
}

/// What backends and proxies call.
fn called_by_servers() -> Vec<Route> {
    vec![
        Route::new(Face::OAuth, Method::POST, "/oauth2/introspect", oauth::introspect::introspect).reads(&[
            "client_id",
            "client_secret",
            "token",
        ]),
        Route::new(Face::Resolver, Method::GET, "/_resolver/resolve", resolver::resolve),
    ]
}

/// Probes come without the project's host name.
fn probes() -> Vec<Route> {
    vec![
        Route::of_server(Face::Probes, "/healthz", |_| health::healthz()),
        Route::of_server(Face::Probes, "/readyz", health::readyz),
    ]
}

/// The page on the listener for metrics.
fn metrics_page() -> Vec<Route> {
    vec![Route::of_server(Face::Metrics, "/metrics", metrics::print)]
}

/// A page of the account.
pub(super) fn account_page<A, F>(
    method: Method,
    path: &'static str,
    handler: impl Fn(Visit, A, Request) -> F + Clone + Send + Sync + 'static,
) -> Route
where
    A: Accepts,
    F: Future<Output = Response> + Send + 'static,
{
    Route::new(Face::AccountPages, method, path, handler)
}

/// A route of the Admin API that is asked without a key.
pub(super) fn api_description<F>(
    path: &'static str,
    handler: impl Fn(Visit, super::credentials::NoCredential, Request) -> F + Clone + Send + Sync + 'static,
) -> Route
where
    F: Future<Output = Response> + Send + 'static,
{
    Route::new(Face::AdminApi, Method::GET, path, handler)
}

/// Adds what browsers ask before a script of another origin may call: no credential comes with that.
fn with_preflights(routes: Vec<Route>) -> Vec<Route> {
    let mut paths: Vec<(Face, &'static str)> = routes.iter().map(|route| (route.face, route.path)).collect();
    paths.dedup();
    let preflights = paths.into_iter().map(|(face, path)| Route::new(face, Method::OPTIONS, path, cors::preflight));
    let preflights: Vec<Route> = preflights.collect();
    routes.into_iter().chain(preflights).collect()
}

/// A part of the path, empty if there is no such one.
pub(super) async fn path_parameter(parts: &mut Parts, name: &str) -> String {
    let all = parts.extract::<RawPathParams>().await;
    let found = all.ok().and_then(|all| all.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string()));
    found.unwrap_or_default()
}
