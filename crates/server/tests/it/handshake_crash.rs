//! The handshake of a merge under SIGKILL: the real binary is killed in every state, and its receiver is away in every state. What was
//! acknowledged is there afterwards, and each merge has one effect.

use std::{fs, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Engine, Installation, Receiver, Reply, SILENCE, TestStore,
    binary::{Process, post, refresh_token, sign_up},
    on_both_engines,
};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(60);

on_both_engines!(a_merge_survives_a_kill_in_every_state);

/// A server that is killed again and again, and what outlives it.
struct Scene {
    installation: Installation,
    process: Process,
    receiver: Receiver,
    token: String,
    member: String,
}

impl Scene {
    async fn set(place: &TestStore) -> Self {
        let (installation, receiver) = (Installation::make(&place.url()), Receiver::start().await);
        let file = installation.folder.path().join("vestibule.toml");
        let config = fs::read_to_string(&file).expect("the configuration");
        fs::write(&file, config + "[hooks]\nallow_private_addresses = true\n").expect("a file");
        let file = installation.folder.path().join("project.toml");
        let project = fs::read_to_string(&file).expect("the project");
        let more = format!(
            "[identity.on_conflict]\npromotion = \"merge\"\n[identity.merge]\nhandshake = true\nundo_seconds = 3600\n\
             [[hook.non_blocking_handlers]]\nurl = \"{}\"\nevents = [\"user.merge.requested\"]\n",
            receiver.url
        );
        fs::write(&file, project + &more).expect("a file");
        installation.run(&["project", "apply", file.to_str().expect("text")]);
        let token = installation.run(&["admin", "key", "create", "--project", "crash", "--name", "test"]);
        let process = installation.start();
        let mut scene = Self { installation, process, receiver, token: token.trim().to_owned(), member: String::new() };
        scene.post("/project/webhook-secret", &json!({})).await.expect(201);
        let login_id = json!({"type": "username", "value": "kim"});
        let member = scene.post("/users", &json!({"login_ids": [login_id]})).await.expect(201).json();
        scene.member = member["id"].as_str().expect("an ID").to_owned();
        scene
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        let request = self.process.http().request(Method::POST, &format!("/_api/admin/v1{path}"));
        Reply::of(request.bearer_auth(&self.token).json(body)).await
    }

    async fn get(&self, path: &str) -> Reply {
        let request = self.process.http().request(Method::GET, &format!("/_api/admin/v1{path}"));
        Reply::of(request.bearer_auth(&self.token)).await
    }

    /// SIGKILL, and a new process.
    fn kill(self) -> Self {
        let Self { installation, process, receiver, token, member } = self;
        process.kill();
        let process = installation.start();
        Self { installation, process, receiver, token, member }
    }

    /// A guest with an attribute.
    async fn sign_up(&self) -> String {
        let (client, port) = (self.process.client(), self.process.address.port());
        let token = refresh_token(sign_up(&client, port).await.expect("an answer"), "result").await.expect("a token");
        let fields = [("grant_type", "refresh_token"), ("client_id", "rotating"), ("refresh_token", token.as_str())];
        let tokens: Value =
            post(&client, port, "/oauth2/token", &fields).await.expect("an answer").json().await.expect("JSON");
        let access = tokens["access_token"].as_str().expect("a token");
        let info = Reply::of(self.process.http().request(Method::GET, "/oauth2/userinfo").bearer_auth(access)).await;
        let sub = info.expect(200).json()["sub"].as_str().expect("a sub").to_owned();
        let request = self.process.http().request(Method::PATCH, &format!("/_api/admin/v1/users/{sub}"));
        let attributes = json!({"custom_attributes": {(sub.as_str()): 7}});
        Reply::of(request.bearer_auth(&self.token).json(&attributes)).await.expect(200);
        sub
    }

    /// Asks for the merge of a new guest; the guest and the merge.
    async fn request(&self) -> (String, String) {
        let guest = self.sign_up().await;
        self.post(&format!("/users/{guest}/merge"), &json!({"into": self.member})).await.expect(200);
        let page = self.get(&format!("/merges?user_id={guest}")).await.expect(200).json();
        (guest, page["merges"][0]["merge_id"].as_str().expect("an ID").to_owned())
    }

    async fn wait_for(&self, id: &str, state: &str) {
        let asking = async {
            while self.get(&format!("/merges/{id}")).await.expect(200).json()["state"] != state {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("the merge never was {state}"));
    }

    async fn has_attribute(&self, user: &str, name: &str) -> bool {
        let read = self.get(&format!("/users/{user}")).await.expect(200).json();
        read["custom_attributes"].get(name).is_some()
    }

    async fn expect_settled(&self, guest: &str, id: &str) {
        assert_eq!(self.get(&format!("/merges/{id}")).await.expect(200).json()["state"], "settled");
        assert_eq!(self.get(&format!("/users/{guest}")).await.expect(308).json()["sub"], *self.member);
        assert!(self.has_attribute(&self.member, guest).await);
        assert_eq!(self.count("user.merged", id).await, 1);
    }

    async fn expect_free(&self, guest: &str, id: &str, state: &str) {
        assert_eq!(self.get(&format!("/merges/{id}")).await.expect(200).json()["state"], state);
        let read = self.get(&format!("/users/{guest}")).await.expect(200).json();
        assert_eq!(read["yielded_to"], Value::Null);
        assert!(self.has_attribute(guest, guest).await && !self.has_attribute(&self.member, guest).await);
    }

    /// The events of a kind about a merge, once they have come to the log.
    async fn count(&self, kind: &str, id: &str) -> usize {
        let reading = async {
            loop {
                let page = self.get(&format!("/events?type={kind}&limit=1000")).await.expect(200).json();
                let events = page["events"].as_array().expect("a list");
                let found = events.iter().filter(|event| event["payload"]["merge_id"] == *id).count();
                if found > 0 {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the event comes")
    }
}

async fn a_merge_survives_a_kill_in_every_state(engine: Engine) {
    let place = TestStore::make(engine).await;
    let mut scene = Scene::set(&place).await;
    let settled = r#"{"merge":"settled"}"#;

    // Requested, and the receiver is away: it answers when it is back.
    scene.receiver.answer(SILENCE, "");
    let (guest, id) = scene.request().await;
    scene.receiver.wait_for(1).await;
    scene.receiver.answer(200, settled);
    scene = scene.kill();
    let calls = scene.receiver.wait_for(2).await;
    assert_eq!(calls[0].text, calls[1].text, "the same message once more");
    scene.wait_for(&id, "settled").await;
    scene.expect_settled(&guest, &id).await;

    // Killed at once after the request, and around the answer.
    for pause in [0, 2, 5, 10, 20, 40, 80] {
        let before = scene.receiver.calls().len();
        scene.receiver.forget_answers();
        // Often enough: what the process before did not finish is sent again, too.
        for _ in 0..50 {
            scene.receiver.answer(200, settled);
        }
        let (guest, id) = scene.request().await;
        if pause > 0 {
            scene.receiver.wait_for(before + 1).await;
            // Real time is what is under test: the answer is on its way, or taken, or not yet noted.
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        scene = scene.kill();
        scene.wait_for(&id, "settled").await;
        scene.expect_settled(&guest, &id).await;
        // Once more changes nothing.
        scene.post(&format!("/merges/{id}/settle"), &Value::Null).await.expect(200);
        assert_eq!(scene.count("user.merged", &id).await, 1);
    }

    // Settled by the Admin API, then undone; refused: each is acknowledged before the kill.
    scene.receiver.forget_answers();
    let (guest, id) = scene.request().await;
    scene.post(&format!("/merges/{id}/settle"), &Value::Null).await.expect(200);
    scene = scene.kill();
    scene.expect_settled(&guest, &id).await;
    scene.post(&format!("/merges/{id}/undo"), &Value::Null).await.expect(200);
    scene = scene.kill();
    scene.expect_free(&guest, &id, "undone").await;
    assert_eq!(scene.count("user.merge.undone", &id).await, 1);
    let (guest, id) = scene.request().await;
    scene.post(&format!("/merges/{id}/refuse"), &json!({})).await.expect(200);
    scene = scene.kill();
    scene.expect_free(&guest, &id, "refused").await;
    assert_eq!(scene.count("user.merge.refused", &id).await, 1);

    // Killed while the requests for it are on their way: as acknowledged, or as if never asked.
    for act in ["settle", "refuse"] {
        let (guest, id) = scene.request().await;
        let sending = scene.process.http().request(Method::POST, &format!("/_api/admin/v1/merges/{id}/{act}"));
        let sending = tokio::spawn(sending.bearer_auth(&scene.token).json(&json!({})).send());
        tokio::time::sleep(Duration::from_millis(3)).await;
        scene = scene.kill();
        let acknowledged = sending.await.expect("no panic").is_ok_and(|answer| answer.status().is_success());
        let state = scene.get(&format!("/merges/{id}")).await.expect(200).json()["state"].clone();
        match (act, state.as_str().expect("a state")) {
            (_, "requested") => assert!(!acknowledged, "an acknowledged write is lost"),
            ("settle", "settled") => scene.expect_settled(&guest, &id).await,
            ("refuse", "refused") => scene.expect_free(&guest, &id, "refused").await,
            other => panic!("{other:?}"),
        }
    }
    let Scene { installation, process, .. } = scene;
    process.kill();
    installation.run(&["check"]);
}
