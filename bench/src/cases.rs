//! What the scenarios leave out: tokens that were not used for a minute, connections that are fresh, idle or behind a reverse proxy,
//! jobs and backups beside the load, and a restart.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    device::Pairs,
    fill,
    instance::{Instance, project_file},
    load::{self, Outcome, Source},
    process::{Process, find_port},
    request::{get, sign_up},
    scenario::{Fixed, Scenario, Stage},
    store_location::{Engine, StoreLocation},
    wire::Connection,
};

const CONNECTIONS: usize = 16;
const WARM_UP: Duration = Duration::from_millis(500);
const LENGTH: Duration = Duration::from_secs(3);
/// Guests with tokens.
const GUESTS: usize = 20_000;
/// Longer than a use stays unwritten because of the one before.
const MINUTE: Duration = Duration::from_secs(62);
const IDLE: usize = 10_000;
/// Longer than a connection waits until it gives its buffers back.
const REST: Duration = Duration::from_secs(3);
/// Sign-ups a second beside jobs and backups: much less than the server can do, so that waits show what disturbs it.
const STEADY: f64 = 500.0;

/// The settings of a server that takes them.
pub(crate) const MANY_CONNECTIONS: [(&str, &str); 1] = [("VESTIBULE__SERVER__MAX_CONNECTIONS", "20000")];

/// The report of one engine.
pub(crate) struct Cases {
    text: String,
    /// The first row of the table, to which the others are compared.
    usual_micros: Option<f64>,
}

impl Cases {
    pub(crate) fn new(text: String) -> Self {
        Self { text, usual_micros: None }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    pub(crate) fn begin_table(&mut self) {
        self.text.push_str("\n| case | per second | p50 ms | p99 ms | processor µs | to the first | errors |\n|---|---:|---:|---:|---:|---:|---:|\n");
    }

    fn add(&mut self, name: &str, outcome: &Outcome, micros: Option<f64>) {
        self.usual_micros = self.usual_micros.or(micros);
        let ratio = micros.zip(self.usual_micros).map(|(micros, usual)| micros / usual);
        let cell =
            |value: Option<f64>, digits: usize| value.map_or_else(|| "–".into(), |value| format!("{value:.digits$}"));
        let error = outcome.first_error.as_deref().map_or_else(String::new, |error| format!(" (first error: {error})"));
        let row = format!(
            "| {name} | {:.0} | {:.2} | {:.2} | {} | {} | {}{error} |",
            outcome.per_second,
            outcome.p50_ms,
            outcome.p99_ms,
            cell(micros, 1),
            cell(ratio, 2),
            outcome.errors,
        );
        eprintln!("  {row}");
        writeln!(self.text, "{row}").expect("a string takes everything");
    }

    fn note(&mut self, text: &str) {
        eprintln!("  {text}");
        writeln!(self.text, "\n{text}").expect("a string takes everything");
    }

    async fn drive(
        &mut self,
        name: &str,
        port: u16,
        processes: &[&Process],
        source: Rc<dyn Source>,
    ) -> std::io::Result<()> {
        let spent = || processes.iter().filter_map(|process| process.processor_time()).sum::<Duration>();
        let before = spent();
        let outcome = load::drive_closed(port, source, CONNECTIONS, WARM_UP, LENGTH).await?;
        let micros = (spent() - before).as_secs_f64() * 1e6 / (outcome.requests as f64).max(1.0);
        self.add(name, &outcome, Some(micros));
        Ok(())
    }

    /// Sign-ups at a steady rate, timed from when each was due.
    async fn steady(&mut self, name: &str, port: u16, length: Duration) -> std::io::Result<()> {
        let host = format!("127.0.0.1:{port}");
        let source = Rc::new(Fixed { request: sign_up(&host, "refresh_token"), expected: "refresh_token" });
        let outcome = load::drive_open(port, source, CONNECTIONS, STEADY, length).await?;
        self.add(name, &outcome, None);
        Ok(())
    }

    /// What connections without a request take, and what they do to the others.
    pub(crate) async fn measure_idle(&mut self, server: &Process, stage: &Stage) -> Result<(), Box<dyn Error>> {
        let before = server.anonymous_memory();
        let mut request = Vec::new();
        let access = stage.guests.first().map_or("", |guest| guest.access.as_str());
        get(&mut request, &stage.host, "/oauth2/userinfo", access, "");
        let mut held = Vec::new();
        while held.len() < IDLE {
            match Connection::open(server.port).await {
                Ok(mut connection) => {
                    connection.ask(&request).await?;
                    held.push(connection);
                }
                // The limit of open files.
                Err(_) => break,
            }
        }
        tokio::time::sleep(REST).await;
        let at_once = server.anonymous_memory();
        let count = held.len();
        let name = format!("beside {count} idle connections");
        self.drive(&name, server.port, &[server], stage.source(Scenario::Userinfo)).await?;
        tokio::time::sleep(REST).await;
        if let (Some(before), Some(at_once), Some(after)) = (before, at_once, server.anonymous_memory()) {
            // The allocator gives memory back when it is used, so not while nothing at all happens.
            let each = |memory: f64| (memory - before) * 1_024.0 / count.max(1) as f64;
            self.note(&format!(
                "{count} idle connections: {before:.1} MiB without them, {after:.1} beside requests ({:.1} KiB each), {at_once:.1} before these ({:.1}).",
                each(after),
                each(at_once)
            ));
        }
        Ok(())
    }

    /// Start with a loaded store: from the system's memory, and from the disk where this process may empty that.
    pub(crate) async fn measure_restart(&mut self, instance: &Instance, root: &Path) -> Result<(), Box<dyn Error>> {
        let mut starts = Vec::new();
        for _ in 0..5 {
            let server = instance.start(root).await?;
            starts.push(format!("{:.0}", server.start_up.as_secs_f64() * 1_000.0));
            server.stop();
        }
        self.note(&format!("Start, warm: {} ms.", starts.join(", ")));
        let mut starts = Vec::new();
        for _ in 0..3 {
            let synced = Command::new("sync").status().is_ok_and(|status| status.success());
            if !synced || fs::write("/proc/sys/vm/drop_caches", "3").is_err() {
                break;
            }
            let server = instance.start(root).await?;
            starts.push(format!("{:.0}", server.start_up.as_secs_f64() * 1_000.0));
            server.stop();
        }
        if starts.is_empty() {
            self.note("Start, cold: not measured, the system's memory of files could not be emptied.");
        } else {
            self.note(&format!("Start, cold: {} ms.", starts.join(", ")));
        }
        Ok(())
    }
}

/// Measures one engine with a loaded store.
pub async fn measure(
    binary: &Path,
    root: &Path,
    location: &StoreLocation,
    engine: Engine,
    users: u64,
) -> Result<String, Box<dyn Error>> {
    let port = find_port()?;
    let instance = Instance::prepare(binary, root, location, port, &project_file(port))?;
    let known = fill::load(location, users, GUESTS).await?;
    let mut cases = Cases::new(String::new());
    write!(cases.text, "\n## {}, {users} guests\n", engine.name())?;
    cases.begin_table();

    let server = instance.start_with(root, &MANY_CONNECTIONS).await?;
    let mut stage = Stage::new(port, Pairs::make());
    stage.gather(port, "bench", known, GUESTS).await?;
    let user_info = stage.source(Scenario::Userinfo);
    cases.drive("UserInfo, tokens used again and again", port, &[&server], Rc::clone(&user_info)).await?;
    tokio::time::sleep(MINUTE).await;
    cases.drive("tokens not used for a minute", port, &[&server], stage.user_info_once(0, 1)).await?;
    cases.drive("a connection for each request", port, &[&server], stage.source(Scenario::UserinfoFresh)).await?;
    for (name, keeps_alive) in
        [("behind nginx, kept alive", true), ("behind nginx, a connection for each request", false)]
    {
        match Nginx::start(root, port, keeps_alive).await {
            Ok(nginx) => {
                cases.drive(name, nginx.0.port, &[&server, &nginx.0], Rc::clone(&user_info)).await?;
            }
            Err(error) => cases.note(&format!("{name}: not measured, {error}.")),
        }
    }
    cases.measure_idle(&server, &stage).await?;
    measure_beside(&mut cases, &instance, &server, location, root).await?;
    server.stop();
    cases.measure_restart(&instance, root).await?;
    Ok(cases.into_text())
}

/// nginx as in `docs/guides/proxies.md`, with one worker.
struct Nginx(Process);

impl Nginx {
    async fn start(root: &Path, to: u16, keeps_alive: bool) -> Result<Self, Box<dyn Error>> {
        let port = find_port()?;
        let name = root.join(format!("nginx-{port}"));
        let keep = if keeps_alive { "keepalive 64; keepalive_timeout 10s;" } else { "" };
        let connection = if keeps_alive { "proxy_http_version 1.1; proxy_set_header Connection \"\";" } else { "" };
        let text = format!(
            "daemon off; master_process off; pid {0}.pid; error_log {0}.log; events {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {0}.b; proxy_temp_path {0}.p; fastcgi_temp_path {0}.f; uwsgi_temp_path {0}.u; scgi_temp_path {0}.s;\n\
             upstream vestibule {{ server 127.0.0.1:{to}; {keep} }}\n\
             server {{ listen 127.0.0.1:{port}; keepalive_requests 1000000; location / {{ proxy_pass http://vestibule; proxy_set_header Host $http_host; {connection} }} }} }}\n",
            name.display()
        );
        let file = name.with_extension("conf");
        fs::write(&file, text)?;
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file);
        Ok(Self(Process::start(&mut command, port, "/healthz", &name.with_extension("out")).await?))
    }
}

/// Backup and clean-up beside sign-ups.
async fn measure_beside(
    cases: &mut Cases,
    instance: &Instance,
    server: &Process,
    location: &StoreLocation,
    root: &Path,
) -> Result<(), Box<dyn Error>> {
    let table = "\n| beside sign-ups | per second | p50 ms | p99 ms | processor µs | to the first | errors |\n|---|---:|---:|---:|---:|---:|---:|\n";
    cases.text.push_str(table);
    cases.steady("nothing", server.port, Duration::from_secs(10)).await?;
    if let StoreLocation::Folder(folder) = location {
        let log = || fs::metadata(folder.join("store.db-wal")).map_or(0.0, |file| file.len() as f64 / 1_048_576.0);
        let (before, begun) = (log(), Instant::now());
        let file = root.join("backup.db");
        let mut backup = instance.command(&["backup"]).arg(&file).spawn()?;
        let mut most = before;
        while backup.try_wait()?.is_none() {
            cases.steady("a backup", server.port, Duration::from_secs(5)).await?;
            most = most.max(log());
        }
        let took = begun.elapsed().as_secs_f64();
        cases.steady("after it", server.port, Duration::from_secs(10)).await?;
        cases.note(&format!(
            "Log: {before:.0} MiB before the backup of {took:.0} s, {most:.0} at its end, {:.0} after.",
            log()
        ));
        fs::remove_file(file).ok();
    }
    // Of the loaded guests, which were last seen in the last twenty days, half expire.
    let shorter = project_file(server.port).replacen(
        "id_token_signed_response_alg",
        "anonymous_refresh_token_idle_timeout_seconds = 864000\nid_token_signed_response_alg",
        1,
    );
    let project = root.join("shorter.toml");
    fs::write(&project, shorter)?;
    let output = instance.command(&["project", "apply"]).arg(&project).output()?;
    if !output.status.success() {
        return Err(format!("the project was refused: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    cases.text.push_str(table);
    for _ in 0..4 {
        cases.steady("clean-up", server.port, Duration::from_secs(20)).await?;
    }
    Ok(())
}
