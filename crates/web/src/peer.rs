//! The peer of a connection.

use std::net::SocketAddr;

/// The peer of a connection, before any forwarding header is considered.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);
