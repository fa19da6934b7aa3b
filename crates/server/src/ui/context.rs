//! What every page needs to know besides its own content: language, colours, brand, CSRF token, notice.

use askama::Template;

use super::asset::asset_href;
use super::locale::Locale;
use super::notice::Notice;
use super::page::finish;
use super::text::{Arg, Text};
use super::theme::theme_href;

/// Light or dark, as the app asked for (`x_color_scheme`) or as the device prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorScheme {
    /// Follow the device.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl ColorScheme {
    /// The value of `data-color-scheme` on the root element.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The scheme named by the wire parameter; anything unknown follows the device.
    pub fn parse(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }
}

/// How a project presents itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    /// The project's name, shown beside the logo.
    pub name: String,
    /// An `https` or same-origin address of a logo; a monogram is drawn without one.
    pub logo_uri: Option<String>,
    /// A CSS hex colour, `#rgb` or `#rrggbb`; anything else gives the house colour.
    pub accent_color: Option<String>,
}

/// What every page is rendered with.
#[derive(Clone, Debug)]
pub struct PageContext {
    /// The reader's language.
    pub locale: Locale,
    /// Light, dark or the device's choice.
    pub color_scheme: ColorScheme,
    /// The project's looks.
    pub brand: Brand,
    /// The token put as `_csrf` into every form.
    pub csrf: String,
    /// The flow itself, sealed: put as `_flow` into every form while only the page keeps it.
    pub carried: Option<String>,
    /// One message on top of the page, such as "We sent you a new code".
    pub notice: Option<Notice>,
    /// The app the person came from; where there is none, the project's name.
    pub app_name: String,
}

impl PageContext {
    /// The text `key`; `{ $app }` is the app's and `{ $brand }` the project's name.
    pub fn t(&self, key: &str) -> String {
        self.fill(key, &[])
    }

    /// The text `key` with one more argument.
    pub fn t_with(&self, key: &str, name: &'static str, value: impl Into<Arg>) -> String {
        self.fill(key, &[(name, value.into())])
    }

    /// A [`Text`] in the reader's language.
    pub fn say(&self, text: impl AsRef<Text>) -> String {
        let text = text.as_ref();
        self.fill(text.key(), text.args())
    }

    fn fill(&self, key: &str, own: &[(&'static str, Arg)]) -> String {
        let mut args = Vec::with_capacity(own.len() + 2);
        args.push(("app", Arg::from(self.app_name.as_str())));
        args.push(("brand", Arg::from(self.brand.name.as_str())));
        args.extend_from_slice(own);
        self.locale.text_with(key, &args)
    }

    /// A link in the words of the text `key`. While the page carries its flow, one to another page of the flow is a button
    /// that takes the flow along.
    pub fn link(&self, href: &str, key: &str, class: &str) -> String {
        finish(LinkPart { text: self.t(key), href, class, carries: self.carries(href) }.render())
    }

    /// Whether a link to this address must take the flow along.
    pub fn carries(&self, href: &str) -> bool {
        self.carried.is_some() && href.starts_with("/flow/")
    }

    /// The hashed address of an embedded asset.
    pub fn asset(&self, name: &str) -> String {
        asset_href(name)
    }

    /// The address of the brand's style sheet.
    pub fn theme(&self) -> String {
        theme_href(&self.brand)
    }

    /// The first letter of the brand, for the drawn logo.
    pub fn monogram(&self) -> String {
        self.brand.name.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect()).unwrap_or_default()
    }
}

#[derive(Template)]
#[template(path = "part/link.html")]
struct LinkPart<'a> {
    text: String,
    href: &'a str,
    class: &'a str,
    carries: bool,
}
