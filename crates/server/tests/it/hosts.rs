//! One host belongs to one project: at creation, apply, over the Admin API, in the portal and when projects are loaded;
//! and the portal's host to the configured project.

use reqwest::Method;
use serde_json::json;
use vestibule_app::{
    admin::keys::AdminScope,
    projects::change::{Applied, ApplyError},
};
use vestibule_domain::project::{Origin, ProjectSettings};
use vestibule_store::Sql;

use crate::support::{Admin, Browser, Engine, OWNER_PASSWORD, Reply, TestServer, on_both_engines};

on_both_engines!(
    a_key_never_changes_the_origin,
    an_owner_of_everything_moves_a_project_after_typing_where_to,
    neither_editors_nor_owners_of_one_project_move_it,
    a_host_is_taken_however_it_is_spelled,
    of_two_projects_at_one_host_the_older_keeps_it,
    the_host_header_may_be_spelled_in_any_way,
    the_portals_host_is_for_the_project_the_configuration_names,
    a_project_alone_may_take_the_portals_host,
);

const PATH: &str = "/portal/p/second/settings/origin";

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

/// As `vestibule project apply` does.
async fn apply_at(server: &TestServer, id: &str, origin: &str) -> Result<Applied, ApplyError> {
    server.apply(&ProjectSettings::new(id, Origin::parse(origin).expect("an origin"))).await
}

fn origin_of(server: &TestServer, id: &str) -> String {
    server.app.projects.find_by_id(id).expect("the project").origin.clone()
}

/// Every spelling of the host of an origin `http://localhost:PORT`, and of one without a port.
fn spellings(origin: &str) -> Vec<String> {
    let rest = origin.strip_prefix("http://localhost").expect("the test's origin");
    vec![
        format!("http://localhost{rest}"),
        format!("https://localhost{rest}"),
        format!("https://LOCALHOST{rest}/"),
        format!("https://localhost.{rest}"),
        format!("https://loc%61lhost{rest}"),
    ]
}

async fn a_key_never_changes_the_origin(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let admin = Admin::new(&server, &[AdminScope::SettingsRead, AdminScope::SettingsWrite]).await;
    let read = admin.get("/project").await.expect(200);
    let tag = read.header("etag").expect("a version").to_string();
    let settings = read.json()["settings"].clone();
    let put = |origin: &str| {
        let mut settings = settings.clone();
        settings["project"]["public_origin"] = origin.into();
        Reply::of(admin.request(Method::PUT, "/project").header("if-match", &tag).json(&settings))
    };
    let own = server.origin.clone();
    for origin in
        [own.replace("http:", "https:"), "https://elsewhere.example".into(), own.replace("localhost", "a.localhost")]
    {
        let refused = put(&origin).await.expect(403);
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        let problem = refused.json();
        assert_eq!(problem["code"], "origin_fixed", "{origin}: {problem}");
        assert_eq!(problem["errors"][0]["path"], "project.public_origin", "{origin}");
        assert_eq!(origin_of(&server, "test"), own);
    }
    // The same origin in another spelling is no change, and the rest is saved.
    let unchanged = put(&format!("{own}/")).await.expect(200).json();
    assert_eq!(unchanged["settings"]["project"]["public_origin"], own);
    let mut renamed = settings.clone();
    renamed["project"]["name"] = "Corner".into();
    let request = admin.request(Method::PUT, "/project").header("if-match", &tag).json(&renamed);
    assert_eq!(Reply::of(request).await.expect(200).json()["settings"]["project"]["name"], "Corner");
}

async fn an_owner_of_everything_moves_a_project_after_typing_where_to(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    apply_at(&server, "second", "https://second.example").await.expect("applied");
    owner.open("/portal/p/second/settings").await;
    owner.follow("Change public origin").await;
    let page = owner.expect_page(200, "Change public origin");
    assert!(page.text.contains("https://second.example"), "{}", page.text);
    owner.fill("New public origin", "third.example");
    owner.press("Change public origin").await;
    assert!(owner.expect_page(422, "Change public origin").problem("origin").is_some());
    owner.fill("New public origin", "https://third.example/");
    owner.fill("Type the new public origin again", "https://third.exmaple");
    owner.press("Change public origin").await;
    let page = owner.expect_page(422, "Change public origin");
    assert!(page.problem("confirmation").is_some_and(|text| text.contains("https://third.example")));
    let fields = page.forms.iter().flat_map(|form| &form.fields).filter(|(name, _)| name == "origin");
    assert_eq!(fields.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["https://third.example/"]);
    // The reauthentication has expired: nothing is done.
    server.clock.advance_seconds(601);
    owner.fill("Type the new public origin again", "https://third.example");
    owner.press("Change public origin").await;
    owner.expect_page(200, "Confirm that it's you");
    assert_eq!(origin_of(&server, "second"), "https://second.example");
    owner.fill("Password", OWNER_PASSWORD);
    owner.press("Continue").await;
    owner.expect_page(200, "Change public origin");
    owner.fill("New public origin", "https://third.example");
    owner.fill("Type the new public origin again", "https://third.example");
    owner.press("Change public origin").await;
    assert!(owner.expect_page(200, "Project settings").text.contains("Public origin changed."));
    assert_eq!(origin_of(&server, "second"), "https://third.example");
    assert!(server.app.projects.find_by_host("third.example").is_some());
    assert!(server.app.projects.find_by_host("second.example").is_none());
    let changed = server.events_of("second", "project.changed").await;
    assert_eq!(changed[0]["payload"]["keys"], json!(["project.public_origin"]));
    assert_eq!(changed[0]["context"]["audit_context"]["operator_email"], "olga@house.example");

    // An error beside the field, without information about the other project.
    for origin in spellings(&server.origin) {
        owner.open(PATH).await;
        owner.fill("New public origin", &origin);
        owner.fill("Type the new public origin again", &origin);
        owner.press("Change public origin").await;
        let page = owner.expect_page(422, "Change public origin");
        let problem = page.problem("origin").expect("a complaint").to_string();
        assert!(problem.contains("Another project is served at this host"), "{origin}: {problem}");
        assert!(!problem.contains("test"), "{problem}");
        assert_eq!(origin_of(&server, "second"), "https://third.example");
    }
}

async fn neither_editors_nor_owners_of_one_project_move_it(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    for role in ["Editor", "Owner"] {
        let mut one = invite(&server, &mut owner, &format!("{role}@house.example"), role).await;
        one.open("/portal/p/test/settings").await;
        let page = one.expect_page(200, "Project settings");
        assert!(!page.text.contains("Change public origin"), "{role}: {}", page.text);
        // The settings form has no such field, and ignores one.
        let fields: Vec<_> = page.forms.iter().flat_map(|form| form.fields.clone()).collect();
        assert!(!fields.iter().any(|(name, _)| name == "origin"), "{fields:?}");
        let token = fields.iter().find(|(name, _)| name == "_csrf").expect("a token").1.clone();
        one.try_route("POST", "/portal/p/test/settings?origin=https%3A%2F%2Felsewhere.example", &token).await;
        one.fill("Name", role);
        one.press("Save").await;
        one.expect_page(200, "Project settings");
        let project = server.app.projects.find_by_id("test").expect("the project");
        assert_eq!(project.settings.project.name.as_deref(), Some(role), "the rest was saved");
        assert_eq!(project.origin, server.origin);
        one.open("/portal/p/test/settings/origin").await;
        one.expect_page(403, "You need a higher role");
    }
}

async fn invite(server: &TestServer, owner: &mut Browser, email: &str, role: &str) -> Browser {
    owner.open("/portal/p/test/operators").await;
    owner.fill("Email", email);
    owner.tick(role);
    owner.press("Invite").await;
    let mail = server.mailbox().next_mail(&email.to_lowercase()).await;
    let link = mail.text.split_whitespace().find(|word| word.contains("/portal/welcome/")).expect("a link").to_string();
    let mut browser = server.browser();
    browser.open(&link).await;
    browser.fill("Your name", role);
    browser.fill("Password", "nine grey herons by the weir");
    browser.press("Accept invitation").await;
    browser
}

async fn a_host_is_taken_however_it_is_spelled(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    apply_at(&server, "second", "https://müller.example").await.expect("applied");
    let idn = ["http://xn--mller-kva.example", "https://MÜLLER.example.", "https://xn--mller-kva.example:80"];
    for origin in spellings(&server.origin).into_iter().chain(idn.map(str::to_string)) {
        let refused = apply_at(&server, "third", &origin).await.expect_err("the host is taken").to_string();
        assert!(refused.starts_with("project.public_origin: "), "{origin}: {refused}");
        owner.open("/portal/projects/new").await;
        owner.fill("Project ID", "third");
        owner.fill("Public origin", &origin);
        owner.press("Create project").await;
        let page = owner.expect_page(422, "New project");
        assert!(page.problem("origin").is_some_and(|text| text.contains("Another project")), "{origin}");
        assert!(server.app.projects.find_by_id("third").is_none(), "{origin}");
    }
    for origin in spellings(&server.origin) {
        assert!(apply_at(&server, "second", &origin).await.is_err(), "{origin}");
    }
    assert_eq!(origin_of(&server, "second"), "https://xn--mller-kva.example");
    // The command line may change the scheme on the same host.
    apply_at(&server, "second", "http://müller.example").await.expect("applied");
    assert_eq!(origin_of(&server, "second"), "http://xn--mller-kva.example");
}

/// Writes an origin like a release without hosts.
async fn write_origin(server: &TestServer, id: &str, origin: &str) {
    const WRITE: Sql = Sql::new(
        "UPDATE projects SET public_origin = $2, settings = $3, authority = NULL, version = version + 1 WHERE id = $1",
    );
    let settings = json!({"project": {"id": id, "public_origin": origin}}).to_string();
    let input = (id.to_string(), origin.to_string(), settings);
    let written = server.app.store.write("test", input, |tx, (id, origin, settings)| {
        Box::pin(async move { tx.execute_one(&WRITE, &[id, origin, settings]).await })
    });
    assert!(written.await.expect("the store works"));
    server.app.projects.reload(&server.app.store, &server.app.master).await.expect("the projects are loaded");
}

async fn of_two_projects_at_one_host_the_older_keeps_it(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    apply_at(&server, "second", "https://second.example").await.expect("applied");
    apply_at(&server, "third", "https://third.example").await.expect("applied");
    let keys = server.http().get("/oauth2/jwks").await.expect(200).body;
    write_origin(&server, "second", &server.origin.replace("http:", "https:")).await;
    write_origin(&server, "third", "http://second.example").await;
    assert_eq!(server.http().get("/oauth2/jwks").await.expect(200).body, keys, "the older project answers");
    let found = |host: &str| server.app.projects.find_by_host(host).map(|project| project.id.clone());
    assert_eq!(found("second.example").as_deref(), Some("third"), "a host that is free again can be had");
    assert_eq!(server.app.projects.all().len(), 3, "the younger is there, to be repaired");
    // Its other settings can be changed, and then its origin.
    owner.open("/portal/p/second/settings").await;
    assert!(owner.expect_page(200, "Project settings").text.contains("It is not served"), "{}", owner.page().text);
    owner.fill("Name", "The Second");
    owner.press("Save").await;
    owner.expect_page(200, "Project settings");
    owner.open(PATH).await;
    owner.fill("New public origin", "https://fourth.example");
    owner.fill("Type the new public origin again", "https://fourth.example");
    owner.press("Change public origin").await;
    assert!(!owner.expect_page(200, "Project settings").text.contains("It is not served"));
    assert_eq!(found("fourth.example").as_deref(), Some("second"));
}

async fn the_host_header_may_be_spelled_in_any_way(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    apply_at(&server, "second", "https://müller.example").await.expect("applied");
    let issuer_at = async |host: &str| {
        let request = server.http().request(Method::GET, "/.well-known/openid-configuration").header("host", host);
        let reply = Reply::of(request).await;
        (reply.status == 200).then(|| reply.json()["issuer"].as_str().expect("an issuer").to_string())
    };
    let port = server.address.port();
    for host in [format!("localhost:{port}"), format!("LocalHost:{port}"), format!("localhost.:{port}")] {
        assert_eq!(issuer_at(&host).await.as_deref(), Some(server.origin.as_str()), "{host}");
    }
    for host in ["xn--mller-kva.example", "XN--MLLER-KVA.example:443", "xn--mller-kva.example.:80"] {
        assert_eq!(issuer_at(host).await.as_deref(), Some("https://xn--mller-kva.example"), "{host}");
    }
    for host in ["xn--mller-kva.example:8443", "mller.example", "localhost", "[::1"] {
        assert_eq!(issuer_at(host).await, None, "{host}");
    }
}

async fn the_portals_host_is_for_the_project_the_configuration_names(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.configure("portal.public_origin", "https://portal.house.example");
        setup.configure("portal.project", "named");
    })
    .await;
    let portal = ["https://portal.house.example", "http://PORTAL.house.example.", "http://portal.house.example:443"];
    for origin in portal {
        for id in ["test", "second"] {
            let refused = apply_at(&server, id, origin).await.expect_err("it is the portal's").to_string();
            assert!(refused.starts_with("project.public_origin: the portal is served at this host"), "{refused}");
        }
    }
    apply_at(&server, "second", "https://second.example").await.expect("applied");
    write_origin(&server, "second", "http://portal.house.example:443").await;
    let at_portal =
        |server: &TestServer| server.app.projects.find_by_host("portal.house.example").map(|it| it.id.clone());
    assert_eq!(at_portal(&server), None, "it is judged when it is loaded, too");
    apply_at(&server, "named", "https://named.example").await.expect("applied");
    let refused = apply_at(&server, "named", "https://portal.house.example").await;
    assert!(refused.is_err(), "another project says that it is there");
    apply_at(&server, "second", "https://second.example").await.expect("applied");
    apply_at(&server, "named", "https://portal.house.example").await.expect("the configuration names it");
    assert_eq!(at_portal(&server).as_deref(), Some("named"));
}

async fn a_project_alone_may_take_the_portals_host(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.configure("portal.public_origin", "https://portal.house.example");
    })
    .await;
    apply_at(&server, "test", "http://portal.house.example").await.expect("it is alone");
    apply_at(&server, "second", "https://second.example").await.expect("applied");
    let at_portal =
        |server: &TestServer| server.app.projects.find_by_host("portal.house.example").map(|it| it.id.clone());
    assert_eq!(at_portal(&server).as_deref(), Some("test"), "it keeps the host when another one is there");
    apply_at(&server, "test", "https://elsewhere.example").await.expect("applied");
    for id in ["test", "second"] {
        assert!(apply_at(&server, id, "https://portal.house.example").await.is_err(), "{id} is not alone any more");
    }
}
