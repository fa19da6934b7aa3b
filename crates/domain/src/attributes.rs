//! User attributes: which exist, and how a change is merged.

use serde_json::{Map, Number, Value};
use vestibule_protocol::echo;

use crate::userinfo::PROFILE_CLAIMS;

/// Maximum size of one set of attributes as JSON, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;
/// Maximum size of a change of one set as JSON, in bytes: more than one that removes everything and sets as much.
pub const MAX_CHANGE_BYTES: usize = 4 * MAX_BYTES;

/// Maximum length of a standard attribute, in characters.
pub const MAX_TEXT_CHARS: usize = 1_000;

/// Maximum depth of nested lists and objects. Events and exports hold a set some levels down, and JSON parsers stop at a depth.
pub const MAX_DEPTH: usize = 16;

/// The problems of a user's attributes, whichever way they came in: for each, the path of the member and what to do.
#[must_use]
pub fn check(standard: &Map<String, Value>, custom: &Map<String, Value>) -> Vec<(String, String)> {
    let name = |set: &'static str| {
        move |(member, message): (String, String)| {
            let path = if member.is_empty() { set.to_owned() } else { format!("{set}.{member}") };
            (path, message)
        }
    };
    let standard = check_standard(standard).into_iter().map(name("standard_attributes"));
    standard.chain(check_custom(custom).into_iter().map(name("custom_attributes"))).collect()
}

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
    if let Some(fault) = check_size(attributes).or_else(|| check_text(attributes)) {
        return vec![fault];
    }
    let mut faults = Vec::new();
    for (name, value) in attributes {
        let is_fine = match value {
            Value::String(text) => name != "address" && text.chars().count() <= MAX_TEXT_CHARS,
            Value::Object(members) => name == "address" && members.values().all(Value::is_string),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
        };
        if !PROFILE_CLAIMS.contains(&name.as_str()) && name != "address" {
            faults.push((
                echo(name).into_owned(),
                "this is not a standard attribute that can be set (OpenID Connect Core §5.1): use custom_attributes, or add a login ID".to_owned(),
            ));
        } else if !is_fine {
            let text = format!("a string of at most {MAX_TEXT_CHARS} characters");
            let wanted = if name == "address" { "an object of strings" } else { &text };
            faults.push((echo(name).into_owned(), format!("write {wanted}")));
        }
    }
    faults
}

/// The problems of the values in a set of standard attributes that someone writes now. What is stored already, and what an import
/// brings back, may be older than this rule.
#[must_use]
pub fn check_formats(standard: &Map<String, Value>) -> Option<(String, String)> {
    let birthdate = standard.get("birthdate").and_then(Value::as_str)?;
    let refuse = || {
        let wanted = "write a date such as 1990-05-31, the year alone, or 0000-05-31 without a year";
        ("birthdate".to_owned(), wanted.to_owned())
    };
    (!is_birthdate(birthdate)).then(refuse)
}

/// Whether it is a `birthdate` of OpenID Connect Core §5.1; an empty one says nothing.
fn is_birthdate(text: &str) -> bool {
    match text.len() {
        0 => true,
        4 => text.bytes().all(|b| b.is_ascii_digit()),
        10 => text.parse::<jiff::civil::Date>().is_ok(),
        _ => false,
    }
}

/// The problems of a set of custom attributes: for each, the member and what to do.
#[must_use]
pub fn check_custom(attributes: &Map<String, Value>) -> Vec<(String, String)> {
    // Everything after it looks at the whole set.
    if let Some(fault) = check_size(attributes) {
        return vec![fault];
    }
    let mut faults = Vec::new();
    if attributes.keys().any(String::is_empty) {
        faults.push((String::new(), "give every attribute a name".to_owned()));
    }
    faults.extend(check_text(attributes));
    faults
}

/// What no store, event or export carries: NUL characters, and lists and objects nested too deep.
fn check_text(attributes: &Map<String, Value>) -> Option<(String, String)> {
    if attributes.values().any(|value| is_deeper(value, MAX_DEPTH)) {
        return Some((String::new(), format!("nest lists and objects at most {MAX_DEPTH} deep")));
    }
    let has_nul = attributes.iter().any(|(name, value)| name.contains('\0') || has_nul(value));
    has_nul.then(|| (String::new(), "remove the NUL characters".to_owned()))
}

fn is_deeper(value: &Value, most: usize) -> bool {
    match value {
        Value::Array(items) => most == 0 || items.iter().any(|item| is_deeper(item, most - 1)),
        Value::Object(members) => most == 0 || members.values().any(|member| is_deeper(member, most - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The problem of a set of attributes that is too large. Looks at no more than the set may have.
#[must_use]
pub fn check_size(attributes: &Map<String, Value>) -> Option<(String, String)> {
    let refuse = || (String::new(), format!("these take more than {MAX_BYTES} bytes as JSON"));
    exceeds(attributes, MAX_BYTES).then(refuse)
}

/// The problem of a change that is too large, before it is merged. Looks at no more than a change may have.
#[must_use]
pub fn check_change_size(change: &Map<String, Value>) -> Option<(String, String)> {
    let refuse = || (String::new(), format!("this change takes more than {MAX_CHANGE_BYTES} bytes as JSON"));
    exceeds(change, MAX_CHANGE_BYTES).then(refuse)
}

fn exceeds(attributes: &Map<String, Value>, most: usize) -> bool {
    let mut budget = Budget(most);
    budget.take_members(attributes).is_none()
}

/// The bytes of JSON that are left; each `take` is `None` when they do not suffice.
struct Budget(usize);

impl Budget {
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.checked_sub(bytes)?;
        Some(())
    }

    /// A string with its quotes and escapes.
    fn take_text(&mut self, text: &str) -> Option<()> {
        // A string that is too long without escapes is not searched for any.
        if text.len() > self.0 {
            return None;
        }
        self.take(2 + text.chars().map(printed_length).sum::<usize>())
    }

    /// Members or items: between them are commas.
    fn take_separators(&mut self, count: usize) -> Option<()> {
        self.take(2 + count.saturating_sub(1))
    }

    fn take_members(&mut self, members: &Map<String, Value>) -> Option<()> {
        self.take_separators(members.len())?;
        members.iter().try_for_each(|(name, value)| {
            self.take_text(name)?;
            self.take(1)?;
            self.take_value(value)
        })
    }

    fn take_value(&mut self, value: &Value) -> Option<()> {
        match value {
            Value::Null | Value::Bool(true) => self.take(4),
            Value::Bool(false) => self.take(5),
            Value::Number(number) => self.take(digits_of(number)),
            Value::String(text) => self.take_text(text),
            Value::Array(items) => {
                self.take_separators(items.len())?;
                items.iter().try_for_each(|item| self.take_value(item))
            }
            Value::Object(members) => self.take_members(members),
        }
    }
}

/// The bytes of a number; whole numbers are not printed for it.
fn digits_of(number: &Number) -> usize {
    let digits = |whole: u64| whole.checked_ilog10().map_or(1, |tens| tens as usize + 1);
    match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => digits(whole),
        (None, Some(negative)) => 1 + digits(negative.unsigned_abs()),
        (None, None) => number.to_string().len(),
    }
}

/// The bytes of a character in a JSON string (RFC 8259 §7).
fn printed_length(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_birth_date_is_a_date() {
        for (text, is_fine) in [
            ("1990-05-31", true),
            ("0000-05-31", true),
            ("0000-02-29", true),
            ("1990", true),
            ("", true),
            ("x", false),
            ("1990-02-30", false),
            ("31.05.1990", false),
            ("90", false),
            ("1990-5-31", false),
            ("1990-05-31T00:00:00Z", false),
            ("199x", false),
        ] {
            let fault = check_formats(&object(json!({"birthdate": text})));
            assert_eq!(fault.is_none(), is_fine, "{text}: {fault:?}");
        }
        assert_eq!(check_formats(&object(json!({"name": "x"}))), None);
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
    fn the_size_is_that_of_the_json() {
        for value in [
            json!({}),
            json!({"a": null, "b": true, "c": false, "d": [], "e": {}}),
            json!({"n": [0, 9, 10, -1, -10, 1.5, 1e300, u64::MAX, i64::MIN], "t": "caf\u{e9} \u{1f980} \"\\\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}"}),
            json!({"\n": {"x": [[1, "2"], {"y": ["", ""]}]}}),
        ] {
            let length = value.to_string().len();
            let set = object(value);
            assert!(!exceeds(&set, length) && exceeds(&set, length - 1), "{set:?}");
        }
    }

    #[test]
    fn of_a_set_that_is_too_large_nothing_else_is_checked() {
        let many: Map<String, Value> = (0..10_000).map(|n| (format!("\0{n}"), json!("\0"))).collect();
        let fault = vec![(String::new(), format!("these take more than {MAX_BYTES} bytes as JSON"))];
        assert_eq!(check_custom(&many), fault);
        assert_eq!(check_standard(&many), fault);
        assert!(check_change_size(&many).is_some());
    }

    #[test]
    fn a_change_may_replace_a_whole_set() {
        let set =
            |value: &str| -> Map<String, Value> { (0..900).map(|n| (format!("{value}{n:03}"), json!(1))).collect() };
        let (before, mut change) = (set("a"), set("b"));
        change.extend(before.keys().map(|name| (name.clone(), Value::Null)));
        assert!(check_size(&before).is_none() && check_change_size(&change).is_none());
        let mut merged = before;
        merge(&mut merged, &change);
        assert!(check_size(&merged).is_none() && merged.len() == 900);
    }

    #[test]
    fn what_is_taken_can_be_carried() {
        let nested = |depth: usize| (1..depth).fold(json!([]), |inner, _| json!([inner]));
        assert!(check(&Map::new(), &object(json!({ "a": nested(MAX_DEPTH) }))).is_empty());
        for (standard, custom, path) in [
            (json!({}), json!({ "a": nested(MAX_DEPTH + 1) }), "custom_attributes"),
            (json!({}), json!({ "a": { "b\u{0}": 1 } }), "custom_attributes"),
            (json!({ "name": "a\u{0}" }), json!({}), "standard_attributes"),
            (json!({ "address": { "formatted": "a\u{0}" } }), json!({}), "standard_attributes"),
            (json!({ "address": { "formatted": 7 } }), json!({}), "standard_attributes.address"),
            (json!({ "address": "10 Downing St" }), json!({}), "standard_attributes.address"),
            (json!({ "name": "x".repeat(50_000) }), json!({}), "standard_attributes"),
        ] {
            let faults = check(&object(standard.clone()), &object(custom.clone()));
            assert_eq!(faults.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [path], "{standard} {custom}");
        }
    }

    #[test]
    fn custom_attributes_are_anything_small() {
        assert!(check_custom(&object(json!({"cart": {"items": [1, 2]}}))).is_empty());
        assert_eq!(check_custom(&object(json!({"x": "y".repeat(MAX_BYTES)}))).len(), 1);
        assert_eq!(check_custom(&object(json!({"x": ["a\u{0}"]}))).len(), 1);
        assert_eq!(check_custom(&object(json!({"": 1}))).len(), 1);
    }
}
