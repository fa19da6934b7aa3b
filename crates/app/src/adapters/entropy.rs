//! Randomness: the operating system's, or a reproducible stream for tests.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::digest;
use vestibule_domain::{id::Id, time::Timestamp};

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[derive(Clone, Debug)]
pub enum Entropy {
    /// The cryptographic generator of aws-lc-rs.
    Os,
    /// A test's stream: the same seed gives the same bytes in the same order.
    Seeded {
        seed: u64,
        /// Number of draws so far.
        drawn: Arc<AtomicU64>,
        /// Number of RSA keys so far.
        rsa_keys: Arc<AtomicU64>,
    },
}

impl Entropy {
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, drawn: Arc::default(), rsa_keys: Arc::default() }
    }

    /// Fills the buffer.
    ///
    /// # Panics
    /// When the operating system has no randomness: the server cannot continue safely then.
    pub fn fill(&self, buffer: &mut [u8]) {
        match self {
            Self::Os => POOL.with_borrow_mut(|pool| pool.fill(buffer)),
            Self::Seeded { seed, drawn, .. } => {
                for chunk in buffer.chunks_mut(32) {
                    let count = drawn.fetch_add(1, Ordering::SeqCst);
                    let mut input = [0; 16];
                    input[..8].copy_from_slice(&seed.to_be_bytes());
                    input[8..].copy_from_slice(&count.to_be_bytes());
                    let block = digest::digest(&digest::SHA256, &input);
                    chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
                }
            }
        }
    }

    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Which of the RSA keys that tests share is the next of this stream, or none for a real server. A stream does not repeat one soon.
    #[must_use]
    pub(crate) fn next_shared_key(&self) -> Option<u64> {
        let Self::Seeded { seed, rsa_keys, .. } = self else { return None };
        Some(seed.wrapping_add(rsa_keys.fetch_add(1, Ordering::SeqCst)))
    }

    #[must_use]
    pub fn id<K>(&self, now: Timestamp) -> Id<K> {
        Id::from_parts(now.as_unix_millis(), self.bytes())
    }

    /// 32 random letters and digits (190 bits): the secret half of tokens.
    #[must_use]
    pub fn alphanumeric(&self) -> String {
        let mut out = String::with_capacity(32);
        while out.len() < 32 {
            let bytes: [u8; 48] = self.bytes();
            for byte in bytes {
                // 248 = 4 × 62: using only bytes below it keeps every character equally likely.
                if byte < 248 && out.len() < 32 {
                    out.push(char::from(ALPHANUMERIC[usize::from(byte % 62)]));
                }
            }
        }
        out
    }

    /// A six-digit code, each equally likely.
    #[must_use]
    pub(crate) fn six_digits(&self) -> String {
        loop {
            let number = u32::from_be_bytes(self.bytes());
            if number < 4_294_000_000 {
                return format!("{:06}", number % 1_000_000);
            }
        }
    }
}

/// Number of bytes that a thread draws from the provider at once (ADR 51).
const DRAWN: usize = 512;

thread_local! {
    static POOL: RefCell<RandomBuffer> = const { RefCell::new(RandomBuffer { bytes: [0; DRAWN], left: 0 }) };
}

/// Unused random bytes of one thread.
struct RandomBuffer {
    bytes: [u8; DRAWN],
    left: usize,
}

impl RandomBuffer {
    fn fill(&mut self, buffer: &mut [u8]) {
        if buffer.len() > DRAWN {
            return fill_from_provider(buffer);
        }
        if buffer.len() > self.left {
            fill_from_provider(&mut self.bytes);
            self.left = DRAWN;
        }
        let taken = &mut self.bytes[self.left - buffer.len()..self.left];
        buffer.copy_from_slice(taken);
        // Erase the bytes: they must not be used again.
        taken.fill(0);
        self.left -= buffer.len();
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one door to the system's randomness")]
fn fill_from_provider(buffer: &mut [u8]) {
    aws_lc_rs::rand::fill(buffer).expect("without the system's randomness no token can be made");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_32_letters_and_digits_and_differ() {
        let (a, b) = (Entropy::Os.alphanumeric(), Entropy::Os.alphanumeric());
        assert_eq!(a.len(), 32);
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric()));
        assert_ne!(a, b);
    }

    #[test]
    fn no_byte_of_the_pool_is_given_out_twice() {
        let mut pool = RandomBuffer { bytes: [0; DRAWN], left: 0 };
        let mut seen = std::collections::HashSet::new();
        for length in [16, 500, 8, 48, 512, 600, 10].repeat(40) {
            let mut drawn = vec![0; length];
            pool.fill(&mut drawn);
            assert!(pool.bytes[pool.left..].iter().all(|byte| *byte == 0), "what was given out is wiped");
            assert!(drawn.chunks_exact(8).all(|piece| seen.insert(piece.to_vec())), "64 random bits do not repeat");
        }
    }

    #[test]
    fn a_seed_repeats_its_stream() {
        let (a, b) = (Entropy::seeded(5), Entropy::seeded(5));
        assert_eq!(a.bytes::<40>(), b.bytes::<40>());
        assert_eq!(a.six_digits(), b.six_digits());
        assert_ne!(a.bytes::<40>(), Entropy::seeded(6).bytes::<40>());
    }
}
