//! The seed of a server's randomness: the same in every run of a test, different for each test and each of its servers.

use std::{
    cell::Cell,
    hash::{DefaultHasher, Hash, Hasher},
};

use vestibule_app::adapters::entropy::Entropy;

thread_local! {
    /// How many servers this thread (one test) has started.
    static STARTED: Cell<u64> = const { Cell::new(0) };
}

/// The randomness of the next server that this test starts. Servers of one test share neither keys nor tokens.
///
/// The seed is printed, and shown with the output of a failing test. `VESTIBULE_TEST_SEED` (a number) selects other
/// ones.
#[expect(clippy::print_stdout, reason = "the output of a test is shown when it fails")]
pub(crate) fn seeded_entropy() -> Entropy {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a thread without a name");
    let base = std::env::var("VESTIBULE_TEST_SEED").unwrap_or_else(|_| "0".to_string());
    let started = STARTED.replace(STARTED.get() + 1);
    let mut hasher = DefaultHasher::new();
    (base.as_str(), test, started).hash(&mut hasher);
    let seed = hasher.finish();
    println!("{test}: server {started} has seed {seed:#018x} (VESTIBULE_TEST_SEED={base})");
    Entropy::seeded(seed)
}

/// A token that differs in one character of its secret half: never equal, and never another spelling of the same bytes,
/// as with the last character of base64url.
pub(crate) fn altered(token: &str) -> String {
    let place = token.len() - 8;
    let other = if token.as_bytes()[place] == b'a' { "b" } else { "a" };
    format!("{}{other}{}", &token[..place], &token[place + 1..])
}
