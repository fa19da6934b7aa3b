//! The frame around every page of the portal, and what a page has to say of itself.

use askama::Template;
use vestibule_domain::operator::Role;

use super::{
    nav::{self, Item},
    notice::PortalNotice,
};
use crate::ui::{asset::asset_href, context::Brand, page::finish, theme::theme_href};

/// Who is signed in.
#[derive(Clone, Debug)]
pub struct OperatorBadge {
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
}

/// The project a page is about.
#[derive(Clone, Debug)]
pub struct ProjectBadge {
    /// Its id, as in addresses.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What the operator may do in it.
    pub role: Role,
}

/// What every page of the portal is rendered with.
#[derive(Clone, Debug, Default)]
pub struct PortalContext {
    /// The token put as `_csrf` into every form.
    pub csrf: String,
    /// What just happened.
    pub notice: Option<PortalNotice>,
    /// Who is signed in, if somebody is.
    pub operator: Option<OperatorBadge>,
    /// The project, on pages about one.
    pub project: Option<ProjectBadge>,
    /// Id and name of the operator's other projects.
    pub other_projects: Vec<(String, String)>,
}

impl PortalContext {
    /// The hashed address of an embedded asset.
    pub fn asset(&self, name: &str) -> String {
        format!("/portal{}", asset_href(name))
    }

    /// The address of the house's own colours.
    pub fn theme(&self) -> String {
        format!("/portal{}", theme_href(&Brand::default()))
    }

    /// An address below the project's.
    pub fn href(&self, path: &str) -> String {
        let id = self.project.as_ref().map_or("", |project| project.id.as_str());
        format!("/portal/p/{id}{path}")
    }

    /// Whether the operator may do what takes this role; pages leave out what it may not.
    pub fn may(&self, role: Role) -> bool {
        self.project.as_ref().is_some_and(|project| project.role >= role)
    }

    /// Whether the operator may change settings.
    pub fn may_edit(&self) -> bool {
        self.may(Role::Editor)
    }

    /// Whether the operator owns the project.
    pub fn may_own(&self) -> bool {
        self.may(Role::Owner)
    }
}

/// A page of the portal.
pub trait PortalPage {
    /// The one heading, which is also the document's title.
    fn title(&self) -> String;

    /// The content below the heading.
    fn body(&self, ctx: &PortalContext) -> String;

    /// The key of the navigation's entry it belongs to.
    fn section(&self) -> Option<&'static str> {
        None
    }

    /// The page above it: address below the project's (or absolute below `/portal`) and name.
    fn above(&self) -> Option<(String, String)> {
        None
    }

    /// What is wrong with the form, each with the id of its field.
    fn complaints(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Whether it offers a passkey and needs the script for it.
    fn has_passkey(&self) -> bool {
        false
    }

    /// Where pictures may come from besides ourselves.
    fn image_origin(&self) -> Option<String> {
        None
    }

    /// The complete HTML document.
    fn render(&self, ctx: &PortalContext) -> String {
        let frame = Frame {
            ctx,
            title: self.title(),
            body: self.body(ctx),
            section: self.section().unwrap_or_default(),
            above: self.above(),
            complaints: self.complaints(),
            passkey: self.has_passkey(),
        };
        finish(frame.render())
    }
}

#[derive(Template)]
#[template(path = "portal/frame.html")]
struct Frame<'a> {
    ctx: &'a PortalContext,
    title: String,
    body: String,
    section: &'static str,
    above: Option<(String, String)>,
    complaints: Vec<(String, String)>,
    passkey: bool,
}

impl Frame<'_> {
    fn groups(&self, project: &ProjectBadge) -> Vec<(&'static str, Vec<&'static Item>)> {
        nav::visible(project.role)
    }

    fn item_href(&self, item: &Item) -> String {
        self.ctx.href(item.path)
    }
}
