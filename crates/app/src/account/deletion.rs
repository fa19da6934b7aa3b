//! Deletes an account, after its owner typed the confirmation phrase.

use super::{
    change::{AccountChange, ChangeOutcome, ChangeRequest, commit},
    settings_action::SettingsAction,
};
use crate::{caller::AccountCaller, ctx::Ctx, error::Error};

/// Whether the input is the phrase; keyboards may change the case and append a space.
pub fn confirms(typed: &str, phrase: &str) -> bool {
    typed.trim().to_lowercase() == phrase.trim().to_lowercase()
}

pub async fn delete(
    ctx: &Ctx<'_>,
    caller: &AccountCaller,
    settings_action: Option<&SettingsAction>,
) -> Result<ChangeOutcome, Error> {
    commit(ctx, caller, ChangeRequest { settings_action, ..ChangeRequest::of(AccountChange::Delete) }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phrase_may_be_typed_in_any_case_but_must_be_whole() {
        assert!(confirms(" Kim@Shop.Example ", "kim@shop.example"));
        assert!(!confirms("kim@shop.exampl", "kim@shop.example"));
        assert!(!confirms("", "delete"));
    }
}
