//! The `id-token` grant of the SDKs: a new ID token for the session of the request.

use crate::{
    caller::{ApiCaller, Resolution, Via},
    ctx::Ctx,
    error::Error,
    identities::LoadedUser,
    limits::rates,
    tokens::issue::{Authentication, make_id_token, scopes_of},
};
use vestibule_domain::client::Client;
use vestibule_protocol::oauth::ScopeSet;

/// Issues only an ID token for the caller.
///
/// # Errors
/// [`Error::NothingPresented`] is not [`Error::SessionRequired`]: only the latter makes an SDK drop its guest.
pub async fn renew(ctx: &Ctx<'_>, client: &Client, resolution: &Resolution<ApiCaller>) -> Result<String, Error> {
    if !client.application_type().has_full_access() {
        return Err(Error::GrantTypeNotAllowed);
    }
    let caller = match resolution {
        Resolution::Anonymous => return Err(Error::NothingPresented),
        Resolution::Dead { .. } => return Err(Error::SessionRequired),
        Resolution::Live(caller) => caller,
    };
    let (session, scopes) = match &caller.via {
        // An ID token has an audience: a grant of one application gives none for another.
        Via::Grant(grant) if grant.client_id != client.client_id => return Err(Error::SessionRequired),
        Via::Grant(grant) => (Authentication::of_grant(grant), scopes_of(grant)),
        Via::Session(session) => (Authentication::of_session(session), ScopeSet::guest_default()),
    };
    rates::charge_user(ctx, caller.user.id)?;
    let (mut conn, user) = (ctx.app.store.read().await?, caller.user.clone());
    let loaded = match &caller.via {
        Via::Grant(grant) => LoadedUser::load_for_grant(&mut conn, ctx.project, user, grant).await?,
        Via::Session(_) => LoadedUser::load(&mut conn, ctx.project, user).await?,
    };
    drop(conn);
    Ok(make_id_token(ctx, client, session, &loaded.account(), &scopes, None))
}
