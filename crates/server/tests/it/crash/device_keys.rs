//! Guests with a device key who are promoted with it, until the server is killed.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use super::{
    Verdict,
    journeys::Journeys,
    mail_codes::{ask_for_code, enter_code},
    world::{CODES, World, http_of},
};
use crate::support::{Browser, Device, Http, KeyPair, Platform, binary::Process};

const PROMOTED: &str = "the account of this key was promoted: sign in with its login ID instead";

/// A device key, and what was acknowledged of it.
pub(super) struct DeviceStory {
    key: KeyPair,
    dpop: KeyPair,
    kid: String,
    sub: String,
    email: String,
    is_promoted: bool,
}

/// A device signs up and is promoted, repeatedly; every third stays a guest.
pub(super) async fn come(http: Http, world: Arc<World>, known: Arc<Mutex<Journeys>>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let mut device = Device::of_process(&http, Platform::Ios);
        let sub = device.authenticate().await;
        let email = format!("lee{}@crash.test", world.number());
        let story = DeviceStory {
            key: device.key.clone(),
            dpop: device.dpop.clone(),
            kid: device.kid.clone().expect("the key's ID"),
            sub: sub.clone(),
            email: email.clone(),
            is_promoted: false,
        };
        let number = {
            let mut known = known.lock().expect("no panic");
            known.devices.push(story);
            known.devices.len() - 1
        };
        if number % 3 == 2 {
            device.authenticate().await;
            continue;
        }
        let mut browser = Browser::new(http.clone());
        browser.open(&device.promotion_url().await).await;
        let Some(code) = ask_for_code(&mut browser, &email, (&world, &over)).await else { return };
        browser.fill("Code", &code);
        browser.press("Confirm").await;
        let landing = browser.at_app().clone();
        known.lock().expect("no panic").devices[number].is_promoted = true;
        device.finish_promotion(&landing).await;
    }
}

impl DeviceStory {
    pub(super) fn count(&self) -> usize {
        1 + usize::from(self.is_promoted)
    }

    /// The key signs in its guest, or says that the guest was promoted; and then the member is there.
    pub(super) async fn judge(&self, process: &Process, world: &World, verdict: &mut Verdict) {
        let http = http_of(process, CODES);
        let mut device = Device::of_process(&http, Platform::Ios);
        (device.key, device.dpop, device.kid) = (self.key.clone(), self.dpop.clone(), Some(self.kid.clone()));
        let mut promoted = Vec::new();
        for with_key in [false, true] {
            let jwt = device.sign("auth", &device.challenge().await, &self.kid, with_key);
            let answer = device.present(&jwt).await;
            let is_promoted = answer.status == 400 && answer.json()["error_description"] == PROMOTED;
            verdict.check(is_promoted || answer.status == 200, "a device key is gone");
            promoted.push(is_promoted);
        }
        verdict.check(promoted[0] == promoted[1], "a device key is promoted and is not");
        verdict.check(promoted[0] || !self.is_promoted, "the key of a promoted guest signs in as a guest again");
        if promoted[0] {
            self.judge_member(&device, world, verdict).await;
        } else {
            verdict.check(device.authenticate().await == self.sub, "a device key leads to another user");
            let flag = &device.user_info().await["https://authgear.com/claims/user/is_anonymous"];
            verdict.check(*flag == true, "half a promotion of a device key");
        }
    }

    async fn judge_member(&self, device: &Device, world: &World, verdict: &mut Verdict) {
        let mut browser = Browser::new(device.http.clone());
        browser.open(&device.authorize_url(&[])).await;
        let known = world.mails.codes_of(&self.email);
        browser.fill("Email address", &self.email);
        browser.press("Continue").await;
        let is_in = enter_code(&mut browser, &self.email, (world, known)).await;
        verdict.check(is_in, "the member of a promoted key is gone");
        if is_in {
            let mut device = Device::of_process(&device.http, Platform::Ios);
            let info = device.finish_promotion(browser.at_app()).await;
            verdict.check(info["sub"] == *self.sub, "the promotion of a device key changed the ID");
        }
    }
}
