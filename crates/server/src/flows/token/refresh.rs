//! The `refresh_token` grant (RFC 6749 §6).

use vestibule_domain::{grant::Grant, time::Timestamp};
use vestibule_protocol::device_info::DeviceInfo;
use vestibule_store::{StoreError, grants};

use super::{ClientProof, Tokens, authenticate_client, make_tokens};
use crate::{
    app::App,
    flows::{
        Error,
        caller::find_live_grant,
        dpop::{self, Presented},
        issue::split_token,
        rates,
    },
    projects::Project,
};

/// What the client presents.
pub(crate) struct RefreshRequest<'a> {
    pub(crate) client: &'a ClientProof,
    pub(crate) refresh_token: &'a str,
    /// `x_device_info` as it was sent; its name replaces what was stored.
    pub(crate) device_info: Option<&'a str>,
    pub(crate) proof: &'a Presented,
}

/// Exchanges a refresh token for fresh tokens and records the access.
pub(crate) async fn refresh(
    app: &App,
    project: &Project,
    request: RefreshRequest<'_>,
    now: Timestamp,
) -> Result<Tokens, Error> {
    let device = request.device_info.map(DeviceInfo::parse).transpose()?;
    let device = device.map(|device| device.display_name().to_string());
    let mut conn = app.store.read().await?;
    let client = authenticate_client(&mut conn, project, request.client).await?;
    let (id, hash) = split_token(request.refresh_token).ok_or(Error::InvalidRefreshToken)?;
    let (grant, user) = find_live_grant(&mut conn, project, id, now).await?.ok_or(Error::InvalidRefreshToken)?;
    drop(conn);
    if !grant.token_hash.matches(&hash) {
        return Err(Error::InvalidRefreshToken);
    }
    let proof_use = request.proof.check(client, grant.dpop_jkt.as_deref())?;
    if grant.client_id != client.client_id {
        return Err(Error::RefreshTokenOfAnotherClient);
    }
    rates::charge_user(app, project, user.id, now)?;
    dpop::use_up(app, project, proof_use).await?;
    let mut tokens = make_tokens(app, project, client, &grant, &user, None, now).await?;
    let alive = if client.rotates_refresh_tokens() {
        let secret = app.entropy.alphanumeric();
        let new = crate::crypto::sha256(secret.as_bytes());
        tokens.refresh_token = Some(format!("{id}.{secret}"));
        rotate(app, project, &grant, new, now).await?
    } else {
        record(app, project, &grant, device, now).await?
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
