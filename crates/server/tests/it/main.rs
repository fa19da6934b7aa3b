//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod guest_journey;
mod introspection;
mod lifetimes;
mod nginx;
mod resolver;
mod rotation;
mod signing_keys;
mod support;
