//! The state of a connection and its timeouts.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    task::Poll,
    time::Duration,
};

use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, Sleep, sleep_until},
};
use vestibule_app::{config::Server, metrics::Cut};

/// A deadline that is never reached, in milliseconds.
const NEVER: u64 = 1_000_000_000_000;
/// After this time without a byte, in milliseconds, a connection gives its buffers back until the next one.
const REST_AFTER: u64 = 1_000;

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
}

/// What follows a time without activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Cut(Cut),
    Rest,
}

/// How the serving of requests was interrupted.
pub(super) enum Watched {
    /// The connection has ended.
    Ended,
    /// It exceeded a timeout.
    Cut(Cut),
    /// No request is under way, and nothing was received or is unsent.
    Resting,
}

/// How a rest ended.
pub(super) enum Rested {
    /// Bytes have arrived, or the peer has closed the connection.
    Readable,
    /// The connection has ended.
    Ended,
    /// It exceeded a timeout.
    Cut(Cut),
}

impl ActivityTimer {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        Self {
            opened: Instant::now(),
            timeouts,
            phase: AtomicU8::new(Phase::Silent as u8),
            since: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
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

    /// A timer for [`Self::rest`] and [`Self::watch`].
    pub(super) fn alarm(&self) -> Sleep {
        sleep_until(self.deadline(false).0)
    }

    /// Waits for the first byte of a request, without any buffer.
    pub(super) async fn rest(
        &self,
        stream: &TcpStream,
        mut alarm: Pin<&mut Sleep>,
        stop: &mut watch::Receiver<bool>,
    ) -> Rested {
        let (due, limit) = self.deadline(false);
        if alarm.deadline() != due {
            alarm.as_mut().reset(due);
        }
        tokio::select! {
            ready = stream.readable() => if ready.is_ok() { Rested::Readable } else { Rested::Ended },
            () = alarm => match limit {
                Limit::Cut(cut) => Rested::Cut(cut),
                Limit::Rest => unreachable!("it rests already"),
            },
            _ = stop.wait_for(|is_stopping| *is_stopping) => Rested::Ended,
        }
    }

    /// Runs the connection until it ends, exceeds a timeout or rests. `shut_down` makes the current request its last.
    pub(super) async fn watch<C: Future>(
        &self,
        mut connection: Pin<&mut C>,
        mut alarm: Pin<&mut Sleep>,
        stop: &mut watch::Receiver<bool>,
        shut_down: impl Fn(Pin<&mut C>),
    ) -> Watched {
        let mut stopping = pin!(stop.wait_for(|is_stopping| *is_stopping));
        let mut is_stopping = false;
        poll_fn(|context| {
            if !is_stopping && stopping.as_mut().poll(context).is_ready() {
                is_stopping = true;
                shut_down(connection.as_mut());
            }
            if connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(Watched::Ended);
            }
            // Deadlines mostly move away with each request, so only an earlier one needs a new timer at once.
            let (due, _) = self.deadline(true);
            if due < alarm.deadline() {
                alarm.as_mut().reset(due);
            }
            while alarm.as_mut().poll(context).is_ready() {
                let (due, limit) = self.deadline(true);
                if due <= Instant::now() {
                    return Poll::Ready(match limit {
                        Limit::Cut(cut) => Watched::Cut(cut),
                        Limit::Rest => Watched::Resting,
                    });
                }
                alarm.as_mut().reset(due);
            }
            Poll::Pending
        })
        .await
    }

    /// The next deadline without further activity, and what follows then.
    fn deadline(&self, may_rest: bool) -> (Instant, Limit) {
        let (limit, cut) = match self.phase() {
            Phase::Silent | Phase::Head => (self.timeouts.head, Cut::Head),
            Phase::Idle => (self.timeouts.idle, Cut::Idle),
            Phase::Answering => (self.timeouts.age, Cut::Age),
        };
        let since = self.since.load(Relaxed);
        let blocked = self.blocked.load(Relaxed);
        let mut next = (since.saturating_add(limit), Limit::Cut(cut));
        let mut consider = |at: u64, limit| {
            if at < next.0 {
                next = (at, limit);
            }
        };
        if blocked > 0 {
            consider(blocked.saturating_add(self.timeouts.write), Limit::Cut(Cut::Write));
        } else if may_rest && matches!(self.phase(), Phase::Silent | Phase::Idle) {
            consider(since.saturating_add(REST_AFTER), Limit::Rest);
        }
        let (at, limit) = next;
        (self.opened + Duration::from_millis(at.min(NEVER)), limit)
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
        let (at, limit) = timer.deadline(false);
        let Limit::Cut(cut) = limit else { panic!("it rests") };
        ((at - timer.opened).as_secs(), cut)
    }

    #[test]
    fn only_a_connection_without_a_request_and_unsent_bytes_rests() {
        let timer = ActivityTimer::new(PATIENCE);
        let rests = |timer: &ActivityTimer| timer.deadline(true).1 == Limit::Rest;
        assert!(rests(&timer), "silent");
        timer.received();
        assert!(!rests(&timer), "the head");
        timer.begin_answer();
        assert!(!rests(&timer), "answering");
        timer.is_blocked();
        timer.end_answer();
        assert!(!rests(&timer), "not read");
        timer.sent();
        assert!(rests(&timer), "idle");
        let short = ActivityTimer::new(Timeouts { head: 500, ..PATIENCE });
        assert!(!rests(&short), "a timeout comes first");
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
