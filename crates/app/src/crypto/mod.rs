//! Cryptography: sealing, signing, verifying, self-contained tokens, all by aws-lc-rs.
//! Uses no store and no clock.

pub(crate) mod keyring;
pub mod seal;
mod sealed_flow;
pub mod signing;
pub mod tokens;
pub mod verify;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use vestibule_domain::secret::TokenHash;

#[must_use]
pub fn sha256(input: &[u8]) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, input).as_ref());
    TokenHash(hash)
}

/// Base64url without padding (RFC 7515 §2).
#[must_use]
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Appends base64url without padding to a text.
pub(crate) fn append_base64url(text: &mut String, bytes: &[u8]) {
    URL_SAFE_NO_PAD.encode_string(bytes, text);
}

/// Decodes base64url without padding.
#[must_use]
pub fn read_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(HEX[usize::from(digit)])).collect()
}

/// Lower-case hexadecimal of eight bytes, without an allocation.
pub(crate) fn hex_digits(bytes: [u8; 8]) -> [u8; 16] {
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    digits
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Decodes hexadecimal of either case.
#[must_use]
pub(crate) fn read_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
