//! Providers of external accounts. This module owns what is known of each (`known`: metadata and keys, and whether it answers),
//! the exchange of a code (`exchange`), the ID token (`id_token`), also one that an application presents (`native`), or the provider's own API
//! (`user_api`), what is believed of it (`profile`), what is particular to one (`apple`, `microsoft`), the client secrets (`secrets`), and
//! whether a provider is set up (`check`) and works (`trial`).

pub(crate) mod apple;
pub mod check;
mod exchange;
mod id_token;
mod known;
mod microsoft;
mod native;
mod profile;
pub mod secrets;
pub mod trial;
mod user_api;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use url::Url;
use vestibule_domain::{
    project::{FreshProof, Provider, ProviderType},
    time::Timestamp,
};

pub(crate) use self::{
    exchange::{Answer, Exchange, exchange},
    native::{NativeToken, VerifiedToken, verify as verify_native},
    profile::{DatedProof, ProviderUser},
};
use self::{
    known::{KnownProvider, Metadata, Source},
    microsoft::Tenants,
};
use crate::{
    adapters::provider_http::ProviderHttp,
    config::ProvidersConfig,
    crypto::{base64url, sha256},
    ctx::Ctx,
    metrics::Metrics,
    projects::Project,
};

/// Issuers of which something is kept in memory, at most.
const ISSUERS: usize = 1_000;

/// Why a provider gave no user; the page says no more than this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProviderError {
    /// It does not answer, or not as a provider does. A later attempt may succeed.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// It refused the code or the client.
    #[error("refused: {0}")]
    Refused(String),
    /// What it answered proves nothing.
    #[error("not accepted: {0}")]
    Unproven(&'static str),
    /// Its client secret is not set, or cannot be read.
    #[error("the client secret of the provider is not set")]
    NotSetUp,
}

/// The providers that this process knows.
pub struct Providers {
    http: ProviderHttp,
    config: ProvidersConfig,
    /// By type too: what one type reads at an issuer is not for another.
    known: Mutex<HashMap<(ProviderType, String), Arc<KnownProvider>>>,
}

/// What one authorization request sends to a provider, besides the provider's own parameters.
pub(crate) struct AuthorizationRequest<'a> {
    pub state: &'a str,
    pub nonce: &'a str,
    pub verifier: &'a str,
    /// How long ago its user may have signed in at the provider, in seconds; with 0, a user who is signed in there proves itself anew.
    pub max_age: Option<u64>,
}

impl Providers {
    /// Sets up outgoing HTTP.
    ///
    /// # Errors
    /// A sentence when TLS cannot be set up.
    pub fn new(config: &ProvidersConfig) -> Result<Self, String> {
        let http = ProviderHttp::new(&config.private_hosts, Duration::from_secs(config.timeout_seconds))?;
        Ok(Self { http, config: config.clone(), known: Mutex::default() })
    }

    /// The issuer of a provider, and where its metadata comes from.
    fn place(&self, provider: &Provider) -> (String, Source) {
        let config = &self.config;
        let discovered = |issuer: &str| (issuer.to_string(), Source::Discovery);
        let fixed = |metadata: Metadata| (metadata.issuer.clone(), Source::Fixed(metadata));
        match provider.kind {
            ProviderType::Google => discovered(&config.google_issuer),
            ProviderType::LinkedIn => discovered(&config.linkedin_issuer),
            ProviderType::Oidc => discovered(provider.issuer.as_deref().unwrap_or_default()),
            ProviderType::Microsoft => {
                let tenant = provider.tenant.as_deref().unwrap_or_default();
                let tenants = Tenants::new(&config.microsoft_authority, tenant);
                (tenants.base(), Source::Tenants(tenants))
            }
            ProviderType::Apple => fixed(apple::metadata(&config.apple_issuer)),
            ProviderType::GitHub => fixed(user_api::github(&config.github_origin, &config.github_api)),
            ProviderType::Facebook => {
                fixed(user_api::facebook(&config.facebook_dialog, &config.facebook_graph, &config.facebook_limited))
            }
        }
    }

    /// A provider of which nothing is known yet.
    fn make(&self, provider: &Provider) -> KnownProvider {
        let (issuer, source) = self.place(provider);
        KnownProvider::new(&issuer, source)
    }

    fn find(&self, provider: &Provider) -> Arc<KnownProvider> {
        let made = self.make(provider);
        let key = (provider.kind, made.issuer.clone());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&key) {
            return Arc::clone(found);
        }
        // Only issuers of settings get here; those of settings that changed are not needed any more.
        if known.len() >= ISSUERS {
            known.clear();
        }
        let made = Arc::new(made);
        known.insert(key, Arc::clone(&made));
        made
    }

    /// The URL at the provider that asks the user to sign in there.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(crate) async fn authorization_url(
        &self,
        project: &Project,
        provider: &Provider,
        request: &AuthorizationRequest<'_>,
        (metrics, now): (&Metrics, Timestamp),
    ) -> Result<String, ProviderError> {
        let metadata = self.find(provider).metadata(&self.http, metrics, now).await?;
        let checked = self.http.check(&metadata.authorization_endpoint);
        let mut url: Url = checked.map_err(|error| ProviderError::Unavailable(error.to_string()))?;
        let challenge = base64url(sha256(request.verifier.as_bytes()).0);
        let kind = provider.kind;
        let mut parameters =
            vec![("response_type", "code"), ("client_id", provider.client_id.as_str()), ("state", request.state)];
        if kind.takes_nonce() {
            parameters.push(("nonce", request.nonce));
        }
        if kind.takes_verifier() {
            parameters.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        }
        if kind.posts_answer() {
            parameters.push(("response_mode", "form_post"));
        }
        let prompts = prompts(kind, request.max_age);
        parameters.extend(prompts.iter().map(|(name, value)| (*name, value.as_str())));
        url.query_pairs_mut()
            .extend_pairs(parameters)
            .append_pair("redirect_uri", &callback_of(project, provider))
            .append_pair("scope", &provider.scope());
        Ok(url.into())
    }
}

/// How long ago a user may have signed in at a provider where that does not matter, in seconds. The request says it all the same,
/// because the provider must say then when it was (OpenID Connect Core §3.1.2.1). Applications may do the same here.
pub(crate) const LONG_AGO: u64 = 365 * 24 * 3_600;

/// The parameters that say what the provider asks of a user who is signed in there.
fn prompts(kind: ProviderType, max_age: Option<u64>) -> Vec<(&'static str, String)> {
    let as_usual = kind.prompt().map(|prompt| ("prompt", prompt.to_string()));
    match (kind.fresh_proof(), max_age) {
        (FreshProof::Timed, Some(0)) => vec![("prompt", "login".to_string()), ("max_age", "0".to_string())],
        (FreshProof::Timed, max_age) => {
            as_usual.into_iter().chain([("max_age", max_age.unwrap_or(LONG_AGO).to_string())]).collect()
        }
        (FreshProof::Asked(name, value), Some(_)) => vec![(name, value.to_string())],
        (FreshProof::Asked(..), None) | (FreshProof::Never, _) => as_usual.into_iter().collect(),
    }
}

/// When the user of an answer must have signed in at the provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    /// At the earliest.
    pub(crate) since: Timestamp,
    /// Whether an answer that does not say when is taken, as a sign-in without a time.
    pub(crate) takes_untimed: bool,
}

/// Checks that the user of an answer signed in at the provider after this time; answers the user, who did not sign in before it.
/// The user of the browser may have taken the parameters that ask for it out of the request, so the answer must say it, unless the
/// operator takes one that does not for a proof.
///
/// # Errors
/// [`ProviderError::Unproven`].
pub(crate) fn check_fresh(
    provider: &Provider,
    user: ProviderUser,
    Freshness { since, takes_untimed }: Freshness,
) -> Result<ProviderUser, ProviderError> {
    match user.authenticated_at {
        // The provider's clock may be behind.
        Some(at) if at.plus(id_token::SKEW) >= since => Ok(user.authenticated(Some(at.max(since)))),
        None if takes_untimed || provider.proves_without_time() => Ok(user),
        Some(_) | None => Err(ProviderError::Unproven("its user did not sign in there again")),
    }
}

/// The redirect URI that is registered at a provider.
#[must_use]
pub fn callback_of(project: &Project, provider: &Provider) -> String {
    format!("{}/sso/oauth2/callback/{}", project.origin, provider.alias)
}

/// Logs why a provider gave no user, without what it said about one.
pub(crate) fn log(ctx: &Ctx<'_>, provider: &Provider, error: &ProviderError) {
    tracing::warn!(
        request.id = ctx.log_id(),
        project.id = ctx.project.id,
        provider.alias = provider.alias,
        error = %error,
        "a sign-in with a provider failed"
    );
}

#[cfg(test)]
mod tests {
    use serde_json::Map;
    use vestibule_domain::session::{BY_PROVIDER, BY_PROVIDER_UNTIMED};

    use super::*;

    #[test]
    fn a_user_proves_itself_anew_if_its_provider_says_so() {
        use ProviderType::{Facebook, Google, Microsoft, Oidc};
        let since = Timestamp::from_seconds(1_000);
        let judge = |kind, configured, at: Option<i64>, takes_untimed| {
            let provider = Provider { kind, can_reauthenticate: Some(configured), ..Provider::default() };
            let user = ProviderUser::read(&provider, "1".into(), &Map::new());
            let checked = check_fresh(
                &provider,
                user.authenticated(at.map(Timestamp::from_seconds)),
                Freshness { since, takes_untimed },
            );
            checked.map(|user| user.authenticated_at.map(Timestamp::as_seconds)).ok()
        };
        let check = |kind, configured, at| judge(kind, configured, at, false);
        for kind in ProviderType::ALL {
            for configured in [false, true] {
                assert_eq!(check(kind, configured, Some(1_005)), Some(Some(1_005)), "{kind:?}");
                assert_eq!(check(kind, configured, Some(940)), Some(Some(1_000)), "{kind:?}: clocks may differ");
                assert_eq!(check(kind, configured, Some(939)), None, "{kind:?}: what it says counts");
            }
            assert_eq!(check(kind, false, None), None, "{kind:?}: a session there is no proof");
            assert_eq!(check(kind, true, None), Some(None), "{kind:?}: the operator's word");
            assert_eq!(judge(kind, false, None, true), Some(None), "{kind:?}: a sign-in without a time");
            assert_eq!(judge(kind, false, Some(939), true), None, "{kind:?}: what it says counts");
        }
        let read = |kind, max_age| {
            let prompts = prompts(kind, max_age);
            prompts.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(read(Oidc, Some(0)), "prompt=login max_age=0");
        assert_eq!(read(Oidc, Some(600)), "max_age=600");
        assert_eq!(read(Oidc, None), "max_age=31536000");
        assert_eq!(read(Microsoft, Some(600)), "prompt=login");
        assert_eq!(read(Microsoft, None), "prompt=select_account");
        assert_eq!(read(Facebook, Some(0)), "auth_type=reauthenticate");
        assert_eq!(read(Google, Some(0)), read(Google, None));
    }

    #[test]
    fn a_proof_is_as_old_as_its_provider_says() {
        let at = Timestamp::from_seconds;
        let date = |configured, told: Option<i64>| {
            let provider = Provider { can_reauthenticate: Some(configured), ..Provider::default() };
            let user = ProviderUser::read(&provider, "1".into(), &Map::new()).authenticated(told.map(at));
            let DatedProof { at, amr } = user.dated(&provider, Timestamp::from_seconds(1_000));
            (at.as_seconds(), amr)
        };
        assert_eq!(date(false, Some(400)), (400, BY_PROVIDER));
        assert_eq!(date(true, Some(400)), (400, BY_PROVIDER), "what it says counts");
        assert_eq!(date(false, Some(1_050)), (1_000, BY_PROVIDER), "never in the future");
        assert_eq!(date(false, None), (1_000, BY_PROVIDER_UNTIMED));
        assert_eq!(date(true, None), (1_000, BY_PROVIDER));
    }
}
