//! The messages with codes a flow sends. Their words are the pages' affair.

use vestibule_domain::identifier::{LoginId, LoginIdKind};

use crate::messages::Message;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeUse {
    /// Proving a new address.
    Verify,
    /// Logging in.
    Login,
    /// Choosing a new password.
    Recover,
}

/// A code on its way to somebody.
pub(crate) struct CodeMessage<'a> {
    pub(crate) purpose: CodeUse,
    pub(crate) kind: LoginIdKind,
    /// An email address, or a phone number in E.164.
    pub(crate) to: String,
    pub(crate) code: &'a str,
}

impl<'a> CodeMessage<'a> {
    /// A code to an address; `None` for a user name, to which nothing can be sent.
    pub(super) fn new(purpose: CodeUse, login_id: &LoginId, code: &'a str) -> Option<Self> {
        login_id.address().map(|to| Self { purpose, kind: login_id.kind, to, code })
    }
}

/// Writes a message in the person's language; given by the pages' side, since it knows the texts.
pub(crate) type WriteMessage<'a> = &'a (dyn Fn(&CodeMessage<'_>) -> Message + Send + Sync);
