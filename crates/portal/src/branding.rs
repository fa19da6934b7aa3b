//! Branding: name, logo, color and languages of pages and mails, with a preview.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use vestibule_domain::operator::Role;
use vestibule_web::{brand::Brand, theme::preview_css};

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    bound_control::control,
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::Extra,
};

const PATH: &str = "/portal/p/{project}/branding";

pub(super) fn routes() -> Vec<PortalRoute> {
    let mut routes = settings_form::routes(PATH, |_| build_form(), look);
    routes.extend([PortalRoute::project(Verb::Get, "/portal/p/{project}/branding/preview.css", Role::Viewer, preview)]);
    routes
}

/// The colors of a preview, computed by the same function as those of the pages.
async fn preview(request: ProjectRequest) -> PageResult {
    let accent = request.field("accent").to_string();
    let css = preview_css(&Brand { accent_color: Some(accent), ..Brand::default() });
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "private, max-age=600")];
    let response: Response = (headers, css).into_response();
    Ok(response)
}

/// The label of a color scheme.
fn describe_scheme(word: &str) -> (&str, &'static str) {
    match word {
        "auto" => ("Same as the user's device", ""),
        "light" => ("Light", ""),
        _ => ("Dark", ""),
    }
}

pub(super) fn build_form() -> SettingsForm {
    let looks = vec![
        control("ui.name", "name", "Name").hint("Shown on pages and in emails. Defaults to the project name."),
        control("ui.accent_color", "accent", "Color")
            .hint("A value such as #0f766e. Buttons and links use readable shades of it, in light and dark."),
        control("ui.logo_uri", "logo", "Logo")
            .hint("The https URL of an image. Without one, the first letter of the name is shown."),
        control("ui.color_scheme", "scheme", "Color scheme").choices(describe_scheme),
    ];
    let languages = vec![
        control("ui.languages", "languages", "Languages")
            .hint("One language tag per line, such as en, de or zh-TW. Empty: all available languages."),
        control("ui.fallback_language", "fallback", "Fallback language"),
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
        extra: Extra::Branding {
            css: request.href("/branding/preview.css"),
            accent: settings.accent_color().unwrap_or("#1b5e4b").to_string(),
            name: settings.display_name().to_string(),
            logo: settings.ui.logo_uri.clone().unwrap_or_default(),
        },
    }
}
