//! A server for a single test: the same boot as `main`, on a free port, with the test's clock and randomness.

use std::{net::SocketAddr, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use toml::{Table, Value};
use vestibule_app::{
    actor::Actor,
    adapters::{
        clock::Clock,
        mailer::{Mailer, MemoryMailbox},
        sms::SmsSender,
    },
    config::{self, Config, SmsProvider},
    open,
    projects::{
        Project,
        change::{Applied, ApplyError, ProjectWriter},
    },
    state::{Adapters, App},
};
use vestibule_domain::{
    operator::{Assignment, EVERY_PROJECT, LinkMaker, LinkPurpose, OperatorLink, Role},
    project::ProjectSettings,
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_server::boot;
use vestibule_store::{events, operator_links, outbox};

use super::{AppClient, Browser, Engine, Http, Mailbox, seed::seeded_entropy, test_store::TestStore};

/// 2030-05-01T08:00:00Z: a whole second, to detect a formatter that drops zeros.
const START: i64 = 1_903_852_800;

/// The password of [`TestServer::owner`].
pub(crate) const OWNER_PASSWORD: &str = "a lamp over seven quiet doors";

/// Changes before the server starts.
pub(crate) struct Setup {
    origin: String,
    project: Table,
    environment: Vec<(String, String)>,
    store_at: Option<SocketAddr>,
}

impl Setup {
    /// Uses another address for the server's PostgreSQL.
    pub(crate) fn reach_store_at(&mut self, address: SocketAddr) {
        self.store_at = Some(address);
    }

    /// Sets a key of the project file, such as `authentication.public_signup_disabled`.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let (parents, key) = path.rsplit_once('.').expect("a path with a section");
        let table = parents.split('.').fold(&mut self.project, |table, section| {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            entry.as_table_mut().expect("a section")
        });
        table.insert(key.into(), value.into());
    }

    /// Removes a key of the project file.
    pub(crate) fn unset(&mut self, section: &str, key: &str) {
        let table = self.project.get_mut(section).and_then(Value::as_table_mut).expect("a section");
        table.remove(key).expect("a key that is there");
    }

    /// Sets a key of one application.
    pub(crate) fn set_client(&mut self, client_id: &str, key: &str, value: impl Into<Value>) {
        let clients = self.project["oauth"]["clients"].as_array_mut().expect("the applications");
        let client = clients.iter_mut().find(|client| client["client_id"].as_str() == Some(client_id));
        let client = client.and_then(Value::as_table_mut).expect("an application of the test project");
        client.insert(key.into(), value.into());
    }

    /// Enables the portal at the project's own origin.
    pub(crate) fn open_portal(&mut self) {
        let origin = self.origin.clone();
        self.configure("portal.public_origin", &origin);
        self.configure("portal.project", "test");
    }

    /// Sets a key of the server's configuration, such as `server.trusted_proxies`.
    pub(crate) fn configure(&mut self, path: &str, value: &str) {
        let (section, key) = path.split_once('.').expect("section.key");
        let name = format!("VESTIBULE__{}__{}", section.to_uppercase(), key.to_uppercase());
        self.environment.push((name, value.into()));
    }
}

/// A running server.
pub(crate) struct TestServer {
    /// `http://localhost:PORT`, the issuer.
    pub(crate) origin: String,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) app: Arc<App>,
    http: Http,
    project: Table,
    config: Config,
    pub(crate) mails: MemoryMailbox,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
    // Dropped last: the data outlives the server.
    place: TestStore,
}

impl TestServer {
    /// Boots a server with the test project, changed by `change`.
    pub(crate) async fn start(engine: Engine, change: impl FnOnce(&mut Setup)) -> Self {
        // Boxed, so that the tests' own futures stay small.
        Box::pin(Self::boot(engine, change)).await
    }

    async fn boot(engine: Engine, change: impl FnOnce(&mut Setup)) -> Self {
        let place = TestStore::make(engine).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let origin = format!("http://localhost:{}", address.port());
        let mut setup = Setup {
            origin: origin.clone(),
            project: test_project(&origin),
            environment: cheap_configuration(&place.url()),
            store_at: None,
        };
        change(&mut setup);
        if let Some(address) = setup.store_at {
            let mut url = url::Url::parse(&place.url()).expect("the URL of a database");
            url.set_host(Some(&address.ip().to_string())).expect("a host");
            url.set_port(Some(address.port())).expect("a port");
            setup.configure("store.url", url.as_str());
        }
        let config = config::load(None, setup.environment.into_iter()).expect("the test's configuration is right");
        let clock = Clock::manual(Timestamp::from_seconds(START));
        let (mails, entropy) = (MemoryMailbox::default(), seeded_entropy());
        let sms = text_messages(&config, &mails);
        let adapters = Adapters { clock: clock.clone(), entropy, mailer: mail(&config, &mails), sms };
        let opened = open::open_with_project(config.clone(), adapters, &read_project(&setup.project)).await;
        let app = opened.expect("the server opens");
        let (stop, serving) = serve(&app, listener);
        let (project, http) = (setup.project, Http::new(&origin, address));
        Self {
            http,
            origin,
            address,
            clock,
            app,
            project,
            config,
            mails,
            stop: Some(stop),
            serving: Some(serving),
            place,
        }
    }

    /// Stops, and starts another server on the same data, clock and port.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.expect("the port is free again");
        let (clock, entropy) = (self.clock.clone(), self.app.entropy.clone());
        let sms = text_messages(&self.config, &self.mails);
        let adapters = Adapters { clock, entropy, mailer: mail(&self.config, &self.mails), sms };
        self.app = open::open(self.config.clone(), adapters).await.expect("the server opens");
        let (stop, serving) = serve(&self.app, listener);
        (self.stop, self.serving) = (Some(stop), Some(serving));
        // The old connections are gone.
        self.http = Http::new(&self.origin, self.address);
    }

    /// Starts another server on the same store, mail and clock: a second node, at the same port of another loopback
    /// address, so that the same names lead to it.
    pub(crate) async fn start_node(&self) -> Node {
        self.start_node_with(self.clock.clone()).await
    }

    /// The same with another clock.
    pub(crate) async fn start_node_with(&self, clock: Clock) -> Node {
        let address = SocketAddr::from(([127, 0, 0, 2], self.address.port()));
        let listener = TcpListener::bind(address).await.expect("the port of another loopback address");
        let app = self.open_app(clock).await;
        let (stop, serving) = serve(&app, listener);
        Node { http: Http::new(&self.origin, address), app, stop: Some(stop), serving: Some(serving) }
    }

    /// What a node shares, on the same store and mail, without a listener and without jobs.
    pub(crate) async fn open_app(&self, clock: Clock) -> Arc<App> {
        let entropy = seeded_entropy();
        let (mailer, sms) = (mail(&self.config, &self.mails), text_messages(&self.config, &self.mails));
        open::open(self.config.clone(), Adapters { clock, entropy, mailer, sms }).await.expect("the node opens")
    }

    /// Applies changed settings, like `vestibule project apply`, and reloads them.
    pub(crate) async fn change_project(&self, change: impl FnOnce(&mut Setup)) {
        let mut setup = Setup {
            origin: self.origin.clone(),
            project: self.project.clone(),
            environment: Vec::new(),
            store_at: None,
        };
        change(&mut setup);
        self.apply(&read_project(&setup.project)).await.expect("the project is applied");
    }

    /// Applies settings, like `vestibule project apply`, and reloads the projects.
    pub(crate) async fn apply(&self, settings: &ProjectSettings) -> Result<Applied, ApplyError> {
        let app = &self.app;
        let actor = Actor::at_terminal("project apply");
        let applied = ProjectWriter::of(app).apply(settings, &actor, app.clock.now()).await;
        app.projects.reload(&app.store, &app.master).await.expect("the projects are loaded");
        applied
    }

    /// Adds another project.
    pub(crate) async fn add_project(&self, id: &str, change: impl FnOnce(&mut Setup)) -> Arc<Project> {
        let origin = format!("http://{id}.localhost:{}", self.address.port());
        let mut setup = Setup { project: test_project(&origin), origin, environment: Vec::new(), store_at: None };
        setup.set("project.id", id);
        change(&mut setup);
        self.apply(&read_project(&setup.project)).await.expect("the project is applied");
        self.app.projects.find_by_id(id).expect("it is served")
    }

    /// Plain HTTP to a project of [`TestServer::add_project`].
    pub(crate) fn http_of(&self, project: &Project) -> Http {
        Http::new(&project.origin, self.address)
    }

    /// Every event of a type, oldest first: those that wait in the outbox and those that are in the log already.
    pub(crate) async fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        self.events_of("test", kind).await
    }

    /// The same of another project.
    pub(crate) async fn events_of(&self, project: &str, kind: &str) -> Vec<serde_json::Value> {
        let all = self.all_events_of(project).await;
        all.into_iter().filter(|body| body["type"] == kind).collect()
    }

    /// Every event of a project, whatever its type.
    pub(crate) async fn all_events_of(&self, project: &str) -> Vec<serde_json::Value> {
        let no = self.app.projects.find_by_id(project).expect("the project").no;
        let late = self.clock.now().plus(std::time::Duration::from_secs(1_000_000));
        let mut conn = self.app.store.read().await.expect("a connection");
        // The outbox first: an event that moves to the log in between is then found twice, and deduplicated by its ID.
        let queued = outbox::due_any_project(&mut conn, "event", late, 1_000).await.expect("the outbox");
        let logged = events::follow(&mut conn, no, 0, 1_000).await.expect("the event log");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        let logged = logged.iter().map(|row| read(&row.body));
        let queued = queued.iter().map(|row| read(&row.payload)["body"].take());
        let mut seen = std::collections::HashSet::new();
        let all = logged.chain(queued).filter(|body| seen.insert(body["id"].to_string()));
        let is_of_it = |body: &serde_json::Value| body["context"]["app_id"] == project;
        all.filter(is_of_it).collect()
    }

    /// A browser in which the first operator, an owner of all projects, has just signed in to the portal.
    pub(crate) async fn owner(&self) -> Browser {
        let mut browser = self.browser();
        browser.open(&self.first_link().await).await;
        browser.fill("Email", "olga@house.example");
        browser.fill("Your name", "Olga");
        browser.fill("Password", OWNER_PASSWORD);
        browser.press("Create account").await;
        browser.expect_page(200, "Projects");
        browser
    }

    /// The first-run link that the server prints.
    pub(crate) async fn first_link(&self) -> String {
        let link = vestibule_portal::first_link::create_first_link(&self.app).await.expect("the store works");
        link.expect("there is no operator yet, and there is a portal")
    }

    /// A reset link for an operator, as the command line creates it.
    pub(crate) async fn reset_link(&self, email: &str) -> String {
        let token = "a-reset-link-of-the-test";
        let now = self.clock.now();
        let link = OperatorLink {
            token: TokenHash(digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("32 bytes")),
            purpose: LinkPurpose::Reset,
            assignment: Assignment { project: EVERY_PROJECT, role: Role::Owner },
            email: email.to_string(),
            created_at: now,
            expires_at: now.plus(LinkPurpose::Reset.lifetime()),
            maker: LinkMaker::CommandLine,
            is_mailed: false,
        };
        let written = self.app.store.write("test", link, |tx, link| Box::pin(operator_links::insert(tx, link))).await;
        written.expect("the store works");
        format!("/portal/welcome/{token}")
    }

    /// An invitation as a server without email showed it to its maker, who could hand it to anyone.
    pub(crate) async fn shown_invitation(&self, project: &str, email: &str, role: Role) -> String {
        let token = format!("an-invitation-of-the-test-for-{email}");
        let (now, no) = (self.clock.now(), self.app.projects.find_by_id(project).expect("the project").no);
        let link = OperatorLink {
            token: TokenHash(digest(&SHA256, token.as_bytes()).as_ref().try_into().expect("32 bytes")),
            purpose: LinkPurpose::Invitation,
            assignment: Assignment { project: no, role },
            email: email.to_string(),
            created_at: now,
            expires_at: now.plus(LinkPurpose::Invitation.lifetime()),
            maker: LinkMaker::CommandLine,
            is_mailed: false,
        };
        let written = self.app.store.write("test", link, |tx, link| Box::pin(operator_links::insert(tx, link))).await;
        written.expect("the store works");
        format!("/portal/welcome/{token}")
    }

    /// The value of `store.url`.
    pub(crate) fn store_url(&self) -> String {
        self.config.store.url.clone()
    }

    /// The URL of its PostgreSQL itself, whatever is between the two.
    pub(crate) fn database_url(&self) -> String {
        self.place.url()
    }

    /// Boots a server with the unchanged test project.
    pub(crate) async fn start_plain(engine: Engine) -> Self {
        Self::start(engine, |_| {}).await
    }

    pub(crate) fn http(&self) -> Http {
        self.http.clone()
    }

    /// An app client of the application `web`.
    pub(crate) fn app_client(&self) -> AppClient {
        AppClient::new(self.http(), "web", "http://shop.test/after-login")
    }

    /// An app client of the application `blog`, on another web origin.
    pub(crate) fn other_client(&self) -> AppClient {
        AppClient::new(self.http(), "blog", "http://blog.test/after-login")
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.http())
    }

    pub(crate) fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.mails.clone())
    }

    /// Stops as on SIGTERM and waits for the end.
    pub(crate) async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(serving) = self.serving.take() {
            serving.await.expect("the server ends well");
        }
    }
}

/// Another server on the same store.
pub(crate) struct Node {
    pub(crate) http: Http,
    pub(crate) app: Arc<App>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Node {
    /// An app client of the application `web` that calls this node.
    pub(crate) fn app_client(&self) -> AppClient {
        AppClient::new(self.http.clone(), "web", "http://shop.test/after-login")
    }

    /// Stops as on SIGTERM and waits for the end.
    pub(crate) async fn stop(mut self) {
        if let (Some(stop), Some(serving)) = (self.stop.take(), self.serving.take()) {
            stop.send(()).ok();
            serving.await.expect("the node ends well");
        }
    }
}

fn serve(app: &Arc<App>, listener: TcpListener) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let serving = boot::serve(Arc::clone(app), listener, async { drop(stopped.await) });
    (stop, tokio::spawn(serving))
}

fn read_project(project: &Table) -> ProjectSettings {
    let text = toml::to_string(project).expect("a project file");
    ProjectSettings::parse_toml(&text).expect("the test's project is right")
}

/// A mailbox in memory, unless the test configures a mail server.
fn mail(config: &Config, mails: &MemoryMailbox) -> Mailer {
    if config.smtp.host.is_empty() {
        return Mailer::Memory(mails.clone());
    }
    Mailer::from_config(&config.smtp).expect("a mailer")
}

/// Text messages are mails to a number, unless the test configures a provider.
fn text_messages(config: &Config, mails: &MemoryMailbox) -> SmsSender {
    match config.sms.provider {
        SmsProvider::None => SmsSender::Memory(mails.clone()),
        SmsProvider::Webhook | SmsProvider::Twilio => SmsSender::from_config(&config.sms).expect("a sender"),
    }
}

fn cheap_configuration(store_url: &str) -> Vec<(String, String)> {
    [
        ("STORE__URL", store_url),
        ("STORE__MAX_CONNECTIONS", "4"),
        ("SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("PASSWORDS__MEMORY_KIB", "8"),
        ("PASSWORDS__ITERATIONS", "1"),
        ("PASSWORDS__QUEUE", "1000"),
    ]
    .map(|(name, value)| (format!("VESTIBULE__{name}"), value.to_string()))
    .into()
}

fn test_project(origin: &str) -> Table {
    include_str!("project.toml").replace("{origin}", origin).parse().expect("the test project is TOML")
}
