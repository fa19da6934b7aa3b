//! The `refresh_token` grant (RFC 6749 §6).

use vestibule_domain::{grant::Grant, time::Timestamp};
use vestibule_store::{StoreError, grants};

use super::{ClientProof, Tokens, authenticate_client, make_tokens};
use crate::{
    app::App,
    flows::{Error, caller::find_live_grant, issue::split_token, rates},
    projects::Project,
};

/// What the client presents.
pub(crate) struct RefreshRequest<'a> {
    pub(crate) client: &'a ClientProof,
    pub(crate) refresh_token: &'a str,
    /// The device's display name, from `x_device_info`; replaces what was stored.
    pub(crate) device: Option<String>,
}

/// Exchanges a refresh token for fresh tokens and records the access.
pub(crate) async fn refresh(
    app: &App,
    project: &Project,
    request: RefreshRequest<'_>,
    now: Timestamp,
) -> Result<Tokens, Error> {
    let (id, hash) = split_token(request.refresh_token).ok_or(Error::InvalidRefreshToken)?;
    let mut conn = app.store.read().await?;
    let client = authenticate_client(&mut conn, project, request.client).await?;
    let (grant, user) = find_live_grant(&mut conn, project, id, now).await?.ok_or(Error::InvalidRefreshToken)?;
    drop(conn);
    if !grant.token_hash.matches(&hash) {
        return Err(Error::InvalidRefreshToken);
    }
    if grant.client_id != client.client_id {
        return Err(Error::RefreshTokenOfAnotherClient);
    }
    rates::charge_user(app, project, user.id, now)?;
    let mut tokens = make_tokens(app, project, client, &grant, &user, None, now).await?;
    let alive = if client.rotates_refresh_tokens() {
        let secret = app.entropy.alphanumeric();
        let new = crate::crypto::sha256(secret.as_bytes());
        tokens.refresh_token = Some(format!("{id}.{secret}"));
        rotate(app, project, &grant, new, now).await?
    } else {
        record(app, project, &grant, request.device, now).await?
    };
    // Revoked between the read and the write: the revocation wins.
    if alive { Ok(tokens) } else { Err(Error::InvalidRefreshToken) }
}

async fn record(
    app: &App,
    project: &Project,
    grant: &Grant,
    device: Option<String>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (no, id) = (project.no, grant.id);
    app.store
        .write("refresh", device, move |tx, device| {
            Box::pin(async move { grants::touch(tx, no, id, device.as_deref(), now).await })
        })
        .await
}

async fn rotate(
    app: &App,
    project: &Project,
    grant: &Grant,
    new: vestibule_domain::secret::TokenHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (no, id, current) = (project.no, grant.id, grant.token_hash);
    app.store
        .write("rotate_refresh_token", (), move |tx, ()| {
            Box::pin(async move { grants::rotate(tx, no, id, current, new, now).await })
        })
        .await
}
