//! The peer of a connection.

use std::net::SocketAddr;

/// The peer of a connection, before any forwarding header is considered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);
