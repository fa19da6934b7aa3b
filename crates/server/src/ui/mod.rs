//! Hosted pages: typed page structs, their templates, texts, assets and colors.
//! Knows no HTTP, no store and no use cases; handlers fill a page struct and send the rendered HTML.

mod account;
mod asset;
mod brand;
mod chart;
mod color;
mod context;
mod continue_as;
mod count;
#[cfg(test)]
mod document;
mod elapsed;
mod end_pages;
mod field;
mod field_problem;
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
mod rendered_mail;
mod sample;
mod switch_account;
mod template;
mod text;
mod theme;
mod verify_code;

pub use account::{
    AddLoginIdPage, ChangePasswordPage, ConfirmPage, DeleteAccountPage, EditNamesPage, LoginIdEntry, PasskeyEntry,
    PasskeyNamePage, PasskeySummary, PasskeysPage, PasswordSummary, RemoveLoginIdPage, SessionEntry, SettingsGuestPage,
    SettingsOtherApplicationPage, SettingsPage, VerifyLoginIdPage,
};
pub use asset::{Asset, asset, asset_href};
pub use brand::Brand;
pub use chart::{ChartLabels, DaysChart, Mark, Series, StepsChart, print_number};
pub use context::{PageColorScheme, PageContext};
pub use continue_as::ContinueAsPage;
pub use count::count_of;
pub use elapsed::Elapsed;
pub use end_pages::{ErrorKind, ErrorPage, LoggedOutPage, LogoutPage, TooManyTriesPage};
pub use field::{LoginIdChoice, LoginIdField, PasswordField, PasswordUse, Steps, Strength, TextLink};
pub use field_problem::FieldProblem;
pub use identify::{IdentifyPage, IdentifyPurpose};
pub use locale::{Direction, Locale, Locales};
pub use mail::{AccountNotice, MailContext, MailKind, sms_text};
pub use notice::{Level, Notice, NoticeKind};
pub use page::{Page, Shell};
pub use passkey::{Ceremony, PasskeyCeremony};
pub use passkey_page::PasskeyPage;
pub use password::{ForgottenPasswordPage, NewPasswordPage, NewPasswordReason, PasswordPage, PasswordReason};
pub use policy::{Forms, content_security_policy};
pub use promotion::{AlreadyPromotedPage, ConflictPage, HaveAccountPage};
pub use rendered_mail::RenderedMail;
pub use sample::{Sample, sample_context, samples};
pub use switch_account::SwitchAccountPage;
pub use text::{Arg, Text};
pub use theme::{preview_css, theme_css, theme_href};
pub use verify_code::{CodeChannel, CodePurpose, Resend, VerifyCodePage};
