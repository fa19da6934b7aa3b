//! An event of the audit log.

use crate::{id::UserId, time::Timestamp};

/// A logged event.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedEvent {
    /// Sequence number, increasing over the whole store.
    pub seq: i64,
    /// The user it is about.
    pub user_id: Option<UserId>,
    /// Its name.
    pub kind: String,
    /// The application it happened in.
    pub client_id: Option<String>,
    /// The whole event, as JSON.
    pub body: String,
    /// When it happened.
    pub created_at: Timestamp,
}
