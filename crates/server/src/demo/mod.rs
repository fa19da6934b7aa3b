//! The demo beside the identity server: a small shop on another origin, and a mailbox page.
//! Knows the identity server only by its public HTTP face; touches one JSON file of its own.

mod assets;
mod bearer;
mod cart;
pub mod mailbox;
pub mod shop;

pub use cart::OpenError;
pub use mailbox::Mail;
pub use shop::ShopConfig;
