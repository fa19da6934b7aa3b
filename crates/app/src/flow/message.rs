//! Messages with one-time codes. The pages provide the texts.

use vestibule_domain::identifier::{LoginId, LoginIdKind};

use crate::messages::Message;

/// The purpose of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeUse {
    /// Verifying a new address.
    Verify,
    Login,
    /// Replacing a forgotten password.
    Recover,
}

/// A code to be sent.
pub struct CodeMessage<'a> {
    pub purpose: CodeUse,
    pub kind: LoginIdKind,
    /// An email address, or a phone number in E.164.
    pub to: String,
    pub code: &'a str,
}

impl<'a> CodeMessage<'a> {
    /// A code to an address; `None` for a username, which cannot receive messages.
    pub fn new(purpose: CodeUse, login_id: &LoginId, code: &'a str) -> Option<Self> {
        login_id.address().map(|to| Self { purpose, kind: login_id.kind, to, code })
    }
}

/// Renders a message in the user's language; provided by the pages, which have the texts.
pub type WriteMessage<'a> = &'a (dyn Fn(&CodeMessage<'_>) -> Message + Send + Sync);
