//! Guests and promotions that a blocking webhook decides about, until the server is killed.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;

use super::{
    PASSWORD, Verdict,
    journeys::Journeys,
    world::{ASKED, World, read_rows},
};
use crate::support::{AppClient, Browser, TestStore, Tokens};

/// A guest that the webhook allowed.
pub(super) struct AskedStory {
    user: String,
    is_promoted: bool,
}

/// Signs up and is promoted, as far as the webhook allows it, repeatedly.
pub(super) async fn come(app: AppClient, world: Arc<World>, known: Arc<Mutex<Journeys>>, over: Arc<AtomicBool>) {
    while !over.load(Ordering::Relaxed) {
        let body = json!({ "session_type": "refresh_token", "client_id": app.client_id });
        let answer = app.http.post_json("/api/anonymous_user/signup", &body).await;
        if answer.status == 403 {
            continue;
        }
        let guest = Tokens::read(&answer.result());
        let user = app.subject(&guest.access).await.replace('-', "");
        let number = {
            let mut known = known.lock().expect("no panic");
            known.asked.push(AskedStory { user, is_promoted: false });
            known.asked.len() - 1
        };
        let mut browser = Browser::new(app.http.clone());
        browser.open(&app.promotion_url(&app.promotion_code(&guest).await)).await;
        browser.fill("Username", &format!("kim{}", world.number()));
        browser.fill("Password", PASSWORD);
        browser.press("Save my progress").await;
        if browser.is_at_app() {
            known.lock().expect("no panic").asked[number].is_promoted = true;
        }
    }
}

impl AskedStory {
    pub(super) fn count(&self) -> usize {
        1 + usize::from(self.is_promoted)
    }
}

/// There is exactly what the webhook allowed, and all that was acknowledged.
pub(super) async fn judge(stories: &[AskedStory], world: &World, place: &TestStore, verdict: &mut Verdict) {
    // What is asked while the rows are read is not among the rows, so the rows come first.
    let rows = read_rows(
        place,
        &format!(
            "SELECT u.id, CASE WHEN u.anonymous_since IS NULL THEN 1 ELSE 0 END,
               (SELECT COUNT(*) FROM login_ids l WHERE l.project_no = u.project_no AND l.user_id = u.id)
             FROM users u WHERE u.project_no = (SELECT no FROM projects WHERE id = '{ASKED}')"
        ),
    )
    .await;
    let rows: HashMap<String, (bool, bool)> =
        rows.into_iter().map(|row| (row[0].clone(), (row[1] == "1", row[2] == "1"))).collect();
    let decisions = world.decider.decisions();
    let of = |is_promotion: bool, is_allowed: bool| {
        let all = decisions.iter().filter(|one| one.is_promotion == is_promotion && one.is_allowed == is_allowed);
        all.map(|one| one.user.as_str()).collect::<HashSet<_>>()
    };
    let (created, promoted) = (of(false, true), of(true, true));
    for user in of(false, false) {
        verdict.check(!rows.contains_key(user), "a guest that a webhook refused is there");
    }
    for (user, (is_member, has_login)) in &rows {
        verdict.check(created.contains(user.as_str()), "a guest is there that no webhook allowed");
        verdict.check(!is_member || promoted.contains(user.as_str()), "a promotion that a webhook refused is done");
        verdict.check(is_member == has_login, "half a promotion");
    }
    for story in stories {
        let row = rows.get(&story.user);
        verdict.check(row.is_some(), "an acknowledged guest that a webhook allowed is gone");
        let is_member = row.is_some_and(|(is_member, _)| *is_member);
        verdict.check(is_member || !story.is_promoted, "an acknowledged promotion that a webhook allowed is gone");
    }
}
