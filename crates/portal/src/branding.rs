//! Branding: name, logo, color and languages of pages and mails, with a preview: the hosted page itself, in a frame.

use askama::Template;
use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use vestibule_domain::{
    client::Client,
    operator::Role,
    project::{ColorSchemeSetting, ProjectSettings},
};
use vestibule_protocol::form::Form;
use vestibule_web::{
    brand::Brand,
    context::{AssetPlace, PageColorScheme, PageContext},
    locale::Locales,
    policy::preview_policy,
    preview::{PreviewedPage, RenderPreview},
    template::finish,
    theme::theme_css,
};

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    bound_control::control,
    control::{Control, ControlKind, Pick},
    email_texts::describe_language,
    logo,
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::Extra,
};

const PATH: &str = "/portal/p/{project}/branding";
/// The field of the button that does not save.
const ACTION: &str = "_do";

pub(super) fn routes(render: RenderPreview) -> Vec<PortalRoute> {
    let show_saved = move |request: ProjectRequest| async move {
        Ok(preview(&request, &request.project.settings, (render, PreviewChoice::of(&request))))
    };
    let save_or_show = move |request: ProjectRequest| save(request, render);
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, save_or_show),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/branding/preview", Role::Viewer, show_saved),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/branding/theme.css", Role::Viewer, theme),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    settings_form::show(&request, form_of(&request), look(&request)).await
}

/// Saves the form, or shows a page as it is typed.
async fn save(request: ProjectRequest, render: RenderPreview) -> PageResult {
    let form = form_of(&request);
    if request.field(ACTION) != "preview" {
        return settings_form::save(&request, form, look).await;
    }
    let typed = form.try_on(&request).await?;
    match typed.settings {
        Some(settings) => Ok(preview(&request, &settings, (render, PreviewChoice::of(&request)))),
        None => Ok(framed(None, finish(PreviewProblems { problems: typed.settings_form.problems() }.render()))),
    }
}

/// The form, with the link to the page of the uploaded logo.
fn form_of(request: &ProjectRequest) -> SettingsForm {
    let mut form = build_form(&request.project.settings);
    let words = match (&request.project.logo, request.may_edit()) {
        (Some(_), true) => "Replace or remove the uploaded logo",
        (None, true) => "Upload a logo",
        (Some(_), false) => "Uploaded logo",
        (None, false) => "Logo",
    };
    if let Some(looks) = form.panels.first_mut() {
        looks.view.link = Some((request.href(logo::AT), words.into()));
    }
    form
}

/// The colors of a preview, computed by the same function as those of the pages.
async fn theme(request: ProjectRequest) -> PageResult {
    let css = theme_css(&Brand { accent_color: Some(request.field("accent").to_string()), ..Brand::default() });
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "private, max-age=600")];
    Ok((headers, css).into_response())
}

/// What the preview shows.
struct PreviewChoice {
    page: PreviewedPage,
    /// A tag; the project's fallback language without one.
    language: Option<String>,
    is_dark: bool,
}

impl PreviewChoice {
    fn of(request: &ProjectRequest) -> Self {
        let page = match request.field("preview_page") {
            "login" => PreviewedPage::Login,
            "code" => PreviewedPage::Code,
            _ => PreviewedPage::Promotion,
        };
        let language = Some(request.field("preview_language").to_string()).filter(|tag| !tag.is_empty());
        Self { page, language, is_dark: request.field("preview_scheme") == "dark" }
    }
}

fn preview(
    request: &ProjectRequest,
    settings: &ProjectSettings,
    (render, choice): (RenderPreview, PreviewChoice),
) -> Response {
    let uploaded = request.project.logo.as_ref();
    let brand = Brand {
        name: settings.display_name().to_string(),
        logo_uri: uploaded.map(|logo| logo::href(request, logo)).or_else(|| settings.ui.logo_uri.clone()),
        logo_size: uploaded.map(|logo| (logo.width, logo.height)),
        accent_color: settings.accent_color().map(str::to_string),
    };
    let accent = Form::from_pairs([("accent", brand.accent_color.as_deref().unwrap_or_default())]);
    let theme = request.href(&format!("/branding/theme.css?{}", accent.print()));
    let language = choice.language.as_deref().unwrap_or(settings.fallback_language());
    let app_name = settings.clients().first().map_or_else(|| settings.display_name(), Client::display_name);
    let logo = brand.logo_uri.as_deref().and_then(origin_of);
    let ctx = PageContext {
        locale: Locales::shared().negotiate(Some(language), None, &[]),
        color_scheme: match (settings.color_scheme(), choice.is_dark) {
            (ColorSchemeSetting::Dark, _) | (ColorSchemeSetting::Auto, true) => PageColorScheme::Dark,
            (ColorSchemeSetting::Light, _) | (ColorSchemeSetting::Auto, false) => PageColorScheme::Light,
        },
        brand,
        csrf: String::new(),
        carried: None,
        notice: None,
        app_name: app_name.to_string(),
        assets: AssetPlace { base: "/portal", theme: Some(theme) },
    };
    framed(logo.as_deref(), render(settings, &ctx, choice.page))
}

fn origin_of(uri: &str) -> Option<String> {
    url::Url::parse(uri).ok().map(|uri| uri.origin().ascii_serialization()).filter(|origin| origin != "null")
}

/// The document in the frame of the page.
fn framed(image_origin: Option<&str>, html: String) -> Response {
    let policy = preview_policy(image_origin);
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, html).into_response()
}

/// What is wrong with the form, in place of a page.
#[derive(Template)]
#[template(path = "portal/branding_problems.html")]
struct PreviewProblems {
    problems: Vec<String>,
}

/// The label of a color scheme.
fn describe_scheme(word: &str) -> (&str, &'static str) {
    match word {
        "auto" => ("Same as the user's device", ""),
        "light" => ("Light", ""),
        _ => ("Dark", ""),
    }
}

/// The languages of the pages as choices, with those in use first: the order is kept when the form is saved.
fn language_picks(first: &[String]) -> Vec<Pick> {
    let known = Locales::shared().locales().iter().map(|locale| locale.tag().to_string());
    let mut tags: Vec<String> = first.to_vec();
    tags.extend(known.filter(|tag| !first.contains(tag)));
    let is_known = |tag: &str| Locales::shared().locales().iter().any(|locale| locale.tag() == tag);
    let pick = |tag: String| {
        let label = if is_known(&tag) { describe_language(&tag).to_string() } else { tag.clone() };
        Pick::new(tag, label, "")
    };
    tags.into_iter().map(pick).collect()
}

pub(super) fn build_form(settings: &ProjectSettings) -> SettingsForm {
    let looks = vec![
        control("ui.name", "name", "Name").hint("Shown on pages and in emails. Defaults to the project name."),
        control("ui.accent_color", "accent", "Color")
            .hint("A value such as #0f766e. Buttons and links use readable shades of it, in light and dark.")
            .placeholder("#1b5e4b")
            .of_kind(ControlKind::Color),
        control("ui.logo_uri", "logo", "Logo URL").hint(
            "The https URL of an image, if no logo is uploaded. Without either, the first letter of the name is shown.",
        ),
        control("ui.color_scheme", "scheme", "Color scheme").choices(describe_scheme),
    ];
    let fallback = settings.fallback_language().to_string();
    let languages = vec![
        control("ui.languages", "languages", "Languages")
            .hint("The languages of pages and emails. If none is chosen, all are used.")
            .of_kind(ControlKind::Checks(language_picks(settings.languages().unwrap_or_default()))),
        control("ui.fallback_language", "fallback", "Fallback language")
            .hint("Used when none of the visitor's languages is available.")
            .of_kind(ControlKind::Select(language_picks(&[fallback]))),
    ];
    let home = control("ui.default_client_uri", "home", "Home page")
        .hint("Used when a page does not know which application to return to.");
    let mails = vec![
        control("mail.from", "mail_from", "Sender")
            .hint("Such as Shop <no-reply@shop.example>. Defaults to the server's sender."),
        control("mail.reply_to", "mail_reply_to", "Reply-to address"),
    ];
    SettingsForm {
        scope: DocumentScope::Project,
        panels: vec![
            Panel::new("Appearance", "", looks),
            Panel::new("Languages", "", languages),
            Panel::new("Default return page", "", vec![home]),
            Panel::new("Email", "", mails),
        ],
    }
}

fn look(request: &ProjectRequest) -> FormView {
    let settings = &request.project.settings;
    FormView {
        title: "Branding".into(),
        lead: "How sign-up and sign-in pages and emails look.".into(),
        section: "branding",
        above: None,
        extra: Extra::Branding(Box::new(BrandingPreview::new(
            request.href("/branding/preview"),
            settings.fallback_language(),
        ))),
    }
}

/// The preview beside the form.
#[derive(Clone, Debug)]
pub(crate) struct BrandingPreview {
    /// The URL of the page with the saved settings.
    pub href: String,
    /// What is shown, and how.
    pub controls: [Control; 3],
}

impl BrandingPreview {
    pub(crate) fn new(href: String, language: &str) -> Self {
        let pages = [("promotion", "Save progress"), ("login", "Sign in"), ("code", "Enter code")];
        let pages = pages.map(|(value, label)| Pick::new(value, label, ""));
        let schemes = [("light", "Light"), ("dark", "Dark")].map(|(value, label)| Pick::new(value, label, ""));
        Self {
            href,
            controls: [
                Control::new("preview_page", "Page", ControlKind::Select(pages.into()), "promotion"),
                Control::new("preview_language", "Language", ControlKind::Select(language_picks(&[])), language),
                Control::new("preview_scheme", "Colors", ControlKind::Select(schemes.into()), "light"),
            ],
        }
    }
}
