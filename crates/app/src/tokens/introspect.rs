//! Token introspection (RFC 7662): validates an access token for a backend that authenticates with a secret.

use serde_json::{Map, Value, json};
use vestibule_domain::{user::User, userinfo};
use vestibule_protocol::claims::Sid;
use vestibule_store::Conn;

use super::{
    ClientProof, authenticate_client, client_credentials,
    issue::{amr_claim, scopes_of, shown_auth_time},
};
use crate::{
    caller::{find_by_token, read_access_token},
    ctx::Ctx,
    error::Error,
    identities::LoadedUser,
};

/// The content of a valid token; `None` if it is unknown, expired, revoked, or of another third-party application.
///
/// Introspection is recorded as a use, because the backend introspects when the user uses it.
pub async fn introspect(
    ctx: &Ctx<'_>,
    requester: &ClientProof,
    token: &str,
) -> Result<Option<Map<String, Value>>, Error> {
    let mut conn = ctx.app.store.read().await?;
    let client = authenticate_client(&mut conn, ctx.project, requester).await?;
    let kind = client.application_type();
    if !kind.is_confidential() {
        return Err(Error::IntrospectionNotAllowed);
    }
    let Some(live) = find_by_token::<User>(&mut conn, ctx.project, token, ctx.now).await? else {
        // Tokens of machines are of first-party applications.
        return if kind.is_first_party() { describe_own(ctx, &mut conn, token).await } else { Ok(None) };
    };
    // A third-party application may introspect only its own tokens.
    if !kind.is_first_party() && live.grant.client_id != client.client_id {
        return Ok(None);
    }
    let Some(read) = read_access_token(ctx.project, token) else { return Ok(None) };
    let loaded = LoadedUser::load_for_grant(&mut conn, ctx.project, live.user.clone(), &live.grant).await?;
    drop(conn);
    live.record_access(ctx).await?;
    let grant = &live.grant;
    let expires_at = grant.cut(read.expires_at);
    let mut answer = userinfo::identify(&loaded.account());
    let members = [
        ("active", Value::Bool(true)),
        ("iss", json!(ctx.project.origin)),
        ("aud", json!([ctx.project.origin])),
        ("token_type", json!("Bearer")),
        ("client_id", json!(grant.client_id)),
        ("scope", json!(scopes_of(grant).print())),
        ("exp", json!(expires_at.as_seconds())),
        ("sid", json!(Sid::OfflineGrant(grant.id.to_string()).encode())),
    ];
    answer.extend(members.map(|(name, value)| (name.to_string(), value)));
    let auth_time = shown_auth_time(grant.authenticated_at, grant.amr.as_deref());
    answer.extend(auth_time.map(|at| ("auth_time".to_string(), json!(at))));
    answer.extend(amr_claim(grant.amr.as_deref()).map(|amr| ("amr".to_string(), amr)));
    Ok(Some(answer))
}

/// The content of a token that an application got for itself. It has no user.
async fn describe_own(ctx: &Ctx<'_>, conn: &mut Conn, token: &str) -> Result<Option<Map<String, Value>>, Error> {
    let Some(own) = client_credentials::read(ctx.project, token, ctx.now) else { return Ok(None) };
    if own.is_revoked(conn, ctx.project).await? {
        return Ok(None);
    }
    let members = [
        ("active", Value::Bool(true)),
        ("iss", json!(ctx.project.origin)),
        ("aud", json!([own.resource.uri])),
        ("sub", json!(own.subject())),
        ("token_type", json!("Bearer")),
        ("client_id", json!(own.client.client_id)),
        ("scope", json!(own.scopes.print())),
        ("iat", json!(own.issued_at.as_seconds())),
        ("exp", json!(own.expires_at.as_seconds())),
        ("jti", json!(own.jti)),
    ];
    Ok(Some(members.into_iter().map(|(name, value)| (name.to_string(), value)).collect()))
}
