//! Seals a flow that only its browser stores, against reading and changing: AES-256-GCM with a separate key per flow, or per
//! other value of this kind. A single key would exceed its usage limit, because anyone can start flows (NIST SP 800-38D §8.3).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use vestibule_domain::id::FlowId;

use super::{base64url, read_base64url, tokens::MacKey};
use crate::adapters::entropy::Entropy;

const LABEL: &str = "sealed_flow";
const PUSHED: &str = "pushed_request";
const POSTED: &str = "provider_answer";
const CONTINUATION: &str = "continuation";
const PAGE_CONTINUATION: &str = "page_continuation";

impl MacKey {
    /// Seals the flow for its browser.
    #[must_use]
    pub(crate) fn seal_flow(&self, flow: FlowId, plain: &[u8], entropy: &Entropy) -> String {
        base64url(self.seal_under(LABEL, flow.as_bytes(), plain, entropy))
    }

    /// Unseals what [`MacKey::seal_flow`] made for the same flow.
    #[must_use]
    pub(crate) fn open_flow(&self, flow: FlowId, sealed: &str) -> Option<Vec<u8>> {
        self.open_under(LABEL, flow.as_bytes(), &read_base64url(sealed)?)
    }

    /// Seals a pushed authorization request, with a key of its own.
    #[must_use]
    pub(crate) fn seal_pushed_request(&self, plain: &[u8], entropy: &Entropy) -> String {
        self.seal_alone(PUSHED, plain, entropy)
    }

    /// Unseals what [`MacKey::seal_pushed_request`] made.
    #[must_use]
    pub(crate) fn open_pushed_request(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_alone(PUSHED, sealed)
    }

    /// Seals the answer that a provider's page posted, for the redirect after it.
    #[must_use]
    pub(crate) fn seal_provider_answer(&self, plain: &[u8], entropy: &Entropy) -> String {
        self.seal_alone(POSTED, plain, entropy)
    }

    /// Unseals what [`MacKey::seal_provider_answer`] made.
    #[must_use]
    pub(crate) fn open_provider_answer(&self, sealed: &str) -> Option<Vec<u8>> {
        self.open_alone(POSTED, &read_base64url(sealed)?)
    }

    /// Seals what a provider answered to an application, for the application.
    #[must_use]
    pub(crate) fn seal_continuation(&self, plain: &[u8], entropy: &Entropy) -> String {
        self.seal_alone(CONTINUATION, plain, entropy)
    }

    /// Unseals what [`MacKey::seal_continuation`] made.
    #[must_use]
    pub(crate) fn open_continuation(&self, sealed: &str) -> Option<Vec<u8>> {
        self.open_alone(CONTINUATION, &read_base64url(sealed)?)
    }

    /// Seals the same for the URL of a page.
    #[must_use]
    pub(crate) fn seal_page_continuation(&self, plain: &[u8], entropy: &Entropy) -> String {
        self.seal_alone(PAGE_CONTINUATION, plain, entropy)
    }

    /// Unseals what [`MacKey::seal_page_continuation`] made.
    #[must_use]
    pub(crate) fn open_page_continuation(&self, sealed: &str) -> Option<Vec<u8>> {
        self.open_alone(PAGE_CONTINUATION, &read_base64url(sealed)?)
    }

    fn seal_alone(&self, label: &str, plain: &[u8], entropy: &Entropy) -> String {
        let id: [u8; 16] = entropy.bytes();
        base64url([id.as_slice(), &self.seal_under(label, &id, plain, entropy)].concat())
    }

    fn open_alone(&self, label: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (id, sealed) = sealed.split_first_chunk::<16>()?;
        self.open_under(label, id, sealed)
    }

    /// Seals a value of one kind with the key of its ID.
    pub(super) fn seal_under(&self, label: &str, id: &[u8; 16], plain: &[u8], entropy: &Entropy) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut sealed = plain.to_vec();
        self.key_under(label, id)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .expect("the values are far below AES-GCM's limit of 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Unseals what [`MacKey::seal_under`] made for the same kind and ID.
    pub(super) fn open_under(&self, label: &str, id: &[u8; 16], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let plain = self.key_under(label, id).open_in_place(nonce, Aad::empty(), &mut body).ok()?;
        Some(plain.to_vec())
    }

    fn key_under(&self, label: &str, id: &[u8; 16]) -> LessSafeKey {
        let key = self.mac(label, id);
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("a SHA-256 is as long as the key"))
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::time::Timestamp;

    use super::*;

    #[test]
    fn a_sealed_flow_opens_only_unchanged_for_its_flow_and_with_its_key() {
        let entropy = Entropy::seeded(1);
        let (key, other) = (MacKey::new(&[1; 32]), MacKey::new(&[2; 32]));
        let [flow, another]: [FlowId; 2] = [1, 2].map(|at| entropy.id(Timestamp::from_seconds(at)));
        let sealed = key.seal_flow(flow, b"the request", &entropy);
        assert_eq!(key.open_flow(flow, &sealed).as_deref(), Some(&b"the request"[..]));
        assert_eq!(key.open_flow(another, &sealed), None);
        assert_eq!(other.open_flow(flow, &sealed), None);
        assert_ne!(sealed, key.seal_flow(flow, b"the request", &entropy), "the nonce is another one each time");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            // The last character has unused bits, which strict base64 rejects too.
            assert_eq!(key.open_flow(flow, &changed), None, "{at}");
            assert_eq!(key.open_flow(flow, &sealed[..at]), None, "{at}");
        }
        let (answer, request) = (key.seal_provider_answer(b"a", &entropy), key.seal_pushed_request(b"a", &entropy));
        assert_eq!(key.open_provider_answer(&answer).as_deref(), Some(&b"a"[..]));
        assert_eq!((key.open_provider_answer(&request), other.open_provider_answer(&answer)), (None, None));
        let continuation = key.seal_continuation(b"a", &entropy);
        assert_eq!(key.open_continuation(&continuation).as_deref(), Some(&b"a"[..]));
        assert_eq!((key.open_continuation(&answer), key.open_provider_answer(&continuation)), (None, None));
        let page = key.seal_page_continuation(b"a", &entropy);
        assert_eq!(key.open_page_continuation(&page).as_deref(), Some(&b"a"[..]));
        assert_eq!((key.open_continuation(&page), key.open_page_continuation(&continuation)), (None, None));
    }
}
