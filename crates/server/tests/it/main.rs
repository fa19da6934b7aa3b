//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod anonymous_grant;
mod app_session;
mod authorize;
mod cors;
mod device_journey;
mod device_keys_cli;
mod device_race;
mod discovery;
mod dpop;
mod guest_journey;
mod leave;
mod promotion;
mod promotion_code;
mod sign_up;
mod support;
mod token;
mod user_info;
