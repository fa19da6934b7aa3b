//! Events: what happened to users, as webhooks and the audit log tell it.

use serde_json::{Map, Value, json};

use crate::{
    id::{EventId, UserId},
    identity::{Account, Identity},
    time::Timestamp,
    userinfo,
};

/// The events a hook is asked about before they happen.
pub const BLOCKING: [&str; 2] = ["user.pre_create", "user.anonymous.pre_promote"];

/// The events a hook can be told of, and the sign for all of them.
pub const NON_BLOCKING: [&str; 10] = [
    "*",
    "user.created",
    "user.anonymous.promoted",
    "user.authenticated",
    "user.signed_out",
    "user.disabled",
    "user.reenabled",
    "user.updated",
    "user.deleted",
    "session.revoked",
];

/// The events the log may hold, for those who choose among them.
pub const LOGGED: [&str; 24] = [
    "user.created",
    "user.anonymous.promoted",
    "user.authenticated",
    "user.signed_out",
    "user.updated",
    "user.disabled",
    "user.reenabled",
    "user.deleted",
    "session.revoked",
    "identity.anonymous.revoked",
    "authentication.identity.anonymous.failed",
    "project.created",
    "project.changed",
    "application.secret_created",
    "application.secret_deleted",
    "admin_key.created",
    "admin_key.revoked",
    "operator.invited",
    "operator.invitation_revoked",
    "operator.role_changed",
    "operator.removed",
    "operator.link_created",
    "hook.tested",
    "hook.delivery.replayed",
];

/// A user as events carry it: a copy made at the moment it speaks of.
#[derive(Clone, Debug, PartialEq)]
pub struct UserModel(Value);

impl UserModel {
    /// Copies the user as it is now.
    #[must_use]
    pub fn copy(account: &Account<'_>) -> Self {
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

/// An identity as events carry it.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityModel(Value);

impl IdentityModel {
    /// Copies an identity of a user.
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

    /// Copies every identity of an account.
    #[must_use]
    pub fn copy_all(account: &Account<'_>) -> Vec<Self> {
        account.all_identities().iter().map(|identity| Self::copy(account.user.id, identity)).collect()
    }
}

/// A session as events carry it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionModel {
    /// The id of the cookie session or grant.
    pub id: String,
    /// Whether it is a cookie session and not a refresh-token grant.
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
    fn to_json(&self) -> Value {
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

/// Why a session ended without its user asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// An operator did it.
    Operator,
    /// The user did it from another session.
    User,
    /// A refresh token was used again after its successor (RFC 9700 §4.14).
    TokenReuse,
    /// The application allows one session at a time.
    AnotherSession,
    /// The guest it belonged to gave way to a member.
    Promotion,
    /// The password was changed.
    PasswordChange,
}

impl RevocationReason {
    /// The word in the payload.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::User => "user",
            Self::TokenReuse => "token_reuse",
            Self::AnotherSession => "another_session",
            Self::Promotion => "promotion",
            Self::PasswordChange => "password_change",
        }
    }
}

/// Something that happened, or is about to.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A user is about to be created; a hook may refuse.
    UserPreCreate {
        /// The user to be.
        user: UserModel,
        /// What it will be known by.
        identities: Vec<IdentityModel>,
    },
    /// A guest is about to be promoted; a hook may refuse.
    UserAnonymousPrePromote {
        /// The guest.
        anonymous_user: UserModel,
        /// What the member will be known by.
        identities: Vec<IdentityModel>,
    },
    /// A user was created.
    UserCreated {
        /// The new user.
        user: UserModel,
        /// What it is known by.
        identities: Vec<IdentityModel>,
    },
    /// A guest became a member, or gave way to one.
    UserAnonymousPromoted {
        /// The guest as it was before: anonymous.
        anonymous_user: UserModel,
        /// The member as it is after; the same id unless the guest gave way.
        user: UserModel,
        /// What the member is known by.
        identities: Vec<IdentityModel>,
    },
    /// A member proved who it is.
    UserAuthenticated {
        /// The member.
        user: UserModel,
        /// The session it got.
        session: SessionModel,
    },
    /// A user signed out.
    UserSignedOut {
        /// The user.
        user: UserModel,
        /// The session that ended.
        session: SessionModel,
    },
    /// A user was disabled by an operator.
    UserDisabled {
        /// The user.
        user: UserModel,
    },
    /// A disabled user was let in again.
    UserReenabled {
        /// The user.
        user: UserModel,
    },
    /// A user was deleted.
    UserDeleted {
        /// The user as it last was.
        user: UserModel,
    },
    /// A session was ended by somebody else than its user signing out.
    SessionRevoked {
        /// Whose it was.
        user_id: UserId,
        /// The session.
        session: SessionModel,
        /// Why.
        reason: RevocationReason,
    },
    /// The user's attributes were changed by a program or an operator.
    UserUpdated {
        /// The user as it is now.
        user: UserModel,
    },
    /// The project's settings were changed. For the audit log only.
    ProjectChanged {
        /// The keys that changed.
        keys: Vec<String>,
    },
    /// A webhook is tried out by an operator. For the webhook only.
    HookTest,
    /// An operator tried a webhook out. For the audit log only.
    HookTested {
        /// Where it leads.
        url: String,
        /// The HTTP status it answered with.
        status: Option<u16>,
        /// Why there was none, or why it is not good enough.
        error: Option<String>,
    },
    /// An operator had a mail or a text message sent to try out how they are sent. For the audit log only.
    MessageTested {
        /// `mail` or `sms`.
        channel: &'static str,
        /// Whether it was taken.
        is_taken: bool,
    },
    /// An operator had an event delivered once more. For the audit log only.
    DeliveryReplayed {
        /// The delivery.
        delivery_id: i64,
        /// Where to.
        url: String,
        /// The event's name.
        event_type: String,
    },
    /// A guest's device key was revoked by an operator. For the audit log only.
    DeviceKeyRevoked {
        /// Whose it was.
        user_id: UserId,
        /// The key id.
        key_id: String,
    },
    /// An operator did something that is not a change of settings. For the audit log only.
    OperatorActed {
        /// What.
        action: OperatorAction,
        /// To what: an address, an application, a key.
        target: String,
    },
    /// Somebody signed with the wrong key for a known key id. For the audit log only.
    AnonymousLoginFailed {
        /// The key id.
        key_id: String,
    },
}

/// What an operator can do besides changing settings and users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// Somebody was invited to the portal.
    Invited,
    /// An invitation was taken back.
    InvitationRevoked,
    /// An operator got another role.
    RoleChanged,
    /// An operator lost its role.
    Removed,
    /// An operator got a link to choose a new way in.
    LinkCreated,
    /// An application got another secret.
    SecretCreated,
    /// A secret of an application was removed.
    SecretDeleted,
    /// A key of the Admin API was made.
    KeyCreated,
    /// A key of the Admin API was revoked.
    KeyRevoked,
    /// The project was made.
    ProjectCreated,
}

impl OperatorAction {
    /// The event's name.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Invited => "operator.invited",
            Self::InvitationRevoked => "operator.invitation_revoked",
            Self::RoleChanged => "operator.role_changed",
            Self::Removed => "operator.removed",
            Self::LinkCreated => "operator.link_created",
            Self::SecretCreated => "application.secret_created",
            Self::SecretDeleted => "application.secret_deleted",
            Self::KeyCreated => "admin_key.created",
            Self::KeyRevoked => "admin_key.revoked",
            Self::ProjectCreated => "project.created",
        }
    }
}

/// Who set an event off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggeredBy {
    /// The user itself.
    User,
    /// A program with a key of the Admin API.
    AdminApi,
    /// The server, by its own rules.
    System,
    /// An operator in the portal.
    Portal,
}

impl TriggeredBy {
    /// The word in the context.
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

/// The circumstances of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// When it happened.
    pub timestamp: Timestamp,
    /// The user it is about.
    pub user_id: Option<UserId>,
    /// Who set it off.
    pub triggered_by: TriggeredBy,
    /// The project.
    pub project_id: String,
    /// The application, if one was involved.
    pub client_id: Option<String>,
    /// The languages the person's browser asked for.
    pub preferred_languages: Vec<String>,
    /// The language it was answered in.
    pub language: String,
    /// The `state` of the authorization request.
    pub oauth_state: Option<String>,
    /// The `x_state` of the authorization request.
    pub oauth_x_state: Option<String>,
    /// The caller's address.
    pub ip_address: Option<String>,
    /// The caller's program.
    pub user_agent: Option<String>,
    /// Whatever the caller of the Admin API wants to have remembered.
    pub audit_context: Map<String, Value>,
}

impl Context {
    /// The circumstances nobody can leave out; the rest is empty.
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

    fn to_json(&self) -> Value {
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

impl Event {
    /// The event's name.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::UserPreCreate { .. } => "user.pre_create",
            Self::UserAnonymousPrePromote { .. } => "user.anonymous.pre_promote",
            Self::UserCreated { .. } => "user.created",
            Self::UserAnonymousPromoted { .. } => "user.anonymous.promoted",
            Self::UserAuthenticated { .. } => "user.authenticated",
            Self::UserSignedOut { .. } => "user.signed_out",
            Self::UserDisabled { .. } => "user.disabled",
            Self::UserReenabled { .. } => "user.reenabled",
            Self::UserDeleted { .. } => "user.deleted",
            Self::SessionRevoked { .. } => "session.revoked",
            Self::UserUpdated { .. } => "user.updated",
            Self::ProjectChanged { .. } => "project.changed",
            Self::HookTest => "hook.test",
            Self::HookTested { .. } => "hook.tested",
            Self::MessageTested { .. } => "message.tested",
            Self::DeliveryReplayed { .. } => "hook.delivery.replayed",
            Self::DeviceKeyRevoked { .. } => "identity.anonymous.revoked",
            Self::OperatorActed { action, .. } => action.type_name(),
            Self::AnonymousLoginFailed { .. } => "authentication.identity.anonymous.failed",
        }
    }

    /// Whether it is told before it happens and can be refused.
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        matches!(self, Self::UserPreCreate { .. } | Self::UserAnonymousPrePromote { .. })
    }

    /// Whether webhooks are told; otherwise only the audit log is.
    #[must_use]
    pub fn is_for_hooks(&self) -> bool {
        !matches!(
            self,
            Self::AnonymousLoginFailed { .. }
                | Self::ProjectChanged { .. }
                | Self::OperatorActed { .. }
                | Self::HookTested { .. }
                | Self::MessageTested { .. }
                | Self::DeliveryReplayed { .. }
                | Self::DeviceKeyRevoked { .. }
        )
    }

    /// The payload alone.
    #[must_use]
    pub fn payload(&self) -> Value {
        let list = |identities: &[IdentityModel]| -> Value { identities.iter().map(|one| one.0.clone()).collect() };
        match self {
            Self::UserPreCreate { user, identities } | Self::UserCreated { user, identities } => {
                json!({"user": user.0, "identities": list(identities)})
            }
            Self::UserAnonymousPrePromote { anonymous_user, identities } => {
                json!({"anonymous_user": anonymous_user.0, "identities": list(identities)})
            }
            Self::UserAnonymousPromoted { anonymous_user, user, identities } => {
                json!({"anonymous_user": anonymous_user.0, "user": user.0, "identities": list(identities)})
            }
            Self::UserAuthenticated { user, session } | Self::UserSignedOut { user, session } => {
                json!({"user": user.0, "session": session.to_json()})
            }
            Self::UserDisabled { user }
            | Self::UserReenabled { user }
            | Self::UserUpdated { user }
            | Self::UserDeleted { user } => json!({"user": user.0}),
            Self::ProjectChanged { keys } => json!({"keys": keys}),
            Self::OperatorActed { target, .. } => json!({"target": target}),
            Self::SessionRevoked { user_id, session, reason } => {
                json!({"user": {"id": user_id.to_string()}, "session": session.to_json(), "reason": reason.as_str()})
            }
            Self::HookTest => json!({"message": "This is a test: nothing happened."}),
            Self::HookTested { url, status, error } => json!({"url": url, "status": status, "error": error}),
            Self::MessageTested { channel, is_taken } => json!({"channel": channel, "is_taken": is_taken}),
            Self::DeliveryReplayed { delivery_id, url, event_type } => {
                json!({"delivery_id": delivery_id.to_string(), "url": url, "event_type": event_type})
            }
            Self::DeviceKeyRevoked { user_id, key_id } => {
                json!({"user": {"id": user_id.to_string()}, "identity": {"type": "anonymous",
                    "claims": {"https://authgear.com/claims/anonymous/key_id": key_id}}})
            }
            Self::AnonymousLoginFailed { key_id } => {
                json!({"identity": {"type": "anonymous",
                    "claims": {"https://authgear.com/claims/anonymous/key_id": key_id}}})
            }
        }
    }

    /// The whole message. `seq` rises with every event of the project, as far as its store can tell.
    #[must_use]
    pub fn to_json(&self, seq: i64, id: EventId, context: &Context) -> Value {
        json!({
            "id": id.to_string(),
            "seq": seq,
            "type": self.type_name(),
            "payload": self.payload(),
            "context": context.to_json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::IdentityId,
        identifier::{LoginId, LoginIdKind},
        identity::IdentityDetail,
        user::User,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_893_456_000);

    #[test]
    fn a_promotion_tells_the_guest_as_it_was_and_the_member_as_it_is() {
        let guest = User::new_guest(UserId::from_parts(1, [1; 10]), NOW);
        let before = UserModel::copy(&Account::of_guest(&guest));
        let member = User { anonymous_since: None, promoted_at: Some(NOW), ..guest };
        let identities = [Identity {
            id: IdentityId::from_parts(2, [2; 10]),
            created_at: NOW,
            updated_at: NOW,
            detail: IdentityDetail::LoginId {
                login_id: LoginId::parse(LoginIdKind::Email, "kim@shop.example", None).unwrap(),
                verified_at: Some(NOW),
            },
        }];
        let account = Account { user: &member, identities: &identities, authenticators: &[] };
        let event = Event::UserAnonymousPromoted {
            anonymous_user: before,
            user: UserModel::copy(&account),
            identities: IdentityModel::copy_all(&account),
        };
        let mut context = Context::new("shop", TriggeredBy::User, NOW);
        context.user_id = Some(member.id);
        context.oauth_state = Some("s".into());
        let message = event.to_json(7, EventId::from_parts(3, [3; 10]), &context);
        assert_eq!(message["type"], "user.anonymous.promoted");
        assert_eq!(message["seq"], 7);
        let payload = &message["payload"];
        assert_eq!(payload["anonymous_user"]["is_anonymous"], true);
        assert_eq!(payload["user"]["is_anonymous"], false);
        assert_eq!(payload["user"]["id"], payload["anonymous_user"]["id"]);
        assert_eq!(
            payload["user"]["standard_attributes"],
            json!({"email": "kim@shop.example", "email_verified": true})
        );
        assert_eq!(payload["identities"][0]["claims"]["email"], "kim@shop.example");
        assert_eq!(
            message["context"],
            json!({
                "timestamp": 1_893_456_000, "user_id": member.id.to_string(), "triggered_by": "user",
                "audit_context": {}, "preferred_languages": [], "language": "en", "geo_location_code": null,
                "app_id": "shop", "oauth": {"state": "s"},
            })
        );
    }

    #[test]
    fn a_new_web_guest_is_told_with_an_empty_key_id() {
        let guest = User::new_guest(UserId::from_parts(1, [1; 10]), NOW);
        let account = Account::of_guest(&guest);
        let event =
            Event::UserCreated { user: UserModel::copy(&account), identities: IdentityModel::copy_all(&account) };
        let payload = event.payload();
        assert_eq!(payload["identities"][0]["type"], "anonymous");
        assert_eq!(payload["identities"][0]["claims"]["https://authgear.com/claims/anonymous/key_id"], "");
        assert!(payload["user"].get("last_login_at").is_none());
        assert!(event.is_for_hooks() && !event.is_blocking());
    }

    #[test]
    fn a_revoked_session_says_why() {
        let session = SessionModel {
            id: "g".into(),
            is_cookie: false,
            client_id: Some("shop-web".into()),
            created_at: NOW,
            last_accessed_at: NOW,
            display_name: None,
        };
        let event = Event::SessionRevoked {
            user_id: UserId::from_parts(1, [1; 10]),
            session,
            reason: RevocationReason::TokenReuse,
        };
        assert_eq!(event.payload()["reason"], "token_reuse");
        assert_eq!(event.payload()["session"]["type"], "offline_grant");
    }
}
