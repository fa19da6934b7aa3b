//! The JSON that the Admin API prints of users, sessions, keys, imports and statistics.

use serde::Serialize;
use serde_json::{Map, Value};
use vestibule_app::{
    admin::{
        applications::SecretInfo,
        device_keys::DeviceKey,
        keys::{AdminKeyInfo, AdminScope},
        statistics::{DayNumbers, Report, print_day},
        transfer::{ImportedLine, LineOutcome},
    },
    identities::LoadedUser,
    sessions::ListedSession,
};
use vestibule_domain::{identity::Identity, time::Timestamp, user::User};

/// A user in a list.
#[derive(Debug, Serialize)]
pub(super) struct UserView<'a> {
    id: String,
    created_at: String,
    updated_at: String,
    last_login_at: Option<String>,
    promoted_at: Option<String>,
    is_anonymous: bool,
    is_disabled: bool,
    yielded_to: Option<String>,
    standard_attributes: &'a Map<String, Value>,
    custom_attributes: &'a Map<String, Value>,
}

impl<'a> UserView<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            id: user.id.to_string(),
            created_at: user.created_at.to_rfc3339(),
            updated_at: user.updated_at.to_rfc3339(),
            last_login_at: user.last_login_at.map(Timestamp::to_rfc3339),
            promoted_at: user.promoted_at.map(Timestamp::to_rfc3339),
            is_anonymous: user.is_anonymous(),
            is_disabled: user.disabled_at.is_some(),
            yielded_to: user.yielded_to.map(|id| id.to_string()),
            standard_attributes: &user.standard_attributes,
            custom_attributes: &user.custom_attributes,
        }
    }
}

/// A user with its identities and authenticators.
#[derive(Debug, Serialize)]
pub(super) struct UserDetailView<'a> {
    #[serde(flatten)]
    user: UserView<'a>,
    identities: Vec<IdentityView>,
    authenticators: Vec<Value>,
}

impl<'a> UserDetailView<'a> {
    pub(super) fn of(loaded: &'a LoadedUser) -> Self {
        Self {
            user: UserView::of(&loaded.user),
            identities: loaded.identities.iter().map(IdentityView::of).collect(),
            authenticators: loaded.authenticators.iter().map(|one| one.to_userinfo()).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct IdentityView {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: String,
    updated_at: String,
    claims: Map<String, Value>,
}

impl IdentityView {
    fn of(identity: &Identity) -> Self {
        Self {
            id: identity.id.to_string(),
            kind: identity.type_name(),
            created_at: identity.created_at.to_rfc3339(),
            updated_at: identity.updated_at.to_rfc3339(),
            claims: identity.claims(),
        }
    }
}

/// A session or grant in a list.
#[derive(Debug, Serialize)]
pub(super) struct SessionView {
    id: String,
    /// `cookie` or `refresh_token`.
    #[serde(rename = "type")]
    kind: &'static str,
    client_id: Option<String>,
    display_name: Option<String>,
    created_at: String,
    last_accessed_at: String,
}

impl SessionView {
    pub(super) fn of(session: ListedSession) -> Self {
        Self {
            id: session.id.plain_id(),
            kind: session.id.type_name(),
            client_id: session.client_id,
            display_name: session.device,
            created_at: session.created_at.to_rfc3339(),
            last_accessed_at: session.last_access_at.to_rfc3339(),
        }
    }
}

/// A device key in a list.
#[derive(Debug, Serialize)]
pub(super) struct DeviceKeyView {
    id: String,
    key_id: String,
    device: Option<String>,
    created_at: String,
    last_used_at: String,
    promoted_at: Option<String>,
}

impl DeviceKeyView {
    pub(super) fn of(key: DeviceKey) -> Self {
        Self {
            id: key.id.to_string(),
            key_id: key.key_id,
            device: key.device,
            created_at: key.created_at.to_rfc3339(),
            last_used_at: key.last_used_at.to_rfc3339(),
            promoted_at: key.promoted_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// An Admin API key in a list.
#[derive(Debug, Serialize)]
pub(super) struct KeyView {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    scopes: Vec<AdminScope>,
    created_at: String,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

impl KeyView {
    pub(super) fn of(key: AdminKeyInfo) -> Self {
        Self {
            id: key.id,
            name: key.name,
            kind: key.kind.as_str(),
            scopes: key.scopes,
            created_at: key.created_at.to_rfc3339(),
            last_used_at: key.last_used_at.map(Timestamp::to_rfc3339),
            revoked_at: key.revoked_at.map(Timestamp::to_rfc3339),
        }
    }
}

/// A client secret in a list: by a name that reveals nothing of it.
#[derive(Debug, Serialize)]
pub(super) struct SecretView {
    id: String,
    created_at: String,
}

impl SecretView {
    pub(super) fn of(secret: SecretInfo) -> Self {
        Self { id: secret.id, created_at: secret.created_at.to_rfc3339() }
    }
}

/// The result of one line of an import.
#[derive(Debug, Serialize)]
pub(super) struct LineView {
    line: usize,
    id: Option<String>,
    /// `created`, `exists` or `refused`.
    outcome: &'static str,
    reason: Option<String>,
}

impl LineView {
    pub(super) fn of(imported: ImportedLine) -> Self {
        let (outcome, reason) = match imported.outcome {
            LineOutcome::Created => ("created", None),
            LineOutcome::Exists => ("exists", None),
            LineOutcome::Refused(reason) => ("refused", Some(reason)),
        };
        Self { line: imported.line, id: imported.id.map(|id| id.to_string()), outcome, reason }
    }
}

/// The statistics of a range of days.
#[derive(Debug, Serialize)]
pub(super) struct ReportView<'a> {
    from: String,
    to: String,
    days: Vec<DayView<'a>>,
    funnel: FunnelView,
    time_to_promotion: Vec<WithinView>,
}

#[derive(Debug, Serialize)]
struct DayView<'a> {
    date: String,
    client_id: &'a str,
    guests_created: i64,
    guests_without_session: i64,
    guests_returned: i64,
    guests_promoted: i64,
    guests_signed_in: i64,
    members_created: i64,
    logins: i64,
}

#[derive(Debug, Serialize)]
struct FunnelView {
    guests_created: i64,
    guests_returned: i64,
    guests_promoted: i64,
    guests_signed_in: i64,
}

#[derive(Debug, Serialize)]
struct WithinView {
    name: &'static str,
    seconds: Option<i64>,
    count: i64,
}

impl<'a> ReportView<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let funnel = &report.funnel;
        let within = report.time_to_promotion.iter();
        Self {
            from: print_day(report.from),
            to: print_day(report.to),
            days: report.days.iter().map(DayView::of).collect(),
            funnel: FunnelView {
                guests_created: funnel.guests_created,
                guests_returned: funnel.guests_returned,
                guests_promoted: funnel.guests_promoted,
                guests_signed_in: funnel.guests_signed_in,
            },
            time_to_promotion: within
                .map(|one| WithinView { name: one.name, seconds: one.seconds, count: one.count })
                .collect(),
        }
    }
}

impl<'a> DayView<'a> {
    fn of(day: &'a DayNumbers) -> Self {
        Self {
            date: print_day(day.day),
            client_id: &day.client_id,
            guests_created: day.guests_created,
            guests_without_session: day.guests_without_session,
            guests_returned: day.guests_returned,
            guests_promoted: day.guests_promoted,
            guests_signed_in: day.guests_signed_in,
            members_created: day.members_created,
            logins: day.logins,
        }
    }
}
