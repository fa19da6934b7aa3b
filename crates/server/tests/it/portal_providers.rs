//! Providers of external accounts in the portal: added, set up, checked, ordered, changed and removed.

use serde_json::{Value, json};

use crate::{
    portal_operators::invite,
    providers::{BUTTON, kim, settings_of},
    support::{Browser, CLIENT, Engine, Manner, OpenIdProvider, SECRET, TestServer, on_both_engines},
};

on_both_engines!(
    an_owner_sets_up_a_provider_in_the_portal,
    a_check_says_what_is_wrong,
    problems_of_a_provider_are_shown_beside_the_field,
    providers_are_put_into_order,
    removing_a_provider_says_how_many_accounts_are_connected,
    only_an_owner_removes_a_provider_and_only_with_a_recent_authentication,
    an_alias_may_be_any_word,
    a_secret_needs_a_recent_authentication,
);

pub(crate) const AT: &str = "/portal/p/test/providers";

pub(crate) async fn start(engine: Engine, providers: Vec<toml::Value>) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.configure("providers.private_hosts", "127.0.0.1");
        if !providers.is_empty() {
            setup.set("identity.oauth.providers", providers);
        }
    })
    .await;
    let owner = server.owner().await;
    (server, owner)
}

/// The providers of the settings.
fn settings(server: &TestServer) -> Value {
    let project = server.app.projects.find_by_id("test").expect("the project");
    serde_json::to_value(&project.settings).expect("JSON")["identity"]["oauth"]["providers"].take()
}

fn aliases(server: &TestServer) -> Vec<String> {
    let settings = settings(server);
    let all = settings.as_array().expect("a list");
    all.iter().map(|one| one["alias"].as_str().expect("an alias").to_string()).collect()
}

pub(crate) async fn set_secret(owner: &mut Browser, alias: &str, secret: &str) {
    owner.open(&format!("{AT}/{alias}/secret")).await;
    owner.fill("Client secret", secret);
    owner.press("Set client secret").await;
}

async fn check(owner: &mut Browser, name: &str) -> String {
    owner.open(AT).await;
    owner.press(&format!("Check this provider: {name}")).await;
    owner.expect_page(200, "Providers").text.clone()
}

async fn an_owner_sets_up_a_provider_in_the_portal(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let (server, mut owner) = start(engine, Vec::new()).await;
    owner.open(AT).await;
    assert!(owner.expect_page(200, "Providers").text.contains("No providers yet."));
    owner.follow("Add provider").await;
    owner.follow("OpenID provider").await;
    owner.fill("Alias", "ours");
    owner.fill("Name on buttons", "Our ID");
    owner.fill("Issuer", &provider.issuer);
    owner.fill("Client ID", CLIENT);
    owner.press("Save").await;
    let page = owner.expect_page(200, "Our ID");
    assert!(page.text.contains("Provider added."), "{}", page.text);
    let callback = format!("{}/sso/oauth2/callback/ours", server.origin);
    assert!(page.text.contains(&callback) && page.text.contains("Not set."), "{}", page.text);
    let expected = json!([{
        "alias": "ours", "type": "oidc", "name": "Our ID", "issuer": provider.issuer, "client_id": CLIENT,
    }]);
    assert_eq!(settings(&server), expected, "an absent key stays absent");

    owner.follow("Set client secret").await;
    owner.fill("Client secret", SECRET);
    owner.press("Set client secret").await;
    let page = owner.expect_page(200, "Providers");
    assert!(page.text.contains("Client secret set.") && !page.text.contains("No client secret"), "{}", page.text);
    assert!(!page.text.contains(SECRET));
    let set = server.events("provider.secret_set").await;
    assert_eq!(set.len(), 1);
    assert!(!set[0].to_string().contains(SECRET));
    assert!(set[0]["context"]["audit_context"]["operator_name"].is_string(), "{}", set[0]);
    let text = check(&mut owner, "Our ID").await;
    assert!(text.contains("It accepts the client ID and the client secret."), "{text}");

    let client = server.app_client();
    let mut browser = server.browser();
    browser.open(&client.authorize_url(&[("x_page", "login")])).await;
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), &kim(), server.clock.now());
    browser.open_from_elsewhere(&back).await;
    client.finish(browser.at_app()).await;
}

async fn a_check_says_what_is_wrong(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let (server, mut owner) = start(engine, vec![settings_of("ours", "Our ID", &provider.issuer)]).await;
    let text = check(&mut owner, "Our ID").await;
    assert!(text.contains("The client secret is not set."), "{text}");
    set_secret(&mut owner, "ours", "another secret").await;
    let text = check(&mut owner, "Our ID").await;
    assert!(text.contains("does not accept the client ID with the client secret: it answers invalid_client"), "{text}");
    set_secret(&mut owner, "ours", SECRET).await;
    for (manner, problem) in [
        (Manner::ForeignMetadata, "the metadata is another issuer's"),
        (Manner::Status(503), "it answered 503"),
        (Manner::Status(404), "its metadata was answered with 404"),
    ] {
        provider.behave(manner);
        let text = check(&mut owner, "Our ID").await;
        assert!(text.contains(problem) && !text.contains("It accepts"), "{text}");
    }
    // A check that fails does not keep users from signing in.
    for _ in 0..6 {
        check(&mut owner, "Our ID").await;
    }
    provider.behave(Manner::Honest);
    let text = check(&mut owner, "Our ID").await;
    assert!(text.contains("It accepts the client ID and the client secret."), "{text}");
    let mut browser = server.browser();
    browser.open(&server.app_client().authorize_url(&[("x_page", "login")])).await;
    browser.press(BUTTON).await;
    provider.sign_in(browser.at_app(), &kim(), server.clock.now());
}

async fn problems_of_a_provider_are_shown_beside_the_field(engine: Engine) {
    let (server, mut owner) = start(engine, vec![settings_of("ours", "Our ID", "https://id.example")]).await;
    owner.open("/portal/p/test/new-provider/oidc").await;
    owner.fill("Alias", "ours");
    owner.press("Save").await;
    let page = owner.expect_page(422, "New provider: OpenID provider");
    assert!(page.problem("client_id").is_some(), "{:?}", page.problems);
    owner.fill("Client ID", "shop");
    owner.fill("Scopes", "email");
    owner.press("Save").await;
    let page = owner.expect_page(422, "New provider: OpenID provider");
    assert!(page.problem("alias").is_some_and(|text| text.contains("earlier provider")), "{:?}", page.problems);
    assert!(page.problem("issuer").is_some_and(|text| text.contains("missing")), "{:?}", page.problems);
    assert!(page.problem("scopes").is_some_and(|text| text.contains("openid")), "{:?}", page.problems);
    assert_eq!(aliases(&server), ["ours"], "nothing was saved");
    owner.open(&format!("{AT}/ours/secret")).await;
    owner.fill("Client secret", "with\u{e9}");
    owner.press("Set client secret").await;
    let page = owner.expect_page(422, "Set the client secret of Our ID");
    assert!(page.problem("secret").is_some_and(|text| text.contains("ASCII")), "{:?}", page.problems);
    for path in ["/portal/p/test/new-provider/unknown", "/portal/p/test/providers/unknown"] {
        owner.open(path).await;
        owner.expect_page(404, "Page not found");
    }
}

async fn providers_are_put_into_order(engine: Engine) {
    let of = |alias: &str| settings_of(alias, &alias.to_uppercase(), &format!("https://{alias}.example"));
    let (server, mut owner) = start(engine, vec![of("a"), of("b"), of("c")]).await;
    owner.open(AT).await;
    owner.press("Move up C").await;
    assert_eq!(aliases(&server), ["a", "c", "b"]);
    owner.press("Move down A").await;
    assert_eq!(aliases(&server), ["c", "a", "b"]);
    owner.press("Move up A").await;
    assert_eq!(aliases(&server), ["a", "c", "b"]);
    owner.open(&format!("{AT}/c")).await;
    owner.fill("Name on buttons", "Sea");
    owner.press("Save").await;
    owner.expect_page(200, "Providers");
    assert_eq!(settings(&server)[1]["name"], "Sea");
    assert_eq!(aliases(&server), ["a", "c", "b"]);
}

async fn removing_a_provider_says_how_many_accounts_are_connected(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let (server, mut owner) = start(engine, vec![settings_of("ours", "Our ID", &provider.issuer)]).await;
    set_secret(&mut owner, "ours", SECRET).await;
    let client = server.app_client();
    let mut browser = server.browser();
    browser.open(&client.authorize_url(&[("x_page", "signup")])).await;
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), &kim(), server.clock.now());
    browser.open_from_elsewhere(&back).await;
    client.finish(browser.at_app()).await;
    let mut late = owner.clone();
    late.open(&format!("{AT}/ours")).await;
    owner.open(&format!("{AT}/ours/remove")).await;
    let page = owner.expect_page(200, "Remove Our ID?");
    assert!(page.text.contains("1 account of a user is connected."), "{}", page.text);
    owner.press("Remove provider").await;
    assert!(owner.expect_page(200, "Providers").text.contains("Provider removed."));
    assert_eq!(settings(&server), Value::Null);
    assert_eq!(server.events("provider.secret_removed").await.len(), 1);
    late.fill("Name on buttons", "Theirs");
    late.press("Save").await;
    assert!(late.expect_page(200, "Providers").text.contains("It no longer exists."), "{}", late.page().text);
}

/// The client secret goes with the provider, so removing it takes what setting the secret takes.
async fn only_an_owner_removes_a_provider_and_only_with_a_recent_authentication(engine: Engine) {
    let (server, mut owner) = start(engine, vec![settings_of("ours", "Our ID", "https://id.example")]).await;
    set_secret(&mut owner, "ours", SECRET).await;
    let mut editor = invite(&server, &mut owner, "test", "ed@house.example", "Editor").await;
    editor.open(AT).await;
    let page = editor.expect_page(200, "Providers");
    assert!(!page.links.iter().any(|(_, href)| href.ends_with("/remove")), "{:?}", page.links);
    editor.open(&format!("{AT}/ours/remove")).await;
    editor.expect_page(403, "You need a higher role");
    editor.open(&format!("{AT}/ours")).await;
    let token = editor.hidden("_csrf").expect("a form");
    editor.post(&format!("{AT}/ours/remove"), &[("_csrf", &token)]).await;
    editor.expect_page(403, "You need a higher role");
    owner.open(&format!("{AT}/ours/remove")).await;
    owner.expect_page(200, "Remove Our ID?");
    server.clock.advance_seconds(3_600);
    owner.press("Remove provider").await;
    owner.expect_page(200, "Confirm that it's you");
    assert_eq!(aliases(&server), ["ours"]);
    assert!(server.events("provider.secret_removed").await.is_empty());
}

async fn an_alias_may_be_any_word(engine: Engine) {
    let (server, mut owner) = start(engine, Vec::new()).await;
    for alias in ["new", "secret", "google"] {
        owner.open("/portal/p/test/new-provider/google").await;
        owner.fill("Alias", alias);
        owner.fill("Client ID", "shop");
        owner.press("Save").await;
        assert!(owner.expect_page(200, "Google").text.contains(&format!("with the alias {alias}.")));
    }
    assert_eq!(aliases(&server), ["new", "secret", "google"]);
}

async fn a_secret_needs_a_recent_authentication(engine: Engine) {
    let (server, mut owner) = start(engine, vec![settings_of("ours", "Our ID", "https://id.example")]).await;
    owner.open(&format!("{AT}/ours/secret")).await;
    owner.expect_page(200, "Set the client secret of Our ID");
    server.clock.advance_seconds(3_600);
    owner.fill("Client secret", SECRET);
    owner.press("Set client secret").await;
    assert!(!owner.page().text.contains("Client secret set."), "{}", owner.page().text);
    assert!(server.events("provider.secret_set").await.is_empty());
}
