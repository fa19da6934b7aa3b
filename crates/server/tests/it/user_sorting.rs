//! Sorted lists of users and their totals, over the Admin API and in the portal.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vestibule_app::admin::user_lists::MOST_COUNTED;
use vestibule_domain::{id::UserId, user::User};
use vestibule_store::{StoreError, users};

use crate::support::{Admin, Engine, Setup, TestServer, on_both_engines};

on_both_engines!(
    lists_are_sorted_both_ways,
    a_long_list_is_walked_from_its_end_and_its_total_has_a_bound,
    an_operator_sorts_users,
);

fn ids(page: &Value) -> Vec<String> {
    let users = page["users"].as_array().expect("a list").iter();
    users.map(|user| user["id"].as_str().expect("an id").to_string()).collect()
}

/// Every user of a list, read page by page.
async fn walk(admin: &Admin, query: &str) -> Vec<String> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/users?{query}{cursor}")).await.expect(200).json();
        assert_eq!(page["total"], Value::Null, "nobody asked for it");
        seen.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else { return seen };
        cursor = format!("&cursor={next}");
    }
}

async fn lists_are_sorted_both_ways(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut guests = Vec::new();
    for _ in 0..6 {
        guests.push(app.subject(&app.sign_up().await.access).await);
        server.clock.advance_seconds(2);
    }
    // Members sign up in another order than they came in.
    let members: Vec<String> = [3, 0, 4].map(|place| guests[place].clone()).into();
    for (number, id) in members.iter().enumerate() {
        let promotion = json!({"login_id": {"type": "email", "value": format!("kim{number}@shop.test")}});
        admin.post(&format!("/users/{id}/promote"), &promotion).await.expect(200);
        server.clock.advance_seconds(2);
    }
    // They signed in in a third one, and one of them never did.
    for id in [&members[1], &members[0]] {
        let (user, at) = (id.parse::<UserId>().expect("an ID"), server.app.clock.now());
        let no = server.app.projects.all()[0].no;
        let write = server.app.store.write("test", (), move |tx, ()| Box::pin(users::record_login(tx, no, user, at)));
        write.await.expect("the store works");
        server.clock.advance_seconds(2);
    }
    let reversed = |all: &[String]| all.iter().rev().cloned().collect::<Vec<_>>();
    let rest: Vec<String> = guests.iter().filter(|id| !members.contains(id)).cloned().collect();
    let by_creation: Vec<String> = guests.iter().filter(|id| members.contains(id)).cloned().collect();
    for (kind, oldest_first) in [
        ("all", &guests),
        ("guest", &rest),
        ("member", &by_creation),
        ("promoted", &members),
        ("disabled", &Vec::new()),
    ] {
        assert_eq!(walk(&admin, &format!("kind={kind}&limit=2&sort=oldest")).await, *oldest_first, "{kind}");
        assert_eq!(walk(&admin, &format!("kind={kind}&limit=2&sort=newest")).await, reversed(oldest_first), "{kind}");
        assert_eq!(walk(&admin, &format!("kind={kind}&limit=2")).await, reversed(oldest_first), "{kind}");
        let page = admin.get(&format!("/users?kind={kind}&limit=1&total=true")).await.expect(200).json();
        assert_eq!(page["total"], json!({"count": oldest_first.len(), "is_exact": true}), "{kind}");
    }
    let by_login = [members[0].clone(), members[1].clone()];
    assert_eq!(walk(&admin, "kind=member&limit=1&sort=latest_login").await, by_login);
    assert_eq!(walk(&admin, "kind=member&limit=1&sort=earliest_login").await, reversed(&by_login));
    let page = admin.get("/users?kind=member&sort=latest_login&limit=1&total=true").await.expect(200).json();
    assert_eq!(page["total"], json!({"count": 2, "is_exact": true}), "those who have signed in");
    let page = admin.get("/users?q=kim&total=true").await.expect(200).json();
    assert_eq!(page["total"], json!({"count": 3, "is_exact": true}), "a search has one page");
    let page = admin.get("/users?q=kim&limit=3&total=true").await.expect(200).json();
    assert_eq!(page["total"]["is_exact"], false, "there may be more than fit");
    for wrong in ["sort=name", "sort=latest_login", "kind=guest&sort=earliest_login", "total=yes"] {
        let reply = admin.get(&format!("/users?{wrong}")).await;
        assert!([400, 422].contains(&reply.status), "{wrong}: {reply:?}");
    }
    // Guests not seen for a month, from both ends.
    server.clock.advance_seconds(40 * 86_400);
    assert_eq!(walk(&admin, "kind=dormant&limit=2&sort=oldest").await, rest);
    assert_eq!(walk(&admin, "kind=dormant&limit=2").await, reversed(&rest));
    let page = admin.get("/users?kind=dormant&total=true").await.expect(200).json();
    assert_eq!(page["total"], json!({"count": 3, "is_exact": true}));
}

/// As many users as these, one in `every` of them a guest and the others members, in the order of their numbers.
async fn add(server: &TestServer, count: u64, every: u64) {
    let no = server.app.projects.all()[0].no;
    let at = server.app.clock.now();
    let write = server.app.store.write("test", (), move |tx, ()| {
        Box::pin(async move {
            for number in 0..count {
                let mut random = [0; 10];
                random[2..].copy_from_slice(&number.to_be_bytes());
                let id = UserId::from_parts(at.as_unix_millis(), random);
                let user = User::new_member(id, at);
                let anonymous_since = (number % every == 0).then_some(at);
                users::insert(tx, no, &User { anonymous_since, ..user }).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    write.await.expect("the store works");
}

async fn a_long_list_is_walked_from_its_end_and_its_total_has_a_bound(engine: Engine) {
    let server = TestServer::start(engine, Setup::open_portal).await;
    let admin = Admin::of(&server).await;
    let bound = u64::try_from(MOST_COUNTED).expect("positive");
    add(&server, bound + 5, 1_000).await;
    let (up, down) = (walk(&admin, "kind=guest&limit=3&sort=oldest").await, walk(&admin, "kind=guest&limit=3").await);
    assert_eq!((up.len(), up.iter().collect::<BTreeSet<_>>().len()), (11, 11), "each once");
    assert!(up.iter().eq(down.iter().rev()), "{up:?} {down:?}");
    for (kind, count, is_exact) in [("all", bound, false), ("member", bound + 5 - 11, true), ("disabled", 0, true)] {
        let page = admin.get(&format!("/users?kind={kind}&total=true")).await.expect(200).json();
        assert_eq!(page["total"], json!({"count": count, "is_exact": is_exact}), "{kind}");
    }
    // The oldest of the eleven guests is beyond those that are looked at.
    let page = admin.get("/users?kind=guest&total=true").await.expect(200).json();
    assert_eq!(page["total"], json!({"count": 10, "is_exact": false}));
    let mut owner = server.owner().await;
    for (kind, said) in [("all", "More than 10 000 users"), ("member", "9 994 users"), ("guest", "At least 10 users")] {
        owner.open(&format!("/portal/p/test/users?kind={kind}")).await;
        let page = owner.expect_page(200, "Users");
        assert!(page.text.contains(said), "{kind}: {}", page.text);
    }
}

async fn an_operator_sorts_users(engine: Engine) {
    let server = TestServer::start(engine, Setup::open_portal).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut guests = Vec::new();
    for number in 0..3 {
        let id = app.subject(&app.sign_up().await.access).await;
        let promotion = json!({"login_id": {"type": "email", "value": format!("kim{number}@shop.test")}});
        admin.post(&format!("/users/{id}/promote"), &promotion).await.expect(200);
        guests.push(id);
        server.clock.advance_seconds(2);
    }
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/users?kind=member").await;
    let order = |text: &str| {
        let mut places: Vec<(Option<usize>, usize)> =
            (0..3).map(|number| (text.find(&format!("kim{number}@")), number)).collect();
        places.sort_unstable();
        places.into_iter().map(|(_, number)| number).collect::<Vec<_>>()
    };
    let page = owner.expect_page(200, "Users");
    assert!(page.text.contains("3 users"), "{}", page.text);
    assert_eq!(order(&page.text), [2, 1, 0]);
    owner.follow("First seen").await;
    assert_eq!(order(&owner.expect_page(200, "Users").text), [0, 1, 2]);
    owner.follow("First seen").await;
    assert_eq!(order(&owner.expect_page(200, "Users").text), [2, 1, 0]);
    owner.follow("Last login").await;
    let page = owner.expect_page(200, "Users");
    assert!(page.text.contains("No users match this filter"), "an API promotion is no login: {}", page.text);
    owner.open("/portal/p/test/users?kind=promoted&sort=oldest").await;
    owner.follow("Signed up").await;
    assert_eq!(order(&owner.expect_page(200, "Users").text), [2, 1, 0]);
}
