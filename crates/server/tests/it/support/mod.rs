//! What every test stands on: a server of its own, and the actors that talk to it. Knows nothing of single tests.

mod admin;
mod app_client;
pub(crate) mod binary;
mod browser;
pub(crate) mod decoder;
mod device;
mod html;
mod http;
mod key_pair;
mod mailbox;
mod neighbour;
mod pgbouncer;
mod place;
mod postgres;
mod program;
mod receiver;
mod seed;
mod server;
mod soft_passkey;

pub(crate) use admin::Admin;
pub(crate) use app_client::{AppClient, Tokens, promotion_hint, query};
pub(crate) use binary::Installation;
pub(crate) use browser::Browser;
pub(crate) use device::{ANONYMOUS_GRANT, Device, ID_TOKEN_GRANT, Platform};
pub(crate) use http::{Http, Reply};
pub(crate) use key_pair::{KeyPair, encode};
pub(crate) use mailbox::Mailbox;
pub(crate) use neighbour::start_neighbour;
pub(crate) use pgbouncer::Bouncer;
pub(crate) use place::{Engine, Place, connect_to, on_both_engines};
pub(crate) use postgres::OwnPostgres;
pub(crate) use program::Workplace;
pub(crate) use receiver::{Receiver, SILENCE};
pub(crate) use seed::altered;
pub(crate) use server::{Node, OWNER_PASSWORD, Setup, TestServer};
pub(crate) use soft_passkey::SoftPasskey;
