//! The idempotency key of a guest's sign-up: of all requests with the key, one makes the guest, and the others get its first
//! token or cookie again (ADR 83). The store has neither: what is secret of them follows from the key.

use std::time::Duration;

use vestibule_domain::{
    id::{Id, ProjectNo},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    spent::{self, Spending},
};

use crate::{
    crypto::{sha256, tokens::DerivedStart},
    ctx::Ctx,
    error::Error,
    key_locks::KeyLock,
};

/// How long the guest of a key is known.
const KEEP: Duration = Duration::from_secs(24 * 3600);

/// A sign-up that may be repeated. In this process, no other request works under its key until it is dropped.
pub(super) struct SignUpKey {
    start: DerivedStart,
    _lock: KeyLock,
}

impl SignUpKey {
    /// Waits for other requests with the key. A key is one of its application, or of cookie sessions (`None`).
    pub(super) async fn take(ctx: &Ctx<'_>, client_id: Option<&str>, key: &str) -> Result<Self, Error> {
        let start = ctx.project.keys.mac.derive_start(client_id, key);
        let lock = ctx.app.key_locks.lock(ctx.project.no, sha256(&start.fingerprint)).await;
        let busy = StoreError::Busy("another request with this idempotency key is still running");
        Ok(Self { start, _lock: lock.ok_or(busy)? })
    }

    /// The session or grant that the key began, if it was used.
    pub(super) async fn find_started<K>(&self, ctx: &Ctx<'_>) -> Result<Option<Id<K>>, Error> {
        let found = spent::find(&mut *ctx.app.store.read().await?, ctx.project.no, &self.start.fingerprint).await?;
        let id = found.flatten().and_then(|holder| <[u8; 16]>::try_from(holder).ok());
        Ok(id.map(Id::from_bytes))
    }

    /// The refresh token or session cookie of what the key began.
    pub(super) fn print<K>(&self, id: Id<K>) -> String {
        format!("{id}.{}", self.start.secret)
    }

    /// The hash of its secret.
    pub(super) fn secret_hash(&self) -> TokenHash {
        sha256(self.start.secret.as_bytes())
    }

    /// The record of the key, for the transaction that creates the guest.
    pub(super) fn record<K>(&self, id: Id<K>, now: Timestamp) -> KeyRecord {
        KeyRecord { fingerprint: self.start.fingerprint, started: *id.as_bytes(), expires_at: now.plus(KEEP) }
    }
}

/// The refusal of a key whose session or grant is not what it was.
pub(super) fn has_moved_on() -> Error {
    let why = "the guest of this idempotency key was promoted, has signed out or has a newer token: choose a new key";
    Error::InvalidRequest(why.to_string())
}

/// That a key was used, and the session or grant that it began.
pub(super) struct KeyRecord {
    fingerprint: [u8; 16],
    started: [u8; 16],
    expires_at: Timestamp,
}

impl KeyRecord {
    /// `false` when another node used the key: the guest must not be created.
    pub(super) async fn write(&self, tx: &mut Tx, no: ProjectNo) -> Result<bool, StoreError> {
        spent::spend(tx, no, &self.fingerprint, Some(&self.started), self.expires_at).await
    }

    /// The same for several at once.
    pub(super) fn spending(&self, no: ProjectNo) -> Spending<'_> {
        let (holder, expires_at) = (Some(&self.started[..]), Some(self.expires_at));
        Spending { project: no, id: &self.fingerprint, holder, expires_at }
    }
}
