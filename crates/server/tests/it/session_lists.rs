//! One list of sessions and one way to end them, for the Admin API, the account page, the portal and the command line: what has expired is not
//! listed, uses in memory count, and each session that ends has one event.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::{
    grant::Grant,
    id::{Id, SessionId},
    secret::TokenHash,
};
use vestibule_store::{StoreError, grants, sessions};

use crate::{
    lifetimes::sign_up_cookie,
    support::{Admin, Engine, Reply, TestServer, on_both_engines},
};

on_both_engines!(
    expired_sessions_are_not_listed,
    a_use_in_memory_is_the_last_use,
    ending_a_cookie_session_has_an_event_for_each_of_its_grants,
    what_is_gone_has_no_second_event,
    racing_ends_of_one_session_have_one_event,
);

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| {
        setup.set("session.lifetime_seconds", 10_000);
        setup.set("session.idle_timeout_seconds", 1_000);
    })
    .await
}

/// A guest with a cookie session, as `name=value`, its user ID, and the session's ID.
async fn sign_up(server: &TestServer) -> (String, String, SessionId) {
    let cookie = sign_up_cookie(server).await;
    let requested = server.http().request(Method::GET, "/oauth2/userinfo").header("cookie", &cookie);
    let subject = Reply::of(requested).await.expect(200).json()["sub"].as_str().expect("a subject").to_string();
    let no = server.app.projects.find_by_id("test").expect("the project").no;
    let user = subject.parse().expect("an ID");
    let listed = sessions::list(&mut server.app.store.read().await.expect("a connection"), no, user).await;
    let session = listed.expect("the sessions")[0].id;
    (cookie, subject, session)
}

/// Gives the session of a guest two grants, as single sign-on does.
async fn add_grants(server: &TestServer, subject: &str, session: SessionId) {
    let (no, now) = (server.app.projects.find_by_id("test").expect("the project").no, server.clock.now());
    let user = subject.parse().expect("an ID");
    for number in [1, 2_u8] {
        let grant = Grant {
            id: Id::from_parts(now.as_unix_millis(), [number; 10]),
            user_id: user,
            client_id: "web".into(),
            token_hash: TokenHash([number; 32]),
            scope: None,
            created_at: now,
            last_access_at: now,
            authenticated_at: now,
            amr: None,
            session_id: Some(session),
            dpop_jkt: None,
            device: None,
            previous: None,
            has_revoked_tokens: false,
            ends_at: None,
        };
        let written = server.app.store.write("test", grant, move |tx, grant| {
            Box::pin(async move {
                grants::insert(tx, no, grant).await?;
                Ok::<_, StoreError>(())
            })
        });
        written.await.expect("the grant");
    }
}

async fn list(admin: &Admin, subject: &str) -> Vec<Value> {
    let listed = admin.get(&format!("/users/{subject}/sessions")).await.expect(200).json();
    listed["sessions"].as_array().expect("a list").clone()
}

async fn expired_sessions_are_not_listed(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    let (_, subject, _) = sign_up(&server).await;
    assert_eq!(list(&admin, &subject).await.len(), 1);
    // With PostgreSQL another node may know of a later use, for at most a minute.
    server.clock.advance_seconds(1_100);
    assert_eq!(list(&admin, &subject).await, Vec::<Value>::new());
}

async fn a_use_in_memory_is_the_last_use(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    let (cookie, subject, _) = sign_up(&server).await;
    let first = list(&admin, &subject).await[0]["last_accessed_at"].clone();
    server.clock.advance_seconds(5);
    Reply::of(server.http().request(Method::GET, "/oauth2/userinfo").header("cookie", &cookie)).await.expect(200);
    let last = list(&admin, &subject).await[0]["last_accessed_at"].clone();
    assert!(last.as_str() > first.as_str(), "{last} is not after {first}");
}

async fn ending_a_cookie_session_has_an_event_for_each_of_its_grants(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    let (cookie, subject, session) = sign_up(&server).await;
    add_grants(&server, &subject, session).await;
    assert_eq!(list(&admin, &subject).await.len(), 3);
    admin.delete(&format!("/users/{subject}/sessions/{session}")).await.expect(204);
    assert_eq!(list(&admin, &subject).await, Vec::<Value>::new());
    Reply::of(server.http().request(Method::GET, "/oauth2/userinfo").header("cookie", &cookie)).await.expect(401);
    let events = server.events("session.revoked").await;
    assert_eq!(events.len(), 3, "{events:?}");
    for event in &events {
        assert_eq!(event["payload"]["reason"], "operator");
        assert_eq!(event["context"]["triggered_by"], "admin_api");
        assert_eq!(event["context"]["user_id"], json!(subject));
    }
    let mut types: Vec<_> = events.iter().map(|event| event["payload"]["session"]["type"].to_string()).collect();
    types.sort();
    assert_eq!(types.len(), 3, "{types:?}");
}

async fn what_is_gone_has_no_second_event(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    let (_, subject, session) = sign_up(&server).await;
    let path = format!("/users/{subject}/sessions");
    let (first, second) = tokio::join!(admin.delete(&path), admin.delete(&path));
    first.expect(204);
    second.expect(204);
    admin.delete(&path).await.expect(204);
    admin.delete(&format!("{path}/{session}")).await.expect(404);
    assert_eq!(server.events("session.revoked").await.len(), 1);
}

async fn racing_ends_of_one_session_have_one_event(engine: Engine) {
    let server = start(engine).await;
    let admin = Admin::of(&server).await;
    let guest = server.app_client().sign_up().await;
    let revoke = || {
        let form = [("token", guest.refresh.as_str())];
        Reply::of(server.http().request(Method::POST, "/oauth2/revoke").form(&form))
    };
    tokio::join!(revoke(), revoke(), revoke(), revoke(), revoke(), revoke(), revoke(), revoke());
    assert_eq!(server.events("user.signed_out").await.len(), 1);
    let (cookie, subject, _) = sign_up(&server).await;
    let path = format!("/users/{subject}/disable");
    let nothing = json!({});
    let disable = || admin.post(&path, &nothing);
    tokio::join!(disable(), disable(), disable(), disable(), disable(), disable());
    assert_eq!(server.events("user.disabled").await.len(), 1);
    assert_eq!(server.events("session.revoked").await.len(), 1);
    Reply::of(server.http().request(Method::GET, "/oauth2/userinfo").header("cookie", &cookie)).await.expect(401);
}
