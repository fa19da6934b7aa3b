//! What differs between two settings documents, for the person about to apply one.

use std::collections::HashMap;

use serde_json::Value;

use super::{ProjectSettings, shape::join};
use crate::client::Client;

/// One key that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key; an application is named by its client id: `oauth.clients[shop-web].name`.
    pub path: String,
    /// The value before, as JSON; none when the key was absent.
    pub from: Option<String>,
    /// The value after, as JSON; none when the key goes away.
    pub to: Option<String>,
}

/// Everything that changes from one document to the other, in the order of keys; nothing when they are equal.
#[must_use]
pub fn diff(old: &ProjectSettings, new: &ProjectSettings) -> Vec<Change> {
    let to_value = |document| {
        serde_json::to_value(document).expect("settings are maps with text keys, which JSON can always hold")
    };
    let mut changes = Vec::new();
    compare(Some(&to_value(old)), Some(&to_value(new)), "", &mut changes);
    let order = |settings: &ProjectSettings| settings.clients().iter().map(|c| c.client_id.clone()).collect::<Vec<_>>();
    let (before, after) = (order(old), order(new));
    let is_same_set = before.len() == after.len() && before.iter().all(|id| after.contains(id));
    if is_same_set && before != after {
        let print = |ids: &[String]| Some(Value::from(ids.to_vec()).to_string());
        changes.push(Change { path: "oauth.clients".to_owned(), from: print(&before), to: print(&after) });
    }
    changes
}

/// What the new document does not name and the old one does: applications, webhooks and other keys, in the order of keys. A
/// value that is another one is no removal.
#[must_use]
pub fn removals(old: &ProjectSettings, new: &ProjectSettings) -> Vec<String> {
    let is_gone = |client: &&Client| new.client(&client.client_id).is_none();
    let clients: Vec<String> =
        old.clients().iter().filter(is_gone).map(|client| format!("oauth.clients[{}]", client.client_id)).collect();
    let is_of_client = |path: &str| clients.iter().any(|client| path.starts_with(client.as_str()));
    let mut gone = Vec::new();
    for change in diff(old, new) {
        let is_handlers = matches!(change.path.as_str(), "hook.blocking_handlers" | "hook.non_blocking_handlers");
        if is_handlers {
            let after = urls(change.to.as_deref());
            let lost = urls(change.from.as_deref()).into_iter().filter(|url| !after.contains(url));
            gone.extend(lost.map(|url| format!("{}[{url}]", change.path)));
        } else if change.to.is_none() && !is_of_client(&change.path) {
            gone.push(change.path);
        }
    }
    gone.extend(clients);
    gone
}

/// The addresses in a printed list of webhooks.
fn urls(list: Option<&str>) -> Vec<String> {
    let list: Vec<Value> = list.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    list.iter().filter_map(|handler| handler["url"].as_str().map(str::to_owned)).collect()
}

fn compare(old: Option<&Value>, new: Option<&Value>, path: &str, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    if path == "oauth.clients" {
        return compare_clients(old, new, path, changes);
    }
    let members = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
    match (members(old), members(new)) {
        (None, None) => changes.push(Change {
            path: path.to_owned(),
            from: old.map(Value::to_string),
            to: new.map(Value::to_string),
        }),
        (before, after) => {
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            let mut names: Vec<&String> = before.keys().collect();
            names.extend(after.keys().filter(|name| !before.contains_key(*name)));
            for name in names {
                compare(before.get(name), after.get(name), &join(path, name), changes);
            }
        }
    }
}

fn compare_clients(old: Option<&Value>, new: Option<&Value>, path: &str, changes: &mut Vec<Change>) {
    let (old, new) = (old.and_then(Value::as_array), new.and_then(Value::as_array));
    let before: HashMap<&str, &Value> = old.into_iter().flatten().map(|client| (id_of(client), client)).collect();
    let after: HashMap<&str, &Value> = new.into_iter().flatten().map(|client| (id_of(client), client)).collect();
    let mut ids: Vec<&str> = old.into_iter().flatten().map(id_of).collect();
    ids.extend(new.into_iter().flatten().map(id_of).filter(|id| !before.contains_key(id)));
    for id in ids {
        compare(before.get(id).copied(), after.get(id).copied(), &format!("{path}[{id}]"), changes);
    }
}

fn id_of(client: &Value) -> &str {
    client["client_id"].as_str().unwrap_or_default()
}
