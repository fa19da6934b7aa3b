//! Calls the project's blocking webhooks: outside any transaction, one after the other, within a time limit.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;
use vestibule_domain::{
    attributes,
    event::{Context, Event, hide_url_secrets},
    id::EventId,
    time::Timestamp,
    user::User,
};

use super::{
    calls::{BlockingCall, CallRefused},
    veto::{Reason, Veto},
};
use crate::{
    adapters::webhook::{self, SendError, WebhookResponse},
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin},
    limits::patience::Heard,
    projects::Project,
};

/// The header with the signature of the body.
pub(crate) const SIGNATURE: &str = "x-authgear-body-signature";
/// The header with the signature by the previous secret, after a change of the secret.
pub(crate) const PREVIOUS_SIGNATURE: &str = "x-vestibule-previous-body-signature";

/// The headers of Standard Webhooks: the message's ID, the same for every try; the time of the try; the signatures by every secret.
pub(crate) const STANDARD_ID: &str = "webhook-id";
pub(crate) const STANDARD_TIMESTAMP: &str = "webhook-timestamp";
pub(crate) const STANDARD_SIGNATURE: &str = "webhook-signature";

/// Changes to the user that webhooks request; for each set of attributes, the last webhook's are used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    pub standard_attributes: Option<Map<String, Value>>,
    pub custom_attributes: Option<Map<String, Value>>,
}

impl Changes {
    /// Applies the changes to a user that is not stored yet.
    pub fn apply(self, user: &mut User) {
        if let Some(attributes) = self.standard_attributes {
            user.standard_attributes = attributes;
        }
        if let Some(attributes) = self.custom_attributes {
            user.custom_attributes = attributes;
        }
    }
}

#[derive(Deserialize)]
struct Reply {
    is_allowed: bool,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    mutations: Mutations,
}

#[derive(Default, Deserialize)]
struct Mutations {
    #[serde(default)]
    user: UserMutations,
}

#[derive(Default, Deserialize)]
struct UserMutations {
    standard_attributes: Option<Map<String, Value>>,
    custom_attributes: Option<Map<String, Value>>,
}

/// Calls the webhooks before a guest is created; costs nothing when there are none for the event.
pub(crate) async fn ask_before_guest(
    ctx: &Ctx<'_>,
    user: &mut User,
    key_id: Option<&str>,
    origin: &EventOrigin<'_>,
) -> Result<(), Error> {
    if ctx.project.settings.blocking_handlers_for("user.pre_create").next().is_none() {
        return Ok(());
    }
    let (model, identities) = events::describe_guest(user, key_id);
    let event = Event::UserPreCreate { user: model, identities };
    let changes = request_decision(ctx, &event, &events::describe(ctx, user.id, origin)).await?;
    changes.apply(user);
    Ok(())
}

/// Calls every webhook of a blocking event.
///
/// # Errors
/// [`Error::HookDisallowed`] at the first refusal, and when a webhook times out or its response is invalid.
pub(crate) async fn request_decision(ctx: &Ctx<'_>, event: &Event, context: &Context) -> Result<Changes, Error> {
    let event_type = event.type_name();
    let urls: Vec<&str> = ctx.project.settings.blocking_handlers_for(event_type).collect();
    if urls.is_empty() {
        return Ok(Changes::default());
    }
    let id: EventId = ctx.app.entropy.id(ctx.now);
    let body = event.to_json(0, id, context).to_string();
    let until = Instant::now() + ctx.project.settings.blocking_total_timeout();
    let mut changes = Changes::default();
    for url in urls {
        let call = begin_call(ctx, event_type, url)?;
        let answer = ask_one(ctx, url, (&id.to_string(), &body), until.saturating_duration_since(Instant::now())).await;
        note(ctx, url, call, &answer);
        let reply = answer.map_err(|why| refuse(ctx, event_type, url, &why))?;
        if !reply.is_allowed {
            let has_reason = reply.title.is_some() || reply.reason.is_some();
            let reason = Reason { title: reply.title.unwrap_or_default(), reason: reply.reason.unwrap_or_default() };
            let reasons = has_reason.then_some(reason).into_iter().collect();
            return Err(Error::HookDisallowed(Box::new(Veto { event_type, reasons })));
        }
        let wanted = reply.mutations.user;
        changes.standard_attributes = wanted.standard_attributes.or(changes.standard_attributes);
        changes.custom_attributes = wanted.custom_attributes.or(changes.custom_attributes);
    }
    Ok(changes)
}

/// Takes a place among the requests that wait. A receiver that does not answer holds some of its own project only.
fn begin_call(ctx: &Ctx<'_>, event_type: &'static str, url: &str) -> Result<BlockingCall, Error> {
    ctx.app.blocking_calls.begin(ctx.project.no, url, ctx.now).map_err(|refused| match refused {
        CallRefused::ShareExceeded => Error::ShareUsedUp,
        CallRefused::Resting => refuse(ctx, event_type, url, &NoAnswer::Resting),
    })
}

/// Notes whether a receiver answered.
fn note(ctx: &Ctx<'_>, url: &str, call: BlockingCall, answer: &Result<Reply, NoAnswer>) {
    let heard = match answer {
        // It had less time than it may take.
        Err(NoAnswer::TooLateTogether) => return,
        Err(NoAnswer::Send(SendError::TooLate(_))) => Heard::Nothing,
        Ok(_) | Err(_) => Heard::Something,
    };
    if call.end(heard, ctx.app.clock.now()) {
        tracing::warn!(
            project.id = ctx.project.id,
            hook.url = hide_url_secrets(url),
            "a blocking webhook does not answer; until it does, what it would be asked about is refused at once, and it gets one request now and then"
        );
    }
}

/// The refusal when a webhook gave no answer that can be used.
fn refuse(ctx: &Ctx<'_>, event_type: &'static str, url: &str, why: &NoAnswer) -> Error {
    warn(ctx, event_type, &format!("{} gave no valid answer: {why}", hide_url_secrets(url)));
    Error::HookDisallowed(Box::new(Veto { event_type, reasons: Vec::new() }))
}

/// Logs why an event is refused, once a minute for each project: each sign-up of a stranger asks the webhooks.
fn warn(ctx: &Ctx<'_>, event_type: &str, why: &str) {
    if ctx.app.hook_warnings.is_due(ctx.project.no) {
        tracing::warn!(request.id = ctx.log_id(), project.id = ctx.project.id, event.type = event_type, error = why, "an event is refused: a blocking webhook failed");
    } else {
        tracing::debug!(request.id = ctx.log_id(), project.id = ctx.project.id, event.type = event_type, error = why, "an event is refused: a blocking webhook failed");
    }
}

/// Why the response of a blocking webhook cannot be used.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("it did not answer before, and gets no request for a moment")]
    Resting,
    #[error("the blocking webhooks together took too long")]
    TooLateTogether,
    #[error("the webhook answered with status {0}")]
    Status(u16),
    #[error("the answer is not valid: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the answer's mutations are not valid: {path}: {message}")]
    Mutations { path: String, message: String },
}

/// Asks a webhook, for no longer than there is left for all of them.
async fn ask_one(ctx: &Ctx<'_>, url: &str, (id, body): (&str, &str), left: Duration) -> Result<Reply, NoAnswer> {
    let timeout = ctx.project.settings.blocking_timeout();
    let headers = sign(ctx.project, (id, body), ctx.now);
    let receiver = (ctx.project.no, url);
    let answered = ctx.app.webhooks.post(receiver, body.to_string(), &headers, timeout.min(left)).await;
    let WebhookResponse { status, body } = match answered {
        Err(SendError::TooLate(waited)) if waited == left && left < timeout => return Err(NoAnswer::TooLateTogether),
        answered => answered?,
    };
    if !(200..300).contains(&status) {
        return Err(NoAnswer::Status(status));
    }
    let reply: Reply = serde_json::from_slice(&body)?;
    let none = Map::new();
    let user = &reply.mutations.user;
    let [standard, custom] =
        [&user.standard_attributes, &user.custom_attributes].map(|set| set.as_ref().unwrap_or(&none));
    let formats =
        attributes::check_formats(standard).map(|(name, message)| (format!("standard_attributes.{name}"), message));
    match attributes::check(standard, custom).into_iter().chain(formats).next() {
        Some((path, message)) => Err(NoAnswer::Mutations { path, message }),
        None => Ok(reply),
    }
}

/// The signature headers of the message with this ID; none in a project without a webhook secret.
pub fn sign(project: &Project, (id, body): (&str, &str), now: Timestamp) -> Vec<(&'static str, String)> {
    let Some(secrets) = project.keys.webhook_secrets(now) else { return Vec::new() };
    let message = (id, now.as_seconds());
    let mut signatures = webhook::sign_message(secrets.current, message, body);
    let mut headers = vec![(SIGNATURE, webhook::sign(secrets.current, body.as_bytes()))];
    if let Some(previous) = secrets.previous {
        headers.push((PREVIOUS_SIGNATURE, webhook::sign(previous, body.as_bytes())));
        signatures = format!("{signatures} {}", webhook::sign_message(previous, message, body));
    }
    headers.push((STANDARD_ID, id.to_string()));
    headers.push((STANDARD_TIMESTAMP, message.1.to_string()));
    headers.push((STANDARD_SIGNATURE, signatures));
    headers
}

/// The ID in the body of a stored event.
pub(crate) fn id_of(body: &str) -> String {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    serde_json::from_str::<Identified>(body).map(|event| event.id).unwrap_or_default()
}
