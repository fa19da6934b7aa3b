//! Reading a JSON request body against its schema, collecting every problem.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{ApiError, ApiErrorName};
use crate::limits::JSON_TEXT_BYTES;
use crate::{echo, echo_names, json};

/// A request body read from the members of a JSON object.
pub trait RequestBody: Sized {
    /// Reads the members and records a problem for each fault; `None` only if it recorded one.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// Reads a JSON body.
///
/// # Errors
/// `BadRequest` for another content type or invalid JSON, otherwise `ValidationFailed` with all causes.
pub fn parse_json<T: RequestBody>(content_type: Option<&str>, body: &[u8]) -> Result<T, ApiError> {
    if !content_type.is_some_and(is_json_utf8) {
        return Err(ApiError::new(ApiErrorName::BadRequest, "BadRequest", "request content type is invalid"));
    }
    let value = json::parse(body).map_err(|error| {
        ApiError::new(ApiErrorName::BadRequest, "InvalidJSON", "request body is not valid JSON")
            .with_info(json!({ "byte_offset": find_offset(body, &error) }))
    })?;
    let mut fields = Fields { object: Map::new(), known: Vec::new(), causes: Vec::new() };
    let read = match value {
        Value::Object(object) => {
            fields.object = object;
            let read = T::read(&mut fields);
            fields.refuse_unknown();
            read
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            fields.add_problem("", "type", json!({ "expected": ["object"], "actual": [name_type(&other)] }));
            None
        }
    };
    match read {
        Some(request) if fields.causes.is_empty() => Ok(request),
        Some(_) | None => Err(fields.into_error()),
    }
}

/// The members of a request body and the problems found in them.
pub struct Fields {
    object: Map<String, Value>,
    known: Vec<&'static str>,
    causes: Vec<(String, Value)>,
}

impl Fields {
    /// Reports those of `names` that are missing, in one cause.
    pub fn require(&mut self, names: &[&'static str]) {
        let missing: Vec<_> = names.iter().filter(|name| !self.object.contains_key(**name)).collect();
        if missing.is_empty() {
            return;
        }
        let mut actual: Vec<&str> = self.object.keys().map(String::as_str).collect();
        actual.sort_unstable();
        let (actual, _) = echo_names(actual);
        let details = json!({ "expected": names, "actual": actual, "missing": missing });
        self.add_problem("", "required", details);
    }

    /// The string member `name`; reports one of another type.
    pub fn string(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        match self.object.get(name)? {
            Value::String(text) if text.len() <= JSON_TEXT_BYTES => Some(text.clone()),
            Value::String(text) => {
                let details = json!({ "expected": JSON_TEXT_BYTES, "actual": text.len() });
                self.add_problem(&format!("/{name}"), "maxLength", details);
                None
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                let details = json!({ "expected": ["string"], "actual": [name_type(other)] });
                self.add_problem(&format!("/{name}"), "type", details);
                None
            }
        }
    }

    /// The string member `name` as one of a closed set; reports any other value.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.string(name)?;
        let found = choices.iter().find(|(spelling, _)| *spelling == text).map(|(_, value)| *value);
        if found.is_none() {
            let expected: Vec<_> = choices.iter().map(|(spelling, _)| spelling).collect();
            self.add_problem(&format!("/{name}"), "enum", json!({ "expected": expected, "actual": echo(&text) }));
        }
        found
    }

    /// Reports a problem of the member `name`.
    pub fn report_problem(&mut self, name: &'static str, message: &str) {
        self.add_problem(&format!("/{name}"), "general", json!({ "msg": message }));
    }

    fn add_problem(&mut self, location: &str, kind: &str, details: Value) {
        let cause = json!({ "location": location, "kind": kind, "details": details });
        self.causes.push((location.to_owned(), cause));
    }

    fn refuse_unknown(&mut self) {
        let mut unknown: Vec<&str> = self.object.keys().map(String::as_str).collect();
        unknown.retain(|name| !self.known.contains(name));
        unknown.sort_unstable();
        let (shown, _) = echo_names(unknown);
        let shown: Vec<String> = shown.into_iter().map(Cow::into_owned).collect();
        for name in shown {
            // RFC 6901 §3.
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            self.add_problem(&pointer, "additionalProperties", json!({ "expected": self.known, "actual": name }));
        }
    }

    fn into_error(mut self) -> ApiError {
        self.causes.sort_by(|(a, _), (b, _)| a.cmp(b));
        let causes: Vec<Value> = self.causes.into_iter().map(|(_, cause)| cause).collect();
        ApiError::new(ApiErrorName::Invalid, "ValidationFailed", "invalid request body")
            .with_info(json!({ "causes": causes }))
    }
}

const fn name_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// `application/json`, alone or with `charset=utf-8` and nothing else.
fn is_json_utf8(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("charset") && value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    })
}

/// The number of bytes read when the parser failed.
fn find_offset(body: &[u8], error: &serde_json::Error) -> usize {
    let lines_before = error.line().saturating_sub(1);
    let line_start: usize = body.split_inclusive(|byte| *byte == b'\n').take(lines_before).map(<[u8]>::len).sum();
    (line_start + error.column()).min(body.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::ChallengeRequest;

    struct PairBody {
        left: String,
        right: u8,
    }

    impl RequestBody for PairBody {
        fn read(fields: &mut Fields) -> Option<Self> {
            fields.require(&["left", "right"]);
            let left = fields.string("left");
            let right = fields.choice("right", &[("one", 1), ("two", 2)]);
            Some(Self { left: left?, right: right? })
        }
    }

    fn refuse(body: &str) -> Value {
        match parse_json::<PairBody>(Some("application/json"), body.as_bytes()) {
            Ok(pair) => panic!("accepted {} {}", pair.left, pair.right),
            Err(error) => serde_json::to_value(&error).unwrap()["error"].take(),
        }
    }

    #[test]
    fn content_types_of_the_sdks_are_accepted_and_others_are_not() {
        let body = br#"{"purpose":"anonymous_request"}"#;
        for good in [
            "application/json",
            "application/json; charset=UTF-8",
            "Application/JSON;charset=utf-8",
            "application/json; charset=\"utf-8\"",
        ] {
            assert!(parse_json::<ChallengeRequest>(Some(good), body).is_ok(), "{good}");
        }
        for bad in [
            None,
            Some(""),
            Some("text/plain"),
            Some("application/json; charset=latin1"),
            Some("application/json; version=2"),
            Some("application/jsonp"),
            Some("application/json;"),
        ] {
            let error = parse_json::<ChallengeRequest>(bad, body).unwrap_err();
            assert_eq!(error, ApiError::new(ApiErrorName::BadRequest, "BadRequest", "request content type is invalid"));
        }
    }

    #[test]
    fn text_that_is_not_json_is_an_error_with_its_position() {
        for (body, offset) in [("", 0), ("{", 1), ("{\n  \"a\": x}", 10), ("{} {}", 4)] {
            let error = refuse(body);
            assert_eq!(error["reason"], "InvalidJSON", "{body}");
            assert_eq!(error["info"]["byte_offset"], offset, "{body}");
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let error = refuse(r#"{"right":"three","ex/tra":1,"more":null}"#);
        assert_eq!(error["name"], "Invalid");
        assert_eq!(error["reason"], "ValidationFailed");
        assert_eq!(error["message"], "invalid request body");
        assert_eq!(
            error["info"]["causes"],
            json!([
                {"location": "", "kind": "required",
                 "details": {"expected": ["left", "right"], "actual": ["ex/tra", "more", "right"], "missing": ["left"]}},
                {"location": "/ex~1tra", "kind": "additionalProperties",
                 "details": {"expected": ["left", "right"], "actual": "ex/tra"}},
                {"location": "/more", "kind": "additionalProperties",
                 "details": {"expected": ["left", "right"], "actual": "more"}},
                {"location": "/right", "kind": "enum", "details": {"expected": ["one", "two"], "actual": "three"}},
            ])
        );
    }

    #[test]
    fn wrong_types_are_named() {
        let error = refuse(r#"{"left":null,"right":2}"#);
        assert_eq!(
            error["info"]["causes"],
            json!([
                {"location": "/left", "kind": "type", "details": {"expected": ["string"], "actual": ["null"]}},
                {"location": "/right", "kind": "type", "details": {"expected": ["string"], "actual": ["number"]}},
            ])
        );
        assert_eq!(
            refuse("[1]")["info"]["causes"],
            json!([{"location": "", "kind": "type", "details": {"expected": ["object"], "actual": ["array"]}}])
        );
    }

    #[test]
    fn of_many_and_long_unknown_members_few_are_named_and_shortened() {
        let members = (0..1_000).map(|n| format!("\"{}{n:04}\":1", "x".repeat(900))).collect::<Vec<_>>().join(",");
        let error = refuse(&format!("{{\"left\":\"a\",\"right\":\"one\",{members}}}"));
        assert_eq!(error["info"]["causes"].as_array().unwrap().len(), 16);
        assert!(error.to_string().len() < 8_000, "{error}");
        let error = refuse(&format!("{{\"left\":\"a\",\"right\":\"{}\"}}", "x".repeat(10_000)));
        assert_eq!(error["info"]["causes"][0]["details"]["actual"], format!("{}...", "x".repeat(64)));
        let error = refuse(&format!("{{\"left\":\"{}\",\"right\":\"one\"}}", "x".repeat(16_385)));
        assert_eq!(error["info"]["causes"][0]["details"], json!({"expected": 16_384, "actual": 16_385}));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(content_type in proptest::option::of(".{0,30}"), body in "[\\[\\]{}\",:0-9a\\n]{0,40}") {
            let _ = parse_json::<PairBody>(content_type.as_deref(), body.as_bytes());
            let _ = parse_json::<PairBody>(Some("application/json"), body.as_bytes());
        }
    }
}
