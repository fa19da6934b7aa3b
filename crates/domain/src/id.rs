//! Identifiers: UUIDv7 in 16 bytes, one type per entity, so that a grant's ID cannot be passed as a user's.

use std::{fmt, hash::Hash, marker::PhantomData, str::FromStr};

use uuid::Uuid;

/// An identifier of one kind of entity; time-ordered, 16 bytes, printed as a lower-case UUID.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// Kind of [`UserId`].
#[derive(Debug)]
pub struct UserKind;
/// Kind of [`GrantId`].
#[derive(Debug)]
pub struct GrantKind;
/// Kind of [`SessionId`].
#[derive(Debug)]
pub struct SessionKind;
/// Kind of [`FlowId`].
#[derive(Debug)]
pub struct FlowKind;
/// Kind of [`IdentityId`].
#[derive(Debug)]
pub struct IdentityKind;
/// Kind of [`ChangeId`].
#[derive(Debug)]
pub struct ChangeKind;
/// Kind of [`EventId`].
#[derive(Debug)]
pub struct EventKind;

/// Kind of [`HoldId`].
#[derive(Debug)]
pub struct HoldKind;

/// Kind of [`MergeId`].
#[derive(Debug)]
pub struct MergeKind;

/// Kind of [`OperatorId`].
#[derive(Debug)]
pub struct OperatorKind;

/// The stable `sub`.
pub type UserId = Id<UserKind>;
/// A refresh-token grant.
pub type GrantId = Id<GrantKind>;
/// A cookie session.
pub type SessionId = Id<SessionKind>;
/// A flow (sign-up, promotion, sign-in …).
pub type FlowId = Id<FlowKind>;
/// An identity: login ID, device key or passkey.
pub type IdentityId = Id<IdentityKind>;
/// A change of a member's login methods that can be undone.
pub type ChangeId = Id<ChangeKind>;
/// An event.
pub type EventId = Id<EventKind>;
/// A reason to keep a guest.
pub type HoldId = Id<HoldKind>;
/// A merge of a guest into a member.
pub type MergeId = Id<MergeKind>;
/// An operator of the portal.
pub type OperatorId = Id<OperatorKind>;

/// The number of a project in its store: short, because every key begins with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectNo(pub i64);

impl<K> Id<K> {
    /// Builds a UUIDv7 from a time in milliseconds since the epoch and ten random bytes.
    #[must_use]
    pub fn from_parts(unix_millis: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid(), PhantomData)
    }

    /// An ID from its 16 stored bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes), PhantomData)
    }

    /// The 16 bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The smallest ID of an entity created at this millisecond: a keyset bound for "since".
    #[must_use]
    pub fn lower_bound(unix_millis: u64) -> Self {
        Self::from_parts(unix_millis, [0; 10])
    }

    /// When the ID was created, in milliseconds since the epoch (read from the ID itself).
    #[must_use]
    pub fn unix_millis(&self) -> u64 {
        let b = self.as_bytes();
        u64::from_be_bytes([0, 0, b[0], b[1], b[2], b[3], b[4], b[5]])
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// The text is not a UUID.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a UUID")]
pub struct NotAnId;

impl<K> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        Uuid::try_parse(text).map(|id| Self(id, PhantomData)).map_err(|_| NotAnId)
    }
}

impl<K> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_text_and_bytes() {
        let id = UserId::from_parts(1_893_456_000_123, [7; 10]);
        assert_eq!(id.to_string().parse::<UserId>(), Ok(id));
        assert_eq!(UserId::from_bytes(*id.as_bytes()), id);
        assert_eq!(id.unix_millis(), 1_893_456_000_123);
        assert!(UserId::lower_bound(1_893_456_000_123) <= id);
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        assert!(UserId::from_parts(1, [255; 10]) < UserId::from_parts(2, [0; 10]));
    }
}
