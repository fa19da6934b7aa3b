//! Holds: reasons to keep a guest, each of an owner and until a time, such as an open order.

use std::time::Duration;

use vestibule_domain::{
    event::{Event, OperatorAction},
    id::{HoldId, ProjectNo, UserId},
    time::Timestamp,
};
pub use vestibule_store::retention_holds::HoldRow as Hold;
use vestibule_store::{StoreError, Tx, retention_holds, users};

use crate::{
    actor::{ActError, Actor},
    admin::{AdminError, Clash, Fault, Thing, idempotency::Achieved},
    ctx::Ctx,
};

/// Maximum number of holds of one user.
pub const HOLDS: usize = 100;
/// Maximum length of an owner, in characters.
pub const OWNER_CHARS: usize = 100;
/// Maximum length of a reason, in characters.
pub const REASON_CHARS: usize = 500;
/// The longest time that a hold lasts: ten years.
const LONGEST: Duration = Duration::from_secs(3_650 * 86_400);

/// A hold to create.
#[derive(Clone, Debug)]
pub struct NewHold {
    pub owner: String,
    pub reason: String,
    /// `None` when it could not be read.
    pub expires_at: Option<Timestamp>,
}

impl NewHold {
    /// Checks the hold; its end.
    fn check(&self, now: Timestamp) -> Result<Timestamp, Vec<Fault>> {
        let mut faults = Vec::new();
        for (name, text, most) in [("owner", &self.owner, OWNER_CHARS), ("reason", &self.reason, REASON_CHARS)] {
            if text.trim().is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
                faults.push(Fault::new(name, format!("write 1 to {most} characters, without line breaks")));
            }
        }
        let end = self.expires_at.filter(|end| *end > now && *end <= now.plus(LONGEST));
        if end.is_none() {
            let message = "write a time in the future, within ten years, such as \"2030-01-31T12:00:00Z\"";
            faults.push(Fault::new("expires_at", message));
        }
        match end {
            Some(end) if faults.is_empty() => Ok(end),
            Some(_) | None => Err(faults),
        }
    }

    /// The hold, as it is stored.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn prepare(self, id: HoldId, now: Timestamp) -> Result<Hold, Vec<Fault>> {
        let expires_at = self.check(now)?;
        let (owner, reason) = (self.owner.trim().to_string(), self.reason.trim().to_string());
        Ok(Hold { id, owner, reason, created_at: now, expires_at })
    }
}

/// The holds of a user that have not expired, oldest first.
///
/// # Errors
/// [`Thing::User`] is not there, or the store's.
pub async fn list(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<Hold>, AdminError> {
    let mut conn = ctx.app.store.read().await?;
    users::find(&mut conn, ctx.project.no, user).await?.ok_or(AdminError::NotFound(Thing::User))?;
    let mut holds = retention_holds::list(&mut conn, ctx.project.no, user).await?;
    holds.retain(|hold| ctx.now <= hold.expires_at);
    Ok(holds)
}

/// Why a hold is not placed.
pub(crate) enum HoldRefused {
    NoUser,
    TooMany,
    Store(StoreError),
}

impl From<StoreError> for HoldRefused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Adds a hold to a user; `false` when the user has it already.
pub(crate) async fn place(tx: &mut Tx, no: ProjectNo, user: UserId, hold: &Hold) -> Result<bool, HoldRefused> {
    // A change of the user: a clean-up that has found it unused finds it changed.
    if !users::touch(tx, no, user, hold.created_at).await? {
        return Err(HoldRefused::NoUser);
    }
    let known = retention_holds::list(tx, no, user).await?;
    if known.iter().any(|one| one.id == hold.id) {
        return Ok(false);
    }
    if known.len() >= HOLDS {
        return Err(HoldRefused::TooMany);
    }
    retention_holds::insert(tx, no, user, hold).await?;
    Ok(true)
}

enum CreateRefused {
    Hold(HoldRefused),
    Act(ActError),
}

impl From<StoreError> for CreateRefused {
    fn from(error: StoreError) -> Self {
        Self::Act(error.into())
    }
}

impl From<HoldRefused> for CreateRefused {
    fn from(refused: HoldRefused) -> Self {
        Self::Hold(refused)
    }
}

impl From<ActError> for CreateRefused {
    fn from(error: ActError) -> Self {
        Self::Act(error)
    }
}

/// Adds a hold to a user. It takes effect at once, also for a guest in its grace period; it does not sign the guest in again.
///
/// # Errors
/// What is wrong with the hold, or with its user.
pub async fn create(ctx: &Ctx<'_>, actor: &Actor, user: UserId, new: NewHold) -> Result<Hold, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let hold = new.prepare(ctx.app.entropy.id(now), now).map_err(AdminError::Invalid)?;
    let acted = Event::OperatorActed { action: OperatorAction::HoldCreated, target: hold.owner.clone() };
    let input = (hold.clone(), actor.prepare(ctx, &acted, Some(user)));
    let created = ctx.app.store.write("create_hold", input, move |tx, (hold, entry)| {
        Box::pin(async move {
            place(tx, no, user, hold).await?;
            entry.write_answering(tx, no, now, &Achieved::HoldCreated(hold)).await?;
            Ok(())
        })
    });
    match created.await {
        Ok(()) => Ok(hold),
        Err(CreateRefused::Hold(HoldRefused::NoUser)) => Err(AdminError::NotFound(Thing::User)),
        Err(CreateRefused::Hold(HoldRefused::TooMany)) => Err(AdminError::Conflict(Clash::TooManyHolds)),
        Err(CreateRefused::Hold(HoldRefused::Store(error))) => Err(error.into()),
        Err(CreateRefused::Act(error)) => Err(error.into()),
    }
}

/// Removes a hold of a user.
///
/// # Errors
/// [`Thing::Hold`] is not there, or the store's.
pub async fn remove(ctx: &Ctx<'_>, actor: &Actor, user: UserId, id: HoldId) -> Result<(), AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let acted = Event::OperatorActed { action: OperatorAction::HoldRemoved, target: id.to_string() };
    let entry = actor.prepare(ctx, &acted, Some(user));
    let removed = ctx.app.store.write("remove_hold", entry, move |tx, entry| {
        Box::pin(async move {
            let removed = retention_holds::remove(tx, no, user, id).await?;
            if removed {
                entry.write(tx, no, now).await?;
            }
            Ok::<_, ActError>(removed)
        })
    });
    if removed.await? { Ok(()) } else { Err(AdminError::NotFound(Thing::Hold)) }
}
