//! Every route of the table, with the credential it declares: its query, each segment of its path, its body as a form and as
//! JSON, and the headers that something reads; and every parameter of OAuth at every endpoint.

use hyper::Method;
use vestibule_protocol::{limits::FORM_BYTES, oauth::PARAMETERS};
use vestibule_server::routes::{CredentialKind, Face, RouteView, list_routes};

use super::{
    callers::Callers,
    patterns::Shape,
    targets::{FORM, JSON, Place, Target},
};
use crate::support::TestServer;

/// Headers that routes read, as many at a time as have room in a head.
const HEADERS: [&[&str]; 2] = [
    &["authorization", "accept", "accept-language", "user-agent", "traceparent"],
    &[
        "cookie",
        "dpop",
        "origin",
        "access-control-request-headers",
        "access-control-request-method",
        "if-match",
        "last-event-id",
        "x-forwarded-for",
    ],
];
/// Read by the Admin API, before anything else of the request.
const KEY: &[&str] = &["idempotency-key"];
/// Headers that decide where a request goes and how it is read: the same for all routes of a face.
const FIRST_HEADERS: [&[&str]; 5] = [
    &["host"],
    &["content-type"],
    &["x-forwarded-host"],
    &["x-forwarded-proto"],
    &["sec-fetch-site", "sec-fetch-mode"],
];

const MEGABYTE: usize = 1024 * 1024;
/// A form as large as it may be, for every method.
const BODY: Place = Place::Body { content_type: FORM, shape: Shape::Plain, longest: FORM_BYTES };
/// A larger one, and JSON.
const BODIES: [Place; 2] = [
    Place::Body { content_type: FORM, shape: Shape::Plain, longest: MEGABYTE },
    Place::Body { content_type: JSON, shape: Shape::JsonBody, longest: MEGABYTE },
];

pub(super) fn targets(callers: &Callers) -> Vec<Target> {
    // The metrics have a listener of their own, which answers one path and reads nothing.
    let routes: Vec<RouteView> = list_routes().into_iter().filter(|route| route.face != Face::Metrics).collect();
    let mut targets = Vec::new();
    for face in Face::ALL {
        // With a body, if there is such a one.
        let first = routes.iter().filter(|route| route.face == face).max_by_key(|route| &route.method);
        let places = FIRST_HEADERS.map(Place::Headers);
        targets.extend(first.into_iter().flat_map(|route| places.clone().map(|place| target(route, callers, place))));
    }
    targets.extend(routes.iter().flat_map(|route| targets_of(route, callers)));
    targets
}

fn targets_of(route: &RouteView, callers: &Callers) -> Vec<Target> {
    let mut places = vec![Place::Query, BODY];
    places.extend(HEADERS.map(Place::Headers));
    if matches!(&*route.method, "POST" | "PUT" | "PATCH") {
        places.extend(BODIES);
        if route.face == Face::AdminApi {
            places.push(Place::Headers(KEY));
        }
    }
    let mut targets: Vec<Target> = places.into_iter().map(|place| target(route, callers, place)).collect();
    let segments = route.path.split('/').filter(|segment| segment.starts_with('{'));
    targets.extend(segments.map(|segment| {
        let path = route.path.replacen(segment, MARK, 1);
        let mut target = target(route, callers, Place::Segment);
        target.path = callers.path(&path).replace(MARK, "{}");
        target
    }));
    targets
}

/// Stands for a segment of a path.
const MARK: &str = "\u{1}";

fn target(route: &RouteView, callers: &Callers, place: Place) -> Target {
    let method: Method = route.method.parse().expect("a method");
    let target = Target::new(method, &callers.path(&route.path), place);
    // A stream would not end.
    let credential = credential_of(route, callers).filter(|_| !route.path.ends_with("/stream"));
    credential.into_iter().fold(target, |target, (name, value)| target.with(name, value))
}

/// The credential that a route declares, as a header.
fn credential_of<'a>(route: &RouteView, callers: &'a Callers) -> Option<(&'static str, &'a str)> {
    let header = |credential: &CredentialKind| match credential {
        CredentialKind::SessionCookie | CredentialKind::AppSessionCookie => Some(("cookie", callers.member.as_str())),
        CredentialKind::OperatorCookie(_) | CredentialKind::PortalFormCookie => {
            Some(("cookie", callers.operator.as_str()))
        }
        CredentialKind::BearerToken(_) => Some(("authorization", callers.guest.as_str())),
        CredentialKind::AdminKey(_) => Some(("authorization", callers.admin.as_str())),
        CredentialKind::FlowCookie
        | CredentialKind::KnownDeviceCookie
        | CredentialKind::PortalKnownDeviceCookie
        | CredentialKind::ClientAuthentication => None,
    };
    route.accepts.iter().find_map(header)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect()
}

/// Every parameter of OAuth at every endpoint, as long as it may be.
pub(super) fn oauth_targets(server: &TestServer) -> Vec<Target> {
    let url = url::Url::parse(&server.app_client().authorize_url(&[("state", "s")])).expect("a URL");
    let authorize: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let client = ("client_id", "web");
    let mut forms = vec![
        ("/oauth2/authorize", authorize.clone()),
        ("/oauth2/revoke", pairs(&[("token", "x")])),
        ("/oauth2/introspect", pairs(&[("client_id", "backend"), ("client_secret", "x"), ("token", "x")])),
        ("/oauth2/end_session", pairs(&[("state", "s")])),
    ];
    for (grant, name) in [
        ("authorization_code", "code"),
        ("refresh_token", "refresh_token"),
        ("urn:authgear:params:oauth:grant-type:anonymous-request", "jwt"),
        ("urn:authgear:params:oauth:grant-type:id-token", "id_token_hint"),
        ("urn:authgear:params:oauth:grant-type:settings-action", "code"),
    ] {
        forms.push(("/oauth2/token", pairs(&[client, ("grant_type", grant), (name, "x")])));
    }
    let mut targets = Vec::new();
    for (name, longest) in PARAMETERS.iter().copied().chain([("x_device_info", 16 * 1024)]) {
        for (path, beside) in &forms {
            targets.push(Target::new(Method::POST, path, Place::field(name, beside, longest)));
        }
        for (path, beside) in [("/oauth2/authorize", &*authorize), ("/oauth2/end_session", &[])] {
            targets.push(Target::new(Method::GET, path, Place::parameter(name, beside, longest)));
        }
    }
    targets
}
