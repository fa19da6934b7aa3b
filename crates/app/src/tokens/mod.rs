//! The grants of the token endpoint, one per file, and what they share.

pub mod anonymous;
pub mod app_session;
pub(crate) mod beside;
pub mod client_assertion;
pub mod client_credentials;
pub mod code;
pub mod device_code;
pub mod dpop;
pub mod id_token;
pub mod introspect;
pub mod issue;
pub mod provider_token;
pub mod refresh;
pub mod revoke;
pub mod settings_action;
pub(crate) mod used_code;
pub mod user_info;

use vestibule_domain::{
    client::Client,
    grant::Grant,
    identity::UserAccount,
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use vestibule_protocol::oauth::ScopeSet;
use vestibule_store::{Conn, client_secrets};

use crate::{
    crypto::sha256,
    ctx::Ctx,
    error::Error,
    projects::Project,
    tokens::client_assertion::KeyProof,
    tokens::issue::{Authentication, IssuedAccessToken, scopes_of},
};

/// The client authentication of a request.
pub struct ClientProof {
    pub client_id: String,
    pub client_secret: Option<Secret<String>>,
    /// Set once the application has proved that it has a key, instead of a secret.
    pub key: Option<KeyProof>,
}

/// The tokens of a response; absent members are left out.
pub struct Tokens {
    pub access: IssuedAccessToken,
    pub refresh_token: Option<String>,
    pub id_token: Option<String>,
    /// The granted scope, where it is less than requested, or the request names it.
    pub limited_scope: Option<ScopeSet>,
}

/// Finds the application and, if its type requires one, checks its secret, unless it has proved a key.
pub(crate) async fn authenticate_client<'a>(
    conn: &mut Conn,
    project: &'a Project,
    proof: &ClientProof,
) -> Result<&'a Client, Error> {
    let client = project.settings.client(&proof.client_id).ok_or(Error::UnknownClient)?;
    let has_proved_key = proof.key.as_ref().is_some_and(|key| key.is_of(client));
    if client.application_type().is_confidential() && !has_proved_key {
        let secret = proof.client_secret.as_ref().ok_or(Error::ClientSecretMissing)?;
        let presented = sha256(secret.expose().as_bytes());
        let stored = client_secrets::list(conn, project.no, &client.client_id).await?;
        // Compare every stored secret, so that the time does not reveal which one matched.
        let matches = stored.iter().filter(|(hash, _): &&(TokenHash, Timestamp)| hash.matches(&presented)).count();
        if matches == 0 {
            return Err(Error::ClientSecretWrong);
        }
    }
    Ok(client)
}

/// Signs the tokens of a grant; with `narrowed`, they have only these scopes of it. They are sent after the write that makes them
/// valid, and only then.
pub(crate) fn print_tokens(
    ctx: &Ctx<'_>,
    client: &Client,
    grant: &Grant,
    account: &UserAccount<'_>,
    nonce: Option<&str>,
    narrowed: Option<&ScopeSet>,
) -> Tokens {
    let access = issue::make_access_token(ctx, client, grant, account, narrowed);
    let scopes = narrowed.cloned().unwrap_or_else(|| scopes_of(grant));
    let id_token = scopes
        .contains("openid")
        .then(|| issue::make_id_token(ctx, client, Authentication::of_grant(grant), account, &scopes, nonce));
    Tokens { access, refresh_token: None, id_token, limited_scope: None }
}
