//! Problems of form fields, and their messages.

use crate::{field::LoginIdField, text::Text};

/// A problem of a form field. None reveals whether an account exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldProblem {
    EmailMissing,
    EmailInvalid,
    /// The mail server takes no addresses of this kind.
    EmailNotDeliverable,
    PhoneMissing,
    PhoneInvalid,
    /// No codes are sent to numbers of this country.
    PhoneCountry,
    UsernameMissing,
    UsernameInvalid,
    UsernameReserved,
    /// Another user has the username; it is never verified, so this is shown at once.
    UsernameTaken,
    /// Another account has the address or number; shown only after verification.
    LoginIdTaken,
    LoginIdBlocked,
    PasswordMissing,
    PasswordTooShort {
        min: u32,
    },
    PasswordTooLong {
        max: u32,
    },
    PasswordTooWeak,
    PasswordBreached,
    PasswordReused,
    PasswordLikeLoginId,
    PasswordNeedsUppercase,
    PasswordNeedsLowercase,
    PasswordNeedsDigit,
    /// The policy wants a sign that is neither letter nor digit.
    PasswordNeedsSymbol,
    PasswordWrong,
    /// The combination of login ID and password is wrong.
    CredentialsWrong {
        kind: LoginIdField,
    },
    CodeMissing,
    CodeWrong,
    CodeExpired,
    /// The code was tried too often; a new one is needed.
    CodeSpent,
    ConfirmationWrong {
        phrase: String,
    },
    NameTooLong {
        max: u32,
    },
}

impl FieldProblem {
    /// One of each, for tests and samples.
    pub fn examples() -> Vec<Self> {
        vec![
            Self::EmailMissing,
            Self::EmailInvalid,
            Self::EmailNotDeliverable,
            Self::PhoneMissing,
            Self::PhoneInvalid,
            Self::PhoneCountry,
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
            Self::CredentialsWrong { kind: LoginIdField::Email },
            Self::CredentialsWrong { kind: LoginIdField::Phone },
            Self::CredentialsWrong { kind: LoginIdField::Username },
            Self::CodeMissing,
            Self::CodeWrong,
            Self::CodeExpired,
            Self::CodeSpent,
            Self::ConfirmationWrong { phrase: "ada@example.com".into() },
            Self::NameTooLong { max: 100 },
        ]
    }

    /// The message.
    pub fn text(&self) -> Text {
        match self {
            Self::EmailMissing => Text::new("error-email-missing"),
            Self::EmailInvalid => Text::new("error-email-invalid"),
            Self::EmailNotDeliverable => Text::new("error-email-not-deliverable"),
            Self::PhoneMissing => Text::new("error-phone-missing"),
            Self::PhoneInvalid => Text::new("error-phone-invalid"),
            Self::PhoneCountry => Text::new("error-phone-country"),
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
                LoginIdField::Email => "error-credentials-wrong-email",
                LoginIdField::Phone => "error-credentials-wrong-phone",
                LoginIdField::Username => "error-credentials-wrong-username",
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

impl From<FieldProblem> for Text {
    fn from(problem: FieldProblem) -> Self {
        problem.text()
    }
}
