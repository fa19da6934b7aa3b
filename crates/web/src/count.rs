//! Numbers with their nouns, in English.

use crate::chart::print_number;

/// The number with its noun: "1 change", "2 changes".
#[must_use]
pub fn count_of(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", print_number(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_everything_else_is_not() {
        for (number, expected) in [(0, "0 changes"), (1, "1 change"), (2, "2 changes"), (1_240, "1\u{202f}240 changes")]
        {
            assert_eq!(count_of(number, "change", "changes"), expected);
        }
    }
}
