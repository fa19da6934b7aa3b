//! What applications and their servers call: OAuth, the SDK API and the resolver; the connection loop, and the frequent routes, which are
//! answered before the router. Built for speed, where the crates of pages are built for size (ADR 110).

use std::pin::Pin;

use axum::response::Response;

/// The response of a frequent route on its way. In a box, so that a connection holds only the future of its own request, and so that the
/// code of the handler is generated in this crate, once, for the router too.
pub type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

pub mod anonymous;
mod dpop;
pub mod front;
mod json;
pub mod oauth;
pub mod resolver;
pub mod serve;
