//! The changes of a finished flow to users and their credentials, inside its transaction.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    promotion::{YieldDecision, decide_yield},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    StoreError, Tx,
    credentials::{self, LoginIdRow},
    device_keys,
    passkeys::{self, PasskeyRow},
    users,
};

use super::{NotWritten, sign_in::LoginProof};
use crate::{adapters::mailer::Mail, flows::sessions::Ending};

/// The change to the user.
pub(super) enum UserChange {
    /// Promotes a guest.
    Promote(UserId, Credentials),
    /// Creates a member.
    SignUp(Box<User>, Credentials),
    /// Signs a member in.
    Login(Box<LoginProof>),
    /// Signs a member in and gives up the guest.
    Yield(UserId, Box<LoginProof>),
}

/// The sessions that end with a change.
#[derive(Default)]
pub(super) struct Endings {
    /// Those of the member whose forgotten password was replaced.
    pub(super) member: Option<Ending>,
    /// Those of the guest that is given up.
    pub(super) guest: Option<Ending>,
}

/// The first identities and authenticators of a new member.
pub(crate) struct Credentials {
    pub(crate) login_id: Option<LoginIdRow>,
    pub(crate) password_hash: Option<String>,
    pub(crate) passkey: Option<PasskeyRow>,
}

pub(crate) enum CommitError {
    Store(StoreError),
    Taken,
    AlreadyPromoted,
    UserGone,
    Disabled,
    PasskeyRefused,
    Stale,
    HintUsed,
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotWritten> for CommitError {
    fn from(refused: NotWritten) -> Self {
        match refused {
            NotWritten::Store(error) => Self::Store(error),
            NotWritten::Stale => Self::Stale,
            NotWritten::HintUsed => Self::HintUsed,
        }
    }
}

impl UserChange {
    /// The mail that informs the member.
    pub(super) fn mail(&self) -> Option<&Mail> {
        match self {
            Self::Login(proof) | Self::Yield(_, proof) => proof.mail.as_ref(),
            Self::Promote(..) | Self::SignUp(..) => None,
        }
    }

    /// Applies the change and ends the sessions that end with it.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        no: ProjectNo,
        endings: &Endings,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        match self {
            Self::Promote(guest, credentials) => add_first_credential(tx, no, *guest, credentials, now).await,
            Self::SignUp(user, credentials) => {
                users::insert(tx, no, user).await?;
                insert_credentials(tx, no, user.id, credentials, now).await
            }
            Self::Login(proof) => record_login(tx, no, proof, endings.member.as_ref(), now).await,
            Self::Yield(guest, proof) => {
                record_login(tx, no, proof, endings.member.as_ref(), now).await?;
                yield_to_member(tx, no, *guest, proof.user, endings.guest.as_ref(), now).await
            }
        }
    }
}

/// Promotes a guest: the only function that removes the anonymous identity.
pub(crate) async fn add_first_credential(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), CommitError> {
    if !users::take_anonymous_identity(tx, no, user, now).await? {
        let found = users::find(tx, no, user).await?;
        return Err(match found {
            Some(user) if user.is_active() => CommitError::AlreadyPromoted,
            Some(_) | None => CommitError::UserGone,
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
) -> Result<(), CommitError> {
    if let Some(login_id) = &credentials.login_id
        && !credentials::insert_login_id(tx, no, login_id).await?
    {
        return Err(CommitError::Taken);
    }
    if let Some(hash) = &credentials.password_hash {
        credentials::set_password(tx, no, user, hash, now).await?;
    }
    if let Some(passkey) = &credentials.passkey
        && !passkeys::insert(tx, no, passkey).await?
    {
        return Err(CommitError::PasskeyRefused);
    }
    Ok(())
}

async fn record_login(
    tx: &mut Tx,
    no: ProjectNo,
    proof: &LoginProof,
    ending: Option<&Ending>,
    now: Timestamp,
) -> Result<(), CommitError> {
    if !users::record_login(tx, no, proof.user, now).await? {
        return Err(CommitError::UserGone);
    }
    if let Some(used) = &proof.passkey
        && !passkeys::record_use(tx, no, used, now).await?
    {
        // The counter did not increase, so two copies of the passkey exist, one of them perhaps stolen (WebAuthn
        // §6.1.1).
        tracing::warn!(user.id = %proof.user, "a passkey's counter did not increase; the passkey may have been copied");
        return Err(CommitError::PasskeyRefused);
    }
    if let Some((kind, value)) = &proof.proved {
        credentials::verify_login_id(tx, no, kind.as_str(), value, now).await?;
    }
    if let Some(hash) = &proof.password_hash {
        credentials::set_password(tx, no, proof.user, hash, now).await?;
    }
    if let Some(ending) = ending {
        ending.write(tx).await?;
    }
    Ok(())
}

/// Gives up a guest for the member it authenticated as. Its row stays and names the member; its sessions and keys end.
/// Moving the guest's data is up to the application.
async fn yield_to_member(
    tx: &mut Tx,
    no: ProjectNo,
    guest: UserId,
    member: UserId,
    ending: Option<&Ending>,
    now: Timestamp,
) -> Result<(), CommitError> {
    let (Some(guest), Some(member)) = (users::find(tx, no, guest).await?, users::find(tx, no, member).await?) else {
        return Err(CommitError::UserGone);
    };
    match decide_yield(&guest, &member) {
        YieldDecision::Yield => {}
        YieldDecision::Refuse(_) => return Err(CommitError::AlreadyPromoted),
        YieldDecision::MemberInactive => return Err(CommitError::Disabled),
        YieldDecision::NotAMember => return Err(CommitError::UserGone),
    }
    // Only one of several concurrent flows may give up the guest.
    if !users::yield_to(tx, no, guest.id, member.id, now).await? {
        return Err(CommitError::AlreadyPromoted);
    }
    if let Some(ending) = ending {
        ending.write(tx).await?;
    }
    device_keys::mark_promoted(tx, no, guest.id, now).await?;
    Ok(())
}
