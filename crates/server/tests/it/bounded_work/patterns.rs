//! Twelve kinds of text that have made parsers slow.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// A kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pattern {
    Letters,
    SameWords,
    DifferentWords,
    Fields,
    Percents,
    Brackets,
    Members,
    Quotes,
    Composed,
    Cookies,
    Digits,
    Dots,
}

/// Where a text is put, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// As it is.
    Plain,
    /// What of it may stand in a query as it is.
    Query,
    /// What of it may stand in one segment of a path as it is.
    Segment,
    /// The value of this header, in the header's own form.
    Header(&'static str),
    /// The value of a field of a form.
    Field,
    /// A JSON text.
    JsonText,
    /// A JSON value of a kind like it.
    Json,
    /// A body of JSON.
    JsonBody,
}

/// A text that is made.
type Made = (Pattern, Shape, usize);

/// Each is made once for all tests, which takes longer than to send it.
static MADE: LazyLock<Mutex<HashMap<Made, Bytes>>> = LazyLock::new(Mutex::default);

impl Pattern {
    pub(super) const ALL: [Self; 12] = [
        Self::Letters,
        Self::SameWords,
        Self::DifferentWords,
        Self::Fields,
        Self::Percents,
        Self::Brackets,
        Self::Members,
        Self::Quotes,
        Self::Composed,
        Self::Cookies,
        Self::Digits,
        Self::Dots,
    ];

    /// A text of at most about this many bytes, before it is put into its shape.
    pub(super) fn bytes(self, shape: Shape, most: usize) -> Bytes {
        let mut made = MADE.lock().expect("no panic");
        made.entry((self, shape, most)).or_insert_with(|| self.make(shape, most)).clone()
    }

    fn make(self, shape: Shape, most: usize) -> Bytes {
        let text = match shape {
            Shape::Plain => self.text(most),
            Shape::Query => self.text(most).replace(|c| !is_of_query(c), ""),
            Shape::Segment => self.text(most).replace(|c| !is_of_query(c) || "&=".contains(c), ""),
            Shape::Header(name) => for_header(name, &self.text(most), most),
            Shape::Field => form_urlencoded::byte_serialize(self.text(most).as_bytes()).collect(),
            Shape::JsonText => Value::String(self.text(most)).to_string(),
            Shape::Json => self.json(most).to_string(),
            Shape::JsonBody if matches!(self, Self::Brackets | Self::Digits | Self::Members) => self.text(most),
            Shape::JsonBody => json!({"a": self.json(most.saturating_sub(8))}).to_string(),
        };
        text.into()
    }

    fn text(self, most: usize) -> String {
        match self {
            Self::Letters => "a".repeat(most),
            Self::SameWords => fill(most, |_| "a ".into()),
            Self::DifferentWords => fill(most, |n| format!("{n:x} ")),
            Self::Fields => fill(most, |n| if n % 2 == 0 { "a&".into() } else { format!("{n:x}=&") }),
            Self::Percents => fill(most, |n| if n % 9 == 0 { "%25".into() } else { "%2b".into() }),
            Self::Brackets => "[".repeat(most),
            Self::Members => {
                let members = fill(most.saturating_sub(10), |n| format!("\"{n:x}\":1,"));
                format!("{{{members}\"z\":1}}")
            }
            Self::Quotes => fill(most, |n| if n % 2 == 0 { "\\\"".into() } else { "<'&".into() }),
            // Letters whose accent comes behind them, and the signs that stand for letters in passwords.
            Self::Composed => fill(most, |n| match n % 4 {
                0 => "4@8({[<369".into(),
                1 => "1!|70$5+%2".into(),
                _ => "e\u{301}\u{327}".into(),
            }),
            Self::Cookies => fill(most, |n| format!("a{}=b; ", n % 7)),
            Self::Digits => "1234567890".repeat(most.div_ceil(10)),
            Self::Dots => fill(most, |_| "a.b@c-".into()),
        }
    }

    /// A JSON value that takes about this many bytes.
    fn json(self, most: usize) -> Value {
        match self {
            Self::SameWords => Value::Array(vec![json!("a"); most / 4]),
            Self::DifferentWords => (0..most / 9).map(|n| json!(format!("{n:x}"))).collect(),
            Self::Brackets => (0..100).fold(json!([]), |inner, _| json!([inner])),
            Self::Members => {
                let members: Map<String, Value> = (0..most / 12).map(|n| (format!("{n:x}"), json!(1))).collect();
                Value::Object(members)
            }
            Self::Digits => Value::Array(vec![json!(1); most / 2]),
            Self::Fields => Value::Array(vec![json!({"a": 1, "type": "b", "value": "c"}); most / 32]),
            Self::Letters | Self::Percents | Self::Quotes | Self::Composed | Self::Cookies | Self::Dots => {
                Value::String(self.text(most / 2))
            }
        }
    }
}

/// Pieces one behind the other, as many as have room.
fn fill(most: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = String::with_capacity(most);
    for n in 0.. {
        let piece = piece(n);
        if text.len() + piece.len() > most {
            break;
        }
        text.push_str(&piece);
    }
    text
}

fn is_of_query(c: char) -> bool {
    c.is_ascii_alphanumeric() || "&=%.-+[]{}:;,@".contains(c)
}

fn for_header(name: &str, text: &str, most: usize) -> String {
    let clean: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    let (before, between) = match name {
        "authorization" => ("Bearer ", ""),
        "cookie" => ("session=", ""),
        "x-forwarded-for" => ("", ", "),
        "accept-language" => ("en;q=0.1, ", ","),
        _ => ("", ""),
    };
    let clean = if between.is_empty() { clean } else { clean.replace(' ', between) };
    let longest = most.saturating_sub(before.len());
    format!("{before}{}", clean.get(..longest.min(clean.len())).unwrap_or_default()).trim().to_string()
}
