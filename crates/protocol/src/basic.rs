//! Client credentials in an `Authorization: Basic` header (RFC 6749 §2.3.1). Parsing only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::Credential;
use crate::bearer::strip_scheme;
use crate::form::decode;

/// A client's ID and secret, both decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicCredentials {
    /// The client's ID.
    pub client_id: String,
    /// The client's secret; may be empty.
    pub client_secret: Credential,
}

/// Why the header was rejected; the response is an `invalid_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BasicError {
    /// Not base64 of `id:secret`.
    #[error("malformed Basic credentials")]
    Malformed,
    /// A half is not percent-encoded UTF-8.
    #[error("malformed percent-encoding in Basic credentials")]
    Encoding,
}

impl BasicCredentials {
    /// Parses the header's value; `None` when it is absent or has another scheme.
    ///
    /// ```
    /// use vestibule_protocol::basic::{BasicCredentials, BasicError};
    ///
    /// // The base64 of "shop%3Aa:p%40ss": both halves are percent-encoded, so that an ID may hold a colon.
    /// let credentials = BasicCredentials::parse(Some("Basic c2hvcCUzQWE6cCU0MHNz"))?.expect("credentials");
    /// assert_eq!(credentials.client_id, "shop:a");
    /// assert_eq!(credentials.client_secret.as_str(), "p@ss");
    ///
    /// assert_eq!(BasicCredentials::parse(Some("Bearer abc")), Ok(None));
    /// # Ok::<(), BasicError>(())
    /// ```
    ///
    /// # Errors
    /// [`BasicError`].
    pub fn parse(header: Option<&str>) -> Result<Option<Self>, BasicError> {
        let Some(encoded) = header.and_then(|value| strip_scheme(value, "basic")) else { return Ok(None) };
        let bytes = STANDARD.decode(encoded).map_err(|_| BasicError::Malformed)?;
        let colon = bytes.iter().position(|byte| *byte == b':').ok_or(BasicError::Malformed)?;
        let (id, secret) = bytes.split_at(colon);
        let secret = secret.strip_prefix(b":").unwrap_or(secret);
        // Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
        Ok(Some(Self {
            client_id: decode(id).map_err(|_| BasicError::Encoding)?,
            client_secret: Credential::new(decode(secret).map_err(|_| BasicError::Encoding)?),
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(pair: &[u8]) -> String {
        format!("Basic {}", STANDARD.encode(pair))
    }

    #[test]
    fn both_halves_are_percent_decoded() {
        let parsed = BasicCredentials::parse(Some(&header(b"shop%3Aa:p%40ss:w"))).unwrap().unwrap();
        assert_eq!(parsed.client_id, "shop:a");
        assert_eq!(parsed.client_secret.as_str(), "p@ss:w");
    }

    #[test]
    fn another_scheme_or_none_is_no_credential() {
        assert_eq!(BasicCredentials::parse(None), Ok(None));
        assert_eq!(BasicCredentials::parse(Some("Bearer abc")), Ok(None));
    }

    #[test]
    fn malformed_credentials_are_refused() {
        assert_eq!(BasicCredentials::parse(Some("Basic")), Err(BasicError::Malformed));
        assert_eq!(BasicCredentials::parse(Some("Basic !!")), Err(BasicError::Malformed));
        assert_eq!(BasicCredentials::parse(Some(&header(b"no colon"))), Err(BasicError::Malformed));
        assert_eq!(BasicCredentials::parse(Some(&header(b"a:%zz"))), Err(BasicError::Encoding));
        assert_eq!(BasicCredentials::parse(Some(&header(b"\xff:a"))), Err(BasicError::Encoding));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = BasicCredentials::parse(Some(&text));
            let _ = BasicCredentials::parse(Some(&header(&bytes)));
        }
    }
}
