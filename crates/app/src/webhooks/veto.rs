//! A blocking webhook's refusal.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A webhook's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veto {
    /// The refused event.
    pub event_type: &'static str,
    /// The webhook's reasons; empty when its response was invalid.
    pub reasons: Vec<Reason>,
}

/// A reason of a refusal, shown to the user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub reason: String,
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.reasons.len() == 1 { "reason" } else { "reasons" };
        write!(f, "{} ({} {noun})", self.event_type, self.reasons.len())
    }
}
