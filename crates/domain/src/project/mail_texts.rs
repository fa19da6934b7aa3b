//! The texts of emails that a project may write itself: which, in which languages, and the placeholders in them.

use serde::{Deserialize, Serialize};
use vestibule_protocol::text::is_name_of;

use super::is_default;

/// The languages of emails, as in `mail.texts.<language>`; those of the pages.
pub const MAIL_LANGUAGES: [&str; 6] = ["en", "es", "de", "ja", "zh-TW", "ar"];

/// The kinds of email with texts of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTextKind {
    /// A code that verifies an address.
    VerificationCode,
    /// A code to sign in.
    LoginCode,
    /// A code for a new password.
    PasswordResetCode,
    /// The notice of a change of an account.
    AccountChanged,
    /// The notice of what is still signed in after a promotion.
    StillSignedIn,
}

/// The parts of an email that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailPart {
    /// The subject.
    Subject,
    /// The heading.
    Heading,
    /// The text below the heading.
    Lead,
    /// The text at the end.
    Closing,
}

/// A value that is inserted into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The code.
    Code,
    /// The name of the application.
    App,
    /// The project's name for users.
    Brand,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPiece<'a> {
    /// Shown as it is.
    Words(&'a str),
    /// Replaced by its value.
    Value(Placeholder),
}

impl MailTextKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::VerificationCode, Self::LoginCode, Self::PasswordResetCode, Self::AccountChanged, Self::StillSignedIn];

    /// The name in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerificationCode => "verification_code",
            Self::LoginCode => "login_code",
            Self::PasswordResetCode => "password_reset_code",
            Self::AccountChanged => "account_changed",
            Self::StillSignedIn => "still_signed_in",
        }
    }

    /// The parts that can be written. What tells a change, and how to undo it, cannot.
    #[must_use]
    pub fn parts(self) -> &'static [MailPart] {
        match self {
            Self::VerificationCode | Self::LoginCode | Self::PasswordResetCode => &MailPart::ALL,
            Self::AccountChanged => &[MailPart::Subject, MailPart::Heading],
            Self::StillSignedIn => &[MailPart::Subject, MailPart::Heading, MailPart::Lead],
        }
    }

    /// The placeholders of its texts.
    #[must_use]
    pub fn placeholders(self) -> &'static [Placeholder] {
        match self {
            Self::VerificationCode | Self::LoginCode | Self::PasswordResetCode => CODE_PLACEHOLDERS,
            Self::AccountChanged | Self::StillSignedIn => NOTICE_PLACEHOLDERS,
        }
    }
}

/// The placeholders of a mail with a code.
pub(super) const CODE_PLACEHOLDERS: &[Placeholder] = &[Placeholder::Code, Placeholder::App, Placeholder::Brand];
/// The placeholders of a notice.
pub(super) const NOTICE_PLACEHOLDERS: &[Placeholder] = &[Placeholder::App, Placeholder::Brand];

impl MailPart {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Subject, Self::Heading, Self::Lead, Self::Closing];

    /// The name in settings.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Heading => "heading",
            Self::Lead => "lead",
            Self::Closing => "closing",
        }
    }

    /// Maximum length, in characters.
    #[must_use]
    pub const fn max_chars(self) -> usize {
        match self {
            Self::Subject => 150,
            Self::Heading => 100,
            Self::Lead | Self::Closing => 500,
        }
    }
}

impl Placeholder {
    /// Every placeholder.
    pub const ALL: [Self; 3] = [Self::Code, Self::App, Self::Brand];

    /// The name of its value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::App => "app",
            Self::Brand => "brand",
        }
    }

    /// As it is written in a text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "{code}",
            Self::App => "{app}",
            Self::Brand => "{brand}",
        }
    }
}

/// Splits a text into its pieces.
///
/// # Errors
/// When a placeholder is not among those allowed, or a brace has no other half.
pub fn read_pieces<'a>(text: &'a str, allowed: &[Placeholder]) -> Result<Vec<TextPiece<'a>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '}']) {
        let name = rest[start..].find('}').map(|end| &rest[start..=start + end]);
        let known = name.and_then(|name| allowed.iter().copied().find(|one| one.as_str() == name));
        let Some((name, placeholder)) = name.zip(known) else { return Err(describe_unknown(name, allowed)) };
        if start > 0 {
            pieces.push(TextPiece::Words(&rest[..start]));
        }
        pieces.push(TextPiece::Value(placeholder));
        rest = &rest[start + name.len()..];
    }
    if !rest.is_empty() {
        pieces.push(TextPiece::Words(rest));
    }
    Ok(pieces)
}

fn describe_unknown(name: Option<&str>, allowed: &[Placeholder]) -> String {
    let known = allowed.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) if name.starts_with('{') && name.len() <= 40 => {
            format!("{name:?} is not a placeholder of this email: the placeholders are {known}")
        }
        Some(_) | None => {
            format!("a brace is not part of a placeholder: remove it, or write one of the placeholders {known}")
        }
    }
}

/// Checks a text of an email.
pub(super) fn check_text(text: &str, part: MailPart, allowed: &[Placeholder]) -> Result<(), String> {
    let max = part.max_chars();
    if text.chars().count() > max {
        return Err(format!("write at most {max} characters"));
    }
    if !is_name_of(text, max) {
        return Err("write one line with something to read, without control characters, or leave the key out".into());
    }
    read_pieces(text, allowed).map(|_| ())
}

/// The texts of one email. Absent ones are the server's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key")]
pub struct MailText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<String>,
}

/// The texts of the emails in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key")]
pub struct LanguageTexts {
    #[serde(default, skip_serializing_if = "is_default")]
    pub verification_code: MailText,
    #[serde(default, skip_serializing_if = "is_default")]
    pub login_code: MailText,
    #[serde(default, skip_serializing_if = "is_default")]
    pub password_reset_code: MailText,
    #[serde(default, skip_serializing_if = "is_default")]
    pub account_changed: MailText,
    #[serde(default, skip_serializing_if = "is_default")]
    pub still_signed_in: MailText,
}

impl LanguageTexts {
    /// The project's own text of a part.
    #[must_use]
    pub fn get(&self, kind: MailTextKind, part: MailPart) -> Option<&str> {
        if !kind.parts().contains(&part) {
            return None;
        }
        let texts = match kind {
            MailTextKind::VerificationCode => &self.verification_code,
            MailTextKind::LoginCode => &self.login_code,
            MailTextKind::PasswordResetCode => &self.password_reset_code,
            MailTextKind::AccountChanged => &self.account_changed,
            MailTextKind::StillSignedIn => &self.still_signed_in,
        };
        match part {
            MailPart::Subject => texts.subject.as_deref(),
            MailPart::Heading => texts.heading.as_deref(),
            MailPart::Lead => texts.lead.as_deref(),
            MailPart::Closing => texts.closing.as_deref(),
        }
    }
}

/// The texts of the emails, by language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key")]
pub struct MailTexts {
    #[serde(default, skip_serializing_if = "is_default")]
    pub en: LanguageTexts,
    #[serde(default, skip_serializing_if = "is_default")]
    pub es: LanguageTexts,
    #[serde(default, skip_serializing_if = "is_default")]
    pub de: LanguageTexts,
    #[serde(default, skip_serializing_if = "is_default")]
    pub ja: LanguageTexts,
    #[serde(rename = "zh-TW", default, skip_serializing_if = "is_default")]
    pub zh_tw: LanguageTexts,
    #[serde(default, skip_serializing_if = "is_default")]
    pub ar: LanguageTexts,
}

impl MailTexts {
    /// The texts in the language with this tag.
    #[must_use]
    pub fn of(&self, language: &str) -> Option<&LanguageTexts> {
        match language {
            "en" => Some(&self.en),
            "es" => Some(&self.es),
            "de" => Some(&self.de),
            "ja" => Some(&self.ja),
            "zh-TW" => Some(&self.zh_tw),
            "ar" => Some(&self.ar),
            _ => None,
        }
    }
}

/// Every text, for the tests of the whole document.
#[cfg(test)]
pub(super) fn full() -> MailTexts {
    let mut texts = serde_json::json!({});
    for language in MAIL_LANGUAGES {
        for kind in MailTextKind::ALL {
            for part in kind.parts() {
                texts[language][kind.as_str()][part.as_str()] = "{app} by {brand}".into();
            }
        }
    }
    serde_json::from_value(texts).expect("each text has a place")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ProjectSettings, SettingKey};

    #[test]
    fn the_schema_has_the_parts_of_each_kind_in_each_language() {
        for language in MAIL_LANGUAGES {
            assert!(MailTexts::default().of(language).is_some(), "{language}");
            for kind in MailTextKind::ALL {
                for part in MailPart::ALL {
                    let path = format!("mail.texts.{language}.{}.{}", kind.as_str(), part.as_str());
                    let key = SettingKey::find(&path);
                    assert_eq!(key.is_some(), kind.parts().contains(&part), "{path}");
                    let length = format!("at most {} characters", part.max_chars());
                    assert!(key.is_none_or(|key| key.describe().contains(&length)), "{path}");
                }
            }
        }
        let languages: Vec<_> = SettingKey::list()
            .iter()
            .filter_map(|key| key.path().strip_prefix("mail.texts.").map(str::to_owned))
            .collect();
        let languages: Vec<&str> = languages.iter().filter(|path| !path.contains('.')).map(String::as_str).collect();
        assert_eq!(languages, MAIL_LANGUAGES);
    }

    fn problem(kind: MailTextKind, part: MailPart, text: &str) -> Option<String> {
        let document = serde_json::json!({
            "project": {"id": "shop", "public_origin": "https://auth.shop.example"},
            "mail": {"texts": {"de": {kind.as_str(): {part.as_str(): text}}}},
        });
        let problems = ProjectSettings::parse_json(&document).err()?;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].path, format!("mail.texts.de.{}.{}", kind.as_str(), part.as_str()));
        Some(problems[0].message.clone())
    }

    #[test]
    fn texts_and_their_placeholders_are_checked() {
        use MailPart::{Closing, Heading, Lead, Subject};
        use MailTextKind::{AccountChanged, LoginCode, StillSignedIn};
        let long = |count: usize| "é".repeat(count);
        for (kind, part, text) in [
            (LoginCode, Subject, "{code}"),
            (LoginCode, Subject, "{code} für {app} bei {brand}: {code}"),
            (LoginCode, Lead, "Nicht <b>fett</b> & nicht 100 %"),
            (LoginCode, Closing, "اكتب الرمز\u{200f}."),
            (AccountChanged, Subject, "{brand}"),
            (StillSignedIn, Lead, "{app}"),
            (LoginCode, Subject, &long(150)),
            (LoginCode, Heading, &long(100)),
            (LoginCode, Lead, &long(500)),
        ] {
            assert_eq!(problem(kind, part, text), None, "{text}");
        }
        let codes = "the placeholders are {code}, {app}, {brand}";
        let notices = "the placeholders are {app}, {brand}";
        let braces =
            "a brace is not part of a placeholder: remove it, or write one of the placeholders {code}, {app}, {brand}";
        let one_line = "write one line with something to read, without control characters, or leave the key out";
        for (kind, part, text, expected) in [
            (LoginCode, Subject, "{cod}", format!("\"{{cod}}\" is not a placeholder of this email: {codes}")),
            (LoginCode, Subject, "{ code }", format!("\"{{ code }}\" is not a placeholder of this email: {codes}")),
            (LoginCode, Lead, "{Code}", format!("\"{{Code}}\" is not a placeholder of this email: {codes}")),
            (LoginCode, Lead, "{}", format!("\"{{}}\" is not a placeholder of this email: {codes}")),
            (LoginCode, Lead, "{{code}}", format!("\"{{{{code}}\" is not a placeholder of this email: {codes}")),
            (AccountChanged, Subject, "{code}", format!("\"{{code}}\" is not a placeholder of this email: {notices}")),
            (LoginCode, Lead, "{code", braces.into()),
            (LoginCode, Lead, "code}", braces.into()),
            (LoginCode, Lead, "{code}}", braces.into()),
            (LoginCode, Lead, &format!("{{{}}}", long(100)), braces.into()),
            (LoginCode, Subject, "", one_line.into()),
            (LoginCode, Subject, " \u{200b}", one_line.into()),
            (LoginCode, Subject, "a\r\nBcc: kim@shop.example", one_line.into()),
            (LoginCode, Subject, "a\0", one_line.into()),
            (LoginCode, Subject, "a\u{2028}b", one_line.into()),
            (LoginCode, Lead, "a\u{202e}b", one_line.into()),
            (LoginCode, Lead, "a\u{2066}b", one_line.into()),
            (LoginCode, Subject, &long(151), "write at most 150 characters".into()),
            (LoginCode, Heading, &long(101), "write at most 100 characters".into()),
            (LoginCode, Closing, &long(501), "write at most 500 characters".into()),
        ] {
            assert_eq!(problem(kind, part, text), Some(expected), "{text:?}");
        }
        // What tells a change and how to undo it is not written by the project.
        for (kind, part) in [(AccountChanged, Lead), (AccountChanged, Closing), (StillSignedIn, Closing)] {
            let message = problem(kind, part, "x").expect("a problem");
            assert!(
                message.starts_with("unknown key here: it belongs under [mail.texts.en.verification_code], "),
                "{message}"
            );
            assert!(message.len() < 250, "{message}");
        }
    }

    #[test]
    fn a_text_is_split_into_words_and_values() {
        let pieces = |text| read_pieces(text, CODE_PLACEHOLDERS);
        let words = TextPiece::Words;
        assert_eq!(
            pieces("a {code}{app} b"),
            Ok(vec![words("a "), TextPiece::Value(Placeholder::Code), TextPiece::Value(Placeholder::App), words(" b")])
        );
        assert_eq!(pieces("é"), Ok(vec![words("é")]));
        assert_eq!(pieces(""), Ok(Vec::new()));
    }
}
