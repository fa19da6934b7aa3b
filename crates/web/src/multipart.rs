//! Forms with a file (`multipart/form-data`, RFC 7578), as far as browsers send them.

use vestibule_protocol::{form::Form, limits::FORM_FIELDS};

/// The longest boundary (RFC 2046 §5.1.1).
const BOUNDARY_BYTES: usize = 70;

/// The boundary in a content type; `None` when it is none of such a form.
pub fn boundary_in(content_type: &str) -> Option<&str> {
    let (media_type, parameters) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|one| one.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let value = value.trim_matches('"');
    (1..=BOUNDARY_BYTES).contains(&value.len()).then_some(value)
}

/// Parses the fields; a file is a field with its content. `None` when the body is cut, not UTF-8, or has too many fields.
pub fn parse(body: &[u8], boundary: &str) -> Option<Form> {
    form_of(split(body, boundary)?)
}

/// As [`parse`], with the content of one field apart, which need not be text.
pub fn parse_with_file<'b>(body: &'b [u8], boundary: &str, file: &str) -> Option<(Form, Option<&'b [u8]>)> {
    let (files, fields): (Vec<_>, Vec<_>) = split(body, boundary)?.into_iter().partition(|(name, _)| *name == file);
    Some((form_of(fields)?, files.first().map(|(_, content)| *content)))
}

fn form_of(fields: Vec<(&str, &[u8])>) -> Option<Form> {
    let text = |(name, value): (&str, &[u8])| Some((name.to_string(), std::str::from_utf8(value).ok()?.to_string()));
    Some(Form::from_pairs(fields.into_iter().map(text).collect::<Option<Vec<(String, String)>>>()?))
}

/// The names and contents of the fields.
fn split<'b>(body: &'b [u8], boundary: &str) -> Option<Vec<(&'b str, &'b [u8])>> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first delimiter has no line before it.
    let mut rest = body.strip_prefix(&delimiter[2..])?;
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        if fields.len() == FORM_FIELDS {
            return None;
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let (head, after) = split_at(rest, b"\r\n\r\n")?;
        let (value, next) = split_at(after, &delimiter)?;
        let name = name_in(std::str::from_utf8(head).ok()?)?;
        fields.push((name, value));
        rest = next;
    }
    Some(fields)
}

/// The name of a field; browsers write quotes in it as `%22`.
fn name_in(head: &str) -> Option<&str> {
    let line = head.split("\r\n").find(|line| {
        line.split_once(':').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
    })?;
    let (_, after) = line.split_once(" name=\"")?;
    after.split_once('"').map(|(name, _)| name)
}

/// What is before and after the first occurrence of a delimiter, which begins with a carriage return.
fn split_at<'b>(bytes: &'b [u8], delimiter: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|byte| *byte == b'\r')?;
        if bytes[at..].starts_with(delimiter) {
            return Some((&bytes[..at], &bytes[at + delimiter.len()..]));
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--x\r\nContent-Disposition: form-data; name=\"_csrf\"\r\n\r\nabc\r\n--x\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"users.jsonl\"\r\nContent-Type: text/plain\r\n\r\n\
        {\"a\":1}\r\n--y\r\n\r\n--x--\r\n";

    #[test]
    fn fields_and_files_are_read() {
        let form = parse(BODY.as_bytes(), "x").expect("a form");
        let pairs: Vec<_> = form.pairs().collect();
        assert_eq!(pairs, [("_csrf", "abc"), ("file", "{\"a\":1}\r\n--y\r\n")]);
    }

    #[test]
    fn what_is_cut_or_wrong_is_refused() {
        for end in 0..BODY.len() - 4 {
            assert!(parse(&BODY.as_bytes()[..end], "x").is_none(), "{end}");
        }
        assert!(parse(BODY.as_bytes(), "z").is_none());
        assert!(parse(b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\xff\r\n--x--", "x").is_none());
        let field = "\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x";
        let many = format!("--x{}--", field.repeat(FORM_FIELDS + 1));
        assert!(parse(many.as_bytes(), "x").is_none());
    }

    #[test]
    fn a_file_need_not_be_text() {
        let image = [0x89, b'P', 0xff, b'\r', b'\n', b'-', b'-', 0];
        let part =
            |name: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a\"\r\n\r\n");
        let body = [part("_csrf").as_bytes(), b"abc\r\n", part("file").as_bytes(), &image, b"\r\n--x--\r\n"].concat();
        let (form, file) = parse_with_file(&body, "x", "file").expect("a form");
        assert_eq!(form.pairs().collect::<Vec<_>>(), [("_csrf", "abc")]);
        assert_eq!(file, Some(&image[..]));
        assert!(parse(&body, "x").is_none(), "as text");
        let (_, none) = parse_with_file(BODY.as_bytes(), "x", "image").expect("a form");
        assert_eq!(none, None);
        assert!(parse_with_file(&body, "x", "_csrf").is_none(), "another field has to be text");
    }

    #[test]
    fn a_boundary_is_found() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=----WebKit7", Some("----WebKit7")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("text/plain; boundary=x", None),
        ] {
            assert_eq!(boundary_in(content_type), expected, "{content_type}");
        }
    }
}
