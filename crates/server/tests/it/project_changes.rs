//! Changes of projects and what the event log says of them: who, through what, and the difference; from the command line, the portal and
//! the Admin API alike.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::project::{Origin, ProjectSettings};

use vestibule_app::{
    actor::Actor,
    admin::keys::AdminScope,
    projects::change::{Applied, ApplyError, ProjectWriter, find},
};
use vestibule_store::outbox;

use crate::support::{Admin, Engine, Reply, TestServer, on_both_engines};

on_both_engines!(
    a_change_says_who_through_what_and_the_difference,
    creating_a_project_is_in_its_log_from_everywhere,
    events_of_a_project_that_is_not_served_yet_are_kept,
    a_change_that_comes_too_late_leaves_no_trace,
);

async fn start(engine: Engine) -> TestServer {
    TestServer::start(engine, |setup| setup.open_portal()).await
}

fn settings(server: &TestServer, name: &str) -> ProjectSettings {
    let mut settings = server.app.projects.find_by_id("test").expect("the project").settings.clone();
    settings.project.name = Some(name.to_string());
    settings
}

async fn a_change_says_who_through_what_and_the_difference(engine: Engine) {
    let server = start(engine).await;
    let writer = ProjectWriter::of(&server.app);
    let actor = Actor::at_terminal("project apply");
    let applied = writer.apply(&settings(&server, "From a file"), &actor, server.clock.now()).await;
    assert!(matches!(applied, Ok(Applied::Changed(_))), "{applied:?}");
    // The same again is no change and no event.
    let applied = writer.apply(&settings(&server, "From a file"), &actor, server.clock.now()).await;
    assert!(matches!(applied, Ok(Applied::Unchanged)), "{applied:?}");
    server.app.projects.reload(&server.app.store, &server.app.master).await.expect("loaded");

    let admin = Admin::new(&server, &[AdminScope::SettingsRead, AdminScope::SettingsWrite]).await;
    let read = admin.get("/project").await.expect(200);
    let mut document = read.json()["settings"].clone();
    document["project"]["name"] = json!("From a program");
    let request = admin.request(Method::PUT, "/project").header("if-match", read.header("etag").expect("a version"));
    Reply::of(request.json(&document)).await.expect(200);

    let mut owner = server.owner().await;
    owner.open("/portal/p/test/settings").await;
    owner.fill("Name", "From the portal");
    owner.press("Save").await;

    let mut changed = server.events("project.changed").await;
    changed.retain(|event| event["payload"]["keys"] == json!(["project.name"]));
    let reported: Vec<_> = changed
        .iter()
        .map(|event| {
            let context = &event["context"];
            (context["triggered_by"].clone(), context["audit_context"].clone(), event["payload"]["changes"].clone())
        })
        .collect();
    let difference = |from: Value, to: &str| json!([{"key": "project.name", "from": from, "to": format!("\"{to}\"")}]);
    assert_eq!(reported.len(), 3, "{reported:?}");
    assert_eq!(reported[0].0, "system");
    assert_eq!(reported[0].1, json!({"command": "vestibule project apply"}));
    assert_eq!(reported[0].2[0]["to"], "\"From a file\"");
    assert_eq!(reported[1].0, "admin_api");
    assert_eq!(reported[1].2, difference(json!("\"From a file\""), "From a program"));
    assert_eq!(reported[2].0, "portal");
    assert_eq!(reported[2].1["operator_email"], "olga@house.example");
    assert_eq!(reported[2].2, difference(json!("\"From a program\""), "From the portal"));
}

async fn creating_a_project_is_in_its_log_from_everywhere(engine: Engine) {
    let server = start(engine).await;
    server.add_project("second", |_| ()).await;
    let mut owner = server.owner().await;
    owner.open("/portal/projects/new").await;
    owner.fill("Project ID", "third");
    owner.fill("Public origin", "https://third.example");
    owner.press("Create project").await;
    for (project, by, who) in [
        ("test", "system", ("command", "vestibule project apply")),
        ("second", "system", ("command", "vestibule project apply")),
        ("third", "portal", ("operator_email", "olga@house.example")),
    ] {
        let created = server.events_of(project, "project.created").await;
        assert_eq!(created.len(), 1, "{project}: {created:?}");
        assert_eq!(created[0]["payload"]["target"], project);
        assert_eq!(created[0]["context"]["triggered_by"], by);
        assert_eq!(created[0]["context"]["audit_context"][who.0], who.1);
    }
}

/// An event of a project that this process has not loaded yet, as after `vestibule project apply` beside a running server.
async fn events_of_a_project_that_is_not_served_yet_are_kept(engine: Engine) {
    let server = start(engine).await;
    let app = &server.app;
    let settings = ProjectSettings::new("beside", Origin::parse("https://beside.example").expect("an origin"));
    let actor = Actor::at_terminal("project apply");
    ProjectWriter::of(app).create(&settings, &actor, server.clock.now()).await.expect("created");
    while !outbox::due_any_project(&mut app.store.read().await.expect("a connection"), "event", server.clock.now(), 1)
        .await
        .expect("the outbox")
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    app.projects.reload(&app.store, &app.master).await.expect("loaded");
    assert_eq!(server.events_of("beside", "project.created").await.len(), 1);
}

async fn a_change_that_comes_too_late_leaves_no_trace(engine: Engine) {
    let server = start(engine).await;
    let (writer, now) = (ProjectWriter::of(&server.app), server.clock.now());
    let actor = Actor::at_terminal("project apply");
    let row = find(&server.app.store, "test").await.expect("the store works").expect("the project");
    let first = writer.change(&row, &settings(&server, "First"), &actor, now).await;
    assert!(matches!(first, Ok(Applied::Changed(_))), "{first:?}");
    let late = writer.change(&row, &settings(&server, "Late"), &actor, now).await;
    assert!(matches!(late, Err(ApplyError::ChangedConcurrently)), "{late:?}");
    let again = writer.create(&settings(&server, "Again"), &actor, now).await;
    assert!(again.is_err(), "{again:?}");
    assert_eq!(server.events("project.changed").await.len(), 1);
    assert_eq!(server.events("project.created").await.len(), 1);
}
