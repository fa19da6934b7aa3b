//! What the Admin API says of itself: OpenAPI 3.1 for programs, and a page for people made from it.

use std::{fmt::Write, sync::LazyLock};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::PREFIX;

/// OpenAPI 3.1, written by hand: the routes are few, and a test calls every one of them.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

static PAGE: LazyLock<String> = LazyLock::new(render);

/// `GET /openapi.json`
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// `GET /docs`
pub(crate) async fn page() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    (headers, PAGE.as_str()).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Plain HTML without style or script: readable everywhere, and nothing to load.
fn render() -> String {
    let api: Value = serde_json::from_str(OPENAPI).expect("openapi.json is JSON: a test reads it");
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Admin API</title></head><body><main>",
    );
    let write = |html: &mut String, tag: &str, content: &str| {
        write!(html, "<{tag}>{}</{tag}>", escape(content)).expect("writing to a String cannot fail");
    };
    write(&mut html, "h1", text(&api["info"], "title"));
    for paragraph in text(&api["info"], "description").split("\n\n") {
        write(&mut html, "p", paragraph);
    }
    html.push_str("<p><a href=\"openapi.json\">openapi.json</a></p>");
    for (path, methods) in api["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten().filter(|(name, _)| *name != "parameters") {
            write(&mut html, "h2", &format!("{} {PREFIX}{path}", method.to_uppercase()));
            write(&mut html, "p", text(operation, "summary"));
            if !text(operation, "description").is_empty() {
                write(&mut html, "p", text(operation, "description"));
            }
            html.push_str("<dl>");
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["name"].is_string()) {
                write(&mut html, "dt", text(parameter, "name"));
                write(&mut html, "dd", text(parameter, "description"));
            }
            html.push_str("</dl>");
            let answers: Vec<&str> =
                operation["responses"].as_object().into_iter().flatten().map(|(status, _)| status.as_str()).collect();
            write(&mut html, "p", &format!("Answers: {}", answers.join(", ")));
        }
    }
    html.push_str("</main></body></html>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_route() {
        let api: Value = serde_json::from_str(OPENAPI).unwrap();
        assert_eq!(api["openapi"], "3.1.0");
        let paths = api["paths"].as_object().unwrap();
        assert!(paths.len() > 15);
        for path in paths.keys() {
            assert!(PAGE.contains(&escape(&format!("{PREFIX}{path}"))), "{path}");
        }
    }
}
