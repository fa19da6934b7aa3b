//! A real pgbouncer in transaction mode in front of the tests' PostgreSQL.

use std::{fs, net::SocketAddr, process::Stdio};

use tempfile::TempDir;
use tokio::process::{Child, Command};
use url::Url;

use super::external_program::start_external_program;

/// A running pgbouncer; it ends with the test.
pub(crate) struct Bouncer {
    pub(crate) address: SocketAddr,
    _process: Child,
    _folder: TempDir,
}

impl Bouncer {
    /// Starts one that shares this many connections per database among all clients.
    pub(crate) async fn start(pool_size: usize) -> Self {
        let server = std::env::var("VESTIBULE_TEST_POSTGRES").expect("VESTIBULE_TEST_POSTGRES: run ./test");
        let server = Url::parse(&server).expect("a URL");
        let run = |folder: &TempDir, port| run(folder, &describe(&server, port, pool_size));
        let (address, process, folder) = start_external_program("pgbouncer", run).await;
        Self { address, _process: process, _folder: folder }
    }

    /// A database's URL through it.
    pub(crate) fn lead(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("the URL of a database");
        url.set_host(Some(&self.address.ip().to_string())).expect("a host");
        url.set_port(Some(self.address.port())).expect("a port");
        url.into()
    }
}

fn describe(server: &Url, port: u16, pool_size: usize) -> String {
    let (host, server_port) = (server.host_str().expect("a host"), server.port().unwrap_or(5432));
    let password = server.password().map(|password| format!(" password={password}")).unwrap_or_default();
    format!(
        "[databases]
* = host={host} port={server_port} user={}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
server_lifetime = 3600
",
        server.username()
    )
}

fn run(folder: &TempDir, configuration: &str) -> Child {
    let path = folder.path().join("pgbouncer.ini");
    fs::write(&path, configuration).expect("the configuration is written");
    let mut command = Command::new("pgbouncer");
    // It does not run as root; it then runs as Debian's user for PostgreSQL, who must be able to read its file.
    if super::postgres::is_root() {
        let owned = std::process::Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status();
        assert!(owned.expect("chown runs").success(), "pgbouncer does not run as root, and there is no user postgres");
        command.args(["-u", "postgres"]);
    }
    command.arg("-q").arg(path).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().expect("pgbouncer is not installed: run ./test, which installs it")
}
