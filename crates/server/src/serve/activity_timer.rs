//! The state of a connection and its timeouts.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};
use vestibule_app::{config::Server, metrics::Cut};

/// A deadline that is never reached, in milliseconds.
const NEVER: u64 = 1_000_000_000_000;

/// The timeouts of a connection's phases, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    head: u64,
    idle: u64,
    write: u64,
    age: u64,
}

impl Timeouts {
    pub(super) fn of(limits: &Server) -> Self {
        let millis = |seconds: u64| seconds.saturating_mul(1_000).min(NEVER);
        Self {
            head: millis(limits.header_timeout_seconds),
            idle: millis(limits.idle_timeout_seconds),
            write: millis(limits.write_timeout_seconds),
            age: millis(limits.max_connection_age_seconds),
        }
    }
}

/// The phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Silent,
    Idle,
    Head,
    Answering,
}

impl Phase {
    const ALL: [Self; 4] = [Self::Silent, Self::Idle, Self::Head, Self::Answering];
}

/// The state of one connection, shared by its socket, its requests and its supervisor; all of them run in one task.
pub(super) struct ActivityTimer {
    opened: Instant,
    timeouts: Timeouts,
    phase: AtomicU8,
    /// The start of the phase, in milliseconds since the connection was opened.
    since: AtomicU64,
    /// When writing became blocked, in milliseconds since the connection was opened, plus one; 0 while it is not.
    blocked: AtomicU64,
    is_reset: AtomicBool,
}

impl ActivityTimer {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self {
            opened: Instant::now(),
            timeouts,
            phase: AtomicU8::new(Phase::Silent as u8),
            since: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            is_reset: AtomicBool::new(false),
        }
    }

    pub(super) fn received(&self) {
        match self.phase() {
            Phase::Silent | Phase::Idle => self.enter(Phase::Head),
            // More of the same head, or the body of a request.
            Phase::Head | Phase::Answering => {}
        }
    }

    /// A request has begun; returns true when it must be the last one of this connection.
    pub(super) fn begin_answer(&self) -> bool {
        self.enter(Phase::Answering);
        self.since.load(Relaxed) >= self.timeouts.age
    }

    /// The response was handed over whole.
    pub(super) fn end_answer(&self) {
        self.enter(Phase::Idle);
    }

    /// Writing is blocked: the peer does not read.
    pub(super) fn is_blocked(&self) {
        if self.blocked.load(Relaxed) == 0 {
            self.blocked.store(self.now() + 1, Relaxed);
        }
    }

    /// The peer has read some bytes.
    pub(super) fn sent(&self) {
        if self.blocked.load(Relaxed) != 0 {
            self.blocked.store(0, Relaxed);
        }
    }

    /// Whether the socket should discard unsent data at once.
    pub(super) fn is_reset(&self) -> bool {
        self.is_reset.load(Relaxed)
    }

    /// Runs the connection until it ends or exceeds a timeout; returns which one.
    pub(super) async fn watch(&self, mut connection: Pin<&mut impl Future>) -> Option<Cut> {
        let mut alarm = pin!(sleep_until(self.deadline().0));
        poll_fn(|context| {
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            // Deadlines mostly move away with each request, so only an earlier one needs a new timer at once.
            let (due, _) = self.deadline();
            if due < alarm.deadline() {
                alarm.as_mut().reset(due);
            }
            while alarm.as_mut().poll(context).is_ready() {
                let (due, cut) = self.deadline();
                if due <= Instant::now() {
                    self.is_reset.store(cut == Cut::Write, Relaxed);
                    return Poll::Ready(Some(cut));
                }
                alarm.as_mut().reset(due);
            }
            Poll::Pending
        })
        .await
    }

    /// The next deadline without further activity, and its cause.
    fn deadline(&self) -> (Instant, Cut) {
        let (limit, cut) = match self.phase() {
            Phase::Silent | Phase::Head => (self.timeouts.head, Cut::Head),
            Phase::Idle => (self.timeouts.idle, Cut::Idle),
            Phase::Answering => (self.timeouts.age, Cut::Age),
        };
        let of_phase = (self.since.load(Relaxed).saturating_add(limit), cut);
        let (at, cut) = match self.blocked.load(Relaxed) {
            0 => of_phase,
            since => of_phase.min((since.saturating_add(self.timeouts.write), Cut::Write)),
        };
        (self.opened + Duration::from_millis(at.min(NEVER)), cut)
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.since.store(self.now(), Relaxed);
    }

    fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Relaxed)) % Phase::ALL.len()]
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Timeouts = Timeouts { head: 15_000, idle: 75_000, write: 30_000, age: 3_600_000 };

    /// The deadline in seconds since the connection was opened, and its cause.
    fn limit(timer: &ActivityTimer) -> (u64, Cut) {
        let (at, cut) = timer.deadline();
        ((at - timer.opened).as_secs(), cut)
    }

    #[test]
    fn each_phase_has_a_limit_of_its_own() {
        let timer = ActivityTimer::new(PATIENCE);
        assert_eq!(limit(&timer), (15, Cut::Head), "silent");
        timer.received();
        assert_eq!(limit(&timer), (15, Cut::Head), "the head");
        assert!(!timer.begin_answer());
        timer.received();
        assert_eq!(limit(&timer), (3_600, Cut::Age), "answering, while the body comes in");
        timer.is_blocked();
        assert_eq!(limit(&timer), (30, Cut::Write), "not read");
        timer.sent();
        assert_eq!(limit(&timer), (3_600, Cut::Age), "read again");
        timer.end_answer();
        assert_eq!(limit(&timer), (75, Cut::Idle), "idle");
        timer.received();
        assert_eq!(limit(&timer), (15, Cut::Head), "the next head");
    }

    #[test]
    fn more_bytes_of_a_head_do_not_win_time() {
        let timer = ActivityTimer::new(PATIENCE);
        timer.received();
        timer.since.store(1_000, Relaxed);
        timer.received();
        assert_eq!(limit(&timer), (16, Cut::Head));
    }

    #[test]
    fn a_connection_that_is_old_enough_takes_one_more_request() {
        let timer = ActivityTimer::new(Timeouts { age: 0, ..PATIENCE });
        assert!(timer.begin_answer());
    }

    #[test]
    fn limits_without_end_are_no_fault() {
        let limitless = Timeouts { head: u64::MAX, idle: u64::MAX, write: u64::MAX, age: u64::MAX };
        let timer = ActivityTimer::new(limitless);
        timer.is_blocked();
        assert_eq!(limit(&timer).0, NEVER / 1_000);
    }
}
