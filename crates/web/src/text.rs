//! A text to be rendered in the reader's language: a fluent key and its arguments.

use fluent_bundle::{FluentArgs, FluentValue};

/// An argument of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// A string, inserted as it is.
    Words(String),
    /// A whole number, which also selects the plural form.
    Number(i64),
}

impl From<&str> for Arg {
    fn from(words: &str) -> Self {
        Self::Words(words.to_owned())
    }
}

impl From<String> for Arg {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl From<&String> for Arg {
    fn from(words: &String) -> Self {
        Self::Words(words.clone())
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Arg {
    fn from(number: u32) -> Self {
        Self::Number(i64::from(number))
    }
}

/// A text by its key in `locales/*.ftl`, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    key: &'static str,
    args: Vec<(&'static str, Arg)>,
}

impl Text {
    /// The text `key`, which must exist in every locale file (a test checks this).
    pub fn new(key: &'static str) -> Self {
        Self { key, args: Vec::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    pub fn key(&self) -> &'static str {
        self.key
    }

    pub fn args(&self) -> &[(&'static str, Arg)] {
        &self.args
    }
}

/// Templates use a text through any number of references.
impl AsRef<Self> for Text {
    fn as_ref(&self) -> &Self {
        self
    }
}

pub(crate) fn fluent_args<'a>(pairs: &'a [(&'static str, Arg)]) -> FluentArgs<'a> {
    pairs
        .iter()
        .map(|(name, value)| {
            let value = match value {
                Arg::Words(words) => FluentValue::from(words.as_str()),
                Arg::Number(number) => FluentValue::from(*number),
            };
            (*name, value)
        })
        .collect()
}
