//! Hosted pages: typed page structs, their templates, texts, assets and colors.
//! Knows no HTTP, no store and no use cases; handlers fill a page struct and send the rendered HTML.

mod account;
mod asset;
mod chart;
mod color;
mod complaint;
mod context;
mod continue_as;
mod elapsed;
mod ending;
mod field;
mod identify;
mod locale;
mod mail;
mod notice;
mod page;
mod passkey;
mod passkey_page;
mod password;
mod policy;
pub mod portal;
mod promotion;
#[cfg(test)]
mod proof;
mod sample;
mod switch_account;
mod text;
mod theme;
mod verify_code;

pub use account::{
    AddLoginIdPage, ChangePasswordPage, ConfirmPage, DeleteAccountPage, EditNamesPage, LoginIdEntry, PasskeyEntry,
    PasskeyNamePage, PasskeySummary, PasskeysPage, PasswordSummary, RemoveLoginIdPage, SessionEntry, SettingsGuestPage,
    SettingsPage, SettingsStrangerPage, VerifyLoginIdPage,
};
pub use asset::{Asset, asset, asset_href};
pub use chart::{DaysChart, Mark, Series, StepsChart, Words, print_number};
pub use complaint::Complaint;
pub use context::{Brand, ColorScheme, PageContext};
pub use continue_as::ContinueAsPage;
pub use elapsed::Elapsed;
pub use ending::{ErrorKind, ErrorPage, LoggedOutPage, LogoutPage, TooManyTriesPage};
pub use field::{Link, LoginIdChoice, LoginIdKind, PasswordField, PasswordUse, Steps, Strength};
pub use identify::{IdentifyPage, Purpose};
pub use locale::{Direction, Locale, Ui};
pub use mail::{Change, Mail, MailContext, MailKind, sms_text};
pub use notice::{Level, Notice, NoticeKind};
pub use page::{Page, Shell};
pub use passkey::{Ceremony, PasskeyCeremony};
pub use passkey_page::PasskeyPage;
pub use password::{ForgottenPasswordPage, NewPasswordPage, NewPasswordReason, PasswordPage, PasswordReason};
pub use policy::{Forms, content_security_policy};
pub use promotion::{AlreadyPromotedPage, ConflictPage, HaveAccountPage};
pub use sample::{Sample, sample_context, samples};
pub use switch_account::SwitchAccountPage;
pub use text::{Arg, Text};
pub use theme::{preview_css, theme_css, theme_href};
pub use verify_code::{Channel, CodePurpose, Resend, VerifyCodePage};
