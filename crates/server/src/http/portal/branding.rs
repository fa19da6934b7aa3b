//! Branding: name, logo, color and languages of pages and mails, with a preview.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use vestibule_domain::operator::Role;

use super::{
    Answer, Desk, Door, Verb,
    sheet::{self, Look, Panel, Part, Place, Row, Sheet},
};
use crate::ui::{
    Brand,
    portal::{Control, ControlKind, Extra, Pick},
    preview_css,
};

const PATH: &str = "/portal/p/{project}/branding";

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::desk(Verb::Get, PATH, Role::Viewer, show),
        Door::desk(Verb::Post, PATH, Role::Editor, save),
        Door::desk(Verb::Get, "/portal/p/{project}/branding/preview.css", Role::Viewer, preview),
    ]
}

async fn show(desk: Desk) -> Answer {
    sheet::show(&desk, plan(), look(&desk)).await
}

async fn save(desk: Desk) -> Answer {
    sheet::save(&desk, plan(), look).await
}

/// The colors of a preview, computed by the same function as those of the pages.
async fn preview(desk: Desk) -> Answer {
    let accent = desk.field("accent").to_string();
    let css = preview_css(&Brand { accent_color: Some(accent), ..Brand::default() });
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "private, max-age=600")];
    let response: Response = (headers, css).into_response();
    Ok(response)
}

fn line(name: &str, label: &str, hint: &str, path: &'static str) -> Row {
    Row {
        control: Control::new(name, label, ControlKind::Line("text"), "").hint(hint),
        place: Place::Text { path, default: "" },
    }
}

fn plan() -> Sheet {
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
        Row {
            control: Control::new("scheme", "Color scheme", ControlKind::Select(schemes), ""),
            place: Place::Text { path: "ui.color_scheme", default: "auto" },
        },
    ];
    let languages = vec![
        Row {
            control: Control::new("languages", "Languages", ControlKind::Lines { rows: 4 }, "")
                .hint("One language tag per line, such as en, de or zh-TW. Empty: all available languages."),
            place: Place::Lines { path: "ui.languages" },
        },
        Row {
            control: Control::new("fallback", "Fallback language", ControlKind::Line("text"), ""),
            place: Place::Text { path: "ui.fallback_language", default: "en" },
        },
    ];
    let ways = vec![line(
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
    Sheet {
        part: Part::Project,
        panels: vec![
            Panel::new("Appearance", "", looks),
            Panel::new("Languages", "", languages),
            Panel::new("Default return page", "", ways),
            Panel::new("Email", "", mails),
        ],
    }
}

fn look(desk: &Desk) -> Look {
    let settings = &desk.project.settings;
    Look {
        title: "Branding".into(),
        lead: "How sign-up and sign-in pages and emails look.".into(),
        section: "branding",
        above: None,
        extra: Extra::Branding {
            css: desk.href("/branding/preview.css"),
            accent: settings.accent_color().unwrap_or("#1b5e4b").to_string(),
            name: settings.display_name().to_string(),
            logo: settings.ui.logo_uri.clone().unwrap_or_default(),
        },
    }
}
