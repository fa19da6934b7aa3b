//! What every test stands on: a server of its own, and the actors that talk to it. Knows nothing of single tests.

mod app_client;
pub(crate) mod binary;
mod browser;
mod html;
mod http;
mod mailbox;
mod place;
mod server;

pub(crate) use binary::Installation;
pub(crate) use app_client::{AppClient, Tokens};
pub(crate) use browser::Browser;
pub(crate) use http::{Http, Reply};
pub(crate) use mailbox::Mailbox;
pub(crate) use place::{Engine, Place, on_both_engines};
pub(crate) use server::TestServer;
