//! What a finished flow changes about users and their credentials, inside its transaction.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    promotion::{YieldDecision, decide_yield},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    StoreError, Tx,
    credentials::{self, LoginIdRow},
    device_keys, grants,
    passkeys::{self, PasskeyRow},
    sessions, users,
};

use super::{NotWritten, sign_in::Proof};
use crate::{
    events::QueuedEvent,
    flows::sessions::{ItemId, remove},
    ports::mailer::Mail,
};

/// What becomes of the user.
pub(super) enum Change {
    /// A guest becomes a member.
    Promote(UserId, Credentials),
    /// A new member.
    SignUp(Box<User>, Credentials),
    /// A member is back.
    Login(Box<Proof>),
    /// A member is back, and the guest that met it gives way.
    Yield(UserId, Box<Proof>),
}

/// What tells of the sessions that end with a change.
#[derive(Default)]
pub(super) struct Endings {
    /// The member's, whose forgotten password was replaced.
    pub(super) member: Vec<(ItemId, QueuedEvent)>,
    /// Those of the guest that gives way.
    pub(super) guest: Vec<(ItemId, QueuedEvent)>,
}

/// What a new member can be known by and prove itself with.
pub(crate) struct Credentials {
    pub(crate) login_id: Option<LoginIdRow>,
    pub(crate) password_hash: Option<String>,
    pub(crate) passkey: Option<PasskeyRow>,
}

/// Why the transaction was rolled back.
pub(crate) enum Refusal {
    Store(StoreError),
    Taken,
    AlreadyPromoted,
    UserGone,
    Disabled,
    PasskeyRefused,
    Stale,
    HintUsed,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotWritten> for Refusal {
    fn from(refused: NotWritten) -> Self {
        match refused {
            NotWritten::Store(error) => Self::Store(error),
            NotWritten::Stale => Self::Stale,
            NotWritten::HintUsed => Self::HintUsed,
        }
    }
}

impl Change {
    /// The mail that tells the member of it.
    pub(super) fn mail(&self) -> Option<&Mail> {
        match self {
            Self::Login(proof) | Self::Yield(_, proof) => proof.mail.as_ref(),
            Self::Promote(..) | Self::SignUp(..) => None,
        }
    }

    /// Carries the change out; `endings` tell of the sessions that end with it.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        no: ProjectNo,
        endings: &Endings,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        match self {
            Self::Promote(guest, credentials) => add_first_credential(tx, no, *guest, credentials, now).await,
            Self::SignUp(user, credentials) => {
                users::insert(tx, no, user).await?;
                insert_credentials(tx, no, user.id, credentials, now).await
            }
            Self::Login(proof) => record_login(tx, no, proof, &endings.member, now).await,
            Self::Yield(guest, proof) => {
                record_login(tx, no, proof, &endings.member, now).await?;
                give_way(tx, no, *guest, proof.user, &endings.guest, now).await
            }
        }
    }
}

/// Makes a guest a member: the one function that takes the anonymous identity away, whoever calls it.
pub(crate) async fn add_first_credential(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !users::take_anonymous_identity(tx, no, user, now).await? {
        let found = users::find(tx, no, user).await?;
        return Err(match found {
            Some(user) if user.is_active() => Refusal::AlreadyPromoted,
            Some(_) | None => Refusal::UserGone,
        });
    }
    insert_credentials(tx, no, user, credentials, now).await?;
    device_keys::mark_promoted(tx, no, user, now).await?;
    Ok(())
}

pub(crate) async fn insert_credentials(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), Refusal> {
    if let Some(login_id) = &credentials.login_id
        && !credentials::insert_login_id(tx, no, login_id).await?
    {
        return Err(Refusal::Taken);
    }
    if let Some(hash) = &credentials.password_hash {
        credentials::set_password(tx, no, user, hash, now).await?;
    }
    if let Some(passkey) = &credentials.passkey
        && !passkeys::insert(tx, no, passkey).await?
    {
        return Err(Refusal::PasskeyRefused);
    }
    Ok(())
}

async fn record_login(
    tx: &mut Tx,
    no: ProjectNo,
    proof: &Proof,
    endings: &[(ItemId, QueuedEvent)],
    now: Timestamp,
) -> Result<(), Refusal> {
    if !users::record_login(tx, no, proof.user, now).await? {
        return Err(Refusal::UserGone);
    }
    if let Some(used) = &proof.passkey
        && !passkeys::record_use(tx, no, used, now).await?
    {
        // The counter went back: there are two of it, and either one may be the thief's (WebAuthn §6.1.1).
        tracing::warn!(user.id = %proof.user, "a passkey's counter did not increase; the passkey may have been copied");
        return Err(Refusal::PasskeyRefused);
    }
    if let Some((kind, value)) = &proof.proved {
        credentials::verify_login_id(tx, no, kind.as_str(), value, now).await?;
    }
    if let Some(hash) = &proof.password_hash {
        credentials::set_password(tx, no, proof.user, hash, now).await?;
    }
    if proof.recovered {
        end_all(tx, no, proof.user, endings, now).await?;
    }
    Ok(())
}

/// A guest gives way to the member it proved to be. Its row stays and says to whom; what it could be reached by ends.
/// Taking over what it owned is the application's, and one day this function's, affair.
async fn give_way(
    tx: &mut Tx,
    no: ProjectNo,
    guest: UserId,
    member: UserId,
    endings: &[(ItemId, QueuedEvent)],
    now: Timestamp,
) -> Result<(), Refusal> {
    let (Some(guest), Some(member)) = (users::find(tx, no, guest).await?, users::find(tx, no, member).await?) else {
        return Err(Refusal::UserGone);
    };
    match decide_yield(&guest, &member) {
        YieldDecision::Yield => {}
        YieldDecision::Refuse(_) => return Err(Refusal::AlreadyPromoted),
        YieldDecision::MemberInactive => return Err(Refusal::Disabled),
        YieldDecision::NotAMember => return Err(Refusal::UserGone),
    }
    // Of any number of flows that promote one guest, one is let through.
    if !users::yield_to(tx, no, guest.id, member.id, now).await? {
        return Err(Refusal::AlreadyPromoted);
    }
    end_all(tx, no, guest.id, endings, now).await?;
    device_keys::mark_promoted(tx, no, guest.id, now).await?;
    Ok(())
}

/// Ends every session and grant of a user, also those made since it was written down what tells of them.
async fn end_all(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    endings: &[(ItemId, QueuedEvent)],
    now: Timestamp,
) -> Result<(), StoreError> {
    remove(tx, no, user, endings, now).await?;
    sessions::remove_all(tx, no, user).await?;
    grants::remove_all(tx, no, user).await?;
    Ok(())
}
