//! The `prompt` parameter (OIDC Core §3.1.2.1). `none` cannot be combined with other values.

use super::OAuthError;
use crate::echo;

/// One prompt value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// No page may be shown.
    None,
    /// The user must sign in again.
    Login,
    /// The user must consent again: has an effect in third-party applications only.
    Consent,
    /// The user must choose an account.
    SelectAccount,
    /// The user wants to sign up (Initiating User Registration 1.0).
    Create,
}

impl Prompt {
    /// Every prompt.
    pub const ALL: [Self; 5] = [Self::None, Self::Login, Self::Consent, Self::SelectAccount, Self::Create];

    /// The value as spelled on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
            Self::Create => "create",
        }
    }
}

/// The requested prompts: either `none` alone or any combination of the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromptSet(Vec<Prompt>);

impl PromptSet {
    /// Parses the space-separated parameter.
    ///
    /// # Errors
    /// `invalid_request` for an unknown value, and for `none` combined with another.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut prompts = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let prompt = Prompt::ALL
                .into_iter()
                .find(|prompt| prompt.as_str() == word)
                .ok_or_else(|| OAuthError::invalid_request(format!("unknown prompt: {}", echo(word))))?;
            if !prompts.contains(&prompt) {
                prompts.push(prompt);
            }
        }
        if prompts.len() > 1 && prompts.contains(&Prompt::None) {
            return Err(OAuthError::invalid_request("prompt none must not be combined with another prompt"));
        }
        Ok(Self(prompts))
    }

    /// Whether `prompt` is requested.
    pub fn contains(&self, prompt: Prompt) -> bool {
        self.0.contains(&prompt)
    }

    /// Whether no prompt is requested.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The prompts, in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = Prompt> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_a_set() {
        let set = PromptSet::parse("login consent login").unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Prompt::Login, Prompt::Consent]);
        assert!(PromptSet::parse("").unwrap().is_empty());
    }

    #[test]
    fn none_stands_alone() {
        assert!(PromptSet::parse("none").unwrap().contains(Prompt::None));
        assert!(PromptSet::parse("none login").is_err());
        assert!(PromptSet::parse("select_account none").is_err());
    }

    #[test]
    fn an_unknown_prompt_is_refused() {
        let error = PromptSet::parse("silent").unwrap_err();
        assert_eq!(error.description(), "unknown prompt: silent");
        let error = PromptSet::parse(&"x".repeat(200)).unwrap_err();
        assert_eq!(error.description(), format!("unknown prompt: {}...", "x".repeat(64)));
    }
}
