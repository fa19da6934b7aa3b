//! Generates the pages under `docs/reference/`: configuration, project settings, errors, credentials and limits, from
//! the tables that the code uses.

use std::fmt::Write;

use vestibule_domain::project::list_reference;
use vestibule_protocol::{
    limits::{self, Unit},
    oauth::PARAMETERS,
};

use crate::{
    config,
    http::{self, error},
    routes::{Face, list_routes},
};

const NOTE: &str =
    "<!-- Generated: `VESTIBULE_WRITE_REFERENCE=1 cargo test -p vestibule-server --lib reference`. Do not edit. -->";

/// `docs/reference/config.md`
#[must_use]
pub fn config_page() -> String {
    format!(
        "# Server configuration\n\n{NOTE}\n\n`vestibule serve --config FILE` reads this. Every key with its default and its \
         meaning; write only what you change.\nPrinted by `vestibule config reference`, checked by `vestibule config check`.\n\n\
         ```toml\n{}```\n",
        config::DEFAULTS
    )
}

/// `docs/reference/project.md`
#[must_use]
pub fn project_page() -> String {
    let mut page = format!(
        "# Project settings\n\n{NOTE}\n\nThe keys of a project file (TOML), as `vestibule project apply FILE` takes it and \
         `vestibule project export ID` prints it.\nAn absent key means its default, also when a later release changes the default.\n\n\
         | key | value | default | meaning |\n|---|---|---|---|\n"
    );
    for entry in list_reference() {
        let default = match (entry.is_required, entry.default) {
            (true, _) => "required".to_string(),
            (false, "") => String::new(),
            (false, default) => format!("`{default}`"),
        };
        writeln!(page, "| `{}` | {} | {default} | {} |", entry.path, cell(&entry.kind), cell(entry.meaning))
            .expect("writing to a String cannot fail");
    }
    page
}

/// `docs/reference/errors.md`
#[must_use]
pub fn errors_page() -> String {
    let mut page = format!(
        "# Errors\n\n{NOTE}\n\nThe same trouble is told in the dialect of the endpoint that meets it: OAuth \
         (`/oauth2/token`, `/oauth2/revoke`, `/oauth2/userinfo`: RFC 6749 §5.2) or the JSON API (`/api/…`, \
         `/oauth2/challenge`: `{{\"error\":{{name, reason, message, code, info}}}}`).\nAn endpoint may override a row: its guide \
         says so. `Retry-After` is in whole seconds.\n\n\
         | what happened | OAuth `error` | status | `error_description` | JSON API name/reason | status | `Retry-After` |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for told in error::list_told() {
        writeln!(
            page,
            "| {} | `{}` | {} | {} | `{}`/`{}` | {} | {} |",
            cell(&told.what),
            told.oauth.code.as_str(),
            told.oauth_status,
            cell(told.oauth.description()),
            told.api.name.as_str(),
            told.api.reason,
            told.api.status(),
            if told.retry { "yes" } else { "" },
        )
        .expect("writing to a String cannot fail");
    }
    page
}

/// Each kind of credential: name, how it is sent, what it represents.
const KINDS: [[&str; 3]; 8] = [
    [
        "session cookie",
        "`session`",
        "who is signed in in the browser, a guest or a member; single sign-on between the project's applications",
    ],
    [
        "app session cookie",
        "`app_session`",
        "the account page of an application's user. Opens `/settings…` and settings actions and nothing else; its grant must have full access. It \
         never takes the place of another user's live session without the person's agreement. `/oauth2/authorize` compares it before it is replaced, \
         and takes it for a settings action of the application it belongs to; it never leads to a code",
    ],
    ["flow cookie", "`oauth_ui`, over TLS `__Host-oauth_ui`", "the browser in which a flow began; identifies no user"],
    [
        "bearer token (`scope`)",
        "`Authorization: Bearer`",
        "an access token whose grant has the scope. Access tokens of grants that are bound to a DPoP key are accepted without a proof",
    ],
    [
        "client authentication",
        "`Authorization: Basic`, or `client_id` and `client_secret` in the form",
        "an application that holds a secret",
    ],
    [
        "admin key (`scope`)",
        "`Authorization: Bearer`",
        "an API key, or a JWT signed with a registered key, that has the scope",
    ],
    [
        "operator cookie",
        "`vestibule_operator`, over TLS `__Host-vestibule_operator`",
        "an operator with the role; forms carry a token besides",
    ],
    [
        "portal form cookie",
        "`vestibule_lobby`, over TLS `__Host-vestibule_lobby`",
        "the browser in which a form before sign-in was shown; identifies no operator",
    ],
];

/// `docs/reference/credentials.md`
#[must_use]
pub fn credentials_page() -> String {
    let mut page = format!(
        "# Routes and credentials\n\n{NOTE}\n\nEvery route of the server and the credentials it accepts. The table is the one that the router is built \
         from: a handler gets the credentials that its route declares, and cannot read another. **A credential that a route does not declare is \
         ignored, never refused**: the route answers as if it had not been sent. `GET` routes answer `HEAD` too.\n\n\
         | credential | sent as | stands for |\n|---|---|---|\n"
    );
    let mut put = |line: std::fmt::Arguments<'_>| page.write_fmt(line).expect("writing to a String cannot fail");
    for [name, sent, meaning] in KINDS {
        put(format_args!("| {name} | {sent} | {meaning} |\n"));
    }
    put(format_args!(
        "\nThe last column names credentials in the request's own parameters (its JSON body, form or query), such as a refresh token.\n"
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
        "# Limits of inputs\n\n{NOTE}\n\nHow much of each input is read, and what happens to more. None of these can be \
         configured; limits by time are in [config.md](config.md) and [project.md](project.md).\nNo work on an input grows faster \
         than its length, and none of it that takes long runs on the threads that answer requests.\n\n\
         ## OAuth parameters\n\nIn bytes, once decoded, at every endpoint that reads the parameter. A longer one is answered \
         `invalid_request` (`scope`: `invalid_scope`) with the limit in the description; at `/oauth2/authorize` the error goes to the \
         application, without the `state` if that is too long. Only `client_id` and `redirect_uri` are answered at once.\n\n\
         | parameter | bytes |\n|---|---|\n"
    );
    for (name, most) in PARAMETERS {
        writeln!(page, "| `{name}` | {most} |").expect("writing to a String cannot fail");
    }
    page.push_str("\n## Everything else\n\n| input | most | | more is | source |\n|---|---|---|---|---|\n");
    for (crate_name, limits) in
        [("protocol", limits::LIMITS), ("domain", vestibule_domain::limits::LIMITS), ("server", http::LIMITS)]
    {
        for limit in limits {
            let source =
                if crate_name == "protocol" { format!("limits::{}", limit.source) } else { limit.source.into() };
            let unit = match limit.unit {
                Unit::Bytes => "bytes",
                Unit::Characters => "characters",
                Unit::Items => "items",
                Unit::Levels => "levels",
            };
            let (input, exceeded) = (cell(limit.input), cell(limit.exceeded));
            writeln!(page, "| {input} | {} | {unit} | {exceeded} | `{crate_name}::{source}` |", limit.most)
                .expect("writing to a String cannot fail");
        }
    }
    page
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page of credentials names every route there is: the routers are filled from the same table by `routes::mount`, which
    /// takes a group of it and not a route; a route's handler is private to that file; and `tests/it/walls.rs` lets no other
    /// file of `http/` build routes. So a route that is not in the table answers no request.
    #[test]
    fn the_reference_pages_say_what_the_code_does() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");
        for (name, page) in [
            ("config", config_page()),
            ("project", project_page()),
            ("errors", errors_page()),
            ("credentials", credentials_page()),
            ("limits", limits_page()),
        ] {
            let path = format!("{folder}/{name}.md");
            if std::env::var_os("VESTIBULE_WRITE_REFERENCE").is_some() {
                std::fs::write(&path, &page).expect("docs/reference is writable");
            }
            let written = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                written == page,
                "docs/reference/{name}.md is old: VESTIBULE_WRITE_REFERENCE=1 cargo test -p vestibule-server --lib reference"
            );
        }
    }
}
