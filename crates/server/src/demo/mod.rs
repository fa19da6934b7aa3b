//! The demo beside the identity server: a small shop on another origin, and a mailbox page.
//! Uses only the identity server's public HTTP API.

mod assets;
mod bearer;
mod cart;
pub mod mailbox;
pub mod shop;
mod signature;

pub use self::cart::OpenError;
pub use self::mailbox::ReceivedMail;
pub use self::shop::ShopConfig;
