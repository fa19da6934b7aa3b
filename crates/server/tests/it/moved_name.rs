//! A name of the database server that leads to another address, as after a failover by DNS. The name is that of a preloaded library;
//! each address is a relay to the one PostgreSQL of the tests.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use url::Url;

use crate::{
    crash::Load,
    nodes::until,
    support::{Engine, Installation, Preload, TestStore, binary::Process, binary::sign_up},
};

const NAME: &str = "database.crash.test";
/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

/// An address of the database.
struct Relay {
    open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Passes connections on to a server; without one it accepts them, and nothing answers.
    async fn start(at: SocketAddr, to: Option<(String, u16)>) -> (Self, u16) {
        let listener = TcpListener::bind(at).await.expect("a port of a loopback address");
        let port = listener.local_addr().expect("its address").port();
        let open = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&open);
        let task = tokio::spawn(async move {
            // With this task its connections end.
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let (to, open) = (to.clone(), Arc::clone(&counted));
                open.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    match to {
                        Some(to) => {
                            let mut far = TcpStream::connect(to).await.expect("the database answers");
                            copy_bidirectional(&mut near, &mut far).await.ok();
                        }
                        None => std::future::pending().await,
                    }
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        (Self { open, task }, port)
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    fn stop(self) {
        self.task.abort();
    }
}

/// Two addresses of one database, and an installation that knows its name.
struct Scene {
    /// Dropped first: the process uses the store.
    process: Process,
    names: Preload,
    first: Relay,
    second: Relay,
    _installation: Installation,
    _place: TestStore,
}

const FIRST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

impl Scene {
    /// Starts with a name that leads to these addresses. `None` without a C compiler.
    async fn start(addresses: &[Ipv4Addr], first_answers: bool, query: &str) -> Option<Self> {
        let names = Preload::compile("moved_name/names.c", "names that lead elsewhere")?;
        let place = TestStore::make(Engine::Postgres).await;
        let mut installation = Installation::make(&place.url());
        let mut url = Url::parse(&place.url()).expect("a URL");
        let to = (url.host_str().expect("a host").to_owned(), url.port().unwrap_or(5432));
        let (first, port) = Relay::start((FIRST, 0).into(), first_answers.then(|| to.clone())).await;
        let (second, _) = Relay::start((SECOND, port).into(), Some(to)).await;
        url.set_host(Some(NAME)).expect("a host");
        url.set_port(Some(port)).expect("a port");
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        installation.point_to(url.as_str());
        lead_to(&names, addresses);
        let file = names.path("addresses");
        let variables = [("NAMES_HOST", NAME), ("NAMES_FILE", file.to_str().expect("text"))];
        installation.wrap(&names.wrapper(&variables).iter().map(String::as_str).collect::<Vec<_>>());
        let process = installation.start();
        Some(Self { process, names, first, second, _installation: installation, _place: place })
    }

    async fn signs_up(&self) -> bool {
        let answer = sign_up(&self.process.client(), self.process.address.port()).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

fn lead_to(names: &Preload, addresses: &[Ipv4Addr]) {
    let lines: String = addresses.iter().map(|address| format!("{address}\n")).collect();
    // In one step: a lookup must not find half a file.
    fs::write(names.path("new"), lines).expect("a file");
    fs::rename(names.path("new"), names.path("addresses")).expect("a file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_name_is_followed_to_another_address_when_the_old_one_is_gone() {
    let Some(scene) = Scene::start(&[FIRST], true, "").await else { return };
    let load = Load::start(&scene.process, 4);
    load.wait_for(60).await;
    assert!(scene.first.open() > 0 && scene.second.open() == 0);
    lead_to(&scene.names, &[SECOND]);
    let Scene { process, names: _names, first, second, _installation, _place } = scene;
    first.stop();
    let known = load.stop().await;
    let client = process.client();
    until("guests sign up by way of the new address", async || {
        sign_up(&client, process.address.port()).await.is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    assert!(second.open() > 0);
    known.verify(&process).await;
}

/// Both take writes, as in a move from one server to another that a proxy keeps in step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_name_is_followed_to_another_address_while_the_old_one_answers() {
    let Some(scene) = Scene::start(&[FIRST], true, "").await else { return };
    until("it listens for settings", async || scene.first.open() > 1).await;
    lead_to(&scene.names, &[SECOND]);
    let mut refused = 0;
    let following = async {
        while scene.first.open() > 0 {
            refused += u32::from(!scene.signs_up().await);
        }
    };
    tokio::time::timeout(PATIENCE, following).await.expect("no connection stays with the old address");
    assert_eq!(refused, 0, "no guest notices");
    // Its sessions and the one that listens.
    until("it uses the new address", async || scene.signs_up().await && scene.second.open() > 1).await;
    assert_eq!(scene.first.open(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn of_several_addresses_of_a_name_one_that_stands_still_delays_nothing() {
    let query = "target_session_attrs=read-write";
    let Some(scene) = Scene::start(&[FIRST, SECOND], false, query).await else { return };
    assert!(scene.signs_up().await);
    assert!(scene.second.open() > 0);
}
