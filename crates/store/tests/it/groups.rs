//! Writes of one kind share a transaction and reads share a statement on PostgreSQL, and none suffers from another one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use tokio::task::JoinSet;
use vestibule_domain::{grant::Grant, id::ProjectNo, user::User};
use vestibule_store::{
    BoxFuture, GroupedWrite, Location, Store, StoreError, Tx,
    device_keys::{self, DeviceKeyRow, SignIn, SignedIn},
    grants::{self, Touched},
    new_guests,
    outbox::{self, Pushed},
    sessions,
    spent::{self, Spending},
    users,
};

use crate::test_store::{OTHER, P, TestStore, at, connect, grant, guest, id, on_both_engines, session, write};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

on_both_engines!(
    many_at_once_are_all_written_and_read,
    one_that_is_refused_or_panics_changes_nothing_for_the_others,
    a_caller_that_hangs_up_is_written_all_the_same,
    what_is_gone_is_never_read_again,
    several_uses_are_recorded_and_none_is_moved_back,
    several_rows_are_what_single_ones_would_be,
    of_several_values_none_is_redeemed_twice,
    several_refreshes_are_recorded_as_single_ones,
    several_sign_ins_with_keys_are_recorded_as_single_ones,
);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Behavior {
    Good,
    /// Its ID is taken.
    Fails,
    /// A rule refuses it.
    IsRefused,
    Panics,
}

struct NewGuest {
    user: User,
    grant: Grant,
    behavior: Behavior,
    attempts: Arc<AtomicU32>,
}

#[derive(Debug)]
enum Refusal {
    Store(StoreError),
    Rule,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

type Kind = GroupedWrite<NewGuest, u64, Refusal>;

fn kind() -> Arc<Kind> {
    GroupedWrite::new("test", create)
}

/// Answers the milliseconds in the ID of each.
fn create<'t>(tx: &'t mut Tx, all: &'t [NewGuest]) -> BoxFuture<'t, Result<Option<Vec<u64>>, Refusal>> {
    Box::pin(async move {
        for one in all {
            one.attempts.fetch_add(1, Ordering::Relaxed);
        }
        let users: Vec<_> = all.iter().map(|one| (P, &one.user)).collect();
        new_guests::insert_users(tx, &users).await?;
        for one in all {
            match one.behavior {
                Behavior::Good => {}
                Behavior::Fails => users::insert(tx, P, &one.user).await?,
                Behavior::IsRefused if all.len() > 1 => return Ok(None),
                Behavior::IsRefused => return Err(Refusal::Rule),
                Behavior::Panics => panic!("as the test wants"),
            }
        }
        let grants: Vec<_> = all.iter().map(|one| (P, &one.grant)).collect();
        new_guests::insert_grants(tx, &grants).await?;
        Ok(Some(all.iter().map(|one| one.user.id.unix_millis()).collect()))
    })
}

fn new_guest(number: u64, behavior: Behavior) -> (NewGuest, Arc<AtomicU32>) {
    let (user, attempts) = (guest(number), Arc::new(AtomicU32::new(0)));
    let mut grant = grant(number, user.id);
    // Some have more columns than others.
    if number.is_multiple_of(3) {
        grant.amr = Some(format!("amr {number}"));
        grant.scope = Some("openid".to_owned());
    }
    if number.is_multiple_of(4) {
        grant.device = Some(format!("phone {number}"));
        grant.dpop_jkt = Some("print".to_owned());
    }
    (NewGuest { user, grant, behavior, attempts: Arc::clone(&attempts) }, attempts)
}

async fn sign_up(store: &Store, kind: &Arc<Kind>, number: u64) -> Result<u64, Refusal> {
    store.write_grouped(kind, new_guest(number, Behavior::Good).0).await
}

/// Signs up so many guests at once.
async fn sign_up_many(store: &Store, kind: &Arc<Kind>, count: u64) {
    let mut crowd = JoinSet::new();
    for number in 0..count {
        let (store, kind) = (store.clone(), Arc::clone(kind));
        crowd.spawn(async move { (number, sign_up(&store, &kind, number).await) });
    }
    for (number, outcome) in crowd.join_all().await {
        assert_eq!(outcome.unwrap(), 1_000 + number, "each gets its own answer");
    }
}

async fn many_at_once_are_all_written_and_read(store: Store) {
    sign_up_many(&store, &kind(), 200).await;
    assert_eq!(store.stats().writes, 200);
    let mut crowd = JoinSet::new();
    // Of each key two, and some that do not exist.
    for number in (0..250).chain(0..250) {
        let store = store.clone();
        crowd.spawn(async move {
            let mut conn = store.read().await.unwrap();
            (number, grants::find_with_user(&mut conn, P, id(number)).await.unwrap())
        });
    }
    for (number, found) in crowd.join_all().await {
        let expected = (number < 200).then(|| new_guest(number, Behavior::Good).0);
        assert_eq!(found, expected.map(|one| (one.grant, one.user)), "{number}");
    }
    assert!(grants::find_with_user(&mut store.read().await.unwrap(), OTHER, id(1)).await.unwrap().is_none());
    let counts = &store.stats().by_name["test"];
    assert_eq!((counts.count, counts.failed), (200, 0));
}

async fn one_that_is_refused_or_panics_changes_nothing_for_the_others(store: Store) {
    let kind = kind();
    let behavior = |number: u64| match number % 40 {
        13 => Behavior::Fails,
        25 => Behavior::IsRefused,
        37 => Behavior::Panics,
        _ => Behavior::Good,
    };
    let mut crowd = JoinSet::new();
    for number in 0..200 {
        let (store, kind) = (store.clone(), Arc::clone(&kind));
        let one = new_guest(number, behavior(number)).0;
        crowd.spawn(async move { (number, store.write_grouped(&kind, one).await) });
    }
    for (number, outcome) in crowd.join_all().await {
        let is_right = match behavior(number) {
            Behavior::Good => matches!(outcome, Ok(millis) if millis == 1_000 + number),
            Behavior::Fails => matches!(outcome, Err(Refusal::Store(StoreError::Conflict { .. }))),
            Behavior::IsRefused => matches!(outcome, Err(Refusal::Rule)),
            Behavior::Panics => matches!(outcome, Err(Refusal::Store(StoreError::Panicked("test")))),
        };
        assert!(is_right, "{number}: {outcome:?}");
    }
    let mut conn = store.read().await.unwrap();
    for number in 0..200 {
        let found = users::find(&mut conn, P, id(number)).await.unwrap().is_some();
        assert_eq!(found, behavior(number) == Behavior::Good, "{number}");
    }
    drop(conn);
    let counts = &store.stats().by_name["test"];
    assert_eq!((counts.count, counts.failed), (200, 15));
    assert_eq!(store.stats().writes, 185);
}

async fn a_caller_that_hangs_up_is_written_all_the_same(store: Store) {
    let kind = kind();
    for number in 0..50 {
        let mut writing = Box::pin(sign_up(&store, &kind, number));
        // It has begun; whether it has ended is chance.
        let _ = writing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    // One that stays, and does not wait longer for those who left.
    sign_up(&store, &kind, 50).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while store.stats().writes < 51 {
        assert!(tokio::time::Instant::now() < deadline, "{:?}", store.stats());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Nor does a read.
    let mut readers = Vec::new();
    for number in 0..50 {
        let store = store.clone();
        let mut reading = Box::pin(async move {
            grants::find_with_user(&mut store.read().await.unwrap(), P, id(number)).await.unwrap().is_some()
        });
        let polled = reading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        readers.push((number, reading, polled));
    }
    for (number, reading, polled) in readers {
        match polled {
            _ if number % 2 == 0 => drop(reading),
            std::task::Poll::Ready(is_found) => assert!(is_found),
            std::task::Poll::Pending => assert!(reading.await),
        }
    }
}

/// Reads a grant again and again in eight tasks, while another one removes it: what was begun after the commit must not find it.
async fn what_is_gone_is_never_read_again(store: Store) {
    for number in 0..40 {
        write(&store, number, |tx, number| {
            Box::pin(async move {
                users::insert(tx, P, &guest(*number)).await?;
                grants::insert(tx, P, &grant(*number, id(*number))).await?;
                sessions::insert(tx, P, &session(*number, id(*number))).await
            })
        })
        .await;
        let is_gone = Arc::new(AtomicBool::new(false));
        let mut readers = JoinSet::new();
        for reader in 0..8 {
            let (store, is_gone) = (store.clone(), Arc::clone(&is_gone));
            readers.spawn(async move {
                let mut late = 0;
                while late < 3 {
                    let was_gone = is_gone.load(Ordering::SeqCst);
                    let mut conn = store.read().await.unwrap();
                    let is_found = if reader % 2 == 0 {
                        grants::find_with_user(&mut conn, P, id(number)).await.unwrap().is_some()
                    } else {
                        sessions::find_with_user(&mut conn, P, id(number)).await.unwrap().is_some()
                    };
                    drop(conn);
                    assert!(!(was_gone && is_found), "{number} was read after it was removed");
                    late += u32::from(was_gone);
                    tokio::task::yield_now().await;
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        write(&store, number, |tx, number| {
            Box::pin(async move {
                assert!(grants::remove(tx, P, id(*number)).await? && sessions::remove(tx, P, id(*number)).await?);
                Ok(())
            })
        })
        .await;
        is_gone.store(true, Ordering::SeqCst);
        readers.join_all().await;
    }
}

async fn several_uses_are_recorded_and_none_is_moved_back(store: Store) {
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for number in 0..5 {
                users::insert(tx, P, &guest(number)).await?;
            }
            let user = id(0);
            let (grants, sessions) = ((0..5).map(|n| grant(n, user)), (0..5).map(|n| session(n, user)));
            let (grants, sessions): (Vec<_>, Vec<_>) = (grants.collect(), sessions.collect());
            new_guests::insert_grants(tx, &grants.iter().map(|one| (P, one)).collect::<Vec<_>>()).await?;
            new_guests::insert_sessions(tx, &sessions.iter().map(|one| (P, one)).collect::<Vec<_>>()).await?;
            // Another project's rows of the same IDs stay as they are.
            grants::insert(tx, OTHER, &grants[3]).await
        })
    })
    .await;
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            grants::record_accesses(tx, P, &mut [(id(3), at(30)), (id(1), at(10)), (id(9), at(90))]).await?;
            grants::record_accesses(tx, P, &mut [(id(3), at(20)), (id(1), at(11))]).await?;
            grants::record_accesses(tx, P, &mut [(id(2), at(40))]).await?;
            grants::record_accesses(tx, P, &mut []).await?;
            sessions::touch_all(tx, P, &mut [(id(4), at(30)), (id(0), at(10))]).await?;
            sessions::touch_all(tx, P, &mut [(id(4), at(29)), (id(0), at(12))]).await
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    for (number, seconds) in [(0, 1), (1, 11), (2, 40), (3, 30), (4, 1)] {
        let found = grants::find(&mut conn, P, id(number)).await.unwrap().unwrap();
        assert_eq!(found.last_access_at, at(seconds), "grant {number}");
    }
    for (number, seconds) in [(0, 12), (1, 1), (4, 30)] {
        let found = sessions::find(&mut conn, P, id(number)).await.unwrap().unwrap();
        assert_eq!(found, vestibule_domain::session::Session { last_access_at: at(seconds), ..session(number, id(0)) });
    }
    assert_eq!(grants::find(&mut conn, OTHER, id(3)).await.unwrap().unwrap().last_access_at, at(1));
}

async fn several_rows_are_what_single_ones_would_be(store: Store) {
    let mut users: Vec<_> = (0..6).map(guest).collect();
    users[1].standard_attributes.insert("name".to_owned(), "Kim".into());
    users[4].last_login_at = Some(at(9));
    let mut grants: Vec<_> = (0..6).map(|number| new_guest(number, Behavior::Good).0.grant).collect();
    grants[1].session_id = Some(id(1));
    grants[2].ends_at = Some(at(99));
    grants[5].last_access_at = at(50);
    let mut sessions: Vec<_> = (0..6).map(|number| session(number, id(number))).collect();
    sessions[2] = vestibule_domain::session::Session {
        amr: Some("pwd".to_owned()),
        device: Some("Firefox".to_owned()),
        last_access_at: at(7),
        authenticated_at: at(5),
        ..session(2, id(2))
    };
    let key = |number: u64| DeviceKeyRow {
        kid: format!("key {}", 9 - number),
        id: id(number),
        user_id: id(number),
        jwk: format!("{{\"n\":{number}}}"),
        created_at: at(3),
        last_used_at: at(4),
        promoted_at: (number == 2).then(|| at(8)),
        device: (number == 3).then(|| "phone".to_owned()),
    };
    let keys: Vec<_> = (0..6).map(key).collect();
    let input = (users.clone(), grants.clone(), sessions.clone(), keys.clone());
    write(&store, input, |tx, (users, grants, sessions, keys)| {
        Box::pin(async move {
            new_guests::insert_users(tx, &users.iter().map(|one| (P, one)).collect::<Vec<_>>()).await?;
            new_guests::insert_grants(tx, &grants.iter().map(|one| (P, one)).collect::<Vec<_>>()).await?;
            new_guests::insert_sessions(tx, &sessions.iter().map(|one| (P, one)).collect::<Vec<_>>()).await?;
            let mut keys: Vec<_> = keys.iter().map(|one| (P, one)).collect();
            assert!(new_guests::insert_device_keys(tx, &mut keys).await?);
            assert!(!new_guests::insert_device_keys(tx, &mut keys[..2]).await?, "they are taken");
            let pushed = |number: i64| Pushed {
                project: ProjectNo(number % 2 + 1),
                kind: "event",
                user_id: id(5),
                payload: format!("{number}"),
                created_at: at(number),
            };
            outbox::push_all(tx, &[pushed(1), pushed(2), pushed(3)]).await
        })
    })
    .await;
    let mut conn = store.read().await.unwrap();
    for number in 0..6 {
        let place = usize::try_from(number).unwrap();
        let (user, key) = (&users[place], &keys[place]);
        assert_eq!(users::find(&mut conn, P, id(number)).await.unwrap().as_ref(), Some(user));
        assert_eq!(grants::find(&mut conn, P, id(number)).await.unwrap().as_ref(), Some(&grants[place]));
        assert_eq!(sessions::find(&mut conn, P, id(number)).await.unwrap().as_ref(), Some(&sessions[place]));
        assert_eq!(device_keys::find(&mut conn, P, &key.kid).await.unwrap().as_ref(), Some(key));
        drop(conn);
        // By a connection of its own, so that it goes with others.
        conn = store.read().await.unwrap();
        let found = sessions::find_with_user(&mut conn, P, id(number)).await.unwrap();
        assert_eq!(found, Some((sessions[place].clone(), user.clone())));
    }
    let rows = outbox::list_about(&mut conn, P, "event", (id(4), id(5)), 9).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    let rows = outbox::list_about(&mut conn, OTHER, "event", (id(4), id(5)), 9).await.unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
}

async fn of_several_values_none_is_redeemed_twice(store: Store) {
    #[derive(Debug)]
    struct Twice;
    impl From<StoreError> for Twice {
        fn from(error: StoreError) -> Self {
            panic!("{error}")
        }
    }
    let redeem = async |ids: &'static [u8]| {
        let outcome = store.write("redeem", ids, |tx, ids| {
            Box::pin(async move {
                // Of both forms.
                let value = |id: &'static [u8]| match id {
                    b"d" | b"e" => Spending { project: P, id, holder: None, expires_at: None },
                    _ => Spending { project: P, id, holder: Some(&b"h"[..]), expires_at: Some(at(9)) },
                };
                let mut values: Vec<_> = ids.chunks(1).map(value).collect();
                if spent::spend_all(tx, &mut values).await? { Ok(()) } else { Err(Twice) }
            })
        });
        outcome.await.is_ok()
    };
    assert!(redeem(b"ab").await);
    assert!(!redeem(b"cad").await, "one was redeemed before");
    assert!(!redeem(b"cc").await, "one is there twice");
    assert!(redeem(b"dc").await, "nothing of the others was kept");
    assert!(redeem(b"").await && redeem(b"e").await && !redeem(b"e").await);
    let mut conn = store.read().await.unwrap();
    assert_eq!(spent::find(&mut conn, P, b"c").await.unwrap(), Some(Some(b"h".to_vec())));
    assert_eq!(spent::find(&mut conn, OTHER, b"c").await.unwrap(), None);
}

async fn several_refreshes_are_recorded_as_single_ones(store: Store) {
    let touched = |number, device, seconds| Touched { project: P, id: id(number), device, at: at(seconds) };
    write(&store, (), |tx, ()| {
        Box::pin(async move {
            for number in 0..6 {
                grants::insert(tx, P, &Grant { device: Some("old".to_owned()), ..grant(number, id(0)) }).await?;
                grants::insert(tx, OTHER, &grant(number, id(0))).await?;
            }
            Ok(())
        })
    })
    .await;
    let is_done = write(&store, (), move |tx, ()| {
        Box::pin(async move {
            let other = Touched { project: OTHER, ..touched(5, Some("other"), 50) };
            let mut all = vec![
                touched(3, None, 30),
                touched(0, Some("new"), 10),
                other,
                touched(2, Some("late"), 0),
                touched(1, None, 15),
                // Two tabs of one browser.
                touched(1, None, 20),
                touched(3, None, 20),
            ];
            grants::touch_all(tx, &mut all).await
        })
    });
    assert!(is_done.await);
    let mut conn = store.read().await.unwrap();
    for (project, number, device, seconds) in [
        (P, 0, Some("new"), 10),
        (P, 1, Some("old"), 20),
        (P, 2, Some("late"), 1),
        (P, 3, Some("old"), 30),
        (P, 4, Some("old"), 1),
        (P, 5, Some("old"), 1),
        (OTHER, 5, Some("other"), 50),
        (OTHER, 3, None, 1),
    ] {
        let found = grants::find(&mut conn, project, id(number)).await.unwrap().unwrap();
        assert_eq!((found.device.as_deref(), found.last_access_at), (device, at(seconds)), "{number}");
    }
    drop(conn);
    let is_gone = write(&store, (), move |tx, ()| {
        Box::pin(async move {
            let mut all = vec![touched(3, None, 30), touched(0, None, 10), touched(9, None, 10)];
            grants::touch_all(tx, &mut all).await
        })
    });
    assert!(!is_gone.await);
}

/// A store on PostgreSQL, and a connection that holds up its sign-ups, or its reads.
struct Held {
    store: Store,
    holder: tokio_postgres::Client,
    knife: tokio_postgres::Client,
    _place: TestStore,
}

/// The sessions that are held up.
macro_rules! held_up {
    ($what:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'
               AND (wait_event_type = 'Lock' OR query LIKE 'INSERT INTO users%')"
        )
    };
}

impl Held {
    /// One that holds up nothing yet.
    async fn make() -> Self {
        let place = TestStore::postgres().await;
        let store = place.open().await;
        let Location::Postgres { url, .. } = &place.location else { panic!("not on PostgreSQL") };
        let (holder, knife) = (connect(url).await, connect(url).await);
        Self { store, holder, knife, _place: place }
    }

    /// Holds up sign-ups until [`Self::let_in`]. Not by a lock: a group waits for a lock only for a moment.
    async fn hold_sign_ups() -> Self {
        let held = Self::make().await;
        held.holder
            .batch_execute(
                "CREATE TABLE gate (is_open INT);
                 CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
                   BEGIN WHILE NOT EXISTS (SELECT 1 FROM gate) LOOP PERFORM pg_sleep(0.005); END LOOP; RETURN NULL; END $$;
                 CREATE TRIGGER gate BEFORE INSERT ON users FOR EACH STATEMENT EXECUTE FUNCTION wait_at_gate()",
            )
            .await
            .unwrap();
        held
    }

    async fn let_in(&self) {
        self.holder.batch_execute("INSERT INTO gate VALUES (1)").await.unwrap();
    }

    /// Holds up reads until [`Self::release`].
    async fn hold_reads(&self) {
        self.holder.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    }

    async fn release(&self) {
        self.holder.batch_execute("COMMIT").await.unwrap();
    }

    /// Waits until so many sessions are held up.
    async fn wait_for(&self, count: i64) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while self.knife.query_one(held_up!("count(*)"), &[]).await.unwrap().get::<_, i64>(0) < count {
            assert!(tokio::time::Instant::now() < deadline, "they never wait");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the sessions that are held up.
    async fn kill(&self) -> usize {
        self.knife.query(held_up!("pg_terminate_backend(pid)"), &[]).await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn those_who_wait_for_a_group_are_the_next_group() {
    let held = Held::hold_sign_ups().await;
    let kind = kind();
    let (store, crowd) = (held.store.clone(), Arc::clone(&kind));
    let signing_up = tokio::spawn(async move { sign_up_many(&store, &crowd, 200).await });
    // Both lanes have begun, each with whoever was there by then.
    held.wait_for(2).await;
    held.let_in().await;
    signing_up.await.unwrap();
    let stats = held.store.stats();
    assert_eq!(stats.writes, 200);
    assert!(stats.commits <= 12, "{} transactions for 200 writes", stats.commits);

    let before = stats.grouped_reads;
    held.hold_reads().await;
    let mut readers = JoinSet::new();
    for number in 0..200 {
        let store = held.store.clone();
        readers.spawn(async move {
            grants::find_with_user(&mut store.read().await.unwrap(), P, id(number)).await.unwrap().unwrap().1.id
        });
    }
    // Two that went alone, and a group.
    held.wait_for(3).await;
    held.release().await;
    readers.join_all().await;
    let stats = held.store.stats();
    let statements: u64 = stats.read_group_sizes.iter().sum();
    assert_eq!(stats.grouped_reads - before, 200);
    assert!(statements <= 12, "{statements} statements for 200 reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_group_whose_connection_is_lost_is_written_one_by_one() {
    let held = Held::hold_sign_ups().await;
    let kind = kind();
    let (store, crowd) = (held.store.clone(), Arc::clone(&kind));
    let signing_up = tokio::spawn(async move { sign_up_many(&store, &crowd, 100).await });
    held.wait_for(2).await;
    assert!(held.kill().await >= 2);
    held.let_in().await;
    signing_up.await.unwrap();
    assert_eq!(held.store.stats().writes, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn of_a_group_whose_commit_is_lost_nobody_is_written_twice() {
    let held = Held::hold_sign_ups().await;
    held.holder
        .batch_execute(
            "CREATE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER kill AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED
               FOR EACH ROW EXECUTE FUNCTION kill()",
        )
        .await
        .unwrap();
    let kind = kind();
    let mut crowd = JoinSet::new();
    for number in 0..50 {
        let (store, kind) = (held.store.clone(), Arc::clone(&kind));
        let (one, attempts) = new_guest(number, Behavior::Good);
        crowd.spawn(async move { (store.write_grouped(&kind, one).await, attempts.load(Ordering::Relaxed)) });
    }
    held.wait_for(2).await;
    held.let_in().await;
    for (outcome, attempts) in crowd.join_all().await {
        assert!(matches!(outcome, Err(Refusal::Store(StoreError::Unknown(_)))), "{outcome:?}");
        assert_eq!(attempts, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn reads_whose_statement_is_lost_are_read_one_by_one() {
    let held = Held::make().await;
    held.hold_reads().await;
    let mut readers = JoinSet::new();
    for number in 0..100 {
        let store = held.store.clone();
        readers.spawn(async move {
            grants::find_with_user(&mut store.read().await.unwrap(), P, id(number)).await.map(|found| found.is_some())
        });
    }
    held.wait_for(3).await;
    assert!(held.kill().await >= 3);
    held.release().await;
    let lost: Vec<_> = readers.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(lost.len() <= 4, "no more than read alone: {lost:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_request_waits_for_a_connection_no_longer_than_before() {
    let held = Held::hold_sign_ups().await;
    let kind = kind();
    let mut crowd = JoinSet::new();
    for number in 0..600 {
        let (store, kind) = (held.store.clone(), Arc::clone(&kind));
        crowd.spawn(async move { sign_up(&store, &kind, number).await.is_err() });
    }
    held.wait_for(2).await;
    // Four groups have a connection; the others wait in vain, and no longer than they may: nobody is let in before they have their answers.
    let mut refused = 0;
    let patience = |refused| if refused == 0 { PATIENCE } else { Duration::from_secs(4) };
    while let Ok(Some(one)) = tokio::time::timeout(patience(refused), crowd.join_next()).await {
        assert!(one.unwrap(), "nobody is let in");
        refused += 1;
    }
    assert!(refused > 0, "they wait for ever");
    held.let_in().await;
    // On a slow machine some of them were not refused yet. Nothing of those that were is written.
    let written = crowd.join_all().await.into_iter().filter(|is_refused| !is_refused).count();
    assert!(written > 0);
    assert_eq!(held.store.stats().writes, written as u64);
}

/// Guests 0 to 5 with keys of the same numbers, in two projects.
async fn add_guests_with_keys(store: &Store) {
    write(store, (), |tx, ()| {
        Box::pin(async move {
            for (project, number) in
                [P, OTHER].into_iter().flat_map(|project| (0..6).map(move |number| (project, number)))
            {
                users::insert(tx, project, &guest(number)).await?;
                let key = DeviceKeyRow {
                    kid: format!("key {}", 9 - number),
                    id: id(number),
                    user_id: id(number),
                    jwk: "{}".to_owned(),
                    created_at: at(3),
                    last_used_at: at(4),
                    promoted_at: None,
                    device: None,
                };
                assert!(device_keys::insert(tx, project, &key).await?);
            }
            users::record_login(tx, P, id(2), at(5)).await?;
            Ok(())
        })
    })
    .await;
}

async fn several_sign_ins_with_keys_are_recorded_as_single_ones(store: Store) {
    add_guests_with_keys(&store).await;
    let hour = 3_600;
    // One signs in twice, one is not due, one belongs to another project.
    let all = [(P, 4, hour + 9), (P, 1, hour + 7), (OTHER, 1, hour + 8), (P, 2, 60), (P, 1, hour + 7)];
    let recorded = write(&store, (), move |tx, ()| {
        Box::pin(async move {
            let kids = all.map(|(_, number, _)| format!("key {}", 9 - number));
            let sign_ins: Vec<_> = all
                .iter()
                .zip(&kids)
                .map(|((project, number, seconds), kid)| SignIn {
                    project: *project,
                    kid,
                    user: id(*number),
                    at: at(*seconds),
                })
                .collect();
            device_keys::record_sign_ins(tx, &sign_ins).await
        })
    })
    .await;
    assert_eq!(recorded, Some(vec![SignedIn { seen_day: None }; all.len()]));
    let mut conn = store.read().await.unwrap();
    for (project, number, login, used) in [
        (P, 4, Some(hour + 9), hour + 9),
        (P, 1, Some(hour + 7), hour + 7),
        (OTHER, 1, Some(hour + 8), hour + 8),
        (P, 2, Some(5), 4),
        (P, 3, None, 4),
        (OTHER, 4, None, 4),
    ] {
        let found = device_keys::find_with_user(&mut conn, project, &format!("key {}", 9 - number)).await.unwrap();
        let (key, user) = found.unwrap();
        assert_eq!((user.last_login_at, key.last_used_at), (login.map(at), at(used)), "{project:?} {number}");
    }
    drop(conn);
    // A key of another guest among them: none is recorded.
    let refused = write(&store, (), move |tx, ()| {
        Box::pin(async move {
            let of = |number, kid| SignIn { project: P, kid, user: id(number), at: at(9 * hour) };
            device_keys::record_sign_ins(tx, &[of(0, "key 9"), of(3, "key 5"), of(5, "key 4")]).await
        })
    })
    .await;
    assert_eq!(refused, None);
}
