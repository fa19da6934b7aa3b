//! The last step of a third-party application's flow: the member agrees or refuses, once.

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    consent::Consent,
    event::Event,
    id::{ProjectNo, SessionId, UserId},
    time::Timestamp,
    user::User,
};
use vestibule_store::{StoreError, Tx, codes, consents, users};

use super::{
    Flow, keep,
    prepare::origin_of,
    write::{FlowWrite, NotWritten},
};
use crate::{
    authorize::{AppRedirect, CompletedFlow, NewCode, answer, cancel_redirect, check_target, make_code},
    caller::SessionCaller,
    consent::{ConsentNeed, is_third_party, judge},
    ctx::Ctx,
    error::Error,
    events::{self, QueuedEvent},
    limits::rates,
    sessions::lock_signed_in_by,
};

/// The member whose decision a flow waits for, and what its code will say of the sign-in.
#[derive(Clone, Serialize, Deserialize)]
pub struct AwaitedConsent {
    pub user: UserId,
    /// The cookie session of the member; `None` where the application suppresses it.
    pub session: Option<SessionId>,
    authenticated_at: Timestamp,
    amr: Option<String>,
    /// When the sign-in was finished, if not at once: a provider may have authenticated its user long before.
    #[serde(default)]
    signed_in_at: Option<Timestamp>,
    ends_earlier_grants: bool,
}

impl AwaitedConsent {
    /// After a sign-in.
    pub fn of(earned: &CompletedFlow, now: Timestamp) -> Self {
        Self {
            signed_in_at: Some(now),
            user: earned.user_id,
            session: earned.session_id,
            authenticated_at: earned.authenticated_at,
            amr: earned.amr.clone(),
            ends_earlier_grants: earned.ends_earlier_grants,
        }
    }

    fn of_caller(caller: &SessionCaller) -> Self {
        Self {
            user: caller.user.id,
            session: Some(caller.session.id),
            authenticated_at: caller.session.authenticated_at,
            amr: caller.session.amr.clone(),
            signed_in_at: None,
            ends_earlier_grants: false,
        }
    }

    fn signed_in_at(&self) -> Timestamp {
        self.signed_in_at.unwrap_or(self.authenticated_at)
    }

    /// The member, if active and still signed in to this browser.
    pub async fn find_user(&self, ctx: &Ctx<'_>, caller: Option<&SessionCaller>) -> Result<Option<User>, Error> {
        if !self.is_present(caller) {
            return Ok(None);
        }
        let (mut conn, no) = (ctx.app.store.read().await?, ctx.project.no);
        if self.session.is_none() {
            let ended_at = users::find_sessions_ended_at(&mut conn, no, self.user).await?;
            if ended_at.is_some_and(|ended_at| self.signed_in_at() < ended_at) {
                return Ok(None);
            }
        }
        let user = users::find(&mut conn, no, self.user).await?;
        Ok(user.filter(User::is_active))
    }

    /// Whether the member is still signed in to this browser, by the session that the flow saw or a newer one.
    pub fn is_present(&self, caller: Option<&SessionCaller>) -> bool {
        self.session.is_none()
            || caller.is_some_and(|caller| {
                caller.user.id == self.user && caller.session.authenticated_at >= self.authenticated_at
            })
    }
}

/// What follows when the signed-in user continues.
pub enum Continuation {
    /// The application gets its code.
    Issue,
    /// The flow waits for the member's consent.
    Ask,
    /// A guest must become a member first, or another tab changed the flow: its state determines the next page.
    Elsewhere,
}

/// Decides whether the signed-in user is asked for consent, and keeps in the flow that it is.
pub async fn go_on(ctx: &Ctx<'_>, flow: &mut Flow, caller: &SessionCaller) -> Result<Continuation, Error> {
    match judge(ctx, &flow.state.request, &caller.user, flow.state.asks_consent).await? {
        ConsentNeed::Nothing => Ok(Continuation::Issue),
        ConsentNeed::Membership => {
            crate::flow::start_over(ctx, flow).await?;
            Ok(Continuation::Elsewhere)
        }
        ConsentNeed::Decision => {
            flow.state.awaits_consent = Some(AwaitedConsent::of_caller(caller));
            Ok(if keep(ctx, flow).await? { Continuation::Ask } else { Continuation::Elsewhere })
        }
    }
}

/// The member's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentDecision {
    Allow,
    Deny,
}

/// The result of a decision.
pub enum Decided {
    /// The response to the application.
    Done(AppRedirect),
    /// The member has signed out, or another user has signed in.
    SignedOut,
    /// The decision was made in another tab, or the flow waits for none.
    Stale,
}

/// The input of the transaction.
struct DecisionWrite {
    flow: FlowWrite,
    agreement: Option<Agreement>,
    now: Timestamp,
}

struct Agreement {
    user: UserId,
    proof: Proof,
    client_id: String,
    scope: String,
    code: Option<NewCode>,
    event: QueuedEvent,
}

/// What shows that the member is still signed in.
enum Proof {
    Session(SessionId),
    /// Without a cookie session: its sessions were not ended at once since it signed in.
    SignedInAt(Timestamp),
}

impl Proof {
    /// Locks the user, so that an end of all sessions comes before or after the decision.
    async fn holds(&self, tx: &mut Tx, no: ProjectNo, user: UserId) -> Result<bool, StoreError> {
        match self {
            Self::Session(id) => lock_signed_in_by(tx, no, *id, user).await,
            Self::SignedInAt(at) => users::lock_signed_in_since(tx, no, user, *at).await,
        }
    }
}

/// The result of the transaction.
enum Written {
    Done,
    /// The member is disabled or deleted.
    Inactive,
    SignedOut,
}

/// Applies a decision. It ends the flow, so a second form changes nothing.
///
/// # Errors
/// [`Error::ClientChanged`] when the application is no third party any more, or is gone.
pub async fn decide(
    ctx: &Ctx<'_>,
    flow: &Flow,
    caller: Option<&SessionCaller>,
    decision: ConsentDecision,
) -> Result<Decided, Error> {
    let Some(awaited) = &flow.state.awaits_consent else { return Ok(Decided::Stale) };
    if !awaited.is_present(caller) {
        return Ok(Decided::SignedOut);
    }
    let request = &flow.state.request;
    if !is_third_party(ctx.project, &request.client_id) {
        return Err(Error::ClientChanged);
    }
    check_target(ctx.project, request)?;
    rates::charge_code(ctx, awaited.user)?;
    let (agreement, redirect) = match decision {
        ConsentDecision::Deny => (None, cancel_redirect(request)),
        ConsentDecision::Allow => {
            let agreement = agree(ctx, flow, awaited, caller);
            let code = agreement.code.as_ref().map(|code| code.text.clone());
            (Some(agreement), answer(request, code))
        }
    };
    let mut state = flow.state.clone();
    state.finished = true;
    state.awaits_consent = None;
    let (no, now) = (ctx.project.no, ctx.now);
    let input = DecisionWrite { flow: FlowWrite::new(flow, &state, now), agreement, now };
    match ctx.app.store.write("decide_consent", input, move |tx, input| Box::pin(write(tx, no, input))).await {
        Ok(Written::Done) => Ok(Decided::Done(redirect)),
        Ok(Written::SignedOut) => Ok(Decided::SignedOut),
        Ok(Written::Inactive) => Err(Error::UserDisabled),
        Err(NotWritten::Stale | NotWritten::HintUsed) => Ok(Decided::Stale),
        Err(NotWritten::Store(error)) => Err(error.into()),
    }
}

fn agree(ctx: &Ctx<'_>, flow: &Flow, awaited: &AwaitedConsent, caller: Option<&SessionCaller>) -> Agreement {
    let request = &flow.state.request;
    // The session may have been replaced since, by another sign-in of the same member.
    let session = caller.filter(|_| awaited.session.is_some()).map(|caller| &caller.session);
    let earned = CompletedFlow {
        user_id: awaited.user,
        session_id: session.map(|session| session.id),
        authenticated_at: session.map_or(awaited.authenticated_at, |session| session.authenticated_at),
        amr: session.map_or(&awaited.amr, |session| &session.amr).clone(),
        ends_earlier_grants: awaited.ends_earlier_grants,
        // A member's scope is not limited.
        limited_scope: None,
    };
    let event = Event::ConsentGranted {
        user_id: awaited.user,
        client_id: request.client_id.clone(),
        scope: request.scope.clone(),
    };
    Agreement {
        user: awaited.user,
        proof: session.map_or(Proof::SignedInAt(awaited.signed_in_at()), |session| Proof::Session(session.id)),
        client_id: request.client_id.clone(),
        scope: request.scope.clone(),
        code: make_code(ctx.app, request, earned, ctx.now),
        event: events::prepare(ctx, &event, awaited.user, &origin_of(flow)),
    }
}

/// Ends the flow and stores the consent.
async fn write(tx: &mut Tx, no: ProjectNo, input: &DecisionWrite) -> Result<Written, NotWritten> {
    input.flow.put(tx, no).await?;
    let Some(agreement) = &input.agreement else { return Ok(Written::Done) };
    let (user, client_id) = (agreement.user, agreement.client_id.as_str());
    if !users::find(tx, no, user).await?.is_some_and(|user| user.is_active()) {
        return Ok(Written::Inactive);
    }
    if !agreement.proof.holds(tx, no, user).await? {
        return Ok(Written::SignedOut);
    }
    let earlier = consents::find(tx, no, user, client_id).await?;
    let consent = Consent::agree(earlier.as_ref(), user, client_id, &agreement.scope, input.now);
    consents::put(tx, no, &consent).await?;
    if let Some(code) = &agreement.code {
        codes::insert(tx, no, code.hash, &code.payload, code.expires_at).await?;
    }
    events::queue(tx, no, user, &agreement.event, input.now).await?;
    Ok(Written::Done)
}
