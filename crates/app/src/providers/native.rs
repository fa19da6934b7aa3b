//! The ID token that a provider gave to a native application, which has no code and no client secret to show: what ties it to the
//! application's request is a nonce of this server, and what limits it are the audience and its age.

use std::time::Duration;

use vestibule_domain::project::Provider;

use super::{
    ProviderError, ProviderUser,
    exchange::{Call, Wanted, read_account_id, verify_id_token},
};
use crate::{
    crypto::{hex, sha256},
    ctx::Ctx,
};

/// An ID token that an application presents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeToken<'a> {
    pub id_token: &'a str,
    /// The nonce that was issued for it. The ID token has it, or, better, its hash: then who reads the ID token cannot present it.
    pub nonce: &'a str,
}

/// The age of an ID token, at most. Some providers say that theirs are valid for a day.
const OLDEST: Duration = Duration::from_secs(600);

/// Verifies an ID token. UserInfo is not asked: only the application has an access token, and the nonce ties it to nothing.
///
/// # Errors
/// [`ProviderError`].
pub(crate) async fn verify(
    ctx: &Ctx<'_>,
    provider: &Provider,
    presented: NativeToken<'_>,
) -> Result<ProviderUser, ProviderError> {
    let providers = &ctx.app.providers;
    let known = providers.find(provider);
    let metadata = known.metadata(&providers.http, &ctx.app.metrics, ctx.now).await?;
    let call = Call { ctx, provider, known: &known, metadata: &metadata };
    let hashed = hex(&sha256(presented.nonce.as_bytes()).0);
    let (clients, nonces) = (provider.native_audiences(), [hashed.as_str(), presented.nonce]);
    let wanted = Wanted { clients: &clients, nonces: Some(&nonces), since: Some(ctx.now.minus(OLDEST)) };
    let (subject, claims) = verify_id_token(&call, presented.id_token, &wanted).await?;
    Ok(ProviderUser::read(provider, read_account_id(provider.kind, subject, &claims)?, &claims))
}
