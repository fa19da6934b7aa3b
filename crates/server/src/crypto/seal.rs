//! Sealing keys at rest: AES-256-GCM under the operator's master key.

use std::{io::Write, path::Path};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

use super::{hex, read_hex, tokens::MacKey};
use crate::ports::entropy::Entropy;

/// The operator's key that seals signing keys, and that keys which belong to no project are derived from.
pub struct MasterKey {
    sealing: LessSafeKey,
    deriving: hmac::Key,
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is not 32 bytes in hexadecimal.
    #[error("{0}: expected 64 hexadecimal digits")]
    Malformed(String),
    /// The file cannot be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
}

/// The sealed bytes were made with another master key, or were damaged.
#[derive(Debug, thiserror::Error)]
#[error("a stored key cannot be opened: the master key is not the one it was sealed with")]
pub struct CannotUnseal;

impl MasterKey {
    /// Takes 64 hexadecimal digits.
    ///
    /// # Errors
    /// When they are anything else; `source` says where they came from.
    pub fn from_hex(text: &str, source: &str) -> Result<Self, MasterKeyError> {
        let malformed = || MasterKeyError::Malformed(source.to_string());
        let bytes = read_hex(text.trim()).filter(|b| b.len() == 32).ok_or_else(malformed)?;
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| malformed())?);
        Ok(Self { sealing, deriving: hmac::Key::new(hmac::HMAC_SHA256, &bytes) })
    }

    /// Reads the key from a file, or makes one there that only its owner can read.
    ///
    /// # Errors
    /// When the file cannot be read, written or understood.
    pub fn from_file(path: &Path, entropy: &Entropy) -> Result<Self, MasterKeyError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_hex(&text, &name),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let text = hex(&entropy.bytes::<32>());
                write_private(path, &text).map_err(|error| MasterKeyError::File(name.clone(), error))?;
                Self::from_hex(&text, &name)
            }
            Err(error) => Err(MasterKeyError::File(name, error)),
        }
    }

    /// The key of self-contained values that belong to no project: the same one for a label each time, on every node.
    #[must_use]
    pub fn derive_mac_key(&self, label: &str) -> MacKey {
        MacKey::new(hmac::sign(&self.deriving, format!("mac key|{label}").as_bytes()).as_ref())
    }

    /// Seals bytes; `context` must be given again to open them.
    #[must_use]
    pub fn seal(&self, plain: &[u8], context: &str, entropy: &Entropy) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut sealed = plain.to_vec();
        self.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .expect("what we keep is far below AES-GCM's limit of 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`MasterKey::seal`] made.
    ///
    /// # Errors
    /// When key or context differ, or the bytes were changed.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>, CannotUnseal> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotUnseal)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotUnseal)?;
        let mut body = body.to_vec();
        let plain = self.sealing.open_in_place(nonce, Aad::from(context), &mut body).map_err(|_| CannotUnseal)?;
        Ok(plain.to_vec())
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_open_only_with_key_and_context() {
        let entropy = Entropy::seeded(1);
        let key = MasterKey::from_hex(&"ab".repeat(32), "test").expect("a key");
        let other = MasterKey::from_hex(&"cd".repeat(32), "test").expect("a key");
        let sealed = key.seal(b"signing key", "shop", &entropy);
        assert_eq!(key.open(&sealed, "shop").expect("opens"), b"signing key");
        assert!(key.open(&sealed, "other project").is_err());
        assert!(other.open(&sealed, "shop").is_err());
        assert!(key.open(&sealed[..5], "shop").is_err());
    }

    #[test]
    fn a_key_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        let first = MasterKey::from_file(&path, &Entropy::Os).expect("made");
        let again = MasterKey::from_file(&path, &Entropy::Os).expect("read");
        let sealed = first.seal(b"x", "c", &Entropy::Os);
        assert!(again.open(&sealed, "c").is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
    }
}
