//! Sessions and grants of a user, for operators.

use serde::Serialize;
use vestibule_domain::{
    event::{Event, RevocationReason, SessionModel},
    id::{GrantId, ProjectNo, SessionId, UserId},
    time::Timestamp,
};
use vestibule_store::{Conn, StoreError, grants, sessions, users};

use super::AdminError;
use crate::{
    app::App,
    events::{model_of_grant, model_of_session},
    flows::actor::{ActError, Actor, AuditEntry},
    projects::Project,
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
    fn of(model: &SessionModel) -> Self {
        Self {
            id: model.id.clone(),
            kind: if model.is_cookie { "cookie" } else { "refresh_token" },
            client_id: model.client_id.clone(),
            display_name: model.display_name.clone(),
            created_at: model.created_at.to_rfc3339(),
            last_accessed_at: model.last_accessed_at.to_rfc3339(),
        }
    }
}

async fn models(conn: &mut Conn, no: ProjectNo, user: UserId) -> Result<Vec<SessionModel>, StoreError> {
    let mut models: Vec<SessionModel> = sessions::list(conn, no, user).await?.iter().map(model_of_session).collect();
    models.extend(grants::list(conn, no, user).await?.iter().map(model_of_grant));
    Ok(models)
}

pub(crate) async fn list(app: &App, project: &Project, user: UserId) -> Result<Vec<SessionView>, AdminError> {
    let mut conn = app.store.read().await?;
    users::find(&mut conn, project.no, user).await?.ok_or(AdminError::NotFound("user"))?;
    Ok(models(&mut conn, project.no, user).await?.iter().map(SessionView::of).collect())
}

/// Ends one session or grant of a user, or all of them; returns how many.
pub(crate) async fn revoke(
    app: &App,
    project: &Project,
    actor: &Actor,
    user: UserId,
    only: Option<&str>,
    now: Timestamp,
) -> Result<usize, AdminError> {
    let no = project.no;
    let mut conn = app.store.read().await?;
    users::find(&mut conn, no, user).await?.ok_or(AdminError::NotFound("user"))?;
    let mut doomed = models(&mut conn, no, user).await?;
    drop(conn);
    if let Some(id) = only {
        doomed.retain(|model| model.id == id);
        if doomed.is_empty() {
            return Err(AdminError::NotFound("session"));
        }
    }
    let prepared: Vec<(SessionModel, AuditEntry)> = doomed
        .into_iter()
        .map(|session| {
            let event =
                Event::SessionRevoked { user_id: user, session: session.clone(), reason: RevocationReason::Operator };
            let event = actor.prepare(app, project, &event, Some(user), now);
            (session, event)
        })
        .collect();
    let count = app
        .store
        .write("admin_revoke_sessions", prepared, move |tx, prepared| {
            Box::pin(async move {
                let mut count = 0;
                for (session, event) in prepared {
                    let removed = if session.is_cookie {
                        let Ok(id) = session.id.parse::<SessionId>() else { continue };
                        grants::remove_of_session(tx, no, id).await?;
                        sessions::remove(tx, no, id).await?
                    } else {
                        let Ok(id) = session.id.parse::<GrantId>() else { continue };
                        grants::remove(tx, no, id).await?
                    };
                    // A grant may have ended with its cookie session just before; it is counted all the same.
                    count += usize::from(removed);
                    event.write(tx, no, now).await?;
                }
                Ok::<_, ActError>(count)
            })
        })
        .await?;
    Ok(count)
}
