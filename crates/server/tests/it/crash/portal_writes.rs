//! What an operator changes in the portal, until the server is killed: each change is there with its entry in the event log, or neither is.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use super::{
    Verdict,
    journeys::Journeys,
    world::{CODES, World, http_of, read_rows},
};
use crate::support::{AppClient, Browser, TestStore, binary::Process};

const AT: &str = "/portal/p/codes";

/// What was acknowledged to the operator about a user.
pub(super) struct PortalStory {
    user: String,
    number: u32,
    is_noted: bool,
    is_disabled: bool,
}

/// Notes a number at a guest, disables the guest and changes a color, repeatedly.
pub(super) async fn come(app: AppClient, world: Arc<World>, known: Arc<Mutex<Journeys>>, over: Arc<AtomicBool>) {
    let mut operator = world.operator.clone();
    operator.go_by(&app.http);
    while !over.load(Ordering::Relaxed) {
        let guest = app.sign_up().await;
        let sub = app.subject(&guest.access).await;
        let number = world.number();
        let place = {
            let mut known = known.lock().expect("no panic");
            let user = sub.replace('-', "");
            known.portal.push(PortalStory { user, number, is_noted: false, is_disabled: false });
            known.portal.len() - 1
        };
        operator.open(&format!("{AT}/users/{sub}/attributes")).await;
        operator.fill("Custom attributes", &format!("{{\"n\": {number}}}"));
        operator.press("Save").await;
        assert!(operator.page().text.contains("Changes saved"), "{}", operator.page().text);
        known.lock().expect("no panic").portal[place].is_noted = true;
        operator.open(&format!("{AT}/users/{sub}/disabled")).await;
        operator.press("Disable user").await;
        assert!(operator.page().text.contains("User disabled"), "{}", operator.page().text);
        known.lock().expect("no panic").portal[place].is_disabled = true;
        operator.open(&format!("{AT}/branding")).await;
        let color = format!("#b0{:02x}{:02x}", number % 128, number / 128 % 128);
        operator.fill("Color", &color);
        operator.press("Save").await;
        assert!(operator.page().text.contains("Changes saved"), "{}", operator.page().text);
        known.lock().expect("no panic").color = Some(color);
    }
}

impl PortalStory {
    pub(super) fn count(&self) -> usize {
        usize::from(self.is_noted) + usize::from(self.is_disabled)
    }
}

/// The operator is signed in still; each change has its event, and each event its change.
pub(super) async fn judge(
    journeys: &Journeys,
    process: &Process,
    (world, place): (&World, &TestStore),
    verdict: &mut Verdict,
) {
    let mut operator: Browser = world.operator.clone();
    operator.go_by(&http_of(process, CODES));
    operator.open("/portal").await;
    verdict.check(operator.page().heading == "Projects", "an operator's session is gone");
    let events = read_events(place).await;
    let (mut noted, mut disabled): (HashMap<String, Vec<i64>>, HashMap<String, usize>) = Default::default();
    for event in events.iter().filter(|event| event["context"]["triggered_by"] == "portal") {
        let user = &event["payload"]["user"];
        let id = user["id"].as_str().unwrap_or_default().replace('-', "");
        match event["type"].as_str() {
            Some("user.updated") => {
                noted.entry(id).or_default().push(user["custom_attributes"]["n"].as_i64().unwrap_or(-1));
            }
            Some("user.disabled") => *disabled.entry(id).or_default() += 1,
            _ => {}
        }
    }
    let rows = read_rows(
        place,
        &format!(
            "SELECT id, custom_attributes, disabled_at FROM users
             WHERE project_no = (SELECT no FROM projects WHERE id = '{CODES}')"
        ),
    )
    .await;
    let mut found = HashMap::new();
    for row in rows {
        let number = serde_json::from_str::<Value>(&row[1]).ok().and_then(|all| all["n"].as_i64());
        let events = noted.remove(&row[0]).unwrap_or_default();
        verdict.check(events == Vec::from_iter(number), "a change of attributes and its events differ");
        let is_disabled = !row[2].is_empty();
        let events = disabled.remove(&row[0]).unwrap_or_default();
        verdict.check(events == usize::from(is_disabled), "a disabled user and its events differ");
        found.insert(row[0].clone(), (number, is_disabled));
    }
    verdict.check(noted.is_empty() && disabled.is_empty(), "an event without its user");
    for story in &journeys.portal {
        let Some((number, is_disabled)) = found.get(&story.user) else {
            verdict.check(false, "a guest that an operator changed is gone");
            continue;
        };
        verdict.check(!story.is_noted || *number == Some(story.number.into()), "an acknowledged change is gone");
        verdict.check(!story.is_disabled || *is_disabled, "an acknowledged disabled user is enabled");
    }
    judge_settings(&events, journeys.color.as_deref(), place, verdict).await;
}

/// The settings are those of the last change in the log, and there are as many changes as versions.
async fn judge_settings(events: &[Value], acknowledged: Option<&str>, place: &TestStore, verdict: &mut Verdict) {
    let sql = format!("SELECT version, settings FROM projects WHERE id = '{CODES}'");
    let row = read_rows(place, &sql).await.remove(0);
    let settings: Value = serde_json::from_str(&row[1]).expect("JSON");
    let changes: Vec<_> = events.iter().filter(|event| event["type"] == "project.changed").collect();
    verdict.check(row[0] == (changes.len() + 1).to_string(), "versions of the settings and their events differ");
    let colors: Vec<_> = changes.iter().filter_map(|event| event["payload"]["changes"][0]["to"].as_str()).collect();
    let color = settings["ui"]["accent_color"].as_str();
    let color_now = color.map(|color| format!("\"{color}\""));
    verdict.check(colors.last().copied() == color_now.as_deref(), "the settings are not those of the last change");
    if let Some(acknowledged) = acknowledged {
        let quoted = format!("\"{acknowledged}\"");
        verdict.check(colors.contains(&quoted.as_str()), "an acknowledged change of settings is gone");
    }
}

/// Every event of the project that is in the log, or on its way there, oldest first.
async fn read_events(place: &TestStore) -> Vec<Value> {
    let sql = format!(
        "SELECT seq, body FROM events WHERE project_no = (SELECT no FROM projects WHERE id = '{CODES}')
         UNION ALL
         SELECT id, payload FROM outbox
         WHERE kind = 'event' AND project_no = (SELECT no FROM projects WHERE id = '{CODES}')
         ORDER BY 1"
    );
    let rows = read_rows(place, &sql).await;
    let read = |row: &Vec<String>| {
        let mut value: Value = serde_json::from_str(&row[1]).expect("JSON");
        if value["body"].is_object() { value["body"].take() } else { value }
    };
    rows.iter().map(read).collect()
}
