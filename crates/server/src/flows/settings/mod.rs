//! Use cases of the account page, one per file. Every change of a member goes through `change::commit`: one
//! transaction, with its mails, and with the response to the app that requested it.

pub(crate) mod change;
pub(crate) mod deletion;
pub(crate) mod entrance;
pub(crate) mod errand;
pub(crate) mod login_id;
pub(crate) mod notice;
pub(crate) mod passkey;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod prove;
pub(crate) mod sessions;
pub(crate) mod standing;

use vestibule_domain::time::Timestamp;

pub(crate) use self::standing::Standing;
use super::caller::AccountCaller;

/// When the caller last authenticated.
pub(crate) fn authenticated_at(caller: &AccountCaller) -> Timestamp {
    caller.via.authenticated_at()
}
