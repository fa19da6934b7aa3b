//! What becomes of a guest's attributes when it is merged into a member: `identity.merge`.

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

/// `identity.merge`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key under its own name; twice would drift")]
pub struct MergeSettings {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<MergeRule>,
}
