//! What an operator of the whole server wants to know at a glance: whether it is ready, its versions, and what waits.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{delivery::DeliveryState, id::ProjectNo};
use vestibule_store::{Conn, Engine, Store, StoreError, checks, deliveries, outbox};

use crate::{
    events::{OUTBOX_KIND, UNREADABLE_KIND},
    messages,
    readiness::{self, NotReady},
    state::App,
};

/// The state of this process and of its store.
#[derive(Debug)]
pub struct ServerHealth {
    /// Why the process is not ready; none if it is.
    pub problem: Option<NotReady>,
    pub versions: Versions,
    pub queues: Queues,
    /// Age of the oldest queued email, text message or event; zero when none is queued.
    pub oldest: Duration,
    /// How often background jobs of this process failed since it started.
    pub job_restarts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub program: &'static str,
    pub engine: Engine,
    /// The newest migration of the store.
    pub schema: i64,
    /// The newest migration that the program knows.
    pub newest_schema: i64,
}

/// How much of each kind waits, in all projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    pub mails: i64,
    pub texts: i64,
    pub events: i64,
    pub deliveries: i64,
    /// Deliveries that were given up; an operator can send them again.
    pub dead_deliveries: i64,
    /// Events that are kept aside because they can't be read.
    pub unreadable_events: i64,
}

/// Looks at everything; counts what is queued, so it costs more the more that is.
///
/// # Errors
/// When the store can't be read.
pub async fn look(app: &Arc<App>) -> Result<ServerHealth, StoreError> {
    let problem = readiness::check(app).await.err();
    let oldest = crate::jobs::outbox::age_of_oldest(app).await?;
    let projects: Vec<ProjectNo> = app.projects.all().iter().map(|project| project.no).collect();
    let mut conn = app.store.read().await?;
    let schema = checks::schema(&mut conn).await?;
    let versions = Versions {
        program: env!("CARGO_PKG_VERSION"),
        engine: app.store.engine(),
        schema,
        newest_schema: Store::NEWEST_SCHEMA,
    };
    let queues = count_queues(&mut conn, &projects).await?;
    Ok(ServerHealth { problem, versions, queues, oldest, job_restarts: app.metrics.job_restarts() })
}

async fn count_queues(conn: &mut Conn, projects: &[ProjectNo]) -> Result<Queues, StoreError> {
    let mut queues = Queues {
        events: outbox::count_any_project(conn, OUTBOX_KIND).await?,
        unreadable_events: outbox::count_any_project(conn, UNREADABLE_KIND).await?,
        ..Queues::default()
    };
    (queues.mails, queues.texts) = messages::count_queued(conn).await?;
    for no in projects {
        queues.deliveries += deliveries::count(conn, *no, DeliveryState::Waiting).await?;
        queues.dead_deliveries += deliveries::count(conn, *no, DeliveryState::Dead).await?;
    }
    Ok(queues)
}
