//! The token endpoint's grants, one a file, and what they share.

pub(crate) mod anonymous;
pub(crate) mod code;
pub(crate) mod id_token;
pub(crate) mod refresh;
pub(crate) mod settings_action;
mod used_code;

use vestibule_domain::{
    client::Client,
    grant::Grant,
    identity::Account,
    secret::{Secret, TokenHash},
    time::Timestamp,
    user::User,
};
use vestibule_protocol::oauth::ScopeSet;
use vestibule_store::{Conn, client_secrets};

use super::{
    Error,
    account::Loaded,
    issue::{self, AccessToken, TokenSession, scopes_of},
};
use crate::{app::App, crypto::sha256, projects::Project};

/// How a client proved who it is, as far as it did.
pub(crate) struct ClientProof {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret<String>>,
}

/// The tokens of an answer; absent members are left out.
pub(crate) struct Tokens {
    pub(crate) access: AccessToken,
    pub(crate) refresh_token: Option<String>,
    pub(crate) id_token: Option<String>,
    /// What was granted, where that is less than what was asked for.
    pub(crate) limited_scope: Option<ScopeSet>,
}

/// Finds the application and, when its type needs one, checks its secret.
pub(crate) async fn authenticate_client<'a>(
    conn: &mut Conn,
    project: &'a Project,
    proof: &ClientProof,
) -> Result<&'a Client, Error> {
    let client = project.settings.client(&proof.client_id).ok_or(Error::UnknownClient)?;
    if client.application_type().is_confidential() {
        let secret = proof.client_secret.as_ref().ok_or(Error::ClientSecretMissing)?;
        let presented = sha256(secret.expose().as_bytes());
        let stored = client_secrets::list(conn, project.no, &client.client_id).await?;
        // Every stored secret is compared, so that the time taken does not tell which one matched.
        let matches = stored.iter().filter(|(hash, _): &&(TokenHash, Timestamp)| hash.matches(&presented)).count();
        if matches == 0 {
            return Err(Error::ClientSecretWrong);
        }
    }
    Ok(client)
}

/// Issues access token and, for `openid`, ID token for a grant.
pub(crate) async fn make_tokens(
    app: &App,
    project: &Project,
    client: &Client,
    grant: &Grant,
    user: &User,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<Tokens, Error> {
    let loaded = Loaded::load(&mut *app.store.read().await?, project, user.clone()).await?;
    Ok(print_tokens(app, project, client, grant, &loaded.account(), nonce, now))
}

/// The same for an account that is known already.
pub(crate) fn print_tokens(
    app: &App,
    project: &Project,
    client: &Client,
    grant: &Grant,
    account: &Account<'_>,
    nonce: Option<&str>,
    now: Timestamp,
) -> Tokens {
    let access = issue::make_access_token(app, project, client, grant, account, now);
    let scopes = scopes_of(grant);
    let id_token = scopes
        .contains("openid")
        .then(|| issue::make_id_token(project, client, TokenSession::Grant(grant), account, &scopes, nonce, now));
    Tokens { access, refresh_token: None, id_token, limited_scope: None }
}
