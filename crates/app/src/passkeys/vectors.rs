//! Test vectors of the WebAuthn specification (Level 3 §16) and of two other libraries.
//! Results differ from theirs only because this server requires user verification.

use serde::Deserialize;
use serde_json::json;
use vestibule_domain::project::Origin;

use super::{
    Assertion, Expected, InvalidPasskey, Site,
    authenticator_data::{AuthenticatorData, read_attestation_object},
    public_key::PasskeyPublicKey,
};
use crate::crypto::{base64url, read_base64url, sha256};

const OWNER: [u8; 16] = [7; 16];

#[derive(Deserialize)]
struct Specification {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    registration: RegistrationVector,
    authentication: AuthenticationVector,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegistrationVector {
    challenge: String,
    #[serde(alias = "rawId")]
    credential_id: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    attestation_object: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticationVector {
    challenge: String,
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    public_key: Option<String>,
}

#[derive(Deserialize)]
struct Libraries {
    registrations: Vec<RegistrationVector>,
    authentications: Vec<NamedVector>,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct NamedVector {
    name: String,
    #[serde(flatten)]
    authentication: AuthenticationVector,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    name: String,
    public_key: String,
    message: String,
    signature: String,
}

fn bytes(text: &str) -> Vec<u8> {
    read_base64url(text).expect("base64url")
}

impl RegistrationVector {
    fn register(&self, site: &Site<'_>) -> Result<Vec<u8>, InvalidPasskey> {
        let answer = json!({
            "id": self.credential_id, "rawId": self.credential_id, "type": "public-key",
            "response": { "clientDataJSON": self.client_data, "attestationObject": self.attestation_object },
        });
        site.register(&answer.to_string(), &bytes(&self.challenge)).map(|made| made.credential_id)
    }

    /// The contained COSE key, whatever the flags.
    fn public_key(&self) -> Vec<u8> {
        let data = read_attestation_object(&bytes(&self.attestation_object)).expect("an attestation object");
        let credential = AuthenticatorData::read(&data).expect("authenticator data").credential.expect("a credential");
        assert_eq!(base64url(&credential.id), self.credential_id);
        credential.public_key
    }
}

impl AuthenticationVector {
    fn verify(&self, site: &Site<'_>, public_key: &[u8]) -> Result<i64, InvalidPasskey> {
        let answer = json!({
            "id": "AQ", "rawId": "AQ", "type": "public-key",
            "response": {
                "clientDataJSON": self.client_data,
                "authenticatorData": self.authenticator_data,
                "signature": self.signature,
            },
        });
        let challenge = bytes(&self.challenge);
        let expected = Expected {
            challenge: &challenge,
            owner: &OWNER,
            public_key,
            backup_eligible: None,
            requires_user_handle_match: true,
        };
        site.verify(Assertion::read(&answer.to_string())?, &expected).map(|used| used.sign_count)
    }

    fn is_signed_with(&self, public_key: &[u8]) -> bool {
        let signed = [bytes(&self.authenticator_data), sha256(&bytes(&self.client_data)).0.to_vec()].concat();
        PasskeyPublicKey::read_new(public_key).expect("a usable key").verifies(&signed, &bytes(&self.signature))
    }
}

#[test]
fn the_specifications_vectors_are_read_as_it_says() {
    let specification: Specification =
        serde_json::from_str(include_str!("../../tests/data/webauthn/specification.json")).expect("the vectors");
    let origin = Origin::parse("https://example.org").expect("an origin");
    let site = Site::new(&origin, "Example");
    // Name, result of the registration, and of the authentication: the flag UV is random in these vectors.
    let table = [
        ("none-es256", Some(InvalidPasskey::NotVerified), Some(InvalidPasskey::NotVerified)),
        ("packed-self-es256", None, Some(InvalidPasskey::NotVerified)),
        ("none-es256-crossOrigin", Some(InvalidPasskey::WrongOrigin), Some(InvalidPasskey::WrongOrigin)),
        ("none-es256-topOrigin", Some(InvalidPasskey::WrongOrigin), Some(InvalidPasskey::WrongOrigin)),
        ("none-es256-long-credential-id", Some(InvalidPasskey::NotVerified), None),
        ("packed-es256", None, None),
        ("packed-rs256", None, Some(InvalidPasskey::NotVerified)),
        ("packed-eddsa", Some(InvalidPasskey::NotVerified), Some(InvalidPasskey::NotVerified)),
    ];
    assert_eq!(specification.vectors.len(), table.len());
    for (vector, (name, registration, authentication)) in specification.vectors.iter().zip(table) {
        assert_eq!(vector.name, name);
        assert_eq!(vector.registration.register(&site).err(), registration, "{name}");
        let public_key = vector.registration.public_key();
        assert_eq!(vector.authentication.verify(&site, &public_key).err(), authentication, "{name}");
        assert!(vector.authentication.is_signed_with(&public_key), "{name}");
        let other = &specification.vectors[usize::from(name == "none-es256")];
        assert!(!vector.authentication.is_signed_with(&other.registration.public_key()), "{name}");
    }
}

#[test]
fn two_libraries_vectors_are_judged_as_there() {
    let libraries: Libraries =
        serde_json::from_str(include_str!("../../tests/data/webauthn/libraries.json")).expect("the vectors");
    let origin = Origin::parse("http://localhost:5000").expect("an origin");
    let site = Site::new(&origin, "Example");
    for registration in &libraries.registrations {
        assert_eq!(registration.register(&site), Ok(bytes(&registration.credential_id)));
    }
    let table = [
        ("ES256, a touch only", Err(InvalidPasskey::NotVerified), true),
        ("RS256, verified", Ok(1), true),
        ("the key of another passkey", Err(InvalidPasskey::WrongSignature), false),
        ("a touch only, a P-256 key", Err(InvalidPasskey::NotVerified), true),
    ];
    for (vector, (name, judged, signed)) in libraries.authentications.iter().zip(table) {
        assert_eq!(vector.name, name);
        let key = bytes(vector.authentication.public_key.as_deref().expect("a key"));
        assert_eq!(vector.authentication.verify(&site, &key), judged, "{name}");
        assert_eq!(vector.authentication.is_signed_with(&key), signed, "{name}");
    }
    for vector in &libraries.signatures {
        let key = PasskeyPublicKey::read_new(&bytes(&vector.public_key)).expect("a usable key");
        let (mut message, signature) = (bytes(&vector.message), bytes(&vector.signature));
        assert!(key.verifies(&message, &signature), "{}", vector.name);
        message[0] ^= 1;
        assert!(!key.verifies(&message, &signature), "{}", vector.name);
    }
}

#[test]
fn keys_that_can_never_verify_are_refused_when_they_are_made() {
    let cose = |entries: &[(i64, ciborium::Value)]| {
        let map = entries.iter().map(|(label, value)| ((*label).into(), value.clone())).collect();
        let mut key = Vec::new();
        ciborium::into_writer(&ciborium::Value::Map(map), &mut key).expect("memory");
        key
    };
    let bytes = |bytes: Vec<u8>| ciborium::Value::Bytes(bytes);
    let off_the_curve =
        cose(&[(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, bytes(vec![1; 32])), (-3, bytes(vec![2; 32]))]);
    assert!(PasskeyPublicKey::read(&off_the_curve).is_ok(), "it was taken by its form alone");
    assert!(PasskeyPublicKey::read_new(&off_the_curve).is_err());
    for (modulus, exponent, good) in [
        (vec![0xff; 256], vec![1, 0, 1], true),
        (vec![0xff; 128], vec![1, 0, 1], false),
        ([vec![0; 128], vec![0xff; 128]].concat(), vec![1, 0, 1], false),
        (vec![0xff; 1_025], vec![1, 0, 1], false),
        ([vec![0xff; 255], vec![0xfe]].concat(), vec![1, 0, 1], false),
        (vec![0xff; 256], vec![1], false),
        (vec![0xff; 256], vec![2], false),
        (vec![0xff; 256], vec![], false),
        (vec![0xff; 256], vec![1; 200], false),
        (vec![], vec![1, 0, 1], false),
    ] {
        let key =
            cose(&[(1, 3.into()), (3, (-257).into()), (-1, bytes(modulus.clone())), (-2, bytes(exponent.clone()))]);
        assert_eq!(PasskeyPublicKey::read_new(&key).is_ok(), good, "{} bytes, exponent {exponent:?}", modulus.len());
    }
}
