//! Access control: every route of the portal with every role; inviting, changing and removing operators; keys; deletion
//! of a project.

use vestibule_app::admin::keys::AdminScope;
use vestibule_domain::operator::Role;
use vestibule_portal::first_link::list_routes;
use vestibule_web::access::Access;

use crate::support::{Admin, Browser, Engine, OWNER_PASSWORD, TestServer, on_both_engines};

on_both_engines!(
    every_route_admits_exactly_its_roles,
    every_route_of_the_admin_api_wants_its_scope,
    an_invited_operator_comes_in_by_mail,
    every_project_keeps_an_owner,
    a_removed_operator_is_out_at_once,
    an_owner_makes_a_link_for_an_operator_without_credentials,
    operators_make_links_only_into_projects_they_own,
    keys_are_made_and_revoked,
    a_project_ends_after_its_id_was_typed,
);

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

/// Invites an operator as the owner. The link is in the mail only.
pub(crate) async fn send_invitation(owner: &mut Browser, project: &str, email: &str, role: &str) {
    owner.open(&format!("/portal/p/{project}/operators")).await;
    owner.fill("Email", email);
    owner.tick(role);
    owner.press("Invite").await;
    let page = owner.expect_page(200, "Invited");
    assert!(!page.text.contains("/portal/welcome/") && !page.text.contains("/portal/invitations/"), "{}", page.text);
}

/// The link of the newest invitation that was mailed to this address.
pub(crate) async fn newest_invitation(server: &TestServer, email: &str, number: usize) -> String {
    let mut mailbox = server.mailbox();
    let mut mail = mailbox.next_mail(email).await;
    for _ in 1..number {
        mail = mailbox.next_mail(email).await;
    }
    let is_link = |word: &&str| word.contains("/portal/welcome/") || word.contains("/portal/invitations/");
    mail.text.split_whitespace().find(is_link).expect("a link").to_string()
}

/// Invites an operator as the owner, and accepts the invitation by the link in the mail.
pub(crate) async fn invite(
    server: &TestServer,
    owner: &mut Browser,
    project: &str,
    email: &str,
    role: &str,
) -> Browser {
    let mut mailbox = server.mailbox();
    send_invitation(owner, project, email, role).await;
    let mail = mailbox.next_mail(email).await;
    let link = mail.text.split_whitespace().find(|word| word.contains("/portal/welcome/")).expect("a link").to_string();
    let mut browser = server.browser();
    browser.open(&link).await;
    browser.expect_page(200, "You are invited");
    browser.fill("Your name", "Somebody");
    browser.fill("Password", "nine grey herons by the weir");
    browser.press("Accept invitation").await;
    browser.expect_page(200, "Projects");
    browser
}

pub(crate) async fn make_second_project(owner: &mut Browser) {
    owner.open("/portal/projects/new").await;
    owner.fill("Project ID", "second");
    owner.fill("Public origin", "https://second.example");
    owner.press("Create project").await;
}

/// The form token of this browser.
async fn form_token(browser: &mut Browser) -> String {
    browser.open("/portal").await;
    let form =
        browser.page().forms.iter().find(|form| form.action == "/portal/sign-out" || form.action == "/portal/sign-in");
    let fields = &form.expect("a form").fields;
    fields.iter().find(|(name, _)| name == "_csrf").expect("a token").1.clone()
}

async fn every_route_admits_exactly_its_roles(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    make_second_project(&mut owner).await;
    let mut people = vec![
        ("nobody", None, server.browser()),
        ("viewer", Some(Role::Viewer), invite(&server, &mut owner, "test", "vi@house.example", "Viewer").await),
        ("editor", Some(Role::Editor), invite(&server, &mut owner, "test", "ed@house.example", "Editor").await),
        ("owner", Some(Role::Owner), invite(&server, &mut owner, "test", "ow@house.example", "Owner").await),
        ("stranger", None, invite(&server, &mut owner, "second", "st@house.example", "Owner").await),
    ];
    let routes = list_routes();
    assert!(routes.len() > 40, "{}", routes.len());
    for (who, role, browser) in &mut people {
        let token = form_token(browser).await;
        for route in &routes {
            // Routes that would end this browser's session, or remove what it needs, are called elsewhere.
            if route.path == "/portal/sign-out" || route.path.ends_with("/settings/delete") && route.method == "POST" {
                continue;
            }
            let path = route
                .path
                .replace("{project}", "test")
                .replace("{client_id}", "backend")
                .replace("{framework}", "react")
                .replace("{secret_id}", "0000000000000000")
                .replace("{*rest}", "x/y")
                .replace(['{', '}'], "");
            let reply = browser.try_route(route.method, &path, &token).await;
            let place = format!("{} {} for {who}: {}", route.method, path, reply.status);
            let to_sign_in = reply.status == 303
                && reply.header("location").is_some_and(|to| to.starts_with("/portal/sign-in?next="));
            match route.access {
                // Forms before sign-in have their own token, which a signed-in browser lacks.
                Access::Anonymous => assert!(!to_sign_in && reply.status < 500, "{place}"),
                _ if *who == "nobody" => assert!(to_sign_in, "{place}"),
                Access::Operator => assert!(!to_sign_in && reply.status != 403 && reply.status < 500, "{place}"),
                Access::Everywhere(_) => assert_eq!(reply.status, 403, "{place}"),
                Access::InProject(_) if role.is_none() => assert_eq!(reply.status, 404, "{place}"),
                Access::InProject(least) if *role >= Some(least) => {
                    assert!(!to_sign_in && reply.status != 403 && reply.status < 500, "{place}");
                }
                Access::InProject(_) => assert_eq!(reply.status, 403, "{place}"),
            }
        }
    }
}

async fn every_route_of_the_admin_api_wants_its_scope(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let api: serde_json::Value = server.http().get("/_api/admin/v1/openapi.json").await.json();
    let narrow = Admin::new(&server, &[AdminScope::StatisticsRead]).await;
    let mut tried = 0;
    for (path, methods) in api["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys().filter(|name| *name != "parameters") {
            let target = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>();
            let target = format!("/_api/admin/v1{}", target.join("/"));
            let method: reqwest::Method = method.to_uppercase().parse().expect("a method");
            if path == "/openapi.json" || path == "/docs" {
                continue;
            }
            // Refusals are counted per address.
            server.clock.advance_seconds(3);
            let anonymous = crate::support::Reply::of(server.http().request(method.clone(), &target)).await;
            assert_eq!(anonymous.status, 401, "{method} {path} for nobody");
            if path.starts_with("/statistics") {
                continue;
            }
            let reply =
                crate::support::Reply::of(server.http().request(method.clone(), &target).bearer_auth(&narrow.token))
                    .await;
            assert_eq!(reply.status, 403, "{method} {path} without its scope: {}", reply.body);
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

async fn an_invited_operator_comes_in_by_mail(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "nobody");
    owner.press("Invite").await;
    assert!(owner.expect_page(422, "Operators").problem("email").is_some());
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    editor.open("/portal/p/test/operators").await;
    assert!(editor.page().text.contains("Somebody editor you"), "{}", editor.page().text);
    // An operator with an account gets the role at once, and a mail about it.
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", "ED@house.example");
    owner.tick("Owner");
    owner.press("Invite").await;
    assert!(owner.expect_page(200, "Operators").text.contains("had an account already"));
    editor.open("/portal/p/test/admin-keys").await;
    editor.expect_page(200, "Admin API keys");
    // A revoked invitation is invalid.
    let mut mailbox = server.mailbox();
    owner.fill("Email", "new@house.example");
    owner.tick("Viewer");
    owner.press("Invite").await;
    let link = mailbox.next_welcome("new@house.example").await;
    owner.open("/portal/p/test/operators").await;
    owner.press("Revoke").await;
    assert!(owner.expect_page(200, "Operators").text.contains("Invitation revoked."));
    let mut late = server.browser();
    late.open(&link).await;
    late.expect_page(410, "This link no longer works");
    assert_eq!(server.events("operator.invited").await.len(), 3);
}

async fn every_project_keeps_an_owner(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/operators").await;
    owner.follow("Change").await;
    owner.expect_page(200, "Role of Olga");
    owner.tick("Viewer");
    owner.press("Change role").await;
    assert!(owner.expect_page(200, "Operators").text.contains("remove the last owner"));
    owner.follow("Change").await;
    owner.tick("None");
    owner.press("Change role").await;
    assert!(owner.expect_page(200, "Operators").text.contains("remove the last owner"));
    // An owner of one project gives nothing away elsewhere.
    let mut local = invite(&server, &mut owner, "test", "ow@house.example", "Owner").await;
    local.open("/portal/p/test/operators").await;
    local.fill("Email", "friend@house.example");
    local.tick("Viewer");
    local.press("Invite").await;
    local.expect_page(200, "Invited");
    local.open("/portal/projects/new").await;
    local.expect_page(403, "You need a higher role");
}

async fn a_removed_operator_is_out_at_once(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    owner.open("/portal/p/test/operators").await;
    let links: Vec<_> =
        owner.page().links.iter().filter(|(text, _)| text == "Change").map(|(_, to)| to.clone()).collect();
    let theirs = links.iter().find(|to| !to.contains("everywhere")).expect("the editor's");
    owner.open(theirs).await;
    owner.tick("None");
    owner.press("Change role").await;
    assert!(owner.expect_page(200, "Operators").text.contains("Operator removed."));
    editor.open("/portal/p/test/session").await;
    editor.expect_page(200, "Sign in to the portal");
    editor.fill("Email", "ed@house.example");
    editor.fill("Password", "nine grey herons by the weir");
    editor.press("Sign in").await;
    editor.expect_page(422, "Sign in to the portal");
}

/// The URL of the page with a reset link for an operator of single projects.
fn link_page(browser: &Browser) -> String {
    let links = &browser.page().links;
    links.iter().find(|(text, _)| text == "Recovery link").expect("a link to the page").1.clone()
}

async fn an_owner_makes_a_link_for_an_operator_without_credentials(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    owner.open("/portal/p/test/operators").await;
    let page = link_page(&owner);
    server.clock.advance_seconds(601);
    owner.open(&page).await;
    owner.expect_page(200, "Confirm that it's you");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    owner.expect_page(200, "Recovery link for Somebody");
    let mut made = Vec::new();
    for _ in 0..2 {
        owner.open(&page).await;
        owner.press("Create link").await;
        let shown = owner.expect_page(200, "Recovery link");
        let link = shown.text.split_whitespace().find(|word| word.contains("/portal/welcome/")).expect("the link");
        made.push(link.to_string());
    }
    // Signed out at once, and the older link is invalid.
    editor.open("/portal").await;
    editor.expect_page(200, "Sign in to the portal");
    editor.open(&made[0]).await;
    editor.expect_page(410, "This link no longer works");
    editor.open(&made[1]).await;
    editor.expect_page(200, "Choose how you sign in");
    editor.fill("Password", "seven brown owls by the mill");
    editor.press("Set password").await;
    editor.expect_page(200, "Projects");
    editor.press("Sign out").await;
    for (password, status) in [("nine grey herons by the weir", 422), ("seven brown owls by the mill", 200)] {
        editor.fill("Email", "ed@house.example");
        editor.fill("Password", password);
        editor.press("Sign in").await;
        assert_eq!(editor.reply().status, status, "{}", editor.page().text);
    }
    let events = server.events("operator.link_created").await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["payload"]["target"], "ed@house.example");
    assert_eq!(events[0]["context"]["audit_context"]["operator_email"], "olga@house.example");
    assert!(!events[0].to_string().contains("/welcome/"), "the link is nowhere but on the page");
}

async fn operators_make_links_only_into_projects_they_own(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    make_second_project(&mut owner).await;
    let mut local = invite(&server, &mut owner, "test", "ow@house.example", "Owner").await;
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    let mut refused = Vec::new();
    local.open("/portal/p/test/operators").await;
    // Ed works only here; then in the second project too.
    let page = link_page(&local);
    send_invitation(&mut owner, "second", "ed@house.example", "Viewer").await;
    editor.open(&newest_invitation(&server, "ed@house.example", 2).await).await;
    editor.press("Accept role").await;
    assert!(editor.expect_page(200, "Projects").text.contains("Role accepted."));
    refused.push(page);
    // Olga owns all projects.
    owner.open("/portal/p/test/operators").await;
    let mine = owner.page().links.iter().find(|(_, to)| to.ends_with("everywhere=on")).expect("Olga's own").1.clone();
    refused.push(mine.replace("?everywhere=on", "/link"));
    for page in refused {
        local.open(&page).await;
        assert_eq!(local.reply().status, 200, "{}", local.page().text);
        local.press("Create link").await;
        assert!(local.expect_page(200, "Operators").text.contains("roles in other projects"));
    }
    assert_eq!(server.events("operator.link_created").await.len(), 0);
    owner.open("/portal").await;
    owner.expect_page(200, "Projects");
    // An operator's own credentials are elsewhere, and an unknown operator is not found.
    owner.open(&mine.replace("?everywhere=on", "/link")).await;
    owner.expect_page(200, "Your account");
    owner.open("/portal/p/test/operators/00000000-0000-7000-8000-000000000000/link").await;
    owner.expect_page(404, "Page not found");
}

async fn keys_are_made_and_revoked(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/admin-keys").await;
    owner.follow("New key").await;
    owner.press("Create key").await;
    let page = owner.expect_page(422, "New key");
    assert!(page.problem("name").is_some() && page.problem("settings:read").is_some(), "{:?}", page.problems);
    owner.fill("Name", "Nightly report");
    owner.tick("settings:read");
    owner.press("Create key").await;
    owner.expect_page(200, "New API key");
    let key = owner.page().text.split_whitespace().find(|word| word.starts_with("vak_")).expect("the key").to_string();
    let ask = || server.http().request(reqwest::Method::GET, "/_api/admin/v1/project").bearer_auth(&key);
    assert_eq!(crate::support::Reply::of(ask()).await.status, 200);
    owner.open("/portal/p/test/admin-keys").await;
    owner.follow("Revoke").await;
    owner.press("Revoke key").await;
    assert!(owner.expect_page(200, "Admin API keys").text.contains("Key revoked."));
    assert_eq!(crate::support::Reply::of(ask()).await.status, 401);
    assert_eq!(server.events("admin_key.revoked").await.len(), 1);
}

async fn a_project_ends_after_its_id_was_typed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    make_second_project(&mut owner).await;
    owner.open("/portal/p/second/settings").await;
    owner.fill("Name", "The Second");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Project settings").text.contains("Changes saved."));
    server.clock.advance_seconds(601);
    owner.follow("Delete project").await;
    owner.expect_page(200, "Confirm that it's you");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    owner.fill("Type second to confirm", "test");
    owner.press("Delete project").await;
    owner.expect_page(422, "Delete second?");
    owner.fill("Type second to confirm", "second");
    owner.press("Delete project").await;
    assert!(owner.expect_page(200, "Projects").text.contains("Project deleted"));
    assert!(server.app.projects.find_by_id("second").is_none());
    // The project's own log is gone: the operators' log keeps who did it.
    owner.open("/portal/activity").await;
    let page = owner.expect_page(200, "Operator activity");
    assert!(page.text.contains("Project deleted second"), "{}", page.text);
    assert!(server.app.projects.find_by_id("test").is_some());
}
