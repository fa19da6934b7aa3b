//! Limits on the number of connections, in total and per address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vestibule_app::{
    config::{Network, Server},
    files,
    metrics::RefusedConnection,
};
use vestibule_domain::limit::{IpKey, ip_key};

/// Files reserved for the store, mail, webhooks and the listener for probes.
const OTHER_FILES: usize = 256;
/// The default share of all connections for one address: one in this many.
const SHARE: usize = 20;
/// The minimum of that share: a few browsers behind one address.
const LEAST_SHARE: usize = 16;

/// The limits on connections.
#[derive(Clone, Debug)]
pub struct Capacity {
    pub total: usize,
    /// Per address, or per IPv6 network.
    pub(super) per_address: usize,
    /// Addresses that are not limited: proxies with many clients behind them.
    pub(super) exempt: Vec<Network>,
}

impl Capacity {
    /// The configured limits, reduced below the limit on open files, so that further connections can still be rejected.
    pub fn of(limits: &Server) -> Self {
        Self::within(limits, files::limit().unwrap_or(usize::MAX))
    }

    /// As [`Self::of`], for a process that may open so many files.
    pub fn within(limits: &Server, files: usize) -> Self {
        let room = files.saturating_sub(OTHER_FILES).max(files / 2);
        let total = limits.max_connections.min(room);
        let per_address = match limits.max_connections_per_address {
            0 => (total / SHARE).max(LEAST_SHARE),
            configured => configured,
        };
        Self { total, per_address, exempt: limits.trusted_proxies.clone() }
    }
}

/// The open connections by address.
pub(super) struct ConnectionPermits {
    capacity: Capacity,
    free: Arc<Semaphore>,
    taken: Mutex<HashMap<IpKey, usize>>,
}

/// A reservation for one connection, released when dropped.
pub(super) struct ConnectionPermit {
    permits: Arc<ConnectionPermits>,
    counted_as: Option<IpKey>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionPermits {
    pub(super) fn new(capacity: Capacity) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(capacity.total.min(Semaphore::MAX_PERMITS)));
        Arc::new(Self { capacity, free, taken: Mutex::default() })
    }

    /// Reserves a connection for this address, if the limits allow.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionPermit, RefusedConnection> {
        let is_exempt = self.capacity.exempt.iter().any(|network| network.contains(peer));
        let key = (!is_exempt).then(|| ip_key(peer));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = key.map_or(0, |key| taken.get(&key).copied().unwrap_or(0));
        if count >= self.capacity.per_address {
            return Err(RefusedConnection::Address);
        }
        let permit = Arc::clone(&self.free).try_acquire_owned().map_err(|_| RefusedConnection::Full)?;
        if let Some(key) = key {
            taken.insert(key, count + 1);
        }
        Ok(ConnectionPermit { permits: Arc::clone(self), counted_as: key, _permit: permit })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let Some(key) = self.counted_as else { return };
        let mut taken = self.permits.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn permits(total: usize, per_address: usize) -> Arc<ConnectionPermits> {
        let exempt = vec![Network::try_from("10.0.0.0/8".to_owned()).expect("a network")];
        ConnectionPermits::new(Capacity { total, per_address, exempt })
    }

    #[test]
    fn one_address_gets_its_share_and_no_more() {
        let permits = permits(100, 2);
        let first = permits.take(ip("192.0.2.1")).expect("a place");
        let _second = permits.take(ip("::ffff:192.0.2.1")).expect("a place");
        assert_eq!(permits.take(ip("192.0.2.1")).err(), Some(RefusedConnection::Address));
        let _neighbor = permits.take(ip("192.0.2.2")).expect("a place of another address");
        drop(first);
        let _again = permits.take(ip("192.0.2.1")).expect("the place that is free again");
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let permits = permits(100, 1);
        let _one = permits.take(ip("2001:db8:1:2::3")).expect("a place");
        assert_eq!(permits.take(ip("2001:db8:1:2:ffff::4")).err(), Some(RefusedConnection::Address));
        let _other = permits.take(ip("2001:db8:1:3::3")).expect("a place of another network");
    }

    #[test]
    fn proxies_are_exempt_from_their_share_but_not_from_the_whole() {
        let permits = permits(3, 1);
        let _held: Vec<_> = (0..3).map(|_| permits.take(ip("10.1.2.3")).expect("a place")).collect();
        assert_eq!(permits.take(ip("10.1.2.3")).err(), Some(RefusedConnection::Full));
        assert_eq!(permits.take(ip("192.0.2.1")).err(), Some(RefusedConnection::Full));
    }

    #[test]
    fn nothing_is_remembered_of_addresses_without_connections() {
        let permits = permits(1, 1);
        drop(permits.take(ip("192.0.2.1")));
        let _one = permits.take(ip("192.0.2.2")).expect("a place");
        assert_eq!(permits.take(ip("192.0.2.3")).err(), Some(RefusedConnection::Full));
        assert_eq!(permits.taken.lock().expect("whole").len(), 1);
    }

    #[test]
    fn the_share_of_an_address_follows_from_the_whole_unless_it_is_configured() {
        let mut server = vestibule_app::config::load(None, std::iter::empty()).expect("defaults").server;
        for (total, configured, expected) in [(400, 0, 20), (100, 0, 16), (100, 70, 70)] {
            (server.max_connections, server.max_connections_per_address) = (total, configured);
            assert_eq!(Capacity::of(&server).per_address, expected, "{total} {configured}");
        }
    }
}
