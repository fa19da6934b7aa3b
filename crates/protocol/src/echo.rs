//! How much of a request a response may repeat: little, so that a response is never much larger than its request.

use std::borrow::Cow;

use crate::limits::{ECHO_CHARS, ECHO_NAMES};

/// The beginning of a text, without control characters; a text longer than [`ECHO_CHARS`] is cut and ends with `...`.
pub fn echo(text: &str) -> Cow<'_, str> {
    let mut shown = text;
    if let Some((end, _)) = text.char_indices().nth(ECHO_CHARS) {
        shown = text.get(..end).unwrap_or_default();
    }
    if shown.len() == text.len() && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let clean = shown.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let mark = if shown.len() < text.len() { "..." } else { "" };
    Cow::Owned(clean.chain(mark.chars()).collect())
}

/// The first [`ECHO_NAMES`] of the names, each shortened, and the number of names left out.
pub fn echo_names<'a>(names: impl IntoIterator<Item = &'a str>) -> (Vec<Cow<'a, str>>, usize) {
    let mut names = names.into_iter();
    let shown = names.by_ref().take(ECHO_NAMES).map(echo).collect();
    (shown, names.count())
}

/// Shortens the quotation in a parser's message. Such a message has a few words, a quotation of the input between
/// backticks or quotation marks, and what was expected.
pub fn echo_quoted(message: &str) -> Cow<'_, str> {
    if message.chars().nth(ECHO_CHARS).is_none() {
        return echo(message);
    }
    let Some(start) = message.find(['`', '"']) else { return echo(message) };
    let rest = message.get(start + 1..).unwrap_or_default();
    // The text after the quotation is the parser's own; the quotation may contain anything.
    let end = rest.rfind("`, expected").or_else(|| rest.rfind("\", expected"));
    let Some(end) = end.or_else(|| rest.rfind(['`', '"'])) else { return echo(message) };
    let (before, quoted) = (message.get(..=start).unwrap_or_default(), rest.get(..end).unwrap_or_default());
    let after = rest.get(end..).unwrap_or_default();
    Cow::Owned(format!("{before}{}{}", echo(quoted), cut(after)))
}

/// Cuts the parser's own text, such as a list of known names.
fn cut(text: &str) -> &str {
    const LONGEST: usize = 1024;
    text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_repeated_and_a_long_one_shortened() {
        assert_eq!(echo("silent"), "silent");
        assert_eq!(echo(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(echo(&"é".repeat(65)), format!("{}...", "é".repeat(64)));
        assert_eq!(echo("a\nb\u{7f}"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn of_many_names_the_first_are_listed() {
        let names: Vec<String> = (0..20).map(|n| format!("name-{n}")).collect();
        let (shown, left_out) = echo_names(names.iter().map(String::as_str));
        assert_eq!((shown.len(), left_out, shown[15].as_ref()), (16, 4, "name-15"));
    }

    #[test]
    fn a_parser_keeps_its_own_words() {
        let long = "x".repeat(1_000);
        for (message, expected) in [
            (
                format!("unknown field `{long}`, expected `a` or `b`"),
                format!("unknown field `{}...`, expected `a` or `b`", &long[..64]),
            ),
            (
                format!("unknown variant `{long}`, there are no variants"),
                format!("unknown variant `{}...`, there are no variants", &long[..64]),
            ),
            (
                format!("invalid type: string \"{long}\", expected u32 at line 1 column 2"),
                format!("invalid type: string \"{}...\", expected u32 at line 1 column 2", &long[..64]),
            ),
            ("missing field `url` at line 1 column 2".to_owned(), "missing field `url` at line 1 column 2".to_owned()),
        ] {
            assert_eq!(echo_quoted(&message), expected);
        }
    }

    proptest! {
        #[test]
        fn an_echo_is_bounded(text in ".{0,300}", before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
            prop_assert!(echo(&text).chars().count() <= ECHO_CHARS + 3);
            prop_assert!(echo_quoted(&text).chars().count() <= 2 * ECHO_CHARS + 1_100);
            let quoted = format!("{before}`{text}`, expected {after}");
            prop_assert!(echo_quoted(&quoted).chars().count() <= 2 * ECHO_CHARS + 80);
        }
    }
}
