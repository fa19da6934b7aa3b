//! Rate limit for warnings that callers can cause: once a minute, in all or for each project.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use vestibule_domain::id::ProjectNo;

const PAUSE: Duration = Duration::from_secs(60);

/// When a warning was last logged.
#[derive(Debug, Default)]
pub struct OncePerMinute(Mutex<Option<Instant>>);

impl OncePerMinute {
    /// Whether to log the warning now.
    pub fn is_due(&self) -> bool {
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
pub struct ProxyWarnings {
    /// About a host name that is not passed on.
    pub host: OncePerMinute,
    /// About a scheme that is not passed on.
    pub scheme: OncePerMinute,
}

/// When a warning about each project was last logged.
#[derive(Debug, Default)]
pub struct OncePerMinuteEach(Mutex<HashMap<ProjectNo, Instant>>);

impl OncePerMinuteEach {
    /// Whether to log the warning about this project now.
    pub fn is_due(&self, project: ProjectNo) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, last| last.elapsed() < PAUSE);
        let is_due = !last.contains_key(&project);
        if is_due {
            last.insert(project, Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_project_has_its_own_minute() {
        let (warning, one, other) = (OncePerMinuteEach::default(), ProjectNo(1), ProjectNo(2));
        assert!(warning.is_due(one) && !warning.is_due(one) && warning.is_due(other));
        let past = Instant::now().checked_sub(PAUSE).expect("a minute of uptime");
        warning.0.lock().expect("whole").insert(one, past);
        assert!(warning.is_due(one) && !warning.is_due(other));
    }

    #[test]
    fn a_second_one_within_a_minute_is_not_due() {
        let warning = OncePerMinute::default();
        assert!(warning.is_due());
        assert!(!warning.is_due());
        *warning.0.lock().expect("whole") = Instant::now().checked_sub(PAUSE);
        assert!(warning.is_due());
    }
}
