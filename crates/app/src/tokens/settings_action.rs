//! The completion of a settings action: its code proves to the app that the action was done. It yields no tokens.

use serde::{Deserialize, Serialize};
use vestibule_domain::{client::Client, time::Timestamp};
use vestibule_protocol::{Credential, oauth::CodeExchange};
use vestibule_store::codes;

use super::{ClientProof, authenticate_client, code::check_pkce};
use crate::{
    authorize::{CODE_LIFETIME, NewCode, PendingRequest},
    crypto::sha256,
    ctx::Ctx,
    error::Error,
    state::App,
};

/// The payload of the code. It names no user, because the account may have been deleted. Its format differs from the
/// payload of an authorization code, so neither is accepted at the other grant.
#[derive(Serialize, Deserialize)]
struct ActionCode {
    settings_action_of: String,
    redirect_uri: String,
    code_challenge: Option<String>,
}

/// Creates the code for a completed action; the caller's transaction stores it.
pub fn make_code(app: &App, request: &PendingRequest, now: Timestamp) -> NewCode {
    let text = app.entropy.alphanumeric();
    let payload = ActionCode {
        settings_action_of: request.client_id.clone(),
        redirect_uri: request.redirect_uri.clone(),
        code_challenge: request.code_challenge.clone(),
    };
    NewCode {
        hash: sha256(text.as_bytes()),
        text,
        payload: serde_json::to_string(&payload).expect("a code's payload is plain JSON"),
        expires_at: now.plus(CODE_LIFETIME),
    }
}

/// Redeems the code; exactly one of several concurrent callers succeeds.
pub async fn finish(ctx: &Ctx<'_>, proof: &ClientProof, exchange: &CodeExchange) -> Result<(), Error> {
    let hash = sha256(exchange.code.as_str().as_bytes());
    let mut conn = ctx.app.store.read().await?;
    let client = authenticate_client(&mut conn, ctx.project, proof).await?;
    let (payload, expires_at) = codes::find(&mut conn, ctx.project.no, hash).await?.ok_or(Error::InvalidCode)?;
    drop(conn);
    let payload: ActionCode = serde_json::from_str(&payload).map_err(|_| Error::InvalidCode)?;
    let is_of_another = ctx.project.is_from_before(&client.client_id, expires_at.minus(CODE_LIFETIME));
    if payload.settings_action_of != client.client_id || is_of_another || ctx.now > expires_at {
        return Err(Error::InvalidCode);
    }
    let names_it = |sent: &str| Client::is_redirect_uri_of_code(&payload.redirect_uri, sent);
    if !exchange.redirect_uri.as_deref().is_some_and(names_it) {
        return Err(Error::RedirectUriMismatch);
    }
    check_pkce(payload.code_challenge.as_deref(), exchange.code_verifier.as_ref().map(Credential::as_str))?;
    let no = ctx.project.no;
    let taken = ctx
        .app
        .store
        .write("finish_settings_action", hash, move |tx, hash| {
            Box::pin(async move { codes::take(tx, no, *hash).await.map(|code| code.is_some()) })
        })
        .await?;
    if taken { Ok(()) } else { Err(Error::InvalidCode) }
}
