//! What proves who a person is: passwords and one-time codes, as rules over values.

pub mod otp;
pub mod password;
mod strength;

pub use strength::estimate;
