//! What the API's description says of an operation in words. The rest of it follows from the route's row and from the types that the
//! handler takes and returns.

/// A section of the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Project,
    Applications,
    Users,
    Sessions,
    Transfer,
    Events,
    Statistics,
    Keys,
}

impl Tag {
    /// Every section, in the order of the page.
    pub(super) const ALL: [Self; 8] = [
        Self::Project,
        Self::Applications,
        Self::Users,
        Self::Sessions,
        Self::Transfer,
        Self::Events,
        Self::Statistics,
        Self::Keys,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Applications => "Applications",
            Self::Users => "Users",
            Self::Sessions => "Sessions",
            Self::Transfer => "Transfer",
            Self::Events => "Events",
            Self::Statistics => "Statistics",
            Self::Keys => "Keys",
        }
    }
}

/// The words of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) tag: Tag,
    /// The name in generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// What the summary does not say; may be empty. The scope is added.
    pub(super) note: &'static str,
    /// The response to a request that succeeds.
    pub(super) success: &'static str,
    /// Statuses of refusals that do not follow from the handler's types.
    pub(super) refusals: &'static [u16],
}

impl Operation {
    pub(super) const fn new(tag: Tag, id: &'static str, summary: &'static str, success: &'static str) -> Self {
        Self { tag, id, summary, note: "", success, refusals: &[] }
    }

    pub(super) const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    pub(super) const fn may_refuse(self, refusals: &'static [u16]) -> Self {
        Self { refusals, ..self }
    }
}
