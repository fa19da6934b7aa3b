//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod anonymous_grant;
mod app_session;
mod device_journey;
mod device_race;
mod dpop;
mod guest_journey;
mod support;
