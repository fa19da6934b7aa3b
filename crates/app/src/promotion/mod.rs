//! Promotion: a guest becomes a member and keeps its `sub`. This module owns the credential that names the guest (`code`),
//! where the guest of a flow comes from (`source`), the question to the webhooks and the event (`prepare`), and what happens
//! to the guest in the transaction (`change`): its first credential, or its end for an existing member.

pub mod change;
pub mod code;
pub mod prepare;
pub mod source;
