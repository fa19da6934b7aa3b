//! Requests to each route, and what is compared of their answers.

use std::sync::atomic::Ordering;

use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use vestibule_server::routes::{CredentialKind, Face, RouteView};

use super::{
    sample::{Carrier, Sample},
    world::World,
};
use crate::support::Reply;

const ID_TOKEN: &str = "urn:authgear:params:oauth:grant-type:id-token";
const SETTINGS_ACTION: &str = "urn:authgear:params:oauth:response-type:settings-action";
/// An authorization request that takes part in single sign-on.
const SHARED: [(&str, &str); 2] = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "false")];

type Fields = Vec<(String, String)>;

/// What a request carries that is no credential.
pub(super) enum Content {
    Nothing,
    Query(Fields),
    Form(Fields),
    Json(Value),
}

impl Content {
    pub(super) fn is_form(&self) -> bool {
        matches!(self, Self::Form(_))
    }

    fn form(fields: &[(&str, &str)]) -> Self {
        Self::Form(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    /// Adds a client's secret to a form; its id only where it belongs to the secret.
    fn authenticate(&mut self, secret: &str, is_declared: bool) {
        let Self::Form(fields) = self else { return };
        if is_declared && fields.iter().all(|(name, _)| name != "client_id") {
            fields.push(("client_id".into(), "backend".into()));
        }
        fields.push(("client_secret".into(), secret.into()));
    }
}

impl World {
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
            .replace("{guide}", "web")
            .replace("{secret_id}", "0000000000000000")
            .replace("{*rest}", "x/y")
            .replace("{*path}", "x.css")
            .replace(['{', '}'], "")
    }

    /// Requests to a route, made so that each declared credential matters to one of them.
    pub(super) fn contents(&self, route: &RouteView) -> Vec<Content> {
        match (route.method.as_str(), route.path.as_str()) {
            ("POST", "/oauth2/token") => {
                let of_client = |client| Content::form(&[("grant_type", ID_TOKEN), ("client_id", client)]);
                let clients = ["web", "phone", "blog", "partner"].map(of_client);
                // Without a client, so that its authentication says which one it is.
                let refresh = Content::form(&[("grant_type", "refresh_token"), ("refresh_token", "x")]);
                clients.into_iter().chain([refresh]).collect()
            }
            ("POST", "/oauth2/introspect") => vec![Content::form(&[("token", &self.guest_token)])],
            ("POST", "/oauth2/revoke") => vec![Content::form(&[("token", &self.given_up)])],
            ("GET" | "POST", "/oauth2/authorize") => self.authorizations(&route.method),
            ("POST", "/oauth2/challenge") => vec![Content::Json(json!({"purpose": "anonymous_request"}))],
            ("POST", "/oauth2/app_session_token") => vec![Content::Json(json!({"refresh_token": "x"}))],
            ("POST", "/api/anonymous_user/signup" | "/api/anonymous_user/promotion_code") => {
                vec![Content::Json(json!({"session_type": "cookie"}))]
            }
            ("GET", "/device" | "/device/sign-in") => {
                vec![Content::Query(vec![("user_code".into(), self.user_code.clone())])]
            }
            ("POST", "/device") => vec![Content::form(&[("user_code", &self.user_code), ("action", "allow")])],
            ("GET", "/sso/oauth2/callback/{alias}") => {
                vec![Content::Query(vec![("state".into(), format!("{}.x", self.flow))])]
            }
            ("GET" | "OPTIONS", _) => vec![Content::Nothing],
            _ if route.face == Face::AdminApi => vec![Content::Json(json!({}))],
            _ if route.face == Face::Portal => vec![Content::form(&[("_csrf", &self.portal_form)])],
            _ => vec![Content::form(&[])],
        }
    }

    /// One that asks for no page, one for a page of the account, one for the pages of a flow.
    fn authorizations(&self, method: &str) -> Vec<Content> {
        let order = [("response_type", SETTINGS_ACTION), ("x_settings_action", "change_password")];
        let kinds: [&[(&str, &str)]; 3] = [&[("prompt", "none")], &order, &[("prompt", "login")]];
        let parse = |kind: &[(&str, &str)]| {
            let url = self.scene.client.authorize_url(&[kind, &SHARED].concat());
            let pairs = url::Url::parse(&url).expect("a URL").query_pairs().into_owned().collect();
            if method == "GET" { Content::Query(pairs) } else { Content::Form(pairs) }
        };
        kinds.map(parse).into()
    }

    /// The answers to all requests of a route with some credentials, without what differs each time.
    pub(super) async fn answers(&self, route: &RouteView, samples: &[&Sample]) -> Vec<String> {
        let method: Method = route.method.parse().expect("a method");
        let mut answers = Vec::new();
        for mut content in self.contents(route) {
            let [high, low] = self.sent.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let request = self.scene.server.http().request(method.clone(), &self.path(route));
            let mut request =
                request.header(header::ACCEPT, "text/html").header("x-forwarded-for", format!("203.{high}.{low}.7"));
            let mut cookies = Vec::new();
            for sample in samples {
                match sample.carrier.cookie() {
                    Some(name) => cookies.push(format!("{name}={}", sample.value)),
                    None if sample.carrier == Carrier::Form => {
                        let is_declared = route.accepts.contains(&CredentialKind::ClientAuthentication);
                        content.authenticate(&sample.value, is_declared);
                    }
                    None => request = request.header(header::AUTHORIZATION, &sample.value),
                }
            }
            if !cookies.is_empty() {
                request = request.header(header::COOKIE, cookies.join("; "));
            }
            let request = match content {
                Content::Nothing => request,
                Content::Query(fields) => request.query(&fields),
                Content::Form(fields) => request.form(&fields),
                Content::Json(value) => request.json(&value),
            };
            answers.push(answer(request, route, &cookies).await);
        }
        answers
    }
}

/// Status, headers and body of an answer, without what is drawn or counted.
async fn answer(request: RequestBuilder, route: &RouteView, sent: &[String]) -> String {
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
            "set-cookie" => lines.push(describe_cookie(value, sent)),
            name => lines.push(format!("{name}: {value}")),
        }
    }
    lines.push(reply.body);
    blur(&lines.join("\n"))
}

/// A cookie that is set, with what became of the value that was sent.
fn describe_cookie(line: &str, sent: &[String]) -> String {
    let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
    let (name, value) = pair.split_once('=').expect("a cookie");
    let what = match value {
        "" => "cleared",
        _ if sent.iter().any(|cookie| cookie == pair) => "kept",
        _ => "set",
    };
    format!("set-cookie: {name} {what};{attributes}")
}

/// An answer without the cookies it clears: that is all that a dead cookie may cause.
pub(super) fn without_cleared(answers: &[String]) -> Vec<String> {
    let is_kept = |line: &&str| !(line.starts_with("set-cookie: ") && line.contains(" cleared;"));
    answers.iter().map(|answer| answer.split('\n').filter(is_kept).collect::<Vec<_>>().join("\n")).collect()
}

/// The first lines in which answers differ.
pub(super) fn first_difference(one: &[String], other: &[String]) -> String {
    let differing = one.iter().zip(other).find(|(one, other)| one != other);
    let Some((one, other)) = differing else { return format!("  both: {}", one.join("\n")) };
    let (mut one, mut other) = (one.split('\n'), other.split('\n'));
    loop {
        match (one.next(), other.next()) {
            (one, other) if one != other => return format!("  {one:?}\n  {other:?}"),
            _ => {}
        }
    }
}

/// The text with a star for each word that is drawn or counted: a long one with digits or with both small and capital letters.
fn blur(text: &str) -> String {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':');
    let bytes = text.as_bytes();
    let (mut blurred, mut at) = (String::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let start = at;
        let (mut digits, mut small, mut capital) = (false, false, false);
        while let Some(&byte) = bytes.get(at).filter(|byte| is_part(**byte)) {
            digits |= byte.is_ascii_digit();
            small |= byte.is_ascii_lowercase();
            capital |= byte.is_ascii_uppercase();
            at += 1;
        }
        let is_drawn = at - start >= 16 && (digits || (small && capital));
        blurred.push_str(if is_drawn { "*" } else { &text[start..at] });
        let between = at;
        while bytes.get(at).is_some_and(|byte| !is_part(*byte)) {
            at += 1;
        }
        blurred.push_str(&text[between..at]);
    }
    blurred
}
