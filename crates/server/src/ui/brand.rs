//! The branding of a project.

/// Name, logo and color of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// An `https` or same-origin URL of a logo; without one, a monogram is drawn.
    pub logo_uri: Option<String>,
    /// A CSS hex color, `#rgb` or `#rrggbb`; anything else gives the default color.
    pub accent_color: Option<String>,
}
