//! The rule for names: texts of one line that people read, whichever way they come in.

/// Maximum length of a name, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// Whether a character has no place in a line of text: control characters, separators of lines, marks that change the direction of
/// the text around them, annotations, and code points that are no characters.
#[must_use]
pub fn is_mark(c: char) -> bool {
    let is_no_character = u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c);
    c.is_control()
        || is_no_character
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}')
}

/// Whether a character takes no room: a text of such is empty to its reader. Some scripts need them between letters.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a text is a name: up to [`MAX_NAME_CHARS`] characters of one line, with something to see.
#[must_use]
pub fn is_name(text: &str) -> bool {
    is_name_of(text, MAX_NAME_CHARS)
}

/// As [`is_name`], with another maximum length.
#[must_use]
pub fn is_name_of(text: &str, max_chars: usize) -> bool {
    text.chars().count() <= max_chars && !text.chars().any(is_mark) && !text.chars().all(is_invisible)
}

/// A line of what a person typed or a program sent: marks become spaces, runs of spaces one; empty when there is nothing to see.
#[must_use]
pub fn read_line(typed: &str) -> String {
    let spaced: String = typed.chars().map(|c| if is_mark(c) { ' ' } else { c }).collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().all(is_invisible) { String::new() } else { line }
}

/// The same, shortened to a name; `None` when there is nothing to see.
#[must_use]
pub fn read_name(text: &str) -> Option<String> {
    let name: String = read_line(text).chars().take(MAX_NAME_CHARS).collect();
    let name = name.trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_can_be_seen() {
        for good in ["Ada Lovelace", "山田 太郎", "می‌خواهم", "👩\u{200d}🚀", "עברית\u{200f}", "a", "<b>&amp;"]
        {
            assert!(is_name(good), "{good:?}");
            assert_eq!(read_name(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            " ",
            "\u{200b}",
            "\u{3164}\u{fe0f}",
            "a\0",
            "a\nb",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "\u{2066}a",
            "\u{feff}a",
            "a\u{fffe}",
            "a\u{10ffff}",
            "a\u{fdd0}",
        ] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_name(&"é".repeat(MAX_NAME_CHARS)) && !is_name(&"é".repeat(MAX_NAME_CHARS + 1)));
    }

    #[test]
    fn what_is_read_is_a_name_or_nothing() {
        for (typed, read) in [
            ("  Ada \n Lovelace\u{0} ", Some("Ada Lovelace")),
            ("a\u{202e}b\u{feff}", Some("a b")),
            (" \t\u{200b}\u{2060}", None),
            ("", None),
        ] {
            assert_eq!(read_name(typed).as_deref(), read, "{typed:?}");
        }
        let long = read_name(&format!("{} b", "é".repeat(MAX_NAME_CHARS - 1))).expect("a name");
        assert_eq!(long, "é".repeat(MAX_NAME_CHARS - 1), "no space at the end");
    }
}
