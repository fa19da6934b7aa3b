//! Changes a member's password, or sets the first one.

use vestibule_domain::{
    credential::password::{self, Assessment},
    secret::Secret,
};

use super::{
    LoginMethods,
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
    login_id::AccountContext,
    notice::SecurityNotice,
    reauthentication::check_password,
    settings_action::SettingsAction,
};
use crate::{ctx::Ctx, error::Error, passwords::new_password};

/// The input.
pub struct PasswordInput {
    /// The current password, for a member who has one.
    pub current: Secret<String>,
    pub new: Secret<String>,
}

/// The problems of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordInputErrors {
    pub current_wrong: bool,
    /// The new password equals the old one.
    pub reused: bool,
    pub new: Assessment,
}

/// Changes or sets the password; every other session of the member ends.
pub async fn change(
    asking: &AccountContext<'_>,
    settings_action: Option<&SettingsAction>,
    typed: PasswordInput,
) -> Result<Result<ChangeOutcome, PasswordInputErrors>, Error> {
    let AccountContext { ctx, caller, .. } = *asking;
    let Ctx { app, project, .. } = ctx;
    let login_methods = LoginMethods::load(&ctx, caller.user.id).await?;
    let names: Vec<&str> = login_methods.login_ids.iter().map(|row| row.original.as_str()).collect();
    let policy = project.settings.password_policy();
    let new = new_password::assess(app, project.no, policy, typed.new.expose(), &names).await?;
    let mut errors = PasswordInputErrors { new, ..PasswordInputErrors::default() };
    if login_methods.password.is_some() {
        errors.current_wrong = !check_password(&ctx, caller, &login_methods, typed.current.expose()).await?;
        let (old, new) = (password::prepare(typed.current.expose()), password::prepare(typed.new.expose()));
        errors.reused = !errors.current_wrong && old.expose() == new.expose();
    }
    if errors.current_wrong || errors.reused || !errors.new.is_good() {
        return Ok(Err(errors));
    }
    let hash = app.hasher.hash(project.no, password::prepare(typed.new.expose()), &app.entropy).await?;
    let addresses = login_methods.mail_addresses();
    let mails = addresses.iter().map(|to| (asking.write_notice)(to, &SecurityNotice::PasswordChanged));
    let change_kind = AccountChange::SetPassword { hash, keep: caller.via.reference() };
    let change_request = ChangeRequest { mails: mails.collect(), settings_action, ..ChangeRequest::of(change_kind) };
    commit(&ctx, caller, change_request).await.map(Ok)
}
