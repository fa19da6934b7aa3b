//! The texts of mails and text messages. A mail's light styles are inline, because many mail clients support nothing else; a style
//! block has the dark ones. It loads no external resources.

mod notices;
mod own_texts;

pub use self::own_texts::server_text;

use askama::Template;
use vestibule_domain::project::{LanguageTexts, MailPart, MailTextKind};

use crate::{
    brand::Brand,
    context::PageColorScheme,
    elapsed::Elapsed,
    locale::{Direction, Locale},
    rendered_mail::RenderedMail,
    template::finish,
    text::{Arg, Text},
    theme::{MailColors, mail_colors},
    user_agent::Device,
};

/// The context of a mail.
#[derive(Clone, Debug)]
pub struct MailContext {
    pub locale: Locale,
    pub brand: Brand,
    /// The name of the app; without one, the project's name.
    pub app_name: String,
    /// What the code was asked for, or the change was made with. Names of ours only, because its header is an attacker's choice.
    pub device: Option<Device>,
    /// The project's own texts in this language.
    pub texts: LanguageTexts,
}

/// A change of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountNotice {
    LoginIdAdded {
        login_id: String,
    },
    /// A login ID was replaced; a mail goes to the old one.
    LoginIdChanged {
        from: String,
        to: String,
    },
    /// A login ID was removed; a mail goes to it.
    LoginIdRemoved {
        login_id: String,
    },
    PasskeyAdded {
        name: Option<String>,
    },
    PasskeyRemoved {
        name: Option<String>,
    },
    ExternalAccountAdded {
        name: String,
    },
    ExternalAccountRemoved {
        name: String,
    },
    PasswordChanged,
    /// A link "This was not me" was used.
    ChangesUndone,
}

/// A session in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailedSession {
    pub app: String,
    pub device: Option<String>,
    pub began: Elapsed,
}

/// The kinds of mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// A code that verifies the address, in promotion, sign-up or settings.
    VerificationCode {
        code: String,
        minutes: u32,
    },
    LoginCode {
        code: String,
        minutes: u32,
    },
    PasswordResetCode {
        code: String,
        minutes: u32,
    },
    /// The link undoes the change.
    Changed {
        change: AccountNotice,
        link: Option<String>,
    },
    /// An operator created the account; the link leads to a new password.
    Invitation {
        link: String,
    },
    /// An operator sends a link that leads to a new password.
    PasswordLink {
        link: String,
    },
    /// What is still signed in after the promotion of a guest that began elsewhere; the link ends it.
    StillSignedIn {
        sessions: Vec<MailedSession>,
        link: String,
    },
}

/// The color schemes of a mail.
struct Schemes {
    declared: &'static str,
    /// When the dark styles count.
    dark_media: &'static str,
}

impl From<PageColorScheme> for Schemes {
    fn from(scheme: PageColorScheme) -> Self {
        let (declared, dark_media) = match scheme {
            PageColorScheme::Auto => ("light dark", "(prefers-color-scheme:dark)"),
            PageColorScheme::Light => ("light", "not all"),
            PageColorScheme::Dark => ("dark", "all"),
        };
        Self { declared, dark_media }
    }
}

impl MailKind {
    pub fn render(&self, ctx: &MailContext) -> RenderedMail {
        self.render_in(ctx, PageColorScheme::Auto)
    }

    /// As [`Self::render`]; a preview shows one color scheme, whatever its reader prefers.
    pub fn render_in(&self, ctx: &MailContext, scheme: PageColorScheme) -> RenderedMail {
        let mut texts = self.texts().map(|text| ctx.translate(&text));
        for (text, part) in texts.iter_mut().zip(MailPart::ALL) {
            if let Some(own) = ctx.own_text(self, part) {
                *text = own;
            }
        }
        let [subject, title, lead, closing] = texts;
        let [light, dark] = mail_colors(&ctx.brand);
        let code = self.code().map(|(code, minutes)| Code {
            digits: code.to_owned(),
            valid: ctx.translate(&Text::new("mail-code-valid").with("minutes", minutes)),
        });
        let items = self.items(ctx);
        let link = self.link().map(|(text, href)| Link { text: ctx.translate(&text), href: href.to_owned() });
        let footer = ctx.translate(&Text::new("mail-footer"));
        let asked = ctx.translate(&self.asked(ctx));
        let words = MailText { ctx, title, lead, items, link, asked, closing, code, footer };
        let text = finish(TextPart { words: &words }.render());
        let html = finish(MailHtml { words: &words, light, dark, schemes: scheme.into() }.render());
        RenderedMail { subject: subject.replace(char::is_control, " "), text, html }
    }

    /// The kind of the project's own texts; `None` where the texts are always ours.
    fn text_kind(&self) -> Option<MailTextKind> {
        Some(match self {
            Self::VerificationCode { .. } => MailTextKind::VerificationCode,
            Self::LoginCode { .. } => MailTextKind::LoginCode,
            Self::PasswordResetCode { .. } => MailTextKind::PasswordResetCode,
            Self::Changed { .. } => MailTextKind::AccountChanged,
            Self::StillSignedIn { .. } => MailTextKind::StillSignedIn,
            Self::Invitation { .. } | Self::PasswordLink { .. } => return None,
        })
    }

    /// What asked for it, and why. It is in the server's words, whatever the project writes.
    fn asked(&self, ctx: &MailContext) -> Text {
        let device = ctx.device.map(|device| device.words(&ctx.locale));
        let keys = match self {
            Self::VerificationCode { .. } => [Text::new("mail-verify-asked"), Text::new("mail-verify-asked-with")],
            Self::LoginCode { .. } => [Text::new("mail-login-asked"), Text::new("mail-login-asked-with")],
            Self::PasswordResetCode { .. } => [Text::new("mail-reset-asked"), Text::new("mail-reset-asked-with")],
            Self::Changed { .. } | Self::StillSignedIn { .. } => [Text::new("mail-done"), Text::new("mail-done-with")],
            // An operator did, whose device is no matter of the member's.
            Self::Invitation { .. } => return Text::new("mail-invite-asked"),
            Self::PasswordLink { .. } => return Text::new("mail-password-link-asked"),
        };
        let [without, with] = keys;
        device.map_or(without, |device| with.with("device", device))
    }

    fn code(&self) -> Option<(&str, u32)> {
        match self {
            Self::VerificationCode { code, minutes }
            | Self::LoginCode { code, minutes }
            | Self::PasswordResetCode { code, minutes } => Some((code, *minutes)),
            Self::Changed { .. } | Self::StillSignedIn { .. } | Self::Invitation { .. } | Self::PasswordLink { .. } => {
                None
            }
        }
    }

    /// What is listed below the lead.
    fn items(&self, ctx: &MailContext) -> Vec<String> {
        let Self::StillSignedIn { sessions, .. } = self else { return Vec::new() };
        let item = |session: &MailedSession| {
            let began = ctx.translate(&session.began.text());
            let text = match &session.device {
                Some(device) => Text::new("mail-signed-in-device").with("device", device),
                None => Text::new("mail-signed-in-app"),
            };
            ctx.translate(&text.with("client", &session.app).with("when", began))
        };
        sessions.iter().map(item).collect()
    }

    /// The link, with its text.
    fn link(&self) -> Option<(Text, &str)> {
        match self {
            Self::StillSignedIn { link, .. } => Some((Text::new("mail-signed-in-link"), link)),
            Self::Invitation { link } | Self::PasswordLink { link } => Some((Text::new("mail-password-link"), link)),
            Self::Changed { link: Some(link), .. } => Some((Text::new("mail-not-you-link"), link)),
            Self::VerificationCode { .. }
            | Self::LoginCode { .. }
            | Self::PasswordResetCode { .. }
            | Self::Changed { link: None, .. } => None,
        }
    }

    /// Subject, heading, lead and closing.
    fn texts(&self) -> [Text; 4] {
        let ignore = || Text::new("mail-ignore");
        let not_you = || Text::new("mail-not-you");
        match self {
            Self::VerificationCode { code, .. } => [
                Text::new("mail-verify-subject").with("code", code),
                Text::new("mail-verify-title"),
                Text::new("mail-verify-lead"),
                ignore(),
            ],
            Self::LoginCode { code, .. } => [
                Text::new("mail-login-subject").with("code", code),
                Text::new("mail-login-title"),
                Text::new("mail-login-lead"),
                ignore(),
            ],
            Self::PasswordResetCode { code, .. } => [
                Text::new("mail-reset-subject").with("code", code),
                Text::new("mail-reset-title"),
                Text::new("mail-reset-lead"),
                ignore(),
            ],
            Self::Changed { change, link } => {
                let lead = match change {
                    AccountNotice::LoginIdAdded { login_id } => {
                        Text::new("mail-changed-added").with("login_id", login_id)
                    }
                    AccountNotice::LoginIdChanged { from, to } => {
                        Text::new("mail-changed-replaced").with("from", from).with("to", to)
                    }
                    AccountNotice::LoginIdRemoved { login_id } => {
                        Text::new("mail-changed-removed").with("login_id", login_id)
                    }
                    AccountNotice::PasskeyAdded { name: Some(name) } => {
                        Text::new("mail-changed-passkey-named").with("name", name)
                    }
                    AccountNotice::PasskeyAdded { name: None } => Text::new("mail-changed-passkey"),
                    AccountNotice::PasskeyRemoved { name: Some(name) } => {
                        Text::new("mail-changed-passkey-removed-named").with("name", name)
                    }
                    AccountNotice::PasskeyRemoved { name: None } => Text::new("mail-changed-passkey-removed"),
                    AccountNotice::ExternalAccountAdded { name } => {
                        Text::new("mail-changed-external-account").with("name", name)
                    }
                    AccountNotice::ExternalAccountRemoved { name } => {
                        Text::new("mail-changed-external-account-removed").with("name", name)
                    }
                    AccountNotice::PasswordChanged => Text::new("mail-changed-password"),
                    AccountNotice::ChangesUndone => Text::new("mail-changed-undone"),
                };
                let closing = if link.is_some() { Text::new("mail-not-you-undo") } else { not_you() };
                [Text::new("mail-changed-subject"), Text::new("mail-changed-title"), lead, closing]
            }
            Self::Invitation { .. } => [
                Text::new("mail-invite-subject"),
                Text::new("mail-invite-title"),
                Text::new("mail-invite-lead"),
                Text::new("mail-password-link-closing"),
            ],
            Self::PasswordLink { .. } => [
                Text::new("mail-password-link-subject"),
                Text::new("mail-password-link-title"),
                Text::new("mail-password-link-lead"),
                Text::new("mail-password-link-closing"),
            ],
            Self::StillSignedIn { .. } => [
                Text::new("mail-signed-in-subject"),
                Text::new("mail-signed-in-title"),
                Text::new("mail-signed-in-lead"),
                Text::new("mail-signed-in-closing"),
            ],
        }
    }

    /// One of each, for the tests and the sample renderer.
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let (code, minutes) = ("402713".to_owned(), 10);
        let login_id = "ada@example.com".to_owned();
        let link = "https://auth.shop.example/security/sample";
        let undoable = |change| Self::Changed { change, link: Some(link.to_owned()) };
        vec![
            ("verification-code", Self::VerificationCode { code: code.clone(), minutes }),
            ("login-code", Self::LoginCode { code: code.clone(), minutes }),
            ("password-reset-code", Self::PasswordResetCode { code, minutes }),
            ("login-id-added", undoable(AccountNotice::LoginIdAdded { login_id: login_id.clone() })),
            (
                "login-id-changed",
                undoable(AccountNotice::LoginIdChanged { from: login_id.clone(), to: "ada@new.example".into() }),
            ),
            ("passkey-added", undoable(AccountNotice::PasskeyAdded { name: Some("Chrome · Linux".into()) })),
            ("passkey-added-unnamed", undoable(AccountNotice::PasskeyAdded { name: None })),
            ("login-id-removed", undoable(AccountNotice::LoginIdRemoved { login_id: login_id.clone() })),
            (
                "login-id-removed-no-link",
                Self::Changed { change: AccountNotice::LoginIdRemoved { login_id }, link: None },
            ),
            ("passkey-removed", undoable(AccountNotice::PasskeyRemoved { name: Some("Chrome · Linux".into()) })),
            ("passkey-removed-unnamed", undoable(AccountNotice::PasskeyRemoved { name: None })),
            (
                "external-account-added",
                undoable(AccountNotice::ExternalAccountAdded { name: "Google · ada@example.com".into() }),
            ),
            (
                "external-account-removed",
                undoable(AccountNotice::ExternalAccountRemoved { name: "Google · ada@example.com".into() }),
            ),
            ("password-changed", Self::Changed { change: AccountNotice::PasswordChanged, link: None }),
            ("changes-undone", Self::Changed { change: AccountNotice::ChangesUndone, link: None }),
            ("invitation", Self::Invitation { link: link.into() }),
            ("password-link", Self::PasswordLink { link: link.into() }),
            (
                "still-signed-in",
                Self::StillSignedIn {
                    sessions: vec![
                        MailedSession {
                            app: "Corner & Shop".into(),
                            device: Some("Pixel 8".into()),
                            began: Elapsed::from_seconds(300_000),
                        },
                        MailedSession { app: "Corner & Shop".into(), device: None, began: Elapsed::from_seconds(60) },
                    ],
                    link: link.into(),
                },
            ),
        ]
    }
}

impl MailContext {
    /// A mail in the server's words.
    pub fn new(locale: Locale, brand: Brand, app_name: impl Into<String>) -> Self {
        Self { locale, brand, app_name: app_name.into(), device: None, texts: LanguageTexts::default() }
    }

    fn translate(&self, text: &Text) -> String {
        let mut args = vec![("app", Arg::from(self.app_name.as_str())), ("brand", Arg::from(self.brand.name.as_str()))];
        args.extend_from_slice(text.args());
        self.locale.text_with(text.key(), &args)
    }

    fn align(&self) -> &'static str {
        match self.locale.direction() {
            Direction::Ltr => "left",
            Direction::Rtl => "right",
        }
    }
}

/// The text message with a code.
///
/// With `domain`, its last line binds the code to that web site, so that browsers fill it in only there (WICG
/// "Origin-bound one-time codes delivered via SMS").
pub fn sms_text(ctx: &MailContext, code: &str, domain: Option<&str>) -> String {
    let words = ctx.translate(&Text::new("sms-code").with("code", code));
    match domain {
        Some(domain) => format!("{words}\n\n@{domain} #{code}"),
        None => words,
    }
}

struct Code {
    digits: String,
    valid: String,
}

struct Link {
    text: String,
    href: String,
}

struct MailText<'a> {
    ctx: &'a MailContext,
    title: String,
    lead: String,
    items: Vec<String>,
    link: Option<Link>,
    asked: String,
    closing: String,
    code: Option<Code>,
    footer: String,
}

#[derive(Template)]
#[template(path = "mail/mail.txt")]
struct TextPart<'a> {
    words: &'a MailText<'a>,
}

#[derive(Template)]
#[template(path = "mail/mail.html")]
struct MailHtml<'a> {
    words: &'a MailText<'a>,
    light: MailColors,
    dark: MailColors,
    schemes: Schemes,
}

#[cfg(test)]
mod tests;
