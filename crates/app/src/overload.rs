//! Requests that are refused because something is full or the store does not answer. Each is counted; callers can cause them, so
//! the log has one line a minute for each reason.

use crate::{error::Error, log_rate::OncePerMinute};

/// What a request was refused for. A response of the Admin API or the portal carries it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// The store is busy, unreachable, or can't use its disk.
    Store,
    /// Too much work for the processor is queued: passwords, large bodies, imports.
    Processor,
    /// The project has its share of what projects share.
    Share,
}

impl Overload {
    pub const ALL: [Self; 3] = [Self::Store, Self::Processor, Self::Share];

    /// The overload behind an error; none for other errors.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error is the caller's, or a failure of its own")]
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Store(failure) if failure.is_transient() => Some(Self::Store),
            Error::PasswordsOverloaded => Some(Self::Processor),
            Error::ShareUsedUp => Some(Self::Share),
            _ => None,
        }
    }

    /// The reason in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Processor => "processor",
            Self::Share => "share",
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::Store => "requests are refused: the store is busy, unreachable, or can't use its disk",
            Self::Processor => "requests are refused: too many passwords or large bodies are queued",
            Self::Share => "requests are refused: a project has its share of webhook calls, streams or exports",
        }
    }
}

/// When each was last logged.
#[derive(Debug, Default)]
pub struct OverloadWarnings([OncePerMinute; 3]);

impl OverloadWarnings {
    /// Logs a refused request, unless the last line about the same reason is less than a minute old.
    pub fn log(&self, overload: Overload, request_id: &str, detail: &str) {
        let reason = overload.as_str();
        if self.0[overload as usize].is_due() {
            tracing::warn!(
                request.id = request_id,
                refused.reason = reason,
                refused.detail = detail,
                "{}",
                overload.describe()
            );
        } else {
            tracing::debug!(
                request.id = request_id,
                refused.reason = reason,
                refused.detail = detail,
                "{}",
                overload.describe()
            );
        }
    }
}
