//! The branding of a project.

use vestibule_app::{logos::Logo, projects::Project};

/// Name, logo and color of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// An `https` or same-origin URL of a logo; without one, a monogram is drawn.
    pub logo_uri: Option<String>,
    /// Width and height of the logo in pixels, where they are known: its place is kept while it loads.
    pub logo_size: Option<(u32, u32)>,
    /// A CSS hex color, `#rgb` or `#rrggbb`; anything else gives the default color.
    pub accent_color: Option<String>,
}

/// The brand of a project. An uploaded logo comes before the URL of one.
pub fn brand_of(project: &Project) -> Brand {
    Brand {
        name: project.settings.display_name().to_string(),
        logo_uri: project.logo.as_ref().map(logo_href).or_else(|| project.settings.ui.logo_uri.clone()),
        logo_size: project.logo.as_ref().map(|logo| (logo.width, logo.height)),
        accent_color: project.settings.accent_color().map(str::to_string),
    }
}

/// The URL of an uploaded logo on the project's own host.
fn logo_href(logo: &Logo) -> String {
    format!("/logo/{}", logo.file_name())
}
