//! Every text that is shown to a person keeps to the glossary (docs/glossary.md): pages, emails, portal, command line, messages,
//! references and guides. Reads the texts and refuses phrases that the project does not use.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::CommandFactory;
use vestibule_server::cli::Cli;

/// A phrase that no shown text has, and what to write instead.
const BANNED: &[(&str, &str)] = &[
    ("whoever", "the user, operator or client that is meant"),
    ("somebody", "a user, another operator"),
    ("nobody", "no user, or the reason"),
    ("everybody", "all users"),
    ("is told", "is notified, gets"),
    ("are told", "are notified, get"),
    ("was told", "was notified, got"),
    ("is asked", "is called, must confirm"),
    ("are asked", "are called, must confirm"),
    ("gives way", "ends, signs in to an existing member"),
    ("gave way", "ended, signed in to an existing member"),
    ("way in", "sign-in method, login ID, recovery link"),
    ("ways in", "sign-in methods, login IDs"),
    ("ways back", "return page"),
    ("comes back", "returns, signs in again"),
    ("come back", "return, sign in again"),
    ("came back", "returned"),
    ("it counts", "it applies, takes effect"),
    ("they count", "they apply, take effect"),
    ("from now on", "leave it out"),
    ("from then on", "at once"),
    ("for ever", "permanently, can't be changed later"),
    ("grow back", "refill"),
    ("grows back", "refills"),
    ("go together", "conflict"),
    ("goes together", "conflicts"),
    ("does not fit", "does not match"),
    ("do not fit", "do not match"),
    ("belongs here", "matches"),
    ("house", "project, server"),
    ("lobby", "sign-in page"),
    ("passer-by", "visitor"),
    ("let in", "allowed, enabled"),
    ("lets in", "allows"),
    ("e-mail", "email"),
    ("e-mails", "emails"),
    ("colour", "color"),
    ("colours", "colors"),
    ("behaviour", "behavior"),
    ("licence", "license"),
    ("log out", "sign out"),
    ("logged out", "signed out"),
    ("user name", "username"),
    ("letter by letter", "exactly"),
    ("on the wire", "in requests"),
    ("last resort", "fallback"),
    ("fewest", "minimum"),
    ("least strength", "minimum strength"),
    ("hand it over", "send it"),
    ("hands out", "issues, exposes"),
    ("tried again", "retried"),
    ("given up", "failed"),
    ("was taken", "was accepted"),
    ("not taken", "not accepted"),
    ("anew", "again"),
    ("afresh", "again"),
    ("for who", "for developers who, for operators who"),
];

/// Where a phrase is right: the end of the file's name, the phrase, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("domain/src/identifier/username.rs", "nobody", "a reserved username"),
    ("domain/src/project/origin.rs", "user name", "the part of a URL (RFC 3986)"),
    ("domain/src/project/rules.rs", "user name", "the part of a URL (RFC 3986)"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file with one of the extensions, at or below a path of the repository.
pub(crate) fn files(path: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let (mut found, mut paths) = (Vec::new(), vec![root().join(path)]);
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(&path).expect("a readable folder").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|one| extension == *one)) {
            found.push((path.display().to_string(), fs::read_to_string(&path).expect("a text")));
        }
    }
    assert!(!found.is_empty(), "{path} has texts");
    found
}

/// The text without what is between the two marks, which leaves a gap.
fn without(text: &str, open: &str, close: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        kept.push_str(" ` ");
        rest = after.split_once(close).map_or("", |(_, rest)| rest);
    }
    kept + rest
}

fn prose(markdown: &str) -> String {
    without(&without(&without(markdown, "```", "```"), "`", "`"), "](", ")")
}

/// What a reader of a page sees or hears: the text between the tags, and the attributes that carry words.
fn visible(html: &str) -> String {
    let html = without(&without(&without(html, "{%", "%}"), "{{", "}}"), "<style", "</style>");
    let attributes = ["aria-label=\"", "placeholder=\"", "title=\"", "alt=\""].map(|attribute| {
        html.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap_or("")).collect::<Vec<_>>().join("\n")
    });
    format!("{}\n{}", without(&html, "<", ">"), attributes.join("\n"))
}

/// The string literals of a source that are sentences: not those of its tests, and not the reasons of `expect`.
fn literals(source: &str) -> String {
    let end = source.find("#[cfg(test)]\nmod tests").unwrap_or(source.len());
    let lines = source[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n").replace("'\"'", "' '");
    let (mut kept, mut rest) = (String::new(), code.as_str());
    while let Some((before, after)) = rest.split_once('"') {
        let closing = if before.ends_with("r#") { "\"#" } else { "\"" };
        let is_escaped = |at: usize| after[..at].chars().rev().take_while(|c| *c == '\\').count() % 2 == 1;
        let at = after.match_indices(closing).map(|(at, _)| at).find(|at| before.ends_with('#') || !is_escaped(*at));
        let (literal, behind) = after.split_at(at.unwrap_or(after.len()));
        let is_a_reason = before.trim_end().ends_with("expect(") || before.ends_with("reason = ");
        if literal.contains(' ') && !is_a_reason {
            kept.push_str(literal);
            kept.push_str(" | ");
        }
        rest = behind.get(closing.len()..).unwrap_or("");
    }
    kept.replace("\\\n", " ")
}

/// The help of a command and of all below it.
fn help(mut command: clap::Command) -> String {
    let below = command.get_subcommands().cloned().map(help).collect::<Vec<_>>().join("\n");
    format!("{}\n{below}", command.render_long_help())
}

fn has(text: &str, phrase: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-');
    text.match_indices(phrase)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + phrase.len()..].chars().next()))
}

#[track_caller]
fn check(texts: impl IntoIterator<Item = (String, String)>) {
    let mut found = Vec::new();
    for (name, text) in texts {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        for (phrase, instead) in BANNED {
            let is_right = EXCEPTIONS.iter().any(|(file, one, _)| name.ends_with(file) && one == phrase);
            if !is_right && has(&text, phrase) {
                found.push(format!("  {name}: \"{phrase}\"; write: {instead}"));
            }
        }
    }
    assert!(found.is_empty(), "these texts do not keep to docs/glossary.md:\n{}", found.join("\n"));
}

fn shown(path: &str, extensions: &[&str], read: fn(&str) -> String) {
    check(files(path, extensions).into_iter().map(|(name, text)| (name, read(&text))));
}

#[test]
fn guides_and_references_keep_to_the_glossary() {
    let quotes_them = |name: &str| name.ends_with("docs/glossary.md") || name.contains("docs/adr/");
    let docs = files("docs", &["md"]).into_iter().filter(|(name, _)| !quotes_them(name));
    check(docs.chain(files("README.md", &["md"])).map(|(name, text)| (name, prose(&text))));
}

#[test]
fn pages_and_emails_keep_to_the_glossary() {
    shown("crates/web/locales/en.ftl", &["ftl"], |text| {
        text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n")
    });
    for name in ["web", "pages", "portal"] {
        shown(&format!("crates/{name}/templates"), &["html"], visible);
    }
    shown("crates/web/templates", &["txt"], str::to_owned);
    shown("crates/server/demo-assets", &["html"], visible);
    for scripts in ["crates/web/assets", "crates/server/demo-assets", "crates/portal/quick-starts"] {
        shown(scripts, &["js"], |text| literals(&text.replace('`', "\"")));
    }
}

#[test]
fn the_command_line_keeps_to_the_glossary() {
    check([("vestibule --help".to_owned(), help(Cli::command()))]);
}

#[test]
fn settings_and_the_admin_api_keep_to_the_glossary() {
    shown("crates/app/config.default.toml", &["toml"], |text| text.replace("\n#", " "));
    shown("crates/server/src/admin_api/openapi.json", &["json"], str::to_owned);
}

#[test]
fn labels_messages_and_log_lines_keep_to_the_glossary() {
    let is_a_test = |name: &str| ["tests.rs", "proof.rs", "vectors.rs"].iter().any(|end| name.ends_with(end));
    let sources = ["protocol", "domain", "app", "web", "pages", "portal", "server"]
        .map(|name| files(&format!("crates/{name}/src"), &["rs"]));
    let sources = sources.into_iter().flatten().filter(|(name, _)| !is_a_test(name));
    check(sources.map(|(name, source)| (name, literals(&source))));
}

/// A plural in parentheses ("1 change(s)") leaves the grammar to the reader.
#[test]
fn numbers_have_a_proper_plural() {
    let sources = ["protocol", "domain", "store", "app", "web", "pages", "portal", "server"]
        .map(|name| files(&format!("crates/{name}/src"), &["rs"]));
    let texts = sources.into_iter().flatten().map(|(name, source)| (name, literals(&source)));
    let pages = ["web/templates", "pages/templates", "portal/templates", "server/demo-assets"]
        .map(|path| files(&format!("crates/{path}"), &["html"]));
    let docs = files("docs", &["md"]).into_iter().chain(files("crates/web/locales/en.ftl", &["ftl"]));
    let all = texts.chain(pages.into_iter().flatten()).chain(docs);
    let found: Vec<String> =
        all.filter(|(_, text)| text.contains("(s)") || text.contains("(es)")).map(|(name, _)| name).collect();
    assert!(found.is_empty(), "write both forms, and choose by the number: {found:?}");
}

#[test]
fn a_banned_phrase_is_found_wherever_it_is_shown() {
    assert!(has("nobody can, whoever asks", "whoever"));
    assert!(!has("a doghouse, house-made, way into", "house") && !has("a way into it", "way in"));
    assert_eq!(prose("a `nobody` b [c](house) d").matches("nobody").count(), 0);
    assert!(!prose("[c](house)").contains("house") && prose("[house](c)").contains("house"));
    let page = visible("{% if nobody %}<a class=\"house\" aria-label=\"way in\">told</a>");
    assert!(page.contains("told") && page.contains("way in") && !page.contains("house") && !page.contains("nobody"));
    let source = "// \"a comment of somebody\"\nf(\"it is \\\"told\\\"\", '\"', r#\"a \"raw\" one\"#); g.expect(\"nobody comes\");\n\
                  #[cfg(test)]\nmod tests { h(\"whoever it is\") }";
    let found = literals(source);
    assert!(found.contains("told") && found.contains("\"raw\" one"), "{found}");
    assert!(["comment", "nobody", "whoever"].iter().all(|word| !found.contains(word)), "{found}");
}
