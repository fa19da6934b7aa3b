//! A member's account page: names, login IDs, password, sessions, passkeys, deletion; and access control.

use serde_json::{Value, json};

use crate::{
    credentials::{LoginMethod, Person},
    support::{AppClient, Browser, Engine, Mailbox, Setup, SoftPasskey, TestServer, Tokens, on_both_engines},
};

pub(crate) const KIM: &str = "kim@shop.example";
pub(crate) const PASSWORD: &str = "violet tugboat marmalade";
const ACCOUNT: &str = "My account";
const CONFIRM: &str = "Confirm that it’s you";
const OUTSIDER: &str = "Sign in to see your account";

/// Enables every kind of login ID, with a password or passkey.
pub(crate) fn offer_everything(setup: &mut Setup) {
    let key = |kind: &str| {
        let mut key = toml::Table::new();
        key.insert("type".into(), kind.into());
        toml::Value::Table(key)
    };
    setup.set("identity.login_id.keys", ["email", "phone", "username"].map(key).to_vec());
    setup.set("authentication.primary_authenticators", vec!["password", "passkey"]);
}

/// A server with one member, Kim, signed in to a browser by cookie and to an app by tokens.
pub(crate) struct Scene {
    pub(crate) server: TestServer,
    pub(crate) client: AppClient,
    pub(crate) browser: Browser,
    pub(crate) mailbox: Mailbox,
    pub(crate) sub: String,
    pub(crate) tokens: Tokens,
}

impl Scene {
    pub(crate) async fn make(engine: Engine, change: impl FnOnce(&mut Setup)) -> Self {
        let server = TestServer::start(engine, |setup| {
            offer_everything(setup);
            change(setup);
        })
        .await;
        let client = server.app_client();
        let mut person = Person::new(&server, LoginMethod::EmailPassword);
        let mut elsewhere = server.browser();
        elsewhere.open(&client.authorize_url(&[("x_page", "signup")])).await;
        person.join(&mut elsewhere, KIM, "Create account").await;
        let tokens = client.finish(elsewhere.at_app()).await;
        let sub = client.subject(&tokens.access).await;
        let browser = server.browser();
        let mut scene = Self { client, browser, mailbox: person.mailbox, sub, tokens, server };
        scene.sign_in(KIM, PASSWORD).await;
        scene
    }

    /// Signs in to the account page itself.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) {
        self.browser.open("/settings/sign-in").await;
        self.browser.fill("Email address", email);
        self.browser.fill("Password", password);
        self.browser.press("Sign in").await;
        self.browser.expect_page(200, ACCOUNT);
    }

    async fn info(&self) -> Value {
        self.client.user_info(&self.tokens.access).await.expect(200).json()
    }

    /// Opens the first link of the overview below this path.
    async fn choose(&mut self, target: &str) {
        self.browser.open("/settings").await;
        let links = &self.browser.page().links;
        let link = links.iter().find(|(_, href)| href.starts_with(target));
        let href = link.unwrap_or_else(|| panic!("no link to {target}: {links:?}")).1.clone();
        self.browser.open(&href).await;
    }

    /// The link of the overview below this path whose page has this heading.
    async fn find(&mut self, target: &str, heading: &str) -> String {
        self.browser.open("/settings").await;
        let links = self.browser.page().links.clone();
        for (_, href) in links.iter().filter(|(_, href)| href.starts_with(target)) {
            self.browser.open(href).await;
            if self.browser.page().heading.starts_with(heading) {
                return href.clone();
            }
        }
        panic!("no page \"{heading}\" below {target}: {links:?}");
    }

    async fn enter_code(&mut self, to: &str) {
        let code = self.mailbox.next_code(to).await;
        self.browser.fill("Code", &code);
        self.browser.press("Confirm").await;
    }
}

async fn names_are_stored_and_sent_to_apps(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.choose("/settings/names").await;
    scene.browser.fill("First name (optional)", "  Kim ");
    scene.browser.fill("Last name (optional)", &"x".repeat(1_001));
    scene.browser.press("Save").await;
    let page = scene.browser.expect_page(422, "Your name");
    assert_eq!(page.problems.len(), 1);
    scene.browser.fill("Last name (optional)", "O’Hara");
    scene.browser.press("Save").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(page.text.contains("Kim O’Hara") && page.text.contains("Your profile is saved."), "{}", page.text);
    let info = scene.info().await;
    assert_eq!((&info["given_name"], &info["family_name"]), (&json!("Kim"), &json!("O’Hara")));
    scene.choose("/settings/names").await;
    scene.browser.fill("First name (optional)", "");
    scene.browser.fill("Last name (optional)", "");
    scene.browser.press("Save").await;
    assert!(scene.info().await.get("given_name").is_none());
}

async fn an_address_is_added_once_proved_and_signs_in(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.choose("/settings/identity/add?kind=email").await;
    scene.browser.fill("Email address", "kim@");
    scene.browser.press("Continue").await;
    scene.browser.expect_page(422, "Add an email address");
    scene.browser.fill("Email address", "kim@work.example");
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "Check your email");
    scene.browser.fill("Code", "000000");
    scene.browser.press("Confirm").await;
    scene.browser.expect_page(422, "Check your email");
    scene.enter_code("kim@work.example").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(page.text.contains("kim@work.example") && page.text.contains("Added to your account."));
    // Kim is notified at the mail address.
    let code_of_joining = scene.mailbox.next_mail(KIM).await;
    assert!(code_of_joining.text.contains("kim@work.example"), "{}", code_of_joining.text);
    scene.browser.forget();
    scene.sign_in("kim@work.example", PASSWORD).await;
}

async fn an_address_is_replaced_and_keeps_its_identity(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let before = scene.info().await;
    scene.choose("/settings/identity/change").await;
    let page = scene.browser.expect_page(200, "Change your email address");
    assert!(page.text.contains(KIM));
    scene.browser.fill("Email address", "Kim.New@shop.example");
    scene.browser.press("Continue").await;
    scene.enter_code("Kim.New@shop.example").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(page.text.contains("Kim.New@shop.example") && !page.text.contains(KIM), "{}", page.text);
    let mail = scene.mailbox.next_mail(KIM).await;
    assert!(mail.text.contains("Kim.New@shop.example"), "the old address hears of it: {}", mail.text);
    let after = scene.info().await;
    assert_eq!((&after["sub"], &after["email_verified"]), (&json!(scene.sub), &json!(true)));
    assert_ne!(after["email"], before["email"]);
    scene.browser.forget();
    scene.sign_in("kim.new@shop.example", PASSWORD).await;
}

async fn a_phone_number_and_a_username_are_added_and_removed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.choose("/settings/identity/add?kind=phone").await;
    scene.browser.fill("Phone number", "+49 1512 3456789");
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "Check your messages");
    scene.enter_code("+4915123456789").await;
    scene.browser.expect_page(200, ACCOUNT);
    scene.choose("/settings/identity/add?kind=username").await;
    scene.browser.fill("Username", "kim_o");
    scene.browser.press("Continue").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(page.links.iter().all(|(_, href)| href != "/settings/identity/add?kind=username"), "one is enough");
    assert_eq!(scene.info().await["preferred_username"], "kim_o");
    // The email address was added first; now it may be removed.
    let email = scene.find("/settings/identity/remove", &format!("Remove {KIM}")).await;
    scene.browser.open(&email).await;
    scene.browser.expect_page(200, &format!("Remove {KIM}?"));
    scene.browser.press("Remove").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(!page.text.contains(KIM) && page.text.contains("Removed from your account."), "{}", page.text);
    assert!(scene.info().await.get("email").is_none());
}

async fn the_last_login_method_stays_even_when_its_page_was_open(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.browser.open("/settings").await;
    let removal =
        |page: &[(String, String)]| page.iter().any(|(_, href)| href.starts_with("/settings/identity/remove"));
    assert!(!removal(&scene.browser.page().links), "the only one cannot be removed");
    scene.choose("/settings/identity/change").await;
    let target = scene.browser.url().as_str().replace("/change?", "/remove?");
    scene.browser.open(&target).await;
    scene.browser.press("Remove").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(page.text.contains("This is your only way to sign in"), "{}", page.text);
    assert!(page.text.contains(KIM));
}

async fn a_taken_address_is_reported_only_after_its_proof(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut lee = Person::new(&scene.server, LoginMethod::EmailPassword);
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("x_page", "signup")])).await;
    lee.join(&mut browser, "lee@shop.example", "Create account").await;
    browser.at_app();

    scene.choose("/settings/identity/add?kind=email").await;
    scene.browser.fill("Email address", "lee@shop.example");
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "Check your email");
    scene.mailbox.next_code("lee@shop.example").await;
    scene.enter_code("lee@shop.example").await;
    let page = scene.browser.expect_page(409, "Add an email address");
    assert_eq!(page.problems.len(), 1);
    scene.browser.fill("Email address", "lee2@shop.example");
    scene.browser.press("Continue").await;
    scene.enter_code("lee2@shop.example").await;
    scene.browser.expect_page(200, ACCOUNT);
}

async fn a_new_password_needs_the_old_one_and_ends_every_other_session(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.choose("/settings/password").await;
    for (current, new, problems) in [("wrong", "short", 2), (PASSWORD, PASSWORD, 1), ("", "another quiet harbour", 1)] {
        scene.browser.fill("Current password", current);
        scene.browser.fill("New password", new);
        scene.browser.press("Save password").await;
        let page = scene.browser.expect_page(422, "Change your password");
        assert_eq!(page.problems.len(), problems, "{current} {new}");
    }
    scene.browser.fill("Current password", PASSWORD);
    scene.browser.fill("New password", "another quiet harbour");
    scene.browser.press("Save password").await;
    scene.browser.expect_page(200, ACCOUNT);
    let mail = scene.mailbox.next_mail(KIM).await;
    assert!(mail.text.contains("password"), "{}", mail.text);
    scene.client.refresh(&scene.tokens.refresh).await.expect(400);
    let ended = scene.server.events("session.revoked").await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["payload"]["reason"], "password_change");
    scene.browser.forget();
    scene.sign_in(KIM, "another quiet harbour").await;
}

async fn an_apps_session_has_the_name_of_its_browser(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.browser.open("/settings").await;
    assert_eq!(scene.browser.expect_page(200, ACCOUNT).text.matches("Unknown device").count(), 2);
    scene.client.http.agent =
        Some("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36");
    let mut tab = Browser::new(scene.client.http.clone());
    tab.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    tab.fill("Email address", KIM);
    tab.fill("Password", PASSWORD);
    tab.press("Sign in").await;
    let tokens = scene.client.finish(tab.at_app()).await;
    let names = async |browser: &mut Browser| {
        browser.open("/settings").await;
        let text = &browser.expect_page(200, ACCOUNT).text;
        ["Unknown device", "Chrome · Linux"].map(|name| text.matches(name).count())
    };
    assert_eq!(names(&mut scene.browser).await, [2, 1]);
    // A refresh that does not describe the device keeps the name, also when a server sends it.
    scene.client.http.agent = None;
    scene.client.refresh(&tokens.refresh).await.expect(200);
    assert_eq!(names(&mut scene.browser).await, [2, 1]);
}

async fn sessions_are_listed_and_ended_one_by_one_or_all_at_once(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let first = scene.browser;
    scene.browser = scene.server.browser();
    scene.sign_in(KIM, PASSWORD).await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    let ids: Vec<_> =
        page.forms.iter().flat_map(|form| &form.fields).filter(|(name, _)| name == "session_id").collect();
    assert_eq!(ids.len(), 2, "the current one has no button: {ids:?}");
    assert!(page.text.contains("Corner Shop") && page.text.contains("This device"));
    let grant = ids.iter().find(|(_, id)| id.starts_with("grant:")).expect("the app's").1.clone();
    scene.browser.forge("session_id", &grant);
    scene.browser.press("Sign out").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(page.text.contains("Signed out on that device."));
    scene.client.refresh(&scene.tokens.refresh).await.expect(400);
    scene.browser.press("Sign out everywhere else").await;
    let page = scene.browser.expect_page(200, ACCOUNT);
    assert!(page.text.contains("Signed out everywhere else."));
    assert!(!page.text.contains("Sign out everywhere else"), "nobody is left");
    let mut first = first;
    first.open("/settings").await;
    first.expect_page(200, OUTSIDER);
    let reasons: Vec<Value> =
        scene.server.events("session.revoked").await.iter().map(|event| event["payload"]["reason"].clone()).collect();
    assert_eq!(reasons, [json!("user"), json!("user")]);
}

async fn sessions_of_other_users_cannot_be_ended(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let guest = scene.client.sign_up().await;
    let id = guest.refresh.split('.').next().expect("an id");
    scene.browser.open("/settings").await;
    scene.browser.forge("session_id", &format!("grant:{id}"));
    scene.browser.press("Sign out").await;
    scene.client.refresh(&guest.refresh).await.expect(200);
    scene.client.refresh(&scene.tokens.refresh).await.expect(200);
}

async fn members_and_guests_download_their_data(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let reply = scene.browser.fetch("/settings/export").await.expect(200);
    assert_eq!(reply.headers["content-disposition"], "attachment; filename=\"account.json\"");
    assert_eq!(reply.headers["cache-control"], "no-store");
    let data = reply.json();
    assert_eq!((&data["id"], &data["is_guest"]), (&json!(scene.sub), &json!(false)));
    assert_eq!(data["identities"][0]["claims"]["email"], KIM);
    assert!(data["sessions"].as_array().is_some_and(|all| all.len() >= 2), "{data}");
    let text = data.to_string();
    assert!(!text.contains("argon2") && !text.contains(&scene.tokens.refresh), "{text}");
    let admin = crate::support::Admin::of(&scene.server).await;
    let hold = json!({"owner": "orders", "reason": "Order 4711", "expires_at": "2031-01-31T12:00:00Z"});
    admin.post(&format!("/users/{}/holds", scene.sub), &hold).await.expect(201);
    let data = scene.browser.fetch("/settings/export").await.expect(200).json();
    assert_eq!((&data["holds"][0]["owner"], &data["holds"][0]["reason"]), (&hold["owner"], &hold["reason"]));
    // A member proves first that it is there.
    scene.server.clock.advance_seconds(301);
    assert_eq!(scene.browser.fetch("/settings/export").await.status, 303);
    let cookie = crate::lifetimes::sign_up_cookie(&scene.server).await;
    let request = scene.server.http().request(reqwest::Method::GET, "/settings/export");
    let data = crate::support::Reply::of(request.header("cookie", cookie)).await.expect(200).json();
    assert_eq!((&data["is_guest"], &data["sessions"][0]["type"]), (&json!(true), &json!("cookie")));
    let outside = scene.server.http().request(reqwest::Method::GET, "/settings/export");
    assert_eq!(crate::support::Reply::of(outside).await.status, 302, "asks to sign in");
}

async fn an_account_is_deleted_by_who_types_its_name(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.choose("/settings/delete").await;
    scene.browser.expect_page(200, "Delete your account?");
    let label = format!("To confirm, type {KIM}");
    scene.browser.fill(&label, "kim");
    scene.browser.press("Delete my account").await;
    scene.browser.expect_page(422, "Delete your account?");
    scene.browser.fill(&label, " KIM@shop.example");
    scene.browser.press("Delete my account").await;
    scene.browser.expect_page(200, "You are signed out");
    assert_eq!(scene.browser.cookie("session"), None);
    scene.client.refresh(&scene.tokens.refresh).await.expect(400);
    scene.client.user_info(&scene.tokens.access).await.expect(401);
    let deleted = scene.server.events("user.deleted").await;
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0]["payload"]["user"]["id"], scene.sub.as_str());
    // The address is free again.
    let mut person = Person { mailbox: scene.mailbox, ..Person::new(&scene.server, LoginMethod::EmailPassword) };
    scene.browser.open(&scene.client.authorize_url(&[("x_page", "signup")])).await;
    person.join(&mut scene.browser, KIM, "Create account").await;
    scene.browser.at_app();
}

async fn delicate_changes_ask_for_the_password_after_a_while(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.server.clock.advance_seconds(301);
    for page in ["/settings/identity/add?kind=phone", "/settings/delete", "/settings/passkeys"] {
        scene.browser.open(page).await;
        scene.browser.expect_page(200, CONFIRM);
    }
    // Pages without reauthentication, or with their own, open directly.
    for (page, heading) in [("/settings/names", "Your name"), ("/settings/password", "Change your password")] {
        scene.browser.open(page).await;
        scene.browser.expect_page(200, heading);
    }
    scene.browser.open("/settings/delete").await;
    scene.browser.fill("Password", "wrong");
    scene.browser.press("Continue").await;
    scene.browser.expect_page(422, CONFIRM);
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, "Delete your account?");
    // A form that was open for too long requires reauthentication too.
    scene.server.clock.advance_seconds(301);
    scene.browser.fill(&format!("To confirm, type {KIM}"), KIM);
    scene.browser.press("Delete my account").await;
    scene.browser.expect_page(200, CONFIRM);
    scene.browser.open("/settings/confirm?next=https%3A%2F%2Fevil.test%2F").await;
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, ACCOUNT);
}

async fn who_forgot_the_password_proves_by_a_code(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.server.clock.advance_seconds(301);
    scene.browser.open("/settings/delete").await;
    scene.browser.follow("Sign in with a code instead").await;
    let page = scene.browser.expect_page(200, CONFIRM);
    assert!(page.text.contains("k•••@shop.example") && !page.text.contains(KIM), "{}", page.text);
    scene.browser.press("Send a code").await;
    scene.browser.expect_page(200, "Check your email");
    scene.enter_code(KIM).await;
    scene.browser.expect_page(200, "Delete your account?");
}

async fn a_passkey_is_made_used_as_proof_and_removed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut passkey = SoftPasskey::new();
    scene.choose("/settings/passkeys").await;
    scene.browser.expect_page(200, "Passkeys");
    // A passkey without user verification is not accepted.
    let mut careless = SoftPasskey::careless();
    scene.browser.answer_passkey(|options, origin| careless.create(options, origin)).await;
    scene.browser.expect_page(422, "Passkeys");
    scene.browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    let page = scene.browser.expect_page(200, "Passkeys");
    assert!(page.text.contains("Your passkey is ready to use."), "{}", page.text);
    scene.server.clock.advance_seconds(301);
    scene.browser.open("/settings/passkeys").await;
    scene.browser.expect_page(200, CONFIRM);
    scene.browser.answer_passkey(|options, origin| passkey.get(options, origin)).await;
    scene.browser.expect_page(200, "Passkeys");
    scene.browser.press("Remove").await;
    let page = scene.browser.expect_page(200, "Passkeys");
    assert!(page.text.contains("Passkey removed."), "{}", page.text);
    scene.browser.open("/settings").await;
    assert!(scene.browser.page().text.contains("None yet"), "{}", scene.browser.page().text);
}

async fn a_passkey_is_named_and_renamed(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut passkey = SoftPasskey::new();
    scene.choose("/settings/passkeys").await;
    scene.browser.answer_passkey(|options, origin| passkey.create(options, origin)).await;
    scene.browser.follow("Rename").await;
    scene.browser.expect_page(200, "Rename passkey");
    scene.browser.fill("Name of the passkey (optional)", &"x".repeat(1_001));
    scene.browser.press("Save").await;
    let page = scene.browser.expect_page(422, "Rename passkey");
    assert_eq!(page.problems.len(), 1);
    scene.browser.fill("Name of the passkey (optional)", " Blue <key> ");
    scene.browser.press("Save").await;
    let page = scene.browser.expect_page(200, "Passkeys");
    assert!(page.text.contains("Blue <key>") && page.text.contains("The name is saved."), "{}", page.text);
    scene.browser.follow("Rename").await;
    let href = scene.browser.url().to_string();
    scene.browser.fill("Name of the passkey (optional)", "");
    scene.browser.press("Save").await;
    assert!(!scene.browser.expect_page(200, "Passkeys").text.contains("Blue"));

    // Another user's is not accepted, nor a forged form.
    let mut lee = Person::new(&scene.server, LoginMethod::EmailPassword);
    let mut other = scene.server.browser();
    other.open(&scene.client.authorize_url(&[("x_page", "signup"), ("x_sso_enabled", "true")])).await;
    lee.join(&mut other, "lee@shop.example", "Create account").await;
    other.open(&href).await;
    other.expect_page(200, "Passkeys");
    scene.browser.open(&href).await;
    scene.browser.forge("_csrf", "forged");
    scene.browser.fill("Name of the passkey (optional)", "Mine now");
    scene.browser.press("Save").await;
    let page = scene.browser.expect_page(200, "Rename passkey");
    assert!(page.text.contains("nothing was sent"), "{}", page.text);
    scene.browser.open("/settings/passkeys").await;
    assert!(!scene.browser.expect_page(200, "Passkeys").text.contains("Mine now"));
}

async fn a_guest_may_delete_itself(engine: Engine) {
    let server = TestServer::start(engine, offer_everything).await;
    let mut guest = server.browser();
    guest.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let sub = guest.fetch("/oauth2/userinfo").await.expect(200).json()["sub"].clone();
    // A guest may have been signed in for long: its session is the only proof.
    server.clock.advance_seconds(1_000);
    let session = guest.cookie("session").expect("a session").to_string();
    guest.open("/settings").await;
    guest.follow("Delete my guest session").await;
    guest.expect_page(200, "Delete your guest session?");
    guest.fill("To confirm, type delete", "no");
    guest.press("Delete my guest session").await;
    guest.expect_page(422, "Delete your guest session?");
    guest.forge("_csrf", "forged");
    guest.fill("To confirm, type delete", "delete");
    guest.press("Delete my guest session").await;
    let page = guest.expect_page(200, "Delete your guest session?");
    assert!(page.text.contains("nothing was sent"), "{}", page.text);
    guest.fetch("/oauth2/userinfo").await.expect(200);
    guest.fill("To confirm, type delete", "delete");
    guest.press("Delete my guest session").await;
    guest.expect_page(200, "You are signed out");
    assert_eq!(guest.cookie("session"), None);
    guest.set_cookie("session", &session);
    guest.fetch("/oauth2/userinfo").await.expect(401);
    let deleted = server.events("user.deleted").await;
    assert_eq!(deleted.len(), 1);
    assert_eq!(
        (&deleted[0]["payload"]["user"]["id"], &deleted[0]["payload"]["user"]["is_anonymous"]),
        (&sub, &json!(true))
    );
}

async fn a_forged_form_changes_nothing(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let mut other = scene.server.browser();
    std::mem::swap(&mut scene.browser, &mut other);
    scene.sign_in(KIM, PASSWORD).await;
    let stolen = scene.browser.page().forms[0].fields[0].1.clone();
    std::mem::swap(&mut scene.browser, &mut other);
    scene.choose("/settings/names").await;
    scene.browser.forge("_csrf", &stolen);
    scene.browser.fill("First name (optional)", "Mallory");
    scene.browser.press("Save").await;
    let page = scene.browser.expect_page(200, "Your name");
    assert!(page.text.contains("nothing was sent"), "{}", page.text);
    assert!(scene.info().await.get("given_name").is_none());
}

async fn guests_and_signed_out_visitors_are_redirected_to_the_overview(engine: Engine) {
    let server = TestServer::start(engine, offer_everything).await;
    let mut guest = server.browser();
    guest.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
    let mut anonymous = server.browser();
    for page in [
        "names",
        "password",
        "identity/add?kind=email",
        "identity/change",
        "identity/verify",
        "identity/remove",
        "code",
        "confirm",
        "passkeys",
        "passkeys/name",
        "sessions",
        "identities",
        "identity",
        "anything/else",
    ] {
        let page = format!("/settings/{page}");
        guest.open(&page).await;
        assert_eq!(guest.url().as_str(), format!("{}/settings", server.origin), "{page}");
        guest.expect_page(200, "You are a guest");
        anonymous.open(&page).await;
        anonymous.expect_page(200, OUTSIDER);
    }
}

async fn a_sign_in_returns_to_the_page_that_was_requested(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    for (requested, lands) in [
        ("/settings", "/settings"),
        ("/settings/passkeys", "/settings/passkeys"),
        ("/.well-known/change-password", "/settings/password"),
        ("/settings/identity/add?kind=phone", "/settings/identity/add?kind=phone"),
        ("/settings?next=https%3A%2F%2Fevil.test%2F", "/settings"),
        ("/settings?next=%2Fsettings%2F..%2Flogout", "/settings"),
    ] {
        let mut browser = scene.server.browser();
        browser.open(requested).await;
        browser.expect_page(200, OUTSIDER);
        browser.follow("Sign in").await;
        browser.expect_page(200, "Welcome back");
        browser.fill("Email address", KIM);
        browser.fill("Password", PASSWORD);
        browser.press("Sign in").await;
        assert_eq!(browser.url().as_str(), format!("{}{lands}", scene.server.origin), "{requested}");
        assert_eq!(browser.reply().status, 200);
    }
    // A user who cancels is asked again, without an error.
    let mut browser = scene.server.browser();
    browser.open("/settings/passkeys").await;
    browser.follow("Sign in").await;
    browser.follow("Not now, back to Corner Shop").await;
    browser.expect_page(200, OUTSIDER);
}

async fn a_settings_action_belongs_to_its_member(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    scene.choose("/settings/identity/add?kind=email").await;
    scene.browser.fill("Email address", "more@shop.example");
    scene.browser.press("Continue").await;
    let settings_action = scene.browser.url().to_string();
    let mut lee = Person::new(&scene.server, LoginMethod::EmailPassword);
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("x_page", "signup"), ("x_sso_enabled", "true")])).await;
    lee.join(&mut browser, "lee@shop.example", "Create account").await;
    browser.open(&settings_action).await;
    browser.expect_page(410, "This page has expired");
    // It also expires.
    scene.server.clock.advance_seconds(1501);
    scene.browser.reload().await;
    assert_eq!(scene.browser.reply().status, 410);
}

on_both_engines!(
    names_are_stored_and_sent_to_apps,
    an_address_is_added_once_proved_and_signs_in,
    an_address_is_replaced_and_keeps_its_identity,
    a_phone_number_and_a_username_are_added_and_removed,
    the_last_login_method_stays_even_when_its_page_was_open,
    a_taken_address_is_reported_only_after_its_proof,
    a_new_password_needs_the_old_one_and_ends_every_other_session,
    an_apps_session_has_the_name_of_its_browser,
    sessions_are_listed_and_ended_one_by_one_or_all_at_once,
    sessions_of_other_users_cannot_be_ended,
    members_and_guests_download_their_data,
    an_account_is_deleted_by_who_types_its_name,
    delicate_changes_ask_for_the_password_after_a_while,
    who_forgot_the_password_proves_by_a_code,
    a_passkey_is_made_used_as_proof_and_removed,
    a_passkey_is_named_and_renamed,
    a_guest_may_delete_itself,
    a_forged_form_changes_nothing,
    guests_and_signed_out_visitors_are_redirected_to_the_overview,
    a_sign_in_returns_to_the_page_that_was_requested,
    a_settings_action_belongs_to_its_member,
);
