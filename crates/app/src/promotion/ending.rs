//! What ends with a promotion: all that the guest has, except the browser's own session, which gets a new secret. An attacker
//! may have begun the guest, and kept a session or grant of it or a copy of its cookie, before its victim promotes it (account
//! pre-hijacking).

use vestibule_domain::{
    event::{RevocationReason, TriggeredBy},
    id::{ProjectNo, SessionId, UserId},
    promotion::DELIVERY,
    session::SessionRef,
    time::Timestamp,
    user::User,
};
use vestibule_store::{StoreError, Tx, grants};

use crate::{
    ctx::Ctx,
    error::Error,
    sessions::{self, Ending, ListedSession, Selection},
};

/// The sessions and grants of a guest that end with its promotion, and those that stay, limited, until the application has
/// its new tokens.
pub struct PromotionEnding {
    ending: Ending,
    /// The application that gets an authorization code.
    receiver: Option<String>,
    /// When the grants that stay end at the latest.
    ends_at: Timestamp,
    /// The grants that stay, as they were before.
    pub staying: Vec<ListedSession>,
}

impl PromotionEnding {
    /// `held` is the guest's cookie session in the browser that promotes it, and whether a new one replaces it; `receiver` is
    /// the application that gets a code.
    pub async fn prepare(
        ctx: &Ctx<'_>,
        guest: &User,
        (held, is_replaced): (Option<SessionId>, bool),
        receiver: Option<String>,
    ) -> Result<Self, Error> {
        let stays = |listed: &ListedSession| {
            matches!(listed.id, SessionRef::Grant(_))
                && (listed.parent.is_none() || listed.parent == held)
                && listed.client_id == receiver
        };
        let staying = sessions::list(ctx, guest).await?.into_iter().filter(stays).collect();
        let selection = Selection::Promoted { held, is_replaced, receiver: receiver.clone() };
        let ending = Ending::new(ctx, guest.id, selection, (RevocationReason::Promotion, TriggeredBy::User));
        Ok(Self { ending, receiver, ends_at: ctx.now.plus(DELIVERY), staying })
    }

    /// Ends what ends, and limits what stays.
    pub async fn write(&self, tx: &mut Tx, no: ProjectNo, guest: UserId) -> Result<(), StoreError> {
        self.ending.write(tx).await?;
        if let Some(receiver) = &self.receiver {
            grants::limit_of_client(tx, no, guest, receiver, self.ends_at).await?;
        }
        Ok(())
    }
}
