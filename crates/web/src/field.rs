//! Parts of forms: fields with label, hint and error; links; the choice of login ID.

use askama::Template;

use crate::{context::PageContext, template::finish, text::Text};

/// A link and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextLink {
    pub href: String,
    pub text: Text,
}

impl TextLink {
    pub fn to_app(href: impl Into<String>) -> Self {
        Self { href: href.into(), text: Text::new("link-back-to-app") }
    }

    /// A link to the account page, for a project without a page of its own.
    pub fn to_account() -> Self {
        Self { href: "/settings".into(), text: Text::new("account-back") }
    }
}

/// A kind of login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginIdField {
    Email,
    Phone,
    Username,
}

impl LoginIdField {
    /// The value of the field `login_id_kind`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }

    /// The kind named by a field or query parameter.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Email, Self::Phone, Self::Username].into_iter().find(|kind| kind.as_str() == name)
    }

    pub fn label(self) -> Text {
        Text::new(match self {
            Self::Email => "field-email",
            Self::Phone => "field-phone",
            Self::Username => "field-username",
        })
    }

    pub fn short_label(self) -> &'static str {
        match self {
            Self::Email => "kind-email",
            Self::Phone => "kind-phone",
            Self::Username => "kind-username",
        }
    }

    /// The input field for it. `signing_in` tells password managers that it is the account's name.
    pub fn field(self, value: &str, error: Option<&Text>, signing_in: bool) -> Field {
        let (kind, autocomplete, hint) = match self {
            Self::Email if signing_in => ("email", "username", None),
            Self::Email => ("email", "email", None),
            Self::Phone if signing_in => ("tel", "username", Some(Text::new("hint-phone"))),
            Self::Phone => ("tel", "tel", Some(Text::new("hint-phone"))),
            Self::Username => ("text", "username", None),
        };
        Field {
            hint,
            value: value.to_owned(),
            error: error.cloned(),
            ltr: true,
            autocomplete,
            plain: true,
            ..Field::new("login_id", self.label(), kind)
        }
    }
}

/// A selectable kind of login ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginIdChoice {
    pub kind: LoginIdField,
    pub href: String,
}

impl LoginIdChoice {
    /// The key of the link that adds one.
    pub fn add_label(&self) -> &'static str {
        match self.kind {
            LoginIdField::Email => "link-add-email",
            LoginIdField::Phone => "link-add-phone",
            LoginIdField::Username => "link-add-username",
        }
    }
}

/// The progress in a flow, such as 1 of 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    pub current: u8,
    pub total: u8,
}

impl Steps {
    pub fn text(self) -> Text {
        Text::new("steps").with("current", u32::from(self.current)).with("total", u32::from(self.total))
    }

    /// True for each step already reached, in order.
    pub fn dots(self) -> impl Iterator<Item = bool> {
        (1..=self.total).map(move |step| step <= self.current)
    }
}

/// The strength of a password, as the server measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    VeryWeak,
    Weak,
    Fair,
    Good,
    Strong,
}

impl Strength {
    /// All, weakest first.
    pub const ALL: [Self; 5] = [Self::VeryWeak, Self::Weak, Self::Fair, Self::Good, Self::Strong];

    /// 0 to 4.
    pub fn score(self) -> u8 {
        self as u8
    }

    pub fn key(self) -> &'static str {
        match self {
            Self::VeryWeak => "strength-0",
            Self::Weak => "strength-1",
            Self::Fair => "strength-2",
            Self::Good => "strength-3",
            Self::Strong => "strength-4",
        }
    }
}

/// The purpose of a password field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordUse {
    New { min_length: u32 },
    Current,
}

/// A password field; its value is never sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordField {
    pub purpose: PasswordUse,
    /// The error of the last input.
    pub error: Option<Text>,
    pub strength: Option<Strength>,
}

impl PasswordField {
    pub fn new(min_length: u32) -> Self {
        Self { purpose: PasswordUse::New { min_length }, error: None, strength: None }
    }

    pub fn current() -> Self {
        Self { purpose: PasswordUse::Current, error: None, strength: None }
    }

    #[must_use]
    pub fn with_error(mut self, error: impl Into<Text>) -> Self {
        self.error = Some(error.into());
        self
    }

    pub fn field(&self) -> Field {
        let (label, autocomplete, hint) = match self.purpose {
            PasswordUse::New { min_length } => {
                ("field-new-password", "new-password", Some(Text::new("hint-new-password").with("min", min_length)))
            }
            PasswordUse::Current => ("field-password", "current-password", None),
        };
        Field {
            hint,
            error: self.error.clone(),
            autocomplete,
            ltr: true,
            plain: true,
            reveal: true,
            meter: matches!(self.purpose, PasswordUse::New { .. }),
            strength: self.strength,
            ..Field::new("password", Text::new(label), "password")
        }
    }
}

/// A labeled input.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: &'static str,
    pub label: Text,
    pub kind: &'static str,
    pub value: String,
    pub hint: Option<Text>,
    pub error: Option<Text>,
    pub autocomplete: &'static str,
    pub inputmode: Option<&'static str>,
    pub max_length: Option<u32>,
    pub required: bool,
    pub autofocus: bool,
    /// Shown, and not to be changed.
    pub readonly: bool,
    /// Left to right in every language: addresses, numbers, codes.
    pub ltr: bool,
    /// No capitalization and no spell checking.
    pub plain: bool,
    pub reveal: bool,
    pub meter: bool,
    pub strength: Option<Strength>,
    pub class: &'static str,
}

impl Field {
    pub fn new(name: &'static str, label: Text, kind: &'static str) -> Self {
        Self {
            name,
            label,
            kind,
            value: String::new(),
            hint: None,
            error: None,
            autocomplete: "off",
            inputmode: None,
            max_length: None,
            required: true,
            autofocus: false,
            readonly: false,
            ltr: false,
            plain: false,
            reveal: false,
            meter: false,
            strength: None,
            class: "",
        }
    }

    /// The error and the ID of its field, for the page's summary.
    pub fn problem(&self) -> Option<(&'static str, Text)> {
        Some((self.name, self.error.clone()?))
    }

    /// Sets the focus to the only field with an error. Several errors are listed in the page's summary, which then has
    /// the focus.
    pub fn focus_only_problem(fields: &mut [Self]) {
        let mut wrong = fields.iter_mut().filter(|field| field.error.is_some());
        if let (Some(field), None) = (wrong.next(), wrong.next()) {
            field.autofocus = true;
        }
    }

    pub fn render(&self, ctx: &PageContext) -> String {
        finish(Input { ctx, field: self }.render())
    }

    /// The IDs of the texts that describe the input.
    fn described_by(&self) -> String {
        let parts = [(self.hint.is_some(), "hint"), (self.error.is_some(), "error"), (self.meter, "strength")];
        let ids: Vec<String> =
            parts.iter().filter(|(there, _)| *there).map(|(_, part)| format!("{}-{part}", self.name)).collect();
        ids.join(" ")
    }
}

#[derive(Template)]
#[template(path = "part/field.html")]
struct Input<'a> {
    ctx: &'a PageContext,
    field: &'a Field,
}
