//! Prepares what a finished flow changes: a promotion, a sign-up or a sign-in, with its event. Writes nothing.

use vestibule_domain::{
    event::{Event, IdentityModel, RevocationReason, SessionModel, TriggeredBy, UserModel},
    id::{IdentityId, UserId},
    identity::{OwnedLoginId, UserAccount},
    merge::MergeChoice,
    project::{LimitName, ProjectSettings, PromotionConflict},
    promotion::check_promotable,
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_store::{passkeys::PasskeyRow, users};

use super::{
    Flow, FlowPurpose, PendingLoginId,
    change::{Endings, UserChange},
    external::NewConnection,
    sign_in::{LoginProof, amr_of_code},
};
use crate::{
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin, QueuedEvent},
    identities::LoadedUser,
    limits::rates,
    passkeys::NewPasskey,
    promotion::{
        change::{Credentials, GuestPromotion},
        ending::PromotionEnding,
        merge::GuestMerge,
        prepare::{prepare_member, prepare_promotion, preview},
    },
    sessions::{Ending, Selection},
    state::App,
};

/// What the user has proved or entered.
pub enum Achievement {
    /// All that a new member needs: the pending login ID, a passkey, or both.
    Joined(Option<NewPasskey>),
    /// An account at a provider that belongs to no user yet.
    Connected(Box<NewConnection>),
    /// A member's authentication.
    Proved(Box<LoginProof>),
    /// The same, and what the member decided about the guest.
    Decided(Box<LoginProof>, MergeChoice),
}

impl Achievement {
    /// When the user authenticated.
    pub(crate) fn proved_at(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::Joined(_) => now,
            Self::Connected(connection) => connection.dated.at,
            Self::Proved(proof) | Self::Decided(proof, _) => proof.proved_at.unwrap_or(now),
        }
    }

    /// The key of the provider whose word it rests on.
    fn provider(&self) -> Option<&str> {
        match self {
            Self::Joined(_) => None,
            Self::Connected(connection) => Some(&connection.user.provider),
            Self::Proved(proof) | Self::Decided(proof, _) => proof.basis.provider(),
        }
    }

    /// Whether the provider whose word it rests on is still one of the project: it may have been removed since it gave it.
    pub(super) fn is_of_known_provider(&self, settings: &ProjectSettings) -> bool {
        self.provider().is_none_or(|key| settings.provider_of_account(key).is_some())
    }
}

/// The state of the browser for a commit.
pub struct Browser {
    pub session: Option<Session>,
    /// The device's display name.
    pub device: Option<String>,
    /// The grant that the application gets without a page, in its event form.
    pub grant: Option<SessionModel>,
}

/// A change that is ready to be written.
pub struct Prepared {
    pub user_id: UserId,
    pub change: UserChange,
    pub event: QueuedEvent,
    /// The account at a provider that a guest's promotion connects, or the guest's merge.
    pub second: Option<QueuedEvent>,
    pub amr: &'static str,
    pub endings: Endings,
}

/// Prepares what a finished flow changes; `None` when its user is gone.
pub(crate) async fn prepare_change(
    ctx: &Ctx<'_>,
    flow: &Flow,
    achievement: Achievement,
    browser: &Browser,
) -> Result<Option<Prepared>, Error> {
    let has_left = has_guest_left(ctx, flow).await?;
    match achievement {
        Achievement::Proved(proof) => prepare_login(ctx, flow, (proof, None, has_left), browser).await,
        Achievement::Decided(proof, choice) => prepare_login(ctx, flow, (proof, Some(choice), has_left), browser).await,
        Achievement::Joined(_) | Achievement::Connected(_) if has_left => Ok(None),
        Achievement::Connected(connection) => {
            let user_id = flow.future_user();
            let amr = connection.dated.amr;
            let credentials = (*connection).credentials(ctx, user_id);
            prepare_joining(ctx, flow, (user_id, credentials, amr), browser).await
        }
        Achievement::Joined(passkey) => {
            let amr = amr_of_joining(flow, passkey.as_ref());
            let user_id = flow.future_user();
            let Some(credentials) = credentials_of(ctx.app, flow, user_id, passkey, ctx.now) else { return Ok(None) };
            prepare_joining(ctx, flow, (user_id, credentials, amr), browser).await
        }
    }
}

async fn prepare_joining(
    ctx: &Ctx<'_>,
    flow: &Flow,
    joining: (UserId, Credentials, &'static str),
    browser: &Browser,
) -> Result<Option<Prepared>, Error> {
    // A promotion is not charged to the sign-up limit: the guest was charged when it signed up.
    if flow.state.guest().is_some() {
        prepare_guest(ctx, flow, joining, browser).await
    } else {
        prepare_sign_up(ctx, flow, joining).await
    }
}

fn amr_of_joining(flow: &Flow, passkey: Option<&NewPasskey>) -> &'static str {
    match &flow.state.pending {
        _ if passkey.is_some() => "pop user",
        Some(pending) if pending.password_hash.is_none() => amr_of_code(pending.login_id.kind),
        Some(_) | None => "pwd",
    }
}

async fn prepare_guest(
    ctx: &Ctx<'_>,
    flow: &Flow,
    (guest, credentials, amr): (UserId, Credentials, &'static str),
    browser: &Browser,
) -> Result<Option<Prepared>, Error> {
    let guest = users::find(&mut *ctx.app.store.read().await?, ctx.project.no, guest).await?;
    let Some(guest) = guest else { return Ok(None) };
    let context = events::describe(ctx, guest.id, &origin_of(flow));
    let event = prepare_promotion(ctx, &guest, &credentials, &context).await?;
    let event = events::prepare_about(ctx, &event, &context);
    let connected = report_connection(ctx, &guest, &credentials);
    let connected = connected.map(|event| events::prepare_about(ctx, &event, &context));
    let held = browser.session.as_ref().filter(|session| session.user_id == guest.id).map(|session| session.id);
    let request = &flow.state.request;
    let receiver = request.wants_code().then(|| request.client_id.clone());
    let ending = Some(PromotionEnding::prepare(ctx, &guest, (held, !request.suppress_session), receiver).await?);
    let change = UserChange::Promote(Box::new(GuestPromotion { guest: guest.id, credentials, ending }));
    Ok(Some(Prepared { user_id: guest.id, change, event, second: connected, amr, endings: Endings::default() }))
}

async fn prepare_sign_up(
    ctx: &Ctx<'_>,
    flow: &Flow,
    (user_id, credentials, amr): (UserId, Credentials, &'static str),
) -> Result<Option<Prepared>, Error> {
    rates::charge_ip(ctx, LimitName::SignupPerIp)?;
    let mut user = credentials.complete(User::new_member(user_id, ctx.now));
    let context = events::describe(ctx, user_id, &origin_of(flow));
    let preview = |user: &User| preview(ctx.project, user.clone(), &credentials);
    let event = prepare_member(ctx, &mut user, preview, &context).await?;
    let event = events::prepare_about(ctx, &event, &context);
    let change = UserChange::SignUp(Box::new(user), Box::new(credentials));
    Ok(Some(Prepared { user_id, change, event, second: None, amr, endings: Endings::default() }))
}

/// The event about the account at a provider that a guest's promotion connects.
fn report_connection(ctx: &Ctx<'_>, guest: &User, credentials: &Credentials) -> Option<Event> {
    let account = &credentials.external.as_ref()?.account;
    let member = User { anonymous_since: None, promoted_at: Some(ctx.now), updated_at: ctx.now, ..guest.clone() };
    let loaded = preview(ctx.project, member, credentials);
    let identity = IdentityModel::copy(guest.id, &account.identity(&ctx.project.settings));
    Some(Event::ExternalAccountConnected { user: UserModel::copy(&loaded.account()), identity })
}

async fn prepare_login(
    ctx: &Ctx<'_>,
    flow: &Flow,
    (proof, choice, has_guest_left): (Box<LoginProof>, Option<MergeChoice>, bool),
    browser: &Browser,
) -> Result<Option<Prepared>, Error> {
    // A member may always sign in; the member or the policy decides whether the guest ends.
    let (brings, ends_guest) = match choice {
        Some(MergeChoice::Bring) => (true, true),
        Some(MergeChoice::Leave) => (false, false),
        None => (false, ctx.project.settings.promotion_conflict() == PromotionConflict::Login),
    };
    let guest = match flow.state.purpose {
        FlowPurpose::Promote { .. } | FlowPurpose::SignUp | FlowPurpose::Login if !ends_guest => None,
        FlowPurpose::Promote { .. } if has_guest_left => return Ok(None),
        FlowPurpose::SignUp | FlowPurpose::Login if has_guest_left && brings => return Ok(None),
        FlowPurpose::SignUp | FlowPurpose::Login if has_guest_left => None,
        FlowPurpose::Promote { .. } | FlowPurpose::SignUp | FlowPurpose::Login => flow.state.guest(),
    };
    let mut conn = ctx.app.store.read().await?;
    let Some(member) = users::find(&mut conn, ctx.project.no, proof.user).await? else { return Ok(None) };
    if !member.is_active() {
        return Err(Error::UserDisabled);
    }
    let guest = match guest.filter(|guest| *guest != member.id) {
        Some(guest) => users::find(&mut conn, ctx.project.no, guest).await?,
        None => None,
    };
    let loaded = LoadedUser::load(&mut conn, ctx.project, member).await?;
    drop(conn);
    let (user_id, amr) = (proof.user, proof.amr);
    let guest = guest.filter(|guest| match flow.state.purpose {
        // Whether it may be given up is decided in the transaction; a promotion must not silently become a plain sign-in.
        FlowPurpose::Promote { .. } => true,
        FlowPurpose::SignUp | FlowPurpose::Login if brings => true,
        FlowPurpose::SignUp | FlowPurpose::Login => check_promotable(guest).is_ok(),
    });
    let mut endings = Endings::default();
    if proof.recovery.is_some() {
        let cause = (RevocationReason::PasswordChange, TriggeredBy::User);
        endings.member = Some(Ending::new(ctx, user_id, Selection::All, cause));
    }
    if let Some(guest) = guest {
        return prepare_end(ctx, flow, (&guest, &loaded), (proof, brings), endings, browser).await.map(Some);
    }
    if brings {
        return Ok(None);
    }
    let event = describe_sign_in(ctx, flow, &loaded, browser);
    let event = events::prepare(ctx, &event, user_id, &origin_of(flow));
    Ok(Some(Prepared { user_id, change: UserChange::Login(proof), event, second: None, amr, endings }))
}

/// The end of a guest for the member that its visitor proved: the guest is given up, or merged.
async fn prepare_end(
    ctx: &Ctx<'_>,
    flow: &Flow,
    (guest, member): (&User, &LoadedUser),
    (proof, brings): (Box<LoginProof>, bool),
    mut endings: Endings,
    browser: &Browser,
) -> Result<Prepared, Error> {
    let (user_id, amr) = (proof.user, proof.amr);
    let event = Event::UserAnonymousPromoted {
        anonymous_user: UserModel::copy(&UserAccount::of_guest(guest)),
        user: UserModel::copy(&member.account()),
        identities: IdentityModel::copy_all(&member.account()),
    };
    let cause = (RevocationReason::Promotion, TriggeredBy::User);
    let ending = Ending::new(ctx, guest.id, Selection::All, cause);
    let origin = origin_of(flow);
    if brings {
        let merge = GuestMerge::plan(ctx, guest.id, ending, Some(flow.state.request.client_id.clone())).await?;
        let second = Some(events::prepare(ctx, &merge.describe(ctx.project, guest, member), user_id, &origin));
        // While the merge waits, its guest is not given up for good.
        let event = if merge.answer_by.is_some() { describe_sign_in(ctx, flow, member, browser) } else { event };
        let event = events::prepare(ctx, &event, user_id, &origin);
        return Ok(Prepared {
            user_id,
            change: UserChange::Merge(Box::new(merge), proof),
            event,
            second,
            amr,
            endings,
        });
    }
    let event = events::prepare(ctx, &event, user_id, &origin);
    endings.guest = Some(ending);
    Ok(Prepared { user_id, change: UserChange::Yield(guest.id, proof), event, second: None, amr, endings })
}

/// The event of a member's sign-in.
fn describe_sign_in(ctx: &Ctx<'_>, flow: &Flow, member: &LoadedUser, browser: &Browser) -> Event {
    let cookie_session = || SessionModel {
        id: flow.id.to_string(),
        is_cookie: true,
        client_id: Some(flow.state.request.client_id.clone()),
        created_at: ctx.now,
        last_accessed_at: ctx.now,
        display_name: browser.device.clone(),
    };
    let session = browser.grant.clone().unwrap_or_else(cookie_session);
    Event::UserAuthenticated { user: UserModel::copy(&member.account()), session }
}

/// What the application sent with the flow's first request.
pub fn origin_of(flow: &Flow) -> EventOrigin<'_> {
    let request = &flow.state.request;
    EventOrigin {
        client_id: Some(&request.client_id),
        state: request.state.as_deref(),
        x_state: request.x_state.as_deref(),
    }
}

/// The new member's credentials; `None` when there is no identity among them.
fn credentials_of(
    app: &App,
    flow: &Flow,
    user_id: UserId,
    passkey: Option<NewPasskey>,
    now: Timestamp,
) -> Option<Credentials> {
    let passkey = passkey.map(|passkey| {
        let id: IdentityId = app.entropy.id(now);
        make_passkey(id, user_id, passkey, now)
    });
    let pending = flow.state.pending.as_ref().filter(|pending| pending.is_settled());
    let login_id = pending.map(|pending| {
        let id: IdentityId = app.entropy.id(now);
        make_login_id(id, user_id, pending, now)
    });
    if login_id.is_none() && passkey.is_none() {
        return None;
    }
    let password_hash = pending.and_then(|pending| pending.password_hash.clone());
    Some(Credentials { login_id, password_hash, passkey, external: None })
}

fn make_login_id(id: IdentityId, user_id: UserId, pending: &PendingLoginId, now: Timestamp) -> OwnedLoginId {
    OwnedLoginId {
        id,
        user_id,
        kind: pending.login_id.kind.as_str().to_string(),
        value: pending.login_id.value.clone(),
        original: pending.login_id.original.clone(),
        verified_at: pending.proved_at,
        created_at: now,
        updated_at: now,
    }
}

fn make_passkey(id: IdentityId, owner: UserId, passkey: NewPasskey, now: Timestamp) -> PasskeyRow {
    PasskeyRow {
        credential_id: passkey.credential_id,
        id,
        owner,
        public_key: passkey.public_key,
        sign_count: i64::from(passkey.sign_count),
        name: None,
        created_at: now,
        last_used_at: None,
        backup_eligible: Some(passkey.backup_eligible),
    }
}

/// Whether the guest signed out since it requested the promotion, or its source was revoked or has expired.
pub(crate) async fn has_guest_left(ctx: &Ctx<'_>, flow: &Flow) -> Result<bool, Error> {
    let (Some(source), Some(guest)) = (&flow.state.source, flow.state.guest()) else { return Ok(false) };
    let mut conn = ctx.app.store.read().await?;
    if source.is_live(&mut conn, ctx.project, guest, ctx.now).await? {
        return Ok(false);
    }
    // A guest that was promoted elsewhere gets that message instead.
    Ok(users::find(&mut conn, ctx.project.no, guest).await?.is_some_and(|guest| guest.is_anonymous()))
}
