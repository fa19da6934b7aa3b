//! Promotion: a guest becomes a member and keeps its `sub`. This module owns the credential that names the guest (`code`),
//! where the guest of a flow comes from (`source`), the question to the webhooks and the event (`prepare`), what of the guest
//! ends (`ending`), the mail about what does not (`still_signed_in`), and what happens to it in the transaction: its first credential or
//! its end for a member (`change`), or its merge into a member (`merge`), also while that waits and one of them is deleted (`waiting`).

pub mod change;
pub mod code;
pub mod ending;
pub mod merge;
pub mod prepare;
pub mod source;
pub(crate) mod still_signed_in;
pub(crate) mod waiting;
