//! Requests that several scenarios send.

use data_encoding::BASE64URL_NOPAD;

use crate::load::ConnectionState;

pub fn sign_up(host: &str, session_type: &str) -> Vec<u8> {
    sign_up_for(host, "bench", session_type)
}

pub fn sign_up_for(host: &str, client: &str, session_type: &str) -> Vec<u8> {
    let body = format!(r#"{{"client_id":"{client}","session_type":"{session_type}"}}"#);
    let mut request = Vec::new();
    post(&mut request, host, "/api/anonymous_user/signup", "application/json", "", body.as_bytes());
    request
}

pub fn post(out: &mut Vec<u8>, host: &str, path: &str, media_type: &str, extra: &str, body: &[u8]) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n{extra}\r\n",
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
}

pub fn get(out: &mut Vec<u8>, host: &str, path: &str, token: &str, extra: &str) {
    out.extend_from_slice(
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{extra}\r\n").as_bytes(),
    );
}

/// The header with a different address for each request: token requests are limited by address.
pub fn forwarded(state: &mut ConnectionState) -> String {
    let [a, b, c, ..] = state.draw().to_be_bytes();
    format!("X-Forwarded-For: 100.{a}.{b}.{c}\r\n")
}

pub fn base64url(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
