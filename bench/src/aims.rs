//! The aims of a request's cost, each a row of one table: all take turns in the same rounds, because rates drift with the machine and ratios
//! of one round do not.

use std::{
    error::Error,
    fmt::Write as _,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    cases::{self, Cases},
    device::Pairs,
    fill,
    instance::{Instance, project_file},
    load::{self, Outcome, Source},
    process::{Postmaster, Process, find_port},
    request::sign_up,
    scenario::{Fixed, Scenario, Stage},
    store_location::{Engine, StoreLocation},
};

/// Guests whose tokens are used again and again.
const GUESTS: usize = 20_000;
/// Guests whose tokens are used once.
const ONCE: usize = 60_000;
/// Longer than a use stays unwritten because of the one before, and than the job that writes uses waits.
const MINUTE: Duration = Duration::from_secs(62);
const UNTIL_WRITTEN: Duration = Duration::from_secs(6);
/// More signed requests than can be sent in a second.
const SIGNED: f64 = 18_000.0;

/// The cost of a read beside that of an empty handler, in microseconds: of a read of two rows in an open transaction, and of one that is in
/// the process already.
const READ: f64 = 2.4;
const REMEMBERED: f64 = 1.0;

pub(crate) struct Setting<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) root: &'a Path,
    pub(crate) engine: Engine,
    pub(crate) users: u64,
    pub(crate) connections: usize,
    pub(crate) pace: (Duration, Duration),
    pub(crate) rounds: usize,
    /// The empty handler, and the one that writes two rows.
    pub(crate) floors: (&'a Process, &'a Process),
    /// Only these; all where there are none.
    pub(crate) only: &'a [Scenario],
}

/// What a row should reach.
#[derive(Clone, Copy)]
enum Aim {
    None,
    /// At most so many microseconds of the processors, server and database together.
    Micros(f64),
    /// At most so many times the empty handler's microseconds and these.
    Must {
        more: f64,
        times: f64,
    },
    /// At least this share of the empty handler's rate.
    Share(f64),
    /// At most so many times the microseconds of UserInfo with tokens that are used again and again.
    OfRepeated(f64),
}

/// One measurement of one round.
struct Sample {
    outcome: Outcome,
    server: f64,
    database: f64,
}

impl Sample {
    fn micros(&self) -> f64 {
        self.server + self.database
    }
}

struct Row {
    name: &'static str,
    aim: Aim,
    samples: Vec<Sample>,
}

impl Row {
    /// The round in the middle by processor time.
    fn middle(&self) -> Option<&Sample> {
        let mut sorted: Vec<&Sample> = self.samples.iter().collect();
        sorted.sort_by(|a, b| a.micros().total_cmp(&b.micros()));
        sorted.get(sorted.len() / 2).copied()
    }
}

const HANDLER: &str = "an empty handler";
const REPEATED: &str = "UserInfo";

struct Measuring<'a> {
    setting: &'a Setting<'a>,
    postmaster: Option<Postmaster>,
    rows: Vec<Row>,
}

impl Measuring<'_> {
    async fn drive(
        &mut self,
        (name, aim): (&'static str, Aim),
        process: &Process,
        source: Rc<dyn Source>,
        // Longer, so that what the server puts off counts; such a source ends by itself.
        after: Duration,
    ) -> Result<(), Box<dyn Error>> {
        let (warm_up, length) = if after.is_zero() { self.setting.pace } else { (Duration::ZERO, MINUTE) };
        let spent = |postmaster: &Option<Postmaster>| {
            let database = postmaster.as_ref().map_or(Duration::ZERO, Postmaster::processor_time);
            (process.processor_time().unwrap_or_default(), database)
        };
        let before = spent(&self.postmaster);
        let outcome = load::drive_closed(process.port, source, self.setting.connections, warm_up, length).await?;
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        let now = spent(&self.postmaster);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / (outcome.requests as f64).max(1.0);
        let (server, database) = (each(now.0.saturating_sub(before.0)), each(now.1.saturating_sub(before.1)));
        let error = outcome.first_error.as_deref().map_or_else(String::new, |error| format!("  first error: {error}"));
        eprintln!(
            "    {name:<44} {:>8.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms  {server:>6.1} + {database:.1} µs{error}",
            outcome.per_second, outcome.p50_ms, outcome.p99_ms
        );
        let sample = Sample { outcome, server, database };
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.samples.push(sample),
            None => self.rows.push(Row { name, aim, samples: vec![sample] }),
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&Sample> {
        self.rows.iter().find(|row| row.name == name)?.middle()
    }

    fn to_text(&self) -> String {
        let mut text = String::from(
            "| one request is | a second | to the empty handler | p50 ms | p99 ms | server µs | database µs | aim | |\n|---|---:|---:|---:|---:|---:|---:|---|---|\n",
        );
        let handler = self.find(HANDLER);
        for row in &self.rows {
            let Some(sample) = row.middle() else { continue };
            let share = handler.map_or(0.0, |handler| sample.outcome.per_second / handler.outcome.per_second.max(1.0));
            let (least, most) = row.samples.iter().fold((f64::MAX, 0.0_f64), |(least, most), sample| {
                (least.min(sample.micros()), most.max(sample.micros()))
            });
            let (aim, is_met) = self.judge(row.aim, sample, share);
            let database = if sample.database > 0.0 { format!("{:.1}", sample.database) } else { "–".to_owned() };
            let errors = match sample.outcome.errors {
                0 => String::new(),
                errors => format!(" ({errors} errors)"),
            };
            writeln!(
                text,
                "| {} | {:.0}{errors} | {:.0} % | {:.2} | {:.2} | {:.1} ({least:.1}–{most:.1} in all) | {database} | {aim} | {} |",
                row.name,
                sample.outcome.per_second,
                share * 100.0,
                sample.outcome.p50_ms,
                sample.outcome.p99_ms,
                sample.server,
                is_met.map_or("", |is_met| if is_met { "met" } else { "**missed**" }),
            )
            .expect("a string takes everything");
        }
        text
    }

    /// The aim in words, with what is reached, and whether it is.
    fn judge(&self, aim: Aim, sample: &Sample, share: f64) -> (String, Option<bool>) {
        match aim {
            Aim::None => (String::new(), None),
            Aim::Micros(most) => (format!("≤ {most:.0} µs"), Some(sample.micros() <= most)),
            Aim::Share(least) => (format!("≥ {:.0} % of the handler", least * 100.0), Some(share >= least)),
            Aim::Must { more, times } => {
                let Some(handler) = self.find(HANDLER) else { return (String::new(), None) };
                let reached = sample.micros() / (handler.micros() + more);
                (format!("{reached:.2} × what it must cost, ≤ {times}"), Some(reached <= times))
            }
            Aim::OfRepeated(times) => {
                let Some(usual) = self.find(REPEATED) else { return (String::new(), None) };
                let reached = sample.micros() / usual.micros();
                (format!("{reached:.2} × a repeated use, ≤ {times}"), Some(reached <= times))
            }
        }
    }
}

/// Measures one engine at one size.
pub(crate) async fn measure(setting: Setting<'_>, location: &StoreLocation) -> Result<String, Box<dyn Error>> {
    let port = find_port()?;
    let instance = Instance::prepare(setting.binary, setting.root, location, port, &project_file(port))?;
    let known = if setting.users > 0 { fill::load(location, setting.users, ONCE).await? } else { Vec::new() };
    let mut heading = format!(
        "\n## {}, {} guests, {} connections, the middle of {} rounds\n\n",
        setting.engine.name(),
        setting.users,
        setting.connections,
        setting.rounds
    );
    let server = instance.start_with(setting.root, &cases::MANY_CONNECTIONS).await?;
    let postmaster = match location {
        StoreLocation::Database { url, .. } => Postmaster::find(url).await?,
        StoreLocation::Folder(_) => None,
    };
    let wants = |scenario: Scenario| setting.only.is_empty() || setting.only.contains(&scenario);
    let mut stage = Stage::new(port, Pairs::make());
    let mut unused = Stage::new(port, stage.pairs.clone());
    if wants(Scenario::UserinfoOnce) {
        unused.gather(port, "bench", known.clone(), ONCE).await?;
    }
    let gathered = Instant::now();
    stage.gather(port, "bench", known.into_iter().step_by(ONCE / GUESTS).collect(), GUESTS).await?;
    let mut jwt = Stage::new(port, stage.pairs.clone());
    if wants(Scenario::RefreshJwt) {
        jwt.gather(port, "bench-jwt", Vec::new(), GUESTS / 4).await?;
    }
    if wants(Scenario::ReloginKey) {
        stage.gather_keys(port, GUESTS / 2, Scenario::ReloginKey).await?;
    }
    let is_small = setting.users == 0;
    let mut measuring = Measuring { setting: &setting, postmaster, rows: Vec::new() };
    for round in 0..setting.rounds {
        eprintln!("  round {}", round + 1);
        let append = Fixed { request: sign_up(&format!("127.0.0.1:{port}"), "refresh_token"), expected: "token" };
        let append: Rc<dyn Source> = Rc::new(append);
        let (handler, rows) = setting.floors;
        measuring.drive((HANDLER, Aim::None), handler, Rc::clone(&append), Duration::ZERO).await?;
        measuring.drive(("two durable rows", Aim::None), rows, append, Duration::ZERO).await?;
        for (name, scenario, aim) in list(setting.engine, is_small) {
            if !wants(scenario) {
                continue;
            }
            let source = match scenario {
                Scenario::ReloginKey => {
                    let count = (setting.pace.0 + setting.pace.1).as_secs_f64() * SIGNED;
                    stage.prepare_keys(scenario, port, count as usize).await?
                }
                Scenario::RefreshJwt => jwt.source(scenario),
                Scenario::UserinfoOnce => {
                    tokio::time::sleep_until((gathered + MINUTE).into()).await;
                    unused.user_info_once(round, setting.rounds)
                }
                _ => stage.source(scenario),
            };
            let after = if scenario == Scenario::UserinfoOnce { UNTIL_WRITTEN } else { Duration::ZERO };
            measuring.drive((name, aim), &server, source, after).await?;
        }
    }
    heading.push_str(&measuring.to_text());
    let mut cases = Cases::new(heading);
    if is_small && setting.engine == Engine::Sqlite && setting.only.is_empty() {
        cases.begin_table();
        cases.measure_idle(&server, &stage).await?;
    }
    server.stop();
    if !is_small {
        cases.measure_restart(&instance, setting.root).await?;
    }
    Ok(cases.into_text())
}

fn list(engine: Engine, is_small: bool) -> Vec<(&'static str, Scenario, Aim)> {
    let sqlite = engine == Engine::Sqlite;
    let read = match (engine, is_small) {
        (Engine::Sqlite, true) => Aim::Must { more: READ, times: 1.25 },
        (Engine::Sqlite, false) => Aim::Must { more: REMEMBERED, times: 1.6 },
        (Engine::Postgres, _) => Aim::Micros(45.0),
    };
    let only_sqlite = |aim: Aim| if sqlite { aim } else { Aim::None };
    vec![
        (REPEATED, Scenario::Userinfo, read),
        ("resolver", Scenario::Resolve, read),
        ("UserInfo, a connection for each", Scenario::UserinfoFresh, only_sqlite(Aim::Micros(40.0))),
        ("the same, closed by the server", Scenario::UserinfoClosed, only_sqlite(Aim::Micros(40.0))),
        ("sign-up", Scenario::Signup, if sqlite { Aim::None } else { Aim::Micros(90.0) }),
        ("lazy sign-up", Scenario::SignupLazy, only_sqlite(Aim::Share(0.6))),
        ("refresh", Scenario::Refresh, only_sqlite(Aim::Micros(55.0))),
        ("refresh, JWT access token (ES256)", Scenario::RefreshJwt, Aim::None),
        ("sign-in with a known RSA key", Scenario::ReloginKey, only_sqlite(Aim::Micros(80.0))),
        ("UserInfo, first use of the token", Scenario::UserinfoOnce, only_sqlite(Aim::OfRepeated(1.3))),
    ]
}
