//! The types of providers of external accounts.

use serde::{Deserialize, Serialize};

/// The scopes that an OpenID provider is asked for.
pub(super) const SCOPES: [&str; 3] = ["openid", "profile", "email"];

/// The kind of a provider. What the kinds differ in is a method each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderType {
    /// Google.
    #[default]
    Google,
    /// Sign in with Apple.
    Apple,
    /// Microsoft Entra ID, formerly Azure Active Directory, and personal Microsoft accounts.
    #[serde(rename = "azureadv2")]
    Microsoft,
    /// GitHub.
    GitHub,
    /// Facebook.
    Facebook,
    /// LinkedIn.
    LinkedIn,
    /// Any OpenID provider.
    Oidc,
}

/// What proves who signed in at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderProof {
    /// An ID token. UserInfo is asked for an email address that is not in it.
    IdToken,
    /// An ID token, which says all that there is.
    IdTokenAlone,
    /// An ID token without a nonce, and UserInfo about the same user.
    IdTokenAndUserInfo,
    /// The provider's own API, called with the access token.
    UserApi,
}

/// How a user who is signed in at a provider proves itself there anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreshProof {
    /// The provider asks its user to sign in again, and the ID token says when that was (`prompt`, `max_age` and `auth_time` of OpenID
    /// Connect Core §3.1.2.1).
    Timed,
    /// The provider asks its user to sign in again for this parameter. Not every ID token says when that was.
    Asked(&'static str, &'static str),
    /// The provider cannot be asked.
    Never,
}

impl ProviderType {
    /// Every type.
    pub const ALL: [Self; 7] =
        [Self::Google, Self::Apple, Self::Microsoft, Self::GitHub, Self::Facebook, Self::LinkedIn, Self::Oidc];

    /// The name in settings, UserInfo and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Apple => "apple",
            Self::Microsoft => "azureadv2",
            Self::GitHub => "github",
            Self::Facebook => "facebook",
            Self::LinkedIn => "linkedin",
            Self::Oidc => "oidc",
        }
    }

    /// The name that people know; none for a provider that only the operator can name.
    #[must_use]
    pub fn brand(self) -> Option<&'static str> {
        match self {
            Self::Google => Some("Google"),
            Self::Apple => Some("Apple"),
            Self::Microsoft => Some("Microsoft"),
            Self::GitHub => Some("GitHub"),
            Self::Facebook => Some("Facebook"),
            Self::LinkedIn => Some("LinkedIn"),
            Self::Oidc => None,
        }
    }

    /// The keys of a provider that not every type has; [`Self::requires`] says which of them are needed.
    #[must_use]
    pub fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Oidc => &["issuer", "scopes", "token_endpoint_auth_method", "native_client_ids", "native_nonce"],
            Self::Apple => &["team_id", "key_id", "native_client_ids", "native_nonce"],
            Self::Microsoft => &["tenant", "native_client_ids", "native_nonce"],
            Self::Google | Self::Facebook => &["native_client_ids", "native_nonce"],
            Self::GitHub | Self::LinkedIn => &[],
        }
    }

    /// The keys that the type cannot do without, besides alias, type and client ID.
    #[must_use]
    pub fn requires(self) -> &'static [&'static str] {
        match self {
            Self::Oidc => &["issuer"],
            Self::Apple => &["team_id", "key_id"],
            Self::Microsoft => &["tenant"],
            Self::Google | Self::GitHub | Self::Facebook | Self::LinkedIn => &[],
        }
    }

    /// The scopes that the provider is asked for, unless the settings say which.
    #[must_use]
    pub fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Google | Self::Microsoft | Self::LinkedIn | Self::Oidc => &SCOPES,
            Self::Apple => &["name", "email"],
            Self::GitHub => &["read:user", "user:email"],
            Self::Facebook => &["public_profile", "email"],
        }
    }

    /// What proves who signed in.
    #[must_use]
    pub fn proof(self) -> ProviderProof {
        match self {
            Self::Google | Self::Oidc => ProviderProof::IdToken,
            Self::Apple | Self::Microsoft => ProviderProof::IdTokenAlone,
            Self::LinkedIn => ProviderProof::IdTokenAndUserInfo,
            Self::GitHub | Self::Facebook => ProviderProof::UserApi,
        }
    }

    /// Whether the provider takes a code verifier (RFC 7636). Apple has none; LinkedIn refuses the client that sends one.
    #[must_use]
    pub fn takes_verifier(self) -> bool {
        match self {
            Self::Google | Self::Microsoft | Self::GitHub | Self::Facebook | Self::Oidc => true,
            Self::Apple | Self::LinkedIn => false,
        }
    }

    /// Whether the provider repeats a nonce in the ID tokens that it gives for a code.
    #[must_use]
    pub fn takes_nonce(self) -> bool {
        match self {
            Self::Google | Self::Apple | Self::Microsoft | Self::Oidc => true,
            Self::GitHub | Self::Facebook | Self::LinkedIn => false,
        }
    }

    /// Whether the provider's answer is a form that its page posts. Apple gives name and address in no other way.
    #[must_use]
    pub fn posts_answer(self) -> bool {
        self == Self::Apple
    }

    /// Whether the provider says its user's name at the first sign-in only, and beside the ID token.
    #[must_use]
    pub fn says_name_once(self) -> bool {
        self == Self::Apple
    }

    /// Whether the client secret is a private key, with which a secret is signed for each request.
    #[must_use]
    pub fn signs_secret(self) -> bool {
        self == Self::Apple
    }

    /// How a user of the provider proves itself there anew.
    #[must_use]
    pub fn fresh_proof(self) -> FreshProof {
        match self {
            Self::Oidc => FreshProof::Timed,
            Self::Microsoft => FreshProof::Asked("prompt", "login"),
            Self::Facebook => FreshProof::Asked("auth_type", "reauthenticate"),
            Self::Google | Self::Apple | Self::GitHub | Self::LinkedIn => FreshProof::Never,
        }
    }

    /// What the provider shows to a user who is signed in there: a choice of accounts, where it can.
    #[must_use]
    pub fn prompt(self) -> Option<&'static str> {
        match self {
            Self::Google | Self::Microsoft => Some("select_account"),
            Self::Apple | Self::GitHub | Self::Facebook | Self::LinkedIn | Self::Oidc => None,
        }
    }
}
