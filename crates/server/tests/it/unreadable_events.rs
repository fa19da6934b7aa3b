//! Queued events that cannot be read: they are kept and counted, and hold up no other.

use vestibule_app::{jobs::events::count_unreadable, metrics::Measured};
use vestibule_store::{outbox, user_lists};

use crate::{
    nodes::until,
    support::{Engine, Setup, TestServer, connect_to, on_both_engines},
};

async fn an_unreadable_event_is_kept_and_counted_and_holds_up_no_other(engine: Engine) {
    let server = TestServer::start(engine, Setup::open_portal).await;
    let (store, now) = (&server.app.store, server.app.clock.now());
    let no = server.app.projects.all()[0].no;
    for payload in ["no JSON", "{\"id\":\"x\"}"] {
        let queued = store.write("test", (), move |tx, ()| Box::pin(outbox::push(tx, no, "event", None, payload, now)));
        queued.await.expect("the store works");
    }
    // A row that no driver can decode: the user ID is too short, and on SQLite the text is no UTF-8.
    match engine {
        Engine::Sqlite => {
            let url = server.store_url();
            let connection = rusqlite::Connection::open(url.trim_start_matches("sqlite:")).expect("the store");
            let insert = "INSERT INTO outbox (project_no, kind, user_id, payload, created_at, due_at) VALUES (?1, 'event', NULL, CAST(x'ff' AS TEXT), 1, 1)";
            connection.execute(insert, [no.0]).expect("a bad row");
        }
        Engine::Postgres => {
            let insert = "INSERT INTO outbox (project_no, kind, user_id, payload, created_at, due_at) VALUES ($1, 'event', '\\x00', '{}', 1, 1)";
            connect_to(&server.store_url()).await.execute(insert, &[&no.0]).await.expect("a bad row");
        }
    }
    let client = server.app_client();
    let guest = client.sign_up().await;
    client.revoke(&guest.refresh).await.expect(200);
    until("the bad ones are set aside", || async { count_unreadable(&server.app).await.is_ok_and(|count| count == 3) })
        .await;
    until("the good ones are handed on", || async {
        let mut conn = store.read().await.expect("a connection");
        outbox::count_any_project(&mut conn, "event").await.is_ok_and(|count| count == 0)
    })
    .await;
    // A queue that holds only these is not late.
    let age = vestibule_app::jobs::outbox::age_of_oldest(&server.app).await.expect("the store works");
    assert!(age.is_zero(), "{age:?}");
    let measured = Measured { unreadable: count_unreadable(&server.app).await.ok(), ..Measured::default() };
    let page = server.app.metrics.print(store.stats(), measured);
    assert!(page.contains("vestibule_events_unreadable 3\n"), "{page}");
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/webhooks").await;
    let text = &owner.expect_page(200, "Webhooks").text;
    assert!(text.contains("Events that can’t be read: 3."), "{text}");
    let mut conn = store.read().await.expect("a connection");
    assert_eq!(user_lists::list_newest(&mut conn, no, None, 10).await.expect("the users").len(), 1);
}

on_both_engines!(an_unreadable_event_is_kept_and_counted_and_holds_up_no_other);
