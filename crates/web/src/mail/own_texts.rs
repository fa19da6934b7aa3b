//! The texts that a project wrote itself, with the values of their placeholders.

use vestibule_domain::project::{MailPart, MailTextKind, Placeholder, TextPiece, read_pieces};

use super::{AccountNotice, MailContext, MailKind, MailedSession};
use crate::{
    elapsed::Elapsed,
    locale::{Direction, Locale},
    text::Arg,
};

impl MailContext {
    /// The project's text of a part. `None`, for the server's, also when it cannot be read: only a newer release can have stored it.
    pub(super) fn own_text(&self, mail: &MailKind, part: MailPart) -> Option<String> {
        let kind = mail.text_kind()?;
        let pieces = read_pieces(self.texts.get(kind, part)?, kind.placeholders()).ok()?;
        let mut text = String::new();
        for piece in pieces {
            match piece {
                TextPiece::Words(words) => text.push_str(words),
                TextPiece::Value(placeholder) => self.push_value(&mut text, self.value(mail, placeholder)),
            }
        }
        Some(text)
    }

    fn value<'a>(&'a self, mail: &'a MailKind, placeholder: Placeholder) -> &'a str {
        match placeholder {
            Placeholder::Code => mail.code().map_or("", |(code, _)| code),
            Placeholder::App => &self.app_name,
            Placeholder::Brand => &self.brand.name,
        }
    }

    /// Inserts a value, which is never read for placeholders. Isolation marks keep a Latin name from reordering a
    /// right-to-left sentence, as in the server's texts.
    fn push_value(&self, text: &mut String, value: &str) {
        match self.locale.direction() {
            Direction::Ltr => text.push_str(value),
            Direction::Rtl => text.extend(["\u{2068}", value, "\u{2069}"]),
        }
    }
}

impl MailKind {
    /// An email of this kind for previews and tests, with the code 123456.
    pub fn example(kind: MailTextKind, origin: &str, app: &str) -> Self {
        let (code, minutes) = ("123456".to_owned(), 10);
        let link = format!("{origin}/");
        match kind {
            MailTextKind::VerificationCode => Self::VerificationCode { code, minutes },
            MailTextKind::LoginCode => Self::LoginCode { code, minutes },
            MailTextKind::PasswordResetCode => Self::PasswordResetCode { code, minutes },
            MailTextKind::AccountChanged => {
                let change = AccountNotice::LoginIdAdded { login_id: "ada@example.com".to_owned() };
                Self::Changed { change, link: Some(link) }
            }
            MailTextKind::StillSignedIn => {
                let session = |device: &str, seconds| MailedSession {
                    app: app.to_owned(),
                    device: Some(device.to_owned()),
                    began: Elapsed::from_seconds(seconds),
                };
                Self::StillSignedIn { sessions: vec![session("Pixel 8", 300_000), session("iPhone", 7_200)], link }
            }
        }
    }
}

/// The server's text of a part, with placeholders in the places of values.
pub fn server_text(locale: &Locale, kind: MailTextKind, part: MailPart) -> String {
    let mail = MailKind::example(kind, "", "");
    let [subject, heading, lead, closing] = mail.texts();
    let text = match part {
        MailPart::Subject => subject,
        MailPart::Heading => heading,
        MailPart::Lead => lead,
        MailPart::Closing => closing,
    };
    let args = Placeholder::ALL.map(|one| (one.name(), Arg::from(one.as_str())));
    // Isolation marks surround values; the mail has its own.
    locale.text_with(text.key(), &args).replace(['\u{2068}', '\u{2069}'], "")
}
