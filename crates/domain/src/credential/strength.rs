//! How hard a password is to guess: a small estimator over words, runs, repeats and years.
//! Rough on purpose: it steers people and stops the worst, it does not prove anything.

use std::collections::HashMap;

use super::password::MAX_LENGTH;

/// The passwords and password words tried first, most frequent first.
const COMMON: &str = "\
    password qwerty iloveyou admin welcome monkey login abc dragon letmein princess sunshine football master \
    hello freedom whatever shadow baseball superman batman trustno michael jordan hunter ranger buster \
    soccer hockey killer george charlie andrew michelle love jessica pepper daniel access secret summer \
    winter spring autumn flower ginger cookie cheese chocolate banana orange purple computer internet \
    samsung google apple android windows server root toor guest user test demo default changeme pass passwd \
    passwort hallo schatz contrasena motdepasse azerty bonjour senha parola asdf asdfgh zxcvbn qazwsx qwertz \
    qwert mustang harley yankees dallas austin thunder taylor matrix martin matthew robert thomas joshua \
    amanda ashley nicole jennifer anthony william maggie bailey sophie oliver liverpool chelsea arsenal \
    barcelona madrid pokemon naruto starwars minecraft fortnite family friends forever blessed jesus angel \
    angels baby babygirl lovely beautiful diamond silver golden money lucky magic music guitar rainbow \
    butterfly tigger snoopy mickey donald cowboy eagle tiger lion panther phoenix company office january \
    february march april june july august september october november december monday friday sunday germany \
    london america canada mexico india china japan one two three the and you god cat dog sex fuck shit \
    biteme nothing please enter open system mail shop store vestibule";

/// Rows of keyboards and of the alphabet, as fingers and minds run along them.
const RUNS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
];

// Longer pieces are put together from shorter ones; bounds keep the work small for long passphrases.
const LONGEST_COMMON: usize = 12;
const LONGEST_RUN: usize = 40;
const LONGEST_BLOCK: usize = 8;

/// How hard a password is to guess: 0 a few tries, 1 easy, 2 so-so, 3 hard, 4 very hard.
#[must_use]
pub fn strength(password: &str) -> u8 {
    estimate(password, &[])
}

/// As [`strength`], by somebody who knows these words of its owner (login IDs, names, in lower case). A text longer than any
/// password is not looked at and has strength 0.
#[must_use]
pub fn estimate(password: &str, known: &[&str]) -> u8 {
    if password.chars().nth(MAX_LENGTH).is_some() {
        return 0;
    }
    match count_guesses_log10(password, known) {
        guesses if guesses < 3.0 => 0,
        guesses if guesses < 6.0 => 1,
        guesses if guesses < 8.0 => 2,
        guesses if guesses < 10.0 => 3,
        _ => 4,
    }
}

/// The decimal logarithm of the guesses the cheapest explanation of the password takes.
fn count_guesses_log10(password: &str, known: &[&str]) -> f64 {
    let typed: Vec<char> = password.chars().collect();
    let plain: Vec<char> = typed.iter().map(|c| undo_leet(c.to_lowercase().next().unwrap_or(*c))).collect();
    let lower: Vec<char> = typed.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let ranks: HashMap<&str, u32> = COMMON.split_ascii_whitespace().zip(2..).collect();
    // best[i]: the cheapest way to explain the first i characters.
    let mut best = vec![0.0f64];
    for end in 1..=typed.len() {
        let single = best[end - 1] + weigh_character(typed[end - 1]);
        let cheapest = (0..end.saturating_sub(1))
            .filter_map(|start| {
                let capitals = f64::from(u8::from(typed[start..end].iter().any(|c| c.is_uppercase()))) * 0.3;
                let leet = f64::from(u8::from(plain[start..end] != lower[start..end])) * 0.3;
                let word = weigh_word(&plain[start..end], &ranks, known)
                    .or_else(|| weigh_word(&lower[start..end], &ranks, known))
                    .map(|cost| cost + leet);
                let pattern = weigh_run(&lower[start..end]).into_iter().chain(weigh_repeat(&lower[start..end]));
                let year = weigh_year(&lower[start..end]);
                word.into_iter().chain(pattern).chain(year).map(|cost| best[start] + cost + capitals).reduce(f64::min)
            })
            .fold(single, f64::min);
        best.push(cheapest);
    }
    best[typed.len()]
}

/// People's characters carry about ten choices each; those off the ASCII keyboard more.
fn weigh_character(c: char) -> f64 {
    if c.is_ascii() { 1.0 } else { 1.5 }
}

fn weigh_word(letters: &[char], ranks: &HashMap<&str, u32>, known: &[&str]) -> Option<f64> {
    if known.iter().any(|word| word.chars().eq(letters.iter().copied())) {
        return Some(0.5);
    }
    if letters.len() > LONGEST_COMMON {
        return None;
    }
    let rank = ranks.get(letters.iter().collect::<String>().as_str())?;
    Some(f64::from(*rank).log10())
}

fn weigh_run(letters: &[char]) -> Option<f64> {
    if !(3..=LONGEST_RUN).contains(&letters.len()) || !letters.iter().all(char::is_ascii_alphanumeric) {
        return None;
    }
    let forth: String = letters.iter().collect();
    let back: String = letters.iter().rev().collect();
    let is_run = RUNS.iter().any(|run| run.contains(&forth) || run.contains(&back));
    // Where it starts, which way it goes, how long it is.
    is_run.then(|| 0.8 + length_log10(letters))
}

/// One character or a short block over and over.
fn weigh_repeat(letters: &[char]) -> Option<f64> {
    if letters.len() < 3 {
        return None;
    }
    (1..=LONGEST_BLOCK.min(letters.len() / 2))
        .filter(|size| letters.len().is_multiple_of(*size))
        .find(|size| letters.chunks(*size).all(|chunk| chunk == &letters[..*size]))
        .map(|size| {
            let block = &letters[..size];
            let once = weigh_run(block).unwrap_or_else(|| block.iter().map(|c| weigh_character(*c)).sum());
            once + length_log10(letters) - length_log10(block)
        })
}

fn weigh_year(letters: &[char]) -> Option<f64> {
    let year: String = letters.iter().collect();
    let is_year = letters.len() == 4 && year.parse().is_ok_and(|year: u16| (1930..=2039).contains(&year));
    is_year.then_some(2.0)
}

fn length_log10(letters: &[char]) -> f64 {
    f64::from(u32::try_from(letters.len()).unwrap_or(u32::MAX)).log10()
}

fn undo_leet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
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
            ("iloveyou123", 0),
            ("tq8#w", 1),
            ("tq8#wrm", 2),
            ("tq8#wrmb", 3),
            ("correct horse battery staple", 4),
            ("tidal-oboe-37", 4),
        ];
        let scores: Vec<(&str, u8)> = table.iter().map(|(password, _)| (*password, strength(password))).collect();
        assert_eq!(scores, table);
    }

    #[test]
    fn what_an_attacker_knows_counts_for_little() {
        assert!(estimate("kimberleyrose", &["kimberleyrose"]) < strength("kimberleyrose"));
    }

    #[test]
    fn every_word_and_run_fits_the_bounds() {
        assert!(COMMON.split_ascii_whitespace().all(|word| word.len() <= LONGEST_COMMON));
        assert!(RUNS.iter().all(|run| run.len() <= LONGEST_RUN));
    }

    #[test]
    fn a_text_longer_than_any_password_is_not_looked_at() {
        assert_eq!(strength(&"tidal-oboe-37 ".repeat(80_000)), 0);
    }

    proptest! {
        #[test]
        fn any_text_has_a_strength_and_random_letters_are_strong(text in ".{0,40}", random in "[b-y]{1}[!-+]{1}[b-y]{14}") {
            prop_assert!(strength(&text) <= 4);
            prop_assert!(strength(&random) >= 3, "{random}");
        }
    }
}
