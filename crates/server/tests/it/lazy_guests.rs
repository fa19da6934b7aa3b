//! Guests of lazy applications: their tokens are those of other guests, and no row is written before something must be kept.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_app::jobs::not_stored;
use vestibule_domain::client::GuestCreation;

use crate::{
    introspection::{introspect, make_secret},
    late_sign_ups::recount,
    lifetimes::change_settings,
    nodes::until,
    support::{Admin, AppClient, Engine, Reply, Setup, TestServer, Tokens, connect_to, on_both_engines},
};

on_both_engines!(
    a_visitor_who_leaves_writes_nothing,
    jwt_access_tokens_of_a_visitor_who_leaves_write_nothing,
    a_refresh_stores_the_guest_with_the_same_sub,
    a_refresh_with_rotation_stores_the_guest_once,
    fifty_first_uses_make_one_guest,
    own_scopes_and_lifetimes_are_those_of_the_sign_up,
    guests_that_are_not_stored_are_a_number_of_their_own,
    sign_ups_are_limited_as_before,
    only_an_application_with_tokens_may_be_lazy,
);

pub(crate) const SIGN_UP: &str = "/api/anonymous_user/signup";
const ID_TOKEN: &str = "urn:authgear:params:oauth:grant-type:id-token";

pub(crate) fn lazy(setup: &mut Setup) {
    setup.set_client("web", "guest_creation", "lazy");
    setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
}

fn lazy_with_jwt(setup: &mut Setup) {
    lazy(setup);
    setup.set_client("web", "issue_jwt_access_token", true);
}

/// How many rows the tables of guests have.
pub(crate) async fn rows(server: &TestServer) -> [i64; 4] {
    let tables = ["users", "grants", "spent", "outbox"];
    let url = server.store_url();
    let mut counts = [0; 4];
    for (table, count) in tables.iter().zip(&mut counts) {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        *count = match url.strip_prefix("sqlite:") {
            Some(path) => {
                let connection = rusqlite::Connection::open(path).expect("the store");
                connection.query_row(&sql, [], |row| row.get(0)).expect("a count")
            }
            None => connect_to(&url).await.query_one(&sql, &[]).await.expect("a count").get(0),
        };
    }
    counts
}

/// How many users and grants there are.
pub(crate) async fn stored(server: &TestServer) -> (i64, i64) {
    let [users, grants, _, _] = rows(server).await;
    (users, grants)
}

pub(crate) async fn resolve(client: &AppClient, access: &str) -> Reply {
    Reply::of(client.http.request(Method::GET, "/_resolver/resolve").bearer_auth(access)).await.expect(200)
}

/// A new access token for the same guest, as the SDKs ask for when a page is loaded.
pub(crate) async fn go_on(client: &AppClient, refresh: &str) -> Reply {
    let body = json!({"session_type": "refresh_token", "client_id": client.client_id, "refresh_token": refresh});
    client.http.post_json(SIGN_UP, &body).await
}

pub(crate) async fn renew_id_token(client: &AppClient, access: &str) -> Reply {
    let form = [("grant_type", ID_TOKEN), ("client_id", client.client_id.as_str())];
    Reply::of(client.http.request(Method::POST, "/oauth2/token").bearer_auth(access).form(&form)).await
}

fn members(value: &Value) -> Vec<&String> {
    value.as_object().expect("an object").keys().collect()
}

async fn visit(engine: Engine, setup: fn(&mut Setup)) {
    let server = TestServer::start(engine, setup).await;
    let client = server.app_client();
    let secret = make_secret(&server, "backend").await;
    // What came before the visitors is carried out by now.
    until("the outbox is empty", async || rows(&server).await[3] == 0).await;
    let before = rows(&server).await;
    let body = json!({"session_type": "refresh_token", "client_id": "web"});
    let mut subjects = Vec::new();
    for _ in 0..5 {
        let result = client.http.post_json(SIGN_UP, &body).await.expect(200).result();
        assert_eq!(members(&result), ["access_token", "expires_in", "refresh_token", "token_type"]);
        assert_eq!((&result["expires_in"], &result["token_type"]), (&json!(1_800), &json!("Bearer")));
        let guest = Tokens::read(&result);
        let info = client.user_info(&guest.access).await.expect(200).json();
        assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], true);
        let subject = info["sub"].as_str().expect("a sub").to_owned();
        let resolved = resolve(&client, &guest.access).await;
        assert_eq!(resolved.header("x-authgear-session-valid"), Some("true"));
        assert_eq!(resolved.header("x-authgear-user-id"), Some(subject.as_str()));
        assert_eq!(resolved.header("x-authgear-user-anonymous"), Some("true"));
        let reported = introspect(&server, "backend", &secret, &guest.access).await.expect(200).json();
        assert_eq!((&reported["active"], &reported["sub"]), (&json!(true), &json!(subject)));
        assert_eq!(reported["scope"], "openid offline_access https://authgear.com/scopes/full-access");
        assert_eq!(reported["exp"], server.clock.now().as_seconds() + 1_800);
        let next = go_on(&client, &guest.refresh).await.expect(200).result();
        assert_eq!(members(&next), ["access_token", "expires_in", "token_type"]);
        let next = next["access_token"].as_str().expect("an access token").to_owned();
        assert_ne!(next, guest.access);
        assert_eq!(client.subject(&next).await, subject);
        subjects.push(subject);
    }
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 5);
    assert_eq!(rows(&server).await, before, "no row of any kind");
    let writes = server.app.store.stats().by_name;
    for name in ["sign_up_anonymous", "store_guest", "touch_grant", "touch_many"] {
        assert!(!writes.contains_key(name), "{name}");
    }
}

async fn a_visitor_who_leaves_writes_nothing(engine: Engine) {
    visit(engine, lazy).await;
}

async fn jwt_access_tokens_of_a_visitor_who_leaves_write_nothing(engine: Engine) {
    visit(engine, lazy_with_jwt).await;
}

async fn a_refresh_stores_the_guest_with_the_same_sub(engine: Engine) {
    for setup in [lazy, lazy_with_jwt] {
        let server = TestServer::start(engine, setup).await;
        let client = server.app_client();
        let guest = client.sign_up().await;
        let subject = client.subject(&guest.access).await;
        let admin = Admin::of(&server).await;
        admin.get(&format!("/users/{subject}")).await.expect(404);
        server.clock.advance_seconds(600);
        let fresh = client.refresh(&guest.refresh).await.expect(200).json();
        assert_eq!(fresh["refresh_token"], Value::Null, "without rotation, the refresh token stays");
        assert!(fresh["id_token"].is_string());
        let fresh = fresh["access_token"].as_str().expect("an access token").to_owned();
        for access in [&guest.access, &fresh] {
            assert_eq!(client.subject(access).await, subject);
        }
        assert_eq!(stored(&server).await, (1, 1));
        let user = admin.get(&format!("/users/{subject}")).await.expect(200).json();
        assert_eq!(user["created_at"], "2030-05-01T08:00:00.000Z", "the time of the sign-up: {user}");
        let sessions = admin.get(&format!("/users/{subject}/sessions")).await.expect(200).json();
        let session = &sessions["sessions"][0];
        assert_eq!(session["created_at"], "2030-05-01T08:00:00.000Z", "{sessions}");
        assert_eq!(session["last_accessed_at"], "2030-05-01T08:10:00.000Z", "{sessions}");
        client.refresh(&guest.refresh).await.expect(200);
        assert_eq!(stored(&server).await, (1, 1));
    }
}

async fn a_refresh_with_rotation_stores_the_guest_once(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("web", "refresh_token_rotation_enabled", true);
    })
    .await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let rotated = |reply: Reply| reply.expect(200).json()["refresh_token"].as_str().expect("a token").to_owned();
    let next = rotated(client.refresh(&guest.refresh).await);
    assert_eq!(rotated(client.refresh(&guest.refresh).await), next, "within the grace period");
    server.clock.advance_seconds(31);
    rotated(client.refresh(&next).await);
    server.clock.advance_seconds(31);
    // Reused after the grace period: the grant ends, and neither token brings it back.
    client.refresh(&guest.refresh).await.expect(400);
    for token in [&guest.refresh, &next] {
        client.refresh(token).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    }
    client.user_info(&guest.access).await.expect(401);
    assert_eq!(stored(&server).await, (1, 0));
}

/// One of several first uses that store a guest.
async fn use_first(client: &AppClient, guest: &Tokens, number: usize) -> u16 {
    match number % 4 {
        0 | 1 => client.refresh(&guest.refresh).await.status,
        2 => renew_id_token(client, &guest.access).await.status,
        _ => {
            let body = json!({"session_type": "refresh_token", "refresh_token": guest.refresh});
            client.http.post_json("/api/anonymous_user/promotion_code", &body).await.status
        }
    }
}

async fn expect_one(server: &TestServer, clients: &[AppClient], round: i64) {
    let guest = clients[0].sign_up().await;
    let subject = clients[0].subject(&guest.access).await;
    let mut uses = JoinSet::new();
    for number in 0..50 {
        let (client, guest) = (clients[number % clients.len()].clone(), guest.clone());
        uses.spawn(async move { use_first(&client, &guest, number).await });
    }
    let statuses = uses.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(stored(server).await, (round, round));
    assert_eq!(clients[0].subject(&guest.access).await, subject);
}

async fn fifty_first_uses_make_one_guest(engine: Engine) {
    let server = TestServer::start(engine, lazy).await;
    for round in 1..=5 {
        expect_one(&server, &[server.app_client()], round).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn fifty_first_uses_at_two_nodes_make_one_guest() {
    let server = TestServer::start(Engine::Postgres, lazy).await;
    let node = server.start_node().await;
    for round in 1..=5 {
        expect_one(&server, &[server.app_client(), node.app_client()], round).await;
    }
    node.stop().await;
}

async fn own_scopes_and_lifetimes_are_those_of_the_sign_up(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        lazy(setup);
        setup.set_client("web", "anonymous_scopes", vec!["openid", "profile"]);
        setup.set_client("web", "anonymous_access_token_lifetime_seconds", 400);
    })
    .await;
    let client = server.app_client();
    let secret = make_secret(&server, "backend").await;
    let guest = client.sign_up().await;
    let later = change_settings(&server, |settings| settings.oauth.clients[0].anonymous_scopes = None);
    later.await;
    let scope = async |access: &str| introspect(&server, "backend", &secret, access).await.expect(200).json();
    assert_eq!(scope(&guest.access).await["scope"], "openid profile");
    let fresh = client.refresh(&guest.refresh).await.expect(200).json();
    assert_eq!(fresh["expires_in"], 400);
    assert_eq!(scope(fresh["access_token"].as_str().expect("a token")).await["scope"], "openid profile");
    server.clock.advance_seconds(401);
    client.user_info(&guest.access).await.expect(401);
}

async fn guests_that_are_not_stored_are_a_number_of_their_own(engine: Engine) {
    let mut server = TestServer::start(engine, lazy).await;
    let (client, admin) = (server.app_client(), Admin::of(&server).await);
    let mut guests = Vec::new();
    for _ in 0..7 {
        guests.push(client.sign_up().await);
    }
    let numbers = async |server: &TestServer| {
        not_stored::flush(&server.app).await.expect("written");
        let report = Admin::of(server).await.get("/statistics").await.expect(200).json();
        let days = report["days"].as_array().expect("days").clone();
        let sum = |name: &str| days.iter().filter_map(|day| day[name].as_i64()).sum::<i64>();
        (sum("guests_not_stored"), sum("guests_created"), report["funnel"]["guests_created"].as_i64().unwrap_or(-1))
    };
    assert_eq!(numbers(&server).await, (7, 0, 0));
    server.clock.advance_seconds(86_400);
    client.refresh(&guests[0].refresh).await.expect(200);
    server.clock.advance_seconds(61);
    admin.wait_until("/statistics", |report| report["funnel"]["guests_created"] == 1).await;
    assert_eq!(numbers(&server).await, (6, 1, 1), "by the day of the sign-up");
    recount(&server, &[]);
    assert_eq!(numbers(&server).await, (6, 1, 1));
    // What is only in the memory of the process is written when it stops.
    client.sign_up().await;
    server.restart().await;
    assert_eq!(numbers(&server).await, (7, 1, 1));
    // A use of a later day was counted as a return.
    let report = admin.get("/statistics").await.expect(200).json();
    assert_eq!(report["funnel"]["guests_returned"], 1, "{report}");
}

async fn sign_ups_are_limited_as_before(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "guest_creation", "lazy");
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.burst", 3);
    })
    .await;
    let body = json!({"session_type": "refresh_token", "client_id": "web"});
    for expected in [200, 200, 200, 429] {
        server.http().post_json(SIGN_UP, &body).await.expect(expected);
    }
    server.change_project(|setup| setup.set("authentication.public_signup_disabled", true)).await;
    assert_ne!(server.http().post_json(SIGN_UP, &body).await.status, 200);
    server.change_project(|setup| setup.set("authentication.identities", vec!["login_id"])).await;
    assert_ne!(server.http().post_json(SIGN_UP, &body).await.status, 200);
}

async fn only_an_application_with_tokens_may_be_lazy(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut settings = server.app.projects.find_by_id("test").expect("the project").settings.clone();
    let blog = settings.oauth.clients.iter_mut().find(|client| client.client_id == "blog").expect("the blog");
    blog.guest_creation = Some(GuestCreation::Lazy);
    let refused = settings.validate().expect_err("cookie sessions are stored at once");
    let refused = format!("{refused:?}");
    assert!(refused.contains("oauth.clients[1].guest_creation"), "{refused}");
    // A cookie session of a project with lazy applications is stored at once.
    server.change_project(lazy).await;
    server.http().post_json(SIGN_UP, &json!({"session_type": "cookie"})).await.expect(200);
    assert_eq!(stored(&server).await, (1, 0));
}
