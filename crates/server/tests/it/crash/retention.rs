//! Kills the real binary (SIGKILL) while it warns, expires and erases guests. Nothing is half done, the run goes on where it stood, and
//! each guest has its events, each with one ID.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;
use vestibule_app::adapters::{clock::Clock, entropy::Entropy};
use vestibule_domain::{
    grant::Grant,
    id::{GrantId, IdentityId, ProjectNo, UserId},
    secret::TokenHash,
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    Location, Store, StoreError, Tx,
    device_keys::{self, DeviceKeyRow},
    grants, users,
};

use super::world::read_rows;
use crate::support::{
    Engine, Installation, Preload, Receiver, TestStore,
    binary::{HOST, Process},
    on_both_engines,
};

on_both_engines!(a_killed_run_of_the_retention_goes_on_where_it_stood);

const DAY: Duration = Duration::from_secs(86_400);
/// Guests of each kind.
const GUESTS: usize = 1_200;
/// How many times as fast the timers of the server go: the job looks once a minute.
const SPEED: &str = "20";
/// How often the server is killed at most, each time at another point of the run.
const KILLS: usize = 6;
/// A generous time-out, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the rules do with a guest that was last seen so many days ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It has neither attributes nor a device key, and is warned.
    Warn,
    /// It has attributes. It expires, and is kept for its grace period.
    Expire,
    /// It has a device key, and is erased at once.
    Erase,
}

impl Fate {
    const ALL: [Self; 3] = [Self::Warn, Self::Expire, Self::Erase];

    const fn days(self) -> u32 {
        match self {
            Self::Warn => 25,
            Self::Expire | Self::Erase => 40,
        }
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Warn => "user.anonymous.expiring",
            Self::Expire => "user.anonymous.expired",
            Self::Erase => "user.deleted",
        }
    }
}

/// The rules, and where the events go.
fn configure(installation: &Installation, receiver: &Receiver) {
    let folder = installation.folder.path();
    let config = folder.join("vestibule.toml");
    let more = "[hooks]\nallow_private_addresses = true\n";
    fs::write(&config, fs::read_to_string(&config).expect("the configuration") + more).expect("a file");
    let file = folder.join("project.toml");
    let events = Fate::ALL.map(|fate| format!("\"{}\"", fate.event())).join(", ");
    let rules = format!(
        "refresh_token_lifetime_seconds = 34560000\nrefresh_token_idle_timeout_seconds = 34560000\n\
         [oauth.clients.guest_retention.without_key]\nidle_seconds = 2592000\nwarning_seconds = 604800\n\
         [oauth.clients.guest_retention.with_key]\nidle_seconds = 2592000\ngrace_seconds = 0\n\
         [oauth.clients.guest_retention.with_attributes]\nidle_seconds = 2592000\ngrace_seconds = 2592000\n\
         [[hook.non_blocking_handlers]]\nevents = [{events}]\nurl = \"{}\"\n",
        receiver.url
    );
    let project = fs::read_to_string(&file).expect("the project") + &rules;
    let project = project.replacen("[authentication]\n", "[authentication]\nretention_confirm_percent = 100\n", 1);
    fs::write(&file, project).expect("a file");
    installation.run(&["project", "apply", file.to_str().expect("text")]);
}

/// Deliveries are signed, so there has to be a secret.
async fn create_webhook_secret(installation: &Installation, process: &Process) {
    let key = installation.run(&[
        "admin",
        "key",
        "create",
        "--project",
        "crash",
        "--name",
        "t",
        "--scopes",
        "settings:write",
    ]);
    let url = format!("http://{HOST}:{}/_api/admin/v1/project/webhook-secret", process.address.port());
    let answer = process.client().post(url).bearer_auth(key.trim()).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
}

/// A guest of this fate, as old as it has to be.
async fn add(tx: &mut Tx, no: ProjectNo, fate: Fate, id: UserId, at: Timestamp) -> Result<(), StoreError> {
    let mut user = User::new_guest(id, at);
    if fate == Fate::Expire {
        user.custom_attributes.insert("cart".into(), "c-1".into());
    }
    users::insert(tx, no, &user).await?;
    let grant = Grant {
        id: GrantId::from_bytes(*id.as_bytes()),
        user_id: id,
        client_id: "rotating".into(),
        token_hash: TokenHash([7; 32]),
        scope: None,
        created_at: at,
        last_access_at: at,
        authenticated_at: at,
        amr: None,
        session_id: None,
        dpop_jkt: None,
        device: None,
        previous: None,
        has_revoked_tokens: false,
        ends_at: None,
    };
    grants::insert(tx, no, &grant).await?;
    if fate == Fate::Erase {
        let key = DeviceKeyRow {
            kid: id.to_string(),
            id: IdentityId::from_bytes(*id.as_bytes()),
            user_id: id,
            jwk: "{}".into(),
            created_at: at,
            last_used_at: at,
            promoted_at: None,
            device: None,
        };
        device_keys::insert(tx, no, &key).await?;
    }
    Ok(())
}

/// Adds the guests, of all fates in turn; answers which are of which.
async fn add_guests(place: &TestStore, no: ProjectNo) -> BTreeMap<String, Fate> {
    let url = place.url();
    let location = match url.strip_prefix("sqlite:") {
        Some(path) => Location::Sqlite { path: path.into() },
        None => Location::postgres(url, 2),
    };
    let store = Store::open(&location).await.expect("the store");
    let mut all = BTreeMap::new();
    let today = Clock::System.now();
    for number in 0..GUESTS * Fate::ALL.len() {
        let fate = Fate::ALL[number % Fate::ALL.len()];
        let at = today.minus(DAY * fate.days()).plus(Duration::from_millis(number as u64));
        all.insert((UserId::from_parts(at.as_unix_millis(), Entropy::Os.bytes()), at), fate);
    }
    let chunks: Vec<_> = all.iter().map(|(guest, fate)| (*guest, *fate)).collect();
    for chunk in chunks.chunks(500) {
        let added = store.write("add_guests", chunk.to_vec(), move |tx, guests| {
            Box::pin(async move {
                for ((id, at), fate) in guests {
                    add(tx, no, *fate, *id, *at).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        added.await.expect("added");
    }
    store.close().await;
    all.into_iter().map(|((id, _), fate)| (id.to_string().replace('-', ""), fate)).collect()
}

/// The IDs in the first column of a query.
async fn ids(place: &TestStore, sql: &str) -> BTreeSet<String> {
    read_rows(place, sql).await.into_iter().map(|mut row| row.swap_remove(0).to_lowercase()).collect()
}

/// What is there of the guests.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    users: BTreeSet<String>,
    grants: BTreeSet<String>,
    keys: BTreeSet<String>,
    warned: BTreeSet<String>,
    expired: BTreeSet<String>,
}

impl Rows {
    async fn read(place: &TestStore) -> Self {
        Self {
            users: ids(place, "SELECT id FROM users").await,
            grants: ids(place, "SELECT user_id FROM grants").await,
            keys: ids(place, "SELECT user_id FROM device_keys").await,
            warned: ids(place, "SELECT user_id FROM retention_marks WHERE warned_at IS NOT NULL").await,
            expired: ids(place, "SELECT user_id FROM retention_marks WHERE expired_at IS NOT NULL").await,
        }
    }

    /// What is there after a kill: a database server may still end a transaction whose client is gone.
    async fn read_settled(place: &TestStore) -> Self {
        let mut rows = Self::read(place).await;
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let again = Self::read(place).await;
            if again == rows {
                return rows;
            }
            rows = again;
        }
    }

    /// How many guests the run is done with.
    fn done(&self, guests: usize) -> usize {
        self.warned.len() + self.expired.len() + guests - self.users.len()
    }

    /// Each guest is as it was, or as it is to be.
    fn expect_whole(&self, guests: &BTreeMap<String, Fate>) {
        for (id, fate) in guests {
            let [user, grant, key] = [&self.users, &self.grants, &self.keys].map(|set| set.contains(id));
            let (warned, expired) = (self.warned.contains(id), self.expired.contains(id));
            let is_whole = match fate {
                Fate::Warn => user && grant && !expired,
                Fate::Expire => user && !warned && grant != expired,
                Fate::Erase => user == grant && user == key && !warned && !expired,
            };
            assert!(
                is_whole,
                "{fate:?} {id}: user {user}, grant {grant}, key {key}, warned {warned}, expired {expired}"
            );
        }
    }
}

/// Waits until the run is done with so many guests, or with all.
async fn wait_for(place: &TestStore, guests: usize, done: usize) -> Rows {
    let until = Instant::now() + PATIENCE;
    loop {
        let rows = Rows::read(place).await;
        if rows.done(guests) >= done {
            return rows;
        }
        assert!(Instant::now() < until, "only {} of {done} are done", rows.done(guests));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The IDs of the events that came about each guest.
fn group_events(receiver: &Receiver) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut events: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for call in receiver.calls() {
        let event = call.json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let user = text(&event["payload"]["user"]["id"]).replace('-', "");
        events.entry((text(&event["type"]), user)).or_default().insert(text(&event["id"]));
    }
    events
}

async fn a_killed_run_of_the_retention_goes_on_where_it_stood(engine: Engine) {
    let Some(clock) = Preload::compile("crash/clock.c", "a killed run of the retention") else { return };
    let (place, receiver) = (TestStore::make(engine).await, Receiver::start().await);
    let mut installation = Installation::make(&place.url());
    let process = installation.start();
    create_webhook_secret(&installation, &process).await;
    process.kill();
    configure(&installation, &receiver);
    let no = read_rows(&place, "SELECT no FROM projects WHERE id = 'crash'").await[0][0].parse().expect("a number");
    let guests = add_guests(&place, ProjectNo(no)).await;
    let wrapper = clock.wrapper(&[("CLOCK_SPEED", SPEED)]);
    installation.wrap(&wrapper.iter().map(String::as_str).collect::<Vec<_>>());
    let mut process = installation.start();
    let (mut done, mut kills) = (0, 0);
    while kills < KILLS && done < guests.len() {
        // At another point of the run each time: begun, and a little later.
        let rows = wait_for(&place, guests.len(), done + 1).await;
        tokio::time::sleep(Duration::from_millis(3 * (kills as u64))).await;
        let was_under_way = rows.done(guests.len()) < guests.len();
        process.kill();
        kills += 1;
        let rows = Rows::read_settled(&place).await;
        rows.expect_whole(&guests);
        done = rows.done(guests.len());
        assert!(kills > 1 || was_under_way, "the first kill is in the middle of the run");
        process = installation.start();
    }
    wait_for(&place, guests.len(), guests.len()).await.expect_whole(&guests);
    let all = GUESTS * Fate::ALL.len();
    let until = Instant::now() + PATIENCE;
    while group_events(&receiver).len() < all && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let events = group_events(&receiver);
    for (id, fate) in &guests {
        let ids = events.get(&(fate.event().to_owned(), id.clone()));
        assert_eq!(ids.map(BTreeSet::len), Some(1), "{fate:?} {id}: one event, however often it was sent");
    }
    assert_eq!(events.len(), all, "and no other event");
    let count = "SELECT COUNT(*) FROM events WHERE type = 'retention.completed'";
    while read_rows(&place, count).await[0][0] == "0" {
        assert!(Instant::now() < until, "the run never ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let bodies = read_rows(&place, "SELECT body FROM events WHERE type = 'retention.completed'").await;
    let sums = ["warned", "expired", "erased", "revived"].map(|name| {
        let number =
            |row: &Vec<String>| serde_json::from_str::<Value>(&row[0]).expect("JSON")["payload"][name].as_u64();
        bodies.iter().filter_map(number).sum::<u64>()
    });
    assert_eq!(sums, [GUESTS as u64, GUESTS as u64, GUESTS as u64, 0], "each counted once");
    process.kill();
    let checked = installation.run(&["check", "--quiet"]);
    assert!(checked.is_empty(), "{checked}");
}
