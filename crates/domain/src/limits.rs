//! The input limits of this crate, for `docs/reference/limits.md`. Each limit is the constant of the module that
//! applies it.

use vestibule_protocol::limits::{InputLimit, Unit, limit};

use crate::{
    attributes,
    credential::{password, user_code},
    identifier::{email, phone, username},
    project,
};

const PROBLEM: &str = "refused; the message names the limit";

/// The limits of this crate.
pub const LIMITS: &[InputLimit] = &[
    limit("new password", password::MAX_LENGTH, Unit::Characters, PROBLEM, "credential::password::MAX_LENGTH"),
    limit(
        "any entered password",
        password::MAX_TYPED_BYTES,
        Unit::Bytes,
        "more never matches the password",
        "credential::password::MAX_TYPED_BYTES",
    ),
    limit(
        "part of a new password whose strength is measured",
        password::MEASURED_CHARS,
        Unit::Characters,
        "the rest is ignored",
        "credential::password::MEASURED_CHARS",
    ),
    limit(
        "user code of a device as entered",
        user_code::MAX_TYPED,
        Unit::Bytes,
        "more is no code",
        "credential::user_code::MAX_TYPED",
    ),
    limit("email address", email::MAX_ADDRESS, Unit::Bytes, PROBLEM, "identifier::email::MAX_ADDRESS"),
    limit("phone number as entered", phone::MAX_TYPED, Unit::Bytes, PROBLEM, "identifier::phone::MAX_TYPED"),
    limit("username", username::MAX_LENGTH, Unit::Characters, PROBLEM, "identifier::username::MAX_LENGTH"),
    limit("one set of attributes, as JSON", attributes::MAX_BYTES, Unit::Bytes, "422", "attributes::MAX_BYTES"),
    limit("standard attribute", attributes::MAX_TEXT_CHARS, Unit::Characters, "422", "attributes::MAX_TEXT_CHARS"),
    limit(
        "change of one set of attributes, as JSON",
        attributes::MAX_CHANGE_BYTES,
        Unit::Bytes,
        "422",
        "attributes::MAX_CHANGE_BYTES",
    ),
    limit("text of a project setting", project::MAX_TEXT_BYTES, Unit::Bytes, PROBLEM, "project::MAX_TEXT_BYTES"),
    limit("list of a project setting", project::MAX_LIST_ITEMS, Unit::Items, PROBLEM, "project::MAX_LIST_ITEMS"),
    limit(
        "errors reported for a settings document",
        project::MAX_PROBLEMS,
        Unit::Items,
        "the rest is ignored",
        "project::MAX_COMPLAINTS",
    ),
];
