//! Creates guests of the web. On PostgreSQL, those that sign up at the same moment are created in one transaction (decision 97).

use std::sync::Arc;

use vestibule_domain::{
    grant::Grant,
    id::{ProjectNo, UserId},
    session::Session,
    user::User,
};
use vestibule_store::{BoxFuture, GroupedWrite, StoreError, Tx, grants, new_guests, sessions, spent, users};

use super::{late::LateSignUp, sign_up_key::KeyRecord};
use crate::{
    events::{self, QueuedEvent},
    tokens::anonymous::KeySignUps,
};

/// The sign-ups of this process that wait for the store, by kind.
pub(crate) struct SignUps {
    /// With a refresh token.
    pub(super) with_grant: Arc<GroupedWrite<NewGuest, bool, StoreError>>,
    /// With a session cookie.
    pub(super) with_session: Arc<GroupedWrite<NewGuest, bool, StoreError>>,
    /// With a device key.
    pub(crate) with_key: KeySignUps,
}

impl Default for SignUps {
    fn default() -> Self {
        Self {
            with_grant: GroupedWrite::new("sign_up_anonymous", create),
            with_session: GroupedWrite::new("sign_up_anonymous_cookie", create),
            with_key: KeySignUps::default(),
        }
    }
}

/// A guest to be created.
pub(super) struct NewGuest {
    pub no: ProjectNo,
    pub user: User,
    pub start: Start,
    pub event: Option<QueuedEvent>,
    pub record: Option<KeyRecord>,
    pub late: LateSignUp,
}

/// The first grant or session of a guest.
pub(super) enum Start {
    Grant(Grant),
    Session(Session),
}

/// Creates guests; `false` for one whom another node created under the key of the record.
fn create<'t>(tx: &'t mut Tx, all: &'t [NewGuest]) -> BoxFuture<'t, Result<Option<Vec<bool>>, StoreError>> {
    Box::pin(async move {
        match all {
            [one] => create_one(tx, one).await.map(|is_new| Some(vec![is_new])),
            _ => create_several(tx, all).await,
        }
    })
}

async fn create_one(tx: &mut Tx, guest: &NewGuest) -> Result<bool, StoreError> {
    let NewGuest { no, user, start, event, record, late } = guest;
    if let Some(record) = record
        && !record.write(tx, *no).await?
    {
        return Ok(false);
    }
    users::insert(tx, *no, user).await?;
    late.note(tx, *no, user.id).await?;
    if let Some(event) = event {
        events::queue(tx, *no, user.id, event, user.created_at).await?;
    }
    match start {
        Start::Grant(grant) => grants::insert(tx, *no, grant).await?,
        Start::Session(session) => sessions::insert(tx, *no, session).await?,
    }
    Ok(true)
}

/// `None` when one of them must not be created.
async fn create_several(tx: &mut Tx, all: &[NewGuest]) -> Result<Option<Vec<bool>>, StoreError> {
    let mut keys: Vec<_> =
        all.iter().filter_map(|guest| guest.record.as_ref().map(|record| record.spending(guest.no))).collect();
    if !spent::spend_all(tx, &mut keys).await? {
        return Ok(None);
    }
    let users: Vec<_> = all.iter().map(|guest| (guest.no, &guest.user)).collect();
    new_guests::insert_users(tx, &users).await?;
    for guest in all {
        guest.late.note(tx, guest.no, guest.user.id).await?;
    }
    let events: Vec<(ProjectNo, UserId, &QueuedEvent, _)> = all
        .iter()
        .filter_map(|guest| Some((guest.no, guest.user.id, guest.event.as_ref()?, guest.user.created_at)))
        .collect();
    events::queue_all(tx, &events).await?;
    let (mut grants, mut sessions) = (Vec::new(), Vec::new());
    for guest in all {
        match &guest.start {
            Start::Grant(grant) => grants.push((guest.no, grant)),
            Start::Session(session) => sessions.push((guest.no, session)),
        }
    }
    new_guests::insert_grants(tx, &grants).await?;
    new_guests::insert_sessions(tx, &sessions).await?;
    Ok(Some(vec![true; all.len()]))
}
