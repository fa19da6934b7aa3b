//! Samples of every page in its main states, for tests, screenshots and viewing.

use vestibule_web::{
    brand::Brand,
    context::{AssetPlace, PageColorScheme, PageContext},
    locale::Locale,
    page::Page,
};

use crate::{
    account::{
        ConnectPage,
        applications::ApplicationsPage,
        confirm::ConfirmPage,
        deletion::DeleteAccountPage,
        guest::SettingsGuestPage,
        login_id::{AddLoginIdPage, RemoveLoginIdPage, VerifyLoginIdPage},
        names::EditNamesPage,
        other_application::SettingsOtherApplicationPage,
        overview::SettingsPage,
        passkeys::{PasskeyNamePage, PasskeysPage},
        password::ChangePasswordPage,
    },
    consent::ConsentPage,
    device::{DeviceEndPage, DevicePage, DeviceQuestionPage},
    end_pages::{ErrorPage, LoggedOutPage, LogoutPage, TooManyTriesPage},
    flow::{
        continue_as::ContinueAsPage,
        identify::IdentifyPage,
        merge_page::MergePage,
        passkey_page::PasskeyPage,
        password::{ForgottenPasswordPage, NewPasswordPage, PasswordPage},
        promotion::{AlreadyPromotedPage, ConflictPage, HaveAccountPage},
        provider::ProviderPage,
        switch_account::SwitchAccountPage,
        verify_code::VerifyCodePage,
    },
    security::{EndSessionsPage, SecurityLinkDonePage},
};

/// A sample.
pub struct Sample {
    pub name: String,
    pub page: Box<dyn Page>,
}

pub fn samples() -> Vec<Sample> {
    let mut all = Vec::new();
    collect(&mut all, "identify", IdentifyPage::samples());
    collect(&mut all, "verify-code", VerifyCodePage::samples());
    collect(&mut all, "password", PasswordPage::samples());
    collect(&mut all, "new-password", NewPasswordPage::samples());
    collect(&mut all, "forgotten-password", ForgottenPasswordPage::samples());
    collect(&mut all, "passkey", PasskeyPage::samples());
    collect(&mut all, "continue-as", ContinueAsPage::samples());
    collect(&mut all, "consent", ConsentPage::samples());
    collect(&mut all, "device", DevicePage::samples());
    collect(&mut all, "device-question", DeviceQuestionPage::samples());
    collect(&mut all, "device-end", DeviceEndPage::samples());
    collect(&mut all, "switch-account", SwitchAccountPage::samples());
    collect(&mut all, "have-account", HaveAccountPage::samples());
    collect(&mut all, "conflict", ConflictPage::samples());
    collect(&mut all, "merge", MergePage::samples());
    collect(&mut all, "already-promoted", AlreadyPromotedPage::samples());
    collect(&mut all, "provider", ProviderPage::samples());
    collect(&mut all, "error", ErrorPage::samples());
    collect(&mut all, "too-many-tries", TooManyTriesPage::samples());
    collect(&mut all, "logout", LogoutPage::samples());
    collect(&mut all, "logged-out", LoggedOutPage::samples());
    collect(&mut all, "end-sessions", EndSessionsPage::samples());
    collect(&mut all, "security-done", SecurityLinkDonePage::samples());
    collect(&mut all, "settings-guest", SettingsGuestPage::samples());
    collect(&mut all, "settings-stranger", SettingsOtherApplicationPage::samples());
    collect(&mut all, "settings", SettingsPage::samples());
    collect(&mut all, "names", EditNamesPage::samples());
    collect(&mut all, "add-login-id", AddLoginIdPage::samples());
    collect(&mut all, "remove-login-id", RemoveLoginIdPage::samples());
    collect(&mut all, "verify-login-id", VerifyLoginIdPage::samples());
    collect(&mut all, "connect", ConnectPage::samples());
    collect(&mut all, "confirm", ConfirmPage::samples());
    collect(&mut all, "change-password", ChangePasswordPage::samples());
    collect(&mut all, "passkeys", PasskeysPage::samples());
    collect(&mut all, "passkey-name", PasskeyNamePage::samples());
    collect(&mut all, "applications", ApplicationsPage::samples());
    collect(&mut all, "delete-account", DeleteAccountPage::samples());
    all
}

/// A context to render samples with.
pub fn sample_context(locale: Locale) -> PageContext {
    PageContext {
        locale,
        color_scheme: PageColorScheme::Auto,
        brand: Brand { name: "Corner Shop".into(), ..Brand::default() },
        csrf: "sample-csrf-token".into(),
        carried: None,
        notice: None,
        app_name: "Corner Shop".into(),
        assets: AssetPlace::default(),
    }
}

fn collect<P: Page + 'static>(all: &mut Vec<Sample>, page: &str, states: Vec<(&'static str, P)>) {
    for (state, sample) in states {
        all.push(Sample { name: format!("{page}-{state}"), page: Box::new(sample) });
    }
}
