//! Every door to the outside, each with its test double.

pub mod clock;
pub mod entropy;
mod lookup;
pub mod mailer;
pub mod outbound;
pub mod sms;
#[cfg(feature = "otel")]
pub(crate) mod traces;
pub mod webhook;
