//! The end of a delivery that its receiver took, with the hold that its answer places.

use std::sync::Arc;

use vestibule_domain::{
    delivery::{Delivery, DeliveryState, DeliveryTry},
    event::hide_url_secrets,
    id::UserId,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    deliveries::{self, DeliveryClaim},
    delivery_lanes::{self, Lane},
};

use crate::{
    projects::Project,
    retention::answers::{AnsweredHold, HoldUnusable},
    state::App,
    webhooks::hooks::id_of,
};

/// A delivery that was taken.
struct Taken {
    lane: Lane,
    this: DeliveryClaim,
    tries: Vec<DeliveryTry>,
    /// The hold that the answer asks for, or why there is none.
    hold: Result<Option<(Arc<Project>, AnsweredHold)>, HoldUnusable>,
    now: Timestamp,
}

/// Notes that a receiver took a delivery, and places the hold that its answer asks for, in one transaction; whether it is noted. When the
/// claim was lost, it is not; the hold lasts all the same, because an answer to the same event places the same one.
pub(super) async fn finish(
    app: &App,
    lane: &Lane,
    delivery: &Delivery,
    (tries, answer): (Vec<DeliveryTry>, Option<Vec<u8>>),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let hold = answer.map_or(Ok(None), |answer| read_hold(app, delivery, &answer, now));
    let taken = Taken { lane: lane.clone(), this: DeliveryClaim::next_of(delivery), tries, hold, now };
    let (is_noted, refused) = app.store.write("finish_delivery", taken, |tx, taken| Box::pin(taken.write(tx))).await?;
    if let Some(why) = refused {
        app.metrics.count_refused_hold();
        let url = hide_url_secrets(&delivery.url);
        if app.hook_warnings.is_due(delivery.project) {
            tracing::warn!(
                project.no = delivery.project.0,
                hook.url = url,
                event.seq = delivery.seq,
                error = why,
                "a webhook answered with a hold that can't be placed; its guest expires as any other"
            );
        } else {
            tracing::debug!(
                project.no = delivery.project.0,
                hook.url = url,
                event.seq = delivery.seq,
                error = why,
                "a webhook answered with a hold that can't be placed"
            );
        }
    }
    Ok(is_noted)
}

fn read_hold(
    app: &App,
    delivery: &Delivery,
    answer: &[u8],
    now: Timestamp,
) -> Result<Option<(Arc<Project>, AnsweredHold)>, HoldUnusable> {
    let user = delivery.lane.as_slice().try_into().map(UserId::from_bytes);
    let (Some(project), Ok(user), Ok(event)) =
        (app.projects.find_by_no(delivery.project), user, id_of(&delivery.body).parse())
    else {
        return Ok(None);
    };
    let hold = AnsweredHold::read((&project, &app.entropy), (event, user, &delivery.url), answer, now)?;
    Ok(hold.map(|hold| (project, hold)))
}

impl Taken {
    /// Answers whether it is noted, and why the hold was refused, if it was.
    async fn write(&self, tx: &mut Tx) -> Result<(bool, Option<String>), StoreError> {
        let refused = match &self.hold {
            Ok(Some((project, hold))) => hold.place(tx, project, self.now).await?.err().map(|error| error.print()),
            Ok(None) => None,
            Err(error) => Some(error.print()),
        };
        let mut tries = self.tries.clone();
        if let (Some(why), Some(last)) = (&refused, tries.last_mut()) {
            last.error = Some(why.clone());
        }
        let is_noted = deliveries::finish(tx, self.this, DeliveryState::Taken, &tries, self.now).await?;
        if is_noted {
            delivery_lanes::wake_next(tx, &self.lane, self.now).await?;
        }
        Ok((is_noted, refused))
    }
}
