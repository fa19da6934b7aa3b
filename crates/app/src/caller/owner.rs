//! How much is read of a caller's user: all of it, or only whether it is an active guest.

use vestibule_domain::{
    grant::Grant,
    id::{GrantId, ProjectNo, SessionId},
    session::Session,
    user::{Owner, User},
};
use vestibule_store::{Conn, StoreError, grants, sessions};

/// The user of a caller: [`User`], or for those who ask no more, [`Owner`].
pub trait CallerUser: From<User> + Send + Sync {
    /// Whether it is anonymous.
    fn is_anonymous(&self) -> bool;

    /// Whether its sessions are valid.
    fn is_active(&self) -> bool;

    /// A grant and its user.
    fn find_of_grant(
        conn: &mut Conn,
        p: ProjectNo,
        id: GrantId,
    ) -> impl Future<Output = Result<Option<(Grant, Self)>, StoreError>> + Send;

    /// A cookie session and its user.
    fn find_of_session(
        conn: &mut Conn,
        p: ProjectNo,
        id: SessionId,
    ) -> impl Future<Output = Result<Option<(Session, Self)>, StoreError>> + Send;
}

impl CallerUser for User {
    fn is_anonymous(&self) -> bool {
        Self::is_anonymous(self)
    }

    fn is_active(&self) -> bool {
        Self::is_active(self)
    }

    async fn find_of_grant(conn: &mut Conn, p: ProjectNo, id: GrantId) -> Result<Option<(Grant, Self)>, StoreError> {
        grants::find_with_user(conn, p, id).await
    }

    async fn find_of_session(
        conn: &mut Conn,
        p: ProjectNo,
        id: SessionId,
    ) -> Result<Option<(Session, Self)>, StoreError> {
        sessions::find_with_user(conn, p, id).await
    }
}

impl CallerUser for Owner {
    fn is_anonymous(&self) -> bool {
        Self::is_anonymous(self)
    }

    fn is_active(&self) -> bool {
        Self::is_active(self)
    }

    async fn find_of_grant(conn: &mut Conn, p: ProjectNo, id: GrantId) -> Result<Option<(Grant, Self)>, StoreError> {
        grants::find_with_owner(conn, p, id).await
    }

    async fn find_of_session(
        conn: &mut Conn,
        p: ProjectNo,
        id: SessionId,
    ) -> Result<Option<(Session, Self)>, StoreError> {
        sessions::find_with_owner(conn, p, id).await
    }
}
