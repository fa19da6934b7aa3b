//! Webhook deliveries for operators: listing, replay and test.

use std::time::Duration;

use vestibule_domain::{
    delivery::{Delivery, DeliveryState},
    event::Event,
    id::EventId,
};
use vestibule_store::{deliveries, outbox};

use super::{AdminError, Clash, ListPage, Thing, idempotency::Achieved};
use crate::{
    actor::{ActError, Actor},
    ctx::Ctx,
    error::Error,
    events::UNREADABLE_KIND,
    webhooks::hooks::sign,
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

/// Sends a signed test event to one of the project's webhooks, at once and without retry. No transaction holds the call: a
/// request with an idempotency key is sent again when the server dies between the call and the entry about it.
pub async fn try_out(ctx: &Ctx<'_>, actor: &Actor, url: &str) -> Result<WebhookTest, AdminError> {
    if !ctx.project.settings.webhooks().iter().any(|hook| hook.url == url) {
        return Err(AdminError::NotFound(Thing::Webhook));
    }
    let _place = ctx.app.shares.trials.take(ctx.project.no).map_err(Error::from)?;
    let id: EventId = ctx.app.entropy.id(ctx.now);
    let body = Event::HookTest.to_json(0, id, &actor.context(&ctx.project.id, None, ctx.now)).to_string();
    let headers = sign(ctx.project, (&id.to_string(), &body), ctx.now);
    let test_result = if headers.is_empty() {
        WebhookTest { status: None, error: Some("the project has no webhook secret: create one".to_string()) }
    } else {
        match ctx.app.webhooks.post((ctx.project.no, url), body, &headers, PATIENCE).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                WebhookTest { status: Some(answer.status), error: None }
            }
            Ok(answer) => WebhookTest {
                status: Some(answer.status),
                error: Some(format!("the receiver answered with status {}", answer.status)),
            },
            Err(error) => WebhookTest { status: None, error: Some(error.to_string()) },
        }
    };
    let event =
        Event::HookTested { url: url.to_string(), status: test_result.status, error: test_result.error.clone() };
    let event = actor.answering(&Achieved::WebhookTested(&test_result)).prepare(ctx, &event, None);
    let (no, now) = (ctx.project.no, ctx.now);
    ctx.app.store.write("log_hook_test", event, move |tx, event| Box::pin(event.write(tx, no, now))).await?;
    Ok(test_result)
}
