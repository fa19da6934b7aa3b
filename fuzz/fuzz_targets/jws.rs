//! Fuzzes the parsers of untrusted signed text: JWS, JWK, guest requests and DPoP proofs.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use vestibule_protocol::dpop::{DpopProof, ProofTarget};
use vestibule_protocol::jose::{AnonymousRequest, Jwk, Jws};

const NOW: i64 = 1_795_000_000;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        read_everywhere(text);
        if let Ok(jwk) = Jwk::parse(text) {
            assert!(Jwk::parse(&jwk.to_json()) == Ok(jwk), "a printed key must be read back");
        }
    }
    // The first byte selects the change to the text, the rest is header, payload and signature.
    let Some((change, parts)) = data.split_first() else { return };
    let mut parts = parts.splitn(3, |byte| *byte == b'\n').map(|part| URL_SAFE_NO_PAD.encode(part));
    let (Some(header), Some(payload)) = (parts.next(), parts.next()) else { return };
    let signature = parts.next().unwrap_or_default();
    let text = format!("{header}.{payload}.{signature}");
    read_everywhere(&text);
    refuse_or_see_change(&text, *change);
});

fn read_everywhere(text: &str) {
    if let Ok(jws) = Jws::parse(text) {
        let mut again = jws.signing_input().to_vec();
        again.push(b'.');
        again.extend_from_slice(URL_SAFE_NO_PAD.encode(jws.signature()).as_bytes());
        assert!(again == text.as_bytes(), "a JWS has one spelling");
        assert!(jws.header().jwk.as_ref().is_none_or(|jwk| jws.check_key(jwk).is_ok()), "a key must fit its alg");
    }
    drop(AnonymousRequest::parse(text, NOW));
    drop(DpopProof::parse(text, ProofTarget { method: "POST", uri: "https://auth.example/oauth2/token" }, NOW));
}

/// Changes one byte; if the result still parses, the verified data must differ.
fn refuse_or_see_change(text: &str, change: u8) {
    let Ok(original) = Jws::parse(text) else { return };
    let at = usize::from(change) * 7 % text.len();
    let mut changed = text.as_bytes().to_vec();
    let Some(byte) = changed.get_mut(at) else { return };
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    let Some(jws) = String::from_utf8(changed).ok().and_then(|changed| Jws::parse(&changed).ok()) else { return };
    assert!(
        jws.signing_input() != original.signing_input() || jws.signature() != original.signature(),
        "a changed byte must be seen"
    );
}
