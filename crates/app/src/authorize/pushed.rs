//! Pushed authorization requests (RFC 9126). The `request_uri` carries the request, sealed for its application, so that nothing is stored;
//! it can be opened again, by a reload, until it expires.

use std::time::Duration;

use vestibule_domain::{client::Client, time::Timestamp};
use vestibule_protocol::{
    form::Form,
    oauth::{AuthorizeRequest, ErrorCode, OAuthError},
};

use super::{begin::check_details, find_target};
use crate::{
    crypto::read_base64url,
    ctx::Ctx,
    error::Error,
    limits::rates,
    tokens::{ClientProof, authenticate_client},
};

/// What every `request_uri` of this server begins with (RFC 9126 §2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// How long a browser has to bring it.
const LIFETIME: Duration = Duration::from_secs(90);
/// Maximum bytes of a pushed request: it becomes part of an address.
pub const MOST_BYTES: usize = 8 * 1024;
/// Parameters that authenticate the client, and are no part of the request.
const OF_THE_CLIENT: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// A request that was pushed.
#[derive(Debug)]
pub struct PushedRequest {
    pub request_uri: String,
    pub expires_in: u64,
}

/// Authenticates an application, checks its request, and seals it.
///
/// # Errors
/// The outer error is about the application or a limit; the inner one about the request.
pub async fn push(ctx: &Ctx<'_>, proof: &ClientProof, form: &Form) -> Result<Result<PushedRequest, OAuthError>, Error> {
    rates::charge_pushed_request(ctx)?;
    let client = authenticate_client(&mut *ctx.app.store.read().await?, ctx.project, proof).await?;
    Ok(seal(ctx, client, form))
}

fn seal(ctx: &Ctx<'_>, client: &Client, form: &Form) -> Result<PushedRequest, OAuthError> {
    let own = [("client_id", client.client_id.as_str())];
    let is_kept = |name: &str| name != "client_id" && !OF_THE_CLIENT.contains(&name);
    let pairs: Vec<(&str, &str)> = own.into_iter().chain(form.pairs().filter(|(name, _)| is_kept(name))).collect();
    let expires_at = ctx.now.plus(LIFETIME);
    let plain = serde_json::to_vec(&(expires_at, &pairs)).expect("pairs of text are plain JSON");
    if plain.len() > MOST_BYTES {
        return Err(OAuthError::invalid_request(format!("the request is longer than {MOST_BYTES} bytes")));
    }
    let request = AuthorizeRequest::parse(&Form::from_pairs(pairs))?;
    find_target(ctx.project, &client.client_id, request.redirect_uri.as_deref())?;
    check_details(client, &request.details?)?;
    let sealed = ctx.project.keys.mac.seal_pushed_request(&plain, &ctx.app.entropy);
    Ok(PushedRequest { request_uri: format!("{PREFIX}{sealed}"), expires_in: LIFETIME.as_secs() })
}

/// The request behind the `request_uri` of a form, which replaces all its other parameters; `None` when it has none of this server's.
///
/// # Errors
/// `invalid_request_uri`, which must be shown, not redirected.
pub fn open(ctx: &Ctx<'_>, form: &Form) -> Result<Option<Form>, OAuthError> {
    let Some(sealed) = form.get("request_uri")?.and_then(|uri| uri.strip_prefix(PREFIX)) else { return Ok(None) };
    let client_id = form.get("client_id")?.unwrap_or_default();
    let invalid =
        || OAuthError::new(ErrorCode::InvalidRequestUri, "the request_uri has expired, or is not of this client");
    let sealed = read_base64url(sealed).ok_or_else(invalid)?;
    let plain = ctx.project.keys.mac.open_pushed_request(&sealed).ok_or_else(invalid)?;
    let (expires_at, pairs): (Timestamp, Vec<(String, String)>) =
        serde_json::from_slice(&plain).map_err(|_| invalid())?;
    if !pairs.iter().any(|(name, value)| name == "client_id" && value == client_id) {
        return Err(invalid());
    }
    // Nor for an earlier application with this ID.
    if ctx.now > expires_at || ctx.project.is_from_before(client_id, expires_at.minus(LIFETIME)) {
        return Err(invalid());
    }
    Ok(Some(Form::from_pairs(pairs)))
}
