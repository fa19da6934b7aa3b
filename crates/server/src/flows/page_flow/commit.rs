//! The last step of a flow: everything a promotion, sign-up or sign-in changes, in one transaction.

use vestibule_domain::{
    event::{Context, Event, IdentityModel, RevocationReason, SessionModel, TriggeredBy, UserModel},
    id::{ProjectNo, SessionId, UserId},
    identity::UserAccount,
    project::{LimitName, PromotionConflict},
    promotion::check_promotable,
    session::Session,
    time::Timestamp,
    user::User,
};
use vestibule_store::{Tx, codes, grants, sessions, users};

use super::{
    Flow, FlowPurpose, FlowWrite,
    change::{CommitError, Endings, UserChange},
    completion::{credentials_of, preview},
    has_guest_left,
    sign_in::{LoginProof, amr_of_code},
};
use crate::{
    app::App,
    events::{self, QueuedEvent},
    flows::{
        Error,
        account::LoadedUser,
        authorize::{AppRedirect, CompletedFlow, NewCode, answer, make_code},
        ctx::Ctx,
        hooks,
        issue::make_session,
        promotion::{
            change::{Credentials, check_source},
            source::PromotionSource,
        },
        rates,
        sessions::{Ending, Selection},
    },
    messages::SealedMessage,
    passkeys::NewPasskey,
};

/// What the user has proved or entered.
pub(crate) enum Achievement {
    /// All that a new member needs: the pending login ID, a passkey, or both.
    Joined(Option<NewPasskey>),
    /// A member's authentication.
    Proved(Box<LoginProof>),
}

/// The result of the commit.
pub(crate) enum Committed {
    /// Redirects to the app, with a session cookie unless the app suppresses it.
    Done { redirect: AppRedirect, session_cookie: Option<String> },
    /// The login ID belongs to another user; nothing changed.
    Taken,
    /// The guest was promoted already, in another flow; nothing changed.
    AlreadyPromoted,
    /// The user was deleted or given up; or the guest signed out meanwhile.
    UserGone,
    /// The member is disabled.
    Disabled,
    /// The passkey is registered already, or may have been copied.
    PasskeyRefused,
    /// The flow changed in another tab; reload it.
    Stale,
}

/// The state of the browser for a commit.
pub(crate) struct Browser {
    pub(crate) session: Option<Session>,
    /// The device's display name.
    pub(crate) device: Option<String>,
}

/// The change to the browser's cookie session.
enum SessionChange {
    /// The app suppresses cookies.
    None,
    /// A new session, replacing the previous one.
    New { session: Box<Session>, replaces: Option<SessionId> },
    /// The same user authenticated again: its session continues.
    Refreshed(SessionId),
}

/// The input of the transaction.
struct Commit {
    flow: FlowWrite,
    user_id: UserId,
    change: UserChange,
    /// The source of a guest's promotion, and the guest.
    source: Option<(PromotionSource, UserId)>,
    session: SessionChange,
    amr: &'static str,
    code: Option<NewCode>,
    event: QueuedEvent,
    endings: Endings,
    /// The mail that informs the member of a change.
    mail: Option<SealedMessage>,
    now: Timestamp,
}

/// Commits a finished flow.
pub(crate) async fn commit(
    ctx: &Ctx<'_>,
    flow: &Flow,
    achievement: Achievement,
    browser: Browser,
) -> Result<Committed, Error> {
    let Some(prepared) = prepare(ctx, flow, achievement, &browser).await? else {
        return Ok(Committed::UserGone);
    };
    let Prepared { user_id, change, event, amr, endings } = prepared;
    let request = &flow.state.request;
    let (session, session_cookie) = plan_session(ctx.app, flow, &change, (user_id, amr), browser, ctx.now);
    let session_id = match &session {
        SessionChange::None => None,
        SessionChange::New { session, .. } => Some(session.id),
        SessionChange::Refreshed(id) => Some(*id),
    };
    let is_promotion = matches!(change, UserChange::Promote(..));
    let earned = CompletedFlow {
        user_id,
        session_id,
        authenticated_at: ctx.now,
        amr: Some(amr.to_string()),
        ends_earlier_grants: is_promotion,
        // A member's scope is not limited.
        limited_scope: None,
    };
    let code = make_code(ctx.app, request, earned, ctx.now);
    let redirect = answer(request, code.as_ref().map(|code| code.text.clone()));
    let guest = match &change {
        UserChange::Promote(guest, _) | UserChange::Yield(guest, _) => Some(*guest),
        UserChange::SignUp(..) | UserChange::Login(_) => None,
    };
    let source = flow.state.source.clone().zip(guest);
    let mut state = flow.state.clone();
    state.finished = true;
    state.promoted = is_promotion;
    state.attempt = None;
    if let Some(pending) = &mut state.pending {
        pending.password_hash = None;
    }
    let flow = FlowWrite::new(flow, &state, ctx.now);
    let mail = change.mail().map(|mail| SealedMessage::of_mail(ctx.app, ctx.project.no, mail));
    let input = Commit { flow, user_id, change, source, session, amr, code, event, endings, mail, now: ctx.now };
    let no = ctx.project.no;
    match ctx.app.store.write("commit_flow", input, move |tx, input| Box::pin(write(tx, no, input))).await {
        Ok(()) => {
            if is_promotion {
                ctx.app.metrics.count_promotion();
            }
            Ok(Committed::Done { redirect, session_cookie })
        }
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(CommitError::Taken) => Ok(Committed::Taken),
        Err(CommitError::AlreadyPromoted) => Ok(Committed::AlreadyPromoted),
        Err(CommitError::UserGone) => Ok(Committed::UserGone),
        Err(CommitError::Disabled) => Ok(Committed::Disabled),
        Err(CommitError::PasskeyRefused) => Ok(Committed::PasskeyRefused),
        Err(CommitError::Stale) => Ok(Committed::Stale),
        Err(CommitError::HintUsed) => Err(Error::HintUsed),
    }
}

fn plan_session(
    app: &App,
    flow: &Flow,
    change: &UserChange,
    (user_id, amr): (UserId, &str),
    browser: Browser,
    now: Timestamp,
) -> (SessionChange, Option<String>) {
    if flow.state.request.suppress_session {
        return (SessionChange::None, None);
    }
    // A guest's session is replaced even when its user stays: it gains rights, so it gets a new secret.
    let stays = match change {
        UserChange::Login(proof) => !proof.recovered,
        UserChange::Promote(..) | UserChange::SignUp(..) | UserChange::Yield(..) => false,
    };
    let own = browser.session.as_ref().filter(|session| stays && session.user_id == user_id);
    if let Some(own) = own {
        return (SessionChange::Refreshed(own.id), None);
    }
    let (session, cookie) = make_session(app, user_id, now, Some(amr.to_string()), browser.device, now);
    let replaces = browser.session.map(|session| session.id);
    (SessionChange::New { session: Box::new(session), replaces }, Some(cookie))
}

struct Prepared {
    user_id: UserId,
    change: UserChange,
    event: QueuedEvent,
    amr: &'static str,
    endings: Endings,
}

async fn prepare(
    ctx: &Ctx<'_>,
    flow: &Flow,
    achievement: Achievement,
    browser: &Browser,
) -> Result<Option<Prepared>, Error> {
    let has_left = has_guest_left(ctx, flow).await?;
    match achievement {
        Achievement::Proved(proof) => prepare_login(ctx, flow, (proof, has_left), browser).await,
        Achievement::Joined(_) if has_left => Ok(None),
        Achievement::Joined(passkey) => {
            let amr = amr_of_joining(flow, passkey.as_ref());
            let user_id = flow.future_user();
            let Some(credentials) = credentials_of(ctx.app, flow, user_id, passkey, ctx.now) else { return Ok(None) };
            if flow.state.guest().is_some() {
                // Not charged to the sign-up limit: the guest was charged when it signed up.
                prepare_promotion(ctx, flow, (user_id, credentials, amr)).await
            } else {
                rates::charge_ip(ctx, LimitName::SignupPerIp)?;
                let mut user = User::new_member(user_id, ctx.now);
                let loaded = preview(ctx.project, user.clone(), &credentials);
                let pre_create = Event::UserPreCreate {
                    user: UserModel::copy(&loaded.account()),
                    identities: IdentityModel::copy_all(&loaded.account()),
                };
                hooks::request_decision(ctx, &pre_create, &describe(ctx, flow, user_id)).await?.apply(&mut user);
                let loaded = preview(ctx.project, user.clone(), &credentials);
                let event = Event::UserCreated {
                    user: UserModel::copy(&loaded.account()),
                    identities: IdentityModel::copy_all(&loaded.account()),
                };
                let event = prepare_event(ctx, flow, &event, user_id);
                let change = UserChange::SignUp(Box::new(user), credentials);
                Ok(Some(Prepared { user_id, change, event, amr, endings: Endings::default() }))
            }
        }
    }
}

fn amr_of_joining(flow: &Flow, passkey: Option<&NewPasskey>) -> &'static str {
    match &flow.state.pending {
        _ if passkey.is_some() => "pop user",
        Some(pending) if pending.password_hash.is_none() => amr_of_code(pending.login_id.kind),
        Some(_) | None => "pwd",
    }
}

async fn prepare_promotion(
    ctx: &Ctx<'_>,
    flow: &Flow,
    (guest, credentials, amr): (UserId, Credentials, &'static str),
) -> Result<Option<Prepared>, Error> {
    let guest = users::find(&mut *ctx.app.store.read().await?, ctx.project.no, guest).await?;
    let Some(guest) = guest else { return Ok(None) };
    let member = User { anonymous_since: None, promoted_at: Some(ctx.now), updated_at: ctx.now, ..guest.clone() };
    let loaded = preview(ctx.project, member, &credentials);
    let pre_create = Event::UserAnonymousPrePromote {
        anonymous_user: UserModel::copy(&UserAccount::of_guest(&guest)),
        identities: IdentityModel::copy_all(&loaded.account()),
    };
    hooks::request_decision(ctx, &pre_create, &describe(ctx, flow, guest.id)).await?;
    let event = Event::UserAnonymousPromoted {
        anonymous_user: UserModel::copy(&UserAccount::of_guest(&guest)),
        user: UserModel::copy(&loaded.account()),
        identities: IdentityModel::copy_all(&loaded.account()),
    };
    let event = prepare_event(ctx, flow, &event, guest.id);
    let change = UserChange::Promote(guest.id, credentials);
    Ok(Some(Prepared { user_id: guest.id, change, event, amr, endings: Endings::default() }))
}

async fn prepare_login(
    ctx: &Ctx<'_>,
    flow: &Flow,
    (proof, has_guest_left): (Box<LoginProof>, bool),
    browser: &Browser,
) -> Result<Option<Prepared>, Error> {
    // A member may always sign in; the policy decides whether the guest is given up.
    let yields = ctx.project.settings.promotion_conflict() == PromotionConflict::Login;
    let guest = match flow.state.purpose {
        FlowPurpose::Promote { .. } | FlowPurpose::SignUp | FlowPurpose::Login if !yields => None,
        FlowPurpose::Promote { .. } if has_guest_left => return Ok(None),
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
        FlowPurpose::SignUp | FlowPurpose::Login => check_promotable(guest).is_ok(),
    });
    let mut endings = Endings::default();
    if proof.recovered {
        let cause = (RevocationReason::PasswordChange, TriggeredBy::User);
        endings.member = Some(Ending::new(ctx, user_id, Selection::All, cause));
    }
    if let Some(guest) = guest {
        let event = Event::UserAnonymousPromoted {
            anonymous_user: UserModel::copy(&UserAccount::of_guest(&guest)),
            user: UserModel::copy(&loaded.account()),
            identities: IdentityModel::copy_all(&loaded.account()),
        };
        let event = prepare_event(ctx, flow, &event, user_id);
        let cause = (RevocationReason::Promotion, TriggeredBy::User);
        endings.guest = Some(Ending::new(ctx, guest.id, Selection::All, cause));
        return Ok(Some(Prepared { user_id, change: UserChange::Yield(guest.id, proof), event, amr, endings }));
    }
    let session = SessionModel {
        id: flow.id.to_string(),
        is_cookie: true,
        client_id: Some(flow.state.request.client_id.clone()),
        created_at: ctx.now,
        last_accessed_at: ctx.now,
        display_name: browser.device.clone(),
    };
    let event = Event::UserAuthenticated { user: UserModel::copy(&loaded.account()), session };
    let event = prepare_event(ctx, flow, &event, user_id);
    Ok(Some(Prepared { user_id, change: UserChange::Login(proof), event, amr, endings }))
}

fn prepare_event(ctx: &Ctx<'_>, flow: &Flow, event: &Event, user: UserId) -> QueuedEvent {
    events::prepare_in(&ctx.app.entropy, event, &describe(ctx, flow, user))
}

fn describe(ctx: &Ctx<'_>, flow: &Flow, user: UserId) -> Context {
    let request = &flow.state.request;
    let origin = events::EventOrigin {
        client_id: Some(&request.client_id),
        state: request.state.as_deref(),
        x_state: request.x_state.as_deref(),
    };
    events::describe(ctx, user, &origin)
}

async fn write(tx: &mut Tx, no: ProjectNo, input: &Commit) -> Result<(), CommitError> {
    input.flow.put(tx, no).await?;
    if let Some((source, guest)) = &input.source {
        check_source(tx, no, source, *guest).await?;
    }
    input.change.apply(tx, no, &input.endings, input.now).await?;
    match &input.session {
        SessionChange::None => {}
        SessionChange::Refreshed(id) => {
            sessions::set_authenticated(tx, no, *id, input.now, Some(input.amr)).await?;
        }
        SessionChange::New { session, replaces } => {
            sessions::insert(tx, no, session).await?;
            if let Some(old) = replaces {
                // The user's grants in other applications (single sign-on) move to the new session.
                grants::move_to_session(tx, no, input.user_id, *old, session.id).await?;
                sessions::remove(tx, no, *old).await?;
            }
        }
    }
    if let Some(code) = &input.code {
        codes::insert(tx, no, code.hash, &code.payload, code.expires_at).await?;
    }
    if let Some(mail) = &input.mail {
        mail.push(tx, no, input.now).await?;
    }
    events::queue(tx, no, input.user_id, &input.event, input.now).await?;
    Ok(())
}
