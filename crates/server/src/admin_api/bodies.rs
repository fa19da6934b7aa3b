//! The JSON bodies of requests. Doc comments of these types are in the API's description; what they mean to its code stands in plain
//! comments.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use vestibule_app::admin::{
    AdminError,
    credentials::NewLoginId,
    keys::AdminScope,
    users::{AttributeChange, NewUser, Promotion},
};
use vestibule_app::providers::secrets::SECRET_BYTES;
use vestibule_app::retention::holds::{NewHold, OWNER_CHARS, REASON_CHARS};
use vestibule_domain::{identifier::LoginIdKind, time::Timestamp};

use super::{
    input::Body,
    schemas::{ApplicationSchema, LoginIdWord, ScopeWord, SettingsSchema},
};

// The whole settings document, which is validated with positions where it is applied.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(crate) struct SettingsBody(#[schemars(with = "SettingsSchema")] Value);

impl From<SettingsBody> for Value {
    fn from(body: SettingsBody) -> Self {
        body.0
    }
}

impl Body for SettingsBody {
    type Value = Value;
    const EXAMPLE: Option<&'static str> = None;
}

// An application, which is validated as a part of the settings document.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(crate) struct ApplicationBody(#[schemars(with = "ApplicationSchema")] Value);

impl From<ApplicationBody> for Value {
    fn from(body: ApplicationBody) -> Self {
        body.0
    }
}

impl Body for ApplicationBody {
    type Value = Value;
    const EXAMPLE: Option<&'static str> = Some(
        r#"{"client_id": "shop-web", "name": "Shop", "x_application_type": "spa",
            "redirect_uris": ["https://shop.example/callback"]}"#,
    );
}

// A member to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a user, as an object")]
#[schemars(rename = "NewUser")]
pub(crate) struct NewUserBody {
    #[schemars(length(min = 1))]
    login_ids: Vec<LoginIdBody>,
    password: Option<String>,
    /// String claims of OpenID Connect Core §5.1, and address.
    #[serde(default)]
    standard_attributes: Map<String, Value>,
    #[serde(default)]
    custom_attributes: Map<String, Value>,
}

impl From<NewUserBody> for NewUser {
    fn from(body: NewUserBody) -> Self {
        Self {
            login_ids: body.login_ids.into_iter().map(NewLoginId::from).collect(),
            password: body.password,
            standard_attributes: body.standard_attributes,
            custom_attributes: body.custom_attributes,
        }
    }
}

impl Body for NewUserBody {
    type Value = NewUser;
    const EXAMPLE: Option<&'static str> = Some(
        r#"{"login_ids": [{"type": "email", "value": "kim@shop.example", "is_verified": true}],
            "password": "violet tugboat marmalade", "custom_attributes": {"cart": "c-42"}}"#,
    );

    fn check(new: &NewUser) -> Result<(), AdminError> {
        new.check_size()
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a login ID, as an object")]
#[schemars(rename = "LoginId")]
struct LoginIdBody {
    #[serde(rename = "type")]
    #[schemars(with = "LoginIdWord")]
    kind: LoginIdKind,
    value: String,
    /// Whether you know that the login ID belongs to the user.
    #[serde(default)]
    is_verified: bool,
}

impl From<LoginIdBody> for NewLoginId {
    fn from(body: LoginIdBody) -> Self {
        Self { kind: body.kind, value: body.value, is_verified: body.is_verified }
    }
}

// The first credential of a guest.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a promotion, as an object")]
#[schemars(rename = "Promotion")]
pub(crate) struct PromotionBody {
    login_id: LoginIdBody,
    password: Option<String>,
}

impl From<PromotionBody> for Promotion {
    fn from(body: PromotionBody) -> Self {
        Self { login_id: body.login_id.into(), password: body.password }
    }
}

impl Body for PromotionBody {
    type Value = Promotion;
    const EXAMPLE: Option<&'static str> =
        Some(r#"{"login_id": {"type": "email", "value": "kim@shop.example", "is_verified": true}}"#);
}

// A merge patch of attributes (RFC 7396).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a change of attributes, as an object")]
#[schemars(rename = "AttributeChange")]
pub(crate) struct AttributesBody {
    /// String claims of OpenID Connect Core §5.1, and address.
    #[serde(default)]
    standard_attributes: Map<String, Value>,
    #[serde(default)]
    custom_attributes: Map<String, Value>,
}

impl From<AttributesBody> for AttributeChange {
    fn from(body: AttributesBody) -> Self {
        Self { standard_attributes: body.standard_attributes, custom_attributes: body.custom_attributes }
    }
}

impl Body for AttributesBody {
    type Value = AttributeChange;
    const EXAMPLE: Option<&'static str> =
        Some(r#"{"standard_attributes": {"name": "Kim"}, "custom_attributes": {"cart": "c-42", "coupon": null}}"#);

    fn check(change: &AttributeChange) -> Result<(), AdminError> {
        change.check_size()
    }
}

/// Maximum length of a key's name, in characters.
pub(super) const LONGEST_KEY_NAME: usize = 100;

// An Admin API key to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a key, as an object")]
#[schemars(rename = "NewKey")]
pub(crate) struct NewKeyBody {
    #[schemars(length(min = 1, max = LONGEST_KEY_NAME))]
    pub(super) name: String,
    #[schemars(with = "Vec<ScopeWord>", length(min = 1))]
    pub(super) scopes: Vec<AdminScope>,
    // Without it an API key is created.
    /// An RSA or P-256 public key. Its kid becomes the key ID.
    #[schemars(with = "Option<Map<String, Value>>")]
    pub(super) public_jwk: Option<Value>,
}

impl Body for NewKeyBody {
    type Value = Self;
    const EXAMPLE: Option<&'static str> = Some(r#"{"name": "reports", "scopes": ["users:read", "statistics:read"]}"#);
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a client secret, in an object")]
#[schemars(inline)]
pub(crate) struct ProviderSecretBody {
    /// The client secret that the provider gave to the project.
    #[schemars(length(min = 1, max = SECRET_BYTES))]
    pub(super) secret: String,
}

impl Body for ProviderSecretBody {
    type Value = Self;
    const EXAMPLE: Option<&'static str> = Some(r#"{"secret": "the-secret-from-the-provider"}"#);
}

// A hold to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a hold, as an object")]
#[schemars(rename = "NewHold")]
pub(crate) struct NewHoldBody {
    /// The system or person that needs the guest.
    #[schemars(length(min = 1, max = OWNER_CHARS))]
    owner: String,
    /// What for.
    #[schemars(length(min = 1, max = REASON_CHARS))]
    reason: String,
    /// The last moment at which the hold keeps the guest, as RFC 3339; at most ten years ahead.
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
}

impl From<NewHoldBody> for NewHold {
    fn from(body: NewHoldBody) -> Self {
        let expires_at = Timestamp::parse_rfc3339(&body.expires_at);
        Self { owner: body.owner, reason: body.reason, expires_at }
    }
}

impl Body for NewHoldBody {
    type Value = NewHold;
    const EXAMPLE: Option<&'static str> =
        Some(r#"{"owner": "orders", "reason": "Order 4711 is open", "expires_at": "2031-01-31T12:00:00Z"}"#);
}

// The dry run that an operator agrees to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the rules of a plan, in an object")]
#[schemars(inline)]
pub(crate) struct ConfirmationBody {
    /// The rules of the plan that you read.
    pub(super) rules: String,
}

impl Body for ConfirmationBody {
    type Value = Self;
    const EXAMPLE: Option<&'static str> = Some(r#"{"rules": "0f343b0931126a20f133d67c2b018a3b"}"#);
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "the URL of a webhook, in an object")]
#[schemars(inline)]
pub(crate) struct WebhookTestBody {
    /// The URL of a webhook in the project's settings.
    pub(super) url: String,
}

impl Body for WebhookTestBody {
    type Value = Self;
    const EXAMPLE: Option<&'static str> = Some(r#"{"url": "https://shop.example/hooks/vestibule"}"#);
}
