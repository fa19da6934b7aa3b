//! Self-contained values: access tokens, promotion codes, challenges, form tokens. Issuing one costs no write.
//!
//! Each is `body || MAC`, where the MAC (HMAC-SHA-256, truncated) uses the project's key over a label and the body.

use aws_lc_rs::{constant_time, hmac};
use vestibule_domain::{
    id::{FlowId, GrantId, SessionId, UserId},
    secret::TokenHash,
    session::SessionRef,
    time::Timestamp,
};

use super::{base64url, fingerprint, read_base64url_into, sha256};
use crate::adapters::entropy::Entropy;

/// The alphabet of challenges: digits and letters without I, L, O, U.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const MAC_LEN: usize = 16;
/// Bytes of the longest value that is read.
const LONGEST: usize = 96;
const CHALLENGE_MAC_LEN: usize = 10;
/// Length of a promotion code's body: user, expiry and nonce, then the kind and the ID of its session or grant.
const PROMOTION_LEN: usize = 47;

/// The label of access tokens with only some scopes of their grant.
const NARROW_ACCESS: &str = "narrow_access";

/// The labels of app sessions: for a member, and for a guest, whose app sessions end with the promotion. A release before 0.2
/// issued those of guests with the labels for members.
const APP_SESSION: [&str; 2] = ["app_session", "guest_app_session"];
const AGREED_APP_SESSION: [&str; 2] = ["agreed_app_session", "agreed_guest_app_session"];
const APP_SESSION_TOKEN: [&str; 2] = ["app_session_token", "guest_app_session_token"];

/// The key that issues and validates a project's self-contained values.
pub struct MacKey(hmac::Key);

/// The content of an opaque access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpaqueAccessToken {
    /// The grant it was issued from.
    pub grant_id: GrantId,
    /// When it expires, independent of its grant.
    pub expires_at: Timestamp,
    /// The scopes it is limited to, in bits; `None` for all of its grant.
    pub scope_bits: Option<u8>,
}

/// The content of a promotion code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromotionCode {
    /// The guest to promote.
    pub user_id: UserId,
    /// The session or grant it was issued to; `None` in a code of a release before this one.
    pub source: Option<SessionRef>,
    pub expires_at: Timestamp,
    /// The key of its record when it is redeemed.
    pub fingerprint: [u8; 16],
}

/// The content of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    pub expires_at: Timestamp,
    /// The key of its record when it is redeemed.
    pub fingerprint: [u8; 16],
}

/// The content of an app session cookie or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppSession {
    /// Its grant; it ends with it.
    pub grant_id: GrantId,
    pub expires_at: Timestamp,
    /// The key of its record when it is redeemed.
    pub fingerprint: [u8; 16],
    /// The cookie session of another user who agreed to it, if that was required.
    pub agreed_in: Option<SessionId>,
    /// Whether the user was a guest when it was issued: it ends with the guest's promotion.
    pub is_of_guest: bool,
}

/// What follows from the idempotency key of a guest's sign-up.
pub(crate) struct DerivedStart {
    /// The key of its record.
    pub fingerprint: [u8; 16],
    /// The secret half of the first refresh token or session cookie.
    pub secret: String,
}

impl MacKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    pub(super) fn mac(&self, label: &str, body: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(label.as_bytes());
        context.update(&[0]);
        context.update(body);
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    pub(super) fn seal(&self, label: &str, body: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(body.len() + MAC_LEN);
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(&self.mac(label, body)[..MAC_LEN]);
        base64url(bytes)
    }

    pub(super) fn open<const N: usize>(&self, label: &str, token: &str) -> Option<[u8; N]> {
        let mut bytes = [0; LONGEST];
        let length = read_base64url_into(token, &mut bytes)?;
        let (body, mac) = bytes[..length].split_at_checked(N)?;
        // A valid token has exactly one spelling and one length.
        if mac.len() != MAC_LEN {
            return None;
        }
        let expected = self.mac(label, body);
        constant_time::verify_slices_are_equal(mac, &expected[..MAC_LEN]).ok()?;
        body.try_into().ok()
    }

    #[must_use]
    pub(crate) fn issue_access_token(&self, grant_id: GrantId, expires_at: Timestamp, entropy: &Entropy) -> String {
        self.seal("access", &body(grant_id.as_bytes(), expires_at, entropy))
    }

    /// Issues an access token with only some scopes of its grant.
    #[must_use]
    pub(crate) fn issue_narrow_access_token(
        &self,
        grant_id: GrantId,
        expires_at: Timestamp,
        scope_bits: u8,
        entropy: &Entropy,
    ) -> String {
        let mut narrow = [0; 31];
        narrow[..30].copy_from_slice(&body(grant_id.as_bytes(), expires_at, entropy));
        narrow[30] = scope_bits;
        self.seal(NARROW_ACCESS, &narrow)
    }

    /// The key of the revocation record of the JWT access token with this `jti`.
    #[must_use]
    pub(crate) fn fingerprint_of_jti(jti: &str) -> [u8; 16] {
        fingerprint("jti", jti.as_bytes())
    }

    /// Parses an opaque access token; `None` when it is not one of this project's.
    #[must_use]
    pub(crate) fn read_access_token(&self, token: &str) -> Option<OpaqueAccessToken> {
        let (body, scope_bits) = match self.open("access", token) {
            Some(body) => (body, None),
            None => {
                let narrow = self.open::<31>(NARROW_ACCESS, token)?;
                let (body, bits) = narrow.split_first_chunk()?;
                (*body, bits.first().copied())
            }
        };
        let (id, expires_at) = split(&body);
        Some(OpaqueAccessToken { grant_id: GrantId::from_bytes(id), expires_at, scope_bits })
    }

    /// The key of the revocation record of this opaque access token.
    #[must_use]
    pub(crate) fn fingerprint_of_access_token(token: &str) -> [u8; 16] {
        fingerprint("access", token.as_bytes())
    }

    /// Issues a promotion code for a guest; it names the session or grant it is issued to.
    #[must_use]
    pub(crate) fn issue_promotion_code(
        &self,
        user_id: UserId,
        source: SessionRef,
        expires_at: Timestamp,
        entropy: &Entropy,
    ) -> String {
        let (kind, id) = match &source {
            SessionRef::Session(id) => (b's', id.as_bytes()),
            SessionRef::Grant(id) => (b'g', id.as_bytes()),
        };
        let mut named = [0; PROMOTION_LEN];
        named[..30].copy_from_slice(&body(user_id.as_bytes(), expires_at, entropy));
        named[30] = kind;
        named[31..].copy_from_slice(id);
        self.seal("promotion", &named)
    }

    /// Parses a promotion code; `None` when it is not one of this project's.
    #[must_use]
    pub(crate) fn read_promotion_code(&self, code: &str) -> Option<PromotionCode> {
        let (known, source) = match self.open::<PROMOTION_LEN>("promotion", code) {
            Some(named) => {
                let (known, source) = named.split_first_chunk::<30>()?;
                let (kind, id) = source.split_first()?;
                let id: [u8; 16] = id.try_into().ok()?;
                let source = match kind {
                    b's' => SessionRef::Session(SessionId::from_bytes(id)),
                    b'g' => SessionRef::Grant(GrantId::from_bytes(id)),
                    _ => return None,
                };
                (*known, Some(source))
            }
            // A node of the previous release, running at the same time, issues codes without a session.
            None => (self.open::<30>("promotion", code)?, None),
        };
        let (id, expires_at) = split(&known);
        let fingerprint = fingerprint("promotion", code.as_bytes());
        Some(PromotionCode { user_id: UserId::from_bytes(id), source, expires_at, fingerprint })
    }

    /// Issues the token that can be exchanged for an app session cookie.
    #[must_use]
    pub(crate) fn issue_app_session_token(
        &self,
        (grant_id, is_of_guest): (GrantId, bool),
        expires_at: Timestamp,
        entropy: &Entropy,
    ) -> String {
        let [member, guest] = APP_SESSION_TOKEN;
        self.seal(if is_of_guest { guest } else { member }, &body(grant_id.as_bytes(), expires_at, entropy))
    }

    /// Parses a token made by [`MacKey::issue_app_session_token`].
    #[must_use]
    pub(crate) fn read_app_session_token(&self, token: &str) -> Option<AppSession> {
        let (body, is_of_guest) = self.open_either(APP_SESSION_TOKEN, token)?;
        let (id, expires_at) = split(&body);
        let fingerprint = fingerprint("app_session_token", token.as_bytes());
        Some(AppSession { grant_id: GrantId::from_bytes(id), expires_at, fingerprint, agreed_in: None, is_of_guest })
    }

    /// Issues the value of an `app_session` cookie; one that another user agreed to names that user's session.
    #[must_use]
    pub(crate) fn issue_app_session(
        &self,
        (grant_id, is_of_guest): (GrantId, bool),
        expires_at: Timestamp,
        agreed_in: Option<SessionId>,
        entropy: &Entropy,
    ) -> String {
        let body = body(grant_id.as_bytes(), expires_at, entropy);
        let [member, guest] = if agreed_in.is_some() { AGREED_APP_SESSION } else { APP_SESSION };
        let label = if is_of_guest { guest } else { member };
        match agreed_in {
            None => self.seal(label, &body),
            Some(session) => self.seal(label, &[body.as_slice(), session.as_bytes()].concat()),
        }
    }

    /// Parses the value of an `app_session` cookie.
    #[must_use]
    pub fn read_app_session(&self, value: &str) -> Option<AppSession> {
        let fingerprint = fingerprint("app_session", value.as_bytes());
        if let Some((body, is_of_guest)) = self.open_either(APP_SESSION, value) {
            let (id, expires_at) = split(&body);
            let grant_id = GrantId::from_bytes(id);
            return Some(AppSession { grant_id, expires_at, fingerprint, agreed_in: None, is_of_guest });
        }
        let (body, is_of_guest) = self.open_either::<46>(AGREED_APP_SESSION, value)?;
        let (grant, session) = body.split_first_chunk()?;
        let (id, expires_at) = split(grant);
        let agreed_in = Some(SessionId::from_bytes(session.try_into().ok()?));
        Some(AppSession { grant_id: GrantId::from_bytes(id), expires_at, fingerprint, agreed_in, is_of_guest })
    }

    /// Opens a value with the first label, or with the second; says whether it was the second.
    fn open_either<const N: usize>(&self, labels: [&str; 2], value: &str) -> Option<([u8; N], bool)> {
        let [first, second] = labels;
        match self.open(first, value) {
            Some(body) => Some((body, false)),
            None => Some((self.open(second, value)?, true)),
        }
    }

    /// The form value by which the user of the session or grant with this ID agrees to open the account of an app
    /// session token.
    #[must_use]
    pub(crate) fn app_session_agreement(&self, token: &[u8; 16], present: &[u8; 16]) -> String {
        base64url(&self.mac("app_session_agreement", &[token.as_slice(), present].concat())[..MAC_LEN])
    }

    /// The secret half of the refresh token that follows the one with this hash.
    ///
    /// It is derived and not random: the same token always gets the same successor, so that concurrent tabs and lost
    /// responses do not split the grant, and an old token can be recognized.
    #[must_use]
    pub(crate) fn derive_successor(&self, grant: GrantId, current: &TokenHash) -> String {
        let mut body = [0; 48];
        body[..16].copy_from_slice(grant.as_bytes());
        body[16..].copy_from_slice(&current.0);
        // Letters and digits only, like random secrets.
        base64url(&self.mac("refresh", &body)[..24]).replace('-', "x").replace('_', "y")
    }

    /// The nonce and the PKCE verifier (RFC 7636 §4.1) of a request to a provider, from the secret in its state: they are neither
    /// stored nor known to the browser.
    pub(crate) fn provider_request(&self, secret: &str) -> (String, String) {
        let make = |label: &str| base64url(self.mac(label, secret.as_bytes()));
        (make("provider_nonce"), make("provider_verifier"))
    }

    /// The authorization code that the end of a flow leads to. It is derived, so that the last form can be answered again without a
    /// second code.
    #[must_use]
    pub(crate) fn flow_code(&self, flow: FlowId) -> String {
        // Letters and digits only, like random codes.
        base64url(&self.mac("flow_code", flow.as_bytes())[..24]).replace('-', "x").replace('_', "y")
    }

    /// The secret half of the session cookie that the end of a flow leads to. It is derived, so that the browser of the flow can
    /// get the cookie again whose answer was lost.
    #[must_use]
    pub(crate) fn flow_session(&self, flow: FlowId) -> String {
        // Letters and digits only, like random secrets.
        base64url(&self.mac("flow_session", flow.as_bytes())[..24]).replace('-', "x").replace('_', "y")
    }

    /// What follows from the idempotency key of a guest's sign-up for an application, or for cookie sessions (`None`). It is
    /// derived, so that a repeated request can be answered with the same token or cookie.
    #[must_use]
    pub(crate) fn derive_start(&self, client_id: Option<&str>, key: &str) -> DerivedStart {
        // A key has no control characters, so the last NUL ends the client's ID.
        let kind: &[u8] = if client_id.is_some() { b"grant" } else { b"cookie" };
        let body = [kind, client_id.unwrap_or_default().as_bytes(), key.as_bytes()].join(&0);
        let mut fingerprint = [0; 16];
        fingerprint.copy_from_slice(&self.mac("sign_up_key", &body)[..16]);
        // Letters and digits only, like random secrets.
        let secret = base64url(&self.mac("sign_up_secret", &body)[..24]).replace('-', "x").replace('_', "y");
        DerivedStart { fingerprint, secret }
    }

    /// Whether the token with this hash is an ancestor of the grant's current one, at most `generations` back.
    #[must_use]
    pub(crate) fn is_ancestor(
        &self,
        grant: GrantId,
        presented: &TokenHash,
        current: &TokenHash,
        generations: usize,
    ) -> bool {
        let mut hash = *presented;
        for _ in 0..generations {
            hash = sha256(self.derive_successor(grant, &hash).as_bytes());
            if hash.matches(current) {
                return true;
            }
        }
        false
    }

    /// The form token of a flow's pages for one browser.
    #[must_use]
    pub fn form_token(&self, flow: FlowId, browser: &str) -> String {
        let body = [flow.as_bytes().as_slice(), browser.as_bytes()].concat();
        base64url(&self.mac("form", &body)[..MAC_LEN])
    }

    /// The form token of pages with a cookie session.
    #[must_use]
    pub fn session_form_token(&self, session: SessionId) -> String {
        base64url(&self.mac("session_form", session.as_bytes())[..MAC_LEN])
    }

    /// The form token of the page of a security link, by the link's fingerprint.
    #[must_use]
    pub(crate) fn security_form_token(&self, link: &[u8; 16]) -> String {
        base64url(&self.mac("security_form", link)[..MAC_LEN])
    }

    /// The challenge for a passkey in one context (a flow, an account page) and for one purpose (`create`, `use`). The
    /// context must be unguessable or end: its challenge is always the same.
    #[must_use]
    pub(crate) fn passkey_challenge(&self, purpose: &str, place: &[u8]) -> [u8; 32] {
        self.mac(&format!("passkey_{purpose}"), place)
    }

    /// The form token of pages with an app session, by its grant.
    #[must_use]
    pub fn grant_form_token(&self, grant: GrantId) -> String {
        base64url(&self.mac("grant_form", grant.as_bytes())[..MAC_LEN])
    }

    /// Issues a challenge: 32 characters that contain expiry, nonce and MAC.
    #[must_use]
    pub(crate) fn issue_challenge(&self, purpose: &str, expires_at: Timestamp, entropy: &Entropy) -> String {
        let mut bytes = [0; 20];
        // Seconds since the epoch fit in 32 unsigned bits until 2106.
        bytes[..4].copy_from_slice(&u32::try_from(expires_at.as_seconds()).unwrap_or(u32::MAX).to_be_bytes());
        entropy.fill(&mut bytes[4..10]);
        let mac = self.mac(purpose, &bytes[..10]);
        bytes[10..].copy_from_slice(&mac[..CHALLENGE_MAC_LEN]);
        print_crockford(&bytes)
    }

    /// Parses a challenge for this purpose; `None` when it is not one of this project's.
    #[must_use]
    pub(crate) fn read_challenge(&self, purpose: &str, token: &str) -> Option<Challenge> {
        let bytes = read_crockford(token)?;
        let mac = self.mac(purpose, &bytes[..10]);
        constant_time::verify_slices_are_equal(&bytes[10..], &mac[..CHALLENGE_MAC_LEN]).ok()?;
        let seconds = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        // The expiry was rounded down to whole seconds; the last second is included.
        let expires_at = Timestamp::from_seconds(i64::from(seconds));
        let mut fingerprint = fingerprint("challenge", token.as_bytes());
        // Challenges are redeemed roughly in the order they were issued. With the time first, their rows are adjacent,
        // and a group of them dirties one page instead of one each; the clean-up finds them without an index
        // (`spent::date_of`). 96 bits of hash within one second stay unique.
        fingerprint[..4].copy_from_slice(&seconds.to_be_bytes());
        Some(Challenge { expires_at, fingerprint })
    }
}

fn body(id: &[u8; 16], expires_at: Timestamp, entropy: &Entropy) -> [u8; 30] {
    let mut body = [0; 30];
    body[..16].copy_from_slice(id);
    body[16..24].copy_from_slice(&expires_at.as_micros().to_be_bytes());
    entropy.fill(&mut body[24..]);
    body
}

fn split(body: &[u8; 30]) -> ([u8; 16], Timestamp) {
    let mut id = [0; 16];
    id.copy_from_slice(&body[..16]);
    let mut micros = [0; 8];
    micros.copy_from_slice(&body[16..24]);
    (id, Timestamp::from_micros(i64::from_be_bytes(micros)))
}

fn print_crockford(bytes: &[u8; 20]) -> String {
    let mut out = String::with_capacity(32);
    for chunk in bytes.chunks_exact(5) {
        let word = chunk.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        for at in (0..8).rev() {
            let digit = usize::try_from(word >> (at * 5) & 31).unwrap_or(0);
            out.push(char::from(CROCKFORD[digit]));
        }
    }
    out
}

fn read_crockford(token: &str) -> Option<[u8; 20]> {
    if token.len() != 32 {
        return None;
    }
    let mut bytes = [0; 20];
    for (chunk, out) in token.as_bytes().chunks_exact(8).zip(bytes.chunks_exact_mut(5)) {
        let mut word = 0u64;
        for sign in chunk {
            let digit = CROCKFORD.iter().position(|c| c == sign)?;
            word = word << 5 | u64::try_from(digit).ok()?;
        }
        out.copy_from_slice(&word.to_be_bytes()[3..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MacKey {
        MacKey::new(&[byte; 32])
    }

    #[test]
    fn a_token_reads_back_only_with_its_key_and_kind() {
        let entropy = Entropy::seeded(3);
        let at = Timestamp::from_seconds(1_900_000_000);
        let grant = entropy.id(at);
        let token = key(1).issue_access_token(grant, at, &entropy);
        let read = key(1).read_access_token(&token).expect("its own");
        assert_eq!((read.grant_id, read.expires_at, read.scope_bits), (grant, at, None));
        let narrow = key(1).issue_narrow_access_token(grant, at, 5, &entropy);
        let read = key(1).read_access_token(&narrow).expect("its own");
        assert_eq!((read.grant_id, read.expires_at, read.scope_bits), (grant, at, Some(5)));
        assert_eq!(key(2).read_access_token(&narrow), None);
        assert_eq!(key(2).read_access_token(&token), None);
        assert_eq!(key(1).read_promotion_code(&token), None);
        assert_eq!(key(1).read_app_session(&token), None);
    }

    #[test]
    fn no_changed_sign_is_accepted() {
        let entropy = Entropy::seeded(4);
        let at = Timestamp::from_seconds(1_900_000_000);
        let token = key(1).issue_access_token(entropy.id(at), at, &entropy);
        let challenge = key(1).issue_challenge("anonymous_request", at, &entropy);
        for position in 0..token.len() {
            for replacement in [b'A', b'z', b'_', b'='] {
                let mut changed = token.clone().into_bytes();
                if changed[position] != replacement {
                    changed[position] = replacement;
                    let changed = String::from_utf8(changed).expect("ASCII");
                    assert_eq!(key(1).read_access_token(&changed), None, "{position}");
                }
            }
        }
        for position in 0..challenge.len() {
            let mut changed = challenge.clone().into_bytes();
            changed[position] = if changed[position] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(key(1).read_challenge("anonymous_request", &changed), None, "{position}");
        }
    }

    #[test]
    fn an_app_session_names_the_session_in_which_it_was_agreed_to() {
        let entropy = Entropy::seeded(7);
        let at = Timestamp::from_seconds(1_900_000_000);
        let (grant, session) = (entropy.id(at), entropy.id(at));
        for (agreed_in, is_of_guest) in [(None, false), (None, true), (Some(session), false), (Some(session), true)] {
            let cookie = key(1).issue_app_session((grant, is_of_guest), at, agreed_in, &entropy);
            let read = key(1).read_app_session(&cookie).expect("its own");
            assert_eq!((read.grant_id, read.expires_at, read.agreed_in), (grant, at, agreed_in));
            assert_eq!(read.is_of_guest, is_of_guest);
            assert_eq!(key(2).read_app_session(&cookie), None);
            assert_eq!(key(1).read_app_session_token(&cookie), None);
        }
    }

    #[test]
    fn a_challenge_is_32_signs_and_bound_to_its_purpose() {
        let entropy = Entropy::seeded(5);
        let at = Timestamp::from_seconds(1_900_000_000);
        let challenge = key(1).issue_challenge("anonymous_request", at, &entropy);
        assert_eq!(challenge.len(), 32);
        assert!(challenge.bytes().all(|c| CROCKFORD.contains(&c)));
        assert_eq!(key(1).read_challenge("anonymous_request", &challenge).expect("its own").expires_at, at);
        assert_eq!(key(1).read_challenge("biometric_request", &challenge), None);
        assert_eq!(key(1).read_challenge("anonymous_request", &challenge.to_lowercase()), None);
    }

    #[test]
    fn a_successor_is_one_and_its_ancestors_are_known() {
        let entropy = Entropy::seeded(6);
        let grant = entropy.id(Timestamp::from_seconds(1));
        let mut hashes = vec![sha256(b"first")];
        for _ in 0..5 {
            let last = hashes.last().expect("one");
            let successor = key(1).derive_successor(grant, last);
            assert_eq!(successor, key(1).derive_successor(grant, last));
            assert_eq!(successor.len(), 32);
            assert_ne!(successor, key(2).derive_successor(grant, last));
            hashes.push(sha256(successor.as_bytes()));
        }
        let current = hashes.pop().expect("the last");
        for hash in &hashes {
            assert!(key(1).is_ancestor(grant, hash, &current, 5));
        }
        assert!(!key(1).is_ancestor(grant, &hashes[0], &current, 4));
        assert!(!key(1).is_ancestor(grant, &sha256(b"guessed"), &current, 5));
        assert!(!key(1).is_ancestor(grant, &current, &current, 5));
    }
}
