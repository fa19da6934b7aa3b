//! The account pages of guests and members.
//! Like all of `ui`, these are plain values with templates.

mod confirm;
mod deletion;
mod guest;
mod login_id;
mod names;
mod other_application;
mod overview;
mod passkeys;
mod password;

pub use confirm::ConfirmPage;
pub use deletion::DeleteAccountPage;
pub use guest::SettingsGuestPage;
pub use login_id::{AddLoginIdPage, RemoveLoginIdPage, VerifyLoginIdPage};
pub use names::EditNamesPage;
pub use other_application::SettingsOtherApplicationPage;
pub use overview::{LoginIdEntry, PasskeySummary, PasswordSummary, SessionEntry, SettingsPage};
pub use passkeys::{PasskeyEntry, PasskeyNamePage, PasskeysPage};
pub use password::ChangePasswordPage;

use super::page::Shell;

/// The frame of a page below the overview.
fn sub_page(back_href: &str) -> Shell {
    Shell::Account { back: Some(back_href.to_owned()) }
}
