//! The last step of a flow: everything a promotion, sign-up or sign-in changes, in one transaction.

use vestibule_domain::{
    id::{ProjectNo, SessionId, UserId},
    merge::MergeChoice,
    project::PromotionConflict,
    session::{self, Session},
    time::Timestamp,
    user::User,
};
use vestibule_store::{Tx, codes, ended, grants, sessions};

use super::{
    Flow, FlowState, FlowWrite,
    change::{CommitError, Endings, UserChange},
    consent::AwaitedConsent,
    link, merging,
    prepare::{Achievement, Browser, Prepared, prepare_change},
};
use crate::{
    account::notice::WriteNotice,
    adapters::mailer::Mail,
    authorize::{AppRedirect, CODE_LIFETIME, CompletedFlow, NewCode, answer, check_target, make_code_of},
    caller::find_session,
    consent,
    crypto::sha256,
    ctx::Ctx,
    error::Error,
    events::{self, QueuedEvent},
    known_devices::KnownAccount,
    logout_notices::LogoutNotices,
    messages::SealedMessage,
    promotion::{
        change::{PromotionError, check_source},
        source::PromotionSource,
        still_signed_in,
    },
    tokens::issue::make_session,
};

/// What becomes of the browser's session cookie.
pub enum CookieChange {
    Stays,
    Set(String),
    /// Its session has ended, and the app suppresses a new one.
    Removed,
}

/// The result of the commit.
pub enum Committed {
    /// Redirects to the app. The browser is known for the account.
    Done { redirect: AppRedirect, session_cookie: CookieChange, account: KnownAccount },
    /// The member is signed in; the flow goes on with its decision about a third-party application.
    AsksConsent { session_cookie: CookieChange, account: KnownAccount },
    /// The member was proved; the flow goes on with its decision about the guest.
    AsksMerge,
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
    /// All sessions of the member ended since it proved itself, or its login ID was removed.
    Outdated,
    /// The flow changed in another tab, or what its page showed of the member did; reload it.
    Stale,
}

/// The change to the browser's cookie session.
enum SessionChange {
    /// The app suppresses cookies.
    None,
    /// A new session, replacing the previous one.
    New { session: Box<Session>, replaces: Option<SessionId> },
    /// The same user authenticated again: its session continues.
    Refreshed(SessionId),
    /// The same user, which authenticated with its session more recently.
    Stays(SessionId),
}

/// When and how the user authenticated.
struct Authenticated {
    at: Timestamp,
    amr: String,
}

/// The input of the transaction.
struct Commit {
    flow: FlowWrite,
    user_id: UserId,
    change: UserChange,
    /// The source of a guest's promotion, and the guest.
    source: Option<(PromotionSource, UserId)>,
    session: SessionChange,
    authenticated: Authenticated,
    code: Option<NewCode>,
    event: QueuedEvent,
    /// The account at a provider that a guest's promotion connected, or the guest's merge.
    second: Option<QueuedEvent>,
    endings: Endings,
    /// The mails that inform the member of a change.
    mails: Vec<SealedMessage>,
    notices: LogoutNotices,
    now: Timestamp,
}

/// Commits a finished flow.
pub async fn commit(
    ctx: &Ctx<'_>,
    flow: &Flow,
    achievement: Achievement,
    browser: Browser,
    write_notice: WriteNotice<'_>,
) -> Result<Committed, Error> {
    check_target(ctx.project, &flow.state.request)?;
    let achievement = match achievement {
        // The operator switched merging off while the question waited.
        Achievement::Decided(_, MergeChoice::Bring)
            if ctx.project.settings.promotion_conflict() != PromotionConflict::Merge =>
        {
            return Ok(Committed::Outdated);
        }
        Achievement::Proved(proof) => match merging::find_undecided(ctx, flow, proof.user).await? {
            Some(guest) => {
                let asked = merging::ask(ctx, flow, proof, &guest).await?;
                return asked.map_or_else(refuse, |()| Ok(Committed::AsksMerge));
            }
            None => Achievement::Proved(proof),
        },
        other @ (Achievement::Joined(_) | Achievement::Connected(_) | Achievement::Decided(..)) => other,
    };
    // With the decision, not before it: a visitor who cancels connects nothing.
    let achievement = link::prepare(ctx, flow, achievement, write_notice).await?;
    if !achievement.is_of_known_provider(&ctx.project.settings) {
        return Ok(Committed::Outdated);
    }
    // A decision about the guest proves nothing anew, and neither does an answer that a provider gave before.
    let proved_at = achievement.proved_at(ctx.now);
    let Some(prepared) = prepare_change(ctx, flow, achievement, &browser).await? else {
        return Ok(Committed::UserGone);
    };
    let Prepared { user_id, change, event, second, amr, endings } = prepared;
    let request = &flow.state.request;
    let proved = Authenticated { at: proved_at, amr: amr.to_string() };
    let (session, session_cookie, authenticated) = plan_session(ctx, flow, &change, (user_id, proved), browser);
    let session_id = match &session {
        SessionChange::None => None,
        SessionChange::New { session, .. } => Some(session.id),
        SessionChange::Refreshed(id) | SessionChange::Stays(id) => Some(*id),
    };
    let is_promotion = matches!(change, UserChange::Promote(_));
    let earned = CompletedFlow {
        user_id,
        session_id,
        authenticated_at: authenticated.at,
        amr: Some(authenticated.amr.clone()),
        ends_earlier_grants: is_promotion,
        // A member's scope is not limited.
        limited_scope: None,
    };
    let is_consent_missing = consent::is_missing(ctx, request, user_id, flow.state.asks_consent).await?;
    let awaits_consent = is_consent_missing.then(|| AwaitedConsent::of(&earned, ctx.now));
    let code = if is_consent_missing {
        None
    } else {
        make_code_of(ctx.project.keys.mac.flow_code(flow.id), request, earned, ctx.now)
    };
    let redirect = answer(request, code.as_ref().map(|code| code.text.clone()));
    let source = flow.state.source.clone().zip(change.guest());
    let mails = make_mails(ctx, flow, &change, code.as_ref(), write_notice);
    let mails = mails.iter().map(|mail| SealedMessage::of_mail(ctx.app, ctx.project.no, mail)).collect();
    let begun_session = session_id.filter(|_| matches!(session, SessionChange::New { .. }));
    let completed = FlowState { begun_session, ..completed_state(flow, is_promotion, awaits_consent) };
    let flow = FlowWrite::new(flow, &completed, ctx.now);
    let notices = LogoutNotices::of(ctx.app, ctx.project);
    let now = ctx.now;
    let input = Commit {
        flow,
        user_id,
        change,
        source,
        session,
        authenticated,
        code,
        event,
        second,
        endings,
        mails,
        notices,
        now,
    };
    let no = ctx.project.no;
    let written = ctx.app.store.write("commit_flow", input, move |tx, input| Box::pin(write(tx, no, input))).await;
    let generation = match written {
        Ok(generation) => generation,
        Err(error) => return refuse(error),
    };
    if is_promotion {
        ctx.app.metrics.count_promotion();
    }
    let account = KnownAccount { id: *user_id.as_bytes(), generation };
    Ok(if is_consent_missing {
        Committed::AsksConsent { session_cookie, account }
    } else {
        Committed::Done { redirect, session_cookie, account }
    })
}

/// The answer of a finished flow once more: its browser sent the last form twice, or gave up on the first answer. `None` when the code
/// was exchanged or has expired; of a request without a code, when the cookie of the answer cannot be had again.
pub async fn answer_again(ctx: &Ctx<'_>, flow: &Flow) -> Result<Option<AppRedirect>, Error> {
    if !flow.state.request.wants_code() {
        let is_open = flow.state.finished && session_cookie_again(ctx, flow).await?.is_some();
        return Ok(is_open.then(|| answer(&flow.state.request, None)));
    }
    let text = ctx.project.keys.mac.flow_code(flow.id);
    let found = codes::find(&mut *ctx.app.store.read().await?, ctx.project.no, sha256(text.as_bytes())).await?;
    let is_open = flow.state.finished && found.is_some_and(|(_, expires_at)| ctx.now <= expires_at);
    Ok(is_open.then(|| answer(&flow.state.request, Some(text))))
}

/// The session cookie of the last step once more, for the browser of the flow if it has no session: as long as a code would
/// live, and while the session does.
pub async fn session_cookie_again(ctx: &Ctx<'_>, flow: &Flow) -> Result<Option<String>, Error> {
    let Some(id) = flow.state.begun_session else { return Ok(None) };
    let cookie = format!("{id}.{}", ctx.project.keys.mac.flow_session(flow.id));
    let found = find_session::<User>(&mut *ctx.app.store.read().await?, ctx.project, &cookie, ctx.now).await?;
    let is_recent = |session: &Session| ctx.now <= session.created_at.plus(CODE_LIFETIME);
    Ok(found.filter(|(session, _)| is_recent(session)).map(|_| cookie))
}

/// The result of a transaction that was rolled back.
fn refuse(error: CommitError) -> Result<Committed, Error> {
    match error {
        CommitError::User(error) => match error {
            PromotionError::Store(error) => Err(error.into()),
            PromotionError::Taken => Ok(Committed::Taken),
            PromotionError::AlreadyPromoted => Ok(Committed::AlreadyPromoted),
            PromotionError::UserGone => Ok(Committed::UserGone),
            PromotionError::Disabled => Ok(Committed::Disabled),
            PromotionError::PasskeyRefused => Ok(Committed::PasskeyRefused),
            PromotionError::Outdated => Ok(Committed::Outdated),
            PromotionError::MethodsChanged => Ok(Committed::Stale),
        },
        CommitError::Stale => Ok(Committed::Stale),
        CommitError::HintUsed => Err(Error::HintUsed),
    }
}

/// The mails that inform the member of a change.
fn make_mails(
    ctx: &Ctx<'_>,
    flow: &Flow,
    change: &UserChange,
    code: Option<&NewCode>,
    write_notice: WriteNotice<'_>,
) -> Vec<Mail> {
    match change {
        UserChange::Login(proof) | UserChange::Yield(_, proof) | UserChange::Merge(_, proof) => proof.mails.clone(),
        UserChange::Promote(promotion) if flow.state.from_elsewhere => {
            let code = code.map(|code| code.hash);
            still_signed_in::make_mail(ctx, promotion, code, write_notice).into_iter().collect()
        }
        UserChange::Promote(_) | UserChange::SignUp(..) => Vec::new(),
    }
}

/// The state of a flow that is kept to answer a repeated request, and for the decision about a third-party application;
/// without secrets.
fn completed_state(flow: &Flow, promoted: bool, awaits_consent: Option<AwaitedConsent>) -> FlowState {
    let mut state = flow.state.clone();
    state.finished = awaits_consent.is_none();
    state.awaits_consent = awaits_consent;
    state.promoted = promoted;
    state.attempt = None;
    state.external = None;
    state.kept = None;
    state.linking = None;
    state.offered_user = None;
    state.awaits_merge = None;
    if let Some(pending) = &mut state.pending {
        pending.password_hash = None;
    }
    state
}

fn plan_session(
    ctx: &Ctx<'_>,
    flow: &Flow,
    change: &UserChange,
    (user_id, proved): (UserId, Authenticated),
    browser: Browser,
) -> (SessionChange, CookieChange, Authenticated) {
    if flow.state.request.suppress_session {
        // The session of a guest that is promoted or given up ends with the change.
        let has_ended = browser.session.is_some_and(|session| change.guest() == Some(session.user_id));
        let cookie = if has_ended { CookieChange::Removed } else { CookieChange::Stays };
        return (SessionChange::None, cookie, proved);
    }
    // The session of a guest, or of the guest that the member was, is replaced even when its user stays: it gains rights, and
    // its cookie may have been copied, so it gets a new secret.
    let stays = |session: &Session| match change {
        UserChange::Login(proof) => proof.recovery.is_none() && session.is_of_member(),
        UserChange::Promote(..) | UserChange::SignUp(..) | UserChange::Yield(..) | UserChange::Merge(..) => false,
    };
    let own = browser.session.as_ref().filter(|session| session.user_id == user_id && stays(session));
    if let Some(own) = own {
        // What a provider says about last week takes nothing from what the user proved a minute ago.
        let new = session::proved_at(proved.at, Some(&proved.amr));
        return match own.proved_at().zip(own.amr.clone()) {
            Some((at, amr)) if new.is_none_or(|new| new < at) => {
                (SessionChange::Stays(own.id), CookieChange::Stays, Authenticated { at, amr })
            }
            Some(_) | None => (SessionChange::Refreshed(own.id), CookieChange::Stays, proved),
        };
    }
    let amr = Some(proved.amr.clone());
    let (session, _) = make_session(ctx.app, user_id, proved.at, amr, browser.device, ctx.now);
    let secret = ctx.project.keys.mac.flow_session(flow.id);
    let cookie = format!("{}.{secret}", session.id);
    let session = Session { secret_hash: sha256(secret.as_bytes()), ..session };
    let replaces = browser.session.map(|session| session.id);
    (SessionChange::New { session: Box::new(session), replaces }, CookieChange::Set(cookie), proved)
}

async fn write(tx: &mut Tx, no: ProjectNo, input: &Commit) -> Result<i64, CommitError> {
    input.flow.put(tx, no).await?;
    if let Some((source, guest)) = &input.source {
        check_source(tx, no, source, *guest).await?;
    }
    let generation = input.change.apply(tx, no, &input.endings, input.now).await?;
    match &input.session {
        SessionChange::None | SessionChange::Stays(_) => {}
        SessionChange::Refreshed(id) => {
            let Authenticated { at, amr } = &input.authenticated;
            sessions::set_authenticated(tx, no, *id, *at, Some(amr)).await?;
        }
        SessionChange::New { session, replaces } => {
            sessions::insert(tx, no, session).await?;
            if let Some(old) = replaces {
                // The user's grants in other applications (single sign-on) move to the new session.
                grants::move_to_session(tx, no, input.user_id, *old, session.id).await?;
                // Those that stay behind are another user's.
                let noticed = input.notices.find_of_session(tx, *old).await?;
                ended::note_left_of_session(tx, no, *old, input.now).await?;
                sessions::remove(tx, no, *old).await?;
                if !noticed.is_empty() {
                    // They do not work without their session; removed, so that one notice of their end is sent.
                    grants::remove_of_session(tx, no, *old).await?;
                    input.notices.queue(tx, &noticed, input.now).await?;
                }
            }
        }
    }
    if let Some(code) = &input.code {
        codes::insert(tx, no, code.hash, &code.payload, code.expires_at).await?;
    }
    for mail in &input.mails {
        mail.push(tx, no, input.now).await?;
    }
    events::queue(tx, no, input.user_id, &input.event, input.now).await?;
    if let Some(event) = &input.second {
        events::queue(tx, no, input.user_id, event, input.now).await?;
    }
    Ok(generation)
}
