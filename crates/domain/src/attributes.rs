//! User attributes: which exist, and how a change is merged.

use serde_json::{Map, Value};
use vestibule_protocol::echo;

use crate::userinfo::PROFILE_CLAIMS;

/// Maximum size of one set of attributes as JSON, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;

/// Merges a change into a set of attributes (RFC 7396): null removes a member.
pub fn merge(attributes: &mut Map<String, Value>, change: &Map<String, Value>) {
    for (name, value) in change {
        match value {
            Value::Null => {
                attributes.remove(name);
            }
            Value::Object(change) => {
                let slot = attributes.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(inner) = slot {
                    merge(inner, change);
                }
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                attributes.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The problems of a set of standard attributes: for each, the member and what to do.
#[must_use]
pub fn check_standard(attributes: &Map<String, Value>) -> Vec<(String, String)> {
    // Otherwise every member would be reported.
    if let Some(fault) = check_size(attributes) {
        return vec![fault];
    }
    let mut faults = Vec::new();
    for (name, value) in attributes {
        let is_fine = match value {
            Value::String(text) => name != "address" && text.chars().count() <= 1_000,
            Value::Object(members) => name == "address" && members.values().all(Value::is_string),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
        };
        if !PROFILE_CLAIMS.contains(&name.as_str()) && name != "address" {
            faults.push((
                echo(name).into_owned(),
                "this is not a standard attribute that can be set (OpenID Connect Core §5.1): use custom_attributes, or add a login ID".to_owned(),
            ));
        } else if !is_fine {
            let wanted = if name == "address" { "an object of strings" } else { "a string of at most 1000 characters" };
            faults.push((echo(name).into_owned(), format!("write {wanted}")));
        }
    }
    faults
}

/// The problems of a set of custom attributes: for each, the member and what to do.
#[must_use]
pub fn check_custom(attributes: &Map<String, Value>) -> Vec<(String, String)> {
    let empty = attributes.keys().any(String::is_empty);
    let mut faults = Vec::new();
    if empty {
        faults.push((String::new(), "give every attribute a name".to_owned()));
    }
    if attributes.iter().any(|(name, value)| name.contains('\0') || has_nul(value)) {
        faults.push((String::new(), "remove the NUL characters".to_owned()));
    }
    faults.extend(check_size(attributes));
    faults
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The problem of a set of attributes that is too large.
#[must_use]
pub fn check_size(attributes: &Map<String, Value>) -> Option<(String, String)> {
    let size = Value::Object(attributes.clone()).to_string().len();
    (size > MAX_BYTES).then(|| (String::new(), format!("these take {size} bytes as JSON; the limit is {MAX_BYTES}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_change_is_merged_as_rfc_7396_says() {
        for (before, change, after) in [
            (json!({"a": 1, "b": 2}), json!({"b": null, "c": 3}), json!({"a": 1, "c": 3})),
            (json!({"a": {"b": 1, "c": 2}}), json!({"a": {"b": null}}), json!({"a": {"c": 2}})),
            (json!({"a": 1}), json!({"a": {"b": {"c": null}}}), json!({"a": {"b": {}}})),
            (json!({"a": [1]}), json!({"a": [2]}), json!({"a": [2]})),
        ] {
            let mut merged = object(before);
            merge(&mut merged, &object(change));
            assert_eq!(Value::Object(merged), after);
        }
    }

    #[test]
    fn standard_attributes_are_those_of_openid_connect_and_no_login_ids() {
        assert!(check_standard(&object(json!({"name": "Kim", "address": {"country": "HK"}}))).is_empty());
        for wrong in
            [json!({"email": "a@b.example"}), json!({"name": 1}), json!({"shoe": "44"}), json!({"address": "x"})]
        {
            assert_eq!(check_standard(&object(wrong.clone())).len(), 1, "{wrong}");
        }
        let many: Map<String, Value> = (0..10_000).map(|n| (n.to_string(), json!(1))).collect();
        assert_eq!(check_standard(&many).len(), 1, "many members are one fault");
        let long = check_standard(&object(json!({ "x".repeat(1_000): 1 })));
        assert_eq!(long[0].0, format!("{}...", "x".repeat(64)));
    }

    #[test]
    fn custom_attributes_are_anything_small() {
        assert!(check_custom(&object(json!({"cart": {"items": [1, 2]}}))).is_empty());
        assert_eq!(check_custom(&object(json!({"x": "y".repeat(MAX_BYTES)}))).len(), 1);
        assert_eq!(check_custom(&object(json!({"x": ["a\u{0}"]}))).len(), 1);
        assert_eq!(check_custom(&object(json!({"": 1}))).len(), 1);
    }
}
