//! The `device_code` grant (RFC 8628 §3.4): a device asks again and again until the user has decided. A request that comes too soon costs
//! no query, one that waits a point read, and none writes anything.

use vestibule_protocol::device_info::DeviceInfo;
use vestibule_store::device_codes;

use super::{
    ClientProof, Tokens, authenticate_client,
    code::{self, NewVoucher, TokenOrder},
    dpop::PresentedProof,
    used_code::{self, Exchanger},
};
use crate::{
    crypto::sha256,
    ctx::Ctx,
    device_authorization::{StoredDecision, find_client},
    error::Error,
    limits::rates,
};

/// The request of a device.
pub struct DeviceCodeRequest<'a> {
    pub client: &'a ClientProof,
    pub device_code: &'a str,
    pub proof: &'a PresentedProof,
    pub device_info: Option<&'a str>,
    /// The browser's name, for clients that do not describe their device.
    pub browser: Option<String>,
}

/// Gives a device its tokens, once its user has allowed it.
///
/// # Errors
/// [`Error::DeviceCodePending`] until then.
pub async fn poll(ctx: &Ctx<'_>, request: DeviceCodeRequest<'_>) -> Result<Tokens, Error> {
    let hash = sha256(request.device_code.as_bytes());
    let device = request.device_info.map(DeviceInfo::parse).transpose()?;
    let device = device.map(|device| device.display_name().to_string()).or(request.browser);
    rates::charge_device_poll(ctx, &request.client.client_id, hash)?;
    let mut conn = ctx.app.store.read().await?;
    let client = authenticate_client(&mut conn, ctx.project, request.client).await?;
    let row = device_codes::find(&mut conn, ctx.project.no, hash).await?;
    drop(conn);
    let exchanger = Exchanger { client_id: &client.client_id, redirect_uri: None, code_verifier: None };
    let Some(row) = row else {
        // When it was exchanged before, that ends its grant.
        used_code::refuse(ctx, hash, &exchanger).await?;
        return Err(Error::InvalidDeviceCode);
    };
    if row.client_id != client.client_id || find_client(ctx.project, &row).is_none() {
        return Err(Error::InvalidDeviceCode);
    }
    if ctx.now > row.expires_at {
        return Err(Error::DeviceCodeExpired);
    }
    let payload = match row.decision.as_deref().map(StoredDecision::parse) {
        None => return Err(Error::DeviceCodePending),
        Some(Some(StoredDecision::Approved(payload))) => payload,
        Some(Some(StoredDecision::Denied) | None) => return Err(Error::DeviceRefused),
    };
    let order = TokenOrder {
        payload: &payload,
        expires_at: row.expires_at,
        voucher: NewVoucher::DeviceCode(hash, &exchanger),
        proof: request.proof,
        device,
    };
    match code::issue(ctx, client, order).await {
        // The user has signed out, joined, or taken the consent back since.
        Err(Error::InvalidCode) => Err(Error::DeviceRefused),
        issued => issued,
    }
}
