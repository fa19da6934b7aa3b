//! One measurement of one server, and the median of several.

use std::{error::Error, rc::Rc, time::Duration};

use crate::{
    load::{self, Outcome, Source},
    process::{Process, processor_time_of_self},
    report::Figure,
    scenario::{Ground, Scenario},
    store_location::Engine,
};

/// The measured server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Vestibule(Scenario),
    Floor(Ground),
    Peer(Ground),
}

impl Subject {
    pub fn name(self) -> &'static str {
        match self {
            Self::Vestibule(scenario) => scenario.name(),
            Self::Floor(Ground::Handler) => "floor_handler",
            Self::Floor(Ground::Rows) => "floor_rows",
            Self::Peer(Ground::Handler) => "peer_session",
            Self::Peer(Ground::Rows) => "peer_signup",
        }
    }
}

/// One measurement of one round.
pub struct Stretch {
    pub who: Subject,
    pub concurrency: usize,
    pub outcome: Outcome,
    pub server_micros: Option<f64>,
    pub load_micros: Option<f64>,
}

/// Drives a server with a source, in a closed loop.
pub async fn drive(
    (warm_up, length): (Duration, Duration),
    who: Subject,
    process: &Process,
    source: Rc<dyn Source>,
    concurrency: usize,
) -> Result<Stretch, Box<dyn Error>> {
    let before = process.processor_time();
    let own_before = processor_time_of_self();
    let mut outcome = load::drive_closed(process.port, source, concurrency, warm_up, length).await?;
    let (after, own_after) = (process.processor_time(), processor_time_of_self());
    let requests = outcome.requests as f64;
    let server_micros = before
        .zip(after)
        .map(|(before, after)| (after - before).as_secs_f64() * 1e6 / requests.max(1.0))
        .filter(|_| !matches!(who, Subject::Peer(_)));
    let load_micros = own_before
        .zip(own_after)
        .map(|(before, after)| after.saturating_sub(before).as_secs_f64() * 1e6 / requests.max(1.0));
    if let Subject::Vestibule(scenario) = who {
        // Some journeys need several requests per counted unit.
        outcome.per_second /= scenario.requests() as f64;
    }
    let error = outcome.first_error.as_deref().map_or_else(String::new, |error| format!("  first error: {error}"));
    eprintln!(
        "    {:<16} {:>8.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms  {:>6.1} µs of processor, {:.1} µs of the load's{error}",
        who.name(),
        outcome.per_second,
        outcome.p50_ms,
        outcome.p99_ms,
        server_micros.unwrap_or_default(),
        load_micros.unwrap_or_default(),
    );
    Ok(Stretch { who, concurrency, outcome, server_micros, load_micros })
}

/// For each server and concurrency, the round with the median rate.
pub fn take_middle(engine: Engine, users: u64, stretches: &[Stretch]) -> Vec<Figure> {
    let mut figures = Vec::new();
    let middle = |who: Subject, concurrency: usize| {
        let mut same: Vec<&Stretch> =
            stretches.iter().filter(|stretch| stretch.who == who && stretch.concurrency == concurrency).collect();
        same.sort_by(|a, b| a.outcome.per_second.total_cmp(&b.outcome.per_second));
        same.get(same.len() / 2).copied()
    };
    let mut seen: Vec<(Subject, usize)> = Vec::new();
    for stretch in stretches {
        let key = (stretch.who, stretch.concurrency);
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let Some(found) = middle(stretch.who, stretch.concurrency) else { continue };
        let ground = match stretch.who {
            Subject::Vestibule(scenario) => scenario.ground(),
            Subject::Floor(ground) | Subject::Peer(ground) => ground,
        };
        let against = |who: Subject| {
            let other = middle(who, stretch.concurrency)?.outcome.per_second;
            (other > 0.0).then(|| found.outcome.per_second / other)
        };
        figures.push(Figure {
            scenario: stretch.who.name(),
            store: engine.name(),
            users,
            concurrency: stretch.concurrency,
            kind: "closed",
            per_second: found.outcome.per_second,
            p50_ms: found.outcome.p50_ms,
            p99_ms: found.outcome.p99_ms,
            max_ms: found.outcome.max_ms,
            errors: found.outcome.errors,
            server_micros: found.server_micros,
            load_micros: found.load_micros,
            ratio_to_floor: against(Subject::Floor(ground)),
            ratio_to_peer: against(Subject::Peer(ground)),
        });
    }
    figures
}
