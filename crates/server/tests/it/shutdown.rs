//! Termination of the process: gracefully on each signal, and at the end of its grace period even when a request has no end.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::support::ScratchInstallation;

/// The log until the process listened, and the unread rest of it.
pub(crate) struct Started {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
    pub(crate) address: SocketAddr,
    /// The log until it listened.
    pub(crate) before: String,
}

impl Started {
    /// Terminates it; returns the log since it listened.
    pub(crate) fn end(mut self, name: &str) -> String {
        signal(&self.child, name);
        let mut log = String::new();
        self.log.read_to_string(&mut log).expect("the rest of the log");
        let status = self.child.wait().expect("our child");
        assert!(status.success(), "{name}: {status}\n{log}");
        log
    }
}

pub(crate) fn start(place: &ScratchInstallation, variables: &[(&str, &str)]) -> Started {
    let mut command = place.command(&["serve"]);
    command.envs(variables.iter().copied()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut before = String::new();
    let address = log.by_ref().lines().map(|line| line.expect("a readable log")).find_map(|line| {
        before.push_str(&line);
        let entry: Value = serde_json::from_str(&line).expect("JSON");
        entry["server.address"].as_str().map(|address| address.parse().expect("an address"))
    });
    Started { child, log, address: address.expect("it says where it listens"), before }
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
}

/// Asks for the portal, which is logged; whether there is a response.
fn is_answered(address: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    stream.write_all(b"GET /portal HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n\r\n").expect("sent");
    stream.read(&mut [0; 64]).is_ok_and(|length| length > 0)
}

#[test]
fn every_signal_that_asks_for_an_end_gets_one_in_good_order() {
    let place = ScratchInstallation::new();
    for name in ["-TERM", "-HUP", "-INT"] {
        let log = start(&place, &[]).end(name);
        assert!(log.contains("\"message\":\"stopped\""), "{name}: {log}");
    }
}

/// A request has no end, and the log is not read: neither holds up the end of the process.
#[test]
fn the_grace_period_ends_the_process_although_a_request_never_ends_and_the_log_is_full() {
    let place = ScratchInstallation::new();
    let variables = [
        ("VESTIBULE__LOG__FILTER", "info,vestibule::requests=debug"),
        ("VESTIBULE__SERVER__SHUTDOWN_GRACE_SECONDS", "1"),
        ("VESTIBULE__SERVER__BODY_TIMEOUT_SECONDS", "600"),
        ("VESTIBULE__PORTAL__PUBLIC_ORIGIN", "http://portal.test"),
    ];
    let mut started = start(&place, &variables);
    // More lines than a pipe holds; no request waits for them.
    for _ in 0..1_000 {
        assert!(is_answered(started.address));
    }
    let mut endless = TcpStream::connect(started.address).expect("it listens");
    let head = b"POST /portal/sign-in HTTP/1.1\r\nHost: portal.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 99\r\n\r\nemail=";
    endless.write_all(head).expect("sent");
    // It is being served once a later request is answered.
    assert!(is_answered(started.address));
    signal(&started.child, "-TERM");
    let status = started.child.wait().expect("our child");
    assert_eq!(status.code(), Some(1), "it ended without the request");
    drop(endless);
    drop(started.log);
}
