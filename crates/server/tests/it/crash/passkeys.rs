//! Guests who are promoted with a passkey and sign in with it, until the server is killed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use super::{
    Verdict,
    journeys::Journeys,
    mail_codes::expect_member,
    world::{PASSKEYS, app_of},
};
use crate::support::{AppClient, Browser, SoftPasskey, Tokens, binary::Process, query};

/// A passkey, and what was acknowledged of it.
pub(super) struct PasskeyStory {
    sub: String,
    guest: Tokens,
    passkey: Arc<Mutex<SoftPasskey>>,
    is_registered: bool,
    /// An answer that signed in.
    used: Option<String>,
}

/// A guest is promoted with a passkey and signs in twice, repeatedly.
pub(super) async fn come(app: AppClient, known: Arc<Mutex<Journeys>>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let guest = app.sign_up().await;
        let sub = app.subject(&guest.access).await;
        let mut browser = Browser::new(app.http.clone());
        browser.open(&app.promotion_url(&app.promotion_code(&guest).await)).await;
        let passkey = Arc::new(Mutex::new(SoftPasskey::new()));
        let story = PasskeyStory { sub, guest, passkey: Arc::clone(&passkey), is_registered: false, used: None };
        let number = {
            let mut known = known.lock().expect("no panic");
            known.passkeys.push(story);
            known.passkeys.len() - 1
        };
        browser.answer_passkey(|options, origin| passkey.lock().expect("no panic").create(options, origin)).await;
        let code = query(browser.at_app(), "code").expect("a code");
        known.lock().expect("no panic").passkeys[number].is_registered = true;
        app.exchange(&code).await.expect(200);
        for _ in 0..2 {
            let (browser, answer) = sign_in(&app, &passkey).await;
            app.finish(browser.at_app()).await;
            known.lock().expect("no panic").passkeys[number].used = Some(answer);
        }
    }
}

/// Signs in with a passkey; returns its answer, too.
async fn sign_in(app: &AppClient, passkey: &Mutex<SoftPasskey>) -> (Browser, String) {
    let mut browser = Browser::new(app.http.clone());
    browser.open(&app.authorize_url(&[("prompt", "login")])).await;
    let mut given = String::new();
    browser
        .answer_passkey(|options, origin| {
            given = passkey.lock().expect("no panic").get(options, origin);
            given.clone()
        })
        .await;
    (browser, given)
}

impl PasskeyStory {
    pub(super) fn count(&self) -> usize {
        usize::from(self.is_registered) + usize::from(self.used.is_some())
    }

    /// The passkey is that of a member, or its guest is one still; and an answer works once.
    pub(super) async fn judge(&self, process: &Process, verdict: &mut Verdict) {
        let app = app_of(process, PASSKEYS);
        if let Some(used) = &self.used {
            let mut thief = Browser::new(app.http.clone());
            thief.open(&app.authorize_url(&[("prompt", "login")])).await;
            thief.answer_passkey(|_, _| used.clone()).await;
            verdict.check(!thief.is_at_app(), "the answer of a passkey works twice");
        }
        let (browser, _) = sign_in(&app, &self.passkey).await;
        if browser.is_at_app() {
            expect_member(&app, &browser, &self.sub, verdict).await;
            return;
        }
        verdict.check(!self.is_registered, "an acknowledged passkey is gone");
        let info = app.user_info(&self.guest.access).await;
        let is_guest = info.status == 200 && info.json()["https://authgear.com/claims/user/is_anonymous"] == true;
        verdict.check(is_guest, "half a promotion with a passkey");
    }
}
