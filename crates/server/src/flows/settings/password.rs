//! Changes a member's password, or sets the first one.

use vestibule_domain::{
    credential::password::{self, Assessment},
    secret::Secret,
};

use super::{
    Standing,
    change::{Deed, Order, Outcome, commit},
    errand::Errand,
    login_id::Asking,
    notice::News,
    prove::check_password,
};
use crate::flows::{Error, new_password};

/// The input.
pub(crate) struct Typed {
    /// The current password, for a member who has one.
    pub(crate) current: Secret<String>,
    pub(crate) new: Secret<String>,
}

/// The problems of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mistakes {
    pub(crate) current_wrong: bool,
    /// The new password equals the old one.
    pub(crate) reused: bool,
    pub(crate) new: Assessment,
}

/// Changes or sets the password; every other session of the member ends.
pub(crate) async fn change(
    asking: &Asking<'_>,
    errand: Option<&Errand>,
    typed: Typed,
) -> Result<Result<Outcome, Mistakes>, Error> {
    let Asking { app, project, caller, ip, now, .. } = *asking;
    let standing = Standing::load(app, project, caller.user.id).await?;
    let names: Vec<&str> = standing.login_ids.iter().map(|row| row.original.as_str()).collect();
    let policy = project.settings.password_policy();
    let new = new_password::assess(app, project.no, policy, typed.new.expose(), &names).await?;
    let mut mistakes = Mistakes { new, ..Mistakes::default() };
    if standing.password.is_some() {
        mistakes.current_wrong = !check_password(app, project, &standing, typed.current.expose(), ip, now).await?;
        let (old, new) = (password::prepare(typed.current.expose()), password::prepare(typed.new.expose()));
        mistakes.reused = !mistakes.current_wrong && old.expose() == new.expose();
    }
    if mistakes.current_wrong || mistakes.reused || !mistakes.new.is_good() {
        return Ok(Err(mistakes));
    }
    let hash = app.hasher.hash(project.no, password::prepare(typed.new.expose()), &app.entropy).await?;
    let mails = standing.mail_address().map(|to| (asking.write_news)(&to, &News::PasswordChanged));
    let deed = Deed::SetPassword { hash, keep: caller.via.reference() };
    let order = Order { deed, mails: mails.into_iter().collect(), errand };
    commit(app, project, caller, order, now).await.map(Ok)
}
