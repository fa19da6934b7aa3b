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
    Options, admin,
    device::Pairs,
    fill,
    floor::Floor,
    instance::Instance,
    load::{self, ConnectionState, Outcome, Source},
    process::{Process, find_port, processor_time_of_self},
    report::{Figure, Report, Sizes},
    request::sign_up,
    scenario::{ALL, Fixed, Ground, Scenario, Stage},
    store_location::{Engine, StoreLocation},
    wire::Connection,
};

/// argon2id with minimum memory and passes: never use this outside a benchmark.
const CHEAPEST_HASH: [(&str, &str); 2] =
    [("VESTIBULE__PASSWORDS__MEMORY_KIB", "8"), ("VESTIBULE__PASSWORDS__ITERATIONS", "1")];

/// The plan that the options select.
struct Plan {
    engines: Vec<Engine>,
    users: Vec<u64>,
    concurrency: Vec<usize>,
    scenarios: Vec<Scenario>,
    warm_up: Duration,
    length: Duration,
    rounds: usize,
    guests: usize,
}

impl Plan {
    fn make(options: &Options) -> Self {
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

/// The measured server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Vestibule(Scenario),
    Floor(Ground),
    Peer(Ground),
}

impl Subject {
    fn name(self) -> &'static str {
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
struct Stretch {
    who: Subject,
    concurrency: usize,
    outcome: Outcome,
    server_micros: Option<f64>,
    load_micros: Option<f64>,
}

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
        machine: describe_machine(),
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
    if let Some(report_text) = outcome? {
        print!("{}", admin::write(&out, &describe_text(&bench.report.machine), &report_text)?);
        eprintln!("\nWritten to {}/admin.md", bench.options.out.display());
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

/// The machine in one line.
fn describe_text(machine: &serde_json::Value) -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let of = |name: &str| machine[name].as_str().map_or_else(|| machine[name].to_string(), str::to_owned);
    format!(
        "{}, {} cores, {}, commit {}, {}; load {} before, {} after.",
        of("cpu"),
        of("cores"),
        of("kernel"),
        of("commit"),
        of("date"),
        of("load_before"),
        load.split_whitespace().next().unwrap_or("unknown"),
    )
}

impl Bench {
    /// Runs the measurements; returns the parts of the other report for `--admin`.
    async fn measure(&mut self) -> Result<Option<Vec<String>>, Box<dyn Error>> {
        if self.options.admin { self.measure_admin().await.map(Some) } else { self.measure_all().await.map(|()| None) }
    }

    async fn measure_admin(&mut self) -> Result<Vec<String>, Box<dyn Error>> {
        let users = if self.options.users.is_empty() { vec![1_000_000] } else { self.options.users.clone() };
        let mut parts = Vec::new();
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
            let floor_location = self.make_location(engine, "floor").await?;
            let (floor, url) = match (&floor_location, engine) {
                (StoreLocation::Folder(folder), _) => (Floor::Sqlite, folder.join("store.db").display().to_string()),
                (StoreLocation::Database { url, .. }, _) => (Floor::Postgres, url.clone()),
            };
            self.scratch.push(floor_location);
            let rows = self.start_floor(floor, &url).await?;
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
            Some(peer) => Some(enter_peer(peer.port).await?),
            None => None,
        };
        let mut stretches = Vec::new();
        for round in 0..self.plan.rounds {
            for concurrency in self.plan.concurrency.clone() {
                eprintln!("  round {}, {concurrency} connections", round + 1);
                let host = format!("127.0.0.1:{port}");
                let append: Rc<dyn Source> =
                    Rc::new(Fixed { request: sign_up(&host, "refresh_token"), expected: "refresh_token" });
                for (ground, process) in [(Ground::Handler, handler), (Ground::Rows, rows)] {
                    if scenarios.iter().any(|scenario| scenario.ground() == ground) {
                        stretches
                            .push(self.drive(Subject::Floor(ground), process, Rc::clone(&append), concurrency).await?);
                        if let (Some(peer), Some(cookie)) = (peer, &cookie) {
                            let source = ask_peer(peer.port, ground, cookie);
                            stretches.push(self.drive(Subject::Peer(ground), peer, source, concurrency).await?);
                        }
                    }
                }
                // More requests than fit into the time, except on a very fast machine; an exhausted source ends its
                // measurement.
                let most = ((self.plan.warm_up + self.plan.length).as_secs_f64() * 14_000.0) as usize;
                for scenario in &scenarios {
                    // ID tokens of the two refresh scenarios are signed as their application is configured.
                    let source = stage_for(&stage, *scenario, port, self.plan.guests, most).await?;
                    stretches.push(self.drive(Subject::Vestibule(*scenario), &server, source, concurrency).await?);
                }
            }
        }
        let first = self.report.figures.len();
        self.take_middle(engine, users, &stretches);
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
        for concurrency in self.plan.concurrency.clone() {
            let source = stage.source(Scenario::Promotion);
            let stretch = self.drive(Subject::Vestibule(Scenario::Promotion), &server, source, concurrency).await?;
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

    async fn drive(
        &self,
        who: Subject,
        process: &Process,
        source: Rc<dyn Source>,
        concurrency: usize,
    ) -> Result<Stretch, Box<dyn Error>> {
        let (warm_up, length) = (self.plan.warm_up, self.plan.length);
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
    fn take_middle(&mut self, engine: Engine, users: u64, stretches: &[Stretch]) {
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
            self.report.figures.push(Figure {
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
        self.report.figures.sort_by_key(|figure| (figure.users, figure.scenario, figure.concurrency));
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

/// The source of a scenario; RS256 refreshes need guests of their own application, and key scenarios as many signed
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
        Scenario::RefreshRs256 => {}
        Scenario::Signup
        | Scenario::SignupCookie
        | Scenario::Refresh
        | Scenario::Userinfo
        | Scenario::Resolve
        | Scenario::Promotion
        | Scenario::MixedDay => return Ok(stage.source(scenario)),
    }
    let mut other = Stage::new(port, stage.pairs.clone());
    other.gather(port, "bench-rs256", Vec::new(), guests.min(2_000)).await?;
    Ok(other.source(scenario))
}

/// The project of `project.toml`, at this port.
fn project_file(port: u16) -> String {
    include_str!("project.toml").replace("{port}", &port.to_string())
}

/// Signs up one guest at the peer; returns its cookies.
async fn enter_peer(port: u16) -> Result<String, Box<dyn Error>> {
    let mut connection = Connection::open(port).await?;
    let request = peer_sign_up(port);
    let answer = connection.ask(&request).await?;
    let head = String::from_utf8_lossy(answer.head).into_owned();
    let cookies: Vec<String> = head
        .lines()
        .filter_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")))
        .filter_map(|(_, value)| value.trim().split(';').next().map(str::to_owned))
        .collect();
    if answer.status != 200 || cookies.is_empty() {
        return Err(format!("the peer refused a guest: {}", String::from_utf8_lossy(answer.body)).into());
    }
    Ok(cookies.join("; "))
}

fn peer_sign_up(port: u16) -> Vec<u8> {
    format!(
        "POST /api/auth/sign-in/anonymous HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}

fn ask_peer(port: u16, ground: Ground, cookie: &str) -> Rc<dyn Source> {
    match ground {
        Ground::Rows => Rc::new(Fixed { request: peer_sign_up(port), expected: "\"token\"" }),
        Ground::Handler => Rc::new(Fixed {
            request: format!(
                "GET /api/auth/get-session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n"
            )
            .into_bytes(),
            expected: "\"session\"",
        }),
    }
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

fn describe_machine() -> serde_json::Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let line = |text: &str, name: &str| {
        let found = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let capture = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
        output.map_or_else(String::new, |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let kib: f64 = line(&read("/proc/meminfo"), "MemTotal").trim_end_matches("kB").trim().parse().unwrap_or(0.0);
    json!({
        "cpu": line(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory_gib": (kib / 1_048_576.0).round(),
        "kernel": capture("uname", &["-sr"]),
        "load_before": read("/proc/loadavg").split_whitespace().next().unwrap_or("").to_owned(),
        "commit": capture("git", &["rev-parse", "--short", "HEAD"]),
        "date": capture("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
    })
}
