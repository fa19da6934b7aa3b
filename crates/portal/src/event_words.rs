//! The events of the audit log in words.

/// A guest's promotion that ended in an existing member; its event is `user.anonymous.promoted`, too.
pub(crate) const SIGNED_IN_INSTEAD: &str = "Guest signed in to an existing member";

/// What happened, by the event's name.
pub(crate) fn describe(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "user.created" => "User created",
        "user.anonymous.promoted" => "Guest promoted",
        "user.merge.requested" => "Merge requested",
        "user.merge.refused" => "Merge refused",
        "user.merge.undone" => "Merge undone",
        "user.merged" => "Guest merged into a member",
        "user.anonymous.revived" => "Guest revived",
        "user.hold.created" => "Hold created",
        "user.hold.removed" => "Hold removed",
        "user.invited" => "Invitation sent to a member",
        "user.password_link_sent" => "Password link sent",
        "retention.completed" => "Unused guests expired",
        "retention.confirmed" => "Retention of guests confirmed",
        "user.authenticated" => "Signed in",
        "user.signed_out" => "Signed out",
        "user.updated" => "User changed",
        "user.disabled" => "User disabled",
        "user.reenabled" => "User enabled",
        "user.deleted" => "User deleted",
        "session.revoked" => "Session ended",
        "user.consent.granted" => "Application allowed",
        "user.consent.revoked" => "Application's access removed",
        "identity.anonymous.revoked" => "Device key revoked",
        "identity.oauth.connected" => "External account connected",
        "identity.oauth.disconnected" => "External account removed",
        "authentication.identity.anonymous.failed" => "Device key sign-in failed",
        "project.created" => "Project created",
        "project.changed" => "Settings changed",
        "users.exported" => "Users exported",
        "users.imported" => "Users imported",
        "signing_key.rotated" => "Signing key rotated",
        "application.secret_created" => "Client secret created",
        "application.secret_deleted" => "Client secret deleted",
        "provider.secret_set" => "Client secret of a provider set",
        "provider.secret_removed" => "Client secret of a provider removed",
        "admin_key.created" => "API key created",
        "admin_key.revoked" => "API key revoked",
        "operator.invited" => "Operator invited",
        "operator.invitation_revoked" => "Invitation revoked",
        "operator.role_changed" => "Operator's role changed",
        "operator.removed" => "Operator removed",
        "operator.link_created" => "Recovery link created for an operator",
        "hook.tested" => "Webhook tested",
        "hook.delivery.replayed" => "Delivery repeated",
        "m2m.token.created" => "Token issued to an application",
        "message.tested" => "Test message sent",
        "message.sms_budget_used_up" => "Budget of text messages used up",
        _ => return None,
    })
}

/// Who did it: an operator's address, the command, or the kind of actor in words.
pub(crate) fn describe_actor(by: &str) -> &str {
    match by {
        "user" => "the user",
        "admin_api" => "a program through the Admin API",
        "system" | "" => "the server",
        other => other,
    }
}

/// Why a session ended or a user was deleted, by the name in the payload.
pub(crate) fn describe_reason(reason: &str) -> &str {
    match reason {
        "operator" => "by an operator",
        "user" => "by the user",
        "token_reuse" => "a refresh token was used twice",
        "code_reuse" => "an authorization code was used twice",
        "another_session" => "the application allows one session",
        "promotion" => "the guest was promoted or ended",
        "password_change" => "the password was changed",
        "retention" => "by the retention rules",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use vestibule_domain::event::{DeletionReason, LOGGED, RevocationReason};

    use super::*;

    #[test]
    fn every_event_of_the_log_has_words_of_its_own() {
        let words: BTreeSet<&str> =
            LOGGED.iter().map(|kind| describe(kind).unwrap_or_else(|| panic!("{kind} has no words"))).collect();
        assert_eq!(words.len(), LOGGED.len());
        assert!(!words.contains(SIGNED_IN_INSTEAD));
    }
    #[test]
    fn every_reason_has_words() {
        use RevocationReason as Why;
        let revoked = [
            Why::Operator,
            Why::User,
            Why::TokenReuse,
            Why::CodeReuse,
            Why::AnotherSession,
            Why::Promotion,
            Why::PasswordChange,
        ];
        let deleted = [DeletionReason::User, DeletionReason::Operator, DeletionReason::Retention];
        for reason in revoked.map(Why::as_str).into_iter().chain(deleted.map(DeletionReason::as_str)) {
            assert_ne!(describe_reason(reason), reason);
        }
    }
}
