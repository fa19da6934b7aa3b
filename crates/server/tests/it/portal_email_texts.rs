//! A project's own texts of emails: written, previewed and tested in the portal, and what users then get.

use serde_json::json;

use crate::{
    guest_journey::identify,
    support::{Browser, Engine, TestServer, on_both_engines},
};

on_both_engines!(
    texts_are_saved_and_sent_in_their_language,
    wrong_texts_are_shown_beside_their_field,
    two_editors_of_a_text_meet_a_conflict,
    a_preview_shows_what_is_typed_in_a_frame_of_ours,
    a_test_goes_to_the_operator_only,
    a_mail_names_known_browsers_only,
);

const TEXTS: &str = "/portal/p/test/email-texts";
const KIM: &str = "kim@shop.example";
const OLGA: &str = "olga@house.example";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

fn texts(server: &TestServer) -> serde_json::Value {
    let project = server.app.projects.find_by_id("test").expect("the project");
    serde_json::to_value(&project.settings.mail.texts).expect("JSON")
}

/// Asks for a code that verifies the address of a guest.
async fn ask_for_code(server: &TestServer, browser: &mut Browser, email: &str) {
    let client = server.app_client();
    let guest = client.sign_up().await;
    browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
    identify(browser, email).await;
}

async fn texts_are_saved_and_sent_in_their_language(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut mailbox = server.mailbox();
    owner.open(TEXTS).await;
    let page = owner.expect_page(200, "Email texts");
    assert!(page.text.contains("Verification code in English"), "{}", page.text);
    assert!(owner.url().path().ends_with("/email-texts/en/verification_code"), "{}", owner.url());
    assert!(owner.reply().body.contains("placeholder=\"{code} is your code for {app}\""), "{}", owner.reply().body);
    owner.fill("Subject", "{code}: {app} <3 {brand}");
    owner.fill("Text", "Welcome & hello from {app}.");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Email texts").text.contains("Changes saved."));
    let subject = "{code}: {app} <3 {brand}";
    let written = json!({"subject": subject, "lead": "Welcome & hello from {app}."});
    assert_eq!(texts(&server), json!({"en": {"verification_code": written}}));
    let changed = server.events("project.changed").await;
    assert_eq!(changed[0]["context"]["audit_context"]["operator_email"], OLGA);

    ask_for_code(&server, &mut server.browser(), KIM).await;
    let mail = mailbox.next_mail(KIM).await;
    let (code, rest) = mail.subject.split_once(": ").expect("a code");
    assert!(code.len() == 6 && mail.text.contains(&format!("    {code}\n")), "{}", mail.text);
    assert!(rest.starts_with("Corner Shop <3 "), "{rest}");
    assert!(mail.text.contains("Welcome & hello from Corner Shop."), "{}", mail.text);
    assert!(mail.html.contains("Welcome &#38; hello from Corner Shop."), "{}", mail.html);
    assert!(mail.text.contains("Confirm your email address"), "the heading is still ours: {}", mail.text);

    // Another language still has our words.
    let client = server.app_client();
    let guest = client.sign_up().await;
    let url = client.promotion_url(&client.promotion_code(&guest).await);
    let mut german = server.browser();
    german.open(&format!("{url}&ui_locales=de")).await;
    german.fill("E-Mail-Adresse", "lee@shop.example");
    german.fill("Passwort", "violet tugboat marmalade");
    german.press("Meinen Stand sichern").await;
    let mail = mailbox.next_mail("lee@shop.example").await;
    assert!(mail.subject.contains("ist dein Code für Corner Shop"), "{}", mail.subject);

    owner.fill("Subject", "");
    owner.fill("Text", "");
    owner.press("Save").await;
    assert_eq!(texts(&server), json!({}), "an empty field is our text again");
    for missing in ["/email-texts/fr/login_code", "/email-texts/en/code", "/email-texts/EN/login_code/preview"] {
        assert_eq!(owner.fetch(&format!("/portal/p/test{missing}")).await.status, 404, "{missing}");
    }
}

async fn wrong_texts_are_shown_beside_their_field(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open(&format!("{TEXTS}/de/login_code")).await;
    owner.fill("Subject", "{cod} für {app}");
    owner.fill("Text", "a\r\nb");
    owner.fill("Closing", &"x".repeat(501));
    owner.press("Save").await;
    let page = owner.expect_page(422, "Email texts");
    let unknown = "\"{cod}\" is not a placeholder of this email: the placeholders are {code}, {app}, {brand}.";
    assert_eq!(page.problem("subject"), Some(unknown));
    assert!(page.problem("lead").is_some_and(|text| text.starts_with("Write one line")), "{:?}", page.problems);
    assert_eq!(page.problem("closing"), Some("Write at most 500 characters."));
    assert!(owner.reply().body.contains("value=\"{cod} für {app}\""), "what was typed is still there");
    owner.open(&format!("{TEXTS}/de/account_changed")).await;
    let page = owner.expect_page(200, "Email texts");
    assert!(!page.text.contains("Closing") && page.text.contains("how to undo it, is always shown"), "{}", page.text);
    owner.fill("Heading", "{code}");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Email texts").problem("heading").is_some());
    assert_eq!(texts(&server), json!({}));
}

async fn two_editors_of_a_text_meet_a_conflict(engine: Engine) {
    let (server, mut first) = start(engine).await;
    first.open(&format!("{TEXTS}/en/login_code")).await;
    let (mut second, mut third) = (first.clone(), first.clone());
    third.open(&format!("{TEXTS}/en/password_reset_code")).await;
    first.fill("Heading", "First");
    first.press("Save").await;
    second.fill("Heading", "Second");
    second.press("Save").await;
    let page = second.expect_page(409, "Email texts");
    assert!(page.text.contains("Heading nothing First Second"), "{}", page.text);
    third.fill("Heading", "Third");
    third.press("Save").await;
    assert!(third.expect_page(200, "Email texts").text.contains("Changes saved."));
    let now = texts(&server);
    assert_eq!(now["en"]["login_code"]["heading"], "First");
    assert_eq!(now["en"]["password_reset_code"]["heading"], "Third");
}

async fn a_preview_shows_what_is_typed_in_a_frame_of_ours(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open(&format!("{TEXTS}/ar/login_code")).await;
    let page = owner.reply().clone();
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.ends_with("; frame-src 'self'") && policy.contains("default-src 'none'"), "{policy}");
    let frame = format!("src=\"{TEXTS}/ar/login_code/preview\"");
    assert!(page.body.contains(&frame), "{}", page.body);
    let other = owner.fetch("/portal/p/test/session").await;
    assert!(!other.header("content-security-policy").expect("a policy").contains("frame-src"));

    let saved = owner.fetch(&format!("{TEXTS}/ar/login_code/preview")).await;
    let policy = saved.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'self'") && policy.ends_with("; sandbox"), "{policy}");
    assert_eq!(saved.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(saved.header("cache-control"), Some("no-store"));
    // Both emails are the value of an attribute, so their own quotes and tags are escaped twice.
    assert_eq!(saved.body.matches("dir=&#34;rtl&#34;").count(), 2, "{}", saved.body);
    assert!(saved.body.contains("@media all{") && saved.body.contains("@media not all{"), "{}", saved.body);

    owner.fill("Subject", "{code} <script>alert(1)</script>");
    owner.fill("Heading", "\"><script>alert(2)</script>");
    owner.press("Show preview").await;
    let (typed, text) = (owner.reply().body.clone(), owner.page().text.clone());
    assert!(text.contains("Subject: 123456 <script>alert(1)</script>"), "{text}");
    assert!(!typed.contains("<script") && typed.contains("alert(2)"), "{typed}");
    owner.open(&format!("{TEXTS}/ar/login_code")).await;
    owner.fill("Subject", "{nobody}");
    owner.press("Show preview").await;
    let text = &owner.page().text;
    assert!(text.contains("Subject: \"{nobody}\" is not a placeholder") && !text.contains("Light"), "{text}");
    assert_eq!(texts(&server), json!({}), "nothing is saved");
}

async fn a_test_goes_to_the_operator_only(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut mailbox = server.mailbox();
    owner.open(&format!("{TEXTS}/es/still_signed_in")).await;
    owner.fill("Subject", "Hola de {brand}");
    owner.press("Send to olga@house.example").await;
    let page = owner.expect_page(200, "Email texts");
    assert!(page.text.contains("Test sent. Check the inbox of olga@house.example"), "{}", page.text);
    assert!(owner.reply().body.contains("value=\"Hola de {brand}\""), "what was typed is still there");
    let mail = mailbox.next_mail(OLGA).await;
    assert!(mail.subject.starts_with("Hola de ") && mail.html.contains("lang=\"es\""), "{}", mail.subject);
    assert_eq!(texts(&server), json!({}), "nothing is saved");
    let sent = mailbox.count();
    owner.fill("Subject", "{code}");
    owner.press("Send to olga@house.example").await;
    assert!(owner.expect_page(422, "Email texts").problem("subject").is_some());
    assert_eq!(mailbox.count(), sent, "a wrong text is not sent");
    let tested = server.events("message.tested").await;
    assert_eq!(tested.len(), 1, "{tested:?}");
    assert_eq!(tested[0]["payload"], json!({"channel": "mail", "is_taken": true}));
}

async fn a_mail_names_known_browsers_only(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut mailbox = server.mailbox();
    const CHROME: &str =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
    for (number, (agent, expected)) in [
        (Some(CHROME), "This code was requested with Chrome on Linux, to confirm the address for Corner Shop."),
        (
            Some("<a href=\"https://evil.example\">Chrome, your bank</a> Windows {code}"),
            "This code was requested with Chrome on Windows, to confirm the address for Corner Shop.",
        ),
        (Some("evil.example"), "This code was requested to confirm the address for Corner Shop."),
        (None, "This code was requested to confirm the address for Corner Shop."),
    ]
    .into_iter()
    .enumerate()
    {
        let mut http = server.http();
        http.agent = agent;
        let to = format!("kim{number}@shop.example");
        ask_for_code(&server, &mut Browser::new(http), &to).await;
        let mail = mailbox.next_mail(&to).await;
        assert!(mail.text.lines().any(|line| line == expected), "{}", mail.text);
        assert!(mail.html.contains(expected), "{}", mail.html);
        for part in [&mail.subject, &mail.text, &mail.html] {
            assert!(!part.contains("evil") && !part.contains("bank"), "{part}");
        }
    }
}
