//! Scopes and sets of scopes (RFC 6749 §3.3).

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ErrorCode, OAuthError};
use crate::{
    echo::echo,
    limits::{SCOPE_BYTES, SCOPE_WORDS},
};

/// A scope known to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope(&'static str);

impl Scope {
    /// Requests a refresh token.
    pub const OFFLINE_ACCESS: Self = Self("offline_access");
    /// Requests a device secret for native single sign-on.
    pub const DEVICE_SSO: Self = Self("device_sso");
    /// Requests an ID token.
    pub const OPENID: Self = Self("openid");
    /// The profile claims (OIDC Core §5.4).
    pub const PROFILE: Self = Self("profile");
    /// The email claims.
    pub const EMAIL: Self = Self("email");
    /// The address claim.
    pub const ADDRESS: Self = Self("address");
    /// The phone number claims.
    pub const PHONE: Self = Self("phone");
    /// Full access to the user's account; the scope of a guest's tokens.
    pub const FULL_ACCESS: Self = Self("https://authgear.com/scopes/full-access");
    /// Every claim of UserInfo.
    pub const FULL_USERINFO: Self = Self("https://authgear.com/scopes/full-userinfo");
    /// Pre-authenticated URLs.
    pub const PRE_AUTHENTICATED_URL: Self = Self("https://authgear.com/scopes/pre-authenticated-url");

    /// Every scope that grants something, in the order discovery lists them.
    pub const SERVED: [Self; 8] = [
        Self::OFFLINE_ACCESS,
        Self::OPENID,
        Self::PROFILE,
        Self::EMAIL,
        Self::ADDRESS,
        Self::PHONE,
        Self::FULL_ACCESS,
        Self::FULL_USERINFO,
    ];

    /// Every scope that a request may contain. The SDKs request the two that grant nothing when an app enables
    /// pre-authenticated URLs.
    pub const ALL: [Self; 10] = [
        Self::OFFLINE_ACCESS,
        Self::DEVICE_SSO,
        Self::OPENID,
        Self::PROFILE,
        Self::EMAIL,
        Self::ADDRESS,
        Self::PHONE,
        Self::FULL_ACCESS,
        Self::FULL_USERINFO,
        Self::PRE_AUTHENTICATED_URL,
    ];

    /// The scope as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Scope tokens without duplicates, in the requested order; unknown ones are kept for the caller to judge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSet(Vec<Cow<'static, str>>);

impl ScopeSet {
    /// Parses a space-separated list; an empty text is the empty set.
    ///
    /// # Errors
    /// `invalid_scope` if a token contains a character that RFC 6749 §3.3 forbids, or the list is longer than
    /// [`SCOPE_BYTES`] or [`SCOPE_WORDS`].
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let refuse = |description: String| Err(OAuthError::new(ErrorCode::InvalidScope, description));
        if text.len() > SCOPE_BYTES {
            return refuse(format!("scope is longer than {SCOPE_BYTES} bytes"));
        }
        let mut scopes: Vec<Cow<'static, str>> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
                return Err(OAuthError::new(ErrorCode::InvalidScope, "malformed scope"));
            }
            // The list is short, so comparing with each entry is cheaper than hashing.
            if scopes.iter().any(|known| known == token) {
                continue;
            }
            if scopes.len() == SCOPE_WORDS {
                return refuse(format!("scope has more than {SCOPE_WORDS} words"));
            }
            scopes.push(Cow::Owned(token.to_owned()));
        }
        Ok(Self(scopes))
    }

    /// The default scopes of a guest's grant: `openid offline_access` and full access.
    pub fn guest_default() -> Self {
        [Scope::OPENID, Scope::OFFLINE_ACCESS, Scope::FULL_ACCESS].into_iter().collect()
    }

    /// The scopes of the set that grant something.
    #[must_use]
    pub fn served(&self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|known| Scope::SERVED.iter().any(|scope| scope.0 == known.as_ref()))
                .cloned()
                .collect(),
        )
    }

    /// Those of the set that a refresh names, or the name of one that was not granted (RFC 6749 §6). Scopes that grant nothing are left
    /// out: clients repeat the scopes of their authorization request.
    ///
    /// # Errors
    /// `invalid_scope`.
    pub fn narrow(&self, wanted: &Self) -> Result<Self, OAuthError> {
        let grants_nothing = |word: &str| {
            let mut known = Scope::ALL.iter().map(|scope| scope.0);
            known.any(|name| name == word) && !Scope::SERVED.iter().any(|scope| scope.0 == word)
        };
        if let Some(word) = wanted.iter().find(|word| !self.contains(word) && !grants_nothing(word)) {
            let description = format!("scope '{}' was not granted", echo(word));
            return Err(OAuthError::new(ErrorCode::InvalidScope, description));
        }
        Ok(self.intersection(wanted))
    }

    /// The scopes of this set that are in the other one too.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|word| other.contains(word.as_ref())).cloned().collect())
    }

    /// The set in one byte: a bit for each of [`Scope::SERVED`]. `None` if it has others.
    pub fn to_bits(&self) -> Option<u8> {
        let bit = |word: &str| Scope::SERVED.iter().position(|scope| scope.0 == word).map(|place| 1u8 << place);
        self.iter().try_fold(0, |bits, word| Some(bits | bit(word)?))
    }

    /// The set of [`ScopeSet::to_bits`].
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Scope::SERVED
            .into_iter()
            .enumerate()
            .filter(|(place, _)| bits & (1 << place) != 0)
            .map(|(_, scope)| scope)
            .collect()
    }

    /// Whether the set contains `scope`.
    pub fn contains(&self, scope: impl AsRef<str>) -> bool {
        self.0.iter().any(|known| known == scope.as_ref())
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The space-separated list.
    pub fn print(&self) -> String {
        self.0.join(" ")
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut set = Self::default();
        for scope in scopes {
            if !set.contains(scope) {
                set.0.push(Cow::Borrowed(scope.as_str()));
            }
        }
        set
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.print())
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.print())
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_guest_gets_the_three_fixed_scopes() {
        assert_eq!(ScopeSet::guest_default().print(), "openid offline_access https://authgear.com/scopes/full-access");
    }

    #[test]
    fn duplicates_and_extra_spaces_vanish_and_order_stays() {
        let set = ScopeSet::parse(" profile  openid profile ").unwrap();
        assert_eq!(set.print(), "profile openid");
        assert!(set.contains(Scope::OPENID));
        assert!(!set.contains("email"));
    }

    #[test]
    fn a_list_has_a_bounded_length_and_number_of_words() {
        let words = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(ScopeSet::parse(&words(SCOPE_WORDS)).unwrap().iter().count(), SCOPE_WORDS);
        assert!(ScopeSet::parse(&format!("{0} {0}", words(SCOPE_WORDS))).is_ok(), "repeated words are one");
        let error = ScopeSet::parse(&words(SCOPE_WORDS + 1)).unwrap_err();
        assert_eq!(error, OAuthError::new(ErrorCode::InvalidScope, "scope has more than 64 words"));
        assert!(ScopeSet::parse(&"a".repeat(SCOPE_BYTES)).is_ok());
        let error = ScopeSet::parse(&"a".repeat(SCOPE_BYTES + 1)).unwrap_err();
        assert_eq!(error, OAuthError::new(ErrorCode::InvalidScope, "scope is longer than 4096 bytes"));
    }

    proptest! {
        #[test]
        fn a_set_holds_each_word_once_in_the_order_sent(text in "([a-d] {0,2}){0,20}") {
            let mut expected: Vec<&str> = Vec::new();
            for word in text.split(' ').filter(|word| !word.is_empty()) {
                if !expected.contains(&word) {
                    expected.push(word);
                }
            }
            let set = ScopeSet::parse(&text).unwrap();
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_is_not_served_is_asked_for_and_not_granted() {
        let requested: ScopeSet = Scope::ALL.into_iter().collect();
        let granted: ScopeSet = Scope::SERVED.into_iter().collect();
        assert_eq!(requested.served(), granted);
        assert!(!granted.contains(Scope::DEVICE_SSO) && !granted.contains(Scope::PRE_AUTHENTICATED_URL));
    }

    #[test]
    fn a_refresh_gets_what_it_names_of_what_was_granted() {
        let granted = ScopeSet::parse("openid offline_access profile").unwrap();
        for (wanted, narrowed) in [
            ("openid", Some("openid")),
            ("profile openid", Some("openid profile")),
            ("openid offline_access profile", Some("openid offline_access profile")),
            ("openid device_sso", Some("openid")),
            ("", Some("")),
            ("openid email", None),
            ("openid x", None),
        ] {
            let found = granted.narrow(&ScopeSet::parse(wanted).unwrap());
            match narrowed {
                Some(narrowed) => assert_eq!(found.unwrap().print(), narrowed, "{wanted}"),
                None => assert_eq!(found.unwrap_err().code, ErrorCode::InvalidScope, "{wanted}"),
            }
        }
    }

    #[test]
    fn a_set_of_served_scopes_fits_in_a_byte() {
        for bits in 0..=u8::MAX {
            assert_eq!(ScopeSet::from_bits(bits).to_bits(), Some(bits));
        }
        assert_eq!(ScopeSet::parse("openid x").unwrap().to_bits(), None);
    }

    #[test]
    fn forbidden_characters_are_an_invalid_scope() {
        for text in ["a\"b", "a\\b", "é", "a\tb"] {
            assert_eq!(ScopeSet::parse(text).unwrap_err().code, ErrorCode::InvalidScope, "{text}");
        }
    }
}
