//! The keys of the settings document as the reference and the portal see them: path, type, default and meaning.

use serde_json::Value;

use super::{
    schema::DOCUMENT,
    shape::{KeySchema, Shape, join},
};

/// One key of the settings document.
#[derive(Clone, Debug)]
pub struct SettingKey {
    path: String,
    schema: &'static KeySchema,
}

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// A text.
    Text,
    /// True or false.
    Flag,
    /// A whole number in a range.
    Whole {
        /// Minimum.
        min: i64,
        /// Maximum.
        max: i64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of words, or of tables with one word each.
    Words {
        /// The words to choose from.
        words: &'static [&'static str],
        /// The key of the word, in a list of tables.
        key: Option<&'static str>,
    },
}

impl SettingKey {
    /// Every key, in the document's order.
    #[must_use]
    pub fn list() -> Vec<Self> {
        let mut keys = Vec::new();
        collect(DOCUMENT, "", &mut keys);
        keys
    }

    /// The key with this path.
    #[must_use]
    pub fn find(path: &str) -> Option<Self> {
        find_in(DOCUMENT, path).map(|schema| Self { path: path.to_owned(), schema })
    }

    /// Its path, with `[]` after a list of tables.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The type of its value; `None` for a table and a list of tables, whose keys have values of their own.
    #[must_use]
    pub fn kind(&self) -> Option<SettingKind> {
        match &self.schema.shape {
            Shape::Text(..) => Some(SettingKind::Text),
            Shape::Flag => Some(SettingKind::Flag),
            Shape::Whole { min, max } => Some(SettingKind::Whole { min: *min, max: *max }),
            Shape::Word(words) => Some(SettingKind::Word(words)),
            Shape::List(Shape::Word(words), _) => Some(SettingKind::Words { words, key: None }),
            Shape::List(Shape::Table([KeySchema { name, shape: Shape::Word(words), .. }]), _) => {
                Some(SettingKind::Words { words, key: Some(name) })
            }
            Shape::List(Shape::Table(_), _) | Shape::Table(_) => None,
            Shape::List(..) => Some(SettingKind::Texts),
        }
    }

    /// The type of its value in words.
    #[must_use]
    pub fn describe(&self) -> String {
        self.schema.shape.describe()
    }

    /// The value that its absence stands for; `None` when absence has a meaning of its own.
    #[must_use]
    pub fn default(&self) -> Option<Value> {
        self.schema.default.value()
    }

    /// The default as it is written in a project file.
    #[must_use]
    pub fn default_toml(&self) -> Option<String> {
        let value = toml::Value::try_from(self.default()?);
        Some(value.expect("defaults are lists, texts, flags and numbers, which TOML can hold").to_string())
    }

    /// Whether it is required.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.schema.required.is_some()
    }

    /// Its meaning.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        self.schema.meaning
    }
}

fn collect(keys: &'static [KeySchema], path: &str, found: &mut Vec<SettingKey>) {
    for schema in keys {
        let path = join(path, schema.name);
        found.push(SettingKey { path: path.clone(), schema });
        if let Some((inner, is_list)) = schema.shape.keys() {
            let path = if is_list { format!("{path}[]") } else { path };
            collect(inner, &path, found);
        }
    }
}

fn find_in(keys: &'static [KeySchema], path: &str) -> Option<&'static KeySchema> {
    let key = |name: &str| keys.iter().find(|key| key.name == name);
    let Some((name, rest)) = path.split_once('.') else { return key(path) };
    let (inner, is_list) = key(name.trim_end_matches("[]"))?.shape.keys()?;
    (is_list == name.ends_with("[]")).then(|| find_in(inner, rest))?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(path: &str) -> SettingKey {
        SettingKey::find(path).unwrap()
    }

    #[test]
    fn every_listed_key_is_found_by_its_path() {
        for listed in SettingKey::list() {
            let found = key(listed.path());
            assert!(std::ptr::eq(found.schema, listed.schema), "{}", listed.path());
        }
        for path in ["", "session_", "session.", "session[].lifetime_seconds", "oauth.clients.name", "oauth.clients[]"]
        {
            assert!(SettingKey::find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_key_has_the_type_and_the_default_of_its_schema() {
        assert_eq!(key("password_policy.min_strength").kind(), Some(SettingKind::Whole { min: 0, max: 4 }));
        assert_eq!(key("http.allowed_origins").kind(), Some(SettingKind::Texts));
        assert_eq!(key("oauth.clients").kind(), None);
        assert_eq!(key("session").kind(), None);
        let login_ids = key("identity.login_id.keys");
        let words: &[&str] = &["email", "phone", "username"];
        assert_eq!(login_ids.kind(), Some(SettingKind::Words { words, key: Some("type") }));
        assert_eq!(login_ids.default(), Some(json!([{"type": "email"}])));
        assert_eq!(login_ids.default_toml().as_deref(), Some("[{ type = \"email\" }]"));
        assert_eq!(key("authentication.rate_limits.oob_otp.trigger_per_user.period").default(), Some(json!("1h")));
        assert_eq!(key("authentication.rate_limits.password.per_user.burst").default(), Some(json!(10)));
        assert_eq!(key("ui.name").default(), None);
    }
}
