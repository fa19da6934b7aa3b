//! Account pre-hijacking: an attacker prepares an account, its victim makes the account its own, and the attacker is still in it.
//! After Sudhodanan and Paverd, "Pre-hijacked accounts: An empirical study of security failures in user account creation on
//! the web" (USENIX Security 2022). Each section is one of its five classes, and says in which form the class exists here.
//!
//! The attacker's account is a guest, and what makes it the victim's is the promotion; or it is a member, and the victim recovers
//! it. A test says what the attacker prepares, what the victim does, and what the attacker can do then. Attackers with a copy of
//! the guest's cookie are in `pre_hijacking_cookies`.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::id::GrantId;
use vestibule_store::grants;

use crate::{
    account::PASSWORD,
    guest_journey::{identify, promote},
    introspection::{introspect, make_secret},
    promotion::cookie_promotion_url,
    support::{
        AppClient, Browser, Device, Engine, Mailbox, Platform, Reply, TestServer, Tokens, on_both_engines, query,
    },
};

pub(crate) const VICTIM: &str = "victim@shop.example";
const ATTACKER: &str = "attacker@shop.example";
pub(crate) const CLAIMS: &str = "https://authgear.com/claims/user";
const SIGN_IN_TO_SEE: &str = "Sign in to see your account";

/// A guest that the attacker began in an app, and the victim in front of its own, clean browser.
struct Stage {
    server: TestServer,
    client: AppClient,
    /// The attacker's.
    guest: Tokens,
    sub: String,
    victim: Browser,
    mailbox: Mailbox,
}

impl Stage {
    async fn set(engine: Engine) -> Self {
        let server = TestServer::start_plain(engine).await;
        let (client, victim, mailbox) = (server.app_client(), server.browser(), server.mailbox());
        let guest = client.sign_up().await;
        let sub = client.subject(&guest.access).await;
        Self { server, client, guest, sub, victim, mailbox }
    }

    /// The victim opens the attacker's link and completes the page.
    async fn victim_promotes(&mut self) {
        promote(&self.client, &self.guest, &mut self.victim, &mut self.mailbox, VICTIM).await;
        self.victim.at_app();
    }

    /// The victim's app gets its tokens.
    async fn deliver(&self) -> Tokens {
        self.client.finish(self.victim.at_app()).await
    }

    async fn expect_ended(&self, tokens: &Tokens) {
        expect_ended(&self.client, tokens).await;
    }
}

pub(crate) async fn expect_ended(client: &AppClient, tokens: &Tokens) {
    client.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    client.user_info(&tokens.access).await.expect_oauth_error(401, "invalid_grant", "invalid session");
}

/// Signs up a guest by cookie.
pub(crate) async fn sign_up_by_cookie(browser: &mut Browser) {
    browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
}

/// Signs the guest of a browser's cookie in to an application (single sign-on).
pub(crate) async fn sign_in_by_cookie(client: &AppClient, browser: &mut Browser) -> Tokens {
    let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("prompt", "none")];
    browser.open(&client.authorize_url(&shared)).await;
    client.finish(browser.at_app()).await
}

/// Opens the account page of a grant in a browser, as an app does.
pub(crate) async fn open_account(client: &AppClient, refresh: &str, browser: &mut Browser) {
    let token = app_session_token(client, refresh).await.result();
    let pairs =
        [("type", "app_session_token"), ("app_session_token", token["app_session_token"].as_str().expect("a token"))];
    let hint: String = url::Url::parse_with_params("https://authgear.com/login_hint", pairs).expect("a URL").into();
    let page = format!("{}/settings", client.http.origin);
    let more = [("prompt", "none"), ("redirect_uri", page.as_str()), ("response_type", "none"), ("login_hint", &hint)];
    browser.open(&client.authorize_url(&more)).await;
}

pub(crate) async fn app_session_token(client: &AppClient, refresh: &str) -> Reply {
    client.http.post_json("/oauth2/app_session_token", &json!({ "refresh_token": refresh })).await
}

async fn promotion_code(client: &AppClient, refresh: &str) -> Reply {
    let body = json!({ "session_type": "refresh_token", "refresh_token": refresh });
    client.http.post_json("/api/anonymous_user/promotion_code", &body).await
}

/// The link in a mail.
fn link_in(text: &str) -> String {
    text.split_whitespace().find(|word| word.contains("/security/")).unwrap_or_else(|| panic!("no link: {text}")).into()
}

// 1. Classic-federated merge: the attacker creates an account with the victim's address and a password; the victim later signs in
//    with an external account of this address, and both become one account. External accounts come with issue 19, and their
//    operators belong here. What exists already is the first half: an account with the victim's address, made by another person.

async fn an_address_belongs_to_no_one_before_its_code_is_entered(engine: Engine) {
    let Stage { server, client, guest, sub, mut victim, mut mailbox } = Stage::set(engine).await;
    // The attacker enters the victim's address, and a password that it knows.
    let mut attacker = server.browser();
    attacker.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(&mut attacker, VICTIM).await;
    let code = mailbox.next_code(VICTIM).await;
    // The victim does not use that code, and signs up by itself.
    let own = client.sign_up().await;
    promote(&client, &own, &mut victim, &mut mailbox, VICTIM).await;
    let member = client.finish(victim.at_app()).await;
    assert_ne!(client.subject(&member.access).await, sub);
    // Even the right code adds nothing to the attacker's guest now.
    attacker.fill("Code", &code);
    attacker.press("Confirm").await;
    attacker.expect_page(409, "You already have an account");
    let info = client.user_info(&guest.access).await.expect(200).json();
    assert_eq!((&info[format!("{CLAIMS}/is_anonymous")], info.get("email")), (&json!(true), None));
}

// 2. Unexpired session: the attacker keeps a session that it had before the account became the victim's. This is the class of the
//    promotion link: every session, grant, code and token of the guest that is not in the victim's browser.

async fn the_application_that_gets_the_code_keeps_a_limited_grant_for_five_minutes(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let secret = make_secret(&stage.server, "backend").await;
    let mut window = stage.server.browser();
    open_account(&stage.client, &stage.guest.refresh, &mut window).await;
    window.expect_page(200, "You are a guest");
    let unused = app_session_token(&stage.client, &stage.guest.refresh).await.result();
    stage.victim_promotes().await;

    let (client, guest) = (&stage.client, &stage.guest);
    stage.server.clock.advance_seconds(300);
    let refreshed = client.refresh(&guest.refresh).await.expect(200).json();
    let access = refreshed["access_token"].as_str().expect("a token");
    // UserInfo says who it was, and not what the promotion added.
    let info = client.user_info(access).await.expect(200).json();
    assert_eq!((&info["sub"], &info[format!("{CLAIMS}/is_anonymous")]), (&json!(stage.sub), &json!(true)));
    for claim in ["email", "email_verified", "preferred_username"] {
        assert_eq!(info.get(claim), None, "{info}");
    }
    assert_eq!(info[format!("{CLAIMS}/is_verified")], false);
    assert_eq!(info[format!("{CLAIMS}/can_reauthenticate")], false);
    assert_eq!(info[format!("{CLAIMS}/identities")][0]["type"], "anonymous");
    assert_eq!(info[format!("{CLAIMS}/identities")].as_array().map(Vec::len), Some(1));
    assert_eq!(info[format!("{CLAIMS}/authenticators")], json!([]));
    let reported = introspect(&stage.server, "backend", &secret, access).await.expect(200).json();
    assert_eq!((&reported["active"], &reported[format!("{CLAIMS}/is_verified")]), (&json!(true), &json!(false)));
    assert_eq!(reported[format!("{CLAIMS}/is_anonymous")], true);
    // A route for members does not accept it, and one for guests sees the guest.
    let resolve = stage.server.http().request(Method::GET, "/_resolver/resolve?require=member").bearer_auth(access);
    Reply::of(resolve).await.expect(401);
    let resolve = stage.server.http().request(Method::GET, "/_resolver/resolve?require=session").bearer_auth(access);
    let resolved = Reply::of(resolve).await.expect(200);
    assert_eq!(resolved.header("x-authgear-user-anonymous"), Some("true"));
    assert_eq!(resolved.header("x-authgear-user-id"), Some(stage.sub.as_str()));
    // It opens no account page, neither a new one nor the one that was open, and gets nothing that leads to another session.
    app_session_token(client, &guest.refresh).await.expect(403);
    window.open("/settings").await;
    window.expect_page(200, SIGN_IN_TO_SEE);
    let hint = format!(
        "https://authgear.com/login_hint?type=app_session_token&app_session_token={}",
        unused["app_session_token"].as_str().expect("a token")
    );
    let page = format!("{}/settings", client.http.origin);
    let more = [("prompt", "none"), ("redirect_uri", page.as_str()), ("response_type", "none"), ("login_hint", &hint)];
    window.open(&client.authorize_url(&more)).await;
    assert_eq!(window.reply().status, 400);
    let reply = promotion_code(client, &guest.refresh).await;
    reply.expect_api_error(400, "Invalid", "Invalid", "user logged in as normal user");

    stage.server.clock.advance_seconds(1);
    stage.expect_ended(guest).await;
    client.user_info(access).await.expect(401);
}

async fn delivering_the_tokens_ends_the_limited_grants(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    stage.victim_promotes().await;
    // The member signs in on another device before the tokens arrive: this grant is its own, and stays.
    let mut elsewhere = stage.server.browser();
    elsewhere.open(&stage.client.authorize_url(&[("prompt", "login")])).await;
    elsewhere.fill("Email address", VICTIM);
    elsewhere.fill("Password", PASSWORD);
    elsewhere.press("Sign in").await;
    let other_device = stage.client.finish(elsewhere.at_app()).await;
    stage.client.refresh(&stage.guest.refresh).await.expect(200);

    let member = stage.deliver().await;
    stage.expect_ended(&stage.guest).await;
    assert_eq!(crate::rotation::revocations(&stage.server).await, ["promotion"]);
    for tokens in [&member, &other_device] {
        assert_eq!(stage.client.subject(&tokens.access).await, stage.sub);
        stage.client.refresh(&tokens.refresh).await.expect(200);
    }
    let info = stage.client.user_info(&member.access).await.expect(200).json();
    assert_eq!(info["email"], VICTIM);
}

async fn what_the_attacker_holds_by_cookie_ends_at_once(engine: Engine) {
    let Stage { server, client, mut victim, mut mailbox, .. } = Stage::set(engine).await;
    // The attacker's browser, with everything that single sign-on gives it.
    let mut attacker = server.browser();
    sign_up_by_cookie(&mut attacker).await;
    let (web, blog) = (&client, &server.other_client());
    let of_web = sign_in_by_cookie(web, &mut attacker).await;
    let of_blog = sign_in_by_cookie(blog, &mut attacker).await;
    let mut window = server.browser();
    open_account(blog, &of_blog.refresh, &mut window).await;
    window.expect_page(200, "You are a guest");
    let shared = [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("prompt", "none")];
    attacker.open(&web.authorize_url(&shared)).await;
    let unused_code = query(attacker.at_app(), "code").expect("a code");
    let unused_promotion = client.promotion_code(&of_web).await;

    promote(web, &of_web, &mut victim, &mut mailbox, VICTIM).await;
    victim.at_app();

    attacker.fetch("/oauth2/userinfo").await.expect_oauth_error(401, "invalid_grant", "invalid session");
    attacker.open("/settings").await;
    attacker.expect_page(200, SIGN_IN_TO_SEE);
    expect_ended(web, &of_web).await;
    expect_ended(blog, &of_blog).await;
    window.open("/settings").await;
    window.expect_page(200, SIGN_IN_TO_SEE);
    web.exchange(&unused_code).await.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
    attacker.open(&web.promotion_url(&unused_promotion)).await;
    attacker.expect_page(400, "This link has expired");
    let member = web.finish(victim.at_app()).await;
    assert_eq!(web.user_info(&member.access).await.expect(200).json()["email"], VICTIM);
    // Each that ended has its event.
    let reasons = crate::rotation::revocations(&server).await;
    assert_eq!(reasons, ["promotion"; 3], "the cookie session and the grants of the shop and the blog");
}

async fn other_applications_of_the_guest_end_at_once(engine: Engine) {
    let Stage { server, client, mut victim, mut mailbox, .. } = Stage::set(engine).await;
    let mut attacker = Device::new(&server, Platform::Android);
    let sub = attacker.authenticate().await;
    // The same key in another application: another grant of the same guest.
    attacker.client_id = "web".into();
    assert_eq!(attacker.authenticate().await, sub);
    let in_web = attacker.held().clone();
    attacker.client_id = "phone".into();
    attacker.authenticate().await;
    let in_phone = attacker.held().clone();

    victim.open(&attacker.promotion_url().await).await;
    identify(&mut victim, VICTIM).await;
    victim.fill("Code", &mailbox.next_code(VICTIM).await);
    victim.press("Confirm").await;
    victim.at_app();

    client.user_info(&in_web.access).await.expect(401);
    attacker.client_id = "web".into();
    let reply = attacker.token(&[("grant_type", "refresh_token"), ("refresh_token", &in_web.refresh)], true).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    attacker.client_id = "phone".into();
    client.user_info(&in_phone.access).await.expect(200);
    attacker.token(&[("grant_type", "refresh_token"), ("refresh_token", &in_phone.refresh)], true).await.expect(200);
}

async fn an_account_page_that_the_attacker_opened_gives_it_nothing(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    // The link opens the guest's account page in the victim's browser, which offers the promotion.
    open_account(&stage.client, &stage.guest.refresh, &mut stage.victim).await;
    stage.victim.expect_page(200, "You are a guest");
    stage.victim.follow("Save my progress").await;
    let page = stage.victim.expect_page(200, "Save your progress");
    assert!(page.text.contains("This keeps what was begun on another device"), "{}", page.text);
    identify(&mut stage.victim, VICTIM).await;
    stage.victim.fill("Code", &stage.mailbox.next_code(VICTIM).await);
    stage.victim.press("Confirm").await;
    // No application gets a code, so nothing stays: neither the app's grant nor the page that it opened.
    stage.victim.expect_page(200, SIGN_IN_TO_SEE);
    stage.expect_ended(&stage.guest).await;
    stage.victim.follow("Sign in").await;
    stage.victim.fill("Email address", VICTIM);
    stage.victim.fill("Password", PASSWORD);
    stage.victim.press("Sign in").await;
    stage.victim.expect_page(200, "My account");
}

async fn a_promotion_code_of_a_cookie_session_works_only_in_that_browser(engine: Engine) {
    let Stage { server, client, mut victim, mut mailbox, .. } = Stage::set(engine).await;
    let mut attacker = server.browser();
    sign_up_by_cookie(&mut attacker).await;
    let url = cookie_promotion_url(&client, &mut attacker).await;
    victim.open(&url).await;
    victim.expect_page(400, "This link has expired");
    // Not in a browser with a session of another guest, either.
    sign_up_by_cookie(&mut victim).await;
    victim.open(&url).await;
    victim.expect_page(400, "This link has expired");
    // A form on another site carries no cookies, so it is repeated as a navigation.
    let parsed = url::Url::parse(&url).expect("a URL");
    let fields: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    let posted = Reply::of(server.http().request(Method::POST, "/oauth2/authorize").form(&fields)).await.expect(303);
    attacker.open(posted.header("location").expect("a location")).await;
    let page = attacker.expect_page(200, "Save your progress");
    assert!(!page.text.contains("on another device"), "it began in this browser: {}", page.text);
    identify(&mut attacker, ATTACKER).await;
    attacker.fill("Code", &mailbox.next_code(ATTACKER).await);
    attacker.press("Confirm").await;
    attacker.at_app();
    assert_eq!(mailbox.count(), 1, "and needs no mail about other devices");
}

async fn the_page_and_a_mail_say_what_was_begun_elsewhere_and_one_click_ends_it(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    stage.server.clock.advance_seconds(3 * 24 * 3_600);
    let code = stage.client.promotion_code(&stage.guest).await;
    let url = stage.client.promotion_url(&code);
    for (locale, text) in [
        ("en", "This keeps what was begun on another device"),
        ("de", "was auf einem anderen Gerät"),
        ("es", "lo que se empezó en otro dispositivo"),
        ("ja", "別の端末またはアプリで始めた内容"),
        ("zh-TW", "在其他裝置或應用程式中開始的內容"),
        ("ar", "ما بدأ على جهاز آخر"),
    ] {
        let mut reader = stage.server.browser();
        reader.open(&format!("{url}&ui_locales={locale}")).await;
        assert!(reader.page().text.contains(text), "{locale}: {}", reader.page().text);
    }
    stage.victim_promotes().await;
    let mail = stage.mailbox.next_mail(VICTIM).await;
    for part in [&mail.text, &mail.html] {
        assert!(part.contains("Corner Shop, begun 3 days ago"), "{part}");
    }
    let link = link_in(&mail.text);
    assert!(mail.html.contains(&link) && link.starts_with(&stage.server.origin), "{link}");

    // A mail program that opens the link changes nothing, and a forged or shortened one is none.
    let mut reader = stage.server.browser();
    for _ in 0..2 {
        reader.open(&link).await;
        let page = reader.expect_page(200, "End all sessions?");
        assert!(page.text.contains("Corner Shop"), "{}", page.text);
    }
    for wrong in [&link[..link.len() - 1], &format!("{link}A"), &crate::support::altered(&link)] {
        let mut reader = stage.server.browser();
        reader.open(wrong).await;
        reader.expect_page(410, "This link does not work any more");
    }
    let mut forger = reader.clone();
    forger.forge("_csrf", "AAAAAAAAAAAAAAAAAAAAAA");
    forger.press("End all sessions").await;
    forger.expect_page(403, "End all sessions?");
    stage.client.refresh(&stage.guest.refresh).await.expect(200);

    // The confirmation ends the grant, and the code that was not redeemed.
    let undelivered = query(stage.victim.at_app(), "code").expect("a code");
    let mut again = reader.clone();
    reader.press("End all sessions").await;
    reader.expect_page(200, "All sessions are ended");
    stage.expect_ended(&stage.guest).await;
    let reply = stage.client.exchange(&undelivered).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
    // Once.
    again.press("End all sessions").await;
    again.expect_page(410, "This link does not work any more");
    // The account is the victim's.
    stage.victim.open("/settings/sign-in").await;
    stage.victim.fill("Email address", VICTIM);
    stage.victim.fill("Password", PASSWORD);
    stage.victim.press("Sign in").await;
    stage.victim.expect_page(200, "My account");
}

async fn the_link_ends_what_was_delivered_too_and_expires(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    stage.victim_promotes().await;
    let link = link_in(&stage.mailbox.next_mail(VICTIM).await.text);
    let member = stage.deliver().await;
    let mut reader = stage.server.browser();
    reader.open(&link).await;
    reader.press("End all sessions").await;
    reader.expect_page(200, "All sessions are ended");
    stage.expect_ended(&member).await;

    let (guest, mut browser) = (stage.client.sign_up().await, stage.server.browser());
    promote(&stage.client, &guest, &mut browser, &mut stage.mailbox, "other@shop.example").await;
    let link = link_in(&stage.mailbox.next_mail("other@shop.example").await.text);
    stage.server.clock.advance_seconds(7 * 24 * 3_600);
    reader.open(&link).await;
    reader.expect_page(200, "End all sessions?");
    stage.server.clock.advance_seconds(1);
    reader.press("End all sessions").await;
    reader.expect_page(410, "This link does not work any more");
    reader.open(&link).await;
    reader.expect_page(410, "This link does not work any more");
}

async fn a_limited_grant_that_has_ended_is_removed(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let id: GrantId = stage.guest.refresh.split('.').next().expect("an ID").parse().expect("an ID");
    stage.victim_promotes().await;
    let no = stage.server.app.projects.find_by_id("test").expect("the project").no;
    let find = async || {
        let mut conn = stage.server.app.store.read().await.expect("a connection");
        grants::find(&mut conn, no, id).await.expect("the store")
    };
    stage.server.clock.advance_seconds(300);
    vestibule_server::boot::maintain(&stage.server.app).await.expect("the store works");
    assert!(find().await.is_some());
    stage.server.clock.advance_seconds(1);
    vestibule_server::boot::maintain(&stage.server.app).await.expect("the store works");
    assert!(find().await.is_none());
}

// 3. Trojan identifier: the attacker adds an identifier of its own to the account, and signs in with it later. A guest has none but
//    its device keys; it cannot add a login ID without becoming a member, and cannot add one with what it keeps.

async fn a_device_key_of_the_attacker_does_not_open_the_victims_account(engine: Engine) {
    let Stage { server, mut victim, mut mailbox, .. } = Stage::set(engine).await;
    for platform in Platform::ALL {
        let mut attacker = Device::new(&server, platform);
        attacker.authenticate().await;
        let kid = attacker.kid.clone().expect("the key's ID");
        victim.open(&attacker.promotion_url().await).await;
        let email = format!("{platform:?}@shop.example").to_lowercase();
        identify(&mut victim, &email).await;
        victim.fill("Code", &mailbox.next_code(&email).await);
        victim.press("Confirm").await;
        victim.at_app();
        let jwt = attacker.sign("auth", &attacker.challenge().await, &kid, true);
        let refusal = "the account of this key was promoted: sign in with its login ID instead";
        attacker.present(&jwt).await.expect_oauth_error(400, "invalid_grant", refusal);
    }
}

async fn the_attacker_cannot_add_a_login_id_with_what_it_keeps(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let mut window = stage.server.browser();
    open_account(&stage.client, &stage.guest.refresh, &mut window).await;
    stage.victim_promotes().await;
    // Right after the promotion, when the grant still refreshes.
    stage.client.refresh(&stage.guest.refresh).await.expect(200);
    for page in ["/settings/identity/add?kind=email", "/settings/passkeys", "/settings/password", "/settings/delete"] {
        window.open(page).await;
        window.expect_page(200, SIGN_IN_TO_SEE);
    }
    let no = stage.server.app.projects.find_by_id("test").expect("the project").no;
    let sub = stage.sub.parse().expect("an ID");
    let mut conn = stage.server.app.store.read().await.expect("a connection");
    let stored = vestibule_store::credentials::list_login_ids(&mut conn, no, sub).await.expect("the store");
    assert_eq!(stored.iter().map(|row| row.value.as_str()).collect::<Vec<_>>(), [VICTIM]);
}

// 4. Unexpired email change: the attacker begins to change the address of the account, and completes the change when the account is
//    the victim's. For a guest, that is a promotion that it has begun with its own address and code.

async fn a_promotion_that_the_attacker_began_cannot_be_completed_afterwards(engine: Engine) {
    let mut stage = Stage::set(engine).await;
    let mut attacker = stage.server.browser();
    attacker.open(&stage.client.promotion_url(&stage.client.promotion_code(&stage.guest).await)).await;
    identify(&mut attacker, ATTACKER).await;
    let code = stage.mailbox.next_code(ATTACKER).await;
    stage.victim_promotes().await;
    attacker.fill("Code", &code);
    attacker.press("Confirm").await;
    attacker.expect_page(409, "Your progress is saved already");
    let member = stage.deliver().await;
    let info = stage.client.user_info(&member.access).await.expect(200).json();
    assert_eq!(info["email"], VICTIM);
    let identities: Vec<&Value> = info[format!("{CLAIMS}/identities")].as_array().expect("a list").iter().collect();
    assert_eq!(identities.len(), 1, "{info}");
    // Nor does the attacker sign in with it.
    attacker.open(&stage.client.authorize_url(&[("prompt", "login")])).await;
    attacker.fill("Email address", ATTACKER);
    attacker.fill("Password", PASSWORD);
    attacker.press("Sign in").await;
    attacker.expect_page(422, "Welcome back");
}

// 5. Non-verifying identity provider: the attacker gets an account with the victim's address at a provider that does not verify it,
//    and an application believes the provider. Vestibule is the provider of its applications; external ones come with issue 19.

async fn an_address_that_was_not_verified_is_not_called_so_and_recovery_takes_it_back(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set("verification.claims.email.enabled", false)).await;
    let (client, mut attacker, mut mailbox) = (server.app_client(), server.browser(), server.mailbox());
    let guest = client.sign_up().await;
    attacker.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(&mut attacker, VICTIM).await;
    let tokens = client.finish(attacker.at_app()).await;
    let info = client.user_info(&tokens.access).await.expect(200).json();
    assert_eq!((&info["email"], &info["email_verified"]), (&json!(VICTIM), &json!(false)));
    assert_eq!(info[format!("{CLAIMS}/is_verified")], false);
    // The victim gets a mail about it, and recovers the address: the attacker is out.
    link_in(&mailbox.next_mail(VICTIM).await.text);
    let mut victim = server.browser();
    victim.open(&client.authorize_url(&[("prompt", "login")])).await;
    victim.follow("Forgot your password?").await;
    victim.fill("Email address", VICTIM);
    victim.press("Send a code").await;
    victim.fill("Code", &mailbox.next_code(VICTIM).await);
    victim.press("Confirm").await;
    victim.fill("Password", "another quiet harbor evening");
    victim.press("Save password").await;
    let own = client.finish(victim.at_app()).await;
    assert_eq!(client.user_info(&own.access).await.expect(200).json()["email_verified"], true);
    expect_ended(&client, &tokens).await;
    attacker.open(&client.authorize_url(&[("prompt", "login")])).await;
    attacker.fill("Email address", VICTIM);
    attacker.fill("Password", PASSWORD);
    attacker.press("Sign in").await;
    attacker.expect_page(422, "Welcome back");
}

on_both_engines!(
    an_address_belongs_to_no_one_before_its_code_is_entered,
    the_application_that_gets_the_code_keeps_a_limited_grant_for_five_minutes,
    delivering_the_tokens_ends_the_limited_grants,
    what_the_attacker_holds_by_cookie_ends_at_once,
    other_applications_of_the_guest_end_at_once,
    an_account_page_that_the_attacker_opened_gives_it_nothing,
    a_promotion_code_of_a_cookie_session_works_only_in_that_browser,
    the_page_and_a_mail_say_what_was_begun_elsewhere_and_one_click_ends_it,
    the_link_ends_what_was_delivered_too_and_expires,
    a_limited_grant_that_has_ended_is_removed,
    a_device_key_of_the_attacker_does_not_open_the_victims_account,
    the_attacker_cannot_add_a_login_id_with_what_it_keeps,
    a_promotion_that_the_attacker_began_cannot_be_completed_afterwards,
    an_address_that_was_not_verified_is_not_called_so_and_recovery_takes_it_back,
);
