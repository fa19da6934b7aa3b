//! The binding of a control to a settings key: how its value is printed and parsed. Type and default are the schema's.

use serde_json::{Map, Value, json};
use vestibule_domain::project::{SettingKey, SettingKind};

use crate::control::describe_seconds;

/// The settings key of a control, and the form its value takes in the control.
#[derive(Clone, Debug)]
pub(super) struct FieldBinding {
    key: SettingKey,
    format: ValueFormat,
    /// What an absent key stands for.
    default: Option<Value>,
}

/// The form of a value in a control.
#[derive(Clone, Copy, Debug)]
enum ValueFormat {
    /// A whole number; an empty field removes the key.
    Number,
    /// A flag.
    Flag,
    /// A flag whose meaning is inverted.
    Inverted,
    /// 1 or 0.
    One,
    /// A text; an empty field removes the key, unless it is required.
    Text,
    /// One of several words.
    Choice,
    /// A list of texts, one per line.
    Lines,
    /// A subset of these words, one per line; `*` among them, or an absent list, means all.
    Words(&'static [&'static str]),
    /// Whether a list contains a word; `key` names it in a list of tables.
    Member { word: &'static str, key: Option<&'static str> },
}

impl FieldBinding {
    /// The binding of a key, in the form of its type.
    pub(super) fn new(path: &str) -> Self {
        Self::find(path).expect("the tests build every form, so the path is that of a value in the schema")
    }

    fn find(path: &str) -> Option<Self> {
        let key = SettingKey::find(path)?;
        let format = match key.kind()? {
            SettingKind::Text => ValueFormat::Text,
            SettingKind::Flag => ValueFormat::Flag,
            SettingKind::Whole { .. } => ValueFormat::Number,
            SettingKind::Word(_) => ValueFormat::Choice,
            SettingKind::Texts => ValueFormat::Lines,
            SettingKind::Words { words, .. } => ValueFormat::Words(words),
        };
        let default = key.default();
        Some(Self { key, format, default })
    }

    /// A flag that is on where the control is off.
    pub(super) fn inverted(path: &str) -> Self {
        Self { format: ValueFormat::Inverted, ..Self::new(path) }
    }

    /// A number from 0 to 1, as a flag.
    pub(super) fn one(path: &str) -> Self {
        Self { format: ValueFormat::One, ..Self::new(path) }
    }

    /// Whether a list contains this word.
    pub(super) fn member(path: &str, word: &'static str) -> Self {
        let binding = Self::new(path);
        let key = if let Some(SettingKind::Words { key, .. }) = binding.key.kind() { key } else { None };
        Self { format: ValueFormat::Member { word, key }, ..binding }
    }

    /// With another default, where that depends on other keys.
    pub(super) fn with_default(self, default: Value) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The key.
    pub(super) fn key(&self) -> &SettingKey {
        &self.key
    }

    /// The path below the form's part of the document.
    pub(super) fn path(&self) -> &str {
        let path = self.key.path();
        path.rsplit_once("[].").map_or(path, |(_, below)| below)
    }

    /// The words to choose from.
    pub(super) fn words(&self) -> Vec<String> {
        match self.key.kind() {
            Some(SettingKind::Word(words) | SettingKind::Words { words, .. }) => {
                words.iter().map(|word| (*word).to_string()).collect()
            }
            Some(SettingKind::Whole { min, max }) => (min..=max).map(|number| number.to_string()).collect(),
            Some(SettingKind::Text | SettingKind::Flag | SettingKind::Texts) | None => Vec::new(),
        }
    }

    /// The default of a number or a text, for the hint; `unit` is that of the number.
    pub(super) fn describe_default(&self, unit: &str) -> Option<String> {
        let default = self.default.as_ref()?;
        match self.format {
            ValueFormat::Number if unit == "seconds" => default.as_u64().map(describe_seconds),
            ValueFormat::Number => Some(format!("{default} {unit}").trim_end().to_string()),
            ValueFormat::Text => default.as_str().map(str::to_string),
            ValueFormat::Flag
            | ValueFormat::Inverted
            | ValueFormat::One
            | ValueFormat::Choice
            | ValueFormat::Lines
            | ValueFormat::Words(_)
            | ValueFormat::Member { .. } => None,
        }
    }

    /// The value of the control.
    pub(super) fn print(&self, scope: &Value) -> String {
        let found = find(scope, self.path()).or(self.default.as_ref());
        let on = |is_on: bool| if is_on { "on" } else { "" }.to_string();
        match self.format {
            ValueFormat::Number => found.and_then(Value::as_u64).map(|n| n.to_string()).unwrap_or_default(),
            ValueFormat::Flag => on(found.and_then(Value::as_bool) == Some(true)),
            ValueFormat::Inverted => on(found.and_then(Value::as_bool) != Some(true)),
            ValueFormat::One => on(found.and_then(Value::as_u64) == Some(1)),
            ValueFormat::Text | ValueFormat::Choice => found.and_then(Value::as_str).unwrap_or_default().to_string(),
            ValueFormat::Lines => words(found, None).unwrap_or_default().join("\n"),
            ValueFormat::Words(all) => match words(found, None) {
                Some(words) if !words.contains(&"*") => {
                    all.iter().copied().filter(|word| words.contains(word)).collect::<Vec<_>>().join("\n")
                }
                Some(_) | None => "*".to_string(),
            },
            ValueFormat::Member { word, key } => on(words(found, key).is_some_and(|words| words.contains(&word))),
        }
    }

    /// Writes the input into the document, whose validation answers for its type and range. Fails only when nothing
    /// was chosen, which the document cannot say.
    pub(super) fn put_into(&self, scope: &mut Value, typed: &str) -> Result<(), &'static str> {
        let path = self.path();
        match (self.format, typed.trim()) {
            (ValueFormat::Flag, _) => set(scope, path, (typed == "on").into()),
            (ValueFormat::Inverted, _) => set(scope, path, (typed != "on").into()),
            (ValueFormat::One, _) => set(scope, path, u8::from(typed == "on").into()),
            (ValueFormat::Choice, "") if self.key.is_required() => return Err("Choose an option."),
            (ValueFormat::Text, "") if self.key.is_required() => set(scope, path, "".into()),
            (ValueFormat::Number | ValueFormat::Text | ValueFormat::Choice, "") => remove(scope, path),
            (ValueFormat::Number, text) => {
                set(scope, path, text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from));
            }
            (ValueFormat::Text | ValueFormat::Choice, text) => set(scope, path, text.into()),
            (ValueFormat::Words(_), text) => match text.lines().collect::<Vec<_>>().as_slice() {
                [] => return Err("Choose at least one option."),
                words if words.contains(&"*") => remove(scope, path),
                words => set(scope, path, words.into()),
            },
            (ValueFormat::Lines, text) => {
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                if lines.is_empty() { remove(scope, path) } else { set(scope, path, lines.into()) }
            }
            (ValueFormat::Member { word, key }, _) => {
                let old = words(find(scope, path).or(self.default.as_ref()), key).unwrap_or_default();
                let mut next: Vec<&str> = old.into_iter().filter(|one| *one != word).collect();
                if typed == "on" {
                    next.push(word);
                }
                let item = |word: &str| key.map_or_else(|| Value::from(word), |key| json!({key: word}));
                let list: Vec<Value> = next.into_iter().map(item).collect();
                set(scope, path, list.into());
            }
        }
        Ok(())
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The value at a path of the document.
pub(super) fn find<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    document.pointer(&pointer(path))
}

pub(super) fn find_mut<'a>(document: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    document.pointer_mut(&pointer(path))
}

/// The words of a list of texts, or of a list of objects with the word under `key`.
fn words<'a>(list: Option<&'a Value>, key: Option<&str>) -> Option<Vec<&'a str>> {
    let item = |one: &'a Value| key.map_or(Some(one), |key| one.get(key)).and_then(Value::as_str);
    Some(list?.as_array()?.iter().filter_map(item).collect())
}

/// Sets a value at a path, and creates the tables above it.
pub(super) fn set(scope: &mut Value, path: &str, value: Value) {
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut table = scope;
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        if !table[name].is_object() {
            table[name] = Value::Object(Map::new());
        }
        table = &mut table[name];
    }
    table[key] = value;
}

fn remove(scope: &mut Value, path: &str) {
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let parents = if parents.is_empty() { String::new() } else { pointer(parents) };
    if let Some(table) = scope.pointer_mut(&parents).and_then(Value::as_object_mut) {
        table.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_printed_with_its_default_and_written_where_it_belongs() {
        let number = FieldBinding::new("session.lifetime_seconds");
        let member = FieldBinding::member("authentication.identities", "anonymous");
        let key = FieldBinding::member("identity.login_id.keys", "phone");
        let mut scope = json!({});
        assert_eq!((number.print(&scope).as_str(), member.print(&scope).as_str()), ("31449600", ""));
        assert_eq!(number.describe_default("seconds").as_deref(), Some("52 weeks"));
        number.put_into(&mut scope, "9").expect("a number");
        member.put_into(&mut scope, "on").expect("a switch");
        key.put_into(&mut scope, "on").expect("a switch");
        assert_eq!(
            scope,
            json!({
                "session": {"lifetime_seconds": 9},
                "authentication": {"identities": ["login_id", "anonymous"]},
                "identity": {"login_id": {"keys": [{"type": "email"}, {"type": "phone"}]}},
            })
        );
        number.put_into(&mut scope, "").expect("a default");
        member.put_into(&mut scope, "").expect("a switch");
        key.put_into(&mut scope, "").expect("a switch");
        assert_eq!(
            (number.print(&scope).as_str(), member.print(&scope).as_str(), key.print(&scope).as_str()),
            ("31449600", "", "")
        );
        assert_eq!(number.with_default(json!(60)).print(&scope), "60");
    }

    #[test]
    fn what_is_no_number_is_left_to_the_documents_validation() {
        let number = FieldBinding::new("oauth.clients[].refresh_token_idle_timeout_seconds");
        for (typed, written) in [
            ("-1", json!(-1)),
            ("1.5", json!("1.5")),
            ("x", json!("x")),
            ("99999999999999999999", json!("99999999999999999999")),
        ] {
            let mut scope = json!({});
            assert_eq!(number.put_into(&mut scope, typed), Ok(()));
            assert_eq!(scope, json!({"refresh_token_idle_timeout_seconds": written}));
        }
    }

    #[test]
    fn flags_may_be_inverted_or_numbers() {
        let dpop = FieldBinding::inverted("oauth.clients[].x_dpop_disabled");
        let one = FieldBinding::one("oauth.clients[].x_max_concurrent_session");
        let mut scope = json!({});
        assert_eq!((dpop.print(&scope).as_str(), one.print(&scope).as_str()), ("on", ""));
        dpop.put_into(&mut scope, "").expect("a switch");
        one.put_into(&mut scope, "on").expect("a switch");
        assert_eq!(scope, json!({"x_dpop_disabled": true, "x_max_concurrent_session": 1}));
        assert_eq!((dpop.print(&scope).as_str(), one.print(&scope).as_str()), ("", "on"));
    }

    #[test]
    fn lists_are_lines() {
        let uris = FieldBinding::new("oauth.clients[].redirect_uris");
        let mut scope = json!({});
        uris.put_into(&mut scope, " a \n\n b").expect("lines");
        assert_eq!(scope, json!({"redirect_uris": ["a", "b"]}));
        assert_eq!(uris.print(&scope), "a\nb");
        uris.put_into(&mut scope, " \n").expect("lines");
        assert_eq!(scope, json!({}));
    }

    #[test]
    fn what_must_be_chosen_is_asked_for_and_what_must_be_written_is_validated() {
        let url = FieldBinding::new("hook.non_blocking_handlers[].url");
        let event = FieldBinding::new("hook.blocking_handlers[].event");
        let events = FieldBinding::new("hook.non_blocking_handlers[].events");
        let mut scope = json!({"events": ["user.deleted", "user.created"]});
        assert_eq!(events.print(&scope), "user.created\nuser.deleted", "in the order of the choices");
        assert_eq!(events.put_into(&mut scope, ""), Err("Choose at least one option."));
        assert_eq!(event.put_into(&mut scope, ""), Err("Choose an option."));
        url.put_into(&mut scope, " ").expect("validated later");
        assert_eq!(scope["url"], "");
        url.put_into(&mut scope, " https://a.example ").expect("an address");
        events.put_into(&mut scope, "*\nuser.created").expect("everything");
        assert_eq!(scope, json!({"url": "https://a.example"}));
        assert_eq!((events.print(&scope).as_str(), url.print(&scope).as_str()), ("*", "https://a.example"));
        events.put_into(&mut scope, "user.created").expect("one");
        assert_eq!(scope["events"], json!(["user.created"]));
    }
}
