//! Writes down uses of sessions and grants whose window is over, many in one transaction.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{id::ProjectNo, session::SessionRef};
use vestibule_store::{StoreError, Tx, grants, sessions};

use crate::{accesses::Unwritten, guests::returning_guests, jobs::statistics::day_of, projects::Project, state::App};

const PERIOD: Duration = Duration::from_secs(5);
/// Uses one transaction writes at most.
const BATCH: usize = 500;

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        if let Err(error) = flush_due(&app).await {
            tracing::warn!(error = %error, "the last use of sessions could not be stored; retrying later");
        }
    }
}

/// Writes down what is due; answers how many uses.
pub async fn flush_due(app: &App) -> Result<usize, StoreError> {
    let now = app.clock.now();
    flush(app, |project| project.accesses.list_due(now, BATCH)).await
}

/// Writes down everything, before the process ends.
pub async fn flush_all(app: &App) -> Result<usize, StoreError> {
    flush(app, |project| project.accesses.list_all(BATCH)).await
}

async fn flush(app: &App, list: impl Fn(&Project) -> Vec<Unwritten>) -> Result<usize, StoreError> {
    let mut total = 0;
    for project in app.projects.all() {
        loop {
            let uses = list(&project);
            if uses.is_empty() {
                break;
            }
            total += uses.len();
            let written = write(app, project.no, uses).await?;
            for Unwritten { target, at, .. } in written {
                project.accesses.settle(target, at);
            }
        }
    }
    Ok(total)
}

async fn write(app: &App, no: ProjectNo, uses: Vec<Unwritten>) -> Result<Vec<Unwritten>, StoreError> {
    let shared: Arc<[_]> = uses.into();
    let input = Arc::clone(&shared);
    app.store.write("touch_many", input, move |tx, uses| Box::pin(write_uses(tx, no, uses))).await?;
    Ok(shared.to_vec())
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
    // A use remembered over midnight is the first of its day. All users come after all grants, as in a refresh: two
    // transactions that lock in one order never wait for each other in a circle.
    for one in uses.iter().filter(|one| day_of(one.written) < day_of(one.at)) {
        let seen = match one.target {
            SessionRef::Grant(id) => grants::find(tx, no, id).await?.map(|grant| (grant.user_id, grant.client_id)),
            SessionRef::Session(id) => {
                sessions::find(tx, no, id).await?.map(|session| (session.user_id, String::new()))
            }
        };
        if let Some((user, client_id)) =
            seen.filter(|(user, _)| returning_guests::is_new_day(*user, one.written, one.at))
        {
            returning_guests::count(tx, no, user, &client_id, one.at).await?;
        }
    }
    Ok(())
}
