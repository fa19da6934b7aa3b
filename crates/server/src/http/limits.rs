//! Input limits of the server crate, for `docs/reference/limits.md`. Each limit is the constant of the module that
//! applies it.

use vestibule_protocol::limits::{InputLimit, Unit, limit};

use super::{admin_api, pages, portal};
use crate::flows::{
    admin::{transfer, user_lists, users},
    operators, settings,
};

const REFUSED: &str = "refused; the message names the limit";
const LINE_REFUSED: &str = "the line is refused";
const OVERVIEW: &str = "leads to the overview";

/// The limits of this crate.
pub(crate) const LIMITS: &[InputLimit] = &[
    limit(
        "`Idempotency-Key` header",
        admin_api::KEY_BYTES,
        Unit::Bytes,
        "400",
        "http::admin_api::idempotency::KEY_BYTES",
    ),
    limit("lines of one import", transfer::LINES, Unit::Items, "422", "flows::admin::transfer::LINES"),
    limit(
        "login IDs, device keys or passkeys of an imported user",
        transfer::OWNED,
        Unit::Items,
        LINE_REFUSED,
        "flows::admin::transfer::OWNED",
    ),
    limit(
        "login ID, key ID or name of an imported user",
        transfer::TEXT_BYTES,
        Unit::Bytes,
        LINE_REFUSED,
        "flows::admin::transfer::TEXT_BYTES",
    ),
    limit(
        "key of an imported user, as written",
        transfer::KEY_BYTES,
        Unit::Bytes,
        LINE_REFUSED,
        "flows::admin::transfer::KEY_BYTES",
    ),
    limit("login IDs of a new user", users::LOGIN_IDS, Unit::Items, "422", "flows::admin::users::LOGIN_IDS"),
    limit(
        "search text for users",
        user_lists::LONGEST_SEARCH,
        Unit::Bytes,
        "finds nothing",
        "flows::admin::user_lists::LONGEST_SEARCH",
    ),
    limit(
        "name of a user",
        settings::profile::MAX_NAME,
        Unit::Characters,
        REFUSED,
        "flows::settings::profile::MAX_NAME",
    ),
    limit("name of an operator", operators::LONGEST_NAME, Unit::Characters, REFUSED, "flows::operators::LONGEST_NAME"),
    limit(
        "URL an account page redirects to",
        pages::settings::LONGEST_NEXT,
        Unit::Bytes,
        OVERVIEW,
        "http::pages::settings::LONGEST_NEXT",
    ),
    limit(
        "URL the portal redirects to",
        portal::NEXT_BYTES,
        Unit::Bytes,
        OVERVIEW,
        "http::portal::request::NEXT_BYTES",
    ),
];
