//! Rules for passwords and one-time codes.

pub mod otp;
pub mod password;
mod strength;
pub mod user_code;

pub use strength::estimate;
