//! Settings as a form: panels of controls, what somebody else changed meanwhile, and one button that saves.

use askama::Template;

use super::{
    control::{Control, ControlKind, describe_seconds},
    frame::{PortalContext, PortalPage},
};
use crate::ui::page::finish;

/// A sentence computed from three controls of a panel; `assets/portal.js` keeps it up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifetimeHelp {
    /// The name of the number with the lifetime.
    pub lifetime: String,
    /// The name of the toggle that lets idling end it.
    pub enabled: Option<String>,
    /// The name of the number with the idle timeout.
    pub idle: String,
    /// What counts where a field is empty.
    pub otherwise: Option<Lifetimes>,
}

/// A lifetime and an idle timeout, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// How long at most.
    pub lifetime: u64,
    /// How long without use; none when idling does not end it, whatever the field says.
    pub idle: Option<u64>,
}

/// A panel that can be folded away.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    /// What there is in it, in few words.
    pub note: String,
    /// Whether it begins open.
    pub is_open: bool,
}

/// A group of controls.
#[derive(Clone, Debug, Default)]
pub struct PanelView {
    /// Its heading.
    pub title: String,
    /// A sentence below it; may be empty.
    pub hint: String,
    /// The controls.
    pub controls: Vec<Control>,
    /// A computed sentence at its end.
    pub help: Option<LifetimeHelp>,
    /// A link at its end: address and words.
    pub link: Option<(String, String)>,
    /// Whether it can be folded away.
    pub fold: Option<Fold>,
}

/// One field two operators changed.
#[derive(Clone, Debug)]
pub struct ConflictRow {
    /// The field.
    pub label: String,
    /// What it was when this form was opened.
    pub was: String,
    /// What somebody else made of it.
    pub theirs: String,
    /// What was typed here; none where nothing was changed here.
    pub yours: Option<String>,
}

/// What somebody else changed while this form was open.
#[derive(Clone, Debug)]
pub struct ConflictNote {
    /// Who, if it is known.
    pub who: Option<String>,
    /// What.
    pub rows: Vec<ConflictRow>,
}

/// A row of the panel that shows how long guests live.
#[derive(Clone, Debug)]
pub struct LifetimeRow {
    /// The application.
    pub name: String,
    /// Where its lifetimes are changed.
    pub href: String,
    /// Idle timeout; none when idling does not end it.
    pub idle: Option<u64>,
    /// Lifetime.
    pub lifetime: u64,
}

/// What a page shows besides its controls.
#[derive(Clone, Debug)]
pub enum Extra {
    /// Nothing.
    None,
    /// How long anonymous users can be reached.
    UserLifetime {
        /// Idle timeout of the session cookie; none when idling does not end it.
        idle: Option<u64>,
        /// Lifetime of the session cookie.
        lifetime: u64,
        /// Where those are changed.
        session_href: String,
        /// The applications that use tokens.
        rows: Vec<LifetimeRow>,
        /// Where applications are.
        applications_href: String,
    },
    /// How the pages will look.
    Branding {
        /// The style sheet of the preview, without the colour.
        css: String,
        /// The colour.
        accent: String,
        /// The name.
        name: String,
        /// The logo.
        logo: String,
    },
    /// What an application has to be told, and what else there is of it.
    Application {
        /// Rows of name and value.
        facts: Vec<(String, String)>,
        /// Further pages: address and words.
        links: Vec<(String, String)>,
    },
}

/// Settings as a form.
#[derive(Clone, Debug)]
pub struct SheetPage {
    /// The heading.
    pub title: String,
    /// What it is about.
    pub lead: String,
    /// The entry in the navigation.
    pub section: &'static str,
    /// The page above.
    pub above: Option<(String, String)>,
    /// Where the form posts to, and where it is shown.
    pub action: String,
    /// The groups of controls.
    pub panels: Vec<PanelView>,
    /// What was there when the form was opened, sent back with it.
    pub base: String,
    /// What somebody else changed meanwhile.
    pub conflict: Option<ConflictNote>,
    /// Whether the operator may only look.
    pub is_locked: bool,
    /// Whether it shows what was typed and is not saved.
    pub is_edited: bool,
    /// What is shown besides.
    pub extra: Extra,
}

impl SheetPage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let number = |name: &str, label: &str, value: &str| {
            Control::new(name, label, ControlKind::Number { unit: "seconds", min: 1 }, value)
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
            hint: "They count at once.".into(),
            controls: vec![lifetime, toggle, idle],
            help: Some(help),
            link: Some(("/portal/p/shop/applications".into(), "Applications".into())),
            fold: None,
        };
        let own = |label: &str, name: &str| number(name, label, "").of("Corner Shop");
        let folded = PanelView {
            title: "Guests of Corner Shop".into(),
            controls: vec![own("Lifetime of a guest", "lifetime.web"), own("Idle timeout of a guest", "idle.web")],
            help: Some(LifetimeHelp {
                lifetime: "lifetime.web".into(),
                enabled: None,
                idle: "idle.web".into(),
                otherwise: Some(Lifetimes { lifetime: 31_449_600, idle: None }),
            }),
            fold: Some(Fold { note: "As for members".into(), is_open: false }),
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
            who: Some("Lee".into()),
            rows: vec![ConflictRow {
                label: "Lifetime".into(),
                was: "31449600".into(),
                theirs: "600".into(),
                yours: Some("900".into()),
            }],
        };
        let mut wrong = plain.clone();
        wrong.panels[0].controls[0].error = Some("Write a whole number, digits only.".into());
        let branding = Self {
            extra: Extra::Branding {
                css: "/portal/p/shop/branding/preview.css".into(),
                accent: "#b0432b".into(),
                name: "Corner Shop".into(),
                logo: String::new(),
            },
            ..plain.clone()
        };
        let application = Self {
            extra: Extra::Application {
                facts: vec![("Client ID".into(), "web".into())],
                links: vec![("/portal/p/shop/applications/web/quick-start".into(), "Quick start".into())],
            },
            ..plain.clone()
        };
        vec![
            ("plain", plain.clone()),
            ("locked", Self { is_locked: true, ..plain.clone() }),
            ("conflict", Self { conflict: Some(conflict), ..plain }),
            ("wrong", wrong),
            ("branding", branding),
            ("application", application),
        ]
    }

    fn is_dirty(&self) -> bool {
        self.is_edited || self.conflict.is_some() || !self.complaints().is_empty()
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

    fn say(&self, seconds: &u64) -> String {
        describe_seconds(*seconds)
    }
}

/// What a lifetime and an idle timeout come to, in a sentence. `assets/portal.js` says the same.
pub fn describe_lifetimes(lifetime: u64, idle: Option<u64>) -> String {
    let hard = describe_seconds(lifetime);
    match idle {
        Some(idle) if idle < lifetime => {
            format!("It ends {} after its last use, and {hard} after it began at the latest.", describe_seconds(idle))
        }
        Some(_) => format!("It ends {hard} after it began: the idle timeout is not shorter, so it never counts."),
        None => format!("It ends {hard} after it began, used or not."),
    }
}

impl PortalPage for SheetPage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(Body { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some(self.section)
    }

    fn above(&self) -> Option<(String, String)> {
        self.above.clone()
    }

    fn complaints(&self) -> Vec<(String, String)> {
        self.panels.iter().flat_map(|panel| &panel.controls).filter_map(Control::complaint).collect()
    }

    fn image_origin(&self) -> Option<String> {
        let Extra::Branding { logo, .. } = &self.extra else { return None };
        url::Url::parse(logo).ok().map(|url| url.origin().ascii_serialization()).filter(|origin| origin != "null")
    }
}

#[derive(Template)]
#[template(path = "portal/sheet.html")]
struct Body<'a> {
    ctx: &'a PortalContext,
    page: &'a SheetPage,
}
