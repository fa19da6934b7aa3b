//! Hosted pages in the portal's preview of the branding. The portal does not know the pages: what puts the server together gives it
//! the function that renders them.

use vestibule_domain::project::ProjectSettings;

use crate::context::PageContext;

/// A page that can be previewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewedPage {
    /// The first page of a promotion.
    Promotion,
    /// The first page of a sign-in.
    Login,
    /// The page that asks for a code.
    Code,
}

/// Renders a page with these settings, as visitors see it. Its links lead nowhere.
pub type RenderPreview = fn(&ProjectSettings, &PageContext, PreviewedPage) -> String;
