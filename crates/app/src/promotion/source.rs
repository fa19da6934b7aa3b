//! The session, grant or device key that requested a promotion. It is checked when the hint is presented, when the hint
//! is claimed, and in the transaction of the promotion: a guest who signed out is not promoted.

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    id::{ProjectNo, UserId},
    session::SessionRef,
    time::Timestamp,
};
use vestibule_store::{Conn, StoreError, device_keys, grants, sessions};

use crate::{
    caller::{AccountCaller, ApiCaller, SessionCaller, find_live_grant, is_session_alive},
    error::Error,
    projects::Project,
};

/// The session, grant or device key that requested a promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum PromotionSource {
    SignedIn { session: SessionRef },
    Key { kid: String },
}

impl PromotionSource {
    /// The source for the caller of a hosted page.
    pub fn of_session(caller: &SessionCaller) -> Self {
        Self::SignedIn { session: SessionRef::Session(caller.session.id) }
    }

    /// The source for the caller of an API.
    pub(crate) fn of_caller(caller: &ApiCaller) -> Self {
        Self::SignedIn { session: caller.via.reference() }
    }

    /// The source for the caller of an account page.
    pub(crate) fn of_account(caller: &AccountCaller) -> Self {
        let session = caller.via.reference();
        Self::SignedIn { session }
    }

    /// Whether it still exists, belongs to the guest and has not expired.
    pub(crate) async fn is_live(
        &self,
        conn: &mut Conn,
        project: &Project,
        guest: UserId,
        now: Timestamp,
    ) -> Result<bool, Error> {
        match self {
            Self::SignedIn { session: SessionRef::Session(id) } => {
                let remembered = project.accesses.recall(SessionRef::Session(*id));
                let session = sessions::find(conn, project.no, *id).await?;
                let own = session.filter(|session| session.user_id == guest);
                Ok(own.is_some_and(|session| is_session_alive(project, &session, remembered, now)))
            }
            Self::SignedIn { session: SessionRef::Grant(id) } => {
                let live = find_live_grant(conn, project, *id, now).await?;
                Ok(live.is_some_and(|(_, user)| user.id == guest))
            }
            Self::Key { .. } => Ok(self.exists(conn, project.no, guest).await?),
        }
    }

    /// Whether it still exists and belongs to the guest; checked again in the transaction of the promotion.
    pub async fn exists(&self, conn: &mut Conn, no: ProjectNo, guest: UserId) -> Result<bool, StoreError> {
        Ok(match self {
            Self::SignedIn { session: SessionRef::Session(id) } => {
                sessions::find(conn, no, *id).await?.is_some_and(|session| session.user_id == guest)
            }
            Self::SignedIn { session: SessionRef::Grant(id) } => {
                grants::find(conn, no, *id).await?.is_some_and(|grant| grant.user_id == guest)
            }
            Self::Key { kid } => device_keys::find(conn, no, kid).await?.is_some_and(|key| key.user_id == guest),
        })
    }
}
