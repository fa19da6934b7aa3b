//! A flow: one person's promotion, sign-up or login on the pages. While it begins, its browser carries it, sealed, in the forms
//! of its pages; from the first form that passes on its state is in the store, where every tab of the browser sees the same.

pub(crate) mod begin;
pub(crate) mod change;
pub(crate) mod commit;
pub(crate) mod earned;
mod message;
pub(crate) mod passkey;
pub(crate) mod sign_in;
pub(crate) mod steps;
mod suggestion;
pub(crate) mod ways;
mod write;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    credential::otp::CodeState,
    id::{FlowId, UserId},
    identifier::{LoginId, LoginIdKind},
    time::Timestamp,
};
use vestibule_store::{Conn, flows, users};

pub(crate) use self::message::{CodeMessage, CodeUse, WriteMessage};
use self::write::{FlowWrite, NotWritten, keep, save};
use super::{
    Error,
    authorize::{FLOW_LIFETIME, PendingRequest},
    candidates::Candidates,
    promotion_source::PromotionSource,
};
use crate::{
    app::App,
    crypto::{hex, sha256},
    projects::Project,
};

/// Why the person is on the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// A guest becomes a member.
    Promote { guest: UserId },
    /// A new member.
    SignUp,
    /// A member comes back.
    Login,
}

/// A login ID that was typed to become somebody's, and waits for its proof.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PendingLoginId {
    pub(crate) login_id: LoginId,
    /// The argon2id hash of the new password, where a password is the way to log in.
    pub(crate) password_hash: Option<String>,
    /// The code that was sent to it.
    pub(crate) code: Option<CodeState>,
    /// When the person proved that it is theirs.
    pub(crate) proved_at: Option<Timestamp>,
    /// It turned out to belong to somebody; told only when that gives nothing away.
    pub(crate) taken: bool,
}

impl PendingLoginId {
    /// Whether nothing more is asked about the login ID itself.
    pub(crate) fn is_settled(&self) -> bool {
        self.code.is_none() && !self.taken
    }
}

/// What a code to an account that may exist is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// Logging in with the code.
    Login,
    /// Choosing a new password.
    Recover,
}

/// A login ID somebody says to own: to log in, or to get a new password.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) login_id: LoginId,
    pub(crate) goal: Goal,
    /// The member a code was sent to; nothing a page shows may depend on whether there is one.
    user: Option<UserId>,
    /// The code, whether it was really sent or not.
    pub(crate) code: Option<CodeState>,
    /// When the right code was typed: a new password may be chosen.
    pub(crate) proved_at: Option<Timestamp>,
}

/// The state of one person's way, as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct FlowState {
    pub(crate) purpose: Purpose,
    pub(crate) request: PendingRequest,
    /// SHA-256 of the browser's secret: the flow is this browser's alone.
    browser: String,
    /// What a `login_hint` or `id_token_hint` suggested.
    pub(crate) prefill: Option<(LoginIdKind, String)>,
    /// The suggestion comes from the member's account and must not be shown whole in this browser.
    #[serde(default)]
    pub(crate) masks_prefill: bool,
    /// What a `login_hint` insists on: the person may use no other login ID.
    #[serde(default)]
    pub(crate) enforced: Option<LoginId>,
    /// Who is signed in already and may simply continue.
    pub(crate) offered_user: Option<UserId>,
    /// The guest whose cookie session the browser came with: signing up promotes it.
    pub(crate) guest: Option<UserId>,
    /// What the guest asked by; without it the guest is not promoted. `None` in flows of a release before this one.
    #[serde(default)]
    pub(crate) source: Option<PromotionSource>,
    /// The hint that leads here, by its fingerprint: used up when the flow is stored.
    #[serde(default)]
    claim: Option<[u8; 16]>,
    /// The app insists on this member proving itself again.
    pub(crate) only_user: Option<UserId>,
    pub(crate) pending: Option<PendingLoginId>,
    pub(crate) attempt: Option<Attempt>,
    /// The person was offered a passkey and wants none now.
    #[serde(default)]
    pub(crate) passkey_skipped: bool,
    /// It ended well; nothing can be done with it any more.
    pub(crate) finished: bool,
    /// It ended with a guest's promotion, not with a sign-in or a new account.
    #[serde(default)]
    pub(crate) promoted: bool,
}

impl FlowState {
    /// A fresh flow of one browser.
    pub(crate) fn new(purpose: Purpose, request: PendingRequest, browser: &str) -> Self {
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
            claim: None,
            only_user: None,
            pending: None,
            attempt: None,
            passkey_skipped: false,
            finished: false,
            promoted: false,
        }
    }

    /// Whether the flow was begun by the browser with this secret.
    fn is_of_browser(&self, browser: &str) -> bool {
        let presented = hash_browser(browser);
        aws_lc_rs::constant_time::verify_slices_are_equal(presented.as_bytes(), self.browser.as_bytes()).is_ok()
    }

    /// The stored form.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a flow's state is plain JSON")
    }

    /// The suggested login ID where it must not be shown whole: it is named, and its form stands for it.
    pub(crate) fn masked_login_id(&self) -> Option<(LoginIdKind, &str)> {
        self.prefill.as_ref().filter(|_| self.masks_prefill).map(|(kind, typed)| (*kind, typed.as_str()))
    }

    /// A login ID as a page of this flow may show it.
    pub(crate) fn show(&self, login_id: &LoginId) -> String {
        if self.masked_login_id() == Some((login_id.kind, &login_id.original)) {
            login_id.mask()
        } else {
            login_id.original.clone()
        }
    }

    /// The guest that becomes the member who signs up here, if there is one.
    pub(crate) fn guest(&self) -> Option<UserId> {
        match self.purpose {
            Purpose::Promote { guest } => Some(guest),
            Purpose::SignUp | Purpose::Login => self.guest,
        }
    }
}

fn hash_browser(browser: &str) -> String {
    hex(&sha256(browser.as_bytes()).0)
}

/// The version of a flow that is not stored.
const NOT_STORED: i64 = 0;

/// A flow as it was loaded, or as its browser brought it.
pub(crate) struct Flow {
    pub(crate) id: FlowId,
    version: i64,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: FlowState,
}

impl Flow {
    /// A flow that begins. Nothing of it is stored: its browser carries it until a form of it passes.
    pub(crate) fn begin(app: &App, state: FlowState, now: Timestamp) -> Self {
        Self { id: app.entropy.id(now), version: NOT_STORED, expires_at: now.plus(FLOW_LIFETIME), state }
    }

    /// The same; the hint with this fingerprint is used up when the flow is stored.
    pub(crate) fn begin_with_claim(app: &App, mut state: FlowState, claim: [u8; 16], now: Timestamp) -> Self {
        state.claim = Some(claim);
        Self::begin(app, state, now)
    }

    /// Whether the store has it; otherwise its browser carries it.
    pub(crate) fn is_stored(&self) -> bool {
        self.version != NOT_STORED
    }

    /// The flow as the forms of its pages carry it.
    pub(crate) fn seal(&self, app: &App, project: &Project) -> String {
        let plain = serde_json::to_vec(&(self.expires_at, &self.state)).expect("a flow's state is plain JSON");
        project.keys.mac.seal_flow(self.id, &plain, &app.entropy)
    }

    fn unseal(project: &Project, id: FlowId, sealed: &str) -> Option<Self> {
        let plain = project.keys.mac.open_flow(id, sealed)?;
        let (expires_at, state) = serde_json::from_slice(&plain).ok()?;
        Some(Self { id, version: NOT_STORED, expires_at, state })
    }

    /// Who will own what is made here: the guest that is promoted, or a new user, which takes the flow's own id. So it
    /// is known before the commit, which a passkey needs.
    pub(crate) fn future_user(&self) -> UserId {
        self.state.guest().unwrap_or_else(|| UserId::from_bytes(*self.id.as_bytes()))
    }
}

/// Why a flow cannot go on.
#[derive(Debug)]
pub(crate) enum FlowProblem {
    /// Its time is over; it still names its request if it belongs to this browser. Or it is not stored any more.
    Expired(Option<Box<PendingRequest>>),
    /// It belongs to another browser, or this browser sent no cookie.
    ForeignBrowser(Box<PendingRequest>),
}

/// Loads a flow for the browser that began it, with the one of its secrets that the flow belongs to. One that is stored is
/// what the store says, whatever the form carries.
pub(crate) async fn load(
    app: &App,
    project: &Project,
    (id, sealed): (FlowId, Option<&str>),
    browser: &Candidates,
    now: Timestamp,
) -> Result<Result<(Flow, String), FlowProblem>, Error> {
    let flow = match flows::find(&mut *app.store.read().await?, project.no, id).await? {
        // A state that an older release wrote and this one cannot read is as good as expired.
        Some(row) => serde_json::from_str(&row.state).ok().map(|state| Flow {
            id,
            version: row.version,
            expires_at: row.expires_at,
            state,
        }),
        None => sealed.and_then(|sealed| Flow::unseal(project, id, sealed)),
    };
    let Some(flow) = flow else { return Ok(Err(FlowProblem::Expired(None))) };
    let own = browser.iter().find(|secret| flow.state.is_of_browser(secret));
    if now > flow.expires_at {
        return Ok(Err(FlowProblem::Expired(own.map(|_| Box::new(flow.state.request)))));
    }
    Ok(match own {
        Some(secret) => Ok((flow, secret.to_string())),
        None => Err(FlowProblem::ForeignBrowser(Box::new(flow.state.request))),
    })
}

/// Finds the flow a hint was used up for, for the browser that began it.
pub(crate) async fn resume(
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

/// Whether the guest signed out since it asked to be promoted, or what it asked by was revoked or has expired.
async fn has_guest_left(app: &App, project: &Project, flow: &Flow, now: Timestamp) -> Result<bool, Error> {
    let (Some(source), Some(guest)) = (&flow.state.source, flow.state.guest()) else { return Ok(false) };
    let mut conn = app.store.read().await?;
    if source.is_live(&mut conn, project, guest, now).await? {
        return Ok(false);
    }
    // One that was promoted elsewhere is told so.
    Ok(users::find(&mut conn, project.no, guest).await?.is_some_and(|guest| guest.is_anonymous()))
}

/// Forgets what is offered or half done, so that the person can begin anew; `false` when another tab was faster.
pub(crate) async fn start_over(app: &App, project: &Project, flow: &mut Flow, now: Timestamp) -> Result<bool, Error> {
    flow.state.offered_user = None;
    flow.state.attempt = None;
    if flow.state.guest.is_none() && flow.state.purpose == Purpose::SignUp {
        flow.state.purpose = Purpose::Login;
    }
    keep(app, project, flow, now).await
}
