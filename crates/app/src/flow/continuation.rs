//! What a provider answered to a native application, kept for what comes after: the credential that it gave to the application is good
//! once. The application gets it sealed, with the guest who asked, and for five minutes; it goes on with it, or a page does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_domain::{id::UserId, project::Provider, time::Timestamp};

use crate::{
    crypto::fingerprint, ctx::Ctx, promotion::source::PromotionSource, providers::ProviderUser, single_use::SingleUse,
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
    /// When the provider issued it; `None` in what an earlier release kept.
    #[serde(default)]
    pub(crate) issued_at: Option<Timestamp>,
    /// Whether only the application's key gets what a page with it leads to.
    #[serde(default)]
    pub(crate) is_bound: bool,
}

impl KeptAnswer {
    /// When it proved its user at the latest: an application may have had it for minutes.
    pub(crate) fn proved_at(&self) -> Timestamp {
        self.issued_at.map_or(self.verified_at, |at| at.min(self.verified_at))
    }

    /// Whether it is of this provider, whose settings still take such answers, and still kept.
    pub(super) fn is_usable(&self, provider: &Provider, now: Timestamp) -> bool {
        self.alias == provider.alias
            && self.user.provider == provider.account_key()
            && provider.has_native_sign_in()
            && now <= self.expires_at()
    }

    /// Whether it proves its user on a page, so that the provider is not asked again. The page's URL may have been read by another
    /// person, who would get the code for the account: so only where the code is of no use without the application's key. The
    /// authorization request may ask for a proof that is not older than this, in seconds.
    pub(super) fn is_proof_on_page(&self, provider: &Provider, max_age: Option<u64>, now: Timestamp) -> bool {
        // Within the same second or not: what was proved before is not proved for the request.
        let is_recent = |seconds| seconds > 0 && self.user.dated(provider, self.proved_at()).is_within(seconds, now);
        self.is_bound && self.is_usable(provider, now) && max_age.is_none_or(is_recent)
    }

    fn expires_at(&self) -> Timestamp {
        self.verified_at.plus(LIFETIME)
    }
}

/// What goes on later.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Continuation {
    /// The same in both forms of one, so that they are good once together.
    id: [u8; 16],
    client_id: String,
    /// The key that the application has proved (RFC 9449), if it did.
    pub(crate) dpop_jkt: Option<String>,
    /// The guest who was to be promoted, and the session or grant that asked for it.
    pub(crate) guest: Option<(UserId, PromotionSource)>,
    pub(crate) kept: KeptAnswer,
}

/// The two forms of one continuation. The application sends the first one to the token endpoint, where it proves the account. The second
/// one is for a URL, where others may read it, and opens a page.
pub(crate) struct SealedContinuation {
    pub(crate) proof: String,
    pub(crate) page: String,
}

impl Continuation {
    /// One for this application.
    pub(crate) fn new(
        ctx: &Ctx<'_>,
        client_id: &str,
        dpop_jkt: Option<String>,
        guest: Option<(UserId, PromotionSource)>,
        kept: KeptAnswer,
    ) -> Self {
        Self { id: ctx.app.entropy.bytes(), client_id: client_id.to_string(), dpop_jkt, guest, kept }
    }

    /// Seals it for the application.
    pub(crate) fn seal(mut self, ctx: &Ctx<'_>) -> SealedContinuation {
        let print = |one: &Self| serde_json::to_vec(one).expect("a continuation is plain JSON");
        let mut plain = print(&self);
        if plain.len() > LONG {
            self.kept.user = self.kept.user.with_essential_profile();
            plain = print(&self);
        }
        let (mac, entropy) = (&ctx.project.keys.mac, &ctx.app.entropy);
        SealedContinuation {
            proof: mac.seal_continuation(&plain, entropy),
            page: mac.seal_page_continuation(&plain, entropy),
        }
    }

    /// Reads the form that proves the account, if it is one of this application, with its provider; `None` when it is another one's, too
    /// old, or changed.
    pub(crate) fn open_proof<'a>(ctx: &Ctx<'a>, client_id: &str, sealed: &str) -> Option<(Self, &'a Provider)> {
        let read: Self = serde_json::from_slice(&ctx.project.keys.mac.open_continuation(sealed)?).ok()?;
        let provider = read.provider(ctx, client_id)?;
        Some((read, provider))
    }

    /// Reads the form for a page, whether it may still be used or not; `None` when it was changed.
    pub(crate) fn read_page(ctx: &Ctx<'_>, sealed: &str) -> Option<Self> {
        serde_json::from_slice(&ctx.project.keys.mac.open_page_continuation(sealed)?).ok()
    }

    /// Its provider, if it is one of this application, and not too old.
    pub(crate) fn provider<'a>(&self, ctx: &Ctx<'a>, client_id: &str) -> Option<&'a Provider> {
        let is_of_another = ctx.project.is_from_before(client_id, self.kept.verified_at);
        let is_own = self.client_id == client_id && !is_of_another;
        let provider = ctx.project.settings.provider(&self.kept.alias).filter(|_| is_own)?;
        self.kept.is_usable(provider, ctx.now).then_some(provider)
    }

    /// The key of the record of its redemption, in whatever form.
    pub(crate) fn fingerprint(&self) -> [u8; 16] {
        fingerprint("continuation", &self.id)
    }

    /// What is used up when it is redeemed.
    pub(crate) fn single_use(&self) -> SingleUse {
        SingleUse { fingerprint: self.fingerprint(), expires_at: self.kept.expires_at() }
    }
}
