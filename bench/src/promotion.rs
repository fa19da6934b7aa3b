//! A guest's promotion with all requests of app and browser, including one password hash.

use std::cell::Cell;

use aws_lc_rs::digest::{SHA256, digest};
use form_urlencoded::byte_serialize;

use crate::{
    load::{ConnectionState, Source},
    request::{base64url, forwarded, post, sign_up},
    wire::Answer,
};

/// Requests of one promotion.
pub const REQUESTS: usize = 5;
const VERIFIER: &str = "benchmark-benchmark-benchmark-benchmark-benchmark";
const SCOPE: &str = "openid%20offline_access%20https%3A%2F%2Fauthgear.com%2Fscopes%2Ffull-access";

/// Guests that are promoted with username and password.
pub struct Promotions {
    host: String,
    challenge: String,
    /// Each name is used once per database.
    names: Cell<u64>,
}

impl Promotions {
    pub fn new(host: String) -> Self {
        let seed =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_micros());
        let challenge = base64url(digest(&SHA256, VERIFIER.as_bytes()).as_ref());
        Self { host, challenge, names: Cell::new(seed as u64) }
    }

    fn callback(&self) -> String {
        byte_serialize(format!("http://{}/back", self.host).as_bytes()).collect()
    }

    fn open(&self, out: &mut Vec<u8>, state: &mut ConnectionState, path: &str) {
        let forwarded = forwarded(state);
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\n{forwarded}\r\n", self.host);
        out.extend_from_slice(head.as_bytes());
    }

    fn form(&self, out: &mut Vec<u8>, state: &mut ConnectionState, path: &str, cookie: &str, body: &str) {
        let extra = forwarded(state) + cookie;
        post(out, &self.host, path, "application/x-www-form-urlencoded", &extra, body.as_bytes());
    }
}

impl Source for Promotions {
    fn write(&self, state: &mut ConnectionState, out: &mut Vec<u8>) -> bool {
        let held = |place: usize| state.held.get(place).cloned().unwrap_or_default();
        let (first, second, third, fourth) = (held(0), held(1), held(2), held(3));
        match state.step {
            0 => out.extend_from_slice(&sign_up(&self.host, "refresh_token")),
            1 => {
                let body = format!(r#"{{"session_type":"refresh_token","refresh_token":"{first}"}}"#);
                post(out, &self.host, "/api/anonymous_user/promotion_code", "application/json", "", body.as_bytes());
            }
            2 => {
                let hint = format!("https://authgear.com/login_hint?type=anonymous&promotion_code={first}");
                let hint: String = byte_serialize(hint.as_bytes()).collect();
                let path = format!(
                    "/oauth2/authorize?client_id=bench&redirect_uri={}&response_type=code&scope={SCOPE}&code_challenge={}&code_challenge_method=S256&prompt=login&x_suppress_idp_session_cookie=true&x_sso_enabled=false&login_hint={hint}",
                    self.callback(),
                    self.challenge,
                );
                self.open(out, state, &path);
            }
            3 => {
                let name = self.names.replace(self.names.get() + 1);
                let body = format!(
                    "_csrf={third}&_flow={fourth}&login_id_kind=username&login_id=kim{name}&password=violet+tugboat+marmalade&action=continue"
                );
                self.form(out, state, &first, &second, &body);
            }
            _ => {
                let body = format!(
                    "grant_type=authorization_code&client_id=bench&redirect_uri={}&code={first}&code_verifier={VERIFIER}",
                    self.callback()
                );
                self.form(out, state, "/oauth2/token", "", &body);
            }
        }
        true
    }

    fn judge(&self, state: &mut ConnectionState, answer: &Answer<'_>) -> bool {
        let next = match state.step {
            0 => answer.text("refresh_token").map(|token| vec![token.to_owned()]),
            1 => answer.text("promotion_code").map(|code| vec![code.to_owned()]),
            2 => read_form(answer).map(|[action, csrf, flow]| vec![action, cookie(answer), csrf, flow]),
            3 => redirect(answer).and_then(code_of).map(|code| vec![code]),
            _ => answer.text("id_token").map(|_| Vec::new()),
        };
        state.step = if next.is_some() { (state.step + 1) % REQUESTS } else { 0 };
        let good = next.is_some();
        state.held = next.unwrap_or_default();
        good
    }
}

fn redirect<'a>(answer: &'a Answer<'_>) -> Option<&'a str> {
    answer.header("location").filter(|_| matches!(answer.status, 302 | 303))
}

/// The `Cookie` header for a response's first `Set-Cookie`.
fn cookie(answer: &Answer<'_>) -> String {
    let pair = answer.header("set-cookie").and_then(|line| line.split(';').next());
    pair.map_or_else(String::new, |pair| format!("Cookie: {pair}\r\n"))
}

/// The target, form token and flow of a page's first form.
fn read_form(answer: &Answer<'_>) -> Option<[String; 3]> {
    let body = std::str::from_utf8(answer.body).ok().filter(|_| answer.status == 200)?;
    let form = &body[body.find("<form method=\"post\"")?..];
    let quoted = |name: &str| form.split_once(name)?.1.split('"').next().map(str::to_owned);
    Some([quoted("action=\"")?, quoted("name=\"_csrf\" value=\"")?, quoted("name=\"_flow\" value=\"")?])
}

fn code_of(location: &str) -> Option<String> {
    let (_, query) = location.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("code=")).map(str::to_owned)
}
