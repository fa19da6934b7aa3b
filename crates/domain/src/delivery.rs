//! Deliveries of events to webhooks, and what is kept of their tries.

use serde::{Deserialize, Serialize};

use crate::{id::ProjectNo, time::Timestamp};

/// Tries that are kept of a delivery: the newest.
pub const KEPT_TRIES: usize = 5;
/// Bytes that are kept of a receiver's answer.
pub const ANSWER_BYTES: usize = 1024;
/// Characters that are kept of the reason of a failure.
const ERROR_CHARS: usize = 300;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for its first or next try.
    Waiting,
    /// The receiver took it.
    Taken,
    /// It was given up: a dead letter.
    Dead,
}

/// A delivery as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its number; later ones are greater.
    pub id: i64,
    /// The project.
    pub project: ProjectNo,
    /// The event's number.
    pub seq: i64,
    /// What keeps its order with it: the user's id, or zeros.
    pub lane: Vec<u8>,
    /// The handler.
    pub url: String,
    /// The event's name.
    pub kind: String,
    /// The whole message, JSON.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Timestamp,
    /// Not before this time.
    pub due_at: Timestamp,
    /// When it was taken or given up.
    pub finished_at: Option<Timestamp>,
    /// The last answer's HTTP status.
    pub last_status: Option<i64>,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// The newest tries, oldest first.
    pub tries: Vec<DeliveryTry>,
}

impl Delivery {
    /// The tries to keep after one more.
    #[must_use]
    pub fn tries_with(&self, last: DeliveryTry) -> Vec<DeliveryTry> {
        let kept = self.tries.len().min(KEPT_TRIES - 1);
        self.tries[self.tries.len() - kept..].iter().cloned().chain([last]).collect()
    }
}

/// One try of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryTry {
    /// When the request was sent.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The answer's HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The beginning of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerExcerpt>,
}

impl DeliveryTry {
    /// A try with a reason of bounded length.
    #[must_use]
    pub fn new(at: Timestamp, took_ms: u64, status: Option<i64>, error: Option<&str>) -> Self {
        let error = error.map(|text| text.chars().take(ERROR_CHARS).map(show).collect());
        Self { at, took_ms, status, error, answer: None }
    }
}

/// The beginning of a receiver's answer, as text that is safe to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerExcerpt {
    /// Without control characters and characters that change the direction of text.
    pub text: String,
    /// Whether the answer was longer.
    #[serde(default)]
    pub is_cut: bool,
}

impl AnswerExcerpt {
    /// The beginning of an answer; `None` for an empty one.
    #[must_use]
    pub fn of(body: &[u8]) -> Option<Self> {
        if body.is_empty() {
            return None;
        }
        let is_cut = body.len() > ANSWER_BYTES;
        let kept = &body[..body.len().min(ANSWER_BYTES)];
        // A character that the cut has divided is left out.
        let whole = match std::str::from_utf8(kept) {
            Err(error) if is_cut && error.error_len().is_none() => &kept[..error.valid_up_to()],
            Ok(_) | Err(_) => kept,
        };
        let text = String::from_utf8_lossy(whole).replace("\r\n", "\n");
        Some(Self { text: text.chars().map(show).collect(), is_cut })
    }
}

/// What a character of a receiver's answer is shown as: the receiver may be hostile, and a text cannot contain NUL on PostgreSQL.
fn show(one: char) -> char {
    let is_hidden = matches!(
        one,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    );
    let is_control = one.is_control() && !matches!(one, '\n' | '\t');
    if is_hidden || is_control { char::REPLACEMENT_CHARACTER } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DeliveryTry {
        DeliveryTry::new(Timestamp::from_seconds(seconds), 7, Some(500), Some("broken"))
    }

    #[test]
    fn the_newest_tries_are_kept() {
        let mut delivery = Delivery {
            id: 1,
            project: ProjectNo(1),
            seq: 1,
            lane: vec![0; 16],
            url: "https://shop.example/".into(),
            kind: "user.created".into(),
            body: "{}".into(),
            state: DeliveryState::Waiting,
            attempts: 0,
            created_at: Timestamp::from_seconds(0),
            due_at: Timestamp::from_seconds(0),
            finished_at: None,
            last_status: None,
            last_error: None,
            tries: Vec::new(),
        };
        for second in 1..=7 {
            delivery.tries = delivery.tries_with(at(second));
        }
        let kept: Vec<i64> = delivery.tries.iter().map(|one| one.at.as_seconds()).collect();
        assert_eq!(kept, [3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_hostile_answer_is_text_of_bounded_length() {
        let text = |body: &[u8]| AnswerExcerpt::of(body).expect("an answer");
        assert_eq!(AnswerExcerpt::of(b""), None);
        assert_eq!(
            text("<b>\r\nx\ty\u{1b}[31m\0\u{202e}z\u{7f}".as_bytes()).text,
            "<b>\nx\ty\u{fffd}[31m\u{fffd}\u{fffd}z\u{fffd}"
        );
        assert_eq!(text(&[0xff, b'a']).text, "\u{fffd}a");
        let long = text("a".repeat(ANSWER_BYTES + 1).as_bytes());
        assert_eq!((long.text.len(), long.is_cut), (ANSWER_BYTES, true));
        let divided = text(format!("{}é", "a".repeat(ANSWER_BYTES - 1)).as_bytes());
        assert_eq!((divided.text.len(), divided.is_cut), (ANSWER_BYTES - 1, true));
        assert!(!text(b"ok").is_cut);
    }

    #[test]
    fn a_reason_has_a_bounded_length() {
        let one = DeliveryTry::new(Timestamp::from_seconds(1), 0, None, Some(&"ä".repeat(1_000)));
        assert_eq!(one.error.map(|text| text.chars().count()), Some(ERROR_CHARS));
    }
}
