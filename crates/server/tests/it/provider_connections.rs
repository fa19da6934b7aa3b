//! Connecting accounts at providers to members on the account page and by the Web SDK, and disconnecting them; and attacks on it.

use serde_json::{Value, json};

use crate::{
    account::{KIM, PASSWORD, Scene},
    providers::{BUTTON, set_secret, settings_of},
    recovery::{DAY, THIEF},
    support::{Browser, Engine, OpenIdProvider, TestServer, Tokens, on_both_engines, query},
    undo_links::{link_about, mail_about, redeem},
};

const CONNECT: &str = "Connect Our ID";
const NAME: &str = "Our ID · kim@id.example";

/// A member without an account at the provider, and the provider.
async fn make(engine: Engine) -> (Scene, OpenIdProvider) {
    let provider = OpenIdProvider::start().await;
    let issuer = provider.issuer.clone();
    let scene = Scene::make(engine, |setup| {
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &issuer)]);
        setup.configure("providers.private_hosts", "127.0.0.1");
    })
    .await;
    set_secret(&scene.server, "ours").await;
    (scene, provider)
}

/// What the provider says of Kim's account there.
fn claims() -> Value {
    json!({"sub": "kim-at-id", "email": "kim@id.example", "email_verified": true})
}

/// Goes to the provider from the account page, and signs in there; answers where the browser is sent back to.
async fn go_there(browser: &mut Browser, server: &TestServer, provider: &OpenIdProvider, claims: &Value) -> String {
    browser.open("/settings/external-accounts/connect?provider=ours").await;
    browser.expect_page(200, CONNECT);
    browser.press(BUTTON).await;
    provider.sign_in(browser.at_app(), claims, server.clock.now())
}

async fn connect(scene: &mut Scene, provider: &OpenIdProvider, claims: &Value) {
    let back = go_there(&mut scene.browser, &scene.server, provider, claims).await;
    scene.browser.open_from_elsewhere(&back).await;
}

/// Signs in on the account page with the provider.
async fn sign_in_with(server: &TestServer, provider: &OpenIdProvider, claims: &Value) -> Browser {
    let mut browser = server.browser();
    browser.open("/settings/sign-in").await;
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), claims, server.clock.now());
    browser.open_from_elsewhere(&back).await;
    browser
}

async fn expect_not_connected(scene: &mut Scene) {
    scene.browser.open("/settings").await;
    assert!(scene.browser.page().text.contains(CONNECT), "{}", scene.browser.page().text);
    assert!(scene.server.events("identity.oauth.connected").await.is_empty());
}

async fn a_member_connects_an_account_and_signs_in_with_it(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    scene.browser.open("/settings").await;
    scene.browser.follow(CONNECT).await;
    scene.browser.expect_page(200, CONNECT);
    connect(&mut scene, &provider, &claims()).await;
    let page = scene.browser.expect_page(200, "My account");
    assert!(page.text.contains("Added to your account.") && page.text.contains("kim@id.example"), "{}", page.text);
    assert!(!page.text.contains(CONNECT), "{}", page.text);
    let connected = scene.server.events("identity.oauth.connected").await;
    assert_eq!(connected.len(), 1);
    let payload = &connected[0]["payload"];
    assert_eq!((&payload["user"]["id"], &payload["identity"]["type"]), (&json!(scene.sub), &json!("oauth")));
    let info = scene.client.user_info(&scene.tokens.access).await.expect(200).json();
    assert_eq!(info["email"], KIM, "the address there becomes no login ID");
    let mut elsewhere = scene.server.browser();
    elsewhere.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
    elsewhere.press(BUTTON).await;
    let back = provider.sign_in(elsewhere.at_app(), &claims(), scene.server.clock.now());
    elsewhere.open_from_elsewhere(&back).await;
    let tokens = scene.client.finish(elsewhere.at_app()).await;
    assert_eq!(scene.client.subject(&tokens.access).await, scene.sub);
}

/// A thief with a session leaves no account behind unnoticed.
async fn the_mail_about_a_connected_account_takes_it_away(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    scene.server.clock.advance_seconds(1);
    connect(&mut scene, &provider, &claims()).await;
    let link = link_about(&scene, KIM, &format!("“{NAME}” was connected")).await;
    redeem(&scene, &link, &format!("Remove {NAME}?"), &[]).await;
    let gone = scene.server.events("identity.oauth.disconnected").await;
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["payload"]["user"]["id"], scene.sub);
    scene.browser.open("/settings").await;
    scene.browser.expect_page(200, "Sign in to see your account");
    let thief = sign_in_with(&scene.server, &provider, &claims()).await;
    let page = thief.expect_page(200, "My account");
    assert!(!page.text.contains(KIM), "it is a new account: {}", page.text);
}

async fn a_disconnected_account_opens_nothing_until_its_link_brings_it_back(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    connect(&mut scene, &provider, &claims()).await;
    scene.server.clock.advance_seconds(1);
    scene.browser.open("/settings").await;
    scene.browser.press("Remove").await;
    let page = scene.browser.expect_page(200, "My account");
    assert!(page.text.contains("Removed from your account.") && page.text.contains(CONNECT), "{}", page.text);
    assert_eq!(scene.server.events("identity.oauth.disconnected").await.len(), 1);
    let link = link_about(&scene, KIM, &format!("“{NAME}” was removed")).await;
    redeem(&scene, &link, &format!("Restore {NAME}?"), &[]).await;
    assert_eq!(scene.server.events("identity.oauth.connected").await.len(), 2);
    let owner = sign_in_with(&scene.server, &provider, &claims()).await;
    assert!(owner.expect_page(200, "My account").text.contains(KIM));
}

async fn a_disconnected_account_of_another_user_is_not_brought_back(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    connect(&mut scene, &provider, &claims()).await;
    scene.server.clock.advance_seconds(1);
    scene.browser.open("/settings").await;
    scene.browser.press("Remove").await;
    let link = link_about(&scene, KIM, &format!("“{NAME}” was removed")).await;
    sign_in_with(&scene.server, &provider, &claims()).await.expect_page(200, "My account");
    let text = redeem(&scene, &link, &format!("Restore {NAME}?"), &[]).await;
    assert!(text.contains(&format!("{NAME} belongs to another account now")), "{text}");
    assert_eq!(scene.server.events("identity.oauth.connected").await.len(), 1);
}

async fn the_account_of_another_user_is_not_connected(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    sign_in_with(&scene.server, &provider, &claims()).await.expect_page(200, "My account");
    connect(&mut scene, &provider, &claims()).await;
    let page = scene.browser.expect_page(200, CONNECT);
    assert!(page.text.contains("This Our ID account is connected to another account here."), "{}", page.text);
    expect_not_connected(&mut scene).await;
    // The page leads on: another account there is connected.
    let own = json!({"sub": "own", "email": "own@id.example", "email_verified": true});
    connect(&mut scene, &provider, &own).await;
    scene.browser.expect_page(200, "My account");
    connect(&mut scene, &provider, &own).await;
    let page = scene.browser.expect_page(200, CONNECT);
    assert!(page.text.contains("This Our ID account is connected to your account already."), "{}", page.text);
    assert_eq!(scene.server.events("identity.oauth.connected").await.len(), 1);
}

/// State fixation: a thief begins in its own session, and has the owner open the answer.
async fn an_answer_is_taken_only_in_the_session_that_asked(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    let thief_claims = json!({"sub": "thief", "email": "thief@id.example", "email_verified": true});
    let mut thief = sign_in_with(&scene.server, &provider, &json!({"sub": "x", "email": "x@id.example"})).await;
    thief.expect_page(200, "My account");
    let exchanges = provider.exchanges();
    let back = go_there(&mut thief, &scene.server, &provider, &thief_claims).await;
    scene.browser.open_from_elsewhere(&back).await;
    scene.browser.expect_page(200, "My account");
    expect_not_connected(&mut scene).await;
    // Nor in another browser of the same member.
    let own = go_there(&mut scene.browser, &scene.server, &provider, &claims()).await;
    let mut other = scene.server.browser();
    other.open_from_elsewhere(&own).await;
    other.expect_page(200, "Sign in to see your account");
    other.open("/settings/sign-in").await;
    other.fill("Email address", KIM);
    other.fill("Password", PASSWORD);
    other.press("Sign in").await;
    other.open_from_elsewhere(&own).await;
    other.expect_page(200, "My account");
    expect_not_connected(&mut scene).await;
    assert_eq!(provider.exchanges(), exchanges, "the codes were sent nowhere");
    // They are not used up either.
    scene.browser.open_from_elsewhere(&own).await;
    assert!(scene.browser.expect_page(200, "My account").text.contains("Added to your account."));
}

async fn nothing_is_connected_after_the_session_has_ended(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    let back = go_there(&mut scene.browser, &scene.server, &provider, &claims()).await;
    let mut owner = scene.server.browser();
    owner.open("/settings/sign-in").await;
    owner.fill("Email address", KIM);
    owner.fill("Password", PASSWORD);
    owner.press("Sign in").await;
    owner.press("Sign out everywhere else").await;
    scene.browser.open_from_elsewhere(&back).await;
    scene.browser.expect_page(200, "Sign in to see your account");
    scene.browser = owner;
    scene.browser.open_from_elsewhere(&back).await;
    expect_not_connected(&mut scene).await;
}

async fn an_answer_connects_once_and_two_tabs_connect_two(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    let exchanges = provider.exchanges();
    let back = go_there(&mut scene.browser, &scene.server, &provider, &claims()).await;
    let mut second = scene.browser.clone();
    let second_claims = json!({"sub": "second", "email": "second@id.example", "email_verified": true});
    let second_back = go_there(&mut second, &scene.server, &provider, &second_claims).await;
    let (mut tab, mut twin) = (scene.browser.clone(), scene.browser.clone());
    tokio::join!(tab.open_from_elsewhere(&back), twin.open_from_elsewhere(&back));
    tab.expect_page(200, "My account");
    twin.expect_page(200, "My account");
    tab.open_from_elsewhere(&back).await;
    tab.expect_page(200, "My account");
    assert_eq!(scene.server.events("identity.oauth.connected").await.len(), 1);
    assert_eq!(provider.exchanges(), exchanges + 1, "the code was sent once");
    second.open_from_elsewhere(&second_back).await;
    let page = second.expect_page(200, "My account");
    assert!(page.text.contains("second@id.example") && page.text.contains("kim@id.example"), "{}", page.text);
    assert_eq!(scene.server.events("identity.oauth.connected").await.len(), 2);
}

async fn another_providers_answer_is_refused(engine: Engine) {
    let evil = OpenIdProvider::start().await;
    let (mut scene, provider) = make(engine).await;
    let both = vec![settings_of("ours", "Our ID", &provider.issuer), settings_of("evil", "Evil ID", &evil.issuer)];
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", both)).await;
    set_secret(&scene.server, "evil").await;
    let back = go_there(&mut scene.browser, &scene.server, &provider, &claims()).await;
    scene.browser.open_from_elsewhere(&back.replace("/callback/ours", "/callback/evil")).await;
    let page = scene.browser.expect_page(200, CONNECT);
    assert!(page.text.contains("Our ID could not confirm who you are"), "{}", page.text);
    scene.browser.open_from_elsewhere(&format!("{back}&answered_by=ours")).await;
    expect_not_connected(&mut scene).await;
    assert_eq!((provider.exchanges(), evil.exchanges()), (0, 0));
}

async fn who_declines_at_the_provider_can_try_again(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    scene.browser.open("/settings/external-accounts/connect?provider=ours").await;
    scene.browser.press(BUTTON).await;
    let back = provider.decline(scene.browser.at_app());
    scene.browser.open_from_elsewhere(&back).await;
    let page = scene.browser.expect_page(200, CONNECT);
    assert!(page.text.contains("You did not sign in with Our ID"), "{}", page.text);
    scene.browser.press(BUTTON).await;
    let back = provider.sign_in(scene.browser.at_app(), &claims(), scene.server.clock.now());
    scene.browser.open_from_elsewhere(&back).await;
    assert!(scene.browser.expect_page(200, "My account").text.contains("Added to your account."));
}

async fn connecting_needs_a_recent_authentication(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    scene.browser.open("/settings/external-accounts/connect?provider=ours").await;
    scene.server.clock.advance_seconds(400);
    scene.browser.press(BUTTON).await;
    scene.browser.expect_page(200, "Confirm that it’s you");
    scene.browser.fill("Password", PASSWORD);
    scene.browser.press("Continue").await;
    scene.browser.expect_page(200, CONNECT);
    // A form of another site has no token.
    let mut forged = scene.browser.clone();
    forged.post("/settings/external-accounts/connect?provider=ours", &[("action", "connect")]).await;
    assert!(forged.page().text.contains("Continue with Our ID"), "{}", forged.page().text);
    connect(&mut scene, &provider, &claims()).await;
    scene.browser.expect_page(200, "My account");
}

/// The account at the provider is older than the address that a thief adds, so the address gets no link against its owner.
async fn the_address_of_a_thief_gets_no_link_where_the_owner_has_none(engine: Engine) {
    let (mut scene, provider) = make(engine).await;
    let unverified = json!({"sub": "lee", "email": "lee@id.example", "email_verified": false});
    scene.browser = sign_in_with(&scene.server, &provider, &unverified).await;
    scene.server.clock.advance_seconds(60);
    scene.browser.open("/settings/identity/add?kind=email").await;
    scene.browser.fill("Email address", THIEF);
    scene.browser.press("Continue").await;
    scene.browser.fill("Code", &scene.mailbox.next_code(THIEF).await);
    scene.browser.press("Confirm").await;
    scene.browser.expect_page(200, "My account");
    scene.server.clock.advance_seconds(8 * DAY);
    let mut owner = sign_in_with(&scene.server, &provider, &unverified).await;
    owner.open("/settings").await;
    let remove = owner.page().links.iter().find(|(_, href)| href.starts_with("/settings/identity/remove"));
    let remove = remove.expect("a link").1.clone();
    owner.open(&remove).await;
    owner.press("Remove").await;
    owner.expect_page(200, "My account");
    let text = mail_about(&scene, THIEF, "can no longer be used").await;
    assert!(!text.contains("/security/"), "{text}");
}

async fn an_app_has_accounts_connected_and_disconnected(engine: Engine) {
    let (scene, provider) = make(engine).await;
    let alias = [("x_oauth_provider_alias", "ours")];
    let mut browser = scene.start("link_oauth", &alias).await;
    let page = browser.expect_page(200, CONNECT);
    assert!(page.links.iter().any(|(text, _)| text == "Back to Corner Shop"), "{:?}", page.links);
    browser.press(BUTTON).await;
    let back = provider.sign_in(browser.at_app(), &claims(), scene.server.clock.now());
    browser.open_from_elsewhere(&back).await;
    scene.expect_finished(browser.at_app()).await;
    assert_eq!(scene.server.events("identity.oauth.connected").await.len(), 1);

    let mut browser = scene.start("unlink_oauth", &alias).await;
    browser.expect_page(200, &format!("Remove {NAME}?"));
    browser.press("Remove").await;
    scene.expect_finished(browser.at_app()).await;
    assert_eq!(scene.server.events("identity.oauth.disconnected").await.len(), 1);
}

async fn what_an_app_cannot_have_connected_goes_back_to_it(engine: Engine) {
    let (scene, _provider) = make(engine).await;
    for (action, alias) in
        [("link_oauth", ""), ("unlink_oauth", ""), ("link_oauth", "unknown"), ("unlink_oauth", "ours")]
    {
        let browser = scene.start(action, &[("x_oauth_provider_alias", alias)]).await;
        assert_eq!(query(browser.at_app(), "error").as_deref(), Some("invalid_request"), "{action} {alias}");
    }
    // A guest connects by promotion only.
    let guest = scene.client.sign_up().await;
    let guest = Tokens { id: scene.tokens.id.clone(), ..guest };
    let mut browser = scene.server.browser();
    let more = [("x_oauth_provider_alias", "ours"), ("id_token_hint", "")];
    browser.open(&scene.action_url(&guest, "link_oauth", &more).await).await;
    assert_eq!(query(browser.at_app(), "error").as_deref(), Some("access_denied"));
}

on_both_engines!(
    a_member_connects_an_account_and_signs_in_with_it,
    the_mail_about_a_connected_account_takes_it_away,
    a_disconnected_account_opens_nothing_until_its_link_brings_it_back,
    a_disconnected_account_of_another_user_is_not_brought_back,
    the_account_of_another_user_is_not_connected,
    an_answer_is_taken_only_in_the_session_that_asked,
    nothing_is_connected_after_the_session_has_ended,
    an_answer_connects_once_and_two_tabs_connect_two,
    another_providers_answer_is_refused,
    who_declines_at_the_provider_can_try_again,
    connecting_needs_a_recent_authentication,
    the_address_of_a_thief_gets_no_link_where_the_owner_has_none,
    an_app_has_accounts_connected_and_disconnected,
    what_an_app_cannot_have_connected_goes_back_to_it,
);
