//! How much of what people and operators write is kept, for `docs/reference/limits.md`. Each limit is the constant of the module
//! that applies it.

use vestibule_protocol::limits::{InputLimit, Unit, limit};

use crate::{
    attributes,
    credential::password,
    identifier::{email, phone, username},
    project,
};

const COMPLAINT: &str = "refused, with the limit in words";

/// The limits of this crate.
pub const LIMITS: &[InputLimit] = &[
    limit("new password", password::MAX_LENGTH, Unit::Characters, COMPLAINT, "credential::password::MAX_LENGTH"),
    limit(
        "any typed password",
        password::MAX_TYPED_BYTES,
        Unit::Bytes,
        "the rest is not looked at: it is not the password",
        "credential::password::MAX_TYPED_BYTES",
    ),
    limit(
        "part of a new password whose strength is measured",
        password::MEASURED_CHARS,
        Unit::Characters,
        "the rest does not count",
        "credential::password::MEASURED_CHARS",
    ),
    limit("email address", email::MAX_ADDRESS, Unit::Bytes, COMPLAINT, "identifier::email::MAX_ADDRESS"),
    limit("phone number as typed", phone::MAX_TYPED, Unit::Bytes, COMPLAINT, "identifier::phone::MAX_TYPED"),
    limit("user name", username::MAX_LENGTH, Unit::Characters, COMPLAINT, "identifier::username::MAX_LENGTH"),
    limit("one set of attributes, as JSON", attributes::MAX_BYTES, Unit::Bytes, "422", "attributes::MAX_BYTES"),
    limit("text of a project setting", project::MAX_TEXT_BYTES, Unit::Bytes, COMPLAINT, "project::MAX_TEXT_BYTES"),
    limit("list of a project setting", project::MAX_LIST_ITEMS, Unit::Items, COMPLAINT, "project::MAX_LIST_ITEMS"),
    limit(
        "faults of a settings document that are looked for",
        project::MAX_COMPLAINTS,
        Unit::Items,
        "the rest is not looked at",
        "project::MAX_COMPLAINTS",
    ),
];
