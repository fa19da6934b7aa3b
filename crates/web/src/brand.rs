//! The branding of a project.

use vestibule_app::projects::Project;

/// Name, logo and color of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// An `https` or same-origin URL of a logo; without one, a monogram is drawn.
    pub logo_uri: Option<String>,
    /// A CSS hex color, `#rgb` or `#rrggbb`; anything else gives the default color.
    pub accent_color: Option<String>,
}

/// The brand of a project.
pub fn brand_of(project: &Project) -> Brand {
    Brand {
        name: project.settings.display_name().to_string(),
        logo_uri: project.settings.ui.logo_uri.clone(),
        accent_color: project.settings.accent_color().map(str::to_string),
    }
}
