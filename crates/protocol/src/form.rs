//! `application/x-www-form-urlencoded` parameters, parsed strictly (WHATWG URL §5, RFC 6749 appendix B).

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use thiserror::Error;

use crate::limits::FORM_FIELDS;

/// Why a form could not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FormError {
    /// A `%` is not followed by two hexadecimal digits.
    #[error("malformed percent-encoding")]
    PercentEncoding,
    /// The decoded bytes are not UTF-8.
    #[error("parameters must be UTF-8")]
    NotUtf8,
    /// A value contains U+0000, which no parameter allows and no database text can store.
    #[error("parameters must not contain NUL")]
    Nul,
    /// More than [`FORM_FIELDS`] fields.
    #[error("more than {FORM_FIELDS} parameters were sent")]
    TooManyFields,
}

/// A parameter that must appear once was sent more than once (RFC 6749 §3.1).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("parameter {name} must not be repeated")]
pub struct Repeated {
    /// The parameter's name.
    pub name: String,
}

/// Decoded parameters in the order sent; `Debug` shows only their names.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
}

impl Form {
    /// Parses a request body. Empty pieces are skipped, since the Android SDK ends every form with `&`.
    ///
    /// # Errors
    /// Invalid percent-encoding, text that is not UTF-8, a NUL, or more than [`FORM_FIELDS`] fields.
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        let mut fields = Vec::new();
        for piece in body.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
            if fields.len() == FORM_FIELDS {
                return Err(FormError::TooManyFields);
            }
            let equals = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
            let (name, rest) = piece.split_at(equals);
            let value = rest.strip_prefix(b"=").unwrap_or(rest);
            fields.push((decode(name)?, decode(value)?));
        }
        Ok(Self { fields })
    }

    /// Parses a query string without its `?`.
    ///
    /// # Errors
    /// As [`Form::parse`].
    pub fn parse_query(query: &str) -> Result<Self, FormError> {
        Self::parse(query.as_bytes())
    }

    /// Builds a form from decoded pairs, for tests and clients.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self { fields: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// The one value of `name`; a parameter without a value is treated as omitted (RFC 6749 §3.1).
    ///
    /// # Errors
    /// [`Repeated`] if more than one non-empty value was sent.
    pub fn get(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.get_all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Repeated { name: name.to_owned() }),
        }
    }

    /// Every non-empty value of `name`, in order: for `resource` (RFC 8707) and `audience` (RFC 8693), which may repeat.
    pub fn get_all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.fields.iter().filter(move |(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    /// Adds the parameters of `query` whose names this form lacks: the body takes precedence.
    #[must_use]
    pub fn merge(mut self, query: Self) -> Self {
        if !query.fields.is_empty() {
            let own = self.fields.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str());
            let own: HashSet<&str> = own.collect();
            let added: Vec<_> = query.fields.into_iter().filter(|(name, _)| !own.contains(name.as_str())).collect();
            self.fields.extend(added);
        }
        self
    }

    /// All decoded pairs, in order, empty values included.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Serializes the form so that [`Form::parse`] returns the same pairs.
    pub fn print(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields.iter().map(|(name, _)| name)).finish()
    }
}

/// Decodes one name or value: `+` is a space, `%XX` a byte.
pub(crate) fn decode(raw: &[u8]) -> Result<String, FormError> {
    let bytes: Cow<'_, [u8]> = if raw.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        let mut decoded = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((first, tail)) = rest.split_first() {
            rest = tail;
            match first {
                b'+' => decoded.push(b' '),
                b'%' => {
                    let (pair, tail) = rest.split_at_checked(2).ok_or(FormError::PercentEncoding)?;
                    let &[high, low] = pair else { return Err(FormError::PercentEncoding) };
                    decoded.push(decode_hex(high)? << 4 | decode_hex(low)?);
                    rest = tail;
                }
                other => decoded.push(*other),
            }
        }
        Cow::Owned(decoded)
    } else {
        Cow::Borrowed(raw)
    };
    if bytes.contains(&0) {
        return Err(FormError::Nul);
    }
    String::from_utf8(bytes.into_owned()).map_err(|_| FormError::NotUtf8)
}

fn decode_hex(digit: u8) -> Result<u8, FormError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(FormError::PercentEncoding),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_of_the_android_sdk_with_trailing_ampersand_and_plus_is_read() {
        let form = Form::parse(b"client_id=shop&scope=openid+offline_access&").unwrap();
        assert_eq!(form.get("client_id").unwrap(), Some("shop"));
        assert_eq!(form.get("scope").unwrap(), Some("openid offline_access"));
        assert_eq!(form.pairs().count(), 2);
    }

    #[test]
    fn raw_equals_colon_and_slash_in_a_value_of_the_ios_sdk_are_kept() {
        let form = Form::parse(b"redirect_uri=com.shop://host/path&jwt=a=b").unwrap();
        assert_eq!(form.get("redirect_uri").unwrap(), Some("com.shop://host/path"));
        assert_eq!(form.get("jwt").unwrap(), Some("a=b"));
    }

    #[test]
    fn an_empty_or_missing_value_is_an_absent_parameter() {
        let form = Form::parse(b"token=&state").unwrap();
        assert_eq!(form.get("token").unwrap(), None);
        assert_eq!(form.get("state").unwrap(), None);
        assert_eq!(form.get("never").unwrap(), None);
    }

    #[test]
    fn a_repeated_parameter_is_an_error_that_names_it() {
        let form = Form::parse(b"resource=a&resource=b&resource=").unwrap();
        let error = form.get("resource").unwrap_err();
        assert_eq!(error.to_string(), "parameter resource must not be repeated");
        assert_eq!(form.get_all("resource").collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn broken_percent_encoding_is_refused() {
        for body in ["a=%", "a=%1", "a=%zz", "%=1", "a=%-1", "a=1%2"] {
            assert_eq!(Form::parse(body.as_bytes()), Err(FormError::PercentEncoding), "{body}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_and_nul_are_refused() {
        assert_eq!(Form::parse(b"a=%ff"), Err(FormError::NotUtf8));
        assert_eq!(Form::parse(b"a=\xff"), Err(FormError::NotUtf8));
        assert_eq!(Form::parse(b"a=%00"), Err(FormError::Nul));
    }

    #[test]
    fn the_body_wins_over_the_query() {
        let body = Form::parse(b"client_id=body&state=").unwrap();
        let merged = body.merge(Form::parse_query("client_id=query&state=s&nonce=n").unwrap());
        assert_eq!(merged.get("client_id").unwrap(), Some("body"));
        assert_eq!(merged.get("state").unwrap(), Some("s"));
        assert_eq!(merged.get("nonce").unwrap(), Some("n"));
    }

    #[test]
    fn a_form_has_a_bounded_number_of_fields() {
        let most = "a&".repeat(FORM_FIELDS);
        assert_eq!(Form::parse(most.as_bytes()).unwrap().pairs().count(), FORM_FIELDS);
        assert_eq!(Form::parse(format!("{most}a").as_bytes()), Err(FormError::TooManyFields));
    }

    #[test]
    fn debug_output_shows_no_value() {
        let form = Form::parse(b"refresh_token=secret").unwrap();
        assert_eq!(format!("{form:?}"), r#"{"refresh_token"}"#);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&body);
        }

        #[test]
        fn a_merged_form_holds_the_body_and_what_only_the_query_names(
            body in proptest::collection::vec(("[ab]", "[xy]{0,1}"), 0..6),
            query in proptest::collection::vec(("[abc]", "[xy]{0,1}"), 0..6),
        ) {
            let taken = |name: &String| body.iter().any(|(known, value)| known == name && !value.is_empty());
            let added = query.iter().filter(|(name, _)| !taken(name)).cloned();
            let expected: Vec<_> = body.iter().cloned().chain(added).collect();
            let merged = Form::from_pairs(body.clone()).merge(Form::from_pairs(query));
            prop_assert_eq!(merged, Form::from_pairs(expected));
        }

        #[test]
        fn a_printed_form_is_read_back(pairs in proptest::collection::vec(("[^\0]{1,8}", "[^\0]{0,12}"), 0..6)) {
            let form = Form::from_pairs(pairs);
            prop_assert_eq!(Form::parse(form.print().as_bytes()).unwrap(), form);
        }
    }
}
