//! Use cases for one user: reading, attributes, promotion, disabling, deletion.

use std::sync::Arc;

use serde_json::{Map, Value};
use vestibule_domain::{
    attributes,
    event::{DeletionReason, Event, UserModel},
    id::UserId,
    identity::{Identity, IdentityDetail, OwnedLoginId},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    Conn, StoreError, Tx,
    device_keys::{self, DeviceKeyRow},
    users,
};

use super::{
    AdminError, Clash, Fault, Thing,
    credentials::{NewLoginId, hash_password, read_login_id},
    idempotency::Achieved,
};
use crate::{
    actor::{ActError, Actor, AuditEntry},
    ctx::Ctx,
    guests::unstored,
    identities::{LoadedUser, identity_of},
    logout_notices::LogoutNotices,
    projects::Project,
    promotion::{
        change::{Credentials, GuestPromotion, PromotionError, add_first_credential, insert_credentials},
        prepare::{prepare_member, prepare_promotion},
        waiting::{Deletion, DeletionOutcome, DeletionRight},
    },
    sessions::{Ending, Selection},
};

/// A user with its identities and authenticators.
pub async fn get(ctx: &Ctx<'_>, id: UserId) -> Result<LoadedUser, AdminError> {
    let mut conn = ctx.app.store.read().await?;
    let user = users::find(&mut conn, ctx.project.no, id).await?.ok_or(AdminError::NotFound(Thing::User))?;
    Ok(load_whole(&mut conn, ctx.project, user).await?)
}

/// Loads a user with every identity: the device keys of a guest count, too.
async fn load_whole(conn: &mut Conn, project: &Project, user: User) -> Result<LoadedUser, StoreError> {
    let keys = if user.is_anonymous() { device_keys::list(conn, project.no, user.id).await? } else { Vec::new() };
    let mut loaded = LoadedUser::load(conn, project, user).await?;
    loaded.identities = if keys.is_empty() {
        loaded.account().all_identities()
    } else {
        let identity = |key: DeviceKeyRow| Identity {
            id: key.id,
            created_at: key.created_at,
            updated_at: key.last_used_at,
            detail: IdentityDetail::Anonymous { key_id: Some(key.kid) },
        };
        keys.into_iter().map(identity).collect()
    };
    Ok(loaded)
}

/// Maximum number of login IDs of a new member.
pub const LOGIN_IDS: usize = 16;

/// A member to create.
#[derive(Clone)]
pub struct NewUser {
    pub login_ids: Vec<NewLoginId>,
    pub password: Option<String>,
    pub standard_attributes: Map<String, Value>,
    pub custom_attributes: Map<String, Value>,
}

impl NewUser {
    /// Checks the size: what is too large is not looked at further.
    pub fn check_size(&self) -> Result<(), AdminError> {
        let mut faults = list_faults(attributes::check_size, &self.standard_attributes, &self.custom_attributes);
        if self.login_ids.len() > LOGIN_IDS {
            faults.push(Fault::new("login_ids", format!("name at most {LOGIN_IDS}")));
        }
        if faults.is_empty() { Ok(()) } else { Err(AdminError::Invalid(faults)) }
    }
}

pub(super) struct UpdateRefused(pub(super) AdminError);

impl From<StoreError> for UpdateRefused {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<ActError> for UpdateRefused {
    fn from(error: ActError) -> Self {
        Self(error.into())
    }
}

impl From<PromotionError> for UpdateRefused {
    fn from(refusal: PromotionError) -> Self {
        Self(match refusal {
            PromotionError::Store(error) => error.into(),
            PromotionError::Taken => AdminError::Conflict(Clash::LoginIdTaken),
            PromotionError::AlreadyPromoted => AdminError::Conflict(Clash::AlreadyMember),
            // The last five occur only in hosted flows.
            PromotionError::UserGone
            | PromotionError::Disabled
            | PromotionError::PasskeyRefused
            | PromotionError::Outdated
            | PromotionError::MethodsChanged => AdminError::Conflict(Clash::NotActive),
        })
    }
}

/// Checks the attributes and login IDs of a new member, and reports every fault at once.
fn read_new_user(ctx: &Ctx<'_>, new: &NewUser, user: &User) -> Result<Vec<OwnedLoginId>, AdminError> {
    new.check_size()?;
    let mut faults = check_attributes(user);
    faults.extend(
        attributes::check_formats(&user.standard_attributes).map(|fault| fault_in("standard_attributes", fault)),
    );
    if new.login_ids.is_empty() {
        faults.push(Fault::new("login_ids", "name at least one: a user without a login ID can't sign in"));
    }
    let mut rows = Vec::new();
    for (index, login_id) in new.login_ids.iter().enumerate() {
        match read_login_id(ctx, &format!("login_ids[{index}]"), login_id, user.id) {
            Ok(row) => rows.push(row),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(rows) } else { Err(AdminError::Invalid(faults)) }
}

/// Creates a member. Guests are created only by their own sign-up.
pub async fn create(ctx: &Ctx<'_>, actor: &Actor, new: &NewUser) -> Result<LoadedUser, AdminError> {
    let now = ctx.now;
    let mut user = User::new_member(ctx.app.entropy.id(now), now);
    user.standard_attributes = new.standard_attributes.clone();
    user.custom_attributes = new.custom_attributes.clone();
    let rows = read_new_user(ctx, new, &user)?;
    let password_hash = match &new.password {
        Some(text) => Some(hash_password(ctx, text, &rows).await?),
        None => None,
    };
    let preview = |user: &User| LoadedUser {
        user: user.clone(),
        identities: rows.iter().filter_map(identity_of).collect(),
        authenticators: Vec::new(),
        previous_subs: Vec::new(),
    };
    let context = actor.context(&ctx.project.id, Some(user.id), now);
    let event = prepare_member(ctx, &mut user, preview, &context).await?;
    let event = actor.prepare(ctx, &event, Some(user.id));
    let no = ctx.project.no;
    let credentials: Vec<Credentials> = rows
        .into_iter()
        .enumerate()
        .map(|(index, login_id)| Credentials {
            login_id: Some(login_id),
            password_hash: password_hash.clone().filter(|_| index == 0),
            passkey: None,
            external: None,
        })
        .collect();
    let input = (user, credentials, event, Arc::clone(ctx.project));
    let created = ctx.app.store.write("admin_create_user", input, move |tx, (user, credentials, event, project)| {
        Box::pin(async move {
            users::insert(tx, no, user).await?;
            for one in credentials {
                insert_credentials(tx, no, user.id, one, now).await?;
            }
            let created = load_changed(tx, project, user.id).await?;
            event.write_answering(tx, no, now, &Achieved::UserCreated(&created)).await?;
            Ok::<_, UpdateRefused>(created)
        })
    });
    created.await.map_err(|refused| refused.0)
}

/// The login ID and password for promoting a guest.
#[derive(Clone)]
pub struct Promotion {
    pub login_id: NewLoginId,
    pub password: Option<String>,
}

/// Promotes a guest; its sessions continue.
pub async fn promote(
    ctx: &Ctx<'_>,
    actor: &Actor,
    id: UserId,
    promotion: &Promotion,
) -> Result<LoadedUser, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let guest =
        users::find(&mut *ctx.app.store.read().await?, no, id).await?.ok_or(AdminError::NotFound(Thing::User))?;
    if !guest.is_anonymous() {
        return Err(AdminError::Conflict(Clash::AlreadyMember));
    }
    let row =
        read_login_id(ctx, "login_id", &promotion.login_id, id).map_err(|fault| AdminError::Invalid(vec![fault]))?;
    let password_hash = match &promotion.password {
        Some(text) => Some(hash_password(ctx, text, std::slice::from_ref(&row)).await?),
        None => None,
    };
    let credentials = Credentials { login_id: Some(row), password_hash, passkey: None, external: None };
    let context = actor.context(&ctx.project.id, Some(id), now);
    let event = prepare_promotion(ctx, &guest, &credentials, &context).await?;
    let event = actor.prepare(ctx, &event, Some(id));
    let change = GuestPromotion { guest: id, credentials, ending: None };
    let input = (change, event, Arc::clone(ctx.project));
    let promoted = ctx.app.store.write("admin_promote", input, move |tx, (change, event, project)| {
        Box::pin(async move {
            add_first_credential(tx, no, change, now).await?;
            let promoted = load_changed(tx, project, id).await?;
            event.write_answering(tx, no, now, &Achieved::UserChanged(&promoted)).await?;
            Ok::<_, UpdateRefused>(promoted)
        })
    });
    promoted.await.map_err(|refused| refused.0)
}

/// A change of attributes; null removes a member (RFC 7396).
#[derive(Clone, Debug, Default)]
pub struct AttributeChange {
    pub standard_attributes: Map<String, Value>,
    pub custom_attributes: Map<String, Value>,
}

impl AttributeChange {
    /// Checks the size: what is too large is not looked at further.
    pub fn check_size(&self) -> Result<(), AdminError> {
        let faults = list_faults(attributes::check_change_size, &self.standard_attributes, &self.custom_attributes);
        if faults.is_empty() { Ok(()) } else { Err(AdminError::Invalid(faults)) }
    }
}

type Attributes = Map<String, Value>;

/// The problems that a check finds in each set.
fn list_faults<I: IntoIterator<Item = (String, String)>>(
    check: fn(&Attributes) -> I,
    standard: &Attributes,
    custom: &Attributes,
) -> Vec<Fault> {
    let of_set = |name, set| check(set).into_iter().map(move |fault| fault_in(name, fault));
    of_set("standard_attributes", standard).chain(of_set("custom_attributes", custom)).collect()
}

fn fault_in(set: &str, (name, message): (String, String)) -> Fault {
    Fault::new(if name.is_empty() { set.to_string() } else { format!("{set}.{name}") }, message)
}

fn check_attributes(user: &User) -> Vec<Fault> {
    let faults = attributes::check(&user.standard_attributes, &user.custom_attributes);
    faults.into_iter().map(|(path, message)| Fault::new(path, message)).collect()
}

/// Changes a user's attributes, for guests and members.
pub async fn change_attributes(
    ctx: &Ctx<'_>,
    actor: &Actor,
    id: UserId,
    change: AttributeChange,
) -> Result<LoadedUser, AdminError> {
    change.check_size()?;
    let (no, now) = (ctx.project.no, ctx.now);
    let mut user =
        users::find(&mut *ctx.app.store.read().await?, no, id).await?.ok_or(AdminError::NotFound(Thing::User))?;
    merge(&mut user, &change);
    let mut faults = check_attributes(&user);
    let formats = attributes::check_formats(&change.standard_attributes);
    faults.extend(formats.map(|fault| fault_in("standard_attributes", fault)));
    if !faults.is_empty() {
        return Err(AdminError::Invalid(faults));
    }
    user.updated_at = now;
    let event = prepare_about(ctx, actor, user, |user| Event::UserUpdated { user }).await?;
    let input = (change, event, Arc::clone(ctx.project));
    let changed = ctx.app.store.write("admin_change_attributes", input, move |tx, (change, event, project)| {
        Box::pin(write_attributes(tx, project, id, change, event, now))
    });
    changed.await.map_err(|refused: UpdateRefused| refused.0)
}

fn merge(user: &mut User, change: &AttributeChange) {
    attributes::merge(&mut user.standard_attributes, &change.standard_attributes);
    attributes::merge(&mut user.custom_attributes, &change.custom_attributes);
}

async fn write_attributes(
    tx: &mut Tx,
    project: &Project,
    id: UserId,
    change: &AttributeChange,
    event: &AuditEntry,
    now: Timestamp,
) -> Result<LoadedUser, UpdateRefused> {
    let no = project.no;
    // Lock the user first: a concurrent change waits here and then merges into this transaction's result.
    if !users::touch(tx, no, id, now).await? {
        return Err(UpdateRefused(AdminError::NotFound(Thing::User)));
    }
    let mut user = users::find(tx, no, id).await?.ok_or(UpdateRefused(AdminError::NotFound(Thing::User)))?;
    merge(&mut user, change);
    let faults = check_attributes(&user);
    if !faults.is_empty() {
        return Err(UpdateRefused(AdminError::Invalid(faults)));
    }
    users::set_attributes(tx, no, id, &user.standard_attributes, &user.custom_attributes, now).await?;
    let changed = load_changed(tx, project, id).await?;
    event.write_answering(tx, no, now, &Achieved::UserChanged(&changed)).await?;
    Ok(changed)
}

/// Loads a user in the transaction that changed it: this is the answer, whatever happens to the user later.
pub(super) async fn load_changed(tx: &mut Tx, project: &Project, id: UserId) -> Result<LoadedUser, UpdateRefused> {
    let user = users::find(tx, project.no, id).await?.ok_or(UpdateRefused(AdminError::NotFound(Thing::User)))?;
    Ok(load_whole(tx, project, user).await?)
}

/// Prepares an event about a user in its future state.
async fn prepare_about(
    ctx: &Ctx<'_>,
    actor: &Actor,
    user: User,
    event: impl FnOnce(UserModel) -> Event,
) -> Result<AuditEntry, AdminError> {
    let id = user.id;
    let loaded = LoadedUser::read(ctx.app, ctx.project, user).await?;
    let event = event(UserModel::copy(&loaded.account()));
    Ok(actor.prepare(ctx, &event, Some(id)))
}

/// Disables a user and ends its sessions, or enables it again. Repeating it is not an error and queues no event.
pub async fn set_disabled(ctx: &Ctx<'_>, actor: &Actor, id: UserId, disabled: bool) -> Result<LoadedUser, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let user =
        users::find(&mut *ctx.app.store.read().await?, no, id).await?.ok_or(AdminError::NotFound(Thing::User))?;
    if user.disabled_at.is_some() == disabled {
        return get(ctx, id).await;
    }
    let since = disabled.then_some(now);
    let user = User { disabled_at: since, updated_at: now, ..user };
    let event = prepare_about(ctx, actor, user, |user| {
        if disabled { Event::UserDisabled { user } } else { Event::UserReenabled { user } }
    });
    let ending = disabled.then(|| Ending::by_actor(ctx, actor, id, Selection::All));
    let input = (event.await?, ending, Arc::clone(ctx.project));
    let changed = ctx.app.store.write("admin_set_disabled", input, move |tx, (event, ending, project)| {
        Box::pin(async move {
            let is_changed = users::set_disabled(tx, no, id, since, now).await?;
            let user = load_changed(tx, project, id).await?;
            if is_changed {
                event.write_answering(tx, no, now, &Achieved::UserChanged(&user)).await?;
                if let Some(ending) = ending {
                    ending.write(tx).await?;
                }
            }
            Ok::<_, UpdateRefused>(user)
        })
    });
    changed.await.map_err(|refused| refused.0)
}

pub async fn delete(ctx: &Ctx<'_>, actor: &Actor, id: UserId) -> Result<(), AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let Some(user) = users::find(&mut *ctx.app.store.read().await?, no, id).await? else {
        unstored::bury(ctx, id).await?;
        return Err(AdminError::NotFound(Thing::User));
    };
    let event =
        prepare_about(ctx, actor, user, |user| Event::UserDeleted { user, reason: DeletionReason::Operator }).await?;
    let notices = LogoutNotices::of(ctx.app, ctx.project);
    let deletion = Deletion::new(ctx, id, actor.context(&ctx.project.id, Some(id), now));
    deletion.begin(ctx.app, DeletionRight::Actor(actor.permit)).await?;
    let deleted = ctx
        .app
        .store
        .write("admin_delete_user", (deletion, event, notices), move |tx, (deletion, event, notices)| {
            Box::pin(async move {
                let ended = notices.find_of_user(tx, id).await?;
                let outcome = deletion.write(tx, now).await?;
                if outcome == DeletionOutcome::Done {
                    event.write(tx, no, now).await?;
                    notices.queue(tx, &ended, now).await?;
                }
                Ok::<_, ActError>(outcome)
            })
        })
        .await?;
    match deleted {
        DeletionOutcome::Done => Ok(()),
        DeletionOutcome::Gone => Err(AdminError::NotFound(Thing::User)),
        DeletionOutcome::Waits => Err(AdminError::Conflict(Clash::MergeWaits)),
        DeletionOutcome::Unfinished => {
            Err(StoreError::Busy("many guests are merged into the user just now; delete it once more").into())
        }
    }
}
