//! Names of people as operators search for them: without case and accents, from the beginning of any word.

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

/// Maximum number of characters of a phrase; of a longer name, the beginning is found.
pub const MAX_PHRASE: usize = 64;
/// Maximum number of phrases of a user.
pub const MAX_PHRASES: usize = 8;

/// Words of one name that begin a phrase.
const MAX_WORDS: usize = 6;
/// The attributes that are names as a whole; those of [`PARTS`] make one together.
const WHOLE: [&str; 3] = ["name", "nickname", "preferred_username"];
const PARTS: [&str; 3] = ["given_name", "middle_name", "family_name"];

/// The words of a text in the form in which they are compared: compatibility forms, lower case, no accents, no punctuation.
fn fold(text: &str) -> Vec<String> {
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let is_apostrophe = |c: &char| matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{2bc}' | '`' | '\u{b4}');
    // Twice: letters can have a lower case that has an accent of its own.
    let lower =
        text.chars().filter(|c| !is_apostrophe(c)).nfkd().filter(|c| !is_accent(c)).flat_map(char::to_lowercase);
    let folded: String = lower.nfkd().filter(|c| !is_accent(c)).map(|c| if c == 'ς' { 'σ' } else { c }).nfc().collect();
    let is_gap = |c: char| c.is_whitespace() || c.is_control() || c.is_ascii_punctuation();
    folded.split(is_gap).filter(|word| !word.is_empty()).map(str::to_string).collect()
}

fn cut(phrase: &str) -> String {
    let end = phrase.char_indices().nth(MAX_PHRASE).map_or(phrase.len(), |(at, _)| at);
    phrase[..end].trim_end().to_string()
}

/// What a search text has in common with the phrases that it finds: their beginning. `None` if it has no letter or digit.
///
/// ```
/// assert_eq!(vestibule_domain::person_name::beginning(" Zoë  O’BRI "), Some("zoe obri".to_string()));
/// ```
#[must_use]
pub fn beginning(typed: &str) -> Option<String> {
    let words = fold(typed);
    (!words.is_empty()).then(|| cut(&words.join(" ")))
}

/// The phrases by whose beginning a user with these standard attributes is found: each name from each of its words on, and its
/// last word before its first one. A phrase with which another one begins is left out.
#[must_use]
pub fn phrases(attributes: &Map<String, Value>) -> Vec<String> {
    let text = |name: &&str| attributes.get(*name).and_then(Value::as_str);
    let parts: Vec<&str> = PARTS.iter().filter_map(text).collect();
    let mut all: Vec<String> = Vec::new();
    for name in WHOLE.iter().filter_map(text).map(str::to_string).chain([parts.join(" ")]) {
        let words = fold(&name);
        let from = |first: usize| words[first..].join(" ");
        let ends = match words.as_slice() {
            [first, .., last] => vec![format!("{last} {first}"), format!("{first} {last}")],
            [_] | [] => Vec::new(),
        };
        all.extend((0..words.len().min(MAX_WORDS)).map(from).chain(ends).map(|phrase| cut(&phrase)));
    }
    let mut kept: Vec<String> = Vec::new();
    for phrase in all {
        if kept.iter().any(|other| other.starts_with(&phrase)) {
            continue;
        }
        kept.retain(|other| !phrase.starts_with(other.as_str()));
        kept.push(phrase);
    }
    kept.truncate(MAX_PHRASES);
    kept
}

/// The name to show for a user with these standard attributes.
#[must_use]
pub fn display(attributes: &Map<String, Value>) -> Option<String> {
    let text = |name: &&str| attributes.get(*name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let parts: Vec<&str> = PARTS.iter().filter_map(text).collect();
    let whole = text(&"name").map(str::to_string);
    whole.or_else(|| (!parts.is_empty()).then(|| parts.join(" "))).or_else(|| text(&"nickname").map(str::to_string))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn phrases_of(attributes: &Value) -> Vec<String> {
        phrases(attributes.as_object().expect("an object"))
    }

    #[test]
    fn a_name_begins_with_each_of_its_words() {
        assert_eq!(phrases_of(&json!({"name": "Kim Anna Doe"})), ["kim anna doe", "anna doe", "doe kim", "kim doe"]);
        assert_eq!(phrases_of(&json!({"name": "Kim"})), ["kim"]);
        assert_eq!(phrases_of(&json!({"given_name": "Kim", "family_name": "Doe"})), ["kim doe", "doe kim"]);
        assert_eq!(
            phrases_of(&json!({"name": "Kim Doe", "given_name": "Kim", "family_name": "Doe", "nickname": "Kimmy"})),
            ["kim doe", "doe kim", "kimmy"]
        );
    }

    #[test]
    fn names_that_read_alike_are_found_alike() {
        for (typed, folded) in [
            ("José", "jose"),
            ("Jose\u{301}", "jose"),
            ("O’Brien", "obrien"),
            ("o'brien", "obrien"),
            ("Müller-Lüdenscheidt", "muller ludenscheidt"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("οδυσσεύς", "οδυσσευσ"),
            ("İbrahim", "ibrahim"),
            ("ﾔﾏﾀﾞ", "ヤマダ"),
            ("山田　太郎", "山田 太郎"),
            ("कविता", "कविता"),
            ("김민준", "김민준"),
            ("كريم", "كريم"),
            ("kim\u{0}doe", "kim doe"),
        ] {
            assert_eq!(beginning(typed).as_deref(), Some(folded), "{typed}");
        }
        for nothing in ["", "  ", "-.-", "'"] {
            assert_eq!(beginning(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_searched() {
        for attributes in [
            json!({}),
            json!({"name": ""}),
            json!({"name": 7}),
            json!({"locale": "de", "website": "https://kim.example"}),
        ] {
            assert_eq!(phrases_of(&attributes), Vec::<String>::new(), "{attributes}");
        }
    }

    #[test]
    fn the_shown_name_is_the_whole_one() {
        for (attributes, shown) in [
            (json!({"name": "Kim Doe", "nickname": "K"}), Some("Kim Doe")),
            (json!({"given_name": "Kim", "family_name": "Doe"}), Some("Kim Doe")),
            (json!({"name": " ", "nickname": "K"}), Some("K")),
            (json!({"locale": "de"}), None),
        ] {
            assert_eq!(display(attributes.as_object().expect("an object")).as_deref(), shown, "{attributes}");
        }
    }

    proptest! {
        #[test]
        fn phrases_are_few_and_short(name in "\\PC{0,200}", given in any::<String>(), family in any::<String>()) {
            let phrases = phrases_of(&json!({"name": name, "given_name": given, "family_name": family}));
            prop_assert!(phrases.len() <= MAX_PHRASES);
            for phrase in &phrases {
                prop_assert!(!phrase.is_empty() && phrase.chars().count() <= MAX_PHRASE && !phrase.contains('\0'), "{phrase:?}");
            }
        }

        #[test]
        fn a_name_is_found_by_its_beginning(name in "\\PC{1,40}", length in 1_usize..40) {
            let typed: String = name.chars().take(length).collect();
            // A cut may fall between a letter and its mark, and then the beginning is another one.
            let Some(typed) = beginning(&typed).filter(|typed| beginning(&name).is_some_and(|whole| whole.starts_with(typed))) else {
                return Ok(());
            };
            let phrases = phrases_of(&json!({"name": name}));
            prop_assert!(phrases.iter().any(|phrase| phrase.starts_with(&typed)), "{typed:?} {phrases:?}");
        }
    }
}
