//! The rules that the HTML of every page keeps, for the tests that render the samples.

use std::collections::{BTreeMap, BTreeSet};

/// A start tag with its attributes, a text, or an end tag.
enum Piece<'a> {
    Start(&'a str, BTreeMap<&'a str, String>),
    End(&'a str),
    Words(&'a str),
}

const VOID: [&str; 6] = ["meta", "link", "input", "img", "br", "wbr"];

/// Parses HTML as our templates write it: quoted attributes, no implied tags.
fn scan(html: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        if !rest[..start].trim().is_empty() {
            pieces.push(Piece::Words(rest[..start].trim()));
        }
        rest = &rest[start + 1..];
        let end = find_tag_end(rest);
        let tag = rest[..end].trim_end_matches('/').trim();
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            pieces.push(Piece::End(name));
        } else if !tag.starts_with('!') {
            let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            pieces.push(Piece::Start(name, read_attributes(attributes)));
        }
    }
    pieces
}

fn find_tag_end(rest: &str) -> usize {
    let mut quoted = false;
    rest.find(|c| {
        quoted ^= c == '"';
        c == '>' && !quoted
    })
    .expect("every tag ends")
}

fn read_attributes(mut rest: &str) -> BTreeMap<&str, String> {
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return attributes;
        }
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let close = quoted.find('"').expect("a closing quote");
            value = quoted[..close].to_owned();
            rest = &quoted[close + 1..];
        }
        assert!(attributes.insert(name, value).is_none(), "attribute {name} twice");
    }
}

fn ids_in<'a>(attributes: &'a BTreeMap<&str, String>, names: [&'static str; 3]) -> Vec<&'a str> {
    names.into_iter().filter_map(|name| attributes.get(name)).flat_map(|ids| ids.split(' ')).collect()
}

/// Checks one document; `place` names it in a failure.
pub fn check_document(html: &str, place: &str) {
    let pieces = scan(html);
    let mut open: Vec<&str> = Vec::new();
    let (mut ids, mut labels, mut inputs, mut references) = (BTreeSet::new(), BTreeSet::new(), Vec::new(), Vec::new());
    let (mut headings, mut focused, mut form_has_csrf) = (0, 0, true);
    for (at, piece) in pieces.iter().enumerate() {
        let (name, attributes) = match piece {
            Piece::Start(name, attributes) => (*name, attributes),
            Piece::End(name) => {
                assert_eq!(open.pop(), Some(*name), "{place}: tags are balanced");
                assert!(*name != "form" || form_has_csrf, "{place}: every form carries the CSRF token");
                continue;
            }
            Piece::Words(words) => {
                assert!(!looks_like_a_key(words), "{place}: {words} is no text");
                continue;
            }
        };
        if !VOID.contains(&name) && !matches!(name, "path" | "circle" | "rect" | "line" | "polyline") {
            open.push(name);
        }
        let value = |attribute: &str| attributes.get(attribute).map(String::as_str);
        assert!(!attributes.keys().any(|key| key.starts_with("on") || *key == "style"), "{place}: nothing inline");
        assert!(name != "style", "{place}: no inline style sheet");
        assert!(name != "script" || value("src").is_some(), "{place}: no inline script");
        for text in ["aria-label", "data-text", "alt"].iter().filter_map(|key| value(key)) {
            assert!(!text.is_empty() && !looks_like_a_key(text), "{place}: {text} is no text");
        }
        if let Some(id) = value("id") {
            assert!(ids.insert(id), "{place}: id {id} twice");
        }
        references.extend(ids_in(attributes, ["aria-describedby", "aria-labelledby", "aria-controls"]));
        headings += usize::from(name == "h1");
        focused += usize::from(attributes.contains_key("autofocus"));
        match name {
            "form" => {
                let method = value("method").unwrap_or("-");
                assert!(["post", "get"].contains(&method), "{place}: forms post, or ask");
                assert!(
                    value("action").is_some_and(|action| action.starts_with('/')),
                    "{place}: forms have an address"
                );
                // A GET form changes nothing, and its token would appear in the URL.
                form_has_csrf = method == "get";
            }
            "label" => {
                labels.insert(value("for").unwrap_or_else(|| panic!("{place}: a label without an input")));
            }
            "input" if value("name") == Some("_csrf") => {
                form_has_csrf |= value("value") == Some("sample-csrf-token");
            }
            "select" | "textarea" => {
                inputs.push(value("id").unwrap_or_else(|| panic!("{place}: a {name} without an id")))
            }
            "input" if value("type") != Some("hidden") && !attributes.contains_key("hidden") => {
                inputs.push(value("id").unwrap_or_else(|| panic!("{place}: an input without an id")));
            }
            "a" | "button" => {
                let words = value("aria-label").is_some()
                    || pieces[at..]
                        .iter()
                        .take_while(|piece| !matches!(piece, Piece::End(end) if *end == name))
                        .any(|piece| matches!(piece, Piece::Words(_)));
                assert!(words, "{place}: a {name} without words");
            }
            _ => {}
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "{place}: every tag is closed");
    assert_eq!(headings, 1, "{place}: one h1");
    assert!(focused <= 1, "{place}: one focus");
    for input in inputs {
        assert!(labels.contains(input), "{place}: input {input} has a label");
    }
    for id in references {
        assert!(ids.contains(id), "{place}: {id} is referred to and missing");
    }
}

/// A missing text is rendered as its key.
fn looks_like_a_key(words: &str) -> bool {
    words.contains('-')
        && words.starts_with(|c: char| c.is_ascii_lowercase())
        && words.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
