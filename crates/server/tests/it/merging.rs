//! Merging: a visitor proves an existing account, and decides whether the guest becomes a part of it.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use vestibule_domain::id::UserId;
use vestibule_store::{StoreError, passkeys};

use crate::{
    credentials::{Guest, LoginMethod, make_member},
    guest_journey::promote,
    introspection::{introspect, make_secret},
    pre_hijacking::{app_session_token, expect_ended, open_account, sign_in_by_cookie, sign_up_by_cookie},
    providers::id_claims,
    rotation::revocations,
    support::{Admin, AppClient, Browser, Device, Engine, Platform, TestServer, Tokens, on_both_engines, query},
};

const PASSWORD: &str = "violet tugboat marmalade";
const KIM: &str = "kim@shop.example";
const QUESTION: &str = "Bring your things along?";
const BRING: &str = "Bring my things along";
const LEAVE: &str = "Sign in without them";
const API: &str = "/_api/admin/v1";

/// A member, and a guest that another application began or another person.
struct Scene {
    server: TestServer,
    admin: Admin,
    client: AppClient,
    member: String,
    guest: Tokens,
    sub: String,
}

impl Scene {
    async fn set(engine: Engine) -> Self {
        let server = TestServer::start(engine, |setup| {
            setup.set("identity.on_conflict.promotion", "merge");
            let mut rule = toml::Table::new();
            rule.insert("key".into(), "custom_attributes.likes".into());
            rule.insert("rule".into(), "unite".into());
            setup.set("identity.merge.attributes", vec![toml::Value::Table(rule)]);
        })
        .await;
        let (client, admin, mut mailbox) = (server.app_client(), Admin::of(&server).await, server.mailbox());
        let mut browser = server.browser();
        promote(&client, &client.sign_up().await, &mut browser, &mut mailbox, KIM).await;
        let tokens = client.finish(browser.at_app()).await;
        let member = client.subject(&tokens.access).await;
        let guest = client.sign_up().await;
        let sub = client.subject(&guest.access).await;
        Self { server, admin, client, member, guest, sub }
    }

    async fn describe(&self, user: &str, attributes: Value) {
        self.admin.send(Method::PATCH, &format!("/users/{user}"), &attributes).await.expect(200);
    }

    /// Opens the guest's promotion in a browser, and proves the member with its password.
    async fn prove(&self, browser: &mut Browser) {
        browser.open(&self.client.promotion_url(&self.client.promotion_code(&self.guest).await)).await;
        browser.follow("Sign in instead").await;
        let page = browser.expect_page(200, "Sign in instead?");
        assert!(page.text.contains("you choose whether"), "{}", page.text);
        browser.follow("Sign in to my account").await;
        sign_in(browser).await;
    }

    async fn is_guest_untouched(&self) -> bool {
        let info = self.client.user_info(&self.guest.access).await;
        info.status == 200 && info.json()["sub"] == *self.sub
    }

    async fn read(&self, user: &str) -> Value {
        self.admin.get(&format!("/users/{user}")).await.expect(200).json()
    }
}

async fn sign_in(browser: &mut Browser) {
    browser.fill("Email address", KIM);
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
}

async fn a_guest_of_every_kind_is_merged_by_every_credential(engine: Engine) {
    for method in LoginMethod::ALL {
        let server = TestServer::start(engine, |setup| {
            method.set(setup);
            setup.set("identity.on_conflict.promotion", "merge");
        })
        .await;
        let (mut member, member_sub) = make_member(&server, method).await;
        let login_id = method.login_ids()[0];
        let mut browser = server.browser();
        for mut guest in Guest::all(&server, &mut browser).await {
            let mut own = guest.browser(&server, &mut browser);
            let before = guest.look(&mut own).await.expect("a guest");
            guest.open_promotion(&mut own).await;
            if method == LoginMethod::Passkey {
                own.follow("Sign in instead").await;
                own.follow("Sign in to my account").await;
                member.log_in(&mut own, login_id).await;
            } else {
                member.join(&mut own, login_id, "Save my progress").await;
                let page = own.expect_page(if method.has_code() { 409 } else { 200 }, "You already have an account");
                assert!(page.text.contains("choose whether your guest data comes along"), "{}", page.text);
                own.follow("Sign in to that account").await;
                if method.has_password() {
                    member.log_in(&mut own, login_id).await;
                } else {
                    own.expect_page(200, "Continue with this account?");
                    own.press("Continue").await;
                }
            }
            let asks_for_owner = own.expect_page(200, QUESTION).text.contains("begun on another device");
            assert_eq!(asks_for_owner, !matches!(guest, Guest::Cookie(_)), "{method:?}");
            let still = guest.look(&mut own).await.expect("untouched before the decision");
            assert_eq!(still["sub"], before["sub"], "{method:?}");
            let held = match &guest {
                Guest::Token(_, tokens) => Some(tokens.clone()),
                Guest::Cookie(_) | Guest::Key(_) => None,
            };
            own.press(BRING).await;
            let after = guest.finish(&mut own).await;
            assert_eq!(after["sub"], *member_sub, "{method:?}");
            if let Some(held) = held {
                expect_ended(&server.app_client(), &held).await;
            }
        }
        let merged = server.events("user.merged").await;
        assert_eq!(merged.len(), 3, "{method:?}: one each");
        assert!(merged.iter().all(|event| event["payload"]["into"] == *member_sub), "{merged:?}");
        assert_eq!(server.events("user.anonymous.promoted").await.len(), 3, "{method:?}");
        assert_eq!(revocations(&server).await, ["promotion"; 3], "{method:?}: what the guests had");
    }
}

/// A decision is no authentication: what it leads to is as old as the proof.
async fn a_decision_minutes_later_is_no_new_authentication(engine: Engine) {
    for decision in [BRING, LEAVE] {
        let scene = Scene::set(engine).await;
        let mut browser = scene.server.browser();
        scene.prove(&mut browser).await;
        browser.expect_page(200, QUESTION);
        let proved_at = scene.server.clock.now().as_seconds();
        scene.server.clock.advance_seconds(240);
        browser.press(decision).await;
        let tokens = scene.client.finish(browser.at_app()).await;
        assert_eq!(scene.client.subject(&tokens.access).await, scene.member, "{decision}");
        let claims = id_claims(&tokens);
        assert_eq!(claims["auth_time"], proved_at, "{decision}");
        assert_eq!(claims["iat"], proved_at + 240, "{decision}");
    }
}

async fn a_merged_guest_is_another_name_of_the_member(engine: Engine) {
    let scene = Scene::set(engine).await;
    let (member, sub) = (&scene.member, &scene.sub);
    scene
        .describe(
            sub,
            json!({"standard_attributes": {"name": "Mallory"}, "custom_attributes": {"likes": [1, 2], "theme": "dark", "size": 7}}),
        )
        .await;
    scene.describe(member, json!({"custom_attributes": {"likes": [9, 1], "theme": "light"}})).await;
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    browser.press(BRING).await;
    let tokens = scene.client.finish(browser.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, *member);
    assert_eq!(scene.client.refresh(&tokens.refresh).await.expect(200).status, 200, "a session that works");

    let reply = scene.admin.get(&format!("/users/{sub}?x=1")).await.expect(308);
    assert_eq!(reply.header("location"), Some(format!("{API}/users/{member}?x=1").as_str()));
    assert_eq!((&reply.json()["code"], &reply.json()["sub"]), (&json!("merged"), &json!(member)));
    let reply = scene.admin.get(&format!("/users/{sub}/sessions")).await.expect(308);
    assert_eq!(reply.header("location"), Some(format!("{API}/users/{member}/sessions").as_str()));
    for (method, path, body) in [
        (Method::PATCH, "", json!({"custom_attributes": {"a": 1}})),
        (Method::DELETE, "", Value::Null),
        (Method::POST, "/disable", Value::Null),
        (Method::POST, "/promote", json!({"login_id": {"type": "username", "value": "mallory"}})),
    ] {
        let reply = scene.admin.send(method.clone(), &format!("/users/{sub}{path}"), &body).await.expect(409);
        assert_eq!(
            (&reply.json()["code"], &reply.json()["sub"]),
            (&json!("merged"), &json!(member)),
            "{method} {path}"
        );
    }
    let read = scene.read(member).await;
    assert_eq!(read["merged_from"], json!([sub]));
    assert_eq!(read["custom_attributes"], json!({"likes": [9, 1, 2], "theme": "light", "size": 7}));
    assert_eq!(read["standard_attributes"].get("name"), None, "what a stranger may have entered");

    let events = scene.server.events("user.merged").await;
    let payload = &events.last().expect("an event")["payload"];
    assert_eq!((&payload["from"], &payload["into"]), (&json!(sub), &json!(member)));
    assert_eq!(payload["user"]["custom_attributes"]["size"], 7);
    assert_eq!(payload["anonymous_user"]["custom_attributes"]["theme"], "dark");
}

async fn the_sub_of_a_deleted_user_or_of_its_guest_is_never_given_again(engine: Engine) {
    let scene = Scene::set(engine).await;
    let lines = scene.admin.get("/export/users").await.expect(200).body;
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    browser.press(BRING).await;
    browser.at_app();
    let merged = scene.admin.get("/export/users").await.expect(200).body;
    let record = merged.lines().find(|line| line.contains(KIM)).expect("the member");
    assert_eq!(serde_json::from_str::<Value>(record).expect("JSON")["previous_subs"], json!([scene.sub]));

    // Elsewhere, the two are imported in either order, and mean the same.
    for is_reversed in [false, true] {
        let other = TestServer::start_plain(engine).await;
        let admin = Admin::of(&other).await;
        let mut ordered: Vec<&str> = merged.lines().collect();
        if is_reversed {
            ordered.reverse();
        }
        import(&admin, &ordered.join("\n"), "created").await;
        let reply = admin.get(&format!("/users/{}", scene.sub)).await.expect(308);
        assert_eq!(reply.json()["sub"], *scene.member);
        assert_eq!(admin.get("/export/users").await.expect(200).body, merged, "nothing was lost");
    }

    scene.admin.delete(&format!("/users/{}", scene.member)).await.expect(204);
    scene.admin.get(&format!("/users/{}", scene.member)).await.expect(404);
    scene.admin.get(&format!("/users/{}", scene.sub)).await.expect(404);
    for text in [&lines, &merged] {
        let outcomes = import(&scene.admin, text, "refused").await;
        for outcome in outcomes {
            let reason = outcome["reason"].as_str().expect("a reason");
            assert!(reason.contains("was deleted") || reason.contains("never reused"), "{reason}");
        }
    }
}

async fn import(admin: &Admin, lines: &str, expected: &str) -> Vec<Value> {
    let request = admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
    let reply = crate::support::Reply::of(request.body(lines.to_owned())).await.expect(200).json();
    let outcomes = reply["lines"].as_array().expect("a list").clone();
    assert_eq!(outcomes.len(), lines.lines().count());
    assert!(outcomes.iter().all(|outcome| outcome["outcome"] == expected), "{outcomes:?}");
    outcomes
}

async fn an_id_of_another_system_leads_to_its_user(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let line = |id: u8, name: &str, previous: Value| {
        let login_id = json!({"id": format!("0192a3b4-0000-7000-8000-1000000000{id:02}"), "type": "username", "value": name,
            "original": name, "created_at": 1, "updated_at": 1});
        json!({"id": user_id(id), "created_at": 1, "updated_at": 1, "login_ids": [login_id], "previous_subs": previous})
            .to_string()
    };
    let foreign_uuid = "6f1c2a4e-1b1f-4c55-9b1f-1d2c3b4a5968";
    import(&admin, &line(1, "kim", json!(["auth0|5f7c", foreign_uuid])), "created").await;
    for (id, path) in [("auth0%7C5f7c", ""), (foreign_uuid, "/sessions")] {
        let reply = admin.get(&format!("/users/{id}{path}")).await.expect(308);
        assert_eq!(reply.header("location"), Some(format!("{API}/users/{}{path}", user_id(1)).as_str()));
    }
    let read = admin.get(&format!("/users/{}", user_id(1))).await.expect(200).json();
    assert_eq!(read["merged_from"], json!([foreign_uuid, "auth0|5f7c"]));
    admin.get("/users/auth0%7Cother").await.expect(404);
    // Each names one user only, and a user's own ID names no other.
    for previous in [json!(["auth0|5f7c"]), json!([foreign_uuid]), json!([user_id(1)])] {
        import(&admin, &line(2, "lee", previous), "refused").await;
    }
    import(&admin, &line(2, "lee", json!([" "])), "refused").await;
    import(&admin, &line(2, "lee", json!(["auth0|other"])), "created").await;
}

fn user_id(number: u8) -> String {
    format!("0192a3b4-0000-7000-8000-0000000000{number:02}")
}

async fn a_visitor_may_sign_in_without_the_guest_or_cancel(engine: Engine) {
    let scene = Scene::set(engine).await;
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    browser.expect_page(200, QUESTION);
    assert!(browser.cookie("session").is_none(), "no session begins before the decision");
    // Every page of the flow is the question now.
    let flow = browser.url().path().trim_end_matches("/merge").to_string();
    for page in ["", "/start", "/login", "/identify"] {
        browser.open(&format!("{flow}{page}")).await;
        browser.expect_page(200, QUESTION);
    }
    browser.press("Cancel").await;
    assert_eq!(query(browser.at_app(), "error").as_deref(), Some("access_denied"));
    assert!(scene.is_guest_untouched().await);
    // The proof is of no use to the next user of the browser.
    browser.open(&flow).await;
    assert!(!browser.page().text.contains(QUESTION), "{}", browser.page().text);
    browser.open(&format!("{flow}/merge")).await;
    assert!(!browser.page().text.contains(QUESTION), "{}", browser.page().text);

    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    browser.press(LEAVE).await;
    let tokens = scene.client.finish(browser.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.member);
    assert!(scene.is_guest_untouched().await);
    assert_eq!(scene.read(&scene.member).await.get("merged_from"), None);
    assert_eq!(scene.server.events("user.merged").await.len(), 0);
    assert_eq!(scene.server.events("user.anonymous.promoted").await.len(), 1, "the member itself was a guest");
    scene.admin.get(&format!("/users/{}", scene.sub)).await.expect(200);
}

async fn a_proof_does_not_outlive_the_end_of_all_sessions(engine: Engine) {
    let scene = Scene::set(engine).await;
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    scene.server.clock.advance_seconds(1);
    scene.admin.delete(&format!("/users/{}/sessions", scene.member)).await.expect(204);
    let flow = browser.url().path().trim_end_matches("/merge").to_owned();
    browser.press(BRING).await;
    assert_eq!(browser.reply().status, 410);
    browser.open(&flow).await;
    assert!(!browser.page().text.contains(QUESTION), "{}", browser.page().text);
    assert!(browser.cookie("session").is_none());
    assert!(scene.is_guest_untouched().await);
}

async fn a_passkey_that_is_removed_while_the_question_waits_proves_nothing(engine: Engine) {
    let method = LoginMethod::Passkey;
    let server = TestServer::start(engine, |setup| {
        method.set(setup);
        setup.set("identity.on_conflict.promotion", "merge");
    })
    .await;
    let (mut member, member_sub) = make_member(&server, method).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let guest = client.sign_up().await;
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    browser.follow("Sign in instead").await;
    browser.follow("Sign in to my account").await;
    member.log_in(&mut browser, method.login_ids()[0]).await;
    browser.expect_page(200, QUESTION);
    let no = server.app.projects.find_by_id("test").expect("the project").no;
    let owner: UserId = member_sub.parse().expect("a user");
    let removed = server.app.store.write("test", (), move |tx, ()| {
        Box::pin(async move {
            for passkey in passkeys::list(tx, no, owner).await? {
                passkeys::remove(tx, no, owner, passkey.id).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    removed.await.expect("the owner removes it");
    browser.press("Sign in without them").await;
    assert_eq!(browser.reply().status, 410);
    assert!(!browser.is_at_app());
}

async fn a_disabled_member_gets_nothing(engine: Engine) {
    let scene = Scene::set(engine).await;
    let mut browser = scene.server.browser();
    scene.prove(&mut browser).await;
    browser.expect_page(200, QUESTION);
    scene.admin.post(&format!("/users/{}/disable", scene.member), &Value::Null).await.expect(200);
    browser.press(BRING).await;
    assert!(!browser.is_at_app() && browser.cookie("session").is_none());
    assert!(scene.is_guest_untouched().await);
}

async fn the_cookie_guest_of_a_sign_in_is_merged(engine: Engine) {
    for button in [BRING, LEAVE] {
        let scene = Scene::set(engine).await;
        let mut browser = scene.server.browser();
        sign_up_by_cookie(&mut browser).await;
        let sub = browser.fetch("/oauth2/userinfo").await.expect(200).json()["sub"].clone();
        let thief = browser.cookie("session").expect("a session").to_string();
        browser
            .open(&scene.client.authorize_url(&[
                ("prompt", "login"),
                ("x_sso_enabled", "true"),
                ("x_suppress_idp_session_cookie", ""),
            ]))
            .await;
        sign_in(&mut browser).await;
        let page = browser.expect_page(200, QUESTION);
        assert!(!page.text.contains("another device"), "it began here: {}", page.text);
        browser.press(button).await;
        let tokens = scene.client.finish(browser.at_app()).await;
        assert_eq!(scene.client.subject(&tokens.access).await, scene.member);
        assert_eq!(browser.fetch("/oauth2/userinfo").await.expect(200).json()["sub"], *scene.member);
        let mut copy = scene.server.browser();
        copy.set_cookie("session", &thief);
        assert_eq!(copy.fetch("/oauth2/userinfo").await.status, 401, "its browser has another session");
        let merged = scene.admin.get(&format!("/users/{}", sub.as_str().expect("a sub"))).await.status;
        assert_eq!(merged, if button == BRING { 308 } else { 200 });
    }
}

/// Pre-hijacking: the attacker begins a guest, keeps everything that it can have of it, and its victim brings it along.
async fn an_attackers_guest_gets_nothing_of_its_victim(engine: Engine) {
    let scene = Scene::set(engine).await;
    let secret = make_secret(&scene.server, "backend").await;
    let (client, blog) = (&scene.client, scene.server.other_client());
    // With a cookie, its copy, an account page and applications of its own.
    let mut attacker = scene.server.browser();
    sign_up_by_cookie(&mut attacker).await;
    let of_blog = sign_in_by_cookie(&blog, &mut attacker).await;
    let of_web = sign_in_by_cookie(client, &mut attacker).await;
    let mut window = scene.server.browser();
    open_account(client, &of_web.refresh, &mut window).await;
    window.expect_page(200, "You are a guest");
    let unused = app_session_token(client, &of_web.refresh).await.result();
    let sub = client.subject(&of_web.access).await;
    scene
        .describe(&sub, json!({"standard_attributes": {"name": "Your bank", "website": "https://evil.example/"}}))
        .await;
    let code = client.promotion_code(&of_web).await;
    let later = client.promotion_code(&of_web).await;

    let mut victim = scene.server.browser();
    victim.open(&client.promotion_url(&code)).await;
    victim.follow("Sign in instead").await;
    victim.follow("Sign in to my account").await;
    sign_in(&mut victim).await;
    let page = victim.expect_page(200, QUESTION);
    assert!(page.text.contains("begun on another device or in an app"), "{}", page.text);
    assert!(!page.text.contains("Your bank"), "an attacker does not write on this page: {}", page.text);
    // Between the proof and the decision nothing has changed hands.
    assert_eq!(client.user_info(&of_web.access).await.expect(200).json()["sub"], *sub);
    victim.press(BRING).await;
    victim.at_app();

    // Even before the victim's application has its tokens.
    expect_ended(client, &of_web).await;
    expect_ended(&blog, &of_blog).await;
    assert_eq!(introspect(&scene.server, "backend", &secret, &of_web.access).await.json()["active"], false);
    attacker.fetch("/oauth2/userinfo").await.expect(401);
    window.open("/settings").await;
    window.expect_page(200, "Sign in to see your account");
    let mut late = scene.server.browser();
    late.open(&client.promotion_url(&later)).await;
    late.expect_page(400, "This link has expired");
    let token = unused["app_session_token"].as_str().expect("a token");
    let hint = format!("https://authgear.com/login_hint?type=app_session_token&app_session_token={token}");
    late.open(&client.authorize_url(&[("prompt", "none"), ("login_hint", &hint)])).await;
    assert!(query(late.url(), "code").is_none(), "{}", late.url());

    let tokens = client.finish(victim.at_app()).await;
    let info = client.user_info(&tokens.access).await.expect(200).json();
    assert_eq!((&info["sub"], info.get("name"), info.get("website")), (&json!(scene.member), None, None));
}

/// The same with a device key, which is retired.
async fn the_device_key_of_a_merged_guest_opens_nothing(engine: Engine) {
    let scene = Scene::set(engine).await;
    let mut device = Device::new(&scene.server, Platform::Android);
    device.authenticate().await;
    let refresh = device.held().refresh.clone();
    let kid = device.kid.clone().expect("a key ID");
    let mut victim = scene.server.browser();
    victim.open(&device.promotion_url().await).await;
    victim.follow("Sign in instead").await;
    victim.follow("Sign in to my account").await;
    sign_in(&mut victim).await;
    victim.press(BRING).await;
    victim.at_app();
    device.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())], true).await.expect(400);
    let jwt = device.sign("auth", &device.challenge().await, &kid, false);
    device.present(&jwt).await.expect_oauth_error(
        400,
        "invalid_grant",
        "the account of this key was promoted: sign in with its login ID instead",
    );
}

async fn of_many_merges_of_one_guest_at_once_one_succeeds(engine: Engine) {
    const MANY: usize = 50;
    let scene = Scene::set(engine).await;
    let mut browsers = Vec::new();
    for _ in 0..MANY {
        let mut browser = scene.server.browser();
        scene.prove(&mut browser).await;
        browser.expect_page(200, QUESTION);
        browsers.push(browser);
    }
    let mut racing = JoinSet::new();
    for mut browser in browsers {
        racing.spawn(async move {
            browser.press(BRING).await;
            (browser.is_at_app(), browser)
        });
    }
    let done = racing.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(|(is_at_app, _)| *is_at_app);
    assert_eq!((won.len(), lost.len()), (1, MANY - 1));
    for (_, browser) in &lost {
        assert!([409, 410].contains(&browser.reply().status), "{}", browser.reply().body);
        assert!(browser.cookie("session").is_none());
    }
    let tokens = scene.client.finish(won[0].1.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.member);
    assert_eq!(scene.server.events("user.merged").await.len(), 1);
    assert_eq!(scene.read(&scene.member).await["merged_from"], json!([scene.sub]));
    // The others can still sign in.
    let (_, mut other) = lost.into_iter().next().expect("one that lost");
    let flow = other.url().path().to_owned();
    other.open(&flow).await;
    other.expect_page(200, QUESTION);
    other.press(LEAVE).await;
    let tokens = scene.client.finish(other.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.member);
}

async fn an_operator_merges_a_guest_into_a_member_and_nothing_else(engine: Engine) {
    let scene = Scene::set(engine).await;
    let (admin, member, sub) = (&scene.admin, &scene.member, &scene.sub);
    let other = scene.client.subject(&scene.client.sign_up().await.access).await;
    scene.describe(sub, json!({"custom_attributes": {"likes": [1], "size": 7}})).await;
    scene.describe(member, json!({"custom_attributes": {"likes": [2]}})).await;
    let path = format!("/users/{sub}/merge");
    for (from, into, status) in [(sub, &other, 422), (member, member, 409), (member, sub, 409), (sub, sub, 422)] {
        let reply = admin.post(&format!("/users/{from}/merge"), &json!({ "into": into })).await.expect(status);
        assert_eq!(admin.get(&format!("/users/{from}/merge?into={into}")).await.status, status, "{}", reply.body);
    }
    admin.post(&path, &json!({ "into": user_id(9) })).await.expect(422);
    let preview = admin.get(&format!("{path}?into={member}")).await.expect(200).json();
    let expected = json!({"from": sub, "into": member, "standard_attributes": {},
        "custom_attributes": {"likes": [2, 1], "size": 7}, "sessions": 1, "device_keys": 0});
    assert_eq!(preview, expected);
    assert!(scene.is_guest_untouched().await, "a preview changes nothing");

    let post = || {
        let request = admin.request(Method::POST, &path).header("idempotency-key", "merge-1");
        crate::support::Reply::of(request.json(&json!({ "into": member })))
    };
    let merged = post().await.expect(200).json();
    assert_eq!((&merged["id"], &merged["custom_attributes"]), (&json!(member), &preview["custom_attributes"]));
    assert_eq!(post().await.expect(200).json(), merged, "the same request gets the same response");
    admin.post(&path, &json!({ "into": member })).await.expect(409);
    expect_ended(&scene.client, &scene.guest).await;
    assert_eq!(scene.read(member).await["merged_from"], json!([sub]));
    assert_eq!(scene.server.events("user.merged").await.len(), 1);
}

on_both_engines!(
    an_operator_merges_a_guest_into_a_member_and_nothing_else,
    a_guest_of_every_kind_is_merged_by_every_credential,
    a_decision_minutes_later_is_no_new_authentication,
    a_merged_guest_is_another_name_of_the_member,
    the_sub_of_a_deleted_user_or_of_its_guest_is_never_given_again,
    an_id_of_another_system_leads_to_its_user,
    a_visitor_may_sign_in_without_the_guest_or_cancel,
    a_proof_does_not_outlive_the_end_of_all_sessions,
    a_passkey_that_is_removed_while_the_question_waits_proves_nothing,
    a_disabled_member_gets_nothing,
    the_cookie_guest_of_a_sign_in_is_merged,
    an_attackers_guest_gets_nothing_of_its_victim,
    the_device_key_of_a_merged_guest_opens_nothing,
    of_many_merges_of_one_guest_at_once_one_succeeds,
);
