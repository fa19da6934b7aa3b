//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod anonymous_grant;
mod app_session;
mod authorize;
mod bad_input;
mod cli;
mod cors;
mod crash;
mod device_journey;
mod device_race;
mod discovery;
mod dpop;
mod guest_journey;
mod leave;
mod promotion;
mod promotion_code;
mod races;
mod sign_up;
mod stranger;
mod support;
mod token;
mod user_info;
mod walls;
