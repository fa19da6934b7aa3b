//! Messages with one-time codes. The pages provide the texts.

use vestibule_domain::identifier::LoginIdKind;

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

/// A code to be sent, or one for an address without an account, which is dropped: made by a permit to send it.
#[non_exhaustive]
pub struct CodeMessage<'a> {
    pub purpose: CodeUse,
    pub kind: LoginIdKind,
    /// An email address, or a phone number in E.164.
    pub to: String,
    pub code: &'a str,
}

/// Renders a message in the user's language; provided by the pages, which have the texts.
pub type WriteMessage<'a> = &'a (dyn Fn(&CodeMessage<'_>) -> Message + Send + Sync);
