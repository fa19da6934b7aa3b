//! A person's way through the pages: promotion, sign-up, login. The state lives in the store, so that reloads,
//! back buttons and other tabs of the same browser all see the same truth.

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

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    credential::otp::CodeState,
    id::{FlowId, UserId},
    identifier::{LoginId, LoginIdKind},
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, flows};

pub(crate) use self::message::{CodeMessage, CodeUse, WriteMessage};
use super::{Error, authorize::PendingRequest, promotion_source::PromotionSource};
use crate::{
    app::App,
    crypto::{hex, sha256},
    messages::Message,
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
            only_user: None,
            pending: None,
            attempt: None,
            passkey_skipped: false,
            finished: false,
            promoted: false,
        }
    }

    /// Whether the flow was begun by the browser with this secret.
    pub(crate) fn is_of_browser(&self, browser: &str) -> bool {
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

/// A flow as it was loaded.
pub(crate) struct Flow {
    pub(crate) id: FlowId,
    pub(crate) version: i64,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: FlowState,
}

impl Flow {
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

/// Loads a flow for the browser that began it.
pub(crate) async fn load(
    app: &App,
    project: &Project,
    id: FlowId,
    browser: Option<&str>,
    now: Timestamp,
) -> Result<Result<Flow, FlowProblem>, Error> {
    let row = flows::find(&mut *app.store.read().await?, project.no, id).await?;
    let Some(row) = row else { return Ok(Err(FlowProblem::Expired(None))) };
    // A state that an older release wrote and this one cannot read is as good as expired.
    let Ok(state) = serde_json::from_str::<FlowState>(&row.state) else { return Ok(Err(FlowProblem::Expired(None))) };
    let is_own = browser.is_some_and(|browser| state.is_of_browser(browser));
    if now > row.expires_at {
        return Ok(Err(FlowProblem::Expired(is_own.then(|| Box::new(state.request)))));
    }
    if !is_own {
        return Ok(Err(FlowProblem::ForeignBrowser(Box::new(state.request))));
    }
    Ok(Ok(Flow { id, version: row.version, expires_at: row.expires_at, state }))
}

/// Writes the flow's state, and the message that goes with it, unless another tab was faster.
async fn save(
    app: &App,
    project: &Project,
    flow: &mut Flow,
    message: Option<Message>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let no = project.no;
    let ring = message.is_some();
    let message = message.map(|message| message.seal(app, no));
    let input = (flow.id, flow.version, flow.state.to_json(), flow.expires_at, message);
    let saved = app
        .store
        .write("save_flow", input, move |tx: &mut Tx, (id, version, state, expires_at, message)| {
            Box::pin(async move {
                if !flows::update(tx, no, *id, *version, state, *expires_at).await? {
                    return Ok::<_, StoreError>(false);
                }
                if let Some(message) = message {
                    message.push(tx, no, now).await?;
                }
                Ok(true)
            })
        })
        .await?;
    if saved {
        flow.version += 1;
    }
    if ring {
        app.outbox_bell.notify_one();
    }
    Ok(saved)
}

/// Forgets what is offered or half done, so that the person can begin anew; `false` when another tab was faster.
pub(crate) async fn start_over(app: &App, project: &Project, flow: &mut Flow, now: Timestamp) -> Result<bool, Error> {
    flow.state.offered_user = None;
    flow.state.attempt = None;
    if flow.state.guest.is_none() && flow.state.purpose == Purpose::SignUp {
        flow.state.purpose = Purpose::Login;
    }
    Ok(save(app, project, flow, None, now).await?)
}
