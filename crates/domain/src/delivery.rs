//! Deliveries of events to webhooks.

use crate::{id::ProjectNo, time::Timestamp};

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for its first or next try.
    Waiting,
    /// The receiver took it.
    Taken,
    /// It was given up: a dead letter.
    Dead,
}

/// A delivery as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its number; later ones are greater.
    pub id: i64,
    /// The project.
    pub project: ProjectNo,
    /// The event's number.
    pub seq: i64,
    /// What keeps its order with it: the user's id, or zeros.
    pub lane: Vec<u8>,
    /// The handler.
    pub url: String,
    /// The event's name.
    pub kind: String,
    /// The whole message, JSON.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Timestamp,
    /// Not before this time.
    pub due_at: Timestamp,
    /// When it was taken or given up.
    pub finished_at: Option<Timestamp>,
    /// The last answer's HTTP status.
    pub last_status: Option<i64>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}
