//! The subject ledger: what a `sub` means that no user has any more. A `sub` in the ledger is never given to a user again.

use vestibule_protocol::text;

use crate::id::UserId;

/// Maximum bytes of an ID from another system.
pub const FOREIGN_BYTES: usize = 255;

/// A `sub` that something outside may remember.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One in the form that this server gives out.
    Id(UserId),
    /// An ID that a user had in another system.
    Foreign(ForeignId),
}

/// An ID from another system, as text of at most [`FOREIGN_BYTES`] bytes. Never one in the form of a [`UserId`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForeignId(String);

impl ForeignId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is no ID of a user, here or elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an ID from another system has 1 to {FOREIGN_BYTES} bytes of one line of text, with single spaces only between words"
)]
pub struct NotASubject;

impl Subject {
    /// Reads an ID: what has the form of a [`UserId`] is one.
    ///
    /// ```
    /// use vestibule_domain::subject::Subject;
    ///
    /// assert!(matches!(Subject::parse("0192a3b4-0000-7000-8000-000000000001"), Ok(Subject::Id(_))));
    /// assert!(matches!(Subject::parse("auth0|5f7c"), Ok(Subject::Foreign(_))));
    /// assert!(Subject::parse("").is_err());
    /// ```
    ///
    /// # Errors
    /// [`NotASubject`] for a text that is empty, too long or not printable.
    pub fn parse(text: &str) -> Result<Self, NotASubject> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let is_fine = (1..=FOREIGN_BYTES).contains(&text.len()) && text == text::read_line(text);
        if is_fine { Ok(Self::Foreign(ForeignId(text.to_string()))) } else { Err(NotASubject) }
    }
}

/// What a `sub` in the ledger means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Another name of a user: of a guest that was merged into it, or the user's ID in another system.
    Alias {
        /// The user, which is no alias itself.
        of: UserId,
    },
    /// Its user is gone.
    Tombstone,
}

impl Meaning {
    /// The user that it names now.
    #[must_use]
    pub fn current(self) -> Option<UserId> {
        match self {
            Self::Alias { of } => Some(of),
            Self::Tombstone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_an_id_of_this_server_or_of_another_or_none() {
        for text in ["0192a3b4-0000-7000-8000-000000000001", "0192A3B4-0000-7000-8000-000000000001"] {
            assert!(matches!(Subject::parse(text), Ok(Subject::Id(_))), "{text}");
        }
        for text in ["1", "auth0|5f7c", "kim@shop.example", "Zoë 7", &"x".repeat(FOREIGN_BYTES)] {
            assert!(matches!(Subject::parse(text), Ok(Subject::Foreign(id)) if id.as_str() == text), "{text}");
        }
        for text in ["", " ", " 1", "1 ", "a\nb", "a\0b", "a\u{202e}b", &"x".repeat(FOREIGN_BYTES + 1)] {
            assert_eq!(Subject::parse(text), Err(NotASubject), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_id_of_this_server_is_read_back_as_itself(bytes in any::<[u8; 16]>()) {
            let id = UserId::from_bytes(bytes);
            prop_assert_eq!(Subject::parse(&id.to_string()), Ok(Subject::Id(id)));
        }

        #[test]
        fn no_text_makes_an_id_that_is_too_long(text in ".{0,400}") {
            if let Ok(Subject::Foreign(id)) = Subject::parse(&text) {
                prop_assert!((1..=FOREIGN_BYTES).contains(&id.as_str().len()));
            }
        }
    }
}
