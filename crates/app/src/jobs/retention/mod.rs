//! The retention of guests (decision 88): walks through the guests of each project that has rules, counts what new rules would do, and
//! warns, expires, erases and revives. What was done and where the walk stands is one transaction, so a crash, a restart or a second
//! node at any point neither repeats nor skips anything.

mod carry_out;
mod look;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{
    event::{Context, Event, TriggeredBy},
    id::UserId,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, job_state};

use self::{
    carry_out::{Batch, Outcome},
    look::{Act, Page},
};
use super::pace::Pace;
use crate::{
    events,
    projects::Project,
    retention::plan::{Record, Rules, name_of_record},
    state::App,
};

const PERIOD: Duration = Duration::from_secs(60);
/// How often in a row a batch may meet a guest that is just being used, before the run rests.
const TRIES: usize = 5;

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        for project in app.projects.all() {
            if *stop.borrow() {
                return;
            }
            if let Err(error) = sweep(&app, &project).await {
                tracing::warn!(project.id = project.id, error = %error, "the retention of guests stopped early; retrying later");
            }
        }
    }
}

/// Walks on through a project's guests until the walk ends, or there is nothing to do.
///
/// # Errors
/// The store's; what was done stays done.
pub async fn sweep(app: &App, project: &Arc<Project>) -> Result<(), StoreError> {
    let rules = Rules::of(&project.settings);
    let (mut pace, mut tries) = (Pace::new(app.store.engine()), 0);
    if !rules.are_empty {
        // What is shown and counted is then as new as what this process knows.
        super::accesses::flush_due_of(app, project).await?;
    }
    loop {
        let mut conn = app.store.read().await?;
        let before = job_state::get(&mut conn, &name_of_record(project.no)).await?.and_then(|(cursor, _)| cursor);
        if rules.are_empty && before.is_none() {
            return Ok(());
        }
        let now = app.store_clock.now(&mut conn).await?;
        let Some(record) = Record::read(before.as_deref()).begin(&rules, now) else { return Ok(()) };
        drop(conn);
        let page = look::read((&app.store, pace), project, &record, now).await?;
        let run = PageRun { app, project, now };
        match run.carry_out(page, (before, record), &mut pace).await? {
            Progress::Page => tries = 0,
            Progress::End => return Ok(()),
            Progress::Overtaken if tries < TRIES => tries += 1,
            Progress::Overtaken => return Ok(()),
        }
        tokio::task::yield_now().await;
    }
}

/// How far a page of guests came.
enum Progress {
    /// To its end.
    Page,
    /// To the end of the walk.
    End,
    /// Another node went on with the walk, or a guest was just being used: read again.
    Overtaken,
}

/// A page of a walk that is carried out.
struct PageRun<'a> {
    app: &'a App,
    project: &'a Arc<Project>,
    now: Timestamp,
}

impl PageRun<'_> {
    /// Carries out a page in transactions that take milliseconds. Each one moves the walk to the last guest that it did.
    async fn carry_out(
        &self,
        page: Page,
        (mut before, mut record): (Option<Vec<u8>>, Record),
        pace: &mut Pace,
    ) -> Result<Progress, StoreError> {
        let Page { end, mut acts, counts } = page;
        if let Some(walk) = &mut record.walk {
            look::add_counts(&mut walk.applications, counts);
        }
        loop {
            let rest = acts.split_off(pace.share(acts.len()));
            let is_last = rest.is_empty();
            let number = acts.len();
            let reached = if is_last { end } else { acts.last().map(|act| act.id) };
            let batch = self.batch((before.take(), record), acts, (reached, is_last));
            let turn = Pace::begin(&self.app.store);
            match batch.write(self.app).await? {
                Outcome::Done { written, record: new, took } => {
                    pace.learn(turn, number, took).await?;
                    if !is_last {
                        (before, record, acts) = (Some(written), *new, rest);
                        tokio::task::yield_now().await;
                        continue;
                    }
                    return Ok(if new.walk.is_some() { Progress::Page } else { Progress::End });
                }
                Outcome::Overtaken => return Ok(Progress::Overtaken),
            }
        }
    }

    fn batch(
        &self,
        (before, record): (Option<Vec<u8>>, Record),
        acts: Vec<Act>,
        (reached, is_last): (Option<UserId>, bool),
    ) -> Batch {
        Batch {
            project: Arc::clone(self.project),
            entropy: self.app.entropy.clone(),
            notices: crate::logout_notices::LogoutNotices::of(self.app, self.project),
            before,
            record,
            acts,
            reached,
            is_last,
            now: self.now,
        }
    }
}

/// Writes into the audit log what a walk did, if anything.
async fn report(tx: &mut Tx, batch: &Batch, record: &Record) -> Result<(), StoreError> {
    let Some(last) = record.last.as_ref().filter(|last| last.ended_at == batch.now) else { return Ok(()) };
    if last.done == crate::retention::Done::default() {
        return Ok(());
    }
    let done = last.done;
    let event = Event::RetentionCompleted {
        warned: done.warned,
        expired: done.expired,
        erased: done.erased,
        revived: done.revived,
    };
    let context = Context::new(&batch.project.id, TriggeredBy::System, batch.now);
    let event = events::prepare_in(&batch.entropy, &event, &context);
    events::queue_of_project(tx, batch.project.no, &event, batch.now).await
}
