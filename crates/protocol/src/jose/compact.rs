//! Splits a compact JWS into its three parts (RFC 7515 §7.1).

use serde_json::{Map, Value};

use super::{JoseError, decode_base64url};
use crate::json;
use crate::limits::JWS_BYTES;

/// A compact JWS with its parts decoded and its header read as JSON.
pub(crate) struct Compact {
    text: String,
    signed: usize,
    pub(crate) header: Map<String, Value>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Compact {
    pub(crate) fn parse(text: &str) -> Result<Self, JoseError> {
        if text.len() > JWS_BYTES {
            return Err(JoseError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JoseError::Structure)?;
        let (header, payload) = signed.split_once('.').ok_or(JoseError::Structure)?;
        if payload.contains('.') || header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(JoseError::Structure);
        }
        let header = decode_base64url(header).ok_or(JoseError::Base64)?;
        Ok(Self {
            header: json::parse_object(&header).ok_or(JoseError::Header)?,
            payload: decode_base64url(payload).ok_or(JoseError::Base64)?,
            signature: decode_base64url(signature).ok_or(JoseError::Base64)?,
            signed: signed.len(),
            text: text.to_owned(),
        })
    }

    /// The bytes the signature covers: header and payload as sent.
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.text.as_bytes().get(..self.signed).expect("parse found the last dot at this offset")
    }
}
