//! Sign-out: `POST /oauth2/revoke` and `GET|POST /oauth2/end_session`.

use reqwest::Method;
use serde_json::json;
use vestibule_domain::id::GrantId;
use vestibule_store::grants;

use crate::{
    account::Scene,
    client_authentication::give_secret,
    pre_hijacking::sign_in_by_cookie,
    promotion::promote_by_cookie,
    support::{AppClient, Browser, Engine, ID_TOKEN_GRANT, Reply, Setup, TestServer, on_both_engines, query},
};

const USER_INFO: &str = "/oauth2/userinfo";

/// A browser with a guest's cookie session.
async fn guest_browser(server: &TestServer) -> Browser {
    let mut browser = server.browser();
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    browser
}

async fn revoking_is_always_200_and_empty(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, http) = (server.app_client(), server.http());
    let guest = client.sign_up().await;
    for fields in [
        &[("token", guest.refresh.as_str()), ("token_type_hint", "nonsense")][..],
        &[("token", &guest.refresh)],
        &[("token", "nonsense")],
        &[("token", "")],
        &[],
    ] {
        let reply = http.post_form("/oauth2/revoke", fields).await.expect(200);
        assert_eq!((reply.body.as_str(), reply.header("cache-control")), ("", Some("no-store")), "{fields:?}");
    }
}

async fn a_revoked_refresh_token_takes_its_access_tokens_along(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set_client("blog", "issue_jwt_access_token", true)).await;
    for client in [server.app_client(), server.other_client()] {
        let (guest, other) = (client.sign_up().await, client.sign_up().await);
        client.revoke(&guest.refresh).await.expect(200);
        client.user_info(&guest.access).await.expect_oauth_error(401, "invalid_grant", "invalid session");
        client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
        client.user_info(&other.access).await.expect(200);
    }
}

async fn a_revoked_access_token_dies_alone(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set_client("blog", "issue_jwt_access_token", true)).await;
    for client in [server.app_client(), server.other_client()] {
        let guest = client.sign_up().await;
        let second = client.refresh(&guest.refresh).await.expect(200).json()["access_token"].clone();
        client.revoke(&guest.access).await.expect(200);
        client.user_info(&guest.access).await.expect_oauth_error(401, "invalid_grant", "invalid session");
        client.user_info(second.as_str().expect("a token")).await.expect(200);
        client.refresh(&guest.refresh).await.expect(200);
    }
}

async fn the_events_of_a_sign_out_have_the_address_of_the_request(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    client.revoke(&guest.refresh).await.expect(200);
    let mut browser = guest_browser(&server).await;
    browser.open("/oauth2/end_session?post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye").await;
    let events = server.events("user.signed_out").await;
    let addresses: Vec<_> = events.iter().map(|event| event["context"]["ip_address"].as_str()).collect();
    assert_eq!(addresses, [Some("127.0.0.1"), Some("127.0.0.1")]);
}

async fn a_same_site_logout_is_done_at_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut browser = guest_browser(&server).await;
    let session = browser.cookie("session").expect("a session").to_string();
    browser.open("/oauth2/end_session?post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye&state=x%26y").await;
    assert_eq!(browser.at_app().as_str(), "http://shop.test/bye?state=x%26y");
    assert_eq!(browser.cookie("session"), None);
    browser.set_cookie("session", &session);
    browser.fetch(USER_INFO).await.expect_oauth_error(401, "invalid_grant", "invalid session");
}

async fn a_link_from_elsewhere_asks_first(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut browser = guest_browser(&server).await;
    let logout = "/oauth2/end_session?post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye&state=x";
    browser.open_from_elsewhere(logout).await;
    let page = browser.expect_page(200, "Sign out?");
    assert!(page.text.contains("what you did here cannot be recovered"), "a guest is warned: {}", page.text);
    browser.fetch(USER_INFO).await.expect(200);
    browser.press("Sign out").await;
    assert_eq!(browser.at_app().as_str(), "http://shop.test/bye?state=x");
    assert_eq!(browser.cookie("session"), None);
}

/// OpenID Connect RP-Initiated Logout §2: the hint says which session is meant.
async fn a_hint_signs_out_of_its_own_session_only(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let logout = |hint: &str| {
        format!("/oauth2/end_session?id_token_hint={hint}&post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye")
    };
    // The same user's, from another browser.
    let elsewhere = scene.tokens.id.clone().expect("an ID token");
    for hint in [elsewhere.as_str(), "nonsense"] {
        scene.browser.open_from_elsewhere(&logout(hint)).await;
        scene.browser.expect_page(200, "Sign out?");
        scene.browser.fetch(USER_INFO).await.expect(200);
    }
    // That of a grant of this session, also when it has expired; not when the grant has ended.
    let (own, blog) = (sign_in_by_cookie(&scene.client, &mut scene.browser).await, scene.server.other_client());
    let ended = sign_in_by_cookie(&blog, &mut scene.browser).await;
    let no = scene.server.app.projects.find_by_id("test").expect("the project").no;
    let id: GrantId = ended.refresh.split('.').next().expect("an ID").parse().expect("an ID");
    let removal = scene.server.app.store.write("test", id, move |tx, id| Box::pin(grants::remove(tx, no, *id)));
    assert!(removal.await.expect("the store works"));
    scene.browser.open_from_elsewhere(&logout(&ended.id.expect("an ID token"))).await;
    scene.browser.expect_page(200, "Sign out?");
    scene.server.clock.advance_seconds(3_600);
    scene.browser.open_from_elsewhere(&logout(&own.id.expect("an ID token"))).await;
    assert_eq!(scene.browser.at_app().as_str(), "http://shop.test/bye");
    assert_eq!(scene.browser.cookie("session"), None);
}

async fn a_guests_id_token_does_not_sign_the_member_out(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let mut browser = guest_browser(&server).await;
    let of_grant = sign_in_by_cookie(&client, &mut browser).await.id.expect("an ID token");
    let form = [("grant_type", ID_TOKEN_GRANT), ("client_id", "web")];
    let request =
        server.http().request(Method::POST, "/oauth2/token").header("cookie", browser.cookie_line()).form(&form);
    let of_cookie = Reply::of(request).await.expect(200).json()["id_token"].as_str().expect("an ID token").to_string();
    promote_by_cookie(&client, &mut browser, &mut mailbox, "kim@shop.example").await;
    for hint in [of_grant, of_cookie] {
        browser.open_from_elsewhere(&format!("/oauth2/end_session?id_token_hint={hint}")).await;
        browser.expect_page(200, "Sign out?");
        browser.fetch(USER_INFO).await.expect(200);
    }
}

async fn revocations_are_limited_by_address(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    for _ in 0..120 {
        client.revoke("").await.expect(200);
    }
    let reply = client.revoke(&guest.refresh).await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    reply.expect_oauth_error(429, "x_rate_limited", "rate limit exceeded, please try again later.");
    // Tokens have a limit of their own.
    client.refresh(&guest.refresh).await.expect(200);
    server.clock.advance_seconds(1);
    client.revoke(&guest.refresh).await.expect(200);
    client.refresh(&guest.refresh).await.expect(400);
}

async fn a_forged_confirmation_ends_no_session(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (mut browser, mut attacker) = (guest_browser(&server).await, guest_browser(&server).await);
    attacker.open("/logout").await;
    let token = attacker.page().forms[0].fields.iter().find(|(name, _)| name == "_csrf").expect("a token").1.clone();
    browser.open("/logout").await;
    browser.forge("_csrf", &token);
    browser.press("Sign out").await;
    assert_eq!(browser.reply().status, 403);
    browser.fetch(USER_INFO).await.expect(200);
}

async fn only_registered_addresses_are_gone_to_after_logout(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for uri in ["http://evil.test/", "http://shop.test/bye/", "http://shop.test/bye?x=1", "javascript:alert(1)", ""] {
        let mut browser = guest_browser(&server).await;
        browser.open(&format!("/oauth2/end_session?post_logout_redirect_uri={uri}")).await;
        assert_eq!(browser.at_app().as_str(), "http://shop.test/", "{uri}");
        assert_eq!(browser.cookie("session"), None);
    }
    // A registered URI by 303; the server's own destinations by 302.
    for (uri, status) in [("http%3A%2F%2Fblog.test%2Fbye", 303), ("http%3A%2F%2Fevil.test%2F", 302)] {
        let reply = server.http().get(&format!("/oauth2/end_session?post_logout_redirect_uri={uri}")).await;
        assert_eq!(reply.status, status, "{uri}");
    }
    let mut anonymous = server.browser();
    anonymous.open("/oauth2/end_session?post_logout_redirect_uri=http%3A%2F%2Fblog.test%2Fbye").await;
    assert_eq!(anonymous.at_app().as_str(), "http://blog.test/bye");
}

/// A member signed in to a confidential application: the browser with the session, and the ID token.
async fn backend_member(server: &TestServer) -> (Browser, String) {
    give_secret(server, "backend", "s3cret").await;
    let client = AppClient::new(server.http(), "backend", "https://backend.test/callback");
    let more = [("scope", "openid"), ("x_suppress_idp_session_cookie", "false"), ("x_sso_enabled", "true")];
    let mut browser = server.browser();
    browser.open(&client.authorize_url(&more)).await;
    browser.follow("Create an account").await;
    browser.fill("Email address", "kim@shop.example");
    browser.fill("Password", "violet tugboat marmalade");
    browser.press("Create account").await;
    browser.fill("Code", &server.mailbox().next_code("kim@shop.example").await);
    browser.press("Confirm").await;
    let code = query(browser.at_app(), "code").expect("a code");
    let tokens = client.exchange_with(&code, &[("client_secret", "s3cret")]).await.expect(200).json();
    (browser, tokens["id_token"].as_str().expect("an ID token").to_string())
}

const BACKEND_BYE: &str = "https://backend.test/bye";

fn with_backend_bye(setup: &mut Setup) {
    setup.set_client("backend", "post_logout_redirect_uris", vec![BACKEND_BYE]);
}

async fn without_a_hint_only_the_sdks_sign_out_at_once(engine: Engine) {
    let server = TestServer::start(engine, with_backend_bye).await;
    let (mut browser, _) = backend_member(&server).await;
    let end = |query: &str| format!("/oauth2/end_session?{query}");
    let encoded = "post_logout_redirect_uri=https%3A%2F%2Fbackend.test%2Fbye";
    let foreign = "client_id=backend&post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye";
    let of_nobody = "client_id=nobody";
    for asks in [encoded, &format!("{encoded}&client_id=backend"), foreign, "client_id=backend", of_nobody] {
        browser.open(&end(asks)).await;
        browser.expect_page(200, "Sign out?");
    }
    // Nobody is signed in: a request that names no application does not get to a registered address of an OpenID client.
    for (query, target) in [
        (encoded, "http://shop.test/"),
        (&format!("{encoded}&client_id=backend"), BACKEND_BYE),
        (&format!("{encoded}&client_id=web"), "http://shop.test/"),
        (foreign, "http://shop.test/"),
        ("post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye", "http://shop.test/bye"),
    ] {
        let reply = server.http().get(&end(query)).await;
        assert_eq!(reply.header("location"), Some(target), "{query}");
    }
    // The user's agreement, and the application's name, lead there.
    browser.open(&end(&format!("{encoded}&client_id=backend&state=s"))).await;
    browser.press("Sign out").await;
    assert_eq!(browser.at_app().as_str(), "https://backend.test/bye?state=s");
    assert_eq!(browser.cookie("session"), None);
}

async fn a_posted_hint_is_in_no_url(engine: Engine) {
    let server = TestServer::start(engine, with_backend_bye).await;
    let (mut browser, id_token) = backend_member(&server).await;
    let post = async |hint: &str| {
        let fields = [("id_token_hint", hint), ("post_logout_redirect_uri", BACKEND_BYE), ("state", "s")];
        let reply = server.http().post_form("/oauth2/end_session", &fields).await.expect(303);
        reply.header("location").expect("a way on").to_string()
    };
    let bad = post("eyJ.not.one").await;
    let good = post(&id_token).await;
    for location in [&bad, &good] {
        assert!(!location.contains("id_token_hint") && !location.contains("eyJ"), "{location}");
    }
    browser.open(&bad).await;
    browser.expect_page(200, "Sign out?");
    server.clock.advance_seconds(301);
    browser.open(&good).await;
    browser.expect_page(200, "Sign out?");
    browser.open(&post(&id_token).await).await;
    assert_eq!(browser.at_app().as_str(), "https://backend.test/bye?state=s");
    assert_eq!(browser.cookie("session"), None);
}

async fn looking_ahead_signs_nobody_out(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut browser = guest_browser(&server).await;
    let logout = "/oauth2/end_session?post_logout_redirect_uri=http%3A%2F%2Fshop.test%2Fbye";
    let request = |method: Method, mark: Option<(&'static str, &'static str)>| {
        let request = server.http().request(method, logout).header("cookie", browser.cookie_line());
        match mark {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    };
    let marks = [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch"), ("x-moz", "prefetch")];
    let prefetches = marks.map(|mark| (Method::GET, Some(mark), 503));
    for (method, mark, status) in
        prefetches.into_iter().chain([(Method::HEAD, None, 200), (Method::OPTIONS, None, 405)])
    {
        let reply = Reply::of(request(method.clone(), mark)).await.expect(status);
        assert_eq!(reply.header("location"), None, "{method} {mark:?}");
        if status != 405 {
            assert_eq!(reply.header("cache-control"), Some("no-store"), "{method} {mark:?}");
        }
    }
    browser.fetch(USER_INFO).await.expect(200);
    let client = server.app_client();
    let authorize = server.http().request(Method::HEAD, &client.authorize_url(&[("prompt", "none")]));
    let reply = Reply::of(authorize).await.expect(200);
    assert_eq!(reply.header("location"), None, "no answer to the application");
    // What begins a sign-in binds it to the browser by a cookie.
    for path in ["/settings/sign-in", "/settings/promote", "/device/sign-in?user_code=BBBB-BBBB"] {
        for (method, status) in [(Method::HEAD, 200), (Method::GET, 503)] {
            let request = server.http().request(method.clone(), path).header("cookie", browser.cookie_line());
            let reply = Reply::of(request.header("sec-purpose", "prefetch")).await.expect(status);
            assert_eq!((reply.header("set-cookie"), reply.body.as_str()), (None, ""), "{method} {path}");
        }
    }
}

async fn parameters_may_be_posted(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let fields = [("post_logout_redirect_uri", "http://shop.test/bye"), ("state", "a b")];
    let reply = server.http().post_form("/oauth2/end_session", &fields).await;
    assert!([302, 303].contains(&reply.status), "{reply:?}");
    let mut browser = guest_browser(&server).await;
    browser.open(reply.header("location").expect("a way on")).await;
    assert_eq!(browser.at_app().as_str(), "http://shop.test/bye?state=a+b");
    assert_eq!(browser.cookie("session"), None);
}

on_both_engines!(
    the_events_of_a_sign_out_have_the_address_of_the_request,
    revoking_is_always_200_and_empty,
    a_revoked_refresh_token_takes_its_access_tokens_along,
    a_revoked_access_token_dies_alone,
    a_same_site_logout_is_done_at_once,
    a_link_from_elsewhere_asks_first,
    a_hint_signs_out_of_its_own_session_only,
    a_guests_id_token_does_not_sign_the_member_out,
    revocations_are_limited_by_address,
    a_forged_confirmation_ends_no_session,
    only_registered_addresses_are_gone_to_after_logout,
    parameters_may_be_posted,
    without_a_hint_only_the_sdks_sign_out_at_once,
    a_posted_hint_is_in_no_url,
    looking_ahead_signs_nobody_out,
);
