//! Input limits of the crates above the store, for `docs/reference/limits.md`. Each limit is the constant of the module that
//! applies it.

use vestibule_protocol::limits::{InputLimit, Unit, limit};

use crate::admin_api;
use vestibule_app::{
    account,
    admin::{transfer, user_lists, users},
    authorize::pushed,
    operators,
    providers::secrets::SECRET_BYTES,
};
use vestibule_domain::{logo, person_name, subject::FOREIGN_BYTES};
use vestibule_pages as pages;
use vestibule_portal as portal;

const REFUSED: &str = "refused; the message names the limit";
const LINE_REFUSED: &str = "the line is refused";
const OVERVIEW: &str = "leads to the overview";

/// Their limits; each names its crate.
pub(crate) const LIMITS: &[InputLimit] = &[
    limit(
        "`Idempotency-Key` header",
        admin_api::KEY_BYTES,
        Unit::Bytes,
        "400",
        "server::admin_api::idempotency::KEY_BYTES",
    ),
    limit("lines of one import", transfer::LINES, Unit::Items, "422", "app::admin::transfer::LINES"),
    limit(
        "login IDs, device keys, passkeys, external accounts, consents or `previous_subs` of an imported user",
        transfer::OWNED,
        Unit::Items,
        LINE_REFUSED,
        "app::admin::transfer::OWNED",
    ),
    limit(
        "login ID, key ID, name, provider, subject, client ID or scope of an imported user",
        transfer::TEXT_BYTES,
        Unit::Bytes,
        LINE_REFUSED,
        "app::admin::transfer::TEXT_BYTES",
    ),
    limit(
        "key of an imported user, as written",
        transfer::KEY_BYTES,
        Unit::Bytes,
        LINE_REFUSED,
        "app::admin::transfer::KEY_BYTES",
    ),
    limit(
        "ID from another system, of an imported user",
        FOREIGN_BYTES,
        Unit::Bytes,
        LINE_REFUSED,
        "domain::subject::FOREIGN_BYTES",
    ),
    limit("login IDs of a new user", users::LOGIN_IDS, Unit::Items, "422", "app::admin::users::LOGIN_IDS"),
    limit(
        "search text for users",
        user_lists::LONGEST_SEARCH,
        Unit::Bytes,
        "finds nothing",
        "app::admin::user_lists::LONGEST_SEARCH",
    ),
    limit(
        "beginning of a user's name by which it is found",
        person_name::MAX_PHRASE,
        Unit::Characters,
        "the rest is ignored",
        "domain::person_name::MAX_PHRASE",
    ),
    limit(
        "pushed authorization request, as JSON",
        pushed::MOST_BYTES,
        Unit::Bytes,
        "400 `invalid_request`",
        "app::authorize::pushed::MOST_BYTES",
    ),
    limit("client secret of a provider", SECRET_BYTES, Unit::Bytes, "422", "app::providers::secrets::SECRET_BYTES"),
    limit("uploaded logo", logo::MAX_BYTES, Unit::Bytes, "413 or 422", "domain::logo::MAX_BYTES"),
    limit("width or height of a logo", logo::MAX_SIDE as usize, Unit::Pixels, "422", "domain::logo::MAX_SIDE"),
    limit("name of a user", account::profile::MAX_NAME, Unit::Characters, REFUSED, "app::account::profile::MAX_NAME"),
    limit("name of an operator", operators::LONGEST_NAME, Unit::Characters, REFUSED, "app::operators::LONGEST_NAME"),
    limit(
        "URL an account page redirects to",
        pages::account::LONGEST_NEXT,
        Unit::Bytes,
        OVERVIEW,
        "pages::account::LONGEST_NEXT",
    ),
    limit("URL the portal redirects to", portal::NEXT_BYTES, Unit::Bytes, OVERVIEW, "portal::request::NEXT_BYTES"),
];
