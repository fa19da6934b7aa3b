//! Removes what has expired, in small batches that never hold up a sign-up.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{
    grant::Grant,
    id::{GrantId, ProjectNo, SessionId},
    operator,
    session::{LONGEST_COALESCE, Lifetime, Session, SessionRef, known_use},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx, admin_keys, codes, deliveries, device_codes, events, flows, grants, job_state,
    login_method_changes, operator_events, operator_links, operator_sessions, sessions, spent, tries,
};

use crate::{device_authorization, logout_notices::LogoutNotices, projects::Project, repeats, state::App};

const PERIOD: Duration = Duration::from_secs(60);
/// Rows one transaction removes at most, and rows one look reads.
const BATCH: i64 = 200;
/// Rows one run looks at before it rests: a store of ten million grants is gone through in eight hours.
const LOOKS: usize = 100;

/// How far ahead a clock may have run before it is put right: what was spent must not be good again then.
const AHEAD: Duration = Duration::from_secs(3_600);

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(error = %error, "the clean-up stopped early; retrying later");
        }
        if let Err(error) = repeats::report(&app).await {
            tracing::warn!(error = %error, "repeated events could not be recorded; retrying later");
        }
    }
}

/// Removes expired flows, codes, device codes, spent values, cookie sessions and grants; answers how many.
pub async fn sweep(app: &App) -> Result<u64, StoreError> {
    Ok(sweep_dated(app).await?
        + sweep_table(app, SweptTable::Sessions).await?
        + sweep_table(app, SweptTable::Grants).await?)
}

/// What carries its own end.
async fn sweep_dated(app: &App) -> Result<u64, StoreError> {
    let now = app.clock.now();
    let mut total = 0;
    let days = |count: u32| Duration::from_secs(u64::from(count) * 24 * 3600);
    let forget_before = now.minus(days(app.config.hooks.keep_days));
    let log_before = Some(app.config.audit.keep_days).filter(|count| *count > 0).map(|count| now.minus(days(count)));
    let spent_before = now.minus(AHEAD);
    let devices_before = now.minus(device_authorization::KEPT);
    let idle_since = now.minus(operator::SESSION.idle.unwrap_or(operator::SESSION.hard));
    loop {
        let removed = app
            .store
            .write("clean_up", (), move |tx, ()| {
                Box::pin(async move {
                    let flows = flows::remove_expired_any_project(tx, now, BATCH).await?;
                    let codes = codes::remove_expired_any_project(tx, now, BATCH).await?;
                    let devices = device_codes::remove_expired_any_project(tx, devices_before, BATCH).await?;
                    let spent = spent::remove_expired_any_project(tx, spent_before, BATCH).await?;
                    let changes = login_method_changes::remove_expired_any_project(tx, spent_before, BATCH).await?;
                    let tries = tries::remove_expired_any_project(tx, now, BATCH).await?;
                    let answers = admin_keys::remove_expired_any_project(tx, now, BATCH).await?;
                    let links = operator_links::remove_expired(tx, now, BATCH).await?;
                    let operators = operator_sessions::remove_unused(tx, idle_since, BATCH).await?;
                    let delivered = deliveries::remove_done_any_project(tx, forget_before, BATCH).await?;
                    let events = match log_before {
                        Some(before) => {
                            events::remove_old_any_project(tx, before, BATCH).await?
                                + operator_events::remove_old(tx, before, BATCH).await?
                        }
                        None => 0,
                    };
                    Ok::<_, StoreError>(
                        flows
                            + codes
                            + devices
                            + spent
                            + changes
                            + tries
                            + answers
                            + links
                            + operators
                            + delivered
                            + events,
                    )
                })
            })
            .await?;
        total += removed;
        if removed == 0 {
            return Ok(total);
        }
        // Others' turn: the writer is shared.
        tokio::task::yield_now().await;
    }
}

/// Where a walk through a table stands, kept between runs and restarts.
struct TableCursor {
    name: &'static str,
    after: Option<(ProjectNo, [u8; 16])>,
}

impl TableCursor {
    async fn resume(app: &App, name: &'static str) -> Result<Self, StoreError> {
        let stored = job_state::get(&mut *app.store.read().await?, name).await?;
        let after = stored.and_then(|(cursor, _)| cursor).and_then(|bytes| {
            let (no, id) = bytes.split_at_checked(8)?;
            Some((ProjectNo(i64::from_be_bytes(no.try_into().ok()?)), id.try_into().ok()?))
        });
        Ok(Self { name, after })
    }

    async fn rest(&self, app: &App, now: Timestamp) -> Result<(), StoreError> {
        let cursor = self.after.map(|(no, id)| [no.0.to_be_bytes().as_slice(), &id].concat());
        let name = self.name;
        app.store
            .write("rest_walk", cursor, move |tx, cursor| {
                Box::pin(async move { job_state::set(tx, name, cursor.as_deref(), now).await })
            })
            .await
    }
}

/// A table whose rows do not say when they end: the settings of their project do.
#[derive(Clone, Copy)]
enum SweptTable {
    Sessions,
    Grants,
}

/// A row that was looked at.
struct SeenRow {
    key: (ProjectNo, [u8; 16]),
    last_access_at: Timestamp,
    has_ended: bool,
    notices: LogoutNotices,
}

/// Removes rows that have ended, from where the last run stopped.
async fn sweep_table(app: &App, table: SweptTable) -> Result<u64, StoreError> {
    let now = app.clock.now();
    let mut cursor = TableCursor::resume(app, table.name()).await?;
    let mut total = 0;
    for _ in 0..LOOKS {
        let seen = table.read(app, cursor.after, now).await?;
        cursor.after = seen.last().map(|row| row.key);
        total += table.remove(app, seen.into_iter().filter(|row| row.has_ended).collect()).await?;
        if cursor.after.is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    cursor.rest(app, now).await?;
    Ok(total)
}

impl SweptTable {
    /// The name of the job's state and of its writes.
    fn name(self) -> &'static str {
        match self {
            Self::Sessions => "clean_up_sessions",
            Self::Grants => "clean_up_grants",
        }
    }

    /// The next rows in the order of their keys.
    async fn read(
        self,
        app: &App,
        after: Option<(ProjectNo, [u8; 16])>,
        now: Timestamp,
    ) -> Result<Vec<SeenRow>, StoreError> {
        let mut conn = app.store.read().await?;
        let project = |no: &ProjectNo| app.projects.find_by_no(*no);
        Ok(match self {
            Self::Sessions => {
                let after = after.map(|(no, id)| (no, SessionId::from_bytes(id)));
                let rows = sessions::scan_any_project(&mut conn, after, BATCH).await?;
                let look = |(no, session): (ProjectNo, Session)| {
                    let project = project(&no).filter(|project| has_session_ended(project, &session, now));
                    SeenRow {
                        key: (no, *session.id.as_bytes()),
                        last_access_at: session.last_access_at,
                        has_ended: project.is_some(),
                        notices: LogoutNotices::of_found(app, project.as_ref()),
                    }
                };
                rows.into_iter().map(look).collect()
            }
            Self::Grants => {
                let after = after.map(|(no, id)| (no, GrantId::from_bytes(id)));
                let rows = grants::scan_any_project(&mut conn, after, BATCH).await?;
                let look = |(no, grant, is_anonymous): (ProjectNo, Grant, bool)| {
                    let project = project(&no).filter(|project| has_grant_ended(project, &grant, is_anonymous, now));
                    SeenRow {
                        key: (no, *grant.id.as_bytes()),
                        last_access_at: grant.last_access_at,
                        has_ended: project.is_some(),
                        notices: LogoutNotices::of_found(app, project.as_ref()),
                    }
                };
                rows.into_iter().map(look).collect()
            }
        })
    }

    async fn remove(self, app: &App, ended: Vec<SeenRow>) -> Result<u64, StoreError> {
        if ended.is_empty() {
            return Ok(0);
        }
        let now = app.clock.now();
        app.store
            .write(self.name(), ended, move |tx, ended| {
                Box::pin(async move {
                    let mut removed = 0;
                    for row in ended {
                        removed += self.remove_row(tx, row, now).await?;
                    }
                    Ok::<_, StoreError>(removed)
                })
            })
            .await
    }

    /// Removes a row, and the grants grouped with it, unless another node recorded a use since it was read.
    async fn remove_row(self, tx: &mut Tx, row: &SeenRow, now: Timestamp) -> Result<u64, StoreError> {
        let (no, id) = row.key;
        match self {
            Self::Sessions => {
                let id = SessionId::from_bytes(id);
                let ended = row.notices.find_of_session(tx, id).await?;
                if !sessions::remove_unused_since(tx, no, id, row.last_access_at).await? {
                    return Ok(0);
                }
                row.notices.queue(tx, &ended, now).await?;
                Ok(1 + grants::remove_of_session(tx, no, id).await?)
            }
            Self::Grants => {
                let id = GrantId::from_bytes(id);
                let ended = row.notices.find(tx, id).await?;
                if !grants::remove_unused_since(tx, no, id, row.last_access_at).await? {
                    return Ok(0);
                }
                row.notices.queue(tx, &ended, now).await?;
                Ok(1)
            }
        }
    }
}

fn has_session_ended(project: &Project, session: &Session, now: Timestamp) -> bool {
    let used_at = (session.last_access_at, project.accesses.recall(SessionRef::Session(session.id)));
    has_surely_ended(project.settings.session_lifetime(), session.created_at, used_at, now)
}

/// How long a grant is kept whose application this process does not know: another node may have just created it.
const UNKNOWN_CLIENT: Duration = Duration::from_secs(3_600);

fn has_grant_ended(project: &Project, grant: &Grant, is_anonymous: bool, now: Timestamp) -> bool {
    // The application was removed, and one that gets its ID later starts anew.
    let Some(client) = project.settings.client(&grant.client_id) else {
        return now > grant.created_at.plus(UNKNOWN_CLIENT);
    };
    if project.is_from_before(&grant.client_id, grant.created_at) {
        return true;
    }
    let used_at = (grant.last_access_at, project.accesses.recall(SessionRef::Grant(grant.id)));
    grant.ends_at.is_some_and(|ends_at| now > ends_at)
        || has_surely_ended(client.grant_lifetime(is_anonymous), grant.created_at, used_at, now)
}

/// Whether it has ended even if another process knows of a use that was not written down.
fn has_surely_ended(
    lifetime: Lifetime,
    created_at: Timestamp,
    (recorded, remembered): (Timestamp, Option<Timestamp>),
    now: Timestamp,
) -> bool {
    let used_at = known_use(recorded, remembered).plus(LONGEST_COALESCE);
    !lifetime.is_alive(created_at, used_at, now)
}
