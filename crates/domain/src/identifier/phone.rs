//! Phone numbers as login IDs, in E.164. The only file that uses the numbering plans (crate `phonenumber`).

use phonenumber::{Mode, country};

use super::{LoginId, LoginIdKind, pasted::clean};

/// Maximum input length: more than any number with punctuation; bounds the work.
pub const MAX_TYPED: usize = 60;
/// A plus sign and fifteen digits (ITU-T E.164 §6).
const MAX_E164: usize = 16;

/// A problem of a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneProblem {
    /// The input is empty.
    #[error("the phone number is missing")]
    Missing,
    /// Something other than digits and the usual punctuation.
    #[error("write only digits, with the country code in front")]
    Character,
    /// No international prefix, and no default country.
    #[error("the phone number needs its country code, such as +49")]
    MissingPrefix,
    /// No such number exists.
    #[error("this is not a phone number")]
    Invalid,
    /// The project sends no codes to numbers of this country.
    #[error("codes are not sent to phone numbers of this country")]
    CountryNotAllowed,
}

impl PhoneProblem {
    /// The message key of its explanation.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Missing => "phone.missing",
            Self::Character => "phone.invalid_character",
            Self::MissingPrefix => "phone.missing_prefix",
            Self::Invalid => "phone.invalid",
            Self::CountryNotAllowed => "phone.country_not_allowed",
        }
    }
}

/// Parses a phone number. Without `+` it is a number of `country` (ISO 3166-1 alpha-2). The normal form is E.164.
///
/// # Errors
/// The problem.
pub fn parse(typed: &str, country: Option<&str>) -> Result<LoginId, PhoneProblem> {
    if typed.len() > 4 * MAX_TYPED {
        return Err(PhoneProblem::Invalid);
    }
    let cleaned = clean(typed);
    let original = cleaned.as_ref();
    if original.is_empty() {
        return Err(PhoneProblem::Missing);
    }
    let dialed = strip(original)?;
    let home = if dialed.starts_with('+') {
        None
    } else {
        let code = country.ok_or(PhoneProblem::MissingPrefix)?;
        Some(code.to_ascii_uppercase().parse::<country::Id>().map_err(|_| PhoneProblem::MissingPrefix)?)
    };
    let value = format_e164(home, &dialed)?;
    // Some numbering plans have longer numbers than E.164 allows. The normal form must also be unambiguous: parsed
    // without the country, it must give itself.
    if value.len() > MAX_E164 || format_e164(None, &value)? != value {
        return Err(PhoneProblem::Invalid);
    }
    Ok(LoginId { kind: LoginIdKind::Phone, value, original: original.to_owned() })
}

/// The country (ISO 3166-1 alpha-2) of a number in E.164; `None` for a number of no country, such as those of satellite
/// networks.
#[must_use]
pub fn country_of(e164: &str) -> Option<String> {
    let number = phonenumber::parse(None, e164).ok()?;
    number.country().id().map(|id| id.as_ref().to_owned())
}

fn format_e164(home: Option<country::Id>, dialed: &str) -> Result<String, PhoneProblem> {
    let number = phonenumber::parse(home, dialed).map_err(|_| PhoneProblem::Invalid)?;
    if !number.is_valid() {
        return Err(PhoneProblem::Invalid);
    }
    Ok(number.format().mode(Mode::E164).to_string())
}

/// The digits and a leading `+`, without punctuation. Letters (keypad spelling) and extensions are rejected: neither
/// can receive a message reliably.
fn strip(typed: &str) -> Result<String, PhoneProblem> {
    if typed.len() > MAX_TYPED {
        return Err(PhoneProblem::Invalid);
    }
    let mut dialed = String::with_capacity(typed.len());
    for c in typed.chars() {
        match c {
            '+' if dialed.is_empty() => dialed.push('+'),
            '0'..='9' => dialed.push(c),
            // Arabic-Indic and Extended Arabic-Indic digits.
            '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => {
                let value = u32::from(c) & 0xf;
                dialed.extend(char::from_digit(value, 10));
            }
            '(' | ')' | '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            c if c.is_whitespace() => {}
            _ => return Err(PhoneProblem::Character),
        }
    }
    Ok(dialed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_that_mean_the_same_have_one_value() {
        let table = [
            ("+49 30 901820", None, "+4930901820"),
            ("030/90 18-20", Some("DE"), "+4930901820"),
            ("(030) 901820", Some("de"), "+4930901820"),
            ("+1 (202) 555-0123", Some("DE"), "+12025550123"),
            ("202-555-0123", Some("US"), "+12025550123"),
            ("＋４９３０９０１８２０", None, "+4930901820"),
            ("+44 20 7946 0018", None, "+442079460018"),
            ("\u{202a}+44 20 7946 0018\u{202c}", None, "+442079460018"),
            ("\u{feff}+44\u{a0}20\u{202f}7946\u{2212}0018\u{200e}", None, "+442079460018"),
            ("（０３０）９０１８２０", Some("DE"), "+4930901820"),
            ("+852 2345 6789", None, "+85223456789"),
        ];
        for (typed, country, value) in table {
            assert_eq!(parse(typed, country).map(|login_id| login_id.value).as_deref(), Ok(value), "{typed}");
        }
    }

    #[test]
    fn a_number_has_the_country_of_its_plan() {
        for (number, country) in [
            ("+4915123456789", Some("DE")),
            ("+12025550123", Some("US")),
            ("+16135550123", Some("CA")),
            ("+442079460018", Some("GB")),
            ("+85223456789", Some("HK")),
            ("+80012345678", None),
            ("no number", None),
        ] {
            assert_eq!(country_of(number).as_deref(), country, "{number}");
        }
    }

    #[test]
    fn each_problem_is_named() {
        let table = [
            ("", None, PhoneProblem::Missing),
            ("030 901820", None, PhoneProblem::MissingPrefix),
            ("030 901820", Some("XX"), PhoneProblem::MissingPrefix),
            ("kim@shop.example", None, PhoneProblem::Character),
            ("+1 800 FLOWERS", None, PhoneProblem::Character),
            ("+49 30 901820;ext=5", None, PhoneProblem::Character),
            ("+4930+901820", None, PhoneProblem::Character),
            ("+", None, PhoneProblem::Invalid),
            ("+1", None, PhoneProblem::Invalid),
            ("+999 123456", None, PhoneProblem::Invalid),
            ("+4930901820901820901820", None, PhoneProblem::Invalid),
            ("12", Some("DE"), PhoneProblem::Invalid),
            ("40000000000000", Some("DE"), PhoneProblem::Invalid),
        ];
        for (typed, country, problem) in table {
            assert_eq!(parse(typed, country), Err(problem), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_its_own_normal_form(
            typed in "\\+?[0-9]{4,15}",
            country in prop::option::of(prop::sample::select(vec!["DE", "US", "IT", "JP", "BR"])),
        ) {
            if let Ok(login_id) = parse(&typed, country) {
                prop_assert!(login_id.value.len() <= 16 && login_id.value.starts_with('+'));
                prop_assert_eq!(parse(&login_id.value, None).map(|again| again.value), Ok(login_id.value));
            }
        }

        #[test]
        fn no_text_makes_the_reader_fall_over(typed in any::<String>()) {
            if let Ok(login_id) = parse(&typed, Some("DE")) {
                prop_assert!(login_id.value.starts_with('+'));
            }
        }
    }
}
