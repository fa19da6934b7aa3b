//! Branding: name, logo, color and languages of pages and mails, with a preview.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use vestibule_domain::operator::Role;

use super::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    settings_form::{self, BoundControl, DocumentScope, FieldBinding, FormView, Panel, SettingsForm},
};
use crate::ui::{
    Brand,
    portal::{Control, ControlKind, Extra, Pick},
    preview_css,
};

const PATH: &str = "/portal/p/{project}/branding";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, save),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/branding/preview.css", Role::Viewer, preview),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    settings_form::show(&request, build_form(), look(&request)).await
}

async fn save(request: ProjectRequest) -> PageResult {
    settings_form::save(&request, build_form(), look).await
}

/// The colors of a preview, computed by the same function as those of the pages.
async fn preview(request: ProjectRequest) -> PageResult {
    let accent = request.field("accent").to_string();
    let css = preview_css(&Brand { accent_color: Some(accent), ..Brand::default() });
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "private, max-age=600")];
    let response: Response = (headers, css).into_response();
    Ok(response)
}

fn line(name: &str, label: &str, hint: &str, path: &'static str) -> BoundControl {
    BoundControl {
        control: Control::new(name, label, ControlKind::Line("text"), "").hint(hint),
        binding: FieldBinding::Text { path, default: "" },
    }
}

fn build_form() -> SettingsForm {
    let schemes = vec![
        Pick::new("auto", "Same as the user's device", ""),
        Pick::new("light", "Light", ""),
        Pick::new("dark", "Dark", ""),
    ];
    let looks = vec![
        line("name", "Name", "Shown on pages and in emails. Defaults to the project name.", "ui.name"),
        line(
            "accent",
            "Color",
            "A value such as #0f766e. Buttons and links use readable shades of it, in light and dark.",
            "ui.accent_color",
        ),
        line(
            "logo",
            "Logo",
            "The https URL of an image. Without one, the first letter of the name is shown.",
            "ui.logo_uri",
        ),
        BoundControl {
            control: Control::new("scheme", "Color scheme", ControlKind::Select(schemes), ""),
            binding: FieldBinding::Text { path: "ui.color_scheme", default: "auto" },
        },
    ];
    let languages = vec![
        BoundControl {
            control: Control::new("languages", "Languages", ControlKind::Lines { rows: 4 }, "")
                .hint("One language tag per line, such as en, de or zh-TW. Empty: all available languages."),
            binding: FieldBinding::Lines { path: "ui.languages" },
        },
        BoundControl {
            control: Control::new("fallback", "Fallback language", ControlKind::Line("text"), ""),
            binding: FieldBinding::Text { path: "ui.fallback_language", default: "en" },
        },
    ];
    let link_rows = vec![line(
        "home",
        "Home page",
        "Used when a page does not know which application to return to.",
        "ui.default_client_uri",
    )];
    let mails = vec![
        line(
            "mail_from",
            "Sender",
            "Such as Shop <no-reply@shop.example>. Defaults to the server's sender.",
            "mail.from",
        ),
        line("mail_reply_to", "Reply-to address", "", "mail.reply_to"),
    ];
    SettingsForm {
        scope: DocumentScope::Project,
        panels: vec![
            Panel::new("Appearance", "", looks),
            Panel::new("Languages", "", languages),
            Panel::new("Default return page", "", link_rows),
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
