//! The grants of the token endpoint, one per file, and what they share.

pub(crate) mod anonymous;
pub(crate) mod code;
pub(crate) mod id_token;
pub(crate) mod refresh;
pub(crate) mod settings_action;
mod used_code;

use vestibule_domain::{
    client::Client,
    grant::Grant,
    identity::UserAccount,
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use vestibule_protocol::oauth::ScopeSet;
use vestibule_store::{Conn, client_secrets};

use super::{
    Error,
    issue::{self, Authentication, IssuedAccessToken, scopes_of},
};
use crate::{crypto::sha256, flows::ctx::Ctx, projects::Project};

/// The client authentication of a request.
pub(crate) struct ClientProof {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret<String>>,
}

/// The tokens of a response; absent members are left out.
pub(crate) struct Tokens {
    pub(crate) access: IssuedAccessToken,
    pub(crate) refresh_token: Option<String>,
    pub(crate) id_token: Option<String>,
    /// The granted scope, where it is less than requested.
    pub(crate) limited_scope: Option<ScopeSet>,
}

/// Finds the application and, if its type requires one, checks its secret.
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
        // Compare every stored secret, so that the time does not reveal which one matched.
        let matches = stored.iter().filter(|(hash, _): &&(TokenHash, Timestamp)| hash.matches(&presented)).count();
        if matches == 0 {
            return Err(Error::ClientSecretWrong);
        }
    }
    Ok(client)
}

/// Signs the tokens of a grant, after the write that makes them valid.
pub(crate) fn print_tokens(
    ctx: &Ctx<'_>,
    client: &Client,
    grant: &Grant,
    account: &UserAccount<'_>,
    nonce: Option<&str>,
) -> Tokens {
    let access = issue::make_access_token(ctx, client, grant, account);
    let scopes = scopes_of(grant);
    let id_token = scopes
        .contains("openid")
        .then(|| issue::make_id_token(ctx, client, Authentication::of_grant(grant), account, &scopes, nonce));
    Tokens { access, refresh_token: None, id_token, limited_scope: None }
}
