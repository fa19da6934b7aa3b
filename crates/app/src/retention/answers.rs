//! Holds in the answers of webhooks to `user.anonymous.expiring`: an open order keeps its guest. An answer takes effect once, however
//! often its event is sent.

use serde::Deserialize;
use vestibule_domain::{
    event::{Context, Event, OperatorAction, TriggeredBy, hide_url_secrets},
    id::{EventId, HoldId, UserId},
    time::Timestamp,
};
use vestibule_protocol::text;
use vestibule_store::{StoreError, Tx};

use super::holds::{self, Hold, HoldRefused, NewHold};
use crate::{
    adapters::{entropy::Entropy, webhook::ANSWER_LIMIT},
    admin::Fault,
    crypto::sha256,
    events::{self, QueuedEvent},
    projects::Project,
};

/// The longest answer that is read for a decision or a hold, in bytes. The client cuts a longer one.
const LONGEST: usize = ANSWER_LIMIT - 1;
/// How much of a reason is kept with the delivery, in characters.
const REASON_CHARS: usize = 300;

/// Whether answers to this event may carry a hold.
pub(crate) fn may_hold(event_type: &str) -> bool {
    event_type == Event::USER_ANONYMOUS_EXPIRING
}

/// The answer may hold its guest or decide its merge, and can't be read to its end: it is refused, and the event is sent again.
#[derive(Debug, thiserror::Error)]
#[error(
    "the answer is longer than {LONGEST} bytes, so it can't be read whether it has a decision or a hold: answer with less"
)]
pub(crate) struct TooLong;

/// Checks that an answer was received to its end, if it may have a decision or a hold.
pub(crate) fn check_length(body: &[u8]) -> Result<(), TooLong> {
    if is_object(body) && body.len() > LONGEST { Err(TooLong) } else { Ok(()) }
}

/// Only a JSON object asks for a hold, because receivers answer as they like.
fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

/// Why the hold in an answer is refused. The delivery is taken all the same.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldUnusable {
    #[error("the answer is not valid: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("{}", print_faults(.0))]
    Invalid(Vec<Fault>),
    #[error("the user has {} holds already: remove one", holds::HOLDS)]
    TooMany,
}

fn print_faults(faults: &[Fault]) -> String {
    let faults: Vec<String> = faults.iter().map(|fault| format!("hold.{}: {}", fault.path, fault.message)).collect();
    faults.join("; ")
}

impl HoldUnusable {
    /// What the delivery keeps of it: a line, though it may repeat what the receiver wrote.
    pub(crate) fn print(&self) -> String {
        text::read_line(&format!("the hold was refused: {self}")).chars().take(REASON_CHARS).collect()
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    hold: Option<WantedHold>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a hold, as an object")]
struct WantedHold {
    owner: String,
    reason: String,
    expires_at: String,
}

/// The hold that an answer asks for.
fn read(body: &[u8]) -> Result<Option<NewHold>, HoldUnusable> {
    if !is_object(body) {
        return Ok(None);
    }
    let answer: Answer = serde_json::from_slice(body)?;
    Ok(answer.hold.map(|hold| {
        let expires_at = Timestamp::parse_rfc3339(&hold.expires_at);
        NewHold { owner: hold.owner, reason: hold.reason, expires_at }
    }))
}

/// A hold that a webhook asked for, ready to be placed.
#[derive(Clone)]
pub(crate) struct AnsweredHold {
    user: UserId,
    hold: Hold,
    event: QueuedEvent,
}

impl AnsweredHold {
    /// Reads an answer to an event about a user, sent to a URL of the project.
    ///
    /// # Errors
    /// What is wrong with the hold.
    pub(crate) fn read(
        (project, entropy): (&Project, &Entropy),
        (event, user, url): (EventId, UserId, &str),
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Self>, HoldUnusable> {
        let Some(new) = read(body)? else { return Ok(None) };
        let hold = new.prepare(id_of(event, url), now).map_err(HoldUnusable::Invalid)?;
        let acted = Event::OperatorActed { action: OperatorAction::HoldCreated, target: hold.owner.clone() };
        let mut context = Context::new(&project.id, TriggeredBy::System, now);
        context.user_id = Some(user);
        context.audit_context.insert("webhook".into(), hide_url_secrets(url).into());
        context.audit_context.insert("event_id".into(), event.to_string().into());
        Ok(Some(Self { user, hold, event: events::prepare_in(entropy, &acted, &context) }))
    }

    /// Places the hold, in the transaction that ends the delivery. A guest that is gone needs none.
    pub(crate) async fn place(
        &self,
        tx: &mut Tx,
        project: &Project,
        now: Timestamp,
    ) -> Result<Result<(), HoldUnusable>, StoreError> {
        match holds::place(tx, project.no, self.user, &self.hold).await {
            Ok(true) => events::queue(tx, project.no, self.user, &self.event, now).await.map(Ok),
            Ok(false) | Err(HoldRefused::NoUser) => Ok(Ok(())),
            Err(HoldRefused::TooMany) => Ok(Err(HoldUnusable::TooMany)),
            Err(HoldRefused::Store(error)) => Err(error),
        }
    }
}

/// The same hold for each answer of this receiver to this event.
fn id_of(event: EventId, url: &str) -> HoldId {
    let hash = sha256(&[event.as_bytes().as_slice(), url.as_bytes()].concat());
    let mut random = [0; 10];
    random.copy_from_slice(&hash.0[..10]);
    HoldId::from_parts(event.unix_millis(), random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_a_hold_asks_for_one() {
        for nothing in ["", "OK", "null", "[]", "<html>", "{}", " {\"is_allowed\": true}", "{\"hold\": null}"] {
            assert!(read(nothing.as_bytes()).is_ok_and(|hold| hold.is_none()), "{nothing}");
        }
        assert!(read(&[0xFF; 70_000]).is_ok_and(|hold| hold.is_none()));
        let hold = r#"{"hold": {"owner": "orders", "reason": "x", "expires_at": "2031-01-31T12:00:00Z"}, "more": 1}"#;
        let read_hold = read(hold.as_bytes()).expect("valid").expect("a hold");
        assert_eq!((read_hold.owner.as_str(), read_hold.reason.as_str()), ("orders", "x"));
        assert_eq!(read_hold.expires_at, Timestamp::parse_rfc3339("2031-01-31T12:00:00Z"));
    }

    #[test]
    fn garbage_is_refused_in_few_words() {
        let nested = format!("{}{}", "{\"hold\":".repeat(400), "}".repeat(400));
        let long_name = format!(r#"{{"hold": {{"{}": 1}}}}"#, "x".repeat(3_000));
        for garbage in
            ["{", "{\"hold\": 1}", "{\"hold\": {\"owner\": \"orders\"}}", "{\"hold\": []}", &nested, &long_name]
        {
            let refused = read(garbage.as_bytes()).expect_err(garbage).print();
            assert!(refused.chars().count() <= REASON_CHARS, "{refused}");
        }
        let padded = |length: usize| format!("{{\"more\": \"{}\"}}", "x".repeat(length - 12));
        assert!(check_length(padded(LONGEST).as_bytes()).is_ok());
        assert!(check_length(padded(LONGEST + 1).as_bytes()).is_err());
        assert!(check_length(&[b'x'; LONGEST + 1]).is_ok(), "a page of a web server holds nothing");
    }

    #[test]
    fn an_event_and_a_receiver_have_one_hold() {
        let event = EventId::from_parts(7, [1; 10]);
        let id = id_of(event, "https://one.example/");
        assert_eq!(id, id_of(event, "https://one.example/"));
        assert_ne!(id, id_of(event, "https://two.example/"));
        assert_ne!(id, id_of(EventId::from_parts(7, [2; 10]), "https://one.example/"));
    }
}
