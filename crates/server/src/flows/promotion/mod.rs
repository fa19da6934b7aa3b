//! Promotion: a guest becomes a member and keeps its `sub`. This module owns the credential that names the guest (`code`), where the guest
//! of a flow comes from (`source`), and what happens to it in the transaction (`change`): its first credential, or its end for an
//! existing member.

pub(crate) mod change;
pub(crate) mod code;
pub(crate) mod source;
