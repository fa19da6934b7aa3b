//! Emails that an operator sends to a member: an invitation, or a link to choose a new password. Neither proves anything by itself:
//! the member requests a code on the page that the link opens.

use vestibule_domain::{
    event::{Event, OperatorAction},
    id::UserId,
    identifier::{LoginId, LoginIdKind},
};

use super::{AdminError, Clash, users};
use crate::{
    account::{LoginMethods, login_methods::login_id_of, recovery_link},
    actor::{ActError, Actor},
    adapters::mailer::Mail,
    ctx::Ctx,
    flow::login_methods,
    limits::sending::Requester,
    messages::SealedMessage,
    projects::Project,
    send_permit,
};

/// Why it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberMail {
    /// To a member that an operator created.
    Invitation,
    /// To a member who cannot sign in.
    PasswordLink,
}

/// Renders the email with this link; the pages have the texts.
pub type WriteMemberMail<'a> = &'a (dyn Fn(&str, &str) -> Mail + Send + Sync);

/// Whether members of the project can choose a password by email.
pub fn is_possible(project: &Project) -> bool {
    let settings = &project.settings;
    let has_application = settings.clients().iter().any(|client| client.application_type().has_full_access());
    has_application && login_methods::recovery_kinds(settings).contains(&LoginIdKind::Email)
}

/// Queues the email to the member's address; returns the address. It is counted as a code to the address is.
///
/// # Errors
/// [`AdminError::Invalid`] when the member has no address, or none that emails reach.
pub async fn send(
    ctx: &Ctx<'_>,
    actor: &Actor,
    (id, which): (UserId, MemberMail),
    write: WriteMemberMail<'_>,
) -> Result<String, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    if !is_possible(ctx.project) {
        return Err(AdminError::fault("", "members of this project can't choose a password by email"));
    }
    let loaded = users::get(ctx, id).await?;
    if !loaded.user.is_active() || loaded.user.is_anonymous() {
        return Err(AdminError::Conflict(Clash::NotActive));
    }
    let login_methods = LoginMethods::load(ctx, id).await.map_err(AdminError::Flow)?;
    let login_id: Option<LoginId> = login_methods.emails().first().and_then(|row| login_id_of(row));
    let login_id = login_id.and_then(|login_id| Some((login_id.address()?, login_id)));
    let (to, login_id) = login_id.ok_or_else(|| AdminError::fault("", "this user has no email address"))?;
    let admitted = send_permit::admit(ctx, &login_id, Requester::NewAddress).await.map_err(AdminError::Flow)?;
    if admitted.is_err() {
        return Err(AdminError::fault("", "the mail server does not accept this address"));
    }
    let mail = write(&to, &recovery_link::make(ctx, &login_id));
    let action = match which {
        MemberMail::Invitation => OperatorAction::UserInvited,
        MemberMail::PasswordLink => OperatorAction::PasswordLinkSent,
    };
    let event = actor.prepare(ctx, &Event::OperatorActed { action, target: login_id.original }, Some(id));
    let sealed = SealedMessage::of_mail(ctx.app, no, &mail);
    let queued = ctx.app.store.write("admin_send_member_mail", (event, sealed), move |tx, (event, sealed)| {
        Box::pin(async move {
            event.write(tx, no, now).await?;
            sealed.push(tx, no, now).await?;
            Ok::<_, ActError>(())
        })
    });
    queued.await?;
    Ok(to)
}
