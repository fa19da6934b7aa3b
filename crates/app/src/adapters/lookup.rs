//! Looks up the names of webhooks' receivers and of providers. A lookup occupies a thread until it ends, however long the server of the name takes and
//! whether its result is still wanted or not: so a name is looked up once for all that ask at the same time, and only so many names.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use vestibule_domain::id::ProjectNo;

use crate::limits::fair::FairPermits;

/// Names that are looked up at the same time, at most: half the threads there are for work that blocks.
const NAMES: usize = 256;
/// Those that one project began to look up, at most.
const OF_A_PROJECT: usize = 64;

tokio::task_local! {
    /// The project whose receiver or provider is called: a resolver gets only the name.
    static CALLING: ProjectNo;
}

/// Calls a receiver or provider of a project, so that lookups count as that project's.
pub(crate) async fn calling<F: Future>(project: ProjectNo, call: F) -> F::Output {
    CALLING.scope(project, call).await
}

/// Why a name was not looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LookupError {
    #[error("too many names are being looked up")]
    TooMany,
    #[error("{0}")]
    Failed(String),
}

type ResolvedAddresses = Result<Vec<SocketAddr>, LookupError>;
type Waiting = watch::Receiver<Option<ResolvedAddresses>>;

/// The lookups that are under way.
#[derive(Clone)]
pub(super) struct Lookups {
    under_way: Arc<Mutex<HashMap<String, Waiting>>>,
    places: FairPermits,
}

impl Default for Lookups {
    fn default() -> Self {
        Self { under_way: Arc::default(), places: FairPermits::new(NAMES, OF_A_PROJECT) }
    }
}

impl Lookups {
    /// The addresses of a name, with the port 0.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) async fn find(&self, name: &str) -> ResolvedAddresses {
        let mut waiting = self.join(name)?;
        let broke_off = || LookupError::Failed("the lookup broke off".to_string());
        let found = waiting.wait_for(Option::is_some).await.map_err(|_| broke_off())?.clone();
        found.unwrap_or_else(|| Err(broke_off()))
    }

    /// Joins the lookup of a name, or begins it.
    fn join(&self, name: &str) -> Result<Waiting, LookupError> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = under_way.get(name) {
            return Ok(waiting.clone());
        }
        // Whose names are asked for by no call are of no project.
        let project = CALLING.try_with(|project| *project).unwrap_or(ProjectNo(0));
        let place = self.places.take(project).map_err(|_| LookupError::TooMany)?;
        let (result, waiting) = watch::channel(None);
        under_way.insert(name.to_string(), waiting.clone());
        drop(under_way);
        let (lookups, name) = (self.clone(), name.to_string());
        tokio::spawn(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found = found.map(Iterator::collect).map_err(|error| LookupError::Failed(error.to_string()));
            lookups.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
            let _ = result.send(Some(found));
            drop(place);
        });
        Ok(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_looked_up_once_for_all_that_ask_at_the_same_time() {
        let lookups = Lookups::default();
        let first = lookups.join("localhost").unwrap();
        assert!(lookups.join("localhost").unwrap().same_channel(&first));
        let found = lookups.find("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()));
        assert!(lookups.under_way.lock().unwrap().is_empty());
        assert!(!lookups.join("localhost").unwrap().same_channel(&first), "the next one looks again");
    }

    #[tokio::test]
    async fn only_so_many_names_are_looked_up_at_the_same_time() {
        let lookups = Lookups::default();
        let (_result, waiting) = watch::channel(None);
        lookups.under_way.lock().unwrap().insert("slow.example".to_string(), waiting);
        let take =
            |project: i64| std::iter::from_fn(|| lookups.places.take(ProjectNo(project)).ok()).collect::<Vec<_>>();
        let first = take(1);
        assert_eq!(first.len(), OF_A_PROJECT);
        let refused = calling(ProjectNo(1), lookups.find("localhost")).await;
        assert_eq!(refused, Err(LookupError::TooMany), "a project has its share");
        assert!(calling(ProjectNo(1), async { lookups.join("slow.example").is_ok() }).await, "it is under way");
        assert!(calling(ProjectNo(2), lookups.find("localhost")).await.is_ok(), "others have theirs");
        let rest: Vec<_> = (2..200).map(take).collect();
        assert_eq!(first.len() + rest.iter().map(Vec::len).sum::<usize>(), NAMES);
        assert_eq!(calling(ProjectNo(200), lookups.find("localhost")).await, Err(LookupError::TooMany));
    }
}
