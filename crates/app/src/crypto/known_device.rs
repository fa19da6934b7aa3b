//! The entry that makes a browser known for one account: expiry, credential generation, nonce, and a MAC over them and the
//! account. It does not tell which account that is.

use aws_lc_rs::constant_time;
use vestibule_domain::time::Timestamp;

use super::{base64url, fingerprint, read_base64url, tokens::MacKey};
use crate::adapters::entropy::Entropy;

const LABEL: &str = "known_device";
/// Expiry in seconds, the account's credential generation, and a nonce.
const BODY_LEN: usize = 16;
const MAC_LEN: usize = 16;
/// Body and MAC in base64url.
const TEXT_LEN: usize = (BODY_LEN + MAC_LEN) * 8 / 6 + 1;

/// An account as entries are made for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// The ID of the user or operator.
    pub id: [u8; 16],
    /// How often its sessions were all ended. An entry of an earlier generation is worth nothing.
    pub generation: i64,
}

impl KnownAccount {
    /// The generation in an entry. No account gets near the end of 32 bits.
    fn generation_bytes(self) -> [u8; 4] {
        u32::try_from(self.generation).unwrap_or(u32::MAX).to_be_bytes()
    }
}

/// The content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownDeviceEntry {
    pub expires_at: Timestamp,
    /// Whether it is of the account's present generation.
    pub is_current: bool,
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
    pub(crate) fn issue_known_device(&self, account: KnownAccount, expires_at: Timestamp, entropy: &Entropy) -> String {
        let mut body = [0; BODY_LEN];
        // Seconds since the epoch fit in 32 unsigned bits until 2106.
        body[..4].copy_from_slice(&u32::try_from(expires_at.as_seconds()).unwrap_or(u32::MAX).to_be_bytes());
        body[4..8].copy_from_slice(&account.generation_bytes());
        entropy.fill(&mut body[8..]);
        let mac = self.mac(LABEL, &[account.id.as_slice(), &body].concat());
        base64url([body.as_slice(), &mac[..MAC_LEN]].concat())
    }

    /// Parses an entry; `None` when this key did not issue it for the account, in whatever generation.
    pub(crate) fn read_known_device(&self, account: KnownAccount, entry: &str) -> Option<KnownDeviceEntry> {
        let expires_at = expiry_of(entry)?;
        let bytes = read_base64url(entry)?;
        let (body, presented) = bytes.split_at_checked(BODY_LEN)?;
        let mac = self.mac(LABEL, &[account.id.as_slice(), body].concat());
        constant_time::verify_slices_are_equal(presented, &mac[..MAC_LEN]).ok()?;
        let is_current = body.get(4..8) == Some(account.generation_bytes().as_slice());
        Some(KnownDeviceEntry { expires_at, is_current, fingerprint: fingerprint(LABEL, entry.as_bytes()) })
    }
}
