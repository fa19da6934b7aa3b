//! What operators and their programs do: the Admin API and the portal use the same flows.

pub(crate) mod applications;
pub(crate) mod audit;
pub(crate) mod credentials;
pub(crate) mod deliveries;
pub(crate) mod device_keys;
pub(crate) mod idempotency;
pub(crate) mod impact;
pub mod keys;
pub(crate) mod messages;
pub(crate) mod origin;
pub(crate) mod people;
pub(crate) mod projects;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod statistics;
pub(crate) mod transfer;
pub(crate) mod user_lists;
pub(crate) mod users;
pub(crate) mod webhooks;

use std::net::IpAddr;

use serde_json::{Map, Value};
use vestibule_domain::{
    event::{Context, Event, TriggeredBy},
    id::UserId,
    time::Timestamp,
};
use vestibule_store::StoreError;

use crate::{
    app::App,
    events::{self, QueuedEvent},
    projects::Project,
};

/// Who acts, and from where.
#[derive(Clone, Debug)]
pub struct Operator {
    pub(crate) by: TriggeredBy,
    pub(crate) ip: Option<IpAddr>,
    /// Whatever it wants to have remembered with the event.
    pub(crate) audit_context: Map<String, Value>,
}

impl Operator {
    /// Whoever sits at the terminal: the event log can only say with which command.
    #[must_use]
    pub fn at_terminal(command: &str) -> Self {
        let audit_context = Map::from_iter([("command".to_string(), Value::from(format!("vestibule {command}")))]);
        Self { by: TriggeredBy::System, ip: None, audit_context }
    }

    /// The circumstances of something this operator does.
    pub(crate) fn context(&self, project: &Project, user: Option<UserId>, now: Timestamp) -> Context {
        let mut context = Context::new(&project.id, self.by, now);
        context.user_id = user;
        context.ip_address = self.ip.map(|ip| ip.to_string());
        context.audit_context.clone_from(&self.audit_context);
        context
    }

    /// Makes an event of this operator's ready to be queued.
    pub(crate) fn prepare(
        &self,
        app: &App,
        project: &Project,
        event: &Event,
        user: Option<UserId>,
        now: Timestamp,
    ) -> QueuedEvent {
        events::prepare_in(app, event, &self.context(project, user, now))
    }
}

/// One thing wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The member, e.g. `login_ids[0].value`; empty when it is the whole.
    pub(crate) path: String,
    /// What to do.
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

/// Why an operator's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("{} fault(s) in what was sent", .0.len())]
    Invalid(Vec<Fault>),
    #[error("it is not possible now: {0}")]
    Conflict(Clash),
    #[error("somebody else changed it: its version is {current}")]
    Changed {
        /// The version it has now.
        current: i64,
    },
    #[error(
        "project.public_origin cannot be changed here: an owner of every project changes it in the portal, or `vestibule project apply` on the server"
    )]
    OriginFixed,
    #[error(transparent)]
    Flow(#[from] super::Error),
    #[error("the projects cannot be loaded: {0}")]
    Load(#[from] crate::projects::LoadError),
}

/// Why something does not go together with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Clash {
    #[error("a login ID belongs to another user")]
    LoginIdTaken,
    #[error("the user is a member already")]
    AlreadyMember,
    #[error("the guest gave way to another user, or is disabled")]
    NotActive,
    #[error("the client_id belongs to another application")]
    ClientIdTaken,
    #[error("the application needs no secret")]
    NoSecretNeeded,
    #[error("it waits to be delivered")]
    StillWaiting,
    #[error("a key has this id already")]
    KeyIdTaken,
}

impl AdminError {
    /// A refusal with one fault.
    pub(crate) fn fault(path: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(path, message)])
    }
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A page of at most `limit` of the items that were read; one more than that tells that there is a next one.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, print: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(print);
        Self { items, next }
    }
}

/// Reads a cursor that is a number.
pub(crate) fn read_number(cursor: Option<&str>) -> Result<Option<i64>, AdminError> {
    let read =
        |text: &str| text.parse::<i64>().map_err(|_| AdminError::fault("cursor", "this is not a cursor of this list"));
    cursor.map(read).transpose()
}
