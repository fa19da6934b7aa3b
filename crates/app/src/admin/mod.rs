//! Use cases of operators, shared by the Admin API and the portal.

pub mod applications;
pub mod audit;
pub mod bulk;
pub mod consents;
pub mod credentials;
pub mod deliveries;
pub mod device_keys;
pub mod first_steps;
pub mod handshakes;
pub mod history;
pub mod idempotency;
pub mod impact;
pub mod keys;
pub mod login_ids;
pub mod member_mails;
pub mod merges;
pub mod messages;
pub mod origin;
pub mod projects;
pub mod providers;
pub mod recount;
pub mod recount_methods;
pub mod sessions;
pub mod settings;
pub mod statistics;
pub mod subjects;
pub mod transfer;
pub mod user_details;
pub mod user_lists;
pub mod users;
pub mod webhooks;

use std::fmt;

use vestibule_domain::{
    handshake::MergeState,
    project::{DocumentProblem, ProblemKind},
};
use vestibule_store::StoreError;

use crate::{
    actor::ActError,
    projects::{ProjectLoadError, change::ApplyError},
};

/// A problem of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The member, such as `login_ids[0].value`; empty for the whole input.
    pub path: String,
    /// What to do.
    pub message: String,
    /// The kind of a problem in a settings document.
    pub kind: ProblemKind,
}

impl Fault {
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), kind: ProblemKind::Other }
    }
}

/// Why an action of an operator was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    #[error("{0} not found")]
    NotFound(Thing),
    #[error("the request has {}", if .0.len() == 1 { "1 error".to_string() } else { format!("{} errors", .0.len()) })]
    Invalid(Vec<Fault>),
    #[error("not possible now: {0}")]
    Conflict(Clash),
    #[error("it was changed by another request: its version is now {current}")]
    Changed {
        /// The current version.
        current: i64,
    },
    #[error(
        "project.public_origin cannot be changed here: an owner of every project changes it in the portal, or `vestibule project apply` on the server"
    )]
    OriginFixed,
    #[error("your role does not allow this any more")]
    RoleLost,
    #[error(transparent)]
    Flow(#[from] crate::error::Error),
    #[error("the projects cannot be loaded: {0}")]
    Load(#[from] ProjectLoadError),
}

/// What was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    AdminKey,
    Application,
    ClientSecret,
    Consent,
    Delivery,
    DeviceKey,
    Hold,
    Logo,
    Merge,
    LoginId,
    Project,
    Provider,
    Session,
    User,
    Webhook,
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminKey => "key",
            Self::Application => "application",
            Self::ClientSecret => "secret",
            Self::Consent => "consent",
            Self::Delivery => "delivery",
            Self::DeviceKey => "device key",
            Self::Hold => "hold",
            Self::Logo => "logo",
            Self::Merge => "merge",
            Self::LoginId => "login ID",
            Self::Project => "project",
            Self::Provider => "provider or its secret",
            Self::Session => "session",
            Self::User => "user",
            Self::Webhook => "webhook",
        })
    }
}

/// Why an action conflicts with the current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    #[error("a login ID belongs to another user")]
    LoginIdTaken,
    #[error("the user is already a member")]
    AlreadyMember,
    #[error("the guest signed in to an existing member, or is disabled")]
    NotActive,
    #[error("the client_id belongs to another application")]
    ClientIdTaken,
    #[error("the application needs no secret")]
    NoSecretNeeded,
    #[error("the delivery is still pending")]
    StillWaiting,
    #[error("another key has this ID")]
    KeyIdTaken,
    #[error("the guest has not expired")]
    NotExpired,
    #[error("the rules or their dry run changed: read them again")]
    PlanChanged,
    #[error("the user has 100 holds: remove some first")]
    TooManyHolds,
    #[error("the merge is {}: it can't be changed so any more", .0.as_str())]
    MergeEnded(MergeState),
    #[error("the guest waits to be merged: settle or refuse its merge first")]
    MergeWaits,
    #[error("the merge can't be undone: it is not settled, or the time for it is over")]
    MergeNotUndoable,
    #[error("the project was changed at the same time: try again")]
    ChangedMeanwhile,
    #[error("other users match the filter now: look at them again")]
    SelectionChanged,
}

impl From<DocumentProblem> for Fault {
    fn from(problem: DocumentProblem) -> Self {
        Self { path: problem.path, message: problem.message, kind: problem.kind }
    }
}

impl From<Vec<DocumentProblem>> for AdminError {
    fn from(problems: Vec<DocumentProblem>) -> Self {
        Self::Invalid(problems.into_iter().map(Fault::from).collect())
    }
}

impl From<ActError> for AdminError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::RoleLost => Self::RoleLost,
            ActError::Store(error) => Self::Store(error),
        }
    }
}

impl From<ApplyError> for AdminError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Store(error) => Self::Store(error),
            ApplyError::Host(clash) => Self::fault("project.public_origin", clash.to_string()),
            ApplyError::RoleLost => Self::RoleLost,
            // Use cases that know the version respond with it instead.
            ApplyError::ChangedConcurrently => Self::Conflict(Clash::ChangedMeanwhile),
            ApplyError::Key(error) => Self::Load(ProjectLoadError::Settings(String::new(), error.to_string())),
            ApplyError::Unreadable(id, why) => Self::Load(ProjectLoadError::Settings(id, why)),
        }
    }
}

impl AdminError {
    /// A refusal with one problem.
    pub fn fault(path: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(path, message)])
    }
}

#[derive(Debug)]
pub struct ListPage<T> {
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

impl<T> ListPage<T> {
    /// A page of at most `limit` of the items that were read; one more than that tells that there is a next one.
    pub fn cut(mut items: Vec<T>, limit: u32, print: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(print);
        Self { items, next }
    }
}

/// Reads a cursor that is a number.
pub fn read_number(cursor: Option<&str>) -> Result<Option<i64>, AdminError> {
    let read = |text: &str| {
        text.parse::<i64>().map_err(|_| AdminError::fault("cursor", "the cursor is not valid for this list"))
    };
    cursor.map(read).transpose()
}
