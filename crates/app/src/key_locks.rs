//! Lets one request at a time work under an idempotency key in this process, so that its repeats wait for the answer instead
//! of doing the same work. Between nodes the store decides.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use vestibule_domain::{id::ProjectNo, secret::TokenHash};

/// The longest wait for another request with the key: more than a request takes whose blocking webhooks are slow.
const PATIENCE: Duration = Duration::from_secs(30);

type Key = (ProjectNo, TokenHash);
type Lock = Arc<tokio::sync::Mutex<()>>;

/// The keys that requests work under or wait for.
#[derive(Clone, Default)]
pub struct KeyLocks(Arc<Mutex<HashMap<Key, Lock>>>);

impl KeyLocks {
    /// Waits until no other request works under the key; `None` when that takes too long.
    pub async fn lock(&self, project: ProjectNo, key: TokenHash) -> Option<KeyLock> {
        let key = (project, key);
        let lock = Arc::clone(self.held().entry(key).or_default());
        // Made before the wait: a caller that gives up removes its entry, too.
        let mut mine = KeyLock { guard: None, lock, key, locks: self.clone() };
        let waiting = Arc::clone(&mine.lock).lock_owned();
        mine.guard = Some(tokio::time::timeout(PATIENCE, waiting).await.ok()?);
        Some(mine)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, Lock>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to work under a key, until it is dropped.
pub struct KeyLock {
    guard: Option<tokio::sync::OwnedMutexGuard<()>>,
    lock: Lock,
    key: Key,
    locks: KeyLocks,
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        let mut held = self.locks.held();
        drop(self.guard.take());
        // This one and the map's: no other request waits.
        if Arc::strong_count(&self.lock) == 2 {
            held.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> TokenHash {
        TokenHash([byte; 32])
    }

    #[tokio::test]
    async fn one_request_works_under_a_key_at_a_time() {
        let locks = KeyLocks::default();
        let first = locks.lock(ProjectNo(1), key(1)).await.expect("it is free");
        let others = [(ProjectNo(1), key(2)), (ProjectNo(2), key(1))];
        for (project, key) in others {
            locks.lock(project, key).await.expect("another key");
        }
        let second = tokio::spawn({
            let locks = locks.clone();
            async move { locks.lock(ProjectNo(1), key(1)).await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(first);
        assert!(second.await.expect("it ended"));
        assert!(locks.held().is_empty(), "nothing is left of keys that no request uses");
    }

    #[tokio::test]
    async fn a_request_that_gives_up_waiting_leaves_nothing() {
        let locks = KeyLocks::default();
        let first = locks.lock(ProjectNo(1), key(1)).await.expect("it is free");
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move { locks.lock(ProjectNo(1), key(1)).await.map(drop) }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.is_err());
        drop(first);
        assert!(locks.held().is_empty());
    }
}
