//! The entry that makes a browser known for one account: expiry, nonce, and a MAC over them and the account. It does not
//! tell which account that is.

use aws_lc_rs::constant_time;
use vestibule_domain::time::Timestamp;

use super::{
    base64url, read_base64url,
    tokens::{MacKey, fingerprint},
};
use crate::adapters::entropy::Entropy;

const LABEL: &str = "known_device";
/// Expiry in seconds, and a nonce.
const BODY_LEN: usize = 12;
const MAC_LEN: usize = 16;
/// Body and MAC in base64url.
const TEXT_LEN: usize = (BODY_LEN + MAC_LEN) * 8 / 6 + 1;

/// The content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownDeviceEntry {
    pub expires_at: Timestamp,
    /// The key of its attempt limits.
    pub fingerprint: [u8; 16],
}

/// When an entry expires, genuine or not; `None` when the text has another format.
pub(crate) fn expiry_of(entry: &str) -> Option<Timestamp> {
    if entry.len() != TEXT_LEN {
        return None;
    }
    let bytes = read_base64url(entry)?;
    let seconds = u32::from_be_bytes(*bytes.first_chunk()?);
    Some(Timestamp::from_seconds(i64::from(seconds)))
}

impl MacKey {
    /// Issues an entry for an account.
    pub(crate) fn issue_known_device(&self, account: &[u8; 16], expires_at: Timestamp, entropy: &Entropy) -> String {
        let mut body = [0; BODY_LEN];
        // Seconds since the epoch fit in 32 unsigned bits until 2106.
        body[..4].copy_from_slice(&u32::try_from(expires_at.as_seconds()).unwrap_or(u32::MAX).to_be_bytes());
        entropy.fill(&mut body[4..]);
        let mac = self.mac(LABEL, &[account.as_slice(), &body].concat());
        base64url([body.as_slice(), &mac[..MAC_LEN]].concat())
    }

    /// Parses an entry; `None` when this key did not issue it for the account.
    pub(crate) fn read_known_device(&self, account: &[u8; 16], entry: &str) -> Option<KnownDeviceEntry> {
        let expires_at = expiry_of(entry)?;
        let bytes = read_base64url(entry)?;
        let (body, presented) = bytes.split_at_checked(BODY_LEN)?;
        let mac = self.mac(LABEL, &[account.as_slice(), body].concat());
        constant_time::verify_slices_are_equal(presented, &mac[..MAC_LEN]).ok()?;
        Some(KnownDeviceEntry { expires_at, fingerprint: fingerprint(LABEL, entry) })
    }
}
