//! Challenges: a device signs one to prove that its request is fresh. A challenge carries its own proof, so issuing it
//! costs no write; it is redeemed in the transaction of the request it was signed for.

use std::time::Duration;

use vestibule_domain::{id::ProjectNo, time::Timestamp};
use vestibule_protocol::api::ChallengePurpose;
use vestibule_store::{
    StoreError, Tx,
    spent::{self, Spending},
};

use crate::{crypto::tokens::Challenge, ctx::Ctx, projects::Project};

/// Lifetime of a challenge.
const LIFETIME: Duration = Duration::from_secs(300);

pub struct IssuedChallenge {
    pub token: String,
    pub expires_at: Timestamp,
}

/// Issues a challenge for one purpose in one project.
pub fn issue(ctx: &Ctx<'_>, purpose: ChallengePurpose) -> IssuedChallenge {
    // A challenge contains whole seconds; the response must not promise more.
    let expires_at = Timestamp::from_seconds(ctx.now.plus(LIFETIME).as_seconds());
    let token = ctx.project.keys.mac.issue_challenge(purpose.as_str(), expires_at, &ctx.app.entropy);
    IssuedChallenge { token, expires_at }
}

/// Validates a challenge of this project for this purpose. Whether it was used is checked when it is redeemed.
pub fn read(project: &Project, purpose: ChallengePurpose, token: &str, now: Timestamp) -> Option<Challenge> {
    project.keys.mac.read_challenge(purpose.as_str(), token).filter(|challenge| now <= challenge.expires_at)
}

/// When a challenge was issued.
pub(crate) fn issued_at(challenge: &Challenge) -> Timestamp {
    challenge.expires_at.minus(LIFETIME)
}

/// Redeems a challenge; exactly one of several concurrent callers gets `true`.
pub async fn spend(tx: &mut Tx, no: ProjectNo, challenge: &Challenge) -> Result<bool, StoreError> {
    spent::spend_dated(tx, no, &challenge.fingerprint).await
}

/// The same for several at once.
pub(crate) fn spending(no: ProjectNo, challenge: &Challenge) -> Spending<'_> {
    Spending { project: no, id: &challenge.fingerprint, holder: None, expires_at: None }
}
