//! The key sets that applications publish at their `jwks_uri`, kept in memory. Strangers can make the server fetch one only seldom.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use vestibule_domain::{event::hide_url_secrets, id::ProjectNo, time::Timestamp};
use vestibule_protocol::jose::KeySet;

use crate::{ctx::Ctx, error::Error};

/// How long a set is used without a look at its URL.
const FRESH: Duration = Duration::from_secs(600);
/// How long a set is used while its URL does not answer.
const STALE: Duration = Duration::from_secs(3_600);
/// Pause between fetches for a signature that fits none of the keys.
const REFETCH_PAUSE: Duration = Duration::from_secs(60);
/// Pause after a failed fetch.
const FAILED_PAUSE: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Sets that are kept, of all projects.
const MOST: usize = 4_096;

/// Which keys are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Those that are known, if they are not old.
    Known,
    /// Newer ones: none of the known ones made the signature.
    Newer,
}

/// The key sets of all projects.
#[derive(Default)]
pub struct ClientKeys {
    sets: Mutex<HashMap<(ProjectNo, String), Arc<tokio::sync::Mutex<HeldSet>>>>,
}

#[derive(Default)]
struct HeldSet {
    /// The last set, and when it was fetched.
    set: Option<(Arc<KeySet>, Timestamp)>,
    /// When the last fetch failed.
    failed_at: Option<Timestamp>,
}

impl HeldSet {
    fn age(&self, now: Timestamp) -> Option<Duration> {
        self.set.as_ref().map(|(_, at)| now.since(*at))
    }

    fn needs_fetch(&self, wanted: Freshness, now: Timestamp) -> bool {
        let longest = match wanted {
            Freshness::Known => FRESH,
            Freshness::Newer => REFETCH_PAUSE,
        };
        let is_old = self.age(now).is_none_or(|age| age >= longest);
        is_old && self.failed_at.is_none_or(|at| now.since(at) >= FAILED_PAUSE)
    }

    fn usable(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let is_usable = self.age(now).is_some_and(|age| age < STALE);
        self.set.as_ref().filter(|_| is_usable).map(|(set, _)| Arc::clone(set))
    }
}

impl ClientKeys {
    /// The keys at a URL of the request's project. Concurrent requests wait for one fetch.
    ///
    /// # Errors
    /// [`Error::ClientKeysUnavailable`], [`Error::ShareUsedUp`].
    pub(crate) async fn get(&self, ctx: &Ctx<'_>, url: &str, wanted: Freshness) -> Result<Arc<KeySet>, Error> {
        let slot = self.slot(ctx.project.no, url);
        let mut held = slot.lock().await;
        if held.needs_fetch(wanted, ctx.now) {
            let _place = ctx.app.shares.key_fetches.take(ctx.project.no)?;
            match fetch(ctx, url).await {
                // Noted afterwards, so that a caller that hangs up early keeps no other from trying.
                Ok(set) => *held = HeldSet { set: Some((Arc::new(set), ctx.now)), failed_at: None },
                Err(why) => {
                    held.failed_at = Some(ctx.now);
                    let url = hide_url_secrets(url);
                    let project = &ctx.project.id;
                    tracing::warn!(
                        project.id = project,
                        client.keys = url,
                        error = why,
                        "can't fetch the keys of an application"
                    );
                }
            }
        }
        held.usable(ctx.now).ok_or(Error::ClientKeysUnavailable)
    }

    fn slot(&self, project: ProjectNo, url: &str) -> Arc<tokio::sync::Mutex<HeldSet>> {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= MOST {
            sets.clear();
        }
        Arc::clone(sets.entry((project, url.to_string())).or_default())
    }
}

async fn fetch(ctx: &Ctx<'_>, url: &str) -> Result<KeySet, String> {
    let answer = ctx.app.webhooks.get((ctx.project.no, url), TIMEOUT).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("the server answered with status {}", answer.status));
    }
    KeySet::parse(&answer.body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn set() -> Arc<KeySet> {
        let text = r#"{"keys":[{"kty":"EC","crv":"P-256","x":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","y":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"}]}"#;
        Arc::new(KeySet::parse(text.as_bytes()).expect("a set"))
    }

    #[test]
    fn a_set_is_fetched_when_it_is_old_or_does_not_fit_and_not_too_often() {
        use Freshness::{Known, Newer};
        let none = HeldSet::default();
        assert!(none.needs_fetch(Known, at(0)) && none.usable(at(0)).is_none());
        let failed = HeldSet { failed_at: Some(at(0)), ..HeldSet::default() };
        assert!(!failed.needs_fetch(Known, at(9)) && failed.needs_fetch(Known, at(10)));
        let held = HeldSet { set: Some((set(), at(0))), failed_at: None };
        for (wanted, seconds, expected) in
            [(Known, 599, false), (Known, 600, true), (Newer, 59, false), (Newer, 60, true), (Known, 0, false)]
        {
            assert_eq!(held.needs_fetch(wanted, at(seconds)), expected, "{wanted:?} after {seconds} s");
        }
        assert!(held.usable(at(3_599)).is_some() && held.usable(at(3_600)).is_none());
        let broken = HeldSet { failed_at: Some(at(700)), ..held };
        assert!(!broken.needs_fetch(Newer, at(709)) && broken.needs_fetch(Newer, at(710)));
    }
}
