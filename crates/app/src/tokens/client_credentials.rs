//! Tokens that applications get for themselves, without a user (RFC 6749 §4.4): JWTs for one API each. They belong to no grant.

use serde_json::json;
use vestibule_domain::{
    client::{Client, Resource},
    event::{Context, Event, TriggeredBy},
    time::Timestamp,
};
use vestibule_protocol::{
    echo,
    oauth::{ErrorCode, OAuthError, ScopeSet},
};
use vestibule_store::{Conn, StoreError, spent};

use super::{
    ClientProof, authenticate_client,
    issue::{IssuedAccessToken, signer},
};
use crate::{
    crypto::{self, tokens::MacKey},
    ctx::Ctx,
    error::Error,
    events::{self, QueuedEvent},
    limits::rates,
    projects::Project,
};

/// Begins the `sub` of these tokens, so that it is never that of a user.
const SUBJECT: &str = "client_id_";

/// The request of an application.
pub struct OwnTokenRequest<'a> {
    pub client: &'a ClientProof,
    /// The API.
    pub resource: Option<&'a str>,
    /// All scopes that the application has there, if absent.
    pub scope: Option<&'a ScopeSet>,
}

/// A token, and its scopes.
pub struct OwnToken {
    pub access: IssuedAccessToken,
    pub scopes: ScopeSet,
}

/// Issues a token and records it in the audit log.
///
/// # Errors
/// [`Error::InvalidTarget`], [`Error::InvalidScope`], those of the client authentication, a limit, or the store's.
pub async fn issue(ctx: &Ctx<'_>, request: OwnTokenRequest<'_>) -> Result<OwnToken, Error> {
    let client = authenticate_client(&mut *ctx.app.store.read().await?, ctx.project, request.client).await?;
    if !client.application_type().has_own_tokens() {
        return Err(Error::GrantTypeNotAllowed);
    }
    rates::charge_application(ctx, client)?;
    let resource = find_resource(ctx.project, client, request.resource)?;
    let scopes = choose_scopes(resource, request.scope)?;
    let event = describe(ctx, client, resource, &scopes);
    let no = ctx.project.no;
    let now = ctx.now;
    ctx.app
        .store
        .write("record_own_token", event, move |tx, event| {
            Box::pin(async move { events::queue_of_project(tx, no, event, now).await })
        })
        .await?;
    Ok(OwnToken { access: sign(ctx, client, resource, &scopes), scopes })
}

fn find_resource<'p>(project: &Project, client: &'p Client, wanted: Option<&str>) -> Result<Resource<'p>, Error> {
    let wanted = wanted.ok_or(Error::InvalidTarget("resource is required"))?;
    if let Some(found) = client.resources().find(|resource| resource.uri == wanted) {
        return Ok(found);
    }
    let mut all = project.settings.clients().iter().flat_map(Client::resources);
    Err(Error::InvalidTarget(if all.any(|resource| resource.uri == wanted) {
        "client is not associated with the resource"
    } else {
        "resource not found"
    }))
}

fn choose_scopes(resource: Resource<'_>, wanted: Option<&ScopeSet>) -> Result<ScopeSet, Error> {
    let own = scopes_of(resource);
    let Some(wanted) = wanted else { return Ok(own) };
    match wanted.iter().find(|word| !own.contains(word)) {
        None => Ok(own.intersection(wanted)),
        Some(word) => {
            let why = format!("the client does not have the scope '{}' of the resource", echo(word));
            Err(Error::InvalidScope(OAuthError::new(ErrorCode::InvalidScope, why)))
        }
    }
}

fn scopes_of(resource: Resource<'_>) -> ScopeSet {
    let scopes = resource.scopes().collect::<Vec<_>>().join(" ");
    ScopeSet::parse(&scopes).unwrap_or_default()
}

fn describe(ctx: &Ctx<'_>, client: &Client, resource: Resource<'_>, scopes: &ScopeSet) -> QueuedEvent {
    let mut context = Context::new(&ctx.project.id, TriggeredBy::System, ctx.now);
    context.client_id = Some(client.client_id.clone());
    context.ip_address = ctx.ip.map(|ip| ip.to_string());
    let event = Event::MachineTokenCreated {
        client_id: client.client_id.clone(),
        resource: resource.uri.to_string(),
        scope: scopes.print(),
    };
    events::prepare_about(ctx, &event, &context)
}

fn sign(ctx: &Ctx<'_>, client: &Client, resource: Resource<'_>, scopes: &ScopeSet) -> IssuedAccessToken {
    let lifetime = client.own_token_lifetime();
    let mut claims = json!({
        "iss": ctx.project.origin,
        "aud": [resource.uri],
        "sub": format!("{SUBJECT}{}", client.client_id),
        "client_id": client.client_id,
        "iat": ctx.now.as_seconds(),
        "exp": ctx.now.plus(lifetime).as_seconds(),
        "jti": crypto::base64url(ctx.app.entropy.bytes::<16>()),
    });
    if !scopes.is_empty() {
        claims["scope"] = scopes.print().into();
    }
    let token = signer(ctx.project, client.access_token_algorithm(), ctx.now).sign("at+jwt", &claims);
    IssuedAccessToken { token, expires_in: lifetime.as_secs() }
}

/// A valid token of an application for itself.
pub(crate) struct ReadOwnToken<'p> {
    pub client: &'p Client,
    pub resource: Resource<'p>,
    /// Those of its scopes that the application still has.
    pub scopes: ScopeSet,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub jti: String,
}

impl ReadOwnToken<'_> {
    pub(crate) fn subject(&self) -> String {
        format!("{SUBJECT}{}", self.client.client_id)
    }

    /// The key of its revocation record.
    pub(crate) fn fingerprint(&self) -> [u8; 16] {
        MacKey::fingerprint_of_jti(&self.jti)
    }

    pub(crate) async fn is_revoked(&self, conn: &mut Conn, project: &Project) -> Result<bool, StoreError> {
        Ok(spent::find(conn, project.no, &self.fingerprint()).await?.is_some())
    }
}

/// Reads such a token. It must not have expired, and its application must still have the resource. Whether it was revoked is not
/// checked.
pub(crate) fn read<'p>(project: &'p Project, token: &str, now: Timestamp) -> Option<ReadOwnToken<'p>> {
    if !token.contains('.') {
        return None;
    }
    let claims = project.keys.read_jwt("at+jwt", token)?;
    let text = |name: &str| claims.get(name)?.as_str();
    let time = |name: &str| claims.get(name)?.as_i64().map(Timestamp::from_seconds);
    let client_id = text("client_id")?;
    let is_own = text("iss") == Some(project.origin.as_str()) && text("sub")?.strip_prefix(SUBJECT) == Some(client_id);
    let (issued_at, expires_at) = (time("iat")?, time("exp")?);
    if !is_own || claims.contains_key("sid") || now > expires_at || project.is_from_before(client_id, issued_at) {
        return None;
    }
    let client = project.settings.client(client_id)?;
    let audience = claims.get("aud")?.get(0)?.as_str()?;
    let resource = client.resources().find(|resource| resource.uri == audience)?;
    let scopes = scopes_of(resource).intersection(&ScopeSet::parse(text("scope").unwrap_or_default()).ok()?);
    Some(ReadOwnToken { client, resource, scopes, issued_at, expires_at, jti: text("jti")?.to_string() })
}
