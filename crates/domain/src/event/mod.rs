//! Events about users and projects, for webhooks and the audit log.

mod cause;
mod changes;
mod context;
mod logged;
mod model;

use serde_json::{Value, json};

pub use self::{
    cause::{DeletionReason, OperatorAction, RevocationReason},
    changes::{SettingChange, hide_url_secrets},
    context::{Context, TriggeredBy},
    logged::LoggedEvent,
    model::{IdentityModel, SessionModel, UserModel},
};
use crate::{
    id::{EventId, MergeId, UserId},
    time::Timestamp,
};

/// The events for blocking webhooks.
pub const BLOCKING: [&str; 2] = ["user.pre_create", "user.anonymous.pre_promote"];

/// The events for notification webhooks, and the wildcard for all of them.
pub const NON_BLOCKING: [&str; 22] = [
    "*",
    "user.created",
    "user.anonymous.promoted",
    "user.anonymous.expiring",
    "user.anonymous.expired",
    "user.anonymous.revived",
    "user.merge.requested",
    "user.merged",
    "user.merge.refused",
    "user.merge.undone",
    "user.authenticated",
    "user.signed_out",
    "user.disabled",
    "user.reenabled",
    "user.updated",
    "user.deleted",
    "session.revoked",
    "user.consent.granted",
    "user.consent.revoked",
    "identity.oauth.connected",
    "identity.oauth.disconnected",
    "message.sms_budget_used_up",
];

/// The events that the audit log may contain, for filters.
pub const LOGGED: [&str; 47] = [
    "user.created",
    "user.anonymous.promoted",
    "user.anonymous.revived",
    "user.merge.requested",
    "user.merged",
    "user.merge.refused",
    "user.merge.undone",
    "user.authenticated",
    "user.signed_out",
    "user.updated",
    "user.disabled",
    "user.reenabled",
    "user.deleted",
    "user.hold.created",
    "user.hold.removed",
    "user.invited",
    "user.password_link_sent",
    "retention.completed",
    "retention.confirmed",
    "session.revoked",
    "user.consent.granted",
    "user.consent.revoked",
    "identity.anonymous.revoked",
    "identity.oauth.connected",
    "identity.oauth.disconnected",
    "authentication.identity.anonymous.failed",
    "project.created",
    "project.changed",
    "users.exported",
    "users.imported",
    "signing_key.rotated",
    "application.secret_created",
    "application.secret_deleted",
    "m2m.token.created",
    "provider.secret_set",
    "provider.secret_removed",
    "admin_key.created",
    "admin_key.revoked",
    "operator.invited",
    "operator.invitation_revoked",
    "operator.role_changed",
    "operator.removed",
    "operator.link_created",
    "hook.tested",
    "hook.delivery.replayed",
    "message.tested",
    "message.sms_budget_used_up",
];

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A user is about to be created; a blocking webhook may refuse.
    UserPreCreate {
        /// The user to be.
        user: UserModel,
        /// Its identities to be.
        identities: Vec<IdentityModel>,
    },
    /// A guest is about to be promoted; a blocking webhook may refuse.
    UserAnonymousPrePromote {
        /// The guest.
        anonymous_user: UserModel,
        /// The member's identities to be.
        identities: Vec<IdentityModel>,
    },
    /// A user was created.
    UserCreated {
        /// The new user.
        user: UserModel,
        /// Its identities.
        identities: Vec<IdentityModel>,
    },
    /// A guest was promoted, or given up for a member.
    UserAnonymousPromoted {
        /// The guest as it was before: anonymous.
        anonymous_user: UserModel,
        /// The member afterwards; the same ID if the guest was promoted.
        user: UserModel,
        /// The member's identities.
        identities: Vec<IdentityModel>,
    },
    /// A guest was merged into a member: its `sub` is an alias of the member's.
    UserMerged {
        /// The merge.
        merge_id: MergeId,
        /// The guest as it was before.
        anonymous_user: UserModel,
        /// The member afterwards.
        user: UserModel,
    },
    /// A guest is to be merged into a member, and the application is asked to move its data.
    UserMergeRequested {
        /// The merge.
        merge_id: MergeId,
        /// The guest.
        from: UserId,
        /// The member.
        into: UserId,
        /// The last moment for an answer.
        answer_by: Timestamp,
        /// Whether the application was asked about this merge before, and an operator asks once more.
        is_repeated: bool,
    },
    /// A guest was not merged after all: it is a guest of its own.
    UserMergeRefused {
        /// The merge.
        merge_id: MergeId,
        /// The guest.
        from: UserId,
        /// The member.
        into: UserId,
        /// `refused`, or `timed_out` without an answer.
        cause: &'static str,
        /// The reason of the application; empty without one.
        reason: String,
    },
    /// A merge was undone: the guest is a guest of its own again.
    UserMergeUndone {
        /// The merge.
        merge_id: MergeId,
        /// The guest.
        from: UserId,
        /// The member.
        into: UserId,
    },
    /// A member authenticated.
    UserAuthenticated {
        /// The member.
        user: UserModel,
        /// Its new session.
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
    /// A disabled user was enabled again.
    UserReenabled {
        /// The user.
        user: UserModel,
    },
    /// A user was deleted.
    UserDeleted {
        /// The user before its deletion.
        user: UserModel,
        /// The reason.
        reason: DeletionReason,
    },
    /// A guest will expire unless it is used.
    UserAnonymousExpiring {
        /// The guest.
        user: UserModel,
        /// When it expires at the earliest.
        expires_at: Timestamp,
    },
    /// A guest expired: its sessions ended, and it is erased after its grace period.
    UserAnonymousExpired {
        /// The guest.
        user: UserModel,
        /// When it is erased at the earliest.
        erased_after: Timestamp,
    },
    /// An expired guest was used again, or an operator took its expiry back.
    UserAnonymousRevived {
        /// The guest.
        user: UserModel,
    },
    /// A walk through the guests of a project ended, and something was done. For the audit log only.
    RetentionCompleted {
        /// Guests whose application was warned.
        warned: u64,
        /// Guests that expired.
        expired: u64,
        /// Guests that were erased.
        erased: u64,
        /// Guests that were used again after they had expired.
        revived: u64,
    },
    /// A session ended other than by its user signing out.
    SessionRevoked {
        /// The owner of the session.
        user_id: UserId,
        /// The session.
        session: SessionModel,
        /// The reason.
        reason: RevocationReason,
    },
    /// A member agreed to a third-party application.
    ConsentGranted {
        /// The member.
        user_id: UserId,
        /// The application.
        client_id: String,
        /// The scopes that the member agreed to, space-separated.
        scope: String,
    },
    /// A third-party application lost its access to a member's account.
    ConsentRevoked {
        /// The member.
        user_id: UserId,
        /// The application.
        client_id: String,
    },
    /// An account at a provider became a login method of an existing user.
    ExternalAccountConnected {
        /// The user.
        user: UserModel,
        /// The account.
        identity: IdentityModel,
    },
    /// An account at a provider is no login method of its user any more.
    ExternalAccountDisconnected {
        /// The user.
        user: UserModel,
        /// The account.
        identity: IdentityModel,
    },
    /// A user's attributes were changed through the Admin API or the portal.
    UserUpdated {
        /// The user as it is now.
        user: UserModel,
    },
    /// The project's settings changed. For the audit log only.
    ProjectChanged {
        /// Each key that changed, with its value before and after.
        changes: Vec<SettingChange>,
    },
    /// An operator tests a webhook. For the webhook only.
    HookTest,
    /// An operator tested a webhook. For the audit log only.
    HookTested {
        /// The webhook's URL.
        url: String,
        /// The HTTP status of the response.
        status: Option<u16>,
        /// Why there was no response, or why the status is not a success.
        error: Option<String>,
    },
    /// An operator sent a test mail or text message. For the audit log only.
    MessageTested {
        /// `mail` or `sms`.
        channel: &'static str,
        /// Whether the provider accepted it.
        is_taken: bool,
    },
    /// The part of the project's budget of text messages that is open to all was used up, for the first time within an hour.
    SmsBudgetUsedUp {
        /// The number of messages allowed.
        messages: u32,
        /// The time in which they are.
        period_seconds: u64,
    },
    /// An operator repeated a delivery. For the audit log only.
    DeliveryReplayed {
        /// The delivery.
        delivery_id: i64,
        /// Its URL.
        url: String,
        /// The event's name.
        event_type: String,
    },
    /// A guest's device key was revoked by an operator. For the audit log only.
    DeviceKeyRevoked {
        /// The guest.
        user_id: UserId,
        /// The key id.
        key_id: String,
    },
    /// All users were exported, with password hashes and keys. For the audit log only.
    UsersExported,
    /// Users were imported. For the audit log only.
    UsersImported {
        /// The lines of the import; not every line need have created a user.
        lines: usize,
    },
    /// An operator did something other than a change of settings. For the audit log only.
    OperatorActed {
        /// The action.
        action: OperatorAction,
        /// Its target: an address, an application or a key.
        target: String,
    },
    /// An application got a token for itself. For the audit log only.
    MachineTokenCreated {
        /// The application.
        client_id: String,
        /// The API that the token is for.
        resource: String,
        /// The scopes, space-separated.
        scope: String,
    },
    /// A request was signed with the wrong key for a known key ID. For the audit log only.
    AnonymousLoginFailed {
        /// The key id.
        key_id: String,
        /// How many such requests this event represents.
        count: i64,
    },
}

impl Event {
    /// The name of [`Event::AnonymousLoginFailed`].
    pub const ANONYMOUS_LOGIN_FAILED: &str = "authentication.identity.anonymous.failed";
    /// The name of [`Event::UserAnonymousExpiring`].
    pub const USER_ANONYMOUS_EXPIRING: &str = "user.anonymous.expiring";
    /// The name of [`Event::UserAnonymousExpired`].
    pub const USER_ANONYMOUS_EXPIRED: &str = "user.anonymous.expired";
    /// The name of [`Event::UserAnonymousRevived`].
    pub const USER_ANONYMOUS_REVIVED: &str = "user.anonymous.revived";
    /// The name of [`Event::UserMergeRequested`].
    pub const USER_MERGE_REQUESTED: &str = "user.merge.requested";
    /// The name of [`Event::UserMerged`].
    pub const USER_MERGED: &str = "user.merged";
    /// The name of [`Event::UserMergeRefused`].
    pub const USER_MERGE_REFUSED: &str = "user.merge.refused";
    /// The name of [`Event::UserMergeUndone`].
    pub const USER_MERGE_UNDONE: &str = "user.merge.undone";
    /// The name of [`Event::UserDeleted`].
    pub const USER_DELETED: &str = "user.deleted";

    /// The event's name.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::UserPreCreate { .. } => "user.pre_create",
            Self::UserAnonymousPrePromote { .. } => "user.anonymous.pre_promote",
            Self::UserCreated { .. } => "user.created",
            Self::UserAnonymousPromoted { .. } => "user.anonymous.promoted",
            Self::UserMergeRequested { .. } => Self::USER_MERGE_REQUESTED,
            Self::UserMerged { .. } => Self::USER_MERGED,
            Self::UserMergeRefused { .. } => Self::USER_MERGE_REFUSED,
            Self::UserMergeUndone { .. } => Self::USER_MERGE_UNDONE,
            Self::UserAuthenticated { .. } => "user.authenticated",
            Self::UserSignedOut { .. } => "user.signed_out",
            Self::UserDisabled { .. } => "user.disabled",
            Self::UserReenabled { .. } => "user.reenabled",
            Self::UserDeleted { .. } => Self::USER_DELETED,
            Self::UserAnonymousExpiring { .. } => Self::USER_ANONYMOUS_EXPIRING,
            Self::UserAnonymousExpired { .. } => Self::USER_ANONYMOUS_EXPIRED,
            Self::UserAnonymousRevived { .. } => Self::USER_ANONYMOUS_REVIVED,
            Self::RetentionCompleted { .. } => "retention.completed",
            Self::SessionRevoked { .. } => "session.revoked",
            Self::ConsentGranted { .. } => "user.consent.granted",
            Self::ConsentRevoked { .. } => "user.consent.revoked",
            Self::ExternalAccountConnected { .. } => "identity.oauth.connected",
            Self::ExternalAccountDisconnected { .. } => "identity.oauth.disconnected",
            Self::UserUpdated { .. } => "user.updated",
            Self::ProjectChanged { .. } => "project.changed",
            Self::HookTest => "hook.test",
            Self::HookTested { .. } => "hook.tested",
            Self::MessageTested { .. } => "message.tested",
            Self::SmsBudgetUsedUp { .. } => "message.sms_budget_used_up",
            Self::DeliveryReplayed { .. } => "hook.delivery.replayed",
            Self::DeviceKeyRevoked { .. } => "identity.anonymous.revoked",
            Self::UsersExported => "users.exported",
            Self::UsersImported { .. } => "users.imported",
            Self::OperatorActed { action, .. } => action.type_name(),
            Self::MachineTokenCreated { .. } => "m2m.token.created",
            Self::AnonymousLoginFailed { .. } => Self::ANONYMOUS_LOGIN_FAILED,
        }
    }

    /// Whether the event precedes its action, so that a blocking webhook may refuse it.
    #[must_use]
    pub fn is_blocking(&self) -> bool {
        matches!(self, Self::UserPreCreate { .. } | Self::UserAnonymousPrePromote { .. })
    }

    /// Whether webhooks receive it; otherwise only the audit log does.
    #[must_use]
    pub fn is_for_hooks(&self) -> bool {
        !matches!(
            self,
            Self::AnonymousLoginFailed { .. }
                | Self::ProjectChanged { .. }
                | Self::RetentionCompleted { .. }
                | Self::OperatorActed { .. }
                | Self::MachineTokenCreated { .. }
                | Self::HookTested { .. }
                | Self::MessageTested { .. }
                | Self::DeliveryReplayed { .. }
                | Self::DeviceKeyRevoked { .. }
                | Self::UsersExported
                | Self::UsersImported { .. }
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
            Self::UserMergeRequested { merge_id, from, into, answer_by, is_repeated } => json!({
                "merge_id": merge_id.to_string(),
                "from": from.to_string(),
                "into": into.to_string(),
                "answer_by": answer_by.to_rfc3339(),
                "is_repeated": is_repeated,
            }),
            Self::UserMergeRefused { merge_id, from, into, cause, reason } => json!({
                "merge_id": merge_id.to_string(),
                "from": from.to_string(),
                "into": into.to_string(),
                "cause": cause,
                "reason": reason,
            }),
            Self::UserMergeUndone { merge_id, from, into } => json!({
                "merge_id": merge_id.to_string(),
                "from": from.to_string(),
                "into": into.to_string(),
            }),
            Self::UserMerged { merge_id, anonymous_user, user } => json!({
                "merge_id": merge_id.to_string(),
                "from": anonymous_user.0["id"],
                "into": user.0["id"],
                "anonymous_user": anonymous_user.0,
                "user": user.0,
            }),
            Self::UserAuthenticated { user, session } | Self::UserSignedOut { user, session } => {
                json!({"user": user.0, "session": session.to_json()})
            }
            Self::UserDisabled { user }
            | Self::UserReenabled { user }
            | Self::UserUpdated { user }
            | Self::UserAnonymousRevived { user } => json!({"user": user.0}),
            Self::UserDeleted { user, reason } => json!({"user": user.0, "reason": reason.as_str()}),
            Self::UserAnonymousExpiring { user, expires_at } => {
                json!({"user": user.0, "expires_at": expires_at.to_rfc3339()})
            }
            Self::UserAnonymousExpired { user, erased_after } => {
                json!({"user": user.0, "erased_after": erased_after.to_rfc3339()})
            }
            Self::RetentionCompleted { warned, expired, erased, revived } => {
                json!({"warned": warned, "expired": expired, "erased": erased, "revived": revived})
            }
            Self::ExternalAccountConnected { user, identity }
            | Self::ExternalAccountDisconnected { user, identity } => {
                json!({"user": user.0, "identity": identity.0})
            }
            Self::ProjectChanged { changes } => changes::describe(changes),
            Self::OperatorActed { target, .. } => json!({"target": target}),
            Self::MachineTokenCreated { client_id, resource, scope } => {
                json!({"client_id": client_id, "resource": resource, "scope": scope})
            }
            Self::SessionRevoked { user_id, session, reason } => {
                json!({"user": {"id": user_id.to_string()}, "session": session.to_json(), "reason": reason.as_str()})
            }
            Self::ConsentGranted { user_id, client_id, scope } => {
                json!({"user": {"id": user_id.to_string()}, "client_id": client_id, "scope": scope})
            }
            Self::ConsentRevoked { user_id, client_id } => {
                json!({"user": {"id": user_id.to_string()}, "client_id": client_id})
            }
            Self::UsersExported => json!({}),
            Self::UsersImported { lines } => json!({"lines": lines}),
            Self::HookTest => json!({"message": "This is a test: nothing happened."}),
            Self::HookTested { url, status, error } => json!({"url": url, "status": status, "error": error}),
            Self::MessageTested { channel, is_taken } => json!({"channel": channel, "is_taken": is_taken}),
            Self::SmsBudgetUsedUp { messages, period_seconds } => {
                json!({"messages": messages, "period_seconds": period_seconds})
            }
            Self::DeliveryReplayed { delivery_id, url, event_type } => {
                json!({"delivery_id": delivery_id.to_string(), "url": url, "event_type": event_type})
            }
            Self::DeviceKeyRevoked { user_id, key_id } => {
                json!({"user": {"id": user_id.to_string()}, "identity": {"type": "anonymous",
                    "claims": {"https://authgear.com/claims/anonymous/key_id": key_id}}})
            }
            Self::AnonymousLoginFailed { key_id, count } => {
                json!({"count": count, "identity": {"type": "anonymous",
                    "claims": {"https://authgear.com/claims/anonymous/key_id": key_id}}})
            }
        }
    }

    /// The complete event. `seq` rises with every event of the store.
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        id::IdentityId,
        identifier::{LoginId, LoginIdKind},
        identity::{Identity, IdentityDetail, UserAccount},
        user::User,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_893_456_000);

    #[test]
    fn a_promotion_event_has_the_guest_before_and_the_member_after() {
        let guest = User::new_guest(UserId::from_parts(1, [1; 10]), NOW);
        let before = UserModel::copy(&UserAccount::of_guest(&guest));
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
        let account = UserAccount { user: &member, identities: &identities, authenticators: &[], previous_subs: &[] };
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
    fn a_new_web_guest_is_reported_with_an_empty_key_id() {
        let guest = User::new_guest(UserId::from_parts(1, [1; 10]), NOW);
        let account = UserAccount::of_guest(&guest);
        let event =
            Event::UserCreated { user: UserModel::copy(&account), identities: IdentityModel::copy_all(&account) };
        let payload = event.payload();
        assert_eq!(payload["identities"][0]["type"], "anonymous");
        assert_eq!(payload["identities"][0]["claims"]["https://authgear.com/claims/anonymous/key_id"], "");
        assert!(payload["user"].get("last_login_at").is_none());
        assert!(event.is_for_hooks() && !event.is_blocking());
    }

    /// The names in the first column of the guide's table.
    #[test]
    fn the_guide_lists_every_event_and_no_other() {
        let guide = include_str!("../../../../docs/guides/events.md");
        let rows = guide.lines().skip_while(|line| !line.starts_with("| Event ")).skip(2);
        let cells = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
        let mut listed: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let sent = NON_BLOCKING.iter().filter(|name| **name != "*");
        let known: BTreeSet<&str> = LOGGED.iter().chain(&BLOCKING).chain(sent).copied().collect();
        listed.sort_unstable();
        assert_eq!(listed, known.into_iter().collect::<Vec<_>>());
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
