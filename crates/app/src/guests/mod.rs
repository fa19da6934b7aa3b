//! Anonymous users: sign-up, device keys, and guests who return.

pub mod challenge;
pub mod device_key;
pub(crate) mod late;
pub(crate) mod new_guest;
pub(crate) mod not_stored;
pub mod returning_guests;
pub mod sign_up_anonymous;
mod sign_up_key;
pub(crate) mod unstored;
