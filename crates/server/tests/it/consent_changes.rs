//! Consent where the application changes meanwhile, the end of its page by cancelling, and consents of imported users.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    account::{KIM, PASSWORD, Scene},
    consent::{ASKS, ConsentingClient, error, make, name_partner},
    support::{Admin, Browser, Engine, Reply, TestServer, on_both_engines},
};

/// Signs Kim in on the application's request, up to the question.
async fn ask(server: &TestServer, partner: &ConsentingClient) -> Browser {
    let mut browser = server.browser();
    browser.open(&partner.url("openid email", &[])).await;
    browser.fill("Email address", KIM);
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    browser.expect_page(200, ASKS);
    browser
}

async fn cancelling_ends_the_flow_with_one_refusal(engine: Engine) {
    let (scene, partner) = make(engine).await;
    let mut browser = ask(&scene.server, &partner).await;
    let cancel = browser.url().path().replace("/consent", "/cancel");
    let mut late = browser.clone();
    browser.open(&cancel).await;
    partner.expect_error(&browser, "access_denied");
    // The decision was made: neither "Allow" nor a second refusal reaches the application.
    late.press("Allow").await;
    assert!(!late.is_at_app(), "{}", late.at_app());
    browser.open(&cancel).await;
    browser.expect_page(200, "This is done already");
    assert_eq!(partner.ask_silently(&mut browser, "openid").await, error("consent_required"));
    assert!(scene.server.events("user.consent.granted").await.is_empty());
}

/// While the page carries the flow, its links are forms.
async fn cancelling_a_flow_that_is_not_stored_ends_it_too(engine: Engine) {
    let (mut scene, partner) = make(engine).await;
    let browser = &mut scene.browser;
    browser.open(&partner.url("openid", &[])).await;
    browser.press("Continue").await;
    browser.expect_page(200, ASKS);
    let fields = ["_flow", "_csrf"].map(|name| (name, browser.hidden(name).expect("a field of the form")));
    let action = browser.page().forms.iter().map(|form| form.action.clone()).find(|to| to.ends_with("/consent"));
    let cancel = action.expect("the form").replace("/consent", "/cancel");
    let line = browser.cookie_line();
    let send = async || {
        let request = scene.server.http().request(Method::POST, &cancel).header(header::COOKIE, &line);
        Reply::of(request.form(&[&fields[..], &[("action", "show".to_string())]].concat())).await
    };
    let first = send().await;
    let location = first.header("location").unwrap_or_default();
    assert!(location.contains("error=access_denied"), "{first:?}");
    let again = send().await;
    assert_eq!((again.status, again.header("location")), (200, None), "{again:?}");
    scene.browser.press("Allow").await;
    assert!(!scene.browser.is_at_app(), "{}", scene.browser.at_app());
    assert_eq!(partner.ask_silently(&mut scene.browser, "openid").await, error("consent_required"));
}

async fn a_decision_for_an_application_that_changed_is_refused(engine: Engine) {
    let (scene, partner) = make(engine).await;
    let admin = Admin::of(&scene.server).await;
    let third_party = admin.get("/applications/partner").await.expect(200).json();
    let mut first_party = third_party.clone();
    first_party["x_application_type"] = json!("confidential");
    let mut moved = third_party.clone();
    moved["redirect_uris"] = json!(["https://elsewhere.test/callback"]);
    // Each is put in the application's place while its page is open; the last one is none.
    for changed in [Some(first_party), Some(moved), None] {
        let mut browser = ask(&scene.server, &partner).await;
        scene.server.clock.advance_seconds(1);
        match &changed {
            Some(changed) => drop(admin.send(Method::PUT, "/applications/partner", changed).await.expect(200)),
            None => drop(admin.delete("/applications/partner").await.expect(204)),
        }
        let mut denier = browser.clone();
        browser.press("Allow").await;
        denier.press("Don’t allow").await;
        for refused in [&browser, &denier] {
            let page = refused.expect_page(400, "This link does not work");
            assert!(page.text.contains("the application was removed or changed since the request"), "{}", page.text);
            assert!(!refused.reply().body.contains("partner.test"), "it does not lead to the old address");
        }
        assert_eq!(admin.get(&format!("/users/{}/consents", scene.sub)).await.json(), json!({"consents": []}));
        if changed.is_some() {
            admin.send(Method::PUT, "/applications/partner", &third_party).await.expect(200);
        }
    }
    assert!(scene.server.events("user.consent.granted").await.is_empty());
}

async fn a_sign_in_for_an_application_that_changed_gives_no_code(engine: Engine) {
    let scene = Scene::make(engine, |_| {}).await;
    let admin = Admin::of(&scene.server).await;
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("prompt", "login")])).await;
    let mut application = admin.get("/applications/web").await.expect(200).json();
    application["redirect_uris"] = json!(["https://new.test/callback"]);
    admin.send(Method::PUT, "/applications/web", &application).await.expect(200);
    browser.fill("Email address", KIM);
    browser.fill("Password", PASSWORD);
    browser.press("Sign in").await;
    let page = browser.expect_page(400, "This link does not work");
    assert!(page.text.contains("the application was removed or changed since the request"), "{}", page.text);
}

async fn imported_consents_are_to_third_party_applications(engine: Engine) {
    let mut scene = Scene::make(engine, name_partner).await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    partner.sign_in(&mut scene.browser, "openid offline_access").await;
    let admin = Admin::of(&scene.server).await;
    let export = admin.get("/export/users").await.expect(200).body;
    let mut record: Value = export
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .find(|one: &Value| one["id"] == scene.sub.as_str())
        .expect("the member");
    admin.delete(&format!("/users/{}", scene.sub)).await.expect(204);
    // With another ID: that of a deleted user is never given again.
    let sub = "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab";
    record["id"] = json!(sub);
    let import = async |record: &Value| {
        let request = admin.request(Method::POST, "/import/users").header("content-type", "application/x-ndjson");
        Reply::of(request.body(record.to_string())).await.expect(200)
    };
    for client in ["web", "backend", "nobody"] {
        record["consents"][0]["client_id"] = json!(client);
        let reply = import(&record).await;
        let expected =
            format!("{client} is no third-party application of this project: create it first, or omit its consent");
        assert!(reply.body.contains(&expected), "{}", reply.body);
        admin.get(&format!("/users/{sub}")).await.expect(404);
    }
    record["consents"][0]["client_id"] = json!("partner");
    import(&record).await;
    let listed = admin.get(&format!("/users/{sub}/consents")).await.expect(200).json();
    assert_eq!(listed["consents"][0]["client_id"], "partner");
}

on_both_engines!(
    cancelling_ends_the_flow_with_one_refusal,
    cancelling_a_flow_that_is_not_stored_ends_it_too,
    a_decision_for_an_application_that_changed_is_refused,
    a_sign_in_for_an_application_that_changed_gives_no_code,
    imported_consents_are_to_third_party_applications,
);
