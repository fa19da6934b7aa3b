//! Email addresses as login IDs (RFC 5321, RFC 6531): plain addresses only, no display names, quotes or comments.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{LoginId, LoginIdKind, pasted::clean};

/// Maximum octets before the `@` (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Maximum octets of an address (RFC 5321 §4.5.3.1.3, without the angle brackets).
pub const MAX_ADDRESS: usize = 254;

/// A problem of an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailProblem {
    /// The input is empty.
    #[error("the email address is missing")]
    Missing,
    /// There is no `@`.
    #[error("the email address has no @")]
    MissingAt,
    /// There is more than one `@`.
    #[error("the email address has more than one @")]
    ManyAts,
    /// `Kim <kim@shop.example>`, a quoted part or a comment.
    #[error("write only the address, without a name or quotes")]
    NotPlain,
    /// The part before the `@` is empty or invalid.
    #[error("the part before the @ is not valid")]
    Local,
    /// The part after the `@` is not a host name with a dot.
    #[error("the part after the @ is not valid")]
    Host,
    /// The mail server takes no addresses of this kind.
    #[error("mail cannot be sent to this address")]
    NotDeliverable,
    /// Longer than mail can carry.
    #[error("the email address is too long")]
    TooLong,
}

impl EmailProblem {
    /// The message key of its explanation.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Missing => "email.missing",
            Self::MissingAt => "email.missing_at",
            Self::ManyAts => "email.many_ats",
            Self::NotPlain => "email.not_plain",
            Self::Local => "email.invalid_local",
            Self::Host => "email.invalid_host",
            Self::NotDeliverable => "email.not_deliverable",
            Self::TooLong => "email.too_long",
        }
    }
}

/// Parses an email address. The normal form is NFKC in lower case with the host in ASCII (IDNA): addresses that differ
/// only in case are one login ID, since users do not notice the difference and no large provider makes it.
///
/// ```
/// use vestibule_domain::identifier::email::{EmailProblem, parse};
///
/// let email = parse(" Kim@Müller.example ")?;
/// assert_eq!(email.value, "kim@xn--mller-kva.example");
/// assert_eq!(email.original, "Kim@Müller.example");
///
/// assert_eq!(parse("Kim <kim@shop.example>"), Err(EmailProblem::NotPlain));
/// assert_eq!(parse("kim@shop"), Err(EmailProblem::Host));
/// # Ok::<(), EmailProblem>(())
/// ```
///
/// # Errors
/// The problem.
pub fn parse(typed: &str) -> Result<LoginId, EmailProblem> {
    if typed.len() > 8 * MAX_ADDRESS {
        return Err(EmailProblem::TooLong);
    }
    let cleaned = clean(typed);
    let original = cleaned.as_ref();
    if original.is_empty() {
        return Err(EmailProblem::Missing);
    }
    if original.len() > 4 * MAX_ADDRESS {
        return Err(EmailProblem::TooLong);
    }
    if original.contains(['<', '>', '"', '(', ')', ',', ';', '\\']) {
        return Err(EmailProblem::NotPlain);
    }
    let folded = fold(original);
    let (local, host) = folded.split_once('@').ok_or(EmailProblem::MissingAt)?;
    if host.contains('@') {
        return Err(EmailProblem::ManyAts);
    }
    check_local(local)?;
    let host = normalize_host(host)?;
    let value = format!("{local}@{host}");
    if value.len() > MAX_ADDRESS {
        return Err(EmailProblem::TooLong);
    }
    // Mail is sent to the original; it must not hide a second @ or a control character that folding removed.
    if original.matches('@').count() != 1 || original.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(EmailProblem::NotPlain);
    }
    Ok(LoginId { kind: LoginIdKind::Email, value, original: original.to_owned() })
}

/// The domain that an operator means, in full or its beginning, in the form in which it is stored: of `@shop.example`, or of a text
/// without an `@` but with a dot. `None` if no domain begins so.
///
/// ```
/// use vestibule_domain::identifier::email::read_domain;
///
/// assert_eq!(read_domain("@Müller.example"), Some("xn--mller-kva.example".to_string()));
/// assert_eq!(read_domain("@sho"), Some("sho".to_string()));
/// assert_eq!(read_domain("kim"), None);
/// ```
#[must_use]
pub fn read_domain(typed: &str) -> Option<String> {
    if typed.len() > 8 * MAX_ADDRESS {
        return None;
    }
    let folded = fold(clean(typed).as_ref());
    let domain = match folded.strip_prefix('@') {
        Some(domain) => domain,
        None if folded.contains('.') => folded.as_str(),
        None => return None,
    };
    if let Ok(whole) = normalize_host(domain) {
        return Some(whole);
    }
    let is_beginning = domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (is_beginning && (1..=253).contains(&domain.len())).then(|| domain.to_string())
}

/// NFKC, lower case, NFKC: lower-casing can undo a composition.
fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

/// `atext` and single dots (RFC 5321 `Dot-string`), and letters, marks and digits of other scripts (RFC 6531 §3.3).
fn check_local(local: &str) -> Result<(), EmailProblem> {
    if local.len() > MAX_LOCAL {
        return Err(EmailProblem::TooLong);
    }
    let is_allowed = |c: char| match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c),
        false => c.is_alphanumeric() || is_combining_mark(c),
    };
    let is_good = local.split('.').all(|atom| !atom.is_empty()) && local.chars().all(is_allowed);
    if is_good { Ok(()) } else { Err(EmailProblem::Local) }
}

fn normalize_host(host: &str) -> Result<String, EmailProblem> {
    // The URL parser decodes and accepts more than a mail host may contain, so check the characters first.
    let is_letter =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.') || (!c.is_ascii() && !c.is_whitespace());
    if !host.chars().all(is_letter) {
        return Err(EmailProblem::Host);
    }
    let Ok(url::Host::Domain(ascii)) = url::Host::parse(host) else { return Err(EmailProblem::Host) };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let top = ascii.rsplit('.').next().unwrap_or_default();
    let is_good = ascii.contains('.')
        && ascii.len() <= 253
        && ascii.split('.').all(is_label)
        && !top.bytes().all(|b| b.is_ascii_digit());
    if is_good { Ok(ascii) } else { Err(EmailProblem::Host) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_mean_the_same_have_one_value() {
        let table = [
            ("kim@shop.example", "kim@shop.example"),
            ("  Kim.Lee@SHOP.example\n", "kim.lee@shop.example"),
            ("kim+tag@shop.example", "kim+tag@shop.example"),
            ("kim@müller.example", "kim@xn--mller-kva.example"),
            ("kim@XN--MLLER-KVA.example", "kim@xn--mller-kva.example"),
            ("KI\u{212A}@shop.example", "kik@shop.example"),
            ("cafe\u{301}@shop.example", "caf\u{e9}@shop.example"),
            ("kim@shop\u{3002}example", "kim@shop.example"),
            ("\u{202a}kim@shop.example\u{202c}\u{a0}", "kim@shop.example"),
            ("kim\u{200b}@shop\u{ad}.example", "kim@shop.example"),
            ("ｋｉｍ＠shop.example", "kim@shop.example"),
            ("用户@例え.example", "用户@xn--r8jz45g.example"),
        ];
        for (typed, value) in table {
            assert_eq!(parse(typed).map(|login_id| login_id.value).as_deref(), Ok(value), "{typed}");
        }
    }

    #[test]
    fn each_problem_is_named() {
        let long_local = format!("{}@shop.example", "a".repeat(65));
        let long = format!("{}@{}.example", "a".repeat(64), vec!["b".repeat(60); 4].join("."));
        let table = [
            ("", EmailProblem::Missing),
            ("   ", EmailProblem::Missing),
            ("kim", EmailProblem::MissingAt),
            ("kim@lee@shop.example", EmailProblem::ManyAts),
            ("Kim <kim@shop.example>", EmailProblem::NotPlain),
            ("\"kim lee\"@shop.example", EmailProblem::NotPlain),
            ("kim(work)@shop.example", EmailProblem::NotPlain),
            ("@shop.example", EmailProblem::Local),
            (".kim@shop.example", EmailProblem::Local),
            ("kim..lee@shop.example", EmailProblem::Local),
            ("kim lee@shop.example", EmailProblem::Local),
            ("kim\u{0}@shop.example", EmailProblem::Local),
            ("kim\u{a0}lee@shop.example", EmailProblem::Local),
            ("\u{200b}", EmailProblem::Missing),
            ("kim@", EmailProblem::Host),
            ("kim@localhost", EmailProblem::Host),
            ("kim@127.0.0.1", EmailProblem::Host),
            ("kim@[127.0.0.1]", EmailProblem::Host),
            ("kim@shop.example.", EmailProblem::Host),
            ("kim@-shop.example", EmailProblem::Host),
            ("kim@sh_op.example", EmailProblem::Host),
            ("kim@shop%2eexample", EmailProblem::Host),
            ("kim@shop.123", EmailProblem::Host),
            (&long_local, EmailProblem::TooLong),
            (&long, EmailProblem::TooLong),
        ];
        for (typed, problem) in table {
            assert_eq!(parse(typed), Err(problem), "{typed}");
        }
    }

    #[test]
    fn a_domain_is_read_in_full_or_by_its_beginning() {
        let long = format!("@{}", "a".repeat(254));
        for (typed, domain) in [
            ("@shop.example", Some("shop.example")),
            (" @SHOP.example ", Some("shop.example")),
            ("@sho", Some("sho")),
            ("@shop.", Some("shop.")),
            ("shop.example", Some("shop.example")),
            ("例え.example", Some("xn--r8jz45g.example")),
            ("shop", None),
            ("@", None),
            ("@例え", None),
            ("kim@shop.example", None),
            ("@shop.example/x", None),
            ("@sh op.example", None),
            ("@sh%p", None),
            (&long, None),
        ] {
            assert_eq!(read_domain(typed).as_deref(), domain, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn the_normal_form_is_its_own_normal_form(typed in "\\PC{1,12}@\\PC{1,10}\\.(example|com)") {
            if let Ok(login_id) = parse(&typed) {
                prop_assert_eq!(parse(&login_id.value).map(|again| again.value), Ok(login_id.value));
            }
        }

        #[test]
        fn plain_addresses_are_read_in_any_case(local in "[a-z][a-z0-9]{0,9}(\\.[a-z0-9]{1,5})?", host in "[a-z]{1,9}\\.[a-z]{2,5}") {
            let plain = format!("{local}@{host}");
            prop_assert_eq!(parse(&plain.to_uppercase()).map(|login_id| login_id.value), Ok(plain));
        }

        #[test]
        fn no_text_makes_the_reader_fall_over(typed in any::<String>()) {
            if let Ok(login_id) = parse(&typed) {
                prop_assert!(login_id.value.len() <= MAX_ADDRESS);
            }
        }
    }
}
