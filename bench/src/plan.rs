//! What the options select.

use std::time::Duration;

use crate::{
    options::Options,
    scenario::{ALL, Scenario},
    store_location::Engine,
};

/// The plan that the options select.
pub struct Plan {
    pub engines: Vec<Engine>,
    pub users: Vec<u64>,
    pub concurrency: Vec<usize>,
    pub scenarios: Vec<Scenario>,
    pub warm_up: Duration,
    pub length: Duration,
    pub rounds: usize,
    pub guests: usize,
}

impl Plan {
    pub fn make(options: &Options) -> Self {
        let quick = options.quick;
        let or =
            |given: &[usize], otherwise: &[usize]| if given.is_empty() { otherwise.to_vec() } else { given.to_vec() };
        let engines = match (options.store, &options.postgres) {
            (Some(engine), _) => vec![engine],
            (None, Some(_)) if !quick => vec![Engine::Sqlite, Engine::Postgres],
            (None, _) => vec![Engine::Sqlite],
        };
        Self {
            engines,
            users: if options.users.is_empty() { vec![0] } else { options.users.clone() },
            concurrency: or(&options.concurrency, if quick { &[64] } else { &[1, 16, 64, 256] }),
            scenarios: match &options.scenario[..] {
                // No SDK generates P-256 keys, and signing in advance takes time.
                [] if quick => ALL.into_iter().filter(|scenario| *scenario != Scenario::ReloginKeyP256).collect(),
                [] => ALL.to_vec(),
                chosen => chosen.to_vec(),
            },
            warm_up: Duration::from_millis(if quick { 300 } else { 1_000 }),
            length: Duration::from_secs_f64(options.seconds.unwrap_or(if quick { 0.9 } else { 5.0 })),
            rounds: options.rounds.unwrap_or(if quick { 1 } else { 3 }).max(1),
            guests: if quick { 3_000 } else { 20_000 },
        }
    }
}
