//! Values of the domain and the rules over them.
//! Pure: no clock, no randomness, no I/O, no async. Times are parameters, decisions are return values.

#![warn(missing_docs)]

pub mod attributes;
pub mod client;
pub mod consent;
pub mod credential;
pub mod delivery;
pub mod event;
pub mod grant;
pub mod handshake;
pub mod id;
pub mod identifier;
pub mod identity;
pub mod limit;
pub mod limits;
pub mod logo;
pub mod merge;
pub mod operator;
pub mod person_name;
pub mod project;
pub mod promotion;
pub mod redirect_uri;
pub mod retention;
pub mod secret;
pub mod session;
pub mod subject;
pub mod time;
pub mod user;
pub mod userinfo;
