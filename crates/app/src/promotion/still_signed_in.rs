//! The mail after the promotion of a guest that began elsewhere: what is still signed in to the new account, with a link that
//! ends it.

use vestibule_domain::{identifier::LoginIdKind, secret::TokenHash};

use super::change::GuestPromotion;
use crate::{
    account::{
        login_methods::{kind_of, login_id_of},
        notice::{NamedSession, SecurityNotice, WriteNotice},
    },
    adapters::mailer::Mail,
    crypto::security_links::LinkAction,
    ctx::Ctx,
    security_links,
    sessions::ListedSession,
};

/// The mail to the member's new email address; `None` without one, or when nothing but the promoting browser is signed in.
/// `code` is the authorization code that the link ends too.
pub(crate) fn make_mail(
    ctx: &Ctx<'_>,
    promotion: &GuestPromotion,
    code: Option<TokenHash>,
    write: WriteNotice<'_>,
) -> Option<Mail> {
    let login_id = promotion.credentials.login_id.as_ref().filter(|row| kind_of(row) == Some(LoginIdKind::Email))?;
    let to = login_id_of(login_id)?.address()?;
    let sessions: Vec<NamedSession> =
        promotion.ending.iter().flat_map(|ending| &ending.staying).map(|listed| name(ctx, listed)).collect();
    if sessions.is_empty() {
        return None;
    }
    let link = security_links::make(ctx, promotion.guest, LinkAction::EndSessions { code: code.map(|code| code.0) });
    Some(write(&to, &SecurityNotice::StillSignedIn { sessions, link }))
}

fn name(ctx: &Ctx<'_>, listed: &ListedSession) -> NamedSession {
    let settings = &ctx.project.settings;
    let client = listed.client_id.as_deref().and_then(|client_id| settings.client(client_id));
    NamedSession {
        application: client.map_or_else(|| settings.display_name(), |client| client.display_name()).to_string(),
        device: listed.device.clone(),
        age: ctx.now.since(listed.created_at),
    }
}
