//! Users, identities and sessions in events: snapshots of the time of the event.

use serde_json::{Value, json};

use crate::{
    id::UserId,
    identity::{Identity, UserAccount},
    time::Timestamp,
    userinfo,
};

/// A user in an event.
#[derive(Clone, Debug, PartialEq)]
pub struct UserModel(pub(super) Value);

impl UserModel {
    /// A snapshot of the user.
    #[must_use]
    pub fn copy(account: &UserAccount<'_>) -> Self {
        let user = account.user;
        let mut standard_attributes = userinfo::list_standard_claims(account);
        standard_attributes.remove("updated_at");
        let mut model = json!({
            "id": user.id.to_string(),
            "created_at": user.created_at.to_rfc3339(),
            "updated_at": user.updated_at.to_rfc3339(),
            "is_anonymous": user.is_anonymous(),
            "is_verified": account.is_verified(),
            "is_disabled": user.disabled_at.is_some(),
            "is_deactivated": false,
            "is_anonymized": false,
            "can_reauthenticate": account.can_reauthenticate(),
            "standard_attributes": standard_attributes,
            "custom_attributes": user.custom_attributes,
            "x_web3": {},
            "roles": [],
            "groups": [],
        });
        if let Some(at) = user.last_login_at {
            model["last_login_at"] = Value::from(at.to_rfc3339());
        }
        Self(model)
    }
}

/// An identity in an event.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityModel(pub(super) Value);

impl IdentityModel {
    /// A snapshot of an identity.
    #[must_use]
    pub fn copy(user_id: UserId, identity: &Identity) -> Self {
        Self(json!({
            "id": identity.id.to_string(),
            "created_at": identity.created_at.to_rfc3339(),
            "updated_at": identity.updated_at.to_rfc3339(),
            "type": identity.type_name(),
            "user_id": user_id.to_string(),
            "claims": identity.claims(),
        }))
    }

    /// A snapshot of every identity of an account.
    #[must_use]
    pub fn copy_all(account: &UserAccount<'_>) -> Vec<Self> {
        account.all_identities().iter().map(|identity| Self::copy(account.user.id, identity)).collect()
    }
}

/// A session in an event.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionModel {
    /// The id of the cookie session or grant.
    pub id: String,
    /// Whether it is a cookie session; otherwise a grant.
    pub is_cookie: bool,
    /// The application, for a grant.
    pub client_id: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// The last recorded use.
    pub last_accessed_at: Timestamp,
    /// The device's name.
    pub display_name: Option<String>,
}

impl SessionModel {
    pub(super) fn to_json(&self) -> Value {
        let mut model = json!({
            "id": self.id,
            "type": if self.is_cookie { "idp" } else { "offline_grant" },
            "created_at": self.created_at.to_rfc3339(),
            "last_accessed_at": self.last_accessed_at.to_rfc3339(),
        });
        for (name, value) in [("client_id", &self.client_id), ("display_name", &self.display_name)] {
            if let Some(value) = value {
                model[name] = Value::from(value.as_str());
            }
        }
        model
    }
}
