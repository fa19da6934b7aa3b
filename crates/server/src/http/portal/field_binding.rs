//! The binding of a control to a settings key: how its value is printed and parsed, and what absence means.

use serde_json::{Map, Value, json};

/// The path of a control's value below the form's part of the document, its type, and its default.
#[derive(Clone, Debug)]
pub(super) enum FieldBinding {
    /// A whole number; an empty field removes the key.
    Number { path: &'static str, default: u32 },
    /// A whole number without default.
    OptionalNumber { path: &'static str },
    /// A flag.
    Flag { path: &'static str, default: bool },
    /// A flag whose meaning is inverted.
    Inverted { path: &'static str },
    /// 1 or 0.
    One { path: &'static str },
    /// A text; an empty field removes the key.
    Text { path: &'static str, default: &'static str },
    /// A required text; `why` is the error for an empty one.
    Required { path: &'static str, why: &'static str },
    /// A list of texts, one per line.
    Lines { path: &'static str },
    /// A subset of `all`, one per line; `*` among them, or an absent list, means all.
    Words { path: &'static str, all: &'static [&'static str] },
    /// Whether a list contains a word; `key` names the member in a list of objects.
    Member { path: &'static str, word: &'static str, default: &'static [&'static str], key: Option<&'static str> },
}

impl FieldBinding {
    pub(super) fn path(&self) -> &'static str {
        match self {
            Self::Number { path, .. }
            | Self::OptionalNumber { path }
            | Self::Flag { path, .. }
            | Self::Inverted { path }
            | Self::One { path }
            | Self::Text { path, .. }
            | Self::Required { path, .. }
            | Self::Lines { path }
            | Self::Words { path, .. }
            | Self::Member { path, .. } => path,
        }
    }

    /// The value of the control.
    pub(super) fn print(&self, scope: &Value) -> String {
        let found = scope.pointer(&pointer(self.path()));
        let on = |is_on: bool| if is_on { "on" } else { "" }.to_string();
        match self {
            Self::Number { default, .. } => found.and_then(Value::as_u64).unwrap_or(u64::from(*default)).to_string(),
            Self::OptionalNumber { .. } => found.and_then(Value::as_u64).map(|n| n.to_string()).unwrap_or_default(),
            Self::Flag { default, .. } => on(found.and_then(Value::as_bool).unwrap_or(*default)),
            Self::Inverted { .. } => on(!found.and_then(Value::as_bool).unwrap_or(false)),
            Self::One { .. } => on(found.and_then(Value::as_u64) == Some(1)),
            Self::Text { default, .. } => found.and_then(Value::as_str).unwrap_or(default).to_string(),
            Self::Required { .. } => found.and_then(Value::as_str).unwrap_or_default().to_string(),
            Self::Lines { .. } => words(found, None).unwrap_or_default().join("\n"),
            Self::Words { all, .. } => match words(found, None) {
                Some(words) if !words.contains(&"*") => {
                    all.iter().copied().filter(|word| words.contains(word)).collect::<Vec<_>>().join("\n")
                }
                Some(_) | None => "*".to_string(),
            },
            Self::Member { word, default, key, .. } => on(match words(found, *key) {
                Some(words) => words.contains(word),
                None => default.contains(word),
            }),
        }
    }

    /// Writes the input into the document.
    pub(super) fn put_into(&self, scope: &mut Value, typed: &str) -> Result<(), String> {
        let path = self.path();
        match self {
            Self::Number { .. } | Self::OptionalNumber { .. } => {
                let typed = typed.trim();
                if typed.is_empty() {
                    remove(scope, path);
                } else if typed.len() <= 12 && typed.bytes().all(|byte| byte.is_ascii_digit()) {
                    set(scope, path, typed.parse::<u64>().unwrap_or(u64::MAX).into());
                } else {
                    return Err("Enter a whole number.".into());
                }
            }
            Self::Flag { .. } => set(scope, path, (typed == "on").into()),
            Self::Inverted { .. } => set(scope, path, (typed != "on").into()),
            Self::One { .. } => set(scope, path, u8::from(typed == "on").into()),
            Self::Text { .. } => match typed.trim() {
                "" => remove(scope, path),
                text => set(scope, path, text.into()),
            },
            Self::Required { why, .. } => match typed.trim() {
                "" => return Err((*why).into()),
                text => set(scope, path, text.into()),
            },
            Self::Words { .. } => match typed.lines().collect::<Vec<_>>().as_slice() {
                [] => return Err("Choose at least one option.".into()),
                words if words.contains(&"*") => remove(scope, path),
                words => set(scope, path, words.into()),
            },
            Self::Lines { .. } => {
                let lines: Vec<&str> = typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                if lines.is_empty() { remove(scope, path) } else { set(scope, path, lines.into()) }
            }
            Self::Member { word, default, key, .. } => {
                let old = words(scope.pointer(&pointer(path)), *key).unwrap_or_else(|| default.to_vec());
                let mut next: Vec<&str> = old.iter().copied().filter(|one| one != word).collect();
                if typed == "on" {
                    next.push(word);
                }
                let list: Vec<Value> = next
                    .into_iter()
                    .map(|word| key.map_or_else(|| Value::from(word), |key| json!({key: word})))
                    .collect();
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
        let number = FieldBinding::Number { path: "session.lifetime_seconds", default: 7 };
        let member = FieldBinding::Member {
            path: "authentication.identities",
            word: "anonymous",
            default: &["login_id"],
            key: None,
        };
        let key = FieldBinding::Member {
            path: "identity.login_id.keys",
            word: "phone",
            default: &["email"],
            key: Some("type"),
        };
        let mut scope = json!({});
        assert_eq!((number.print(&scope).as_str(), member.print(&scope).as_str()), ("7", ""));
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
            ("7", "", "")
        );
        for wrong in ["-1", "1.5", "x", "9999999999999"] {
            assert!(number.put_into(&mut scope, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_are_lines() {
        let uris = FieldBinding::Lines { path: "redirect_uris" };
        let mut scope = json!({});
        uris.put_into(&mut scope, " a \n\n b").expect("lines");
        assert_eq!(scope, json!({"redirect_uris": ["a", "b"]}));
        assert_eq!(uris.print(&scope), "a\nb");
        uris.put_into(&mut scope, " \n").expect("lines");
        assert_eq!(scope, json!({}));
    }

    #[test]
    fn what_must_be_there_and_what_must_be_chosen_is_asked_for() {
        const ALL: &[&str] = &["*", "user.created", "user.deleted"];
        let url = FieldBinding::Required { path: "url", why: "Write an address." };
        let events = FieldBinding::Words { path: "events", all: ALL };
        let mut scope = json!({"events": ["user.deleted", "user.created"]});
        assert_eq!(events.print(&scope), "user.created\nuser.deleted", "in the order of the choices");
        assert_eq!(events.put_into(&mut scope, ""), Err("Choose at least one option.".to_string()));
        assert_eq!(url.put_into(&mut scope, " "), Err("Write an address.".to_string()));
        url.put_into(&mut scope, " https://a.example ").expect("an address");
        events.put_into(&mut scope, "*\nuser.created").expect("everything");
        assert_eq!(scope, json!({"url": "https://a.example"}));
        assert_eq!((events.print(&scope).as_str(), url.print(&scope).as_str()), ("*", "https://a.example"));
        events.put_into(&mut scope, "user.created").expect("one");
        assert_eq!(scope["events"], json!(["user.created"]));
    }
}
