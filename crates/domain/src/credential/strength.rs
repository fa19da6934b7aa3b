//! Password strength, estimated by the crate `zxcvbn`. The input is bounded here, because the crate's work grows much
//! faster than its input.

use std::collections::HashSet;

/// Number of characters that are measured; further ones do not make a password weaker.
pub const MEASURED_CHARS: usize = 64;

/// Maximum number of words known about the user, and of characters of each.
const KNOWN_WORDS: usize = 16;
const KNOWN_CHARS: usize = 100;

/// The letter substitutions that `zxcvbn` knows. It tries every combination of the signs that occur.
const STAND_INS: [&str; 12] = ["4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2"];
/// The substitutes that are not digits, each with a sign that substitutes no letter.
const EXCHANGED: [(char, char); 10] = [
    ('@', '~'),
    ('(', '^'),
    ('{', '&'),
    ('[', '*'),
    ('<', '`'),
    ('!', '?'),
    ('|', ';'),
    ('$', ':'),
    ('+', '"'),
    ('%', '\''),
];
/// Maximum number of combinations to try.
const COMBINATIONS: usize = 8;

/// Estimates how hard a password is to guess for an attacker who knows these words about the user (login IDs, names): 0
/// a few guesses, 1 easy, 2 medium, 3 hard, 4 very hard. Takes some milliseconds.
#[must_use]
pub fn estimate(password: &str, known: &[&str]) -> u8 {
    let looked_at = calm(password.chars().take(MEASURED_CHARS).collect());
    let known: Vec<String> =
        known.iter().take(KNOWN_WORDS).map(|word| word.chars().take(KNOWN_CHARS).collect()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    u8::from(zxcvbn::zxcvbn(&looked_at, &known).score())
}

/// Replaces the substitutes other than digits by neutral signs when they would cause too many combinations. A text with
/// so many different signs is not a word with replaced letters.
fn calm(text: String) -> String {
    let signs: HashSet<char> = text.chars().collect();
    let spellings = |stand_ins: &str| stand_ins.chars().filter(|sign| signs.contains(sign)).count().max(1);
    if STAND_INS.iter().map(|stand_ins| spellings(stand_ins)).product::<usize>() <= COMBINATIONS {
        return text;
    }
    let exchange = |c: char| EXCHANGED.iter().find(|(sign, _)| *sign == c).map_or(c, |(_, other)| *other);
    text.chars().map(exchange).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn well_known_passwords_score_low_and_long_odd_ones_high() {
        let table = [
            ("", 0),
            ("password", 0),
            ("P@ssw0rd", 0),
            ("password1", 0),
            ("12345678", 0),
            ("87654321", 0),
            ("aaaaaaaaaa", 0),
            ("abcabcabc", 0),
            ("qwertyuiop", 0),
            ("1qaz2wsx", 0),
            ("Summer2024", 1),
            ("iloveyou123", 1),
            ("tq8#w", 1),
            ("tq8#wrm", 2),
            ("tq8#wrmb", 2),
            ("violet tugboat marmalade", 4),
            ("correct horse battery staple", 4),
            ("tidal-oboe-37", 4),
        ];
        let scores: Vec<(&str, u8)> = table.iter().map(|(password, _)| (*password, estimate(password, &[]))).collect();
        assert_eq!(scores, table);
    }

    #[test]
    fn what_an_attacker_knows_counts_for_little() {
        let name = "kimberleyrose-of-the-hill";
        assert!(estimate(name, &[name]) < estimate(name, &[]));
        assert!(estimate(name, &[&"x".repeat(1_000_000), name]) < estimate(name, &[]));
    }

    #[test]
    fn what_is_behind_the_part_looked_at_does_not_count() {
        let weak = "a".repeat(MEASURED_CHARS);
        assert_eq!(estimate(&format!("{weak}tidal-oboe-37"), &[]), estimate(&weak, &[]));
        assert_eq!(estimate(&"tidal-oboe-37 ".repeat(80_000), &[]), 4);
    }

    #[test]
    fn of_very_many_signs_only_digits_may_stand_for_letters() {
        assert_eq!(calm("P@ssw0rd!".to_owned()), "P@ssw0rd!");
        assert_eq!(calm("4({[<!|$5+%@".to_owned()), "4^&*`?;:5\"'~");
        let is_exchanged = |sign: char| EXCHANGED.iter().any(|(known, _)| *known == sign);
        assert!(STAND_INS.iter().flat_map(|signs| signs.chars()).all(|c| c.is_ascii_digit() != is_exchanged(c)));
        assert!(EXCHANGED.iter().all(|(_, other)| !STAND_INS.iter().any(|signs| signs.contains(*other))));
        for random in ["!{$<|[+(%@", "P4ssw0rd({[<!|$5+%@"] {
            assert!(estimate(random, &[]) >= 3, "{random}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_strength_and_random_letters_are_strong(text in ".{0,40}", random in "[b-y]{1}[!-+]{1}[b-y]{14}") {
            prop_assert!(estimate(&text, &[]) <= 4);
            prop_assert!(estimate(&random, &[]) >= 3, "{random}");
        }
    }
}
