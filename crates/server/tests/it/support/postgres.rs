//! A PostgreSQL server for a single test, which may kill it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use super::connect_to;

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running PostgreSQL; stopped and removed when dropped.
pub(crate) struct OwnPostgres {
    pub(crate) url: String,
    programs: PathBuf,
    port: u16,
    folder: TempDir,
}

impl OwnPostgres {
    pub(crate) async fn start() -> Self {
        let folder = TempDir::new().expect("a scratch folder");
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it").port();
        let url = format!("postgres://vestibule@127.0.0.1:{port}/postgres");
        let server = Self { url, programs: find_programs(), port, folder };
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(server.folder.path()).status();
            assert!(
                owned.expect("chown runs").success(),
                "PostgreSQL does not run as root, and there is no user postgres"
            );
        }
        server.run(
            "initdb",
            &["--username", "vestibule", "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C"],
        );
        server.start_again().await;
        server
    }

    /// SIGKILL to the postmaster: no clean-up. Its children end when they notice.
    pub(crate) fn kill(&self) {
        let pid = self.pid().expect("it runs");
        assert!(Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs").success());
    }

    /// Restarts it on its data, and waits until it responds.
    pub(crate) async fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c full_page_writes=off",
            self.port
        );
        let log = self.folder.path().join("log");
        let starting = async {
            // It refuses while processes of the killed one still run.
            while !self.try_run("pg_ctl", &["-w", "-l", log.to_str().expect("text"), "-o", &options, "start"]) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let started = tokio::time::timeout(PATIENCE, starting).await;
        started
            .unwrap_or_else(|_| panic!("PostgreSQL does not start: {}", fs::read_to_string(&log).unwrap_or_default()));
        connect_to(&self.url).await;
    }

    fn pid(&self) -> Option<String> {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        file.lines().next().map(str::to_owned)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        assert!(self.try_run(program, arguments), "{program} failed");
    }

    fn try_run(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // A piped log would stay open as long as the server runs.
        let output = std::process::Stdio::null;
        command.arg("-D").arg(self.data()).args(arguments).current_dir("/").stdout(output()).stderr(output());
        command.status().expect("PostgreSQL's programs run").success()
    }
}

impl Drop for OwnPostgres {
    fn drop(&mut self) {
        self.try_run("pg_ctl", &["-m", "immediate", "stop"]);
    }
}

pub(super) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// The folder of the server's programs: that of `psql`, on the path, or Debian's.
fn find_programs() -> PathBuf {
    let mut places: Vec<PathBuf> =
        std::env::var_os("PSQL").iter().filter_map(|psql| Path::new(psql).parent().map(Path::to_owned)).collect();
    places.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    places.extend(versions);
    let found = places.into_iter().find(|place| place.join("initdb").exists());
    found.expect("PostgreSQL's server programs (initdb, pg_ctl); Debian: apt-get install postgresql")
}
