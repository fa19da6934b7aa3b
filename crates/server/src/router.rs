//! The routers: everything that the server answers, and the listener for metrics.

use std::sync::Arc;

use axum::{Router, middleware};
use vestibule_app::state::App;

use crate::{
    admin_api,
    route_table::{RouteGroup, mount},
};
use vestibule_pages as pages;
use vestibule_portal as portal;
use vestibule_web::{cors, entry, route::ADMIN_API_PREFIX};

/// The router of everything but the metrics page. Which route accepts which credentials is in [`crate::route_table`].
pub(crate) fn router(app: Arc<App>) -> Router {
    let open = mount(Router::new(), RouteGroup::OpenDocuments).layer(middleware::from_fn(cors::open));
    let scripts = mount(Router::new(), RouteGroup::CalledByScripts).layer(middleware::from_fn(cors::dynamic));
    let (description, guarded) = (RouteGroup::AdminDescription, RouteGroup::AdminApi);
    let admin_api = admin_api::router(mount(Router::new(), description), mount(Router::new(), guarded));
    let projects = mount(open.merge(scripts), RouteGroup::BrowserPages);
    let projects = mount(projects, RouteGroup::CalledByServers)
        .nest(ADMIN_API_PREFIX, admin_api)
        .fallback(pages::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), entry::enter))
        .with_state(Arc::clone(&app));
    let probes = mount(Router::new(), RouteGroup::Probes).with_state(Arc::clone(&app));
    let portal = portal::router(&app, mount(Router::new(), RouteGroup::Portal), projects.clone());
    projects.merge(portal).merge(probes)
}

/// The router of the listener for metrics: `/metrics`, `/healthz` and `/readyz`. Strangers need not reach that listener,
/// and cannot fill it.
pub(crate) fn metrics_router(app: Arc<App>) -> Router {
    mount(mount(Router::new(), RouteGroup::MetricsPage), RouteGroup::Probes).with_state(app)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request, http::header, response::Response};
    use http_body_util::BodyExt;
    use vestibule_app::test_app;

    use super::*;
    use tower::ServiceExt;
    use vestibule_api::front::Front;
    use vestibule_web::peer::Peer;

    const PROJECT: &str = r#"
[project]
id = "shop"
public_origin = "http://auth.test"

[authentication]
identities = ["anonymous"]

[[oauth.clients]]
client_id = "shop-web"
x_application_type = "spa"
redirect_uris = ["http://shop.test/after-login"]
"#;

    fn request(method: &str, path: &str, host: &str, origin: Option<&str>, body: &'static str) -> Request {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, host);
        request = request.header(header::AUTHORIZATION, "Bearer stale");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        request.header(header::CONTENT_TYPE, kind).body(Body::from(body)).expect("a request")
    }

    /// Status, headers without the values that differ each time, and the body. (The router writes `content-length`
    /// itself; otherwise the connection does.)
    async fn print(response: Response) -> (u16, Vec<String>, String) {
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH);
        let named = headers.map(|(name, value)| match name.as_str() {
            "x-request-id" | "set-cookie" => name.to_string(),
            _ => format!("{name}: {}", value.to_str().expect("text")),
        });
        let mut named: Vec<String> = named.collect();
        named.sort_unstable();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status.as_u16(), named, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_hot_route_answers_as_it_does_behind_the_router() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let app = test_app::open_app(folder.path(), PROJECT).await;
        let router = router(Arc::clone(&app));
        let front = Front::new(Arc::clone(&app), router.clone());
        let peer = Peer("203.0.113.9:4711".parse().expect("an address"));
        let (guest, cookie) =
            (r#"{"session_type":"refresh_token","client_id":"shop-web"}"#, r#"{"session_type":"cookie"}"#);
        let mut record = 0;
        for (method, path, body) in [
            ("POST", "/api/anonymous_user/signup", guest),
            ("POST", "/api/anonymous_user/signup", cookie),
            ("POST", "/api/anonymous_user/signup", "{"),
            ("POST", "/oauth2/challenge", r#"{"purpose":"anonymous_request"}"#),
            ("POST", "/oauth2/challenge", r#"{"purpose":"nothing"}"#),
            ("POST", "/oauth2/token", "grant_type=refresh_token&client_id=shop-web&refresh_token=x"),
            ("POST", "/oauth2/token", "grant_type=%"),
            ("GET", "/oauth2/userinfo", ""),
            ("POST", "/oauth2/userinfo", ""),
            ("GET", "/_resolver/resolve", ""),
            ("GET", "/_resolver/resolve?require=member", ""),
            ("GET", "/_resolver/resolve?require=nonsense", ""),
        ] {
            for (host, origin) in [
                ("auth.test", None),
                ("auth.test", Some("http://shop.test")),
                ("auth.test", Some("http://evil.test")),
                ("x", None),
            ] {
                let make = || request(method, path, host, origin, body);
                assert!(Front::answers(make().method(), make().uri().path()), "{method} {path}");
                let mut behind = make();
                behind.extensions_mut().insert(peer);
                let behind = print(router.clone().oneshot(behind).await.unwrap_or_else(|never| match never {})).await;
                let direct = print(front.answer(peer, make()).await).await;
                assert_eq!(direct.0, behind.0, "{method} {path} {host} {origin:?}");
                assert_eq!(direct.1, behind.1, "{method} {path} {host} {origin:?}");
                if direct.0 != 200 {
                    assert_eq!(direct.2, behind.2, "{method} {path} {host} {origin:?}");
                }
                record += 1;
            }
        }
        assert_eq!(record, 48);
        for (method, path) in [("OPTIONS", "/oauth2/token"), ("HEAD", "/_resolver/resolve"), ("GET", "/oauth2/token")] {
            let request = request(method, path, "auth.test", None, "");
            assert!(!Front::answers(request.method(), path), "{method} {path}");
        }
        app.store.close().await;
    }
}
