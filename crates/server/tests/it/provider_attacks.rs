//! Attacks on signing in with a provider: each is refused, and the guest and the members are as before.

use serde_json::{Value, json};
use url::Url;

use crate::{
    providers::{BUTTON, KIM, Scene, kim, set_secret, settings_of, start},
    support::{Engine, Manner, OpenIdProvider, on_both_engines, query},
};

const NOT_CONFIRMED: &str = "Our ID could not confirm who you are";
const ANOTHER_BROWSER: &str = "This page belongs to another browser";

/// The parameters of a URL with some replaced, added or, with an empty value, removed.
fn changed(url: &str, changes: &[(&str, &str)]) -> String {
    let mut url = Url::parse(url).expect("a URL");
    let kept = url.query_pairs().into_owned().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let added = changes.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<(String, String)> =
        kept.chain(added.map(|(name, value)| ((*name).to_string(), (*value).to_string()))).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

async fn a_provider_that_lies_signs_no_user_in(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let lies = [
        Manner::Unsigned,
        Manner::SignedWithSecret,
        Manner::SignedByAnother,
        Manner::NoIdToken,
        Manner::Claims(json!({"aud": "another-client"})),
        Manner::Claims(json!({"aud": ["shop-at-provider", "another-client"]})),
        Manner::Claims(json!({"azp": "another-client"})),
        Manner::Claims(json!({"iss": "https://accounts.google.com"})),
        Manner::Claims(json!({"nonce": "another"})),
        Manner::Claims(json!({"nonce": null})),
        Manner::Claims(json!({"exp": 1_000})),
        Manner::Claims(json!({"exp": null})),
        Manner::Claims(json!({"iat": 4_000_000_000_i64})),
        Manner::Claims(json!({"sub": null})),
        Manner::Claims(json!({"sub": ""})),
        Manner::UserInfo(json!({"sub": "another-user", "email": KIM, "email_verified": true})),
    ];
    for lie in lies {
        let back = scene.go_there(&kim()).await;
        scene.provider.behave(lie.clone());
        scene.browser.open_from_elsewhere(&back).await;
        let page = scene.browser.expect_page(200, NOT_CONFIRMED);
        assert!(page.text.contains("Choose another way"), "{lie:?}");
        assert!(scene.is_guest().await, "{lie:?}");
        scene.provider.behave(Manner::Honest);
        scene.browser.follow("Choose another way").await;
        scene.server.clock.advance_seconds(31);
    }
    assert!(scene.server.events("user.anonymous.promoted").await.is_empty());
    scene.come_back(&kim()).await;
    let member = scene.client.finish(scene.browser.at_app()).await;
    assert_eq!(scene.client.subject(&member.access).await, scene.sub, "nothing of it keeps the guest from promotion");
}

async fn metadata_of_another_issuer_is_not_used(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    scene.provider.behave(Manner::ForeignMetadata);
    scene.browser.press(BUTTON).await;
    scene.browser.expect_page(200, NOT_CONFIRMED);
    assert!(scene.is_guest().await);
}

/// State fixation and login CSRF: the attacker's answer, opened in another person's browser.
async fn an_answer_is_taken_only_in_the_browser_that_asked(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let back = scene.go_there(&kim()).await;
    let mut victim = scene.server.browser();
    victim.open_from_elsewhere(&back).await;
    victim.expect_page(403, "Cookies are needed here");
    victim.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
    victim.open_from_elsewhere(&back).await;
    victim.expect_page(403, ANOTHER_BROWSER);
    assert_eq!(victim.cookie("session"), None);
    assert_eq!(scene.provider.exchanges(), 0, "the code was sent nowhere");
    // It was not used up either.
    scene.browser.open_from_elsewhere(&back).await;
    scene.client.finish(scene.browser.at_app()).await;
}

async fn an_answer_with_another_state_is_not_taken(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let back = scene.go_there(&kim()).await;
    let state = query(&Url::parse(&back).expect("a URL"), "state").expect("a state");
    let (flow, secret) = state.split_once('.').expect("two parts");
    let other = format!("{flow}.{}", secret.chars().rev().collect::<String>());
    let (twice, with_nul) = (format!("{back}&state={state}"), format!("{flow}.\u{0}"));
    for (url, status) in [
        (changed(&back, &[("state", &other)]), 200),
        (changed(&back, &[("state", flow)]), 400),
        (changed(&back, &[("state", "")]), 400),
        (changed(&back, &[("state", "nonsense.nonsense")]), 400),
        (changed(&back, &[("state", &with_nul)]), 400),
        (changed(&back, &[("state", &format!("00000000-0000-7000-8000-000000000000.{secret}"))]), 410),
        (twice, 400),
    ] {
        let mut tab = scene.browser.clone();
        tab.open_from_elsewhere(&url).await;
        assert_eq!(tab.reply().status, status, "{url}");
        assert!(scene.is_guest().await, "{url}");
    }
    assert_eq!(scene.provider.exchanges(), 0);
}

/// An authorization code that the attacker got for itself, injected into the victim's answer; and the reverse.
async fn a_code_of_another_request_is_refused(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let mut attacker = scene.server.browser();
    attacker.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
    attacker.press(BUTTON).await;
    let now = scene.server.clock.now();
    let stolen = scene.provider.sign_in(attacker.at_app(), &json!({"sub": "attacker"}), now);
    let code = query(&Url::parse(&stolen).expect("a URL"), "code").expect("a code");
    let back = scene.go_there(&kim()).await;
    scene.browser.open_from_elsewhere(&changed(&back, &[("code", &code)])).await;
    scene.browser.expect_page(200, NOT_CONFIRMED);
    assert!(scene.is_guest().await, "the verifier of PKCE is another");
    let own = query(&Url::parse(&back).expect("a URL"), "code").expect("a code");
    attacker.open_from_elsewhere(&changed(&stolen, &[("code", &own)])).await;
    attacker.expect_page(200, NOT_CONFIRMED);
    assert!(
        scene.server.events("user.created").await.iter().all(|event| event["payload"]["user"]["is_anonymous"] == true)
    );
}

/// Two providers (RFC 9700 §4.4): the answer of one to a request to the other.
async fn answers_of_two_providers_are_not_mixed_up(engine: Engine) {
    let evil = OpenIdProvider::start().await;
    let mut scene = Scene::open(engine, |_| {}).await;
    let issuer = scene.provider.issuer.clone();
    let both = vec![settings_of("ours", "Our ID", &issuer), settings_of("evil", "Evil ID", &evil.issuer)];
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", both)).await;
    set_secret(&scene.server, "evil").await;
    let back = scene.go_there(&kim()).await;
    // At the other one's callback, where its code would be sent to the other one's token endpoint.
    scene.browser.open_from_elsewhere(&back.replace("/callback/ours", "/callback/evil")).await;
    scene.browser.expect_page(200, NOT_CONFIRMED);
    assert_eq!((scene.provider.exchanges(), evil.exchanges()), (0, 0), "the code was sent nowhere");
    scene.browser.follow("Choose another way").await;
    let back = scene.go_there(&kim()).await;
    for issuer in [evil.issuer.as_str(), "x"] {
        let mut tab = scene.browser.clone();
        tab.open_from_elsewhere(&changed(&back, &[("iss", issuer)])).await;
        if issuer == evil.issuer {
            tab.expect_page(200, NOT_CONFIRMED);
        }
        assert_eq!(scene.provider.exchanges(), 0, "the answer names another issuer");
    }
    assert!(scene.is_guest().await);
    scene.browser.open(&scene.client.promotion_url(&scene.client.promotion_code(&scene.guest).await)).await;
    let back = scene.go_there(&kim()).await;
    scene.browser.open_from_elsewhere(&changed(&back, &[("iss", &scene.provider.issuer.clone())])).await;
    scene.client.finish(scene.browser.at_app()).await;
}

/// The same subject at two issuers is two people.
async fn a_subject_belongs_to_its_issuer(engine: Engine) {
    let evil = OpenIdProvider::start().await;
    let scene = Scene::open(engine, |_| {}).await;
    let issuer = scene.provider.issuer.clone();
    let both = vec![settings_of("ours", "Our ID", &issuer), settings_of("evil", "Evil ID", &evil.issuer)];
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", both)).await;
    set_secret(&scene.server, "evil").await;
    let own = scene.sign_in_elsewhere(&kim()).await;
    let own = scene.client.subject(&scene.client.finish(own.at_app()).await.access).await;
    let mut other = scene.server.browser();
    other.open(&scene.client.authorize_url(&[("x_oauth_provider_alias", "evil")])).await;
    let same_subject = json!({"sub": "kim-at-id"});
    let back = evil.sign_in(other.at_app(), &same_subject, scene.server.clock.now());
    other.open_from_elsewhere(&back).await;
    let other = scene.client.subject(&scene.client.finish(other.at_app()).await.access).await;
    assert_ne!(own, other);
}

async fn an_answer_is_taken_once(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let back = scene.go_there(&kim()).await;
    let mut twin = scene.browser.clone();
    tokio::join!(scene.browser.open_from_elsewhere(&back), twin.open_from_elsewhere(&back));
    assert_eq!(scene.provider.exchanges(), 1, "a double submit exchanges the code once");
    let landed = [&scene.browser, &twin].into_iter().find(|browser| browser.is_at_app()).expect("one goes on");
    let member = scene.client.finish(landed.at_app()).await;
    assert_eq!(scene.client.subject(&member.access).await, scene.sub);
    let mut late = scene.browser.clone();
    late.open_from_elsewhere(&back).await;
    late.expect_page(200, "Your progress is saved already");
    assert_eq!(scene.provider.exchanges(), 1);
    assert_eq!(scene.server.events("user.anonymous.promoted").await.len(), 1);
}

async fn of_two_tabs_the_later_request_counts(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let early = scene.go_there(&kim()).await;
    // Back, and again, in another tab of the browser.
    let flow = query(&Url::parse(&early).expect("a URL"), "state").expect("a state");
    let flow = flow.split('.').next().expect("a flow").to_string();
    let mut tab = scene.browser.clone();
    tab.open(&format!("{}/flow/{flow}", scene.server.origin)).await;
    tab.press(BUTTON).await;
    let now = scene.server.clock.now();
    let later = scene.provider.sign_in(tab.at_app(), &kim(), now);
    scene.browser.open_from_elsewhere(&early).await;
    scene.browser.expect_page(200, "Save your progress");
    assert_eq!(scene.provider.exchanges(), 0);
    tab.open_from_elsewhere(&later).await;
    scene.client.finish(tab.at_app()).await;
}

async fn an_answer_after_the_flow_has_expired_is_not_taken(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let back = scene.go_there(&kim()).await;
    scene.server.clock.advance_seconds(26 * 60);
    scene.browser.open_from_elsewhere(&back).await;
    scene.browser.expect_page(410, "This page has expired");
    assert_eq!(scene.provider.exchanges(), 0);
}

/// An open redirect: nothing in the answer says where the browser goes.
async fn an_answer_leads_nowhere_else(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let evil = [
        ("redirect_uri", "https://evil.example/"),
        ("next", "//evil.example"),
        ("error_uri", "https://evil.example/"),
        ("error", "invalid_request"),
        ("error_description", "<a href=https://evil.example>"),
    ];
    let back = scene.go_there(&kim()).await;
    scene.browser.open_from_elsewhere(&changed(&back, &evil)).await;
    let page = scene.browser.expect_page(200, NOT_CONFIRMED);
    assert!(!page.text.contains("evil.example") && page.links.iter().all(|(_, href)| !href.contains("evil.example")));
    scene.browser.follow("Choose another way").await;
    let back = scene.go_there(&kim()).await;
    scene.browser.open_from_elsewhere(&changed(&back, &evil[..3])).await;
    assert!(scene.browser.at_app().as_str().starts_with("http://shop.test/after-login?"));
}

/// An editor of the settings who leads the alias to a provider of its own does not get the secret of the other one.
async fn a_client_secret_goes_to_its_own_provider_only(engine: Engine) {
    let evil = OpenIdProvider::start().await;
    let mut scene = Scene::open(engine, |_| {}).await;
    let moved = vec![settings_of("ours", "Our ID", &evil.issuer)];
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", moved)).await;
    scene.browser.press(BUTTON).await;
    scene.browser.expect_page(200, "You cannot sign in with Our ID yet");
    let own = vec![settings_of("ours", "Our ID", &scene.provider.issuer)];
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", own)).await;
    scene.browser.follow("Choose another way").await;
    let back = scene.go_there(&kim()).await;
    let moved = vec![settings_of("ours", "Our ID", &evil.issuer)];
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", moved)).await;
    scene.browser.open_from_elsewhere(&back).await;
    assert!(!scene.browser.is_at_app());
    assert_eq!(evil.exchanges(), 0, "neither the secret nor the code");
    assert!(scene.is_guest().await);
}

/// The owner of an address joined here; another person says at the provider that the address is its own.
async fn an_address_of_a_member_is_not_taken_over(engine: Engine) {
    for (claim, is_said) in [(json!(true), true), (json!(false), false), (Value::Null, false), (json!("false"), false)]
    {
        let mut scene = Scene::open(engine, |_| {}).await;
        let (mut owner, mut mailbox) = (scene.server.browser(), scene.server.mailbox());
        owner.open(&scene.client.authorize_url(&[("x_page", "signup")])).await;
        owner.fill("Email address", KIM);
        owner.fill("Password", "violet tugboat marmalade");
        owner.press("Create account").await;
        owner.fill("Code", &mailbox.next_code(KIM).await);
        owner.press("Confirm").await;
        let owner = scene.client.subject(&scene.client.finish(owner.at_app()).await.access).await;
        let claims = json!({"sub": "mallory", "email": KIM, "email_verified": claim});
        scene.come_back(&claims).await;
        if is_said {
            // The provider vouches for it, so the page may say so; but only the owner's own methods sign it in.
            let page = scene.browser.expect_page(200, "You already have an account");
            assert!(page.text.contains(KIM), "{}", page.text);
            assert!(scene.is_guest().await);
            scene.browser.follow("Sign in to that account").await;
            assert!(scene.browser.page().text.contains("Password"), "{}", scene.browser.page().text);
            assert!(!scene.browser.is_at_app());
        } else {
            // Nothing shows that the address is known, and it is not the new member's.
            let member = scene.client.finish(scene.browser.at_app()).await;
            let info = scene.client.user_info(&member.access).await.expect(200).json();
            assert_eq!(info["sub"], scene.sub);
            assert!(info.get("email").is_none(), "{info}");
            assert_ne!(info["sub"], owner);
        }
    }
}

/// Pre-hijacking: the attacker joins with a provider that lets it name the victim's address unproved, before the victim does.
async fn an_unproved_address_does_not_wait_for_its_owner(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let attacker = scene.sign_in_elsewhere(&json!({"sub": "mallory", "email": KIM, "email_verified": false})).await;
    let attacker = scene.client.subject(&scene.client.finish(attacker.at_app()).await.access).await;
    let victim = scene.sign_in_elsewhere(&kim()).await;
    let victim = scene.client.finish(victim.at_app()).await;
    let info = scene.client.user_info(&victim.access).await.expect(200).json();
    assert_eq!((&info["email"], &info["email_verified"]), (&json!(KIM), &json!(true)), "the address is its owner's");
    assert_ne!(info["sub"], attacker);
    let again = scene.sign_in_elsewhere(&json!({"sub": "mallory", "email": KIM, "email_verified": true})).await;
    let again = scene.client.subject(&scene.client.finish(again.at_app()).await.access).await;
    assert_eq!(again, attacker, "a later claim to the address links nothing");
}

/// What a guest had before its promotion ends, whatever it is promoted with.
async fn a_copied_refresh_token_of_the_guest_gains_nothing(engine: Engine) {
    let mut scene = Scene::open(engine, |_| {}).await;
    let copied = scene.guest.refresh.clone();
    scene.come_back(&kim()).await;
    scene.client.finish(scene.browser.at_app()).await;
    let refreshed = scene.client.refresh(&copied).await;
    assert_eq!(refreshed.status, 400, "{}", refreshed.body);
}

async fn starting_again_and_again_is_limited(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = start(engine, &provider, |_| {}).await;
    let client = server.app_client();
    let mut refused = 0;
    for _ in 0..40 {
        let mut browser = server.browser();
        browser.open(&client.authorize_url(&[("x_oauth_provider_alias", "ours")])).await;
        refused += usize::from(!browser.is_at_app());
    }
    assert_eq!(refused, 10, "each stores a flow");
}

on_both_engines!(
    a_provider_that_lies_signs_no_user_in,
    metadata_of_another_issuer_is_not_used,
    an_answer_is_taken_only_in_the_browser_that_asked,
    an_answer_with_another_state_is_not_taken,
    a_code_of_another_request_is_refused,
    answers_of_two_providers_are_not_mixed_up,
    a_subject_belongs_to_its_issuer,
    an_answer_is_taken_once,
    of_two_tabs_the_later_request_counts,
    an_answer_after_the_flow_has_expired_is_not_taken,
    an_answer_leads_nowhere_else,
    a_client_secret_goes_to_its_own_provider_only,
    an_address_of_a_member_is_not_taken_over,
    an_unproved_address_does_not_wait_for_its_owner,
    a_copied_refresh_token_of_the_guest_gains_nothing,
    starting_again_and_again_is_limited,
);
