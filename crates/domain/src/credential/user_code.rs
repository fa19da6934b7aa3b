//! User codes of the device authorization grant (RFC 8628 §6.1): short, typed from the screen of one device into another.

use crate::identifier::pasted::clean;

/// Letters without vowels, so that no code is a word, and without those that look like a digit or another letter.
const ALPHABET: &[u8; 19] = b"BCDFGHJKMNPQRSTVWXZ";
/// Letters of a code: 34 bits together.
const LETTERS: usize = 8;
/// Maximum bytes of a typed code. A pasted message is none.
pub const MAX_TYPED: usize = 64;

/// A user code in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserCode(String);

impl UserCode {
    /// Makes a code of random bytes.
    pub fn draw(mut bytes: impl FnMut() -> u8) -> Self {
        let count = ALPHABET.len();
        // Only bytes below the last multiple, so that every letter is equally likely.
        let most = u8::MAX as usize / count * count;
        let mut code = String::with_capacity(LETTERS);
        while code.len() < LETTERS {
            let byte = usize::from(bytes());
            if byte < most {
                code.push(char::from(ALPHABET[byte % count]));
            }
        }
        Self(code)
    }

    /// Reads what a person typed: in either case, with any dashes, spaces and invisible marks. `None` if it is no code.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > MAX_TYPED {
            return None;
        }
        let is_gap =
            |c: &char| c.is_whitespace() || matches!(c, '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}');
        let code: String = clean(typed).chars().filter(|c| !is_gap(c)).map(|c| c.to_ascii_uppercase()).collect();
        let is_code = code.len() == LETTERS && code.bytes().all(|byte| ALPHABET.contains(&byte));
        is_code.then_some(Self(code))
    }

    /// The normal form, as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it is shown: in two halves.
    #[must_use]
    pub fn print(&self) -> String {
        let (first, second) = self.0.split_at(LETTERS / 2);
        format!("{first}-{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode("BCDFWXZK".into());
        assert_eq!(code.print(), "BCDF-WXZK");
        for typed in [
            "BCDF-WXZK",
            "bcdfwxzk",
            " bcdf wxzk\n",
            "b-c-d-f-w-x-z-k",
            "BCDF\u{2013}WXZK",
            "\u{200e}BCDF-WXZK",
            "ＢＣＤＦ－ＷＸＺＫ",
        ] {
            assert_eq!(UserCode::parse(typed), Some(code.clone()), "{typed:?}");
        }
        for typed in ["", "BCDFWXZ", "BCDFWXZKK", "ACDFWXZK", "BCDFWXZ1", "ÄCDFWXZK", &"B".repeat(65)] {
            assert_eq!(UserCode::parse(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn letters_are_equally_likely_and_cannot_be_mistaken() {
        let mut next = 0;
        let mut counts = [0; 256];
        for _ in 0..1_900 {
            let code = UserCode::draw(|| {
                next = (next + 1) % 256;
                u8::try_from(next).unwrap_or(0)
            });
            assert_eq!(UserCode::parse(&code.print()), Some(code.clone()));
            code.as_str().bytes().for_each(|letter| counts[usize::from(letter)] += 1);
        }
        let (least, most) = ALPHABET.iter().fold((u32::MAX, 0), |(least, most), letter| {
            let count = counts[usize::from(*letter)];
            (least.min(count), most.max(count))
        });
        assert!(most - least <= 13, "{least} to {most}");
        for letter in b"AEIOUYL01258" {
            assert!(!ALPHABET.contains(letter));
        }
    }
}
