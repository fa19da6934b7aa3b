//! How much of each input is read. A limit is applied where its input is parsed, and listed in `docs/reference/limits.md`.

/// One line of the reference of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputLimit {
    /// The input, in words.
    pub input: &'static str,
    /// The most there may be.
    pub most: usize,
    /// What `most` counts.
    pub unit: Unit,
    /// What happens to an input that exceeds it.
    pub exceeded: &'static str,
    /// The constant in the source, with its module.
    pub source: &'static str,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, as sent or once decoded.
    Bytes,
    /// Unicode characters.
    Characters,
    /// Things of a list.
    Items,
    /// Levels of nesting.
    Levels,
}

/// The most bytes of a head: the request line and all headers.
pub const HEAD_BYTES: usize = 64 * 1024;
/// The most headers of a request.
pub const HEADERS: usize = 96;
/// The most bytes of a request's path and query.
pub const TARGET_BYTES: usize = 32 * 1024;
/// The most bytes of one `Cookie` header.
pub const COOKIE_BYTES: usize = 32 * 1024;
/// The most bytes of one header of any other name.
pub const HEADER_BYTES: usize = 16 * 1024;
/// The most fields of one form or query.
pub const FORM_FIELDS: usize = 256;
/// The most bytes of a form sent as a body.
pub const FORM_BYTES: usize = 64 * 1024;
/// The most bytes of any other body.
pub const BODY_BYTES: usize = 1024 * 1024;
/// The most values of a JSON text of the SDKs: members, items, and what they hold.
pub const JSON_VALUES: usize = 1024;
/// The most levels of nesting of a JSON text: the parser's own.
pub const JSON_LEVELS: usize = 128;
/// The most bytes of a text in a JSON body of the SDKs.
pub const JSON_TEXT_BYTES: usize = 16 * 1024;
/// The most bytes of a signed token, proof or request.
pub const JWS_BYTES: usize = 16 * 1024;
/// The most bytes of the description of a device.
pub const DEVICE_INFO_BYTES: usize = 16 * 1024;
/// The most bytes of a list of scopes.
pub const SCOPE_BYTES: usize = 4 * 1024;
/// The most scopes of a list.
pub const SCOPE_WORDS: usize = 64;
/// The most languages of `ui_locales` that are looked at.
pub const UI_LOCALES: usize = 16;
/// The most authentication contexts of `acr_values` that are looked at.
pub const ACR_VALUES: usize = 16;
/// The most bytes of a redirect URI, registered or sent.
pub const REDIRECT_URI_BYTES: usize = 4 * 1024;
/// The most bytes of an `Origin` header that is compared.
pub const ORIGIN_BYTES: usize = 512;
/// The most characters of what was sent that an answer repeats.
pub const ECHO_CHARS: usize = 64;
/// The most names an answer lists of what was sent.
pub const ECHO_NAMES: usize = 16;

const REFUSED: &str = "400 `invalid_request`";
const IGNORED: &str = "the rest is ignored";

/// The limits of this crate but those of the OAuth parameters, which are in [`crate::oauth::PARAMETERS`].
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
    limit("nesting of a JSON body", JSON_LEVELS, Unit::Levels, "400", "JSON_LEVELS"),
    limit("text in a JSON body of the SDKs", JSON_TEXT_BYTES, Unit::Bytes, "400 `ValidationFailed`", "JSON_TEXT_BYTES"),
    limit("signed token, proof or request (JWS)", JWS_BYTES, Unit::Bytes, "refused as malformed", "JWS_BYTES"),
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
