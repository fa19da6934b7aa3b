//! The pages behind the links of security mails: GET shows what the link does, POST does it. The link itself is the credential.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_app::{
    account::notice::SecurityNotice,
    crypto::is_equal,
    error::Error,
    security_links::{self, NamedMethod, OpenedLink, PATH, Redeemed, UndoStep, Undone},
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
    error_page, flow_error,
    messages::MessageWriter,
    page, render,
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
    let writer = MessageWriter::new(&visit, &headers, None);
    let write = |to: &str, notice: &SecurityNotice| writer.write_notice(to, notice);
    match security_links::redeem(&visit.ctx(), &opened, &write).await {
        Ok(Redeemed::Done(undone)) => {
            let done = SecurityLinkDonePage { undone, action: TextLink::to_account() };
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
    let content = EndSessionsPage {
        action: format!("{PATH}{secret}"),
        steps: opened.steps.clone(),
        leaves_earlier: opened.leaves_earlier,
        sessions,
    };
    // The notice says that the form token was invalid.
    let status = if notice.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let csrf = opened.form_token(&visit.ctx());
    render(visit, headers, PageFrame { status, request: None, csrf, carried: None, notice }, &content)
}

/// Asks whether to end every session of an account, and to undo a change of it.
#[derive(Clone, Debug)]
pub(crate) struct EndSessionsPage {
    pub action: String,
    pub steps: Vec<UndoStep>,
    /// Whether changes from before stay.
    pub leaves_earlier: bool,
    /// What is signed in now.
    pub sessions: Vec<SessionEntry>,
}

impl EndSessionsPage {
    fn lead(&self) -> &'static str {
        if self.steps.is_empty() { "end-sessions-lead" } else { "undo-lead" }
    }

    fn button(&self) -> &'static str {
        if self.steps.is_empty() { "button-end-sessions" } else { "button-undo" }
    }

    /// What the title does not say.
    fn details(&self, ctx: &PageContext) -> Vec<String> {
        match self.steps.as_slice() {
            []
            | [
                UndoStep::RemovesLoginId(_)
                | UndoStep::RemovesExternalAccount(_)
                | UndoStep::RestoresExternalAccount(_)
                | UndoStep::RemovesPasskey(_)
                | UndoStep::RestoresPasskey(_)
                | UndoStep::RestoresLoginId { replaces: None, .. },
            ] => Vec::new(),
            steps => steps.iter().map(|step| ctx.translate(describe_step(ctx, step))).collect(),
        }
    }
}

/// Names a passkey so that it does not look like a login ID, whatever its user called it.
pub(crate) fn name_passkey(ctx: &PageContext, name: Option<&str>) -> String {
    name.map_or_else(|| ctx.t("passkey-unnamed"), |name| ctx.translate(Text::new("passkey-named").with("name", name)))
}

fn describe_step(ctx: &PageContext, step: &UndoStep) -> Text {
    let named = |name: &Option<String>| name_passkey(ctx, name.as_deref());
    match step {
        UndoStep::RemovesLoginId(what) | UndoStep::RemovesExternalAccount(what) => {
            Text::new("undo-step-remove").with("what", what)
        }
        UndoStep::RestoresExternalAccount(what) => Text::new("undo-step-restore").with("what", what),
        UndoStep::RemovesPasskey(name) => Text::new("undo-step-remove").with("what", named(name)),
        UndoStep::RestoresPasskey(name) => Text::new("undo-step-restore").with("what", named(name)),
        UndoStep::RestoresLoginId { login_id, replaces: None } => Text::new("undo-step-restore").with("what", login_id),
        UndoStep::RestoresLoginId { login_id, replaces: Some(present) } => {
            Text::new("undo-step-replace").with("what", login_id).with("present", present)
        }
    }
}

impl Page for EndSessionsPage {
    fn title(&self) -> Text {
        match self.steps.as_slice() {
            [] => Text::new("end-sessions-title"),
            [UndoStep::RemovesLoginId(what) | UndoStep::RemovesExternalAccount(what)] => {
                Text::new("remove-login-id-title").with("what", what)
            }
            [UndoStep::RestoresExternalAccount(what)] => Text::new("undo-restore-title").with("what", what),
            [UndoStep::RemovesPasskey(Some(name))] => Text::new("undo-passkey-named-title").with("name", name),
            [UndoStep::RemovesPasskey(None)] => Text::new("undo-passkey-title"),
            [UndoStep::RestoresLoginId { login_id: what, .. }] => Text::new("undo-restore-title").with("what", what),
            [UndoStep::RestoresPasskey(Some(name))] => Text::new("undo-restore-passkey-named-title").with("name", name),
            [UndoStep::RestoresPasskey(None)] => Text::new("undo-restore-passkey-title"),
            [_, _, ..] => Text::new("undo-title"),
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
        let page = Self { action: "/security/sample".into(), steps: Vec::new(), leaves_earlier: false, sessions };
        let undo = |steps: &[UndoStep]| Self { steps: steps.to_vec(), ..page.clone() };
        let ada = || "ada@example.com".to_owned();
        let restored = |replaces| UndoStep::RestoresLoginId { login_id: ada(), replaces };
        let replaced = restored(Some("lee@example.com".into()));
        let named = UndoStep::RemovesPasskey(Some("Chrome · Linux".into()));
        let several = [replaced.clone(), UndoStep::RestoresPasskey(None), named.clone()];
        vec![
            ("some", page.clone()),
            ("login-id", undo(&[UndoStep::RemovesLoginId(ada())])),
            ("passkey", undo(&[named])),
            ("external-account", undo(&[UndoStep::RemovesExternalAccount("Google · ada@example.com".into())])),
            ("passkey-unnamed", undo(&[UndoStep::RemovesPasskey(None)])),
            ("restore", undo(&[restored(None)])),
            ("restore-passkey", undo(&[UndoStep::RestoresPasskey(None)])),
            ("replaced", undo(&[replaced])),
            ("restore-passkey-named", undo(&[UndoStep::RestoresPasskey(Some("Chrome · Linux".into()))])),
            ("several", undo(&several)),
            ("earlier", Self { leaves_earlier: true, ..undo(&several) }),
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
    pub undone: Undone,
    /// Leads to sign-in.
    pub action: TextLink,
}

impl SecurityLinkDonePage {
    /// What is not as the link promised: what could not be restored, and what could not be removed; and what it never promised.
    fn warnings(&self, ctx: &PageContext) -> Vec<String> {
        let describe = |key: &'static str, method: &NamedMethod| {
            let what = match method {
                NamedMethod::LoginId(name) | NamedMethod::ExternalAccount(name) => name.clone(),
                NamedMethod::Passkey(name) => name_passkey(ctx, name.as_deref()),
            };
            ctx.translate(Text::new(key).with("what", what))
        };
        let claimed = self.undone.claimed.iter().map(|method| describe("undo-claimed-text", method));
        let kept = self.undone.kept_last.iter().map(|method| describe("undo-last-text", method));
        let earlier = self.undone.leaves_earlier.then(|| ctx.t("undo-earlier-text"));
        claimed.chain(kept).chain(earlier).collect()
    }
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
        let page = |undone| Self { undone, action: TextLink::to_account() };
        let kept_last = vec![NamedMethod::LoginId("lee@example.com".into())];
        let claimed = vec![NamedMethod::LoginId("ada@example.com".into()), NamedMethod::Passkey(None)];
        let last = Undone { kept_last, ..Undone::default() };
        vec![
            ("all", page(Undone::default())),
            ("last", page(last.clone())),
            ("claimed", page(Undone { claimed, ..last })),
            ("earlier", page(Undone { leaves_earlier: true, ..Undone::default() })),
        ]
    }
}

#[derive(Template)]
#[template(path = "security/done.html")]
struct Done<'a> {
    ctx: &'a PageContext,
    page: &'a SecurityLinkDonePage,
}
