//! The demo's mailbox page: shows the mails that the server would send.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde_json::json;
use vestibule_domain::time::Timestamp;

use super::assets;

/// A mail that the server would have sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMail {
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The HTML part; empty if there is none.
    pub html: String,
    /// When it was sent; also its ID in the page's URLs.
    pub at: Timestamp,
}

/// Returns all mails, in any order.
pub type Mails = Arc<dyn Fn() -> Vec<ReceivedMail> + Send + Sync>;

/// The mailbox's routes, all below `/mailbox`.
pub fn router(mails: Mails) -> Router {
    Router::new()
        .route("/mailbox", get(|| async { assets::page("mailbox.html", "") }))
        .route("/mailbox/mails.json", get(list_mails))
        .route("/mailbox/mails/{id}", get(show_html))
        .route("/mailbox/assets/{*path}", get(assets::serve))
        .with_state(mails)
}

async fn list_mails(State(mails): State<Mails>) -> Response {
    let mut mails = mails();
    mails.sort_by_key(|mail| std::cmp::Reverse(mail.at));
    let mails: Vec<_> = mails
        .iter()
        .map(|ReceivedMail { to, subject, text, html, at }| {
            let id = at.as_micros().to_string();
            json!({ "id": id, "to": to, "subject": subject, "text": text, "at": at.to_rfc3339(), "has_html": !html.is_empty() })
        })
        .collect();
    ([(header::CACHE_CONTROL, "no-store")], Json(json!({ "mails": mails }))).into_response()
}

/// The HTML part as a document that cannot run scripts or load anything.
async fn show_html(State(mails): State<Mails>, Path(id): Path<i64>) -> Response {
    let Some(mail) = mails().into_iter().find(|mail| mail.at.as_micros() == id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(mail.html)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{HeaderMap, Request},
    };
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    fn mail(subject: &str, seconds: i64) -> ReceivedMail {
        ReceivedMail {
            to: "anna@shop.example".into(),
            subject: subject.into(),
            text: "Your code is 482913.".into(),
            html: "<p>Your code is <b>482913</b>.</p>".into(),
            at: Timestamp::from_seconds(seconds),
        }
    }

    async fn fetch(path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let router = router(Arc::new(|| vec![mail("older", 100), mail("newer", 200)]));
        let response = router.oneshot(Request::builder().uri(path).body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn the_newest_mail_comes_first() {
        let (_, _, body) = fetch("/mailbox/mails.json").await;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["mails"][0]["subject"], "newer");
        assert_eq!(body["mails"][0]["at"], "1970-01-01T00:03:20.000Z");
        assert_eq!(body["mails"][1]["subject"], "older");
    }

    #[tokio::test]
    async fn a_mails_html_is_shown_in_a_sandbox() {
        let (status, headers, body) = fetch("/mailbox/mails/200000000").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body, mail("newer", 200).html.as_bytes());
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("sandbox; default-src 'none'"));
        assert_eq!(fetch("/mailbox/mails/1").await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn the_page_is_served_with_its_assets() {
        assert_eq!(fetch("/mailbox").await.0, StatusCode::OK);
        let (status, headers, _) = fetch("/mailbox/assets/mailbox.js").await;
        assert_eq!(
            (status, &headers["content-type"]),
            (StatusCode::OK, &"text/javascript; charset=utf-8".parse().unwrap())
        );
    }
}
