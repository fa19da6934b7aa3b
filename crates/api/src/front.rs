//! The most frequent routes, answered before the router: matching a path and passing through boxed layers costs more
//! than some of these responses (ADR 50). Each of them is a route of the router too.

use std::{net::IpAddr, sync::Arc};

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

use crate::{Answering, anonymous, oauth, resolver};

/// The entry point for requests.
pub struct Front {
    app: Arc<App>,
    router: Router,
    /// The counters of each hot route.
    counters: [CountedRoute; HotRoute::ALL.len()],
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
    /// An entry point with the router that has all routes, these among them.
    pub fn new(app: Arc<App>, router: Router) -> Self {
        let counters = HotRoute::ALL.map(|hot| app.metrics.find_route(hot.path()));
        Self { router, counters, app }
    }

    /// Whether requests like this one are answered before the router.
    #[must_use]
    pub fn answers(method: &Method, path: &str) -> bool {
        HotRoute::find(method, path).is_some()
    }

    /// Handles a request.
    pub async fn answer(&self, Peer(peer): Peer, mut request: Request) -> Response {
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
                HotRoute::SignUp => call(anonymous::sign_up, visit, brought, request).await,
                HotRoute::Challenge => call(oauth::challenge::issue, visit, brought, request).await,
                HotRoute::Token => call(oauth::token::token, visit, brought, request).await,
                HotRoute::UserInfo => call(oauth::user_info::user_info, visit, brought, request).await,
                HotRoute::Resolve => call(resolver::resolve, visit, brought, request).await,
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

/// Calls a handler with the credentials that its route declares.
fn call<A: Accepts>(
    handler: fn(Visit, A, Request) -> Answering,
    visit: Visit,
    brought: Brought,
    request: Request,
) -> Answering {
    let kept = A::keep(brought, &visit.project);
    handler(visit, kept, request)
}
