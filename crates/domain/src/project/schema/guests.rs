//! The keys that say when an application's guests are stored.

use serde_json::json;

use super::{Is, KeySchema, Shape, key};
use crate::client::{DEFAULT_GUEST_STORED_ON_USE, GuestCreation};

pub(super) const CREATION: KeySchema = key(
    "guest_creation",
    Shape::Word(&["eager", "lazy"]),
    Is(|| json!(GuestCreation::default())),
    "When a guest is stored: `eager`, with its sign-up; `lazy`, with the first thing worth keeping, such as a refresh or a promotion. The tokens are valid from the sign-up on. Guests with a device key, a cookie session or an idempotency key are always stored at once, so `lazy` is not for traditional_webapp.",
);
pub(super) const STORED_ON_USE: KeySchema = key(
    "guest_stored_on_use",
    Shape::Flag,
    Is(|| json!(DEFAULT_GUEST_STORED_ON_USE)),
    "Whether the first use of the access token, at UserInfo, the resolver or introspection, also stores a `lazy` guest. Turn it on if your backend writes to guests through the Admin API.",
);
