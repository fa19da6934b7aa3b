//! The truth: values and the rules over them.
//! Pure: no clock, no randomness, no I/O, no async. Time is passed in, decisions are returned.

pub mod client;
pub mod grant;
pub mod id;
pub mod identifier;
pub mod limit;
pub mod project;
pub mod secret;
pub mod session;
pub mod time;
pub mod user;
