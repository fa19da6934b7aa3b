//! The table of routes: method, path, accepted credentials and handler of everything the server answers (decision 67). A
//! router is built from it and from nothing else; a handler's declaration is the type of what it is given.

use std::sync::Arc;

use axum::{Router, http::Method};

use crate::{admin_api, health, metrics_page};
use vestibule_api::{anonymous, oauth, resolver};
use vestibule_app::state::App;
use vestibule_pages as pages;
use vestibule_portal as portal;
use vestibule_web::{
    assets, cors, logo,
    route::{Face, Route},
};

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
    (RouteGroup::Portal, portal_pages),
    (RouteGroup::AdminDescription, admin_api::open_routes),
    (RouteGroup::AdminApi, admin_api::guarded_routes),
];

/// Adds the table's routes of one group to a router. There is no other way to serve a route: only this file
/// reads its handler, so what is not in the table answers no request.
pub(super) fn mount(router: Router<Arc<App>>, group: RouteGroup) -> Router<Arc<App>> {
    let routes = GROUPS.into_iter().filter(|(own, _)| *own == group).flat_map(|(_, routes)| routes());
    routes.fold(router, |router, route| router.route(route.path, route.endpoint))
}

/// Every route of every face.
pub(crate) fn table() -> Vec<Route> {
    GROUPS.into_iter().flat_map(|(_, routes)| routes()).collect()
}

/// The portal, which is given what it shows of the hosted pages.
fn portal_pages() -> Vec<Route> {
    portal::table(pages::preview::render)
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
            "client_assertion",
            "code",
            "device_code",
            "refresh_token",
            "jwt",
        ]),
        Route::new(oauth, Method::POST, "/oauth2/device_authorization", oauth::device_authorization::begin).reads(&[
            "client_id",
            "client_secret",
            "client_assertion",
        ]),
        Route::new(oauth, Method::POST, "/oauth2/par", oauth::par::push).reads(&[
            "client_id",
            "client_secret",
            "client_assertion",
        ]),
        Route::new(oauth, Method::POST, "/oauth2/challenge", oauth::challenge::issue),
        Route::new(oauth, Method::POST, "/oauth2/app_session_token", oauth::app_session_token::issue)
            .reads(&["refresh_token"]),
        Route::new(oauth, Method::POST, "/oauth2/revoke", oauth::revoke::revoke).reads(&[
            "client_id",
            "client_secret",
            "client_assertion",
            "token",
        ]),
        Route::new(oauth, Method::GET, "/oauth2/userinfo", oauth::user_info::user_info),
        Route::new(oauth, Method::POST, "/oauth2/userinfo", oauth::user_info::user_info),
        Route::new(api, Method::POST, "/api/anonymous_user/signup", anonymous::sign_up)
            .reads(&["refresh_token", "idempotency_key"]),
        Route::new(api, Method::POST, "/api/anonymous_user/promotion_code", anonymous::promotion_code)
            .reads(&["refresh_token"]),
    ])
}

/// What people open in their browser.
fn browser_pages() -> Vec<Route> {
    let (oauth, hosted) = (Face::OAuth, Face::HostedPages);
    let hints = &["login_hint", "id_token_hint"];
    let mut routes = vec![
        Route::new(oauth, Method::GET, "/oauth2/authorize", oauth::authorize::get).reads(hints).with_effect(),
        Route::new(oauth, Method::POST, "/oauth2/authorize", oauth::authorize::post).reads(hints),
        Route::new(oauth, Method::GET, "/oauth2/end_session", oauth::end_session::get)
            .reads(&["id_token_hint"])
            .with_effect(),
        Route::new(oauth, Method::POST, "/oauth2/end_session", oauth::end_session::post),
        Route::new(hosted, Method::GET, "/logout", pages::sign_out::confirm),
        Route::new(hosted, Method::POST, "/logout", pages::sign_out::sign_out),
        Route::new(hosted, Method::GET, "/logged-out", pages::sign_out::left),
        Route::new(hosted, Method::GET, "/security/{link}", pages::security::show).reads(&["link"]),
        Route::new(hosted, Method::POST, "/security/{link}", pages::security::act).reads(&["link"]),
        Route::new(hosted, Method::GET, "/flow/{id}", pages::flow::show),
        Route::new(hosted, Method::GET, "/flow/{id}/{view}", pages::flow::show_step),
        Route::new(hosted, Method::POST, "/flow/{id}/{view}", pages::flow::act),
        Route::new(hosted, Method::GET, "/sso/oauth2/callback/{alias}", pages::flow::provider::callback).with_effect(),
        Route::new(hosted, Method::POST, "/sso/oauth2/callback/{alias}", pages::flow::provider::receive),
        Route::new(Face::Assets, Method::GET, "/assets/{*path}", assets::serve),
        Route::new(Face::Assets, Method::GET, "/logo/{file}", logo::serve),
    ];
    routes.extend(pages::device::routes());
    routes.extend(pages::account::routes());
    routes
}

/// What backends and proxies call.
fn called_by_servers() -> Vec<Route> {
    vec![
        Route::new(Face::OAuth, Method::POST, "/oauth2/introspect", oauth::introspect::introspect).reads(&[
            "client_id",
            "client_secret",
            "client_assertion",
            "token",
        ]),
        Route::of_any_method(Face::Resolver, "/_resolver/resolve", resolver::resolve),
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
    vec![Route::of_server(Face::Metrics, "/metrics", metrics_page::print)]
}

/// Adds what browsers ask before a script of another origin may call: no credential comes with that.
fn with_preflights(routes: Vec<Route>) -> Vec<Route> {
    let mut paths: Vec<(Face, &'static str)> = routes.iter().map(|route| (route.face, route.path)).collect();
    paths.dedup();
    let preflights = paths.into_iter().map(|(face, path)| Route::new(face, Method::OPTIONS, path, cors::preflight));
    let preflights: Vec<Route> = preflights.collect();
    routes.into_iter().chain(preflights).collect()
}
