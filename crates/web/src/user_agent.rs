//! A readable name of a browser and its system, from its `User-Agent` header. Only names of the tables below are stored, never
//! the header: at most 28 bytes.

use axum::http::{HeaderMap, header};

use crate::{header_text::text_of, locale::Locale, text::Text};

/// What a browser's header contains, and its name. The order matters: Chrome calls itself Safari; Edge and Opera call
/// themselves Chrome.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("YaBrowser", "Yandex Browser"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
];

/// What the header of a browser on a system contains, and the system's name. Phones call themselves desktops, too.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// A browser, its system, or both, by the names of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    One(&'static str),
    BrowserOn(&'static str, &'static str),
}

impl Device {
    /// What the header names; `None` if that is neither a known browser nor a known system.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let agent = text_of(headers.get(header::USER_AGENT)?);
        let find =
            |names: &[(&str, &'static str)]| names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, n)| *n);
        match (find(&BROWSERS), find(&SYSTEMS)) {
            (Some(browser), Some(system)) => Some(Self::BrowserOn(browser, system)),
            (Some(one), None) | (None, Some(one)) => Some(Self::One(one)),
            (None, None) => None,
        }
    }

    /// The name, such as `Chrome · Linux`.
    pub fn name(self) -> String {
        match self {
            Self::One(name) => name.to_string(),
            Self::BrowserOn(browser, system) => format!("{browser} · {system}"),
        }
    }

    /// The name within a sentence, such as "Chrome on Linux".
    pub fn words(self, locale: &Locale) -> String {
        match self {
            Self::One(name) => name.to_string(),
            Self::BrowserOn(browser, system) => {
                locale.translate(&Text::new("device-browser-on").with("browser", browser).with("system", system))
            }
        }
    }
}

/// The name, such as `Chrome · Linux`; `None` if the header names neither.
pub fn device_name(headers: &HeaderMap) -> Option<String> {
    Device::of(headers).map(Device::name)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn name_of(agent: &'static str) -> Option<String> {
        device_name(&HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_static(agent))]))
    }

    #[test]
    fn browsers_get_a_short_name() {
        for (agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                "Chrome · Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
                "Edge · Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari · iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
                "Samsung Internet · Android",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox · macOS"),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                "Chrome · ChromeOS",
            ),
        ] {
            assert_eq!(name_of(agent).as_deref(), Some(expected), "{agent}");
        }
        for nameless in ["node", "okhttp/4.12.0", "Shop/7 CFNetwork/1494.0.7 Darwin/23.4.0", "curl/8.5.0"] {
            assert_eq!(name_of(nameless), None, "{nameless}");
        }
        assert_eq!(device_name(&HeaderMap::new()), None);
    }

    #[test]
    fn a_name_has_at_most_28_bytes() {
        let longest = |names: &[(&str, &str)]| names.iter().map(|(_, name)| name.len()).max().unwrap_or(0);
        assert_eq!(longest(&BROWSERS) + " · ".len() + longest(&SYSTEMS), 28);
    }
}
