//! The `id-token` grant of the SDKs: a new ID token for the session of the request.

use vestibule_domain::time::Timestamp;

use crate::{
    app::App,
    flows::{
        Error,
        account::LoadedUser,
        caller::{ApiCaller, Resolution, Via},
        issue::{Authentication, make_id_token, scopes_of},
        rates,
    },
    projects::Project,
};
use vestibule_domain::client::Client;
use vestibule_protocol::oauth::ScopeSet;

/// Issues only an ID token for the caller.
///
/// # Errors
/// [`Error::NothingPresented`] is not [`Error::SessionRequired`]: only the latter makes an SDK drop its guest.
pub(crate) async fn renew(
    app: &App,
    project: &Project,
    client: &Client,
    resolution: &Resolution<ApiCaller>,
    now: Timestamp,
) -> Result<String, Error> {
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
    rates::charge_user(app, project, caller.user.id, now)?;
    let loaded = LoadedUser::load(&mut *app.store.read().await?, project, caller.user.clone()).await?;
    Ok(make_id_token(project, client, session, &loaded.account(), &scopes, None, now))
}
