//! The settings form: panels of controls, concurrent changes of others, and one save button.

use askama::Template;
use vestibule_web::template::finish;

use crate::{
    branding::BrandingPreview,
    control::{Control, describe_seconds},
    email_texts::EmailTexts,
    frame::{PortalContext, PortalPage},
};

/// A sentence computed from three controls of a panel; `assets/portal.js` updates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LifetimeHelp {
    pub lifetime: String,
    /// The name of the toggle for the idle timeout.
    pub enabled: Option<String>,
    pub idle: String,
    /// The values of empty fields.
    pub otherwise: Option<Lifetimes>,
}

/// A lifetime and an idle timeout, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    pub lifetime: u64,
    /// `None` when the idle timeout is off.
    pub idle: Option<u64>,
}

/// A collapsible panel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fold {
    pub note: String,
    pub is_open: bool,
}

/// A group of controls.
#[derive(Clone, Debug, Default)]
pub(crate) struct PanelView {
    pub title: String,
    pub hint: String,
    pub controls: Vec<Control>,
    pub help: Option<LifetimeHelp>,
    /// A link at its end: URL and text.
    pub link: Option<(String, String)>,
    pub fold: Option<Fold>,
}

/// A field that two operators changed.
#[derive(Clone, Debug)]
pub(crate) struct ConflictRow {
    pub label: String,
    /// Its value when the form was opened.
    pub was: String,
    pub theirs: String,
    /// The value typed here; `None` if it was not changed here.
    pub yours: Option<String>,
}

/// Changes by another operator while the form was open.
#[derive(Clone, Debug)]
pub(crate) struct ConflictNote {
    pub editor: Option<String>,
    pub rows: Vec<ConflictRow>,
}

/// A row about the lifetime of guests.
#[derive(Clone, Debug)]
pub(crate) struct LifetimeRow {
    pub name: String,
    pub href: String,
    /// `None` when the idle timeout is off.
    pub idle: Option<u64>,
    pub lifetime: u64,
}

/// Further content of a page.
#[derive(Clone, Debug)]
pub(crate) enum Extra {
    None,
    /// The lifetimes of guests.
    UserLifetime {
        /// `None` when the idle timeout is off.
        idle: Option<u64>,
        lifetime: u64,
        session_href: String,
        rows: Vec<LifetimeRow>,
        applications_href: String,
    },
    /// A preview of the hosted pages.
    Branding(Box<BrandingPreview>),
    /// A preview and a test of an email.
    EmailTexts(Box<EmailTexts>),
    /// Client configuration and links of an application.
    Application {
        facts: Vec<(String, String)>,
        /// Further pages: URL and text.
        links: Vec<(String, String)>,
    },
    /// What to register at a provider.
    Provider {
        /// Where and as what.
        register: &'static str,
        callback: String,
        /// For a provider that exists: whether its client secret is set, in words, and where to set it.
        secret: Option<(String, Option<String>)>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct SettingsFormPage {
    pub title: String,
    pub lead: String,
    pub section: &'static str,
    pub above: Option<(String, String)>,
    /// Where the form posts to, and where it is shown.
    pub action: String,
    pub panels: Vec<PanelView>,
    /// The values when the form was opened, sent back with it.
    pub base: String,
    pub conflict: Option<ConflictNote>,
    /// Whether the operator may not change settings.
    pub is_locked: bool,
    /// Whether it shows unsaved input.
    pub is_edited: bool,
    pub extra: Extra,
}

impl SettingsFormPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use crate::{control::ControlKind, webhooks::TestResultLine};
        let number = |name: &str, label: &str, value: &str| {
            Control::new(name, label, ControlKind::Number { unit: "seconds" }, value)
        };
        let lifetime = number("lifetime", "Lifetime", "31449600");
        let toggle = Control::new("idles", "Expire after idling", ControlKind::Toggle, "on");
        let idle = Control { depends_on: Some("idles".into()), ..number("idle", "Idle timeout", "2592000") };
        let help = LifetimeHelp {
            lifetime: "lifetime".into(),
            enabled: Some("idles".into()),
            idle: "idle".into(),
            otherwise: None,
        };
        let panel = PanelView {
            title: "Lifetimes".into(),
            hint: "Changes take effect at once.".into(),
            controls: vec![lifetime, toggle, idle],
            help: Some(help),
            link: Some(("/portal/p/shop/applications".into(), "Applications".into())),
            fold: None,
        };
        let own = |label: &str, name: &str| number(name, label, "").of("Corner Shop");
        let folded = PanelView {
            title: "Guests of Corner Shop".into(),
            controls: vec![own("Guest lifetime", "lifetime.web"), own("Guest idle timeout", "idle.web")],
            help: Some(LifetimeHelp {
                lifetime: "lifetime.web".into(),
                enabled: None,
                idle: "idle.web".into(),
                otherwise: Some(Lifetimes { lifetime: 31_449_600, idle: None }),
            }),
            fold: Some(Fold { note: "Same as members".into(), is_open: false }),
            ..PanelView::default()
        };
        let rows = vec![LifetimeRow {
            name: "Corner Shop".into(),
            href: "/portal/p/shop/applications/web".into(),
            idle: None,
            lifetime: 31_449_600,
        }];
        let plain = Self {
            title: "Session".into(),
            lead: "How long people stay signed in.".into(),
            section: "session",
            above: None,
            action: "/portal/p/shop/session".into(),
            panels: vec![panel, folded],
            base: "lifetime=31449600".into(),
            conflict: None,
            is_locked: false,
            is_edited: false,
            extra: Extra::UserLifetime {
                idle: Some(2_592_000),
                lifetime: 31_449_600,
                session_href: "/portal/p/shop/session".into(),
                rows,
                applications_href: "/portal/p/shop/applications".into(),
            },
        };
        let conflict = ConflictNote {
            editor: Some("Lee".into()),
            rows: vec![ConflictRow {
                label: "Lifetime".into(),
                was: "31449600".into(),
                theirs: "600".into(),
                yours: Some("900".into()),
            }],
        };
        let mut wrong = plain.clone();
        wrong.panels[0].controls[0].error = Some("Enter a whole number from 1 to 3153600000.".into());
        let color = Control::new("accent", "Color", ControlKind::Color, "#b0432b").hint("Of buttons and links.");
        let preview = BrandingPreview::new("/portal/p/shop/branding/preview".into(), "de");
        let mut branding = Self { extra: Extra::Branding(Box::new(preview)), ..plain.clone() };
        branding.panels[0].controls.push(color);
        let application = Self {
            extra: Extra::Application {
                facts: vec![("Client ID".into(), "web".into())],
                links: vec![("/portal/p/shop/applications/web/quick-start".into(), "Quick start".into())],
            },
            ..plain.clone()
        };
        let provider = Self {
            extra: Extra::Provider {
                register: "Create an OAuth client ID of the type “Web application”.",
                callback: "https://auth.shop.example/sso/oauth2/callback/google".into(),
                secret: Some(("Not set.".into(), Some("/portal/p/shop/providers/google/secret".into()))),
            },
            ..plain.clone()
        };
        let tested = TestResultLine { url: "kim@shop.example".into(), is_good: true, outcome: String::new() };
        let failed = TestResultLine { is_good: false, outcome: "it is <b>closed</b>".into(), ..tested.clone() };
        let texts =
            |test_result| Self { extra: Extra::EmailTexts(Box::new(EmailTexts::sample(test_result))), ..plain.clone() };
        vec![
            ("email-texts", texts(None)),
            ("email-texts-locked", Self { is_locked: true, ..texts(None) }),
            ("email-texts-tested", Self { is_edited: true, ..texts(Some(tested)) }),
            ("email-texts-failed", texts(Some(failed))),
            ("plain", plain.clone()),
            ("locked", Self { is_locked: true, ..plain.clone() }),
            ("conflict", Self { conflict: Some(conflict), ..plain }),
            ("wrong", wrong),
            ("branding", branding),
            ("application", application),
            ("provider", provider),
        ]
    }

    fn has_preview(&self) -> bool {
        matches!(self.extra, Extra::Branding(_))
    }

    fn is_dirty(&self) -> bool {
        self.is_edited || self.conflict.is_some() || !self.problems().is_empty()
    }

    fn value(&self, name: &str) -> &str {
        let mut all = self.panels.iter().flat_map(|panel| &panel.controls);
        all.find(|control| control.name == name).map_or("", |control| control.value.as_str())
    }

    fn sentence(&self, help: &LifetimeHelp) -> String {
        let number = |name: &str, otherwise: Option<u64>| match self.value(name) {
            "" => otherwise,
            typed => typed.parse::<u64>().ok(),
        };
        let (lifetime, idle) = (help.otherwise.map(|one| one.lifetime), help.otherwise.and_then(|one| one.idle));
        let idles = help.enabled.as_ref().map_or(idle.is_some(), |toggle| self.value(toggle) == "on");
        match number(&help.lifetime, lifetime) {
            Some(lifetime) => describe_lifetimes(lifetime, number(&help.idle, idle).filter(|_| idles)),
            None => String::new(),
        }
    }

    fn is_open(&self, panel: &PanelView, fold: &Fold) -> bool {
        fold.is_open || self.conflict.is_some() || panel.controls.iter().any(|control| control.error.is_some())
    }

    fn translate(&self, seconds: &u64) -> String {
        describe_seconds(*seconds)
    }
}

/// A lifetime and an idle timeout in a sentence. `assets/portal.js` has the same function.
pub(crate) fn describe_lifetimes(lifetime: u64, idle: Option<u64>) -> String {
    let hard = describe_seconds(lifetime);
    match idle {
        Some(idle) if idle < lifetime => {
            format!("Ends {} after the last use, and at most {hard} after sign-in.", describe_seconds(idle))
        }
        Some(_) => format!("Ends {hard} after sign-in. The idle timeout has no effect, because it is not shorter."),
        None => format!("Ends {hard} after sign-in, even if it is used."),
    }
}

impl PortalPage for SettingsFormPage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(SettingsFormBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some(self.section)
    }

    fn above(&self) -> Option<(String, String)> {
        self.above.clone()
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.panels.iter().flat_map(|panel| &panel.controls).filter_map(Control::problem).collect()
    }

    fn has_frame(&self) -> bool {
        matches!(self.extra, Extra::EmailTexts(_) | Extra::Branding(_))
    }

    fn may_be_stored(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/sheet.html")]
struct SettingsFormBody<'a> {
    ctx: &'a PortalContext,
    page: &'a SettingsFormPage,
}
