//! The account page of a member: everything at a glance, each with the way to change it.

use askama::Template;

use crate::ui::context::PageContext;
use crate::ui::elapsed::Elapsed;
use crate::ui::field::{LoginIdChoice, LoginIdKind};
use crate::ui::page::{Page, Shell, finish};
use crate::ui::text::Text;

/// One login ID of a member.
#[derive(Clone, Debug)]
pub struct LoginIdEntry {
    /// Its kind.
    pub kind: LoginIdKind,
    /// As the person writes it.
    pub value: String,
    /// Proved to be theirs; none for a username, which needs no proof.
    pub verified: Option<bool>,
    /// Proving it now.
    pub verify_href: Option<String>,
    /// Replacing it.
    pub change_href: Option<String>,
    /// Removing it; none for the last way to sign in.
    pub remove_href: Option<String>,
}

/// What is known about the password.
#[derive(Clone, Debug)]
pub struct PasswordSummary {
    /// When it was set; none without a password.
    pub changed: Option<Elapsed>,
    /// Setting or changing it.
    pub href: String,
}

/// What is known about the passkeys.
#[derive(Clone, Debug)]
pub struct PasskeySummary {
    /// How many there are.
    pub count: u32,
    /// Seeing and changing them.
    pub href: String,
}

/// One place where the member is signed in.
#[derive(Clone, Debug)]
pub struct SessionEntry {
    /// Posted as `session_id` when it is revoked.
    pub id: String,
    /// The device, such as "Chrome on Android", if known.
    pub device: Option<String>,
    /// The application, if it is one application's.
    pub app: Option<String>,
    /// The network address it was last seen from.
    pub ip: Option<String>,
    /// When it was last seen.
    pub last_active: Elapsed,
    /// The session that asks; it is left by signing out.
    pub current: bool,
}

/// What a member sees of their account.
///
/// The session forms post `session_id` and `action=revoke`, or `action=revoke_others`; signing out posts `action=logout`.
#[derive(Clone, Debug)]
pub struct SettingsPage {
    /// The member's name, if they gave one.
    pub name: Option<String>,
    /// Editing the name.
    pub names_href: String,
    /// All login IDs.
    pub login_ids: Vec<LoginIdEntry>,
    /// The kinds that can be added.
    pub addable: Vec<LoginIdChoice>,
    /// The password, where the project uses them.
    pub password: Option<PasswordSummary>,
    /// The passkeys, where the project uses them.
    pub passkeys: Option<PasskeySummary>,
    /// All sessions, the current one first.
    pub sessions: Vec<SessionEntry>,
    /// Where the session forms post to.
    pub sessions_action: String,
    /// Where the sign-out form posts to.
    pub logout_action: String,
    /// Deleting the account, where the project allows it.
    pub delete_href: Option<String>,
    /// Back to the app.
    pub app_href: Option<String>,
}

impl SettingsPage {
    /// The main states.
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
                entry(LoginIdKind::Email, "ada@example.com", Some(true)),
                LoginIdEntry {
                    verify_href: link("identity/verify"),
                    ..entry(LoginIdKind::Phone, "+44 20 7946 0018", Some(false))
                },
                entry(LoginIdKind::Username, "ada", None),
            ],
            addable: vec![
                LoginIdChoice { kind: LoginIdKind::Email, href: "/settings/identity/add?kind=email".into() },
                LoginIdChoice { kind: LoginIdKind::Phone, href: "/settings/identity/add?kind=phone".into() },
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
            addable: vec![LoginIdChoice { kind: LoginIdKind::Email, href: "/settings/identity/add".into() }],
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

impl LoginIdChoice {
    fn add_label(&self) -> &'static str {
        match self.kind {
            LoginIdKind::Email => "link-add-email",
            LoginIdKind::Phone => "link-add-phone",
            LoginIdKind::Username => "link-add-username",
        }
    }
}

impl Page for SettingsPage {
    fn title(&self) -> Text {
        Text::new("settings-title")
    }

    fn body(&self, ctx: &PageContext) -> String {
        finish(Body { ctx, page: self }.render())
    }

    fn shell(&self) -> Shell {
        Shell::Account { back: None }
    }
}

#[derive(Template)]
#[template(path = "account/overview.html")]
struct Body<'a> {
    ctx: &'a PageContext,
    page: &'a SettingsPage,
}

impl Body<'_> {
    fn device(&self, session: &SessionEntry) -> String {
        session.device.clone().unwrap_or_else(|| self.ctx.t("session-unknown-device"))
    }

    fn passkey_count(&self, summary: &PasskeySummary) -> Text {
        Text::new("passkeys-count").with("count", summary.count)
    }
}
