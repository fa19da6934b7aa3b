//! What an authorization request leads to.

use vestibule_domain::id::FlowId;

use super::AppRedirect;
use crate::{
    account::settings_action::{SettingsActionKind, SettingsActionStart},
    flow::Flow,
    tokens::app_session::SwitchQuestion,
};

/// The result of an authorization request.
pub enum AuthorizeOutcome {
    /// A response to the app, without a page.
    Redirect(AppRedirect),
    /// The first page of a new flow; the browser keeps its secret in a cookie.
    Pages { flow: Box<Flow>, browser: String },
    /// A flow that this browser began before.
    Resume(FlowId),
    /// One of this server's pages, with an app session cookie.
    AppSession { cookie: String, location: String },
    /// The account page, for a settings action of an app.
    SettingsAction { cookie: Option<String>, settings_action: FlowId, action: SettingsActionKind },
    /// The question whether another user's account page may be opened in this browser.
    Ask(Box<SwitchQuestion>),
    /// The same request repeated as a navigation, so that the browser sends its cookies.
    Navigate,
    /// An error: the promotion code or proof in the hint is invalid.
    BadHint { back: AppRedirect },
}

impl From<SettingsActionStart> for AuthorizeOutcome {
    fn from(start: SettingsActionStart) -> Self {
        match start {
            SettingsActionStart::Started { cookie, settings_action, action } => {
                Self::SettingsAction { cookie, settings_action, action }
            }
            SettingsActionStart::Ask(question) => Self::Ask(question),
            SettingsActionStart::Navigate => Self::Navigate,
        }
    }
}
