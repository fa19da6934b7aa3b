//! A software passkey: the responses of an authenticator and a browser, with a P-256 key.
//! Shared by the unit tests of `passkeys` and the browser actor, so it uses no code of the server.

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ciborium::Value as Cbor;
use serde_json::{Value, json};

/// A passkey, before or after its registration.
pub(crate) struct SoftPasskey {
    key: EcdsaKeyPair,
    user_handle: Option<Vec<u8>>,
    count: u32,
    /// The increment of the counter per use.
    step: u32,
    flags: u8,
}

impl SoftPasskey {
    /// With user verification.
    pub(crate) fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        Self { key, user_handle: None, count: 0, step: 1, flags: 0x05 }
    }

    /// With user presence only.
    pub(crate) fn careless() -> Self {
        Self::with_flags(0x01)
    }

    /// With these flags of the user and the backup (WebAuthn §6.1).
    pub(crate) fn with_flags(flags: u8) -> Self {
        Self { flags, ..Self::new() }
    }

    /// Always reports the counter 0, as many authenticators do.
    pub(crate) fn uncounting() -> Self {
        Self { step: 0, ..Self::new() }
    }

    fn id(&self) -> Vec<u8> {
        sha256(self.key.public_key().as_ref())[..16].to_vec()
    }

    fn authenticator_data(&mut self, rp_id: &str, extra_flags: u8) -> Vec<u8> {
        self.count += self.step;
        [&sha256(rp_id.as_bytes())[..], &[self.flags | extra_flags], &self.count.to_be_bytes()].concat()
    }

    pub(crate) fn create(&mut self, options: &str, origin: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options");
        let options = &options["publicKey"];
        let handle = options["user"]["id"].as_str().expect("a user id");
        self.user_handle = URL_SAFE_NO_PAD.decode(handle).ok();
        let point = self.key.public_key().as_ref().to_vec();
        let cose = Cbor::Map(vec![
            (1.into(), 2.into()),
            (3.into(), (-7).into()),
            ((-1).into(), 1.into()),
            ((-2).into(), Cbor::Bytes(point[1..33].to_vec())),
            ((-3).into(), Cbor::Bytes(point[33..].to_vec())),
        ]);
        let id = self.id();
        let mut data = self.authenticator_data(options["rp"]["id"].as_str().expect("a site"), 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(id.len()).expect("short").to_be_bytes());
        data.extend(&id);
        ciborium::into_writer(&cose, &mut data).expect("memory");
        let mut object = Vec::new();
        let attestation = Cbor::Map(vec![
            (Cbor::Text("fmt".into()), Cbor::Text("none".into())),
            (Cbor::Text("attStmt".into()), Cbor::Map(Vec::new())),
            (Cbor::Text("authData".into()), Cbor::Bytes(data)),
        ]);
        ciborium::into_writer(&attestation, &mut object).expect("memory");
        let client_data = client_data("webauthn.create", options, origin);
        self.answer(json!({ "clientDataJSON": base64url(&client_data), "attestationObject": base64url(&object) }))
    }

    pub(crate) fn get(&mut self, options: &str, origin: &str) -> String {
        let options: Value = serde_json::from_str(options).expect("options");
        let options = &options["publicKey"];
        let data = self.authenticator_data(options["rpId"].as_str().expect("a site"), 0);
        let client_data = client_data("webauthn.get", options, origin);
        let signed = [data.as_slice(), &sha256(&client_data)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).expect("a signature");
        let handle = self.user_handle.as_deref().map(base64url);
        self.answer(json!({
            "clientDataJSON": base64url(&client_data),
            "authenticatorData": base64url(&data),
            "signature": base64url(signature.as_ref()),
            "userHandle": handle,
        }))
    }

    /// A signature over other data.
    pub(crate) fn sign_elsewhere(&self) -> String {
        base64url(self.key.sign(&SystemRandom::new(), b"elsewhere").expect("a signature").as_ref())
    }

    fn answer(&self, response: Value) -> String {
        let id = base64url(self.id());
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {}, "response": response })
            .to_string()
    }
}

fn client_data(kind: &str, options: &Value, origin: &str) -> Vec<u8> {
    json!({ "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false })
        .to_string()
        .into_bytes()
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(input: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, input).as_ref().to_vec()
}
