//! Verifies the signatures of webhooks, as libraries for Standard Webhooks do: `v1,` and base64 of HMAC-SHA-256 over ID, time and body.

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use vestibule_app::adapters::clock::Clock;

/// How old a message may be, in seconds.
const OLDEST: u64 = 300;

/// Whether a message is signed with the secret, and of now.
pub(super) fn is_right(secret: &[u8], headers: &HeaderMap, body: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(at), Some(signatures)) =
        (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
    else {
        return false;
    };
    let is_recent = at.parse::<i64>().is_ok_and(|at| now().abs_diff(at) <= OLDEST);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let message = format!("{id}.{at}.{body}");
    let is_signed = |signature: &str| {
        let sent = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        sent.is_some_and(|sent| hmac::verify(&key, message.as_bytes(), &sent).is_ok())
    };
    is_recent && signatures.split(' ').any(is_signed)
}

/// Seconds since the epoch, by the clock of this machine.
pub(super) fn now() -> i64 {
    Clock::System.now().as_seconds()
}

#[cfg(test)]
pub(super) fn sign(secret: &[u8], (id, at): (&str, &str), body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes())))
}
