//! A page with a single message, such as an error.

use askama::Template;
use vestibule_web::template::finish;

use crate::frame::{PortalContext, PortalPage};

#[derive(Clone, Debug)]
pub(crate) struct MessagePage {
    pub title: String,
    pub text: String,
    /// The link's URL and text.
    pub link: Option<(String, String)>,
    /// The request ID, for finding the error in the logs.
    pub request_id: Option<String>,
}

impl MessagePage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
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
        finish(MessageBody { page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/message.html")]
struct MessageBody<'a> {
    page: &'a MessagePage,
}
