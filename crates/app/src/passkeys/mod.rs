//! Passkeys (WebAuthn Level 3): options for the browser and verification of its responses.
//! The verification is our own, over aws-lc-rs (ADR 30). Uses neither store nor network.

mod authenticator_data;
mod public_key;
#[cfg(test)]
#[path = "../../../server/tests/it/support/soft_passkey.rs"]
mod soft;
#[cfg(test)]
mod vectors;

use serde::Deserialize;
use serde_json::{Value, json};
use vestibule_domain::project::Origin;
use vestibule_store::passkeys::PasskeyUse;

use self::{
    authenticator_data::{AuthenticatorData, read_attestation_object},
    public_key::{ALGORITHMS, PasskeyPublicKey},
};
use crate::crypto::{base64url, read_base64url, sha256};

/// How long a browser may wait for its user, in milliseconds.
const TIMEOUT: u32 = 300_000;
/// Maximum length of a credential ID (WebAuthn §4, "Credential ID").
const MAX_CREDENTIAL_ID: usize = 1023;

/// Why a response is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPasskey {
    #[error("the {0} cannot be read")]
    Malformed(&'static str),
    #[error("it answers another request")]
    WrongChallenge,
    #[error("it was made on another origin")]
    WrongOrigin,
    #[error("it was made for another site")]
    WrongSite,
    #[error("the user was not present or not verified")]
    NotVerified,
    #[error("the key's algorithm was not offered")]
    UnknownAlgorithm,
    #[error("the signature is wrong")]
    WrongSignature,
    #[error("the passkey belongs to another user, or the answer does not say to which")]
    WrongUser,
    #[error("it may be backed up and once might not, or the other way round")]
    ChangedBackup,
}

/// The relying party.
pub struct Site<'a> {
    origin: &'a Origin,
    name: &'a str,
}

/// The user of a new passkey.
pub struct PasskeyUser<'a> {
    /// Its ID: the user handle (§4), returned with each sign-in.
    pub handle: [u8; 16],
    /// The name that the authenticator shows.
    pub name: &'a str,
    /// Its existing passkeys: one authenticator has at most one of them.
    pub passkeys: &'a [Vec<u8>],
}

/// A verified new passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey {
    pub credential_id: Vec<u8>,
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    pub backup_eligible: bool,
}

/// The values that an assertion must match.
pub struct Expected<'a> {
    pub challenge: &'a [u8],
    /// The user handle of the passkey's owner.
    pub owner: &'a [u8; 16],
    /// The registered COSE key.
    pub public_key: &'a [u8],
    /// The stored backup eligibility: from the registration, or the first use since it is stored.
    pub backup_eligible: Option<bool>,
    /// Whether the options listed the passkeys of one user. Otherwise the response must contain the user handle (§7.2
    /// step 6).
    pub requires_user_handle_match: bool,
}

/// An unverified assertion, which names its passkey.
pub struct Assertion {
    pub credential_id: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct CeremonyResponse<R> {
    #[serde(rename = "rawId")]
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

#[derive(Deserialize)]
struct RegistrationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "attestationObject")]
    attestation_object: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthenticationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    user_handle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    /// The origin of an embedding page: our pages are never embedded.
    top_origin: Option<serde::de::IgnoredAny>,
}

impl<'a> Site<'a> {
    /// The relying party of a project, by its public origin; the browser's dialog shows `name`.
    pub fn new(origin: &'a Origin, name: &'a str) -> Self {
        Self { origin, name }
    }

    /// The options of a registration (§5.4), as JSON for the page's script.
    pub fn creation_options(&self, challenge: &[u8], person: &PasskeyUser<'_>) -> String {
        let parameters: Vec<Value> =
            ALGORITHMS.iter().map(|algorithm| json!({ "type": "public-key", "alg": algorithm })).collect();
        json!({ "publicKey": {
            "rp": { "id": self.origin.host(), "name": self.name },
            "user": { "id": base64url(person.handle), "name": person.name, "displayName": person.name },
            "challenge": base64url(challenge),
            "pubKeyCredParams": parameters,
            "timeout": TIMEOUT,
            "attestation": "none",
            // Discoverable and with user verification: it replaces login ID and password.
            "authenticatorSelection":
                { "residentKey": "required", "requireResidentKey": true, "userVerification": "required" },
            "excludeCredentials": describe(person.passkeys),
        }})
        .to_string()
    }

    /// The options of a sign-in (§5.5); without passkeys, the browser offers all it has for the site.
    pub fn request_options(&self, challenge: &[u8], passkeys: &[Vec<u8>]) -> String {
        json!({ "publicKey": {
            "rpId": self.origin.host(),
            "challenge": base64url(challenge),
            "timeout": TIMEOUT,
            "userVerification": "required",
            "allowCredentials": describe(passkeys),
        }})
        .to_string()
    }

    /// Verifies the response to creation options (§7.1).
    pub fn register(&self, answer: &str, challenge: &[u8]) -> Result<NewPasskey, InvalidPasskey> {
        let answer: CeremonyResponse<RegistrationResponse> = read_answer(answer)?;
        self.check_client_data(&decode(&answer.response.client_data)?, "webauthn.create", challenge)?;
        let object = decode(&answer.response.attestation_object)?;
        let data = AuthenticatorData::read(&read_attestation_object(&object)?)?;
        self.check_authenticator(&data)?;
        let credential = data.credential.ok_or(InvalidPasskey::Malformed("attested credential data"))?;
        let sound = (1..=MAX_CREDENTIAL_ID).contains(&credential.id.len()) && decode(&answer.raw_id)? == credential.id;
        if !sound {
            return Err(InvalidPasskey::Malformed("credential id"));
        }
        PasskeyPublicKey::read_new(&credential.public_key)?;
        Ok(NewPasskey {
            credential_id: credential.id,
            public_key: credential.public_key,
            sign_count: data.sign_count,
            backup_eligible: data.backup_eligible,
        })
    }

    /// Verifies an assertion by its passkey (§7.2). The store checks the signature counter, in the statement that
    /// updates it.
    pub fn verify(&self, assertion: Assertion, expected: &Expected<'_>) -> Result<PasskeyUse, InvalidPasskey> {
        self.check_client_data(&assertion.client_data, "webauthn.get", expected.challenge)?;
        let data = AuthenticatorData::read(&assertion.authenticator_data)?;
        self.check_authenticator(&data)?;
        match &assertion.user_handle {
            Some(handle) if handle.as_slice() != expected.owner.as_slice() => return Err(InvalidPasskey::WrongUser),
            None if !expected.requires_user_handle_match => return Err(InvalidPasskey::WrongUser),
            Some(_) | None => {}
        }
        if expected.backup_eligible.is_some_and(|recorded| recorded != data.backup_eligible) {
            return Err(InvalidPasskey::ChangedBackup);
        }
        let signed = [assertion.authenticator_data.as_slice(), &sha256(&assertion.client_data).0].concat();
        if !PasskeyPublicKey::read(expected.public_key)?.verifies(&signed, &assertion.signature) {
            return Err(InvalidPasskey::WrongSignature);
        }
        Ok(PasskeyUse {
            credential_id: assertion.credential_id,
            sign_count: i64::from(data.sign_count),
            backup_eligible: data.backup_eligible,
        })
    }

    fn check_client_data(&self, bytes: &[u8], kind: &str, challenge: &[u8]) -> Result<(), InvalidPasskey> {
        let data: ClientData = serde_json::from_slice(bytes).map_err(|_| InvalidPasskey::Malformed("client data"))?;
        if data.kind != kind {
            return Err(InvalidPasskey::Malformed("client data"));
        }
        let presented = decode(&data.challenge)?;
        if aws_lc_rs::constant_time::verify_slices_are_equal(&presented, challenge).is_err() {
            return Err(InvalidPasskey::WrongChallenge);
        }
        if data.origin != self.origin.as_str() || data.cross_origin || data.top_origin.is_some() {
            return Err(InvalidPasskey::WrongOrigin);
        }
        Ok(())
    }

    fn check_authenticator(&self, data: &AuthenticatorData) -> Result<(), InvalidPasskey> {
        if data.rp_id_hash != sha256(self.origin.host().as_bytes()).0 {
            return Err(InvalidPasskey::WrongSite);
        }
        if data.user_present && data.user_verified { Ok(()) } else { Err(InvalidPasskey::NotVerified) }
    }
}

impl Assertion {
    /// Parses a browser's response to request options.
    pub fn read(answer: &str) -> Result<Self, InvalidPasskey> {
        let answer: CeremonyResponse<AuthenticationResponse> = read_answer(answer)?;
        let user_handle = answer.response.user_handle.filter(|handle| !handle.is_empty());
        Ok(Self {
            credential_id: decode(&answer.raw_id)?,
            client_data: decode(&answer.response.client_data)?,
            authenticator_data: decode(&answer.response.authenticator_data)?,
            signature: decode(&answer.response.signature)?,
            user_handle: user_handle.as_deref().map(decode).transpose()?,
        })
    }
}

/// Whether the credential ID and COSE key of an import could have been registered here.
pub(crate) fn is_usable_passkey(credential_id: &[u8], public_key: &[u8]) -> bool {
    (1..=MAX_CREDENTIAL_ID).contains(&credential_id.len()) && PasskeyPublicKey::read_new(public_key).is_ok()
}

/// The challenge in a response to creation or request options; not verified yet.
pub(crate) fn read_challenge(answer: &str) -> Option<Vec<u8>> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let client_data = decode(answer["response"]["clientDataJSON"].as_str()?).ok()?;
    let data: ClientData = serde_json::from_slice(&client_data).ok()?;
    decode(&data.challenge).ok()
}

fn read_answer<R: for<'de> Deserialize<'de>>(text: &str) -> Result<CeremonyResponse<R>, InvalidPasskey> {
    let answer: CeremonyResponse<R> = serde_json::from_str(text).map_err(|_| InvalidPasskey::Malformed("answer"))?;
    if answer.kind == "public-key" { Ok(answer) } else { Err(InvalidPasskey::Malformed("answer")) }
}

fn decode(text: &str) -> Result<Vec<u8>, InvalidPasskey> {
    read_base64url(text).ok_or(InvalidPasskey::Malformed("base64url"))
}

fn describe(passkeys: &[Vec<u8>]) -> Vec<Value> {
    passkeys.iter().map(|id| json!({ "type": "public-key", "id": base64url(id) })).collect()
}

#[cfg(test)]
mod tests {
    use super::{soft::SoftPasskey, *};

    const CHALLENGE: &[u8] = b"sixteen bytes or";

    fn origin() -> Origin {
        Origin::parse("https://auth.shop.example").unwrap()
    }

    const USER: [u8; 16] = [1; 16];

    fn expected(public_key: &[u8]) -> Expected<'_> {
        Expected {
            challenge: CHALLENGE,
            owner: &USER,
            public_key,
            backup_eligible: None,
            requires_user_handle_match: false,
        }
    }

    #[test]
    fn a_passkey_is_made_and_signs_in() {
        let origin = origin();
        let site = Site::new(&origin, "Shop");
        let person = PasskeyUser { handle: USER, name: "kim", passkeys: &[] };
        let mut soft = SoftPasskey::new();
        let answer = soft.create(&site.creation_options(CHALLENGE, &person), origin.as_str());
        assert_eq!(read_challenge(&answer).as_deref(), Some(CHALLENGE));
        let made = site.register(&answer, CHALLENGE).unwrap();
        let answer = soft.get(&site.request_options(CHALLENGE, &[]), origin.as_str());
        let assertion = Assertion::read(&answer).unwrap();
        assert_eq!(assertion.credential_id, made.credential_id);
        assert_eq!(read_challenge(&answer).as_deref(), Some(CHALLENGE));
        let used = site.verify(assertion, &expected(&made.public_key)).unwrap();
        assert!(used.sign_count > i64::from(made.sign_count));
        let mut uncounting = SoftPasskey::uncounting();
        let answer = uncounting.create(&site.creation_options(CHALLENGE, &person), origin.as_str());
        let made = site.register(&answer, CHALLENGE).unwrap();
        let answer = uncounting.get(&site.request_options(CHALLENGE, &[]), origin.as_str());
        let used = site.verify(Assertion::read(&answer).unwrap(), &expected(&made.public_key)).unwrap();
        assert_eq!(used.sign_count, 0);
    }

    #[test]
    fn an_answer_is_good_for_one_challenge_site_and_person_only() {
        let origin = origin();
        let site = Site::new(&origin, "Shop");
        let person = PasskeyUser { handle: USER, name: "kim", passkeys: &[] };
        let mut soft = SoftPasskey::new();
        let creation = site.creation_options(CHALLENGE, &person);
        let made = soft.create(&creation, origin.as_str());
        assert_eq!(site.register(&made, b"another"), Err(InvalidPasskey::WrongChallenge));
        let elsewhere = soft.create(&creation, "https://evil.example");
        assert_eq!(site.register(&elsewhere, CHALLENGE), Err(InvalidPasskey::WrongOrigin));
        let other_origin = Origin::parse("https://auth.other.example").unwrap();
        let other = Site::new(&other_origin, "Other");
        let foreign = soft.create(&creation, other_origin.as_str());
        assert_eq!(other.register(&foreign, CHALLENGE), Err(InvalidPasskey::WrongSite));
        assert_eq!(
            site.register(&SoftPasskey::careless().create(&creation, origin.as_str()), CHALLENGE),
            Err(InvalidPasskey::NotVerified)
        );

        let made = site.register(&soft.create(&creation, origin.as_str()), CHALLENGE).unwrap();
        let options = site.request_options(CHALLENGE, &[]);
        let verify = |answer: &str, owner| {
            let expected = Expected { owner, ..expected(&made.public_key) };
            site.verify(Assertion::read(answer).unwrap(), &expected)
        };
        let answer = soft.get(&options, origin.as_str());
        assert_eq!(verify(&answer, &[2; 16]), Err(InvalidPasskey::WrongUser));
        let mut forged: Value = serde_json::from_str(&answer).unwrap();
        forged["response"]["signature"] = SoftPasskey::new().sign_elsewhere().into();
        assert_eq!(verify(&forged.to_string(), &USER), Err(InvalidPasskey::WrongSignature));
        // A registration response is not accepted for sign-in.
        assert!(Assertion::read(&soft.create(&creation, origin.as_str())).is_err());
    }

    #[test]
    fn an_assertion_names_its_user_unless_one_user_was_requested() {
        let origin = origin();
        let site = Site::new(&origin, "Shop");
        let person = PasskeyUser { handle: USER, name: "kim", passkeys: &[] };
        let mut soft = SoftPasskey::new();
        let made = site.register(&soft.create(&site.creation_options(CHALLENGE, &person), origin.as_str()), CHALLENGE);
        let made = made.unwrap();
        let answer = soft.get(&site.request_options(CHALLENGE, &[]), origin.as_str());
        let mut unnamed: Value = serde_json::from_str(&answer).unwrap();
        unnamed["response"]["userHandle"] = Value::Null;
        let verify = |requires_user_handle_match| {
            let expected = Expected { requires_user_handle_match, ..expected(&made.public_key) };
            site.verify(Assertion::read(&unnamed.to_string()).unwrap(), &expected).map(|used| used.credential_id)
        };
        assert_eq!(verify(false), Err(InvalidPasskey::WrongUser));
        assert_eq!(verify(true), Ok(made.credential_id.clone()));
    }

    #[test]
    fn whether_a_passkey_may_be_backed_up_never_changes() {
        let origin = origin();
        let site = Site::new(&origin, "Shop");
        let person = PasskeyUser { handle: USER, name: "kim", passkeys: &[] };
        let creation = site.creation_options(CHALLENGE, &person);
        assert_eq!(
            site.register(&SoftPasskey::with_flags(0x15).create(&creation, origin.as_str()), CHALLENGE),
            Err(InvalidPasskey::Malformed("backup state"))
        );
        for (flags, eligible) in [(0x05, false), (0x0d, true), (0x1d, true)] {
            let mut soft = SoftPasskey::with_flags(flags);
            let made = site.register(&soft.create(&creation, origin.as_str()), CHALLENGE).unwrap();
            assert_eq!(made.backup_eligible, eligible, "{flags:#x}");
            let mut verify = |recorded| {
                let answer = soft.get(&site.request_options(CHALLENGE, &[]), origin.as_str());
                let expected = Expected { backup_eligible: recorded, ..expected(&made.public_key) };
                site.verify(Assertion::read(&answer).unwrap(), &expected).map(|used| used.backup_eligible)
            };
            assert_eq!(verify(Some(eligible)), Ok(eligible));
            assert_eq!(verify(None), Ok(eligible));
            assert_eq!(verify(Some(!eligible)), Err(InvalidPasskey::ChangedBackup));
        }
    }

    #[test]
    fn damaged_answers_are_refused_without_panicking() {
        let origin = origin();
        let site = Site::new(&origin, "Shop");
        let person = PasskeyUser { handle: USER, name: "kim", passkeys: &[] };
        let answer = SoftPasskey::new().create(&site.creation_options(CHALLENGE, &person), origin.as_str());
        let parsed: Value = serde_json::from_str(&answer).unwrap();
        let object = read_base64url(parsed["response"]["attestationObject"].as_str().unwrap()).unwrap();
        for length in 0..object.len() {
            let mut damaged = parsed.clone();
            damaged["response"]["attestationObject"] = base64url(&object[..length]).into();
            assert!(site.register(&damaged.to_string(), CHALLENGE).is_err(), "{length}");
        }
        for text in ["", "{}", "[]", "null"] {
            assert!(site.register(text, CHALLENGE).is_err() && Assertion::read(text).is_err());
            assert_eq!(read_challenge(text), None);
        }
    }
}
