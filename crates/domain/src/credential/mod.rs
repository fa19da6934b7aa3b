//! Rules for passwords and one-time codes.

pub mod otp;
pub mod password;
mod strength;

pub use strength::estimate;
