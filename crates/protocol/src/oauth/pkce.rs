//! Proof Key for Code Exchange (RFC 7636), S256 only. The caller computes the hash.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

/// Why a verifier or a challenge was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PkceError {
    /// RFC 7636 §4.1: 43 to 128 unreserved characters.
    #[error("PKCE code verifier must be 43 to 128 unreserved characters")]
    Verifier,
    /// RFC 7636 §4.2: base64url without padding of a SHA-256 digest.
    #[error("PKCE code challenge must be the base64url of a SHA-256 digest")]
    Challenge,
}

/// A well-formed code verifier; a secret, so `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct PkceVerifier(String);

impl PkceVerifier {
    /// Parses a verifier: `^[-._~A-Za-z0-9]{43,128}$`.
    ///
    /// # Errors
    /// [`PkceError::Verifier`].
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(text.to_owned()))
        } else {
            Err(PkceError::Verifier)
        }
    }

    /// The bytes to hash with SHA-256.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for PkceVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PkceVerifier")
    }
}

/// An S256 code challenge: the digest itself.
///
/// The verifier and the challenge of RFC 7636, appendix B. The caller computes the digest:
///
/// ```
/// use vestibule_protocol::oauth::{CodeChallenge, PkceError, PkceVerifier};
///
/// let verifier = PkceVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// # fn sha256(verifier: &[u8]) -> [u8; 32] {
/// #     assert_eq!(verifier.len(), 43);
/// #     [
/// #         19, 211, 30, 150, 26, 26, 216, 236, 47, 22, 177, 12, 76, 152, 46, 8, 118, 168, 120, 173, 109, 241, 68, 86, 110,
/// #         225, 137, 74, 203, 112, 249, 195,
/// #     ]
/// # }
/// let digest: [u8; 32] = sha256(verifier.as_bytes());
/// let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")?;
/// assert_eq!(challenge, CodeChallenge::from_digest(digest));
///
/// // Padding makes another text of the same digest, so it is refused.
/// assert_eq!(CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="), Err(PkceError::Challenge));
/// # Ok::<(), PkceError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

impl CodeChallenge {
    /// Parses a challenge; only canonical base64url without padding is accepted.
    ///
    /// # Errors
    /// [`PkceError::Challenge`].
    pub fn parse(text: &str) -> Result<Self, PkceError> {
        let digest = URL_SAFE_NO_PAD.decode(text).map_err(|_| PkceError::Challenge)?;
        digest.try_into().map(Self).map_err(|_| PkceError::Challenge)
    }

    /// Wraps the SHA-256 digest of a verifier.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest to compare with the verifier's.
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        assert!(PkceVerifier::parse(&"a".repeat(42)).is_err());
        assert!(PkceVerifier::parse(&"-._~".repeat(11)).is_ok());
        assert!(PkceVerifier::parse(&"a".repeat(128)).is_ok());
        assert!(PkceVerifier::parse(&"a".repeat(129)).is_err());
        assert!(PkceVerifier::parse(&format!("{}+", "a".repeat(43))).is_err());
    }

    #[test]
    fn a_challenge_has_one_spelling() {
        // RFC 7636 appendix B.
        let text = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(CodeChallenge::parse(text).unwrap().to_string(), text);
        for bad in [
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw",
            "",
        ] {
            assert!(CodeChallenge::parse(bad).is_err(), "{bad}");
        }
    }
}
