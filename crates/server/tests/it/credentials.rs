//! Promotion by every credential, for every kind of guest, with every case of a taken login ID.

use serde_json::{Value, json};

use crate::{
    promotion::cookie_promotion_url,
    support::{
        AppClient, Browser, Device, Engine, Mailbox, Platform, Reply, Setup, SoftPasskey, TestServer, Tokens,
        on_both_engines,
    },
};

const PASSWORD: &str = "violet tugboat marmalade";
const IS_ANONYMOUS: &str = "https://authgear.com/claims/user/is_anonymous";

/// A credential for joining and signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginMethod {
    EmailPassword,
    EmailCode,
    PhoneCode,
    UsernamePassword,
    Passkey,
}

impl LoginMethod {
    pub(crate) const ALL: [Self; 5] =
        [Self::EmailPassword, Self::EmailCode, Self::PhoneCode, Self::UsernamePassword, Self::Passkey];

    /// Configures the project with this login method only.
    pub(crate) fn set(self, setup: &mut Setup) {
        let (kind, methods) = match self {
            Self::EmailPassword => ("email", vec!["password"]),
            Self::EmailCode => ("email", vec!["oob_otp_email"]),
            Self::PhoneCode => ("phone", vec!["oob_otp_sms"]),
            Self::UsernamePassword => ("username", vec!["password"]),
            Self::Passkey => ("email", vec!["passkey"]),
        };
        let mut key = toml::Table::new();
        key.insert("type".into(), kind.into());
        setup.set("identity.login_id.keys", vec![toml::Value::Table(key)]);
        setup.set("authentication.primary_authenticators", methods);
        if self == Self::Passkey {
            setup.set("authentication.identities", vec!["anonymous", "passkey"]);
        }
    }

    pub(crate) fn login_ids(self) -> [&'static str; 2] {
        match self {
            Self::EmailPassword | Self::EmailCode => ["kim@shop.example", "lee@shop.example"],
            Self::PhoneCode => ["+4915123456789", "+4915123456780"],
            Self::UsernamePassword => ["kim", "lee-2"],
            Self::Passkey => ["first", "second"],
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::EmailPassword | Self::EmailCode | Self::Passkey => "Email address",
            Self::PhoneCode => "Phone number",
            Self::UsernamePassword => "Username",
        }
    }

    pub(crate) fn has_password(self) -> bool {
        matches!(self, Self::EmailPassword | Self::UsernamePassword)
    }

    pub(crate) fn has_code(self) -> bool {
        matches!(self, Self::EmailPassword | Self::EmailCode | Self::PhoneCode)
    }
}

/// A user with all its credentials.
pub(crate) struct Person {
    pub(crate) method: LoginMethod,
    pub(crate) passkey: SoftPasskey,
    pub(crate) mailbox: Mailbox,
}

impl Person {
    pub(crate) fn new(server: &TestServer, method: LoginMethod) -> Self {
        Self { method, passkey: SoftPasskey::new(), mailbox: server.mailbox() }
    }

    /// Joins on the browser's page; `button` is the label beside a password.
    pub(crate) async fn join(&mut self, browser: &mut Browser, login_id: &str, button: &str) {
        if self.method == LoginMethod::Passkey {
            return browser.answer_passkey(|options, origin| self.passkey.create(options, origin)).await;
        }
        browser.fill(self.method.label(), login_id);
        if self.method.has_password() {
            browser.fill("Password", PASSWORD);
        }
        browser.press(if self.method.has_password() { button } else { "Continue" }).await;
        if self.method.has_code() {
            browser.fill("Code", &self.mailbox.next_code(login_id).await);
            browser.press("Confirm").await;
        }
    }

    /// Signs in on the browser's page.
    pub(crate) async fn log_in(&mut self, browser: &mut Browser, login_id: &str) {
        browser.expect_page(200, "Welcome back");
        if self.method == LoginMethod::Passkey {
            return browser.answer_passkey(|options, origin| self.passkey.get(options, origin)).await;
        }
        browser.fill(self.method.label(), login_id);
        if self.method.has_password() {
            browser.fill("Password", PASSWORD);
            browser.press("Sign in").await;
        } else {
            browser.press("Continue").await;
            browser.fill("Code", &self.mailbox.next_code(login_id).await);
            browser.press("Confirm").await;
        }
    }
}

/// A guest of one of the three kinds, with its credential.
pub(crate) enum Guest {
    Token(AppClient, Tokens),
    Cookie(AppClient),
    Key(Box<Device>),
}

impl Guest {
    pub(crate) async fn all(server: &TestServer, browser: &mut Browser) -> Vec<Self> {
        let client = server.app_client();
        let tokens = client.sign_up().await;
        browser.fetch_json("/api/anonymous_user/signup", &json!({ "session_type": "cookie" })).await.result();
        let mut device = Device::new(server, Platform::Android);
        device.authenticate().await;
        vec![Self::Token(client.clone(), tokens), Self::Cookie(client), Self::Key(Box::new(device))]
    }

    /// The browser it continues with: a cookie guest has one already.
    pub(crate) fn browser(&self, server: &TestServer, with_cookie: &mut Browser) -> Browser {
        match self {
            Self::Cookie(_) => std::mem::replace(with_cookie, server.browser()),
            Self::Token(..) | Self::Key(_) => server.browser(),
        }
    }

    /// UserInfo by the guest's own credential, `None` when it is invalid.
    pub(crate) async fn look(&self, browser: &mut Browser) -> Option<Value> {
        let reply = match self {
            Self::Token(client, tokens) => client.user_info(&tokens.access).await,
            Self::Cookie(_) => browser.fetch("/oauth2/userinfo").await,
            Self::Key(device) => server_info(device).await,
        };
        (reply.status == 200).then(|| reply.json())
    }

    pub(crate) async fn open_promotion(&self, browser: &mut Browser) {
        let url = match self {
            Self::Token(client, tokens) => client.promotion_url(&client.promotion_code(tokens).await),
            Self::Cookie(client) => cookie_promotion_url(client, browser).await,
            Self::Key(device) => device.promotion_url().await,
        };
        browser.open(&url).await;
    }

    /// What the app receives after the promotion.
    pub(crate) async fn finish(&mut self, browser: &mut Browser) -> Value {
        let landing = browser.at_app().clone();
        match self {
            Self::Token(client, _) => {
                let member = client.finish(&landing).await;
                client.user_info(&member.access).await.expect(200).json()
            }
            Self::Cookie(_) => browser.fetch("/oauth2/userinfo").await.expect(200).json(),
            Self::Key(device) => Value::Object(device.finish_promotion(&landing).await),
        }
    }
}

async fn server_info(device: &Device) -> Reply {
    let target = format!("{}/oauth2/userinfo", device.http.origin);
    let request = device.http.request(reqwest::Method::GET, "/oauth2/userinfo");
    let request = request.header("dpop", device.proof("GET", &target)).bearer_auth(&device.held().access);
    Reply::of(request).await
}

fn flag(info: &Value) -> bool {
    info[IS_ANONYMOUS].as_bool().expect("a flag")
}

async fn every_guest_is_promoted_by_every_credential(engine: Engine) {
    for method in LoginMethod::ALL {
        let server = TestServer::start(engine, |setup| method.set(setup)).await;
        let mut browser = server.browser();
        let guests = Guest::all(&server, &mut browser).await;
        for (number, mut guest) in guests.into_iter().enumerate() {
            let mut person = Person::new(&server, method);
            let mut own = guest.browser(&server, &mut browser);
            let before = guest.look(&mut own).await.expect("a guest");
            guest.open_promotion(&mut own).await;
            own.expect_page(200, "Save your progress");
            let login_id = ["+4915123456781", "+4915123456782", "+4915123456783"][number];
            let login_id = match method {
                LoginMethod::PhoneCode => login_id.to_string(),
                LoginMethod::UsernamePassword => format!("kim-{number}"),
                LoginMethod::EmailPassword | LoginMethod::EmailCode | LoginMethod::Passkey => {
                    format!("kim{number}@shop.example")
                }
            };
            person.join(&mut own, &login_id, "Save my progress").await;
            let right_away = guest.look(&mut own).await.expect("the guest's own credential still works");
            // What tokens show is the guest, until the app has those of the member.
            let shows_guest = !matches!(guest, Guest::Cookie(_));
            assert_eq!(flag(&right_away), shows_guest, "{method:?} {number}: at once");
            let after = guest.finish(&mut own).await;
            assert_eq!((&after["sub"], flag(&after)), (&before["sub"], false), "{method:?} {number}");
            let methods: Vec<_> = after["https://authgear.com/claims/user/authenticators"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|a| a["type"].clone())
                .collect();
            let expected = match method {
                LoginMethod::EmailPassword | LoginMethod::UsernamePassword => "password",
                LoginMethod::EmailCode => "oob_otp_email",
                LoginMethod::PhoneCode => "oob_otp_sms",
                LoginMethod::Passkey => "passkey",
            };
            assert_eq!(methods, [expected], "{method:?}");

            // And signs in again.
            let mut elsewhere = server.browser();
            let client = server.app_client();
            elsewhere.open(&client.authorize_url(&[("prompt", "login")])).await;
            person.log_in(&mut elsewhere, &login_id).await;
            let back = client.finish(elsewhere.at_app()).await;
            assert_eq!(json!(client.subject(&back.access).await), before["sub"], "{method:?} {number}");
        }
        assert_eq!(server.events("user.anonymous.promoted").await.len(), 3, "{method:?}: one each");
    }
}

/// Creates a member with the first of the login IDs, by sign-up.
pub(crate) async fn make_member(server: &TestServer, method: LoginMethod) -> (Person, String) {
    let (mut person, client, mut browser) = (Person::new(server, method), server.app_client(), server.browser());
    browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
    browser.expect_page(200, "Create your account");
    person.join(&mut browser, method.login_ids()[0], "Create account").await;
    let member = client.finish(browser.at_app()).await;
    let sub = client.subject(&member.access).await;
    (person, sub)
}

async fn a_taken_login_id_ends_in_an_error_and_another_one_helps(engine: Engine) {
    for method in LoginMethod::ALL {
        let server = TestServer::start(engine, |setup| method.set(setup)).await;
        let (_member, _) = make_member(&server, method).await;
        let mut browser = server.browser();
        for (number, mut guest) in Guest::all(&server, &mut browser).await.into_iter().enumerate() {
            let mut own = guest.browser(&server, &mut browser);
            let before = guest.look(&mut own).await.expect("a guest");
            let mut person = Person::new(&server, method);
            guest.open_promotion(&mut own).await;
            if method == LoginMethod::Passkey {
                // A new passkey is never taken.
                own.follow("Sign in instead").await;
                own.expect_page(200, "Sign in instead?");
                own.follow("Go back and save my progress").await;
                person.join(&mut own, "", "Save my progress").await;
            } else {
                if method.has_code() {
                    // The mailbox counts from the beginning; the member's own code was read already.
                    for _ in 0..=number {
                        person.mailbox.next_code(method.login_ids()[0]).await;
                    }
                }
                person.join(&mut own, method.login_ids()[0], "Save my progress").await;
                if method.has_code() {
                    own.expect_page(409, "You already have an account");
                    own.follow("Use a different login").await;
                } else {
                    let page = own.expect_page(422, "Save your progress");
                    assert!(page.problem("login_id").expect("a complaint").contains("taken"));
                }
                let still = guest.look(&mut own).await.expect("untouched");
                assert_eq!((&still["sub"], flag(&still)), (&before["sub"], true), "{method:?}");
                let another = format!("{}{number}", method.login_ids()[1]);
                let another = match method {
                    LoginMethod::EmailPassword | LoginMethod::EmailCode => format!("lee{number}@shop.example"),
                    LoginMethod::PhoneCode => format!("+491512345677{number}"),
                    LoginMethod::UsernamePassword | LoginMethod::Passkey => another,
                };
                person.join(&mut own, &another, "Save my progress").await;
            }
            let after = guest.finish(&mut own).await;
            assert_eq!((&after["sub"], flag(&after)), (&before["sub"], false), "{method:?}");
        }
    }
}

async fn a_guest_yields_to_the_member_that_signs_in(engine: Engine) {
    for method in LoginMethod::ALL {
        let server = TestServer::start(engine, |setup| {
            method.set(setup);
            setup.set("identity.on_conflict.promotion", "login");
        })
        .await;
        let (mut member, member_sub) = make_member(&server, method).await;
        let login_id = method.login_ids()[0];
        let mut browser = server.browser();
        for mut guest in Guest::all(&server, &mut browser).await {
            let mut own = guest.browser(&server, &mut browser);
            let before = guest.look(&mut own).await.expect("a guest");
            let old_session = own.cookie("session").map(str::to_string);
            let (kid, key_refresh) = match &guest {
                Guest::Key(device) => (device.kid.clone().expect("a key id"), device.held().refresh.clone()),
                Guest::Token(..) | Guest::Cookie(_) => Default::default(),
            };
            guest.open_promotion(&mut own).await;
            if method == LoginMethod::Passkey {
                own.follow("Sign in instead").await;
                own.follow("Sign in without my guest progress").await;
                member.log_in(&mut own, login_id).await;
            } else {
                member.join(&mut own, login_id, "Save my progress").await;
                own.expect_page(if method.has_code() { 409 } else { 200 }, "You already have an account");
                let still = guest.look(&mut own).await.expect("untouched before the choice");
                assert_eq!((&still["sub"], flag(&still)), (&before["sub"], true), "{method:?}");
                own.follow("Sign in to that account").await;
                if method.has_password() {
                    member.log_in(&mut own, login_id).await;
                } else {
                    // The code that verified the address also signs in to the account.
                    own.expect_page(200, "Continue with this account?");
                    own.press("Continue").await;
                }
            }
            let after = guest.finish(&mut own).await;
            assert_eq!((&after["sub"], flag(&after)), (&json!(member_sub), false), "{method:?}");
            match &guest {
                Guest::Token(client, tokens) => {
                    client.refresh(&tokens.refresh).await.expect(400);
                    assert_ne!(client.user_info(&tokens.access).await.status, 200, "the guest's tokens are dead");
                }
                Guest::Cookie(_) => {
                    let mut thief = server.browser();
                    thief.set_cookie("session", &old_session.expect("a session"));
                    assert_eq!(thief.fetch("/oauth2/userinfo").await.status, 401);
                }
                Guest::Key(device) => {
                    let refresh = [("grant_type", "refresh_token"), ("refresh_token", key_refresh.as_str())];
                    device.token(&refresh, true).await.expect(400);
                    let jwt = device.sign("auth", &device.challenge().await, &kid, false);
                    device.present(&jwt).await.expect_oauth_error(
                        400,
                        "invalid_grant",
                        "the account of this key was promoted: sign in with its login ID instead",
                    );
                }
            }
            let reported = server.events("user.anonymous.promoted").await;
            let last = reported.last().expect("an event");
            let payload = &last["payload"];
            assert_eq!(
                (&payload["anonymous_user"]["id"], &payload["user"]["id"]),
                (&before["sub"], &json!(member_sub))
            );
        }
        assert_eq!(server.events("user.anonymous.promoted").await.len(), 3, "{method:?}: one each");
        // The guests' sessions ended, with events: a grant, a cookie session, a grant.
        assert_eq!(super::rotation::revocations(&server).await, ["promotion"; 3], "{method:?}");
        // The member's own sessions of the same application are unaffected.
        assert_eq!(server.events("user.authenticated").await.len(), 0, "{method:?}");
    }
}

async fn a_member_signs_in_and_leaves_the_guest_as_it_was(engine: Engine) {
    for method in LoginMethod::ALL {
        let server = TestServer::start(engine, |setup| method.set(setup)).await;
        let (mut member, member_sub) = make_member(&server, method).await;
        let login_id = method.login_ids()[0];
        let mut browser = server.browser();
        for mut guest in Guest::all(&server, &mut browser).await {
            let mut own = guest.browser(&server, &mut browser);
            let before = guest.look(&mut own).await.expect("a guest");
            guest.open_promotion(&mut own).await;
            if method.has_code() {
                // From the page that says, after verification, that the address is taken.
                member.join(&mut own, login_id, "Save my progress").await;
                let page = own.expect_page(409, "You already have an account");
                assert!(page.text.contains("your guest data then stays behind"), "{}", page.text);
                own.follow("Sign in to that account").await;
            } else {
                own.follow("Sign in instead").await;
                own.follow("Sign in without my guest progress").await;
            }
            if method.has_code() && !method.has_password() {
                // The code that verified the address also signs in to the account.
                own.expect_page(200, "Continue with this account?");
                own.press("Continue").await;
            } else {
                member.log_in(&mut own, login_id).await;
            }
            // The guest is unchanged: an app that ignores the response continues with it.
            if !matches!(guest, Guest::Cookie(_)) {
                let still = guest.look(&mut own).await.expect("untouched");
                assert_eq!((&still["sub"], flag(&still)), (&before["sub"], true), "{method:?}");
            }
            let earlier = match &guest {
                Guest::Token(_, tokens) => Some(tokens.refresh.clone()),
                Guest::Cookie(_) | Guest::Key(_) => None,
            };
            let after = guest.finish(&mut own).await;
            assert_eq!((&after["sub"], flag(&after)), (&json!(member_sub), false), "{method:?}");
            if let Some(earlier) = earlier {
                let tokens = server.app_client().refresh(&earlier).await.expect(200).json();
                let access = tokens["access_token"].as_str().expect("a token");
                assert_eq!(json!(server.app_client().subject(access).await), before["sub"], "{method:?}");
            }
        }
        assert_eq!(server.events("user.authenticated").await.len(), 3, "{method:?}: one each");
        assert_eq!(server.events("user.anonymous.promoted").await.len(), 0, "{method:?}");
        assert!(super::rotation::revocations(&server).await.is_empty(), "{method:?}");
    }
}

async fn a_passkey_is_offered_to_who_joins_and_can_be_skipped(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set("authentication.primary_authenticators", vec!["password", "passkey"]);
        setup.set("authentication.passkey_offer_enabled", true);
    })
    .await;
    let client = server.app_client();
    let mut person = Person::new(&server, LoginMethod::EmailPassword);
    for (login_id, takes_it) in [("kim@shop.example", true), ("lee@shop.example", false)] {
        let guest = client.sign_up().await;
        let mut browser = server.browser();
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        person.join(&mut browser, login_id, "Save my progress").await;
        browser.expect_page(200, "Sign in without a password");
        // A reload asks again; a forged click does nothing, nor does the link in another browser.
        browser.reload().await;
        let mut outsider = server.browser();
        outsider.open(browser.url().as_str()).await;
        assert_eq!(outsider.reply().status, 403);
        browser.forge("_csrf", "forged");
        browser.press("Maybe later").await;
        browser.expect_page(403, "Sign in without a password");
        if takes_it {
            browser.answer_passkey(|options, origin| person.passkey.create(options, origin)).await;
        } else {
            browser.press("Maybe later").await;
        }
        let member = client.finish(browser.at_app()).await;
        let info = client.user_info(&member.access).await.expect(200).json();
        assert!(!flag(&info));
        let methods = info["https://authgear.com/claims/user/authenticators"].as_array().expect("a list").len();
        assert_eq!(methods, if takes_it { 2 } else { 1 });
    }
    let mut elsewhere = server.browser();
    elsewhere.open(&client.authorize_url(&[("prompt", "login")])).await;
    elsewhere.answer_passkey(|options, origin| person.passkey.get(options, origin)).await;
    client.finish(elsewhere.at_app()).await;

    // A user whose address is taken learns it before creating a useless passkey.
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    person.join(&mut browser, "kim@shop.example", "Save my progress").await;
    browser.expect_page(200, "You already have an account");
}

on_both_engines!(
    a_passkey_is_offered_to_who_joins_and_can_be_skipped,
    every_guest_is_promoted_by_every_credential,
    a_taken_login_id_ends_in_an_error_and_another_one_helps,
    a_guest_yields_to_the_member_that_signs_in,
    a_member_signs_in_and_leaves_the_guest_as_it_was,
);
