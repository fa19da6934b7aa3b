//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod guest_journey;
mod support;
