//! Challenges: what a device signs to show that its request is fresh. Issuing one costs no write, it carries its own
//! proof; it is spent in the transaction of what it was signed for.

use std::time::Duration;

use vestibule_domain::{id::ProjectNo, time::Timestamp};
use vestibule_protocol::api::ChallengePurpose;
use vestibule_store::{StoreError, Tx, spent};

use crate::{app::App, crypto::tokens::Challenge, projects::Project};

/// How long a challenge waits to be used.
const LIFETIME: Duration = Duration::from_secs(300);

/// A challenge and when it stops working.
pub(crate) struct IssuedChallenge {
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
}

/// Issues a challenge for one purpose of one project.
pub(crate) fn issue(app: &App, project: &Project, purpose: ChallengePurpose, now: Timestamp) -> IssuedChallenge {
    // A challenge holds whole seconds; what is told must not promise more.
    let expires_at = Timestamp::from_seconds(now.plus(LIFETIME).as_seconds());
    let token = project.keys.mac.issue_challenge(purpose.as_str(), expires_at, &app.entropy);
    IssuedChallenge { token, expires_at }
}

/// A challenge of this project for this purpose that has not expired; whether it was used shows when it is spent.
pub(crate) fn read(project: &Project, purpose: ChallengePurpose, token: &str, now: Timestamp) -> Option<Challenge> {
    project.keys.mac.read_challenge(purpose.as_str(), token).filter(|challenge| now <= challenge.expires_at)
}

/// Uses a challenge up; of any number of callers one gets `true`.
pub(crate) async fn spend(tx: &mut Tx, no: ProjectNo, challenge: &Challenge) -> Result<bool, StoreError> {
    spent::spend(tx, no, &challenge.fingerprint, None, challenge.expires_at).await
}
