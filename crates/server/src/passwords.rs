//! Password hashing: argon2id in a bounded number of blocking threads, with a bounded queue.
//! A flood of logins is refused here and never takes the memory or the threads of others.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;
use vestibule_domain::secret::Secret;

use crate::{config::Passwords, ports::entropy::Entropy};

/// Too many passwords wait already; try again in a moment.
#[derive(Debug, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Overloaded;

/// What comparing a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right {
        /// Its hash was made with other parameters than today's and should be made anew.
        stale: bool,
    },
    /// It is not.
    Wrong,
}

/// Hashes and checks passwords.
pub struct Hasher {
    settings: Passwords,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Compared against when there is no password, so that its absence takes as long.
    decoy: String,
}

impl Hasher {
    /// Takes the parameters of RFC 9106 from the configuration.
    #[must_use]
    pub fn new(settings: Passwords) -> Self {
        Self {
            settings,
            running: Arc::new(Semaphore::new(settings.concurrent)),
            waiting: Arc::new(Semaphore::new(settings.concurrent + settings.queue)),
            decoy: make_decoy(settings),
        }
    }

    /// Hashes a password into a PHC string.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn hash(&self, password: Secret<String>, entropy: &Entropy) -> Result<String, Overloaded> {
        let salt: [u8; 16] = entropy.bytes();
        let settings = self.settings;
        self.run(move || {
            argon2(settings)
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .expect("the configuration was checked against argon2's bounds")
                .to_string()
        })
        .await
    }

    /// Compares a password with a PHC string; without one it takes as long and is wrong.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(&self, password: Secret<String>, hash: Option<String>) -> Result<Verdict, Overloaded> {
        let settings = self.settings;
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        self.run(move || {
            let Ok(parsed) = PasswordHash::new(&hash) else { return Verdict::Wrong };
            let right = argon2(settings).verify_password(password.expose().as_bytes(), &parsed).is_ok();
            if right && exists { Verdict::Right { stale: is_stale(&parsed, settings) } } else { Verdict::Wrong }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Overloaded> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Overloaded)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Overloaded)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop((place, turn));
            result
        })
        .await
        .map_err(|_| Overloaded)
    }
}

/// A hash of no password, with today's parameters. It is written down, not computed: computing one took half of the
/// start-up time and left its memory behind.
fn make_decoy(settings: Passwords) -> String {
    let Passwords { memory_kib, iterations, parallelism, .. } = settings;
    let (salt, hash) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${hash}")
}

fn argon2(settings: Passwords) -> Argon2<'static> {
    let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, None)
        .expect("the configuration was checked against argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn is_stale(hash: &PasswordHash, settings: Passwords) -> bool {
    Params::try_from(hash).map_or(true, |params| {
        (params.m_cost(), params.t_cost(), params.p_cost())
            != (settings.memory_kib, settings.iterations, settings.parallelism)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Passwords = Passwords { memory_kib: 8, iterations: 1, parallelism: 1, concurrent: 1, queue: 1 };

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.into())
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let hasher = Hasher::new(CHEAP);
        let hash = hasher.hash(secret("correct horse"), &Entropy::seeded(1)).await.expect("room");
        let right = hasher.verify(secret("correct horse"), Some(hash.clone())).await.expect("room");
        assert_eq!(right, Verdict::Right { stale: false });
        assert_eq!(hasher.verify(secret("wrong"), Some(hash.clone())).await.expect("room"), Verdict::Wrong);
        assert_eq!(hasher.verify(secret("decoy"), None).await.expect("room"), Verdict::Wrong);
        let stronger = Hasher::new(Passwords { iterations: 2, ..CHEAP });
        let stale = stronger.verify(secret("correct horse"), Some(hash)).await.expect("room");
        assert_eq!(stale, Verdict::Right { stale: true });
    }

    #[test]
    fn the_decoy_costs_what_a_password_of_today_costs() {
        let decoy = make_decoy(CHEAP);
        let parsed = PasswordHash::new(&decoy).expect("a PHC string");
        assert!(!is_stale(&parsed, CHEAP));
        assert!(parsed.hash.is_some_and(|hash| hash.as_bytes().len() == 32));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_instead_of_growing() {
        let hasher = Hasher::new(CHEAP);
        let _places = Arc::clone(&hasher.waiting).acquire_many_owned(2).await.expect("open");
        assert!(hasher.hash(secret("x"), &Entropy::seeded(1)).await.is_err());
    }
}
