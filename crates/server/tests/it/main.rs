//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod account;
mod anonymous_grant;
mod app_session;
mod authorize;
mod coming_back;
mod cors;
mod credentials;
mod device_journey;
mod device_race;
mod discovery;
mod dpop;
mod guest_journey;
mod leave;
mod promotion;
mod promotion_code;
mod settings_action;
mod sign_up;
mod support;
mod token;
mod tries;
mod user_info;
