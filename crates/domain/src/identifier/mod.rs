//! Login IDs: email address, phone number or username, in one normal form per kind.
//! The normal form is unique in a project; the original is displayed and used for sending.

pub mod email;
pub mod pasted;
pub mod phone;
pub mod username;

use serde::{Deserialize, Serialize};

use self::{email::EmailProblem, phone::PhoneProblem, username::UsernameProblem};

/// The kinds of login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginIdKind {
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// A username.
    Username,
}

impl LoginIdKind {
    /// Every kind, in the default order of pages.
    pub const ALL: [Self; 3] = [Self::Email, Self::Phone, Self::Username];

    /// The name in settings, the store and the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }

    /// Parses the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The OIDC standard claim of its value (OpenID Connect Core §5.1).
    #[must_use]
    pub fn claim(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone_number",
            Self::Username => "preferred_username",
        }
    }
}

/// A valid login ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginId {
    /// Its kind.
    pub kind: LoginIdKind,
    /// The normal form: equal for all spellings of one login ID; unique in a project.
    pub value: String,
    /// As typed, without surrounding space; of an email address or phone number, without invisible marks.
    pub original: String,
}

impl LoginId {
    /// Parses user input. `country` (ISO 3166-1) applies to a phone number without prefix.
    ///
    /// # Errors
    /// The problem, with a stable message key.
    pub fn parse(kind: LoginIdKind, typed: &str, country: Option<&str>) -> Result<Self, IdentifierProblem> {
        match kind {
            LoginIdKind::Email => email::parse(typed).map_err(IdentifierProblem::Email),
            LoginIdKind::Phone => phone::parse(typed, country).map_err(IdentifierProblem::Phone),
            LoginIdKind::Username => username::parse(typed).map_err(IdentifierProblem::Username),
        }
    }

    /// The address for messages: an email address keeps its local part as typed (RFC 5321 §2.4) with the host in ASCII;
    /// a phone number is in E.164. `None` for a username.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        match self.kind {
            LoginIdKind::Email => {
                let (local, _) = self.original.rsplit_once('@')?;
                let (_, host) = self.value.rsplit_once('@')?;
                Some(format!("{local}@{host}"))
            }
            LoginIdKind::Phone => Some(self.value.clone()),
            LoginIdKind::Username => None,
        }
    }

    /// The login ID masked for pages that others may see: enough for its owner to recognize it.
    #[must_use]
    pub fn mask(&self) -> String {
        let dots = "•••";
        let first = |text: &str| text.chars().take(1).collect::<String>();
        match self.kind {
            LoginIdKind::Email => match self.original.rsplit_once('@') {
                Some((local, host)) => format!("{}{dots}@{host}", first(local)),
                None => dots.to_owned(),
            },
            LoginIdKind::Phone => {
                let last: String = self.value.chars().skip(self.value.chars().count().saturating_sub(3)).collect();
                format!("{}{dots}{last}", self.value.chars().take(3).collect::<String>())
            }
            LoginIdKind::Username => format!("{}{dots}", first(&self.original)),
        }
    }
}

/// A problem of a login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierProblem {
    /// An email address.
    #[error(transparent)]
    Email(EmailProblem),
    /// A phone number.
    #[error(transparent)]
    Phone(PhoneProblem),
    /// A username.
    #[error(transparent)]
    Username(UsernameProblem),
}

impl IdentifierProblem {
    /// The message key of its explanation.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Email(problem) => problem.key(),
            Self::Phone(problem) => problem.key(),
            Self::Username(problem) => problem.key(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_id_can_be_written_to_and_shown_half() {
        let table = [
            (
                LoginIdKind::Email,
                "Kim.Lee@Müller.example",
                Some("Kim.Lee@xn--mller-kva.example"),
                "K•••@Müller.example",
            ),
            (LoginIdKind::Phone, "+49 30 901820", Some("+4930901820"), "+49•••820"),
            (LoginIdKind::Username, "Kim", None, "K•••"),
        ];
        for (kind, typed, address, masked) in table {
            let login_id = LoginId::parse(kind, typed, None).unwrap();
            assert_eq!(login_id.address().as_deref(), address);
            assert_eq!(login_id.mask(), masked);
            assert_eq!(login_id.original, typed);
            assert_eq!(LoginIdKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(LoginId::parse(LoginIdKind::Email, "kim", None).unwrap_err().key(), "email.missing_at");
    }
}
