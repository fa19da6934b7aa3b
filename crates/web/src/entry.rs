//! What happens to every request before and after its handler: the project is found, the client's address and the request
//! ID are determined, the response is counted and gets the common headers.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use vestibule_app::{
    adapters::clock::Stopwatch, ctx::RequestId, metrics::CountedRoute, overload::Overload, state::App, trace::Span,
};
use vestibule_protocol::{echo, limits::TARGET_BYTES};

use crate::{
    credentials::{Brought, longest_header},
    error, forwarded,
    look_ahead::only_looks,
    misdirected,
    peer::Peer,
    visit::Visit,
};

/// The router's middleware: [`begin`], the route, [`RequestRecord::end`].
pub async fn enter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let entry = match begin(&app, peer_of(&request), &request) {
        Ok(entry) => entry,
        Err(response) => return response,
    };
    let EntryPoint { visit, record } = entry;
    let brought = Brought::take(request.headers_mut());
    let extensions = request.extensions_mut();
    let request_id = visit.request_id;
    extensions.insert(visit);
    extensions.insert(brought);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = record.span.around(next.run(request)).await;
    record.end(&app, request_id, Route::of(route.as_ref()), &mut response);
    response
}

/// A request in progress.
pub struct EntryPoint {
    pub visit: Visit,
    pub record: RequestRecord,
}

/// Finds the project of a request, or returns an error response.
pub fn begin(app: &Arc<App>, peer: IpAddr, request: &Request) -> Result<EntryPoint, Response> {
    check_head(request)?;
    let from_proxy = forwarded::is_trusted(&app.config.server, peer);
    let [forwarded, own] = hosts_of(request, from_proxy);
    // A proxy's resolver request carries the app's host in the forwarding header, and this server's host itself.
    let project = [&forwarded, &own].into_iter().flatten().find_map(|host| app.projects.find_by_host(host));
    let Some(project) = project else {
        let host = forwarded.or(own);
        return Err(misdirected::answer(app, request, host.as_deref(), from_proxy));
    };
    if from_proxy && let Some(response) = misdirected::redirect_to_https(app, &project, request) {
        return Err(response);
    }
    let request_id = RequestId::new(app.entropy.bytes());
    let ip = if from_proxy { forwarded::client_ip(&app.config.server, request.headers(), peer) } else { peer };
    let is_use = !only_looks(request.method(), request.headers());
    let visit = Visit { now: app.clock.now(), app: Arc::clone(app), project, ip, request_id, is_use };
    Ok(EntryPoint { visit, record: RequestRecord::now(request, from_proxy) })
}

/// Rejects a URL or header that is too long, before anything parses it.
pub fn check_head(request: &Request) -> Result<(), Response> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > TARGET_BYTES) {
        let text = format!("The path and query are longer than {} KiB.\n", TARGET_BYTES / 1024);
        return Err(error::plain(StatusCode::URI_TOO_LONG, text));
    }
    match request.headers().iter().find(|(name, value)| value.len() > longest_header(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let text =
                format!("The header {} is longer than {} KiB.\n", echo(name.as_str()), longest_header(name) / 1024);
            Err(error::plain(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text))
        }
    }
}

/// Runs a handler; counts and logs the response and adds the common headers.
pub async fn answer(app: &App, request_id: RequestId, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let record = RequestRecord::now(&request, is_from_proxy(app, &request));
    let mut response = record.span.around(next.run(request)).await;
    record.end(app, request_id, Route::of(route.as_ref()), &mut response);
    response
}

/// The route of a request: its pattern, never the path.
#[derive(Clone, Copy)]
pub struct Route<'a> {
    pub pattern: &'a str,
    /// Its counters, if they are at hand.
    pub counters: Option<&'a CountedRoute>,
}

impl<'a> Route<'a> {
    fn of(matched: Option<&'a MatchedPath>) -> Self {
        Self { pattern: matched.map_or("none", MatchedPath::as_str), counters: None }
    }
}

/// What is logged about a request after its response.
pub struct RequestRecord {
    method: Method,
    watch: Stopwatch,
    /// The span of the request.
    pub span: Span,
}

impl RequestRecord {
    /// Accept the trace context of trusted proxies only: other clients could add to any trace.
    fn now(request: &Request, from_proxy: bool) -> Self {
        let span = Span::of_request(request.method(), from_proxy.then(|| request.headers()));
        Self { method: request.method().clone(), watch: Stopwatch::start(), span }
    }

    /// Counts the response and adds the common headers.
    pub fn end(&self, app: &App, request_id: RequestId, route: Route<'_>, response: &mut Response) {
        let (status, took) = (response.status().as_u16(), self.watch.elapsed());
        match route.counters {
            Some(counters) => counters.count(self.method.as_str(), status, took),
            None => app.metrics.count_request(self.method.as_str(), route.pattern, status, took),
        }
        let (request_id, route) = (request_id.as_str(), route.pattern);
        self.span.answered(&self.method, route, status);
        tracing::debug!(
            target: "vestibule::requests",
            {
                request.id = request_id,
                http.method = %self.method,
                http.route = route,
                http.status = status,
                duration.us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            },
            "answered a request"
        );
        if let Some(overload) = response.extensions_mut().remove::<Overload>() {
            app.report_overload(overload, request_id, route);
        }
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(ROBOTS, HeaderValue::from_static("noindex, nofollow"));
        headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, value);
        }
    }
}

/// A new request ID.
pub fn new_request_id(app: &App) -> RequestId {
    RequestId::new(app.entropy.bytes())
}

/// The peer of the connection.
fn peer_of(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip())
}

/// Whether a trusted proxy forwarded the request.
fn is_from_proxy(app: &App, request: &Request) -> bool {
    forwarded::is_trusted(&app.config.server, peer_of(request))
}

/// The requested host, from the request or a trusted proxy.
pub fn host_of<'a>(app: &App, request: &'a Request) -> Option<Cow<'a, str>> {
    let [forwarded, own] = hosts_of(request, is_from_proxy(app, request));
    forwarded.or(own)
}

/// The client's address.
pub fn address_of(app: &App, request: &Request) -> IpAddr {
    let peer = peer_of(request);
    let server = &app.config.server;
    if forwarded::is_trusted(server, peer) { forwarded::client_ip(server, request.headers(), peer) } else { peer }
}

/// Whether a trusted proxy says that the request came without TLS.
pub fn came_without_tls(app: &App, request: &Request) -> bool {
    is_from_proxy(app, request) && misdirected::came_without_tls(app, request)
}

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PERMISSIONS: &str = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)";

/// The requested host according to a trusted proxy, and the one in this request.
fn hosts_of(request: &Request, from_proxy: bool) -> [Option<Cow<'_, str>>; 2] {
    let forwarded = from_proxy.then(|| forwarded::host(request.headers())).flatten();
    let header = || request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).map(str::trim);
    // The host of an absolute target replaces that of the header (RFC 9112 §3.2.2).
    let own = request.uri().authority().map(|a| a.as_str()).or_else(header);
    [forwarded, own.map(Cow::Borrowed)]
}
