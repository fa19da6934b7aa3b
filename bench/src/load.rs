//! Load generation: closed loop (as fast as the server responds) and open loop (at a fixed rate).

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::task::LocalSet;

use crate::wire::{Answer, Connection};

/// The source of requests, and the check of responses.
pub trait Source {
    /// Writes this connection's next request; `false` when there is none left.
    fn write(&self, state: &mut ConnectionState, out: &mut Vec<u8>) -> bool;
    /// Whether the response is the expected one.
    fn judge(&self, state: &mut ConnectionState, answer: &Answer<'_>) -> bool;
    /// Whether each request has a connection of its own.
    fn is_fresh(&self) -> bool {
        false
    }
}

/// The state of one connection.
pub struct ConnectionState {
    /// Random state.
    pub random: u64,
    /// The current step of a journey.
    pub step: usize,
    /// Values of the last response.
    pub held: Vec<String>,
}

impl ConnectionState {
    pub fn new(number: usize) -> Self {
        let random = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self { random, step: 0, held: Vec::new() }
    }

    /// The next pseudo-random number (xorshift64*).
    pub fn draw(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// The result of one measurement.
pub struct Outcome {
    /// All requests with a response, including the warm-up's.
    pub requests: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub errors: u64,
    pub first_error: Option<String>,
}

struct Tally {
    histogram: Histogram<u64>,
    answered: u64,
    requests: u64,
    errors: u64,
    first_error: Option<String>,
    /// When the source was exhausted.
    ran_dry: Option<Instant>,
}

impl Tally {
    fn new() -> Rc<RefCell<Self>> {
        let histogram = Histogram::new_with_bounds(1, 600_000_000, 3).expect("bounds in order");
        Rc::new(RefCell::new(Self { histogram, answered: 0, requests: 0, errors: 0, first_error: None, ran_dry: None }))
    }

    fn note(&mut self, took: Duration, error: Option<String>) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(micros.max(1));
        self.answered += 1;
        if let Some(error) = error {
            self.errors += 1;
            self.first_error.get_or_insert(error);
        }
    }
}

fn describe(answer: &Answer<'_>) -> String {
    let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned();
    format!("{} {}", answer.status, body.trim())
}

/// One connection that sends what the source writes, and checks what comes back.
struct Worker {
    port: u16,
    connection: Connection,
    source: Rc<dyn Source>,
    tally: Rc<RefCell<Tally>>,
    state: ConnectionState,
    request: Vec<u8>,
}

/// The result of one request.
enum Asked {
    /// A response came; the error is `None` if it is the expected one.
    Answered { error: Option<String> },
    /// The connection broke, which is in the tally; there is a new one.
    Reconnected,
    /// The source is exhausted, or the server cannot be reached.
    Ended,
}

impl Worker {
    async fn open(port: u16, number: usize, source: &Rc<dyn Source>, tally: &Rc<RefCell<Tally>>) -> io::Result<Self> {
        let (source, tally) = (Rc::clone(source), Rc::clone(tally));
        let (state, request) = (ConnectionState::new(number), Vec::with_capacity(1_024));
        Ok(Self { port, connection: Connection::open(port).await?, source, tally, state, request })
    }

    /// Sends the next request; a failure is timed from `since`.
    async fn ask(&mut self, since: Instant) -> Asked {
        self.request.clear();
        if !self.source.write(&mut self.state, &mut self.request) {
            self.tally.borrow_mut().ran_dry.get_or_insert_with(Instant::now);
            return Asked::Ended;
        }
        if self.source.is_fresh() {
            match Connection::open(self.port).await {
                Ok(fresh) => self.connection = fresh,
                Err(error) => self.note(since.elapsed(), Some(error.to_string())),
            }
        }
        match self.connection.ask(&self.request).await {
            Ok(answer) if self.source.judge(&mut self.state, &answer) => Asked::Answered { error: None },
            Ok(answer) => Asked::Answered { error: Some(describe(&answer)) },
            Err(error) => {
                self.note(since.elapsed(), Some(error.to_string()));
                match Connection::open(self.port).await {
                    Ok(fresh) => self.connection = fresh,
                    Err(_) => return Asked::Ended,
                }
                Asked::Reconnected
            }
        }
    }

    fn note(&self, took: Duration, error: Option<String>) {
        self.tally.borrow_mut().note(took, error);
    }
}

/// Each connection sends its next request as soon as it has the response.
///
/// A closed loop sends nothing while the server stalls; the percentiles are corrected for that by the mean wait.
pub async fn drive_closed(
    port: u16,
    source: Rc<dyn Source>,
    connections: usize,
    warm_up: Duration,
    length: Duration,
) -> io::Result<Outcome> {
    let tally = Tally::new();
    let local = LocalSet::new();
    let begun = Instant::now();
    let (from, until) = (begun + warm_up, begun + warm_up + length);
    for number in 0..connections {
        let mut worker = Worker::open(port, number, &source, &tally).await?;
        local.spawn_local(async move {
            loop {
                let sent_at = Instant::now();
                if sent_at >= until {
                    return;
                }
                match worker.ask(sent_at).await {
                    Asked::Answered { error } => {
                        let answered = Instant::now();
                        worker.tally.borrow_mut().requests += 1;
                        if answered >= from && answered < until {
                            worker.note(answered - sent_at, error);
                        }
                    }
                    Asked::Reconnected => {}
                    Asked::Ended => return,
                }
            }
        });
    }
    local.await;
    let tally = tally.borrow();
    let measured = tally.ran_dry.map_or(length, |at| at.saturating_duration_since(from).min(length));
    let per_second = tally.answered as f64 / measured.as_secs_f64().max(0.001);
    let usual_wait = (connections as f64 / per_second.max(1.0) * 1e6) as u64;
    Ok(sum_up(&tally, &tally.histogram.clone_correct(usual_wait.max(1)), per_second))
}

/// Requests are due at a steady rate; each is timed from when it was due.
pub async fn drive_open(
    port: u16,
    source: Rc<dyn Source>,
    connections: usize,
    per_second: f64,
    length: Duration,
) -> io::Result<Outcome> {
    let tally = Tally::new();
    let local = LocalSet::new();
    let pause = Duration::from_secs_f64(connections as f64 / per_second.max(1.0));
    let mut open = Vec::with_capacity(connections);
    for number in 0..connections {
        open.push(Worker::open(port, number, &source, &tally).await?);
    }
    let begun = Instant::now();
    let until = begun + length;
    for (number, mut worker) in open.into_iter().enumerate() {
        // Spread the connections over the interval, so that the server gets single requests instead of bursts.
        let mut due = begun + pause.mul_f64(number as f64 / connections as f64);
        local.spawn_local(async move {
            while due < until {
                tokio::time::sleep_until(due.into()).await;
                match worker.ask(due).await {
                    Asked::Answered { error } => worker.note(due.elapsed(), error),
                    Asked::Reconnected => {}
                    Asked::Ended => return,
                }
                due += pause;
            }
        });
    }
    local.await;
    let took = begun.elapsed().max(length);
    let tally = tally.borrow();
    Ok(sum_up(&tally, &tally.histogram, tally.answered as f64 / took.as_secs_f64()))
}

fn sum_up(tally: &Tally, histogram: &Histogram<u64>, per_second: f64) -> Outcome {
    let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
    Outcome {
        requests: tally.requests,
        per_second,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: tally.histogram.max() as f64 / 1_000.0,
        errors: tally.errors,
        first_error: tally.first_error.clone(),
    }
}
