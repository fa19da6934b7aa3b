//! Providers of external accounts, with which users sign in: `identity.oauth.providers`.

use serde::{Deserialize, Serialize};

use super::{FreshProof, ProviderType, is_default};

/// Maximum number of providers of a project.
pub const MAX_PROVIDERS: usize = 20;

/// Maximum number of client IDs of a provider besides its own.
pub const MAX_NATIVE_CLIENT_IDS: usize = 20;

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

/// Whether an ID token that an application presents must have a nonce of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NativeNonce {
    /// Yes.
    #[default]
    Required,
    /// An application may present one without. It is good once, for whoever presents it first.
    Optional,
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
    pub tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub native_client_ids: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_nonce: Option<NativeNonce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_reauthenticate: Option<bool>,
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

pub(super) const ASSUME_VERIFIED: bool = false;
pub(super) const CAN_REAUTHENTICATE: bool = false;

impl Provider {
    /// The key of its accounts: the type, and what the account IDs of the type depend on: the issuer, Apple's team, the client of
    /// Facebook and LinkedIn. Aliases with the same key lead to the same accounts.
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
        let within = match self.kind {
            // Microsoft's account IDs name their tenant.
            ProviderType::Google | ProviderType::GitHub | ProviderType::Microsoft => None,
            ProviderType::Apple => self.team_id.as_ref(),
            ProviderType::Facebook | ProviderType::LinkedIn => Some(&self.client_id),
            ProviderType::Oidc => self.issuer.as_ref(),
        };
        let kind = self.kind.as_str();
        within.map_or_else(|| kind.to_owned(), |within| format!("{kind} {within}"))
    }

    /// The name on buttons.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().or(self.kind.brand()).unwrap_or(&self.alias)
    }

    /// The scopes that it is asked for, space-separated.
    #[must_use]
    pub fn scope(&self) -> String {
        self.scopes.as_ref().map_or_else(|| self.kind.scopes().join(" "), |scopes| scopes.join(" "))
    }

    /// How the client authenticates at its token endpoint.
    #[must_use]
    pub fn auth_method(&self) -> TokenEndpointAuthMethod {
        match self.kind {
            ProviderType::Oidc => self.token_endpoint_auth_method.unwrap_or_default(),
            ProviderType::Google
            | ProviderType::Apple
            | ProviderType::Microsoft
            | ProviderType::GitHub
            | ProviderType::Facebook
            | ProviderType::LinkedIn => TokenEndpointAuthMethod::ClientSecretPost,
        }
    }

    /// The keys that not every type has, and whether they are written.
    pub(super) fn written_keys(&self) -> [(&'static str, bool); 8] {
        [
            ("issuer", self.issuer.is_some()),
            ("tenant", self.tenant.is_some()),
            ("team_id", self.team_id.is_some()),
            ("key_id", self.key_id.is_some()),
            ("scopes", self.scopes.is_some()),
            ("token_endpoint_auth_method", self.token_endpoint_auth_method.is_some()),
            ("native_client_ids", !self.native_client_ids.is_empty()),
            ("native_nonce", self.native_nonce.is_some()),
        ]
    }

    /// Whether applications may present the ID tokens that they got from it themselves.
    #[must_use]
    pub fn has_native_sign_in(&self) -> bool {
        !self.native_client_ids.is_empty()
    }

    /// Whether such an ID token may have no nonce.
    #[must_use]
    pub fn takes_native_without_nonce(&self) -> bool {
        self.native_nonce.unwrap_or_default() == NativeNonce::Optional
    }

    /// The clients for which such an ID token may be: those of the applications, and the one of the pages.
    #[must_use]
    pub fn native_audiences(&self) -> Vec<&str> {
        std::iter::once(&self.client_id).chain(&self.native_client_ids).map(String::as_str).collect()
    }

    /// Whether an answer counts as a proof of this moment, at the operator's word, if it does not say when the user signed in there.
    #[must_use]
    pub fn proves_without_time(&self) -> bool {
        self.can_reauthenticate.unwrap_or(CAN_REAUTHENTICATE)
    }

    /// Whether a member can prove itself anew with an account there.
    #[must_use]
    pub fn proves_anew(&self) -> bool {
        self.kind.fresh_proof() == FreshProof::Timed || self.proves_without_time()
    }

    /// Whether a request can have its user sign in there again.
    #[must_use]
    pub fn can_be_asked_anew(&self) -> bool {
        self.kind.fresh_proof() != FreshProof::Never
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

/// Whether a text is the ID of a tenant of Microsoft: a GUID in lower case.
#[must_use]
pub fn is_tenant_id(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let is_hex = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
    text.split('-').count() == lengths.len()
        && text.split('-').zip(lengths).all(|(part, length)| part.len() == length && part.bytes().all(is_hex))
}

/// Providers with every key, for the tests of the document.
#[cfg(test)]
pub(super) fn full() -> Vec<Provider> {
    let ours = Provider {
        alias: "ours".into(),
        kind: ProviderType::Oidc,
        client_id: "shop".into(),
        name: Some("Our accounts".into()),
        issuer: Some("https://id.shop.example".into()),
        tenant: None,
        team_id: None,
        key_id: None,
        scopes: Some(vec!["openid".into()]),
        token_endpoint_auth_method: Some(TokenEndpointAuthMethod::ClientSecretPost),
        native_client_ids: vec!["com.example.shop".into()],
        native_nonce: Some(NativeNonce::Optional),
        can_reauthenticate: Some(true),
        claims: ProviderClaims { email: ProviderEmail { assume_verified: Some(true) } },
    };
    let known = |kind, tenant: Option<&str>, apple: Option<&str>| Provider {
        alias: ProviderType::as_str(kind).into(),
        kind,
        client_id: "shop".into(),
        tenant: tenant.map(str::to_owned),
        team_id: apple.map(str::to_owned),
        key_id: apple.map(str::to_owned),
        ..Provider::default()
    };
    let microsoft = known(ProviderType::Microsoft, Some("common"), None);
    vec![ours, microsoft, known(ProviderType::Apple, None, Some("A1B2C3D4E5"))]
}

/// Checks that the written defaults of a provider mean the same as their absence.
#[cfg(test)]
pub(super) fn assert_defaults(written: &Provider) {
    let unset = Provider { kind: ProviderType::Oidc, issuer: written.issuer.clone(), ..Provider::default() };
    assert_eq!(written.scope(), unset.scope());
    assert_eq!(written.auth_method(), unset.auth_method());
    assert_eq!(written.assumes_verified(), unset.assumes_verified());
    assert_eq!(written.takes_native_without_nonce(), unset.takes_native_without_nonce());
    assert_eq!(written.proves_without_time(), unset.proves_without_time());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{ProjectSettings, ProviderProof};

    #[test]
    fn accounts_belong_to_what_their_ids_depend_on() {
        use ProviderType::{Apple, Facebook, GitHub, Google, LinkedIn, Microsoft, Oidc};
        let text = |value: &str| Some(value.to_owned());
        let with = |kind| Provider {
            kind,
            client_id: "c".into(),
            issuer: text("https://id.example"),
            tenant: text("common"),
            team_id: text("T"),
            ..Provider::default()
        };
        for (kind, key) in [
            (Google, "google"),
            (Apple, "apple T"),
            (Microsoft, "azureadv2"),
            (GitHub, "github"),
            (Facebook, "facebook c"),
            (LinkedIn, "linkedin c"),
            (Oidc, "oidc https://id.example"),
        ] {
            assert_eq!(with(kind).account_key(), key);
            assert_eq!(type_of_account_key(key), kind.as_str());
        }
    }

    #[test]
    fn native_sign_in_is_on_with_clients_of_its_own() {
        let mut google = Provider { client_id: "web".into(), ..Provider::default() };
        assert!(!google.has_native_sign_in());
        google.native_client_ids = vec!["android".into()];
        assert!(google.has_native_sign_in());
        assert_eq!(google.native_audiences(), ["web", "android"]);
    }

    #[test]
    fn a_provider_proves_anew_if_it_says_when_or_the_operator_says_so() {
        for kind in ProviderType::ALL {
            let mut provider = Provider { kind, ..Provider::default() };
            assert_eq!(provider.proves_anew(), kind == ProviderType::Oidc, "{kind:?}");
            provider.can_reauthenticate = Some(true);
            assert!(provider.proves_anew() && provider.proves_without_time(), "{kind:?}");
        }
    }

    #[test]
    fn providers_that_cannot_work_are_refused() {
        let base = "[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n";
        let google = "[[identity.oauth.providers]]\nalias = \"g\"\ntype = \"google\"\nclient_id = \"c\"\n";
        let oidc = google.replace("google", "oidc");
        let apple = google.replace("google", "apple");
        let with_key = format!("{apple}team_id = \"A1B2C3D4E5\"\nkey_id = \"F6G7H8J9K0\"\n");
        let microsoft = google.replace("google", "azureadv2");
        let with_tenant = format!("{microsoft}tenant = \"common\"\n");
        let with_issuer = format!("{oidc}issuer = \"https://id.example\"\n");
        let path = |text: &str| {
            let read = ProjectSettings::parse_toml(&format!("{base}{text}"));
            read.err().map(|problems| (problems[0].path.replace("identity.oauth.", ""), problems[0].message.clone()))
        };
        let others = ["github", "facebook", "linkedin"].map(|kind| google.replace("google", kind));
        for good in [google, &with_issuer, &with_key, &with_tenant].into_iter().chain(others.iter().map(String::as_str))
        {
            assert_eq!(path(good), None, "{good}");
        }
        for (text, expected, word) in [
            (format!("{google}{google}"), "providers[1].alias", "earlier provider"),
            (
                google.replace("\"google\"", "\"adfs\""),
                "providers[0].type",
                "\"adfs\" is not supported: write \"oidc\"",
            ),
            (google.replace("\"google\"", "\"azureadb2c\""), "providers[0].type", "\"azureadb2c\" is not supported"),
            (google.replace("\"google\"", "\"wechat\""), "providers[0].type", "\"wechat\" is not supported"),
            (google.replace("\"google\"", "\"Google\""), "providers[0].type", "write one of \"google\", \"apple\""),
            (format!("{google}issuer = \"https://evil.example\"\n"), "providers[0].issuer", "Google's is known"),
            (format!("{google}scopes = [\"openid\"]\n"), "providers[0].scopes", "Google's is known"),
            (oidc.clone(), "providers[0].issuer", "missing"),
            (apple.clone(), "providers[0].team_id", "missing"),
            (with_key.replace("A1B2", "a1b2"), "providers[0].team_id", "10 capital letters and digits"),
            (with_key.replace("F6G7", "F6"), "providers[0].key_id", "10 capital letters and digits"),
            (
                format!("{google}key_id = \"F6G7H8J9K0\"\n"),
                "providers[0].key_id",
                "only the type \"apple\" has this key",
            ),
            (microsoft.clone(), "providers[0].tenant", "missing"),
            (with_tenant.replace("common", "any"), "providers[0].tenant", "\"organizations\""),
            (format!("{with_issuer}tenant = \"common\"\n"), "providers[0].tenant", "only the type \"azureadv2\""),
            (
                format!("{}native_client_ids = [\"com.shop\"]\n", google.replace("google", "github")),
                "providers[0].native_client_ids",
                "only the types \"google\", \"apple\", \"azureadv2\", \"facebook\" and \"oidc\" have this key",
            ),
            (
                format!("{google}native_client_ids = [\"com shop\"]\n"),
                "providers[0].native_client_ids[0]",
                "without spaces",
            ),
            (
                format!(
                    "{google}native_client_ids = {:?}\n",
                    (0..=MAX_NATIVE_CLIENT_IDS).map(|n| format!("c{n}")).collect::<Vec<_>>()
                ),
                "providers[0].native_client_ids",
                "the limit is 20",
            ),
            (format!("{with_issuer}scopes = [\"email\"]\n"), "providers[0].scopes", "add \"openid\""),
            (google.replace("\"g\"", "\"a/b\""), "providers[0].alias", "letters"),
            (format!("{google}client_secret = \"s\"\n"), "providers[0].client_secret", "unknown key"),
        ] {
            let (found, message) = path(&text).unwrap_or_else(|| panic!("accepted: {text}"));
            assert_eq!(found, expected);
            assert!(message.contains(word), "{message}");
        }
        let keys = ["alias", "type", "client_id", "name", "claims"];
        for kind in ProviderType::ALL {
            assert!(kind.requires().iter().all(|key| kind.own_keys().contains(key)), "{kind:?}");
            assert!(kind.own_keys().iter().all(|key| !keys.contains(key)), "{kind:?}");
            let natives = ["native_client_ids", "native_nonce"].map(|key| kind.own_keys().contains(&key));
            assert_eq!(natives[0], natives[1], "{kind:?}");
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            // Something ties the code to the request, or UserInfo confirms the ID token.
            let confirmed = kind.proof() == ProviderProof::IdTokenAndUserInfo;
            assert!(kind.takes_verifier() || kind.takes_nonce() || confirmed, "{kind:?}");
        }
        let many: String = (0..=MAX_PROVIDERS).map(|n| google.replace("\"g\"", &format!("\"g{n}\""))).collect();
        assert_eq!(path(&many).unwrap().0, "providers");
    }
}
