//! Checks a provider of the settings without signing anyone in: its metadata, its keys, and the client secret.

use vestibule_domain::project::ProviderProof;

use super::{
    ProviderError,
    exchange::{Call, redeem},
    secrets,
};
use crate::{
    adapters::lookup::calling,
    admin::{AdminError, Thing},
    ctx::Ctx,
    error::Error,
};

/// A code that no provider has issued: one that knows the client refuses the code, and another one the client.
const MADE_UP_CODE: &str = "vestibule-provider-check";

/// How a part of a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// Users cannot sign in until an operator does something about it.
    Bad,
    /// The provider did not answer in a way that tells.
    Unclear,
}

/// What a check found, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    pub text: String,
}

impl Finding {
    fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into() }
    }
}

/// Checks a provider. It is asked now, whatever is remembered of it.
///
/// # Errors
/// When there is no such provider, or the project makes too many such calls at once.
pub async fn check(ctx: &Ctx<'_>, alias: &str) -> Result<Vec<Finding>, AdminError> {
    let provider = ctx.project.settings.provider(alias).ok_or(AdminError::NotFound(Thing::Provider))?;
    let _place = ctx.app.shares.trials.take(ctx.project.no).map_err(Error::from)?;
    let providers = &ctx.app.providers;
    let known = providers.make(provider);
    let mut found = Vec::new();
    let asked = (&ctx.app.metrics, ctx.now);
    let metadata = match calling(ctx.project.no, known.metadata(&providers.http, asked.0, asked.1)).await {
        Ok(metadata) => metadata,
        Err(error) => {
            found.push(Finding::new(Verdict::Bad, format!("Its metadata can't be used: {error}.")));
            return Ok(found);
        }
    };
    match providers.http.check(&metadata.authorization_endpoint) {
        Ok(_) if !known.has_metadata() => {}
        Ok(_) => {
            found.push(Finding::new(Verdict::Good, "Its metadata was read, and is of the issuer in the settings."));
        }
        Err(error) => found.push(Finding::new(Verdict::Bad, format!("Its sign-in page can't be used: {error}."))),
    }
    match &metadata.jwks_uri {
        // Facebook has ID tokens only for apps.
        Some(_) if provider.kind.proof() == ProviderProof::UserApi && !provider.has_native_sign_in() => {}
        Some(uri) => {
            let keys = known.count_keys((&providers.http, uri), asked);
            found.push(match calling(ctx.project.no, keys).await {
                Ok(0) => Finding::new(Verdict::Bad, "It publishes no key that can verify its ID tokens."),
                Ok(_) => Finding::new(Verdict::Good, "The keys of its ID tokens were read."),
                Err(error) => Finding::new(Verdict::Bad, format!("The keys of its ID tokens can't be read: {error}.")),
            });
        }
        None if known.has_metadata() => {
            found.push(Finding::new(Verdict::Bad, "Its metadata does not say where the keys of its ID tokens are."));
        }
        None => {}
    }
    if !secrets::is_set(ctx, provider).await? {
        found.push(Finding::new(Verdict::Bad, "The client secret is not set."));
        return Ok(found);
    }
    let call = Call { ctx, provider, known: &known, metadata: &metadata };
    let redeemed = async {
        let secret = secrets::find(ctx, provider).await?;
        redeem(&call, &secret, MADE_UP_CODE, MADE_UP_CODE).await
    };
    found.push(match calling(ctx.project.no, redeemed).await {
        Err(error) => read_refusal(&error),
        Ok(_) => Finding::new(Verdict::Bad, "It accepts a code that it has never issued. Do not use it."),
    });
    Ok(found)
}

/// What the refusal of a made-up code says about the client (RFC 6749 §5.2).
fn read_refusal(error: &ProviderError) -> Finding {
    // The last two of each are GitHub's and Facebook's.
    let is_code = ["invalid_grant", "bad_verification_code", "OAuthException 100"];
    let is_client = ["invalid_client", "unauthorized_client", "incorrect_client_credentials", "OAuthException 101"];
    match error {
        ProviderError::Refused(code) if is_code.contains(&code.as_str()) => {
            Finding::new(Verdict::Good, "It accepts the client ID and the client secret.")
        }
        ProviderError::Refused(code) if is_client.contains(&code.as_str()) => Finding::new(
            Verdict::Bad,
            format!("It does not accept the client ID with the client secret: it answers {code}."),
        ),
        ProviderError::Refused(code) => Finding::new(
            Verdict::Unclear,
            format!(
                "It answers {code} to a code that it has not issued, which does not tell whether it accepts the client."
            ),
        ),
        ProviderError::Unavailable(_) | ProviderError::Unproven(_) | ProviderError::NotSetUp => {
            Finding::new(Verdict::Bad, format!("Its token endpoint can't be used: {error}."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_refusal_of_the_code_says_that_the_client_is_known() {
        let verdict = |code: &str| read_refusal(&ProviderError::Refused(code.into())).verdict;
        assert_eq!(verdict("invalid_grant"), Verdict::Good);
        assert_eq!(verdict("invalid_client"), Verdict::Bad);
        assert_eq!(verdict("unauthorized_client"), Verdict::Bad);
        assert_eq!((verdict("bad_verification_code"), verdict("OAuthException 100")), (Verdict::Good, Verdict::Good));
        assert_eq!(
            (verdict("incorrect_client_credentials"), verdict("OAuthException 101")),
            (Verdict::Bad, Verdict::Bad)
        );
        assert_eq!(verdict("redirect_uri_mismatch"), Verdict::Unclear);
        assert_eq!(read_refusal(&ProviderError::Unavailable("it answered 500".into())).verdict, Verdict::Bad);
    }
}
