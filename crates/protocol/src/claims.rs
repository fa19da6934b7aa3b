//! Claims in UserInfo, ID tokens and access tokens (OIDC Core §2, RFC 9068).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::oauth::ScopeSet;

/// Whether the user is a guest.
pub const IS_ANONYMOUS: &str = "https://authgear.com/claims/user/is_anonymous";
/// Whether a login ID of the user is verified.
pub const IS_VERIFIED: &str = "https://authgear.com/claims/user/is_verified";
/// Whether the user has an authenticator to reauthenticate with.
pub const CAN_REAUTHENTICATE: &str = "https://authgear.com/claims/user/can_reauthenticate";
/// The user's role keys.
pub const ROLES: &str = "https://authgear.com/claims/user/roles";
/// Whether the user has recovery codes.
pub const RECOVERY_CODE_ENABLED: &str = "https://authgear.com/claims/user/recovery_code_enabled";
/// The user's authenticators.
pub const AUTHENTICATORS: &str = "https://authgear.com/claims/user/authenticators";
/// The user's identities.
pub const IDENTITIES: &str = "https://authgear.com/claims/user/identities";
/// The key ID of a guest's identity, in events.
pub const ANONYMOUS_KEY_ID: &str = "https://authgear.com/claims/anonymous/key_id";

/// The four claims about a user in every token and in UserInfo.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UserClaims {
    /// The stable ID.
    pub sub: String,
    /// [`IS_ANONYMOUS`].
    #[serde(rename = "https://authgear.com/claims/user/is_anonymous")]
    pub is_anonymous: bool,
    /// [`IS_VERIFIED`].
    #[serde(rename = "https://authgear.com/claims/user/is_verified")]
    pub is_verified: bool,
    /// [`CAN_REAUTHENTICATE`].
    #[serde(rename = "https://authgear.com/claims/user/can_reauthenticate")]
    pub can_reauthenticate: bool,
    /// [`ROLES`]; `[]` if none.
    #[serde(rename = "https://authgear.com/claims/user/roles", default)]
    pub roles: Vec<String>,
}

/// The user's standard attributes by claim name, without nulls, which the Android and iOS decoders reject.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StandardClaims(Map<String, Value>);

impl StandardClaims {
    /// Wraps attributes, dropping nulls at every level.
    pub fn new(attributes: Map<String, Value>) -> Self {
        Self(drop_nulls(attributes))
    }

    /// Sets one claim.
    pub fn insert(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(value) = without_nulls(value.into()) {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// One claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

fn drop_nulls(object: Map<String, Value>) -> Map<String, Value> {
    object.into_iter().filter_map(|(name, value)| Some((name, without_nulls(value)?))).collect()
}

fn without_nulls(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(object) => Some(Value::Object(drop_nulls(object))),
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_nulls).collect())),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value),
    }
}

/// One authenticator in UserInfo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticatorClaim {
    /// RFC 3339 with three fraction digits: the iOS decoder rejects whole seconds.
    pub created_at: String,
    /// As `created_at`.
    pub updated_at: String,
    /// `password`, `passkey`, `totp`, `oob_otp_email` or `oob_otp_sms`.
    #[serde(rename = "type")]
    pub kind_of_proof: String,
    /// `primary` or `secondary`.
    pub kind: String,
}

/// One identity in UserInfo.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IdentityClaim {
    /// RFC 3339 with three fraction digits.
    pub created_at: String,
    /// As `created_at`.
    pub updated_at: String,
    /// `anonymous`, `login_id`, `oauth`, `passkey` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// The configured key of a login ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_id_key: Option<String>,
    /// `email`, `phone` or `username`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_id_type: Option<String>,
    /// The type of external provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_provider_type: Option<String>,
    /// Its configured alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_provider_alias: Option<String>,
}

/// The claims for applications with full access and for cookie sessions only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DetailClaims {
    /// [`RECOVERY_CODE_ENABLED`].
    #[serde(rename = "https://authgear.com/claims/user/recovery_code_enabled")]
    pub recovery_code_enabled: bool,
    /// [`AUTHENTICATORS`].
    #[serde(rename = "https://authgear.com/claims/user/authenticators")]
    pub authenticators: Vec<AuthenticatorClaim>,
    /// [`IDENTITIES`].
    #[serde(rename = "https://authgear.com/claims/user/identities")]
    pub identities: Vec<IdentityClaim>,
}

/// The UserInfo response. Nothing in it is ever null: Android and iOS lose the session of a user whose response they
/// cannot decode.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct UserInfo {
    /// The user.
    #[serde(flatten)]
    pub user: UserClaims,
    /// For full access only.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<DetailClaims>,
    /// Always an object: the Android and iOS decoders require it.
    pub custom_attributes: StandardClaims,
    /// Always an object for first-party clients; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x_web3: Option<Map<String, Value>>,
    /// The standard attributes that the client may see.
    #[serde(flatten)]
    pub standard: StandardClaims,
    /// Unix seconds; with the standard attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
}

/// The claims of an ID token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdTokenClaims {
    /// The public origin.
    pub iss: String,
    /// The client.
    pub aud: Vec<String>,
    /// Unix seconds.
    pub iat: i64,
    /// `iat` + 300; accepted in `id_token_hint` after that.
    pub exp: i64,
    /// When the user authenticated, in Unix seconds.
    pub auth_time: i64,
    /// See [`Sid`].
    pub sid: String,
    /// How the user authenticated (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Of the authorization request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The hash of the device secret (OpenID Connect Native SSO).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ds_hash: Option<String>,
    /// The user.
    #[serde(flatten)]
    pub user: UserClaims,
    /// Standard attributes, for confidential and third-party clients.
    #[serde(flatten)]
    pub standard: StandardClaims,
}

/// The claims of a JWT access token of type `at+jwt` (RFC 9068).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The public origin.
    pub iss: String,
    /// The public origin, or a machine client's resources.
    pub aud: Vec<String>,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub exp: i64,
    /// The client.
    pub client_id: String,
    /// Space-separated.
    pub scope: ScopeSet,
    /// When the user authenticated, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How the user authenticated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Identifies the server's record of this token.
    pub jti: String,
    /// The user.
    #[serde(flatten)]
    pub user: UserClaims,
}

/// The session of an ID token, in its `sid` claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sid {
    /// A refresh-token grant.
    OfflineGrant(String),
    /// A cookie session.
    Idp(String),
}

impl Sid {
    /// The claim's value: base64url without padding of `offline_grant:<id>` or `idp:<id>`.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(match self {
            Self::OfflineGrant(id) => format!("offline_grant:{id}"),
            Self::Idp(id) => format!("idp:{id}"),
        })
    }

    /// Parses the claim; `None` for anything else.
    pub fn parse(claim: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(claim).ok()?).ok()?;
        match text.split_once(':')? {
            ("offline_grant", id) if !id.is_empty() => Some(Self::OfflineGrant(id.to_owned())),
            ("idp", id) if !id.is_empty() => Some(Self::Idp(id.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn guest() -> UserClaims {
        UserClaims { sub: "8c1c0e0e".to_owned(), is_anonymous: true, ..UserClaims::default() }
    }

    #[test]
    fn user_info_of_a_guest_is_the_documented_minimum() {
        let info = UserInfo {
            user: guest(),
            details: Some(DetailClaims {
                identities: vec![IdentityClaim {
                    kind: "anonymous".to_owned(),
                    created_at: "2030-01-01T00:00:00.001Z".to_owned(),
                    updated_at: "2030-01-01T00:00:00.001Z".to_owned(),
                    ..IdentityClaim::default()
                }],
                ..DetailClaims::default()
            }),
            x_web3: Some(Map::new()),
            updated_at: Some(1_893_456_000),
            ..UserInfo::default()
        };
        assert_eq!(
            serde_json::to_value(&info).unwrap(),
            json!({
                "sub": "8c1c0e0e", "custom_attributes": {}, "x_web3": {}, "updated_at": 1_893_456_000,
                IS_ANONYMOUS: true, IS_VERIFIED: false, CAN_REAUTHENTICATE: false, RECOVERY_CODE_ENABLED: false,
                ROLES: [], AUTHENTICATORS: [],
                IDENTITIES: [{"type": "anonymous", "created_at": "2030-01-01T00:00:00.001Z",
                              "updated_at": "2030-01-01T00:00:00.001Z"}]
            })
        );
    }

    #[test]
    fn a_null_never_reaches_user_info() {
        let mut standard = StandardClaims::default();
        standard.insert("name", Value::Null);
        standard.insert("address", json!({"country": null, "locality": "Bern"}));
        let custom = json!({"a": null, "b": [null, 1]});
        let info = UserInfo {
            custom_attributes: StandardClaims::new(custom.as_object().unwrap().clone()),
            standard,
            ..UserInfo::default()
        };
        let json = serde_json::to_value(&info).unwrap();
        assert!(!json.to_string().contains("null"), "{json}");
        assert_eq!(json["address"], json!({"locality": "Bern"}));
        assert_eq!(json["custom_attributes"], json!({"b": [1]}));
        assert!(json.get("x_web3").is_none() && json.get("updated_at").is_none() && json.get("name").is_none());
    }

    #[test]
    fn an_authenticator_prints_type_and_kind() {
        let claim = AuthenticatorClaim {
            created_at: "c".to_owned(),
            updated_at: "u".to_owned(),
            kind_of_proof: "password".to_owned(),
            kind: "primary".to_owned(),
        };
        assert_eq!(
            serde_json::to_value(&claim).unwrap(),
            json!({"created_at": "c", "updated_at": "u", "type": "password", "kind": "primary"})
        );
    }

    #[test]
    fn an_id_token_omits_what_is_empty_and_is_read_back() {
        let claims = IdTokenClaims {
            iss: "https://auth.example".to_owned(),
            aud: vec!["shop".to_owned()],
            iat: 1,
            exp: 301,
            auth_time: 1,
            sid: Sid::OfflineGrant("g".to_owned()).encode(),
            amr: Vec::new(),
            nonce: None,
            ds_hash: None,
            user: guest(),
            standard: StandardClaims::default(),
        };
        let json = serde_json::to_value(&claims).unwrap();
        assert_eq!(
            json,
            json!({
                "iss": "https://auth.example", "aud": ["shop"], "iat": 1, "exp": 301, "auth_time": 1,
                "sid": "b2ZmbGluZV9ncmFudDpn", "sub": "8c1c0e0e",
                IS_ANONYMOUS: true, IS_VERIFIED: false, CAN_REAUTHENTICATE: false, ROLES: []
            })
        );
        assert_eq!(serde_json::from_value::<IdTokenClaims>(json).unwrap(), claims);
    }

    #[test]
    fn an_access_token_prints_its_scope_joined() {
        let claims = AccessTokenClaims {
            iss: "https://auth.example".to_owned(),
            aud: vec!["https://auth.example".to_owned()],
            iat: 1,
            exp: 1801,
            client_id: "shop".to_owned(),
            scope: ScopeSet::guest_default(),
            auth_time: Some(1),
            amr: Vec::new(),
            jti: "j".to_owned(),
            user: guest(),
        };
        let json = serde_json::to_value(&claims).unwrap();
        assert_eq!(json["scope"], "openid offline_access https://authgear.com/scopes/full-access");
        assert!(json.get("amr").is_none());
        assert_eq!(serde_json::from_value::<AccessTokenClaims>(json).unwrap(), claims);
    }

    #[test]
    fn sid_is_read_back_and_nothing_else_is() {
        for sid in [Sid::OfflineGrant("a-b".to_owned()), Sid::Idp("c:d".to_owned())] {
            assert_eq!(Sid::parse(&sid.encode()), Some(sid));
        }
        for text in ["", "!!", "offline_grant:x"] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
        for text in ["device:x", "idp:", "idp"] {
            assert_eq!(Sid::parse(&URL_SAFE_NO_PAD.encode(text)), None, "{text}");
        }
    }
}
