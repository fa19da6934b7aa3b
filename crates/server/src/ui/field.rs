//! The pieces forms are made of: fields with label, hint and complaint; links; the choice of login ID.

use askama::Template;

use super::context::PageContext;
use super::page::finish;
use super::text::Text;

/// A link and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub text: Text,
}

impl Link {
    /// The way back to the app.
    pub fn to_app(href: impl Into<String>) -> Self {
        Self { href: href.into(), text: Text::new("link-back-to-app") }
    }

    /// The account page, for a project that names no page of its own.
    pub fn to_account() -> Self {
        Self { href: "/settings".into(), text: Text::new("account-back") }
    }
}

/// A kind of login ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginIdKind {
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// A username.
    Username,
}

impl LoginIdKind {
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

    pub(super) fn label(self) -> Text {
        Text::new(match self {
            Self::Email => "field-email",
            Self::Phone => "field-phone",
            Self::Username => "field-username",
        })
    }

    pub(super) fn short_label(self) -> &'static str {
        match self {
            Self::Email => "kind-email",
            Self::Phone => "kind-phone",
            Self::Username => "kind-username",
        }
    }

    /// The field in which one is typed. `signing_in` tells password managers that it is the account's name.
    pub(super) fn field(self, value: &str, error: Option<&Text>, signing_in: bool) -> Field {
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

/// One login ID kind to choose, and the address that chooses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginIdChoice {
    /// The kind.
    pub kind: LoginIdKind,
    /// The page again, with this kind chosen.
    pub href: String,
}

/// How far a short journey has come, such as 1 of 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The step shown, from 1.
    pub current: u8,
    /// All steps.
    pub total: u8,
}

impl Steps {
    pub(super) fn text(self) -> Text {
        Text::new("steps").with("current", u32::from(self.current)).with("total", u32::from(self.total))
    }

    /// True for each step already reached, in order.
    pub(super) fn dots(self) -> impl Iterator<Item = bool> {
        (1..=self.total).map(move |step| step <= self.current)
    }
}

/// How good a password is, as the server judged the last one typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// Guessed at once.
    VeryWeak,
    /// Guessed soon.
    Weak,
    /// Fair.
    Fair,
    /// Good.
    Good,
    /// Very good.
    Strong,
}

impl Strength {
    /// All, weakest first.
    pub const ALL: [Self; 5] = [Self::VeryWeak, Self::Weak, Self::Fair, Self::Good, Self::Strong];

    /// 0 to 4.
    pub fn score(self) -> u8 {
        self as u8
    }

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::VeryWeak => "strength-0",
            Self::Weak => "strength-1",
            Self::Fair => "strength-2",
            Self::Good => "strength-3",
            Self::Strong => "strength-4",
        }
    }
}

/// What a password field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordUse {
    /// Choosing one, of at least `min_length` characters.
    New {
        /// The least number of characters the policy takes.
        min_length: u32,
    },
    /// Giving the one already set.
    Current,
}

/// A password field; what was typed is never sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordField {
    /// New or current.
    pub purpose: PasswordUse,
    /// What is wrong with the last one.
    pub error: Option<Text>,
    /// How good the last one was.
    pub strength: Option<Strength>,
}

impl PasswordField {
    /// An empty field for a new password.
    pub fn new(min_length: u32) -> Self {
        Self { purpose: PasswordUse::New { min_length }, error: None, strength: None }
    }

    /// An empty field for the current password.
    pub fn current() -> Self {
        Self { purpose: PasswordUse::Current, error: None, strength: None }
    }

    /// The same field with a complaint.
    #[must_use]
    pub fn with_error(mut self, error: impl Into<Text>) -> Self {
        self.error = Some(error.into());
        self
    }

    pub(super) fn field(&self) -> Field {
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

/// One labelled input.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Name and id.
    pub(super) name: &'static str,
    pub(super) label: Text,
    /// The input's `type`.
    pub(super) kind: &'static str,
    pub(super) value: String,
    pub(super) hint: Option<Text>,
    pub(super) error: Option<Text>,
    pub(super) autocomplete: &'static str,
    pub(super) inputmode: Option<&'static str>,
    pub(super) max_length: Option<u32>,
    pub(super) required: bool,
    pub(super) autofocus: bool,
    /// Shown, and not to be changed.
    pub(super) readonly: bool,
    /// Written left to right in every language: addresses, numbers, codes.
    pub(super) ltr: bool,
    /// Neither capitalised nor spell-checked.
    pub(super) plain: bool,
    pub(super) reveal: bool,
    pub(super) meter: bool,
    pub(super) strength: Option<Strength>,
    pub(super) class: &'static str,
}

impl Field {
    pub(super) fn new(name: &'static str, label: Text, kind: &'static str) -> Self {
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

    /// The complaint with the field it belongs to, for the page's summary.
    pub(super) fn complaint(&self) -> Option<(&'static str, Text)> {
        Some((self.name, self.error.clone()?))
    }

    /// Gives the focus to the only field with a complaint. Several are listed in the page's summary, which has it then.
    pub(super) fn focus_lone_complaint(fields: &mut [Self]) {
        let mut wrong = fields.iter_mut().filter(|field| field.error.is_some());
        if let (Some(field), None) = (wrong.next(), wrong.next()) {
            field.autofocus = true;
        }
    }

    pub(super) fn render(&self, ctx: &PageContext) -> String {
        finish(Input { ctx, field: self }.render())
    }

    /// The ids of the texts that explain the input.
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
