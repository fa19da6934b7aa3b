//! The settings document as a JSON Schema (2020-12), for the description of the Admin API.

use serde_json::{Map, Value, json};

use super::{
    schema::DOCUMENT,
    shape::{KeySchema, Shape},
};

/// Texts whose rule is a regular expression; a test compares the two.
const PATTERNS: [(&str, &str); 1] = [("client_id", "^[A-Za-z0-9._-]{1,64}$")];

/// The schema of a settings document: every key with its type, default and meaning.
#[must_use]
pub fn json_schema() -> Value {
    print_table(DOCUMENT)
}

fn print_table(keys: &[KeySchema]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), print_key(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required.is_some()).map(|key| key.name).collect();
    let mut table = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if !required.is_empty() {
        table["required"] = required.into();
    }
    table
}

fn print_key(key: &KeySchema) -> Value {
    let mut schema = print_shape(&key.shape);
    schema["description"] = match &key.shape {
        Shape::Text(what, _) => format!("{} Write {what}.", key.meaning),
        Shape::Flag | Shape::Whole { .. } | Shape::Word(_) | Shape::List(..) | Shape::Table(_) => key.meaning.into(),
    }
    .into();
    if let Some(default) = key.default.value() {
        schema["default"] = default;
    }
    let is_own =
        |name: &str| name == key.name && matches!(&key.shape, Shape::Text(what, _) if what.contains("64 letters"));
    if let Some((_, pattern)) = PATTERNS.into_iter().find(|(name, _)| is_own(name)) {
        schema["pattern"] = pattern.into();
    }
    schema
}

fn print_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Text(..) => json!({"type": "string"}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Whole { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Word(words) => json!({"type": "string", "enum": words}),
        Shape::List(item, least) => {
            let mut items = print_shape(item);
            if let Shape::Text(what, _) = item {
                items["description"] = format!("Write {what}.").into();
            }
            let mut list = json!({"type": "array", "items": items});
            if *least > 0 {
                list["minItems"] = (*least).into();
            }
            list
        }
        Shape::Table(keys) => print_table(keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ProjectSettings, SettingKey, SettingKind};

    /// The schema of the key with this path, as [`SettingKey::path`] writes it.
    fn find<'a>(schema: &'a Value, path: &str) -> &'a Value {
        path.split('.').fold(schema, |schema, name| match name.strip_suffix("[]") {
            Some(name) => &schema["properties"][name]["items"],
            None => &schema["properties"][name],
        })
    }

    #[test]
    fn every_key_has_its_type_default_and_meaning() {
        let schema = json_schema();
        for key in SettingKey::list() {
            let found = find(&schema, key.path());
            let expected = match key.kind() {
                Some(SettingKind::Text | SettingKind::Word(_)) => "string",
                Some(SettingKind::Flag) => "boolean",
                Some(SettingKind::Whole { .. }) => "integer",
                Some(SettingKind::Texts | SettingKind::Words { .. }) => "array",
                None if found["items"].is_object() => "array",
                None => "object",
            };
            assert_eq!(found["type"], expected, "{}", key.path());
            assert_eq!(found.get("default"), key.default().as_ref(), "{}", key.path());
            assert!(found["description"].as_str().unwrap().starts_with(key.meaning()), "{}", key.path());
        }
        assert_eq!(find(&schema, "password_policy.min_strength")["minimum"], 0);
        assert_eq!(find(&schema, "password_policy.min_length")["maximum"], 64);
        assert_eq!(schema["required"], json!(["project"]));
        assert_eq!(find(&schema, "oauth.clients[]")["required"], json!(["client_id"]));
        assert_eq!(find(&schema, "authentication.identities")["minItems"], 1);
    }

    #[test]
    fn the_pattern_of_a_client_id_is_its_rule() {
        let refuses = |client_id: &str| {
            let document = json!({"oauth": {"clients": [{"client_id": client_id}]}});
            let problems = ProjectSettings::parse_json(&document).expect_err("the project is missing");
            problems.iter().any(|problem| problem.path.ends_with("client_id"))
        };
        assert_eq!(
            find(&json_schema(), "oauth.clients[].client_id")["pattern"],
            "^[A-Za-z0-9._-]{1,64}$",
            "what follows tests this pattern"
        );
        for c in ('\0'..='\u{ff}').chain(['\u{661}', '\u{ff21}']) {
            assert_eq!(refuses(&format!("a{c}b")), !(c.is_ascii_alphanumeric() || "._-".contains(c)), "{c:?}");
        }
        for (length, is_refused) in [(0, true), (1, false), (64, false), (65, true)] {
            assert_eq!(refuses(&"a".repeat(length)), is_refused, "{length}");
        }
    }
}
