//! Cryptography: sealing, signing, verifying, self-contained tokens, all by aws-lc-rs.
//! Uses no store and no clock.

pub(crate) mod keyring;
pub mod known_device;
pub(crate) mod recovery_links;
pub mod seal;
mod sealed_flow;
pub mod security_links;
pub mod signing;
pub mod tokens;
pub(crate) mod unstored;
pub mod verify;

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use vestibule_domain::secret::TokenHash;

#[must_use]
pub fn sha256(input: &[u8]) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, input).as_ref());
    TokenHash(hash)
}

/// The key of the record that a value of a kind was redeemed or revoked.
pub(crate) fn fingerprint(kind: &str, value: &[u8]) -> [u8; 16] {
    let mut print = [0; 16];
    print.copy_from_slice(&sha256(&[kind.as_bytes(), b":", value].concat()).0[..16]);
    print
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

/// Decodes base64url without padding into a buffer; returns the number of bytes. `None` also when the buffer is too small.
pub(crate) fn read_base64url_into(text: &str, bytes: &mut [u8]) -> Option<usize> {
    URL_SAFE_NO_PAD.decode_slice(text, bytes).ok()
}

/// Compares two secret texts in constant time.
#[must_use]
pub fn is_equal(presented: &str, expected: &str) -> bool {
    constant_time::verify_slices_are_equal(presented.as_bytes(), expected.as_bytes()).is_ok()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Lower-case hexadecimal of eight bytes, without an allocation. Every request has an ID of these digits, and the crate takes
/// twice the time for it (docs/adr/0077).
pub(crate) fn hex_digits(bytes: [u8; 8]) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    digits
}

/// Decodes hexadecimal of either case.
#[must_use]
pub(crate) fn read_hex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_pairs_of_digits() {
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
        assert_eq!(hex_digits([0, 1, 2, 3, 4, 5, 0xfe, 0xff]), *b"000102030405feff");
        assert_eq!(read_hex("0001ABff"), Some(vec![0, 1, 0xab, 0xff]));
        for text in ["0", "+f", "0x", "é", "a b "] {
            assert_eq!(read_hex(text), None, "{text}");
        }
    }
}
