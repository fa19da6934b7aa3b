//! The project's budget of text messages: an event, at most once an hour, when it is used up, and the notice in the portal.

use std::time::Duration;

use vestibule_domain::{
    event::{Context, Event, TriggeredBy},
    project::LimitName,
    time::Timestamp,
};
use vestibule_store::{StoreError, tries};

use crate::{ctx::Ctx, error::Error, events, limits::bucket::bucket_key};

/// How often a budget that stays used up is reported.
const REPORTED_FOR: Duration = Duration::from_secs(3_600);

/// The key of the time until which the budget counts as reported.
fn marker() -> [u8; 32] {
    bucket_key("sms budget used up", &[])
}

/// Queues the event of a budget that refused a message, unless that was done within the hour.
pub async fn report(ctx: &Ctx<'_>) -> Result<(), Error> {
    let Some(quota) = ctx.project.settings.limit(LimitName::SmsPerProject) else { return Ok(()) };
    // Refused requests cost no write.
    if used_up_at(ctx).await?.is_some() {
        return Ok(());
    }
    let event = Event::SmsBudgetUsedUp { messages: quota.burst, period_seconds: quota.period.as_secs() };
    let context = Context::new(&ctx.project.id, TriggeredBy::System, ctx.now);
    let event = events::prepare_about(ctx, &event, &context);
    let (no, now) = (ctx.project.no, ctx.now);
    let until = now.plus(REPORTED_FOR);
    tracing::warn!(project.id = ctx.project.id, "the project's budget of text messages is used up");
    ctx.app
        .store
        .write("report_sms_budget", event, move |tx, event| {
            Box::pin(async move {
                if tries::hold(tx, no, &marker(), (now, until), until).await? {
                    events::queue_of_project(tx, no, event, now).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

/// When the budget was used up, within the last hour.
pub async fn used_up_at(ctx: &Ctx<'_>) -> Result<Option<Timestamp>, Error> {
    let until = tries::find(&mut *ctx.app.store.read().await?, ctx.project.no, &marker()).await?;
    let latest = ctx.now.plus(REPORTED_FOR);
    Ok(until.filter(|until| ctx.now < *until && *until <= latest).map(|until| until.minus(REPORTED_FOR)))
}
