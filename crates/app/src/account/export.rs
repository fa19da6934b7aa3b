//! What is stored about a user, for the user to take along. Secrets, hashes and keys are no part of it.

use serde_json::{Value, json};
use vestibule_domain::{identity::Identity, userinfo};
use vestibule_store::{consents, retention_holds};

use crate::{
    caller::AccountCaller,
    ctx::Ctx,
    error::Error,
    identities::LoadedUser,
    sessions::{self, ListedSession},
};

/// The data of the signed-in user.
///
/// # Errors
/// The store's.
pub async fn export(ctx: &Ctx<'_>, caller: &AccountCaller) -> Result<Value, Error> {
    let user = &caller.user;
    let sessions = sessions::list(ctx, user).await?;
    let mut conn = ctx.app.store.read().await?;
    let consents = consents::list(&mut conn, ctx.project.no, user.id).await?;
    let holds = retention_holds::list(&mut conn, ctx.project.no, user.id).await?;
    let loaded = if user.is_anonymous() {
        LoadedUser::load_guest_with_keys(&mut conn, ctx.project, user.clone()).await?
    } else {
        LoadedUser::load(&mut conn, ctx.project, user.clone()).await?
    };
    drop(conn);
    let time = |at: vestibule_domain::time::Timestamp| at.to_rfc3339();
    let consents = consents.into_iter().map(|consent| {
        json!({"application": consent.client_id, "scope": consent.scope, "granted_at": time(consent.granted_at)})
    });
    let holds = holds.into_iter().filter(|hold| ctx.now <= hold.expires_at).map(|hold| {
        json!({
            "owner": hold.owner,
            "reason": hold.reason,
            "created_at": time(hold.created_at),
            "expires_at": time(hold.expires_at),
        })
    });
    Ok(json!({
        "id": user.id.to_string(),
        "is_guest": user.is_anonymous(),
        "created_at": time(user.created_at),
        "updated_at": time(user.updated_at),
        "last_login_at": user.last_login_at.map(time),
        "promoted_at": user.promoted_at.map(time),
        "standard_attributes": userinfo::list_standard_claims(&loaded.account()),
        "custom_attributes": user.custom_attributes,
        "identities": loaded.account().all_identities().iter().map(print_identity).collect::<Vec<Value>>(),
        "sessions": sessions.iter().map(print_session).collect::<Vec<Value>>(),
        "allowed_applications": consents.collect::<Vec<Value>>(),
        "holds": holds.collect::<Vec<Value>>(),
        "exported_at": time(ctx.now),
    }))
}

fn print_identity(identity: &Identity) -> Value {
    json!({
        "type": identity.type_name(),
        "created_at": identity.created_at.to_rfc3339(),
        "updated_at": identity.updated_at.to_rfc3339(),
        "claims": identity.claims(),
    })
}

fn print_session(session: &ListedSession) -> Value {
    json!({
        "type": session.id.type_name(),
        "application": session.client_id,
        "device": session.device,
        "created_at": session.created_at.to_rfc3339(),
        "last_used_at": session.last_access_at.to_rfc3339(),
        "expires_at": session.expires_at.to_rfc3339(),
    })
}
