//! More silent connections than the limit allows: the surplus gets an error response, and accepted ones are served.
//! `VESTIBULE_CONNECTIONS=100000` uses the full number and prints the figures; it is small otherwise.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::{TcpSocket, TcpStream},
    process::{Child, ChildStdin, ChildStdout},
    task::JoinSet,
    time::Instant,
};

use crate::support::{Installation, binary::Process};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(240);
/// Connections per process and address: a process may open about 20,000 files, an address has about 28,000 ports.
const OF_ONE_PROCESS: usize = 15_000;
/// Connections that a process opens at once.
const AT_ONCE: usize = 128;
/// Counts that are unchanged for this long are final.
const UNCHANGED: Duration = Duration::from_secs(10);
/// The parameters of the client processes: target, number of connections, source address.
const ORDERS: &str = "VESTIBULE_CROWD";

/// A process with silent connections.
struct Crowd {
    _process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Crowd {
    /// Runs this test binary again, with only [`be_a_crowd`].
    fn gather(to: SocketAddr, count: usize, number: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args(["flood::be_a_crowd", "--exact", "--ignored", "--nocapture"]);
        command.env(ORDERS, format!("{to} {count} 127.0.0.{}", number + 11));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("it runs");
        let orders = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped")).lines();
        Self { _process: process, orders, answers }
    }

    /// How many of its connections are accepted, refused with a response and cut, once all were opened.
    async fn count(&mut self) -> [usize; 3] {
        self.orders.write_all(b"count\n").await.expect("told");
        loop {
            let line = self.answers.next_line().await.expect("readable").expect("the crowd ended");
            // The test harness prints too.
            if let Some((_, counts)) = line.split_once("counted ") {
                let mut counts = counts.split(' ').map(|count| count.parse().expect("a number"));
                return [(); 3].map(|()| counts.next().expect("three"));
            }
        }
    }
}

struct Silent {
    stream: TcpStream,
    received: Vec<u8>,
    is_over: bool,
}

impl Silent {
    fn listen(&mut self) {
        let mut buffer = [0; 512];
        while !self.is_over {
            match self.stream.try_read(&mut buffer) {
                Ok(0) => self.is_over = true,
                Ok(read) => self.received.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => self.is_over = true,
            }
        }
    }

    fn was_refused_politely(&self) -> bool {
        let output = String::from_utf8_lossy(&self.received);
        output.starts_with("HTTP/1.1 503") && output.contains("Retry-After: ")
    }
}

async fn connect(to: SocketAddr, from: SocketAddr) -> Silent {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(from).expect("a free port");
    let stream = tokio::time::timeout(PATIENCE, socket.connect(to)).await.expect("in time").expect("a connection");
    Silent { stream, received: Vec::new(), is_over: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "a part of the test below, which runs it in processes of its own"]
async fn be_a_crowd() {
    // Alone, as with `--include-ignored`, it has nothing to do.
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let [to, count, from] = orders.split(' ').collect::<Vec<_>>().try_into().expect("three orders");
    let (to, count) = (to.parse().expect("an address"), count.parse::<usize>().expect("a number"));
    let from = SocketAddr::new(from.parse().expect("an address"), 0);
    let (mut crowd, mut coming) = (Vec::with_capacity(count), JoinSet::new());
    for _ in 0..count {
        if coming.len() == AT_ONCE {
            crowd.push(coming.join_next().await.expect("some are coming").expect("it came"));
        }
        coming.spawn(connect(to, from));
    }
    crowd.extend(coming.join_all().await);
    // Waiting for input blocks this thread; the other one receives the responses.
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        crowd.iter_mut().for_each(Silent::listen);
        let held = crowd.iter().filter(|one| !one.is_over).count();
        let refused = crowd.iter().filter(|one| one.is_over && one.was_refused_politely()).count();
        println!("counted {held} {refused} {}", count - held - refused);
    }
}

/// Sends a request on a kept connection; returns the time to the response.
async fn ask(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.expect("in time").expect("an answer");
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
    started.elapsed()
}

/// The response to a new client that sends a request and waits for the end.
async fn come_late(to: SocketAddr) -> String {
    let mut stream = TcpStream::connect(to).await.expect("a connection");
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok();
    let mut output = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut output)).await.expect("the server hangs up").ok();
    String::from_utf8_lossy(&output).into_owned()
}

/// The memory of a process, in MiB.
fn memory_of(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1_024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_beyond_the_limit_are_refused_politely_and_those_within_are_served() {
    let total = std::env::var("VESTIBULE_CONNECTIONS").map_or(400, |number| number.parse().expect("a number"));
    let places = (total / 5).min(19_000);
    let folder = tempfile::TempDir::new().expect("a scratch folder");
    let mut installation = Installation::make(&format!("sqlite:{}", folder.path().join("store.db").display()));
    let limit = format!("VESTIBULE__SERVER__MAX_CONNECTIONS={places}");
    // The clients use a few addresses.
    let share = format!("VESTIBULE__SERVER__MAX_CONNECTIONS_PER_ADDRESS={places}");
    installation.wrap(&["env", &limit, &share, "VESTIBULE__SERVER__HEADER_TIMEOUT_SECONDS=600"]);
    let process = installation.start();
    let mut early = TcpStream::connect(process.address).await.expect("a connection");
    let (alone, before) = (ask(&mut early).await, memory_of(&process));

    let started = Instant::now();
    let sizes = (0..total).step_by(OF_ONE_PROCESS).map(|first| (total - first).min(OF_ONE_PROCESS));
    let mut crowds: Vec<Crowd> =
        sizes.enumerate().map(|(number, count)| Crowd::gather(process.address, count, number)).collect();
    let settled = async {
        let (mut before, mut since) = ([0; 3], Instant::now());
        loop {
            let mut counts = [0; 3];
            for crowd in &mut crowds {
                let theirs = crowd.count().await;
                counts.iter_mut().zip(theirs).for_each(|(sum, count)| *sum += count);
            }
            if counts != before {
                (before, since) = (counts, Instant::now());
            }
            // One connection is the first client's. Some may be lost, see below: then there is nothing more to wait
            // for.
            if counts[0] < places || since.elapsed() > UNCHANGED {
                return counts;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let [held, refused, cut] = tokio::time::timeout(PATIENCE, settled).await.expect("the surplus is refused");
    let (took, during) = (started.elapsed(), memory_of(&process));
    // When the queue of the listening socket is full, the operating system may drop a connection that the client
    // considers open. The server never sees it; it costs nothing, and its first byte would get a reset.
    let lost = held.saturating_sub(places - 1);
    assert_eq!(
        (held - lost, refused + lost, cut),
        (places - 1, total - (places - 1), 0),
        "held, refused politely, cut"
    );
    assert!(lost <= total / 20, "{lost} of {total} were never seen");

    let served = ask(&mut early).await;
    let late = come_late(process.address).await;
    assert!(late.starts_with("HTTP/1.1 503") && late.contains("Retry-After: "), "{late}");
    drop(crowds);
    let free = async { while !come_late(process.address).await.starts_with("HTTP/1.1 200") {} };
    tokio::time::timeout(PATIENCE, free).await.expect("places are free again");
    ask(&mut early).await;
    println!(
        "{total} connections, {places} places: {} held, {refused} refused, {lost} never seen, in {took:.1?}; memory {before} MiB before, {during} MiB with them, {} MiB after; an answer took {alone:.1?} alone, {served:.1?} among them",
        held - lost,
        memory_of(&process)
    );
}
