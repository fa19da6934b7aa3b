//! The decision about a guest whose visitor proved an existing account (`identity.on_conflict.promotion = "merge"`). The proof is
//! checked and recorded first; the flow keeps that it held, and ends with the decision.

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    event::{RevocationReason, TriggeredBy},
    id::{ProjectNo, UserId},
    project::PromotionConflict,
    promotion::check_promotable,
    session::{BY_PROVIDER, BY_PROVIDER_UNTIMED},
    time::Timestamp,
    user::User,
};
use vestibule_store::{Tx, users};

use super::{
    Flow, FlowState,
    basis::Basis,
    change::{CommitError, record_login},
    prepare::has_guest_left,
    sign_in::LoginProof,
    write::{FlowWrite, NotWritten},
};
use crate::{
    ctx::Ctx,
    error::Error,
    messages::SealedMessage,
    promotion::change::PromotionError,
    sessions::{Ending, Selection},
};

/// A flow whose member decides about the guest.
#[derive(Clone, Serialize, Deserialize)]
pub struct AwaitedMerge {
    /// The member that was proved.
    pub member: UserId,
    /// When it was proved.
    proved_at: Timestamp,
    /// When the guest began.
    pub guest_since: Timestamp,
    amr: String,
    basis: Basis,
}

/// Every way to prove a member, as it is kept.
const METHODS: [&str; 6] = ["pwd", "otp", "otp sms", "pop user", BY_PROVIDER, BY_PROVIDER_UNTIMED];

impl AwaitedMerge {
    /// The proof, without what was recorded with it; `None` when a later release kept it.
    fn proof(&self) -> Option<LoginProof> {
        let amr = METHODS.into_iter().find(|method| *method == self.amr)?;
        let proved_at = Some(self.proved_at);
        Some(LoginProof { proved_at, ..LoginProof::new(self.member, amr, self.basis.clone()) })
    }
}

/// The proof of a decision about the guest; `None` when the flow waits for none.
pub fn proof_of(flow: &Flow) -> Option<LoginProof> {
    flow.state.awaits_merge.as_ref().and_then(AwaitedMerge::proof)
}

/// The guest that the visitor has to decide about, once it proved this member.
pub(crate) async fn find_undecided(ctx: &Ctx<'_>, flow: &Flow, member: UserId) -> Result<Option<User>, Error> {
    if ctx.project.settings.promotion_conflict() != PromotionConflict::Merge {
        return Ok(None);
    }
    let guest = flow.state.source.as_ref().and_then(|_| flow.state.guest()).filter(|guest| *guest != member);
    let Some(guest) = guest else { return Ok(None) };
    if has_guest_left(ctx, flow).await? {
        return Ok(None);
    }
    let found = users::find(&mut *ctx.app.store.read().await?, ctx.project.no, guest).await?;
    Ok(found.filter(|guest| check_promotable(guest).is_ok()))
}

/// The input of the transaction.
struct Question {
    flow: FlowWrite,
    proof: Box<LoginProof>,
    ending: Option<Ending>,
    mails: Vec<SealedMessage>,
    now: Timestamp,
}

/// Records the proof, and keeps in the flow that its member decides about the guest. No session begins before.
pub(crate) async fn ask(
    ctx: &Ctx<'_>,
    flow: &Flow,
    proof: Box<LoginProof>,
    guest: &User,
) -> Result<Result<(), CommitError>, Error> {
    let (no, now) = (ctx.project.no, ctx.now);
    match users::find(&mut *ctx.app.store.read().await?, no, proof.user).await? {
        Some(member) if member.is_active() => {}
        Some(_) => return Err(Error::UserDisabled),
        None => return Ok(Err(PromotionError::UserGone.into())),
    }
    let mut state = flow.state.clone();
    state.attempt = None;
    state.external = None;
    state.kept = None;
    state.pending = None;
    state.offered_user = None;
    state.awaits_merge = Some(AwaitedMerge {
        member: proof.user,
        guest_since: guest.created_at,
        amr: proof.amr.to_string(),
        basis: proof.basis.clone().kept_at(now, proof.passkey.as_ref().map(|passkey| passkey.credential_id.as_slice())),
        proved_at: proof.proved_at.unwrap_or(now),
    });
    let ending = proof.recovery.is_some().then(|| {
        let cause = (RevocationReason::PasswordChange, TriggeredBy::User);
        Ending::new(ctx, proof.user, Selection::All, cause)
    });
    let mails = proof.mails.iter().map(|mail| SealedMessage::of_mail(ctx.app, no, mail)).collect();
    let input = Question { flow: FlowWrite::new(flow, &state, now), proof, ending, mails, now };
    Ok(ctx.app.store.write("ask_about_guest", input, move |tx, input| Box::pin(write(tx, no, input))).await)
}

async fn write(tx: &mut Tx, no: ProjectNo, input: &Question) -> Result<(), CommitError> {
    input.flow.put(tx, no).await?;
    record_login(tx, no, &input.proof, input.ending.as_ref(), input.now).await?;
    for mail in &input.mails {
        mail.push(tx, no, input.now).await?;
    }
    Ok(())
}

/// Ends a flow that waits for a decision, so that its proof is of no use to the next user of the browser; `false` when another tab
/// changed the flow first.
pub async fn cancel(ctx: &Ctx<'_>, flow: &Flow) -> Result<bool, Error> {
    let (no, now) = (ctx.project.no, ctx.now);
    let state = FlowState { awaits_merge: None, finished: true, ..flow.state.clone() };
    let input = FlowWrite::new(flow, &state, now);
    match ctx.app.store.write("forget_proof", input, move |tx, input| Box::pin(input.put(tx, no))).await {
        Ok(()) => Ok(true),
        Err(NotWritten::Stale | NotWritten::HintUsed) => Ok(false),
        Err(NotWritten::Store(error)) => Err(error.into()),
    }
}
