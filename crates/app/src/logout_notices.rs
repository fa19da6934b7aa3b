//! Notifies applications of ended sessions of their users (OpenID Connect Back-Channel Logout 1.0). The transaction that ends a
//! session queues the notices; `jobs/hooks` sends them like webhooks, each try with a fresh token.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use vestibule_domain::{
    client::Client,
    grant::Grant,
    id::{EventId, GrantId, SessionId, UserId},
    time::Timestamp,
};
use vestibule_protocol::claims::Sid;
use vestibule_store::{Conn, StoreError, Tx, grants};

use crate::{
    adapters::entropy::Entropy,
    events::{self, QueuedEvent},
    projects::Project,
    state::App,
    tokens::issue::signer,
};

/// The name of these deliveries; no webhook gets them.
pub(crate) const KIND: &str = "backchannel_logout";

/// The member of `events` that makes a JWT a logout token (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long a logout token is valid: two minutes, as §2.4 recommends.
const LIFETIME: Duration = Duration::from_secs(120);

/// Queues notices for a project; costs nothing when no application of it wants any.
#[derive(Clone)]
pub(crate) struct LogoutNotices(Option<(Arc<Project>, Entropy)>);

impl LogoutNotices {
    pub(crate) fn of(app: &App, project: &Arc<Project>) -> Self {
        let mut clients = project.settings.clients().iter();
        let is_wanted = clients.any(|client| client.backchannel_logout_uri().is_some());
        Self(is_wanted.then(|| (Arc::clone(project), app.entropy.clone())))
    }

    /// Those of a project that may not be known to this process.
    pub(crate) fn of_found(app: &App, project: Option<&Arc<Project>>) -> Self {
        project.map_or(Self(None), |project| Self::of(app, project))
    }

    /// The grant with this ID, if notices are sent.
    pub(crate) async fn find(&self, conn: &mut Conn, id: GrantId) -> Result<Vec<Grant>, StoreError> {
        match &self.0 {
            Some((project, _)) => Ok(grants::find(conn, project.no, id).await?.into_iter().collect()),
            None => Ok(Vec::new()),
        }
    }

    /// The grants of a cookie session, if notices are sent. They are read before they are removed.
    pub(crate) async fn find_of_session(&self, conn: &mut Conn, id: SessionId) -> Result<Vec<Grant>, StoreError> {
        match &self.0 {
            Some((project, _)) => grants::list_of_session(conn, project.no, id).await,
            None => Ok(Vec::new()),
        }
    }

    /// The grants of a user, if notices are sent.
    pub(crate) async fn find_of_user(&self, conn: &mut Conn, id: UserId) -> Result<Vec<Grant>, StoreError> {
        match &self.0 {
            Some((project, _)) => grants::list(conn, project.no, id).await,
            None => Ok(Vec::new()),
        }
    }

    /// Queues a notice for each grant that ended, if its application wants one.
    pub(crate) async fn queue(&self, tx: &mut Tx, ended: &[Grant], now: Timestamp) -> Result<(), StoreError> {
        let Some((project, entropy)) = &self.0 else { return Ok(()) };
        for grant in ended.iter().filter(|grant| is_notified(project, grant)) {
            let notice = prepare(grant, entropy.id(now));
            events::queue(tx, project.no, grant.user_id, &notice, now).await?;
        }
        Ok(())
    }
}

/// Whether the application of a grant is notified of its end. One that got the ID of an earlier application learns nothing about users of
/// that one.
fn is_notified(project: &Project, grant: &Grant) -> bool {
    let client = project.settings.client(&grant.client_id);
    client.is_some_and(|client| client.backchannel_logout_uri().is_some())
        && !project.is_from_before(&grant.client_id, grant.created_at)
}

fn prepare(grant: &Grant, id: EventId) -> QueuedEvent {
    let body = json!({
        "id": id.to_string(),
        "type": KIND,
        "client_id": grant.client_id,
        "sub": grant.user_id.to_string(),
        "sid": Sid::OfflineGrant(grant.id.to_string()).encode(),
    });
    QueuedEvent { id, body, is_logged: false, is_for_hooks: false, logout_of: Some(grant.client_id.clone()) }
}

/// Why a notice cannot be sent any more.
#[derive(Debug, thiserror::Error)]
#[error("the application no longer wants notices of sessions that end")]
pub(crate) struct NotWanted;

/// The form that carries a notice (§2.5): its token is signed for this try.
///
/// # Errors
/// [`NotWanted`] when the application or its URL is another by now.
pub(crate) fn print_form(
    project: &Project,
    (body, url): (&str, &str),
    attempts: i64,
    now: Timestamp,
) -> Result<String, NotWanted> {
    let notice: Value = serde_json::from_str(body).map_err(|_| NotWanted)?;
    let text = |name: &str| notice[name].as_str().unwrap_or_default();
    let client = project.settings.client(text("client_id")).filter(|one| one.backchannel_logout_uri() == Some(url));
    let client = client.ok_or(NotWanted)?;
    let token = sign(project, client, &notice, attempts, now);
    Ok(format!("logout_token={token}"))
}

fn sign(project: &Project, client: &Client, notice: &Value, attempts: i64, now: Timestamp) -> String {
    let mut claims = json!({
        "iss": project.origin,
        "aud": [client.client_id],
        "sub": notice["sub"],
        "iat": now.as_seconds(),
        "exp": now.plus(LIFETIME).as_seconds(),
        // Another one for each try: an application may refuse a name that it has seen.
        "jti": format!("{}.{attempts}", notice["id"].as_str().unwrap_or_default()),
        "events": {EVENT: {}},
    });
    if client.names_session_in_logout() {
        claims["sid"] = notice["sid"].clone();
    }
    signer(project, client.id_token_algorithm(), now).sign("logout+jwt", &claims)
}
