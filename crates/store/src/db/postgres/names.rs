//! Notices that the name of a server leads elsewhere: sessions from before are not used any more. Names no table.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use tokio::{
    net::lookup_host,
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::{Config, config::Host};

/// How often the names are looked up.
const SHORTEST_PAUSE: Duration = Duration::from_secs(10);
/// The same for names that lead to other addresses each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Maximum time of one lookup.
const LOOKUP_WAIT: Duration = Duration::from_secs(5);

/// When an address was last seen to be gone from its name.
pub(in crate::db) type Moved = watch::Receiver<Option<Instant>>;

/// A name, and the addresses it led to when it was last looked up.
struct Name {
    name: String,
    known: HashSet<IpAddr>,
}

/// Looks up the names in a URL from now on; `None` when it has only addresses.
pub(super) fn watch_names(config: &Config) -> Option<Moved> {
    let names: Vec<Name> = names_of(config).map(|name| Name { name, known: HashSet::new() }).collect();
    if names.is_empty() {
        return None;
    }
    let (sender, moved) = watch::channel(None);
    tokio::spawn(look(names, sender));
    Some(moved)
}

fn names_of(config: &Config) -> impl Iterator<Item = String> {
    let has_addresses = !config.get_hostaddrs().is_empty();
    config.get_hosts().iter().filter_map(move |host| match host {
        Host::Tcp(name) if !has_addresses && name.parse::<IpAddr>().is_err() => Some(name.clone()),
        Host::Tcp(_) => None,
        #[cfg(unix)]
        Host::Unix(_) => None,
    })
}

/// The addresses of the one server of a configuration, if it has a name; none when the lookup fails.
pub(super) async fn addresses_of(config: &Config) -> HashSet<IpAddr> {
    let mut names = names_of(config);
    match (names.next(), names.next()) {
        (Some(name), None) => find(&name).await.unwrap_or_default(),
        _ => HashSet::new(),
    }
}

async fn find(name: &str) -> Option<HashSet<IpAddr>> {
    let found = timeout(LOOKUP_WAIT, lookup_host((name, 0))).await.ok()?.ok()?;
    Some(found.map(|address| address.ip()).collect())
}

/// Ends when nothing asks for the result any more.
async fn look(mut names: Vec<Name>, moved: watch::Sender<Option<Instant>>) {
    let (mut pause, mut was_moved) = (SHORTEST_PAUSE, false);
    loop {
        let mut is_moved = false;
        for name in &mut names {
            is_moved |= name.look().await;
        }
        // And once more at the next time, for sessions that were being made meanwhile.
        if is_moved || was_moved {
            moved.send_replace(Some(Instant::now()));
        }
        // A name that leads elsewhere each time must not cost all connections each time.
        pause = if is_moved && was_moved { LONGEST_PAUSE.min(pause * 2) } else { SHORTEST_PAUSE };
        was_moved = is_moved;
        tokio::select! {
            () = moved.closed() => return,
            () = sleep(pause) => {}
        }
    }
}

impl Name {
    /// Whether an address is gone since the last time. A lookup that fails says nothing.
    async fn look(&mut self) -> bool {
        let Some(found) = find(&self.name).await.filter(|found| !found.is_empty()) else { return false };
        let is_moved = !self.known.is_subset(&found);
        if is_moved {
            tracing::info!(
                server.name = self.name,
                "the name of the database server leads to another address: connections to it are made anew"
            );
        }
        self.known = found;
        is_moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_watched_and_addresses_are_not() {
        let names = |url: &str| names_of(&url.parse().expect("a URL")).collect::<Vec<_>>();
        assert_eq!(names("postgres://db.example,10.0.0.1,other.example/d"), ["db.example", "other.example"]);
        for url in ["postgres://10.0.0.1/d", "host=::1", "host=/run/pg", "host=db.example hostaddr=10.0.0.1"] {
            assert!(names(url).is_empty(), "{url}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_gone_is_a_move_and_one_that_came_is_none() {
        let ips = |all: &[&str]| all.iter().map(|ip| ip.parse().expect("an address")).collect::<HashSet<IpAddr>>();
        let mut name = Name { name: "127.0.0.1".to_owned(), known: HashSet::new() };
        assert!(!name.look().await, "the first time");
        assert!(!name.look().await);
        name.known = ips(&["127.0.0.1", "127.0.0.9"]);
        assert!(name.look().await);
        assert_eq!(name.known, ips(&["127.0.0.1"]));
        name.name = "nowhere.invalid".to_owned();
        assert!(!name.look().await, "no answer is no move");
        assert_eq!(name.known, ips(&["127.0.0.1"]));
    }
}
