//! The token endpoint's grants, one a file, and what they share.

pub(crate) mod code;
pub(crate) mod refresh;

use serde_json::{Map, Value};
use vestibule_domain::{
    client::Client,
    grant::Grant,
    secret::{Secret, TokenHash},
    time::Timestamp,
    user::User,
};
use vestibule_protocol::oauth::ScopeSet;
use vestibule_store::{client_secrets, db::Conn};

use super::{
    Error,
    issue::{self, AccessToken, IdTokenInput, TokenSession, scopes_of},
    user_info,
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
    let scopes = scopes_of(grant);
    let facts = if user.is_anonymous() {
        // A guest owns nothing that could be verified or authenticated with: no need to look.
        user_info::Facts::of_guest()
    } else {
        user_info::Facts::load(&mut *app.store.read().await?, project, user).await?
    };
    let can_reauthenticate = facts.can_reauthenticate();
    let access = issue::make_access_token(app, project, client, grant, user, can_reauthenticate, now);
    let id_token = scopes.contains("openid").then(|| {
        let attributes = id_token_attributes(client, &scopes, user, &facts);
        let input = IdTokenInput {
            session: TokenSession::Grant(grant),
            user,
            is_verified: facts.is_verified(),
            can_reauthenticate,
            nonce,
            attributes,
        };
        issue::make_id_token(project, client, input, now)
    });
    Ok(Tokens { access, refresh_token: None, id_token })
}

fn id_token_attributes(client: &Client, scopes: &ScopeSet, user: &User, facts: &user_info::Facts) -> Map<String, Value> {
    if client.application_type().has_attributes_in_id_token() {
        facts.standard_claims(user, Some(scopes))
    } else {
        Map::new()
    }
}
