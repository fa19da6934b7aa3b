//! Checks of module boundaries that the compiler does not enforce (docs/architecture.md). Reads the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Every crate of the workspace.
const CRATES: [&str; 9] = ["protocol", "domain", "store", "app", "web", "pages", "portal", "api", "server"];

/// The workspace's `crates` folder.
fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate is in a folder").to_path_buf()
}

/// Every Rust file below a folder of `crates`, with its relative path.
fn sources(folder: &str) -> Vec<(String, String)> {
    let (root, mut files) = (crates(), Vec::new());
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("below it").to_string_lossy().into_owned();
                files.push((name, fs::read_to_string(&path).expect("a readable file")));
            }
        }
    }
    assert!(!files.is_empty(), "{folder} holds sources");
    files
}

/// The part of a file that is compiled into the program: without comments and tests.
fn code(source: &str) -> String {
    let end = source.find("#[cfg(test)]\nmod tests").unwrap_or(source.len());
    let lines = source[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether the text contains the word as a whole.
fn names(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        let starts = !word.starts_with(|c: char| c.is_alphanumeric()) || !is_part(text[..at].chars().next_back());
        let ends = !word.ends_with(|c: char| c.is_alphanumeric()) || !is_part(text[at + word.len()..].chars().next());
        starts && ends
    })
}

#[track_caller]
fn forbid(folder: &str, words: &[&str], instead: &str) {
    let found: Vec<String> = sources(folder)
        .iter()
        .flat_map(|(file, source)| {
            let code = code(source);
            words.iter().filter(move |word| names(&code, word)).map(move |word| format!("  {file}: {word}"))
        })
        .collect();
    assert!(found.is_empty(), "{folder} must not name these; {instead}:\n{}", found.join("\n"));
}

/// The dependencies of a crate, as its manifest declares them.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = fs::read_to_string(crates().join(name).join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
    manifest["dependencies"].as_table().expect("dependencies").keys().cloned().collect()
}

/// Cargo enforces what a crate does not depend on; this test keeps the manifests as `docs/architecture.md` says.
#[test]
fn crates_depend_only_on_what_they_may_use() {
    let world =
        ["tokio", "axum", "hyper", "reqwest", "http", "tower", "lettre", "aws-lc-rs", "tracing", "askama", "clap"];
    let drivers = ["rusqlite", "tokio-postgres", "deadpool-postgres"];
    let http = ["axum", "hyper", "hyper-util", "tower", "askama", "cookie"];
    let (app, web, pages, portal) = ("vestibule-app", "vestibule-web", "vestibule-pages", "vestibule-portal");
    let (store, api, server) = ("vestibule-store", "vestibule-api", "vestibule-server");
    let forbidden: [(&str, Vec<&str>); 7] = [
        ("protocol", [&world[..], &drivers, &["vestibule-domain", store, app]].concat()),
        ("domain", [&world[..], &drivers, &[store, app]].concat()),
        ("app", [&http[..], &drivers, &[web, pages, portal, api, server]].concat()),
        ("web", [&drivers[..], &[store, pages, portal, api, server]].concat()),
        ("pages", [&drivers[..], &[store, portal, api, server]].concat()),
        ("portal", [&drivers[..], &[store, pages, api, server]].concat()),
        ("api", [&drivers[..], &[store, portal, server]].concat()),
    ];
    for (name, forbidden) in forbidden {
        let declared = dependencies(name);
        for dependency in forbidden {
            assert!(!declared.iter().any(|one| one == dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn protocol_and_domain_touch_neither_time_nor_files_nor_network() {
    let world =
        ["std::fs", "std::net::Tcp", "std::env", "std::process", "SystemTime", "Instant", "async fn", "std::thread"];
    forbid("protocol/src", &world, "it takes values and returns values");
    forbid("domain/src", &world, "it takes values and returns decisions");
}

#[test]
fn only_the_stores_db_names_a_driver() {
    for (file, source) in ["store/src", "api/src", "server/src"].iter().flat_map(|name| sources(name)) {
        for driver in ["rusqlite", "tokio_postgres", "deadpool", "deadpool_postgres"] {
            let is_db = file.starts_with("store/src/db");
            assert!(is_db || !names(&code(&source), driver), "{file} names {driver}: only store/src/db may");
        }
    }
}

#[test]
fn requests_have_an_address() {
    // A context without an address is not limited by address.
    let allowed = ["server/src/cli/", "app/src/jobs/", "app/src/ctx.rs", "tests.rs"];
    let found: Vec<String> = CRATES
        .iter()
        .flat_map(|name| sources(&format!("{name}/src")))
        .filter(|(file, _)| !allowed.iter().any(|part| file.contains(part)))
        .filter(|(_, source)| names(&code(source), "without_request"))
        .map(|(file, _)| file)
        .collect();
    assert!(found.is_empty(), "only commands and jobs have a context without a request: {found:?}");
}

/// A text message costs money, so countries, waits and budget come before each: `SendPermit` is made there only, and sends it.
#[test]
fn text_messages_are_sent_with_a_permit_only() {
    let callers = |word: &str| -> Vec<String> {
        let all = CRATES.iter().flat_map(|name| sources(&format!("{name}/src")));
        let mut found: Vec<String> =
            all.filter(|(_, source)| names(&code(source), word)).map(|(file, _)| file).collect();
        found.sort();
        found
    };
    assert_eq!(callers("sms.send"), ["app/src/jobs/outbox.rs", "app/src/send_permit.rs"]);
    assert_eq!(callers("SendPermit {"), ["app/src/send_permit.rs"]);
    assert_eq!(callers("PermittedMessage::new"), ["app/src/send_permit.rs"]);
    assert_eq!(callers("MessageChannel::Sms"), ["app/src/jobs/outbox.rs", "app/src/messages.rs"]);
}

#[test]
fn use_cases_make_no_responses() {
    let words = ["StatusCode", "HeaderMap", "SameSite", "Set-Cookie", "<p>", "<html"];
    for folder in ["account", "admin", "authorize", "flow", "guests", "operators", "promotion", "sessions", "tokens"] {
        forbid(&format!("app/src/{folder}"), &words, "return a value or an error; an HTTP crate makes the response");
    }
    forbid("app/src/adapters", &["vestibule_store", "crate::flow"], "an adapter knows nothing of the product");
}

/// The state gives access to the store without naming its crate.
#[test]
fn http_reaches_the_store_through_use_cases_only() {
    let (words, instead) = ([".store", "Tx", "Sql", "SELECT", "INSERT INTO", "DELETE FROM"], "call a use case");
    for folder in ["web/src", "pages/src", "portal/src", "api/src/oauth", "server/src/admin_api"] {
        forbid(folder, &words, instead);
    }
    for file in ["anonymous.rs", "resolver.rs", "front.rs"] {
        let source = fs::read_to_string(crates().join("api/src").join(file)).expect("a file of the crate");
        let found: Vec<&&str> = words.iter().filter(|word| names(&code(&source), word)).collect();
        assert!(found.is_empty(), "api/src/{file} names {found:?}: {instead}");
    }
}

#[test]
fn only_the_table_of_routes_makes_routes_and_only_one_file_reads_credentials() {
    for (file, source) in
        ["web/src", "pages/src", "portal/src", "api/src", "server/src"].iter().flat_map(|name| sources(name))
    {
        // The demo and its mailbox are programs of their own.
        if file.starts_with("server/src/demo/") {
            continue;
        }
        let code = code(&source);
        for word in [".route(", ".route_service(", ".nest_service(", ".fallback_service(", "axum::routing", "routing::"]
        {
            let is_table = ["server/src/route_table.rs", "web/src/route.rs"].contains(&file.as_str());
            assert!(
                is_table || !names(&code, word),
                "{file} names {word}: only the table in route_table.rs makes routes"
            );
        }
        for word in ["AUTHORIZATION", "header::COOKIE", "\"authorization\"", "\"cookie\""] {
            // framing.rs counts the lines of a header, and reads none of them; quick_start.rs names a kind of session.
            let is_reader = ["web/src/credentials.rs", "api/src/serve/framing.rs", "portal/src/quick_start.rs"]
                .contains(&file.as_str());
            assert!(is_reader || !names(&code, word), "{file} names {word}: take a type of credentials.rs");
        }
    }
}

#[test]
fn every_file_opens_by_saying_what_it_owns() {
    for name in CRATES {
        for (file, source) in sources(name) {
            assert!(source.starts_with("//! "), "{file} does not open with //!");
        }
    }
}

#[test]
fn no_file_outgrows_a_readers_patience() {
    for (file, source) in CRATES.iter().flat_map(|name| sources(&format!("{name}/src"))) {
        let end = source.find("#[cfg(test)]\nmod tests").unwrap_or(source.len());
        let lines = source[..end].lines().count();
        assert!(lines <= 600, "{file} has {lines} lines without its tests: split it by concept");
    }
}

#[test]
fn modules_are_called_by_what_they_are() {
    const NAMELESS: [&str; 6] = ["utils", "helpers", "common", "manager", "service", "misc"];
    for (file, source) in CRATES.iter().flat_map(|name| sources(name)) {
        let path = Path::new(&file).with_extension("");
        let named = path.iter().any(|part| NAMELESS.iter().any(|name| part.eq_ignore_ascii_case(name)));
        let inline = NAMELESS.iter().any(|name| source.contains(&format!("\nmod {name} ")));
        assert!(!named && !inline, "{file}: name the module by the concept it holds");
    }
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    for (file, source) in CRATES.iter().flat_map(|name| sources(name)) {
        let silenced = concat!("#[", "allow(");
        assert!(
            !source.contains(silenced) && !source.contains(&silenced.replace('[', "![")),
            "{file}: write #[expect(lint, reason)]"
        );
    }
}

/// `Debug` ends up in logs. A field with a secret is a `Secret`, a `Credential` or a hash, or its type is not shown.
#[test]
fn no_secret_is_shown() {
    const NAMES: [&str; 14] = [
        "id_token",
        "access_token",
        "refresh_token",
        "subject_token",
        "code_verifier",
        "verifier",
        "client_secret",
        "secret",
        "password",
        "api_key",
        "private_key",
        "assertion",
        "continuation",
        "bearer",
    ];
    // Answers of the Admin API, which show a new secret once.
    const SHOWN: [&str; 3] = ["WebhookSecretView", "NewSecretView", "NewKeyView"];
    let mut found = Vec::new();
    for name in ["protocol", "domain", "store", "app", "server"] {
        for (file, source) in sources(&format!("{name}/src")) {
            let code = code(&source);
            for item in code.split("#[derive(").skip(1) {
                let Some((derived, rest)) = item.split_once(')') else { continue };
                let Some((head, body)) = rest.split_once('{') else { continue };
                let is_type = |word: &&str| ["struct", "enum"].contains(word);
                let mut words = head.split_whitespace().skip_while(|word| !is_type(word)).skip(1);
                let of = words.next().unwrap_or_default().split('<').next().unwrap_or_default();
                if !names(derived, "Debug") || head.contains(';') || SHOWN.contains(&of) {
                    continue;
                }
                let body = body.split("\n}").next().unwrap_or_default();
                for line in body.lines().map(str::trim) {
                    let Some((field, kind)) = line.split_once(": ") else { continue };
                    let field = field.split_whitespace().last().unwrap_or_default();
                    let is_plain = ["str", "String", "u8"].iter().any(|plain| names(kind, plain));
                    if NAMES.contains(&field) && is_plain && !names(kind, "Secret") {
                        found.push(format!("  {file}: {of}.{field}: {kind}"));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "these would be shown by Debug:\n{}", found.join("\n"));
}
