//! A value that is redeemed once, whichever node is asked.

use vestibule_domain::{id::ProjectNo, time::Timestamp};
use vestibule_store::{StoreError, Tx, spent};

use crate::crypto::tokens::Challenge;

/// The record of a value of which the redemption is part of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SingleUse {
    pub fingerprint: [u8; 16],
    /// When the value is refused anyway, so that the record can be removed.
    pub expires_at: Timestamp,
}

impl SingleUse {
    /// Redeems it in the transaction of the change; exactly one of several concurrent callers gets `true`.
    pub(crate) async fn spend(&self, tx: &mut Tx, no: ProjectNo) -> Result<bool, StoreError> {
        spent::spend(tx, no, &self.fingerprint, None, self.expires_at).await
    }
}

impl From<Challenge> for SingleUse {
    fn from(challenge: Challenge) -> Self {
        Self { fingerprint: challenge.fingerprint, expires_at: challenge.expires_at }
    }
}
