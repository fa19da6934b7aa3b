//! The measured processes: starting, waiting, measuring, stopping. All of them are child processes.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{store_location::connect, wire::Connection};

/// How long a server may take to its first response.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server.
pub struct Process {
    child: Child,
    pub port: u16,
    /// Time from the start of the process to its first response.
    pub start_up: Duration,
}

impl Process {
    /// Starts a server and waits until it responds on `path` with a status below 500.
    pub async fn start(command: &mut Command, port: u16, path: &str, log: &Path) -> Result<Self, Box<dyn Error>> {
        let log_file = fs::File::create(log)?;
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(log_file.try_clone()?).stderr(log_file).spawn()?;
        let mut process = Self { child, port, start_up: Duration::ZERO };
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        loop {
            if let Ok(mut connection) = Connection::open(port).await
                && let Ok(answer) = connection.ask(request.as_bytes()).await
                && answer.status < 500
            {
                process.start_up = begun.elapsed();
                return Ok(process);
            }
            let ended = process.child.try_wait()?;
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log_text = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("a server on port {port} did not start: {}", log_text.trim()).into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Current and peak memory, in MiB (Linux only).
    pub fn memory(&self) -> Option<(f64, f64)> {
        Some((self.field("VmRSS:")?, self.field("VmHWM:")?))
    }

    /// Memory that is not of a file, in MiB (Linux only).
    pub fn anonymous_memory(&self) -> Option<f64> {
        self.field("RssAnon:")
    }

    /// A field of `/proc/PID/status` in KiB, as MiB.
    fn field(&self, name: &str) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1_024.0)
    }

    pub fn processor_time(&self) -> Option<Duration> {
        processor_time_of(&self.child.id().to_string())
    }

    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let id = self.child.id().to_string();
        let signaled = Command::new("kill").args(["-TERM", &id]).status().is_ok_and(|status| status.success());
        let begun = Instant::now();
        while signaled && begun.elapsed() < Duration::from_secs(25) {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
    }
}

/// A port that is free now, but not reserved.
pub fn find_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The server of a local PostgreSQL, with all of its processes.
pub struct Postmaster(String);

impl Postmaster {
    /// Finds the parent of this connection's process; none where that runs elsewhere.
    pub async fn find(url: &str) -> Result<Option<Self>, Box<dyn Error>> {
        let backend: i32 = connect(url).await?.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
        let stat = fs::read_to_string(format!("/proc/{backend}/stat")).ok();
        let fields = stat.filter(|stat| stat.contains("postgres")).and_then(|stat| read_stat(&stat));
        Ok(fields.map(|fields| Self(fields.parent)))
    }

    /// Of the server and its processes, those that ended included.
    pub fn processor_time(&self) -> Duration {
        let stats = fs::read_dir("/proc").into_iter().flatten().flatten();
        let stats = stats.filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((entry.file_name(), read_stat(&stat)?))
        });
        let ticks = stats.map(|(id, fields)| {
            if id == self.0.as_str() {
                fields.own + fields.of_ended_children
            } else if fields.parent == self.0 {
                fields.own
            } else {
                0
            }
        });
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }
}

pub fn processor_time_of_self() -> Option<Duration> {
    processor_time_of("self")
}

/// Linux only; clock ticks are 10 ms there.
fn processor_time_of(process: &str) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(Duration::from_millis(read_stat(&stat)?.own * 10))
}

/// Fields of `/proc/PID/stat`.
struct Stat {
    parent: String,
    /// Ticks of the process.
    own: u64,
    of_ended_children: u64,
}

fn read_stat(stat: &str) -> Option<Stat> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let sum =
        |first: usize| Some(fields.get(first)?.parse::<u64>().ok()? + fields.get(first + 1)?.parse::<u64>().ok()?);
    Some(Stat { parent: (*fields.get(1)?).to_owned(), own: sum(11)?, of_ended_children: sum(13)? })
}
