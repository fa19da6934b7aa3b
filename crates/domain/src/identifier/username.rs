//! Usernames as login IDs: the PRECIS profile UsernameCaseMapped (RFC 8265 §3.3), narrowed to what reads as a name.

use precis_core::profile::PrecisFastInvocation;
use precis_profiles::UsernameCaseMapped;
use unicode_security::skeleton;

use super::{LoginId, LoginIdKind};

/// Maximum number of characters of a username.
pub const MAX_LENGTH: usize = 40;

/// Reserved usernames, whose owner others could mistake for the operator of the service.
const RESERVED: &str = "\
    abuse account accounts admin administrator anonymous api auth billing contact guest help helpdesk host \
    hostmaster info login logout mail me moderator news noreply no-reply nobody null oauth official operator \
    owner portal postmaster privacy root sales security self settings signin signup staff status support \
    system team undefined unknown user vestibule webmaster www";

/// A problem of a username.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameProblem {
    /// The input is empty.
    #[error("the username is missing")]
    Missing,
    /// More than [`MAX_LENGTH`] characters.
    #[error("the username is too long")]
    TooLong,
    /// A character that a username may not contain, or a mix of writing directions.
    #[error("use only letters, digits, dots, dashes and underscores")]
    Character,
    /// It does not begin and end with a letter or digit.
    #[error("a username begins and ends with a letter or digit")]
    Edge,
    /// It has no letter and could be mistaken for a phone number.
    #[error("a username has at least one letter")]
    NoLetter,
    /// It is reserved.
    #[error("this username is reserved")]
    Reserved,
}

impl UsernameProblem {
    /// The message key of its explanation.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Missing => "username.missing",
            Self::TooLong => "username.too_long",
            Self::Character => "username.invalid_character",
            Self::Edge => "username.invalid_edge",
            Self::NoLetter => "username.no_letter",
            Self::Reserved => "username.reserved",
        }
    }
}

/// Parses a username. The normal form is that of the PRECIS profile: narrow, lower case, NFC.
///
/// # Errors
/// The problem.
pub fn parse(typed: &str) -> Result<LoginId, UsernameProblem> {
    let original = typed.trim();
    if original.is_empty() {
        return Err(UsernameProblem::Missing);
    }
    if original.chars().count() > MAX_LENGTH {
        return Err(UsernameProblem::TooLong);
    }
    let value = enforce(original)?;
    if value.chars().count() > MAX_LENGTH {
        return Err(UsernameProblem::TooLong);
    }
    // The profile allows all ASCII signs; an @ would read as an email address, a slash as a path.
    if value.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_')) {
        return Err(UsernameProblem::Character);
    }
    let is_edge = |c: Option<char>| c.is_some_and(|c| !matches!(c, '.' | '-' | '_'));
    if !is_edge(value.chars().next()) || !is_edge(value.chars().next_back()) {
        return Err(UsernameProblem::Edge);
    }
    if !value.chars().any(char::is_alphabetic) {
        return Err(UsernameProblem::NoLetter);
    }
    if is_reserved(&value) {
        return Err(UsernameProblem::Reserved);
    }
    Ok(LoginId { kind: LoginIdKind::Username, value, original: original.to_owned() })
}

/// Whether the name looks like a reserved one: by the skeletons of UTS 39 §4, which map letters that look alike to one.
fn is_reserved(value: &str) -> bool {
    // The skeleton of a zero is a capital O.
    let print = |name: &str| skeleton(name).collect::<String>().to_lowercase();
    let shape = print(value);
    RESERVED.split_ascii_whitespace().any(|name| name == value || print(name) == shape)
}

/// Applies the profile until nothing changes (RFC 8264 §7: a result must be its own result).
fn enforce(name: &str) -> Result<String, UsernameProblem> {
    let mut value = name.to_owned();
    for _ in 0..3 {
        let again = UsernameCaseMapped::enforce(value.as_str()).map_err(|_| UsernameProblem::Character)?.into_owned();
        if again == value {
            return Ok(value);
        }
        value = again;
    }
    Err(UsernameProblem::Character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_mean_the_same_have_one_value() {
        let table = [
            ("kim", "kim"),
            (" Kim_Lee ", "kim_lee"),
            ("ＫＩＭ", "kim"),
            ("Jose\u{301}", "jos\u{e9}"),
            ("Ελένη", "ελένη"),
            ("42nd", "42nd"),
            ("كريم", "كريم"),
        ];
        for (typed, value) in table {
            assert_eq!(parse(typed).map(|login_id| login_id.value).as_deref(), Ok(value), "{typed}");
        }
    }

    #[test]
    fn each_problem_is_named() {
        let long = "a".repeat(41);
        let table = [
            ("", UsernameProblem::Missing),
            (long.as_str(), UsernameProblem::TooLong),
            ("kim lee", UsernameProblem::Character),
            ("kim@shop.example", UsernameProblem::Character),
            ("a/b", UsernameProblem::Character),
            ("kim\u{200b}", UsernameProblem::Character),
            ("kim\u{1F600}", UsernameProblem::Character),
            ("abcكريم", UsernameProblem::Character),
            (".kim", UsernameProblem::Edge),
            ("kim-", UsernameProblem::Edge),
            ("0171234567", UsernameProblem::NoLetter),
            ("Admin", UsernameProblem::Reserved),
            ("ＡＤＭＩＮ", UsernameProblem::Reserved),
            // Cyrillic, Greek, zeros, and two letters that look like one.
            ("\u{430}dmin", UsernameProblem::Reserved),
            ("r\u{43e}\u{43e}t", UsernameProblem::Reserved),
            ("\u{3bf}wner", UsernameProblem::Reserved),
            ("r00t", UsernameProblem::Reserved),
            ("adrnin", UsernameProblem::Reserved),
        ];
        for (typed, problem) in table {
            assert_eq!(parse(typed), Err(problem), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_its_own_normal_form(typed in "\\w{1,12}") {
            if let Ok(login_id) = parse(&typed) {
                prop_assert_eq!(parse(&login_id.value).map(|again| again.value), Ok(login_id.value));
            }
        }

        #[test]
        fn no_text_makes_the_reader_fall_over(typed in any::<String>()) {
            if let Ok(login_id) = parse(&typed) {
                prop_assert!(login_id.value.chars().count() <= MAX_LENGTH);
            }
        }
    }
}
