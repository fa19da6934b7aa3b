//! Writes down uses of sessions and grants whose window is over, many in one transaction.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{id::ProjectNo, session::SessionRef};
use vestibule_store::{StoreError, Tx, grants, sessions};

use crate::{
    accesses::Unwritten,
    guests::returning_guests::{self, Seen},
    projects::Project,
    state::App,
};

const PERIOD: Duration = Duration::from_secs(5);
/// Uses one transaction writes at most.
const BATCH: usize = 500;

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, Some(&app.projects.many_uses)).await {
        if let Err(error) = flush_due(&app).await {
            tracing::warn!(error = %error, "the last use of sessions could not be stored; retrying later");
        }
    }
}

/// What to do about a row that another transaction holds. The other rows are written in any case.
#[derive(Clone, Copy, PartialEq)]
enum IfHeld {
    /// Leave its use for the next time.
    Leave,
    /// Wait for it.
    Wait,
}

/// Writes down what is due; answers how many uses.
pub async fn flush_due(app: &App) -> Result<usize, StoreError> {
    let mut outcomes = Vec::new();
    for project in app.projects.all() {
        outcomes.push(flush_due_of(app, &project).await);
    }
    // A project whose uses cannot be written keeps those of no other.
    outcomes.into_iter().sum()
}

/// Writes down what is due of one project; answers how many uses.
pub(crate) async fn flush_due_of(app: &App, project: &Project) -> Result<usize, StoreError> {
    flush(app, project, &project.accesses.list_due(app.clock.now()), IfHeld::Leave).await
}

/// Writes down everything, before the process ends.
pub async fn flush_all(app: &App) -> Result<usize, StoreError> {
    let mut outcomes = Vec::new();
    for project in app.projects.all() {
        outcomes.push(flush(app, &project, &project.accesses.list_all(), IfHeld::Wait).await);
    }
    outcomes.into_iter().sum()
}

async fn flush(app: &App, project: &Project, uses: &[Unwritten], if_held: IfHeld) -> Result<usize, StoreError> {
    let mut batches: Vec<&[Unwritten]> = uses.chunks(BATCH).rev().collect();
    let mut outcome = Ok(uses.len());
    while let Some(batch) = batches.pop() {
        let (no, is_patient) = (project.no, batch.len() == 1 && if_held == IfHeld::Wait);
        let input: Arc<[Unwritten]> = batch.into();
        let written = app.store.write("touch_many", input, move |tx, uses| {
            Box::pin(async move {
                // The rows of a batch that waits are locked: everybody who refreshes one of them would wait, too.
                if !is_patient {
                    tx.wait_briefly().await?;
                }
                write_uses(tx, no, uses).await
            })
        });
        match written.await {
            Ok(()) => batch.iter().for_each(|one| project.accesses.settle(one.target, one.at)),
            // By halves, until the one that is held stands alone.
            Err(StoreError::Held) if batch.len() > 1 => {
                let (first, second) = batch.split_at(batch.len() / 2);
                batches.extend([second, first]);
            }
            Err(error) if is_patient || matches!(error, StoreError::Held) => outcome = Err(error),
            Err(error) => return Err(error),
        }
    }
    outcome
}

async fn write_uses(tx: &mut Tx, no: ProjectNo, uses: &[Unwritten]) -> Result<(), StoreError> {
    let (mut of_grants, mut of_sessions) = (Vec::new(), Vec::new());
    for one in uses {
        match one.target {
            SessionRef::Grant(id) => of_grants.push((id, one.at)),
            SessionRef::Session(id) => of_sessions.push((id, one.at)),
        }
    }
    grants::record_accesses(tx, no, &mut of_grants).await?;
    sessions::touch_all(tx, no, &mut of_sessions).await?;
    // All users come after all grants, as in a refresh: two transactions that lock in one order never wait for each other in a circle.
    let mut seen = Vec::new();
    for one in uses.iter().filter(|one| returning_guests::may_be_new_day(one.written, one.at)) {
        let found = match one.target {
            SessionRef::Grant(id) => grants::find(tx, no, id).await?.map(|grant| (grant.user_id, grant.client_id)),
            SessionRef::Session(id) => {
                sessions::find(tx, no, id).await?.map(|session| (session.user_id, String::new()))
            }
        };
        let Some((user, client_id)) = found else { continue };
        // A use before midnight and one after it may be written together.
        for (before, at) in [(one.written, one.first), (one.first, one.at)] {
            if returning_guests::is_new_day(user, before, at) {
                seen.push(Seen { user, client_id: client_id.clone(), at });
            }
        }
    }
    returning_guests::count_all(tx, no, seen).await
}
