//! A page that says one thing: what went wrong, and where to go on.

use askama::Template;

use super::frame::{PortalContext, PortalPage};
use crate::ui::page::finish;

/// One thing to say.
#[derive(Clone, Debug)]
pub struct MessagePage {
    /// What.
    pub title: String,
    /// In one or two sentences.
    pub text: String,
    /// Where to go on, and what the link says.
    pub link: Option<(String, String)>,
    /// What to tell somebody who can look into the logs.
    pub request_id: Option<String>,
}

impl MessagePage {
    /// The main states.
    pub fn samples() -> Vec<(&'static str, Self)> {
        let plain = Self {
            title: "Page not found".into(),
            text: "Check the address. The page may have been removed.".into(),
            link: Some(("/portal".into(), "Back to projects".into())),
            request_id: None,
        };
        let broken = Self { link: None, request_id: Some("0011223344556677".into()), ..plain.clone() };
        vec![("plain", plain), ("broken", broken)]
    }
}

impl PortalPage for MessagePage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, _: &PortalContext) -> String {
        finish(Body { page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/message.html")]
struct Body<'a> {
    page: &'a MessagePage,
}
