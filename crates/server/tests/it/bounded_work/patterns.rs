//! Twelve kinds of text that have made parsers slow.

use serde_json::{Map, Value, json};

/// A kind of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// A text of at most this many bytes.
    pub(super) fn text(self, most: usize) -> String {
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
            Self::Composed => fill(most, |n| if n % 4 == 0 { "4@8({[<3".into() } else { "e\u{301}\u{327}".into() }),
            Self::Cookies => fill(most, |n| format!("a{}=b; ", n % 7)),
            Self::Digits => "1234567890".repeat(most / 10),
            Self::Dots => fill(most, |_| "a.b@c-".into()),
        }
    }

    /// A JSON value that takes about this many bytes.
    pub(super) fn json(self, most: usize) -> Value {
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

/// The part of a text that may stand in an address as it is.
pub(super) fn for_address(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "&=%.-+[]{}:;,@".contains(*c)).collect()
}

/// The part of a text that may be the value of this header, in the header's own form.
pub(super) fn for_header(name: &str, text: &str) -> String {
    let clean: String = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    let (before, between) = match name {
        "authorization" => ("Bearer ", ""),
        "cookie" => ("session=", ""),
        "x-forwarded-for" => ("", ", "),
        "accept-language" => ("en;q=0.1, ", ","),
        _ => ("", ""),
    };
    let clean = if between.is_empty() { clean } else { clean.replace(' ', between) };
    let longest = 16 * 1024 - before.len();
    format!("{before}{}", clean.get(..longest.min(clean.len())).unwrap_or_default()).trim().to_string()
}

/// A query or form with one more pair.
pub(super) fn encode(beside: &[(String, String)], pair: (String, String)) -> String {
    let others = beside.iter().filter(|(name, _)| *name != pair.0);
    let mut printer = form_urlencoded::Serializer::new(String::new());
    printer.extend_pairs(others).append_pair(&pair.0, &pair.1);
    printer.finish()
}
