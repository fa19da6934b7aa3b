//! The guides of the documentation, as pages of the portal.

use crate::support::{Engine, TestServer, on_both_engines};

on_both_engines!(pages_link_to_their_guide);

async fn pages_link_to_their_guide(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/webhooks").await;
    owner.follow("Events and webhooks").await;
    owner.expect_page(200, "Events and webhooks");
    owner.open("/portal/p/test/applications/web/quick-start?for=web").await;
    owner.follow("Express").await;
    let page = owner.expect_page(200, "Guests in an Express app");
    assert!(page.text.contains("npm install"), "{}", page.text);
    assert!(!page.text.contains("run by:"), "comments are not for readers:\n{}", page.text);
    owner.open("/portal/guides/absent").await;
    owner.expect_page(404, "Page not found");

    let mut stranger = server.browser();
    stranger.open("/portal/guides/web").await;
    stranger.expect_page(200, "Sign in to the portal");
}
