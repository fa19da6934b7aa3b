//! How much of each input is read. A limit is applied where its input is parsed, and listed in `docs/reference/limits.md`.

/// The most fields of one form or query.
pub const FORM_FIELDS: usize = 256;
/// The most bytes of a form sent as a body.
pub const FORM_BYTES: usize = 64 * 1024;
/// The most bytes of any other body.
pub const BODY_BYTES: usize = 1024 * 1024;
/// The most bytes of a list of scopes.
pub const SCOPE_BYTES: usize = 4 * 1024;
/// The most scopes of a list.
pub const SCOPE_WORDS: usize = 64;
