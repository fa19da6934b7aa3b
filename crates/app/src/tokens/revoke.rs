//! Revokes a refresh token or a single access token (RFC 7009). Unknown tokens are not an error (§2.2).

use vestibule_domain::{
    event::{Event, UserModel},
    grant::Grant,
    id::{GrantId, GrantKind, ProjectNo, SessionId},
};
use vestibule_store::{StoreError, Tx, grants, sessions, spent};

use super::{ClientProof, authenticate_client, issue::split_token};
use crate::{caller::read_access_token, error::Error, identities::LoadedUser};
use crate::{ctx::Ctx, events};

/// Checks the secret of an application that sent one; other requests need none.
///
/// # Errors
/// [`Error::ClientSecretWrong`], or a store error.
pub async fn check_client(ctx: &Ctx<'_>, proof: &ClientProof) -> Result<(), Error> {
    let is_known = ctx.project.settings.client(&proof.client_id).is_some();
    if is_known && proof.client_secret.is_some() {
        authenticate_client(&mut *ctx.app.store.read().await?, ctx.project, proof).await?;
    }
    Ok(())
}

/// Revokes a token of any kind.
pub async fn revoke(ctx: &Ctx<'_>, token: &str) -> Result<(), Error> {
    let (no, now) = (ctx.project.no, ctx.now);
    if let Some((id, hash)) = split_token::<GrantKind>(token) {
        let mut conn = ctx.app.store.read().await?;
        let found = grants::find_with_user(&mut conn, no, id).await?;
        // Accept the previous token too: a client that lost the response to a refresh has no newer one.
        let is_of = |grant: &Grant| {
            grant.token_hash.matches(&hash) || grant.previous.as_ref().is_some_and(|old| old.token_hash.matches(&hash))
        };
        let Some((grant, user)) = found.filter(|(grant, _)| is_of(grant)) else { return Ok(()) };
        let loaded = LoadedUser::load(&mut conn, ctx.project, user).await?;
        drop(conn);
        let event =
            Event::UserSignedOut { user: UserModel::copy(&loaded.account()), session: events::model_of_grant(&grant) };
        let origin = events::EventOrigin::of_client(&grant.client_id);
        let event = events::prepare(ctx, &event, loaded.id(), &origin);
        let input = (grant.id, grant.user_id, grant.session_id, event);
        ctx.app
            .store
            .write("revoke_grant", input, move |tx, (id, user, session, event)| {
                Box::pin(async move {
                    // A concurrent request may have ended it, and queued its event.
                    if end_grant(tx, no, *id, *session).await? {
                        events::queue(tx, no, *user, event, now).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await?;
        return Ok(());
    }
    let Some(read) = read_access_token(ctx.project, token).filter(|read| now <= read.expires_at) else {
        return Ok(());
    };
    let (grant_id, fingerprint, expires_at) = (read.grant_id, read.fingerprint(), read.expires_at);
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

/// Ends a grant, its cookie session and that session's other grants; `false` when the grant had ended before.
async fn end_grant(tx: &mut Tx, no: ProjectNo, id: GrantId, session: Option<SessionId>) -> Result<bool, StoreError> {
    let was_there = grants::remove(tx, no, id).await?;
    if let Some(session) = session {
        grants::remove_of_session(tx, no, session).await?;
        sessions::remove(tx, no, session).await?;
    }
    Ok(was_there)
}
