//! Blocking webhooks. Notifications are delivered by a job.

pub mod calls;
pub mod hooks;
pub mod veto;
