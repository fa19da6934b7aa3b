//! The text of header values. Values of other programs may contain any byte above 127 (RFC 9110 §5.5); one such byte must not make
//! the server forget the rest.

use std::borrow::Cow;

use axum::http::HeaderValue;

/// The value as text, with the replacement character for what is not UTF-8.
pub fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// The parts of a value between separators, surrounding space removed. A part that is not UTF-8 has replacement characters and leaves
/// the others alone.
pub fn parts_of(value: &HeaderValue, separator: u8) -> impl Iterator<Item = Cow<'_, str>> {
    let parts = value.as_bytes().split(move |byte| *byte == separator);
    parts.map(|part| String::from_utf8_lossy(part.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_byte_spoils_its_own_part_only() {
        let value = HeaderValue::from_bytes(b"a=1; b=\xff; c=\xc3\xa9;").expect("a header value");
        assert_eq!(parts_of(&value, b';').collect::<Vec<_>>(), ["a=1", "b=\u{fffd}", "c=\u{e9}", ""]);
        assert_eq!(text_of(&value), "a=1; b=\u{fffd}; c=\u{e9};");
    }
}
