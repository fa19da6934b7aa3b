//! Input limits. Each one is applied where its input is parsed, and listed in `docs/reference/limits.md`.

/// A row of the reference of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputLimit {
    /// The input.
    pub input: &'static str,
    /// The maximum.
    pub most: usize,
    /// The unit of the maximum.
    pub unit: Unit,
    /// What happens to an input that exceeds it.
    pub exceeded: &'static str,
    /// The constant in the source, with its module.
    pub source: &'static str,
}

/// The unit of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, as sent or once decoded.
    Bytes,
    /// Unicode characters.
    Characters,
    /// Items of a list.
    Items,
    /// Levels of nesting.
    Levels,
    /// Pixels of an image.
    Pixels,
    /// Multiples of what a password hash costs by the server's configuration.
    TimesPasswords,
    /// KiB of memory × passes of a password hash.
    KibPasses,
}

/// Maximum bytes of a request head: the request line and all headers.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Maximum number of headers of a request.
pub const HEADERS: usize = 96;
/// Maximum bytes of a request's path and query.
pub const TARGET_BYTES: usize = 32 * 1024;
/// Maximum bytes of one `Cookie` header.
pub const COOKIE_BYTES: usize = 32 * 1024;
/// Maximum bytes of any other header.
pub const HEADER_BYTES: usize = 16 * 1024;
/// Maximum number of fields of one form or query.
pub const FORM_FIELDS: usize = 256;
/// Maximum bytes of a form in a body.
pub const FORM_BYTES: usize = 64 * 1024;
/// Maximum bytes of any other body.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Maximum number of values of a JSON text of the SDKs: members, items, and their contents.
pub const JSON_VALUES: usize = 1024;
/// Maximum number of values in a JSON body of the Admin API: a parsed value takes a hundred times the memory of its text.
pub const ADMIN_JSON_VALUES: usize = 50_000;
/// Maximum nesting of a JSON text: the parser's own limit.
pub const JSON_LEVELS: usize = 128;
/// Maximum bytes of a text in a JSON body of the SDKs.
pub const JSON_TEXT_BYTES: usize = 16 * 1024;
/// Maximum bytes of an idempotency key of a guest's sign-up.
pub const SIGN_UP_KEY_BYTES: usize = 255;
/// Maximum bytes of a signed token, proof or request.
pub const JWS_BYTES: usize = 16 * 1024;
/// Maximum number of keys of another party's JWK set.
pub const KEY_SET_ITEMS: usize = 32;
/// Maximum bytes of a device description.
pub const DEVICE_INFO_BYTES: usize = 16 * 1024;
/// Maximum bytes of a list of scopes.
pub const SCOPE_BYTES: usize = 4 * 1024;
/// Maximum number of scopes of a list.
pub const SCOPE_WORDS: usize = 64;
/// Maximum number of languages of `ui_locales`; further ones are ignored.
pub const UI_LOCALES: usize = 16;
/// Maximum number of authentication contexts of `acr_values`; further ones are ignored.
pub const ACR_VALUES: usize = 16;
/// Maximum bytes of a redirect URI, registered or sent.
pub const REDIRECT_URI_BYTES: usize = 4 * 1024;
/// Maximum bytes of an `Origin` header.
pub const ORIGIN_BYTES: usize = 512;
/// Maximum characters of a request that a response repeats.
pub const ECHO_CHARS: usize = 64;
/// Maximum names of a request that a response repeats.
pub const ECHO_NAMES: usize = 16;

const REFUSED: &str = "400 `invalid_request`";
const IGNORED: &str = "the rest is ignored";

/// The limits of this crate, except those of the OAuth parameters in [`crate::oauth::PARAMETERS`].
pub const LIMITS: &[InputLimit] = &[
    limit("request line and headers together", HEAD_BYTES, Unit::Bytes, "431", "HEAD_BYTES"),
    limit("headers of a request", HEADERS, Unit::Items, "431", "HEADERS"),
    limit("path and query of a request", TARGET_BYTES, Unit::Bytes, "414", "TARGET_BYTES"),
    limit("`Cookie` header", COOKIE_BYTES, Unit::Bytes, "431", "COOKIE_BYTES"),
    limit("any other header", HEADER_BYTES, Unit::Bytes, "431", "HEADER_BYTES"),
    limit("`Origin` header", ORIGIN_BYTES, Unit::Bytes, "matches no origin", "ORIGIN_BYTES"),
    limit("fields of a form or query", FORM_FIELDS, Unit::Items, REFUSED, "FORM_FIELDS"),
    limit("body that is a form, or of a route that takes forms", FORM_BYTES, Unit::Bytes, "413", "FORM_BYTES"),
    limit("any other body", BODY_BYTES, Unit::Bytes, "413", "BODY_BYTES"),
    limit("values in a JSON body of the SDKs", JSON_VALUES, Unit::Items, "400 `InvalidJSON`", "JSON_VALUES"),
    limit(
        "values in a JSON body of the Admin API",
        ADMIN_JSON_VALUES,
        Unit::Items,
        "413 `too_large`",
        "ADMIN_JSON_VALUES",
    ),
    limit("nesting of a JSON body", JSON_LEVELS, Unit::Levels, "400", "JSON_LEVELS"),
    limit("text in a JSON body of the SDKs", JSON_TEXT_BYTES, Unit::Bytes, "400 `ValidationFailed`", "JSON_TEXT_BYTES"),
    limit("`Idempotency-Key` of a guest's sign-up", SIGN_UP_KEY_BYTES, Unit::Bytes, "400", "SIGN_UP_KEY_BYTES"),
    limit("signed token, proof or request (JWS)", JWS_BYTES, Unit::Bytes, "refused as malformed", "JWS_BYTES"),
    limit("keys of an application's JWK set", KEY_SET_ITEMS, Unit::Items, "the set is refused", "KEY_SET_ITEMS"),
    limit("description of a device (`x_device_info`)", DEVICE_INFO_BYTES, Unit::Bytes, REFUSED, "DEVICE_INFO_BYTES"),
    limit("list of scopes", SCOPE_BYTES, Unit::Bytes, "400 `invalid_scope`", "SCOPE_BYTES"),
    limit("scopes of a list", SCOPE_WORDS, Unit::Items, "400 `invalid_scope`", "SCOPE_WORDS"),
    limit("languages of `ui_locales`", UI_LOCALES, Unit::Items, IGNORED, "UI_LOCALES"),
    limit("contexts of `acr_values`", ACR_VALUES, Unit::Items, IGNORED, "ACR_VALUES"),
    limit("redirect URI, registered or sent", REDIRECT_URI_BYTES, Unit::Bytes, "refused", "REDIRECT_URI_BYTES"),
    limit("text of a request that an answer repeats", ECHO_CHARS, Unit::Characters, "shortened", "ECHO_CHARS"),
    limit("names of a request that an answer lists", ECHO_NAMES, Unit::Items, "not listed", "ECHO_NAMES"),
];

/// A row of a table of limits.
pub const fn limit(
    input: &'static str,
    most: usize,
    unit: Unit,
    exceeded: &'static str,
    source: &'static str,
) -> InputLimit {
    InputLimit { input, most, unit, exceeded, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_listed() {
        let source = include_str!("limits.rs");
        let names = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(": usize"));
        let mut names: Vec<&str> = names.map(|(name, _)| name).collect();
        let mut listed: Vec<&str> = LIMITS.iter().map(|limit| limit.source).collect();
        names.sort_unstable();
        listed.sort_unstable();
        assert!(names.len() > 10, "{names:?}");
        assert_eq!(names, listed);
    }
}
