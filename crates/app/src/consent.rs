//! Consent of members to third-party applications: whether a request needs it, which applications have it, and its
//! revocation. Requests of first-party applications cost no query.

use serde_json::Map;
use vestibule_domain::{
    client::Client,
    consent,
    event::{Event, RevocationReason, TriggeredBy},
    grant::Grant,
    id::{ProjectNo, UserId},
    time::Timestamp,
    user::User,
};
use vestibule_store::{StoreError, Tx, consents, grants};

use crate::{
    actor::{ActError, Actor, AuditEntry},
    authorize::PendingRequest,
    ctx::Ctx,
    error::Error,
    projects::Project,
    sessions::{Ending, Selection},
    tokens::issue::scopes_of,
};

/// Whether the project has an application of this ID that needs the consent of its users.
pub(crate) fn is_third_party(project: &Project, client_id: &str) -> bool {
    project.settings.client(client_id).is_some_and(Client::is_third_party)
}

/// Whether the project has any such application.
pub(crate) fn has_third_parties(project: &Project) -> bool {
    project.settings.clients().iter().any(Client::is_third_party)
}

/// What a request of an application needs from a signed-in user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentNeed {
    /// Nothing: the application is first-party, or the member agreed to all requested scopes before.
    Nothing,
    /// The member must be asked.
    Decision,
    /// A guest cannot agree: it must become a member first.
    Membership,
}

/// Decides what a request needs. `again` asks even a member who agreed before (`prompt=consent`).
pub async fn judge(ctx: &Ctx<'_>, request: &PendingRequest, user: &User, again: bool) -> Result<ConsentNeed, Error> {
    if is_third_party(ctx.project, &request.client_id) && user.is_anonymous() {
        return Ok(ConsentNeed::Membership);
    }
    let is_missing = is_missing(ctx, request, user.id, again).await?;
    Ok(if is_missing { ConsentNeed::Decision } else { ConsentNeed::Nothing })
}

/// The same for a member: whether it must be asked.
pub(crate) async fn is_missing(
    ctx: &Ctx<'_>,
    request: &PendingRequest,
    member: UserId,
    again: bool,
) -> Result<bool, Error> {
    if !is_third_party(ctx.project, &request.client_id) {
        return Ok(false);
    }
    if again {
        return Ok(true);
    }
    let mut conn = ctx.app.store.read().await?;
    let known = consents::find(&mut conn, ctx.project.no, member, &request.client_id).await?;
    Ok(!known.is_some_and(|consent| consent.covers(&request.scope)))
}

/// Checks the consent behind a code in the transaction that creates its grant, and keeps it from being revoked until
/// then. Always true for first-party applications.
pub async fn confirm(
    tx: &mut Tx,
    no: ProjectNo,
    (grant, is_third_party): (&Grant, bool),
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !is_third_party {
        return Ok(true);
    }
    let agreed = consents::record_use(tx, no, grant.user_id, &grant.client_id, now).await?;
    let wanted = grant.scope.as_deref().unwrap_or_default();
    Ok(agreed.is_some_and(|agreed| consent::covers(&agreed, wanted)))
}

/// The access of a third-party application to a member's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThirdPartyAccess {
    pub client_id: String,
    /// Space-separated.
    pub scope: String,
    pub granted_at: Timestamp,
    /// The last use known.
    pub last_used_at: Option<Timestamp>,
}

/// The third-party applications with access to a user's account: by consent, or by a grant of a release that did not
/// ask.
pub async fn list(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<ThirdPartyAccess>, Error> {
    if !has_third_parties(ctx.project) {
        return Ok(Vec::new());
    }
    let mut conn = ctx.app.store.read().await?;
    let agreed = consents::list(&mut conn, ctx.project.no, user).await?;
    let grants = grants::list(&mut conn, ctx.project.no, user).await?;
    drop(conn);
    let mut all: Vec<ThirdPartyAccess> = agreed
        .into_iter()
        .map(|consent| ThirdPartyAccess {
            client_id: consent.client_id,
            scope: consent.scope,
            granted_at: consent.granted_at,
            last_used_at: consent.last_used_at,
        })
        .collect();
    // What an earlier application with the same ID left behind is no access.
    for grant in grants.into_iter().filter(|grant| !ctx.project.is_from_before(&grant.client_id, grant.created_at)) {
        match all.iter_mut().find(|one| one.client_id == grant.client_id) {
            Some(known) => known.last_used_at = known.last_used_at.max(Some(grant.last_access_at)),
            None => all.push(ThirdPartyAccess {
                scope: scopes_of(&grant).print(),
                granted_at: grant.created_at,
                last_used_at: Some(grant.last_access_at),
                client_id: grant.client_id,
            }),
        }
    }
    all.retain(|one| is_third_party(ctx.project, &one.client_id));
    Ok(all)
}

/// The input of the transaction.
struct Revocation {
    user: UserId,
    client_id: String,
    ending: Ending,
    event: AuditEntry,
}

/// A member takes a third-party application's access to its account away.
pub async fn revoke_by_member(ctx: &Ctx<'_>, user: UserId, client_id: &str) -> Result<bool, Error> {
    let member = Actor { by: TriggeredBy::User, ip: ctx.ip, audit_context: Map::new(), permit: None, once: None };
    let cause = (RevocationReason::User, TriggeredBy::User);
    let ending = Ending::new(ctx, user, Selection::OfApplication(client_id.to_string()), cause);
    match revoke(ctx, &member, (user, client_id), ending).await {
        Ok(is_revoked) => Ok(is_revoked),
        Err(ActError::Store(error)) => Err(error.into()),
        // A member acts without a role.
        Err(ActError::RoleLost) => Ok(false),
    }
}

/// An operator takes it away.
pub(crate) async fn revoke_by_operator(
    ctx: &Ctx<'_>,
    actor: &Actor,
    user: UserId,
    client_id: &str,
) -> Result<bool, ActError> {
    let ending = Ending::by_actor(ctx, actor, user, Selection::OfApplication(client_id.to_string()));
    revoke(ctx, actor, (user, client_id), ending).await
}

/// Ends the consent and the grants of a third-party application; `false` when it has neither.
async fn revoke(
    ctx: &Ctx<'_>,
    actor: &Actor,
    (user, client_id): (UserId, &str),
    ending: Ending,
) -> Result<bool, ActError> {
    if !is_third_party(ctx.project, client_id) {
        return Ok(false);
    }
    let client_id = client_id.to_string();
    let event = Event::ConsentRevoked { user_id: user, client_id: client_id.clone() };
    let event = actor.prepare(ctx, &event, Some(user));
    let (no, now) = (ctx.project.no, ctx.now);
    let revocation = Revocation { user, client_id, ending, event };
    ctx.app
        .store
        .write("revoke_consent", revocation, move |tx, revocation| {
            Box::pin(async move {
                // The consent first: see `confirm`.
                let removed = consents::remove(tx, no, revocation.user, &revocation.client_id).await?;
                let ended = revocation.ending.write(tx).await?;
                if !removed && ended == 0 {
                    return Ok(false);
                }
                revocation.event.write(tx, no, now).await?;
                Ok::<_, ActError>(true)
            })
        })
        .await
}
