//! Attacks on signing in with the vendors whose providers have types of their own: each is refused, and the guest and the members
//! are as before.

use reqwest::Method;
use serde_json::{Value, json};
use vestibule_domain::project::{
    ProjectSettings,
    ProviderType::{self, Apple, Facebook, GitHub, LinkedIn, Microsoft},
};

use crate::{
    provider_vendors::{RELAY, Scene, brand, user_at},
    support::{
        Engine, Reply, on_both_engines,
        vendors::{CONSUMERS, Lie, TENANT, VENDORS, settings_of},
    },
};

const OTHER_TENANT: &str = "11111111-86f1-41af-91ab-2d7cd011db47";
const EXPIRED: &str = "This page has expired";

fn not_confirmed(kind: ProviderType) -> String {
    format!("{} could not confirm who you are", brand(kind))
}

async fn an_id_token_that_lies_signs_no_user_in(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let every = [
        json!({"aud": "another-client"}),
        json!({"aud": ["com.shop.web", "another-client"]}),
        json!({"azp": "another-client"}),
        json!({"iss": "https://accounts.google.com"}),
        json!({"iss": null}),
        json!({"exp": 1_000}),
        json!({"sub": null}),
    ];
    for kind in [Apple, Microsoft, LinkedIn] {
        let nonces = [json!({"nonce": "another"}), json!({"nonce": null})];
        let accounts = [json!({"oid": null}), json!({"tid": null})];
        let of_kind = nonces.iter().filter(|_| kind != LinkedIn).chain(accounts.iter().filter(|_| kind == Microsoft));
        let mut guest = scene.guest().await;
        for lie in every.iter().chain(of_kind) {
            let back = scene.go_there(&mut guest.browser, kind, &user_at(kind, "1", "kim@shop.example", true)).await;
            scene.vendors.behave(Lie::Claims(lie.clone()));
            back.open(&mut guest.browser).await;
            scene.vendors.behave(Lie::None);
            guest.browser.expect_page(200, &not_confirmed(kind));
            assert!(scene.is_guest(&guest).await, "{kind:?} {lie}");
            guest.browser.follow("Choose another way").await;
            scene.server.clock.advance_seconds(31);
        }
    }
    assert!(scene.server.events("user.anonymous.promoted").await.is_empty());
}

async fn an_api_that_lies_signs_no_user_in(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let lies = [
        (LinkedIn, Lie::User(json!({"sub": "another-user"}))),
        (LinkedIn, Lie::User(json!({"sub": null}))),
        (GitHub, Lie::User(json!({"user": {"id": "1", "login": "kim"}}))),
        (GitHub, Lie::User(json!({"user": {"login": "kim"}}))),
        (Facebook, Lie::User(json!({"id": null}))),
        (Facebook, Lie::User(json!({"id": "../1"}))),
        (Facebook, Lie::ForeignToken),
    ];
    let mut guest = scene.guest().await;
    for (kind, lie) in lies {
        let back = scene.go_there(&mut guest.browser, kind, &user_at(kind, "1", "kim@shop.example", true)).await;
        scene.vendors.behave(lie.clone());
        back.open(&mut guest.browser).await;
        scene.vendors.behave(Lie::None);
        guest.browser.expect_page(200, &not_confirmed(kind));
        assert!(scene.is_guest(&guest).await, "{kind:?} {lie:?}");
        guest.browser.follow("Choose another way").await;
    }
}

/// One tenant, by ID and by domain; every organization; everybody at Microsoft.
async fn only_accounts_of_accepted_tenants_sign_in(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let user = |tenant: &str| {
        let mut user = user_at(Microsoft, "7", &format!("kim@{tenant}.example"), true);
        user["tid"] = tenant.into();
        user
    };
    let (own, other, personal) = (scene.vendors.issuer_of(TENANT), TENANT, CONSUMERS);
    for (setting, of, claims, is_accepted) in [
        (TENANT, TENANT, json!({}), true),
        (TENANT, OTHER_TENANT, json!({}), false),
        (TENANT, OTHER_TENANT, json!({"iss": own}), false),
        (TENANT, OTHER_TENANT, json!({"tid": TENANT}), false),
        ("shop.example", TENANT, json!({}), true),
        ("shop.example", OTHER_TENANT, json!({}), false),
        ("organizations", OTHER_TENANT, json!({}), true),
        ("organizations", personal, json!({}), false),
        ("organizations", OTHER_TENANT, json!({"iss": own}), false),
        ("common", OTHER_TENANT, json!({"tid": other}), false),
        ("common", OTHER_TENANT, json!({"iss": scene.vendors.issuer_of("common")}), false),
        ("common", personal, json!({}), true),
        ("consumers", personal, json!({}), true),
        ("consumers", OTHER_TENANT, json!({}), false),
    ] {
        let settings = vec![settings_of(Microsoft, setting)];
        scene.server.change_project(|setup| setup.set("identity.oauth.providers", settings)).await;
        let mut browser = scene.server.browser();
        browser.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
        let back = scene.go_there(&mut browser, Microsoft, &user(of)).await;
        scene.vendors.behave(Lie::Claims(claims.clone()));
        back.open(&mut browser).await;
        scene.vendors.behave(Lie::None);
        if is_accepted {
            scene.client.finish(browser.at_app()).await;
        } else {
            browser.expect_page(200, &not_confirmed(Microsoft));
        }
        scene.server.clock.advance_seconds(31);
    }
    // The same object ID in another tenant is another person.
    let events = scene.server.events("user.created").await;
    let members: std::collections::BTreeSet<_> =
        events.iter().map(|event| event["payload"]["user"]["id"].to_string()).collect();
    assert_eq!((events.len(), members.len()), (3, 3), "one in each of three tenants");
}

/// An address that the vendor does not vouch for opens nothing, blocks nothing, and is nobody's.
async fn an_unverified_address_of_a_member_takes_nothing_over(engine: Engine) {
    const OWNED: &str = "owner@shop.example";
    let scene = Scene::open(engine, |_| {}).await;
    let (mut owner, mut mailbox) = (scene.server.browser(), scene.server.mailbox());
    owner.open(&scene.client.authorize_url(&[("x_page", "signup")])).await;
    owner.fill("Email address", OWNED);
    owner.fill("Password", "violet tugboat marmalade");
    owner.press("Create account").await;
    owner.fill("Code", &mailbox.next_code(OWNED).await);
    owner.press("Confirm").await;
    let owner = scene.subject(&owner).await;
    let mut users: Vec<_> = VENDORS.map(|kind| (kind, user_at(kind, "1", OWNED, false))).to_vec();
    // GitHub lists it as verified, but it is not the primary one.
    let mut secondary = user_at(GitHub, "2", "mallory@hub.example", false);
    secondary["emails"][0]["email"] = OWNED.into();
    users.push((GitHub, secondary));
    // The name beside Apple's ID token is unsigned, and so is the address there.
    let mut foreign = user_at(Apple, "003.mallory", RELAY, false);
    foreign["beside"] =
        json!({"name": {"firstName": "Mallory"}, "email": OWNED, "sub": "001.kim", "email_verified": true})
            .to_string()
            .into();
    users.push((Apple, foreign));
    for (kind, user) in users {
        let mut guest = scene.guest().await;
        scene.go_and_return(&mut guest.browser, kind, &user).await;
        let member = scene.client.finish(guest.browser.at_app()).await;
        let info = scene.client.user_info(&member.access).await.expect(200).json();
        assert_eq!(info["sub"], guest.sub, "{kind:?}");
        assert_ne!(info["sub"], owner);
        assert!(info.get("email").is_none(), "{kind:?} {info}");
    }
    // One that it does vouch for leads to a page, never into the account.
    let mut guest = scene.guest().await;
    scene.go_and_return(&mut guest.browser, GitHub, &user_at(GitHub, "9", OWNED, true)).await;
    guest.browser.expect_page(200, "You already have an account");
    assert!(scene.is_guest(&guest).await);
}

/// The answer of one vendor at the callback of another.
async fn answers_of_two_vendors_are_not_mixed_up(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut guest = scene.guest().await;
    for (asked, other) in [(GitHub, Facebook), (Facebook, GitHub), (Microsoft, LinkedIn), (LinkedIn, Microsoft)] {
        let mut back = scene.go_there(&mut guest.browser, asked, &user_at(asked, "1", "kim@shop.example", true)).await;
        back.url = back.url.replace(&format!("/callback/{}", asked.as_str()), &format!("/callback/{}", other.as_str()));
        back.open(&mut guest.browser).await;
        guest.browser.expect_page(200, &not_confirmed(asked));
        guest.browser.follow("Choose another way").await;
    }
    // A vendor whose answers are not posted, and one that is not there; and a sealed answer at another callback.
    for other in ["github", "nobody"] {
        let mut back = scene.go_there(&mut guest.browser, Apple, &user_at(Apple, "1", RELAY, true)).await;
        back.url = back.url.replace("/callback/apple", &format!("/callback/{other}"));
        let mut tab = guest.browser.clone();
        back.open(&mut tab).await;
        assert_eq!(tab.reply().status, 400, "{other}");
        guest.browser.open(&scene.client.promotion_url(&scene.client.promotion_code(&guest.tokens).await)).await;
    }
    let back = scene.go_there(&mut guest.browser, GitHub, &user_at(GitHub, "1", "kim@shop.example", true)).await;
    let mut tab = guest.browser.clone();
    back.with("iss", "https://evil.example").open(&mut tab).await;
    tab.expect_page(200, &not_confirmed(GitHub));
    assert_eq!(scene.vendors.exchanges(), 0, "no code was sent anywhere");
    assert!(scene.is_guest(&guest).await);
}

/// A code that the attacker got for itself, in the victim's answer.
async fn a_code_of_another_request_is_refused(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    for kind in [Apple, Microsoft, GitHub, Facebook] {
        let mut attacker = scene.server.browser();
        attacker.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
        let stolen = scene.go_there(&mut attacker, kind, &user_at(kind, "666", "mallory@evil.example", true)).await;
        let mut guest = scene.guest().await;
        let back = scene.go_there(&mut guest.browser, kind, &user_at(kind, "1", "kim@shop.example", true)).await;
        back.with("code", &stolen.parameter("code")).open(&mut guest.browser).await;
        guest.browser.expect_page(200, &not_confirmed(kind));
        assert!(scene.is_guest(&guest).await, "{kind:?}");
    }
}

async fn an_answer_is_taken_once(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    for (number, kind) in (1..).zip(VENDORS) {
        let before = scene.vendors.exchanges();
        let mut guest = scene.guest().await;
        let user = user_at(kind, &format!("{number}"), "kim@shop.example", false);
        let back = scene.go_there(&mut guest.browser, kind, &user).await;
        let mut twin = guest.browser.clone();
        tokio::join!(back.open(&mut guest.browser), back.open(&mut twin));
        assert_eq!(scene.vendors.exchanges(), before + 1, "{kind:?}: a double submit exchanges the code once");
        let landed = [&guest.browser, &twin].into_iter().find(|browser| browser.is_at_app()).expect("one goes on");
        assert_eq!(scene.subject(landed).await, guest.sub, "{kind:?}");
        let mut late = guest.browser.clone();
        back.open(&mut late).await;
        late.expect_page(200, "Your progress is saved already");
        assert_eq!(scene.vendors.exchanges(), before + 1, "{kind:?}");
    }
    assert_eq!(scene.server.events("user.anonymous.promoted").await.len(), VENDORS.len());
}

/// Login CSRF: a page of the attacker posts the attacker's answer in the victim's browser.
async fn a_posted_answer_is_taken_only_in_the_browser_that_asked(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut attacker = scene.server.browser();
    attacker.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
    let back = scene.go_there(&mut attacker, Apple, &user_at(Apple, "666", RELAY, true)).await;
    let mut victim = scene.server.browser();
    back.open(&mut victim).await;
    victim.expect_page(403, "Cookies are needed here");
    victim.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
    back.open(&mut victim).await;
    victim.expect_page(403, "This page belongs to another browser");
    assert_eq!(victim.cookie("session"), None);
    assert_eq!(scene.vendors.exchanges(), 0);
    back.open(&mut attacker).await;
    scene.client.finish(attacker.at_app()).await;
}

async fn a_sealed_answer_is_good_for_a_minute_at_its_own_callback(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut guest = scene.guest().await;
    let back = scene.go_there(&mut guest.browser, Apple, &user_at(Apple, "1", RELAY, true)).await;
    let request = scene.server.http().request(Method::POST, &back.url);
    let posted = Reply::of(request.form(back.form.as_ref().expect("a form"))).await;
    let next = posted.expect(303).header("location").expect("a redirect").to_string();
    let changed = format!("{}{}", &next[..next.len() - 1], if next.ends_with('A') { 'Q' } else { 'A' });
    let elsewhere = next.replace("/callback/apple", "/callback/github");
    let empty = "/sso/oauth2/callback/apple?answer=AAAA".to_string();
    for url in [changed, elsewhere, empty] {
        let mut tab = guest.browser.clone();
        tab.open_from_elsewhere(&url).await;
        tab.expect_page(410, EXPIRED);
    }
    scene.server.clock.advance_seconds(61);
    let mut tab = guest.browser.clone();
    tab.open_from_elsewhere(&next).await;
    tab.expect_page(410, EXPIRED);
    assert_eq!(scene.vendors.exchanges(), 0);
    // The answer itself is good as long as its flow, and has one use.
    back.open(&mut guest.browser).await;
    assert_eq!(scene.subject(&guest.browser).await, guest.sub);
}

async fn a_posted_form_that_is_no_answer_is_refused(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut guest = scene.guest().await;
    let back = scene.go_there(&mut guest.browser, Apple, &user_at(Apple, "1", RELAY, true)).await;
    let state = back.parameter("state");
    let mut twice = back.clone();
    twice.form.iter_mut().for_each(|form| form.push(("state".into(), state.clone())));
    for bad in [back.with("state", ""), back.with("state", "nonsense"), back.with("code", &"c".repeat(4_000)), twice] {
        let mut tab = guest.browser.clone();
        bad.open(&mut tab).await;
        assert_eq!(tab.reply().status, 400);
    }
    for bad in [back.with("state", &state.replace('.', ".x")), back.with("state", &format!("{state}x"))] {
        let mut tab = guest.browser.clone();
        bad.open(&mut tab).await;
        assert!(!tab.is_at_app());
    }
    // A name that is no name is left out, and hinders nothing.
    for user in [Value::from("{"), json!([]), Value::from("a".repeat(5_000))] {
        let text = user.as_str().map_or_else(|| user.to_string(), str::to_string);
        let mut other = scene.guest().await;
        let back = scene.go_there(&mut other.browser, Apple, &user_at(Apple, &other.sub, RELAY, false)).await;
        back.with("user", &text).open(&mut other.browser).await;
        assert_eq!(scene.subject(&other.browser).await, other.sub);
    }
    assert!(scene.is_guest(&guest).await);
}

/// An editor of a project leads no vendor's client secret elsewhere: no key of the settings says where a vendor is.
async fn a_project_does_not_say_where_a_vendor_is(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    for kind in VENDORS {
        for key in ["issuer", "token_endpoint", "authorization_endpoint", "jwks_uri", "userinfo_endpoint", "scopes"] {
            let mut settings = settings_of(kind, TENANT);
            let table = settings.as_table_mut().expect("a table");
            let value: toml::Value = if key == "scopes" { vec!["admin"].into() } else { "https://evil.example".into() };
            table.insert(key.to_string(), value);
            let provider = toml::to_string(&settings).expect("TOML");
            let document = format!(
                "[project]\nid = \"test\"\npublic_origin = \"https://auth.shop.example\"\n\n[[identity.oauth.providers]]\n{provider}"
            );
            let refused = ProjectSettings::parse_toml(&document);
            let paths: Vec<_> = refused.expect_err("it is refused").into_iter().map(|problem| problem.path).collect();
            assert_eq!(paths, [format!("identity.oauth.providers[0].{key}")], "{kind:?}");
        }
    }
    // Another client gets a secret of its own.
    let mut moved = settings_of(GitHub, TENANT);
    moved.as_table_mut().expect("a table").insert("client_id".into(), "another".into());
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", vec![moved])).await;
    let mut browser = scene.server.browser();
    browser.open(&scene.client.authorize_url(&[("x_page", "login")])).await;
    browser.press("Continue with GitHub").await;
    browser.expect_page(200, "You cannot sign in with GitHub yet");
}

on_both_engines!(
    an_id_token_that_lies_signs_no_user_in,
    an_api_that_lies_signs_no_user_in,
    only_accounts_of_accepted_tenants_sign_in,
    an_unverified_address_of_a_member_takes_nothing_over,
    answers_of_two_vendors_are_not_mixed_up,
    a_code_of_another_request_is_refused,
    an_answer_is_taken_once,
    a_posted_answer_is_taken_only_in_the_browser_that_asked,
    a_sealed_answer_is_good_for_a_minute_at_its_own_callback,
    a_posted_form_that_is_no_answer_is_refused,
    a_project_does_not_say_where_a_vendor_is,
);
