//! Users are found by the words of their names and by the domains of their email addresses, whatever wrote them.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::jobs::names::{self, Progress};
use vestibule_store::{Sql, StoreError, job_state};

use crate::support::{Admin, Engine, Reply, TestServer, on_both_engines};

on_both_engines!(
    a_name_is_found_after_every_kind_of_write,
    a_domain_is_found_in_full_and_by_its_beginning,
    what_is_typed_is_bounded,
    names_of_an_earlier_release_are_found_after_an_upgrade,
    names_that_an_earlier_release_left_behind_are_removed,
    birth_dates_are_dates,
);

struct Scene {
    server: TestServer,
    admin: Admin,
}

impl Scene {
    async fn start(engine: Engine) -> Self {
        let server = TestServer::start_plain(engine).await;
        let admin = Admin::of(&server).await;
        Self { server, admin }
    }

    async fn member(&self, email: &str, name: &str) -> String {
        let login_id = json!({"type": "email", "value": email, "is_verified": true});
        let new = json!({"login_ids": [login_id], "standard_attributes": {"name": name}});
        id_of(&self.admin.post("/users", &new).await.expect(201).json())
    }

    async fn rename(&self, id: &str, name: &Value) {
        let change = json!({"standard_attributes": {"name": name}});
        self.admin.send(Method::PATCH, &format!("/users/{id}"), &change).await.expect(200);
    }

    /// The IDs of those found.
    async fn find(&self, text: &str) -> Vec<String> {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", text).finish();
        let page = self.admin.get(&format!("/users?{query}")).await.expect(200).json();
        assert_eq!(page.get("next_cursor").and_then(Value::as_str), None);
        page["users"].as_array().expect("a list").iter().map(id_of).collect()
    }
}

fn id_of(user: &Value) -> String {
    user["id"].as_str().expect("an ID").to_string()
}

async fn a_name_is_found_after_every_kind_of_write(engine: Engine) {
    let scene = Scene::start(engine).await;
    let kim = scene.member("k1@shop.test", "Kim Anna Doe").await;
    for text in ["kim", "Anna", "DOE", "kim anna d", "doe kim", "kim doe", " Kim  Anna "] {
        assert_eq!(scene.find(text).await, std::slice::from_ref(&kim), "{text}");
    }
    for text in ["im", "nna", "kim@", "anna kim", "doe anna"] {
        assert_eq!(scene.find(text).await, Vec::<String>::new(), "{text}");
    }
    // A change, and its undoing.
    scene.rename(&kim, &json!("Zoë O’Brien")).await;
    assert_eq!(scene.find("kim").await, Vec::<String>::new());
    assert_eq!(scene.find("ZOE").await, std::slice::from_ref(&kim));
    assert_eq!(scene.find("obrien").await, std::slice::from_ref(&kim));
    scene.rename(&kim, &Value::Null).await;
    assert_eq!(scene.find("zoe").await, Vec::<String>::new());

    // A guest, its promotion, and its merge.
    let app = scene.server.app_client();
    let guest = app.subject(&app.sign_up().await.access).await;
    scene.rename(&guest, &json!("Robin Roe")).await;
    assert_eq!(scene.find("roe").await, std::slice::from_ref(&guest));
    let promotion = json!({"login_id": {"type": "email", "value": "robin@shop.test"}});
    scene.admin.post(&format!("/users/{guest}/promote"), &promotion).await.expect(200);
    assert_eq!(scene.find("robin roe").await, std::slice::from_ref(&guest));
    let merged = app.subject(&app.sign_up().await.access).await;
    scene.rename(&merged, &json!("Sasha Stranger")).await;
    scene.admin.post(&format!("/users/{merged}/merge"), &json!({"into": guest})).await.expect(200);
    let found = scene.find("stranger").await;
    assert!(!found.contains(&merged), "a merged guest has no name: {found:?}");

    // Deletion, and an import.
    let lines = scene.admin.get("/export/users").await.expect(200).body;
    scene.admin.delete(&format!("/users/{guest}")).await.expect(204);
    assert_eq!(scene.find("robin").await, Vec::<String>::new());
    let other = Scene::start(engine).await;
    let import = other.admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
    Reply::of(import.body(lines)).await.expect(200);
    assert_eq!(other.find("roe").await, [guest]);
}

async fn a_domain_is_found_in_full_and_by_its_beginning(engine: Engine) {
    let scene = Scene::start(engine).await;
    let first = scene.member("kim@shop.test", "A").await;
    scene.server.clock.advance_seconds(1);
    let second = scene.member("lee@shop.test", "B").await;
    let longer = scene.member("ann@shop.test.example", "C").await;
    let german = scene.member("eve@müller.test", "D").await;
    for (text, expected) in [
        ("@shop.test", vec![&second, &first, &longer]),
        ("shop.test", vec![&second, &first, &longer]),
        ("@SHOP.TEST", vec![&second, &first, &longer]),
        ("@shop.test.ex", vec![&longer]),
        ("@sh", vec![&longer, &second, &first]),
        ("@müller.test", vec![&german]),
        ("@hop.test", vec![]),
        ("@shop.test ", vec![&second, &first, &longer]),
    ] {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(scene.find(text).await, expected, "{text}");
    }
    // A changed login ID, and a deleted user.
    scene.admin.delete(&format!("/users/{second}")).await.expect(204);
    assert_eq!(scene.find("@shop.test").await, [first, longer]);
}

async fn what_is_typed_is_bounded(engine: Engine) {
    let scene = Scene::start(engine).await;
    let long = "Maximilian ".repeat(20);
    let kim = scene.member("kim@shop.test", &long).await;
    assert_eq!(scene.find(&long).await, std::slice::from_ref(&kim), "the beginning of a long name");
    for text in ["@", "%", "_", "'", "\\", "@%", "a".repeat(1_025).as_str(), "kim\u{0}", "@\u{0}"] {
        assert_eq!(scene.find(text).await, Vec::<String>::new(), "{text:?}");
    }
    for (limit, found) in [(1, 1), (200, 1)] {
        let page = scene.admin.get(&format!("/users?q=max&limit={limit}")).await.expect(200).json();
        assert_eq!(page["users"].as_array().map(Vec::len), Some(found));
    }
}

async fn names_of_an_earlier_release_are_found_after_an_upgrade(engine: Engine) {
    const FORGET: Sql = Sql::new("DELETE FROM user_names");
    let scene = Scene::start(engine).await;
    let app = &scene.server.app;
    assert_eq!(names::step(app).await.expect("a look"), Progress::Done, "a new store has nothing to make up for");
    let kim = scene.member("kim@shop.test", "Kim Doe").await;
    let forget = async || {
        let forgotten = app.store.write("test", (), |tx, ()| Box::pin(tx.execute(&FORGET, &[])));
        forgotten.await.map(drop).map_err(|error: StoreError| error).expect("the store works");
    };
    forget().await;
    let now = app.clock.now();
    let asked = app.store.write("test", (), move |tx, ()| Box::pin(job_state::set(tx, names::STATE, None, now)));
    asked.await.map_err(|error: StoreError| error).expect("the store works");
    assert_eq!(scene.find("doe").await, Vec::<String>::new());

    let walk = async || {
        for _ in 0..9 {
            match names::step(app).await.expect("a look") {
                Progress::Walking => {}
                ended @ (Progress::Resting | Progress::Done) => return ended,
            }
        }
        panic!("the walk does not end");
    };
    assert_eq!(walk().await, Progress::Resting);
    assert_eq!(scene.find("doe").await, std::slice::from_ref(&kim));
    // A node of the release before writes beside it.
    forget().await;
    assert_eq!(walk().await, Progress::Resting);
    assert_eq!(scene.find("doe").await, Vec::<String>::new(), "the second walk is not due");
    scene.server.clock.advance_seconds(86_401);
    while names::step(app).await.expect("a look") != Progress::Done {}
    assert_eq!(scene.find("doe").await, std::slice::from_ref(&kim));
    forget().await;
    scene.server.clock.advance_seconds(86_401);
    assert_eq!(walk().await, Progress::Done);
    assert_eq!(scene.find("doe").await, Vec::<String>::new(), "it goes twice");
}

async fn names_that_an_earlier_release_left_behind_are_removed(engine: Engine) {
    const CLEAR: Sql = Sql::new("UPDATE users SET standard_attributes = NULL");
    const FIND: Sql = Sql::new("SELECT project_no FROM user_names LIMIT 1");
    const ADD: Sql = Sql::new("INSERT INTO user_names (project_no, phrase, user_id) VALUES ($1, 'ghost', $2)");
    let scene = Scene::start(engine).await;
    let app = &scene.server.app;
    scene.member("kim@shop.test", "Kim Doe").await;
    let now = app.clock.now();
    let left = app.store.write("test", (), move |tx, ()| {
        Box::pin(async move {
            let no = tx.query_optional(&FIND, &[], |row| row.get::<i64>(0)).await?.expect("the names of a user");
            let gone = [9_u8; 16];
            tx.execute(&ADD, &[&no, &gone.as_slice()]).await?;
            tx.execute(&CLEAR, &[]).await?;
            job_state::set(tx, names::STATE, None, now).await
        })
    });
    left.await.map_err(|error: StoreError| error).expect("the store works");
    while names::step(app).await.expect("a look") == Progress::Walking {}
    let mut conn = app.store.read().await.expect("a connection");
    let left = conn.query_optional(&FIND, &[], |row| row.get::<i64>(0)).await.expect("the store works");
    assert_eq!(left, None, "no phrase without a user who has it");
}

async fn birth_dates_are_dates(engine: Engine) {
    let scene = Scene::start(engine).await;
    let kim = scene.member("kim@shop.test", "Kim").await;
    let path = format!("/users/{kim}");
    for (text, status) in [("x", 422), ("1990-02-30", 422), ("1990-05-31", 200), ("0000-05-31", 200), ("1990", 200)] {
        let change = json!({"standard_attributes": {"birthdate": text}});
        let reply = scene.admin.send(Method::PATCH, &path, &change).await.expect(status).json();
        if status == 422 {
            assert_eq!(reply["errors"][0]["path"], "standard_attributes.birthdate", "{reply}");
        }
    }
    let new = json!({
        "login_ids": [{"type": "email", "value": "lee@shop.test"}], "standard_attributes": {"birthdate": "31.05.1990"},
    });
    scene.admin.post("/users", &new).await.expect(422);
}
