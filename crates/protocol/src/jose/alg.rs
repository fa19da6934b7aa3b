//! The signature algorithms.

/// A signature algorithm this server accepts (RFC 7518 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alg {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256; the signature is the 64 bytes of r and s.
    Es256,
}

impl Alg {
    /// The algorithm as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// Parses an algorithm in its exact spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256].into_iter().find(|alg| alg.as_str() == text)
    }
}
