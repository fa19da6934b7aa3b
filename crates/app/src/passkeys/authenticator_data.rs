//! Authenticator data (WebAuthn Level 3 §6.1) and attestation objects.

use ciborium::Value;

use super::InvalidPasskey;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

/// Authenticator data, parsed to its last byte.
pub(super) struct AuthenticatorData {
    pub(super) rp_id_hash: [u8; 32],
    pub(super) user_present: bool,
    pub(super) user_verified: bool,
    /// Whether the authenticator may back the credential up; fixed at its creation.
    pub(super) backup_eligible: bool,
    pub(super) sign_count: u32,
    /// Only in registrations.
    pub(super) credential: Option<AttestedCredential>,
}

/// The created credential.
pub(super) struct AttestedCredential {
    pub(super) id: Vec<u8>,
    /// The encoded COSE key.
    pub(super) public_key: Vec<u8>,
}

impl AuthenticatorData {
    /// Parses authenticator data; missing or trailing bytes are an error.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, InvalidPasskey> {
        let malformed = || InvalidPasskey::Malformed("authenticator data");
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>().ok_or_else(malformed)?;
        let (&flags, rest) = rest.split_first().ok_or_else(malformed)?;
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
        let credential = if flags & HAS_CREDENTIAL == 0 { None } else { Some(read_credential(&mut rest)?) };
        if flags & HAS_EXTENSIONS != 0 {
            read_cbor(&mut rest)?.is_map().then_some(()).ok_or_else(malformed)?;
        }
        if !rest.is_empty() {
            return Err(malformed());
        }
        // A credential that is backed up must be eligible for backup (§7.1 and §7.2, "BE" and "BS").
        if flags & BACKUP_ELIGIBLE == 0 && flags & BACKED_UP != 0 {
            return Err(InvalidPasskey::Malformed("backup state"));
        }
        Ok(Self {
            rp_id_hash: *rp_id_hash,
            user_present: flags & USER_PRESENT != 0,
            user_verified: flags & USER_VERIFIED != 0,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            sign_count: u32::from_be_bytes(*count),
            credential,
        })
    }
}

fn read_credential(rest: &mut &[u8]) -> Result<AttestedCredential, InvalidPasskey> {
    let malformed = || InvalidPasskey::Malformed("attested credential data");
    // Skip the AAGUID, the authenticator's model: it is not needed.
    let (_, after) = rest.split_first_chunk::<16>().ok_or_else(malformed)?;
    let (length, after) = after.split_first_chunk::<2>().ok_or_else(malformed)?;
    let (id, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(malformed)?;
    let mut after_key = after;
    read_cbor(&mut after_key)?;
    let public_key = after[..after.len() - after_key.len()].to_vec();
    *rest = after_key;
    Ok(AttestedCredential { id: id.to_vec(), public_key })
}

/// The authenticator data in an attestation object (§6.5). The statement is ignored, because none was requested.
pub(super) fn read_attestation_object(bytes: &[u8]) -> Result<Vec<u8>, InvalidPasskey> {
    let mut rest = bytes;
    let object = read_cbor(&mut rest)?;
    let entries = object.as_map().filter(|_| rest.is_empty()).ok_or(InvalidPasskey::Malformed("attestation object"))?;
    entries
        .iter()
        .find(|(key, _)| key.as_text() == Some("authData"))
        .and_then(|(_, value)| value.as_bytes().cloned())
        .ok_or(InvalidPasskey::Malformed("attestation object"))
}

/// Parses one CBOR item and advances behind it.
pub(super) fn read_cbor(rest: &mut &[u8]) -> Result<Value, InvalidPasskey> {
    ciborium::de::from_reader_with_recursion_limit(rest, 8).map_err(|_| InvalidPasskey::Malformed("CBOR"))
}
