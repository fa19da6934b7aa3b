//! The durable handshake of a merge: the application is asked to move its data, and answers by its webhook or the Admin API.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_app::{admin::keys::AdminScope, jobs};
use vestibule_store::{checks, retention_holds};

use crate::{
    guest_journey::promote,
    pre_hijacking::expect_ended,
    support::{
        Admin, AppClient, Browser, Device, Engine, Platform, Receiver, Setup, TestServer, Tokens, on_both_engines,
    },
};

const PASSWORD: &str = "violet tugboat marmalade";
const KIM: &str = "kim@shop.example";
const QUESTION: &str = "Bring your things along?";
const BRING: &str = "Bring my things along";

on_both_engines!(
    a_merge_waits_for_the_application_and_settles_by_the_admin_api,
    a_refusal_leaves_the_guest_with_all_that_it_had,
    a_merge_without_an_answer_ends_by_the_setting,
    a_webhook_answers_in_its_response,
    a_webhook_that_answers_strangely_decides_nothing,
    of_a_merge_that_was_refused_no_receiver_is_asked,
    of_many_answers_by_every_way_at_once_one_counts,
    of_many_requests_for_one_guest_one_merge_comes,
    a_settled_merge_can_be_undone_for_a_while,
    a_hold_goes_with_the_guest_that_is_merged,
    a_waiting_guest_opens_nothing,
    whoever_is_deleted_meanwhile_takes_nobody_along,
    only_those_of_the_project_with_the_scope_decide,
    merging_that_is_switched_off_stops_decisions_that_wait,
    a_merge_that_waits_is_asked_about_once_more,
    merges_are_listed_in_pages,
    all_names_of_a_user_are_listed_and_exported,
    an_application_that_wants_them_gets_earlier_ids,
    an_operator_decides_in_the_portal,
);

fn subscribe(setup: &mut Setup, url: &str) {
    setup.configure("hooks.allow_private_addresses", "true");
    let handler = toml::toml! { url = url events = ["user.merge.requested"] };
    setup.set("hook.non_blocking_handlers", vec![toml::Value::Table(handler)]);
}

/// A member and a guest of a project whose merges wait.
pub(crate) struct Scene {
    pub(crate) server: TestServer,
    pub(crate) admin: Admin,
    pub(crate) client: AppClient,
    pub(crate) member: String,
    pub(crate) guest: Tokens,
    pub(crate) sub: String,
}

impl Scene {
    pub(crate) async fn set(engine: Engine, change: impl FnOnce(&mut Setup)) -> Self {
        let server = TestServer::start(engine, |setup| {
            setup.set("identity.on_conflict.promotion", "merge");
            setup.set("identity.merge.handshake", true);
            change(setup);
        })
        .await;
        let (client, admin, mut mailbox) = (server.app_client(), Admin::of(&server).await, server.mailbox());
        admin.post("/project/webhook-secret", &json!({})).await.expect(201);
        let mut browser = server.browser();
        promote(&client, &client.sign_up().await, &mut browser, &mut mailbox, KIM).await;
        let tokens = client.finish(browser.at_app()).await;
        let member = client.subject(&tokens.access).await;
        let guest = client.sign_up().await;
        let sub = client.subject(&guest.access).await;
        let attributes = json!({"custom_attributes": {"cart": 7}});
        admin.send(Method::PATCH, &format!("/users/{sub}"), &attributes).await.expect(200);
        let attributes = json!({"custom_attributes": {"own": 1}});
        admin.send(Method::PATCH, &format!("/users/{member}"), &attributes).await.expect(200);
        Self { server, admin, client, member, guest, sub }
    }

    /// Opens the guest's promotion in a browser, and proves the member.
    pub(crate) async fn prove(&self, browser: &mut Browser) {
        browser.open(&self.client.promotion_url(&self.client.promotion_code(&self.guest).await)).await;
        browser.follow("Sign in instead").await;
        browser.follow("Sign in to my account").await;
        browser.fill("Email address", KIM);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        browser.expect_page(200, QUESTION);
    }

    /// The person agrees; the member's tokens.
    pub(crate) async fn agree(&self) -> Tokens {
        let mut browser = self.server.browser();
        self.prove(&mut browser).await;
        assert!(browser.page().text.contains("as soon as"), "{}", browser.page().text);
        browser.press(BRING).await;
        self.client.finish(browser.at_app()).await
    }

    /// The only merge of the project.
    pub(crate) async fn merge(&self) -> Value {
        let page = self.admin.get("/merges").await.expect(200).json();
        assert_eq!(page["merges"].as_array().map(Vec::len), Some(1), "{page}");
        page["merges"][0].clone()
    }

    pub(crate) async fn merge_id(&self) -> String {
        self.merge().await["merge_id"].as_str().expect("an ID").to_owned()
    }

    pub(crate) async fn act(&self, id: &str, act: &str) -> Value {
        self.admin.post(&format!("/merges/{id}/{act}"), &body_of(act)).await.expect(200).json()
    }

    pub(crate) async fn read(&self, user: &str) -> Value {
        self.admin.get(&format!("/users/{user}")).await.expect(200).json()
    }

    pub(crate) async fn expect_guest(&self) {
        let read = self.read(&self.sub).await;
        assert_eq!((&read["is_anonymous"], &read["yielded_to"]), (&json!(true), &Value::Null), "{read}");
        assert_eq!(read["custom_attributes"], json!({"cart": 7}));
        let member = self.read(&self.member).await;
        assert_eq!(member["custom_attributes"], json!({"own": 1}));
        assert_eq!(member.get("merged_from"), None);
    }

    pub(crate) async fn expect_merged(&self) {
        assert_eq!(self.admin.get(&format!("/users/{}", self.sub)).await.expect(308).json()["sub"], *self.member);
        let member = self.read(&self.member).await;
        assert_eq!(member["custom_attributes"], json!({"own": 1, "cart": 7}));
        assert_eq!(member["merged_from"], json!([self.sub]));
    }

    pub(crate) async fn expect_sound(&self) {
        let mut conn = self.server.app.store.read().await.expect("a connection");
        for check in checks::PROBLEMS {
            let found = checks::run(&mut conn, check).await.expect("an answer");
            assert_eq!(found.count, 0, "{}: {found:?}", check.what);
        }
    }
}

fn body_of(act: &str) -> Value {
    if act == "refuse" { json!({"reason": "Both have an open\norder"}) } else { Value::Null }
}

async fn a_merge_waits_for_the_application_and_settles_by_the_admin_api(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let tokens = scene.agree().await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.member, "the member is in at once");
    assert_eq!(scene.client.refresh(&tokens.refresh).await.expect(200).status, 200, "with a session that works");
    expect_ended(&scene.client, &scene.guest).await;
    let merge = scene.merge().await;
    assert_eq!(
        (&merge["state"], &merge["from"], &merge["into"]),
        (&json!("requested"), &json!(scene.sub), &json!(scene.member))
    );
    assert_eq!((&merge["client_id"], &merge["asked"], &merge["undo_until"]), (&json!("web"), &json!(0), &Value::Null));
    let requested = scene.server.events("user.merge.requested").await;
    let payload = &requested[0]["payload"];
    assert_eq!(payload["merge_id"], merge["merge_id"]);
    assert_eq!(
        (&payload["from"], &payload["into"], &payload["answer_by"]),
        (&merge["from"], &merge["into"], &merge["answer_by"])
    );
    // Nothing has moved yet, and the guest can still be read under its own ID.
    let read = scene.read(&scene.sub).await;
    assert_eq!((&read["yielded_to"], &read["custom_attributes"]), (&json!(scene.member), &json!({"cart": 7})));
    assert_eq!(scene.server.events("user.merged").await.len(), 0);

    let id = scene.merge_id().await;
    for _ in 0..3 {
        assert_eq!(scene.act(&id, "settle").await["state"], "settled");
    }
    scene.expect_merged().await;
    let merged = scene.server.events("user.merged").await;
    assert_eq!((merged.len(), &merged[0]["payload"]["merge_id"]), (1, &merge["merge_id"]));
    let promoted = scene.server.events("user.anonymous.promoted").await;
    assert_eq!(
        (promoted.len(), &promoted[1]["context"]["client_id"]),
        (2, &json!("web")),
        "the member itself was a guest"
    );
    for act in ["refuse", "ask", "undo"] {
        let reply = scene.admin.post(&format!("/merges/{id}/{act}"), &body_of(act)).await.expect(409);
        let expected = if act == "undo" { "merge_not_undoable" } else { "merge_ended" };
        assert_eq!(reply.json()["code"], expected, "{act}");
    }
    assert_eq!(scene.client.refresh(&tokens.refresh).await.expect(200).status, 200);
    scene.expect_sound().await;
}

async fn a_refusal_leaves_the_guest_with_all_that_it_had(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let mut device = Device::new(&scene.server, Platform::Android);
    device.authenticate().await;
    let key_guest = scene.client.subject(&device.held().access).await;
    scene.admin.post(&format!("/users/{key_guest}/merge"), &json!({"into": scene.member})).await.expect(200);
    scene.agree().await;
    let page = scene.admin.get("/merges?state=requested").await.expect(200).json();
    for merge in page["merges"].as_array().expect("a list") {
        let id = merge["merge_id"].as_str().expect("an ID");
        for _ in 0..2 {
            let refused = scene.act(id, "refuse").await;
            assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &json!("Both have an open order")));
        }
        assert_eq!(
            scene.admin.post(&format!("/merges/{id}/settle"), &Value::Null).await.expect(409).json()["code"],
            "merge_ended"
        );
    }
    scene.expect_guest().await;
    let refused = scene.server.events("user.merge.refused").await;
    assert_eq!((refused.len(), &refused[0]["payload"]["cause"]), (2, &json!("refused")));
    // The key opens the guest again, and no rule deletes it for a while.
    device.authenticate().await;
    assert_eq!(scene.client.subject(&device.held().access).await, key_guest);
    let holds = scene.admin.get(&format!("/users/{}/holds", scene.sub)).await.expect(200).json();
    assert_eq!(holds["holds"][0]["owner"], "vestibule", "{holds}");
    // It may be merged after all, by a merge of its own.
    scene.server.clock.advance_seconds(1);
    scene.admin.post(&format!("/users/{}/merge", scene.sub), &json!({"into": scene.member})).await.expect(200);
    let page = scene.admin.get(&format!("/merges?user_id={}", scene.sub)).await.expect(200).json();
    assert_eq!((&page["merges"][0]["state"], &page["merges"][0]["client_id"]), (&json!("requested"), &Value::Null));
    scene.act(page["merges"][0]["merge_id"].as_str().expect("an ID"), "settle").await;
    scene.expect_merged().await;
    scene.expect_sound().await;
}

async fn a_merge_without_an_answer_ends_by_the_setting(engine: Engine) {
    for (setting, expected) in [("refuse", "timed_out"), ("settle", "settled")] {
        let scene = Scene::set(engine, |setup| {
            setup.set("identity.merge.answer_seconds", 600);
            setup.set("identity.merge.on_timeout", setting);
        })
        .await;
        scene.agree().await;
        scene.server.clock.advance_seconds(600);
        jobs::merges::sweep(&scene.server.app).await.expect("a look");
        assert_eq!(scene.merge().await["state"], "requested", "not before its time");
        scene.server.clock.advance_seconds(1);
        for _ in 0..2 {
            jobs::merges::sweep(&scene.server.app).await.expect("a look");
        }
        assert_eq!(scene.merge().await["state"], expected);
        let refused = scene.server.events("user.merge.refused").await;
        if setting == "refuse" {
            scene.expect_guest().await;
            assert_eq!((refused.len(), &refused[0]["payload"]["cause"]), (1, &json!("timed_out")));
            // An answer that comes now is told so, and changes nothing.
            let id = scene.merge_id().await;
            let late = scene.admin.post(&format!("/merges/{id}/settle"), &Value::Null).await.expect(409).json();
            assert!(late["detail"].as_str().is_some_and(|text| text.contains("timed_out")), "{late}");
            assert_eq!(scene.act(&id, "refuse").await["state"], "timed_out", "it agrees");
            scene.expect_guest().await;
        } else {
            scene.expect_merged().await;
        }
        scene.expect_sound().await;
    }
}

async fn a_webhook_answers_in_its_response(engine: Engine) {
    for (answer, expected) in
        [(r#"{"merge":"settled"}"#, "settled"), (r#"{"merge":"refused","reason":"busy"}"#, "refused")]
    {
        let receiver = Receiver::start().await;
        let scene = Scene::set(engine, |setup| subscribe(setup, &receiver.url)).await;
        // It fails first, and is asked again.
        receiver.answer(500, answer);
        receiver.answer(200, answer);
        scene.agree().await;
        let calls = receiver.wait_for(1).await;
        let id = scene.merge_id().await;
        assert_eq!(
            (calls[0].kind(), &calls[0].json()["payload"]["merge_id"]),
            ("user.merge.requested".into(), &json!(id))
        );
        assert!(calls[0].headers.contains_key("webhook-signature"));
        scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["asked"] == 1).await;
        assert_eq!(scene.merge().await["state"], "requested", "what comes with a failure is no answer");
        scene.server.clock.advance_seconds(3_600);
        let merge = scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["state"] == expected).await;
        assert_eq!(merge["asked"], 2);
        if expected == "settled" {
            scene.expect_merged().await;
            let merged = scene.server.events("user.merged").await;
            assert!(merged[0]["context"]["audit_context"]["webhook"].is_string(), "{merged:?}");
        } else {
            assert_eq!(merge["reason"], "busy");
            scene.expect_guest().await;
        }
        scene.expect_sound().await;
    }
}

async fn a_webhook_that_answers_strangely_decides_nothing(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = Scene::set(engine, |setup| subscribe(setup, &receiver.url)).await;
    let huge = format!(r#"{{"filler":"{}","merge":"settled"}}"#, "x".repeat(100_000));
    let foreign = r#"{"merge_id":"0192a3b4-0000-7000-8000-000000000001","merge":"moved"}"#;
    let answers = ["", "OK", "<html>", r#"{"merge":{"state":"settled"}}"#, r#"[{"merge":"settled"}]"#, foreign, &huge];
    for answer in answers {
        receiver.answer(200, answer);
    }
    scene.agree().await;
    let id = scene.merge_id().await;
    for (index, answer) in answers.iter().enumerate() {
        receiver.wait_for(index + 1).await;
        let asked = i64::try_from(index).expect("few") + 1;
        let merge =
            scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["asked"].as_i64() >= Some(asked)).await;
        assert_eq!(merge["state"], "requested", "{}", answer.get(..40).unwrap_or(answer));
        if index + 1 < answers.len() {
            scene.act(&id, "ask").await;
            scene.server.clock.advance_seconds(600);
        }
    }
    // The same merge is settled by the other way, and the receiver that is asked again decides nothing more.
    scene.act(&id, "settle").await;
    scene.expect_merged().await;
}

async fn of_a_merge_that_was_refused_no_receiver_is_asked(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = Scene::set(engine, |setup| subscribe(setup, &receiver.url)).await;
    receiver.answer(500, "");
    receiver.answer(200, r#"{"merge":"settled"}"#);
    scene.agree().await;
    let id = scene.merge_id().await;
    scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["asked"] == 1).await;
    scene.act(&id, "refuse").await;
    scene.server.clock.advance_seconds(3_600);
    let has_ended = |page: &Value| page["deliveries"].as_array().is_some_and(|all| all.len() == 1);
    let page = scene.admin.wait_until("/deliveries?state=dead", has_ended).await;
    let error = page["deliveries"][0]["last_error"].as_str().unwrap_or_default();
    assert!(error.contains("the merge has ended"), "{page}");
    assert_eq!(receiver.calls().len(), 1, "the receiver would move what stays");
    scene.expect_guest().await;
}

async fn of_many_answers_by_every_way_at_once_one_counts(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = Scene::set(engine, |setup| subscribe(setup, &receiver.url)).await;
    receiver.answer(200, r#"{"merge":"settled"}"#);
    scene.agree().await;
    let id = scene.merge_id().await;
    let mut racing = JoinSet::new();
    for number in 0..50 {
        let (act, body) = if number % 2 == 0 { ("settle", Value::Null) } else { ("refuse", json!({})) };
        let request = scene.admin.request(Method::POST, &format!("/merges/{id}/{act}")).json(&body);
        racing.spawn(async move { request.send().await.expect("an answer").status().as_u16() });
    }
    let statuses = racing.join_all().await;
    assert!(statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    let state = scene.merge().await["state"].clone();
    let events =
        [scene.server.events("user.merged").await.len(), scene.server.events("user.merge.refused").await.len()];
    if state == "settled" {
        assert_eq!(events, [1, 0]);
        scene.expect_merged().await;
    } else {
        assert_eq!((state, events), (json!("refused"), [0, 1]));
        scene.expect_guest().await;
    }
    scene.expect_sound().await;
}

async fn of_many_requests_for_one_guest_one_merge_comes(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let mut racing = JoinSet::new();
    for _ in 0..50 {
        let request = scene
            .admin
            .request(Method::POST, &format!("/users/{}/merge", scene.sub))
            .json(&json!({"into": scene.member}));
        racing.spawn(async move { request.send().await.expect("an answer").status().as_u16() });
    }
    let statuses = racing.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(scene.merge().await["state"], "requested");
    scene.expect_sound().await;
}

async fn a_settled_merge_can_be_undone_for_a_while(engine: Engine) {
    let scene = Scene::set(engine, |setup| setup.set("identity.merge.undo_seconds", 3_600)).await;
    scene.agree().await;
    let id = scene.merge_id().await;
    assert_eq!(
        scene.admin.post(&format!("/merges/{id}/undo"), &Value::Null).await.expect(409).json()["code"],
        "merge_not_undoable"
    );
    scene.act(&id, "settle").await;
    scene.expect_merged().await;
    // What the member has of its own since then is not the guest's.
    let attributes = json!({"custom_attributes": {"secret": "of the member"}});
    scene.admin.send(Method::PATCH, &format!("/users/{}", scene.member), &attributes).await.expect(200);
    scene.server.clock.advance_seconds(3_600);
    for _ in 0..2 {
        assert_eq!(scene.act(&id, "undo").await["state"], "undone");
    }
    let guest = scene.read(&scene.sub).await;
    assert_eq!((&guest["yielded_to"], &guest["custom_attributes"]), (&Value::Null, &json!({"cart": 7})));
    let member = scene.read(&scene.member).await;
    assert_eq!(member["custom_attributes"], json!({"own": 1, "secret": "of the member"}));
    assert_eq!((member.get("merged_from"), scene.server.events("user.merge.undone").await.len()), (None, 1));
    // A late answer does not merge it again.
    scene.admin.post(&format!("/merges/{id}/settle"), &Value::Null).await.expect(409);
    expect_ended(&scene.client, &scene.guest).await;
    scene.expect_sound().await;

    scene.admin.post(&format!("/users/{}/merge", scene.sub), &json!({"into": scene.member})).await.expect(200);
    let page = scene.admin.get("/merges?state=requested").await.expect(200).json();
    let id = page["merges"][0]["merge_id"].as_str().expect("an ID").to_owned();
    scene.act(&id, "settle").await;
    scene.server.clock.advance_seconds(3_601);
    scene.admin.post(&format!("/merges/{id}/undo"), &Value::Null).await.expect(409);
    jobs::merges::sweep(&scene.server.app).await.expect("a look");
    scene.admin.post(&format!("/merges/{id}/undo"), &Value::Null).await.expect(409);
}

async fn a_hold_goes_with_the_guest_that_is_merged(engine: Engine) {
    let scene = Scene::set(engine, |setup| setup.set("identity.merge.handshake", false)).await;
    let hold = json!({"owner": "orders", "reason": "open", "expires_at": "2033-01-01T00:00:00Z"});
    scene.admin.post(&format!("/users/{}/holds", scene.sub), &hold).await.expect(201);
    scene.admin.post(&format!("/users/{}/merge", scene.sub), &json!({"into": scene.member})).await.expect(200);
    assert_eq!(scene.merge().await["state"], "settled", "without the handshake, at once");
    let (no, guest) = (scene.server.app.projects.find_by_id("test").expect("it").no, scene.sub.parse().expect("an ID"));
    let mut conn = scene.server.app.store.read().await.expect("a connection");
    let left = retention_holds::list(&mut conn, no, guest).await.expect("holds");
    assert!(left.is_empty(), "{left:?}");
    drop(conn);
    scene.expect_merged().await;
}

/// What an attacker keeps of the guest that its victim brings along.
async fn a_waiting_guest_opens_nothing(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let mut device = Device::new(&scene.server, Platform::Android);
    device.authenticate().await;
    let (refresh, kid) = (device.held().refresh.clone(), device.kid.clone().expect("a key ID"));
    let code = scene.client.promotion_code(&scene.guest).await;
    let sub = scene.client.subject(&device.held().access).await;
    scene.admin.post(&format!("/users/{sub}/merge"), &json!({"into": scene.member})).await.expect(200);
    scene.agree().await;
    device.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())], true).await.expect(400);
    let jwt = device.sign("auth", &device.challenge().await, &kid, false);
    device.present(&jwt).await.expect(400);
    let mut late = scene.server.browser();
    late.open(&scene.client.promotion_url(&code)).await;
    assert!(!late.is_at_app() && late.cookie("session").is_none(), "{}", late.url());
    let login = json!({"login_id": {"type": "email", "value": "mallory@evil.example"}});
    scene.admin.post(&format!("/users/{}/promote", scene.sub), &login).await.expect(409);
    // It is nobody's guest in lists.
    let page = scene.admin.get("/users?kind=guest").await.expect(200).json();
    assert_eq!(page["users"], json!([]), "{page}");
}

async fn whoever_is_deleted_meanwhile_takes_nobody_along(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    scene.agree().await;
    let id = scene.merge_id().await;
    scene.admin.post(&format!("/users/{}/disable", scene.member), &Value::Null).await.expect(200);
    scene.admin.post(&format!("/users/{}/enable", scene.member), &Value::Null).await.expect(200);
    scene.admin.delete(&format!("/users/{}", scene.member)).await.expect(204);
    let read = scene.read(&scene.sub).await;
    assert_eq!((&read["yielded_to"], &read["custom_attributes"]), (&Value::Null, &json!({"cart": 7})));
    scene.admin.post(&format!("/merges/{id}/settle"), &Value::Null).await.expect(404);
    scene.expect_sound().await;

    // A disabled member's merge settles: the application has moved its data already.
    let scene = Scene::set(engine, |_| {}).await;
    scene.agree().await;
    scene.admin.post(&format!("/users/{}/disable", scene.member), &Value::Null).await.expect(200);
    scene.act(&scene.merge_id().await, "settle").await;
    scene.expect_merged().await;
}

async fn only_those_of_the_project_with_the_scope_decide(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    scene.agree().await;
    let id = scene.merge_id().await;
    let reader = Admin::new(&scene.server, &[AdminScope::UsersRead]).await;
    reader.get(&format!("/merges/{id}")).await.expect(200);
    for act in ["settle", "refuse", "undo", "ask"] {
        reader.post(&format!("/merges/{id}/{act}"), &body_of(act)).await.expect(403);
    }
    let project = scene.server.add_project("other", |_| {}).await;
    let mut other = Admin::in_project(&scene.server, "other", &AdminScope::ALL).await;
    other.post(&format!("/merges/{id}/settle"), &Value::Null).await.expect(401);
    other.http = scene.server.http_of(&project);
    other.get(&format!("/merges/{id}")).await.expect(404);
    for act in ["settle", "refuse", "undo", "ask"] {
        other.post(&format!("/merges/{id}/{act}"), &body_of(act)).await.expect(404);
    }
    scene.admin.post("/merges/none/settle", &Value::Null).await.expect(404);
    scene.admin.post(&format!("/merges/{id}/refuse"), &json!({"why": 1})).await.expect(400);
    assert_eq!(scene.merge().await["state"], "requested");
}

async fn merging_that_is_switched_off_stops_decisions_that_wait(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    scene.server.change_project(|setup| setup.set("identity.on_conflict.promotion", "error")).await;
    browser.press(BRING).await;
    assert!(!browser.is_at_app() && browser.cookie("session").is_none());
    assert_eq!(browser.reply().status, 410);
    scene.expect_guest().await;
    assert_eq!(scene.client.user_info(&scene.guest.access).await.expect(200).json()["sub"], *scene.sub);
}

async fn a_merge_that_waits_is_asked_about_once_more(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = Scene::set(engine, |setup| subscribe(setup, &receiver.url)).await;
    scene.agree().await;
    let id = scene.merge_id().await;
    receiver.wait_for(1).await;
    scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["asked"] == 1).await;
    let before = scene.merge().await["answer_by"].clone();
    scene.server.clock.advance_seconds(60);
    receiver.answer(200, r#"{"merge":"settled"}"#);
    assert_ne!(scene.act(&id, "ask").await["answer_by"], before);
    let calls = receiver.wait_for(2).await;
    assert_ne!(calls[0].json()["id"], calls[1].json()["id"], "another event");
    assert_eq!(calls[1].json()["payload"]["merge_id"], id);
    scene.admin.wait_until(&format!("/merges/{id}"), |merge| merge["state"] == "settled").await;
    scene.expect_merged().await;
}

async fn merges_are_listed_in_pages(engine: Engine) {
    let scene = Scene::set(engine, |_| {}).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let guest = scene.client.subject(&scene.client.sign_up().await.access).await;
        scene.admin.post(&format!("/users/{guest}/merge"), &json!({"into": scene.member})).await.expect(200);
        let of_guest = scene.admin.get(&format!("/merges?user_id={guest}")).await.expect(200).json();
        assert_eq!(of_guest["merges"].as_array().map(Vec::len), Some(1));
        ids.insert(0, of_guest["merges"][0]["merge_id"].clone());
        scene.server.clock.advance_seconds(1);
    }
    scene.act(ids[4].as_str().expect("an ID"), "settle").await;
    let (mut seen, mut query) = (Vec::new(), "?limit=2&state=requested".to_owned());
    loop {
        let page = scene.admin.get(&format!("/merges{query}")).await.expect(200).json();
        seen.extend(page["merges"].as_array().expect("a list").iter().map(|merge| merge["merge_id"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&state=requested&cursor={next}");
    }
    assert_eq!(seen, ids[..4], "newest first");
    let of_member = scene.admin.get(&format!("/merges?user_id={}", scene.member)).await.expect(200).json();
    assert_eq!(of_member["merges"].as_array().map(Vec::len), Some(5));
    scene.admin.get("/merges?state=lost").await.expect(400);
    for query in ["cursor=x", &format!("user_id={}&cursor=x", scene.member)] {
        scene.admin.get(&format!("/merges?{query}")).await.expect(422);
    }
    scene.admin.get("/merges?limit=201").await.expect(400);
}

async fn all_names_of_a_user_are_listed_and_exported(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let id = "0192a3b4-0000-7000-8000-000000000001";
    let guests = (0..130).map(|number| format!("0192a3b4-0000-7000-9000-000000000{number:03}"));
    let names: Vec<String> = guests.chain((0..120).map(|number| format!("old-{number:03}"))).collect();
    let login_id = json!({"id": "0192a3b4-0000-7000-8000-100000000001", "type": "username", "value": "kim", "original": "kim",
        "created_at": 1, "updated_at": 1});
    let line = json!({"id": id, "created_at": 1, "updated_at": 1, "login_ids": [login_id], "previous_subs": names});
    let request = admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
    let reply = crate::support::Reply::of(request.body(line.to_string())).await.expect(200).json();
    assert_eq!(reply["lines"][0]["outcome"], "created", "{reply}");
    let (mut seen, mut query) = (Vec::new(), "?limit=60".to_owned());
    loop {
        let page = admin.get(&format!("/users/{id}/aliases{query}")).await.expect(200).json();
        seen.extend(
            page["aliases"].as_array().expect("a list").iter().map(|name| name.as_str().expect("text").to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=60&cursor={next}");
    }
    assert_eq!(seen, names);
    let exported = admin.get("/export/users").await.expect(200).body;
    assert_eq!(serde_json::from_str::<Value>(exported.trim()).expect("JSON")["previous_subs"], json!(names));
    admin.get(&format!("/users/{id}/aliases?cursor=x")).await.expect(422);
    admin.get(&format!("/users/{}/aliases", names[200])).await.expect(308);
    admin.get("/users/0192a3b4-0000-7000-8000-000000000009/aliases").await.expect(404);
}

async fn an_application_that_wants_them_gets_earlier_ids(engine: Engine) {
    let scene = Scene::set(engine, |setup| setup.set("identity.merge.handshake", false)).await;
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    browser.press(BRING).await;
    let tokens = scene.client.finish(browser.at_app()).await;
    let claims_of = |token: &str| -> Value {
        let payload = token.split('.').nth(1).expect("a JWT");
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
    };
    let info = scene.client.user_info(&tokens.access).await.expect(200).json();
    assert_eq!((&info["sub"], info.get("previous_subs")), (&json!(scene.member), None), "off by default");
    scene.server.change_project(|setup| setup.set_client("web", "previous_subs_enabled", true)).await;
    let info = scene.client.user_info(&tokens.access).await.expect(200).json();
    assert_eq!(info["previous_subs"], json!([scene.sub]));
    let renewed = scene.client.refresh(&tokens.refresh).await.expect(200).json();
    let claims = claims_of(renewed["id_token"].as_str().expect("an ID token"));
    assert_eq!((&claims["sub"], &claims["previous_subs"]), (&json!(scene.member), &json!([scene.sub])));
    // A guest has none.
    let guest = scene.client.sign_up().await;
    assert_eq!(scene.client.user_info(&guest.access).await.expect(200).json().get("previous_subs"), None);
}

async fn an_operator_decides_in_the_portal(engine: Engine) {
    const AT: &str = "/portal/p/test";
    let scene = Scene::set(engine, |setup| {
        setup.open_portal();
        setup.set("identity.merge.undo_seconds", 3_600);
    })
    .await;
    let mut owner = scene.server.owner().await;
    owner.open(&format!("{AT}/merges")).await;
    assert!(owner.expect_page(200, "Merges").text.contains("No merges here."));
    scene.agree().await;
    scene.server.clock.advance_seconds(7_200);
    let id = scene.merge_id().await;
    owner.open(&format!("{AT}/users/{}", scene.sub)).await;
    assert!(owner.page().text.contains("It waits to be merged"), "{}", owner.page().text);
    owner.follow("Show merges").await;
    let page = owner.expect_page(200, "Merges");
    for expected in ["2 hours", scene.sub.as_str(), scene.member.as_str(), "not asked yet"] {
        assert!(page.text.contains(expected), "{expected}: {}", page.text);
    }
    // Without a confirmation nothing happens, and a stranger's merge is none.
    owner.follow(&format!("Ask again the merge {id}")).await;
    owner.expect_page(200, "Ask your server again?");
    owner.press("Ask again").await;
    assert!(owner.expect_page(200, "Merges").text.contains("Event queued again."));
    assert_eq!(scene.server.events("user.merge.requested").await.len(), 2);
    owner.follow(&format!("Settle the merge {id}")).await;
    owner.expect_page(200, "Settle this merge?");
    assert_eq!(scene.merge().await["state"], "requested");
    owner.press("Settle").await;
    assert!(owner.expect_page(200, "Merges").text.contains("Merge changed."));
    scene.expect_merged().await;
    owner.open(&format!("{AT}/users/{}", scene.sub)).await;
    assert!(owner.url().path().ends_with(&scene.member), "a merged guest is no guest: {}", owner.url());
    owner.open(&format!("{AT}/merges?state=settled")).await;
    owner.follow(&format!("Undo the merge {id}")).await;
    owner.press("Undo").await;
    scene.expect_guest().await;
    owner.open(&format!("{AT}/merges/decide?merge={id}&act=settle")).await;
    assert!(owner.expect_page(200, "Merges").text.contains("Open"));
    owner.open(&format!("{AT}/merges/decide?merge=x&act=settle")).await;
    assert_eq!(owner.reply().status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn two_nodes_end_each_late_merge_once() {
    const MANY: usize = 20;
    let scene = Scene::set(Engine::Postgres, |setup| setup.set("identity.merge.answer_seconds", 600)).await;
    let node = scene.server.open_app(scene.server.clock.clone()).await;
    for _ in 0..MANY {
        let guest = scene.client.subject(&scene.client.sign_up().await.access).await;
        scene.admin.post(&format!("/users/{guest}/merge"), &json!({"into": scene.member})).await.expect(200);
    }
    scene.server.clock.advance_seconds(601);
    let (first, second) = tokio::join!(jobs::merges::sweep(&scene.server.app), jobs::merges::sweep(&node));
    first.and(second).expect("a look");
    let page = scene.admin.get("/merges?state=timed_out").await.expect(200).json();
    assert_eq!(page["merges"].as_array().map(Vec::len), Some(MANY));
    assert_eq!(scene.server.events("user.merge.refused").await.len(), MANY, "each once");
    scene.expect_sound().await;
}
