//! What a promotion does to the guest, inside the transaction: the only place that removes the anonymous identity.

use serde_json::{Map, Value};
use vestibule_domain::{
    id::{FlowId, ProjectNo, UserId},
    identity::{ExternalAccount, OwnedLoginId},
    promotion::{YieldDecision, decide_yield},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    StoreError, Tx, credentials, device_keys, external_accounts,
    passkeys::{self, PasskeyRow},
    retention, spent, users,
};

use super::{ending::PromotionEnding, source::PromotionSource};
use crate::sessions::Ending;

/// The first identities and authenticators of a new member.
pub struct Credentials {
    pub login_id: Option<OwnedLoginId>,
    pub password_hash: Option<String>,
    pub passkey: Option<PasskeyRow>,
    pub external: Option<NewExternalAccount>,
}

/// An account at a provider that a user gets.
pub struct NewExternalAccount {
    pub account: ExternalAccount,
    /// What the provider said, for attributes that the user does not have.
    pub attributes: Map<String, Value>,
}

impl Credentials {
    /// The user with what a provider said about it; its own attributes stay.
    pub(crate) fn complete(&self, mut user: User) -> User {
        for (name, value) in self.external.iter().flat_map(|external| &external.attributes) {
            user.standard_attributes.entry(name.clone()).or_insert_with(|| value.clone());
        }
        user
    }
}

/// Why a guest was not promoted; the transaction is rolled back.
pub enum PromotionError {
    Store(StoreError),
    /// The login ID belongs to another user.
    Taken,
    AlreadyPromoted,
    UserGone,
    Disabled,
    PasskeyRefused,
    /// What the proof of the member rests on is gone.
    Outdated,
    /// A member who recovers its password has sign-in methods that it has not seen.
    MethodsChanged,
}

impl From<StoreError> for PromotionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Claims the hint that a flow was opened with, for as long as the flow lives; `false` when another flow claimed it.
pub(crate) async fn claim_hint(
    tx: &mut Tx,
    no: ProjectNo,
    hint: &[u8; 16],
    flow: FlowId,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    spent::spend(tx, no, hint, Some(flow.as_bytes()), expires_at).await
}

/// Checks that the session, grant or device key that requested the promotion still exists.
///
/// # Errors
/// [`PromotionError::AlreadyPromoted`] or [`PromotionError::UserGone`] when it does not.
pub(crate) async fn check_source(
    tx: &mut Tx,
    no: ProjectNo,
    source: &PromotionSource,
    guest: UserId,
) -> Result<(), PromotionError> {
    if source.exists(tx, no, guest).await? {
        return Ok(());
    }
    let is_member = users::find(tx, no, guest).await?.is_some_and(|user| !user.is_anonymous());
    Err(if is_member { PromotionError::AlreadyPromoted } else { PromotionError::UserGone })
}

/// A promotion to be written.
pub struct GuestPromotion {
    pub guest: UserId,
    pub credentials: Credentials,
    /// What ends with it; `None` for a promotion by the Admin API, whose caller knows the guest.
    pub ending: Option<PromotionEnding>,
}

/// Promotes a guest: the only function that removes the anonymous identity. What others may hold of the guest ends.
pub(crate) async fn add_first_credential(
    tx: &mut Tx,
    no: ProjectNo,
    promotion: &GuestPromotion,
    now: Timestamp,
) -> Result<(), PromotionError> {
    let user = promotion.guest;
    // The Admin API promotes without anybody who signs in.
    let signs_in = promotion.ending.is_some();
    if !users::take_anonymous_identity(tx, no, user, (now, signs_in)).await? {
        let found = users::find(tx, no, user).await?;
        return Err(match found {
            Some(user) if user.is_active() => PromotionError::AlreadyPromoted,
            Some(_) | None => PromotionError::UserGone,
        });
    }
    insert_credentials(tx, no, user, &promotion.credentials, now).await?;
    if promotion.credentials.external.is_some()
        && let Some(stored) = users::find(tx, no, user).await?
    {
        let User { standard_attributes, custom_attributes, .. } = promotion.credentials.complete(stored);
        users::set_attributes(tx, no, user, &standard_attributes, &custom_attributes, now).await?;
    }
    if let Some(ending) = &promotion.ending {
        ending.write(tx, no, user).await?;
    }
    device_keys::mark_promoted(tx, no, user, now).await?;
    Ok(())
}

pub(crate) async fn insert_credentials(
    tx: &mut Tx,
    no: ProjectNo,
    user: UserId,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(), PromotionError> {
    if let Some(login_id) = &credentials.login_id
        && !credentials::insert_login_id(tx, no, login_id).await?
    {
        return Err(PromotionError::Taken);
    }
    if let Some(hash) = &credentials.password_hash {
        credentials::set_password(tx, no, user, hash, now).await?;
    }
    if let Some(passkey) = &credentials.passkey
        && !passkeys::insert(tx, no, passkey).await?
    {
        return Err(PromotionError::PasskeyRefused);
    }
    if let Some(external) = &credentials.external
        && !external_accounts::insert(tx, no, &external.account).await?
    {
        return Err(PromotionError::Taken);
    }
    Ok(())
}

/// Gives up a guest for the member it authenticated as. Its row stays and names the member; its sessions and keys end.
/// Moving the guest's data is up to the application.
pub async fn give_up(
    tx: &mut Tx,
    no: ProjectNo,
    guest: UserId,
    member: UserId,
    ending: Option<&Ending>,
    now: Timestamp,
) -> Result<(), PromotionError> {
    let (Some(guest), Some(member)) = (users::find(tx, no, guest).await?, users::find(tx, no, member).await?) else {
        return Err(PromotionError::UserGone);
    };
    match decide_yield(&guest, &member) {
        YieldDecision::Yield => {}
        YieldDecision::Refuse(_) => return Err(PromotionError::AlreadyPromoted),
        YieldDecision::MemberInactive => return Err(PromotionError::Disabled),
        YieldDecision::NotAMember => return Err(PromotionError::UserGone),
    }
    // Only one of several concurrent flows may give up the guest.
    if !users::yield_to(tx, no, guest.id, member.id, now).await? {
        return Err(PromotionError::AlreadyPromoted);
    }
    if let Some(ending) = ending {
        ending.write(tx).await?;
    }
    device_keys::mark_promoted(tx, no, guest.id, now).await?;
    // No rule sees it any more; if it is a guest again, it begins anew.
    retention::unmark(tx, no, &[guest.id]).await?;
    Ok(())
}
