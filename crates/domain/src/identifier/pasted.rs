//! Cleans what people paste: invisible marks, and full-width forms of ASCII, which input methods leave behind.

use std::borrow::Cow;

/// The text without invisible marks and surrounding space, full-width letters, digits and signs in ASCII.
#[must_use]
pub fn clean(pasted: &str) -> Cow<'_, str> {
    if pasted.is_ascii() {
        return Cow::Borrowed(pasted.trim());
    }
    let visible: String = pasted.chars().filter(|c| !is_invisible(*c)).map(to_narrow).collect();
    Cow::Owned(visible.trim().to_owned())
}

/// Marks without width: of direction (UAX 9), joiners and break hints, variation selectors, byte order marks, tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn to_narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_surrounding_space_vanish() {
        for (pasted, cleaned) in [
            (" kim ", "kim"),
            ("\u{202a}+49 30 901820\u{202c}", "+49 30 901820"),
            ("\u{feff}kim@shop.example\u{a0}", "kim@shop.example"),
            ("kim\u{200b}@shop\u{ad}.example", "kim@shop.example"),
            ("\u{2066}123456\u{2069}", "123456"),
            ("1\u{fe0f}23", "123"),
            ("\u{200f} \u{a0}123\u{3000}\u{200e}", "123"),
            ("ｋｉｍ＠shop．example", "kim@shop.example"),
            ("müller", "müller"),
        ] {
            assert_eq!(clean(pasted), cleaned, "{pasted:?}");
        }
    }
}
