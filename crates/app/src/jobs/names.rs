//! Makes users findable by name who were there before the release that keeps the phrases of names: a walk through all users. The
//! migration asks for it. It goes twice, because nodes of the release before may change names beside the first walk.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{StoreError, job_state, retention, user_names};

use super::pace::Pace;
use crate::{adapters::clock::Stopwatch, state::App};

/// The state in which the migration asks for the walk.
pub const STATE: &str = "user_names";
/// Users that one look goes past.
const LOOK: i64 = 4_000;
/// Between two looks: others' turn.
const PAUSE: Duration = Duration::from_millis(50);
const RETRY: Duration = Duration::from_secs(60);
/// How often it is seen whether the second walk is due.
const PERIOD: Duration = Duration::from_secs(3_600);
/// When the nodes of the release before are gone.
const SECOND_AFTER: Duration = Duration::from_secs(86_400);

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The next look.
    Walking,
    /// Nothing until the second walk.
    Resting,
    /// Nothing any more.
    Done,
}

/// Where the walk stands, as it is stored: nothing or one byte before the first look of a walk, then the last user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Walk {
    /// Walks that ended.
    ended: u8,
    after: Option<(ProjectNo, UserId)>,
}

impl Walk {
    fn read(cursor: Option<&[u8]>) -> Self {
        let bytes = cursor.unwrap_or_default();
        let ended = bytes.first().copied().unwrap_or(0);
        let after = bytes.get(1..).and_then(|rest| {
            let (no, id) = rest.split_at_checked(8)?;
            let no = ProjectNo(i64::from_be_bytes(no.try_into().ok()?));
            Some((no, UserId::from_bytes(id.try_into().ok()?)))
        });
        Self { ended, after }
    }

    fn print(self) -> Vec<u8> {
        let after = self.after.map(|(no, id)| [no.0.to_be_bytes().as_slice(), id.as_bytes()].concat());
        [vec![self.ended], after.unwrap_or_default()].concat()
    }
}

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut pause = PAUSE;
    while crate::jobs::wait(&mut stop, pause, None).await {
        pause = match step(&app).await {
            Ok(Progress::Walking) => PAUSE,
            Ok(Progress::Resting | Progress::Done) => PERIOD,
            Err(error) => {
                tracing::warn!(error = %error, "the names of users could not be made searchable; retrying later");
                RETRY
            }
        };
    }
}

/// Looks once.
///
/// # Errors
/// The store's; what was done stays done.
pub async fn step(app: &App) -> Result<Progress, StoreError> {
    let now = app.clock.now();
    let stored = job_state::get(&mut *app.store.read().await?, STATE).await?;
    let Some((cursor, stored_at)) = stored else { return Ok(Progress::Done) };
    let walk = Walk::read(cursor.as_deref());
    if walk.ended > 1 {
        return Ok(Progress::Done);
    }
    if walk.ended == 1 && walk.after.is_none() && now < stored_at.plus(SECOND_AFTER) {
        return Ok(Progress::Resting);
    }
    let after = look(app, walk.after).await?;
    let walk = Walk { ended: walk.ended + u8::from(after.is_none()), after };
    keep(app, walk, now).await?;
    Ok(if after.is_some() { Progress::Walking } else { Progress::Resting })
}

/// Makes the names of some users searchable, and removes those that outlived their users; answers the last one, `None` at the end of the walk.
async fn look(app: &App, after: Option<(ProjectNo, UserId)>) -> Result<Option<(ProjectNo, UserId)>, StoreError> {
    let (first, last) = (UserId::from_bytes([0; 16]), UserId::from_bytes([u8::MAX; 16]));
    let (from, after) = after.unwrap_or((ProjectNo(i64::MIN), last));
    let mut numbers: Vec<ProjectNo> = app.projects.all().iter().map(|project| project.no).collect();
    numbers.sort_unstable_by_key(|no| no.0);
    let is_left = |no: &ProjectNo| no.0 > from.0 || (no.0 == from.0 && after != last);
    let Some(no) = numbers.iter().copied().find(is_left) else { return Ok(None) };
    let after = if no == from { after } else { first };
    let mut conn = app.store.read().await?;
    let end = retention::find_page_end(&mut conn, no, after, LOOK).await?.unwrap_or(last);
    let ids = user_names::list_with_attributes(&mut conn, no, after, end).await?;
    drop(conn);
    renew(app, no, &ids).await?;
    // Nodes of the release before delete users, and clear their attributes, without the phrases.
    let remove = app.store.write("remove_names", (), move |tx, ()| {
        Box::pin(async move { user_names::remove_orphans(tx, no, after, end).await })
    });
    remove.await?;
    if end != last {
        return Ok(Some((no, end)));
    }
    Ok(numbers.into_iter().any(|other| other.0 > no.0).then_some((no, last)))
}

async fn renew(app: &App, no: ProjectNo, ids: &[UserId]) -> Result<(), StoreError> {
    let (mut rest, mut pace) = (ids, Pace::new(app.store.engine()));
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(pace.share(rest.len()));
        let turn = Pace::begin(&app.store);
        let (left, took) = app
            .store
            .write("renew_names", chunk.to_vec(), move |tx, chunk| {
                Box::pin(async move {
                    let watch = Stopwatch::start();
                    let left = user_names::renew_free(tx, no, chunk).await?;
                    Ok::<_, StoreError>((left, watch.elapsed()))
                })
            })
            .await?;
        pace.learn(turn, chunk.len(), took).await?;
        // Each alone: who waits for one user must hold no other, because merges lock the member first, whatever its ID.
        for id in left {
            let renew = |id| app.store.write("renew_name", id, move |tx, id| Box::pin(user_names::renew(tx, no, *id)));
            renew(id).await?;
        }
        rest = later;
    }
    Ok(())
}

async fn keep(app: &App, walk: Walk, now: Timestamp) -> Result<(), StoreError> {
    let write = app.store.write("rest_walk", walk.print(), move |tx, cursor| {
        Box::pin(async move { job_state::set(tx, STATE, Some(cursor), now).await })
    });
    write.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_reads_back() {
        let user = UserId::from_bytes([7; 16]);
        for walk in [
            Walk { ended: 0, after: Some((ProjectNo(3), user)) },
            Walk { ended: 1, after: None },
            Walk { ended: 1, after: Some((ProjectNo(3), user)) },
            Walk { ended: 2, after: None },
        ] {
            assert_eq!(Walk::read(Some(&walk.print())), walk);
        }
        assert_eq!(Walk::read(None), Walk { ended: 0, after: None });
    }
}
