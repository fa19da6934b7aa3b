//! The names in a member's profile (OIDC Core §5.1).

use serde_json::{Map, Value};
use vestibule_domain::attributes;
use vestibule_protocol::text;

use super::change::{AccountChange, ChangeOutcome, ChangeRequest, commit};
use crate::{caller::AccountCaller, ctx::Ctx, error::Error};

/// Maximum length of a name of the profile, in characters: that of every other way to set it.
pub const MAX_NAME: usize = attributes::MAX_TEXT_CHARS;
/// The claims that the page edits.
pub const NAMES: [&str; 3] = ["given_name", "family_name", "nickname"];

/// The name has more characters than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTooLong;

/// Normalizes a name of the profile: `None` when it is empty.
pub fn read_name(typed: &str) -> Result<Option<String>, NameTooLong> {
    read_up_to(MAX_NAME, typed)
}

/// The same for the name of a thing, such as a passkey.
pub fn read_label(typed: &str) -> Result<Option<String>, NameTooLong> {
    read_up_to(text::MAX_NAME_CHARS, typed)
}

fn read_up_to(most: usize, typed: &str) -> Result<Option<String>, NameTooLong> {
    let name = text::read_line(typed);
    if name.chars().count() > most { Err(NameTooLong) } else { Ok(Some(name).filter(|name| !name.is_empty())) }
}

/// The attributes with these names, in the order of [`NAMES`]. A name that was not edited stays as it was stored, byte for byte.
pub(crate) fn put_names<'n>(
    attributes: &mut Map<String, Value>,
    names: impl IntoIterator<Item = (&'static str, Option<&'n str>)>,
) {
    for (name, value) in names {
        let stored = attributes.get(name).and_then(Value::as_str).map(text::read_line).filter(|line| !line.is_empty());
        if stored.as_deref() == value && attributes.contains_key(name) == value.is_some() {
            continue;
        }
        match value {
            Some(value) => drop(attributes.insert(name.to_owned(), Value::from(value))),
            None => drop(attributes.remove(name)),
        }
    }
}

/// When the profile would take more room than it may: which name is the longest, and how many characters it may have.
pub fn find_overflow(caller: &AccountCaller, names: &[Option<String>; 3]) -> Option<(usize, usize)> {
    let mut attributes = caller.user.standard_attributes.clone();
    put_names(&mut attributes, NAMES.into_iter().zip(names.iter().map(Option::as_deref)));
    attributes::check_size(&attributes)?;
    let excess = Value::Object(attributes).to_string().len().saturating_sub(attributes::MAX_BYTES);
    let lengths = names.iter().map(|name| name.as_deref().map_or(0, |name| name.chars().count()));
    let (longest, length) = lengths.enumerate().max_by_key(|(_, length)| *length)?;
    // Each character takes a byte at least.
    Some((longest, length.saturating_sub(excess).max(1)))
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
    commit(ctx, caller, ChangeRequest::of(change_kind)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_read_without_slips_and_not_beyond_its_length() {
        assert_eq!(read_name("  Ada \n Lovelace\u{0} "), Ok(Some("Ada Lovelace".into())));
        assert_eq!(read_name(" \t"), Ok(None));
        assert_eq!(read_name(&"é".repeat(MAX_NAME)), Ok(Some("é".repeat(MAX_NAME))));
        assert_eq!(read_name(&"é".repeat(MAX_NAME + 1)), Err(NameTooLong));
        assert_eq!(read_label(&"é".repeat(text::MAX_NAME_CHARS + 1)), Err(NameTooLong));
    }

    #[test]
    fn a_name_that_was_not_edited_stays_as_it_was() {
        let stored =
            json!({"given_name": "A\u{7}da", "family_name": "Love  lace", "nickname": "\u{200b}", "gender": "x"});
        let mut attributes = stored.as_object().cloned().expect("an object");
        put_names(&mut attributes, NAMES.into_iter().zip([Some("A da"), Some("Love lace"), None]));
        let kept = json!({"given_name": "A\u{7}da", "family_name": "Love  lace", "gender": "x"});
        assert_eq!(Value::Object(attributes.clone()), kept);
        put_names(&mut attributes, NAMES.into_iter().zip([Some("Ada"), None, Some("Addy")]));
        assert_eq!(Value::Object(attributes), json!({"given_name": "Ada", "nickname": "Addy", "gender": "x"}));
    }
}
