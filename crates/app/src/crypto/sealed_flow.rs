//! Seals a flow that only its browser stores, against reading and changing: AES-256-GCM with a separate key per flow. A
//! single key would exceed its usage limit, because anyone can start flows (NIST SP 800-38D §8.3).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use vestibule_domain::id::FlowId;

use super::{base64url, read_base64url, tokens::MacKey};
use crate::adapters::entropy::Entropy;

impl MacKey {
    /// Seals the flow for its browser.
    #[must_use]
    pub(crate) fn seal_flow(&self, flow: FlowId, plain: &[u8], entropy: &Entropy) -> String {
        let nonce: [u8; NONCE_LEN] = entropy.bytes();
        let mut sealed = plain.to_vec();
        self.flow_key(flow)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .expect("a form's field is far below AES-GCM's limit of 64 GiB");
        base64url([nonce.as_slice(), &sealed].concat())
    }

    /// Unseals what [`MacKey::seal_flow`] made for the same flow.
    #[must_use]
    pub(crate) fn open_flow(&self, flow: FlowId, sealed: &str) -> Option<Vec<u8>> {
        let bytes = read_base64url(sealed)?;
        let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let plain = self.flow_key(flow).open_in_place(nonce, Aad::empty(), &mut body).ok()?;
        Some(plain.to_vec())
    }

    fn flow_key(&self, flow: FlowId) -> LessSafeKey {
        let key = self.mac("sealed_flow", flow.as_bytes());
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
    }
}
