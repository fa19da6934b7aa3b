//! The keys of the rules by which an application's guests expire.

use serde_json::json;

use super::{CENTURY, Is, KeySchema, SECONDS, Shape, Unset, key, section};
use crate::retention::{DEFAULT_GRACE_SECONDS, MIN_IDLE_SECONDS};

const IDLE: KeySchema = key(
    "idle_seconds",
    Shape::Whole { min: MIN_IDLE_SECONDS as i64, max: CENTURY },
    Unset,
    "The time without use after which such a guest expires, in seconds. If not set, it does not expire for being idle.",
);
const WARNING: KeySchema = key(
    "warning_seconds",
    SECONDS,
    Unset,
    "How long before it expires the event `user.anonymous.expiring` is sent, in seconds. Shorter than the idle time. If not set, no guest is announced.",
);
const GRACE: KeySchema = key(
    "grace_seconds",
    Shape::Whole { min: 0, max: CENTURY },
    Is(|| json!(DEFAULT_GRACE_SECONDS)),
    "How long an expired guest can be revived, by its device key or by an operator, before it is erased, in seconds. 0: it is erased at once.",
);
const ENDS_WITH_SESSION: KeySchema = key(
    "ends_with_session",
    Shape::Flag,
    Is(|| json!(false)),
    "Whether such a guest also expires when its last session has ended: without it, the guest can't return.",
);

const WITHOUT_KEY: &[KeySchema] = &[IDLE, ENDS_WITH_SESSION, WARNING, GRACE];
const OTHERS: &[KeySchema] = &[IDLE, WARNING, GRACE];

pub(super) const RETENTION: &[KeySchema] = &[
    section("without_key", WITHOUT_KEY, "Guests without a device key and without attributes."),
    section("with_key", OTHERS, "Guests with a device key and without attributes."),
    section("with_attributes", OTHERS, "Guests with attributes, with or without a device key."),
];
