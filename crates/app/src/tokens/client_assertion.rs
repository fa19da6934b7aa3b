//! Client authentication by a signed assertion, `private_key_jwt` (OIDC Core §9, RFC 7523): instead of a secret.

use std::time::Duration;

use vestibule_domain::{client::Client, time::Timestamp};
use vestibule_protocol::jose::{CLIENT_SKEW_SECONDS, ClientAssertion, KeySet};
use vestibule_store::spent;

use crate::{
    client_keys::Freshness,
    crypto::{sha256, verify::verifies_jws},
    ctx::Ctx,
    error::Error,
    projects::Project,
};

/// The paths whose URLs an assertion may name as its audience, besides the issuer: clients name the token endpoint at the others, too.
const TOKEN_ENDPOINT: &str = "/oauth2/token";

/// The application that signed an assertion; only [`verify`] makes one.
pub struct KeyProof {
    client_id: String,
}

impl KeyProof {
    pub(super) fn is_of(&self, client: &Client) -> bool {
        self.client_id == client.client_id
    }
}

/// Verifies an assertion that was sent to the endpoint at `path`, and uses it up.
///
/// # Errors
/// [`Error::UnknownClient`], [`Error::ClientAssertionRefused`], [`Error::ClientKeysUnavailable`], or a store error.
pub async fn verify(ctx: &Ctx<'_>, client_id: &str, assertion: &str, path: &str) -> Result<KeyProof, Error> {
    let client = ctx.project.settings.client(client_id).ok_or(Error::UnknownClient)?;
    let read = ClientAssertion::parse(assertion, ctx.now.as_seconds()).map_err(|why| refused(&why.to_string()))?;
    if read.client_id != client.client_id {
        return Err(refused("it is of another client"));
    }
    if !read.audiences.iter().all(|audience| is_ours(ctx.project, audience, path)) {
        return Err(refused("its audience must be the issuer or the token endpoint, and nothing else"));
    }
    if !is_signed_by(ctx, client, &read).await? {
        return Err(refused("no key of the client made its signature"));
    }
    if use_up(ctx, client, &read).await? {
        Ok(KeyProof { client_id: client.client_id.clone() })
    } else {
        Err(refused("it was used before"))
    }
}

fn refused(why: &str) -> Error {
    Error::ClientAssertionRefused(format!("the client assertion is refused: {why}"))
}

fn is_ours(project: &Project, audience: &str, path: &str) -> bool {
    audience
        .strip_prefix(project.origin.as_str())
        .is_some_and(|rest| rest.is_empty() || rest == path || rest == TOKEN_ENDPOINT)
}

async fn is_signed_by(ctx: &Ctx<'_>, client: &Client, read: &ClientAssertion) -> Result<bool, Error> {
    let fits = |set: &KeySet| set.candidates(read.jws.header()).any(|key| verifies_jws(key, &read.jws));
    match (client.jwks(), client.jwks_uri()) {
        (Some(jwks), _) => Ok(KeySet::parse(jwks.as_bytes()).is_ok_and(|set| fits(&set))),
        (None, Some(url)) => {
            let keys = &ctx.app.client_keys;
            Ok(fits(&*keys.get(ctx, url, Freshness::Known).await?)
                || fits(&*keys.get(ctx, url, Freshness::Newer).await?))
        }
        (None, None) => Err(refused("the client has no keys")),
    }
}

/// Records the use until the assertion has expired; `false` when it was used before.
async fn use_up(ctx: &Ctx<'_>, client: &Client, read: &ClientAssertion) -> Result<bool, Error> {
    // A client ID has no NUL, so it is a safe separator.
    let name = ["client_assertion", &client.client_id, &read.jti].join("\0");
    let hash = sha256(name.as_bytes());
    let skew = Duration::from_secs(CLIENT_SKEW_SECONDS.unsigned_abs());
    let forget_at = Timestamp::from_seconds(read.expires_at).plus(skew);
    let no = ctx.project.no;
    let write = ctx.app.store.write("use_client_assertion", hash, move |tx, hash| {
        Box::pin(async move { spent::spend(tx, no, &hash.0[..16], None, forget_at).await })
    });
    Ok(write.await?)
}
