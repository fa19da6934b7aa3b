//! The names in a member's profile (OIDC Core §5.1).

use std::sync::Arc;

use vestibule_domain::time::Timestamp;

use super::change::{Deed, Order, Outcome, commit};
use crate::{
    app::App,
    flows::{Error, caller::AccountCaller},
    projects::Project,
};

/// The most characters a name may have.
pub(crate) const MAX_NAME: usize = 100;
/// The claims the page edits.
pub(crate) const NAMES: [&str; 3] = ["given_name", "family_name", "nickname"];

/// Reads a typed name: `Err` when it is longer than we keep, `None` inside when there is none.
pub(crate) fn read_name(typed: &str) -> Result<Option<String>, ()> {
    // Line breaks and other control signs have no place in a name; runs of spaces are slips of the thumb.
    let clean: String = typed.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > MAX_NAME { Err(()) } else { Ok(Some(name).filter(|name| !name.is_empty())) }
}

/// What the member is called on pages: the name it gave, in the order its language writes it if it gave it whole.
pub(crate) fn display_name(caller: &AccountCaller) -> Option<String> {
    let attribute = |name: &str| caller.user.standard_attributes.get(name).and_then(|value| value.as_str());
    let parts: Vec<&str> = ["given_name", "family_name"].into_iter().filter_map(attribute).collect();
    let joined = (!parts.is_empty()).then(|| parts.join(" "));
    joined.or_else(|| ["name", "nickname"].into_iter().find_map(attribute).map(str::to_string))
}

/// Keeps the names, in the order of [`NAMES`].
pub(crate) async fn save(
    app: &App,
    project: &Arc<Project>,
    caller: &AccountCaller,
    names: [Option<String>; 3],
    now: Timestamp,
) -> Result<Outcome, Error> {
    let deed = Deed::SetNames(NAMES.into_iter().zip(names).collect());
    commit(app, project, caller, Order { deed, mails: Vec::new(), errand: None }, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_without_slips_and_not_beyond_its_length() {
        assert_eq!(read_name("  Ada \n Lovelace\u{0} "), Ok(Some("Ada Lovelace".into())));
        assert_eq!(read_name(" \t"), Ok(None));
        assert_eq!(read_name(&"é".repeat(MAX_NAME)), Ok(Some("é".repeat(MAX_NAME))));
        assert_eq!(read_name(&"é".repeat(MAX_NAME + 1)), Err(()));
    }
}
