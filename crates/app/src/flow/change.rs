//! The changes of a finished flow to users and their credentials, inside its transaction.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
    user::User,
};
use vestibule_store::{StoreError, Tx, credentials, external_accounts, passkeys, users};

use super::{NotWritten, sign_in::LoginProof};
use crate::{
    promotion::{
        change::{Credentials, GuestPromotion, PromotionError, add_first_credential, give_up, insert_credentials},
        merge::{self, GuestMerge},
    },
    sessions::Ending,
};

/// The change to the user.
pub enum UserChange {
    /// Promotes a guest.
    Promote(Box<GuestPromotion>),
    /// Creates a member.
    SignUp(Box<User>, Box<Credentials>),
    /// Signs a member in.
    Login(Box<LoginProof>),
    /// Signs a member in and gives up the guest.
    Yield(UserId, Box<LoginProof>),
    /// Signs a member in and merges the guest into it.
    Merge(Box<GuestMerge>, Box<LoginProof>),
}

/// The sessions that end with a change.
#[derive(Default)]
pub struct Endings {
    /// Those of the member whose forgotten password was replaced.
    pub member: Option<Ending>,
    /// Those of the guest that is given up.
    pub guest: Option<Ending>,
}

/// Why a finished flow was not committed; the transaction is rolled back.
pub(crate) enum CommitError {
    User(PromotionError),
    Stale,
    HintUsed,
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        Self::User(error.into())
    }
}

impl From<PromotionError> for CommitError {
    fn from(error: PromotionError) -> Self {
        Self::User(error)
    }
}

impl From<NotWritten> for CommitError {
    fn from(refused: NotWritten) -> Self {
        match refused {
            NotWritten::Store(error) => error.into(),
            NotWritten::Stale => Self::Stale,
            NotWritten::HintUsed => Self::HintUsed,
        }
    }
}

impl UserChange {
    /// The guest that it changes.
    pub fn guest(&self) -> Option<UserId> {
        match self {
            Self::Promote(promotion) => Some(promotion.guest),
            Self::Yield(guest, _) => Some(*guest),
            Self::Merge(merge, _) => Some(merge.guest),
            Self::SignUp(..) | Self::Login(_) => None,
        }
    }

    /// Applies the change and ends the sessions that end with it. Returns the user's credential generation, by which its
    /// browsers are known.
    pub async fn apply(
        &self,
        tx: &mut Tx,
        no: ProjectNo,
        endings: &Endings,
        now: Timestamp,
    ) -> Result<i64, PromotionError> {
        match self {
            // Guests have no generation.
            Self::Promote(promotion) => add_first_credential(tx, no, promotion, now).await.map(|()| 0),
            Self::SignUp(user, credentials) => {
                let user = User { last_login_at: Some(now), ..User::clone(user) };
                users::insert(tx, no, &user).await?;
                insert_credentials(tx, no, user.id, credentials, now).await.map(|()| 0)
            }
            Self::Login(proof) => record_login(tx, no, proof, endings.member.as_ref(), now).await,
            Self::Yield(guest, proof) => {
                let generation = record_login(tx, no, proof, endings.member.as_ref(), now).await?;
                give_up(tx, no, *guest, proof.user, endings.guest.as_ref(), now).await?;
                Ok(generation)
            }
            Self::Merge(guest, proof) => {
                let generation = record_login(tx, no, proof, endings.member.as_ref(), now).await?;
                merge::merge(tx, no, guest, proof.user, now).await?;
                Ok(generation)
            }
        }
    }
}

/// Records that a member proved itself, with all that the proof brings.
pub(crate) async fn record_login(
    tx: &mut Tx,
    no: ProjectNo,
    proof: &LoginProof,
    ending: Option<&Ending>,
    now: Timestamp,
) -> Result<i64, PromotionError> {
    // First, because it locks the member: what the proof rests on stays as it is from here on.
    let Some(state) = users::record_login(tx, no, proof.user, now).await? else {
        return Err(PromotionError::UserGone);
    };
    if !proof.basis.holds(tx, no, proof.user, state).await? {
        return Err(PromotionError::Outdated);
    }
    let mut generation = state.endings.generation;
    if let Some(ending) = ending {
        ending.write(tx).await?;
        generation = users::find_generation(tx, no, proof.user).await?;
    }
    if let Some(used) = &proof.passkey
        && !passkeys::record_use(tx, no, used, now).await?
    {
        // The counter did not increase, so two copies of the passkey exist, one of them perhaps stolen (WebAuthn
        // §6.1.1).
        tracing::warn!(user.id = %proof.user, "a passkey's counter did not increase; the passkey may have been copied");
        return Err(PromotionError::PasskeyRefused);
    }
    if let Some(used) = &proof.external {
        let account = (used.provider.as_str(), used.subject.as_str());
        if !external_accounts::record_use(tx, no, account, proof.user, &used.profile, now).await? {
            return Err(PromotionError::Outdated);
        }
    }
    if let Some((kind, value)) = &proof.proved {
        credentials::verify_login_id(tx, no, kind.as_str(), value, now).await?;
    }
    if let Some(hash) = &proof.password_hash {
        credentials::set_password(tx, no, proof.user, hash, now).await?;
    }
    if let Some(recovery) = &proof.recovery {
        recovery.write(tx, (no, proof.user), now).await?;
    }
    // After a recovery, which removes only what its page has shown.
    if let Some(linked) = &proof.linked {
        linked.planned.record(tx, (no, proof.user), &[(linked.account.id, None)], now).await?;
        if !external_accounts::insert(tx, no, &linked.account).await? {
            return Err(PromotionError::Outdated);
        }
        linked.report.connected(tx, &linked.account).await?;
    }
    Ok(generation)
}
