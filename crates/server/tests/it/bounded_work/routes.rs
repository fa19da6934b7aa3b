//! Every route of the table, with the credential it declares: its query, its body as a form and as JSON, and the headers that
//! something reads; and every parameter of OAuth at every endpoint.

use reqwest::Method;
use vestibule_protocol::oauth::PARAMETERS;
use vestibule_server::routes::{Credential, Face, RouteView, list_routes};

use super::{Place, Target, callers::Callers};
use crate::support::TestServer;

/// Routes that are called last, because they end what the others need.
const LAST: [&str; 7] = ["logout", "sign-out", "delete", "end", "leave", "cancel", "revoke"];

/// Headers that something reads, three at a time: more do not fit into a head.
const HEADERS: [&[&str]; 6] = [
    &["authorization", "dpop", "accept-language"],
    &["cookie", "user-agent", "origin"],
    &["x-forwarded-for", "x-forwarded-host", "accept"],
    &["if-match", "idempotency-key", "last-event-id"],
    &["traceparent", "x-forwarded-proto", "referer"],
    &["access-control-request-headers", "access-control-request-method", "x-original-url"],
];

const FORM: Place = Place::Body { content_type: "application/x-www-form-urlencoded", longest: 64 * 1024 };
const JSON: Place = Place::Body { content_type: "application/json", longest: 1024 * 1024 };

pub(super) fn targets(server: &TestServer, callers: &Callers) -> Vec<Target> {
    // The metrics have a listener of their own, which answers one path and reads nothing.
    let mut routes: Vec<RouteView> = list_routes().into_iter().filter(|route| route.face != Face::Metrics).collect();
    routes.sort_by_key(|route| route.method == "DELETE" || LAST.iter().any(|word| route.path.contains(word)));
    let mut targets: Vec<Target> = routes.iter().flat_map(|route| targets_of(route, callers)).collect();
    targets.extend(oauth_targets(server));
    targets
}

fn targets_of(route: &RouteView, callers: &Callers) -> Vec<Target> {
    let method: Method = route.method.parse().expect("a method");
    let path = callers.path(&route.path);
    let bodies = if method == Method::GET { Vec::new() } else { vec![FORM, JSON] };
    let places = [Place::Query].into_iter().chain(bodies).chain(HEADERS.map(Place::Headers));
    let mut targets = Vec::new();
    for place in places {
        let mut target = Target::new(method.clone(), &path, place);
        // A stream would not end.
        if !path.ends_with("/stream") {
            target = credential_of(route, callers)
                .into_iter()
                .fold(target, |target, (name, value)| target.with(name, value));
        }
        targets.push(target);
    }
    targets
}

/// The credential that a route declares, as a header.
fn credential_of<'a>(route: &RouteView, callers: &'a Callers) -> Option<(&'static str, &'a str)> {
    let header = |credential: &Credential| match credential {
        Credential::SessionCookie | Credential::AppSessionCookie => Some(("cookie", callers.member.as_str())),
        Credential::OperatorCookie(_) | Credential::PortalFormCookie => Some(("cookie", callers.operator.as_str())),
        Credential::BearerToken(_) => Some(("authorization", callers.guest.as_str())),
        Credential::AdminKey(_) => Some(("authorization", callers.admin.as_str())),
        Credential::FlowCookie | Credential::ClientAuthentication => None,
    };
    route.accepts.iter().find_map(header)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect()
}

/// Every parameter of OAuth at every endpoint, as long as it may be.
fn oauth_targets(server: &TestServer) -> Vec<Target> {
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
        let name = name.to_string();
        for (path, beside) in &forms {
            let place = Place::Field { name: name.clone(), beside: beside.clone(), longest };
            targets.push(Target::new(Method::POST, path, place));
        }
        for (path, beside) in [("/oauth2/authorize", authorize.clone()), ("/oauth2/end_session", Vec::new())] {
            let place = Place::Parameter { name: name.clone(), beside, longest };
            targets.push(Target::new(Method::GET, path, place));
        }
    }
    targets
}
