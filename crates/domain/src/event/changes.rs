//! What `project.changed` says: each setting with its value before and after.

use serde_json::{Value, json};

/// How many changes one event describes; more of them are only counted.
const DESCRIBED: usize = 100;
/// The longest value that is shown, in characters.
const VALUE_CHARS: usize = 200;

/// One setting that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// The key; an application is named by its client ID: `oauth.clients[shop-web].name`.
    pub path: String,
    /// The value before, as JSON; none when the key was absent.
    pub from: Option<String>,
    /// The value after, as JSON; none when the key is removed.
    pub to: Option<String>,
}

/// The payload of the event.
pub(super) fn describe(changes: &[SettingChange]) -> Value {
    let described = &changes[..changes.len().min(DESCRIBED)];
    let keys: Vec<_> = described.iter().map(|change| change.path.as_str()).collect();
    let values: Vec<_> = described
        .iter()
        .map(|change| json!({"key": change.path, "from": cut(change.from.as_deref()), "to": cut(change.to.as_deref())}))
        .collect();
    json!({"keys": keys, "changes": values, "omitted": changes.len() - described.len()})
}

fn cut(value: Option<&str>) -> Option<String> {
    value.map(|text| match text.char_indices().nth(VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_and_long_changes_are_cut() {
        let long = Some("ä".repeat(500));
        let change = |index| SettingChange { path: format!("key{index}"), from: None, to: long.clone() };
        let payload = describe(&(0..150).map(change).collect::<Vec<_>>());
        assert_eq!(payload["keys"].as_array().map(Vec::len), Some(100));
        assert_eq!(payload["changes"].as_array().map(Vec::len), Some(100));
        assert_eq!(payload["omitted"], 50);
        assert_eq!(payload["changes"][0]["from"], Value::Null);
        assert_eq!(payload["changes"][0]["to"].as_str().map(|text| text.chars().count()), Some(201));
    }
}
