//! The request context: the project, the time and the source of one request, command or job.

use std::{net::IpAddr, sync::Arc};

use tracing::field::DisplayValue;
use vestibule_domain::time::Timestamp;

use crate::{crypto::hex_digits, projects::Project, state::App};

/// What every use case knows about the request that it serves.
#[derive(Clone, Copy)]
pub struct Ctx<'a> {
    pub app: &'a App,
    pub project: &'a Arc<Project>,
    /// Taken once per request.
    pub now: Timestamp,
    /// The client's address; none in commands and jobs, which limits per address do not apply to.
    pub ip: Option<IpAddr>,
    /// None in commands and jobs.
    pub request_id: Option<RequestId>,
    /// Whether it counts as a use of its session, grant or key.
    pub is_use: bool,
}

impl<'a> Ctx<'a> {
    /// The request ID, as a field of a log line.
    pub(crate) fn log_id(&self) -> Option<DisplayValue<RequestId>> {
        self.request_id.map(tracing::field::display)
    }

    /// The context of a command or a job.
    pub const fn without_request(app: &'a App, project: &'a Arc<Project>, now: Timestamp) -> Self {
        Self { app, project, now, ip: None, request_id: None, is_use: true }
    }
}

/// The request ID in logs and in the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId([u8; 16]);

impl RequestId {
    pub fn new(random: [u8; 8]) -> Self {
        Self(hex_digits(random))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
