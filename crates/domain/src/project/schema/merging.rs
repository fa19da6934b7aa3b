//! The keys of what happens when a visitor has an account already: conflicts, and the rules by which a guest is merged into a member.

use serde_json::json;

use super::{CENTURY, ExternalConflict, Is, KeySchema, PromotionConflict, SECONDS, Shape, Unset, key, must, rules};
use crate::project::{DEFAULT_ANSWER_SECONDS, MergeTimeout};

pub(super) const ON_CONFLICT: &[KeySchema] = &[
    key(
        "oauth",
        Shape::Word(&["error", "login_and_link"]),
        Is(|| json!(ExternalConflict::default())),
        "What happens when the verified email address of an account at a provider is a member's, in sign-up, sign-in and promotion. `error` says so, and the member can sign in with its own methods; with `login_and_link`, that sign-in connects the account to the member. An address alone never connects anything.",
    ),
    key(
        "promotion",
        Shape::Word(&["error", "login", "merge"]),
        Is(|| json!(PromotionConflict::default())),
        "What happens to a guest when the visitor signs in to an existing account instead of being promoted. `error` keeps the guest; `login` ends it and records the member it signed in to; `merge` asks the visitor, and merges the guest into the member or keeps it. Signing in is possible in every case.",
    ),
];
const MERGE_RULE: &[KeySchema] = &[
    must(
        "key",
        Shape::Text(
            "\"standard_attributes.\" or \"custom_attributes.\" and the name of an attribute",
            rules::check_attribute_key,
        ),
        "custom_attributes.likes",
        "The attribute, such as \"custom_attributes.likes\".",
    ),
    must(
        "rule",
        Shape::Word(&["member", "fill", "unite"]),
        "unite",
        "`member` keeps what the member has and drops the guest's value; `fill` takes the guest's value if the member has none; `unite` makes one list of two lists, and otherwise does the same as `fill`.",
    ),
];
pub(super) const MERGE: &[KeySchema] = &[
    key(
        "attributes",
        Shape::List(&Shape::Table(MERGE_RULE), 0),
        Unset,
        "What becomes of a guest's attributes, by attribute. Without a rule, a standard attribute stays as the member has it, because the guest may have been begun by another person, and a custom attribute fills a gap. At most 100.",
    ),
    key(
        "handshake",
        Shape::Flag,
        Is(|| json!(false)),
        "Whether a merge waits until the application has moved its data. It gets the event `user.merge.requested`, and answers that the merge is settled or refused: in its response to the webhook, or through the Admin API. The member signs in at once. Otherwise merges are immediate.",
    ),
    key(
        "answer_seconds",
        SECONDS,
        Is(|| json!(DEFAULT_ANSWER_SECONDS)),
        "How long a merge waits for the answer, in seconds.",
    ),
    key(
        "on_timeout",
        Shape::Word(&["refuse", "settle"]),
        Is(|| json!(MergeTimeout::default())),
        "What becomes of a merge without an answer in time. `refuse` leaves the guest a guest of its own, with all that it has; `settle` merges it.",
    ),
    key(
        "undo_seconds",
        Shape::Whole { min: 0, max: CENTURY },
        Is(|| json!(0)),
        "How long a merge can be undone through the portal or the Admin API, in seconds, after it was settled. 0: not at all.",
    ),
];
