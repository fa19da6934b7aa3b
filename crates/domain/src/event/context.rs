//! The context of an event: who triggered it, where and when.

use serde_json::{Map, Value, json};

use crate::{id::UserId, time::Timestamp};

/// Who triggered an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggeredBy {
    /// The user itself.
    User,
    /// A client of the Admin API.
    AdminApi,
    /// The server, by its rules.
    System,
    /// An operator in the portal.
    Portal,
}

impl TriggeredBy {
    /// The name in the context.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::AdminApi => "admin_api",
            Self::System => "system",
            Self::Portal => "portal",
        }
    }
}

/// The context of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// When it happened.
    pub timestamp: Timestamp,
    /// The user it is about.
    pub user_id: Option<UserId>,
    /// Who triggered it.
    pub triggered_by: TriggeredBy,
    /// The project.
    pub project_id: String,
    /// The application, if one was involved.
    pub client_id: Option<String>,
    /// The browser's preferred languages.
    pub preferred_languages: Vec<String>,
    /// The language of the response.
    pub language: String,
    /// The `state` of the authorization request.
    pub oauth_state: Option<String>,
    /// The `x_state` of the authorization request.
    pub oauth_x_state: Option<String>,
    /// The network address of the caller.
    pub ip_address: Option<String>,
    /// The user agent of the caller.
    pub user_agent: Option<String>,
    /// Arbitrary data from the caller of the Admin API, for the audit log.
    pub audit_context: Map<String, Value>,
}

impl Context {
    /// A context with the mandatory members; the rest is empty.
    #[must_use]
    pub fn new(project_id: &str, triggered_by: TriggeredBy, timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            user_id: None,
            triggered_by,
            project_id: project_id.to_owned(),
            client_id: None,
            preferred_languages: Vec::new(),
            language: "en".to_owned(),
            oauth_state: None,
            oauth_x_state: None,
            ip_address: None,
            user_agent: None,
            audit_context: Map::new(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let mut context = json!({
            "timestamp": self.timestamp.as_seconds(),
            "triggered_by": self.triggered_by.as_str(),
            "audit_context": self.audit_context,
            "preferred_languages": self.preferred_languages,
            "language": self.language,
            "geo_location_code": null,
            "app_id": self.project_id,
        });
        let user_id = self.user_id.map(|id| id.to_string());
        let optional = [
            ("user_id", &user_id),
            ("client_id", &self.client_id),
            ("ip_address", &self.ip_address),
            ("user_agent", &self.user_agent),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                context[name] = Value::from(value.as_str());
            }
        }
        for (name, value) in [("state", &self.oauth_state), ("x_state", &self.oauth_x_state)] {
            if let Some(value) = value {
                context["oauth"][name] = Value::from(value.as_str());
            }
        }
        context
    }
}
