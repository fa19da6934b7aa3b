//! Hints about the pages' language and colors. Unknown values are dropped, never an error.

use crate::limits::UI_LOCALES;

/// Language tags that the user prefers, best first (OIDC Core §3.1.2.1 `ui_locales`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UiLocales(Vec<String>);

impl UiLocales {
    /// Parses a space-separated list of BCP 47 tags; drops malformed tags and those after the first [`UI_LOCALES`].
    pub fn parse(text: &str) -> Self {
        let tags = text.split_whitespace().filter(|tag| is_language_tag(tag));
        Self(tags.take(UI_LOCALES).map(str::to_owned).collect())
    }

    /// The tags, best first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether no usable tag was sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Prints the list space-separated.
    pub fn print(&self) -> String {
        self.0.join(" ")
    }
}

/// The structure of RFC 5646 §2.1: subtags of 1 to 8 letters and digits, the first of letters only.
fn is_language_tag(tag: &str) -> bool {
    let starts_with_language =
        tag.split('-').next().is_some_and(|first| first.bytes().all(|b| b.is_ascii_alphabetic()));
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    starts_with_language && tag.len() <= 64 && tag.split('-').all(subtag)
}

/// Light or dark pages (`x_color_scheme`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColorScheme {
    /// Light pages.
    Light,
    /// Dark pages.
    Dark,
}

impl ColorScheme {
    /// The value as spelled on the wire and in CSS.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Parses a value; `None` if unknown.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|scheme| scheme.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_are_split_and_broken_ones_dropped() {
        let locales = UiLocales::parse("zh-Hant-HK  en <script> 12 de-CH-1996 toolongsubtag a-");
        assert_eq!(locales.print(), "zh-Hant-HK en de-CH-1996");
        assert!(UiLocales::parse("").is_empty());
        assert_eq!(UiLocales::parse(&"en ".repeat(1_000)).iter().count(), UI_LOCALES);
    }

    #[test]
    fn only_light_and_dark_are_known() {
        assert_eq!(ColorScheme::parse("dark"), Some(ColorScheme::Dark));
        assert_eq!(ColorScheme::parse("light"), Some(ColorScheme::Light));
        assert_eq!(ColorScheme::parse("sepia"), None);
    }
}
