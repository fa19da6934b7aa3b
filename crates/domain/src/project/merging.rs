//! What becomes of a guest's attributes when it is merged into a member: `identity.merge`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Maximum number of rules of a project.
pub const MAX_MERGE_RULES: usize = 100;

/// What becomes of an attribute that guest and member may both have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeRule {
    /// It stays as the member has it, also if it has none.
    #[default]
    Member,
    /// The guest's value is taken if the member has none.
    Fill,
    /// Lists become one; other values fill a gap.
    Unite,
}

/// The rule of one attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key under its own name; twice would drift")]
pub struct MergeRule {
    pub key: String,
    pub rule: AttributeRule,
}

/// How long an application has to answer, unless the project sets another time: three days, as long as webhooks are retried.
pub const DEFAULT_ANSWER_SECONDS: u32 = 259_200;

/// What becomes of a merge that the application does not answer in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeTimeout {
    /// The guest stays a guest of its own.
    #[default]
    Refuse,
    /// The guest is merged.
    Settle,
}

/// `identity.merge`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key under its own name; twice would drift")]
pub struct MergeSettings {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<MergeRule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_timeout: Option<MergeTimeout>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_seconds: Option<u32>,
}

impl MergeSettings {
    /// How long a merge waits for the application's answer; `None` when merges are immediate.
    #[must_use]
    pub fn answer_time(&self) -> Option<Duration> {
        let seconds = self.answer_seconds.unwrap_or(DEFAULT_ANSWER_SECONDS);
        self.handshake.unwrap_or_default().then(|| Duration::from_secs(seconds.into()))
    }

    /// How long a merge can be undone; `None`: not at all.
    #[must_use]
    pub fn undo_time(&self) -> Option<Duration> {
        self.undo_seconds.filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.into()))
    }
}
