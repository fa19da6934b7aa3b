//! One run: what is started, in which order it is measured, and how the figures are combined.

use std::{
    error::Error,
    fs,
    path::PathBuf,
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    admin, aims, cases, course,
    device::Pairs,
    fill,
    floor::Floor,
    instance::{Instance, project_file},
    load::{self, ConnectionState, Source},
    machine,
    options::Options,
    peer,
    plan::Plan,
    process::{Process, find_port},
    report::{Figure, Report, Sizes},
    request::sign_up,
    scenario::{Fixed, Ground, Scenario, Stage},
    store_location::{Engine, StoreLocation},
    stretch::{Subject, drive, take_middle},
    wire::Connection,
};

/// argon2id with minimum memory and passes: never use this outside a benchmark.
const CHEAPEST_HASH: [(&str, &str); 2] =
    [("VESTIBULE__PASSWORDS__MEMORY_KIB", "8"), ("VESTIBULE__PASSWORDS__ITERATIONS", "1")];

struct Bench {
    options: Options,
    plan: Plan,
    root: PathBuf,
    report: Report,
    /// Locations to remove at the end.
    scratch: Vec<StoreLocation>,
    databases: usize,
}

pub async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let plan = Plan::make(&options);
    fs::create_dir_all(&options.out)?;
    let out = fs::canonicalize(&options.out)?;
    let root = tempfile::Builder::new().prefix("data-").tempdir_in(&out)?;
    let report = Report {
        machine: machine::describe(),
        settings: json!({
            "seconds": plan.length.as_secs_f64(),
            "rounds": plan.rounds,
            "quick": options.quick,
            "threads_of_the_load": 1,
        }),
        binary_bytes: fs::metadata(&options.binary).ok().map(|file| file.len()),
        figures: Vec::new(),
        sizes: Vec::new(),
        notes: Vec::new(),
    };
    let mut bench = Bench { options, plan, root: root.path().to_path_buf(), report, scratch: Vec::new(), databases: 0 };
    let outcome = tokio::select! {
        outcome = bench.measure() => outcome,
        // All started processes are stopped on interruption.
        () = interrupted() => Err("interrupted".into()),
    };
    for location in std::mem::take(&mut bench.scratch) {
        location.remove().await;
    }
    if let Some((name, parts)) = outcome? {
        let text = format!("{}\n\n{}", machine::describe_text(&bench.report.machine), parts.join("\n"));
        fs::write(out.join(name), &text)?;
        print!("{text}");
        eprintln!("\nWritten to {}/{name}", bench.options.out.display());
        return Ok(());
    }
    print!("{}", bench.report.write(&out)?);
    eprintln!("\nWritten to {0}/results.md, {0}/results.json and {0}/results.svg", bench.options.out.display());
    Ok(())
}

/// Resolves on Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

impl Bench {
    /// Runs the measurements; returns the other report for `--admin`, `--aims`, `--cases` and `--minutes`: its file, and its parts.
    async fn measure(&mut self) -> Result<Option<(&'static str, Vec<String>)>, Box<dyn Error>> {
        if self.options.admin {
            return Ok(Some(("admin.md", self.measure_admin().await?)));
        }
        if self.options.cases {
            return Ok(Some(("cases.md", self.measure_cases().await?)));
        }
        if self.options.aims {
            return Ok(Some(("aims.md", self.measure_aims().await?)));
        }
        if let Some(minutes) = self.options.minutes {
            return Ok(Some(("course.md", self.measure_course(minutes).await?)));
        }
        self.measure_all().await.map(|()| None)
    }

    async fn measure_cases(&mut self) -> Result<Vec<String>, Box<dyn Error>> {
        let users = self.options.users.first().copied().unwrap_or(1_000_000);
        let mut parts = Vec::new();
        for engine in self.plan.engines.clone() {
            let location = self.make_location(engine, "cases").await?;
            let measured = cases::measure(&self.options.binary, &self.root, &location, engine, users).await;
            location.remove().await;
            parts.push(measured?);
        }
        Ok(parts)
    }

    async fn measure_aims(&mut self) -> Result<Vec<String>, Box<dyn Error>> {
        let handler = self.start_floor(Floor::Http, "-").await?;
        let mut parts = Vec::new();
        for engine in self.plan.engines.clone() {
            let rows = self.start_rows(engine).await?;
            for users in self.plan.users.clone() {
                let location = self.make_location(engine, &format!("aims_{users}")).await?;
                let setting = aims::Setting {
                    binary: &self.options.binary,
                    root: &self.root,
                    engine,
                    users,
                    connections: self.options.concurrency.first().copied().unwrap_or(64),
                    pace: (Duration::from_millis(500), Duration::from_secs_f64(self.options.seconds.unwrap_or(3.0))),
                    rounds: self.plan.rounds,
                    floors: (&handler, &rows),
                    only: &self.options.scenario,
                };
                let measured = aims::measure(setting, &location).await;
                location.remove().await;
                parts.push(measured?);
            }
        }
        Ok(parts)
    }

    async fn measure_course(&mut self, minutes: u64) -> Result<Vec<String>, Box<dyn Error>> {
        let users = self.options.users.first().copied().unwrap_or(1_000_000);
        let location = self.make_location(Engine::Sqlite, "course").await?;
        let setting = course::Setting { binary: &self.options.binary, root: &self.root, users, minutes };
        let measured = course::measure(setting, &location, &self.options.out).await;
        location.remove().await;
        measured
    }

    async fn measure_admin(&mut self) -> Result<Vec<String>, Box<dyn Error>> {
        let users = if self.options.users.is_empty() { vec![1_000_000] } else { self.options.users.clone() };
        let mut parts = vec![admin::heading()];
        for engine in self.plan.engines.clone() {
            for count in &users {
                let location = self.make_location(engine, &format!("admin_{count}")).await?;
                let part = admin::measure(&self.options.binary, &self.root, &location, engine, *count).await;
                // A million users are not kept for the next engine.
                location.remove().await;
                parts.push(part?);
            }
        }
        Ok(parts)
    }

    async fn measure_all(&mut self) -> Result<(), Box<dyn Error>> {
        let handler = self.start_floor(Floor::Http, "-").await?;
        let peer = self.start_peer().await?;
        for engine in self.plan.engines.clone() {
            let rows = self.start_rows(engine).await?;
            for users in self.plan.users.clone() {
                self.measure_store(engine, users, &handler, &rows, peer.as_ref()).await?;
            }
        }
        Ok(())
    }

    async fn make_location(&mut self, engine: Engine, name: &str) -> Result<StoreLocation, Box<dyn Error>> {
        match engine {
            Engine::Sqlite => Ok(StoreLocation::folder(&self.root, name)?),
            Engine::Postgres => {
                let admin = self.options.postgres.as_deref().ok_or("no PostgreSQL: give --postgres URL")?;
                self.databases += 1;
                StoreLocation::database(admin, &format!("{name}_{}", self.databases)).await
            }
        }
    }

    /// The floor that writes the rows of a guest, with a store of its own.
    async fn start_rows(&mut self, engine: Engine) -> Result<Process, Box<dyn Error>> {
        let location = self.make_location(engine, "floor").await?;
        let (floor, url) = match &location {
            StoreLocation::Folder(folder) => (Floor::Sqlite, folder.join("store.db").display().to_string()),
            StoreLocation::Database { url, .. } => (Floor::Postgres, url.clone()),
        };
        self.scratch.push(location);
        self.start_floor(floor, &url).await
    }

    async fn start_floor(&self, floor: Floor, location: &str) -> Result<Process, Box<dyn Error>> {
        let port = find_port()?;
        let name = match floor {
            Floor::Http => "http",
            Floor::Sqlite => "sqlite",
            Floor::Postgres => "postgres",
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", name, &port.to_string(), location]);
        Process::start(&mut command, port, "/healthz", &self.root.join(format!("floor-{name}.log"))).await
    }

    async fn start_peer(&mut self) -> Result<Option<Process>, Box<dyn Error>> {
        if self.options.without_peer {
            return Ok(None);
        }
        if !self.options.peer.join("node_modules").is_dir() || self.options.postgres.is_none() {
            self.report.notes.push("The peer was left out: it needs PostgreSQL, Node.js and its npm packages.".into());
            return Ok(None);
        }
        let location = self.make_location(Engine::Postgres, "peer").await?;
        let port = find_port()?;
        let mut command = Command::new("node");
        command.current_dir(&self.options.peer).args(["server.mjs", &port.to_string(), &location.url()]);
        self.scratch.push(location);
        match Process::start(&mut command, port, "/api/auth/ok", &self.root.join("peer.log")).await {
            Ok(process) => Ok(Some(process)),
            Err(error) => {
                self.report.notes.push(format!("The peer was left out: {error}"));
                Ok(None)
            }
        }
    }

    /// Measures one engine at one size.
    async fn measure_store(
        &mut self,
        engine: Engine,
        users: u64,
        handler: &Process,
        rows: &Process,
        peer: Option<&Process>,
    ) -> Result<(), Box<dyn Error>> {
        eprintln!("{} with {users} dormant guests", engine.name());
        let location = self.make_location(engine, &format!("guests_{users}")).await?;
        let port = find_port()?;
        let instance = Instance::prepare(&self.options.binary, &self.root, &location, port, &project_file(port))?;
        let mut sizes = Sizes { store: engine.name(), users, ..Sizes::default() };
        let mut known = Vec::new();
        if users > 0 {
            let before = location.bytes().await?;
            let begun = Instant::now();
            known = fill::load(&location, users, self.plan.guests).await?;
            sizes.load_seconds = Some(begun.elapsed().as_secs_f64());
            sizes.bytes_per_guest = Some((location.bytes().await? - before) as f64 / users as f64);
        }
        let server = instance.start(&self.root).await?;
        sizes.start_up_ms = Some(server.start_up.as_secs_f64() * 1_000.0);
        sizes.idle_mib = server.memory().map(|(now, _)| now);
        let mut stage = Stage::new(port, Pairs::make());
        stage.gather(port, "bench", known, self.plan.guests).await?;
        for scenario in [Scenario::ReloginKey, Scenario::ReloginKeyP256] {
            if self.plan.scenarios.contains(&scenario) {
                stage.gather_keys(port, self.plan.guests / 2, scenario).await?;
            }
        }
        let scenarios = self.choose(&stage, port).await?;
        let cookie = match peer {
            Some(peer) => Some(peer::enter(peer.port).await?),
            None => None,
        };
        let mut stretches = Vec::new();
        let pace = (self.plan.warm_up, self.plan.length);
        for round in 0..self.plan.rounds {
            for concurrency in self.plan.concurrency.clone() {
                eprintln!("  round {}, {concurrency} connections", round + 1);
                let host = format!("127.0.0.1:{port}");
                let append: Rc<dyn Source> =
                    Rc::new(Fixed { request: sign_up(&host, "refresh_token"), expected: "refresh_token" });
                for (ground, process) in [(Ground::Handler, handler), (Ground::Rows, rows)] {
                    if scenarios.iter().any(|scenario| scenario.ground() == ground) {
                        stretches
                            .push(drive(pace, Subject::Floor(ground), process, Rc::clone(&append), concurrency).await?);
                        if let (Some(peer), Some(cookie)) = (peer, &cookie) {
                            let source = peer::ask(peer.port, ground, cookie);
                            stretches.push(drive(pace, Subject::Peer(ground), peer, source, concurrency).await?);
                        }
                    }
                }
                // More requests than fit into the time, except on a very fast machine; an exhausted source ends its
                // measurement.
                let most = ((self.plan.warm_up + self.plan.length).as_secs_f64() * 14_000.0) as usize;
                for scenario in &scenarios {
                    // ID tokens of the two refresh scenarios are signed as their application is configured.
                    let source = stage_for(&stage, *scenario, port, self.plan.guests, most).await?;
                    stretches.push(drive(pace, Subject::Vestibule(*scenario), &server, source, concurrency).await?);
                }
            }
        }
        let first = self.report.figures.len();
        self.report.figures.extend(take_middle(engine, users, &stretches));
        self.report.figures.sort_by_key(|figure| (figure.users, figure.scenario, figure.concurrency));
        self.measure_open(engine, users, first, &scenarios, &stage, &server).await?;
        sizes.flood_mib = server.memory().map(|(_, most)| most);
        server.stop();
        if scenarios.contains(&Scenario::Promotion) {
            self.measure_without_hash(engine, users, &instance, &stage).await?;
        }
        if users == 0 {
            sizes.bytes_per_guest = count_users(&location).await?.map(|(bytes, count)| bytes / count);
        }
        self.report.sizes.push(sizes);
        location.remove().await;
        Ok(())
    }

    /// Promotions again with the cheapest password hash, to show its share.
    async fn measure_without_hash(
        &mut self,
        engine: Engine,
        users: u64,
        instance: &Instance,
        stage: &Stage,
    ) -> Result<(), Box<dyn Error>> {
        let server = instance.start_with(&self.root, &CHEAPEST_HASH).await?;
        let pace = (self.plan.warm_up, self.plan.length);
        for concurrency in self.plan.concurrency.clone() {
            let source = stage.source(Scenario::Promotion);
            let stretch = drive(pace, Subject::Vestibule(Scenario::Promotion), &server, source, concurrency).await?;
            self.report.figures.push(Figure {
                scenario: "promotion_unhashed",
                store: engine.name(),
                users,
                concurrency,
                kind: "closed",
                per_second: stretch.outcome.per_second,
                p50_ms: stretch.outcome.p50_ms,
                p99_ms: stretch.outcome.p99_ms,
                max_ms: stretch.outcome.max_ms,
                errors: stretch.outcome.errors,
                server_micros: stretch.server_micros,
                load_micros: stretch.load_micros,
                ratio_to_floor: None,
                ratio_to_peer: None,
            });
        }
        server.stop();
        Ok(())
    }

    /// The scenarios that this server supports; others are noted and left out.
    async fn choose(&mut self, stage: &Stage, port: u16) -> Result<Vec<Scenario>, Box<dyn Error>> {
        let mut known = Vec::new();
        for scenario in self.plan.scenarios.clone() {
            let source = stage_for(stage, scenario, port, 2, 2).await?;
            let mut connection = Connection::open(port).await?;
            let mut state = ConnectionState::new(7);
            let mut refused = None;
            for _ in 0..2 {
                let mut request = Vec::new();
                if !source.write(&mut state, &mut request) {
                    break;
                }
                let answer = connection.ask(&request).await?;
                if !source.judge(&mut state, &answer) {
                    let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(120)]).into_owned();
                    refused = Some(format!("{} {}", answer.status, body.trim()));
                    break;
                }
            }
            match refused {
                None => known.push(scenario),
                Some(why) => {
                    self.report.notes.push(format!("{} was left out: the server answered {why}", scenario.name()));
                }
            }
        }
        Ok(known)
    }

    /// Half of the best closed-loop rate, steadily: measures the latency of requests that arrive independently.
    async fn measure_open(
        &mut self,
        engine: Engine,
        users: u64,
        first: usize,
        scenarios: &[Scenario],
        stage: &Stage,
        server: &Process,
    ) -> Result<(), Box<dyn Error>> {
        for scenario in scenarios {
            let mine = self.report.figures.iter().filter(|figure| {
                figure.scenario == scenario.name() && figure.store == engine.name() && figure.users == users
            });
            let Some(best) = mine.max_by(|a, b| a.per_second.total_cmp(&b.per_second)).cloned() else { continue };
            let rate = best.per_second * scenario.requests() as f64 / 2.0;
            let most = (rate * self.plan.length.as_secs_f64() * 1.1) as usize;
            let source = stage_for(stage, *scenario, server.port, self.plan.guests, most).await?;
            let mut outcome =
                load::drive_open(server.port, source, best.concurrency.max(64), rate, self.plan.length).await?;
            outcome.per_second /= scenario.requests() as f64;
            eprintln!(
                "    {:<16} {:>8.0}/s  p50 {:>7.2} ms  p99 {:>7.2} ms  open loop",
                scenario.name(),
                outcome.per_second,
                outcome.p50_ms,
                outcome.p99_ms
            );
            let share = outcome.per_second / best.per_second;
            self.report.figures.push(Figure {
                concurrency: best.concurrency.max(64),
                kind: "open",
                per_second: outcome.per_second,
                p50_ms: outcome.p50_ms,
                p99_ms: outcome.p99_ms,
                max_ms: outcome.max_ms,
                errors: outcome.errors,
                server_micros: None,
                load_micros: None,
                ratio_to_floor: best.ratio_to_floor.map(|ratio| ratio * share),
                ratio_to_peer: best.ratio_to_peer.map(|ratio| ratio * share),
                ..best
            });
        }
        debug_assert!(first <= self.report.figures.len());
        Ok(())
    }
}

/// The source of a scenario; some refreshes need guests of their own application, and key scenarios as many signed
/// requests as can be sent.
async fn stage_for(
    stage: &Stage,
    scenario: Scenario,
    port: u16,
    guests: usize,
    requests: usize,
) -> Result<Rc<dyn Source>, Box<dyn Error>> {
    match scenario {
        Scenario::SignupKey | Scenario::ReloginKey | Scenario::ReloginKeyP256 => {
            return stage.prepare_keys(scenario, port, requests).await;
        }
        Scenario::RefreshRs256 | Scenario::RefreshJwt => {}
        Scenario::Signup
        | Scenario::SignupLazy
        | Scenario::SignupCookie
        | Scenario::Refresh
        | Scenario::Userinfo
        | Scenario::UserinfoFresh
        | Scenario::UserinfoClosed
        | Scenario::UserinfoOnce
        | Scenario::Resolve
        | Scenario::Promotion
        | Scenario::MixedDay => return Ok(stage.source(scenario)),
    }
    let client = if scenario == Scenario::RefreshJwt { "bench-jwt" } else { "bench-rs256" };
    let mut other = Stage::new(port, stage.pairs.clone());
    other.gather(port, client, Vec::new(), guests.min(2_000)).await?;
    Ok(other.source(scenario))
}

/// Bytes and users of a stopped store with only guests.
async fn count_users(location: &StoreLocation) -> Result<Option<(f64, f64)>, Box<dyn Error>> {
    let count = match location {
        StoreLocation::Folder(folder) => {
            let connection = rusqlite::Connection::open(folder.join("store.db"))?;
            connection.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0))?
        }
        StoreLocation::Database { url, .. } => {
            crate::store_location::connect(url).await?.query_one("SELECT count(*) FROM users", &[]).await?.get(0)
        }
    };
    // With fewer guests, the empty store dominates.
    Ok((count > 50_000).then_some((location.bytes().await? as f64, count as f64)))
}
