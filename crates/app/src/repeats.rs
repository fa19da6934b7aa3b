//! Coalesces events that unauthenticated callers can cause: the first is queued at once, equal ones are counted and
//! reported as one event when their window ends.

use std::time::Duration;

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, outbox, repeats};

use crate::{
    crypto::sha256,
    events::{OUTBOX_KIND, QueuedEvent},
    state::App,
};

/// How long equal events are counted before their number is reported.
const WINDOW: Duration = Duration::from_secs(3_600);
/// Maximum number of windows per run.
const AT_ONCE: i64 = 200;

/// Queues the event if it is the first of its kind (`what`) in the window, and counts it otherwise.
pub async fn queue(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    what: &str,
    event: &QueuedEvent,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = serde_json::to_string(event).expect("an event is plain JSON");
    let id = sha256(what.as_bytes()).0;
    if repeats::note(tx, no, &id, &payload, Some(user), now.plus(WINDOW)).await? {
        outbox::push(tx, no, OUTBOX_KIND, Some(user), &payload, now).await?;
    }
    Ok(())
}

/// Ends due windows: queues the last event of each with the number of unreported ones and begins the next window;
/// removes windows without any. Returns how many ended.
///
/// # Errors
/// The store's.
pub async fn report(app: &App) -> Result<usize, StoreError> {
    let now = app.clock.now();
    let due = repeats::due_any_project(&mut *app.store.read().await?, now, AT_ONCE).await?;
    let looked_at = due.len();
    for repeat in due {
        let event = serde_json::from_str::<QueuedEvent>(&repeat.payload).ok().filter(|_| repeat.unreported > 0);
        let event = event.map(|mut event| {
            event.id = app.entropy.id(now);
            event.body["id"] = event.id.to_string().into();
            event.body["payload"]["count"] = repeat.unreported.into();
            serde_json::to_string(&event).expect("an event is plain JSON")
        });
        app.store
            .write("tell_repeats", (repeat, event), move |tx, (repeat, event)| {
                Box::pin(async move {
                    let Some(event) = event else { return repeats::remove(tx, repeat).await.map(|_| ()) };
                    if repeats::take(tx, repeat, now.plus(WINDOW)).await? {
                        outbox::push(tx, repeat.project, OUTBOX_KIND, repeat.user_id, event, now).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
    Ok(looked_at)
}
