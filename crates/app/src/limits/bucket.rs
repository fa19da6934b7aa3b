//! A bucket of the store: whom it counts, how many, and its key. Keys are made of typed parts, so that what a person types can
//! name no bucket of another kind.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    id::ProjectNo,
    identifier::LoginId,
    limit::{IpKey, Quota, ip_key},
    project::LimitName,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, tries};

use crate::{
    crypto::sha256,
    ctx::Ctx,
    error::{Error, RateLimit},
    known_devices::{KnownBy, KnownDevice},
    limits::Counter,
};

/// The key of a bucket or time in the store: the hash of its kind and its parts, each with its length. Text that a person typed
/// is a part of its own and never a kind, so it stays in its part.
pub(crate) fn bucket_key(kind: &'static str, parts: &[&[u8]]) -> [u8; 32] {
    let mut text = Vec::with_capacity(128);
    for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
        text.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        text.extend_from_slice(part);
    }
    sha256(&text).0
}

/// The bytes of a network address in a key.
pub(crate) fn address_bytes(ip: IpAddr) -> Vec<u8> {
    match ip_key(ip) {
        IpKey::V4(v4) => v4.octets().to_vec(),
        IpKey::V6Network(network) => network.to_be_bytes().to_vec(),
    }
}

#[derive(Clone, Copy)]
pub(super) struct Bucket {
    pub(super) counter: Counter,
    id: [u8; 32],
    pub(super) quota: Quota,
}

/// Whom a bucket counts.
#[derive(Clone, Copy)]
pub(super) enum Counted<'a> {
    /// The address of the request.
    Address,
    /// The login ID, whether an account has it or not.
    LoginId(&'a LoginId),
    /// The login ID, as far as it is asked for from the address of the request.
    LoginIdFromAddress(&'a LoginId),
    /// The login ID, from all addresses together: twice what one address may ask for.
    LoginIdFromAnywhere(&'a LoginId),
    /// One known browser or session of an account.
    Own(KnownDevice),
    /// All known browsers, or all sessions, of an account together: twice what one of them may do. Unlike [`Self::Own`], a
    /// sign-in does not renew it.
    AllOwn(KnownDevice),
    /// The account, from the browsers that are known for it.
    AccountFromKnown(KnownDevice),
    DeviceKey(&'a str),
    /// The project's messages, apart from the reserves.
    Project,
    /// What the project keeps back for some of its messages.
    Reserve(&'static str),
}

impl Bucket {
    /// The bucket of a limit, if the project has it turned on; without a network address none for it.
    pub(super) fn of(ctx: &Ctx<'_>, (name, counted): (LimitName, Counted<'_>)) -> Option<Self> {
        let quota = ctx.project.settings.limit(name)?;
        let by_ip = ctx.ip.map(address_bytes);
        let burst = match counted {
            Counted::AllOwn(_) => quota.burst.saturating_mul(2),
            Counted::LoginIdFromAnywhere(_) if by_ip.is_some() => quota.burst.saturating_mul(2),
            Counted::Address
            | Counted::LoginId(_)
            | Counted::LoginIdFromAddress(_)
            | Counted::LoginIdFromAnywhere(_)
            | Counted::Own(_)
            | Counted::AccountFromKnown(_)
            | Counted::DeviceKey(_)
            | Counted::Project
            | Counted::Reserve(_) => quota.burst,
        };
        let id = counted.key(&name.error_name(), by_ip.as_deref())?;
        Some(Self { counter: Counter::Setting(name), id, quota: Quota { burst, ..quota } })
    }

    /// A bucket of operators, who belong to no project.
    pub(super) fn of_operators(kind: &'static str, parts: &[&[u8]], quota: Quota) -> Self {
        Self { counter: Counter::OperatorSignIn, id: bucket_key(kind, parts), quota }
    }

    pub(super) fn with_burst(self, burst: u32) -> Self {
        Self { quota: Quota { burst, ..self.quota }, ..self }
    }

    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    pub(super) async fn add(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<bool, StoreError> {
        tries::add(tx, no, &self.id, self.quota, now).await
    }

    pub(super) fn limit(&self, retry_after: Duration) -> RateLimit {
        RateLimit { counter: self.counter, retry_after }
    }

    pub(super) fn exceeded(&self, retry_after: Duration) -> Error {
        Error::RateLimited(self.limit(retry_after))
    }
}

impl Counted<'_> {
    /// `None` for an address where there is none.
    fn key(self, limit: &str, by_ip: Option<&[u8]>) -> Option<[u8; 32]> {
        let limit = limit.as_bytes();
        Some(match self {
            Self::Address => bucket_key("address", &[limit, by_ip?]),
            Self::LoginId(id) => bucket_key("login ID", &[limit, id.kind.as_str().as_bytes(), id.value.as_bytes()]),
            Self::LoginIdFromAddress(id) => {
                let (kind, value) = (id.kind.as_str().as_bytes(), id.value.as_bytes());
                bucket_key("login ID from address", &[limit, kind, value, by_ip?])
            }
            Self::LoginIdFromAnywhere(id) => {
                bucket_key("login ID from anywhere", &[limit, id.kind.as_str().as_bytes(), id.value.as_bytes()])
            }
            Self::Own(device) => bucket_key(own_kind(device), &[limit, &device.account, &device.id]),
            Self::AllOwn(device) => bucket_key(all_kind(device), &[limit, &device.account]),
            Self::AccountFromKnown(device) => bucket_key("account from known browsers", &[limit, &device.account]),
            Self::DeviceKey(kid) => bucket_key("device key", &[limit, kid.as_bytes()]),
            Self::Project => bucket_key("project", &[limit]),
            Self::Reserve(of) => bucket_key("reserve", &[limit, of.as_bytes()]),
        })
    }
}

pub(super) fn own_kind(device: KnownDevice) -> &'static str {
    match device.by {
        KnownBy::Cookie => "known browser",
        KnownBy::Session => "session",
    }
}

pub(super) fn all_kind(device: KnownDevice) -> &'static str {
    match device.by {
        KnownBy::Cookie => "known browsers of account",
        KnownBy::Session => "sessions of account",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_reaches_into_another_or_into_the_kind() {
        let keys = [
            bucket_key("a", &[b"b", b"c"]),
            bucket_key("a", &[b"bc"]),
            bucket_key("a", &[b"bc", b""]),
            bucket_key("a", &[b"", b"bc"]),
            bucket_key("ab", &[b"c"]),
            bucket_key("a", &[b"b|c"]),
            bucket_key("a|b", &[b"c"]),
            bucket_key("a", &[b"b\x00\x00\x00\x00\x00\x00\x00\x01c"]),
        ];
        for (number, key) in keys.iter().enumerate() {
            assert!(!keys[..number].contains(key), "{number}");
        }
        assert_eq!(bucket_key("a", &[b"b", b"c"]), keys[0]);
    }
}
