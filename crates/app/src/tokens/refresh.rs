//! The `refresh_token` grant (RFC 6749 §6), with rotation where the application asks for it (RFC 9700 §4.14).

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    event::RevocationReason,
    grant::{Grant, RefreshTokenMatch},
    id::{GrantId, ProjectNo},
    secret::TokenHash,
    time::Timestamp,
};
use vestibule_protocol::{device_info::DeviceInfo, oauth::ScopeSet};
use vestibule_store::{
    BoxFuture, GroupedWrite, StoreError, Tx,
    grants::{self, Touched},
    spent,
};

use super::{ClientProof, Tokens, authenticate_client, print_tokens};
use crate::{
    caller::LiveGrant,
    crypto::sha256,
    ctx::Ctx,
    error::Error,
    guests::{
        returning_guests,
        unstored::{self, GuestRows, StoringRefused},
    },
    identities::LoadedUser,
    limits::rates,
    projects::Project,
    sessions,
    tokens::{
        beside::make_beside,
        dpop::{self, ProofUse},
        issue::scopes_of,
    },
};

/// How many rotations back a used token is recognized: three weeks of refreshing every half hour.
const GENERATIONS: usize = 1_024;

/// The request of the client.
pub struct RefreshRequest<'a> {
    pub client: &'a ClientProof,
    pub refresh_token: &'a str,
    /// The scopes of the new tokens, if not all of the grant's (RFC 6749 §6). The grant keeps its scopes.
    pub scope: Option<&'a ScopeSet>,
    /// `x_device_info`; its device name replaces the stored one.
    pub device_info: Option<&'a str>,
    pub proof: &'a dpop::PresentedProof,
}

/// Exchanges a refresh token for new tokens and records the access.
///
/// A rotated token remains valid for the grace period and gets the same successor again. After that, its use ends the
/// grant, because two parties have tokens of one grant.
pub async fn refresh(ctx: &Ctx<'_>, request: RefreshRequest<'_>) -> Result<Tokens, Error> {
    // A live token counts for its user, so that many users behind one address work.
    try_refresh(ctx, request).await.map_err(|error| rates::charge_failure(ctx, error))
}

async fn try_refresh(ctx: &Ctx<'_>, request: RefreshRequest<'_>) -> Result<Tokens, Error> {
    let now = ctx.now;
    let device = request.device_info.map(DeviceInfo::parse).transpose()?;
    let device = device.map(|device| device.display_name().to_string());
    let mut conn = ctx.app.store.read().await?;
    let client = authenticate_client(&mut conn, ctx.project, request.client).await?;
    let found = unstored::find_by_refresh_token(&mut conn, ctx.project, request.refresh_token, now).await?;
    drop(conn);
    let (live, hash) = found.ok_or(Error::InvalidRefreshToken)?;
    let id = live.grant.id;
    let is_previous = match judge(ctx.project, &live.grant, &hash, client.rotation_grace(), now) {
        TokenState::Good { is_previous } => is_previous,
        TokenState::Superseded => return Err(Error::RefreshTokenSuperseded),
        TokenState::Reused => return revoke(ctx, &live).await,
        TokenState::Unknown => return Err(Error::InvalidRefreshToken),
    };
    if live.grant.client_id != client.client_id {
        return Err(Error::RefreshTokenOfAnotherClient);
    }
    let narrow = |wanted| scopes_of(&live.grant).narrow(wanted).map_err(Error::InvalidScope);
    let narrowed = request.scope.map(narrow).transpose()?;
    let proof_use = request.proof.check(client, live.grant.dpop_jkt.as_deref())?;
    rates::charge_user(ctx, live.user.id)?;
    let loaded = LoadedUser::read_for_grant(ctx.app, ctx.project, live.user.clone(), &live.grant).await?;
    let rotates = client.rotates_refresh_tokens() || is_previous;
    let (next, refresh_token) = rotates.then(|| rotate(ctx, id, hash)).unzip();
    let (no, user) = (ctx.project.no, live.user.id);
    let new_day = returning_guests::is_new_day(user, live.grant.last_access_at, now);
    let seen_in = new_day.then(|| client.client_id.clone());
    let rows = GuestRows::prepare(ctx, &live, true);
    let write = async {
        if next.is_none() && seen_in.is_none() && rows.is_none() {
            let refresh = PlainRefresh { no, id, device, proof_use, now };
            let recorded = ctx.app.store.write_grouped(&ctx.app.refreshes.0, refresh).await;
            return recorded.map(|recorded| (recorded, false)).map_err(StoringRefused::Store);
        }
        let input = (next, device, seen_in, rows);
        let write = ctx.app.store.write("refresh", input, move |tx, (next, device, seen_in, rows)| {
            Box::pin(async move {
                if !dpop::spend(tx, no, proof_use).await? {
                    return Ok((Recorded::ProofReplayed, false));
                }
                let is_new = match rows {
                    Some(rows) => rows.write(tx, no).await?,
                    None => false,
                };
                let recorded = record(tx, no, id, next.as_ref(), device.as_deref(), now).await?;
                if let (Recorded::Done, Some(client_id)) = (&recorded, seen_in) {
                    returning_guests::count(tx, no, user, client_id, now).await?;
                }
                Ok((recorded, is_new))
            })
        });
        write.await
    };
    // Whoever comes here has a valid token and is within the user's limit: losing costs a signature, but no more than winning.
    let sign = || print_tokens(ctx, client, &live.grant, &loaded.account(), None, narrowed.as_ref());
    let ((recorded, is_new), tokens) = match make_beside(write, sign).await {
        Ok(written) => written,
        Err(StoringRefused::Store(error)) => return Err(error.into()),
        Err(StoringRefused::Ended) => return Err(Error::InvalidRefreshToken),
    };
    if let Some(guest) = live.unstored.filter(|_| is_new) {
        GuestRows::count(ctx, &guest, &client.client_id);
    }
    match recorded {
        Recorded::Done => {}
        Recorded::Superseded => return Err(Error::RefreshTokenSuperseded),
        Recorded::Gone => return Err(Error::InvalidRefreshToken),
        Recorded::ProofReplayed => return Err(Error::DpopProofReplayed),
    }
    if let Some(session) = &live.session {
        crate::caller::record_session_access(ctx, session).await?;
    }
    Ok(Tokens { refresh_token, limited_scope: narrowed, ..tokens })
}

/// The refreshes of this process that wait for the store, and only record a use: those most applications make. The others lock more
/// than their grant.
pub(crate) struct Refreshes(Arc<GroupedWrite<PlainRefresh, Recorded, StoreError>>);

impl Default for Refreshes {
    fn default() -> Self {
        Self(GroupedWrite::new("refresh", record_all))
    }
}

struct PlainRefresh {
    no: ProjectNo,
    id: GrantId,
    device: Option<String>,
    proof_use: Option<ProofUse>,
    now: Timestamp,
}

fn record_all<'t>(tx: &'t mut Tx, all: &'t [PlainRefresh]) -> BoxFuture<'t, Result<Option<Vec<Recorded>>, StoreError>> {
    Box::pin(async move {
        if let [PlainRefresh { no, id, device, proof_use, now }] = all {
            if !dpop::spend(tx, *no, *proof_use).await? {
                return Ok(Some(vec![Recorded::ProofReplayed]));
            }
            return Ok(Some(vec![record(tx, *no, *id, None, device.as_deref(), *now).await?]));
        }
        let proofs = all.iter().filter_map(|one| Some(dpop::spending(one.no, one.proof_use.as_ref()?)));
        let touched =
            |one: &'t PlainRefresh| Touched { project: one.no, id: one.id, device: one.device.as_deref(), at: one.now };
        let mut touched: Vec<_> = all.iter().map(touched).collect();
        let are_done =
            spent::spend_all(tx, &mut proofs.collect::<Vec<_>>()).await? && grants::touch_all(tx, &mut touched).await?;
        Ok(are_done.then(|| all.iter().map(|_| Recorded::Done).collect()))
    })
}

/// One rotation of a grant.
struct Rotation {
    presented: TokenHash,
    successor: TokenHash,
}

/// The result of recording a refresh.
enum Recorded {
    Done,
    /// Concurrent requests rotated past both tokens between the read and the write.
    Superseded,
    /// The grant was revoked between the read and the write.
    Gone,
    /// The DPoP proof was used before; nothing changed.
    ProofReplayed,
}

/// Rotates the token, unless a request with the same token already did, and records the refresh.
async fn record(
    tx: &mut Tx,
    no: ProjectNo,
    id: GrantId,
    step: Option<&Rotation>,
    device: Option<&str>,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    if let Some(step) = step
        && !grants::rotate(tx, no, id, step.presented, step.successor, now).await?
    {
        match grants::find(tx, no, id).await? {
            None => return Ok(Recorded::Gone),
            Some(grant) if !grant.token_hash.matches(&step.successor) => return Ok(Recorded::Superseded),
            Some(_) => {}
        }
    }
    Ok(if grants::touch(tx, no, id, device, now).await? { Recorded::Done } else { Recorded::Gone })
}

/// The state of a presented token.
enum TokenState {
    /// Valid.
    Good {
        /// Whether it was rotated already, so that its successor must be issued again.
        is_previous: bool,
    },
    /// Rotated more than once within the grace period: the client is about to receive a newer one.
    Superseded,
    /// Rotated longer ago than the grace period: two parties have tokens of one grant.
    Reused,
    /// Not a token of this grant.
    Unknown,
}

fn judge(project: &Project, grant: &Grant, hash: &TokenHash, grace: Duration, now: Timestamp) -> TokenState {
    match grant.recognize(hash, grace, now) {
        RefreshTokenMatch::Current => TokenState::Good { is_previous: false },
        RefreshTokenMatch::PreviousInGrace => TokenState::Good { is_previous: true },
        RefreshTokenMatch::Reused => TokenState::Reused,
        RefreshTokenMatch::Unknown => match &grant.previous {
            // Older than the previous one: no longer in the row, but still derivable.
            Some(previous) if project.keys.mac.is_ancestor(grant.id, hash, &grant.token_hash, GENERATIONS) => {
                if now.since(previous.rotated_at) <= grace { TokenState::Superseded } else { TokenState::Reused }
            }
            Some(_) | None => TokenState::Unknown,
        },
    }
}

/// The successor of a refresh token: what is stored of it, and its text.
fn rotate(ctx: &Ctx<'_>, id: GrantId, presented: TokenHash) -> (Rotation, String) {
    let secret = ctx.project.keys.mac.derive_successor(id, &presented);
    (Rotation { presented, successor: sha256(secret.as_bytes()) }, format!("{id}.{secret}"))
}

/// Ends a grant whose used token was reused. The refusal is an outcome that is committed.
async fn revoke(ctx: &Ctx<'_>, live: &LiveGrant) -> Result<Tokens, Error> {
    tracing::warn!(
        request.id = ctx.log_id(),
        project.id = ctx.project.id,
        grant.id = %live.grant.id,
        "a refresh token was used again after its successor: the grant is revoked"
    );
    sessions::end_misused(ctx, &live.grant, RevocationReason::TokenReuse).await?;
    Err(Error::InvalidRefreshToken)
}
