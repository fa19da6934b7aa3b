//! The mailbox page of the demo and of `serve --dev-mail`: shows the mails that the server would send.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::json;
use vestibule_domain::{project::Origin, time::Timestamp};

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

/// Returns all mails, in any order, or why they are not shown.
pub type Mails = Arc<dyn Fn() -> Result<Vec<ReceivedMail>, String> + Send + Sync>;

/// Which page shows the mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxPage {
    /// Beside the demo's shop.
    Demo,
    /// Alone, of a developer's own server.
    Development,
}

/// The mailbox's routes, all below `/mailbox`; they answer on names of this machine only.
pub fn router(page: MailboxPage, mails: Mails) -> Router {
    let file = match page {
        MailboxPage::Demo => "mailbox.html",
        MailboxPage::Development => "dev-mailbox.html",
    };
    let routes = Router::new()
        .route("/mailbox", get(move || async move { assets::page(file, "") }))
        .route("/mailbox/mails.json", get(list_mails))
        .route("/mailbox/mails/{id}", get(show_html))
        .route("/mailbox/assets/{*path}", get(assets::serve));
    let routes = match page {
        MailboxPage::Demo => routes,
        MailboxPage::Development => routes.route("/", get(|| async { Redirect::temporary("/mailbox") })),
    };
    routes.layer(middleware::from_fn(require_local_host)).with_state(mails)
}

/// Refuses other names: a page on the web could give its own name this machine's address and read the mails (DNS rebinding).
async fn require_local_host(request: Request, next: Next) -> Response {
    if is_local(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "The mailbox answers at localhost only.\n").into_response()
}

fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(|host| Origin::parse(&format!("http://{host}")).is_ok_and(|origin| origin.is_local()))
}

async fn list_mails(State(mails): State<Mails>) -> Response {
    let mut mails = match mails() {
        Ok(mails) => mails,
        Err(reason) => return (StatusCode::FORBIDDEN, reason).into_response(),
    };
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
    let Some(mail) = mails().unwrap_or_default().into_iter().find(|mail| mail.at.as_micros() == id) else {
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
    use axum::body::Body;
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
        fetch_from("localhost:4101", MailboxPage::Demo, path).await
    }

    async fn fetch_from(host: &str, page: MailboxPage, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let router = router(page, Arc::new(|| Ok(vec![mail("older", 100), mail("newer", 200)])));
        let request = Request::builder().uri(path).header(header::HOST, host).body(Body::empty()).unwrap();
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
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
    async fn other_names_than_this_machines_are_refused() {
        for host in ["localhost:4101", "127.0.0.1:4101", "[::1]:4101", "shop.localhost"] {
            let (status, _, _) = fetch_from(host, MailboxPage::Development, "/mailbox/mails.json").await;
            assert_eq!(status, StatusCode::OK, "{host}");
        }
        for host in ["attacker.example", "attacker.example:4101", "localhost.attacker.example", "192.0.2.1", ""] {
            let (status, _, body) = fetch_from(host, MailboxPage::Development, "/mailbox/mails.json").await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{host}");
            assert!(!String::from_utf8_lossy(&body).contains("482913"), "{host}");
        }
    }

    #[tokio::test]
    async fn a_mailbox_that_must_not_be_shown_says_why() {
        let router = router(MailboxPage::Development, Arc::new(|| Err("a public origin".into())));
        for (path, expected) in
            [("/mailbox/mails.json", StatusCode::FORBIDDEN), ("/mailbox/mails/200000000", StatusCode::NOT_FOUND)]
        {
            let request = Request::builder().uri(path).header(header::HOST, "localhost").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), expected, "{path}");
        }
    }

    #[tokio::test]
    async fn the_page_is_served_with_its_assets() {
        for page in [MailboxPage::Demo, MailboxPage::Development] {
            assert_eq!(fetch_from("localhost", page, "/mailbox").await.0, StatusCode::OK);
        }
        let (status, headers, _) = fetch("/mailbox/assets/mailbox.js").await;
        assert_eq!(
            (status, &headers["content-type"]),
            (StatusCode::OK, &"text/javascript; charset=utf-8".parse().unwrap())
        );
    }
}
