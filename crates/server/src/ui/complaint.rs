//! What can be wrong with a form field, as the person is told it.

use super::{field::LoginIdKind, text::Text};

/// One thing wrong with what was typed. None of them says whether an account exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// No email address given.
    EmailMissing,
    /// Not an email address.
    EmailInvalid,
    /// No phone number given.
    PhoneMissing,
    /// Not a phone number we can reach.
    PhoneInvalid,
    /// No username given.
    UsernameMissing,
    /// Signs a username cannot have, or a wrong length.
    UsernameInvalid,
    /// A name the project keeps for itself.
    UsernameReserved,
    /// The username belongs to someone; there is no address to prove, so it is said at once.
    UsernameTaken,
    /// The address or number belongs to another account; said only after it was proved.
    LoginIdTaken,
    /// The project does not take this address or number.
    LoginIdBlocked,
    /// No password given.
    PasswordMissing,
    /// Shorter than the policy wants.
    PasswordTooShort {
        /// The least number of characters.
        min: u32,
    },
    /// Longer than the server takes.
    PasswordTooLong {
        /// The greatest number of characters.
        max: u32,
    },
    /// Too easy to guess.
    PasswordTooWeak,
    /// On a list of leaked passwords.
    PasswordBreached,
    /// The same as before.
    PasswordReused,
    /// Contains the login ID.
    PasswordLikeLoginId,
    /// The policy wants a capital letter.
    PasswordNeedsUppercase,
    /// The policy wants a small letter.
    PasswordNeedsLowercase,
    /// The policy wants a digit.
    PasswordNeedsDigit,
    /// The policy wants a sign that is neither letter nor digit.
    PasswordNeedsSymbol,
    /// The password of the signed-in person is wrong.
    PasswordWrong,
    /// Login ID and password do not belong together.
    CredentialsWrong {
        /// What was typed beside the password.
        kind: LoginIdKind,
    },
    /// No code given.
    CodeMissing,
    /// The code is wrong.
    CodeWrong,
    /// The code is too old.
    CodeExpired,
    /// The code was tried too often; a new one is needed.
    CodeSpent,
    /// The typed confirmation is not what was asked for.
    ConfirmationWrong {
        /// What should have been typed.
        phrase: String,
    },
    /// A name longer than we keep.
    NameTooLong {
        /// The greatest number of characters.
        max: u32,
    },
}

impl Complaint {
    /// One of each, for tests and samples.
    pub fn examples() -> Vec<Self> {
        vec![
            Self::EmailMissing,
            Self::EmailInvalid,
            Self::PhoneMissing,
            Self::PhoneInvalid,
            Self::UsernameMissing,
            Self::UsernameInvalid,
            Self::UsernameReserved,
            Self::UsernameTaken,
            Self::LoginIdTaken,
            Self::LoginIdBlocked,
            Self::PasswordMissing,
            Self::PasswordTooShort { min: 8 },
            Self::PasswordTooLong { max: 256 },
            Self::PasswordTooWeak,
            Self::PasswordBreached,
            Self::PasswordReused,
            Self::PasswordLikeLoginId,
            Self::PasswordNeedsUppercase,
            Self::PasswordNeedsLowercase,
            Self::PasswordNeedsDigit,
            Self::PasswordNeedsSymbol,
            Self::PasswordWrong,
            Self::CredentialsWrong { kind: LoginIdKind::Email },
            Self::CredentialsWrong { kind: LoginIdKind::Phone },
            Self::CredentialsWrong { kind: LoginIdKind::Username },
            Self::CodeMissing,
            Self::CodeWrong,
            Self::CodeExpired,
            Self::CodeSpent,
            Self::ConfirmationWrong { phrase: "ada@example.com".into() },
            Self::NameTooLong { max: 100 },
        ]
    }

    /// The complaint in words.
    pub fn text(&self) -> Text {
        match self {
            Self::EmailMissing => Text::new("error-email-missing"),
            Self::EmailInvalid => Text::new("error-email-invalid"),
            Self::PhoneMissing => Text::new("error-phone-missing"),
            Self::PhoneInvalid => Text::new("error-phone-invalid"),
            Self::UsernameMissing => Text::new("error-username-missing"),
            Self::UsernameInvalid => Text::new("error-username-invalid"),
            Self::UsernameReserved => Text::new("error-username-reserved"),
            Self::UsernameTaken => Text::new("error-username-taken"),
            Self::LoginIdTaken => Text::new("error-login-id-taken"),
            Self::LoginIdBlocked => Text::new("error-login-id-blocked"),
            Self::PasswordMissing => Text::new("error-password-missing"),
            Self::PasswordTooShort { min } => Text::new("error-password-too-short").with("min", *min),
            Self::PasswordTooLong { max } => Text::new("error-password-too-long").with("max", *max),
            Self::PasswordTooWeak => Text::new("error-password-too-weak"),
            Self::PasswordBreached => Text::new("error-password-breached"),
            Self::PasswordReused => Text::new("error-password-reused"),
            Self::PasswordLikeLoginId => Text::new("error-password-like-login-id"),
            Self::PasswordNeedsUppercase => Text::new("error-password-needs-uppercase"),
            Self::PasswordNeedsLowercase => Text::new("error-password-needs-lowercase"),
            Self::PasswordNeedsDigit => Text::new("error-password-needs-digit"),
            Self::PasswordNeedsSymbol => Text::new("error-password-needs-symbol"),
            Self::PasswordWrong => Text::new("error-password-wrong"),
            Self::CredentialsWrong { kind } => Text::new(match kind {
                LoginIdKind::Email => "error-credentials-wrong-email",
                LoginIdKind::Phone => "error-credentials-wrong-phone",
                LoginIdKind::Username => "error-credentials-wrong-username",
            }),
            Self::CodeMissing => Text::new("error-code-missing"),
            Self::CodeWrong => Text::new("error-code-wrong"),
            Self::CodeExpired => Text::new("error-code-expired"),
            Self::CodeSpent => Text::new("error-code-spent"),
            Self::ConfirmationWrong { phrase } => Text::new("error-confirmation-wrong").with("phrase", phrase),
            Self::NameTooLong { max } => Text::new("error-name-too-long").with("max", *max),
        }
    }
}

impl From<Complaint> for Text {
    fn from(complaint: Complaint) -> Self {
        complaint.text()
    }
}
