//! Pages of the operators' portal: typed pages with their templates, one frame, the navigation, form controls.
//! English only. Like all of `ui`, plain values: handlers fill a page and send the rendered HTML.

mod access;
mod activity;
mod addresses;
mod applications;
mod audit;
mod confirm;
mod control;
mod frame;
mod framework;
mod invitation;
mod me;
mod message;
mod messages;
mod moment;
mod nav;
mod notice;
mod operators;
mod overview;
mod passkey;
mod projects;
#[cfg(test)]
mod proof;
mod sample;
mod settings_form;
mod user;
mod users;
mod webhooks;

pub use access::{OneTimeLinkKind, OneTimeLinkPage, OneTimeLinkPasskeyPage, ProvePage, SignInPage};
pub use activity::{ActivityLine, ActivityPage};
pub use addresses::AddressesPage;
pub use applications::{
    ApplicationEntry, ApplicationsPage, FrameworksPage, NewApplicationPage, QuickStartPage, SecretsPage,
};
pub use audit::AuditPage;
pub use confirm::{ConfirmActionPage, Hidden, SecretShownPage};
pub use control::{Control, ControlKind, Pick, describe_seconds};
pub use frame::{OperatorBadge, PortalContext, PortalPage, ProjectBadge};
pub use framework::Framework;
pub use invitation::invitation_mail;
pub use me::{MePage, MyPasskey};
pub use message::MessagePage;
pub use messages::{ChannelView, MessagesPage, TestOutcome, test_mail, test_text};
pub use moment::Moment;
pub use notice::PortalNotice;
pub use operators::{InvitationEntry, KeyEntry, KeysPage, OperatorEntry, OperatorsPage};
pub use overview::{AppNumbers, Daily, OverviewPage, PERIODS};
pub use passkey::PasskeyBox;
pub use projects::{NewProjectPage, ProjectEntry, ProjectsPage};
pub use sample::{PortalSample, portal_sample_context, portal_samples};
pub use settings_form::{
    ConflictNote, ConflictRow, Extra, Fold, LifetimeHelp, LifetimeRow, Lifetimes, PanelView, SettingsFormPage,
    describe_lifetimes,
};
pub use user::{EventLine, IdentityLine, KeyLine, SessionLine, UserFormPage, UserHead, UserPage, UserTask};
pub use users::{UserRow, UsersPage};
pub use webhooks::{DeliveryLine, TestResultLine, WebhookLine, WebhookSecretPage, WebhooksPage};
