//! Applications of a project: the list, choosing a framework, creating one, quick start, secrets.

use askama::Template;

use super::{
    control::Control,
    frame::{PortalContext, PortalPage},
    framework::Framework,
};
use crate::ui::template::finish;

fn above() -> Option<(String, String)> {
    Some(("/applications".into(), "Applications".into()))
}

/// An application in the list.
#[derive(Clone, Debug)]
pub struct ApplicationEntry {
    pub client_id: String,
    pub name: String,
    pub kind: String,
    pub has_guests: bool,
    pub has_quick_start: bool,
}

#[derive(Clone, Debug)]
pub struct ApplicationsPage {
    pub applications: Vec<ApplicationEntry>,
}

impl ApplicationsPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let web = ApplicationEntry {
            client_id: "web".into(),
            name: "Corner Shop".into(),
            kind: "Single-page application".into(),
            has_guests: true,
            has_quick_start: true,
        };
        let machine = ApplicationEntry {
            client_id: "cron".into(),
            kind: "Machine".into(),
            has_guests: false,
            has_quick_start: false,
            ..web.clone()
        };
        vec![("two", Self { applications: vec![web, machine] }), ("none", Self { applications: Vec::new() })]
    }
}

impl PortalPage for ApplicationsPage {
    fn title(&self) -> String {
        "Applications".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ApplicationsBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }
}

#[derive(Template)]
#[template(path = "portal/applications.html")]
struct ApplicationsBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ApplicationsPage,
}

/// Offers frameworks for a new application.
#[derive(Clone, Debug)]
pub struct FrameworksPage;

impl FrameworksPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![("all", Self)]
    }
}

impl PortalPage for FrameworksPage {
    fn title(&self) -> String {
        "New application".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(FrameworksBody { ctx }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        above()
    }
}

#[derive(Template)]
#[template(path = "portal/frameworks.html")]
struct FrameworksBody<'a> {
    ctx: &'a PortalContext,
}

/// Asks for name, client ID and redirect URIs of a new application.
#[derive(Clone, Debug)]
pub struct NewApplicationPage {
    pub framework: Framework,
    pub controls: Vec<Control>,
}

impl NewApplicationPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        use super::control::ControlKind;
        let name = Control::new("name", "Name", ControlKind::Line("text"), "");
        vec![("plain", Self { framework: Framework::React, controls: vec![name] })]
    }
}

impl PortalPage for NewApplicationPage {
    fn title(&self) -> String {
        format!("New application: {}", self.framework.label())
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(NewApplicationBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/applications/new".into(), "Choose another framework".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/new_application.html")]
struct NewApplicationBody<'a> {
    ctx: &'a PortalContext,
    page: &'a NewApplicationPage,
}

/// Code to paste, with the real endpoint and client ID.
#[derive(Clone, Debug)]
pub struct QuickStartPage {
    pub client_id: String,
    pub name: String,
    pub endpoint: String,
    pub redirect_uri: String,
    pub framework: Framework,
    pub others: Vec<Framework>,
    pub has_guests: bool,
}

impl QuickStartPage {
    /// One state for each framework.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let sample = |framework: Framework| Self {
            client_id: "web".into(),
            name: "Corner Shop".into(),
            endpoint: "https://auth.shop.example".into(),
            redirect_uri: "https://shop.example/after-login".into(),
            framework,
            others: Framework::ALL.to_vec(),
            has_guests: framework != Framework::Web,
        };
        Framework::ALL.into_iter().map(|framework| (framework.as_str(), sample(framework))).collect()
    }

    fn steps(&self) -> Vec<(&'static str, String)> {
        self.framework.steps(&self.endpoint, &self.client_id, &self.redirect_uri)
    }
}

impl PortalPage for QuickStartPage {
    fn title(&self) -> String {
        "Quick start".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(QuickStartBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((format!("/applications/{}", self.client_id), self.name.clone()))
    }
}

#[derive(Template)]
#[template(path = "portal/quick_start.html")]
struct QuickStartBody<'a> {
    ctx: &'a PortalContext,
    page: &'a QuickStartPage,
}

/// The secrets of an application, by names that reveal nothing of them.
#[derive(Clone, Debug)]
pub struct SecretsPage {
    pub client_id: String,
    pub name: String,
    /// ID and creation time of each, oldest first.
    pub secrets: Vec<(String, String)>,
}

impl SecretsPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let one = Self {
            client_id: "backend".into(),
            name: "Backend".into(),
            secrets: vec![("0011223344556677".into(), "2030-01-01".into())],
        };
        vec![("none", Self { secrets: Vec::new(), ..one.clone() }), ("one", one)]
    }
}

impl PortalPage for SecretsPage {
    fn title(&self) -> String {
        "Client secrets".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(SecretsBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((format!("/applications/{}", self.client_id), self.name.clone()))
    }
}

#[derive(Template)]
#[template(path = "portal/secrets.html")]
struct SecretsBody<'a> {
    ctx: &'a PortalContext,
    page: &'a SecretsPage,
}
