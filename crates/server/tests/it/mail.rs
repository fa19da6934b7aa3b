//! Mail and text messages: the bytes on the wire, queuing, and fairness.

use std::collections::HashSet;

use vestibule_app::{
    adapters::mailer::{Mail, MailError, Mailer},
    crypto::{
        base64url, read_base64url,
        seal::{KeyForm, MasterKey},
    },
};
use vestibule_domain::{
    id::ProjectNo,
    project::{LanguageTexts, MailTextKind},
    time::Timestamp,
};
use vestibule_pages::sample::sample_context;
use vestibule_store::outbox;
use vestibule_web::{
    locale::Locales,
    mail::{MailContext, MailKind},
};

use crate::{
    credentials::LoginMethod,
    guest_journey::identify,
    portal_operators::send_invitation,
    support::{
        Engine, Receiver, TestServer, on_both_engines,
        smtp::{MailServer, Manners, Received},
    },
};

on_both_engines!(
    the_server_introduces_itself_by_its_public_name,
    another_address_is_asked_for_when_the_relay_cannot_take_one,
    a_mail_keeps_its_message_id_when_it_is_tried_again,
    messages_wait_sealed,
    messages_of_every_release_are_sent,
    a_project_with_many_messages_does_not_hold_up_another,
    what_operators_get_comes_back_to_the_server_only,
);

const KIM: &str = "kim@shop.example";

/// Every kind of mail that the server sends, in every language.
fn every_kind() -> Vec<vestibule_web::rendered_mail::RenderedMail> {
    let mut mails = vec![
        vestibule_portal::invitation::invitation_mail(
            "Olga",
            "Corner Shop",
            "editor",
            "https://auth.shop.example/portal/welcome/x",
            true,
        ),
        vestibule_portal::invitation::invitation_mail(
            "Ölga",
            "Corner Shop",
            "editor",
            "https://auth.shop.example/portal",
            false,
        ),
        vestibule_portal::messages::test_mail("Corner Shop"),
    ];
    for locale in Locales::shared().locales() {
        let context = sample_context(locale.clone());
        let context = MailContext::new(locale.clone(), context.brand, context.app_name);
        let long = MailContext { texts: long_texts(), app_name: "é".repeat(100), ..context.clone() };
        for (_, kind) in MailKind::samples() {
            mails.extend([kind.render(&context), kind.render(&long)]);
        }
    }
    mails
}

/// The longest texts that a project may write itself, half of them placeholders.
fn long_texts() -> LanguageTexts {
    let mut texts = serde_json::json!({});
    for kind in MailTextKind::ALL {
        for part in kind.parts() {
            let names = "{app}".repeat(part.max_chars() / 10);
            let letters = "請".repeat(part.max_chars() - names.len());
            texts[kind.as_str()][part.as_str()] = format!("{names}{letters}").into();
        }
    }
    let document = serde_json::json!({
        "project": {"id": "shop", "public_origin": "https://auth.shop.example"},
        "mail": {"texts": {"en": texts}},
    });
    vestibule_domain::project::ProjectSettings::parse_json(&document).expect("the longest texts").mail.texts.en
}

/// RFC 5322 and RFC 5321: what relays and receivers reject.
fn check_wire(mail: &Received, host: &str) -> String {
    let raw = &mail.raw;
    assert!(raw.is_ascii(), "no 8-bit bytes without 8BITMIME: {raw}");
    assert!(!raw.replace("\r\n", "").contains(['\r', '\n']), "every line ends in CRLF: {raw}");
    assert!(raw.split("\r\n").all(|line| line.len() <= 998), "no line is too long: {raw}");
    for once in ["From", "To", "Date", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"] {
        assert_eq!(mail.header(once).len(), 1, "{once}: {raw}");
    }
    assert_eq!(mail.header("Auto-Submitted"), ["auto-generated"]);
    let id = mail.header("Message-ID").remove(0);
    let unique = id.strip_prefix('<').and_then(|id| id.strip_suffix(&format!("@{host}>")));
    let unique = unique.unwrap_or_else(|| panic!("{id} is not of {host}"));
    assert!(unique.len() == 32 && unique.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    id
}

#[tokio::test]
async fn every_kind_of_mail_has_the_headers_receivers_ask_for() {
    let mut server = MailServer::start(Manners::default()).await;
    let mailer = Mailer::from_config(&server.settings("Vestibule <no-reply@server.example>")).expect("a mailer");
    let mut ids = HashSet::new();
    for (number, vestibule_web::rendered_mail::RenderedMail { subject, text, html }) in
        every_kind().into_iter().enumerate()
    {
        let (from, host) = [
            (None, "server.example"),
            (Some("Corner Shop <shop@shop.example>"), "shop.example"),
            (Some("Bücher <post@bücher.example>"), "xn--bcher-kva.example"),
        ][number % 3];
        let mail = Mail { from: from.map(str::to_string), to: KIM.into(), subject, text, html, useful_seconds: None };
        mailer.send(&mail, &format!("{number:032x}"), Timestamp::from_seconds(0)).await.expect("it is taken");
        let received = server.received.recv().await.expect("a mail");
        assert_eq!(received.to, format!("RCPT TO:<{KIM}>"));
        assert!(ids.insert(check_wire(&received, host)));
    }
    assert!(ids.len() > 40, "seven kinds in six languages");
}

#[tokio::test]
async fn an_address_that_the_relay_cannot_take_is_refused_for_good() {
    let mut server = MailServer::start(Manners::default()).await;
    let mailer = Mailer::from_config(&server.settings("shop@shop.example")).expect("a mailer");
    let now = Timestamp::from_seconds(1_000_000);
    let send = async |to: &str| {
        let text = || "x".to_string();
        let mail =
            Mail { from: None, to: to.into(), subject: text(), text: text(), html: text(), useful_seconds: None };
        mailer.send(&mail, "1", now).await
    };
    const FOREIGN: &str = "用户@shop.example";
    assert!(!mailer.refuses(FOREIGN, now), "not known before the first");
    assert!(matches!(send(FOREIGN).await, Err(MailError::Permanent(_))), "the relay has no SMTPUTF8");
    assert!(mailer.refuses(FOREIGN, now) && !mailer.refuses(KIM, now));
    assert!(!mailer.refuses(FOREIGN, now.plus(ONE_MINUTE * 61)), "the relay may be another one by then");
    send(KIM).await.expect("it is taken");
    assert_eq!(server.received.recv().await.expect("a mail").to, format!("RCPT TO:<{KIM}>"));
}

async fn the_server_introduces_itself_by_its_public_name(engine: Engine) {
    for (keys, expected) in [
        (&[][..], "EHLO [127.0.0.1]"),
        (&[("portal.public_origin", "https://portal.shop.example")], "EHLO portal.shop.example"),
        (&[("smtp.hello_name", "mail.shop.example")], "EHLO mail.shop.example"),
        (&[("smtp.hello_name", "[192.0.2.1]")], "EHLO [192.0.2.1]"),
    ] {
        let mut mail = MailServer::start(Manners::default()).await;
        let port = mail.port.to_string();
        let server = TestServer::start(engine, |setup| {
            let smtp = [("smtp.host", "127.0.0.1"), ("smtp.port", port.as_str()), ("smtp.security", "none")];
            for (key, value) in smtp.iter().chain(keys) {
                setup.configure(key, value);
            }
        })
        .await;
        ask_for_code(&server, KIM).await;
        assert_eq!(mail.received.recv().await.expect("a mail").hello, expected);
    }
}

async fn another_address_is_asked_for_when_the_relay_cannot_take_one(engine: Engine) {
    let mail = MailServer::start(Manners::default()).await;
    let server = start_with(engine, &mail).await;
    ask_for_code(&server, "用户@shop.example").await;
    wait_until(&server, <[_]>::is_empty).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(&mut browser, "另一个@shop.example").await;
    assert!(browser.page().text.contains("We can’t send emails to this address. Use another one."));
}

/// A server whose mail goes over SMTP.
async fn start_with(engine: Engine, mail: &MailServer) -> TestServer {
    let port = mail.port.to_string();
    TestServer::start(engine, |setup| {
        for (key, value) in
            [("host", "127.0.0.1"), ("port", port.as_str()), ("security", "none"), ("from", "shop@shop.example")]
        {
            setup.configure(&format!("smtp.{key}"), value);
        }
    })
    .await
}

/// A guest requests a code to this address.
async fn ask_for_code(server: &TestServer, email: &str) {
    let client = server.app_client();
    let guest = client.sign_up().await;
    let mut browser = server.browser();
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(&mut browser, email).await;
    browser.expect_page(200, "Check your email");
}

async fn a_mail_keeps_its_message_id_when_it_is_tried_again(engine: Engine) {
    let mut mail = MailServer::start(Manners { postpone: 2, ..Manners::default() }).await;
    let server = start_with(engine, &mail).await;
    ask_for_code(&server, KIM).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(check_wire(&mail.received.recv().await.expect("a mail"), "shop.example"));
        // The failure is recorded before the next attempt is due.
        wait_until(&server, |rows| rows.iter().all(|row| row.due_at <= server.clock.now().plus(ONE_MINUTE))).await;
        server.clock.advance_seconds(60);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    ask_for_code(&server, "lee@shop.example").await;
    ids.push(check_wire(&mail.received.recv().await.expect("a mail"), "shop.example"));
    assert_ne!(ids[0], ids[1]);
}

const ONE_MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

/// The outbox except events.
async fn waiting(server: &TestServer) -> Vec<outbox::OutboxRow> {
    let late = server.clock.now().plus(ONE_MINUTE * 1_000_000);
    let mut conn = server.app.store.read().await.expect("a connection");
    let mut rows = Vec::new();
    for kind in ["sealed_mail", "sealed_sms", "mail", "sms"] {
        rows.extend(outbox::due_any_project(&mut conn, kind, late, 1_000).await.expect("the outbox"));
    }
    rows
}

/// Polls the outbox until the condition holds.
async fn wait_until(server: &TestServer, is_right: impl Fn(&[outbox::OutboxRow]) -> bool) {
    let looking = async {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(20));
        while !is_right(&waiting(server).await) {
            pace.tick().await;
        }
    };
    tokio::time::timeout(ONE_MINUTE, looking).await.expect("the outbox never was as it should be");
}

async fn messages_wait_sealed(engine: Engine) {
    for (method, to, kind) in
        [(LoginMethod::EmailCode, KIM, "sealed_mail"), (LoginMethod::PhoneCode, "+4915123456789", "sealed_sms")]
    {
        let mut mail = MailServer::start(Manners { postpone: usize::MAX, ..Manners::default() }).await;
        let carrier = Receiver::start().await;
        carrier.answer(503, "later");
        let port = mail.port.to_string();
        let server = TestServer::start(engine, |setup| {
            method.set(setup);
            for (key, value) in [("host", "127.0.0.1"), ("port", port.as_str()), ("security", "none")] {
                setup.configure(&format!("smtp.{key}"), value);
            }
            setup.configure("sms.provider", "webhook");
            setup.configure("sms.webhook_url", &carrier.url);
            setup.configure("sms.webhook_secret", "sixteen letters!");
        })
        .await;
        let (client, mut browser) = (server.app_client(), server.browser());
        let guest = client.sign_up().await;
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        browser.fill(method.label(), to);
        browser.press("Continue").await;
        let text = match method {
            LoginMethod::EmailCode => mail.received.recv().await.expect("a mail").header("Subject").remove(0),
            LoginMethod::EmailPassword
            | LoginMethod::PhoneCode
            | LoginMethod::UsernamePassword
            | LoginMethod::Passkey => carrier.wait_for(1).await[0].json()["body"].as_str().expect("a text").to_string(),
        };
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let code = words.find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()));
        let code = code.unwrap_or_else(|| panic!("no code in {text}"));
        let rows = waiting(&server).await;
        assert_eq!((rows.len(), rows[0].kind.as_str()), (1, kind));
        let everything = format!("{rows:?}");
        assert!(!everything.contains(code) && !everything.contains(to), "{everything}");
        // Bound to its kind and project.
        let (sealed, no) = (read_base64url(&rows[0].payload).expect("base64url"), rows[0].project.0);
        let open = |context: String| server.app.master.open(&sealed, &context);
        let plain = String::from_utf8(open(format!("outbox|{kind}|{no}")).expect("it opens")).expect("text");
        assert!(plain.contains(code), "{plain}");
        assert!(open(format!("outbox|{kind}|{}", no + 1)).is_err() && open(format!("outbox|mail|{no}")).is_err());
    }
}

/// Writes a row like another release.
async fn push(server: &TestServer, project: ProjectNo, kind: &'static str, payloads: Vec<String>) {
    let now = server.clock.now();
    let pushed = server.app.store.write("test", payloads, move |tx, payloads| {
        Box::pin(async move {
            for payload in payloads {
                outbox::push(tx, project, kind, None, payload, now).await?;
            }
            Ok::<_, vestibule_store::StoreError>(())
        })
    });
    pushed.await.expect("the store works");
    server.app.store.outbox_signal().notify_one();
}

fn plain_mail(to: &str) -> String {
    let (subject, text, html) = ("s".into(), "t".into(), "h".into());
    let mail = Mail { from: None, to: to.into(), subject, text, html, useful_seconds: None };
    serde_json::to_string(&mail).expect("JSON")
}

async fn messages_of_every_release_are_sent(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (no, mut mailbox) = (server.app.projects.all()[0].no, server.mailbox());
    // The previous release queued them unsealed.
    push(&server, no, "mail", vec![plain_mail("old@shop.example")]).await;
    mailbox.next_mail("old@shop.example").await;
    let text = serde_json::json!({ "to": "+4915123456789", "body": "Your code", "project": "test" });
    push(&server, no, "sms", vec![text.to_string()]).await;
    mailbox.next_mail("+4915123456789").await;
    // The next release seals with a separate key.
    let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let seal = |master: &MasterKey, to: &str| {
        let context = format!("outbox|sealed_mail|{}", no.0);
        base64url(master.seal(plain_mail(to).as_bytes(), &context, &server.app.entropy))
    };
    let next = MasterKey::from_hex(hex, "test").expect("a key").in_form(KeyForm::Separate);
    push(&server, no, "sealed_mail", vec![seal(&next, "new@shop.example")]).await;
    mailbox.next_mail("new@shop.example").await;
    // Unreadable messages are given up, and block nothing.
    let outsider = MasterKey::from_hex(&hex.replace('0', "f"), "test").expect("a key");
    let bad = vec![seal(&outsider, "x@shop.example"), "no base64url!".into(), seal(&next, "last@shop.example")];
    push(&server, no, "sealed_mail", bad).await;
    mailbox.next_mail("last@shop.example").await;
    wait_until(&server, <[_]>::is_empty).await;
    // So are messages that waited for more than a day during a downgrade: their codes are useless.
    let stale = server.clock.now();
    server.clock.advance_seconds(2 * 86_400);
    let pushed = server.app.store.write("test", (), move |tx, ()| {
        Box::pin(async move { outbox::push(tx, no, "mail", None, &plain_mail("stale@shop.example"), stale).await })
    });
    pushed.await.expect("the store works");
    push(&server, no, "mail", vec![plain_mail("fresh@shop.example")]).await;
    mailbox.next_mail("fresh@shop.example").await;
    wait_until(&server, <[_]>::is_empty).await;
    assert_eq!(mailbox.count(), 5);
}

async fn a_project_with_many_messages_does_not_hold_up_another(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (first, second) = (server.app.projects.all()[0].no, server.add_project("second", |_| {}).await.no);
    let flood: Vec<String> = (0..150).map(|number| plain_mail(&format!("{number}@flood.example"))).collect();
    let now = server.clock.now();
    let pushed = server.app.store.write("test", flood, move |tx, flood| {
        Box::pin(async move {
            for mail in flood {
                outbox::push(tx, first, "mail", None, mail, now).await?;
            }
            outbox::push(tx, second, "mail", None, &plain_mail(KIM), now).await
        })
    });
    pushed.await.expect("the store works");
    server.app.store.outbox_signal().notify_one();
    wait_until(&server, <[_]>::is_empty).await;
    // Newest first: those sent earlier are behind it.
    let order = server.mails.mails();
    let place = order.iter().position(|delivered| delivered.mail.to == KIM).expect("it was sent");
    let before = order.len() - 1 - place;
    assert!(order.len() == 151 && before <= 16, "{before} mails of the flood went first");
}

/// A mail that cannot be delivered goes back to the envelope's sender, with all that is in it.
async fn what_operators_get_comes_back_to_the_server_only(engine: Engine) {
    let mut mail = MailServer::start(Manners::default()).await;
    let port = mail.port.to_string();
    let server = TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.set("mail.from", "Attacker <mallory@attacker.example>");
        for (key, value) in [
            ("host", "127.0.0.1"),
            ("port", port.as_str()),
            ("security", "none"),
            ("from", "Vestibule <no-reply@server.example>"),
        ] {
            setup.configure(&format!("smtp.{key}"), value);
        }
    })
    .await;
    let mut owner = server.owner().await;
    send_invitation(&mut owner, "test", "chief@house.example", "Owner").await;
    owner.open("/portal/me").await;
    owner.press("Send code").await;
    for _ in 0..2 {
        let received = mail.received.recv().await.expect("a mail");
        let is_of_server = received.sender == "MAIL FROM:<no-reply@server.example>";
        assert!(is_of_server && !received.raw.contains("attacker.example"), "{} {}", received.sender, received.raw);
    }
    // Users of the project get theirs from the project.
    ask_for_code(&server, KIM).await;
    let received = mail.received.recv().await.expect("a mail");
    assert_eq!(received.sender, "MAIL FROM:<mallory@attacker.example>");
}
