//! Languages: the embedded fluent files, and the choice of one for a reader.

use std::sync::{Arc, LazyLock};

use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;

use crate::text::{Arg, Text, fluent_args};

/// The writing direction of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Ltr,
    Rtl,
}

impl Direction {
    /// The value of the HTML `dir` attribute.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// The languages of the pages; the first is the fallback of all others.
pub const SOURCES: [(&str, Direction, &str); 6] = [
    ("en", Direction::Ltr, include_str!("../locales/en.ftl")),
    ("es", Direction::Ltr, include_str!("../locales/es.ftl")),
    ("de", Direction::Ltr, include_str!("../locales/de.ftl")),
    ("ja", Direction::Ltr, include_str!("../locales/ja.ftl")),
    ("zh-TW", Direction::Ltr, include_str!("../locales/zh-TW.ftl")),
    ("ar", Direction::Rtl, include_str!("../locales/ar.ftl")),
];

struct LoadedLocale {
    tag: &'static str,
    direction: Direction,
    bundle: FluentBundle<FluentResource>,
    fallback: Option<Arc<LoadedLocale>>,
}

impl LoadedLocale {
    fn parse(tag: &'static str, direction: Direction, source: &str, fallback: Option<Arc<Self>>) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![tag.parse().unwrap_or_default()]);
        // Isolation marks prevent a Latin name from reordering a right-to-left sentence; other languages do not need
        // them.
        bundle.set_use_isolating(direction == Direction::Rtl);
        // A broken entry is skipped and falls back to English; the locale tests reject it before release.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _errors)| resource);
        bundle.add_resource_overriding(resource);
        Self { tag, direction, bundle, fallback }
    }

    fn find(&self, key: &str, args: &[(&'static str, Arg)]) -> Option<String> {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return self.fallback.as_ref().and_then(|fallback| fallback.find(key, args));
        };
        let args = fluent_args(args);
        let mut errors = Vec::new();
        Some(self.bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned())
    }
}

/// A loaded language; cheap to clone.
#[derive(Clone)]
pub struct Locale(Arc<LoadedLocale>);

impl Locale {
    /// The BCP 47 tag, as in `<html lang>`.
    pub fn tag(&self) -> &'static str {
        self.0.tag
    }

    pub fn direction(&self) -> Direction {
        self.0.direction
    }

    /// The text `key` in this language, else in English, else the key itself.
    pub fn text(&self, key: &str) -> String {
        self.text_with(key, &[])
    }

    /// The text `key` with its arguments filled in.
    pub fn text_with(&self, key: &str, args: &[(&'static str, Arg)]) -> String {
        self.0.find(key, args).unwrap_or_else(|| key.to_owned())
    }

    /// A [`Text`] in this language.
    pub fn translate(&self, text: &Text) -> String {
        self.text_with(text.key(), text.args())
    }
}

impl std::fmt::Debug for Locale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Locale").field(&self.0.tag).finish()
    }
}

/// All languages, loaded at startup and shared.
#[derive(Clone, Debug)]
pub struct Locales {
    locales: Vec<Locale>,
}

impl Locales {
    /// The languages, loaded once.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Locales> = LazyLock::new(Locales::load);
        &SHARED
    }

    fn load() -> Self {
        let mut locales: Vec<Locale> = Vec::with_capacity(SOURCES.len());
        for (tag, direction, source) in SOURCES {
            let fallback = locales.first().map(|english| Arc::clone(&english.0));
            locales.push(Locale(Arc::new(LoadedLocale::parse(tag, direction, source, fallback))));
        }
        Self { locales }
    }

    /// Every language, English first.
    pub fn locales(&self) -> &[Locale] {
        &self.locales
    }

    /// The languages of `allowed` that exist, or else English. An empty `allowed` allows all.
    pub fn offered(&self, allowed: &[String]) -> Vec<&Locale> {
        if allowed.is_empty() {
            return self.locales.iter().collect();
        }
        let mut offered: Vec<&Locale> = Vec::new();
        for locale in allowed.iter().filter_map(|tag| find_match(self.locales.iter(), tag)) {
            if !offered.iter().any(|known| known.tag() == locale.tag()) {
                offered.push(locale);
            }
        }
        if offered.is_empty() {
            offered.push(&self.locales[0]);
        }
        offered
    }

    /// The language for a reader: the first of `ui_locales` (OIDC Core §3.1.2.1, space-separated), then of
    /// `Accept-Language` (RFC 9110 §12.5.4), that the project allows; else the first allowed, else English.
    ///
    /// An empty `allowed` allows all.
    pub fn negotiate(&self, ui_locales: Option<&str>, accept_language: Option<&str>, allowed: &[String]) -> Locale {
        let offered = self.offered(allowed);
        let wanted = ui_locales.unwrap_or_default().split_ascii_whitespace();
        let accepted = accept_language.map(sort_by_quality).unwrap_or_default();
        wanted
            .chain(accepted)
            .find_map(|tag| find_match(offered.iter().copied(), tag))
            .or(offered.first().copied())
            .unwrap_or(&self.locales[0])
            .clone()
    }
}

/// The languages of an `Accept-Language` header, best first, without excluded ones (`q=0`).
fn sort_by_quality(header: &str) -> Vec<&str> {
    let mut ranges: Vec<(&str, f32)> = header
        .split(',')
        .take(32)
        .filter_map(|part| {
            let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
            let quality = match parameters.trim().strip_prefix("q=") {
                Some(q) => q.parse().ok()?,
                None => 1.0,
            };
            (quality > 0.0).then_some((tag.trim(), quality))
        })
        .collect();
    ranges.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranges.into_iter().map(|(tag, _)| tag).collect()
}

/// The exact tag if there is one, else the same primary language in the same script (`de-AT` uses `de`, `zh-HK` uses `zh-TW`, but
/// `zh-CN` does not).
fn find_match<'a>(mut offered: impl Iterator<Item = &'a Locale> + Clone, wanted: &str) -> Option<&'a Locale> {
    let exact = offered.clone().find(|locale| locale.tag().eq_ignore_ascii_case(wanted));
    exact.or_else(|| offered.find(|locale| language_and_script(locale.tag()) == language_and_script(wanted)))
}

/// The primary language, and the script where a language is written in two: that of the tag, or of its region (CLDR, likely subtags).
fn language_and_script(tag: &str) -> (String, Option<&'static str>) {
    let mut subtags = tag.split(['-', '_']).map(str::to_ascii_lowercase);
    let language = subtags.next().unwrap_or_default();
    let script = (language == "zh").then(|| {
        let rest: Vec<String> = subtags.collect();
        let has = |names: &[&str]| rest.iter().any(|subtag| names.contains(&subtag.as_str()));
        let is_traditional = has(&["hant"]) || (!has(&["hans"]) && has(&["tw", "hk", "mo"]));
        if is_traditional { "hant" } else { "hans" }
    });
    (language, script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_a_language_in_a_script_that_they_read() {
        for (accepted, expected) in [
            ("zh-TW", "zh-TW"),
            ("zh-Hant", "zh-TW"),
            ("zh-HK,en;q=0.5", "zh-TW"),
            ("zh_hant_cn", "zh-TW"),
            ("zh-CN,zh;q=0.9", "en"),
            ("zh-CN,zh;q=0.9,de;q=0.8", "de"),
            ("zh-Hans-TW", "en"),
            ("zh-SG", "en"),
            ("zh", "en"),
            ("de-AT", "de"),
            ("es-419", "es"),
        ] {
            let found = Locales::shared().negotiate(None, Some(accepted), &[]);
            assert_eq!(found.tag(), expected, "{accepted}");
        }
        let traditional = ["zh-TW".to_owned(), "en".to_owned()];
        assert_eq!(Locales::shared().negotiate(Some("zh-CN"), None, &traditional).tag(), "zh-TW", "the fallback");
    }
}
