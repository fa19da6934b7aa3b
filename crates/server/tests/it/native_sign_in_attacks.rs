//! Attacks on the exchange of ID tokens: stolen, replayed, foreign and forged ones, and guests of others.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    native_sign_in::{APP, Credential, Scene, hash, native, nonce},
    providers::{kim, settings_of},
    support::{Admin, Engine, Manner, OpenIdProvider, Receiver, Reply, Tokens, on_both_engines},
};

const INVALID: &str = "invalid subject_token: get a new nonce and ask the provider again";
const NONCE: &str =
    "invalid nonce: it was used or is too old, get another from /oauth2/challenge and ask the provider again";

#[track_caller]
fn refused(reply: Reply, description: &str) {
    reply.expect_oauth_error(400, "invalid_request", description);
}

async fn an_id_token_must_be_the_providers_for_the_app_and_this_request(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let guest = scene.client.sign_up().await;
    let now = scene.server.clock.now().as_seconds();
    let other = nonce(&scene.client.http).await;
    for claims in [
        json!({"aud": "com.other.app"}),
        json!({"aud": [APP, "com.other.app"]}),
        json!({"aud": null}),
        json!({"azp": "com.other.app"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": now - 61}),
        json!({"exp": null}),
        json!({"iat": now - 661}),
        json!({"iat": now + 1_000}),
        json!({"iat": null}),
        json!({"nonce": null}),
        json!({"nonce": ""}),
        json!({"nonce": hash(&other)}),
        json!({"nonce": other}),
        json!({"sub": null}),
        json!({"sub": ""}),
    ] {
        let mut all = kim();
        all.as_object_mut().expect("an object").extend(claims.as_object().expect("an object").clone());
        for (action, bearer) in [("login", None), ("promote", Some(guest.access.as_str()))] {
            let reply = scene.exchange(&all, action, bearer).await;
            assert_eq!(reply.status, 400, "{claims} {}", reply.body);
            refused(reply, INVALID);
        }
        scene.server.clock.advance_seconds(5);
    }
    for manner in [Manner::Unsigned, Manner::SignedWithSecret, Manner::SignedByAnother] {
        scene.provider.behave(manner.clone());
        let credential = scene.credential(&kim()).await;
        refused(credential.send(&scene.client, ("login", None), &[]).await, INVALID);
        scene.server.clock.advance_seconds(5);
    }
    scene.provider.behave(Manner::Honest);
    let credential = scene.credential(&kim()).await;
    refused(credential.send(&scene.client, ("login", None), &[("subject_token", "a.b.c")]).await, INVALID);
    assert!(scene.is_guest(&guest).await);
    assert_eq!(scene.count("user.created").await, 0);
    // The failed attempts used nothing up.
    credential.send(&scene.client, ("promote", Some(&guest.access)), &[]).await.expect(200);
}

async fn a_nonce_is_the_servers_for_this_purpose_fresh_and_good_once(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let http = &scene.client.http;
    let issued = http.post_json("/oauth2/challenge", &json!({"purpose": "anonymous_request"})).await.result();
    let of_guests = issued["token"].as_str().expect("a challenge").to_string();
    let elsewhere = scene.server.add_project("other", |_| {}).await;
    let of_other = nonce(&scene.server.http_of(&elsewhere)).await;
    for foreign in [of_guests, of_other, "made-up".into()] {
        let credential = scene.credential_with(&kim(), &hash(&foreign), foreign);
        refused(credential.send(&scene.client, ("login", None), &[]).await, NONCE);
    }
    let credential = scene.credential(&kim()).await;
    let missing = credential.send(&scene.client, ("login", None), &[("nonce", "")]).await;
    refused(missing, "nonce is required: get one from /oauth2/challenge before asking the provider");
    let first = scene.credential(&kim()).await;
    first.send(&scene.client, ("login", None), &[]).await.expect(200);
    // The same again, and another ID token with the same nonce.
    refused(first.send(&scene.client, ("login", None), &[]).await, NONCE);
    let second = scene.credential_with(&kim(), &hash(&first.nonce), first.nonce.clone());
    refused(second.send(&scene.client, ("login", None), &[]).await, NONCE);
    let late = scene.credential(&kim()).await;
    scene.server.clock.advance_seconds(301);
    refused(late.send(&scene.client, ("login", None), &[]).await, NONCE);
}

async fn of_many_presentations_at_once_one_wins_on_all_nodes(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    // An embedded store has one server.
    let node = if engine == Engine::Postgres { Some(scene.server.start_node().await) } else { None };
    scene.log_in(&kim()).await;
    let credential = scene.credential(&kim()).await;
    let mut presentations = JoinSet::new();
    for number in 0..12 {
        let there = node.as_ref().filter(|_| number % 2 == 1);
        let client = there.map_or_else(|| scene.client.clone(), crate::support::Node::app_client);
        let credential = credential.clone();
        presentations.spawn(async move { credential.send(&client, ("login", None), &[]).await });
    }
    let (won, lost): (Vec<_>, Vec<_>) =
        presentations.join_all().await.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 11), "{lost:?}");
    for reply in lost {
        refused(reply, NONCE);
    }
    if let Some(node) = node {
        node.stop().await;
    }
}

async fn two_promotions_with_one_account_make_one_member(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let mut exchanges = JoinSet::new();
    for _ in 0..4 {
        let (client, guest) = (scene.client.clone(), scene.client.sign_up().await);
        let credential = scene.credential(&kim()).await;
        exchanges.spawn(async move { credential.send(&client, ("promote", Some(&guest.access)), &[]).await });
    }
    let replies = exchanges.join_all().await;
    let won = replies.iter().filter(|reply| reply.status == 200).count();
    let conflicts = replies.iter().filter(|reply| reply.body.contains("x_identity_conflict")).count();
    assert_eq!((won, conflicts), (1, 3), "{replies:?}");
    assert_eq!(scene.count("user.anonymous.promoted").await, 1);
}

async fn a_token_of_another_provider_is_refused(engine: Engine) {
    let other = OpenIdProvider::start().await;
    let issuer = other.issuer.clone();
    let scene = Scene::open(engine, |_| {}).await;
    let own = scene.provider.issuer.clone();
    scene
        .server
        .change_project(|setup| {
            let providers =
                [("ours", &own), ("other", &issuer)].map(|(alias, issuer)| native(settings_of(alias, alias, issuer)));
            // One that takes no ID tokens of apps.
            let paged = settings_of("paged", "Paged", "https://paged.example");
            setup.set("identity.oauth.providers", providers.into_iter().chain([paged]).collect::<Vec<_>>());
        })
        .await;
    let nonce = nonce(&scene.client.http).await;
    let claims = json!({"sub": "kim-at-id", "aud": APP, "nonce": hash(&nonce)});
    let id_token = other.native_token(&claims, scene.server.clock.now());
    let credential = Credential { alias: "ours", id_token: id_token.clone(), nonce: nonce.clone() };
    refused(credential.send(&scene.client, ("login", None), &[]).await, INVALID);
    // Nor when it says that it is of the other one.
    let mut lying = claims.clone();
    lying["iss"] = json!(own);
    let credential = Credential { id_token: other.native_token(&lying, scene.server.clock.now()), ..credential };
    refused(credential.send(&scene.client, ("login", None), &[]).await, INVALID);
    for alias in ["paged", "unknown"] {
        let credential = Credential { alias, id_token: id_token.clone(), nonce: nonce.clone() };
        let reply = credential.send(&scene.client, ("login", None), &[]).await;
        refused(reply, "x_oauth_provider_alias must be a provider with native_client_ids");
    }
    Credential { alias: "other", id_token, nonce }.send(&scene.client, ("login", None), &[]).await.expect(200);
}

async fn a_guest_is_promoted_only_by_its_own_token(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let victim = scene.client.sign_up().await;
    let send = async |action: &str, bearer: Option<&str>| {
        scene.credential(&kim()).await.send(&scene.client, (action, bearer), &[]).await
    };
    for action in ["promote", "link"] {
        let missing = send(action, None).await;
        missing.expect_oauth_error(401, "invalid_request", "no access token was presented");
        let dead = send(action, Some("not-a-token")).await;
        dead.expect_oauth_error(401, "invalid_grant", "valid session is required");
        // A refresh token is no access token.
        let other = send(action, Some(&victim.refresh)).await;
        other.expect_oauth_error(401, "invalid_grant", "valid session is required");
    }
    let member = scene.log_in(&json!({"sub": "lee"})).await;
    let reply = send("promote", Some(&member.access)).await;
    refused(reply, "the caller is a member, not a guest: send x_action=link, or login");
    refused(send("link", Some(&victim.access)).await, "the caller is a guest: send x_action=promote");
    // A guest of another application of the project.
    let elsewhere = scene.server.other_client().sign_up().await;
    let reply = send("promote", Some(&elsewhere.access)).await;
    reply.expect_oauth_error(401, "invalid_grant", "valid session is required");
    // A token with fewer scopes than its grant.
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "web"),
        ("refresh_token", victim.refresh.as_str()),
        ("scope", "openid"),
    ];
    let narrow = scene.client.http.post_form("/oauth2/token", &fields).await.expect(200).json();
    let reply = send("promote", narrow["access_token"].as_str()).await;
    reply.expect_oauth_error(400, "insufficient_scope", "full-access scope is required");
    // A browser sends its cookie by itself, also for another site of the same domain.
    let mut browser = scene.server.browser();
    browser.fetch_json("/api/anonymous_user/signup", &json!({"session_type": "cookie"})).await.expect(200);
    let credential = scene.credential(&kim()).await;
    let request = scene.client.http.request(Method::POST, "/oauth2/token").header("cookie", browser.cookie_line());
    let fields = [
        ("grant_type", crate::native_sign_in::GRANT),
        ("client_id", "web"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ("subject_token", &credential.id_token),
        ("x_oauth_provider_alias", "ours"),
        ("x_action", "promote"),
        ("nonce", &credential.nonce),
    ];
    let reply = Reply::of(request.form(&fields)).await;
    reply.expect_oauth_error(401, "invalid_request", "no access token was presented");
    assert!(scene.is_guest(&victim).await);
    assert_eq!(scene.count("user.anonymous.promoted").await, 0);
    scene.client.revoke(&victim.refresh).await.expect(200);
    let reply = send("promote", Some(&victim.access)).await;
    reply.expect_oauth_error(401, "invalid_grant", "valid session is required");
}

async fn a_promoted_guest_is_not_promoted_again_by_what_is_left_of_it(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let guest = scene.client.sign_up().await;
    scene.exchange(&kim(), "promote", Some(&guest.access)).await.expect(200);
    let attacker = json!({"sub": "mallory"});
    for action in ["promote", "link"] {
        let reply = scene.exchange(&attacker, action, Some(&guest.access)).await;
        refused(reply, "the guest was promoted: send x_action=login");
    }
}

async fn a_disabled_member_gets_no_tokens(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let tokens = scene.log_in(&kim()).await;
    let sub = scene.client.subject(&tokens.access).await;
    let admin = Admin::of(&scene.server).await;
    admin.post(&format!("/users/{sub}/disable"), &json!({})).await.expect(200);
    let reply = scene.exchange(&kim(), "login", None).await;
    reply.expect_oauth_error(400, "invalid_grant", "user is disabled");
    let reply = scene.exchange(&json!({"sub": "second"}), "link", Some(&tokens.access)).await;
    reply.expect_oauth_error(401, "invalid_grant", "valid session is required");
}

async fn a_webhook_may_refuse_and_the_same_request_succeeds_later(engine: Engine) {
    let receiver = Receiver::start().await;
    let scene = Scene::open(engine, |setup| {
        let mut handler = toml::Table::new();
        handler.insert("event".into(), "user.anonymous.pre_promote".into());
        handler.insert("url".into(), receiver.url.clone().into());
        setup.set("hook.blocking_handlers", vec![toml::Value::Table(handler)]);
        setup.configure("hooks.allow_private_addresses", "true");
    })
    .await;
    let guest = scene.client.sign_up().await;
    let credential = scene.credential(&kim()).await;
    receiver.answer(200, r#"{"is_allowed": false}"#);
    let reply = credential.send(&scene.client, ("promote", Some(&guest.access)), &[]).await;
    refused(reply, "disallowed by hook event handler");
    assert!(scene.is_guest(&guest).await);
    receiver.answer(200, r#"{"is_allowed": true}"#);
    credential.send(&scene.client, ("promote", Some(&guest.access)), &[]).await.expect(200);
}

async fn a_provider_that_does_not_answer_costs_nothing(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let credential = scene.credential(&kim()).await;
    scene.provider.behave(Manner::Status(503));
    let reply = credential.send(&scene.client, ("login", None), &[]).await;
    assert!(reply.header("retry-after").is_some());
    reply.expect_oauth_error(503, "temporarily_unavailable", "the provider does not answer, repeat the request");
    scene.provider.behave(Manner::Honest);
    // For a few seconds it is not asked again.
    credential.send(&scene.client, ("login", None), &[]).await.expect(503);
    scene.server.clock.advance_seconds(5);
    credential.send(&scene.client, ("login", None), &[]).await.expect(200);
}

/// Anyone can make up the name of a key. It must not make the server call the provider each time, whatever the provider answers.
async fn unknown_keys_are_looked_for_seldom(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    scene.log_in(&kim()).await;
    let known = scene.credential(&kim()).await;
    assert_eq!(scene.provider.key_reads(), 1);
    scene.server.clock.advance_seconds(31);
    scene.provider.rotate("made-up");
    for status in [404, 503] {
        scene.provider.behave(Manner::Status(status));
        let before = scene.provider.key_reads();
        let mut forged = Vec::new();
        for _ in 0..8 {
            forged.push(scene.credential(&kim()).await);
        }
        for second in 0..2 {
            let mut presented = JoinSet::new();
            for credential in forged.clone() {
                let client = scene.client.clone();
                presented.spawn(async move { credential.send(&client, ("login", None), &[]).await });
            }
            while let Some(reply) = presented.join_next().await {
                assert_eq!(reply.expect("no panic").status, 503, "{status} {second}");
            }
            assert_eq!(scene.provider.key_reads(), before + 1, "{status}: one call for all of them");
            scene.server.clock.advance_seconds(10);
        }
        scene.server.clock.advance_seconds(31);
    }
    // Meanwhile, tokens with a known key are good.
    known.send(&scene.client, ("login", None), &[]).await.expect(200);
    scene.provider.behave(Manner::Honest);
    let before = scene.provider.key_reads();
    scene.log_in(&kim()).await;
    assert_eq!(scene.provider.key_reads(), before + 1, "the new key is found");
}

/// Where the operator allows ID tokens without a nonce, each is good once.
async fn an_id_token_without_a_nonce_is_good_once_where_it_may_be_without(engine: Engine) {
    let optional = |scene: &Scene| {
        let mut settings = native(settings_of("ours", "Our ID", &scene.provider.issuer));
        settings.as_table_mut().expect("a table").insert("native_nonce".into(), "optional".into());
        settings
    };
    let scene = Scene::open(engine, |_| {}).await;
    scene.log_in(&kim()).await;
    let bare = |scene: &Scene| {
        let day = scene.server.clock.now().as_seconds() + 86_400;
        scene.credential_with(&json!({"sub": "kim-at-id", "nonce": null, "exp": day}), "", String::new())
    };
    let credential = bare(&scene);
    let reply = credential.send(&scene.client, ("login", None), &[("nonce", "")]).await;
    refused(reply, "nonce is required: get one from /oauth2/challenge before asking the provider");
    scene.server.change_project(|setup| setup.set("identity.oauth.providers", vec![optional(&scene)])).await;
    // An embedded store has one server.
    let node = if engine == Engine::Postgres { Some(scene.server.start_node().await) } else { None };
    let mut presented = JoinSet::new();
    for number in 0..8 {
        let there = node.as_ref().filter(|_| number % 2 == 1);
        let client = there.map_or_else(|| scene.client.clone(), crate::support::Node::app_client);
        let credential = credential.clone();
        presented.spawn(async move { credential.send(&client, ("login", None), &[("nonce", "")]).await.status });
    }
    let mut statuses = Vec::new();
    while let Some(status) = presented.join_next().await {
        statuses.push(status.expect("no panic"));
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400, 400, 400]);
    if let Some(node) = node {
        node.stop().await;
    }
    // Nor later, while it would be young enough.
    scene.server.clock.advance_seconds(600);
    refused(credential.send(&scene.client, ("login", None), &[("nonce", "")]).await, INVALID);
    // One that was asked for with a nonce is only for who knows it, and a nonce asks for one that has it.
    let with_nonce = scene.credential(&kim()).await;
    refused(with_nonce.send(&scene.client, ("login", None), &[("nonce", "")]).await, INVALID);
    with_nonce.send(&scene.client, ("login", None), &[]).await.expect(200);
    let nonce = nonce(&scene.client.http).await;
    let without = Credential { nonce, ..bare(&scene) };
    refused(without.send(&scene.client, ("login", None), &[]).await, INVALID);
    // All else is checked as with one.
    for claims in [json!({"aud": "com.other.app"}), json!({"iat": scene.server.clock.now().as_seconds() - 661})] {
        let mut all = json!({"sub": "kim-at-id", "nonce": null});
        all.as_object_mut().expect("an object").extend(claims.as_object().expect("an object").clone());
        let credential = scene.credential_with(&all, "", String::new());
        refused(credential.send(&scene.client, ("login", None), &[("nonce", "")]).await, INVALID);
    }
}

async fn presentations_are_limited_per_address(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let credential = scene.credential(&kim()).await;
    let bad = [("subject_token", "a.b.c")];
    for _ in 0..30 {
        refused(credential.send(&scene.client, ("login", None), &bad).await, INVALID);
    }
    let reply = credential.send(&scene.client, ("login", None), &[]).await;
    assert!(reply.header("retry-after").is_some());
    assert_eq!((reply.status, &reply.json()["error"]), (429, &json!("x_rate_limited")));
    scene.server.clock.advance_seconds(3);
    credential.send(&scene.client, ("login", None), &[]).await.expect(200);
}

async fn what_a_stranger_sends_is_neither_stored_nor_logged_in_an_event(engine: Engine) {
    let scene = Scene::open(engine, |_| {}).await;
    let long: Value = json!({"sub": "s".repeat(256)});
    refused(scene.exchange(&long, "login", None).await, INVALID);
    let huge = "x".repeat(16 * 1024 + 1);
    let credential = scene.credential(&kim()).await;
    let reply = credential.send(&scene.client, ("login", None), &[("subject_token", &huge)]).await;
    refused(reply, "subject_token is longer than 16384 bytes");
    // A profile with long texts still gives a continuation of bounded length.
    let mut wordy = kim();
    for name in ["name", "given_name", "picture", "profile", "website", "nickname", "zoneinfo"] {
        wordy[name] = json!("w".repeat(1_000));
    }
    let owner = scene.log_in(&wordy).await;
    assert_eq!(scene.info(&owner).await["nickname"], "w".repeat(1_000));
    let guest = scene.client.sign_up().await;
    let reply = scene.exchange(&wordy, "promote", Some(&guest.access)).await;
    let (sealed, hint) = crate::native_sign_in_conflicts::forms(reply, "identity");
    assert!(sealed.len() < 6 * 1_024 && hint.len() < 6 * 1_024, "{} {}", sealed.len(), hint.len());
    Tokens::read(&crate::native_sign_in_conflicts::redeem(&scene.client, &sealed).await.expect(200).json());
}

on_both_engines!(
    an_id_token_must_be_the_providers_for_the_app_and_this_request,
    a_nonce_is_the_servers_for_this_purpose_fresh_and_good_once,
    of_many_presentations_at_once_one_wins_on_all_nodes,
    two_promotions_with_one_account_make_one_member,
    a_token_of_another_provider_is_refused,
    a_guest_is_promoted_only_by_its_own_token,
    a_promoted_guest_is_not_promoted_again_by_what_is_left_of_it,
    a_disabled_member_gets_no_tokens,
    a_webhook_may_refuse_and_the_same_request_succeeds_later,
    a_provider_that_does_not_answer_costs_nothing,
    unknown_keys_are_looked_for_seldom,
    an_id_token_without_a_nonce_is_good_once_where_it_may_be_without,
    presentations_are_limited_per_address,
    what_a_stranger_sends_is_neither_stored_nor_logged_in_an_event,
);
