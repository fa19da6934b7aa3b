//! The health of the whole server, for owners of every project: versions, readiness, queues.

use askama::Template;
use vestibule_app::server_health::{self, Queues, ServerHealth};
use vestibule_domain::operator::Role;
use vestibule_web::template::finish;

use crate::{
    OperatorRequest, PageResult, PortalRoute, Verb,
    frame::{PortalContext, PortalPage},
};

/// Age of the oldest queued message from which on something is wrong, as in the alert rules.
const LATE_SECONDS: u64 = 300;

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![PortalRoute::operator(Verb::Get, "/portal/health", Some(Role::Owner), show)]
}

async fn show(request: OperatorRequest) -> PageResult {
    let health = server_health::look(&request.app).await?;
    request.show(&HealthPage::of(&health))
}

/// One queue, or another number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HealthLine {
    pub label: &'static str,
    pub value: String,
    /// What to do, if the number is not as it should be.
    pub advice: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct HealthPage {
    /// Why the server is not ready.
    pub problem: Option<String>,
    pub versions: Vec<HealthLine>,
    pub queues: Vec<HealthLine>,
}

fn line(label: &'static str, value: impl ToString) -> HealthLine {
    HealthLine { label, value: value.to_string(), advice: None }
}

/// A number that should be zero.
fn alarm(label: &'static str, count: i64, advice: &'static str) -> HealthLine {
    HealthLine { label, value: count.to_string(), advice: (count > 0).then_some(advice) }
}

impl HealthPage {
    fn of(health: &ServerHealth) -> Self {
        let versions = &health.versions;
        let Queues { mails, texts, events, deliveries, dead_deliveries, unreadable_events } = health.queues;
        let store = match versions.engine {
            vestibule_app::StoreEngine::Sqlite => "Embedded (SQLite)",
            vestibule_app::StoreEngine::Postgres => "PostgreSQL",
        };
        let seconds = health.oldest.as_secs();
        let oldest = HealthLine {
            label: "Age of the oldest one",
            value: format!("{seconds} s"),
            advice: (seconds > LATE_SECONDS)
                .then_some("Look at the log: it says what the mail server or the SMS provider answered."),
        };
        let restarts = i64::try_from(health.job_restarts).unwrap_or(i64::MAX);
        Self {
            problem: health.problem.as_ref().map(ToString::to_string),
            versions: vec![
                line("Vestibule", versions.program),
                line("Store", store),
                line("Schema", format!("{} (this program knows {})", versions.schema, versions.newest_schema)),
            ],
            queues: vec![
                line("Emails", mails),
                line("Text messages", texts),
                line("Events", events),
                oldest,
                line("Webhook deliveries", deliveries),
                alarm(
                    "Failed webhook deliveries",
                    dead_deliveries,
                    "See Webhooks of each project: failed deliveries can be sent again.",
                ),
                alarm(
                    "Unreadable events",
                    unreadable_events,
                    "Kept aside; see the section Damage of the backup guide.",
                ),
                alarm("Restarts of background jobs", restarts, "The log names the job and the reason."),
            ],
        }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use std::time::Duration;

        use vestibule_app::{StoreEngine, StoreError, readiness::NotReady, server_health::Versions};

        let versions = Versions { program: "0.1.0", engine: StoreEngine::Sqlite, schema: 30, newest_schema: 30 };
        let good = ServerHealth {
            problem: None,
            versions,
            queues: Queues::default(),
            oldest: Duration::ZERO,
            job_restarts: 0,
        };
        let queues =
            Queues { mails: 12, texts: 1, events: 400, deliveries: 33, dead_deliveries: 2, unreadable_events: 1 };
        let bad = ServerHealth {
            problem: Some(NotReady::Write(StoreError::Closed)),
            queues,
            oldest: Duration::from_secs(900),
            job_restarts: 4,
            versions: Versions { engine: StoreEngine::Postgres, ..versions },
        };
        vec![("good", Self::of(&good)), ("bad", Self::of(&bad))]
    }
}

impl PortalPage for HealthPage {
    fn title(&self) -> String {
        "Server health".into()
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Projects".into()))
    }

    fn body(&self, _: &PortalContext) -> String {
        finish(HealthBody { page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/health.html")]
struct HealthBody<'a> {
    page: &'a HealthPage,
}
