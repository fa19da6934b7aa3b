//! A control of a settings form, made from the path of the key it edits: its kind, choices and default are the schema's;
//! a page adds the words.

use serde_json::Value;
use vestibule_domain::project::{Period, SettingKind, SettingsWarning};

use crate::{
    control::{Control, ControlKind, Pick, describe_seconds},
    field_binding::FieldBinding,
};

/// A control and its binding.
#[derive(Clone, Debug)]
pub(super) struct BoundControl {
    pub(super) control: Control,
    pub(super) binding: FieldBinding,
}

/// The control of a key.
pub(super) fn control(path: &str, name: &str, label: &str) -> BoundControl {
    let binding = FieldBinding::new(path);
    let pick = |word: String| Pick::new(word.clone(), word, "");
    let picks = || -> Vec<Pick> { binding.words().into_iter().map(pick).collect() };
    let kind = match binding.key().kind() {
        Some(SettingKind::Flag) => ControlKind::Toggle,
        Some(SettingKind::Whole { .. }) if path.ends_with("_seconds") => ControlKind::Number { unit: "seconds" },
        Some(SettingKind::Whole { .. }) => ControlKind::Number { unit: "" },
        Some(SettingKind::Word(_)) => ControlKind::Select(picks()),
        Some(SettingKind::Words { .. }) => ControlKind::Checks(picks()),
        Some(SettingKind::Texts) => ControlKind::Lines { rows: 4 },
        Some(SettingKind::Text) if path.ends_with(".period") => ControlKind::Period,
        Some(SettingKind::Text) | None => ControlKind::Line("text"),
    };
    let control = Control::new(name, label, kind, "");
    let control = if binding.key().is_required() { control.required() } else { control };
    BoundControl { control, binding }
}

/// A length of time such as `1h30m` in words.
fn describe_period(text: &str) -> Option<String> {
    text.parse::<Period>().ok().map(|period| describe_seconds(period.0.as_secs()))
}

/// A toggle that puts a word into a list.
pub(super) fn member(path: &str, word: &'static str, name: &str, label: &str) -> BoundControl {
    toggle(FieldBinding::member(path, word), name, label)
}

/// A toggle that is on where the flag is not.
pub(super) fn inverted(path: &str, name: &str, label: &str) -> BoundControl {
    toggle(FieldBinding::inverted(path), name, label)
}

/// A toggle for a number that is 0 or 1.
pub(super) fn one(path: &str, name: &str, label: &str) -> BoundControl {
    toggle(FieldBinding::one(path), name, label)
}

fn toggle(binding: FieldBinding, name: &str, label: &str) -> BoundControl {
    BoundControl { control: Control::new(name, label, ControlKind::Toggle, ""), binding }
}

impl BoundControl {
    fn with(self, change: impl FnOnce(Control) -> Control) -> Self {
        Self { control: change(self.control), ..self }
    }

    pub(super) fn of_kind(self, kind: ControlKind) -> Self {
        self.with(|control| Control { kind, ..control })
    }

    /// Adds the warnings about this key to the hint.
    pub(super) fn warn(mut self, warnings: &[SettingsWarning], key: &str) -> Self {
        for warning in warnings.iter().filter(|warning| warning.path.starts_with(&format!("{key}["))) {
            self.control.hint.push_str(" Warning: ");
            self.control.hint.push_str(&warning.message);
            self.control.hint.push('.');
        }
        self
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        self.with(|control| control.hint(hint))
    }

    pub(super) fn depends(self, toggle: &str) -> Self {
        self.with(|control| control.depends(toggle))
    }

    pub(super) fn placeholder(self, words: &str) -> Self {
        self.with(|control| control.placeholder(words))
    }

    /// Names its owner, where several controls have the same label.
    pub(super) fn of(self, owner: &str) -> Self {
        self.with(|control| control.of(owner))
    }

    /// The unit of a number.
    pub(super) fn unit(self, unit: &'static str) -> Self {
        self.of_kind(ControlKind::Number { unit })
    }

    /// The `type` of an input of one line.
    pub(super) fn input(self, kind: &'static str) -> Self {
        self.of_kind(ControlKind::Line(kind))
    }

    /// The height of a field with several lines.
    pub(super) fn rows(self, rows: u8) -> Self {
        self.of_kind(ControlKind::Lines { rows })
    }

    /// The label and the hint of each choice, by its word. A number with choices becomes a drop-down list.
    pub(super) fn choices(self, describe: impl Fn(&str) -> (&str, &'static str)) -> Self {
        let pick = |word: String| {
            let (label, hint) = describe(&word);
            Pick::new(word.clone(), label, hint)
        };
        let picks = self.binding.words().into_iter().map(pick).collect();
        let is_list = matches!(self.control.kind, ControlKind::Checks(_));
        self.of_kind(if is_list { ControlKind::Checks(picks) } else { ControlKind::Select(picks) })
    }

    /// Radio buttons instead of a drop-down list.
    pub(super) fn radio(self) -> Self {
        if let ControlKind::Select(picks) = &self.control.kind {
            let picks = picks.clone();
            return self.of_kind(ControlKind::Radio(picks));
        }
        self
    }

    /// With another default, where that depends on other keys.
    pub(super) fn with_default(self, default: Value) -> Self {
        Self { binding: self.binding.with_default(default), ..self }
    }

    /// The control as it is shown: the hint of a number or a text ends with the default.
    pub(super) fn show(self, is_locked: bool) -> Control {
        let default = match &self.control.kind {
            ControlKind::Number { unit } => self.binding.describe_default(unit),
            ControlKind::Line(_) => self.binding.describe_default(""),
            ControlKind::Period => self.binding.describe_default("").and_then(|text| describe_period(&text)),
            ControlKind::Color
            | ControlKind::Lines { .. }
            | ControlKind::Toggle
            | ControlKind::Radio(_)
            | ControlKind::Select(_)
            | ControlKind::Checks(_)
            | ControlKind::NewPassword
            | ControlKind::Password => None,
        };
        let hint = match default {
            Some(default) => format!("{} Default: {default}.", self.control.hint).trim_start().to_string(),
            None => self.control.hint,
        };
        Control { hint, is_locked, ..self.control }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(word: &str) -> (&str, &'static str) {
        (word, "")
    }

    #[test]
    fn the_kind_and_the_default_are_those_of_the_schema() {
        let shown = control("session.lifetime_seconds", "lifetime", "Lifetime").hint("For all.").show(false);
        assert_eq!(
            (shown.kind, shown.hint.as_str()),
            (ControlKind::Number { unit: "seconds" }, "For all. Default: 52 weeks.")
        );
        let shown = control("password_policy.min_length", "length", "Length").unit("characters").show(true);
        assert_eq!((shown.hint.as_str(), shown.is_locked), ("Default: 8 characters.", true));
        let shown = control("ui.color_scheme", "scheme", "Scheme").choices(plain).show(false);
        let words: Vec<_> = ["auto", "light", "dark"].map(|word| Pick::new(word, word, "")).into();
        assert_eq!((shown.kind, shown.hint.as_str()), (ControlKind::Select(words), ""));
        let strength = control("password_policy.min_strength", "strength", "Strength").choices(plain).show(false);
        assert!(matches!(strength.kind, ControlKind::Select(picks) if picks.len() == 5) && strength.hint.is_empty());
        let period = control("authentication.rate_limits.signup.per_ip.period", "period", "Period").show(false);
        assert_eq!(period.kind, ControlKind::Period);
        assert!(period.hint.starts_with("Default: ") && period.hint.ends_with("minute."), "{}", period.hint);
        let url = control("hook.blocking_handlers[].url", "url", "URL").show(false);
        assert!(url.is_required && url.hint.is_empty());
    }
}
