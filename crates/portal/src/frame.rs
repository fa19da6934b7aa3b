//! The frame around every page of the portal, and the page trait.

use askama::Template;
use vestibule_domain::operator::Role;
use vestibule_web::{asset::asset_href, brand::Brand, policy::Forms, template::finish, theme::theme_href};

use crate::{
    guide::{GuideLink, guide_of},
    nav::{self, NavItem},
    notice::PortalNotice,
};

/// The signed-in operator.
#[derive(Clone, Debug)]
pub struct OperatorBadge {
    pub name: String,
    pub email: String,
}

/// The project of a page.
#[derive(Clone, Debug)]
pub struct ProjectBadge {
    pub id: String,
    pub name: String,
    pub role: Role,
}

/// The context of a page of the portal.
#[derive(Clone, Debug, Default)]
pub struct PortalContext {
    /// The CSRF token, sent as `_csrf` by every form.
    pub csrf: String,
    pub notice: Option<PortalNotice>,
    pub operator: Option<OperatorBadge>,
    pub project: Option<ProjectBadge>,
    /// ID and name of the operator's other projects.
    pub other_projects: Vec<(String, String)>,
}

impl PortalContext {
    /// The hashed URL of an embedded asset.
    pub fn asset(&self, name: &str) -> String {
        format!("/portal{}", asset_href(name))
    }

    /// The URL of the default colors.
    pub fn theme(&self) -> String {
        format!("/portal{}", theme_href(&Brand::default()))
    }

    /// A URL below the project's.
    pub fn href(&self, path: &str) -> String {
        let id = self.project.as_ref().map_or("", |project| project.id.as_str());
        format!("/portal/p/{id}{path}")
    }

    /// Whether the operator has this role; pages leave out what it may not do.
    pub fn may(&self, role: Role) -> bool {
        self.project.as_ref().is_some_and(|project| project.role >= role)
    }

    pub(crate) fn may_edit(&self) -> bool {
        self.may(Role::Editor)
    }

    pub(crate) fn may_own(&self) -> bool {
        self.may(Role::Owner)
    }
}

/// A page of the portal.
pub trait PortalPage {
    /// The one heading, which is also the document's title.
    fn title(&self) -> String;

    /// The content below the heading.
    fn body(&self, ctx: &PortalContext) -> String;

    /// The key of its navigation entry.
    fn section(&self) -> Option<&'static str> {
        None
    }

    /// The parent page: its path below the project's (or absolute below `/portal`) and name.
    fn above(&self) -> Option<(String, String)> {
        None
    }

    /// The guides to it: those of its navigation entry, if it has none of its own.
    fn guides(&self) -> Vec<GuideLink> {
        self.section().and_then(guide_of).into_iter().collect()
    }

    /// The form's errors, each with the ID of its field.
    fn problems(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Whether it needs the passkey script.
    fn has_passkey(&self) -> bool {
        false
    }

    /// Whether the browser may store it when it answers a form, so that the Back button returns to it: it shows no secret.
    fn may_be_stored(&self) -> bool {
        false
    }

    /// Whether it frames another page of the portal.
    fn has_frame(&self) -> bool {
        false
    }

    /// Where its forms lead.
    fn forms(&self) -> Forms {
        Forms::Stay
    }

    /// A further origin from which images may load.
    fn image_origin(&self) -> Option<String> {
        None
    }

    fn render(&self, ctx: &PortalContext) -> String {
        let frame = PortalLayout {
            ctx,
            title: self.title(),
            body: self.body(ctx),
            section: self.section().unwrap_or_default(),
            above: self.above(),
            guides: self.guides(),
            problems: self.problems(),
            passkey: self.has_passkey(),
        };
        finish(frame.render())
    }
}

#[derive(Template)]
#[template(path = "portal/frame.html")]
struct PortalLayout<'a> {
    ctx: &'a PortalContext,
    title: String,
    body: String,
    section: &'static str,
    above: Option<(String, String)>,
    guides: Vec<GuideLink>,
    problems: Vec<(String, String)>,
    passkey: bool,
}

impl PortalLayout<'_> {
    fn groups(&self, project: &ProjectBadge) -> Vec<(&'static str, Vec<&'static NavItem>)> {
        nav::visible(project.role)
    }

    /// Whether the page shows a time, whose zone is said once.
    fn has_times(&self) -> bool {
        self.body.contains("<time ")
    }

    fn item_href(&self, item: &NavItem) -> String {
        self.ctx.href(item.path)
    }
}
