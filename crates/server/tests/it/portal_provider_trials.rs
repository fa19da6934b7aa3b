//! Testing a provider in the portal: the operator's browser goes there and back, and sees what the provider said. Attacks on it.

use serde_json::{Value, json};

use crate::{
    portal_operators::invite,
    portal_providers::{AT, set_secret, start},
    providers::{self, BUTTON, kim, settings_of},
    support::{Browser, Engine, Manner, OpenIdProvider, SECRET, TestServer, on_both_engines},
};

on_both_engines!(
    an_operator_sees_what_the_provider_says_and_nothing_is_stored,
    a_test_that_fails_says_why,
    only_the_session_that_began_a_test_gets_its_answer_and_once,
    visitors_and_viewers_start_no_test,
    the_state_of_a_test_signs_no_one_in_and_the_other_way_round,
    a_portal_elsewhere_gets_the_answer_passed_on,
);

/// A project with a provider that is set up, and its owner.
async fn set_up(engine: Engine) -> (TestServer, OpenIdProvider, Browser) {
    let provider = OpenIdProvider::start().await;
    let (server, mut owner) = start(engine, vec![settings_of("ours", "Our ID", &provider.issuer)]).await;
    set_secret(&mut owner, "ours", SECRET).await;
    (server, provider, owner)
}

/// Goes to the provider, and signs in there; answers where the browser is sent back to.
async fn go_there(server: &TestServer, provider: &OpenIdProvider, browser: &mut Browser, claims: &Value) -> String {
    browser.open(AT).await;
    browser.press("Test this provider: Our ID").await;
    provider.sign_in(browser.at_app(), claims, server.clock.now())
}

async fn expect_nothing_stored(server: &TestServer) {
    for kind in ["user.created", "user.authenticated", "user.anonymous.promoted", "identity.oauth.connected"] {
        assert!(server.events(kind).await.is_empty(), "{kind}");
    }
}

async fn an_operator_sees_what_the_provider_says_and_nothing_is_stored(engine: Engine) {
    let (server, provider, mut owner) = set_up(engine).await;
    let back = go_there(&server, &provider, &mut owner, &kim()).await;
    assert!(back.starts_with(&format!("{}/sso/oauth2/callback/ours?", server.origin)), "{back}");
    owner.open_from_elsewhere(&back).await;
    let page = owner.expect_page(200, "Test of Our ID");
    for shown in
        ["kim-•••", "k•••@id.example", ", verified by the provider", "It would become a verified login ID", "Kim Li"]
    {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(!page.text.contains("kim-at-id") && !page.text.contains("kim@id.example"), "{}", page.text);
    assert!(owner.cookie("session").is_none(), "no one is signed in");
    let unverified = json!({"sub": "1", "email": "kim@id.example", "email_verified": false});
    owner.press("Test again").await;
    let back = provider.sign_in(owner.at_app(), &unverified, server.clock.now());
    owner.open_from_elsewhere(&back).await;
    let text = &owner.expect_page(200, "Test of Our ID").text;
    assert!(text.contains("not verified by the provider") && text.contains("it is not believed"), "{text}");
    expect_nothing_stored(&server).await;
    // An editor may test, too.
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    let back = go_there(&server, &provider, &mut editor, &kim()).await;
    editor.open_from_elsewhere(&back).await;
    editor.expect_page(200, "Test of Our ID");
    expect_nothing_stored(&server).await;
}

async fn a_test_that_fails_says_why(engine: Engine) {
    let (server, provider, mut owner) = set_up(engine).await;
    for (manner, told, reason) in [
        (Manner::Unsigned, "What Our ID answered proves nothing.", "the ID token is not a signed token"),
        (Manner::Claims(json!({"aud": "another"})), "What Our ID answered proves nothing.", "for another client"),
        (Manner::Status(503), "Our ID does not answer", "503"),
    ] {
        provider.behave(Manner::Honest);
        let back = go_there(&server, &provider, &mut owner, &kim()).await;
        provider.behave(manner);
        owner.open_from_elsewhere(&back).await;
        let text = &owner.expect_page(422, "Test of Our ID").text;
        assert!(text.contains(told) && text.contains(reason), "{text}");
    }
    provider.behave(Manner::Honest);
    owner.open(AT).await;
    owner.press("Test this provider: Our ID").await;
    let back = provider.decline(owner.at_app());
    owner.open_from_elsewhere(&back).await;
    let text = &owner.expect_page(422, "Test of Our ID").text;
    assert!(text.contains("declined") && text.contains("access_denied"), "{text}");
    set_secret(&mut owner, "ours", "another secret").await;
    let back = go_there(&server, &provider, &mut owner, &kim()).await;
    owner.open_from_elsewhere(&back).await;
    assert!(owner.expect_page(422, "Test of Our ID").text.contains("invalid_client"));
    expect_nothing_stored(&server).await;
}

async fn only_the_session_that_began_a_test_gets_its_answer_and_once(engine: Engine) {
    let (server, provider, mut owner) = set_up(engine).await;
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    let exchanges = provider.exchanges();
    let back = go_there(&server, &provider, &mut owner, &kim()).await;
    // Another operator, and a visitor.
    editor.open_from_elsewhere(&back).await;
    editor.expect_page(410, "Test of Our ID");
    let mut visitor = server.browser();
    visitor.open_from_elsewhere(&back).await;
    assert!(visitor.url().path().starts_with("/portal/sign-in"), "{}", visitor.url());
    assert!(!visitor.url().as_str().contains("code"), "the answer does not go along: {}", visitor.url());
    assert_eq!(provider.exchanges(), exchanges, "the code was sent nowhere");
    // Too late.
    let late = go_there(&server, &provider, &mut owner, &kim()).await;
    server.clock.advance_seconds(601);
    owner.open_from_elsewhere(&late).await;
    owner.expect_page(410, "Test of Our ID");
    // Once, also in two tabs.
    let back = go_there(&server, &provider, &mut owner, &kim()).await;
    let (mut tab, mut twin) = (owner.clone(), owner.clone());
    tokio::join!(tab.open_from_elsewhere(&back), twin.open_from_elsewhere(&back));
    let mut statuses = [tab.reply().status, twin.reply().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
    tab.open_from_elsewhere(&back).await;
    tab.expect_page(410, "Test of Our ID");
    assert_eq!(provider.exchanges(), exchanges + 1);
    // Of another alias.
    let back = go_there(&server, &provider, &mut owner, &kim()).await;
    let both =
        vec![settings_of("ours", "Our ID", &provider.issuer), settings_of("twin", "Twin", "https://twin.example")];
    server.change_project(|setup| setup.set("identity.oauth.providers", both)).await;
    owner.open_from_elsewhere(&back.replace("/callback/ours", "/callback/twin")).await;
    owner.expect_page(410, "Test of Twin");
    // The role is asked for when the answer comes, too.
    assert_eq!(provider.exchanges(), exchanges + 1);
}

async fn visitors_and_viewers_start_no_test(engine: Engine) {
    let (server, provider, mut owner) = set_up(engine).await;
    let mut viewer = invite(&server, &mut owner, "test", "vi@house.example", "Viewer").await;
    viewer.open(AT).await;
    assert!(!viewer.expect_page(200, "Providers").text.contains("Test this provider"));
    let token = viewer.hidden("_csrf").expect("a form");
    viewer.post(&format!("{AT}/ours/try"), &[("_csrf", &token)]).await;
    viewer.expect_page(403, "You need a higher role");
    let back = go_there(&server, &provider, &mut owner, &kim()).await;
    viewer.open_from_elsewhere(&back).await;
    viewer.expect_page(403, "You need a higher role");
    let mut visitor = server.browser();
    visitor.post(&format!("{AT}/ours/try"), &[]).await;
    assert!(visitor.url().path().starts_with("/portal/sign-in"), "{}", visitor.url());
    // A form of another site has no token.
    let mut forged = owner.clone();
    forged.post(&format!("{AT}/ours/try"), &[]).await;
    forged.expect_page(403, "The form has expired");
}

async fn the_state_of_a_test_signs_no_one_in_and_the_other_way_round(engine: Engine) {
    let (server, provider, mut owner) = set_up(engine).await;
    let client = server.app_client();
    let exchanges = provider.exchanges();
    // The browser of the operator has a flow, too; its answer is swapped with that of the test.
    let mut visitor = server.browser();
    visitor.open(&client.authorize_url(&[("x_page", "login")])).await;
    visitor.press(BUTTON).await;
    let of_flow = provider.sign_in(visitor.at_app(), &kim(), server.clock.now());
    let of_test = go_there(&server, &provider, &mut owner, &kim()).await;
    visitor.open_from_elsewhere(&of_test).await;
    assert!(!visitor.is_at_app() && visitor.url().path().starts_with("/portal/sign-in"), "{}", visitor.url());
    let answer = of_flow.split_once('?').expect("a query").1;
    owner.open_from_elsewhere(&format!("{}{AT}/ours/tried?{answer}", server.origin)).await;
    owner.expect_page(410, "Test of Our ID");
    assert_eq!(provider.exchanges(), exchanges, "neither code was sent anywhere");
    expect_nothing_stored(&server).await;
    // The flow is as before.
    visitor.open_from_elsewhere(&of_flow).await;
    client.finish(visitor.at_app()).await;
}

async fn a_portal_elsewhere_gets_the_answer_passed_on(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = providers::start(engine, &provider, |setup| {
        setup.configure("portal.public_origin", "https://portal.house.example");
    })
    .await;
    let reply = server.http().get("/sso/oauth2/callback/ours?state=trial.0123&code=c&iss=x").await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (303, Some("https://portal.house.example/portal/p/test/providers/ours/tried?state=trial.0123&code=c&iss=x"))
    );
    let more = "/sso/oauth2/callback/ours?csrf=x&state=trial.0123&code=c&next=%2Fportal&error_description=d&alias=twin";
    let reply = server.http().get(more).await;
    assert_eq!(
        reply.header("location"),
        Some("https://portal.house.example/portal/p/test/providers/ours/tried?state=trial.0123&code=c"),
        "only what an answer has"
    );
    let reply = server.http().get("/sso/oauth2/callback/unknown?state=trial.0123&code=c").await;
    assert_eq!((reply.status, reply.header("location")), (400, None), "nothing leads to a path of the sender's choice");
}
