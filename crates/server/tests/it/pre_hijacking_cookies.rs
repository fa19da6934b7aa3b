//! Account pre-hijacking with the guest's own cookie: an attacker that used the browser before, or copied its cookie, signs in to
//! applications with it, and the victim then promotes the guest in its browser.

use serde_json::{Value, json};

use crate::{
    account::PASSWORD,
    guest_journey::identify,
    introspection::{introspect, make_secret},
    pre_hijacking::{
        CLAIMS, VICTIM, app_session_token, expect_ended, open_account, sign_in_by_cookie, sign_up_by_cookie,
    },
    rotation::revocations,
    support::{Admin, AppClient, Browser, Engine, Mailbox, TestServer, Tokens, on_both_engines, promotion_hint, query},
    token::claims,
};

const SHARED: [(&str, &str); 2] = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", "")];

/// A guest in the victim's browser, and the attacker with a copy of its cookie, signed in to two applications.
struct Stage {
    server: TestServer,
    web: AppClient,
    blog: AppClient,
    victim: Browser,
    attacker: Browser,
    mailbox: Mailbox,
    /// The attacker's.
    of_web: Tokens,
    of_blog: Tokens,
}

impl Stage {
    async fn set(engine: Engine) -> Self {
        let server = TestServer::start(engine, |setup| setup.set_client("web", "issue_jwt_access_token", true)).await;
        let (web, blog, mailbox) = (server.app_client(), server.other_client(), server.mailbox());
        let (mut victim, mut attacker) = (server.browser(), server.browser());
        sign_up_by_cookie(&mut victim).await;
        attacker.set_cookie("session", victim.cookie("session").expect("a session"));
        let of_web = sign_in_by_cookie(&web, &mut attacker).await;
        let of_blog = sign_in_by_cookie(&blog, &mut attacker).await;
        Self { server, web, blog, victim, attacker, mailbox, of_web, of_blog }
    }

    /// The victim promotes the guest in its browser, for the application `web`.
    async fn promote(&mut self, more: &[(&str, &str)]) {
        let body = json!({ "session_type": "cookie" });
        let result = self.victim.fetch_json("/api/anonymous_user/promotion_code", &body).await.result();
        let hint = promotion_hint(result["promotion_code"].as_str().expect("a code"));
        let request = [&[("prompt", "login"), ("login_hint", hint.as_str())][..], more].concat();
        self.victim.open(&self.web.authorize_url(&request)).await;
        let page = self.victim.expect_page(200, "Save your progress");
        assert!(!page.text.contains("on another device"), "it began in this browser: {}", page.text);
        identify(&mut self.victim, VICTIM).await;
        self.victim.fill("Code", &self.mailbox.next_code(VICTIM).await);
        self.victim.press("Confirm").await;
        assert!(query(self.victim.at_app(), "code").is_some());
    }

    async fn expect_cookie_ended(&mut self) {
        let reply = self.attacker.fetch("/oauth2/userinfo").await;
        reply.expect_oauth_error(401, "invalid_grant", "invalid session");
    }
}

async fn a_copied_cookie_keeps_nothing_of_other_applications(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let mut window = stage.server.browser();
    open_account(&stage.blog, &stage.of_blog.refresh, &mut window).await;
    window.expect_page(200, "You are a guest");
    stage.promote(&SHARED).await;
    stage.expect_cookie_ended().await;
    expect_ended(&stage.blog, &stage.of_blog).await;
    window.open("/settings").await;
    window.expect_page(200, "Sign in to see your account");
    assert_eq!(revocations(&stage.server).await, ["promotion"], "the session of the browser was replaced");

    // The application that gets the code goes on as the guest until it has its tokens, and opens no account page.
    stage.web.refresh(&stage.of_web.refresh).await.expect(200);
    let info = stage.web.user_info(&stage.of_web.access).await.expect(200).json();
    assert_eq!((info.get("email"), &info[format!("{CLAIMS}/is_anonymous")]), (None, &json!(true)));
    app_session_token(&stage.web, &stage.of_web.refresh).await.expect(403);
    let member = stage.web.finish(stage.victim.at_app()).await;
    expect_ended(&stage.web, &stage.of_web).await;
    assert_eq!(stage.web.user_info(&member.access).await.expect(200).json()["email"], VICTIM);

    // The victim's browser has a new session, with which its other applications sign in again without a page.
    assert_eq!(stage.victim.fetch("/oauth2/userinfo").await.expect(200).json()["email"], VICTIM);
    let own = sign_in_by_cookie(&stage.blog, &mut stage.victim).await;
    assert_eq!(stage.blog.user_info(&own.access).await.expect(200).json()["email"], VICTIM);
}

async fn what_stays_of_the_copied_cookie_ends_after_five_minutes_and_signs_no_one_out(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let other = sign_in_by_cookie(&stage.web, &mut stage.attacker).await;
    stage.promote(&SHARED).await;
    // It belongs to no session now: revoking it leaves the victim signed in.
    stage.web.revoke(&other.refresh).await.expect(200);
    assert_eq!(stage.victim.fetch("/oauth2/userinfo").await.expect(200).json()["email"], VICTIM);
    stage.server.clock.advance_seconds(300);
    stage.web.refresh(&stage.of_web.refresh).await.expect(200);
    stage.server.clock.advance_seconds(1);
    expect_ended(&stage.web, &stage.of_web).await;
    assert_eq!(stage.victim.fetch("/oauth2/userinfo").await.expect(200).json()["email"], VICTIM);
}

async fn a_promotion_that_suppresses_the_cookie_ends_the_guests(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    stage.promote(&[]).await;
    assert_eq!(stage.victim.cookie("session"), None, "{}", stage.victim.cookie_line());
    stage.expect_cookie_ended().await;
    expect_ended(&stage.blog, &stage.of_blog).await;
    assert_eq!(revocations(&stage.server).await, ["promotion"; 2], "the cookie session and the grant of the blog");
    stage.web.refresh(&stage.of_web.refresh).await.expect(200);
    let member = stage.web.finish(stage.victim.at_app()).await;
    assert_eq!(stage.web.user_info(&member.access).await.expect(200).json()["email"], VICTIM);
    expect_ended(&stage.web, &stage.of_web).await;
}

async fn no_token_of_a_limited_grant_outlives_it(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let secret = make_secret(&stage.server, "backend").await;
    stage.promote(&SHARED).await;
    let ends_at = stage.server.clock.now().as_seconds() + 300;
    stage.server.clock.advance_seconds(200);
    let refreshed = stage.web.refresh(&stage.of_web.refresh).await.expect(200).json();
    assert_eq!(refreshed["expires_in"], 100);
    for (name, is_access) in [("access_token", true), ("id_token", false)] {
        let (_, payload) = claims(refreshed[name].as_str().expect("a token"));
        assert_eq!(payload["exp"], ends_at, "{name}: {payload}");
        assert_eq!(payload[format!("{CLAIMS}/is_anonymous")], true, "{name}: {payload}");
        assert_eq!(payload.get("client_id"), is_access.then_some(&json!("web")), "{name}: {payload}");
    }
    let access = refreshed["access_token"].as_str().expect("a token");
    // Also one that was issued before.
    for token in [access, &stage.of_web.access] {
        let reported = introspect(&stage.server, "backend", &secret, token).await.expect(200).json();
        assert_eq!((&reported["exp"], &reported[format!("{CLAIMS}/is_anonymous")]), (&json!(ends_at), &json!(true)));
    }
    let member = stage.web.finish(stage.victim.at_app()).await;
    let (_, payload) = claims(&member.access);
    let now = stage.server.clock.now().as_seconds();
    assert_eq!((&payload["exp"], &payload["client_id"]), (&json!(now + 1_800), &json!("web")));
}

async fn a_sign_in_where_the_member_was_a_guest_makes_a_new_session(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let sub = stage.web.subject(&stage.of_web.access).await;
    let admin = Admin::of(&stage.server).await;
    let promotion: Value =
        json!({"login_id": {"type": "email", "value": VICTIM, "is_verified": true}, "password": PASSWORD});
    admin.post(&format!("/users/{sub}/promote"), &promotion).await.expect(200);
    // The Admin API's caller knows whose guest it is: its sessions go on.
    stage.attacker.fetch("/oauth2/userinfo").await.expect(200);
    let url = stage.web.authorize_url(&[&SHARED[..], &[("prompt", "login")]].concat());
    stage.victim.open(&url).await;
    stage.victim.fill("Email address", VICTIM);
    stage.victim.fill("Password", PASSWORD);
    stage.victim.press("Sign in").await;
    stage.web.finish(stage.victim.at_app()).await;
    assert_eq!(stage.victim.fetch("/oauth2/userinfo").await.expect(200).json()["email"], VICTIM);
    // The sign-in proves the member, and a copy of the guest's cookie has no part in that.
    stage.expect_cookie_ended().await;
}

on_both_engines!(
    a_copied_cookie_keeps_nothing_of_other_applications,
    what_stays_of_the_copied_cookie_ends_after_five_minutes_and_signs_no_one_out,
    a_promotion_that_suppresses_the_cookie_ends_the_guests,
    no_token_of_a_limited_grant_outlives_it,
    a_sign_in_where_the_member_was_a_guest_makes_a_new_session,
);
