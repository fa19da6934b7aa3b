//! What a thief began with a session of a member, and finishes while the member's recovery is being written: it waits for the recovery,
//! and then finds the session ended.

use crate::{
    account::{KIM, PASSWORD, Scene},
    consent::{ASKS, ConsentingClient, WITH_SESSION, name_partner},
    device_grant::{QUESTION, Television, allow_devices, connect, expect_error},
    nodes::until,
    recovery::{NEW_PASSWORD, recover},
    support::{Browser, Engine, connect_to, on_both_engines},
    takeover::save,
};

on_both_engines!(
    on_postgres: a_device_that_asks_during_a_recovery_gets_nothing,
    what_a_device_got_just_before_a_recovery_ends_with_it,
    a_consent_during_a_recovery_is_refused,
    a_device_is_not_connected_during_a_recovery;
    "needs VESTIBULE_TEST_POSTGRES"
);

/// The number of transactions of the test's database that wait for a lock.
async fn count_waiting(watch: &tokio_postgres::Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    watch.query_one(sql, &[]).await.expect("the waiting transactions").get(0)
}

/// A transaction that has ended all sessions of Kim, and is not committed yet.
async fn begin_ending(scene: &Scene) -> tokio_postgres::Client {
    let ending = connect_to(&scene.server.store_url()).await;
    let sql = "BEGIN; UPDATE users SET full_endings = COALESCE(full_endings, 0) + 1; DELETE FROM sessions";
    ending.batch_execute(sql).await.expect("the sessions end");
    ending
}

/// Does something while the sessions of Kim end. It waits for that.
async fn meanwhile<T: Send + 'static>(scene: &Scene, act: impl Future<Output = T> + Send + 'static) -> T {
    let (ending, watch) = (begin_ending(scene).await, connect_to(&scene.server.store_url()).await);
    let acting = tokio::spawn(act);
    until("it waits, or is done", async || acting.is_finished() || count_waiting(&watch).await == 1).await;
    ending.batch_execute("COMMIT").await.expect("the sessions have ended");
    acting.await.expect("an answer")
}

async fn press(mut browser: Browser, button: &'static str) -> Browser {
    browser.press(button).await;
    browser
}

async fn a_device_that_asks_during_a_recovery_gets_nothing(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid offline_access").await;
    connect(&mut scene.browser, &television).await;
    let answer = meanwhile(&scene, async move { television.poll().await }).await;
    expect_error(answer, "access_denied");
}

async fn what_a_device_got_just_before_a_recovery_ends_with_it(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid offline_access").await;
    connect(&mut scene.browser, &television).await;
    let mut owner = recover(&mut scene).await;
    let url = scene.server.store_url();
    let (slow, watch) = (connect_to(&url).await, connect_to(&url).await);
    slow.batch_execute("BEGIN; SELECT 1 FROM device_codes FOR UPDATE").await.expect("the code is locked");
    let polling = tokio::spawn(async move { television.poll().await });
    until("the device waits", async || count_waiting(&watch).await == 1).await;
    let saving = tokio::spawn(async move {
        save(&mut owner, NEW_PASSWORD).await;
        owner
    });
    until("so does the recovery", async || saving.is_finished() || count_waiting(&watch).await == 2).await;
    slow.batch_execute("COMMIT").await.expect("the code is free");
    let tokens = polling.await.expect("an answer").expect(200).json();
    assert!(saving.await.expect("an answer").is_at_app());
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    let fields = [("grant_type", "refresh_token"), ("client_id", "phone"), ("refresh_token", refresh)];
    expect_error(scene.server.http().post_form("/oauth2/token", &fields).await, "invalid_grant");
}

async fn a_consent_during_a_recovery_is_refused(engine: Engine) {
    let scene = Scene::make(engine, name_partner).await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    let mut thief = scene.server.browser();
    thief.open(&partner.app.authorize_url(&[&[("scope", "openid email")][..], &WITH_SESSION].concat())).await;
    thief.fill("Email address", KIM);
    thief.fill("Password", PASSWORD);
    thief.press("Sign in").await;
    thief.expect_page(200, ASKS);
    let thief = meanwhile(&scene, press(thief, "Allow")).await;
    assert_eq!((thief.reply().status, thief.reply().body.contains(KIM)), (410, false));
    assert!(scene.server.events("user.consent.granted").await.is_empty());
}

async fn a_device_is_not_connected_during_a_recovery(engine: Engine) {
    let mut scene = Scene::make(engine, allow_devices).await;
    let television = Television::begin(&scene.server, "openid offline_access").await;
    scene.browser.open(&television.path()).await;
    scene.browser.expect_page(200, QUESTION);
    meanwhile(&scene, press(scene.browser.clone(), "Connect device")).await;
    // It still waits for a decision.
    expect_error(television.poll().await, "authorization_pending");
}
