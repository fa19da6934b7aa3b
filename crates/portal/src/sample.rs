//! Samples of every page of the portal in its main states, for tests and for viewing.

use vestibule_domain::operator::Role;

use crate::{
    acceptance::AcceptRolePage,
    activity::ActivityPage,
    addresses::AddressesPage,
    applications::{ApplicationsPage, FrameworksPage, NewApplicationPage, QuickStartPage, SecretsPage},
    audit::AuditPage,
    bulk::BulkPage,
    confirmation::{ConfirmActionPage, SecretShownPage},
    delivery::DeliveryPage,
    export_users::ExportUsersPage,
    frame::{OperatorBadge, PortalContext, PortalPage, ProjectBadge},
    guide::GuidePage,
    health::HealthPage,
    history::HistoryPage,
    import_users::ImportUsersPage,
    logo::LogoPage,
    me::MePage,
    members::NewMemberPage,
    merges::MergesPage,
    message::MessagePage,
    messages::MessagesPage,
    one_time_link::{OneTimeLinkPage, OneTimeLinkPasskeyPage},
    operators::{KeysPage, OperatorsPage},
    overview::OverviewPage,
    projects::{NewProjectPage, ProjectsPage},
    provider_settings::ProviderTypesPage,
    provider_trial::TrialPage,
    providers::ProvidersPage,
    retention::RetentionPage,
    settings_page::SettingsFormPage,
    sign_in::{ProvePage, SignInPage},
    user::UserPage,
    user_form::UserFormPage,
    users::UsersPage,
    webhooks::{WebhookSecretPage, WebhooksPage},
};

/// A sample.
pub(crate) struct PortalSample {
    pub name: String,
    pub page: Box<dyn PortalPage>,
}

pub(crate) fn portal_samples() -> Vec<PortalSample> {
    let mut all = Vec::new();
    collect(&mut all, "sign-in", SignInPage::samples());
    collect(&mut all, "welcome", OneTimeLinkPage::samples());
    collect(&mut all, "prove", ProvePage::samples());
    collect(&mut all, "welcome-passkey", OneTimeLinkPasskeyPage::samples());
    collect(&mut all, "me", MePage::samples());
    collect(&mut all, "activity", ActivityPage::samples());
    collect(&mut all, "guide", GuidePage::samples());
    collect(&mut all, "health", HealthPage::samples());
    collect(&mut all, "message", MessagePage::samples());
    collect(&mut all, "projects", ProjectsPage::samples());
    collect(&mut all, "new-project", NewProjectPage::samples());
    collect(&mut all, "messages", MessagesPage::samples());
    collect(&mut all, "addresses", AddressesPage::samples());
    collect(&mut all, "applications", ApplicationsPage::samples());
    collect(&mut all, "frameworks", FrameworksPage::samples());
    collect(&mut all, "new-application", NewApplicationPage::samples());
    collect(&mut all, "quick-start", QuickStartPage::samples());
    collect(&mut all, "secrets", SecretsPage::samples());
    collect(&mut all, "confirm-action", ConfirmActionPage::samples());
    collect(&mut all, "secret-shown", SecretShownPage::samples());
    collect(&mut all, "staff", OperatorsPage::samples());
    collect(&mut all, "keys", KeysPage::samples());
    collect(&mut all, "sheet", SettingsFormPage::samples());
    collect(&mut all, "logo", LogoPage::samples());
    collect(&mut all, "providers", ProvidersPage::samples());
    collect(&mut all, "provider-types", ProviderTypesPage::samples());
    collect(&mut all, "provider-trial", TrialPage::samples());
    collect(&mut all, "overview", OverviewPage::samples());
    collect(&mut all, "retention", RetentionPage::samples());
    collect(&mut all, "merges", MergesPage::samples());
    collect(&mut all, "users", UsersPage::samples());
    collect(&mut all, "new-member", NewMemberPage::samples());
    collect(&mut all, "bulk", BulkPage::samples());
    collect(&mut all, "import-users", ImportUsersPage::samples());
    collect(&mut all, "export-users", ExportUsersPage::samples());
    collect(&mut all, "user", UserPage::samples());
    collect(&mut all, "history", HistoryPage::samples());
    collect(&mut all, "user-form", UserFormPage::samples());
    collect(&mut all, "audit", AuditPage::samples());
    collect(&mut all, "accept-role", AcceptRolePage::samples());
    collect(&mut all, "webhooks", WebhooksPage::samples());
    collect(&mut all, "delivery", DeliveryPage::samples());
    collect(&mut all, "webhook-secret", WebhookSecretPage::samples());
    all
}

/// A context for samples: an owner of the project "shop".
pub(crate) fn portal_sample_context() -> PortalContext {
    PortalContext {
        csrf: "sample-csrf-token".into(),
        notice: None,
        operator: Some(OperatorBadge { name: "Kim Doe".into(), email: "kim@shop.example".into() }),
        project: Some(ProjectBadge { id: "shop".into(), name: "Corner Shop".into(), role: Role::Owner }),
        other_projects: vec![("blog".into(), "Corner Blog".into())],
    }
}

fn collect<P: PortalPage + 'static>(all: &mut Vec<PortalSample>, page: &str, states: Vec<(&'static str, P)>) {
    for (state, sample) in states {
        all.push(PortalSample { name: format!("{page}-{state}"), page: Box::new(sample) });
    }
}
