//! Revoking a refresh token or a single access token (RFC 7009). Unknown tokens are no error.

use vestibule_domain::{
    event::Event,
    id::{GrantId, ProjectNo, SessionId, UserId},
    time::Timestamp,
};
use vestibule_store::{
    db::{StoreError, Tx},
    grants, sessions, spent,
};

use super::{Error, caller::read_access_token, issue::split_token};
use crate::{app::App, events, projects::Project};

/// Revokes whatever the token is.
pub(crate) async fn revoke(app: &App, project: &Project, token: &str, now: Timestamp) -> Result<(), Error> {
    let no = project.no;
    if let Some((id, hash)) = split_token::<vestibule_domain::id::GrantKind>(token) {
        let found = grants::find(&mut *app.store.read().await?, no, id).await?;
        let Some(grant) = found.filter(|grant| grant.token_hash.matches(&hash)) else { return Ok(()) };
        let event = events::to_queue(app, project, &Event::signed_out(grant.user_id), Some(&grant.client_id), now);
        let input = (grant.id, grant.user_id, grant.session_id, event);
        app.store
            .write("revoke_grant", input, move |tx, (id, user, session, event)| {
                Box::pin(async move {
                    end_grant(tx, no, *id, *session).await?;
                    events::queue(tx, no, *user, event).await
                })
            })
            .await?;
        app.outbox_bell.notify_one();
        return Ok(());
    }
    let Some(read) = read_access_token(project, token).filter(|read| now <= read.expires_at) else { return Ok(()) };
    app.store
        .write("revoke_access_token", read, move |tx, read| {
            Box::pin(async move {
                if grants::mark_has_revoked_tokens(tx, no, read.grant_id).await? {
                    spent::spend(tx, no, &read.fingerprint, None, read.expires_at).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(())
}

/// Ends a grant, and with it the cookie session it was grouped with and that session's other grants.
async fn end_grant(tx: &mut Tx, no: ProjectNo, id: GrantId, session: Option<SessionId>) -> Result<(), StoreError> {
    grants::remove(tx, no, id).await?;
    if let Some(session) = session {
        grants::remove_of_session(tx, no, session).await?;
        sessions::remove(tx, no, session).await?;
    }
    Ok(())
}

/// Ends every session and grant of a user.
pub(crate) async fn end_all(tx: &mut Tx, no: ProjectNo, user: UserId) -> Result<u64, StoreError> {
    Ok(grants::remove_all(tx, no, user).await? + sessions::remove_all(tx, no, user).await?)
}
