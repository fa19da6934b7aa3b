//! Users over the Admin API: lists, attributes, promotion, disabling, deletion, transfer, and statistics.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_app::jobs::statistics::count_guests;
use vestibule_domain::time::Timestamp;
use vestibule_server::boot;

use crate::support::{Admin, Device, Engine, Platform, Reply, TestServer, on_both_engines};

on_both_engines!(
    a_guests_attributes_survive_its_promotion,
    members_are_made_and_found,
    lists_are_read_page_by_page,
    a_disabled_user_is_out_until_it_is_enabled,
    a_deleted_user_is_gone,
    sessions_are_seen_and_ended,
    users_move_to_another_server_with_their_credentials,
    nodes_that_count_at_once_count_each_guest_once,
    the_numbers_are_those_of_the_log,
    uses_that_are_written_later_count_on_their_days,
    the_numbers_equal_a_recount,
);

async fn a_guests_attributes_survive_its_promotion(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    let path = format!("/users/{subject}");
    let change = json!({"custom_attributes": {"cart": "c-1", "old": 1}, "standard_attributes": {"name": "Kim"}});
    admin.send(Method::PATCH, &path, &change).await.expect(200);
    admin.send(Method::PATCH, &path, &json!({"custom_attributes": {"old": null}})).await.expect(200);
    let reported = app.user_info(&guest.access).await.expect(200).json();
    assert_eq!((&reported["custom_attributes"], &reported["name"]), (&json!({"cart": "c-1"}), &json!("Kim")));
    for (wrong, at) in [
        (json!({"standard_attributes": {"email": "a@b.test"}}), "standard_attributes.email"),
        (json!({"custom_attributes": {"x": "y".repeat(9_000)}}), "custom_attributes"),
    ] {
        assert_eq!(admin.send(Method::PATCH, &path, &wrong).await.expect(422).json()["errors"][0]["path"], at);
    }
    let promotion = json!({"login_id": {"type": "email", "value": "kim@shop.test", "is_verified": true}});
    let promote = format!("{path}/promote");
    let member = admin.post(&promote, &promotion).await.expect(200).json();
    assert_eq!((&member["id"], &member["is_anonymous"]), (&json!(subject), &json!(false)));
    assert_eq!(member["custom_attributes"], json!({"cart": "c-1"}));
    assert_eq!(member["last_login_at"], Value::Null, "nobody signed in");
    let reported = app.user_info(&guest.access).await.expect(200).json();
    assert_eq!(reported["https://authgear.com/claims/user/is_anonymous"], false, "its session goes on");
    assert_eq!((&reported["email"], &reported["custom_attributes"]["cart"]), (&json!("kim@shop.test"), &json!("c-1")));
    assert_eq!(admin.post(&promote, &promotion).await.expect(409).json()["code"], "already_member");
    let other = app.sign_up().await;
    let other = format!("/users/{}/promote", app.subject(&other.access).await);
    assert_eq!(admin.post(&other, &promotion).await.expect(409).json()["code"], "login_id_taken");
    let log = admin.wait_until("/events?type=user.anonymous.promoted", |log| log["events"][0].is_object()).await;
    let event = &log["events"][0];
    assert_eq!(event["payload"]["anonymous_user"]["is_anonymous"], true);
    assert_eq!(event["payload"]["user"]["is_anonymous"], false);
    assert_eq!(event["payload"]["identities"][0]["claims"]["email"], "kim@shop.test");
    assert_eq!(event["context"]["triggered_by"], "admin_api");
    assert_eq!(log["events"].as_array().map(Vec::len), Some(1), "one promotion, one event");
}

async fn members_are_made_and_found(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::of(&server).await;
    let new = json!({"login_ids": [{"type": "email", "value": "Kim@shop.test"}], "password": "correct horse battery"});
    let kim = admin.post("/users", &new).await.expect(201).json();
    assert_eq!(kim["identities"][0]["claims"]["email"], "Kim@shop.test");
    assert_eq!(kim["authenticators"][0]["type"], "password");
    assert_eq!(admin.post("/users", &new).await.expect(409).json()["code"], "login_id_taken");
    for (wrong, at) in [
        (json!({"login_ids": []}), "login_ids"),
        (json!({"login_ids": [{"type": "email", "value": "nobody"}]}), "login_ids[0].value"),
        (json!({"login_ids": [{"type": "phone", "value": "+4930901820"}]}), "login_ids[0].type"),
        (json!({"login_ids": [{"type": "email", "value": "a@b.test"}], "password": "123"}), "password"),
    ] {
        assert_eq!(admin.post("/users", &wrong).await.expect(422).json()["errors"][0]["path"], at, "{wrong}");
    }
    for (query, found) in
        [("kim@shop.test", 1), ("KIM@", 1), ("ki", 1), ("lee", 0), (kim["id"].as_str().expect("id"), 1)]
    {
        let page = admin.get(&format!("/users?q={}", query.replace('@', "%40"))).await.expect(200).json();
        assert_eq!(page["users"].as_array().map(Vec::len), Some(found), "{query}");
    }
}

async fn lists_are_read_page_by_page(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut guests = Vec::new();
    for _ in 0..5 {
        guests.insert(0, app.subject(&app.sign_up().await.access).await);
        server.clock.advance_seconds(2);
    }
    let promotion = json!({"login_id": {"type": "email", "value": "kim@shop.test"}});
    let promoted = guests.remove(2);
    admin.post(&format!("/users/{promoted}/promote"), &promotion).await.expect(200);
    let ids = |page: &Value| -> Vec<String> {
        page["users"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|user| user["id"].as_str().expect("an id").into())
            .collect()
    };
    let mut seen = Vec::new();
    let mut path = "/users?kind=guest&limit=3".to_string();
    loop {
        let page = admin.get(&path).await.expect(200).json();
        seen.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/users?kind=guest&limit=3&cursor={next}");
    }
    assert_eq!(seen, guests);
    for (kind, expected) in [("all", 5), ("member", 1), ("promoted", 1), ("disabled", 0), ("dormant", 0)] {
        let page = admin.get(&format!("/users?kind={kind}")).await.expect(200).json();
        assert_eq!(ids(&page).len(), expected, "{kind}");
    }
    server.clock.advance_seconds(40 * 86_400);
    assert_eq!(ids(&admin.get("/users?kind=dormant").await.expect(200).json()), guests);
    assert_eq!(ids(&admin.get("/users?kind=promoted").await.expect(200).json()).len(), 0);
    for wrong in
        ["kind=ghost", "limit=0", "limit=201", "limit=x", "cursor=x", "shape=round", "days=0", "limit=1&limit=2"]
    {
        let reply = admin.get(&format!("/users?{wrong}")).await;
        assert!([400, 422].contains(&reply.status), "{wrong}: {reply:?}");
    }
}

async fn a_disabled_user_is_out_until_it_is_enabled(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    let path = format!("/users/{subject}");
    assert_eq!(admin.post(&format!("{path}/disable"), &json!({})).await.expect(200).json()["is_disabled"], true);
    assert_eq!(admin.post(&format!("{path}/disable"), &json!({})).await.expect(200).json()["is_disabled"], true);
    assert_ne!(app.refresh(&guest.refresh).await.status, 200);
    assert_eq!(admin.post(&format!("{path}/enable"), &json!({})).await.expect(200).json()["is_disabled"], false);
    let log = admin
        .wait_until(&format!("/events?user_id={subject}"), |log| {
            log["events"].as_array().is_some_and(|all| all.len() >= 3)
        })
        .await;
    let kinds: Vec<_> = log["events"].as_array().expect("a list").iter().map(|event| event["type"].clone()).collect();
    assert_eq!(kinds, ["user.reenabled", "session.revoked", "user.disabled"], "each once");
}

async fn a_deleted_user_is_gone(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let path = format!("/users/{}", app.subject(&guest.access).await);
    admin.delete(&path).await.expect(204);
    admin.delete(&path).await.expect(404);
    admin.get(&path).await.expect(404);
    app.refresh(&guest.refresh).await.expect(400);
    let log = admin.wait_until("/events?type=user.deleted", |log| log["events"][0].is_object()).await;
    assert_eq!(log["events"][0]["payload"]["user"]["is_anonymous"], true);
}

async fn sessions_are_seen_and_ended(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let guest = app.sign_up().await;
    let path = format!("/users/{}/sessions", app.subject(&guest.access).await);
    let listed = admin.get(&path).await.expect(200).json();
    assert_eq!(
        (&listed["sessions"][0]["type"], &listed["sessions"][0]["client_id"]),
        (&json!("refresh_token"), &json!("web"))
    );
    let one = format!("{path}/{}", listed["sessions"][0]["id"].as_str().expect("an id"));
    admin.delete(&one).await.expect(204);
    admin.delete(&one).await.expect(404);
    app.refresh(&guest.refresh).await.expect(400);
    let log = admin.wait_until("/events?type=session.revoked", |log| log["events"][0].is_object()).await;
    assert_eq!(log["events"][0]["payload"]["reason"], "operator");
    admin.delete(&path).await.expect(204);
}

async fn users_move_to_another_server_with_their_credentials(engine: Engine) {
    let (old, new) = (TestServer::start_plain(engine).await, TestServer::start_plain(engine).await);
    let (from, to) = (Admin::of(&old).await, Admin::of(&new).await);
    let app = old.app_client();
    let guest = app.subject(&app.sign_up().await.access).await;
    let member =
        json!({"login_ids": [{"type": "email", "value": "kim@shop.test"}], "password": "correct horse battery"});
    let member = from.post("/users", &member).await.expect(201).json();
    let lines = from.get("/export/users").await.expect(200).body;
    assert_eq!(lines.lines().count(), 2);
    let import = |text: String| {
        Reply::of(to.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson").body(text))
    };
    let outcomes = |reply: Reply| -> Vec<Value> {
        reply.expect(200).json()["lines"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| line["outcome"].clone())
            .collect()
    };
    assert_eq!(outcomes(import(lines.clone()).await), ["created", "created"]);
    assert_eq!(outcomes(import(format!("{lines}{{\"id\": 7}}\n")).await), ["exists", "exists", "refused"]);
    assert_eq!(to.get("/export/users").await.expect(200).body, lines, "nothing was lost on the way");
    assert_eq!(to.get(&format!("/users/{guest}")).await.expect(200).json()["is_anonymous"], true);
    let moved = to.get(&format!("/users/{}", member["id"].as_str().expect("an id"))).await.expect(200).json();
    assert_eq!(
        (&moved["identities"], &moved["authenticators"][0]["type"]),
        (&member["identities"], &json!("password"))
    );
    let thief = lines.replace(member["id"].as_str().expect("an id"), "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab");
    assert!(outcomes(import(thief).await).contains(&json!("refused")), "a login ID has one owner");
}

async fn nodes_that_count_at_once_count_each_guest_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut expected = 0;
    for _ in 0..5 {
        for _ in 0..8 {
            app.sign_up().await;
            expected += 1;
        }
        server.clock.advance_seconds(61);
        let project = server.app.projects.find_by_id("test").expect("the project");
        let count = || count_guests(&server.app, &project);
        let counted = tokio::join!(count(), count(), count(), count());
        for result in [counted.0, counted.1, counted.2, counted.3] {
            result.expect("it counts");
        }
    }
    let report = admin.get("/statistics").await.expect(200).json();
    assert_eq!(report["funnel"]["guests_created"], expected);
}

/// Whether the funnel has these guests created, returned, promoted and signed in, and none of a merge.
pub(crate) fn is_funnel(report: &Value, [created, returned, promoted, signed_in]: [i64; 4]) -> bool {
    report["funnel"]
        == json!({
            "guests_created": created, "guests_returned": returned, "guests_promoted": promoted,
            "guests_signed_in": signed_in, "merges_waiting": 0, "merges_settled": 0, "merges_refused": 0,
            "merges_undone": 0,
        })
}

async fn the_numbers_are_those_of_the_log(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut first = String::new();
    for _ in 0..3 {
        first = app.subject(&app.sign_up().await.access).await;
    }
    server.clock.advance_seconds(2 * 3_600);
    let promotion = json!({"login_id": {"type": "email", "value": "kim@shop.test"}});
    admin.post(&format!("/users/{first}/promote"), &promotion).await.expect(200);
    let is_counted = |report: &Value| is_funnel(report, [3, 0, 1, 0]);
    let report = admin.wait_until("/statistics", is_counted).await;
    let created: i64 =
        report["days"].as_array().expect("days").iter().filter_map(|day| day["guests_created"].as_i64()).sum();
    assert_eq!(created, 3);
    let of_web = report["days"].as_array().expect("days").iter().find(|day| day["client_id"] == "web").expect("a day");
    assert_eq!((&of_web["guests_created"], &of_web["date"]), (&json!(3), &json!("2030-05-01")));
    let within = report["time_to_promotion"].as_array().expect("buckets");
    let counted: Vec<_> = within.iter().filter(|bucket| bucket["count"] != 0).collect();
    assert_eq!((counted.len(), &counted[0]["name"]), (1, &json!("promoted_within_1d")));
    let log = admin.get("/events?type=user.anonymous.promoted").await.expect(200).json();
    assert_eq!(log["events"].as_array().map(Vec::len), Some(1));
    for wrong in ["from=2030-13-01", "from=2030-05-02&to=2030-05-01", "from=2020-01-01&to=2030-01-01"] {
        let reply = admin.get(&format!("/statistics?{wrong}")).await;
        assert!([400, 422].contains(&reply.status), "{wrong}");
    }
}

/// Uses on both sides of a midnight are written together, and count on both days.
async fn uses_that_are_written_later_count_on_their_days(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "access_token_lifetime_seconds", 1_000_000);
    })
    .await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let cookie = crate::lifetimes::sign_up_cookie(&server).await;
    let guests = [app.sign_up().await, app.sign_up().await];
    let now = server.app.clock.now().as_micros() / 1_000_000;
    // Two seconds before the end of the next day, and two after it.
    server.clock.advance_seconds(2 * 86_400 - now % 86_400 - 2);
    for (wait, guests) in [(0, &guests[..]), (4, &guests[..1])] {
        server.clock.advance_seconds(wait);
        for guest in guests {
            app.user_info(&guest.access).await.expect(200);
        }
        crate::lifetimes::user_info_by_cookie(&server, &cookie).await.expect(200);
    }
    for _ in 0..2 {
        boot::maintain(&server.app).await.expect("maintained");
        let report = admin.get("/statistics?from=2030-05-01&to=2030-05-05").await.expect(200).json();
        let mut days: Vec<(&str, &str, i64)> = Vec::new();
        for day in report["days"].as_array().expect("days") {
            let text = |name: &str| day[name].as_str().unwrap_or_default();
            let count = day["guests_returned"].as_i64().unwrap_or(0);
            days.extend((count > 0).then(|| (text("date"), text("client_id"), count)));
        }
        days.sort_unstable();
        let expected =
            [("2030-05-02", "", 1), ("2030-05-02", "web", 2), ("2030-05-03", "", 1), ("2030-05-03", "web", 1)];
        assert_eq!(days, expected);
        assert_eq!(report["funnel"]["guests_returned"], 3, "each guest once");
    }
}

/// Guests sign up, return and join over some days; every statistic must equal a recount from the log and the users.
async fn the_numbers_equal_a_recount(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (admin, app) = (Admin::of(&server).await, server.app_client());
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let mut guests = Vec::new();
    let (mut returned, mut active_days) = (BTreeSet::new(), 0);
    for day in 0..4 {
        for _ in 0..2 {
            guests.push(app.sign_up().await);
        }
        // The first two return every day, twice and by two kinds of use; the third on the last day; the rest never.
        for (index, guest) in guests.iter().enumerate() {
            let is_there = index < 2 || (index == 2 && day == 3);
            if is_there && day > index / 2 {
                app.refresh(&guest.refresh).await.expect(200);
                server.clock.advance_seconds(70);
                app.user_info(&guest.access).await;
                app.refresh(&guest.refresh).await.expect(200);
                returned.insert(index);
                active_days += 1;
            }
        }
        server.clock.advance_seconds(86_400 - 420);
    }
    device.authenticate().await;
    device.refresh().await;
    for (index, email) in [(0, "kim@shop.test"), (5, "lee@shop.test")] {
        let promotion = json!({"login_id": {"type": "email", "value": email}});
        let fresh = app.refresh(&guests[index].refresh).await.expect(200).json();
        let subject = app.subject(fresh["access_token"].as_str().expect("a token")).await;
        admin.post(&format!("/users/{subject}/promote"), &promotion).await.expect(200);
    }
    server.clock.advance_seconds(61);
    let from = "/statistics?from=2030-04-25&to=2030-05-10";
    let report = admin
        .wait_until(from, |report| report["funnel"]["guests_created"] == 9 && report["funnel"]["guests_promoted"] == 2);
    let report = report.await;
    let sum = |report: &Value, name: &str| -> i64 {
        report["days"].as_array().expect("days").iter().filter_map(|day| day[name].as_i64()).sum()
    };
    // Two guests joined on the day after the last; each was first seen there, and so was the device.
    assert_eq!(sum(&report, "guests_returned"), active_days + 3);
    returned.insert(0);
    returned.insert(5);
    assert_eq!(report["funnel"]["guests_returned"], i64::try_from(returned.len()).expect("few") + 1, "and the device");

    let log = admin.get("/events?type=user.anonymous.promoted").await.expect(200).json();
    let promoted: Vec<&Value> = log["events"].as_array().expect("events").iter().collect();
    let mut by_day: BTreeMap<(String, &str), i64> = BTreeMap::new();
    let day_of = |seconds: i64| Timestamp::from_seconds(seconds).to_rfc3339()[..10].to_string();
    for event in &promoted {
        let at = event["context"]["timestamp"].as_i64().expect("a time");
        *by_day.entry((day_of(at), "guests_promoted")).or_default() += 1;
    }
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("/users?limit=3{cursor}")).await.expect(200).json();
        for user in page["users"].as_array().expect("users") {
            let came = user["created_at"].as_str().expect("a time")[..10].to_string();
            *by_day.entry((came, "guests_created")).or_default() += 1;
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let mut counted: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for day in report["days"].as_array().expect("days") {
        for name in ["guests_promoted", "guests_created"] {
            let count = day[name].as_i64().expect("a number");
            if count > 0 {
                *counted.entry((day["date"].as_str().expect("a day").to_string(), name)).or_default() += count;
            }
        }
    }
    assert_eq!(counted, by_day);
    let buckets: i64 =
        report["time_to_promotion"].as_array().expect("buckets").iter().filter_map(|one| one["count"].as_i64()).sum();
    assert_eq!(buckets, 2);
    let web = admin.get(&format!("{from}&client_id=web")).await.expect(200).json();
    assert_eq!(sum(&web, "guests_created"), 8, "the device has an application of its own");
    let none = admin.get(&format!("{from}&client_id=nobody")).await.expect(200).json();
    assert_eq!(none["days"], json!([]));
}
