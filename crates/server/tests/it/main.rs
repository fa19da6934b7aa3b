//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod crash;
mod faults;
mod guest_journey;
mod operations;
mod support;
