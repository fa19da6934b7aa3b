//! A person's way through the pages: promotion, sign-up, login. The state lives in the store, so that reloads,
//! back buttons and other tabs of the same browser all see the same truth.

pub(crate) mod commit;
pub(crate) mod steps;

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    credential::otp::CodeState,
    id::{FlowId, UserId},
    identifier::LoginIdKind,
    time::Timestamp,
};
use vestibule_store::flows;

use super::{Error, authorize::PendingRequest};
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

/// A login ID that was typed and waits for its proof.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PendingLoginId {
    pub(crate) kind: LoginIdKind,
    /// Normalised: what must be unique.
    pub(crate) value: String,
    /// As it was typed.
    pub(crate) original: String,
    /// The argon2id hash of the new password.
    pub(crate) password_hash: Option<String>,
    /// The code that was sent to it.
    pub(crate) code: Option<CodeState>,
    /// When the person proved that it is theirs.
    pub(crate) proved_at: Option<Timestamp>,
    /// It turned out to belong to somebody; told only after the proof.
    pub(crate) taken: bool,
}

/// The state of one person's way, as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct FlowState {
    pub(crate) purpose: Purpose,
    pub(crate) request: PendingRequest,
    /// SHA-256 of the browser's secret: the flow is this browser's alone.
    browser: String,
    /// What a `login_hint` suggested.
    pub(crate) prefill: Option<(LoginIdKind, String)>,
    /// Who is signed in already and may simply continue.
    pub(crate) offered_user: Option<UserId>,
    pub(crate) pending: Option<PendingLoginId>,
    /// It ended well; nothing can be done with it any more.
    pub(crate) finished: bool,
}

impl FlowState {
    /// A fresh flow of one browser.
    pub(crate) fn new(purpose: Purpose, request: PendingRequest, browser: &str) -> Self {
        Self {
            purpose,
            request,
            browser: hash_browser(browser),
            prefill: None,
            offered_user: None,
            pending: None,
            finished: false,
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

/// Why a flow cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowProblem {
    /// It is not there, or its time is over.
    Expired,
    /// It belongs to another browser, or this one sent no cookie.
    ForeignBrowser,
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
    let Some(row) = row.filter(|row| now <= row.expires_at) else { return Ok(Err(FlowProblem::Expired)) };
    // A state that an older release wrote and this one cannot read is as good as expired.
    let Ok(state) = serde_json::from_str::<FlowState>(&row.state) else { return Ok(Err(FlowProblem::Expired)) };
    if !browser.is_some_and(|browser| state.is_of_browser(browser)) {
        return Ok(Err(FlowProblem::ForeignBrowser));
    }
    Ok(Ok(Flow { id, version: row.version, expires_at: row.expires_at, state }))
}
