//! The tokens of a guest that is not stored (decision 95). Each says all that the guest's rows would, so that any one of them is
//! enough to write the rows later, and all of them lead to the same rows.

use std::collections::HashMap;

use vestibule_domain::{
    client::Client,
    id::{GrantId, UserId},
    time::Timestamp,
};
use vestibule_protocol::oauth::ScopeSet;

use super::{fingerprint, sha256, tokens::MacKey};
use crate::adapters::entropy::Entropy;

const REFRESH: &str = "unstored_refresh";
const ACCESS: &str = "unstored_access";
const JTI: &str = "unstored_jti";

/// Length of what every token says of its guest.
const CLAIM: usize = 57;
/// Length of an opaque access token's body: the claim, its own end, a nonce.
const ACCESS_BODY: usize = CLAIM + 8 + 6;
/// Length of the body of the `jti` of a JWT access token: the claim and a nonce.
const JTI_BODY: usize = CLAIM + 6;

/// Length of the secret half of a refresh token, in characters. That of a stored guest's first token has 32.
pub(crate) const REFRESH_SECRET: usize = ((CLAIM + 16) * 4).div_ceil(3);
/// Lengths in characters: no other value of this length is read as one of these.
const ACCESS_TOKEN: usize = ((ACCESS_BODY + 16) * 4).div_ceil(3);
const JTI_TEXT: usize = ((JTI_BODY + 16) * 4).div_ceil(3);

/// What the tokens of a guest that is not stored say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnstoredGuest {
    pub user_id: UserId,
    pub grant_id: GrantId,
    /// The time of the sign-up.
    pub created_at: Timestamp,
    /// The end of its tokens as long as it is not stored, by the settings of the time of the sign-up. A later change of settings
    /// may bring it forward, and never back: the record that it was stored or revoked is kept until then.
    pub ends_at: Timestamp,
    /// Its application.
    pub client: ClientTag,
    /// The scopes of its grant in bits; 0 for the default ones.
    pub scope_bits: u8,
}

/// Stands for the ID of an application in tokens, which are then of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientTag([u8; 8]);

impl ClientTag {
    pub(crate) fn of(client_id: &str) -> Self {
        #[cfg(test)]
        tests::TAGS_MADE.with(|made| made.set(made.get() + 1));
        let [a, b, c, d, e, f, g, h, ..] = sha256(client_id.as_bytes()).0;
        Self([a, b, c, d, e, f, g, h])
    }
}

/// The applications of a project by their tags, made once: otherwise each token would cost as many hashes as there are applications.
pub(crate) struct ClientTags(HashMap<ClientTag, usize>);

impl ClientTags {
    pub(crate) fn of(clients: &[Client]) -> Self {
        let mut places = HashMap::with_capacity(clients.len());
        for (place, client) in clients.iter().enumerate() {
            places.entry(ClientTag::of(&client.client_id)).or_insert(place);
        }
        Self(places)
    }

    /// The application with a tag, among those that the tags are of.
    pub(crate) fn find<'c>(&self, clients: &'c [Client], tag: ClientTag) -> Option<&'c Client> {
        clients.get(*self.0.get(&tag)?)
    }
}

impl UnstoredGuest {
    /// The scopes to store with its grant; `None` for the default ones.
    pub(crate) fn scope(&self) -> Option<String> {
        (self.scope_bits != 0).then(|| ScopeSet::from_bits(self.scope_bits).print())
    }

    /// The key of the record that it was stored or revoked: one of the two happens, once.
    pub(crate) fn fingerprint(&self) -> [u8; 16] {
        fingerprint("unstored_guest", self.grant_id.to_string().as_bytes())
    }

    fn print(&self) -> [u8; CLAIM] {
        let mut claim = [0; CLAIM];
        claim[..16].copy_from_slice(self.user_id.as_bytes());
        claim[16..32].copy_from_slice(self.grant_id.as_bytes());
        claim[32..40].copy_from_slice(&self.created_at.as_micros().to_be_bytes());
        claim[40..48].copy_from_slice(&self.ends_at.as_micros().to_be_bytes());
        claim[48..56].copy_from_slice(&self.client.0);
        claim[56] = self.scope_bits;
        claim
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (user_id, rest) = bytes.split_first_chunk()?;
        let (grant_id, rest) = rest.split_first_chunk()?;
        let (created_at, rest) = read_time(rest)?;
        let (ends_at, rest) = read_time(rest)?;
        let (client, rest) = rest.split_first_chunk()?;
        Some(Self {
            user_id: UserId::from_bytes(*user_id),
            grant_id: GrantId::from_bytes(*grant_id),
            created_at,
            ends_at,
            client: ClientTag(*client),
            scope_bits: *rest.first()?,
        })
    }
}

fn read_time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (micros, rest) = bytes.split_first_chunk()?;
    Some((Timestamp::from_micros(i64::from_be_bytes(*micros)), rest))
}

impl MacKey {
    /// The secret half of the guest's refresh token. It follows from the claim, so that the row of its grant can be written from any
    /// other token of the guest.
    pub(crate) fn unstored_refresh_secret(&self, guest: &UnstoredGuest) -> String {
        self.seal(REFRESH, &guest.print())
    }

    /// Reads the secret half of a refresh token; `None` if it is not one of a guest that was not stored at its sign-up.
    pub(crate) fn read_unstored_refresh_secret(&self, secret: &str) -> Option<UnstoredGuest> {
        if secret.len() != REFRESH_SECRET {
            return None;
        }
        UnstoredGuest::read(&self.open::<CLAIM>(REFRESH, secret)?)
    }

    /// Issues an opaque access token.
    pub(crate) fn issue_unstored_access_token(
        &self,
        guest: &UnstoredGuest,
        expires_at: Timestamp,
        entropy: &Entropy,
    ) -> String {
        let mut body = [0; ACCESS_BODY];
        body[..CLAIM].copy_from_slice(&guest.print());
        body[CLAIM..CLAIM + 8].copy_from_slice(&expires_at.as_micros().to_be_bytes());
        entropy.fill(&mut body[CLAIM + 8..]);
        self.seal(ACCESS, &body)
    }

    /// Reads an opaque access token, with its own end.
    pub(crate) fn read_unstored_access_token(&self, token: &str) -> Option<(UnstoredGuest, Timestamp)> {
        if token.len() != ACCESS_TOKEN {
            return None;
        }
        let body = self.open::<ACCESS_BODY>(ACCESS, token)?;
        let (expires_at, _) = read_time(&body[CLAIM..])?;
        Some((UnstoredGuest::read(&body)?, expires_at))
    }

    /// Makes the `jti` of a JWT access token. It is no access token itself: APIs may log it.
    pub(crate) fn make_unstored_jti(&self, guest: &UnstoredGuest, entropy: &Entropy) -> String {
        let mut body = [0; JTI_BODY];
        body[..CLAIM].copy_from_slice(&guest.print());
        entropy.fill(&mut body[CLAIM..]);
        self.seal(JTI, &body)
    }

    /// Reads the `jti` of a verified JWT access token.
    pub(crate) fn read_unstored_jti(&self, jti: &str) -> Option<UnstoredGuest> {
        if jti.len() != JTI_TEXT {
            return None;
        }
        UnstoredGuest::read(&self.open::<JTI_BODY>(JTI, jti)?)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How many tags were made by this thread.
        pub(super) static TAGS_MADE: Cell<u32> = const { Cell::new(0) };
    }

    #[test]
    fn the_application_of_a_token_is_found_without_a_hash() {
        let clients: Vec<Client> =
            (0..100).map(|number| Client { client_id: format!("app-{number}"), ..Client::default() }).collect();
        let tags = ClientTags::of(&clients);
        let wanted: Vec<ClientTag> = clients.iter().map(|client| ClientTag::of(&client.client_id)).collect();
        let unknown = ClientTag::of("app-100");
        let before = TAGS_MADE.get();
        assert_eq!(before, 201);
        for (client, tag) in clients.iter().zip(wanted) {
            let found = tags.find(&clients, tag).expect("an application");
            assert_eq!(found.client_id, client.client_id);
        }
        assert!(tags.find(&clients, unknown).is_none());
        assert_eq!(TAGS_MADE.get(), before);
    }

    fn key(byte: u8) -> MacKey {
        MacKey::new(&[byte; 32])
    }

    fn guest() -> UnstoredGuest {
        UnstoredGuest {
            user_id: UserId::from_parts(1_893_456_000_123, [1; 10]),
            grant_id: GrantId::from_parts(1_893_456_000_123, [2; 10]),
            created_at: Timestamp::from_micros(1_893_456_000_123_456),
            ends_at: Timestamp::from_seconds(1_900_000_000),
            client: ClientTag::of("web"),
            scope_bits: 5,
        }
    }

    #[test]
    fn every_token_of_a_guest_says_the_same_of_it() {
        let (key, guest, entropy) = (key(1), guest(), Entropy::seeded(1));
        let expires_at = Timestamp::from_seconds(7);
        let secret = key.unstored_refresh_secret(&guest);
        assert_eq!(secret, key.unstored_refresh_secret(&guest), "the row's hash follows from any token");
        assert_eq!(secret.len(), REFRESH_SECRET);
        assert_eq!(key.read_unstored_refresh_secret(&secret), Some(guest));
        let token = key.issue_unstored_access_token(&guest, expires_at, &entropy);
        assert_eq!(key.read_unstored_access_token(&token), Some((guest, expires_at)));
        assert_ne!(token, key.issue_unstored_access_token(&guest, expires_at, &entropy));
        let jti = key.make_unstored_jti(&guest, &entropy);
        assert_eq!(key.read_unstored_jti(&jti), Some(guest));
    }

    /// Whether a text is a token of one kind.
    type Reads = fn(&MacKey, &str) -> bool;

    #[test]
    fn a_changed_token_or_one_of_another_kind_or_project_is_none() {
        let (own, guest, entropy) = (key(1), guest(), Entropy::seeded(1));
        let tokens = [
            own.unstored_refresh_secret(&guest),
            own.issue_unstored_access_token(&guest, Timestamp::from_seconds(7), &entropy),
            own.make_unstored_jti(&guest, &entropy),
        ];
        let readers: [Reads; 3] = [
            |key, text| key.read_unstored_refresh_secret(text).is_some(),
            |key, text| key.read_unstored_access_token(text).is_some(),
            |key, text| key.read_unstored_jti(text).is_some(),
        ];
        for (kind, token) in tokens.iter().enumerate() {
            for (other, reads) in readers.iter().enumerate() {
                assert_eq!(reads(&own, token), kind == other, "{kind} {other}");
                assert!(!reads(&key(2), token), "of another project");
            }
            assert!(own.read_access_token(token).is_none());
            for position in 0..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert!(!readers[kind](&own, &changed), "{kind} {position}");
            }
        }
    }
}
