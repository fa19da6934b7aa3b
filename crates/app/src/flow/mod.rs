//! Hosted flows: one user's promotion, sign-up or sign-in. A new flow is carried by its browser, sealed, in the forms
//! of its pages; from the first accepted form on, its state is in the store, where all tabs of the browser share it.

pub mod basis;
pub mod begin;
pub mod change;
pub mod commit;
pub mod consent;
pub(crate) mod continuation;
pub mod external;
pub mod link;
pub mod login_methods;
pub mod merging;
mod message;
pub(crate) mod one_time_code;
pub mod passkey;
pub mod posted_answer;
pub mod prepare;
pub mod recovery;
pub mod sign_in;
pub mod steps;
mod suggestion;
mod write;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    credential::otp::CodeState,
    id::{FlowId, SessionId, UserId},
    identifier::{LoginId, LoginIdKind},
    time::Timestamp,
};
use vestibule_store::{Conn, flows};

pub use self::message::WriteMessage;
pub use self::message::{CodeMessage, CodeUse};
use self::{
    consent::AwaitedConsent,
    continuation::KeptAnswer,
    external::ExternalStep,
    link::PendingLink,
    merging::AwaitedMerge,
    write::{FlowWrite, NotWritten, keep, save},
};
use crate::{
    authorize::{FLOW_LIFETIME, PendingRequest},
    candidates::Candidates,
    crypto::{hex, is_equal, sha256},
    ctx::Ctx,
    error::Error,
    known_devices::{self, KnownAccount, KnownDevice},
    projects::Project,
    promotion::source::PromotionSource,
    state::App,
};

/// The purpose of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FlowPurpose {
    Promote { guest: UserId },
    SignUp,
    Login,
}

/// A new login ID that waits for its verification.
#[derive(Clone, Serialize, Deserialize)]
pub struct PendingLoginId {
    pub login_id: LoginId,
    /// The argon2id hash of the new password, if the user chose one.
    pub password_hash: Option<String>,
    /// The code that was sent to it.
    pub code: Option<CodeState>,
    /// When the user proved control of it.
    pub proved_at: Option<Timestamp>,
    /// Whether it belongs to another user; shown only when that reveals nothing.
    pub taken: bool,
}

impl PendingLoginId {
    /// Whether the login ID needs no further step.
    pub(crate) fn is_settled(&self) -> bool {
        self.code.is_none() && !self.taken
    }
}

/// The purpose of a code for an account that may exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    Login,
    /// Replacing the password.
    Recover,
}

/// A login ID entered to sign in or to recover.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    pub login_id: LoginId,
    pub goal: Goal,
    /// The member a code was sent to; pages must not depend on whether there is one.
    user: Option<UserId>,
    /// The credential generation of that member when the code was sent, for the release before this one.
    #[serde(default)]
    generation: i64,
    /// How often all its sessions had ended without an exception then.
    #[serde(default)]
    full_endings: i64,
    /// Whether that member had proved the address before.
    #[serde(default)]
    is_proved_address: bool,
    /// The code, whether it was really sent or not.
    pub code: Option<CodeState>,
    /// When the correct code was entered: a new password may be chosen.
    pub proved_at: Option<Timestamp>,
}

impl Attempt {
    /// An attempt for which no code is expected yet.
    fn new(login_id: LoginId, goal: Goal) -> Self {
        let (user, code, proved_at) = (None, None, None);
        let (generation, full_endings, is_proved_address) = (0, 0, false);
        Self { login_id, goal, user, generation, full_endings, is_proved_address, code, proved_at }
    }
}

/// The stored state of a flow.
#[derive(Clone, Serialize, Deserialize)]
pub struct FlowState {
    pub purpose: FlowPurpose,
    pub request: PendingRequest,
    /// SHA-256 of the browser's secret: only this browser may use the flow.
    browser: String,
    /// The suggestion of a `login_hint` or `id_token_hint`.
    pub prefill: Option<(LoginIdKind, String)>,
    /// Whether the suggestion comes from the member's account and must be masked in this browser.
    #[serde(default)]
    pub masks_prefill: bool,
    /// The login ID that a `login_hint` enforces.
    #[serde(default)]
    pub enforced: Option<LoginId>,
    /// The signed-in user that may continue.
    pub offered_user: Option<UserId>,
    /// The guest of the browser's cookie session, which a sign-up promotes.
    pub guest: Option<UserId>,
    /// The session, grant or device key of the guest; without it the guest is not promoted. `None` in flows of a
    /// release before this one.
    #[serde(default)]
    pub source: Option<PromotionSource>,
    /// Whether the guest has no session in this browser: it began in an app or on another device.
    #[serde(default)]
    pub from_elsewhere: bool,
    /// The fingerprint of the hint that started the flow: redeemed when the flow is stored.
    #[serde(default)]
    claim: Option<[u8; 16]>,
    /// The only member accepted, for reauthentication.
    pub only_user: Option<UserId>,
    /// How old a member's authentication may be, in seconds, if the request says so; with 0, it is made for the request.
    #[serde(default)]
    pub(crate) max_age: Option<u64>,
    /// The request asks for a new sign-in (`prompt=login`): a provider that can be asked for one is.
    #[serde(default)]
    pub(crate) renews_login: bool,
    /// The keys of the providers of its accounts, if it is signed in.
    #[serde(default)]
    pub own_providers: Option<Vec<String>>,
    pub pending: Option<PendingLoginId>,
    pub attempt: Option<Attempt>,
    /// The sign-in with a provider that is under way, or what became of it.
    #[serde(default)]
    pub external: Option<ExternalStep>,
    /// What the provider answered to an application, whose exchange goes on in this flow.
    #[serde(default)]
    pub(crate) kept: Option<Box<KeptAnswer>>,
    /// The account at a provider that the sign-in of its email address's owner connects.
    #[serde(default)]
    pub linking: Option<PendingLink>,
    /// The user skipped the offer of a passkey.
    #[serde(default)]
    pub passkey_skipped: bool,
    /// The request asks for consent even if it was given before (`prompt=consent`).
    #[serde(default)]
    pub asks_consent: bool,
    /// The member has signed in, and decides about a third-party application's access.
    #[serde(default)]
    pub awaits_consent: Option<AwaitedConsent>,
    /// The member was proved, and decides about the guest.
    #[serde(default)]
    pub awaits_merge: Option<AwaitedMerge>,
    /// The flow is finished and accepts no more steps.
    pub finished: bool,
    /// It finished with a guest's promotion, not with a sign-in or a new account.
    #[serde(default)]
    pub promoted: bool,
    /// The cookie session that its end began.
    #[serde(default)]
    begun_session: Option<SessionId>,
}

impl FlowState {
    /// A new flow of one browser.
    pub fn new(purpose: FlowPurpose, request: PendingRequest, browser: &str) -> Self {
        Self {
            purpose,
            request,
            browser: hash_browser(browser),
            prefill: None,
            masks_prefill: false,
            enforced: None,
            offered_user: None,
            guest: None,
            source: None,
            from_elsewhere: false,
            claim: None,
            only_user: None,
            max_age: None,
            renews_login: false,
            own_providers: None,
            pending: None,
            attempt: None,
            external: None,
            kept: None,
            linking: None,
            passkey_skipped: false,
            asks_consent: false,
            awaits_consent: None,
            awaits_merge: None,
            finished: false,
            promoted: false,
            begun_session: None,
        }
    }

    /// Whether the flow belongs to the browser with this secret.
    fn is_of_browser(&self, browser: &str) -> bool {
        is_equal(&hash_browser(browser), &self.browser)
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a flow's state is plain JSON")
    }

    /// The suggested login ID when it must be masked: the page shows the mask, and its form refers to it.
    pub fn masked_login_id(&self) -> Option<(LoginIdKind, &str)> {
        self.prefill.as_ref().filter(|_| self.masks_prefill).map(|(kind, typed)| (*kind, typed.as_str()))
    }

    /// A login ID as pages of this flow show it.
    pub fn show(&self, login_id: &LoginId) -> String {
        if self.masked_login_id() == Some((login_id.kind, &login_id.original)) {
            login_id.mask()
        } else {
            login_id.original.clone()
        }
    }

    /// The guest that a sign-up in this flow promotes, if any.
    pub fn guest(&self) -> Option<UserId> {
        match self.purpose {
            FlowPurpose::Promote { guest } => Some(guest),
            FlowPurpose::SignUp | FlowPurpose::Login => self.guest,
        }
    }
}

fn hash_browser(browser: &str) -> String {
    hex(&sha256(browser.as_bytes()).0)
}

const NOT_STORED: i64 = 0;

/// A flow as loaded, or as sent by its browser.
pub struct Flow {
    pub id: FlowId,
    version: i64,
    pub expires_at: Timestamp,
    pub state: FlowState,
    /// The cookies of this request by which its browser is known for accounts. They are not stored.
    pub known_devices: Candidates,
}

impl Flow {
    /// Starts a flow. It is not stored until one of its forms is accepted.
    pub fn begin(app: &App, state: FlowState, now: Timestamp) -> Self {
        let (id, expires_at) = (app.entropy.id(now), now.plus(FLOW_LIFETIME));
        Self { id, version: NOT_STORED, expires_at, state, known_devices: Candidates::default() }
    }

    /// Whether a hint of the app began it, which only the app has and which works once.
    #[must_use]
    pub fn begins_with_hint(&self) -> bool {
        self.state.claim.is_some()
    }

    /// Whether it goes on where an application's exchange of an ID token stopped, so that its first page is not a choice.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.state.kept.is_some()
    }

    /// The same as [`begin`](Self::begin), for a hint with this fingerprint, which is redeemed when the flow is stored.
    pub(crate) fn begin_with_claim(app: &App, mut state: FlowState, claim: [u8; 16], now: Timestamp) -> Self {
        state.claim = Some(claim);
        Self::begin(app, state, now)
    }

    /// This browser, if the user signed in there before.
    pub(crate) fn known_device(&self, ctx: &Ctx<'_>, account: Option<KnownAccount>) -> Option<KnownDevice> {
        known_devices::of_user(ctx, &self.known_devices, account?)
    }

    /// Whether the flow is in the store; otherwise its browser carries it.
    pub fn is_stored(&self) -> bool {
        self.version != NOT_STORED
    }

    /// The sealed flow, for the forms of its pages.
    pub fn seal(&self, ctx: &Ctx<'_>) -> String {
        let plain = serde_json::to_vec(&(self.expires_at, &self.state)).expect("a flow's state is plain JSON");
        ctx.project.keys.mac.seal_flow(self.id, &plain, &ctx.app.entropy)
    }

    fn unseal(project: &Project, id: FlowId, sealed: &str) -> Option<Self> {
        let plain = project.keys.mac.open_flow(id, sealed)?;
        let (expires_at, state) = serde_json::from_slice(&plain).ok()?;
        Some(Self { id, version: NOT_STORED, expires_at, state, known_devices: Candidates::default() })
    }

    /// The future owner of new credentials: the promoted guest, or a new user with the flow's ID. A passkey needs it
    /// before the commit.
    pub(crate) fn future_user(&self) -> UserId {
        self.state.guest().unwrap_or_else(|| UserId::from_bytes(*self.id.as_bytes()))
    }
}

/// Why a flow cannot continue.
#[derive(Debug)]
pub enum FlowProblem {
    /// It has expired, or is no longer stored; it names its request if it belongs to this browser.
    Expired(Option<Box<PendingRequest>>),
    /// It belongs to another browser, or this browser sent no cookie.
    ForeignBrowser(Box<PendingRequest>),
}

/// Loads a flow for the browser that began it, with the secret that the flow belongs to. For a stored flow the form's
/// copy is ignored.
pub async fn load(
    ctx: &Ctx<'_>,
    (id, sealed): (FlowId, Option<&str>),
    browser: &Candidates,
) -> Result<Result<(Flow, String), FlowProblem>, Error> {
    let flow = match flows::find(&mut *ctx.app.store.read().await?, ctx.project.no, id).await? {
        // A state of an older release that cannot be read is treated as expired.
        Some(row) => serde_json::from_str(&row.state).ok().map(|state| Flow {
            id,
            version: row.version,
            expires_at: row.expires_at,
            state,
            known_devices: Candidates::default(),
        }),
        None => sealed.and_then(|sealed| Flow::unseal(ctx.project, id, sealed)),
    };
    let Some(flow) = flow else { return Ok(Err(FlowProblem::Expired(None))) };
    let own = browser.iter().find(|secret| flow.state.is_of_browser(secret));
    if ctx.now > flow.expires_at {
        return Ok(Err(FlowProblem::Expired(own.map(|_| Box::new(flow.state.request)))));
    }
    Ok(match own {
        Some(secret) => Ok((flow, secret.to_string())),
        None => Err(FlowProblem::ForeignBrowser(Box::new(flow.state.request))),
    })
}

/// Finds the flow that a hint was redeemed for, for the browser that began it.
pub async fn resume(
    conn: &mut Conn,
    project: &Project,
    holder: Option<Vec<u8>>,
    browser: &Candidates,
) -> Result<Option<FlowId>, Error> {
    let id = holder.and_then(|holder| <[u8; 16]>::try_from(holder).ok()).map(FlowId::from_bytes);
    let Some(id) = id.filter(|_| !browser.is_empty()) else { return Ok(None) };
    let row = flows::find(conn, project.no, id).await?;
    let state = row.and_then(|row| serde_json::from_str::<FlowState>(&row.state).ok());
    Ok(state.is_some_and(|state| browser.iter().any(|secret| state.is_of_browser(secret))).then_some(id))
}

/// Resets offers and pending steps so that the user can start over; `false` when another tab changed the flow first.
pub async fn start_over(ctx: &Ctx<'_>, flow: &mut Flow) -> Result<bool, Error> {
    flow.state.offered_user = None;
    flow.state.attempt = None;
    flow.state.external = None;
    flow.state.kept = None;
    flow.state.awaits_merge = None;
    flow.state.linking = None;
    if flow.state.guest.is_none() && flow.state.purpose == FlowPurpose::SignUp {
        flow.state.purpose = FlowPurpose::Login;
    }
    keep(ctx, flow).await
}
