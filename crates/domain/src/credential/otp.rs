//! One-time codes: six digits, a few attempts, a short lifetime, and a cool-down between sends.
//! Decisions only; the server generates, hashes and sends codes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{identifier::pasted::clean, secret::TokenHash, time::Timestamp};

/// Bytes of a typed code: enough for six digits with gaps and marks.
const MAX_TYPED: usize = 256;
/// Number of digits of a code.
pub const DIGITS: usize = 6;
/// Wrong attempts that a code allows; after them a new code must be sent.
pub const MAX_TRIES: u32 = 5;
/// Lifetime of a code after it was sent.
pub const LIFE: Duration = Duration::from_secs(600);
/// Maximum number of codes per flow and address, the first included.
pub const MAX_SENDS: u32 = 6;
/// The wait before the second code; it doubles with every further code.
pub const FIRST_COOL_DOWN: Duration = Duration::from_secs(60);
/// The longest wait between two codes.
pub const LONGEST_COOL_DOWN: Duration = Duration::from_secs(900);

/// The stored state of a code that was sent. Store it with a conditional write, so that two concurrent attempts count
/// as two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CodeState {
    /// The hash of the code, bound to its flow by the caller.
    pub hash: TokenHash,
    /// When this code was sent.
    pub sent_at: Timestamp,
    /// Wrong attempts against this code.
    pub tries: u32,
    /// Codes sent so far, this one included.
    pub sends: u32,
}

/// The outcome of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtpDecision {
    /// The code is correct; it must not be accepted again.
    Accepted,
    /// The code is wrong; the caller stores the attempt.
    Wrong {
        /// Attempts left for this code.
        tries_left: u32,
    },
    /// The code has expired; nothing to store.
    Expired,
    /// The code has no attempts left; nothing to store.
    Exhausted,
}

/// Whether another code may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResendDecision {
    /// Now.
    Allowed,
    /// After this long.
    Later {
        /// The rest of the cool-down.
        retry_after: Duration,
    },
    /// Not in this flow: it has reached [`MAX_SENDS`].
    Exhausted,
}

impl CodeState {
    /// The first code of a flow.
    #[must_use]
    pub fn first(hash: TokenHash, now: Timestamp) -> Self {
        Self { hash, sent_at: now, tries: 0, sends: 1 }
    }

    /// The code that replaces this one: attempts start again, sends increase by one.
    #[must_use]
    pub fn resent(&self, hash: TokenHash, now: Timestamp) -> Self {
        Self { hash, sent_at: now, tries: 0, sends: self.sends.saturating_add(1) }
    }

    /// This code after a wrong attempt.
    #[must_use]
    pub fn tried(&self) -> Self {
        Self { tries: self.tries.saturating_add(1), ..self.clone() }
    }

    /// The last instant at which the code is valid.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.sent_at.plus(LIFE)
    }

    /// The time from which another code may be sent, if any may.
    #[must_use]
    pub fn resend_at(&self) -> Option<Timestamp> {
        (self.sends < MAX_SENDS).then(|| self.sent_at.plus(cool_down(self.sends)))
    }
}

/// Judges one attempt. After the last attempt even the correct code is rejected, so that the limit cannot be bypassed.
#[must_use]
pub fn try_code(state: &CodeState, presented: &TokenHash, now: Timestamp) -> OtpDecision {
    let is_right = state.hash.matches(presented);
    if now > state.expires_at() {
        OtpDecision::Expired
    } else if state.tries >= MAX_TRIES {
        OtpDecision::Exhausted
    } else if is_right {
        OtpDecision::Accepted
    } else {
        OtpDecision::Wrong { tries_left: MAX_TRIES - state.tries - 1 }
    }
}

/// Whether another code may be sent to the same address.
#[must_use]
pub fn may_resend(state: &CodeState, now: Timestamp) -> ResendDecision {
    match state.resend_at() {
        None => ResendDecision::Exhausted,
        Some(at) if now >= at => ResendDecision::Allowed,
        Some(at) => ResendDecision::Later { retry_after: at.since(now) },
    }
}

/// The wait after so many codes: it doubles with each, up to [`LONGEST_COOL_DOWN`].
#[must_use]
pub fn cool_down(sends: u32) -> Duration {
    let doublings = sends.saturating_sub(1).min(16);
    FIRST_COOL_DOWN.saturating_mul(1 << doublings).min(LONGEST_COOL_DOWN)
}

/// Normalizes a typed code: drops spaces, dashes and invisible marks, converts digits of other scripts.
/// `None` when the rest is not six digits.
#[must_use]
pub fn read_code(typed: &str) -> Option<String> {
    let mut digits = String::with_capacity(DIGITS);
    let is_gap = |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    // A pasted message is no code, however long.
    if typed.len() > MAX_TYPED {
        return None;
    }
    for c in clean(typed).chars().filter(|c| !is_gap(c)) {
        digits.push(read_digit(c)?);
    }
    (digits.len() == DIGITS).then_some(digits)
}

/// ASCII, Arabic-Indic, Extended Arabic-Indic and Devanagari digits; full-width ones are ASCII already.
fn read_digit(c: char) -> Option<char> {
    const ZEROS: [u32; 4] = [0x30, 0x660, 0x6F0, 0x966];
    ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).and_then(|value| char::from_digit(value, 10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(byte: u8) -> TokenHash {
        TokenHash([byte; 32])
    }

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_code_dies_with_its_fifth_wrong_try_even_for_the_right_code() {
        let mut state = CodeState::first(hash(1), START);
        for left in (0..5).rev() {
            assert_eq!(try_code(&state, &hash(2), START), OtpDecision::Wrong { tries_left: left });
            state = state.tried();
        }
        assert_eq!(try_code(&state, &hash(1), START), OtpDecision::Exhausted);
        assert_eq!(try_code(&state, &hash(2), START), OtpDecision::Exhausted);
    }

    #[test]
    fn a_code_lives_ten_minutes_to_the_last_instant() {
        let state = CodeState::first(hash(1), START);
        let end = START.plus(Duration::from_secs(600));
        assert_eq!(try_code(&state, &hash(1), end), OtpDecision::Accepted);
        assert_eq!(try_code(&state, &hash(1), end.plus(Duration::from_micros(1))), OtpDecision::Expired);
    }

    #[test]
    fn the_cool_down_doubles_up_to_a_quarter_of_an_hour_and_then_it_is_over() {
        let mut state = CodeState::first(hash(1), START);
        let mut now = START;
        for seconds in [60, 120, 240, 480, 900] {
            assert_eq!(may_resend(&state, now), ResendDecision::Later { retry_after: Duration::from_secs(seconds) });
            now = now.plus(Duration::from_secs(seconds));
            assert_eq!(may_resend(&state, now), ResendDecision::Allowed);
            state = state.tried().resent(hash(3), now);
            assert_eq!(state.tries, 0);
        }
        assert_eq!(may_resend(&state, now.plus(Duration::from_secs(1_000_000))), ResendDecision::Exhausted);
    }

    #[test]
    fn a_code_reads_as_people_type_it() {
        for typed in [
            "012345",
            " 012 345 ",
            "012-345",
            "٠١٢٣٤٥",
            "０１２３４５",
            "\u{202a}012345\u{202c}",
            "\u{feff}012\u{a0}345\u{200b}",
            "012\u{2212}345",
        ] {
            assert_eq!(read_code(typed).as_deref(), Some("012345"), "{typed}");
        }
        for typed in ["", "12345", "1234567", "12345a", "１２３４５Ａ"] {
            assert_eq!(read_code(typed), None, "{typed}");
        }
    }

    #[test]
    fn the_state_of_a_code_survives_its_store() {
        let state = CodeState::first(hash(9), START).tried();
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<CodeState>(&text).unwrap(), state);
    }
}
