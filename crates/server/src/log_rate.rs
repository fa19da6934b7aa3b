//! Rate limit for warnings that unauthenticated callers can cause: once a minute.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const PAUSE: Duration = Duration::from_secs(60);

/// When a warning was last logged.
#[derive(Debug, Default)]
pub(crate) struct OncePerMinute(Mutex<Option<Instant>>);

impl OncePerMinute {
    /// Whether to log the warning now.
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < PAUSE) {
            return false;
        }
        *last = Some(Instant::now());
        true
    }
}

/// When the last warnings about reverse proxies were logged.
#[derive(Debug, Default)]
pub(crate) struct ProxyWarnings {
    /// About a host name that is not passed on.
    pub(crate) host: OncePerMinute,
    /// About a scheme that is not passed on.
    pub(crate) scheme: OncePerMinute,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_within_a_minute_is_not_due() {
        let warning = OncePerMinute::default();
        assert!(warning.is_due());
        assert!(!warning.is_due());
        *warning.0.lock().expect("whole") = Instant::now().checked_sub(PAUSE);
        assert!(warning.is_due());
    }
}
