//! Use cases of the account page, one per file. Every change of a member goes through `change::commit`: one
//! transaction, with its mails, and with the response to the app that requested it.

pub(crate) mod account_flow;
pub(crate) mod change;
pub(crate) mod deletion;
pub(crate) mod login_id;
pub(crate) mod login_methods;
pub(crate) mod notice;
pub(crate) mod passkey;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod reauthentication;
pub(crate) mod sessions;
pub(crate) mod settings_action;

use vestibule_domain::time::Timestamp;

pub(crate) use self::login_methods::LoginMethods;
use super::caller::AccountCaller;

/// When the caller last authenticated.
pub(crate) fn authenticated_at(caller: &AccountCaller) -> Timestamp {
    caller.via.authenticated_at()
}
