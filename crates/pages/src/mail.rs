//! The texts of mails and text messages. A mail's styles are inline, because many mail clients support nothing else; it
//! loads no external resources.

use askama::Template;
use vestibule_web::{
    brand::Brand,
    elapsed::Elapsed,
    locale::Locale,
    rendered_mail::RenderedMail,
    template::finish,
    text::{Arg, Text},
    theme::mail_colors,
};

/// The context of a mail.
#[derive(Clone, Debug)]
pub struct MailContext {
    pub locale: Locale,
    pub brand: Brand,
    /// The name of the app; without one, the project's name.
    pub app_name: String,
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
    /// What is still signed in after the promotion of a guest that began elsewhere; the link ends it.
    StillSignedIn {
        sessions: Vec<MailedSession>,
        link: String,
    },
}

impl MailKind {
    pub fn render(&self, ctx: &MailContext) -> RenderedMail {
        let [subject, title, lead, closing] = self.texts().map(|text| ctx.translate(&text));
        let (accent, accent_text) = mail_colors(&ctx.brand);
        let code = self.code().map(|(code, minutes)| Code {
            digits: code.to_owned(),
            valid: ctx.translate(&Text::new("mail-code-valid").with("minutes", minutes)),
        });
        let items = self.items(ctx);
        let link = self.link().map(|(text, href)| Link { text: ctx.translate(&text), href: href.to_owned() });
        let footer = ctx.translate(&Text::new("mail-footer"));
        let words = MailText { ctx, title, lead, items, link, closing, code, footer };
        let text = finish(TextPart { words: &words }.render());
        let html = finish(MailHtml { words: &words, accent, accent_text }.render());
        RenderedMail { subject: subject.replace(['\r', '\n'], " "), text, html }
    }

    fn code(&self) -> Option<(&str, u32)> {
        match self {
            Self::VerificationCode { code, minutes }
            | Self::LoginCode { code, minutes }
            | Self::PasswordResetCode { code, minutes } => Some((code, *minutes)),
            Self::Changed { .. } | Self::StillSignedIn { .. } => None,
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
    fn translate(&self, text: &Text) -> String {
        let mut args = vec![("app", Arg::from(self.app_name.as_str())), ("brand", Arg::from(self.brand.name.as_str()))];
        args.extend_from_slice(text.args());
        self.locale.text_with(text.key(), &args)
    }

    fn align(&self) -> &'static str {
        match self.locale.direction() {
            vestibule_web::locale::Direction::Ltr => "left",
            vestibule_web::locale::Direction::Rtl => "right",
        }
    }
}

/// The text message with a code.
///
/// With `domain`, its last line binds the code to that web site, so that browsers fill it in only there (WICG
/// "Origin-bound one-time codes delivered via SMS").
pub(crate) fn sms_text(ctx: &MailContext, code: &str, domain: Option<&str>) -> String {
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
    accent: String,
    accent_text: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_web::locale::Locales;

    fn contexts() -> Vec<MailContext> {
        let brand = Brand { name: "Corner & Shop".into(), ..Brand::default() };
        let context = |locale: &Locale| MailContext {
            locale: locale.clone(),
            brand: brand.clone(),
            app_name: "Corner & Shop".into(),
        };
        Locales::shared().locales().iter().map(context).collect()
    }

    #[test]
    fn every_mail_carries_its_code_in_both_parts_and_loads_nothing() {
        for ctx in contexts() {
            for (name, kind) in MailKind::samples() {
                let mail = kind.render(&ctx);
                if let Some((code, _)) = kind.code() {
                    assert!(mail.text.contains(code) && mail.html.contains(code), "{name}");
                    assert!(mail.subject.contains(code), "{name}");
                }
                assert!(!mail.html.contains("src="), "{name}");
                // The only address is that of the link.
                let addresses = usize::from(kind.link().is_some());
                assert_eq!(mail.html.matches("http").count(), addresses, "{name}");
                assert_eq!(mail.text.matches("http").count(), addresses, "{name}");
                assert!(mail.html.contains("Corner &#38; Shop"), "{name} escapes its HTML part");
                assert!(mail.text.contains("Corner & Shop"), "{name} does not escape its text part");
                assert!(mail.html.contains(&format!("lang=\"{}\"", ctx.locale.tag())), "{name}");
            }
        }
    }

    #[test]
    fn a_subject_stays_one_line() {
        let ctx = MailContext { app_name: "a\r\nBcc: x@example.com".into(), ..contexts().remove(0) };
        for (name, kind) in MailKind::samples() {
            assert!(!kind.render(&ctx).subject.contains(['\r', '\n']), "{name}");
        }
    }

    #[test]
    fn a_text_message_ends_with_the_bound_code() {
        for ctx in contexts() {
            let text = sms_text(&ctx, "402713", Some("auth.shop.example"));
            assert!(text.ends_with("\n@auth.shop.example #402713"), "{text}");
            assert!(sms_text(&ctx, "402713", None).contains("402713"));
        }
    }
}
