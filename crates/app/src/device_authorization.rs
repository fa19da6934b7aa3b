//! The device authorization grant (RFC 8628): a device without a browser shows a code, and a user who enters it elsewhere decides
//! whether the device gets tokens. The device asks for them at the token endpoint (`tokens::device_code`).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    client::{Client, DEVICE_CODE_GRANT},
    consent::Consent,
    credential::user_code::UserCode,
    event::Event,
    id::{ProjectNo, UserId},
    secret::TokenHash,
    session::Session,
    time::Timestamp,
};
use vestibule_protocol::oauth::{OAuthError, ScopeSet};
use vestibule_store::{
    StoreError, Tx, consents,
    device_codes::{self, DeviceCodeRow},
    users,
};

use crate::{
    authorize::{CodePayload, begin::check_scope, limit_scope_to_guest},
    caller::SessionCaller,
    consent::is_third_party,
    crypto::sha256,
    ctx::Ctx,
    error::Error,
    events::{self, EventOrigin, QueuedEvent},
    limits::rates,
    projects::Project,
    sessions::is_session_of,
    tokens::{ClientProof, authenticate_client},
};

/// How long a user has to enter the code and decide.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);
/// Seconds between two requests of the device for its tokens.
pub const INTERVAL: u64 = 5;
/// How long the answer to a device says that its code has expired or was refused.
pub(crate) const KEPT: Duration = Duration::from_secs(600);
/// How often another user code is drawn, when one is in use.
const DRAWS: usize = 8;

/// The path of the page that takes the user code.
pub const PAGE: &str = "/device";

/// What a device gets to begin with.
pub struct StartedDevice {
    /// For the device alone.
    pub device_code: String,
    /// For the user.
    pub user_code: UserCode,
    pub expires_in: u64,
}

/// Begins an authorization for a device.
///
/// # Errors
/// When the application may not use the grant, its authentication or scope is wrong, or a limit is reached.
pub async fn begin(ctx: &Ctx<'_>, proof: &ClientProof, scope: Option<&ScopeSet>) -> Result<StartedDevice, Error> {
    let client = authenticate_client(&mut *ctx.app.store.read().await?, ctx.project, proof).await?;
    if !client.allows_grant_type(DEVICE_CODE_GRANT) {
        return Err(Error::GrantTypeNotAllowed);
    }
    let scope = read_scope(client, scope).map_err(Error::InvalidScope)?;
    rates::charge_device_authorization(ctx)?;
    let device_code = ctx.app.entropy.alphanumeric();
    let (no, now) = (ctx.project.no, ctx.now);
    for _ in 0..DRAWS {
        let user_code = UserCode::draw(|| ctx.app.entropy.bytes::<1>()[0]);
        let row = DeviceCodeRow {
            code_hash: sha256(device_code.as_bytes()),
            user_code: user_code.as_str().to_owned(),
            client_id: client.client_id.clone(),
            scope: scope.clone(),
            expires_at: now.plus(LIFETIME),
            decision: None,
        };
        let written = ctx
            .app
            .store
            .write("begin_device", row, move |tx, row| Box::pin(device_codes::insert(tx, no, row)))
            .await?;
        if written {
            return Ok(StartedDevice { device_code, user_code, expires_in: LIFETIME.as_secs() });
        }
    }
    Err(StoreError::Busy("every user code that was drawn is in use").into())
}

/// The scope of a request, as it is stored. It may be absent (RFC 8628 §3.1).
fn read_scope(client: &Client, scope: Option<&ScopeSet>) -> Result<String, OAuthError> {
    let Some(scope) = scope else { return Ok("openid".to_owned()) };
    check_scope(client, scope)?;
    Ok(scope.served().print())
}

/// What a user decided, as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoredDecision {
    Denied,
    /// What the device gets tokens for.
    Approved(Box<CodePayload>),
}

impl StoredDecision {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn print(&self) -> String {
        serde_json::to_string(self).expect("a decision is plain JSON")
    }
}

/// Whether an application may still get tokens for a code of this expiry.
pub(crate) fn find_client<'a>(project: &'a Project, row: &DeviceCodeRow) -> Option<&'a Client> {
    let client = project.settings.client(&row.client_id)?;
    let is_of_another = project.is_from_before(&row.client_id, row.expires_at.minus(LIFETIME));
    (client.allows_grant_type(DEVICE_CODE_GRANT) && !is_of_another).then_some(client)
}

/// A device that waits for a decision.
#[derive(Clone, Debug)]
pub struct WaitingDevice {
    code: TokenHash,
    pub user_code: UserCode,
    pub client_id: String,
    /// Space-separated.
    pub scope: String,
}

/// Finds the device of a code that was typed or came in a link; `None` when no device waits for it. Every call counts as a guess.
///
/// # Errors
/// [`Error::RateLimited`] after too many.
pub async fn find(ctx: &Ctx<'_>, typed: &str) -> Result<Option<WaitingDevice>, Error> {
    rates::charge_user_code(ctx)?;
    let Some(user_code) = UserCode::parse(typed) else { return Ok(None) };
    let mut conn = ctx.app.store.read().await?;
    let row = device_codes::find_by_user_code(&mut conn, ctx.project.no, user_code.as_str()).await?;
    let row = row.filter(|row| row.decision.is_none() && ctx.now <= row.expires_at);
    let row = row.filter(|row| find_client(ctx.project, row).is_some());
    Ok(row.map(|row| WaitingDevice { code: row.code_hash, user_code, client_id: row.client_id, scope: row.scope }))
}

/// Whether the user of a browser may decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    MayDecide,
    /// No user is signed in, or only with a session that does not prove the member.
    SignsInFirst,
    /// A guest, whom a third-party application does not get.
    JoinsFirst,
}

/// Decides what the user of a browser has to do first.
#[must_use]
pub fn judge(ctx: &Ctx<'_>, device: &WaitingDevice, caller: Option<&SessionCaller>) -> Standing {
    match caller {
        Some(caller) if caller.user.is_anonymous() && is_third_party(ctx.project, &device.client_id) => {
            Standing::JoinsFirst
        }
        Some(caller) if caller.user.is_anonymous() || caller.session.is_of_member() => Standing::MayDecide,
        Some(_) | None => Standing::SignsInFirst,
    }
}

/// A user's decision about a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceDecision {
    Allow,
    Deny,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    Done,
    /// The code has expired, or the decision was made before.
    Stale,
    /// The user is not signed in any more.
    SignedOut,
}

/// The input of the transaction.
struct DecisionWrite {
    code: TokenHash,
    decision: String,
    session: Session,
    /// What a third-party application is allowed.
    agreement: Option<(String, String, QueuedEvent)>,
    is_of_guest: bool,
}

/// Records a decision, which can be made once.
///
/// # Errors
/// [`Error::UserDisabled`], a limit, or the store's.
pub async fn decide(
    ctx: &Ctx<'_>,
    device: &WaitingDevice,
    caller: &SessionCaller,
    decision: DeviceDecision,
) -> Result<Decided, Error> {
    rates::charge_code(ctx, caller.user.id)?;
    let (stored, agreement) = match decision {
        DeviceDecision::Deny => (StoredDecision::Denied, None),
        DeviceDecision::Allow if judge(ctx, device, Some(caller)) != Standing::MayDecide => {
            return Ok(Decided::SignedOut);
        }
        DeviceDecision::Allow => {
            (StoredDecision::Approved(Box::new(approve(ctx, device, caller))), agree(ctx, device, caller))
        }
    };
    let input = DecisionWrite {
        code: device.code,
        decision: stored.print(),
        session: caller.session.clone(),
        agreement,
        is_of_guest: caller.user.is_anonymous(),
    };
    let (no, now) = (ctx.project.no, ctx.now);
    let written =
        ctx.app.store.write("decide_device", input, move |tx, input| Box::pin(write(tx, no, input, now))).await;
    match written {
        Ok(()) => Ok(Decided::Done),
        Err(NotDecided::Stale) => Ok(Decided::Stale),
        Err(NotDecided::SignedOut) => Ok(Decided::SignedOut),
        Err(NotDecided::Inactive) => Err(Error::UserDisabled),
        Err(NotDecided::Store(error)) => Err(error.into()),
    }
}

/// What the device gets tokens for: its grant lives on its own, like that of an application on another device.
fn approve(ctx: &Ctx<'_>, device: &WaitingDevice, caller: &SessionCaller) -> CodePayload {
    let SessionCaller { user, session } = caller;
    let limited = user.is_anonymous().then(|| limit_scope_to_guest(ctx.project, &device.client_id, &device.scope));
    let limited = limited.flatten();
    CodePayload {
        client_id: device.client_id.clone(),
        redirect_uri: String::new(),
        user_id: user.id,
        session_id: None,
        issued_to: Some(session.id),
        is_scope_limited: limited.is_some(),
        scope: limited.unwrap_or_else(|| device.scope.clone()),
        nonce: None,
        code_challenge: None,
        dpop_jkt: None,
        authenticated_at: session.authenticated_at,
        amr: session.amr.clone(),
        ends_earlier_grants: false,
    }
}

/// The member's consent to a third-party application: the page names its scopes and what each shows.
fn agree(ctx: &Ctx<'_>, device: &WaitingDevice, caller: &SessionCaller) -> Option<(String, String, QueuedEvent)> {
    let (client_id, scope) = (device.client_id.clone(), device.scope.clone());
    is_third_party(ctx.project, &client_id).then(|| {
        let event =
            Event::ConsentGranted { user_id: caller.user.id, client_id: client_id.clone(), scope: scope.clone() };
        let origin = EventOrigin { client_id: Some(&device.client_id), state: None, x_state: None };
        let event = events::prepare(ctx, &event, caller.user.id, &origin);
        (client_id, scope, event)
    })
}

/// Why nothing was written.
enum NotDecided {
    Stale,
    SignedOut,
    Inactive,
    Store(StoreError),
}

impl From<StoreError> for NotDecided {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn write(tx: &mut Tx, no: ProjectNo, input: &DecisionWrite, now: Timestamp) -> Result<(), NotDecided> {
    let user: UserId = input.session.user_id;
    if !device_codes::decide(tx, no, input.code, (&input.decision, user), now).await? {
        return Err(NotDecided::Stale);
    }
    // First, as an end of all sessions does: no decision outlives it.
    let is_active = users::lock_active(tx, no, user).await?;
    if !is_session_of(tx, no, input.session.id, user).await? {
        return Err(NotDecided::SignedOut);
    }
    if !is_active {
        return Err(NotDecided::Inactive);
    }
    let found = users::find(tx, no, user).await?.ok_or(NotDecided::SignedOut)?;
    // Another tab promoted the guest.
    if found.is_anonymous() != input.is_of_guest {
        return Err(NotDecided::SignedOut);
    }
    let Some((client_id, scope, event)) = &input.agreement else { return Ok(()) };
    let earlier = consents::find(tx, no, user, client_id).await?;
    consents::put(tx, no, &Consent::agree(earlier.as_ref(), user, client_id, scope, now)).await?;
    events::queue(tx, no, user, event, now).await?;
    Ok(())
}
