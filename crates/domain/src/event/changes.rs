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
    value.map(|text| {
        let text = hide_url_secrets(text);
        match text.char_indices().nth(VALUE_CHARS) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    })
}

/// A text without the user information and the queries of the URLs in it: both may be passwords.
#[must_use]
pub fn hide_url_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find(|sign: char| sign == '"' || sign == '\\' || sign.is_whitespace()).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        let (place, query) = url.split_once('?').map_or((url, ""), |(place, query)| (place, query));
        let authority_end = place.find('/').unwrap_or(place.len());
        let (authority, path) = place.split_at(authority_end);
        shown.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        shown.push_str(path);
        if !query.is_empty() {
            shown.push_str("?…");
        }
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_their_secrets() {
        let text = r#"[{"url":"https://u:p@a.example/hook?token=t"},{"url":"http://b.example"}]"#;
        assert_eq!(hide_url_secrets(text), r#"[{"url":"https://a.example/hook?…"},{"url":"http://b.example"}]"#);
        assert_eq!(hide_url_secrets("https://u:p/w@h/x@y"), "https://u:p/w@h/x@y");
        assert_eq!(hide_url_secrets("no URL: a?b@c"), "no URL: a?b@c");
    }

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
