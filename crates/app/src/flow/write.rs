//! Stores a flow's state: first as a new row, together with the claim of its hint; then by conditional updates of its
//! version.

use vestibule_domain::{
    id::{FlowId, ProjectNo},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    flows::{self, FlowRow},
};

use super::{Flow, FlowPurpose, FlowState, NOT_STORED, prepare::has_guest_left};
use crate::{ctx::Ctx, error::Error, messages::PermittedMessage, promotion::change::claim_hint};

/// The row of a flow for a transaction.
pub(crate) struct FlowWrite {
    id: FlowId,
    version: i64,
    state: String,
    claim: Option<[u8; 16]>,
    expires_at: Timestamp,
    now: Timestamp,
}

/// Why a flow was not stored.
pub(crate) enum NotWritten {
    Store(StoreError),
    /// Another tab changed it first.
    Stale,
    /// The hint was redeemed by another flow.
    HintUsed,
}

impl From<StoreError> for NotWritten {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl FlowWrite {
    /// The row of the flow with this state.
    pub(crate) fn new(flow: &Flow, state: &FlowState, now: Timestamp) -> Self {
        Self {
            id: flow.id,
            version: flow.version,
            state: state.to_json(),
            claim: state.claim,
            expires_at: flow.expires_at,
            now,
        }
    }

    /// Writes the row; after an error the transaction must be rolled back.
    pub(crate) async fn put(&self, tx: &mut Tx, no: ProjectNo) -> Result<(), NotWritten> {
        if self.version != NOT_STORED {
            let moved = flows::update(tx, no, self.id, self.version, &self.state, self.expires_at).await?;
            return if moved { Ok(()) } else { Err(NotWritten::Stale) };
        }
        let (id, expires_at) = (self.id, self.expires_at);
        let row = FlowRow { id, state: self.state.clone(), version: 1, created_at: self.now, expires_at };
        // Of two concurrent first forms, the later one finds the row.
        if !flows::insert(tx, no, &row).await? {
            return Err(NotWritten::Stale);
        }
        // Recorded for the flow's lifetime, which is longer than the hint's.
        if let Some(claim) = &self.claim
            && !claim_hint(tx, no, claim, id, expires_at).await?
        {
            return Err(NotWritten::HintUsed);
        }
        Ok(())
    }
}

/// Stores the flow's state and queues its message, unless another tab changed the flow first.
///
/// # Errors
/// [`Error::HintUsed`] and [`Error::GuestLeft`] when a promotion that is not stored yet cannot begin.
pub(crate) async fn save(ctx: &Ctx<'_>, flow: &mut Flow, message: Option<PermittedMessage>) -> Result<bool, Error> {
    let begins_promotion = !flow.is_stored() && matches!(flow.state.purpose, FlowPurpose::Promote { .. });
    if begins_promotion && has_guest_left(ctx, flow).await? {
        return Err(Error::GuestLeft);
    }
    let (no, now) = (ctx.project.no, ctx.now);
    let input = (FlowWrite::new(flow, &flow.state, now), message.map(|message| message.seal(ctx.app, no)));
    let saved = ctx
        .app
        .store
        .write("save_flow", input, move |tx: &mut Tx, (flow, message)| {
            Box::pin(async move {
                flow.put(tx, no).await?;
                if let Some(message) = message {
                    message.push(tx, no, now).await?;
                }
                Ok::<_, NotWritten>(())
            })
        })
        .await;
    match saved {
        Ok(()) => {
            flow.version += 1;
            Ok(true)
        }
        Err(NotWritten::Stale) => {
            // It is in the store, in whatever version.
            flow.version = flow.version.max(NOT_STORED + 1);
            Ok(false)
        }
        Err(NotWritten::HintUsed) => Err(Error::HintUsed),
        Err(NotWritten::Store(error)) => Err(error.into()),
    }
}

/// Saves the flow's state only if it is stored already. For steps that can be repeated without limit: they must not
/// create rows.
pub(crate) async fn keep(ctx: &Ctx<'_>, flow: &mut Flow) -> Result<bool, Error> {
    if flow.is_stored() { save(ctx, flow, None).await } else { Ok(true) }
}
