//! Values that every page needs besides its content: language, colors, brand, CSRF token, notice.

use askama::Template;

use crate::{
    asset::asset_href,
    brand::Brand,
    locale::Locale,
    notice::Notice,
    template::finish,
    text::{Arg, Text},
    theme::theme_href,
};

/// The color scheme: as the app requested (`x_color_scheme`) or as the device prefers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageColorScheme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl PageColorScheme {
    /// The value of `data-color-scheme` on the root element.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The scheme of the protocol parameter; unknown values follow the device.
    pub fn parse(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }
}

/// Where the files of a page are found.
#[derive(Clone, Debug, Default)]
pub struct AssetPlace {
    /// What comes before `/assets`; nothing on a project's own host.
    pub base: &'static str,
    /// The URL of other colors than those of the saved brand, for a preview.
    pub theme: Option<String>,
}

/// The context of a page.
#[derive(Clone, Debug)]
pub struct PageContext {
    pub locale: Locale,
    pub color_scheme: PageColorScheme,
    pub brand: Brand,
    /// The CSRF token, sent as `_csrf` by every form.
    pub csrf: String,
    /// The sealed flow, sent as `_flow` by every form until the flow is stored.
    pub carried: Option<String>,
    /// A message at the top of the page, such as "We sent you a new code".
    pub notice: Option<Notice>,
    /// The name of the app; without one, the project's name.
    pub app_name: String,
    pub assets: AssetPlace,
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
    pub fn translate(&self, text: impl AsRef<Text>) -> String {
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

    /// A link with the text `key`. While the page carries its flow, a link to another page of the flow is rendered as a
    /// button that sends the flow.
    pub fn link(&self, href: &str, key: &str, class: &str) -> String {
        finish(LinkPart { text: self.t(key), href, class, carries: self.carries(href) }.render())
    }

    /// Whether a link to this URL must send the flow.
    pub fn carries(&self, href: &str) -> bool {
        self.carried.is_some() && href.starts_with("/flow/")
    }

    /// The hashed URL of an embedded asset.
    pub fn asset(&self, name: &str) -> String {
        format!("{}{}", self.assets.base, asset_href(name))
    }

    /// The URL of the brand's style sheet.
    pub fn theme(&self) -> String {
        self.assets.theme.clone().unwrap_or_else(|| theme_href(&self.brand))
    }

    /// Whether the page has scripts. A preview has none: it is a picture of itself.
    pub(crate) fn has_scripts(&self) -> bool {
        self.assets.theme.is_none()
    }

    /// The first letter of the brand, for the monogram.
    pub(crate) fn monogram(&self) -> String {
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
