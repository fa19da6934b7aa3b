//! The account page of a member.

use askama::Template;

use crate::ui::context::PageContext;
use crate::ui::elapsed::Elapsed;
use crate::ui::field::{LoginIdChoice, LoginIdField};
use crate::ui::page::{Page, Shell};
use crate::ui::template::finish;
use crate::ui::text::Text;

/// One login ID of a member.
#[derive(Clone, Debug)]
pub struct LoginIdEntry {
    pub kind: LoginIdField,
    pub value: String,
    /// `None` for a username, which needs no verification.
    pub verified: Option<bool>,
    pub verify_href: Option<String>,
    pub change_href: Option<String>,
    /// `None` for the last login method.
    pub remove_href: Option<String>,
}

/// What is known about the password.
#[derive(Clone, Debug)]
pub struct PasswordSummary {
    /// When it was set; `None` without a password.
    pub changed: Option<Elapsed>,
    pub href: String,
}

/// What is known about the passkeys.
#[derive(Clone, Debug)]
pub struct PasskeySummary {
    pub count: u32,
    pub href: String,
}

/// A session in the list.
#[derive(Clone, Debug)]
pub struct SessionEntry {
    /// Posted as `session_id` when it is revoked.
    pub id: String,
    /// The device, such as "Chrome on Android", if known.
    pub device: Option<String>,
    pub app: Option<String>,
    pub ip: Option<String>,
    pub last_active: Elapsed,
    /// The current session, which ends by signing out instead.
    pub current: bool,
}

/// The account page of a member.
///
/// The session forms post `session_id` and `action=revoke`, or `action=revoke_others`; signing out posts
/// `action=logout`.
#[derive(Clone, Debug)]
pub struct SettingsPage {
    pub name: Option<String>,
    pub names_href: String,
    pub login_ids: Vec<LoginIdEntry>,
    pub addable: Vec<LoginIdChoice>,
    /// `None` where the project does not use passwords.
    pub password: Option<PasswordSummary>,
    /// `None` where the project does not use passkeys.
    pub passkeys: Option<PasskeySummary>,
    pub sessions: Vec<SessionEntry>,
    pub sessions_action: String,
    pub logout_action: String,
    /// `None` where the project does not allow deletion.
    pub delete_href: Option<String>,
    pub app_href: Option<String>,
}

impl SettingsPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let link = |path: &str| Some(format!("/settings/{path}"));
        let session = |id: &str, device: Option<&str>, app: Option<&str>, seconds, current| SessionEntry {
            id: id.into(),
            device: device.map(str::to_owned),
            app: app.map(str::to_owned),
            ip: Some("203.0.113.7".into()),
            last_active: Elapsed::from_seconds(seconds),
            current,
        };
        let entry = |kind, value: &str, verified| LoginIdEntry {
            kind,
            value: value.into(),
            verified,
            verify_href: None,
            change_href: link("identity/change"),
            remove_href: link("identity/remove"),
        };
        let full = Self {
            name: Some("Ada Lovelace".into()),
            names_href: "/settings/names".into(),
            login_ids: vec![
                entry(LoginIdField::Email, "ada@example.com", Some(true)),
                LoginIdEntry {
                    verify_href: link("identity/verify"),
                    ..entry(LoginIdField::Phone, "+44 20 7946 0018", Some(false))
                },
                entry(LoginIdField::Username, "ada", None),
            ],
            addable: vec![
                LoginIdChoice { kind: LoginIdField::Email, href: "/settings/identity/add?kind=email".into() },
                LoginIdChoice { kind: LoginIdField::Phone, href: "/settings/identity/add?kind=phone".into() },
            ],
            password: Some(PasswordSummary {
                changed: Some(Elapsed::from_seconds(8_000_000)),
                href: "/settings/password".into(),
            }),
            passkeys: Some(PasskeySummary { count: 2, href: "/settings/passkeys".into() }),
            sessions: vec![
                session("s1", Some("Chrome on Linux"), None, 0, true),
                session("s2", Some("Pixel 9"), Some("Corner Shop for Android"), 7_300, false),
                session("s3", None, Some("Corner Shop"), 900_000, false),
            ],
            sessions_action: "/settings/sessions".into(),
            logout_action: "/logout".into(),
            delete_href: link("delete"),
            app_href: Some("https://shop.example/".into()),
        };
        let bare = Self {
            name: None,
            login_ids: Vec::new(),
            addable: vec![LoginIdChoice { kind: LoginIdField::Email, href: "/settings/identity/add".into() }],
            password: Some(PasswordSummary { changed: None, href: "/settings/password".into() }),
            passkeys: Some(PasskeySummary { count: 1, href: "/settings/passkeys".into() }),
            sessions: vec![session("s1", Some("Safari on iPhone"), None, 0, true)],
            delete_href: None,
            app_href: None,
            ..full.clone()
        };
        vec![("full", full), ("bare", bare)]
    }

    fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.current)
    }
}

impl LoginIdEntry {
    fn label(&self) -> Text {
        self.kind.label()
    }
}

impl Page for SettingsPage {
    fn title(&self) -> Text {
        Text::new("settings-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(SettingsBody { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        Shell::Account { back: None }
    }
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct SettingsBody<'a> {
    ctx: &'a PageContext,
    page: &'a SettingsPage,
}

impl SettingsBody<'_> {
    fn device(&self, session: &SessionEntry) -> String {
        session.device.clone().unwrap_or_else(|| self.ctx.t("session-unknown-device"))
    }

    fn passkey_count(&self, summary: &PasskeySummary) -> Text {
        Text::new("passkeys-count").with("count", summary.count)
    }
}
