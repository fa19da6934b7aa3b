//! Final pages: errors, limits, and sign-out.

use askama::Template;
use vestibule_web::{context::PageContext, field::TextLink, page::Page, template::finish, text::Text};

/// The errors that have their own page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    InvalidRequest,
    /// The promotion code or device proof was used, has expired or is unknown.
    PromotionExpired,
    /// The flow has expired.
    FlowExpired,
    FlowFinished,
    /// All sessions of the account ended since the user proved who it is, or its login ID was removed.
    ProofOutdated,
    /// The guest was deleted or signed out.
    GuestGone,
    /// Another promotion of the same guest finished first.
    PromotionLost,
    /// The flow began in another browser.
    ForeignBrowser,
    /// The browser rejects cookies.
    CookiesBlocked,
    NotFound,
    SignUpClosed,
    AccountDisabled,
    /// The link of a security mail was used, has expired or is unknown.
    SecurityLinkUsed,
    TooLarge,
    Busy,
    Internal,
}

impl ErrorKind {
    pub const ALL: [Self; 16] = [
        Self::InvalidRequest,
        Self::PromotionExpired,
        Self::FlowExpired,
        Self::FlowFinished,
        Self::ProofOutdated,
        Self::GuestGone,
        Self::PromotionLost,
        Self::ForeignBrowser,
        Self::CookiesBlocked,
        Self::NotFound,
        Self::SignUpClosed,
        Self::AccountDisabled,
        Self::SecurityLinkUsed,
        Self::TooLarge,
        Self::Busy,
        Self::Internal,
    ];

    #[cfg(any(test, feature = "samples"))]
    fn name(self) -> &'static str {
        let key = self.texts().0.key();
        key.trim_start_matches("failure-").trim_end_matches("-title")
    }

    /// Title and explanation.
    pub fn texts(self) -> (Text, Text) {
        let (title, explanation) = match self {
            Self::InvalidRequest => ("failure-invalid-request-title", "failure-invalid-request-text"),
            Self::PromotionExpired => ("failure-promotion-expired-title", "failure-promotion-expired-text"),
            Self::FlowExpired => ("failure-flow-expired-title", "failure-flow-expired-text"),
            Self::FlowFinished => ("failure-flow-finished-title", "failure-flow-finished-text"),
            Self::ProofOutdated => ("failure-proof-outdated-title", "failure-proof-outdated-text"),
            Self::GuestGone => ("failure-guest-gone-title", "failure-guest-gone-text"),
            Self::PromotionLost => ("failure-promotion-lost-title", "failure-promotion-lost-text"),
            Self::ForeignBrowser => ("failure-foreign-browser-title", "failure-foreign-browser-text"),
            Self::CookiesBlocked => ("failure-cookies-blocked-title", "failure-cookies-blocked-text"),
            Self::NotFound => ("failure-not-found-title", "failure-not-found-text"),
            Self::SignUpClosed => ("failure-sign-up-closed-title", "failure-sign-up-closed-text"),
            Self::AccountDisabled => ("failure-account-disabled-title", "failure-account-disabled-text"),
            Self::SecurityLinkUsed => ("failure-security-link-used-title", "failure-security-link-used-text"),
            Self::TooLarge => ("failure-too-large-title", "failure-too-large-text"),
            Self::Busy => ("failure-busy-title", "failure-busy-text"),
            Self::Internal => ("failure-internal-title", "failure-internal-text"),
        };
        (Text::new(title), Text::new(explanation))
    }
}

/// An error without a form to show it in.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    pub title: Text,
    pub explanation: Text,
    /// A technical message for the app's developer, in English, such as the OAuth error description.
    pub detail: Option<String>,
    /// What was received, for the app's developer: the key of its label, and the value.
    pub received: Vec<(&'static str, String)>,
    /// The key of what the developer can do.
    pub remedy: Option<&'static str>,
    /// A link, usually back to the app.
    pub action: Option<TextLink>,
    pub request_id: Option<String>,
}

impl ErrorPage {
    /// The page for an error of this kind.
    pub fn new(kind: ErrorKind) -> Self {
        let (title, explanation) = kind.texts();
        Self { title, explanation, detail: None, received: Vec::new(), remedy: None, action: None, request_id: None }
    }

    /// The same page with a button.
    #[must_use]
    pub fn with_action(mut self, action: TextLink) -> Self {
        self.action = Some(action);
        self
    }

    /// The same page with the request's number.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }
}

impl Page for ErrorPage {
    fn title(&self) -> Text {
        self.title.clone()
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(ErrorBody { ctx, page: self }.render())
    }
}

impl ErrorPage {
    /// The main states: every kind, and one with all its parts.
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let app = || TextLink::to_app("https://shop.example/after-login?error=access_denied");
        let full = Self {
            detail: Some("Invalid OAuth authorization request: redirect URI is not allowed".into()),
            received: vec![
                ("developer-client-id", "shop".into()),
                ("developer-redirect-uri", "https://shop.example/<b>".into()),
            ],
            remedy: Some("developer-add-redirect-uri"),
            ..Self::new(ErrorKind::InvalidRequest).with_action(app()).with_request_id("01hv7q2k9d")
        };
        let kinds = ErrorKind::ALL.into_iter().map(|kind| (kind.name(), Self::new(kind).with_action(app())));
        std::iter::once(("full", full)).chain(kinds).collect()
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorBody<'a> {
    ctx: &'a PageContext,
    page: &'a ErrorPage,
}

/// Too many attempts at a password or code.
#[derive(Clone, Debug)]
pub(crate) struct TooManyTriesPage {
    /// When the next attempt is allowed; the same as `Retry-After`.
    pub retry_after_seconds: u32,
    pub retry_href: Option<String>,
    pub cancel_href: Option<String>,
}

impl TooManyTriesPage {
    /// Seconds below two minutes, else whole minutes, rounded up.
    fn wait(&self) -> Text {
        let seconds = self.retry_after_seconds.max(1);
        if seconds < 120 {
            Text::new("too-many-wait-seconds").with("seconds", seconds)
        } else if seconds < 7200 {
            Text::new("too-many-wait-minutes").with("minutes", seconds.div_ceil(60))
        } else {
            Text::new("too-many-wait-hours").with("hours", seconds.div_ceil(3600))
        }
    }
}

impl Page for TooManyTriesPage {
    fn title(&self) -> Text {
        Text::new("too-many-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(TooManyTries { ctx, page: self }.render())
    }
}

impl TooManyTriesPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let wait = |seconds| Self {
            retry_after_seconds: seconds,
            retry_href: Some("/flow/sample".into()),
            cancel_href: Some("/cancel".into()),
        };
        vec![("seconds", wait(45)), ("minutes", wait(601)), ("hours", wait(9000))]
    }
}

#[derive(Template)]
#[template(path = "too_many_tries.html")]
struct TooManyTries<'a> {
    ctx: &'a PageContext,
    page: &'a TooManyTriesPage,
}

/// Asks whether to sign out. The form posts `action=logout`.
#[derive(Clone, Debug)]
pub(crate) struct LogoutPage {
    pub action: String,
    /// The name of the signed-in user; `None` for a guest.
    pub person: Option<String>,
    /// A guest, who could not sign in again.
    pub guest: bool,
    pub cancel_href: Option<String>,
}

impl Page for LogoutPage {
    fn title(&self) -> Text {
        Text::new("logout-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Logout { ctx, page: self }.render())
    }
}

impl LogoutPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let member = Self {
            action: "/logout".into(),
            person: Some("ada@example.com".into()),
            guest: false,
            cancel_href: Some("/settings".into()),
        };
        vec![("member", member.clone()), ("guest", Self { person: None, guest: true, ..member })]
    }
}

#[derive(Template)]
#[template(path = "logout.html")]
struct Logout<'a> {
    ctx: &'a PageContext,
    page: &'a LogoutPage,
}

/// Confirms the sign-out when there is no redirect.
#[derive(Clone, Debug)]
pub(crate) struct LoggedOutPage {
    /// Signs in again, or leads to the app's home page.
    pub action: Option<TextLink>,
}

impl Page for LoggedOutPage {
    fn title(&self) -> Text {
        Text::new("logged-out-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(LoggedOut { ctx, page: self }.render())
    }
}

impl LoggedOutPage {
    #[cfg(any(test, feature = "samples"))]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let link = TextLink { href: "/login".into(), text: Text::new("link-sign-in-again") };
        vec![("alone", Self { action: None }), ("link", Self { action: Some(link) })]
    }
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct LoggedOut<'a> {
    ctx: &'a PageContext,
    page: &'a LoggedOutPage,
}
