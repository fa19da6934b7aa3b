//! Revokes a refresh token or a single access token (RFC 7009). Unknown tokens are not an error (§2.2).

use vestibule_domain::{
    client::Client,
    event::{Event, UserModel},
    grant::Grant,
    id::{GrantId, GrantKind, ProjectNo, SessionId},
    secret::TokenHash,
    user::User,
};
use vestibule_store::{StoreError, Tx, ended, grants, sessions, spent};

use super::{ClientProof, authenticate_client, client_credentials, issue::split_token};
use crate::{
    caller::read_access_token, consent::is_third_party, ctx::Ctx, error::Error, events, guests::unstored,
    identities::LoadedUser, logout_notices::LogoutNotices, projects::Project,
};

/// Authenticates the application that sent the request: one that has a secret must send it. Public applications only
/// name themselves, and the SDKs not even that: `None`.
///
/// # Errors
/// [`Error::ClientSecretMissing`], [`Error::ClientSecretWrong`], or a store error.
pub async fn authenticate<'p>(ctx: &Ctx<'p>, proof: &ClientProof) -> Result<Option<&'p Client>, Error> {
    match ctx.project.settings.client(&proof.client_id) {
        Some(client) if client.application_type().is_confidential() => {
            authenticate_client(&mut *ctx.app.store.read().await?, ctx.project, proof).await.map(Some)
        }
        Some(client) => Ok(Some(client)),
        None => Ok(None),
    }
}

/// Checks that the token was issued to the application that revokes it (RFC 7009 §2.1). A token of a public application
/// may be revoked without naming it.
fn check_owner(project: &Project, requester: Option<&Client>, grant: &Grant) -> Result<(), Error> {
    let has_secret = |client: &Client| client.application_type().is_confidential();
    match requester {
        Some(requester) if requester.client_id == grant.client_id => Ok(()),
        Some(_) => Err(Error::TokenOfAnotherClient),
        None if project.settings.client(&grant.client_id).is_some_and(has_secret) => Err(Error::ClientSecretMissing),
        None => Ok(()),
    }
}

/// Revokes a token of any kind. Invalid tokens are revoked already (§2.2).
///
/// # Errors
/// [`Error::TokenOfAnotherClient`]; [`Error::ClientSecretMissing`] when its application must authenticate.
pub async fn revoke(ctx: &Ctx<'_>, requester: Option<&Client>, token: &str) -> Result<(), Error> {
    if let Some((id, hash)) = split_token::<GrantKind>(token) {
        if revoke_unstored(ctx, requester, token).await? {
            return Ok(());
        }
        return revoke_grant(ctx, requester, (id, hash)).await;
    }
    let Some(read) = read_access_token(ctx.project, token).filter(|read| ctx.now <= read.expires_at) else {
        return revoke_own(ctx, requester, token).await;
    };
    let no = ctx.project.no;
    let (grant_id, fingerprint, expires_at) = (read.grant_id, read.fingerprint(), read.expires_at);
    let mut conn = ctx.app.store.read().await?;
    let mut grant = grants::find(&mut conn, no, grant_id).await?;
    let mut unstored = None;
    if let (None, Some(guest)) = (&grant, &read.unstored) {
        unstored = unstored::find_live::<User>(&mut conn, ctx.project, guest, ctx.now).await?;
        grant = unstored.as_ref().map(|live| live.grant.clone());
    }
    drop(conn);
    let Some(grant) = grant else { return Ok(()) };
    check_owner(ctx.project, requester, &grant)?;
    // That one of its tokens is revoked is kept with the grant.
    if let Some(live) = &unstored
        && !unstored::store(ctx, live).await?
    {
        return Ok(());
    }
    ctx.app
        .store
        .write("revoke_access_token", (), move |tx, ()| {
            Box::pin(async move {
                if grants::mark_has_revoked_tokens(tx, no, grant_id).await? {
                    spent::spend(tx, no, &fingerprint, None, expires_at).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

/// Revokes a token that an application got for itself. Introspection shows it; an API that only verifies the signature
/// does not see it.
async fn revoke_own(ctx: &Ctx<'_>, requester: Option<&Client>, token: &str) -> Result<(), Error> {
    let Some(own) = client_credentials::read(ctx.project, token, ctx.now) else { return Ok(()) };
    match requester {
        Some(requester) if requester.client_id == own.client.client_id => {}
        Some(_) => return Err(Error::TokenOfAnotherClient),
        None => return Err(Error::ClientSecretMissing),
    }
    let (no, fingerprint, expires_at) = (ctx.project.no, own.fingerprint(), own.expires_at);
    ctx.app
        .store
        .write("revoke_own_token", (), move |tx, ()| {
            Box::pin(async move { spent::spend(tx, no, &fingerprint, None, expires_at).await.map(drop) })
        })
        .await?;
    Ok(())
}

/// Revokes the refresh token of a guest that is not stored; `false` when it is none, or is stored.
///
/// No event says so, because none said that the guest was there.
async fn revoke_unstored(ctx: &Ctx<'_>, requester: Option<&Client>, token: &str) -> Result<bool, Error> {
    let guest = unstored::read_refresh_token(ctx.project, token).filter(|guest| ctx.now <= guest.ends_at);
    let Some(guest) = guest else { return Ok(false) };
    // Also where the settings end it now: they may change back.
    let Some(grant) = unstored::grant_of(ctx.project, &guest) else { return Ok(false) };
    check_owner(ctx.project, requester, &grant)?;
    Ok(unstored::revoke(ctx, &guest).await?)
}

async fn revoke_grant(
    ctx: &Ctx<'_>,
    requester: Option<&Client>,
    (id, hash): (GrantId, TokenHash),
) -> Result<(), Error> {
    let (no, now) = (ctx.project.no, ctx.now);
    let mut conn = ctx.app.store.read().await?;
    let found = grants::find_with_user(&mut conn, no, id).await?;
    // Accept the previous token too: a client that lost the response to a refresh has no newer one.
    let is_of = |grant: &Grant| {
        grant.token_hash.matches(&hash) || grant.previous.as_ref().is_some_and(|old| old.token_hash.matches(&hash))
    };
    let Some((grant, user)) = found.filter(|(grant, _)| is_of(grant)) else { return Ok(()) };
    check_owner(ctx.project, requester, &grant)?;
    let loaded = LoadedUser::load(&mut conn, ctx.project, user).await?;
    drop(conn);
    let event =
        Event::UserSignedOut { user: UserModel::copy(&loaded.account()), session: events::model_of_grant(&grant) };
    let origin = events::EventOrigin::of_client(&grant.client_id);
    let event = events::prepare(ctx, &event, loaded.id(), &origin);
    // A third-party application ends its own access; the member stays signed in elsewhere.
    let session = grant.session_id.filter(|_| !is_third_party(ctx.project, &grant.client_id));
    let notices = LogoutNotices::of(ctx.app, ctx.project);
    ctx.app
        .store
        .write("revoke_grant", (grant, session, event, notices), move |tx, (grant, session, event, notices)| {
            Box::pin(async move {
                let noticed = match session {
                    Some(session) => notices.find_of_session(tx, *session).await?,
                    None => notices.find(tx, grant.id).await?,
                };
                // A concurrent request may have ended it, and queued its event.
                if end_grant(tx, no, grant.id, *session).await? {
                    ended::note_left(tx, no, grant.user_id, Some(&grant.client_id), now).await?;
                    events::queue(tx, no, grant.user_id, event, now).await?;
                    notices.queue(tx, &noticed, now).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

/// Ends a grant, and its cookie session with that session's other grants; `false` when the grant had ended before.
async fn end_grant(tx: &mut Tx, no: ProjectNo, id: GrantId, session: Option<SessionId>) -> Result<bool, StoreError> {
    let was_there = grants::remove(tx, no, id).await?;
    if let Some(session) = session {
        grants::remove_of_session(tx, no, session).await?;
        sessions::remove(tx, no, session).await?;
    }
    Ok(was_there)
}
