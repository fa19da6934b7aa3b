//! Guests who are promoted with a code by mail, and members who sign in with one, until the server is killed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use super::{
    Verdict,
    journeys::Journeys,
    world::{World, app_of},
};
use crate::support::{AppClient, Browser, binary::Process, query};

/// A code on its way through a page.
pub(super) struct Confirmation {
    sub: String,
    email: String,
    code: String,
    /// The browser just before it sends the code.
    tab: Browser,
    /// Whether it got to the application with it.
    is_acknowledged: bool,
}

/// Sends the code in the newest mail; `None` when it is over.
pub(super) async fn ask_for_code(
    browser: &mut Browser,
    email: &str,
    (world, over): (&World, &AtomicBool),
) -> Option<String> {
    let known = world.mails.codes_of(email);
    browser.fill("Email address", email);
    browser.press("Continue").await;
    world.mails.next_code(email, &known, over).await
}

/// Enters the codes that come until one is right: a mail from before the restart may come first. Whether one was.
pub(super) async fn enter_code(browser: &mut Browser, email: &str, (world, mut known): (&World, Vec<String>)) -> bool {
    let never = AtomicBool::new(false);
    for _ in 0..3 {
        let Some(code) = world.mails.next_code(email, &known, &never).await else { return false };
        browser.fill("Code", &code);
        browser.press("Confirm").await;
        if browser.is_at_app() {
            return true;
        }
        known.push(code);
    }
    false
}

/// A guest is promoted and then signs in elsewhere, repeatedly.
pub(super) async fn come(app: AppClient, world: Arc<World>, known: Arc<Mutex<Journeys>>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let guest = app.sign_up().await;
        let sub = app.subject(&guest.access).await;
        let email = format!("kim{}@crash.test", world.number());
        let mut browser = Browser::new(app.http.clone());
        browser.open(&app.promotion_url(&app.promotion_code(&guest).await)).await;
        if !confirm(&app, browser, (&sub, &email), (&world, &known, &over)).await {
            return;
        }
        let mut elsewhere = Browser::new(app.http.clone());
        elsewhere.open(&app.authorize_url(&[])).await;
        if !confirm(&app, elsewhere, (&sub, &email), (&world, &known, &over)).await {
            return;
        }
    }
}

/// Goes through the two pages to the application; `false` when it is over.
async fn confirm(
    app: &AppClient,
    mut browser: Browser,
    (sub, email): (&str, &str),
    (world, known, over): (&World, &Mutex<Journeys>, &AtomicBool),
) -> bool {
    let Some(code) = ask_for_code(&mut browser, email, (world, over)).await else { return false };
    let tab = browser.clone();
    let number = {
        let mut known = known.lock().expect("no panic");
        let (sub, email, code) = (sub.to_owned(), email.to_owned(), code.clone());
        known.confirmations.push(Confirmation { sub, email, code, tab, is_acknowledged: false });
        known.confirmations.len() - 1
    };
    browser.fill("Code", &code);
    browser.press("Confirm").await;
    let landing = query(browser.at_app(), "code").expect("a code");
    known.lock().expect("no panic").confirmations[number].is_acknowledged = true;
    app.exchange(&landing).await.expect(200);
    true
}

impl Confirmation {
    pub(super) fn count(&self) -> usize {
        usize::from(self.is_acknowledged)
    }

    /// The code works in its browser, or did, and in no other one; and its member is there.
    pub(super) async fn judge(&self, process: &Process, world: &World, verdict: &mut Verdict) {
        let app = app_of(process, super::world::CODES);
        let mut outsider = self.tab.clone();
        outsider.go_by(&app.http);
        outsider.forget();
        outsider.fill("Code", &self.code);
        outsider.press("Confirm").await;
        verdict.check(!outsider.is_at_app(), "a mail code works in a browser that did not ask for it");
        let mut tab = self.tab.clone();
        tab.go_by(&app.http);
        tab.fill("Code", &self.code);
        tab.press("Confirm").await;
        verdict.check(tab.is_at_app() || self.is_acknowledged, "a mail code does not work after the restart");
        if tab.is_at_app() {
            self.expect_member(&app, &tab, verdict).await;
        }
        let mut elsewhere = Browser::new(app.http.clone());
        elsewhere.open(&app.authorize_url(&[])).await;
        let known = world.mails.codes_of(&self.email);
        elsewhere.fill("Email address", &self.email);
        elsewhere.press("Continue").await;
        let mut again = elsewhere.clone();
        again.fill("Code", &self.code);
        again.press("Confirm").await;
        verdict.check(!again.is_at_app(), "a mail code works twice");
        let is_in = enter_code(&mut elsewhere, &self.email, (world, known)).await;
        verdict.check(is_in, "an acknowledged member cannot sign in with a mail code");
        if is_in {
            self.expect_member(&app, &elsewhere, verdict).await;
        }
    }

    async fn expect_member(&self, app: &AppClient, browser: &Browser, verdict: &mut Verdict) {
        expect_member(app, browser, &self.sub, verdict).await;
    }
}

/// The browser at the application is that of this member, unless its authorization code was exchanged before.
pub(super) async fn expect_member(app: &AppClient, browser: &Browser, sub: &str, verdict: &mut Verdict) {
    let code = query(browser.at_app(), "code").expect("a code");
    let exchanged = app.exchange(&code).await;
    if exchanged.status != 200 {
        return verdict.check(exchanged.status == 400, "an exchange fails");
    }
    let access = exchanged.json()["access_token"].as_str().expect("an access token").to_owned();
    let info: Value = app.user_info(&access).await.expect(200).json();
    verdict.check(info["sub"] == sub, "a sign-in leads to another user");
    verdict.check(info["https://authgear.com/claims/user/is_anonymous"] == false, "half a promotion");
}
