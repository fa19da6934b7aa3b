//! Names have one rule, whether they come from a page, the Admin API, an import, a webhook or the settings: what one takes the others
//! take, and nothing that was stored is changed by the way.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    account::Scene,
    support::{Admin, Device, Engine, Platform, Receiver, Reply, Setup, TestServer, on_both_engines},
};

on_both_engines!(
    a_page_takes_the_names_that_the_admin_api_takes,
    a_page_leaves_names_that_were_not_edited,
    a_profile_stays_within_its_size,
    names_of_the_settings_have_no_marks,
    names_of_keys_are_judged_alike,
    imported_names_are_read_as_sent_ones,
    imported_login_ids_are_in_their_normal_form,
    half_a_surrogate_is_refused_everywhere,
);

async fn change(admin: &Admin, sub: &str, standard: &Value) -> Reply {
    admin.send(Method::PATCH, &format!("/users/{sub}"), &json!({ "standard_attributes": standard })).await
}

async fn attributes(admin: &Admin, sub: &str) -> Value {
    admin.get(&format!("/users/{sub}")).await.expect(200).json()["standard_attributes"].clone()
}

async fn save_names(scene: &mut Scene, names: &[(&str, &str)]) {
    scene.browser.open("/settings/names").await;
    for (label, name) in names {
        scene.browser.fill(label, name);
    }
    scene.browser.press("Save").await;
}

async fn a_page_takes_the_names_that_the_admin_api_takes(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let (admin, sub) = (Admin::of(&scene.server).await, scene.sub.clone());
    let longest = "é".repeat(1_000);
    change(&admin, &sub, &json!({ "given_name": longest })).await.expect(200);
    change(&admin, &sub, &json!({ "given_name": format!("{longest}é") })).await.expect(422);
    save_names(&mut scene, &[("Last name (optional)", &longest)]).await;
    scene.browser.expect_page(200, "My account");
    let stored = attributes(&admin, &sub).await;
    assert_eq!((&stored["given_name"], &stored["family_name"]), (&json!(longest), &json!(longest)));
    save_names(&mut scene, &[("Last name (optional)", &format!("{longest}é"))]).await;
    let page = scene.browser.expect_page(422, "Your name");
    assert_eq!(page.problems.len(), 1);
}

async fn a_page_leaves_names_that_were_not_edited(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let (admin, sub) = (Admin::of(&scene.server).await, scene.sub.clone());
    let odd = json!({"given_name": "A\u{7}da\u{202e}", "family_name": "Love  lace", "nickname": "old"});
    change(&admin, &sub, &odd).await.expect(200);
    save_names(&mut scene, &[("Nickname (optional)", "new\u{202e} \u{7}one")]).await;
    let expected = json!({"given_name": "A\u{7}da\u{202e}", "family_name": "Love  lace", "nickname": "new one"});
    assert_eq!(attributes(&admin, &sub).await, expected);
}

async fn a_profile_stays_within_its_size(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let (admin, sub) = (Admin::of(&scene.server).await, scene.sub.clone());
    let texts = ["website", "profile", "picture", "zoneinfo", "locale", "gender", "middle_name"];
    let full: serde_json::Map<String, Value> =
        texts.iter().map(|name| ((*name).to_string(), json!("x".repeat(1_000)))).collect();
    change(&admin, &sub, &Value::Object(full)).await.expect(200);
    save_names(&mut scene, &[("First name (optional)", &"é".repeat(900))]).await;
    let page = scene.browser.expect_page(422, "Your name");
    assert_eq!(page.problems.len(), 1, "{}", page.text);
    assert!(attributes(&admin, &sub).await.get("given_name").is_none());
    save_names(&mut scene, &[("First name (optional)", "Kim")]).await;
    scene.browser.expect_page(200, "My account");
    // Other ways to change the profile go on.
    change(&admin, &sub, &json!({"nickname": "K"})).await.expect(200);
}

async fn names_of_the_settings_have_no_marks(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let put = async |name: &str| {
        let client = json!({"client_id": "named", "name": name, "redirect_uris": ["https://named.test/cb"]});
        let reply = admin.send(Method::POST, "/applications", &client).await;
        if reply.status == 201 {
            admin.send(Method::DELETE, "/applications/named", &json!({})).await;
        }
        reply.status
    };
    for name in ["Ada’s Shop", "中文商店", "متجر\u{200f}", "👩\u{200d}🚀"] {
        assert_eq!(put(name).await, 201, "{name:?}");
    }
    for name in ["a\u{202e}b", "\u{2066}a", "a\u{2028}b", "\u{200b}", "a\u{feff}", "a\u{fffe}", "a\nb", "a\u{0}"] {
        assert_eq!(put(name).await, 422, "{name:?}");
    }
}

async fn names_of_keys_are_judged_alike(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let create = async |name: &str| {
        admin.send(Method::POST, "/keys", &json!({"name": name, "scopes": ["users:read"]})).await.status
    };
    assert_eq!(create("nightly job").await, 201);
    for name in ["", " ", "a\u{202e}b", "\u{200b}", &"é".repeat(101)] {
        assert_eq!(create(name).await, 422, "{name:?}");
    }
}

async fn import(admin: &Admin, text: String) -> Value {
    let request = admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
    Reply::of(request.body(text)).await.expect(200).json()
}

async fn export(admin: &Admin) -> Vec<Value> {
    let text = admin.get("/export/users").await.expect(200).body;
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

async fn imported_names_are_read_as_sent_ones(engine: Engine) {
    let (old, new) = (TestServer::start_plain(engine).await, TestServer::start_plain(engine).await);
    let (from, to) = (Admin::of(&old).await, Admin::of(&new).await);
    let mut device = Device::new(&old, Platform::Ios);
    let sub = device.authenticate().await;
    let names = json!({"given_name": "A\u{7}da\u{202e}", "nickname": "é".repeat(1_000)});
    change(&from, &sub, &names).await.expect(200);
    let mut line = export(&from).await.remove(0);
    line["device_keys"][0]["device"] = json!("Pixel\n\u{202e}8 ");
    assert_eq!(import(&to, line.to_string()).await["lines"][0]["outcome"], "created");
    let moved = export(&to).await.remove(0);
    assert_eq!((&moved["device_keys"][0]["device"], &moved["standard_attributes"]), (&json!("Pixel 8"), &names));
    // What is exported is taken again.
    assert_eq!(import(&to, moved.to_string()).await["lines"][0]["outcome"], "exists");
}

async fn imported_login_ids_are_in_their_normal_form(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let mut number = 0;
    let mut take = async |kind: &str, value: &str, original: &str| {
        number += 1;
        let [id, own] = ["01", "02"].map(|part| format!("018f3c2e-2a54-7a0c-8a67-{part}0a6f5fd2{number:02x}"));
        let login_id =
            json!({"id": own, "type": kind, "value": value, "original": original, "created_at": 1, "updated_at": 1});
        let line = json!({"id": id, "created_at": 1, "updated_at": 1, "login_ids": [login_id]});
        import(&admin, line.to_string()).await["lines"][0]["outcome"].as_str().expect("an outcome").to_string()
    };
    for (kind, value, original) in [
        ("email", "kim@shop.example", "Kim@Shop.example"),
        ("email", "kim@xn--mller-kva.example", "kim@müller.example"),
        ("username", "kim", "Kim"),
        ("username", "admin", "admin"),
        ("phone", "+4930901820", "030 901820"),
    ] {
        assert_eq!(take(kind, value, original).await, "created", "{kind} {value}");
    }
    for (kind, value, original) in [
        ("email", "Lee@shop.example", "Lee@shop.example"),
        ("email", "lee@shop.example", "kim@shop.example"),
        ("email", "lee", "lee"),
        ("email", "lee@shop.example", "lee@shop.example\r\nBcc: x@y.example"),
        ("username", "Lee", "Lee"),
        ("username", "l\u{202e}ee", "l\u{202e}ee"),
        ("phone", "4930901821", "4930901821"),
        ("phone", "+4930901821", "\u{202e}"),
    ] {
        assert_eq!(take(kind, value, original).await, "refused", "{kind} {value:?} {original:?}");
    }
}

fn ask_first(setup: &mut Setup, receiver: &Receiver) {
    setup.configure("hooks.allow_private_addresses", "true");
    let handler = [("event", "user.pre_create".to_string()), ("url", receiver.url.clone())];
    let handler = toml::Table::from_iter(handler.map(|(key, value)| (key.to_string(), value.into())));
    setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
}

async fn half_a_surrogate_is_refused_everywhere(engine: Engine) {
    let receiver = Receiver::start().await;
    let mut scene = Scene::make(engine, |setup| ask_first(setup, &receiver)).await;
    let (admin, sub) = (Admin::of(&scene.server).await, scene.sub.clone());
    let half = r#"{"standard_attributes":{"name":"a\ud83d"}}"#;
    let request = admin.request(Method::PATCH, &format!("/users/{sub}")).header("content-type", "application/json");
    assert_eq!(Reply::of(request.body(half)).await.status, 400);
    let line = format!(r#"{{"id":"01bb44c0-d400-7000-8000-000000000002",{}"#, &half[1..]);
    assert_eq!(import(&admin, line).await["lines"][0]["outcome"], "refused");
    receiver.answer(200, &format!(r#"{{"is_allowed":true,"mutations":{{"user":{half}}}}}"#));
    let body = json!({"session_type": "refresh_token", "client_id": "web"});
    let refused = scene.server.http().post_json("/api/anonymous_user/signup", &body).await;
    assert_eq!((refused.status, &refused.json()["error"]["reason"]), (403, &json!("HookDisallowed")));
    scene.browser.open("/settings/names").await;
    let cookie = scene.browser.cookie_line();
    let csrf = scene.browser.hidden("_csrf").expect("a form token");
    let request = scene.server.http().request(Method::POST, "/settings/names").header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let posted = Reply::of(request.body(format!("_csrf={csrf}&given_name=a%ED%A0%BD"))).await;
    assert_eq!(posted.status, 400);
    assert!(attributes(&admin, &sub).await.get("given_name").is_none());
}
