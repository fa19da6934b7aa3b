//! OpenID providers of external accounts. This module owns what is known of each (`known`: metadata and keys, and whether it
//! answers), the exchange of a code (`exchange`), the ID token (`id_token`), what is believed of it (`profile`), the client
//! secrets (`secrets`), and whether a provider is set up (`check`).

pub mod check;
mod exchange;
mod id_token;
mod known;
mod profile;
pub mod secrets;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use url::Url;
use vestibule_domain::{
    project::{Provider, ProviderType},
    time::Timestamp,
};

use self::known::KnownProvider;
pub(crate) use self::{
    exchange::{Answer, Exchange, exchange},
    profile::ProviderUser,
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
    google_issuer: String,
    known: Mutex<HashMap<String, Arc<KnownProvider>>>,
}

/// What one authorization request sends to a provider, besides the provider's own parameters.
pub(crate) struct AuthorizationRequest<'a> {
    pub state: &'a str,
    pub nonce: &'a str,
    pub verifier: &'a str,
}

impl Providers {
    /// Sets up outgoing HTTP.
    ///
    /// # Errors
    /// A sentence when TLS cannot be set up.
    pub fn new(config: &ProvidersConfig) -> Result<Self, String> {
        let http = ProviderHttp::new(&config.private_hosts, Duration::from_secs(config.timeout_seconds))?;
        Ok(Self { http, google_issuer: config.google_issuer.clone(), known: Mutex::default() })
    }

    /// The issuer of a provider's ID tokens.
    fn issuer_of<'a>(&'a self, provider: &'a Provider) -> &'a str {
        match provider.kind {
            ProviderType::Google => &self.google_issuer,
            ProviderType::Oidc => provider.issuer.as_deref().unwrap_or_default(),
        }
    }

    fn find(&self, provider: &Provider) -> Arc<KnownProvider> {
        let issuer = self.issuer_of(provider);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(issuer) {
            return Arc::clone(found);
        }
        // Only issuers of settings get here; those of settings that changed are not needed any more.
        if known.len() >= ISSUERS {
            known.clear();
        }
        let made = Arc::new(KnownProvider::new(issuer));
        known.insert(issuer.to_string(), Arc::clone(&made));
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
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", &callback_of(project, provider))
            .append_pair("scope", &provider.scope())
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if provider.kind == ProviderType::Google {
            url.query_pairs_mut().append_pair("prompt", "select_account");
        }
        Ok(url.into())
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
