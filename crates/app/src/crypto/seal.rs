//! Sealing at rest: AES-256-GCM under keys derived from the operator's master key, and the MAC keys that belong to no
//! project.

use std::{io::Write, path::Path};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
};

use super::{hex, read_hex, tokens::MacKey};
use crate::adapters::entropy::Entropy;

/// How the sealing and deriving keys are made from the master key. Every release from 0.1.0 on reads both forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The master key is used as both. Releases before 0.1.0 know only this form.
    Shared,
    /// Each is made by HKDF-SHA-256 (RFC 5869) with its own label (ADR 71).
    Separate,
}

/// The form with which this release seals and derives.
///
/// 0.1.0 and 0.2.0 still use [`KeyForm::Shared`], so that a downgrade to the releases before works with the same data. A
/// later release sets this to [`KeyForm::Separate`]: nothing else has to change, and a downgrade to 0.1.0 works, since it
/// reads that form.
pub const FORM: KeyForm = KeyForm::Shared;

const SEALING_LABEL: &[u8] = b"vestibule master key: sealing at rest";
const DERIVING_LABEL: &[u8] = b"vestibule master key: deriving keys";

/// The master key. It seals signing keys, webhook secrets, stored responses of the Admin API, and queued mails and text
/// messages; keys that belong to no project are derived from it.
pub struct MasterKey {
    shared: DerivedKeys,
    separate: DerivedKeys,
    /// The form that is written.
    form: KeyForm,
}

struct DerivedKeys {
    sealing: LessSafeKey,
    deriving: hmac::Key,
}

impl DerivedKeys {
    fn new(sealing: &[u8; 32], deriving: &[u8; 32]) -> Self {
        let sealing = UnboundKey::new(&AES_256_GCM, sealing).expect("AES-256 takes 32 bytes");
        Self { sealing: LessSafeKey::new(sealing), deriving: hmac::Key::new(hmac::HMAC_SHA256, deriving) }
    }

    fn derive_mac_key(&self, label: &str) -> MacKey {
        MacKey::new(hmac::sign(&self.deriving, format!("mac key|{label}").as_bytes()).as_ref())
    }

    fn open(&self, sealed: &[u8], context: &str) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let plain = self.sealing.open_in_place(nonce, Aad::from(context), &mut body).ok()?;
        Some(plain.to_vec())
    }
}

/// 32 bytes for one purpose (RFC 5869): without a salt, since the master key is uniformly random.
fn expand(master: &[u8; 32], label: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(master);
    let label = [label];
    let expanded = extracted.expand(&label, hkdf::HKDF_SHA256).expect("one hash of output is within HKDF's limit");
    expanded.fill(&mut out).expect("the length that was asked for");
    out
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    #[error("{0}: expected 64 hexadecimal digits")]
    Malformed(String),
    #[error("{0}: {1}")]
    File(String, std::io::Error),
}

/// The sealed bytes were made with another master key, or are damaged.
#[derive(Debug, thiserror::Error)]
#[error("a stored key can't be decrypted: it was encrypted with another master key")]
pub struct CannotUnseal;

impl MasterKey {
    /// Parses 64 hexadecimal digits.
    ///
    /// # Errors
    /// When they are anything else; `source` says where they came from.
    pub fn from_hex(text: &str, source: &str) -> Result<Self, MasterKeyError> {
        let bytes = read_hex(text.trim()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| MasterKeyError::Malformed(source.to_string()))?;
        let separate = DerivedKeys::new(&expand(&bytes, SEALING_LABEL), &expand(&bytes, DERIVING_LABEL));
        Ok(Self { shared: DerivedKeys::new(&bytes, &bytes), separate, form: FORM })
    }

    /// Seals and derives in this form from now on, as another release does.
    #[must_use]
    pub fn in_form(self, form: KeyForm) -> Self {
        Self { form, ..self }
    }

    /// Reads the key from a file, or creates one that only its owner can read.
    ///
    /// # Errors
    /// When the file cannot be read, written or parsed.
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

    /// The keys of the written form, then those of the other.
    fn by_preference(&self) -> [&DerivedKeys; 2] {
        match self.form {
            KeyForm::Shared => [&self.shared, &self.separate],
            KeyForm::Separate => [&self.separate, &self.shared],
        }
    }

    /// The MAC keys of values that belong to no project, the same for a label on every node. The first issues, both
    /// validate: nodes of two releases may serve at once.
    #[must_use]
    pub(crate) fn derive_mac_keys(&self, label: &str) -> [MacKey; 2] {
        self.by_preference().map(|keys| keys.derive_mac_key(label))
    }

    /// Seals bytes; `context` is required again to unseal them.
    #[must_use]
    pub fn seal(&self, plain: &[u8], context: &str, entropy: &Entropy) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut sealed = plain.to_vec();
        let [keys, _] = self.by_preference();
        keys.sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .expect("what we keep is far below AES-GCM's limit of 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Unseals what [`MasterKey::seal`] made, in either form.
    ///
    /// # Errors
    /// When key or context differ, or the bytes were changed.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>, CannotUnseal> {
        self.by_preference().into_iter().find_map(|keys| keys.open(sealed, context)).ok_or(CannotUnseal)
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

    fn key(pair: &str, form: KeyForm) -> MasterKey {
        MasterKey::from_hex(&pair.repeat(32), "test").expect("a key").in_form(form)
    }

    #[test]
    fn sealed_bytes_open_only_with_key_and_context() {
        let entropy = Entropy::seeded(1);
        for form in [KeyForm::Shared, KeyForm::Separate] {
            let (key, other) = (key("ab", form), key("cd", form));
            let sealed = key.seal(b"signing key", "shop", &entropy);
            assert_eq!(key.open(&sealed, "shop").expect("opens"), b"signing key");
            assert!(key.open(&sealed, "other project").is_err());
            assert!(other.open(&sealed, "shop").is_err());
            assert!(key.open(&sealed[..5], "shop").is_err());
        }
    }

    #[test]
    fn each_form_reads_the_other_and_writes_its_own() {
        let entropy = Entropy::seeded(1);
        let (shared, separate) = (key("ab", KeyForm::Shared), key("ab", KeyForm::Separate));
        for (from, to) in [(&shared, &separate), (&separate, &shared)] {
            let sealed = from.seal(b"x", "c", &entropy);
            assert_eq!(to.open(&sealed, "c").expect("opens"), b"x");
            let [mine, others] = from.by_preference();
            assert!(mine.open(&sealed, "c").is_some() && others.open(&sealed, "c").is_none());
            let [made, _] = from.derive_mac_keys("operators");
            let challenge = made.issue_challenge("use", vestibule_domain::time::Timestamp::from_seconds(1), &entropy);
            let read = |keys: [MacKey; 2]| keys.map(|key| key.read_challenge("use", &challenge).is_some());
            assert_eq!(read(from.derive_mac_keys("operators")), [true, false]);
            assert_eq!(read(to.derive_mac_keys("operators")), [false, true]);
            assert_eq!(read(to.derive_mac_keys("others")), [false, false]);
        }
    }

    /// As in earlier releases, the master key itself seals.
    #[test]
    fn the_shared_form_is_that_of_earlier_releases() {
        let master = key("ab", KeyForm::Shared);
        let plain_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[0xab; 32]).expect("a key"));
        let sealed = master.seal(b"x", "c", &Entropy::seeded(1));
        let (nonce, body) = sealed.split_at(NONCE_LEN);
        let mut body = body.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).expect("a nonce");
        assert_eq!(plain_key.open_in_place(nonce, Aad::from("c"), &mut body).expect("opens"), b"x");
    }

    /// HKDF written out with HMAC (RFC 5869 §2): extract with a salt of zeros, then one block of expand.
    #[test]
    fn the_separate_keys_are_those_of_rfc_5869() {
        let prk = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]), &[0xab; 32]);
        let block = |label: &[u8]| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, prk.as_ref());
            hmac::sign(&key, &[label, &[1]].concat()).as_ref().to_vec()
        };
        let (sealing, deriving) = (expand(&[0xab; 32], SEALING_LABEL), expand(&[0xab; 32], DERIVING_LABEL));
        assert_eq!((sealing.to_vec(), deriving.to_vec()), (block(SEALING_LABEL), block(DERIVING_LABEL)));
        assert_ne!(sealing, deriving);
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
