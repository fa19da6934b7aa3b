//! The guides of the documentation as pages: they are part of the program, so what an operator reads is about this version.

use askama::Template;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};
use vestibule_web::template::finish;

use crate::{
    OperatorRequest, PageResult, PortalError, PortalRoute, Verb,
    frame::{PortalContext, PortalPage},
};

/// Names a guide, and takes its text from `docs/guides`.
macro_rules! guides {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/", $name, ".md")))),*]
    };
}

/// Name and Markdown of each guide.
const GUIDES: &[(&str, &str)] = guides![
    "android",
    "backend",
    "backup",
    "branding",
    "busy-sites",
    "devices",
    "events",
    "express",
    "fastapi",
    "flutter",
    "go",
    "ios",
    "machine-to-machine",
    "merge",
    "nextjs",
    "observe",
    "portal",
    "promotion",
    "providers",
    "proxies",
    "react-native",
    "retention",
    "run",
    "scale",
    "sessions",
    "sveltekit",
    "third-party",
    "upgrade",
    "web",
];

/// A link to a guide: the path below `/portal/guides/`, and its words.
pub(crate) type GuideLink = (&'static str, &'static str);

/// The guide to the pages of a navigation entry.
pub(crate) fn guide_of(section: &str) -> Option<GuideLink> {
    Some(match section {
        "overview" => ("portal#overview", "The portal"),
        "users" => ("portal#users", "Users in the portal"),
        "anonymous-users" => ("promotion", "Guests and promotion"),
        "login-methods" => ("promotion#choose-login-methods", "Login methods"),
        "session" => ("sessions", "Sessions and lifetimes"),
        "rate-limits" => ("portal#rate-limits", "Rate limits"),
        "applications" => ("portal#applications", "Applications"),
        "branding" => ("branding", "Your brand on the pages"),
        "email-texts" => ("branding#emails", "Texts of emails"),
        "providers" => ("providers", "Accounts at providers"),
        "retention" => ("retention", "Retention of guests"),
        "merges" => ("merge", "Merging guests into accounts"),
        "admin-keys" => ("backend", "The backend behind an app"),
        "addresses" => ("backend", "The backend behind an app"),
        "messages" => ("portal#email-and-sms", "Email and SMS"),
        "operators" => ("portal#roles", "Roles of operators"),
        "settings" => ("portal#the-public-origin", "The public origin"),
        "events" => ("portal#audit-log", "The audit log"),
        "webhooks" => ("events", "Events and webhooks"),
        _ => return None,
    })
}

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![PortalRoute::operator(Verb::Get, "/portal/guides/{guide}", None, show)]
}

async fn show(request: OperatorRequest) -> PageResult {
    let page = GuidePage::find(request.param("guide")).ok_or(PortalError::Missing)?;
    request.show(&page)
}

#[derive(Clone, Debug)]
pub(crate) struct GuidePage {
    title: String,
    /// Made of the guide's Markdown, which is ours.
    html: String,
}

impl GuidePage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let html = print_html(
            "## Start\n\nRead [on](web.md#errors).\n\n```sh\nvestibule demo\n```\n\n| | Value |\n|---|---|\n| One | Two |\n",
        );
        vec![("plain", Self { title: "Guests in a web app".into(), html })]
    }

    fn find(name: &str) -> Option<Self> {
        let (_, markdown) = GUIDES.iter().find(|(known, _)| *known == name)?;
        let (first, rest) = markdown.split_once('\n')?;
        Some(Self { title: first.trim_start_matches("# ").into(), html: print_html(rest) })
    }
}

impl PortalPage for GuidePage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, _: &PortalContext) -> String {
        finish(GuideBody { page: self }.render())
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Portal".into()))
    }
}

#[derive(Template)]
#[template(path = "portal/guide.html")]
struct GuideBody<'a> {
    page: &'a GuidePage,
}

/// The text as HTML: headings get IDs, code and tables the portal's classes. Comments and pictures are left out, and so are
/// links to what is no guide.
fn print_html(markdown: &str) -> String {
    let events: Vec<_> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut printer = Printer::default();
    for (at, event) in events.iter().enumerate() {
        printer.take(event, &events[at..]);
    }
    let mut text = String::new();
    html::push_html(&mut text, printer.out.into_iter());
    // An empty head cell names nothing.
    text.replace("<table>", "<table class=\"table table-mid\">").replace("<th></th>", "<td></td>")
}

#[derive(Default)]
struct Printer<'a> {
    out: Vec<Event<'a>>,
    /// For each open link, whether it is kept.
    links: Vec<bool>,
    pictures: usize,
    tables: usize,
    blocks: usize,
}

impl<'a> Printer<'a> {
    /// Takes one event; `rest` begins with it.
    fn take(&mut self, event: &Event<'a>, rest: &[Event<'a>]) {
        match event {
            Event::Start(Tag::Image { .. }) => self.pictures += 1,
            Event::End(TagEnd::Image) => self.pictures -= 1,
            Event::Html(_) | Event::InlineHtml(_) => {}
            _ if self.pictures > 0 => {}
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let target = find_target(dest_url);
                self.links.push(target.is_some());
                if let Some(target) = target {
                    let (link_type, dest_url, title, id) = (*link_type, target.into(), title.clone(), id.clone());
                    self.out.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                }
            }
            Event::End(TagEnd::Link) => {
                if self.links.pop() == Some(true) {
                    self.out.push(event.clone());
                }
            }
            Event::Start(Tag::Heading { level, .. }) => {
                let id = find_id(rest);
                self.raw(format!("<{level} id=\"{id}\">"));
            }
            Event::End(TagEnd::Heading(level)) => self.raw(format!("</{level}>\n")),
            Event::Start(Tag::CodeBlock(_)) => {
                self.blocks += 1;
                let number = self.blocks;
                self.raw(format!("<pre class=\"snippet\" tabindex=\"0\" data-copy=\"block {number}\"><code>"));
            }
            Event::End(TagEnd::CodeBlock) => self.raw("</code></pre>\n"),
            Event::Start(Tag::Table(_)) => {
                self.tables += 1;
                let number = self.tables;
                self.raw(format!(
                    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table {number}\">"
                ));
                self.out.push(event.clone());
            }
            Event::End(TagEnd::Table) => {
                self.out.push(event.clone());
                self.raw("</div>\n");
            }
            Event::Start(_)
            | Event::End(_)
            | Event::Text(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => self.out.push(event.clone()),
        }
    }

    fn raw(&mut self, html: impl Into<CowStr<'a>>) {
        self.out.push(Event::Html(html.into()));
    }
}

/// Where a link of a guide leads from the portal; `None` for files of the repository that are no guides.
fn find_target(link: &str) -> Option<String> {
    if link.starts_with('#') || link.starts_with("https://") || link.starts_with("http://") {
        return Some(link.to_string());
    }
    let (file, anchor) = link.split_once('#').map_or((link, ""), |(file, anchor)| (file, anchor));
    let name = file.strip_suffix(".md").filter(|name| GUIDES.iter().any(|(known, _)| known == name))?;
    let hash = if anchor.is_empty() { "" } else { "#" };
    Some(format!("/portal/guides/{name}{hash}{anchor}"))
}

/// The ID of the heading that the events begin with, as links to it name it.
fn find_id(events: &[Event<'_>]) -> String {
    let mut words = String::new();
    for event in events {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(text),
            Event::End(TagEnd::Heading(_)) => break,
            Event::Start(_)
            | Event::End(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }
    words
        .to_lowercase()
        .chars()
        .filter_map(|sign| match sign {
            ' ' => Some('-'),
            sign if sign.is_alphanumeric() || sign == '-' || sign == '_' => Some(sign),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{nav, quick_start::Framework};

    #[test]
    fn every_guide_of_the_documentation_is_a_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides");
        let files = std::fs::read_dir(folder).expect("the guides").map(|entry| entry.expect("a file").file_name());
        let names: HashSet<_> = files.map(|file| file.to_string_lossy().trim_end_matches(".md").to_string()).collect();
        assert_eq!(names, GUIDES.iter().map(|(name, _)| (*name).to_string()).collect());
    }

    #[test]
    fn every_link_to_a_guide_leads_to_its_heading() {
        let all = GUIDES.iter().filter_map(|(name, _)| Some((*name, GuidePage::find(name)?)));
        let pages: Vec<(&str, GuidePage)> = all.collect();
        let has = |path: &str| {
            let (name, anchor) = path.split_once('#').unwrap_or((path, ""));
            let page = pages.iter().find(|(known, _)| *known == name).map(|(_, page)| page);
            page.is_some_and(|page| anchor.is_empty() || page.html.contains(&format!(" id=\"{anchor}\"")))
        };
        let sections = nav::GROUPS.iter().flat_map(|group| group.items).filter_map(|item| guide_of(item.key));
        let frameworks = Framework::ALL.into_iter().flat_map(|framework| framework.guides().iter().copied());
        for (path, words) in sections.chain(frameworks) {
            assert!(has(path), "{words}: {path}");
        }
        for (name, page) in &pages {
            assert!(
                !page.html.contains("<td style") && !page.html.contains("<th style"),
                "{name}: the browser blocks styles"
            );
            let headings = page.html.split("<h").skip(1).filter_map(|rest| rest.get(1..)?.strip_prefix(" id=\""));
            let ids: Vec<_> = headings.filter_map(|rest| rest.split('"').next()).collect();
            assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len(), "{name}: an ID twice");
            for link in page.html.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let path = link.strip_prefix("/portal/guides/").map(str::to_string);
                let path = path.or_else(|| link.strip_prefix('#').map(|anchor| format!("{name}#{anchor}")));
                assert!(path.is_none_or(|path| has(&path)), "{name}: {link}");
            }
        }
    }

    #[test]
    fn markdown_becomes_html_without_what_is_not_for_the_page() {
        let html = print_html(
            "<!-- run: x -->\n```sh\na < b\n```\n## One `two`!\n[g](web.md#errors) [r](../reference/errors.md) [h](https://x.example/)\n\n\
             ![p](../images/p.png)\n\n| | b |\n|---|---|\n| c | d |\n",
        );
        assert!(html.contains("data-copy=\"block 1\"><code>a &lt; b\n</code></pre>"), "{html}");
        assert!(html.contains("<h2 id=\"one-two\">One <code>two</code>!</h2>"), "{html}");
        assert!(
            html.contains("<a href=\"/portal/guides/web#errors\">g</a> r <a href=\"https://x.example/\">h</a>"),
            "{html}"
        );
        assert!(html.contains("<td></td><th>b</th>"), "{html}");
        assert!(!html.contains("run: x") && !html.contains("<img"), "{html}");
    }
}
