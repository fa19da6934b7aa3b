//! Renders the Admin API's description as HTML, from `openapi.json`: no script, and one small style sheet.

use std::{fmt::Write, sync::LazyLock};

use serde_json::Value;

use vestibule_web::route::ADMIN_API_PREFIX as PREFIX;

/// OpenAPI 3.1, written by hand; a test calls every route in it.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

static API: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(OPENAPI).expect("openapi.json is JSON: a test reads it"));

pub(super) static PAGE: LazyLock<String> = LazyLock::new(render);

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// The target of a reference, or the value itself.
fn follow(value: &'static Value) -> &'static Value {
    let target = value["$ref"].as_str().and_then(|path| API.pointer(path.strip_prefix('#')?));
    target.unwrap_or(value)
}

/// The name of the referenced schema.
fn schema_name(value: &Value) -> Option<&str> {
    value["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

struct Html(String);

impl Html {
    fn put(&mut self, args: std::fmt::Arguments<'_>) {
        self.0.write_fmt(args).expect("writing to a String cannot fail");
    }

    fn paragraphs(&mut self, words: &str) {
        for paragraph in words.split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
            self.put(format_args!("<p>{}</p>", escape(paragraph)));
        }
    }

    /// A table of members or parameters: name, type, description.
    fn table(&mut self, heading: &str, rows: &[(String, String, String)]) {
        if rows.is_empty() {
            return;
        }
        self.put(format_args!("<table><caption>{heading}</caption><tbody>"));
        for (name, kind, description) in rows {
            self.put(format_args!(
                "<tr><th scope=\"row\"><code>{}</code></th><td>{kind}</td><td>{}</td></tr>",
                escape(name),
                escape(description)
            ));
        }
        self.put(format_args!("</tbody></table>"));
    }
}

/// Operations in the order of their tags: tag, path, method, operation.
fn operations() -> Vec<(&'static str, &'static str, String, &'static Value)> {
    let mut all = Vec::new();
    for tag in API["tags"].as_array().into_iter().flatten() {
        let tag = text(tag, "name");
        for (path, methods) in API["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag {
                    all.push((tag, path.as_str(), method.to_uppercase(), operation));
                }
            }
        }
    }
    all
}

fn render() -> String {
    let title = escape(text(&API["info"], "title"));
    let mut html = Html(String::new());
    html.put(format_args!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><link rel=\"stylesheet\" href=\"{}\"></head><body><main><h1>{title}</h1>",
        vestibule_web::asset::asset_href("docs.css")
    ));
    html.paragraphs(text(&API["info"], "description"));
    html.put(format_args!(
        "<p>All paths are below <code>{PREFIX}</code>. Machine-readable: <a href=\"openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>"
    ));
    let operations = operations();
    html.put(format_args!("<nav aria-label=\"Operations\">"));
    let mut section = "";
    for (tag, path, method, operation) in &operations {
        if *tag != section {
            let end = if section.is_empty() { "" } else { "</ul>" };
            html.put(format_args!("{end}<h2>{tag}</h2><ul>"));
            section = tag;
        }
        let (id, summary) = (text(operation, "operationId"), escape(text(operation, "summary")));
        html.put(format_args!("<li><a href=\"#{id}\"><code>{method} {}</code></a> {summary}</li>", escape(path)));
    }
    html.put(format_args!("</ul></nav>"));
    for (_, path, method, operation) in &operations {
        put_operation(&mut html, path, method, operation);
    }
    html.put(format_args!("<h2 id=\"schemas\">Schemas</h2>"));
    for (name, schema) in API["components"]["schemas"].as_object().into_iter().flatten() {
        html.put(format_args!("<section id=\"{name}\"><h3>{name}</h3>"));
        html.paragraphs(text(schema, "description"));
        html.table("Fields", &members(schema));
        html.put(format_args!("</section>"));
    }
    html.put(format_args!("</main></body></html>"));
    html.0
}

fn put_operation(html: &mut Html, path: &str, method: &str, operation: &'static Value) {
    let id = text(operation, "operationId");
    html.put(format_args!(
        "<section id=\"{id}\"><h3><code>{method} {PREFIX}{}</code></h3><p><strong>{}.</strong></p>",
        escape(path),
        escape(text(operation, "summary"))
    ));
    html.paragraphs(text(operation, "description"));
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(follow);
    let parameters: Vec<_> = parameters
        .map(|one| {
            let place = if one["required"] == true { ", required" } else { "" };
            let kind = format!("{}{place}<br>{}", text(one, "in"), print_kind(&one["schema"]));
            (text(one, "name").to_string(), kind, text(one, "description").to_string())
        })
        .collect();
    html.table("Parameters", &parameters);
    for (media_type, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        html.put(format_args!("<p>Body: <code>{media_type}</code>, {}</p>", print_kind(&body["schema"])));
        if schema_name(&body["schema"]).is_none() {
            html.paragraphs(text(&body["schema"], "description"));
            html.table("Fields", &members(&body["schema"]));
        }
        let example = &body["example"];
        let example = match example.as_str() {
            Some(text) => text.to_string(),
            None if example.is_null() => continue,
            None => serde_json::to_string_pretty(example).unwrap_or_default(),
        };
        html.put(format_args!("<pre><code>{}</code></pre>", escape(&example)));
    }
    let answers = operation["responses"].as_object().into_iter().flatten();
    let (good, bad): (Vec<_>, Vec<_>) = answers.partition(|(status, _)| status.starts_with('2'));
    for (status, answer) in good {
        let answer = follow(answer);
        html.put(format_args!("<p>Answers <strong>{status}</strong>: {}</p>", escape(text(answer, "description"))));
        for (media_type, content) in answer["content"].as_object().into_iter().flatten() {
            html.put(format_args!("<p><code>{media_type}</code>, {}</p>", print_kind(&content["schema"])));
            if schema_name(&content["schema"]).is_none() {
                html.table("Fields", &members(&content["schema"]));
            }
        }
    }
    html.put(format_args!("<details><summary>Errors</summary><ul>"));
    for (status, answer) in bad {
        html.put(format_args!("<li><strong>{status}</strong> {}</li>", escape(text(follow(answer), "description"))));
    }
    html.put(format_args!("</ul></details></section>"));
}

/// The type of a schema, as HTML.
fn print_kind(schema: &Value) -> String {
    if let Some(name) = schema_name(schema) {
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let kinds: Vec<&str> = match schema["type"].as_array() {
        Some(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        None => schema["type"].as_str().into_iter().collect(),
    };
    let mut description = kinds.join(" or ");
    if kinds.contains(&"array") {
        write!(description, " of {}", print_kind(&schema["items"])).expect("writing to a String cannot fail");
    }
    if let Some(format) = schema["format"].as_str() {
        write!(description, " ({format})").expect("writing to a String cannot fail");
    }
    if let Some(choices) = schema["enum"].as_array() {
        let choices: Vec<String> =
            choices.iter().map(|one| format!("<code>{}</code>", escape(&one.to_string()))).collect();
        write!(description, ": {}", choices.join(", ")).expect("writing to a String cannot fail");
    }
    for (name, word) in
        [("minimum", "at least"), ("maximum", "at most"), ("minLength", "at least"), ("maxLength", "at most")]
    {
        if let Some(bound) = schema[name].as_i64() {
            write!(description, ", {word} {bound}").expect("writing to a String cannot fail");
        }
    }
    description
}

/// The members of an object, or of the objects in an array.
fn members(schema: &Value) -> Vec<(String, String, String)> {
    let is_required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let all = schema["properties"].as_object().into_iter().flatten();
    all.map(|(name, member)| {
        let kind = print_kind(member) + if is_required(name) { ", required" } else { "" };
        (name.clone(), kind, text(member, "description").to_string())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_route_and_every_schema() {
        assert_eq!(API["openapi"], "3.1.0");
        let paths = API["paths"].as_object().unwrap();
        assert!(paths.len() > 15);
        let all: usize = paths.values().map(|methods| methods.as_object().unwrap().len()).sum();
        assert_eq!(operations().len(), all, "an operation has no tag that is listed");
        for (_, path, method, operation) in operations() {
            assert!(PAGE.contains(&escape(&format!("{method} {PREFIX}{path}"))), "{method} {path}");
            assert!(PAGE.contains(&format!("<section id=\"{}\">", text(operation, "operationId"))), "{method} {path}");
        }
        // Every link within the page has a target.
        for target in PAGE.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(PAGE.contains(&format!("id=\"{target}\"")), "{target}");
        }
    }
}
