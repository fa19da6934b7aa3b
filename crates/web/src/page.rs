//! The frame of every page, its heading and its summary of errors.

use askama::Template;

use crate::{context::PageContext, field::Steps, template::finish, text::Text};

/// A page that can be shown.
pub trait Page {
    /// The one heading, which is also the document's title.
    fn title(&self) -> Text;

    /// The content below the heading.
    fn body(&self, ctx: &PageContext) -> String;

    /// The form's errors, each with the ID of its field.
    fn problems(&self) -> Vec<(&'static str, Text)> {
        Vec::new()
    }

    /// The progress in a flow of several pages.
    fn steps(&self) -> Option<Steps> {
        None
    }

    fn shell(&self) -> Shell {
        Shell::Entrance
    }

    /// Whether the page needs the passkey script.
    fn has_passkey(&self) -> bool {
        false
    }

    /// The complete HTML document.
    fn render(&self, ctx: &PageContext) -> String {
        let frame = PageLayout {
            ctx,
            title: ctx.translate(self.title()),
            body: self.body(ctx),
            problems: self.problems(),
            steps: self.steps(),
            shell: self.shell(),
            passkey: self.has_passkey(),
        };
        finish(frame.render())
    }
}

/// The frame around a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shell {
    /// A single card, for signing up, in and out.
    Entrance,
    /// The wide frame of the account page, with a back link except on the first page.
    Account { back: Option<String> },
}

#[derive(Template)]
#[template(path = "frame.html")]
struct PageLayout<'a> {
    ctx: &'a PageContext,
    title: String,
    body: String,
    problems: Vec<(&'static str, Text)>,
    steps: Option<Steps>,
    shell: Shell,
    passkey: bool,
}

impl PageLayout<'_> {
    fn summary_title(&self) -> Text {
        Text::new("summary-title").with("count", i64::try_from(self.problems.len()).unwrap_or(i64::MAX))
    }
}
