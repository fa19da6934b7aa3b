//! The labels that guides quote (`*Applications* › *New application*`) are those of the portal and the pages, word for word.

use std::{collections::HashSet, path::Path};

use crate::wording::files;

/// What a guide emphasizes that no page of ours shows: the end of the file's name, the text, and what it is.
const OTHERS: &[(&str, &str, &str)] = &[
    ("backend.md", "without", "emphasis"),
    ("express.md", "Add to cart", "a button of the example"),
    ("fastapi.md", "Add to cart", "a button of the example"),
    ("go.md", "Add to cart", "a button of the example"),
    ("ios.md", "File → Add Package Dependencies", "a menu of Xcode"),
    ("ios.md", "URL Types", "a panel of Xcode"),
    ("nextjs.md", "Add to cart", "a button of the example"),
    ("nextjs.md", "window is not defined", "a message of Node.js"),
    ("observe.md", "Dashboards → Import", "a page of Grafana"),
    ("promotion.md", "your app receives the member's", "emphasis"),
    ("providers.md", "APIs & Services", "a page of Google"),
    ("providers.md", "Credentials", "a page of Google"),
    ("providers.md", "Certificates, Identifiers & Profiles", "a page of Apple"),
    ("providers.md", "Services", "a page of Apple"),
    ("providers.md", "Sign in with Apple for Email Communication", "a page of Apple"),
    ("providers.md", "App registrations", "a page of Microsoft"),
    ("providers.md", "Token configuration", "a page of Microsoft"),
    ("providers.md", "Optional claims", "a page of Microsoft"),
    ("providers.md", "Developer settings", "a page of GitHub"),
    ("providers.md", "OAuth Apps", "a page of GitHub"),
    ("providers.md", "Facebook Login", "a page of Facebook"),
    ("providers.md", "Valid OAuth Redirect URIs", "a field of Facebook"),
    ("providers.md", "Auth", "a page of LinkedIn"),
    ("run.md", "Back it up, too, but in another place than the database", "emphasis"),
    ("sessions.md", "web guest lasts as long as its session", "emphasis"),
    ("sveltekit.md", "Add to cart", "a button of the example"),
    ("web.md", "Back to Shop", "a label with the application's name"),
];

fn words(text: &str) -> String {
    let text = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\"")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every complete text of a page: between two tags, in a string literal, or a message.
fn shown() -> HashSet<String> {
    let mut shown = HashSet::new();
    for path in ["web/templates", "pages/templates", "portal/templates", "server/demo-assets"] {
        for (_, html) in files(&format!("crates/{path}"), &["html"]) {
            let marked = html.replace("{%", "<").replace("%}", ">");
            shown.extend(marked.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| words(text)));
        }
    }
    let crates = ["app", "web", "pages", "portal", "server"].map(|name| files(&format!("crates/{name}/src"), &["rs"]));
    let sources = crates.into_iter().flatten().chain(files("crates/server/demo-assets", &["js"]));
    for (_, source) in sources {
        shown.extend(source.lines().flat_map(|line| line.split('"').skip(1).step_by(2).map(words).collect::<Vec<_>>()));
    }
    for (_, messages) in files("crates/web/locales/en.ftl", &["ftl"]) {
        shown.extend(messages.lines().filter_map(|line| line.split_once(" = ")).map(|(_, text)| words(text)));
    }
    shown
}

/// The texts between single asterisks, each part of a path (`A › B`) alone.
fn quoted(markdown: &str) -> Vec<String> {
    // Code, whose asterisks are no emphasis, is what is left between two marks.
    let outside = |text: &str, mark: &str| text.split(mark).step_by(2).collect::<Vec<_>>().join(" ");
    let prose = outside(&outside(markdown, "```"), "`").replace("**", "");
    let pieces: Vec<&str> = prose.split('*').collect();
    let mut found = Vec::new();
    for (index, piece) in pieces.iter().enumerate().skip(1).step_by(2) {
        // An asterisk that is not closed in its paragraph is no emphasis.
        assert!(index + 1 < pieces.len() && !piece.contains("\n\n"), "a single asterisk before: {piece}");
        found.extend(piece.split('›').map(words));
    }
    found
}

#[test]
fn guides_quote_the_labels_of_the_pages() {
    let shown = shown();
    let mut unknown = Vec::new();
    let mut used = HashSet::new();
    for (name, text) in files("docs/guides", &["md"]).into_iter().chain(files("README.md", &["md"])) {
        for label in quoted(&text).into_iter().filter(|label| !shown.contains(label)) {
            match OTHERS.iter().position(|(file, other, _)| name.ends_with(file) && *other == label) {
                Some(index) => {
                    used.insert(index);
                }
                None => {
                    let name = Path::new(&name).file_name().unwrap_or_default().display();
                    unknown.push(format!("  {name}: *{label}*"));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "no page shows these labels:\n{}", unknown.join("\n"));
    assert_eq!(used.len(), OTHERS.len(), "an exception is not needed any more");
}

#[test]
fn a_label_is_known_only_as_a_whole() {
    let shown = shown();
    assert!(shown.contains("New application") && shown.contains("Save your progress"));
    assert!(!shown.contains("New applications") && !shown.contains("No such label"));
    assert_eq!(quoted("**bold** *A › B* and `*` and *C\nD*"), ["A", "B", "C D"]);
}
