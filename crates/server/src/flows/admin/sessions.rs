//! Sessions and grants of a user, for operators.

use serde::Serialize;
use vestibule_domain::{id::UserId, session::SessionRef, user::User};

use super::{AdminError, Thing};
use crate::flows::{
    actor::{ActError, Actor, check_permit},
    ctx::Ctx,
    sessions::{self, Ending, ListedSession, Selection},
};

/// A session or grant in a list.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    pub(crate) id: String,
    /// `cookie` or `refresh_token`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) client_id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) created_at: String,
    pub(crate) last_accessed_at: String,
}

impl SessionView {
    fn of(session: ListedSession) -> Self {
        let (id, kind) = match session.id {
            SessionRef::Session(id) => (id.to_string(), "cookie"),
            SessionRef::Grant(id) => (id.to_string(), "refresh_token"),
        };
        Self {
            id,
            kind,
            client_id: session.client_id,
            display_name: session.device,
            created_at: session.created_at.to_rfc3339(),
            last_accessed_at: session.last_access_at.to_rfc3339(),
        }
    }
}

/// The valid sessions and grants of a user, oldest first.
pub(crate) async fn list(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<SessionView>, AdminError> {
    let user = find_user(ctx, user).await?;
    Ok(sessions::list(ctx, &user).await?.into_iter().map(SessionView::of).collect())
}

async fn find_user(ctx: &Ctx<'_>, id: UserId) -> Result<User, AdminError> {
    sessions::find_user(ctx, id).await?.ok_or(AdminError::NotFound(Thing::User))
}

/// Ends one session or grant of a user, or all of them; returns how many.
pub(crate) async fn revoke(
    ctx: &Ctx<'_>,
    actor: &Actor,
    user: UserId,
    only: Option<&str>,
) -> Result<usize, AdminError> {
    let user = find_user(ctx, user).await?;
    let selection = match only {
        None => Selection::All,
        Some(id) => {
            let listed = sessions::list(ctx, &user).await?;
            let found = listed.into_iter().map(|session| session.id).find(|session| match session {
                SessionRef::Session(session) => session.to_string() == id,
                SessionRef::Grant(grant) => grant.to_string() == id,
            });
            Selection::One(found.ok_or(AdminError::NotFound(Thing::Session))?)
        }
    };
    let ending = Ending::by_actor(ctx, actor, user.id, selection);
    let (no, permit) = (ctx.project.no, actor.permit);
    let ended = ctx
        .app
        .store
        .write("admin_revoke_sessions", ending, move |tx, ending| {
            Box::pin(async move {
                check_permit(permit, tx, no).await?;
                Ok::<_, ActError>(ending.write(tx).await?)
            })
        })
        .await?;
    Ok(ended)
}
