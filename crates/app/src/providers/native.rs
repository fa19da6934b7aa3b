//! The ID token that a provider gave to a native application, which has no code and no client secret to show: what ties it to the
//! application's request is a nonce of this server, and what limits it are the audience and its age.

use std::time::Duration;

use vestibule_domain::{project::Provider, time::Timestamp};
use vestibule_protocol::Credential;

use super::{
    ProviderError, ProviderUser,
    exchange::{Call, Wanted, read_account_id, verify_id_token},
    id_token,
};
use crate::{
    crypto::{fingerprint, hex, sha256},
    ctx::Ctx,
    single_use::SingleUse,
};

/// An ID token that an application presents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NativeToken<'a> {
    pub id_token: &'a Credential,
    /// The nonce that was issued for it. The ID token has it, or, better, its hash: then who reads the ID token cannot present it.
    /// `None` where its library does not pass one on; then it has none.
    pub nonce: Option<&'a Credential>,
}

/// What an ID token proves.
pub(crate) struct VerifiedToken {
    pub(crate) user: ProviderUser,
    pub(crate) issued_at: Timestamp,
    /// What makes it good once where no nonce does. Its signature is not part of it, because some have several spellings.
    pub(crate) single_use: SingleUse,
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
) -> Result<VerifiedToken, ProviderError> {
    let providers = &ctx.app.providers;
    let known = providers.find(provider);
    let metadata = known.metadata(&providers.http, &ctx.app.metrics, ctx.now).await?;
    let call = Call { ctx, provider, known: &known, metadata: &metadata };
    let nonces = presented.nonce.map(|nonce| [hex(&sha256(nonce.as_bytes()).0), nonce.as_str().to_string()]);
    let nonces = nonces.as_ref().map(|both| both.each_ref().map(String::as_str));
    let clients = provider.native_audiences();
    let nonces = nonces.as_ref().map(<[&str; 2]>::as_slice);
    let wanted = Wanted { clients: &clients, nonces, since: Some(ctx.now.minus(OLDEST)) };
    let (subject, claims) = verify_id_token(&call, presented.id_token, &wanted).await?;
    // Asked for with a nonce, it is for a request that knows the nonce.
    if presented.nonce.is_none() && claims.get("nonce").is_some_and(|nonce| !nonce.is_null()) {
        return Err(ProviderError::Unproven("the ID token has a nonce, and the request has none"));
    }
    let (authenticated_at, issued_at) = (id_token::read_auth_time(&claims), id_token::read_issued_at(&claims));
    let subject = read_account_id(provider.kind, subject, &claims)?;
    let user = ProviderUser::read(provider, subject, &claims).authenticated(authenticated_at);
    Ok(VerifiedToken { user, issued_at, single_use: single_use(presented.id_token, ctx.now) })
}

/// The record that an ID token was presented. It is needed as long as the ID token is young enough.
fn single_use(id_token: &Credential, now: Timestamp) -> SingleUse {
    let signed = id_token.rsplit_once('.').map_or(id_token.as_str(), |(signed, _)| signed);
    SingleUse {
        fingerprint: fingerprint("id_token", signed.as_bytes()),
        expires_at: now.plus(OLDEST + 2 * id_token::SKEW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_token_is_good_once_whatever_its_signature_looks_like() {
        let print = |text: &str| single_use(&Credential::new(text), Timestamp::from_seconds(0)).fingerprint;
        assert_eq!(print("a.b.c"), print("a.b.d"));
        assert_ne!(print("a.b.c"), print("a.c.c"));
        let shown = format!("{:?}", NativeToken { id_token: &"a.b.c".into(), nonce: Some(&"n-once".into()) });
        assert!(!shown.contains("a.b.c") && !shown.contains("n-once"), "{shown}");
    }
}
