//! Applications that are removed, made again with the same ID, or get another type: nothing of before is of use to them or to
//! their predecessors.

use serde_json::{Value, json};
use vestibule_domain::id::GrantId;
use vestibule_store::grants;

use crate::{
    account::Scene,
    consent::{ConsentingClient, error, name_partner, refresh},
    introspection::make_secret,
    support::{Admin, AppClient, Engine, TestServer, Tokens, on_both_engines, query},
};

const SHARED: [(&str, &str); 3] =
    [("x_sso_enabled", "true"), ("x_suppress_idp_session_cookie", ""), ("prompt", "none")];

async fn is_stored(server: &TestServer, tokens: &Tokens) -> bool {
    let id: GrantId = tokens.refresh.split('.').next().expect("an ID").parse().expect("an ID");
    let no = server.app.projects.find_by_id("test").expect("the project").no;
    let mut conn = server.app.store.read().await.expect("a connection");
    grants::find(&mut conn, no, id).await.expect("the store").is_some()
}

async fn expect_dead(client: &AppClient, tokens: &Tokens) {
    client.user_info(&tokens.access).await.expect_oauth_error(401, "invalid_grant", "invalid session");
    client.refresh(&tokens.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
}

async fn set_type(server: &TestServer, client_id: &str, kind: &str) {
    server.clock.advance_seconds(1);
    server.change_project(|setup| setup.set_client(client_id, "x_application_type", kind)).await;
    server.clock.advance_seconds(1);
}

async fn an_id_that_is_used_again_revives_nothing(engine: Engine) {
    let mut scene = Scene::make(engine, name_partner).await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    let of_partner = partner.sign_in(&mut scene.browser, "openid offline_access").await;
    let guest = scene.client.sign_up().await;
    scene.browser.open(&scene.client.authorize_url(&SHARED)).await;
    let code = query(scene.browser.at_app(), "code").expect("a code");
    let (code_of_partner, _) = partner.ask_silently(&mut scene.browser, "openid").await;
    let admin = Admin::of(&scene.server).await;
    let mut applications: Vec<Value> = Vec::new();
    scene.server.clock.advance_seconds(1);
    for client_id in ["web", "partner"] {
        let path = format!("/applications/{client_id}");
        applications.push(admin.get(&path).await.expect(200).json());
        admin.delete(&path).await.expect(204);
    }
    for tokens in [&guest, &scene.tokens, &of_partner] {
        scene.client.user_info(&tokens.access).await.expect(401);
    }
    scene.server.clock.advance_seconds(1);
    for application in &applications {
        admin.post("/applications", application).await.expect(201);
    }
    expect_dead(&scene.client, &guest).await;
    expect_dead(&scene.client, &scene.tokens).await;
    let reply = scene.client.exchange(&code).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
    // The old secret is none; with a new one the old grant and code are worth nothing, and there is no consent.
    let http = scene.server.http();
    assert_eq!(refresh(&http, &partner, &of_partner).await.json()["error"], "invalid_client");
    let again = ConsentingClient { secret: make_secret(&scene.server, "partner").await, ..partner };
    let reply = refresh(&http, &again, &of_partner).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    scene.client.user_info(&of_partner.access).await.expect(401);
    let reply = again.exchange(&code_of_partner.expect("a code")).await;
    reply.expect_oauth_error(400, "invalid_grant", "invalid authorization code");
    assert_eq!(again.ask_silently(&mut scene.browser, "openid").await, error("consent_required"));
    let listed = admin.get(&format!("/users/{}/consents", scene.sub)).await.expect(200).json();
    assert_eq!(listed, json!({"consents": []}));
    let listed = admin.get(&format!("/users/{}/sessions", scene.sub)).await.expect(200).json();
    let kinds: Vec<&Value> = listed["sessions"].as_array().expect("a list").iter().map(|one| &one["type"]).collect();
    assert_eq!(kinds, ["cookie"], "{listed}");
    // What begins now is the new application's own, also at once and after a restart; the rest is removed.
    let fresh = scene.client.sign_up().await;
    let of_again = again.sign_in(&mut scene.browser, "openid offline_access").await;
    scene.server.restart().await;
    scene.client.http = scene.server.http();
    scene.client.refresh(&fresh.refresh).await.expect(200);
    scene.client.user_info(&of_again.access).await.expect(200);
    expect_dead(&scene.client, &guest).await;
    vestibule_server::boot::maintain(&scene.server.app).await.expect("the store works");
    for (tokens, expected) in [(&guest, false), (&scene.tokens, false), (&of_partner, false), (&fresh, true)] {
        assert_eq!(is_stored(&scene.server, tokens).await, expected);
    }
}

async fn grants_of_a_removed_application_are_removed_but_not_those_of_a_new_one(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let (client, admin) = (server.other_client(), Admin::of(&server).await);
    let guest = client.sign_up().await;
    admin.delete("/applications/blog").await.expect(204);
    // Another node may know an application that this one has not loaded yet.
    vestibule_server::boot::maintain(&server.app).await.expect("the store works");
    assert!(is_stored(&server, &guest).await);
    server.clock.advance_seconds(3_601);
    vestibule_server::boot::maintain(&server.app).await.expect("the store works");
    assert!(!is_stored(&server, &guest).await);
}

async fn a_type_of_another_kind_ends_what_was_issued_before(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.other_client();
    let guest = client.sign_up().await;
    // Public types may be exchanged.
    for kind in ["spa", "native"] {
        set_type(&server, "blog", kind).await;
        client.user_info(&guest.access).await.expect(200);
        client.refresh(&guest.refresh).await.expect(200);
    }
    for kind in ["confidential", "third_party_app", "m2m"] {
        let guest = client.sign_up().await;
        let other = server.app_client().sign_up().await;
        set_type(&server, "blog", kind).await;
        client.user_info(&guest.access).await.expect(401);
        server.app_client().refresh(&other.refresh).await.expect(200);
        // And back.
        set_type(&server, "blog", "spa").await;
        expect_dead(&client, &guest).await;
    }
    expect_dead(&client, &guest).await;
    let fresh = client.sign_up().await;
    client.refresh(&fresh.refresh).await.expect(200);
}

/// The type of now decides, and a first-party application's secret is no third party's.
async fn secrets_and_consents_end_with_the_type(engine: Engine) {
    let mut scene = Scene::make(engine, name_partner).await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    let of_partner = partner.sign_in(&mut scene.browser, "openid offline_access").await;
    for kind in ["confidential", "third_party_app"] {
        scene.server.clock.advance_seconds(1);
        let change = |setup: &mut crate::support::Setup| {
            name_partner(setup);
            setup.set_client("partner", "x_application_type", kind);
        };
        scene.server.change_project(change).await;
        let reply = refresh(&scene.server.http(), &partner, &of_partner).await;
        assert_eq!(reply.json()["error"], "invalid_client", "{kind}");
        let again = make_secret(&scene.server, "partner").await;
        let again = ConsentingClient { app: partner.app.clone(), secret: again };
        let reply = refresh(&scene.server.http(), &again, &of_partner).await;
        reply.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
        scene.client.user_info(&of_partner.access).await.expect(401);
    }
    assert_eq!(partner.ask_silently(&mut scene.browser, "openid").await, error("consent_required"));
}

async fn the_portal_says_how_many_sessions_end(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let client = server.other_client();
    let guest = client.sign_up().await;
    client.sign_up().await;
    let mut owner = server.owner().await;
    owner.open("/portal/p/test/applications/blog/delete").await;
    let page = owner.expect_page(200, "Delete Corner Blog?");
    for text in ["Signs out 2 people at once.", "Ends 2 sessions for good.", "gets none of this back"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let blog = Admin::of(&server).await.get("/applications/blog").await.expect(200).json();
    server.clock.advance_seconds(1);
    owner.fill("Type blog to confirm", "blog");
    owner.press("Delete application").await;
    owner.expect_page(200, "Applications");
    server.clock.advance_seconds(1);
    Admin::of(&server).await.post("/applications", &blog).await.expect(201);
    expect_dead(&client, &guest).await;
    // What is dead is not counted again.
    owner.open("/portal/p/test/applications/blog/delete").await;
    let page = owner.expect_page(200, "Delete Corner Blog?");
    assert!(page.text.contains("No one is signed in, so no one is signed out."), "{}", page.text);
}

on_both_engines!(
    an_id_that_is_used_again_revives_nothing,
    grants_of_a_removed_application_are_removed_but_not_those_of_a_new_one,
    a_type_of_another_kind_ends_what_was_issued_before,
    secrets_and_consents_end_with_the_type,
    the_portal_says_how_many_sessions_end,
);
