//! Login IDs: what a person types to say who it is, in one normal form per kind.
//! The normal form is what is unique in a project; what was typed is kept to be shown and written to.

pub mod email;
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
    /// A user name.
    Username,
}

impl LoginIdKind {
    /// Every kind, in the order a page offers them by default.
    pub const ALL: [Self; 3] = [Self::Email, Self::Phone, Self::Username];

    /// The word used in settings, the store and the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The OIDC standard claim its value stands in (OpenID Connect Core §5.1).
    #[must_use]
    pub fn claim(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone_number",
            Self::Username => "preferred_username",
        }
    }
}

/// A login ID that was read and found good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginId {
    /// What it is.
    pub kind: LoginIdKind,
    /// The normal form: equal for everything that means the same; unique in a project.
    pub value: String,
    /// As the person typed it, without surrounding space.
    pub original: String,
}

impl LoginId {
    /// Reads what a person typed. `country` (ISO 3166-1) is what a phone number without prefix is taken to be of.
    ///
    /// # Errors
    /// Says what is wrong, with a stable key for the text that explains it.
    pub fn parse(kind: LoginIdKind, typed: &str, country: Option<&str>) -> Result<Self, IdentifierProblem> {
        match kind {
            LoginIdKind::Email => email::parse(typed).map_err(IdentifierProblem::Email),
            LoginIdKind::Phone => phone::parse(typed, country).map_err(IdentifierProblem::Phone),
            LoginIdKind::Username => username::parse(typed).map_err(IdentifierProblem::Username),
        }
    }

    /// Where to send to: an email keeps its local part as typed (RFC 5321 §2.4) with the host in ASCII; a phone number
    /// is in E.164. A user name is no address.
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

    /// The login ID for a page that others may look at: enough for its owner to know it again.
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

/// What is wrong with a login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierProblem {
    /// An email address.
    #[error(transparent)]
    Email(EmailProblem),
    /// A phone number.
    #[error(transparent)]
    Phone(PhoneProblem),
    /// A user name.
    #[error(transparent)]
    Username(UsernameProblem),
}

impl IdentifierProblem {
    /// The key of the text that explains it.
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
