//! What a provider answered to a native application, kept for what comes after: the credential that it gave to the application is good
//! once. The application gets it sealed, with the guest who asked, and for five minutes; it goes on with it, or a page does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{id::UserId, project::Provider, time::Timestamp};

use crate::{
    crypto::sha256, ctx::Ctx, promotion::source::PromotionSource, providers::ProviderUser, single_use::SingleUse,
};

/// How long an answer is kept after it was verified.
const LIFETIME: Duration = Duration::from_secs(300);
/// Bytes of a continuation above which less of the profile is kept, so that its URL stays short enough for proxies.
const LONG: usize = 3 * 1_024;

/// A verified answer of a provider.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptAnswer {
    pub(crate) alias: String,
    pub(crate) user: ProviderUser,
    /// The provider was asked after this time.
    pub(crate) asked_since: Timestamp,
    pub(crate) verified_at: Timestamp,
}

impl KeptAnswer {
    /// Whether it is of this provider, and still kept.
    pub(super) fn is_usable(&self, provider: &Provider, now: Timestamp) -> bool {
        self.alias == provider.alias && self.user.provider == provider.account_key() && now <= self.expires_at()
    }

    fn expires_at(&self) -> Timestamp {
        self.verified_at.plus(LIFETIME)
    }
}

/// What goes on later.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Continuation {
    client_id: String,
    /// The key that the application has proved (RFC 9449), if it did.
    pub(crate) dpop_jkt: Option<String>,
    /// The guest who was to be promoted, and the session or grant that asked for it.
    pub(crate) guest: Option<(UserId, PromotionSource)>,
    pub(crate) kept: KeptAnswer,
}

impl Continuation {
    /// One for this application.
    pub(crate) fn new(
        client_id: &str,
        dpop_jkt: Option<String>,
        guest: Option<(UserId, PromotionSource)>,
        kept: KeptAnswer,
    ) -> Self {
        Self { client_id: client_id.to_string(), dpop_jkt, guest, kept }
    }

    /// Seals it for the application.
    pub(crate) fn seal(mut self, ctx: &Ctx<'_>) -> String {
        let print = |one: &Self| serde_json::to_vec(one).expect("a continuation is plain JSON");
        let mut plain = print(&self);
        if plain.len() > LONG {
            self.kept.user = self.kept.user.with_essential_profile();
            plain = print(&self);
        }
        ctx.project.keys.mac.seal_continuation(&plain, &ctx.app.entropy)
    }

    /// Reads one of this application, with its provider; `None` when it is another one's, too old, or changed.
    pub(crate) fn open<'a>(ctx: &Ctx<'a>, client_id: &str, sealed: &str) -> Option<(Self, &'a Provider)> {
        let plain = ctx.project.keys.mac.open_continuation(sealed)?;
        let read: Self = serde_json::from_slice(&plain).ok()?;
        let kept = &read.kept;
        let is_of_another = ctx.project.is_from_before(client_id, kept.verified_at);
        let provider = ctx.project.settings.provider(&kept.alias)?;
        let is_good = read.client_id == client_id
            && !is_of_another
            && provider.has_native_sign_in()
            && kept.is_usable(provider, ctx.now);
        is_good.then_some((read, provider))
    }

    /// What is used up when it is redeemed.
    pub(crate) fn single_use(&self, sealed: &str) -> SingleUse {
        SingleUse { fingerprint: fingerprint(sealed), expires_at: self.kept.expires_at() }
    }
}

/// The key of the record of a redeemed continuation; does not validate it.
pub(crate) fn fingerprint(sealed: &str) -> [u8; 16] {
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&sha256(format!("continuation:{sealed}").as_bytes()).0[..16]);
    fingerprint
}
