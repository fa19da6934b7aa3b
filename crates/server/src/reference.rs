//! Generates the pages under `docs/reference/` (configuration, project settings, errors, credentials and limits) and the description of
//! the Admin API, from the tables and types that the code uses.

use std::fmt::Write;

use vestibule_app::{config, passwords};
use vestibule_domain::project::SettingKey;
use vestibule_protocol::{
    limits::{self, Unit},
    oauth::PARAMETERS,
};
use vestibule_web::error;

use crate::routes::{Face, list_routes};

const NOTE: &str =
    "<!-- Generated: `VESTIBULE_WRITE_REFERENCE=1 cargo test -p vestibule-server --lib reference`. Do not edit. -->";

/// `docs/reference/config.md`
#[must_use]
pub fn config_page() -> String {
    format!(
        "# Server configuration\n\n{NOTE}\n\nEvery configuration key with its default and description. Put only the keys you change into your file, and pass it as `vestibule serve --config FILE`.\n`vestibule config reference` prints this text, and `vestibule config check` checks your file.\n\n\
         <!-- run: configuration -->\n```toml\n{}```\n",
        config::DEFAULTS
    )
}

/// `docs/reference/project.md`
#[must_use]
pub fn project_page() -> String {
    let mut page = format!(
        "# Project settings\n\n{NOTE}\n\nThe keys of a project file (TOML), for `vestibule project apply FILE` and `vestibule project export ID`.\nA key that is not set has its default, even if a later release changes the default.\n\n\
         | key | value | default | description |\n|---|---|---|---|\n"
    );
    for key in SettingKey::list().iter().filter(|key| !is_of_another_language(key.path())) {
        let default = match key.default_toml() {
            _ if key.is_required() => "required".to_string(),
            Some(default) => format!("`{default}`"),
            None => String::new(),
        };
        writeln!(page, "| `{}` | {} | {default} | {} |", key.path(), cell(&key.describe()), cell(key.meaning()))
            .expect("writing to a String cannot fail");
    }
    page.push_str("\n## Keys without a control in the portal\n\nEvery other key is edited in a settings form of the portal.\n\n| key | reason |\n|---|---|\n");
    for (path, reason) in vestibule_portal::WITHOUT_CONTROL {
        writeln!(page, "| `{path}` | {} |", cell(reason)).expect("writing to a String cannot fail");
    }
    page
}

/// Whether a key is one of the texts of emails in a language other than English, which have the same keys.
fn is_of_another_language(path: &str) -> bool {
    let below = path.strip_prefix("mail.texts.").and_then(|rest| rest.split_once('.'));
    below.is_some_and(|(language, _)| language != "en")
}

/// `docs/reference/errors.md`
#[must_use]
pub fn errors_page() -> String {
    let mut page = format!(
        "# Errors\n\n{NOTE}\n\nEach endpoint reports an error in its own format: OAuth \
         (`/oauth2/token`, `/oauth2/revoke`, `/oauth2/userinfo`: RFC 6749 §5.2) or the JSON API (`/api/…`, \
         `/oauth2/challenge`: `{{\"error\":{{name, reason, message, code, info}}}}`).\nAn endpoint may differ from a row; its guide then says so. `Retry-After` is in whole seconds.\n\n\
         | error | OAuth `error` | status | `error_description` | JSON API name/reason | status | `Retry-After` |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for documented in error::list_documented_errors() {
        writeln!(
            page,
            "| {} | `{}` | {} | {} | `{}`/`{}` | {} | {} |",
            cell(&documented.what),
            documented.oauth.code.as_str(),
            documented.oauth_status,
            cell(documented.oauth.description()),
            documented.api.name.as_str(),
            documented.api.reason,
            documented.api.status(),
            if documented.retry { "yes" } else { "" },
        )
        .expect("writing to a String cannot fail");
    }
    page
}

/// Each kind of credential: name, how it is sent, what it represents.
const KINDS: [[&str; 3]; 10] = [
    [
        "session cookie",
        "`session`",
        "the user signed in in the browser, guest or member; single sign-on between the project's applications",
    ],
    [
        "app session cookie",
        "`app_session`",
        "access to the account pages for an application's user. Valid for `/settings…` and settings actions only; its grant must have full access. It replaces another user's active session only after the user agrees. `/oauth2/authorize` compares it before replacing it, and accepts it for a settings action of its own application; it never leads to a code",
    ],
    [
        "flow cookie",
        "`oauth_ui`, over TLS `__Host-oauth_ui`",
        "the browser in which a flow started; identifies no user",
    ],
    [
        "known device cookie",
        "`known_device`, over TLS `__Host-known_device`",
        "no user and no access: for an account that signed in to this browser before, wrong passwords and codes are counted apart from those of other browsers",
    ],
    [
        "bearer token (`scope`)",
        "`Authorization: Bearer`",
        "an access token whose grant has the scope. Access tokens of grants that are bound to a DPoP key are accepted without a proof",
    ],
    [
        "client authentication",
        "`Authorization: Basic`, or `client_id` and `client_secret` in the form, or `client_assertion`",
        "an application that holds a secret or a private key",
    ],
    [
        "admin key (`scope`)",
        "`Authorization: Bearer`",
        "an API key, or a JWT signed with a registered key, that has the scope",
    ],
    [
        "operator cookie",
        "`vestibule_operator`, over TLS `__Host-vestibule_operator`",
        "an operator with the role; forms also carry a token",
    ],
    [
        "portal form cookie",
        "`vestibule_lobby`, over TLS `__Host-vestibule_lobby`",
        "the browser in which a form before sign-in was shown; identifies no operator",
    ],
    [
        "portal known device cookie",
        "`vestibule_known_device`, over TLS `__Host-vestibule_known_device`",
        "no operator and no access: as the known device cookie, for operators who signed in to this browser before",
    ],
];

/// `docs/reference/credentials.md`
#[must_use]
pub fn credentials_page() -> String {
    let mut page = format!(
        "# Routes and credentials\n\n{NOTE}\n\nEvery route of the server and the credentials it accepts. The router is built from this table: a handler gets only the credentials that its route declares. **A credential that a route does not declare is \
         ignored, never refused**: the route answers as if it had not been sent. `GET` routes answer `HEAD` too.\n\n\
         | credential | sent as | identifies |\n|---|---|---|\n"
    );
    let mut put = |line: std::fmt::Arguments<'_>| page.write_fmt(line).expect("writing to a String cannot fail");
    for [name, sent, meaning] in KINDS {
        put(format_args!("| {name} | {sent} | {meaning} |\n"));
    }
    put(format_args!(
        "\nThe last column lists credentials in the request's parameters (JSON body, form or query), such as a refresh token.\n"
    ));
    let routes = list_routes();
    for face in Face::ALL {
        put(format_args!(
            "\n## {}\n\n| method | path | accepts | in its parameters |\n|---|---|---|---|\n",
            face.name()
        ));
        for route in routes.iter().filter(|route| route.face == face) {
            let accepts: Vec<String> = route.accepts.iter().map(|kind| kind.describe()).collect();
            let accepts = if accepts.is_empty() { "none".to_string() } else { accepts.join(", ") };
            let parameters: Vec<String> = route.parameters.iter().map(|name| format!("`{name}`")).collect();
            put(format_args!("| {} | `{}` | {accepts} | {} |\n", route.method, route.path, parameters.join(", ")));
        }
    }
    page
}

/// `docs/reference/limits.md`
#[must_use]
pub fn limits_page() -> String {
    let mut page = format!(
        "# Limits of inputs\n\n{NOTE}\n\nThe maximum size of each input, and the result if it is exceeded. These limits can't be configured. Rate limits and timeouts are in [config.md](config.md) and [project.md](project.md).\nThe work per input grows at most linearly with its length, and slow work does not run on the threads that answer requests.\n\n\
         ## OAuth parameters\n\nIn bytes after decoding, at every endpoint that reads the parameter. A longer value is answered with `invalid_request` (`scope`: `invalid_scope`) and the limit in the description. At `/oauth2/authorize`, the error is sent to the application, without the `state` if that is too long. For `client_id` and `redirect_uri`, an error page is shown instead.\n\n\
         | parameter | bytes |\n|---|---|\n"
    );
    for (name, most) in PARAMETERS {
        writeln!(page, "| `{name}` | {most} |").expect("writing to a String cannot fail");
    }
    page.push_str("\n## Other inputs\n\n| input | maximum | unit | if exceeded | source |\n|---|---|---|---|---|\n");
    for (place, limits) in [
        ("protocol::limits::", limits::LIMITS),
        ("domain::", vestibule_domain::limits::LIMITS),
        ("", crate::input_limits::LIMITS),
        ("app::", &passwords::LIMITS),
    ] {
        for limit in limits {
            let unit = match limit.unit {
                Unit::Bytes => "bytes",
                Unit::Characters => "characters",
                Unit::Items => "items",
                Unit::Levels => "levels",
                Unit::Pixels => "pixels",
                Unit::TimesPasswords => "times `[passwords]`, or its defaults if they are more",
                Unit::KibPasses => "KiB × passes",
            };
            let (input, exceeded) = (cell(limit.input), cell(limit.exceeded));
            writeln!(page, "| {input} | {} | {unit} | {exceeded} | `{place}{}` |", limit.most, limit.source)
                .expect("writing to a String cannot fail");
        }
    }
    page
}

/// `openapi.json`, the description of the Admin API.
#[must_use]
pub fn admin_api_description() -> String {
    crate::admin_api::print_document()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The page of credentials names every route there is: the routers are filled from the same table by `routes::mount`, which
    /// takes a group of it and not a route; a route's handler is private to that file; and `tests/it/boundaries.rs` lets no other
    /// file of `http/` build routes. So a route that is not in the table answers no request.
    #[test]
    fn the_references_say_what_the_code_does() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
        for (path, text) in [
            (folder.join("config.md"), config_page()),
            (folder.join("project.md"), project_page()),
            (folder.join("errors.md"), errors_page()),
            (folder.join("credentials.md"), credentials_page()),
            (folder.join("limits.md"), limits_page()),
            (crate::admin_api::description_file(), admin_api_description()),
        ] {
            if std::env::var_os("VESTIBULE_WRITE_REFERENCE").is_some() {
                std::fs::write(&path, &text).expect("the repository is writable");
            }
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                written == text,
                "{} is old: VESTIBULE_WRITE_REFERENCE=1 cargo test -p vestibule-server --lib reference",
                path.display()
            );
        }
    }
}
