//! No irreversible action in one click: an action that signs users out asks for confirmation, states the consequence in
//! numbers, and keeps the form.

use serde_json::{Value, json};

use crate::support::{AppClient, Browser, Device, Engine, OWNER_PASSWORD, Platform, TestServer, on_both_engines};

on_both_engines!(
    a_lifetime_that_signs_people_out_asks_first,
    a_question_goes_back_to_the_form_with_everything_typed,
    a_confirmation_is_for_one_change_only,
    switching_guests_off_asks_first,
    lifetimes_of_guests_ask_first,
    disabling_a_login_method_asks_first,
    removing_a_protection_asks_first,
    another_cookie_name_asks_first,
    deleting_says_how_many_it_reaches,
    a_form_sent_without_confirmation_shows_the_confirmation_page,
    a_guest_with_a_key_can_sign_in_again,
    invitations_are_for_viewers_unless_chosen,
);

const AT: &str = "/portal/p/test";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

fn settings(server: &TestServer) -> Value {
    let project = server.app.projects.find_by_id("test").expect("the project");
    serde_json::to_value(&project.settings).expect("JSON")
}

async fn sign_up(app: &AppClient, number: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for _ in 0..number {
        tokens.push(app.sign_up().await.refresh);
    }
    tokens
}

async fn cookie_guest(server: &TestServer) -> Browser {
    let mut guest = server.browser();
    let body = json!({"session_type": "cookie", "client_id": "blog"});
    assert_eq!(guest.fetch_json("/api/anonymous_user/signup", &body).await.status, 200);
    guest
}

async fn is_signed_in(guest: &mut Browser) -> bool {
    guest.fetch("/_resolver/resolve").await.header("x-authgear-session-valid") == Some("true")
}

async fn a_lifetime_that_signs_people_out_asks_first(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut old = [cookie_guest(&server).await, cookie_guest(&server).await];
    server.clock.advance_seconds(3_600);
    let mut young = cookie_guest(&server).await;
    owner.open(&format!("{AT}/session")).await;
    // A longer lifetime, and a shorter one that affects no session, are saved at once.
    for lifetime in ["40000000", "20000000"] {
        owner.fill("Maximum session lifetime", lifetime);
        owner.press("Save").await;
        assert!(owner.expect_page(200, "Session").text.contains("Changes saved."), "{lifetime}");
    }
    owner.fill("Maximum session lifetime", "1800");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Session”?");
    assert!(page.text.contains("Signs out 2 people at once. 2 guests are among them."), "{}", page.text);
    assert_eq!(settings(&server)["session"]["lifetime_seconds"], 20_000_000, "nothing is saved yet");
    assert!(is_signed_in(&mut old[0]).await);
    owner.press("Save and sign out 2 people").await;
    assert!(owner.expect_page(200, "Session").text.contains("Changes saved."));
    assert_eq!(settings(&server)["session"]["lifetime_seconds"], 1_800);
    assert!(!is_signed_in(&mut old[0]).await && !is_signed_in(&mut old[1]).await && is_signed_in(&mut young).await);
}

async fn a_question_goes_back_to_the_form_with_everything_typed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    sign_up(&server.app_client(), 3).await;
    server.clock.advance_seconds(4_000);
    owner.open(&format!("{AT}/applications/web")).await;
    owner.fill("Name", "The \"Shop\" & <more>");
    owner.fill("Authorized redirect URIs", "http://shop.test/after-login\nhttps://shop.test/other");
    owner.fill("Refresh token lifetime", "3600");
    owner.tick("Enable refresh token rotation");
    owner.untick("Expire after idling");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Corner Shop”?");
    assert!(page.text.contains("Signs out 3 people"), "{}", page.text);
    owner.press("Back to form").await;
    let page = owner.expect_page(200, "Corner Shop");
    let field = |name: &str| {
        let mut fields = page.forms.iter().flat_map(|form| &form.fields);
        fields.find(|(key, _)| key == name).map(|(_, value)| value.replace("\r\n", "\n")).unwrap_or_default()
    };
    assert_eq!(field("name"), "The \"Shop\" & <more>");
    assert_eq!(field("redirect_uris").trim(), "http://shop.test/after-login\nhttps://shop.test/other");
    assert_eq!((field("refresh_lifetime").as_str(), field("rotation").as_str()), ("3600", "on"));
    owner.press("Save").await;
    owner.press("Save and sign out 3 people").await;
    let web = settings(&server)["oauth"]["clients"][0].clone();
    assert_eq!(web["name"], "The \"Shop\" & <more>");
    assert_eq!(web["redirect_uris"], json!(["http://shop.test/after-login", "https://shop.test/other"]));
    assert_eq!(web["refresh_token_lifetime_seconds"], 3_600);
    assert_eq!(web["refresh_token_rotation_enabled"], true);
    assert_eq!(web["refresh_token_idle_timeout_enabled"], false);
}

async fn a_confirmation_is_for_one_change_only(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    sign_up(&server.app_client(), 1).await;
    cookie_guest(&server).await;
    server.clock.advance_seconds(4_000);
    owner.open(&format!("{AT}/session")).await;
    owner.fill("Maximum session lifetime", "3600");
    owner.press("Save").await;
    owner.expect_page(200, "Save changes to “Session”?");
    // The same confirmation with another value in the form.
    owner.forge("lifetime", "60");
    owner.press("Save and sign out 1 person").await;
    owner.expect_page(200, "Save changes to “Session”?");
    assert!(settings(&server)["session"].is_null() || settings(&server)["session"]["lifetime_seconds"].is_null());
    owner.press("Save and sign out 1 person").await;
    owner.expect_page(200, "Session");
    assert_eq!(settings(&server)["session"]["lifetime_seconds"], 60);
}

async fn switching_guests_off_asks_first(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    sign_up(&server.app_client(), 2).await;
    owner.open(&format!("{AT}/anonymous-users")).await;
    owner.untick("Enable anonymous users?");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Anonymous users”?");
    assert!(page.text.contains("2 guests stay signed in until their sessions end."), "{}", page.text);
    sign_up(&server.app_client(), 1).await;
    owner.press("Save changes").await;
    assert!(owner.expect_page(200, "Anonymous users").text.contains("Changes saved."));
    assert_eq!(settings(&server)["authentication"]["identities"], json!(["login_id"]));
}

async fn lifetimes_of_guests_ask_first(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let app = server.app_client();
    let guests = sign_up(&app, 2).await;
    server.clock.advance_seconds(90_000);
    // A day later the operator must sign in again.
    owner.open(&format!("{AT}/anonymous-users")).await;
    owner.expect_page(200, "Sign in to the portal");
    owner.fill("Email", "olga@house.example");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Sign in").await;
    owner.open(&format!("{AT}/anonymous-users")).await;
    owner.fill("Guest lifetime (Corner Shop)", "86400");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Anonymous users”?");
    assert!(page.text.contains("Signs out 2 people at once. 2 guests are among them."), "{}", page.text);
    app.refresh(&guests[0]).await.expect(200);
    owner.press("Save and sign out 2 people").await;
    owner.expect_page(200, "Anonymous users");
    app.refresh(&guests[0]).await.expect(400);
}

async fn disabling_a_login_method_asks_first(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let guest = server.app_client().sign_up().await;
    let subject = server.app_client().subject(&guest.access).await;
    owner.open(&format!("{AT}/users/{subject}/promote")).await;
    owner.fill("Login ID", "kim@shop.test");
    owner.fill("Password", "violet tugboat marmalade");
    owner.press("Promote to member").await;
    owner.open(&format!("{AT}/login-methods")).await;
    owner.tick("One-time code by email");
    owner.untick("Password");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Login methods”?");
    assert!(page.text.contains("1 person has a password. Signing in with it stops working."), "{}", page.text);
    owner.press("Save changes").await;
    owner.expect_page(200, "Login methods");
    owner.tick("Username");
    owner.tick("Password");
    owner.untick("Email address");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Login methods”?");
    assert!(page.text.contains("1 login ID is an email address."), "{}", page.text);
}

async fn another_cookie_name_asks_first(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut guest = cookie_guest(&server).await;
    owner.open(&format!("{AT}/settings")).await;
    owner.fill("Cookie prefix", "shop_");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Save changes to “Project settings”?");
    assert!(page.text.contains("Signs out 1 person at once."), "{}", page.text);
    assert!(is_signed_in(&mut guest).await);
    owner.press("Save and sign out 1 person").await;
    assert!(!is_signed_in(&mut guest).await);
}

async fn deleting_says_how_many_it_reaches(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    sign_up(&server.app_client(), 2).await;
    cookie_guest(&server).await;
    owner.open(&format!("{AT}/applications/web/delete")).await;
    assert!(owner.page().text.contains("Signs out 2 people at once."), "{}", owner.page().text);
    owner.open(&format!("{AT}/settings/delete")).await;
    assert!(owner.page().text.contains("Deletes 3 users"), "{}", owner.page().text);
    owner.open(&format!("{AT}/settings/origin")).await;
    assert!(owner.page().text.contains("Signs out 3 people at once."), "{}", owner.page().text);
}

async fn a_form_sent_without_confirmation_shows_the_confirmation_page(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let app = server.app_client();
    let guest = app.sign_up().await;
    let subject = app.subject(&guest.access).await;
    owner.open("/portal").await;
    let token = {
        let forms = &owner.page().forms;
        let form = forms.iter().find(|form| form.action == "/portal/sign-out").expect("the sign-out form");
        form.fields.iter().find(|(name, _)| name == "_csrf").expect("a token").1.clone()
    };
    for (page, field) in [("sessions", "session=*"), ("disabled", "disabled=on")] {
        let path = format!("{AT}/users/{subject}/{page}?{field}");
        let reply = owner.try_route("POST", &path, &token).await;
        assert_eq!(reply.status, 200, "{page}");
        assert!(reply.body.contains("no longer be recovered"), "{page}: {}", reply.body);
        app.refresh(&guest.refresh).await.expect(200);
    }
}

async fn a_guest_with_a_key_can_sign_in_again(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    let subject = device.authenticate().await;
    owner.open(&format!("{AT}/users/{subject}/sessions?session=*")).await;
    let page = owner.expect_page(200, "End all sessions?");
    assert!(page.text.contains("can sign in again only on the device with its key"), "{}", page.text);
    assert!(!page.text.contains("never"), "{}", page.text);
}

async fn invitations_are_for_viewers_unless_chosen(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open(&format!("{AT}/operators")).await;
    owner.fill("Email", "vi@house.example");
    owner.press("Invite").await;
    owner.expect_page(200, "Invited");
    let mail = server.mailbox().next_mail("vi@house.example").await;
    assert!(mail.text.to_lowercase().contains("viewer"), "{}", mail.text);
}

async fn removing_a_protection_asks_first(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let before = settings(&server);
    for (page, title, label, fact) in [
        (
            "rate-limits",
            "Rate limits",
            "Limit password attempts per account",
            "Password attempts per account are no longer limited.",
        ),
        (
            "anonymous-users",
            "Anonymous users",
            "Limit new guests per IP address",
            "New guests per IP address are no longer limited.",
        ),
        (
            "login-methods",
            "Login methods",
            "Require email verification",
            "Users can sign up with email addresses that they have not verified, also with those of other people.",
        ),
    ] {
        owner.open(&format!("{AT}/{page}")).await;
        owner.untick(label);
        owner.press("Save").await;
        let question = owner.expect_page(200, &format!("Save changes to “{title}”?"));
        assert!(question.text.contains(fact), "{}", question.text);
        assert_eq!(settings(&server), before, "nothing is saved yet");
        owner.press("Back to form").await;
        owner.expect_page(200, title);
    }
    owner.open(&format!("{AT}/rate-limits")).await;
    owner.untick("Limit password attempts per account");
    owner.press("Save").await;
    owner.press("Save changes").await;
    owner.expect_page(200, "Rate limits");
    let limits = settings(&server)["authentication"]["rate_limits"].clone();
    assert_eq!(limits["password"], json!({"per_user": {"enabled": false}}));
    // Switching a protection on is saved at once.
    owner.tick("Limit password attempts per account");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Rate limits").text.contains("Changes saved."));
}
