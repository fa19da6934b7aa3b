//! The pages where a way ends: errors, limits, and leaving.

use askama::Template;

use super::context::PageContext;
use super::field::Link;
use super::page::{Page, finish};
use super::text::Text;

/// The errors the house has words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The app's request is malformed.
    InvalidRequest,
    /// The promotion code or device proof is spent, too old or unknown.
    PromotionExpired,
    /// The person took longer than the flow lives.
    FlowExpired,
    /// The flow was finished in another tab.
    FlowFinished,
    /// The guest is not there any more.
    GuestGone,
    /// Another promotion of the same guest won.
    PromotionLost,
    /// The flow was begun in another browser.
    ForeignBrowser,
    /// The browser keeps no cookie.
    CookiesBlocked,
    /// No such page.
    NotFound,
    /// The project does not take new accounts.
    SignUpClosed,
    /// The account may not sign in.
    AccountDisabled,
    /// The body was larger than the server takes.
    TooLarge,
    /// The server is too busy for now.
    Busy,
    /// The server failed.
    Internal,
}

impl ErrorKind {
    /// Every error.
    pub const ALL: [Self; 14] = [
        Self::InvalidRequest,
        Self::PromotionExpired,
        Self::FlowExpired,
        Self::FlowFinished,
        Self::GuestGone,
        Self::PromotionLost,
        Self::ForeignBrowser,
        Self::CookiesBlocked,
        Self::NotFound,
        Self::SignUpClosed,
        Self::AccountDisabled,
        Self::TooLarge,
        Self::Busy,
        Self::Internal,
    ];

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
            Self::GuestGone => ("failure-guest-gone-title", "failure-guest-gone-text"),
            Self::PromotionLost => ("failure-promotion-lost-title", "failure-promotion-lost-text"),
            Self::ForeignBrowser => ("failure-foreign-browser-title", "failure-foreign-browser-text"),
            Self::CookiesBlocked => ("failure-cookies-blocked-title", "failure-cookies-blocked-text"),
            Self::NotFound => ("failure-not-found-title", "failure-not-found-text"),
            Self::SignUpClosed => ("failure-sign-up-closed-title", "failure-sign-up-closed-text"),
            Self::AccountDisabled => ("failure-account-disabled-title", "failure-account-disabled-text"),
            Self::TooLarge => ("failure-too-large-title", "failure-too-large-text"),
            Self::Busy => ("failure-busy-title", "failure-busy-text"),
            Self::Internal => ("failure-internal-title", "failure-internal-text"),
        };
        (Text::new(title), Text::new(explanation))
    }
}

/// Something went wrong and there is no form to put it beside.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// What happened.
    pub title: Text,
    /// What it means and what to do.
    pub explanation: Text,
    /// A technical line for the app's developer, in English, such as the OAuth error description.
    pub detail: Option<String>,
    /// The way out, mostly back to the app.
    pub action: Option<Link>,
    /// The number under which the server logged it.
    pub request_id: Option<String>,
}

impl ErrorPage {
    /// The page for an error the house has words for.
    pub fn new(kind: ErrorKind) -> Self {
        let (title, explanation) = kind.texts();
        Self { title, explanation, detail: None, action: None, request_id: None }
    }

    /// The same page with a button.
    #[must_use]
    pub fn with_action(mut self, action: Link) -> Self {
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
        finish(Error { ctx, page: self }.render())
    }
}

impl ErrorPage {
    /// The main states: every kind, and one with all its parts.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let app = || Link::to_app("https://shop.example/after-login?error=access_denied");
        let full = Self {
            detail: Some("Invalid OAuth authorization request: redirect URI is not allowed".into()),
            ..Self::new(ErrorKind::InvalidRequest).with_action(app()).with_request_id("01hv7q2k9d")
        };
        let kinds = ErrorKind::ALL.into_iter().map(|kind| (kind.name(), Self::new(kind).with_action(app())));
        std::iter::once(("full", full)).chain(kinds).collect()
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct Error<'a> {
    ctx: &'a PageContext,
    page: &'a ErrorPage,
}

/// Too many passwords or codes were tried.
#[derive(Clone, Debug)]
pub struct TooManyTriesPage {
    /// When the next try is taken; the same as `Retry-After`.
    pub retry_after_seconds: u32,
    /// Where to try again.
    pub retry_href: Option<String>,
    /// Back to the waiting app.
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
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
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
pub struct LogoutPage {
    /// Where the form posts to.
    pub action: String,
    /// Who is signed in, if they have a name; guests have none.
    pub person: Option<String>,
    /// True for a guest, who could not come back.
    pub guest: bool,
    /// Staying signed in.
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
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
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

/// The person is signed out and there is nowhere to send them.
#[derive(Clone, Debug)]
pub struct LoggedOutPage {
    /// Signing in again, or the app's front page.
    pub action: Option<Link>,
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
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let link = Link { href: "/login".into(), text: Text::new("link-sign-in-again") };
        vec![("alone", Self { action: None }), ("link", Self { action: Some(link) })]
    }
}

#[derive(Template)]
#[template(path = "logged_out.html")]
struct LoggedOut<'a> {
    ctx: &'a PageContext,
    page: &'a LoggedOutPage,
}
