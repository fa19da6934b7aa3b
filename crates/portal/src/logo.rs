//! The uploaded logo: upload, replacement, removal, and the image itself for the pages of the portal.

use askama::Template;
use vestibule_app::logos::{self, Logo};
use vestibule_domain::{
    logo::{ImageProblem, LogoImage, MAX_BYTES, MAX_SIDE},
    operator::Role,
};
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden},
    frame::{PortalContext, PortalPage},
    moment::Moment,
    notice::PortalNotice,
    settings_form::sentence,
};

/// The page, below the project's path.
pub(crate) const AT: &str = "/branding/logo";
/// The page that it belongs to.
const BRANDING: &str = "/branding";
/// Only who may see the project gets it from here.
const CACHING: &str = "private, max-age=31536000, immutable";

pub(super) fn routes() -> Vec<PortalRoute> {
    const PATH: &str = "/portal/p/{project}/branding/logo";
    const REMOVE: &str = "/portal/p/{project}/branding/logo/remove";
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, upload).takes_image(),
        PortalRoute::project(Verb::Get, REMOVE, Role::Editor, ask_remove),
        PortalRoute::project(Verb::Post, REMOVE, Role::Editor, remove),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/branding/logo/{file}", Role::Viewer, image),
    ]
}

/// The URL of the logo on the portal's own host: the project's may be another one.
pub(crate) fn href(request: &ProjectRequest, logo: &Logo) -> String {
    request.href(&format!("{AT}/{}", logo.file_name()))
}

async fn show(request: ProjectRequest) -> PageResult {
    request.show(&LogoPage::of(&request, None))
}

async fn upload(request: ProjectRequest) -> PageResult {
    // Browsers send an empty file where none was chosen.
    let parsed = LogoImage::parse(request.file.as_deref().unwrap_or_default());
    let image = match parsed {
        Ok(image) => image,
        Err(problem) => return request.show_again(&LogoPage::of(&request, Some(&problem))),
    };
    let is_new = logos::put(&request.ctx(), &request.acting(), image).await?;
    request.done(AT, if is_new { PortalNotice::LogoSaved } else { PortalNotice::Unchanged })
}

async fn ask_remove(request: ProjectRequest) -> PageResult {
    if request.project.logo.is_none() {
        return request.done(AT, PortalNotice::Gone);
    }
    let instead = match request.project.settings.ui.logo_uri {
        Some(_) => "Pages show the image at the logo URL instead.",
        None => "Pages show the first letter of the name instead.",
    };
    request.show(&ConfirmActionPage {
        title: "Remove the logo?".into(),
        facts: vec![instead.into(), "The image is deleted here. To use it again, upload it again.".into()],
        section: "branding",
        back: (AT.into(), "Logo".into()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Remove logo".into(),
        is_danger: true,
    })
}

async fn remove(request: ProjectRequest) -> PageResult {
    let is_removed = logos::remove(&request.ctx(), &request.acting()).await?;
    request.done(AT, if is_removed { PortalNotice::LogoRemoved } else { PortalNotice::Gone })
}

async fn image(request: ProjectRequest) -> PageResult {
    let found = logos::find_content(&request.ctx(), request.param("file")).await?;
    Ok(found.map_or_else(vestibule_web::logo::missing, |found| vestibule_web::logo::respond(found, CACHING)))
}

/// The logo as it is shown.
#[derive(Clone, Debug)]
struct ShownLogo {
    href: String,
    /// Format and size.
    facts: String,
    uploaded_at: Moment,
    width: u32,
    height: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct LogoPage {
    name: String,
    logo: Option<ShownLogo>,
    /// The URL of a logo in the settings.
    uri: Option<String>,
    error: Option<String>,
}

impl LogoPage {
    fn of(request: &ProjectRequest, problem: Option<&ImageProblem>) -> Self {
        let settings = &request.project.settings;
        let shown = |logo: &Logo| ShownLogo {
            href: href(request, logo),
            facts: format!("{}, {} × {} pixels", logo.format.label(), logo.width, logo.height),
            uploaded_at: Moment::new(logo.uploaded_at.to_string()),
            width: logo.width,
            height: logo.height,
        };
        Self {
            name: settings.display_name().to_string(),
            logo: request.project.logo.as_ref().map(shown),
            uri: settings.ui.logo_uri.clone(),
            error: problem.map(|problem| sentence(&problem.to_string())),
        }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let none = Self { name: "Corner <Shop>".into(), ..Self::default() };
        let logo = ShownLogo {
            href: "/portal/p/shop/branding/logo/0011.png".into(),
            facts: "PNG, 640 × 160 pixels".into(),
            uploaded_at: Moment::new("2030-05-01T12:00:00Z"),
            width: 640,
            height: 160,
        };
        let uploaded = Self { logo: Some(logo), uri: Some("https://cdn.shop.example/logo.svg".into()), ..none.clone() };
        let by_url = Self { uri: Some("https://cdn.shop.example/logo.svg".into()), ..none.clone() };
        let wrong = Self { error: Some(sentence(&ImageProblem::Svg.to_string())), ..none.clone() };
        vec![("none", none), ("uploaded", uploaded), ("by-url", by_url), ("wrong", wrong)]
    }

    /// What may be uploaded.
    fn hint(&self) -> String {
        format!(
            "PNG, JPEG or WebP, at most {} KiB and {MAX_SIDE} × {MAX_SIDE} pixels. Pages show it 40 pixels high and at most 224 wide, on light and dark backgrounds: a transparent background, and at least 80 pixels of height, look best.",
            MAX_BYTES / 1024
        )
    }
}

impl PortalPage for LogoPage {
    fn title(&self) -> String {
        "Logo".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("branding")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((BRANDING.into(), "Branding".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.error.iter().map(|error| ("file".to_string(), error.clone())).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(LogoBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/logo.html")]
struct LogoBody<'a> {
    ctx: &'a PortalContext,
    page: &'a LogoPage,
}
