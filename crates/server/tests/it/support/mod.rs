//! What every test stands on: a server of its own, and the actors that talk to it. Knows nothing of single tests.

mod app_client;
mod browser;
mod html;
mod http;
mod mailbox;
mod place;
mod server;

pub(crate) use app_client::{AppClient, Tokens, promotion_hint, query};
pub(crate) use browser::Browser;
pub(crate) use http::{Http, Reply};
pub(crate) use mailbox::Mailbox;
pub(crate) use place::{Engine, on_both_engines};
pub(crate) use server::{Setup, TestServer};
