//! Members made and helped by operators in the portal, many users at once, and the export.

use reqwest::Method;
use serde_json::Value;

use crate::support::{Admin, Browser, Engine, Mailbox, OWNER_PASSWORD, Reply, TestServer, on_both_engines};

on_both_engines!(
    a_new_member_is_invited_and_chooses_a_password,
    a_password_link_ends_and_proves_nothing,
    a_new_member_with_mistakes_is_complained_about,
    a_login_id_is_changed_with_a_notice_to_the_old_address,
    a_login_id_is_verified,
    members_are_made_and_verified_after_a_fresh_proof,
    many_users_are_disabled_after_a_dry_run,
    a_run_is_for_the_users_of_its_dry_run_only,
    all_users_are_exported_by_owners,
    users_are_imported_after_a_dry_run,
);

const AT: &str = "/portal/p/test";
const PASSWORD: &str = "nine grey herons by the weir";

async fn start(engine: Engine) -> (TestServer, Browser, Mailbox) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    let mailbox = server.mailbox();
    (server, owner, mailbox)
}

/// Creates a member; its page is open then.
async fn create(owner: &mut Browser, email: &str, is_invited: bool) -> String {
    owner.open(&format!("{AT}/users")).await;
    owner.follow("New user").await;
    owner.fill("Login ID", email);
    owner.fill("Name", "Kim");
    if !is_invited {
        owner.untick("Send an invitation");
    }
    owner.press("Create user").await;
    owner.expect_page(200, email);
    owner.url().path().rsplit('/').next().expect("an ID").to_string()
}

/// The link to choose a password in the next mail to an address.
async fn next_link(mailbox: &mut Mailbox, to: &str) -> String {
    let text = mailbox.next_mail(to).await.text;
    text.split_whitespace().find(|word| word.contains("recover=")).unwrap_or_else(|| panic!("no link: {text}")).into()
}

async fn a_new_member_is_invited_and_chooses_a_password(engine: Engine) {
    let (server, mut owner, mut mailbox) = start(engine).await;
    let id = create(&mut owner, "kim@shop.test", true).await;
    assert!(owner.page().text.contains("The invitation is on its way."), "{}", owner.page().text);
    let mail = mailbox.next_mail("kim@shop.test").await;
    assert!(mail.text.contains("created an account for you"), "{}", mail.text);
    let link = mail.text.split_whitespace().find(|word| word.contains("recover=")).expect("a link").to_string();
    assert!(!link.contains("kim"), "{link}");

    let mut kim = server.browser();
    kim.open(&link).await;
    kim.expect_page(200, "Forgot your password?");
    // The address is filled in.
    kim.press("Send a code").await;
    kim.fill("Code", &mailbox.next_code("kim@shop.test").await);
    kim.press("Confirm").await;
    kim.expect_page(200, "Choose a new password");
    kim.fill("Password", PASSWORD);
    kim.press("Save password").await;
    kim.expect_page(200, "My account");
    let admin = Admin::of(&server).await;
    let log =
        admin.wait_until(&format!("/events?user_id={id}&type=user.invited"), |log| log["events"][0].is_object()).await;
    let event = &log["events"][0];
    assert_eq!(event["context"]["audit_context"]["operator_email"], "olga@house.example", "{event}");
    owner.open(&format!("{AT}/users/{id}")).await;
    assert!(owner.page().text.contains("Password") && owner.page().text.contains("Invitation sent to a member"));
}

async fn a_password_link_ends_and_proves_nothing(engine: Engine) {
    let (server, mut owner, mut mailbox) = start(engine).await;
    create(&mut owner, "kim@shop.test", false).await;
    owner.press("Send password link").await;
    assert!(owner.page().text.contains("The email with the link is on its way."), "{}", owner.page().text);
    let link = next_link(&mut mailbox, "kim@shop.test").await;
    // A person who has only the link gets no further than the page that sends a code to the address.
    let mut thief = server.browser();
    thief.open(&link).await;
    thief.expect_page(200, "Forgot your password?");
    thief.open("/settings").await;
    assert_ne!(thief.page().heading, "My account");
    server.clock.advance_seconds(8 * 24 * 3_600);
    let mut kim = server.browser();
    kim.open(&link).await;
    assert_eq!(kim.page().heading, server_sign_in_heading(&server).await, "an old link leads to the sign-in");
    // One byte more or less is no link.
    kim.open(&format!("{link}x")).await;
    assert_eq!(kim.page().heading, server_sign_in_heading(&server).await);
}

async fn server_sign_in_heading(server: &TestServer) -> String {
    let mut browser = server.browser();
    browser.open("/settings/sign-in").await;
    browser.page().heading.clone()
}

async fn a_new_member_with_mistakes_is_complained_about(engine: Engine) {
    let (server, mut owner, mailbox) = start(engine).await;
    create(&mut owner, "kim@shop.test", false).await;
    assert_eq!(mailbox.count(), 0, "no invitation was wanted");
    owner.open(&format!("{AT}/users/new")).await;
    owner.fill("Login ID", "not an address");
    owner.fill("Password", "123");
    owner.press("Create user").await;
    let page = owner.expect_page(422, "New user");
    assert!(page.problem("value").is_some(), "{:?}", page.problems);
    owner.fill("Login ID", "KIM@shop.test");
    owner.fill("Password", "");
    owner.press("Create user").await;
    let page = owner.expect_page(422, "New user");
    assert_eq!(page.problem("value"), Some("Another user has this login ID already."));
    let admin = Admin::of(&server).await;
    let users = admin.get("/users").await.expect(200).json();
    assert_eq!(users["users"].as_array().map(Vec::len), Some(1), "{users}");
}

async fn a_login_id_is_changed_with_a_notice_to_the_old_address(engine: Engine) {
    let (server, mut owner, mut mailbox) = start(engine).await;
    let id = create(&mut owner, "kim@shop.test", false).await;
    create(&mut owner, "lee@shop.test", false).await;
    owner.open(&format!("{AT}/users/{id}")).await;
    owner.follow("Change kim@shop.test").await;
    owner.expect_page(200, "Change a login ID");
    owner.fill("New login ID", "lee@shop.test");
    owner.press("Change login ID").await;
    let page = owner.expect_page(422, "Change a login ID");
    assert_eq!(page.problem("value"), Some("Another user has this login ID already."));
    owner.fill("New login ID", "kim@new.test");
    owner.press("Change login ID").await;
    let page = owner.expect_page(200, "kim@new.test");
    assert!(page.text.contains("Login ID changed.") && page.text.contains("Not verified"), "{}", page.text);
    let mail = mailbox.next_mail("kim@shop.test").await;
    assert!(mail.text.contains("kim@new.test") && mail.text.contains("/security/"), "{}", mail.text);
    // The old address takes it back.
    let link = mail.text.split_whitespace().find(|word| word.contains("/security/")).expect("a link").to_string();
    let mut kim = server.browser();
    kim.open(&link).await;
    kim.press("Undo and end all sessions").await;
    owner.reload().await;
    owner.expect_page(200, "kim@shop.test");
    // Without recent authentication it is asked for.
    server.clock.advance_seconds(601);
    owner.reload().await;
    owner.follow("Change kim@shop.test").await;
    owner.expect_page(200, "Confirm that it's you");
    owner.open(&format!("{AT}/users/{id}/login-id?identity={id}")).await;
    owner.expect_page(200, "Confirm that it's you");
}

async fn a_login_id_is_verified(engine: Engine) {
    let (server, mut owner, _) = start(engine).await;
    let id = create(&mut owner, "kim@shop.test", false).await;
    owner.press("Mark as verified: kim@shop.test").await;
    let page = owner.expect_page(200, "kim@shop.test");
    assert!(page.text.contains("Login ID verified.") && !page.text.contains("Not verified"), "{}", page.text);
    let admin = Admin::of(&server).await;
    let is_logged = |log: &Value| log["events"][0]["payload"]["user"]["standard_attributes"]["email_verified"] == true;
    admin.wait_until(&format!("/events?user_id={id}&type=user.updated"), is_logged).await;
    owner.post(&format!("{AT}/users/{id}/verify"), &[("identity", &id)]).await;
    owner.expect_page(403, "The form has expired");
}

/// Guests of the test's application.
async fn sign_up(server: &TestServer, count: usize) -> Vec<String> {
    let app = server.app_client();
    let mut ids = Vec::new();
    for _ in 0..count {
        server.clock.advance_seconds(1);
        ids.push(app.subject(&app.sign_up().await.access).await);
    }
    ids
}

async fn many_users_are_disabled_after_a_dry_run(engine: Engine) {
    let (server, mut owner, _) = start(engine).await;
    let admin = Admin::of(&server).await;
    let guests = sign_up(&server, 3).await;
    create(&mut owner, "kim@shop.test", false).await;
    owner.open(&format!("{AT}/users?kind=guest")).await;
    owner.follow("Bulk actions").await;
    owner.expect_page(200, "Many users at once");
    owner.tick("Disable");
    owner.press("Dry run").await;
    let page = owner.expect_page(200, "Disable 3 users?");
    assert!(page.text.contains("Guests: 3. Members: 0."), "{}", page.text);
    let user = admin.get(&format!("/users/{}", guests[0])).await.expect(200).json();
    assert_eq!(user["is_disabled"], false, "a dry run changes nothing: {user}");
    owner.fill("Type the number of users: 3", "2");
    owner.press("Disable").await;
    assert!(owner.expect_page(422, "Disable 3 users?").problem("typed").is_some());
    owner.fill("Type the number of users: 3", "3");
    owner.press("Disable").await;
    let page = owner.expect_page(200, "Many users at once");
    assert!(page.text.contains("Disable: done for 3 users."), "{}", page.text);
    for guest in &guests {
        let user = admin.get(&format!("/users/{guest}")).await.expect(200).json();
        assert_eq!(user["is_disabled"], true, "{user}");
    }
    let all = |log: &Value| log["events"].as_array().is_some_and(|all| all.len() == 3);
    let log = admin.wait_until("/events?type=user.disabled", all).await;
    assert_eq!(log["events"][0]["context"]["audit_context"]["operator_email"], "olga@house.example");
    owner.open(&format!("{AT}/users/bulk?kind=guest&action=disable")).await;
    assert!(owner.expect_page(200, "Many users at once").text.contains("there is nothing to do"));
}

async fn a_run_is_for_the_users_of_its_dry_run_only(engine: Engine) {
    let (server, mut owner, _) = start(engine).await;
    let admin = Admin::of(&server).await;
    let guests = sign_up(&server, 2).await;
    owner.open(&format!("{AT}/users/bulk?kind=guest&action=delete")).await;
    owner.expect_page(200, "Delete 2 users?");
    // One who comes later is not deleted.
    let late = sign_up(&server, 1).await;
    let mut other = owner.clone();
    owner.fill("Type the number of users: 2", "2");
    owner.press("Delete").await;
    let page = owner.expect_page(200, "Many users at once");
    assert!(page.text.contains("Delete: done for 2 users."), "{}", page.text);
    admin.get(&format!("/users/{}", guests[0])).await.expect(404);
    admin.get(&format!("/users/{}", late[0])).await.expect(200);
    // The dry run of another window is about users that are gone.
    other.fill("Type the number of users: 2", "2");
    other.press("Delete").await;
    other.expect_page(422, "Delete 1 user?");
    other.forge("confirmed", "00112233445566778899aabbccddeeff");
    other.fill("Type the number of users: 1", "1");
    other.press("Delete").await;
    let page = other.expect_page(422, "Delete 1 user?");
    assert!(page.text.contains("Other users match the filter now."), "{}", page.text);
    admin.get(&format!("/users/{}", late[0])).await.expect(200);
}

async fn all_users_are_exported_by_owners(engine: Engine) {
    let (server, mut owner, _) = start(engine).await;
    let guests = sign_up(&server, 2).await;
    owner.open(&format!("{AT}/users")).await;
    owner.follow("Export").await;
    owner.expect_page(200, "Export users");
    let csrf = owner.hidden("_csrf").expect("a token");
    let reply = owner.try_route("POST", &format!("{AT}/users/export"), &csrf).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"users.jsonl\""));
    let lines: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2, "{}", reply.body);
    assert!(guests.iter().all(|id| lines.iter().any(|line| line["id"] == id.as_str())), "{}", reply.body);
    let admin = Admin::of(&server).await;
    admin.wait_until("/events?type=users.exported", |log| log["events"][0].is_object()).await;
    server.clock.advance_seconds(601);
    owner.reload().await;
    owner.press("Download").await;
    owner.expect_page(200, "Confirm that it's you");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    owner.expect_page(200, "Export users");
}

/// Sends a form with a file, as a browser does.
async fn upload(server: &TestServer, owner: &Browser, fields: &[(&str, &str)]) -> Reply {
    let part = |(name, value): &(&str, &str)| {
        format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n{value}\r\n")
    };
    let body = format!("{}--frontier--\r\n", fields.iter().map(part).collect::<String>());
    let request = server
        .http()
        .request(Method::POST, &format!("{AT}/users/import"))
        .header("cookie", owner.cookie_line())
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(body);
    Reply::of(request).await
}

async fn users_are_imported_after_a_dry_run(engine: Engine) {
    let (server, mut owner, _) = start(engine).await;
    let admin = Admin::of(&server).await;
    let guests = sign_up(&server, 2).await;
    let export = admin.get("/export/users").await.expect(200).body;
    admin.delete(&format!("/users/{}", guests[0])).await.expect(204);
    // A deleted user leaves a tombstone; a new ID does not meet it.
    let fresh = "01bb44c0-d400-7000-8000-000000000001";
    let file = format!("{}\n{{\"id\": 7}}\n", export.replace(&guests[0], fresh));
    owner.open(&format!("{AT}/users/import")).await;
    owner.expect_page(200, "Import users");
    let csrf = owner.hidden("_csrf").expect("a token");
    let tried = upload(&server, &owner, &[("_csrf", &csrf), ("file", &file), ("step", "check")]).await;
    assert_eq!(tried.status, 200, "{tried:?}");
    for expected in
        ["Dry run: nothing has been imported yet", "1 user is new.", "1 user exists", "1 line can", "Line 4"]
    {
        assert!(tried.body.contains(expected), "{expected}: {}", tried.body);
    }
    admin.get(&format!("/users/{fresh}")).await.expect(404);
    let fields = [("_csrf", csrf.as_str()), ("lines", &file), ("step", "import")];
    let done = upload(&server, &owner, &fields).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert!(done.body.contains("1 user was created."), "{}", done.body);
    admin.get(&format!("/users/{fresh}")).await.expect(200);
    admin.wait_until("/events?type=users.imported", |log| log["events"][0].is_object()).await;

    let empty = upload(&server, &owner, &[("_csrf", &csrf), ("file", ""), ("step", "check")]).await;
    assert!(empty.status == 422 && empty.body.contains("Choose a file"), "{empty:?}");
    let forged = upload(&server, &owner, &[("_csrf", "x"), ("file", &file), ("step", "check")]).await;
    assert_eq!(forged.status, 403);
    let large = "x".repeat(1_100_000);
    let large = upload(&server, &owner, &[("_csrf", &csrf), ("file", &large), ("step", "check")]).await;
    assert_eq!(large.status, 413);
    // Only this route takes files.
    let other = server
        .http()
        .request(Method::POST, &format!("{AT}/users/new"))
        .header("cookie", owner.cookie_line())
        .header("content-type", "multipart/form-data; boundary=x")
        .body("--x--");
    assert_eq!(Reply::of(other).await.status, 400);
}

/// Whoever reads the mails to an address can sign in with it once it is verified, so a session that was left open is not enough.
async fn members_are_made_and_verified_after_a_fresh_proof(engine: Engine) {
    let (server, mut owner, _) = start(engine).await;
    let id = create(&mut owner, "kim@shop.test", false).await;
    server.clock.advance_seconds(1_200);
    for path in ["/users/new".to_string(), format!("/users/{id}/verify")] {
        owner.open(&format!("{AT}{path}")).await;
        assert!(owner.url().path().ends_with("/prove"), "{path}: {}", owner.url());
    }
    owner.open(&format!("{AT}/users/{id}")).await;
    owner.press("Mark as verified: kim@shop.test").await;
    assert!(owner.url().path().ends_with("/prove"), "{}", owner.url());
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    assert!(owner.url().path().ends_with(&format!("/users/{id}")), "{}", owner.url());
    owner.press("Mark as verified: kim@shop.test").await;
    assert!(owner.page().text.contains("verified"), "{}", owner.page().text);
}
