//! The portal's page about the whole server.

use vestibule_domain::operator::Role;
use vestibule_store::outbox;

use crate::support::{Engine, TestServer, on_both_engines};

on_both_engines!(owners_of_every_project_see_versions_and_queues);

async fn owners_of_every_project_see_versions_and_queues(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    owner.open("/portal").await;
    owner.follow("Server health").await;
    let page = owner.expect_page(200, "Server health");
    let name = match engine {
        Engine::Sqlite => "Embedded (SQLite)",
        Engine::Postgres => "PostgreSQL",
    };
    for part in ["Ready", name, env!("CARGO_PKG_VERSION"), "Emails 0", "Unreadable events 0"] {
        assert!(page.text.contains(part), "{part} is missing in:\n{}", page.text);
    }
    assert!(!page.text.contains("Check"), "{}", page.text);

    let (no, now) = (server.app.projects.all()[0].no, server.clock.now());
    let pushed = server.app.store.write("test", (), move |tx, ()| {
        Box::pin(async move {
            // No job takes it.
            outbox::push(tx, no, "event.unreadable", None, "{", now).await
        })
    });
    pushed.await.expect("the store works");
    owner.open("/portal/health").await;
    let page = owner.expect_page(200, "Server health");
    assert!(page.text.contains("Unreadable events 1 Check"), "{}", page.text);

    let link = server.shown_invitation("test", "ed@house.example", Role::Owner).await;
    let mut other = server.browser();
    other.open(&link).await;
    other.fill("Your name", "Ed");
    other.fill("Password", "nine grey herons by the weir");
    other.press("Accept invitation").await;
    other.open("/portal/health").await;
    other.expect_page(403, "You need a higher role");
}
