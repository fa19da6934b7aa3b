//! Redeemed authorization codes: reuse of a code ends the grant it created (RFC 6749 §4.1.2, RFC 9700 §4.5).

use std::time::Duration;

use vestibule_domain::{
    event::RevocationReason,
    id::{GrantId, ProjectNo},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, grants, spent};

use crate::{
    crypto::{base64url, sha256},
    ctx::Ctx,
    error::Error,
    sessions,
};

/// How long an exchange is recorded.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// How long after its exchange the same client may repeat it by mistake, such as a single-page app whose effect ran
/// twice.
const REPEAT_WINDOW: Duration = Duration::from_secs(10);

/// Identifies an exchange: the client, its redirect URI, and the challenge of its verifier.
pub(crate) struct Exchanger<'a> {
    pub client_id: &'a str,
    pub redirect_uri: Option<&'a str>,
    pub code_verifier: Option<&'a str>,
}

impl Exchanger<'_> {
    /// A one-way digest of the parts.
    fn digest(&self) -> [u8; 16] {
        let challenge = self.code_verifier.map(|verifier| base64url(sha256(verifier.as_bytes()).0));
        // No accepted part contains a NUL, so it is a safe separator.
        let parts = [self.client_id, self.redirect_uri.unwrap_or_default(), challenge.as_deref().unwrap_or_default()];
        shorten(sha256(parts.join("\0").as_bytes()))
    }
}

/// The record of an exchange.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UsedCode {
    grant: GrantId,
    at: Timestamp,
    exchanger: [u8; 16],
}

impl UsedCode {
    pub(crate) fn new(grant: GrantId, exchanger: &Exchanger<'_>, at: Timestamp) -> Self {
        Self { grant, at, exchanger: exchanger.digest() }
    }

    fn print(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..16].copy_from_slice(self.grant.as_bytes());
        bytes[16..24].copy_from_slice(&self.at.as_micros().to_be_bytes());
        bytes[24..].copy_from_slice(&self.exchanger);
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (grant, rest) = bytes.split_first_chunk::<16>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        Some(Self {
            grant: GrantId::from_bytes(*grant),
            at: Timestamp::from_micros(i64::from_be_bytes(*at)),
            exchanger: rest.try_into().ok()?,
        })
    }

    fn is_repeat(&self, again: &Exchanger<'_>, now: Timestamp) -> bool {
        self.exchanger == again.digest() && now.since(self.at) <= REPEAT_WINDOW
    }
}

/// Records an exchange, in its transaction.
pub(crate) async fn remember(tx: &mut Tx, no: ProjectNo, code: TokenHash, used: &UsedCode) -> Result<(), StoreError> {
    spent::spend(tx, no, &name(code), Some(&used.print()), used.at.plus(REMEMBERED)).await.map(|_| ())
}

/// Handles an unknown code: if it was exchanged before, ends its grant, unless the same client repeats itself.
///
/// # Errors
/// [`Error::InvalidCode`] in any case, or a store error.
pub(crate) async fn refuse(ctx: &Ctx<'_>, code: TokenHash, again: &Exchanger<'_>) -> Result<Error, Error> {
    let mut conn = ctx.app.store.read().await?;
    let found = spent::find(&mut conn, ctx.project.no, &name(code)).await?.flatten();
    let Some(used) = found.and_then(|holder| UsedCode::parse(&holder)).filter(|used| !used.is_repeat(again, ctx.now))
    else {
        return Ok(Error::InvalidCode);
    };
    let grant = grants::find(&mut conn, ctx.project.no, used.grant).await?;
    drop(conn);
    if let Some(grant) = grant {
        tracing::warn!(
            request.id = ctx.log_id(),
            project.id = ctx.project.id,
            client.id = grant.client_id,
            grant.id = %grant.id,
            "an authorization code was used again: the grant is revoked"
        );
        sessions::end_misused(ctx, &grant, RevocationReason::CodeReuse).await?;
    }
    Ok(Error::InvalidCode)
}

/// The key of the record.
fn name(code: TokenHash) -> [u8; 16] {
    shorten(sha256(&[b"code:".as_slice(), &code.0].concat()))
}

fn shorten(hash: TokenHash) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&hash.0[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn exchanger<'a>(client_id: &'a str, redirect_uri: &'a str, code_verifier: Option<&'a str>) -> Exchanger<'a> {
        Exchanger { client_id, redirect_uri: Some(redirect_uri), code_verifier }
    }

    #[test]
    fn an_exchange_is_read_back() {
        let used = UsedCode::new(GrantId::from_bytes([7; 16]), &exchanger("web", "https://a.example/", Some("v")), AT);
        assert_eq!(UsedCode::parse(&used.print()), Some(used));
        for bytes in [[0; 40].as_slice(), &[], &[1; 16], &[1; 39], &[1; 41]] {
            assert_eq!(UsedCode::parse(bytes).is_some(), bytes.len() == 40);
        }
    }

    #[test]
    fn only_the_same_client_uri_and_verifier_within_ten_seconds_is_a_mistake() {
        let first = exchanger("web", "https://a.example/", Some("v"));
        let used = UsedCode::new(GrantId::from_bytes([7; 16]), &first, AT);
        assert!(used.is_repeat(&first, AT));
        assert!(used.is_repeat(&first, AT.plus(REPEAT_WINDOW)));
        assert!(!used.is_repeat(&first, AT.plus(REPEAT_WINDOW + Duration::from_micros(1))));
        for other in [
            exchanger("blog", "https://a.example/", Some("v")),
            exchanger("web", "https://b.example/", Some("v")),
            exchanger("web", "https://a.example/", Some("w")),
            exchanger("web", "https://a.example/", None),
            Exchanger { redirect_uri: None, ..first },
        ] {
            assert!(!used.is_repeat(&other, AT));
        }
    }
}
