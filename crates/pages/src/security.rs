//! The pages behind the links of security mails: GET shows what the link does, POST does it. The link itself is the credential.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_app::{
    crypto::is_equal,
    error::Error,
    security_links::{self, OpenedLink, PATH, Redeemed, Undoing},
};
use vestibule_web::{
    body, context::PageContext, credentials::NoCredential, error, field::TextLink, notice::NoticeKind, page::Page,
    route::path_parameter, template::finish, text::Text, visit::Visit,
};

use crate::{
    PageFrame,
    account::{overview::SessionEntry, sessions::describe},
    body_error_page,
    end_pages::ErrorKind,
    error_page, flow_error, page, render,
};

/// `GET /security/{link}`
pub async fn show(visit: Visit, _: NoCredential, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let secret = path_parameter(&mut parts, "link").await;
    match open(&visit, &parts.headers, &secret).await {
        Ok(opened) => ask(&visit, &parts.headers, (&secret, &opened), None),
        Err(response) => response,
    }
}

/// `POST /security/{link}`
pub async fn act(visit: Visit, _: NoCredential, request: Request) -> Response {
    let (mut parts, content) = request.into_parts();
    let secret = path_parameter(&mut parts, "link").await;
    let headers = parts.headers.clone();
    let body = match body::read_form(&visit, Request::from_parts(parts, content)).await {
        Ok(body) => body,
        Err(problem) => return body_error_page(&visit, &headers, problem),
    };
    let form = match body.own_form() {
        Ok(form) => form,
        Err(problem) => return error::plain(StatusCode::BAD_REQUEST, format!("{problem}\n")),
    };
    let opened = match open(&visit, &headers, &secret).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let token = form.get("_csrf").ok().flatten().unwrap_or_default();
    if !is_equal(token, &opened.form_token(&visit.ctx())) {
        return ask(&visit, &headers, (&secret, &opened), Some(NoticeKind::FormExpired));
    }
    match security_links::redeem(&visit.ctx(), &opened).await {
        Ok(redeemed @ (Redeemed::Done | Redeemed::LastLoginMethod)) => {
            let kept_last = redeemed == Redeemed::LastLoginMethod;
            let done = SecurityLinkDonePage { kept_last, action: TextLink::to_account() };
            page(&visit, &headers, None, StatusCode::OK, &done)
        }
        Ok(Redeemed::Used) => gone(&visit, &headers),
        Err(error) => flow_error(&visit, &headers, &error),
    }
}

async fn open(visit: &Visit, headers: &HeaderMap, secret: &str) -> Result<OpenedLink, Response> {
    let opened: Result<Option<OpenedLink>, Error> = security_links::open(&visit.ctx(), secret).await;
    match opened {
        Ok(Some(opened)) => Ok(opened),
        Ok(None) => Err(gone(visit, headers)),
        Err(error) => Err(flow_error(visit, headers, &error)),
    }
}

fn gone(visit: &Visit, headers: &HeaderMap) -> Response {
    error_page(visit, headers, None, StatusCode::GONE, ErrorKind::SecurityLinkUsed)
}

fn ask(
    visit: &Visit,
    headers: &HeaderMap,
    (secret, opened): (&str, &OpenedLink),
    notice: Option<NoticeKind>,
) -> Response {
    let sessions = opened.sessions.iter().map(|listed| describe(visit, listed.clone(), false)).collect();
    let content = EndSessionsPage { action: format!("{PATH}{secret}"), undoing: opened.undoing.clone(), sessions };
    // The notice says that the form token was invalid.
    let status = if notice.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let csrf = opened.form_token(&visit.ctx());
    render(visit, headers, PageFrame { status, request: None, csrf, carried: None, notice }, &content)
}

/// Asks whether to end every session of an account, and to undo a change of it.
#[derive(Clone, Debug)]
pub(crate) struct EndSessionsPage {
    pub action: String,
    pub undoing: Undoing,
    /// What is signed in now.
    pub sessions: Vec<SessionEntry>,
}

impl EndSessionsPage {
    fn lead(&self) -> &'static str {
        match self.undoing {
            Undoing::Nothing => "end-sessions-lead",
            Undoing::RemovesLoginId(_) | Undoing::RemovesPasskey(_) | Undoing::RestoresLoginId(_) => "undo-lead",
        }
    }

    fn button(&self) -> &'static str {
        match self.undoing {
            Undoing::Nothing => "button-end-sessions",
            Undoing::RemovesLoginId(_) | Undoing::RemovesPasskey(_) | Undoing::RestoresLoginId(_) => "button-undo",
        }
    }
}

impl Page for EndSessionsPage {
    fn title(&self) -> Text {
        match &self.undoing {
            Undoing::Nothing => Text::new("end-sessions-title"),
            Undoing::RemovesLoginId(what) | Undoing::RemovesPasskey(Some(what)) => {
                Text::new("remove-login-id-title").with("what", what)
            }
            Undoing::RemovesPasskey(None) => Text::new("undo-passkey-title"),
            Undoing::RestoresLoginId(what) => Text::new("undo-restore-title").with("what", what),
        }
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(EndSessions { ctx, page: self }.render())
    }
}

impl EndSessionsPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::elapsed::Elapsed;
        let session = |device: Option<&str>, seconds| SessionEntry {
            id: "sample".into(),
            device: device.map(str::to_owned),
            app: Some("Corner Shop".into()),
            ip: None,
            last_active: Elapsed::from_seconds(seconds),
            current: false,
        };
        let sessions = vec![session(Some("Pixel 8"), 300_000), session(None, 60)];
        let page = Self { action: "/security/sample".into(), undoing: Undoing::Nothing, sessions };
        let undo = |undoing| Self { undoing, ..page.clone() };
        vec![
            ("some", page.clone()),
            ("login-id", undo(Undoing::RemovesLoginId("ada@example.com".into()))),
            ("passkey", undo(Undoing::RemovesPasskey(Some("Chrome · Linux".into())))),
            ("passkey-unnamed", undo(Undoing::RemovesPasskey(None))),
            ("restore", undo(Undoing::RestoresLoginId("ada@example.com".into()))),
            ("none", Self { sessions: Vec::new(), ..page }),
        ]
    }
}

#[derive(Template)]
#[template(path = "security/end_sessions.html")]
struct EndSessions<'a> {
    ctx: &'a PageContext,
    page: &'a EndSessionsPage,
}

/// Says that a link did what it promised.
#[derive(Clone, Debug)]
pub(crate) struct SecurityLinkDonePage {
    /// Whether the login method could not be removed, because it is the last one.
    pub kept_last: bool,
    /// Leads to sign-in.
    pub action: TextLink,
}

impl Page for SecurityLinkDonePage {
    fn title(&self) -> Text {
        Text::new("end-sessions-done-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Done { ctx, page: self }.render())
    }
}

impl SecurityLinkDonePage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let page = |kept_last| Self { kept_last, action: TextLink::to_account() };
        vec![("all", page(false)), ("last", page(true))]
    }
}

#[derive(Template)]
#[template(path = "security/done.html")]
struct Done<'a> {
    ctx: &'a PageContext,
    page: &'a SecurityLinkDonePage,
}
