//! The JSON bodies that change users.

use serde::Deserialize;
use serde_json::{Map, Value};
use vestibule_app::admin::{
    credentials::NewLoginId,
    users::{AttributeChange, NewUser, Promotion},
};
use vestibule_domain::identifier::LoginIdKind;

/// A member to create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a user, as an object")]
pub(super) struct NewUserBody {
    login_ids: Vec<LoginIdBody>,
    #[serde(default)]
    password: Option<String>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a login ID, as an object")]
struct LoginIdBody {
    #[serde(rename = "type")]
    kind: LoginIdKind,
    value: String,
    #[serde(default)]
    is_verified: bool,
}

impl From<LoginIdBody> for NewLoginId {
    fn from(body: LoginIdBody) -> Self {
        Self { kind: body.kind, value: body.value, is_verified: body.is_verified }
    }
}

/// The first credential of a guest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a promotion, as an object")]
pub(super) struct PromotionBody {
    login_id: LoginIdBody,
    #[serde(default)]
    password: Option<String>,
}

impl From<PromotionBody> for Promotion {
    fn from(body: PromotionBody) -> Self {
        Self { login_id: body.login_id.into(), password: body.password }
    }
}

/// A merge patch of attributes (RFC 7396).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a change of attributes, as an object")]
pub(super) struct AttributesBody {
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
