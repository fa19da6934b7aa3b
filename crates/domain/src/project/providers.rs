//! Providers of external accounts, with which users sign in: `identity.oauth.providers`.

use serde::{Deserialize, Serialize};

use super::is_default;

/// Maximum number of providers of a project.
pub const MAX_PROVIDERS: usize = 20;

/// The kind of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderType {
    /// Google.
    #[default]
    Google,
    /// Any OpenID provider.
    Oidc,
}

impl ProviderType {
    /// Every type.
    pub const ALL: [Self; 2] = [Self::Google, Self::Oidc];

    /// The name in settings, UserInfo and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Oidc => "oidc",
        }
    }
}

/// How the client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuthMethod {
    /// By HTTP Basic authentication.
    #[default]
    ClientSecretBasic,
    /// In the form.
    ClientSecretPost,
}

/// One provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key under its own name; twice would drift")]
pub struct Provider {
    pub alias: String,
    #[serde(rename = "type")]
    pub kind: ProviderType,
    pub client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub claims: ProviderClaims,
}

/// What is believed of a provider's claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key under its own name; twice would drift")]
pub struct ProviderClaims {
    #[serde(default, skip_serializing_if = "is_default")]
    pub email: ProviderEmail,
}

/// What is believed of a provider's email addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents every key under its own name; twice would drift")]
pub struct ProviderEmail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_verified: Option<bool>,
}

/// The scopes that a provider is asked for by default.
pub(super) const SCOPES: [&str; 3] = ["openid", "profile", "email"];
pub(super) const ASSUME_VERIFIED: bool = false;

impl Provider {
    /// The key of its accounts: the type, and for other providers than the known ones the issuer. Aliases with the same key
    /// lead to the same accounts.
    ///
    /// ```
    /// use vestibule_domain::project::{Provider, ProviderType};
    ///
    /// let google = Provider { kind: ProviderType::Google, ..Provider::default() };
    /// assert_eq!(google.account_key(), "google");
    /// let issuer = Some("https://id.example".to_owned());
    /// let other = Provider { kind: ProviderType::Oidc, issuer, ..Provider::default() };
    /// assert_eq!(other.account_key(), "oidc https://id.example");
    /// ```
    #[must_use]
    pub fn account_key(&self) -> String {
        match (self.kind, &self.issuer) {
            (ProviderType::Google, _) | (ProviderType::Oidc, None) => self.kind.as_str().to_owned(),
            (ProviderType::Oidc, Some(issuer)) => format!("{} {issuer}", self.kind.as_str()),
        }
    }

    /// The name on buttons.
    #[must_use]
    pub fn display_name(&self) -> &str {
        match (&self.name, self.kind) {
            (Some(name), _) => name,
            (None, ProviderType::Google) => "Google",
            (None, ProviderType::Oidc) => &self.alias,
        }
    }

    /// The scopes that it is asked for, space-separated.
    #[must_use]
    pub fn scope(&self) -> String {
        self.scopes.as_ref().map_or_else(|| SCOPES.join(" "), |scopes| scopes.join(" "))
    }

    /// How the client authenticates at its token endpoint.
    #[must_use]
    pub fn auth_method(&self) -> TokenEndpointAuthMethod {
        match (self.kind, self.token_endpoint_auth_method) {
            (ProviderType::Google, _) => TokenEndpointAuthMethod::ClientSecretPost,
            (ProviderType::Oidc, method) => method.unwrap_or_default(),
        }
    }

    /// Whether the operator vouches for its email addresses.
    #[must_use]
    pub fn assumes_verified(&self) -> bool {
        self.claims.email.assume_verified.unwrap_or(ASSUME_VERIFIED)
    }
}

/// The type in the key of an account.
#[must_use]
pub fn type_of_account_key(key: &str) -> &str {
    key.split(' ').next().unwrap_or_default()
}

/// A provider with every key, for the tests of the document.
#[cfg(test)]
pub(super) fn full() -> Provider {
    Provider {
        alias: "ours".into(),
        kind: ProviderType::Oidc,
        client_id: "shop".into(),
        name: Some("Our accounts".into()),
        issuer: Some("https://id.shop.example".into()),
        scopes: Some(vec!["openid".into()]),
        token_endpoint_auth_method: Some(TokenEndpointAuthMethod::ClientSecretPost),
        claims: ProviderClaims { email: ProviderEmail { assume_verified: Some(true) } },
    }
}

/// Checks that the written defaults of a provider mean the same as their absence.
#[cfg(test)]
pub(super) fn assert_defaults(written: &Provider) {
    let unset = Provider { kind: ProviderType::Oidc, issuer: written.issuer.clone(), ..Provider::default() };
    assert_eq!(written.scope(), unset.scope());
    assert_eq!(written.auth_method(), unset.auth_method());
    assert_eq!(written.assumes_verified(), unset.assumes_verified());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::ProjectSettings;

    #[test]
    fn providers_that_cannot_work_are_refused() {
        let base = "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n";
        let google = "[[identity.oauth.providers]]\nalias = \"g\"\ntype = \"google\"\nclient_id = \"c\"\n";
        let oidc = google.replace("google", "oidc");
        let with_issuer = format!("{oidc}issuer = \"https://id.example\"\n");
        let path = |text: &str| {
            let read = ProjectSettings::parse_toml(&format!("{base}{text}"));
            read.err().map(|problems| (problems[0].path.replace("identity.oauth.", ""), problems[0].message.clone()))
        };
        for good in [google, &with_issuer] {
            assert_eq!(path(good), None);
        }
        for (text, expected, word) in [
            (format!("{google}{google}"), "providers[1].alias", "earlier provider"),
            (google.replace("\"google\"", "\"github\""), "providers[0].type", "\"github\" is not supported yet"),
            (format!("{google}issuer = \"https://evil.example\"\n"), "providers[0].issuer", "Google's is known"),
            (format!("{google}scopes = [\"openid\"]\n"), "providers[0].scopes", "Google's is known"),
            (oidc.clone(), "providers[0].issuer", "missing"),
            (format!("{with_issuer}scopes = [\"email\"]\n"), "providers[0].scopes", "add \"openid\""),
            (google.replace("\"g\"", "\"a/b\""), "providers[0].alias", "letters"),
            (format!("{google}client_secret = \"s\"\n"), "providers[0].client_secret", "unknown key"),
        ] {
            let (found, message) = path(&text).unwrap_or_else(|| panic!("accepted: {text}"));
            assert_eq!(found, expected);
            assert!(message.contains(word), "{message}");
        }
        let many: String = (0..=MAX_PROVIDERS).map(|n| google.replace("\"g\"", &format!("\"g{n}\""))).collect();
        assert_eq!(path(&many).unwrap().0, "providers");
    }
}
