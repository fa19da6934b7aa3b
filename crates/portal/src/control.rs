//! Form controls of the portal: labeled, with a hint and an error.

use askama::Template;
use vestibule_web::template::finish;

/// An option of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    pub value: String,
    pub label: String,
    /// One sentence; may be empty.
    pub hint: String,
}

impl Pick {
    pub fn new(value: impl Into<String>, label: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: hint.into() }
    }
}

/// The type of a control, with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// One line; the text is the input's `type`.
    Line(&'static str),
    /// A color such as `#0f766e`, typed or picked.
    Color,
    /// A length of time such as `90s` or `1h`; with scripts, a number and a unit.
    Period,
    /// A whole number; in seconds, it is also shown in words.
    Number {
        unit: &'static str,
    },
    /// Several lines, one entry each.
    Lines {
        rows: u8,
    },
    /// On or off; on is sent as `on`.
    Toggle,
    /// One of several, as radio buttons.
    Radio(Vec<Pick>),
    /// One of several, as a drop-down list.
    Select(Vec<Pick>),
    /// Any of several, as check boxes; each is sent under its own name, and the value has the chosen ones, one per
    /// line.
    Checks(Vec<Pick>),
    NewPassword,
    Password,
}

/// A labeled control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub error: Option<String>,
    pub kind: ControlKind,
    /// The value; `on` for a toggle that is on.
    pub value: String,
    /// The name of the toggle that must be on for the control to have an effect.
    pub depends_on: Option<String>,
    pub is_locked: bool,
    pub is_required: bool,
    pub autocomplete: &'static str,
    pub placeholder: String,
    /// The owner of the control, where several controls of a page have the same label.
    pub owner: Option<String>,
}

impl Control {
    /// A control with a name, a label and a value; the rest has defaults.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: ControlKind, value: impl Into<String>) -> Self {
        let autocomplete = match kind {
            ControlKind::NewPassword => "new-password",
            ControlKind::Password => "current-password",
            ControlKind::Line(_)
            | ControlKind::Color
            | ControlKind::Period
            | ControlKind::Number { .. }
            | ControlKind::Lines { .. }
            | ControlKind::Toggle
            | ControlKind::Radio(_)
            | ControlKind::Select(_)
            | ControlKind::Checks(_) => "off",
        };
        Self {
            name: name.into(),
            label: label.into(),
            hint: String::new(),
            error: None,
            kind,
            value: value.into(),
            depends_on: None,
            is_locked: false,
            is_required: false,
            autocomplete,
            placeholder: String::new(),
            owner: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    #[must_use]
    pub fn error(mut self, error: Option<impl Into<String>>) -> Self {
        self.error = error.map(Into::into);
        self
    }

    /// Makes it depend on a toggle.
    #[must_use]
    pub fn depends(mut self, toggle: &str) -> Self {
        self.depends_on = Some(toggle.to_string());
        self
    }

    #[must_use]
    pub fn placeholder(mut self, words: impl Into<String>) -> Self {
        self.placeholder = words.into();
        self
    }

    /// Names its owner, where several controls have the same label.
    #[must_use]
    pub fn of(mut self, owner: impl Into<String>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    #[must_use]
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    #[must_use]
    pub fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = what;
        self
    }

    /// The label with its owner.
    pub(crate) fn full_label(&self) -> String {
        match &self.owner {
            Some(owner) => format!("{} ({owner})", self.label),
            None => self.label.clone(),
        }
    }

    /// A value of this control in readable form.
    pub fn show(&self, value: &str) -> String {
        let label = match &self.kind {
            ControlKind::Toggle => Some(if value == "on" { "on" } else { "off" }.to_string()),
            ControlKind::Radio(picks) | ControlKind::Select(picks) => {
                picks.iter().find(|pick| pick.value == value).map(|pick| pick.label.clone())
            }
            ControlKind::Checks(picks) => {
                let chosen = picks.iter().filter(|pick| value.lines().any(|line| line == pick.value));
                Some(chosen.map(|pick| pick.label.as_str()).collect::<Vec<_>>().join(", "))
            }
            // As the fields show it: a number and a unit.
            ControlKind::Number { unit: "seconds" } => value.trim().parse().ok().map(describe_seconds),
            ControlKind::Line(_)
            | ControlKind::Color
            | ControlKind::Period
            | ControlKind::Number { .. }
            | ControlKind::Lines { .. }
            | ControlKind::NewPassword
            | ControlKind::Password => None,
        };
        let shown = label.unwrap_or_else(|| value.replace('\n', ", "));
        if shown.is_empty() { "nothing".to_string() } else { shown }
    }

    /// The error and the ID of its field, for the page's summary.
    pub fn problem(&self) -> Option<(String, String)> {
        let error = self.error.clone()?;
        let message = self.owner.as_ref().map_or_else(|| error.clone(), |owner| format!("{owner}: {error}"));
        Some((self.focus_id(), message))
    }

    /// The ID of the first input element.
    fn focus_id(&self) -> String {
        match &self.kind {
            ControlKind::Radio(_) | ControlKind::Checks(_) => format!("{}-0", self.name),
            ControlKind::Line(_)
            | ControlKind::Color
            | ControlKind::Period
            | ControlKind::Number { .. }
            | ControlKind::Lines { .. }
            | ControlKind::Toggle
            | ControlKind::Select(_)
            | ControlKind::NewPassword
            | ControlKind::Password => self.name.clone(),
        }
    }

    pub fn render(&self) -> String {
        finish(ControlBody { control: self }.render())
    }

    fn described_by(&self) -> String {
        let parts = [(!self.hint.is_empty(), "hint"), (self.error.is_some(), "error")];
        let ids: Vec<String> =
            parts.iter().filter(|(there, _)| *there).map(|(_, part)| format!("{}-{part}", self.name)).collect();
        ids.join(" ")
    }

    fn is_on(&self) -> bool {
        self.value == "on"
    }

    fn input_type(&self) -> &'static str {
        match self.kind {
            ControlKind::Line(kind) => kind,
            ControlKind::NewPassword | ControlKind::Password => "password",
            ControlKind::Color
            | ControlKind::Period
            | ControlKind::Number { .. }
            | ControlKind::Lines { .. }
            | ControlKind::Toggle
            | ControlKind::Radio(_)
            | ControlKind::Select(_)
            | ControlKind::Checks(_) => "text",
        }
    }

    /// The name under which a check box is sent.
    pub(crate) fn box_name(&self, pick: &Pick) -> String {
        format!("{}.{}", self.name, pick.value)
    }

    /// The color to begin picking with: `#rrggbb`, as browsers want it.
    fn picked_color(&self) -> &str {
        let is_whole =
            |text: &&str| text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|b| b.is_ascii_hexdigit());
        [self.value.as_str(), self.placeholder.as_str()].into_iter().find(is_whole).unwrap_or("#000000")
    }

    fn has(&self, pick: &Pick) -> bool {
        self.value.lines().any(|line| line == pick.value)
    }

    /// A number of seconds in words, for the line below it.
    fn describe_value(&self) -> String {
        self.value.trim().parse().map(describe_seconds).unwrap_or_default()
    }

    fn is_secret(&self) -> bool {
        matches!(self.kind, ControlKind::NewPassword | ControlKind::Password)
    }
}

#[derive(Template)]
#[template(path = "portal/control.html")]
struct ControlBody<'a> {
    control: &'a Control,
}

/// A duration in words: "30 days", "1 hour 30 minutes". `assets/portal.js` has the same function.
pub(crate) fn describe_seconds(seconds: u64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("week", 7 * 24 * 3_600), ("day", 24 * 3_600), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    // Use weeks only if there is no remainder: "30 days" is clearer than "4 weeks 2 days".
    let units = if seconds.is_multiple_of(UNITS[0].1) && seconds > 0 { &UNITS[..] } else { &UNITS[1..] };
    for (name, size) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "0 seconds".to_string() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_said_as_people_say_them() {
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (300, "5 minutes"),
            (5_400, "1 hour 30 minutes"),
            (2_592_000, "30 days"),
            (604_800, "1 week"),
            (31_449_600, "52 weeks"),
            (90_061, "1 day 1 hour 1 minute 1 second"),
        ] {
            assert_eq!(describe_seconds(seconds), expected);
        }
    }
}
