//! The most frequent routes, answered before the router: matching a path and passing through boxed layers costs more
//! than some of these responses (ADR 50). Each of them is a route of the router too.

use std::{net::IpAddr, pin::Pin, sync::Arc};

use axum::{Router, extract::Request, http::Method, response::Response};
use tower::ServiceExt;
use vestibule_app::{metrics::CountedRoute, state::App};
use vestibule_web::{
    cors,
    credentials::{Accepts, Brought},
    entry::{self, EntryPoint, Route},
    peer::Peer,
    visit::Visit,
};

use crate::{anonymous, oauth, resolver};

/// The entry point for requests.
#[derive(Clone)]
pub(crate) struct Front {
    app: Arc<App>,
    router: Router,
    /// The counters of each hot route.
    counters: Arc<[CountedRoute; HotRoute::ALL.len()]>,
}

/// A frequent route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HotRoute {
    SignUp,
    Challenge,
    Token,
    UserInfo,
    Resolve,
}

impl HotRoute {
    const ALL: [Self; 5] = [Self::SignUp, Self::Challenge, Self::Token, Self::UserInfo, Self::Resolve];

    /// The route of a request in its usual spelling; the router handles all others.
    fn find(method: &Method, path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hot| hot.path() == path && hot.takes(method))
    }

    const fn path(self) -> &'static str {
        match self {
            Self::SignUp => "/api/anonymous_user/signup",
            Self::Challenge => "/oauth2/challenge",
            Self::Token => "/oauth2/token",
            Self::UserInfo => "/oauth2/userinfo",
            Self::Resolve => "/_resolver/resolve",
        }
    }

    fn takes(self, method: &Method) -> bool {
        match self {
            Self::SignUp | Self::Challenge | Self::Token => method == Method::POST,
            Self::UserInfo => method == Method::GET || method == Method::POST,
            Self::Resolve => method == Method::GET,
        }
    }
}

impl Front {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let counters = HotRoute::ALL.map(|hot| app.metrics.find_route(hot.path()));
        Self { router: crate::router::router(Arc::clone(&app)), counters: Arc::new(counters), app }
    }

    /// Handles a request.
    pub(crate) async fn answer(&self, Peer(peer): Peer, mut request: Request) -> Response {
        match HotRoute::find(request.method(), request.uri().path()) {
            Some(hot) => self.answer_hot(hot, peer.ip(), request).await,
            None => {
                request.extensions_mut().insert(Peer(peer));
                self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
            }
        }
    }

    async fn answer_hot(&self, hot: HotRoute, peer: IpAddr, mut request: Request) -> Response {
        let EntryPoint { visit, record } = match entry::begin(&self.app, peer, &request) {
            Ok(started) => started,
            Err(response) => return response,
        };
        let request_id = visit.request_id;
        let brought = Brought::take(request.headers_mut());
        let cors = (hot != HotRoute::Resolve).then(|| cors::Dynamic::read(&visit, request.headers()));
        let answering = async {
            match hot {
                HotRoute::SignUp => boxed(anonymous::sign_up, visit, brought, request).await,
                HotRoute::Challenge => boxed(oauth::challenge::issue, visit, brought, request).await,
                HotRoute::Token => boxed(oauth::token::token, visit, brought, request).await,
                HotRoute::UserInfo => boxed(oauth::user_info::user_info, visit, brought, request).await,
                HotRoute::Resolve => boxed(resolver::resolve, visit, brought, request).await,
            }
        };
        let mut response = record.span.around(answering).await;
        if let Some(cors) = cors {
            cors.allow(response.headers_mut());
        }
        let route = Route { pattern: hot.path(), counters: Some(&self.counters[hot as usize]) };
        record.end(&self.app, request_id, route, &mut response);
        response
    }
}

/// Calls a handler with the credentials that its route declares. Boxed, so that a connection holds only the future of
/// its own request.
fn boxed<A: Accepts, F: Future<Output = Response>>(
    handler: impl FnOnce(Visit, A, Request) -> F,
    visit: Visit,
    brought: Brought,
    request: Request,
) -> Pin<Box<F>> {
    let kept = A::keep(brought, &visit.project);
    Box::pin(handler(visit, kept, request))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::header};
    use http_body_util::BodyExt;
    use vestibule_app::test_app;

    use super::*;

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
        let front = Front::new(test_app::open_app(folder.path(), PROJECT).await);
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
                assert!(HotRoute::find(make().method(), make().uri().path()).is_some(), "{method} {path}");
                let mut behind = make();
                behind.extensions_mut().insert(peer);
                let behind =
                    print(front.router.clone().oneshot(behind).await.unwrap_or_else(|never| match never {})).await;
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
            assert_eq!(HotRoute::find(request.method(), path), None, "{method} {path}");
        }
        front.app.store.close().await;
    }
}
