//! Passwords: what a new one must be like and in which form it is hashed. Hashing itself is the server's.

use unicode_normalization::UnicodeNormalization;

pub use super::strength::MEASURED_CHARS;
use super::strength::estimate;
use crate::secret::Secret;

/// The most characters a password may have; long enough for any passphrase, short enough to hash without worry.
pub const MAX_LENGTH: usize = 128;
/// The most bytes of a typed text that are looked at: more than [`MAX_LENGTH`] characters take before they are composed.
pub const MAX_TYPED_BYTES: usize = 4 * 1024;

/// What a project demands of new passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The fewest characters.
    pub min_length: usize,
    /// The least [`estimate`](fn@super::estimate), 0 to 4.
    pub min_strength: u8,
    /// Whether passwords known from breaches are refused where a list is at hand.
    pub refuse_breached: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { min_length: 8, min_strength: 1, refuse_breached: true }
    }
}

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weakness {
    /// Fewer characters than the policy wants.
    TooShort {
        /// The fewest it wants.
        min: usize,
    },
    /// More than [`MAX_LENGTH`] characters.
    TooLong {
        /// The most there may be.
        max: usize,
    },
    /// Little more than the person's own login ID.
    LikeLoginId,
    /// A few guesses find it.
    TooGuessable,
    /// It is on the list of breached passwords.
    Breached,
}

impl Weakness {
    /// The key of the text that explains it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "password.too_short",
            Self::TooLong { .. } => "password.too_long",
            Self::LikeLoginId => "password.like_login_id",
            Self::TooGuessable => "password.too_guessable",
            Self::Breached => "password.breached",
        }
    }
}

/// A list of passwords known from breaches.
pub trait BreachedPasswords {
    /// Whether the password is on it.
    fn contains(&self, password: &str) -> bool;
}

impl<F: Fn(&str) -> bool> BreachedPasswords for F {
    fn contains(&self, password: &str) -> bool {
        self(password)
    }
}

/// The form of a password that is checked and hashed: the same characters typed on another keyboard give the same
/// bytes (RFC 8265 §4.2: other spaces become U+0020, NFC; nothing is trimmed or folded). A text longer than
/// [`MAX_TYPED_BYTES`] is cut there; it is longer than any password, and what is left of it is, too.
#[must_use]
pub fn prepare(password: &str) -> Secret<String> {
    let end = (0..=password.len().min(MAX_TYPED_BYTES)).rev().find(|end| password.is_char_boundary(*end)).unwrap_or(0);
    let password = &password[..end];
    let with_plain_spaces = password.chars().map(|c| if is_other_space(c) { ' ' } else { c });
    Secret::new(with_plain_spaces.nfc().collect())
}

fn is_other_space(c: char) -> bool {
    c.is_whitespace() && !c.is_ascii() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What was found about a new password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Everything that speaks against it; empty when it may be used.
    pub weaknesses: Vec<Weakness>,
    /// How hard it is to guess, from 0 to 4; not measured if it is too long.
    pub strength: Option<u8>,
}

impl Assessment {
    /// Whether the password may be used.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.weaknesses.is_empty()
    }
}

/// Looks at a new password; takes some milliseconds.
///
/// `login_ids` are the ones its owner has or is about to get, as typed.
#[must_use]
pub fn assess(policy: &Policy, password: &str, login_ids: &[&str], breached: &dyn BreachedPasswords) -> Assessment {
    let prepared = prepare(password);
    let password = prepared.expose();
    let length = password.chars().count();
    let mut weaknesses = Vec::new();
    if length < policy.min_length {
        weaknesses.push(Weakness::TooShort { min: policy.min_length });
    }
    if length > MAX_LENGTH {
        // The rest would cost time for a password that is refused anyway.
        weaknesses.push(Weakness::TooLong { max: MAX_LENGTH });
        return Assessment { weaknesses, strength: None };
    }
    let names = list_names(login_ids);
    if names.iter().any(|name| is_like(password, name)) {
        weaknesses.push(Weakness::LikeLoginId);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let strength = estimate(password, &names);
    if strength < policy.min_strength {
        weaknesses.push(Weakness::TooGuessable);
    }
    if policy.refuse_breached && breached.contains(password) {
        weaknesses.push(Weakness::Breached);
    }
    Assessment { weaknesses, strength: Some(strength) }
}

/// The login IDs in lower case, and the part of addresses before the `@`.
fn list_names(login_ids: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for id in login_ids {
        let id = id.trim().to_lowercase();
        if let Some((local, _)) = id.split_once('@') {
            names.push(local.to_owned());
        }
        names.push(id);
    }
    names.retain(|name| name.chars().count() >= 3);
    names
}

/// Whether hardly anything is left of the password once the name is taken out.
fn is_like(password: &str, name: &str) -> bool {
    let folded = password.to_lowercase();
    folded.contains(name) && folded.replace(name, "").chars().count() < 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weakness_is_found_and_a_good_password_has_none() {
        let policy = Policy::default();
        let long = "long ".repeat(30);
        let table: [(&str, &[Weakness]); 9] = [
            ("tidal-oboe-37", &[]),
            ("пароль для кассы", &[]),
            ("zq8#wr", &[Weakness::TooShort { min: 8 }]),
            (&long, &[Weakness::TooLong { max: 128 }]),
            ("kim.lee@shop.example", &[Weakness::LikeLoginId, Weakness::TooGuessable]),
            ("Kim.Lee!x1", &[Weakness::LikeLoginId]),
            ("password", &[Weakness::TooGuessable, Weakness::Breached]),
            ("12345678", &[Weakness::TooGuessable]),
            ("", &[Weakness::TooShort { min: 8 }, Weakness::TooGuessable]),
        ];
        for (password, expected) in table {
            let found = assess(&policy, password, &["Kim.Lee@shop.example"], &|p: &str| p == "password");
            assert_eq!(found.weaknesses, expected, "{password}");
            assert_eq!(found.strength.is_none(), password == long, "{password}");
        }
    }

    #[test]
    fn a_project_that_allows_breached_passwords_does_not_ask_the_list() {
        let policy = Policy { refuse_breached: false, min_strength: 0, ..Policy::default() };
        assert_eq!(assess(&policy, "password", &[], &|_: &str| true).weaknesses, []);
    }

    #[test]
    fn the_same_characters_from_another_keyboard_are_the_same_password() {
        assert_eq!(prepare("caf\u{65}\u{301} a").expose(), prepare("caf\u{e9}\u{a0}a").expose());
        assert_ne!(prepare("A").expose(), prepare("a").expose());
        assert_eq!(prepare(" a ").expose(), " a ");
    }

    #[test]
    fn a_text_longer_than_any_password_is_cut_and_still_too_long() {
        let long = "é".repeat(1_000_000);
        assert_eq!(prepare(&long).expose().len(), MAX_TYPED_BYTES);
        let found = assess(&Policy::default(), &"e\u{301}".repeat(MAX_LENGTH + 1), &[], &|_: &str| false);
        assert_eq!(found.weaknesses, [Weakness::TooLong { max: MAX_LENGTH }]);
        let hangul = "\u{1112}\u{1161}\u{11ab}".repeat(MAX_LENGTH);
        assert_eq!(prepare(&hangul).expose().chars().count(), MAX_LENGTH, "what is typed as parts is still whole");
    }
}
