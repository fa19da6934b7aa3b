//! Delivers events to webhooks: at least once, for each receiver and user one after the other, again and again for days.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};
use vestibule_domain::time::Timestamp;
use vestibule_store::{
    StoreError,
    deliveries::{self, Delivery, DeliveryState},
};

use crate::{app::App, flows::hooks::sign};

const PERIOD: Duration = Duration::from_secs(1);
/// Lanes worked on at the same time.
const LANES: usize = 32;
/// How long after its time-out another node leaves a claimed delivery alone.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);
/// Seconds until the next try, by the number of tries so far; the last one repeats.
const PAUSES: [u64; 9] = [5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400];

/// Works until told to stop; what is on its way then is sent again after the next start.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut lanes = JoinSet::new();
    while super::wait(&mut stop, PERIOD, Some(&app.hooks_bell)).await {
        while lanes.try_join_next().is_some() {}
        if let Err(error) = begin(&app, &mut lanes).await {
            tracing::warn!(error = %error, "pending webhook deliveries could not be read; retrying later");
        }
    }
    lanes.abort_all();
}

/// Begins as many lanes as there is room for.
async fn begin(app: &Arc<App>, lanes: &mut JoinSet<()>) -> Result<(), StoreError> {
    let room = i64::try_from(LANES.saturating_sub(lanes.len())).unwrap_or(0);
    if room == 0 {
        return Ok(());
    }
    let due = deliveries::due_any_project(&mut *app.store.read().await?, app.clock.now(), room).await?;
    for delivery in due {
        lanes.spawn(work_lane(Arc::clone(app), delivery));
    }
    Ok(())
}

/// Delivers one after the other until the lane is empty or one is not taken.
async fn work_lane(app: Arc<App>, first: Delivery) {
    let mut next = Some(first);
    while let Some(delivery) = next {
        next = match work_one(&app, delivery).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(error = %error, "the result of a webhook delivery could not be stored; it will be sent again");
                None
            }
        };
    }
    // There may be more lanes than there was room for.
    app.hooks_bell.notify_one();
}

/// What became of one try.
struct Outcome {
    status: Option<i64>,
    error: Option<String>,
}

async fn work_one(app: &App, delivery: Delivery) -> Result<Option<Delivery>, StoreError> {
    let Some(project) = app.projects.find_by_no(delivery.project) else { return Ok(None) };
    let (id, attempts, now) = (delivery.id, delivery.attempts, app.clock.now());
    let patience = project.settings.delivery_timeout();
    let until = now.plus(patience + CLAIM_MARGIN);
    let claimed = app
        .store
        .write("claim_delivery", (), move |tx, ()| Box::pin(deliveries::claim(tx, id, until, attempts)))
        .await?;
    if !claimed {
        return Ok(None);
    }
    let headers = sign(&project, &delivery.body, now);
    let outcome = if headers.is_empty() {
        Outcome { status: None, error: Some("the project has no webhook secret: create one".into()) }
    } else {
        match app.webhooks.post(&delivery.url, delivery.body.clone(), &headers, patience).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                Outcome { status: Some(answer.status.into()), error: None }
            }
            Ok(answer) => Outcome {
                status: Some(answer.status.into()),
                error: Some(format!("the receiver answered with status {}", answer.status)),
            },
            Err(error) => Outcome { status: None, error: Some(error.to_string()) },
        }
    };
    let taken = outcome.error.is_none();
    write_down(app, &delivery, outcome).await?;
    if !taken {
        return Ok(None);
    }
    deliveries::next_in_lane(&mut *app.store.read().await?, delivery.project, &delivery.url, &delivery.lane).await
}

async fn write_down(app: &App, delivery: &Delivery, outcome: Outcome) -> Result<(), StoreError> {
    let now = app.clock.now();
    let (id, status) = (delivery.id, outcome.status);
    let Some(error) = outcome.error else {
        return app
            .store
            .write("finish_delivery", (), move |tx, ()| {
                Box::pin(
                    async move { deliveries::finish(tx, id, DeliveryState::Taken, status, None, now).await.map(drop) },
                )
            })
            .await;
    };
    let retry_for = Duration::from_secs(u64::from(app.config.hooks.retry_hours) * 3600);
    let due = next_try(delivery.attempts, now);
    let is_dead = due > delivery.created_at.plus(retry_for);
    if is_dead {
        tracing::error!(
            project.no = delivery.project.0,
            hook.url = delivery.url,
            event.seq = delivery.seq,
            error = error,
            "a webhook delivery failed for good; it can be resent"
        );
    } else {
        tracing::warn!(
            project.no = delivery.project.0,
            hook.url = delivery.url,
            event.seq = delivery.seq,
            error = error,
            "a webhook delivery failed; retrying later"
        );
    }
    app.store
        .write("fail_delivery", error, move |tx, error| {
            Box::pin(async move {
                if is_dead {
                    deliveries::finish(tx, id, DeliveryState::Dead, status, Some(error), now).await.map(drop)
                } else {
                    deliveries::postpone(tx, id, due, status, error).await.map(drop)
                }
            })
        })
        .await
}

/// When to try again after so many tries before this one.
fn next_try(attempts: i64, now: Timestamp) -> Timestamp {
    let index = usize::try_from(attempts).unwrap_or(0).min(PAUSES.len() - 1);
    now.plus(Duration::from_secs(PAUSES[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_four_hours_and_go_on_for_days() {
        let mut now = Timestamp::from_seconds(0);
        let mut tries = 0;
        while now < Timestamp::from_seconds(72 * 3600) {
            now = next_try(tries, now);
            tries += 1;
        }
        assert_eq!(next_try(0, Timestamp::from_seconds(0)), Timestamp::from_seconds(5));
        assert_eq!(next_try(99, Timestamp::from_seconds(0)), Timestamp::from_seconds(14_400));
        assert!((20..40).contains(&tries), "{tries}");
    }
}
