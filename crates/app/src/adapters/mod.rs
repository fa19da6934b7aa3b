//! Adapters for side effects (clock, randomness, mail, SMS, HTTP), each with a fake for tests.

pub mod clock;
pub mod entropy;
mod http_client;
pub(crate) mod lookup;
pub mod mailer;
pub mod outbound;
pub(crate) mod provider_http;
pub mod sms;
#[cfg(feature = "otel")]
pub mod traces;
pub mod webhook;
