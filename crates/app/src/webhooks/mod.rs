//! Blocking webhooks. Notifications are delivered by a job.

pub mod hooks;
pub mod veto;
