//! What forms of the portal are made of: labelled controls with a hint and a complaint beside them.

use askama::Template;

use crate::ui::page::finish;

/// A choice among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// What is sent.
    pub value: String,
    /// What it is called.
    pub label: String,
    /// One sentence about it; may be empty.
    pub hint: String,
}

impl Pick {
    /// A choice with a sentence about it.
    pub fn new(value: impl Into<String>, label: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: hint.into() }
    }
}

/// What kind of control it is, with what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// One line; the word is the input's `type`.
    Line(&'static str),
    /// A whole number.
    Number {
        /// What it counts.
        unit: &'static str,
        /// The least.
        min: u32,
    },
    /// Several lines, one entry each.
    Lines {
        /// How many are shown.
        rows: u8,
    },
    /// On or off; on is sent as `on`.
    Toggle,
    /// One of several, all in sight.
    Radio(Vec<Pick>),
    /// One of several, folded away.
    Select(Vec<Pick>),
    /// Any of several, all in sight; each is sent by a name of its own, and the value has the chosen ones, one a line.
    Checks(Vec<Pick>),
    /// A new password.
    NewPassword,
    /// The current password.
    Password,
}

/// A labelled control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Name and id.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// What it does; may be empty.
    pub hint: String,
    /// What is wrong with what was typed.
    pub error: Option<String>,
    /// The kind.
    pub kind: ControlKind,
    /// What is in it; `on` for a toggle that is on.
    pub value: String,
    /// The name of the toggle that must be on for it to count.
    pub depends_on: Option<String>,
    /// Shown, not to be changed.
    pub is_locked: bool,
    /// Must not be empty.
    pub is_required: bool,
    /// The value of `autocomplete`.
    pub autocomplete: &'static str,
    /// What stands in the empty field.
    pub placeholder: String,
    /// What it belongs to, where several controls of a page are called the same.
    pub whose: Option<String>,
}

impl Control {
    /// A control with a name, a label and a value; the rest is as it is most of the time.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: ControlKind, value: impl Into<String>) -> Self {
        let autocomplete = match kind {
            ControlKind::NewPassword => "new-password",
            ControlKind::Password => "current-password",
            ControlKind::Line(_)
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
            whose: None,
        }
    }

    /// With a sentence that says what it does.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// With a complaint, if there is one.
    #[must_use]
    pub fn error(mut self, error: Option<impl Into<String>>) -> Self {
        self.error = error.map(Into::into);
        self
    }

    /// That counts only while this toggle is on.
    #[must_use]
    pub fn depends(mut self, toggle: &str) -> Self {
        self.depends_on = Some(toggle.to_string());
        self
    }

    /// With words in the empty field.
    #[must_use]
    pub fn placeholder(mut self, words: impl Into<String>) -> Self {
        self.placeholder = words.into();
        self
    }

    /// One of several of this label: this thing's.
    #[must_use]
    pub fn of(mut self, whose: impl Into<String>) -> Self {
        self.whose = Some(whose.into());
        self
    }

    /// Must not be empty.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// With what the browser may fill in.
    #[must_use]
    pub fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = what;
        self
    }

    /// What it is called, wherever it stands.
    pub fn full_label(&self) -> String {
        match &self.whose {
            Some(whose) => format!("{} ({whose})", self.label),
            None => self.label.clone(),
        }
    }

    /// A value of this control, as people read it.
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
            ControlKind::Line(_)
            | ControlKind::Number { .. }
            | ControlKind::Lines { .. }
            | ControlKind::NewPassword
            | ControlKind::Password => None,
        };
        let shown = label.unwrap_or_else(|| value.replace('\n', ", "));
        if shown.is_empty() { "nothing".to_string() } else { shown }
    }

    /// The complaint with the field it belongs to, for the page's summary.
    pub fn complaint(&self) -> Option<(String, String)> {
        let error = self.error.clone()?;
        let message = self.whose.as_ref().map_or_else(|| error.clone(), |whose| format!("{whose}: {error}"));
        Some((self.focus_id(), message))
    }

    /// The id of the first thing that can be typed into.
    fn focus_id(&self) -> String {
        match &self.kind {
            ControlKind::Radio(_) | ControlKind::Checks(_) => format!("{}-0", self.name),
            ControlKind::Line(_)
            | ControlKind::Number { .. }
            | ControlKind::Lines { .. }
            | ControlKind::Toggle
            | ControlKind::Select(_)
            | ControlKind::NewPassword
            | ControlKind::Password => self.name.clone(),
        }
    }

    /// The control as HTML.
    pub fn render(&self) -> String {
        finish(Body { control: self }.render())
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
            ControlKind::Number { .. }
            | ControlKind::Lines { .. }
            | ControlKind::Toggle
            | ControlKind::Radio(_)
            | ControlKind::Select(_)
            | ControlKind::Checks(_) => "text",
        }
    }

    /// The name by which one of several boxes is sent.
    pub fn box_name(&self, pick: &Pick) -> String {
        format!("{}.{}", self.name, pick.value)
    }

    fn has(&self, pick: &Pick) -> bool {
        self.value.lines().any(|line| line == pick.value)
    }

    /// A number of seconds in words, for the line below it.
    fn said(&self) -> String {
        self.value.trim().parse().map(describe_seconds).unwrap_or_default()
    }

    fn is_secret(&self) -> bool {
        matches!(self.kind, ControlKind::NewPassword | ControlKind::Password)
    }
}

#[derive(Template)]
#[template(path = "portal/control.html")]
struct Body<'a> {
    control: &'a Control,
}

/// A length of time as people say it: "30 days", "1 hour 30 minutes". `assets/portal.js` says the same.
pub fn describe_seconds(seconds: u64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("week", 7 * 24 * 3_600), ("day", 24 * 3_600), ("hour", 3_600), ("minute", 60), ("second", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    // Weeks only where nothing is left over: "30 days" says more than "4 weeks 2 days".
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
