//! The texts of mails and text messages. A mail's styles are inline, because many mail clients support nothing else; it
//! loads no external resources.

use askama::Template;
use vestibule_web::brand::Brand;
use vestibule_web::locale::Locale;
use vestibule_web::rendered_mail::RenderedMail;
use vestibule_web::template::finish;
use vestibule_web::text::{Arg, Text};
use vestibule_web::theme::mail_colors;

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
    /// A login ID was replaced; the mail goes to the old one.
    LoginIdChanged {
        from: String,
        to: String,
    },
    /// A login ID was removed; the mail goes to it.
    LoginIdRemoved {
        login_id: String,
    },
    PasswordChanged,
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
    Changed(AccountNotice),
}

impl MailKind {
    pub fn render(&self, ctx: &MailContext) -> RenderedMail {
        let [subject, title, lead, closing] = self.texts().map(|text| ctx.translate(&text));
        let (accent, accent_text) = mail_colors(&ctx.brand);
        let code = self.code().map(|(code, minutes)| Code {
            digits: code.to_owned(),
            valid: ctx.translate(&Text::new("mail-code-valid").with("minutes", minutes)),
        });
        let words = MailText { ctx, title, lead, closing, code, footer: ctx.translate(&Text::new("mail-footer")) };
        let text = finish(TextPart { words: &words }.render());
        let html = finish(MailHtml { words: &words, accent, accent_text }.render());
        RenderedMail { subject: subject.replace(['\r', '\n'], " "), text, html }
    }

    fn code(&self) -> Option<(&str, u32)> {
        match self {
            Self::VerificationCode { code, minutes }
            | Self::LoginCode { code, minutes }
            | Self::PasswordResetCode { code, minutes } => Some((code, *minutes)),
            Self::Changed(_) => None,
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
            Self::Changed(change) => {
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
                    AccountNotice::PasswordChanged => Text::new("mail-changed-password"),
                };
                [Text::new("mail-changed-subject"), Text::new("mail-changed-title"), lead, not_you()]
            }
        }
    }

    /// One of each, for the tests and the sample renderer.
    #[cfg(any(test, feature = "samples"))]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let (code, minutes) = ("402713".to_owned(), 10);
        let login_id = "ada@example.com".to_owned();
        vec![
            ("verification-code", Self::VerificationCode { code: code.clone(), minutes }),
            ("login-code", Self::LoginCode { code: code.clone(), minutes }),
            ("password-reset-code", Self::PasswordResetCode { code, minutes }),
            ("login-id-added", Self::Changed(AccountNotice::LoginIdAdded { login_id: login_id.clone() })),
            (
                "login-id-changed",
                Self::Changed(AccountNotice::LoginIdChanged { from: login_id.clone(), to: "ada@new.example".into() }),
            ),
            ("login-id-removed", Self::Changed(AccountNotice::LoginIdRemoved { login_id })),
            ("password-changed", Self::Changed(AccountNotice::PasswordChanged)),
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

struct MailText<'a> {
    ctx: &'a MailContext,
    title: String,
    lead: String,
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
                assert!(!mail.html.contains("src=") && !mail.html.contains("http"), "{name}");
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
