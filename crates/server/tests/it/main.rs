//! The server over real HTTP, on both engines: actors talk to `boot::serve` on a free port.

mod authorize;
mod cors;
mod discovery;
mod guest_journey;
mod leave;
mod promotion;
mod promotion_code;
mod sign_up;
mod support;
mod token;
mod user_info;
