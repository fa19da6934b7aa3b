//! The names in a member's profile (OIDC Core §5.1).

use super::change::{AccountChange, ChangeOutcome, ChangeRequest, commit};
use crate::{caller::AccountCaller, ctx::Ctx, error::Error};

/// Maximum length of a name, in characters.
pub const MAX_NAME: usize = 100;
/// The claims that the page edits.
pub const NAMES: [&str; 3] = ["given_name", "family_name", "nickname"];

/// The name has more than [`MAX_NAME`] characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTooLong;

/// Normalizes a name: `None` when it is empty.
pub fn read_name(typed: &str) -> Result<Option<String>, NameTooLong> {
    // Replace control characters such as line breaks, and collapse runs of spaces.
    let clean: String = typed.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > MAX_NAME { Err(NameTooLong) } else { Ok(Some(name).filter(|name| !name.is_empty())) }
}

/// The member's display name: the full name if given, otherwise the parts in the order of its language.
pub fn display_name(caller: &AccountCaller) -> Option<String> {
    let attribute = |name: &str| caller.user.standard_attributes.get(name).and_then(|value| value.as_str());
    let parts: Vec<&str> = ["given_name", "family_name"].into_iter().filter_map(attribute).collect();
    let joined = (!parts.is_empty()).then(|| parts.join(" "));
    joined.or_else(|| ["name", "nickname"].into_iter().find_map(attribute).map(str::to_string))
}

/// Stores the names, in the order of [`NAMES`].
pub async fn save(ctx: &Ctx<'_>, caller: &AccountCaller, names: [Option<String>; 3]) -> Result<ChangeOutcome, Error> {
    let change_kind = AccountChange::SetNames(NAMES.into_iter().zip(names).collect());
    commit(ctx, caller, ChangeRequest { change_kind, mails: Vec::new(), settings_action: None }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_without_slips_and_not_beyond_its_length() {
        assert_eq!(read_name("  Ada \n Lovelace\u{0} "), Ok(Some("Ada Lovelace".into())));
        assert_eq!(read_name(" \t"), Ok(None));
        assert_eq!(read_name(&"é".repeat(MAX_NAME)), Ok(Some("é".repeat(MAX_NAME))));
        assert_eq!(read_name(&"é".repeat(MAX_NAME + 1)), Err(NameTooLong));
    }
}
