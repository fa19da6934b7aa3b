//! Checks of module boundaries that the compiler does not enforce (docs/architecture.md). Reads the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

#[test]
fn protocol_and_domain_depend_on_nothing_that_touches_the_world() {
    let world = [
        "tokio",
        "axum",
        "hyper",
        "reqwest",
        "http",
        "tower",
        "rusqlite",
        "tokio-postgres",
        "deadpool-postgres",
        "lettre",
        "aws-lc-rs",
        "rand",
        "getrandom",
        "tracing",
        "vestibule-store",
        "vestibule-server",
        "askama",
        "clap",
    ];
    for room in ["protocol", "domain"] {
        let manifest = fs::read_to_string(crates().join(room).join("Cargo.toml")).expect("a manifest");
        let manifest: toml::Table = manifest.parse().expect("a manifest is TOML");
        let dependencies = manifest["dependencies"].as_table().expect("dependencies");
        for name in world {
            assert!(!dependencies.contains_key(name), "{room} must not depend on {name}: values in, decisions out");
        }
        assert!(room != "protocol" || !dependencies.contains_key("vestibule-domain"), "words know no truth");
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
    for (file, source) in
        ["protocol/src", "domain/src", "store/src", "server/src"].iter().flat_map(|room| sources(room))
    {
        for driver in ["rusqlite", "tokio_postgres", "deadpool", "deadpool_postgres"] {
            let is_db = file.starts_with("store/src/db");
            assert!(is_db || !names(&code(&source), driver), "{file} names {driver}: only store/src/db may");
        }
    }
}

#[test]
fn requests_have_an_address() {
    // A context without an address is not limited by address.
    let allowed = ["server/src/cli/", "server/src/jobs/", "server/src/flows/ctx.rs", "tests.rs"];
    let found: Vec<String> = sources("server/src")
        .into_iter()
        .filter(|(file, _)| !allowed.iter().any(|part| file.contains(part)))
        .filter(|(_, source)| names(&code(source), "without_request"))
        .map(|(file, _)| file)
        .collect();
    assert!(found.is_empty(), "only commands and jobs have a context without a request: {found:?}");
}

#[test]
fn flows_know_no_http() {
    let words = ["axum", "StatusCode", "HeaderMap", "crate::http", "askama", "SameSite", "Set-Cookie", "<p>", "<html"];
    forbid("server/src/flows", &words, "return a value or an error; http/ makes the answer");
}

#[test]
fn http_writes_nothing_and_knows_no_sql() {
    let words = ["Tx", "Sql", "vestibule_store::Store", "SELECT", "INSERT INTO", "UPDATE", "DELETE FROM"];
    forbid("server/src/http", &words, "call a flow");
    let writers: Vec<String> = sources("server/src/http")
        .into_iter()
        .filter(|(_, source)| names(&code(source), ".write("))
        .map(|(file, _)| file)
        .collect();
    assert!(writers.is_empty(), "server/src/http must not write; call a flow: {writers:?}");
}

#[test]
fn only_the_table_of_routes_makes_routes_and_only_one_file_reads_credentials() {
    for (file, source) in sources("server/src/http") {
        let code = code(&source);
        for word in [".route(", ".route_service(", ".nest_service(", ".fallback_service(", "axum::routing", "routing::"]
        {
            let is_table = ["server/src/http/routes.rs", "server/src/http/routes/route.rs"].contains(&file.as_str());
            assert!(is_table || !names(&code, word), "{file} names {word}: only the table in routes.rs makes routes");
        }
        for word in ["AUTHORIZATION", "header::COOKIE", "\"authorization\"", "\"cookie\""] {
            // framing.rs counts the lines of a header, and reads none of them.
            let is_reader =
                ["server/src/http/credentials.rs", "server/src/http/serve/framing.rs"].contains(&file.as_str());
            assert!(is_reader || !names(&code, word), "{file} names {word}: take a type of credentials.rs");
        }
    }
}

#[test]
fn adapters_jobs_and_pages_stay_within_their_boundaries() {
    forbid(
        "server/src/adapters",
        &["crate::flows", "crate::http", "vestibule_store", "axum"],
        "a port is a door, nothing else",
    );
    forbid("server/src/jobs", &["crate::http", "axum"], "a job has no request");
    forbid(
        "server/src/ui",
        &["crate::flows", "crate::http", "vestibule_store", "axum"],
        "a page is given what it shows",
    );
}

#[test]
fn every_file_opens_by_saying_what_it_owns() {
    for room in ["protocol", "domain", "store", "server"] {
        for (file, source) in sources(room) {
            assert!(source.starts_with("//! "), "{file} does not open with //!");
        }
    }
}

#[test]
fn no_file_outgrows_a_readers_patience() {
    for (file, source) in
        ["protocol/src", "domain/src", "store/src", "server/src"].iter().flat_map(|room| sources(room))
    {
        let end = source.find("#[cfg(test)]\nmod tests").unwrap_or(source.len());
        let lines = source[..end].lines().count();
        assert!(lines <= 600, "{file} has {lines} lines without its tests: split it by concept");
    }
}

#[test]
fn modules_are_called_by_what_they_are() {
    const NAMELESS: [&str; 6] = ["utils", "helpers", "common", "manager", "service", "misc"];
    for (file, source) in ["protocol", "domain", "store", "server"].iter().flat_map(|room| sources(room)) {
        let path = Path::new(&file).with_extension("");
        let named = path.iter().any(|part| NAMELESS.iter().any(|name| part.eq_ignore_ascii_case(name)));
        let inline = NAMELESS.iter().any(|name| source.contains(&format!("\nmod {name} ")));
        assert!(!named && !inline, "{file}: name the module by the concept it holds");
    }
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    for (file, source) in ["protocol", "domain", "store", "server"].iter().flat_map(|room| sources(room)) {
        let silenced = concat!("#[", "allow(");
        assert!(
            !source.contains(silenced) && !source.contains(&silenced.replace('[', "![")),
            "{file}: write #[expect(lint, reason)]"
        );
    }
}
