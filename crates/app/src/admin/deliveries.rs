//! Webhook deliveries for operators: listing, replay and test.

use std::time::Duration;

use vestibule_domain::{
    delivery::{AnswerExcerpt, Delivery, DeliveryState},
    event::Event,
    id::EventId,
    time::Timestamp,
};
use vestibule_store::{deliveries, outbox};

use super::{AdminError, Clash, ListPage, Thing, idempotency::Achieved};
use crate::{
    actor::{ActError, Actor},
    adapters::{
        clock::Stopwatch,
        webhook::{CONTENT_TYPE, FORM_CONTENT_TYPE, USER_AGENT},
    },
    ctx::Ctx,
    error::Error,
    events::UNREADABLE_KIND,
    logout_notices,
    webhooks::hooks::{SIGNATURE, STANDARD_ID, STANDARD_SIGNATURE, STANDARD_TIMESTAMP, id_of, sign},
};

/// Timeout of a webhook test.
const PATIENCE: Duration = Duration::from_secs(10);

/// One page of the deliveries in a state, newest first.
pub async fn list(
    ctx: &Ctx<'_>,
    state: DeliveryState,
    cursor: Option<&str>,
    limit: u32,
) -> Result<ListPage<Delivery>, AdminError> {
    let before = crate::admin::read_number(cursor)?;
    let mut conn = ctx.app.store.read().await?;
    let rows = deliveries::list_page(&mut conn, ctx.project.no, state, before, i64::from(limit) + 1).await?;
    Ok(ListPage::cut(rows, limit, |row| row.id.to_string()))
}

/// One delivery.
pub async fn get(ctx: &Ctx<'_>, id: i64) -> Result<Delivery, AdminError> {
    let found = deliveries::find(&mut *ctx.app.store.read().await?, ctx.project.no, id).await?;
    found.ok_or(AdminError::NotFound(Thing::Delivery))
}

/// A header of a request as operators see it; `None` is a value that they do not.
pub type ShownHeader = (&'static str, Option<String>);

/// The headers of a delivery's try at this time. The signatures are not shown: they let anyone send the request once more.
pub fn describe_headers(delivery: &Delivery, at: Timestamp) -> Vec<ShownHeader> {
    if delivery.kind == logout_notices::KIND {
        return vec![
            ("content-type", Some(FORM_CONTENT_TYPE.to_string())),
            ("user-agent", Some(USER_AGENT.to_string())),
        ];
    }
    let signed = [
        (SIGNATURE, None),
        (STANDARD_ID, Some(id_of(&delivery.body))),
        (STANDARD_TIMESTAMP, Some(at.as_seconds().to_string())),
        (STANDARD_SIGNATURE, None),
    ];
    json_headers().chain(signed).collect()
}

/// Whether the body of a delivery is sent as a signed token, not as it is shown.
pub fn is_sent_as_token(delivery: &Delivery) -> bool {
    delivery.kind == logout_notices::KIND
}

fn json_headers() -> impl Iterator<Item = ShownHeader> {
    [("content-type", Some(CONTENT_TYPE.to_string())), ("user-agent", Some(USER_AGENT.to_string()))].into_iter()
}

/// The project's events that could not be read and are kept aside, so that no webhook receives them.
pub async fn count_unreadable(ctx: &Ctx<'_>) -> Result<i64, AdminError> {
    let mut conn = ctx.app.store.read().await?;
    Ok(outbox::count(&mut conn, ctx.project.no, UNREADABLE_KIND).await?)
}

/// Sends a finished delivery again.
pub async fn replay(ctx: &Ctx<'_>, actor: &Actor, id: i64) -> Result<Delivery, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let found = deliveries::find(&mut *ctx.app.store.read().await?, no, id).await?;
    let found = found.ok_or(AdminError::NotFound(Thing::Delivery))?;
    let event = Event::DeliveryReplayed { delivery_id: id, url: found.url, event_type: found.kind };
    let event = actor.prepare(ctx, &event, None);
    let replayed = ctx
        .app
        .store
        .write("replay_delivery", (event, ctx.app.store_clock.clone()), move |tx, (event, clock)| {
            Box::pin(async move {
                let due_at = clock.now(tx).await?;
                if !deliveries::replay(tx, no, id, due_at).await? {
                    return Ok(None);
                }
                // Read here: it may be delivered before this is answered.
                let Some(replayed) = deliveries::find(tx, no, id).await? else { return Ok(None) };
                event.write_answering(tx, no, now, &Achieved::DeliveryReplayed(&replayed)).await?;
                Ok::<_, ActError>(Some(replayed))
            })
        })
        .await?;
    let Some(replayed) = replayed else { return Err(AdminError::Conflict(Clash::StillWaiting)) };
    ctx.app.hooks_signal.notify_one();
    Ok(replayed)
}

/// The result of a webhook test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookTest {
    pub status: Option<u16>,
    /// Why the result is a failure.
    pub error: Option<String>,
}

/// A webhook test and what went over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookTrial {
    pub result: WebhookTest,
    /// The body that was sent, JSON.
    pub body: String,
    pub headers: Vec<ShownHeader>,
    pub answer: Option<AnswerExcerpt>,
    pub took: Duration,
}

/// Sends a signed test event to one of the project's webhooks, at once and without retry. No transaction holds the call: a
/// request with an idempotency key is sent again when the server dies between the call and the entry about it.
pub async fn try_out(ctx: &Ctx<'_>, actor: &Actor, url: &str) -> Result<WebhookTrial, AdminError> {
    if !ctx.project.settings.webhooks().iter().any(|hook| hook.url == url) {
        return Err(AdminError::NotFound(Thing::Webhook));
    }
    let _place = ctx.app.shares.trials.take(ctx.project.no).map_err(Error::from)?;
    let id: EventId = ctx.app.entropy.id(ctx.now);
    let body = Event::HookTest.to_json(0, id, &actor.context(&ctx.project.id, None, ctx.now)).to_string();
    let headers = sign(ctx.project, (&id.to_string(), &body), ctx.now);
    let watch = Stopwatch::start();
    let (test_result, answer) = if headers.is_empty() {
        let error = "the project has no webhook secret: create one".to_string();
        (WebhookTest { status: None, error: Some(error) }, None)
    } else {
        match ctx.app.webhooks.post((ctx.project.no, url), body.clone(), &headers, PATIENCE).await {
            Ok(answer) => {
                let is_good = (200..300).contains(&answer.status);
                let error = (!is_good).then(|| format!("the receiver answered with status {}", answer.status));
                (WebhookTest { status: Some(answer.status), error }, AnswerExcerpt::of(&answer.body))
            }
            Err(error) => (WebhookTest { status: None, error: Some(error.to_string()) }, None),
        }
    };
    let took = watch.elapsed();
    let shown = headers.into_iter().map(|(name, value)| (name, (!name.ends_with("signature")).then_some(value)));
    let headers = if shown.len() == 0 { Vec::new() } else { json_headers().chain(shown).collect() };
    let event =
        Event::HookTested { url: url.to_string(), status: test_result.status, error: test_result.error.clone() };
    let event = actor.answering(&Achieved::WebhookTested(&test_result)).prepare(ctx, &event, None);
    let (no, now) = (ctx.project.no, ctx.now);
    ctx.app.store.write("log_hook_test", event, move |tx, event| Box::pin(event.write(tx, no, now))).await?;
    Ok(WebhookTrial { result: test_result, body, headers, answer, took })
}
