//! Writes with an `Idempotency-Key`: a write and its answer are one transaction, whoever hangs up and however many ask at once.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::{
    Admin, Device, Engine, Platform, Receiver, Reply, Setup, TestServer, connect_to, on_both_engines,
};

on_both_engines!(
    every_write_keeps_its_answer_or_does_not_happen,
    requests_that_change_nothing_and_imports_are_answered_as_before,
    a_caller_that_hangs_up_makes_nothing_twice,
    fifty_repeats_at_once_get_one_answer_and_ask_a_hook_once,
    a_request_that_an_earlier_release_began_is_waited_for_and_then_done,
);

/// Changes the store behind the server's back.
async fn execute(server: &TestServer, on_sqlite: &str, on_postgres: &str) {
    let url = server.store_url();
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let connection = rusqlite::Connection::open(path).expect("the store");
            connection.execute_batch(on_sqlite).expect("the statement");
        }
        None => connect_to(&url).await.batch_execute(on_postgres).await.expect("the statement"),
    }
}

/// From now on, no answer can be kept.
async fn refuse_answers(server: &TestServer) {
    let on_sqlite = "CREATE TRIGGER refuse BEFORE INSERT ON idempotency BEGIN SELECT RAISE(ABORT, 'refused'); END";
    let on_postgres = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON idempotency FOR EACH ROW EXECUTE FUNCTION refuse()";
    execute(server, on_sqlite, on_postgres).await;
}

async fn accept_answers(server: &TestServer) {
    execute(server, "DROP TRIGGER refuse", "DROP TRIGGER refuse ON idempotency; DROP FUNCTION refuse").await;
}

/// What writes can change, as the API shows it.
async fn look(admin: &Admin, users: &[&str], delivery: &str) -> Vec<String> {
    let mut paths: Vec<String> =
        ["/project", "/applications/backend/secrets", "/keys", "/users"].map(str::to_string).into();
    for user in users {
        for part in ["", "/sessions", "/device-keys"] {
            paths.push(format!("/users/{user}{part}"));
        }
    }
    let taken = admin.get("/deliveries?state=taken&limit=200").await.expect(200).json();
    let is_taken = taken["deliveries"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == delivery));
    let mut seen = vec![format!("{delivery} {is_taken}")];
    for path in paths {
        let reply = admin.get(&path).await;
        // The time of the key's last use is not what a write changes.
        let mut body = reply.json();
        for key in body["keys"].as_array_mut().into_iter().flatten() {
            key["last_used_at"] = Value::Null;
        }
        seen.push(format!("{path} {} {body}", reply.status));
    }
    seen
}

/// A write of the API.
struct Write {
    method: Method,
    path: String,
    body: Value,
    if_match: Option<String>,
}

impl Write {
    fn new(method: Method, path: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), body, if_match: None }
    }

    async fn send(&self, admin: &Admin, key: &str) -> Reply {
        let request = admin.request(self.method.clone(), &self.path).header("idempotency-key", key).json(&self.body);
        Reply::of(match &self.if_match {
            Some(version) => request.header("if-match", version),
            None => request,
        })
        .await
    }
}

/// A user, a member with a session, and a guest with a device key.
struct People {
    guest: String,
    member: String,
    with_key: String,
}

async fn make_people(server: &TestServer, admin: &Admin) -> People {
    let client = server.app_client();
    let guest = client.sign_up().await;
    let body = json!({"login_ids": [{"type": "email", "value": "lee@shop.test"}]});
    let member = admin.post("/users", &body).await.expect(201).json()["id"].as_str().expect("an ID").to_string();
    let mut device = Device::new(server, Platform::Android);
    let with_key = device.authenticate().await;
    People { guest: client.subject(&guest.access).await, member, with_key }
}

/// One request of each route that writes in one transaction, in an order in which each has something to do.
async fn list_writes(admin: &Admin, people: &People, (hook, delivery): (&str, &str)) -> Vec<Write> {
    let People { guest, member, with_key } = people;
    let new = |path: &str, body: Value| Write::new(Method::POST, path, body);
    let none = || Value::Null;
    let project = admin.get("/project").await.expect(200);
    let mut settings = project.json()["settings"].clone();
    settings["session"] = json!({"lifetime_seconds": 7_200});
    let put = Write {
        if_match: Some(project.header("etag").expect("a version").to_string()),
        ..Write::new(Method::PUT, "/project", settings)
    };
    let application = |name: &str| json!({"client_id": "till", "name": name, "x_application_type": "confidential", "redirect_uris": ["https://till.test/"]});
    let keys = admin.get(&format!("/users/{with_key}/device-keys")).await.expect(200).json();
    let device_key = keys["device_keys"][0]["id"].as_str().expect("an ID").to_string();
    vec![
        put,
        new("/project/webhook-secret", none()),
        new("/project/webhook-test", json!({"url": hook})),
        new("/applications", application("One")),
        Write::new(Method::PUT, "/applications/till", application("Two")),
        new("/applications/till/secrets", none()),
        Write::new(Method::DELETE, "/applications/till", none()),
        new("/users", json!({"login_ids": [{"type": "email", "value": "kim@shop.test"}]})),
        Write::new(Method::PATCH, format!("/users/{member}"), json!({"custom_attributes": {"cart": "c-1"}})),
        new(&format!("/users/{guest}/promote"), json!({"login_id": {"type": "email", "value": "ann@shop.test"}})),
        Write::new(Method::DELETE, format!("/users/{guest}/sessions"), none()),
        new(&format!("/users/{member}/disable"), none()),
        new(&format!("/users/{member}/enable"), none()),
        Write::new(Method::DELETE, format!("/users/{with_key}/device-keys/{device_key}"), none()),
        Write::new(Method::DELETE, format!("/users/{with_key}"), none()),
        new("/keys", json!({"name": "reader", "scopes": ["users:read"]})),
        // The last, because it is taken again at some time.
        new(&format!("/deliveries/{delivery}/replay"), none()),
    ]
}

async fn every_write_keeps_its_answer_or_does_not_happen(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup| {
        setup.configure("hooks.allow_private_addresses", "true");
        let url = receiver.url.as_str();
        let handler = toml::toml! { url = url };
        setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    let admin = Admin::of(&server).await;
    let people = make_people(&server, &admin).await;
    let users = [people.guest.as_str(), &people.member, &people.with_key];
    let taken = admin.wait_until("/deliveries?state=taken", |page| page["deliveries"][0].is_object()).await;
    let delivery = taken["deliveries"][0]["id"].as_str().expect("an ID");
    let writes = list_writes(&admin, &people, (&receiver.url, delivery)).await;
    for (number, write) in writes.iter().enumerate() {
        let (name, key) = (format!("{} {}", write.method, write.path), format!("key-{number}"));
        let before = look(&admin, &users, delivery).await;
        refuse_answers(&server).await;
        let refused = write.send(&admin, &key).await;
        assert!(refused.status >= 500, "{name}: {refused:?}");
        assert_eq!(look(&admin, &users, delivery).await, before, "{name} was done without its answer");
        accept_answers(&server).await;
        let first = write.send(&admin, &key).await;
        assert!((200..300).contains(&first.status), "{name}: {first:?}");
        assert_eq!(first.header("idempotency-replayed"), None, "{name}");
        let again = write.send(&admin, &key).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{name}: {again:?}");
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{name}");
        for header in ["etag", "content-type", "cache-control"] {
            let ours = |reply: &Reply| reply.header(header).map(str::to_string);
            let (first, again) = (ours(&first), ours(&again));
            assert!(first == again || first.is_none(), "{name}: {header}: {first:?}, {again:?}");
        }
    }
    // Keys and secrets have names that only their answers tell.
    let made = admin.get("/keys").await.expect(200).json();
    let reader = made["keys"].as_array().expect("keys").iter().find(|key| key["name"] == "reader").expect("the key");
    let delete = Write::new(Method::DELETE, format!("/keys/{}", reader["id"].as_str().expect("an ID")), Value::Null);
    delete.send(&admin, "delete").await.expect(204);
    assert_eq!(delete.send(&admin, "delete").await.expect(204).header("idempotency-replayed"), Some("true"));
    delete.send(&admin, "another").await.expect(404);
}

async fn requests_that_change_nothing_and_imports_are_answered_as_before(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let people = make_people(&server, &admin).await;
    let enable = Write::new(Method::POST, format!("/users/{}/enable", people.member), Value::Null);
    let first = enable.send(&admin, "enable").await.expect(200);
    let disable = Write::new(Method::POST, format!("/users/{}/disable", people.member), Value::Null);
    disable.send(&admin, "disable").await.expect(200);
    let again = enable.send(&admin, "enable").await.expect(200);
    assert_eq!(again.body, first.body, "it is not enabled again");
    assert_eq!(admin.get(&format!("/users/{}", people.member)).await.json()["is_disabled"], true);
    let line =
        "{\"id\":\"018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab\",\"created_at\":1,\"updated_at\":1,\"anonymous_since\":1}\n";
    let import = || {
        let request = admin.request(Method::POST, "/import/users").header("idempotency-key", "import");
        Reply::of(request.header("content-type", "application/x-ndjson").body(line))
    };
    let first = import().await.expect(200);
    assert_eq!(first.json()["lines"][0]["outcome"], "created");
    let again = import().await.expect(200);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
}

/// The bytes of a request that creates an API key with this name, under an idempotency key of the same name.
fn raw_request(server: &TestServer, admin: &Admin, name: &str) -> Vec<u8> {
    let body = json!({"name": name, "scopes": ["users:read"]}).to_string();
    let head = [
        "POST /_api/admin/v1/keys HTTP/1.1".to_string(),
        format!("Host: localhost:{}", server.address.port()),
        format!("Authorization: Bearer {}", admin.token),
        format!("Idempotency-Key: {name}"),
        "Content-Type: application/json".to_string(),
        format!("Content-Length: {}", body.len()),
    ];
    format!("{}\r\n\r\n{body}", head.join("\r\n")).into_bytes()
}

async fn a_caller_that_hangs_up_makes_nothing_twice(engine: Engine) {
    const TRIES: usize = 40;
    let server = TestServer::start(engine, |setup| setup.configure("admin_api.requests_per_minute", "1000")).await;
    let admin = Admin::of(&server).await;
    for number in 0..TRIES {
        let mut caller = TcpStream::connect(server.address).await.expect("a connection");
        caller.write_all(&raw_request(&server, &admin, &format!("key-{number}"))).await.expect("sent");
        // Hung up at another place each time.
        for _ in 0..number {
            tokio::task::yield_now().await;
        }
        drop(caller);
        let body = json!({"name": format!("key-{number}"), "scopes": ["users:read"]});
        let request = admin.request(Method::POST, "/keys").header("idempotency-key", format!("key-{number}"));
        let reply = Reply::of(request.json(&body)).await.expect(201);
        assert!(reply.json()["api_key"].as_str().is_some_and(|text| text.starts_with("vak_")), "the retry has the key");
    }
    let made = admin.get("/keys").await.expect(200).json();
    let count = |name: &str| made["keys"].as_array().expect("keys").iter().filter(|key| key["name"] == name).count();
    for number in 0..TRIES {
        assert_eq!(count(&format!("key-{number}")), 1, "key-{number}");
    }
}

/// Sends the same request so many times at once to each of the servers; all replies are 201 and equal.
async fn crowd(admins: &[Admin], count: usize, write: Write) -> Reply {
    let write = Arc::new(write);
    let mut sent = Vec::new();
    for admin in admins {
        for _ in 0..count {
            let (admin, write) = (admin.clone(), Arc::clone(&write));
            sent.push(tokio::spawn(async move { write.send(&admin, "crowd").await }));
        }
    }
    let mut replies = Vec::new();
    for reply in sent {
        replies.push(reply.await.expect("a reply").expect(201));
    }
    let bodies: Vec<_> = replies.iter().map(|reply| &reply.body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let first = replies.iter().filter(|reply| reply.header("idempotency-replayed").is_none()).count();
    assert_eq!(first, 1, "one did it");
    replies.swap_remove(0)
}

async fn fifty_repeats_at_once_get_one_answer_and_ask_a_hook_once(engine: Engine) {
    let receiver = Receiver::start().await;
    let server = TestServer::start(engine, |setup: &mut Setup| {
        setup.configure("hooks.allow_private_addresses", "true");
        let url = receiver.url.as_str();
        let handler = toml::toml! { event = "user.pre_create" url = url };
        setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
    })
    .await;
    let admin = Admin::of(&server).await;
    admin.post("/project/webhook-secret", &json!({})).await.expect(201);
    let body = json!({"login_ids": [{"type": "email", "value": "kim@shop.test"}]});
    crowd(std::slice::from_ref(&admin), 50, Write::new(Method::POST, "/users", body)).await;
    assert_eq!(admin.get("/users").await.expect(200).json()["users"].as_array().map(Vec::len), Some(1));
    assert_eq!(receiver.calls().len(), 1, "repeats wait for the first instead of doing its work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn repeats_at_two_nodes_get_one_answer() {
    let server = TestServer::start_plain(Engine::Postgres).await;
    let node = server.start_node().await;
    let here = Admin::of(&server).await;
    let there = Admin { http: node.http.clone(), ..here.clone() };
    for name in ["one", "two", "three"] {
        let body = json!({"name": name, "scopes": ["users:read"]});
        // The same key for each name is another request: so each has a key of its own.
        let write = Arc::new(Write::new(Method::POST, "/keys", body));
        let mut sent = Vec::new();
        for admin in [&here, &there].into_iter().cycle().take(50) {
            let (admin, write) = (admin.clone(), Arc::clone(&write));
            sent.push(tokio::spawn(async move { write.send(&admin, name).await }));
        }
        let mut bodies = Vec::new();
        for reply in sent {
            bodies.push(reply.await.expect("a reply").expect(201).body);
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
    }
    let made = here.get("/keys").await.expect(200).json();
    assert_eq!(made["keys"].as_array().map(Vec::len), Some(4), "{made}");
    node.stop().await;
}

async fn a_request_that_an_earlier_release_began_is_waited_for_and_then_done(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let body = json!({"name": "reader", "scopes": ["users:read"]});
    let write = Write::new(Method::POST, "/keys", body);
    let made = write.send(&admin, "one").await.expect(201).json();
    // As that release left it: begun, and not finished.
    let begun = "UPDATE idempotency SET status = NULL, answer = NULL";
    execute(&server, begun, begun).await;
    assert_eq!(write.send(&admin, "one").await.expect(409).json()["code"], "still_running");
    server.clock.advance_seconds(121);
    let again = write.send(&admin, "one").await.expect(201);
    assert_ne!(again.json()["api_key"], made["api_key"]);
    assert_eq!(write.send(&admin, "one").await.expect(201).body, again.body);
}
