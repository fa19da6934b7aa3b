//! Use cases of the account page, one per file. Every change of a member goes through `change::commit`: one
//! transaction, with its mails, and with the response to the app that requested it.

pub mod account_flow;
pub mod change;
pub mod connection;
pub mod deletion;
pub mod export;
pub mod external_account;
pub mod login_id;
pub mod login_methods;
pub(crate) mod method_log;
pub mod notice;
pub mod passkey;
pub mod password;
pub mod profile;
pub mod reauthentication;
pub mod recovery_link;
pub mod sessions;
pub mod settings_action;

use vestibule_domain::time::Timestamp;

pub use self::login_methods::LoginMethods;
use crate::caller::AccountCaller;

/// When the caller last authenticated.
pub fn authenticated_at(caller: &AccountCaller) -> Timestamp {
    caller.via.authenticated_at()
}
