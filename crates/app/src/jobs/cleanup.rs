//! Removes what has expired, in small batches that never hold up a sign-up.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{
    grant::Grant,
    id::{GrantId, ProjectNo, SessionId, UserId},
    operator,
    session::{LONGEST_COALESCE, Lifetime, Session, SessionRef, known_use},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx, admin_keys, codes, deliveries, device_codes, ended, events, flows, grants, job_state,
    login_method_changes, merges, operator_events, operator_links, operator_sessions, projects, receiver_moves,
    retention_holds, sessions, spent, tries, users,
};

use super::pace::Pace;
use crate::{
    adapters::clock::Stopwatch, device_authorization, logout_notices::LogoutNotices, projects::Project, repeats,
    state::App,
};

const PERIOD: Duration = Duration::from_secs(60);
/// Rows of each kind that one transaction removes at most, of what carries its own end.
const BATCH: i64 = 200;
/// Rows of sessions and grants that one look reads.
const LOOK: i64 = 1_000;
/// Looks that find nothing to remove before a run rests: a store of ten million grants is gone through in two hours.
const LOOKS: usize = 100;
/// Sessions and grants one run removes at most before the others get their turn; the next run begins at once.
const MOST_REMOVED: u64 = 200_000;

/// How long it is remembered how a merge ended: an answer that comes so late is told.
const MERGES_KEPT: Duration = Duration::from_secs(365 * 86_400);

/// How long it is remembered where a receiver moved: a dead letter that is sent again by then follows it.
const MOVES_KEPT: Duration = Duration::from_secs(365 * 86_400);

/// How far ahead a clock may have run before it is put right: what was spent must not be good again then.
const AHEAD: Duration = Duration::from_secs(3_600);

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut pause = PERIOD;
    while crate::jobs::wait(&mut stop, pause, None).await {
        pause = match sweep_some(&app).await {
            Ok((_, true)) => Duration::ZERO,
            Ok((_, false)) => PERIOD,
            Err(error) => {
                tracing::warn!(error = %error, "the clean-up stopped early; retrying later");
                PERIOD
            }
        };
        if let Err(error) = repeats::report(&app).await {
            tracing::warn!(error = %error, "repeated events could not be recorded; retrying later");
        }
    }
}

/// Removes expired flows, codes, device codes, spent values, cookie sessions and grants; answers how many.
pub async fn sweep(app: &App) -> Result<u64, StoreError> {
    sweep_some(app).await.map(|(removed, _)| removed)
}

/// As [`sweep`]; answers also whether more may be left.
async fn sweep_some(app: &App) -> Result<(u64, bool), StoreError> {
    let dated = sweep_dated(app).await? + sweep_dead_letters(app).await?;
    sweep_gone_projects(app).await?;
    let (sessions, more_sessions) = sweep_table(app, SweptTable::Sessions).await?;
    let (grants, more_grants) = sweep_table(app, SweptTable::Grants).await?;
    Ok((dated + sessions + grants, more_sessions || more_grants))
}

/// What is left of projects that a node of the release before deleted.
async fn sweep_gone_projects(app: &App) -> Result<(), StoreError> {
    for no in projects::list_gone_any_project(&mut *app.store.read().await?).await? {
        app.store
            .write("clean_up_project", (), move |tx, ()| {
                Box::pin(async move {
                    if projects::find_version(tx, no).await?.is_none() {
                        projects::delete(tx, no).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
    }
    Ok(())
}

/// What carries its own end.
async fn sweep_dated(app: &App) -> Result<u64, StoreError> {
    let now = app.clock.now();
    let mut total = 0;
    let days = |count: u32| Duration::from_secs(u64::from(count) * 24 * 3600);
    let forget_before = now.minus(days(app.config.hooks.keep_days));
    let log_before = Some(app.config.audit.keep_days).filter(|count| *count > 0).map(|count| now.minus(days(count)));
    let spent_before = now.minus(AHEAD);
    let merges_before = now.minus(MERGES_KEPT);
    let moved_before = now.minus(MOVES_KEPT);
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
                    let holds = retention_holds::remove_expired_any_project(tx, now, BATCH).await?;
                    let merges = merges::remove_old_any_project(tx, merges_before, BATCH).await?;
                    let answers = admin_keys::remove_expired_any_project(tx, now, BATCH).await?;
                    let links = operator_links::remove_expired(tx, now, BATCH).await?;
                    let operators = operator_sessions::remove_unused(tx, idle_since, BATCH).await?;
                    let delivered = deliveries::remove_done_any_project(tx, forget_before, BATCH).await?;
                    let moved = receiver_moves::remove_old_any_project(tx, moved_before, BATCH).await?;
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
                            + holds
                            + merges
                            + answers
                            + links
                            + operators
                            + delivered
                            + moved
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

/// Removes the dead letters about users that are gone, once an operator had time to send them again: they say what the users were.
async fn sweep_dead_letters(app: &App) -> Result<u64, StoreError> {
    let now = app.clock.now();
    let before = now.minus(Duration::from_secs(u64::from(app.config.hooks.keep_days) * 86_400));
    let mut cursor = TableCursor::resume(app, "clean_up_dead_letters").await?;
    let after = cursor.after.map(|(no, id)| (no, UserId::from_bytes(id)));
    let (found, gone) = {
        let mut conn = app.store.read().await?;
        let found = deliveries::list_dead_lanes_any_project(&mut conn, after, LOOK).await?;
        let mut gone = Vec::new();
        for (no, user) in &found {
            // Those about no user stay.
            if *user != UserId::from_bytes([0; 16]) && users::find(&mut conn, *no, *user).await?.is_none() {
                gone.push((*no, *user));
            }
        }
        (found, gone)
    };
    let mut removed = 0;
    for chunk in gone.chunks(usize::try_from(BATCH).unwrap_or(usize::MAX)) {
        removed += app
            .store
            .write("clean_up_dead_letters", chunk.to_vec(), move |tx, gone| {
                Box::pin(async move {
                    let mut removed = 0;
                    for (no, user) in gone.iter() {
                        removed += deliveries::remove_dead(tx, *no, *user, before).await?;
                    }
                    Ok::<_, StoreError>(removed)
                })
            })
            .await?;
    }
    let next = found.last().filter(|_| found.len() >= usize::try_from(LOOK).unwrap_or(usize::MAX));
    let next = next.map(|(no, id)| (*no, *id.as_bytes()));
    // Without any, or before the end of the first look, there is no place to remember.
    if next != cursor.after {
        cursor.after = next;
        cursor.rest(app, now).await?;
    }
    Ok(removed)
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
    end: Option<End>,
}

/// Why a row has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It was not used for too long: a use that is recorded later would matter.
    Idle,
    /// Whatever its last use.
    Final,
}

/// Rows of one project that have ended, to remove in one transaction.
struct EndedRows {
    no: ProjectNo,
    ids: Vec<[u8; 16]>,
    /// Rows with a recorded use after this time stay.
    used_until: Timestamp,
    notices: LogoutNotices,
}

/// Removes rows that have ended, from where the last run stopped; answers how many, and whether more may be left.
async fn sweep_table(app: &App, table: SweptTable) -> Result<(u64, bool), StoreError> {
    let now = app.clock.now();
    let mut cursor = TableCursor::resume(app, table.name()).await?;
    let (mut total, mut vain, mut pace) = (0, 0, Pace::new(app.store.engine()));
    while vain < LOOKS && total < MOST_REMOVED {
        let seen = table.read(app, cursor.after, now, pace).await?;
        let next = seen.last().map(|row| row.key);
        let mut removed = 0;
        for end in [End::Idle, End::Final] {
            removed += remove_ended(app, table, (seen.as_slice(), end), &mut pace).await?;
        }
        cursor.after = next;
        vain += usize::from(removed == 0);
        total += removed;
        if next.is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    cursor.rest(app, now).await?;
    Ok((total, total >= MOST_REMOVED))
}

/// Removes the rows that ended for this reason, project by project and in transactions that take milliseconds.
async fn remove_ended(
    app: &App,
    table: SweptTable,
    (seen, end): (&[SeenRow], End),
    pace: &mut Pace,
) -> Result<u64, StoreError> {
    let ended: Vec<&SeenRow> = seen.iter().filter(|row| row.end == Some(end)).collect();
    let mut removed = 0;
    for of_project in ended.chunk_by(|one, other| one.key.0 == other.key.0) {
        let mut rest = of_project;
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(pace.share(rest.len()));
            let Some(rows) = EndedRows::of(app, chunk, end) else { break };
            let turn = Pace::begin(&app.store);
            let (number, took) = table.remove(app, rows).await?;
            pace.learn(turn, chunk.len(), took).await?;
            removed += number;
            rest = later;
            // Others' turn: the writer is shared.
            tokio::task::yield_now().await;
        }
    }
    Ok(removed)
}

impl EndedRows {
    fn of(app: &App, rows: &[&SeenRow], end: End) -> Option<Self> {
        let no = rows.first()?.key.0;
        let last = rows.iter().map(|row| row.last_access_at).max()?;
        let used_until = match end {
            End::Idle => last,
            End::Final => Timestamp::from_micros(i64::MAX),
        };
        let notices = LogoutNotices::of_found(app, app.projects.find_by_no(no).as_ref());
        Some(Self { no, ids: rows.iter().map(|row| row.key.1).collect(), used_until, notices })
    }
}

impl SweptTable {
    /// The name of the job's state and of its writes.
    fn name(self) -> &'static str {
        match self {
            Self::Sessions => "clean_up_sessions",
            Self::Grants => "clean_up_grants",
        }
    }

    /// The next rows in the order of their keys, read in parts between which other requests have their turn.
    async fn read(
        self,
        app: &App,
        mut after: Option<(ProjectNo, [u8; 16])>,
        now: Timestamp,
        pace: Pace,
    ) -> Result<Vec<SeenRow>, StoreError> {
        let part = pace.rows_at_once(LOOK);
        let mut seen = Vec::new();
        for _ in 0..LOOK / part {
            let found = self.read_part(app, (after, part), now).await?;
            let Some(last) = found.last() else { break };
            after = Some(last.key);
            seen.extend(found);
            pace.rest(&app.store).await?;
        }
        Ok(seen)
    }

    async fn read_part(
        self,
        app: &App,
        (after, rows): (Option<(ProjectNo, [u8; 16])>, i64),
        now: Timestamp,
    ) -> Result<Vec<SeenRow>, StoreError> {
        let mut conn = app.store.read().await?;
        let project = |no: &ProjectNo| app.projects.find_by_no(*no);
        Ok(match self {
            Self::Sessions => {
                let after = after.map(|(no, id)| (no, SessionId::from_bytes(id)));
                let rows = sessions::scan_any_project(&mut conn, after, rows).await?;
                let look = |(no, session): (ProjectNo, Session)| SeenRow {
                    key: (no, *session.id.as_bytes()),
                    last_access_at: session.last_access_at,
                    end: project(&no).and_then(|project| end_of_session(&project, &session, now)),
                };
                rows.into_iter().map(look).collect()
            }
            Self::Grants => {
                let after = after.map(|(no, id)| (no, GrantId::from_bytes(id)));
                let rows = grants::scan_any_project(&mut conn, after, rows).await?;
                let look = |(no, grant, is_anonymous): (ProjectNo, Grant, bool)| SeenRow {
                    key: (no, *grant.id.as_bytes()),
                    last_access_at: grant.last_access_at,
                    end: project(&no).and_then(|project| end_of_grant(&project, &grant, is_anonymous, now)),
                };
                rows.into_iter().map(look).collect()
            }
        })
    }

    /// Removes rows, unless another node recorded a use since they were read; answers how many, with grants of sessions, and how long
    /// it took.
    async fn remove(self, app: &App, rows: EndedRows) -> Result<(u64, Duration), StoreError> {
        let now = app.clock.now();
        app.store
            .write(self.name(), rows, move |tx, rows| {
                Box::pin(async move {
                    let watch = Stopwatch::start();
                    let removed = match self {
                        Self::Sessions => remove_sessions(tx, rows, now).await?,
                        Self::Grants => remove_grants(tx, rows, now).await?,
                    };
                    Ok::<_, StoreError>((removed, watch.elapsed()))
                })
            })
            .await
    }
}

async fn remove_sessions(tx: &mut Tx, rows: &EndedRows, now: Timestamp) -> Result<u64, StoreError> {
    let ids: Vec<SessionId> = rows.ids.iter().copied().map(SessionId::from_bytes).collect();
    let mut found = Vec::new();
    for id in &ids {
        found.extend(rows.notices.find_of_session(tx, *id).await?);
    }
    let (removed, grants) = ended::remove_sessions(tx, rows.no, &ids, rows.used_until).await?;
    let gone: HashSet<SessionId> = removed.into_iter().collect();
    found.retain(|grant| grant.session_id.is_some_and(|id| gone.contains(&id)));
    rows.notices.queue(tx, &found, now).await?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX).saturating_add(grants))
}

async fn remove_grants(tx: &mut Tx, rows: &EndedRows, now: Timestamp) -> Result<u64, StoreError> {
    let ids: Vec<GrantId> = rows.ids.iter().copied().map(GrantId::from_bytes).collect();
    let mut found = Vec::new();
    for id in &ids {
        found.extend(rows.notices.find(tx, *id).await?);
    }
    let removed = ended::remove_grants(tx, rows.no, &ids, rows.used_until).await?;
    let gone: HashSet<GrantId> = removed.into_iter().collect();
    found.retain(|grant| gone.contains(&grant.id));
    rows.notices.queue(tx, &found, now).await?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}

fn end_of_session(project: &Project, session: &Session, now: Timestamp) -> Option<End> {
    let used_at = (session.last_access_at, project.accesses.recall(SessionRef::Session(session.id)));
    find_end(project.settings.session_lifetime(), session.created_at, used_at, now)
}

/// How long a grant is kept whose application this process does not know: another node may have just created it.
const UNKNOWN_CLIENT: Duration = Duration::from_secs(3_600);

fn end_of_grant(project: &Project, grant: &Grant, is_anonymous: bool, now: Timestamp) -> Option<End> {
    // The application was removed, and one that gets its ID later starts anew.
    let Some(client) = project.settings.client(&grant.client_id) else {
        return (now > grant.created_at.plus(UNKNOWN_CLIENT)).then_some(End::Final);
    };
    if project.is_from_before(&grant.client_id, grant.created_at) || grant.ends_at.is_some_and(|at| now > at) {
        return Some(End::Final);
    }
    let used_at = (grant.last_access_at, project.accesses.recall(SessionRef::Grant(grant.id)));
    find_end(client.grant_lifetime(is_anonymous), grant.created_at, used_at, now)
}

/// Why it has ended, even if another process knows of a use that was not written down.
fn find_end(
    lifetime: Lifetime,
    created_at: Timestamp,
    (recorded, remembered): (Timestamp, Option<Timestamp>),
    now: Timestamp,
) -> Option<End> {
    let used_at = known_use(recorded, remembered).plus(LONGEST_COALESCE);
    if lifetime.is_alive(created_at, used_at, now) {
        return None;
    }
    Some(if now > created_at.plus(lifetime.hard) { End::Final } else { End::Idle })
}
