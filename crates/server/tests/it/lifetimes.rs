//! Lifetimes of sessions and grants: the formula, what is a use, changed settings.

use reqwest::{Method, header};
use serde_json::json;
use vestibule_domain::project::ProjectSettings;
use vestibule_server::boot;

use crate::support::{AppClient, Engine, Reply, TestServer, Tokens, on_both_engines};

/// With PostgreSQL another node may know a later use, so a session may last one window longer.
fn allowance(engine: Engine) -> i64 {
    match engine {
        Engine::Sqlite => 0,
        Engine::Postgres => 60,
    }
}

/// Changes the project's settings while the server runs.
pub(crate) async fn change_settings(server: &TestServer, change: impl FnOnce(&mut ProjectSettings)) {
    let mut settings = server.app.projects.find_by_id("test").expect("the test project").settings.clone();
    change(&mut settings);
    settings.validate().expect("the changed settings are right");
    server.apply(&settings).await.expect("applied");
}

/// Signs up a cookie guest; returns the `name=value` of its session cookie.
pub(crate) async fn sign_up_cookie(server: &TestServer) -> String {
    let reply = server.http().post_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await;
    let reply = reply.expect(200);
    let cookies = reply.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let session = cookies.filter_map(|cookie| cookie.split(';').next()).find(|pair| pair.starts_with("session="));
    session.expect("a session cookie").to_string()
}

/// UserInfo with a cookie, which is a use.
pub(crate) async fn user_info_by_cookie(server: &TestServer, cookie: &str) -> Reply {
    let request = server.http().request(Method::GET, "/oauth2/userinfo").header(header::COOKIE, cookie);
    Reply::of(request).await
}

/// Requests a promotion code with a refresh token: needs a valid grant and is not a use.
async fn is_grant_alive(client: &AppClient, guest: &Tokens) -> bool {
    let body = json!({"session_type": "refresh_token", "refresh_token": guest.refresh});
    client.http.post_json("/api/anonymous_user/promotion_code", &body).await.status == 200
}

/// When a guest uses its session, when it ends, and whether another node could have a later use.
struct Row {
    idle: bool,
    uses: &'static [i64],
    ends: i64,
    ends_hard: bool,
}

const ROWS: [Row; 6] = [
    Row { idle: true, uses: &[], ends: 200, ends_hard: false },
    Row { idle: true, uses: &[150], ends: 350, ends_hard: false },
    // Within the window: kept in memory, not written, and still exact.
    Row { idle: true, uses: &[1], ends: 201, ends_hard: false },
    Row { idle: true, uses: &[100, 101, 102], ends: 302, ends_hard: false },
    Row { idle: true, uses: &[150, 300, 450, 600, 750, 900], ends: 1_000, ends_hard: true },
    Row { idle: false, uses: &[], ends: 1_000, ends_hard: true },
];

async fn a_cookie_session_lives_exactly_as_long_as_its_settings_say(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set("session.lifetime_seconds", 1_000);
        setup.set("session.idle_timeout_seconds", 200);
    })
    .await;
    for (number, row) in ROWS.iter().enumerate() {
        change_settings(&server, |settings| settings.session.idle_timeout_enabled = Some(row.idle)).await;
        let cookies = [sign_up_cookie(&server).await, sign_up_cookie(&server).await];
        let mut at = 0;
        for used_at in row.uses {
            server.clock.advance_seconds(used_at - at);
            at = *used_at;
            for cookie in &cookies {
                user_info_by_cookie(&server, cookie).await.expect(200);
            }
        }
        server.clock.advance_seconds(row.ends - at);
        user_info_by_cookie(&server, &cookies[0]).await.expect(200);
        let allowance = if row.ends_hard { 0 } else { allowance(engine) };
        server.clock.advance_seconds(1 + allowance);
        assert_eq!(user_info_by_cookie(&server, &cookies[1]).await.status, 401, "row {number}");
        server.clock.advance_seconds(5_000);
    }
}

async fn a_grant_lives_exactly_as_long_as_its_settings_say(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "access_token_lifetime_seconds", 300);
        setup.set_client("web", "refresh_token_lifetime_seconds", 1_000);
        setup.set_client("web", "refresh_token_idle_timeout_seconds", 200);
    })
    .await;
    let client = server.app_client();
    for (number, row) in ROWS.iter().enumerate() {
        change_settings(&server, |settings| {
            settings.oauth.clients[0].refresh_token_idle_timeout_enabled = Some(row.idle);
        })
        .await;
        let guest = client.sign_up().await;
        let mut at = 0;
        for used_at in row.uses {
            server.clock.advance_seconds(used_at - at);
            at = *used_at;
            client.refresh(&guest.refresh).await.expect(200);
        }
        server.clock.advance_seconds(row.ends - at);
        assert!(is_grant_alive(&client, &guest).await, "row {number}");
        let allowance = if row.ends_hard { 0 } else { allowance(engine) };
        server.clock.advance_seconds(1 + allowance);
        assert!(!is_grant_alive(&client, &guest).await, "row {number}");
        client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
        server.clock.advance_seconds(5_000);
    }
}

async fn only_uses_that_count_keep_a_grant_alive(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "access_token_lifetime_seconds", 2_000);
        setup.set_client("web", "refresh_token_idle_timeout_seconds", 1_000);
    })
    .await;
    let client = server.app_client();
    let http = server.http();
    server.clock.advance_seconds(100);
    for (what, counts) in [
        ("refresh", true),
        ("userinfo", true),
        ("resolve", true),
        ("signup", false),
        ("promotion_code", false),
        ("revoke", false),
    ] {
        let guest = client.sign_up().await;
        server.clock.advance_seconds(900);
        let reply = match what {
            "refresh" => client.refresh(&guest.refresh).await,
            "userinfo" => client.user_info(&guest.access).await,
            "resolve" => Reply::of(http.request(Method::GET, "/_resolver/resolve").bearer_auth(&guest.access)).await,
            "signup" => {
                let body = json!({"session_type": "refresh_token", "client_id": "web", "refresh_token": guest.refresh});
                http.post_json("/api/anonymous_user/signup", &body).await
            }
            "promotion_code" => {
                let body = json!({"session_type": "refresh_token", "refresh_token": guest.refresh});
                http.post_json("/api/anonymous_user/promotion_code", &body).await
            }
            "revoke" => client.revoke(&guest.access).await,
            other => panic!("{other}"),
        };
        reply.expect(200);
        server.clock.advance_seconds(150);
        assert_eq!(is_grant_alive(&client, &guest).await, counts, "{what}");
    }
}

async fn changed_settings_count_at_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let (guest, cookie) = (client.sign_up().await, sign_up_cookie(&server).await);
    server.clock.advance_seconds(3_600);

    change_settings(&server, |settings| {
        settings.session.idle_timeout_seconds = Some(1_800);
        settings.oauth.clients[0].refresh_token_idle_timeout_seconds = Some(1_800);
    })
    .await;
    assert!(!is_grant_alive(&client, &guest).await);
    assert_eq!(user_info_by_cookie(&server, &cookie).await.status, 401);

    change_settings(&server, |settings| {
        settings.session.idle_timeout_seconds = Some(7_200);
        settings.oauth.clients[0].refresh_token_idle_timeout_seconds = Some(7_200);
    })
    .await;
    assert!(is_grant_alive(&client, &guest).await);
    user_info_by_cookie(&server, &cookie).await.expect(200);

    change_settings(&server, |settings| {
        settings.oauth.clients[0].access_token_lifetime_seconds = Some(300);
        settings.oauth.clients[0].refresh_token_lifetime_seconds = Some(3_000);
    })
    .await;
    assert!(!is_grant_alive(&client, &guest).await);

    change_settings(&server, |settings| settings.oauth.clients[0].refresh_token_lifetime_seconds = None).await;
    let blog = server.other_client();
    let reader = blog.sign_up().await;
    change_settings(&server, |settings| settings.oauth.clients.retain(|client| client.client_id != "blog")).await;
    assert!(!is_grant_alive(&blog, &reader).await, "the application is gone");
    assert_eq!(blog.user_info(&reader.access).await.status, 401);
    assert!(is_grant_alive(&client, &guest).await, "others' grants stay");
}

async fn guests_have_lifetimes_of_their_own(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "anonymous_access_token_lifetime_seconds", 300);
        setup.set_client("web", "anonymous_refresh_token_lifetime_seconds", 5_000);
        setup.set_client("web", "anonymous_refresh_token_idle_timeout_seconds", 1_000);
    })
    .await;
    let (client, mut browser, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let (idle, promoted) = (client.sign_up().await, client.sign_up().await);
    crate::guest_journey::promote(&client, &promoted, &mut browser, &mut mailbox, "kim@shop.example").await;
    let member = client.finish(browser.at_app()).await;
    assert_eq!(client.refresh(&idle.refresh).await.expect(200).json()["expires_in"], 300);
    assert_eq!(client.refresh(&member.refresh).await.expect(200).json()["expires_in"], 1_800);
    server.clock.advance_seconds(1_001 + allowance(engine));
    assert_eq!(client.refresh(&idle.refresh).await.status, 400, "a guest's idle timeout");
    client.refresh(&member.refresh).await.expect(200);
    server.clock.advance_seconds(100_000);
    client.refresh(&member.refresh).await.expect(200);
}

async fn uses_are_written_once_a_minute_and_never_lost_to_the_clean_up(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set_client("web", "access_token_lifetime_seconds", 10_000);
        setup.set_client("web", "refresh_token_idle_timeout_seconds", 6_000);
    })
    .await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let count = |name: &str| server.app.store.stats().by_name.get(name).map_or(0, |stats| stats.count);
    let writes = || count("touch_grant") + count("touch_many");
    for _ in 0..60 {
        server.clock.advance_seconds(1);
        client.user_info(&guest.access).await.expect(200);
    }
    assert_eq!(writes(), 0, "a use within the window costs no write");
    server.clock.advance_seconds(1);
    client.user_info(&guest.access).await.expect(200);
    assert_eq!(count("touch_grant"), 0, "the first use after a window waits for no write");
    boot::maintain(&server.app).await.expect("maintained");
    assert_eq!(writes(), 1);
    // Used once more, only in memory; then idle until the written use has timed out and the unwritten one has not.
    server.clock.advance_seconds(50);
    client.user_info(&guest.access).await.expect(200);
    assert_eq!(writes(), 1);
    server.clock.advance_seconds(5_990);
    boot::maintain(&server.app).await.expect("maintained");
    assert!(is_grant_alive(&client, &guest).await);
    server.clock.advance_seconds(70 + allowance(engine));
    assert!(!is_grant_alive(&client, &guest).await);
}

/// The last use in the store of a guest's one session or grant, in seconds since it began.
async fn recorded_use(server: &TestServer, is_cookie: bool) -> i64 {
    let mut conn = server.app.store.read().await.expect("a connection");
    let (began, used) = if is_cookie {
        let all = vestibule_store::sessions::scan_any_project(&mut conn, None, 10).await.expect("sessions");
        (all[0].1.created_at, all[0].1.last_access_at)
    } else {
        let all = vestibule_store::grants::scan_any_project(&mut conn, None, 10).await.expect("grants");
        (all[0].1.created_at, all[0].1.last_access_at)
    };
    i64::try_from(used.since(began).as_secs()).expect("a time")
}

async fn a_use_that_would_be_missed_at_the_idle_end_is_written_at_once(engine: Engine) {
    for is_cookie in [false, true] {
        let server = TestServer::start(engine, |setup| {
            setup.set("session.idle_timeout_seconds", 1_000);
            setup.set_client("web", "access_token_lifetime_seconds", 10_000);
            setup.set_client("web", "refresh_token_idle_timeout_seconds", 1_000);
        })
        .await;
        let client = server.app_client();
        let (guest, cookie) = if is_cookie {
            (None, sign_up_cookie(&server).await)
        } else {
            (Some(client.sign_up().await), String::new())
        };
        let name = if is_cookie { "touch_session" } else { "touch_grant" };
        let own_writes = || server.app.store.stats().by_name.get(name).map_or(0, |stats| stats.count);
        let use_it = async || match &guest {
            Some(guest) => client.user_info(&guest.access).await.expect(200),
            None => user_info_by_cookie(&server, &cookie).await.expect(200),
        };
        server.clock.advance_seconds(500);
        use_it().await;
        assert_eq!(own_writes(), 0, "half of the idle timeout is left");
        boot::maintain(&server.app).await.expect("maintained");
        assert_eq!(recorded_use(&server, is_cookie).await, 500);
        server.clock.advance_seconds(501);
        use_it().await;
        assert_eq!((own_writes(), recorded_use(&server, is_cookie).await), (1, 1_001));
    }
}

async fn a_process_that_ends_writes_what_it_remembers(engine: Engine) {
    let mut server = TestServer::start(engine, |setup| {
        setup.set_client("web", "access_token_lifetime_seconds", 10_000);
    })
    .await;
    let guest = server.app_client().sign_up().await;
    server.clock.advance_seconds(5_000);
    server.app_client().user_info(&guest.access).await.expect(200);
    server.restart().await;
    assert_eq!(recorded_use(&server, false).await, 5_000);
}

async fn what_has_ended_disappears_and_what_lives_stays(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set("session.idle_timeout_seconds", 1_000);
        setup.set_client("web", "anonymous_access_token_lifetime_seconds", 300);
        setup.set_client("web", "anonymous_refresh_token_lifetime_seconds", 1_000);
        setup.set("authentication.rate_limits.signup_anonymous.per_ip.enabled", false);
    })
    .await;
    let (client, blog) = (server.app_client(), server.other_client());
    for _ in 0..5 {
        client.sign_up().await;
        sign_up_cookie(&server).await;
    }
    let stays = blog.sign_up().await;
    server.clock.advance_seconds(990);
    let (young, cookie) = (client.sign_up().await, sign_up_cookie(&server).await);
    server.clock.advance_seconds(100);
    boot::maintain(&server.app).await.expect("maintained");
    let mut conn = server.app.store.read().await.expect("a connection");
    let grants = vestibule_store::grants::scan_any_project(&mut conn, None, 100).await.expect("grants");
    let sessions = vestibule_store::sessions::scan_any_project(&mut conn, None, 100).await.expect("sessions");
    drop(conn);
    assert_eq!((grants.len(), sessions.len()), (2, 1));
    for (client, guest) in [(&client, &young), (&blog, &stays)] {
        client.refresh(&guest.refresh).await.expect(200);
    }
    user_info_by_cookie(&server, &cookie).await.expect(200);
}

on_both_engines!(
    a_cookie_session_lives_exactly_as_long_as_its_settings_say,
    a_grant_lives_exactly_as_long_as_its_settings_say,
    only_uses_that_count_keep_a_grant_alive,
    changed_settings_count_at_once,
    guests_have_lifetimes_of_their_own,
    uses_are_written_once_a_minute_and_never_lost_to_the_clean_up,
    a_use_that_would_be_missed_at_the_idle_end_is_written_at_once,
    a_process_that_ends_writes_what_it_remembers,
    what_has_ended_disappears_and_what_lives_stays,
);
