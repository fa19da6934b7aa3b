//! Two cookies of one name (RFC 6265 §4.2.2, §5.4): a stale one never hides the live one, and both are cleared.

use reqwest::{Method, header};
use serde_json::json;

use super::lifetimes::sign_up_cookie;
use crate::support::{Device, Engine, Platform, Reply, TestServer, on_both_engines};

/// Well-formed, and no session's.
const DEAD: &str = "01a22735-e2af-77d5-a958-46aa9000e309.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

async fn get(server: &TestServer, path: &str, cookies: &str) -> Reply {
    Reply::of(server.http().request(Method::GET, path).header(header::COOKIE, cookies)).await
}

/// That many dead sessions, each another one.
fn dead_ones(count: usize) -> String {
    let value = |n: usize| format!("session={}{n}", &DEAD[..DEAD.len() - 1]);
    (0..count).map(value).collect::<Vec<_>>().join("; ")
}

/// The cookies an answer sets.
fn set_cookies(reply: &Reply) -> Vec<String> {
    let lines = reply.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().expect("text"));
    lines.map(str::to_string).collect()
}

async fn a_stale_session_cookie_does_not_hide_the_live_one(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let live = sign_up_cookie(&server).await;
    let dead = format!("session={DEAD}");
    let many = |value: &str, count: usize| vec![format!("session={value}"); count].join("; ");
    for before in [
        dead.clone(),
        "session=".into(),
        "session".into(),
        "session=garbage".into(),
        "session=\"\"".into(),
        format!("{dead}; session=; session={}", "x".repeat(69)),
        many("x", 500),
        many(DEAD, 100),
        format!("{}; {}", many("", 100), dead_ones(7)),
        "session=a=b; app_session=x".into(),
    ] {
        for cookies in [format!("{before}; {live}"), format!("{live}; {before}")] {
            let info = get(&server, "/oauth2/userinfo", &cookies).await.expect(200);
            assert_eq!(set_cookies(&info), [""; 0], "nothing is cleared: {before}");
            let resolved = get(&server, "/_resolver/resolve?require=session", &cookies).await.expect(200);
            assert_eq!(resolved.header("x-authgear-session-valid"), Some("true"));
            let again = server.http().request(Method::POST, "/api/anonymous_user/signup");
            let again = again.header(header::COOKIE, &cookies).json(&json!({"session_type": "cookie"}));
            assert_eq!(set_cookies(&Reply::of(again).await.expect(200)), [""; 0], "no second guest: {before}");
        }
    }
    // The number of those that are looked up is bounded.
    get(&server, "/oauth2/userinfo", &format!("{}; {live}", dead_ones(8))).await.expect(401);
}

async fn of_two_live_sessions_the_newest_is_meant(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let sub = async |cookies: &str| get(&server, "/oauth2/userinfo", cookies).await.expect(200).json()["sub"].clone();
    let older = sign_up_cookie(&server).await;
    server.clock.advance_seconds(1);
    let newer = sign_up_cookie(&server).await;
    let expected = sub(&newer).await;
    assert_ne!(sub(&older).await, expected);
    assert_eq!(sub(&format!("{older}; {newer}")).await, expected);
    assert_eq!(sub(&format!("{newer}; {older}")).await, expected);
}

async fn with_a_cookie_domain_both_scopes_are_cleared(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set("http.cookie_domain", "localhost")).await;
    let host_only = |name: &str, lines: &[String]| {
        let is = |line: &&String| line.starts_with(&format!("{name}=;")) && !line.contains("Domain");
        lines.iter().filter(is).all(|line| line.contains("Max-Age=0")) && lines.iter().any(|line| is(&line))
    };
    let shared = |name: &str, lines: &[String]| {
        let is = |line: &&String| line.starts_with(&format!("{name}=")) && line.contains("Domain=localhost");
        lines.iter().filter(is).count() == 1
    };
    let dead = set_cookies(&get(&server, "/oauth2/userinfo", &format!("session={DEAD}")).await.expect(401));
    assert!(host_only("session", &dead) && shared("session", &dead), "{dead:?}");
    let body = json!({"session_type": "cookie"});
    let signed_up = set_cookies(&server.http().post_json("/api/anonymous_user/signup", &body).await.expect(200));
    assert!(host_only("session", &signed_up) && shared("session", &signed_up), "{signed_up:?}");

    let plain = TestServer::start_plain(engine).await;
    let dead = set_cookies(&get(&plain, "/oauth2/userinfo", &format!("session={DEAD}")).await.expect(401));
    assert_eq!(dead.len(), 1, "one scope, one line: {dead:?}");
}

async fn the_same_site_twin_and_the_apps_session_are_found_too(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for (strict, asks) in [("true", false), ("x; same_site_strict=true", false), ("; same_site_strict=", true)] {
        let live = sign_up_cookie(&server).await;
        let cookies = format!("{live}; same_site_strict={strict}");
        let reply = get(&server, "/oauth2/end_session", &cookies).await.expect(302);
        let leads = reply.header("location").expect("a location");
        assert_eq!(leads.starts_with("/logout"), asks, "{strict}: {leads}");
    }
    let mut device = Device::new(&server, Platform::Ios);
    device.authenticate().await;
    let mut browser = server.browser();
    browser.open(&device.settings_url("/settings").await).await;
    let live = browser.cookie("app_session").expect("the app's session").to_string();
    for before in ["app_session=", "app_session=garbage", "app_session=a; app_session=b"] {
        let page = get(&server, "/settings", &format!("{before}; app_session={live}")).await.expect(200);
        assert!(page.body.contains("You are a guest"), "{before}");
    }
}

/// Every order in which a browser may send a cookie beside values that are not its own.
fn beside(name: &str, live: &str, others: &[&str]) -> Vec<String> {
    let join = |values: Vec<&str>| values.iter().map(|value| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    vec![join([others, &[live]].concat()), join([&[live], others].concat())]
}

async fn a_stale_secret_does_not_lock_a_browser_out_of_its_flow(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut browser) = (server.app_client(), server.browser());
    let guest = client.sign_up().await;
    let url = client.promotion_url(&client.promotion_code(&guest).await);
    browser.open(&url).await;
    let secret = browser.cookie("oauth_ui").expect("a secret").to_string();
    let (stale, other) = ("a".repeat(32), "b".repeat(32));
    // The first form, whose page carries the flow.
    let form = browser.page().forms[0].clone();
    let mut fields = form.fields.clone();
    for (wanted, value) in [("login_id", "kim@shop.example"), ("password", "seven quiet lamps over the river")] {
        fields.iter_mut().filter(|(name, _)| name == wanted).for_each(|(_, typed)| *typed = value.into());
    }
    let post = async |cookies: &str| {
        let request = server.http().request(Method::POST, &form.action).form(&fields);
        Reply::of(request.header(header::COOKIE, cookies).header(header::ACCEPT, "text/html")).await
    };
    post(&format!("oauth_ui={stale}; oauth_ui={other}")).await.expect(403);
    let first = post(&format!("oauth_ui={stale}; oauth_ui={secret}")).await.expect(303);
    let path = first.header("location").expect("the next page").to_string();
    for others in [&[""][..], &["garbage"], &[stale.as_str()], &[stale.as_str(), "x"], &[""; 50]] {
        for cookies in beside("oauth_ui", &secret, others) {
            get(&server, &path, &cookies).await.expect(200);
            let again = get(&server, &url, &cookies).await.expect(302);
            assert!(again.header("location").is_some_and(|to| to.starts_with("/flow/")), "it goes on: {cookies}");
        }
    }
    let foreign = format!("oauth_ui={stale}; oauth_ui={other}");
    get(&server, &path, &foreign).await.expect(403);
    get(&server, &url, &foreign).await.expect(400);
}

async fn an_ended_app_session_does_not_hide_another(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (mut one, mut other) = (Device::new(&server, Platform::Ios), Device::new(&server, Platform::Android));
    let mut opened = Vec::new();
    for device in [&mut one, &mut other] {
        device.authenticate().await;
        let mut browser = server.browser();
        browser.open(&device.settings_url("/settings").await).await;
        opened.push(browser.cookie("app_session").expect("the app's session").to_string());
    }
    // Each alone is asked about before a third application's user is opened, so both together are.
    let mut third = Device::new(&server, Platform::Ios);
    third.authenticate().await;
    for cookies in beside("app_session", &opened[0], &[&opened[1]]) {
        let page = get(&server, &third.settings_url("/settings").await, &cookies).await.expect(200);
        assert!(page.body.contains("Open another account?"), "{cookies}");
        // The user of one of them does not open over the other's unasked.
        let page = get(&server, &one.settings_url("/settings").await, &cookies).await.expect(200);
        assert!(page.body.contains("Open another account?"), "{cookies}");
    }
    one.log_out().await;
    for cookies in beside("app_session", &opened[1], &[&opened[0]]) {
        let page = get(&server, "/settings", &cookies).await.expect(200);
        assert!(page.body.contains("You are a guest"), "{cookies}");
    }
    other.log_out().await;
    for cookies in beside("app_session", &opened[1], &[&opened[0]]) {
        let page = get(&server, "/settings", &cookies).await;
        assert!(!page.body.contains("You are a guest"), "{cookies}");
    }
}

async fn an_operator_is_found_behind_a_stale_cookie(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    let live = owner.cookie("vestibule_operator").expect("a session").to_string();
    let stale = "a".repeat(live.len());
    for other in ["", "garbage", &stale] {
        for cookies in beside("vestibule_operator", &live, &[other]) {
            get(&server, "/portal", &cookies).await.expect(200);
        }
    }
    get(&server, "/portal", &format!("vestibule_operator={stale}")).await.expect(303);
    // Its forms belong to the session that was found.
    let token = owner.hidden("_csrf").expect("a token");
    let cookies = format!("vestibule_operator={stale}; vestibule_operator={live}");
    for (token, status) in [("x", 403), (token.as_str(), 303)] {
        let post = server.http().request(Method::POST, "/portal/sign-out").form(&[("_csrf", token)]);
        Reply::of(post.header(header::COOKIE, &cookies)).await.expect(status);
    }
    get(&server, "/portal", &cookies).await.expect(303);
}

async fn the_portals_form_is_known_by_its_own_cookie(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    server.owner().await;
    let mut browser = server.browser();
    browser.open("/portal/sign-in").await;
    let secret = browser.cookie("vestibule_lobby").expect("a secret").to_string();
    let token = browser.hidden("_csrf").expect("a token");
    let post = async |cookies: &str| {
        let fields = [("_csrf", token.as_str()), ("email", "olga@house.example"), ("password", "wrong")];
        let request = server.http().request(Method::POST, "/portal/sign-in").form(&fields);
        Reply::of(request.header(header::COOKIE, cookies)).await
    };
    let stale = "a".repeat(32);
    for other in ["", "garbage", &stale] {
        for cookies in beside("vestibule_lobby", &secret, &[other]) {
            post(&cookies).await.expect(422);
        }
    }
    post(&format!("vestibule_lobby={stale}")).await.expect(403);
}

on_both_engines!(
    a_stale_session_cookie_does_not_hide_the_live_one,
    of_two_live_sessions_the_newest_is_meant,
    with_a_cookie_domain_both_scopes_are_cleared,
    the_same_site_twin_and_the_apps_session_are_found_too,
    a_stale_secret_does_not_lock_a_browser_out_of_its_flow,
    an_ended_app_session_does_not_hide_another,
    an_operator_is_found_behind_a_stale_cookie,
    the_portals_form_is_known_by_its_own_cookie,
);
