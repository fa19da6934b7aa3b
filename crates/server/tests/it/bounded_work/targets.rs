//! Where patterns are put: the requests of the tests.

use std::net::Ipv4Addr;

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::Full;
use hyper::{Method, Request};
use serde_json::Value;
use vestibule_protocol::limits::{COOKIE_BYTES, FORM_BYTES, HEADER_BYTES};

use super::patterns::{Pattern, Shape};

/// The longest query, and the longest segment of a path: what is longer is refused before anything reads it.
pub(super) const ADDRESS: usize = 30 * 1024;
/// The most bytes of headers that are tried together, with room in the head for others.
const HEADERS: usize = 56 * 1024;
/// What stands for a text before it is put into a JSON body.
const MARK: &str = "\u{1}mark";

/// A request with a place for a pattern.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) method: Method,
    pub(super) path: String,
    /// Sent with each request.
    headers: Vec<(&'static str, String)>,
    pub(super) place: Place,
    /// The page with the form, if that holds what was there when it was shown.
    pub(super) page: Option<String>,
}

/// What of the request is the pattern.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The query as a whole.
    Query,
    /// The segment that is written `{}` in the path.
    Segment,
    /// One parameter of the query, behind others.
    Parameter { name: String, beside: String, longest: usize },
    /// One field of a form, behind others.
    Field { name: String, beside: String, longest: usize },
    /// The body as a whole.
    Body { content_type: &'static str, shape: Shape, longest: usize },
    /// One value in a body of JSON, which is given with a mark in its place.
    Json { content_type: &'static str, before: String, behind: String, shape: Shape, longest: usize },
    /// Some headers.
    Headers(&'static [&'static str]),
}

impl Target {
    pub(super) fn new(method: Method, path: &str, place: Place) -> Self {
        Self { method, path: path.to_string(), headers: Vec::new(), place, page: None }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Remembers the page with its form.
    pub(super) fn on_page(self, path: &str) -> Self {
        Self { page: Some(path.to_string()), ..self }
    }

    /// Whether it ends what other requests need.
    pub(super) fn ends_something(&self) -> bool {
        let words = ["logout", "sign-out", "delete", "end_session", "leave", "cancel", "revoke"];
        self.method == Method::DELETE || words.iter().any(|word| self.path.contains(word))
    }

    /// How many bytes of a pattern the server may have to read. It refuses a form of more than 64 KiB unread.
    pub(super) fn length(&self) -> usize {
        match &self.place {
            Place::Query | Place::Segment => ADDRESS,
            Place::Parameter { longest, .. } | Place::Json { longest, .. } => *longest,
            // Some signs take three bytes.
            Place::Field { longest, .. } => longest * 3,
            Place::Body { content_type, longest, .. } if *content_type == FORM && *longest > FORM_BYTES => 0,
            Place::Body { longest, .. } => *longest,
            Place::Headers(names) => names.iter().map(|name| longest_header(name, names)).sum(),
        }
    }

    /// A request with the pattern at its place, and how many bytes of it are sent.
    pub(super) fn request(&self, pattern: Pattern, is_small: bool, from: &Caller) -> Request<Full<Bytes>> {
        let bytes = |shape, longest: usize| pattern.bytes(shape, if is_small { longest.min(8) } else { longest });
        let text = |shape, longest| String::from_utf8(bytes(shape, longest).into()).expect("text");
        let mut path = self.path.clone();
        let mut body = Bytes::new();
        let mut content_type = None;
        match &self.place {
            Place::Query => path = extend(&path, &text(Shape::Query, ADDRESS)),
            Place::Segment => path = path.replace("{}", &text(Shape::Segment, ADDRESS)),
            Place::Parameter { name, beside, longest } => {
                path = extend(&path, &format!("{beside}{name}={}", text(Shape::Field, *longest)));
            }
            Place::Field { name, beside, longest } => {
                body = join(&[beside, name, "="], &bytes(Shape::Field, *longest), "");
                content_type = Some(FORM);
            }
            Place::Body { content_type: kind, shape, longest } => {
                body = bytes(*shape, *longest);
                content_type = Some(*kind);
            }
            Place::Json { content_type: kind, before, behind, shape, longest } => {
                body = join(&[before], &bytes(*shape, *longest), behind);
                content_type = Some(*kind);
            }
            Place::Headers(_) => {}
        }
        let mut request = Request::builder().method(self.method.clone()).uri(path);
        let names: &[&str] = if let Place::Headers(names) = &self.place { names } else { &[] };
        for name in names {
            request = request.header(*name, text(Shape::Header(name), longest_header(name, names)));
        }
        let own = self.headers.iter().map(|(name, value)| (*name, value.clone()));
        let common = [
            ("host", from.host.clone()),
            ("x-forwarded-for", from.address.to_string()),
            ("if-match", format!("\"{}\"", from.version)),
        ];
        let content_type = content_type.map(|kind| ("content-type", kind.to_string()));
        for (name, value) in own.chain(common).chain(content_type).filter(|(name, _)| !names.contains(name)) {
            request = request.header(name, value);
        }
        request.body(Full::new(body)).expect("a request")
    }
}

/// Who sends a request.
pub(super) struct Caller {
    pub(super) host: String,
    /// An address of its own: what is limited by address is not what is tried here.
    pub(super) address: Ipv4Addr,
    /// The version of the project's settings that it changes.
    pub(super) version: i64,
}

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const JSON: &str = "application/json";

/// A header's share of the head.
fn longest_header(name: &str, all: &[&str]) -> usize {
    let limit = if name == "cookie" { COOKIE_BYTES } else { HEADER_BYTES };
    limit.min(HEADERS / all.len())
}

fn extend(path: &str, query: &str) -> String {
    format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' })
}

fn join(before: &[&str], bytes: &Bytes, behind: &str) -> Bytes {
    let mut all = BytesMut::with_capacity(bytes.len() + 1024);
    before.iter().for_each(|part| all.put_slice(part.as_bytes()));
    all.put_slice(bytes);
    all.put_slice(behind.as_bytes());
    all.freeze()
}

impl Place {
    /// A parameter or field behind others.
    fn others(name: &str, pairs: &[(String, String)]) -> String {
        let others = pairs.iter().filter(|(other, _)| other != name);
        let mut printer = form_urlencoded::Serializer::new(String::new());
        let text = printer.extend_pairs(others).finish();
        if text.is_empty() { text } else { text + "&" }
    }

    pub(super) fn parameter(name: &str, pairs: &[(String, String)], longest: usize) -> Self {
        // Some signs take three bytes in an address.
        let longest = longest.min(ADDRESS / 3);
        Self::Parameter { name: name.to_string(), beside: Self::others(name, pairs), longest }
    }

    pub(super) fn field(name: &str, pairs: &[(String, String)], longest: usize) -> Self {
        Self::Field { name: name.to_string(), beside: Self::others(name, pairs), longest }
    }

    /// The value in a body of JSON that the pointer leads to.
    pub(super) fn json(
        content_type: &'static str,
        (body, pointer): (&Value, &str),
        (shape, longest): (Shape, usize),
    ) -> Self {
        let mut marked = body.clone();
        match marked.pointer_mut(pointer) {
            Some(value) => *value = MARK.into(),
            None => marked[pointer.trim_start_matches('/')] = MARK.into(),
        }
        let marked = marked.to_string();
        let mark = Value::from(MARK).to_string();
        let (before, behind) = marked.split_once(&mark).expect("a mark");
        Self::Json { content_type, before: before.to_string(), behind: behind.to_string(), shape, longest }
    }
}
