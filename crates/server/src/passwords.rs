//! Password hashing: argon2id in a bounded number of blocking threads, with a bounded queue.
//! A flood of logins is refused here and never takes the memory or the threads of others.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
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
    memory: Arc<Memory>,
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
            memory: Arc::default(),
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
        self.run(move |memory| print_hash(settings, password.expose().as_bytes(), &salt, memory)).await
    }

    /// Compares a password with a PHC string; without one it takes as long and is wrong.
    ///
    /// # Errors
    /// When the queue is full.
    pub async fn verify(&self, password: Secret<String>, hash: Option<String>) -> Result<Verdict, Overloaded> {
        let settings = self.settings;
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        self.run(move |memory| {
            let Ok(parsed) = PasswordHash::new(&hash) else { return Verdict::Wrong };
            let right = is_hash_of(&parsed, password.expose().as_bytes(), memory);
            if right && exists { Verdict::Right { stale: is_stale(&parsed, settings) } } else { Verdict::Wrong }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Overloaded)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Overloaded)?;
        let (memory, waiting, queue) = (Arc::clone(&self.memory), Arc::clone(&self.waiting), self.settings.queue);
        tokio::task::spawn_blocking(move || {
            let mut blocks = memory.take();
            let result = work(&mut blocks);
            // Whoever is at work has a place too; with more free places than the queue has, nobody waits for a turn.
            memory.put_back(blocks, waiting.available_permits() < queue);
            drop((place, turn));
            result
        })
        .await
        .map_err(|_| Overloaded)
    }
}

/// The memory of hashes that ended, for those that wait. Asked for anew each time, it comes from the system page by page, and
/// what the one before gave back may not have left yet.
#[derive(Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    fn take(&self) -> Vec<Block> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Keeps the blocks for the next, or gives all there are back to the system when nobody waits.
    fn put_back(&self, blocks: Vec<Block>, is_wanted: bool) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_wanted {
            kept.push(blocks);
        } else {
            kept.clear();
        }
    }
}

/// A hash of no password, with today's parameters. It is written down, not computed: computing one took half of the
/// start-up time and left its memory behind.
fn make_decoy(settings: Passwords) -> String {
    let Passwords { memory_kib, iterations, parallelism, .. } = settings;
    let (salt, hash) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${hash}")
}

/// The hash of a password as a PHC string.
fn print_hash(settings: Passwords, password: &[u8], salt: &[u8; 16], memory: &mut Vec<Block>) -> String {
    let params = Params::new(settings.memory_kib, settings.iterations, settings.parallelism, None);
    let hash = params.ok().and_then(|params| {
        let hash = derive((Algorithm::Argon2id, Version::V0x13), &params, password, salt, memory)?;
        Some(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).ok()?,
            salt: Some(Salt::new(salt).ok()?),
            hash: Some(hash),
        })
    });
    hash.expect("the configuration was checked against argon2's bounds").to_string()
}

/// Whether this is the password the hash was made of, by whatever kind of argon2 it names. Hashes are compared in constant time.
fn is_hash_of(hash: &PasswordHash, password: &[u8], memory: &mut Vec<Block>) -> bool {
    let mut computed = || {
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let params = Params::try_from(hash).ok()?;
        derive((algorithm, version), &params, password, hash.salt.as_ref()?.as_ref(), memory)
    };
    hash.hash.is_some() && computed() == hash.hash
}

fn derive(
    (algorithm, version): (Algorithm, Version),
    params: &Params,
    password: &[u8],
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Option<Output> {
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer.get_mut(..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN))?;
    memory.resize(params.block_count(), Block::new());
    let hasher = Argon2::new(algorithm, version, params.clone());
    hasher.hash_password_into_with_memory(password, salt, out, memory.as_mut_slice()).ok()?;
    Output::new(out).ok()
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

    #[tokio::test]
    async fn memory_is_handed_on_while_others_wait_and_given_back_after() {
        let hasher = Hasher::new(Passwords { queue: 2, ..CHEAP });
        let entropy = Entropy::seeded(1);
        let hash = || hasher.hash(secret("x"), &entropy);
        let places = Arc::clone(&hasher.waiting).acquire_many_owned(2).await.expect("open");
        let hashes = [hash().await.expect("room"), hash().await.expect("room")];
        assert_eq!(hasher.memory.0.lock().expect("whole").iter().map(Vec::len).collect::<Vec<_>>(), [8]);
        drop(places);
        // What the one before left in the memory changes nothing.
        for hash in hashes {
            let verdict = hasher.verify(secret("x"), Some(hash)).await.expect("room");
            assert_eq!(verdict, Verdict::Right { stale: false });
        }
        assert!(hasher.memory.0.lock().expect("whole").is_empty());
    }

    #[tokio::test]
    async fn hashes_of_other_servers_are_understood() {
        let hasher = Hasher::new(CHEAP);
        for (hash, right) in [
            // Made with Python's argon2-cffi.
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", true),
            ("$argon2i$v=19$m=16,t=1,p=1$c29tZXNhbHQ$5J5dEXzOw5sWrBMDXjGr+8DmAlKq9tpv", true),
            ("$argon2d$v=16$m=16,t=1,p=1$c29tZXNhbHQ$6Epw4s/00prYXvzV5Dqeol2jDGjzvb3I", true),
            // Another hash, none, another salt, another kind.
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDd", false),
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ", false),
            ("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHI$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", false),
            ("$scrypt$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", false),
        ] {
            let verdict = hasher.verify(secret("password"), Some(hash.into())).await.expect("room");
            assert_eq!(verdict != Verdict::Wrong, right, "{hash}");
        }
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
