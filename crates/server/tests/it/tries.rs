//! Guessing and concurrency: limits that hold under concurrency and across restarts, races with one winner.

use aws_lc_rs::hmac;
use axum::{Router, extract::State, http::HeaderMap, routing::post};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

use crate::{
    credentials::{LoginMethod, Person},
    guest_journey::identify,
    support::{Browser, Engine, Reply, SoftPasskey, TestServer, on_both_engines},
};

const KIM: &str = "kim@shop.example";
const PASSWORD: &str = "violet tugboat marmalade";

pub(crate) async fn make_kim(server: &TestServer) {
    let (client, mut browser) = (server.app_client(), server.browser());
    browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
    Person::new(server, LoginMethod::EmailPassword).join(&mut browser, KIM, "Create account").await;
    client.finish(browser.at_app()).await;
}

pub(crate) async fn open_login(server: &TestServer) -> Browser {
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[])).await;
    browser.expect_page(200, "Welcome back");
    browser
}

pub(crate) async fn try_password(mut browser: Browser, password: &str) -> Browser {
    browser.fill("Email address", KIM);
    browser.fill("Password", password);
    browser.press("Sign in").await;
    browser
}

async fn a_crowd_of_guesses_learns_no_more_than_the_limit(engine: Engine) {
    let mut server = TestServer::start(engine, |setup| {
        setup.set("authentication.rate_limits.password.per_user.burst", 5);
    })
    .await;
    make_kim(&server).await;
    let mut crowd = JoinSet::new();
    for number in 0..20 {
        let browser = open_login(&server).await;
        crowd.spawn(async move { try_password(browser, &format!("guess number {number}")).await.reply().status });
    }
    let answers = crowd.join_all().await;
    let reported = answers.iter().filter(|status| **status == 422).count();
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert_eq!((reported, refused), (5, 15));

    // Neither the correct password nor another node helps, and the page says when to try again.
    server.restart().await;
    let browser = try_password(open_login(&server).await, PASSWORD).await;
    browser.expect_page(429, "Let’s pause for a moment");
    assert_eq!(browser.reply().header("retry-after"), Some("12"));
    server.clock.advance_seconds(12);
    let browser = try_password(open_login(&server).await, PASSWORD).await;
    server.app_client().finish(browser.at_app()).await;
}

/// Otherwise this node would reveal without limit which password is correct.
async fn a_node_whose_clock_is_behind_finds_a_full_bucket_full(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set("authentication.rate_limits.password.per_user.burst", 2);
    })
    .await;
    make_kim(&server).await;
    for _ in 0..2 {
        try_password(open_login(&server).await, "not it").await.expect_page(422, "Welcome back");
    }
    let behind = open_login(&server).await;
    server.clock.advance_seconds(-2);
    let browser = try_password(behind, PASSWORD).await;
    browser.expect_page(429, "Let’s pause for a moment");
    assert_eq!(browser.reply().header("retry-after"), Some("32"));
}

async fn right_passwords_are_not_counted(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set("authentication.rate_limits.password.per_user.burst", 1);
    })
    .await;
    make_kim(&server).await;
    for _ in 0..3 {
        let browser = try_password(open_login(&server).await, PASSWORD).await;
        server.app_client().finish(browser.at_app()).await;
    }
}

async fn wrong_codes_count_for_the_address_in_every_flow(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.set("authentication.rate_limits.oob_otp.validate_per_user.burst", 3);
    })
    .await;
    let client = server.app_client();
    for number in 0..4 {
        let guest = client.sign_up().await;
        let mut browser = server.browser();
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        identify(&mut browser, KIM).await;
        browser.fill("Code", "nonsense");
        browser.press("Confirm").await;
        assert_eq!(browser.reply().status, if number < 3 { 422 } else { 429 });
    }
}

async fn codes_that_are_sent_are_counted_for_all_nodes(engine: Engine) {
    let mut server = TestServer::start(engine, |setup| {
        setup.set("authentication.rate_limits.oob_otp.trigger_per_user.burst", 2);
        setup.set("authentication.rate_limits.oob_otp.trigger_per_user.period", "1h");
    })
    .await;
    let client = server.app_client();
    for number in 0..4 {
        let guest = client.sign_up().await;
        let mut browser = server.browser();
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        identify(&mut browser, KIM).await;
        if number < 2 {
            browser.expect_page(200, "Check your email");
        } else {
            browser.expect_page(429, "Let’s pause for a moment");
            assert_eq!(browser.reply().header("retry-after"), Some("1800"));
        }
        if number == 2 {
            // Another process has the same state.
            server.restart().await;
        }
    }
    // Another address has its own bucket.
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(&mut browser, "lee@shop.example").await;
    browser.expect_page(200, "Check your email");
}

async fn of_two_guests_with_one_address_one_wins(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let mut ready = Vec::new();
    for _ in 0..2 {
        let guest = client.sign_up().await;
        let mut browser = server.browser();
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        identify(&mut browser, KIM).await;
        browser.fill("Code", &mailbox.next_code(KIM).await);
        ready.push((browser, guest));
    }
    let mut race = JoinSet::new();
    for (mut browser, guest) in ready {
        race.spawn(async move {
            browser.press("Confirm").await;
            (browser, guest)
        });
    }
    let mut promoted = Vec::new();
    for (browser, guest) in race.join_all().await {
        client.user_info(&guest.access).await.expect(200);
        promoted.push(browser.is_at_app());
    }
    promoted.sort_unstable();
    assert_eq!(promoted, [false, true], "one was promoted, the other is the guest it was");
    assert_eq!(server.events("user.anonymous.promoted").await.len(), 1);
}

async fn one_click_twice_promotes_once(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, mut mailbox) = (server.app_client(), server.mailbox());
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(&mut browser, KIM).await;
    let code = mailbox.next_code(KIM).await;
    let page = browser.page().forms[0].clone();
    let cookie = format!("oauth_ui={}", browser.cookie("oauth_ui").expect("a cookie"));
    let mut race = JoinSet::new();
    for _ in 0..6 {
        let mut fields = page.fields.clone();
        fields.iter_mut().filter(|(name, _)| name == "code").for_each(|(_, value)| value.clone_from(&code));
        fields.push(("action".into(), "verify".into()));
        let request =
            server.http().request(reqwest::Method::POST, &page.action).form(&fields).header("cookie", &cookie);
        race.spawn(async move { Reply::of(request).await });
    }
    let answers = race.join_all().await;
    // A browser shows the last answer only, so each leads to the app; all with one code.
    let mut landings: Vec<_> = answers.iter().map(|reply| reply.header("location").unwrap_or_default()).collect();
    landings.dedup();
    assert!(landings.len() == 1 && landings[0].contains("code="), "{landings:?}");
    let reported = server.events("user.anonymous.promoted").await;
    assert_eq!(reported.len(), 1);
}

async fn a_flood_of_logins_does_not_reach_the_guests(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.configure("passwords.concurrent", "1");
        setup.configure("passwords.queue", "1");
        setup.configure("passwords.memory_kib", "19456");
        setup.set("authentication.rate_limits.password.per_user.enabled", false);
        setup.set("authentication.rate_limits.password.per_ip.enabled", false);
    })
    .await;
    let (mut flood, mut ready) = (JoinSet::new(), Vec::new());
    for _ in 0..12 {
        ready.push(open_login(&server).await);
    }
    for browser in ready {
        flood.spawn(async move {
            let browser = try_password(browser, "not the password").await;
            (browser.reply().status, browser.reply().header("retry-after").is_some())
        });
    }
    for _ in 0..5 {
        server.app_client().sign_up().await;
    }
    let answers = flood.join_all().await;
    assert!(answers.iter().any(|(status, _)| *status == 422), "some are served");
    let refused: Vec<_> = answers.iter().filter(|(status, _)| *status == 503).collect();
    assert!(!refused.is_empty() && refused.iter().all(|(_, says_when)| *says_when), "{answers:?}");
}

async fn a_passkey_that_proves_nothing_opens_nothing(engine: Engine) {
    let server = TestServer::start(engine, |setup| LoginMethod::Passkey.set(setup)).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    browser.answer_passkey(|options, origin| SoftPasskey::careless().create(options, origin)).await;
    browser.expect_page(422, "Save your progress");
    let mut kim = Person::new(&server, LoginMethod::Passkey);
    kim.join(&mut browser, "", "").await;
    client.finish(browser.at_app()).await;

    let mut browser = server.browser();
    browser.open(&client.authorize_url(&[])).await;
    let forged = |answer: String| {
        let mut answer: Value = serde_json::from_str(&answer).expect("JSON");
        answer["response"]["signature"] = SoftPasskey::new().sign_elsewhere().into();
        answer.to_string()
    };
    browser.answer_passkey(|options, origin| forged(kim.passkey.get(options, origin))).await;
    browser.expect_page(422, "Welcome back");
    // A response made for another flow is rejected.
    let mut elsewhere = server.browser();
    elsewhere.open(&client.authorize_url(&[])).await;
    let options = elsewhere.page().passkeys[0].clone();
    browser.answer_passkey(|_, origin| kim.passkey.get(&options, origin)).await;
    browser.expect_page(422, "Welcome back");
    browser.answer_passkey(|options, origin| kim.passkey.get(options, origin)).await;
    client.finish(browser.at_app()).await;
}

/// A text message provider that returns the requests it received.
async fn start_carrier() -> (String, mpsc::UnboundedReceiver<(HeaderMap, String)>) {
    let (sender, reported) = mpsc::unbounded_channel();
    let take = |State(sender): State<mpsc::UnboundedSender<_>>, headers: HeaderMap, body: String| async move {
        sender.send((headers, body)).expect("the test listens");
    };
    let router = Router::new().route("/{*path}", post(take)).with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (origin, reported)
}

async fn send_code_to_phone(server: &TestServer) {
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    browser.fill("Phone number", "+49 151 2345 6789");
    browser.press("Continue").await;
    browser.expect_page(200, "Check your messages");
}

async fn text_messages_go_through_a_signed_webhook(engine: Engine) {
    let (carrier, mut reported) = start_carrier().await;
    let server = TestServer::start(engine, |setup| {
        LoginMethod::PhoneCode.set(setup);
        setup.configure("sms.provider", "webhook");
        setup.configure("sms.webhook_url", &format!("{carrier}/sms"));
        setup.configure("sms.webhook_secret", "a secret of the operator");
    })
    .await;
    send_code_to_phone(&server).await;
    let (headers, body) = reported.recv().await.expect("a message");
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of the operator");
    let signature = headers["x-authgear-body-signature"].to_str().expect("text");
    let tag: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&signature[at..at + 2], 16).expect("hex")).collect();
    hmac::verify(&key, body.as_bytes(), &tag).expect("signed");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&body["to"], &body["project"]), (&json!("+4915123456789"), &json!("test")));
    assert!(body["body"].as_str().expect("text").contains("Corner Shop"));
}

async fn text_messages_go_through_twilio(engine: Engine) {
    let (carrier, mut reported) = start_carrier().await;
    let server = TestServer::start(engine, |setup| {
        LoginMethod::PhoneCode.set(setup);
        setup.configure("sms.provider", "twilio");
        setup.configure("sms.twilio_account_sid", "AC1");
        setup.configure("sms.twilio_auth_token", "secret");
        setup.configure("sms.twilio_from", "+15005550006");
        setup.configure("sms.twilio_base_url", &carrier);
    })
    .await;
    send_code_to_phone(&server).await;
    let (headers, body) = reported.recv().await.expect("a message");
    assert_eq!(headers["authorization"], "Basic QUMxOnNlY3JldA==");
    let fields: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((field("To"), field("From")), (Some("+4915123456789"), Some("+15005550006")));
    assert!(field("Body").is_some_and(|text| text.contains("Corner Shop")));
}

on_both_engines!(
    a_crowd_of_guesses_learns_no_more_than_the_limit,
    a_node_whose_clock_is_behind_finds_a_full_bucket_full,
    right_passwords_are_not_counted,
    wrong_codes_count_for_the_address_in_every_flow,
    codes_that_are_sent_are_counted_for_all_nodes,
    of_two_guests_with_one_address_one_wins,
    one_click_twice_promotes_once,
    a_flood_of_logins_does_not_reach_the_guests,
    a_passkey_that_proves_nothing_opens_nothing,
    text_messages_go_through_a_signed_webhook,
    text_messages_go_through_twilio,
);
