//! Users and their sessions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vestibule_app::admin::{
    AdminError, Thing, consents, device_keys, sessions, subjects,
    user_lists::{self, UserFilter, UserQuery, UserSort},
    users,
};
use vestibule_domain::id::{IdentityId, UserId};

use super::{
    access::Admin,
    answer::{Created, Good, NoContent},
    bodies::{AttributesBody, NewUserBody, PromotionBody},
    input::{InPath, Json, PathPart, Query},
    operation::{Operation, Tag},
    problem::Problem,
    project::ClientId,
    read::check_limit,
    views::{ConsentsView, DeviceKeysView, SessionsView, UserDetailView, UsersPage},
};

impl PathPart for UserId {
    const NAME: &'static str = "user_id";
    const MEANING: &'static str = "The user ID (sub).";
    const SHARED: Option<&'static str> = Some("UserId");

    fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map_err(|_| AdminError::NotFound(Thing::User).into())
    }

    fn schema() -> Value {
        json!({"type": "string", "format": "uuid"})
    }
}

/// Maximum number of users of a page.
const MOST_USERS: u32 = 200;
/// Maximum number of days to look back.
const MOST_DAYS: u32 = 3650;

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum WrittenFilter {
    #[default]
    All,
    Guest,
    Member,
    Promoted,
    Dormant,
    Disabled,
    Expiring,
    Held,
}

impl From<WrittenFilter> for UserFilter {
    fn from(filter: WrittenFilter) -> Self {
        match filter {
            WrittenFilter::All => Self::All,
            WrittenFilter::Guest => Self::Guest,
            WrittenFilter::Member => Self::Member,
            WrittenFilter::Promoted => Self::Promoted,
            WrittenFilter::Dormant => Self::Dormant,
            WrittenFilter::Disabled => Self::Disabled,
            WrittenFilter::Expiring => Self::Expiring,
            WrittenFilter::Held => Self::Held,
        }
    }
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum WrittenSort {
    #[default]
    Newest,
    Oldest,
    LatestLogin,
    EarliestLogin,
}

impl From<WrittenSort> for UserSort {
    fn from(sort: WrittenSort) -> Self {
        match sort {
            WrittenSort::Newest => Self::Newest,
            WrittenSort::Oldest => Self::Oldest,
            WrittenSort::LatestLogin => Self::LatestLogin,
            WrittenSort::EarliestLogin => Self::EarliestLogin,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Which users to list. promoted: members who were guests, sorted by their promotion; dormant: guests not seen recently; expiring: guests that were warned or have expired; held: users with a hold.
    kind: Option<WrittenFilter>,
    /// For promoted and dormant: number of days, 30 by default.
    #[schemars(range(min = 1, max = MOST_DAYS))]
    days: Option<u32>,
    /// newest, the default, or oldest: by creation, of promoted users by promotion. latest_login or earliest_login, only with kind=member: members who have signed in, by their last login.
    sort: Option<WrittenSort>,
    /// true: the response has the total of all pages. It is counted up to 10,000.
    total: Option<bool>,
    /// Search by ID, by the start of an email address, phone number, username or word of a name, or by the domain of email addresses (@shop.example, or its start). Returns one page and ignores kind and sort.
    q: Option<String>,
    /// next_cursor of the previous page.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_-]{32}$"))]
    cursor: Option<String>,
    /// Items per page: 50 by default, at most 200.
    #[schemars(range(min = 1, max = MOST_USERS))]
    limit: Option<u32>,
}

pub(super) const LIST: Operation =
    Operation::new(Tag::Users, "listUsers", "List users", "One page.").may_refuse(&[422]);

/// `GET /users`
pub(crate) async fn list(admin: Admin, Query(query): Query<ListQuery>) -> Result<Good<UsersPage>, Problem> {
    let days = query.days.unwrap_or(30);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::unreadable(format!("days: write a number from 1 to {MOST_DAYS}")));
    }
    let with_total = query.total == Some(true);
    let query = UserQuery {
        kind: query.kind.unwrap_or_default().into(),
        days,
        sort: query.sort.unwrap_or_default().into(),
        search: query.q,
        cursor: query.cursor,
        limit: check_limit(query.limit, MOST_USERS)?,
    };
    let ctx = admin.visit.ctx();
    let page = user_lists::list(&ctx, &query).await?;
    let total = match with_total {
        true => Some(user_lists::count(&ctx, &query, page.items.len()).await?),
        false => None,
    };
    Ok(Good::print(&UsersPage::of(page, total)))
}

pub(super) const CREATE: Operation = Operation::new(Tag::Users, "createUser", "Create a member", "The member.")
    .note("Guests are created by applications, not here. Calls blocking webhooks for user.pre_create.");

/// `POST /users`
pub(crate) async fn create(admin: Admin, Json(new): Json<NewUserBody>) -> Result<Created<UserDetailView>, Problem> {
    let visit = &admin.visit;
    let user = users::create(&visit.ctx(), &admin.operator(), &new).await?;
    Ok(Created::print(&UserDetailView::of(user)))
}

pub(super) const GET: Operation =
    Operation::new(Tag::Users, "getUser", "Get a user with identities and authenticators", "The user.");

/// `GET /users/{user_id}`
pub(crate) async fn get(admin: Admin, InPath(id): InPath<UserId>) -> Result<Good<UserDetailView>, Problem> {
    let user = users::get(&admin.visit.ctx(), id).await?;
    let previous = subjects::list_previous(&admin.visit.ctx(), id).await?;
    Ok(Good::print(&UserDetailView::of(user).merged_from(previous)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AliasesQuery {
    /// next_cursor of the previous page.
    #[schemars(extend("pattern" = "^[A-Za-z0-9_-]{1,400}$"))]
    cursor: Option<String>,
    /// Items per page: 50 by default, at most 200.
    #[schemars(range(min = 1, max = MOST_USERS))]
    limit: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct AliasesPage {
    /// IDs of guests that were merged into the user, then its IDs in other systems.
    aliases: Vec<String>,
    next_cursor: Option<String>,
}

pub(super) const LIST_ALIASES: Operation =
    Operation::new(Tag::Users, "listAliases", "List all other IDs of a user", "One page.").may_refuse(&[422]);

/// `GET /users/{user_id}/aliases`
pub(crate) async fn list_aliases(
    admin: Admin,
    InPath(id): InPath<UserId>,
    Query(query): Query<AliasesQuery>,
) -> Result<Good<AliasesPage>, Problem> {
    let limit = check_limit(query.limit, MOST_USERS)?;
    let page = subjects::list_page(&admin.visit.ctx(), id, query.cursor.as_deref(), limit).await?;
    Ok(Good::print(&AliasesPage { aliases: page.items, next_cursor: page.next }))
}

pub(super) const PATCH: Operation =
    Operation::new(Tag::Users, "changeUser", "Change attributes of a guest or member", "The user.")
        .note("A JSON merge patch (RFC 7396): null removes an attribute.");

/// `PATCH /users/{user_id}`
pub(crate) async fn patch(
    admin: Admin,
    InPath(id): InPath<UserId>,
    Json(change): Json<AttributesBody>,
) -> Result<Good<UserDetailView>, Problem> {
    let visit = &admin.visit;
    let user = users::change_attributes(&visit.ctx(), &admin.operator(), id, change).await?;
    Ok(Good::print(&UserDetailView::of(user)))
}

pub(super) const DELETE: Operation =
    Operation::new(Tag::Users, "deleteUser", "Delete a user and all its data", "Success.").note(
        "A guest that waits to be merged is not deleted (409, merge_waits): settle or refuse its merge first. Guests that wait to be merged into a deleted member are guests of their own again.",
    );

/// `DELETE /users/{user_id}`
pub(crate) async fn delete(admin: Admin, InPath(id): InPath<UserId>) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    users::delete(&visit.ctx(), &admin.operator(), id).await?;
    Ok(NoContent)
}

pub(super) const PROMOTE: Operation =
    Operation::new(Tag::Users, "promoteUser", "Promote a guest to member", "The member, with the same ID.")
        .note("The guest's sessions continue. Calls blocking webhooks for user.anonymous.pre_promote.");

/// `POST /users/{user_id}/promote`
pub(crate) async fn promote(
    admin: Admin,
    InPath(id): InPath<UserId>,
    Json(promotion): Json<PromotionBody>,
) -> Result<Good<UserDetailView>, Problem> {
    let visit = &admin.visit;
    let user = users::promote(&visit.ctx(), &admin.operator(), id, &promotion).await?;
    Ok(Good::print(&UserDetailView::of(user)))
}

pub(super) const DISABLE: Operation =
    Operation::new(Tag::Users, "disableUser", "Disable a user and end its sessions", "The user.");

/// `POST /users/{user_id}/disable`
pub(crate) async fn disable(admin: Admin, InPath(id): InPath<UserId>) -> Result<Good<UserDetailView>, Problem> {
    set_disabled(&admin, id, true).await
}

pub(super) const ENABLE: Operation = Operation::new(Tag::Users, "enableUser", "Enable a disabled user", "The user.");

/// `POST /users/{user_id}/enable`
pub(crate) async fn enable(admin: Admin, InPath(id): InPath<UserId>) -> Result<Good<UserDetailView>, Problem> {
    set_disabled(&admin, id, false).await
}

async fn set_disabled(admin: &Admin, id: UserId, disabled: bool) -> Result<Good<UserDetailView>, Problem> {
    let visit = &admin.visit;
    let user = users::set_disabled(&visit.ctx(), &admin.operator(), id, disabled).await?;
    Ok(Good::print(&UserDetailView::of(user)))
}

pub(super) const LIST_SESSIONS: Operation =
    Operation::new(Tag::Sessions, "listSessions", "List a user's sessions", "Sessions of all applications.");

/// `GET /users/{user_id}/sessions`
pub(crate) async fn list_sessions(admin: Admin, InPath(id): InPath<UserId>) -> Result<Good<SessionsView>, Problem> {
    let all = sessions::list(&admin.visit.ctx(), id).await?;
    Ok(Good::print(&SessionsView::of(all)))
}

pub(super) const REVOKE_ALL_SESSIONS: Operation =
    Operation::new(Tag::Sessions, "revokeAllSessions", "End all of a user's sessions", "Success.");

/// `DELETE /users/{user_id}/sessions`
pub(crate) async fn revoke_all_sessions(admin: Admin, InPath(id): InPath<UserId>) -> Result<NoContent, Problem> {
    revoke(&admin, id, None).await
}

pub(crate) struct PlainSessionId(String);

impl PathPart for PlainSessionId {
    const NAME: &'static str = "session_id";
    const MEANING: &'static str = "The session ID.";

    fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_string()))
    }
}

pub(super) const REVOKE_SESSION: Operation =
    Operation::new(Tag::Sessions, "revokeSession", "End one session", "Success.");

/// `DELETE /users/{user_id}/sessions/{session_id}`
pub(crate) async fn revoke_session(
    admin: Admin,
    InPath(id): InPath<UserId>,
    InPath(session): InPath<PlainSessionId>,
) -> Result<NoContent, Problem> {
    revoke(&admin, id, Some(&session.0)).await
}

async fn revoke(admin: &Admin, id: UserId, only: Option<&str>) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    sessions::revoke(&visit.ctx(), &admin.operator(), id, only).await?;
    Ok(NoContent)
}

pub(super) const LIST_CONSENTS: Operation = Operation::new(
    Tag::Users,
    "listConsents",
    "List the third-party applications with access to a member's account",
    "Every application that the member agreed to, or that has sessions of the member from before consent was asked for.",
);

/// `GET /users/{user_id}/consents`
pub(crate) async fn list_consents(admin: Admin, InPath(id): InPath<UserId>) -> Result<Good<ConsentsView>, Problem> {
    let all = consents::list(&admin.visit.ctx(), id).await?;
    Ok(Good::print(&ConsentsView::of(all)))
}

pub(super) const REVOKE_CONSENT: Operation =
    Operation::new(Tag::Users, "revokeConsent", "Revoke a member's consent to a third-party application", "Success.")
        .note("Ends the application's sessions of the member, too.");

/// `DELETE /users/{user_id}/consents/{client_id}`
pub(crate) async fn revoke_consent(
    admin: Admin,
    InPath(id): InPath<UserId>,
    InPath(client): InPath<ClientId>,
) -> Result<NoContent, Problem> {
    consents::revoke(&admin.visit.ctx(), &admin.operator(), id, &client.0).await?;
    Ok(NoContent)
}

pub(super) const LIST_KEYS: Operation =
    Operation::new(Tag::Users, "listDeviceKeys", "List a guest's device keys", "Every key, oldest first.");

/// `GET /users/{user_id}/device-keys`
pub(crate) async fn list_keys(admin: Admin, InPath(id): InPath<UserId>) -> Result<Good<DeviceKeysView>, Problem> {
    let all = device_keys::list(&admin.visit.ctx(), id).await?;
    Ok(Good::print(&DeviceKeysView::of(all)))
}

/// A device key is an identity of its user.
pub(crate) struct DeviceKeyId(IdentityId);

impl PathPart for DeviceKeyId {
    const NAME: &'static str = "device_key_id";
    const MEANING: &'static str = "The key ID from the list.";

    fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map(Self).map_err(|_| AdminError::NotFound(Thing::DeviceKey).into())
    }
}

pub(super) const REVOKE_KEY: Operation =
    Operation::new(Tag::Users, "revokeDeviceKey", "Revoke a device key", "Success.")
        .note("The device can't sign in again. Open sessions continue.");

/// `DELETE /users/{user_id}/device-keys/{device_key_id}`
pub(crate) async fn revoke_key(
    admin: Admin,
    InPath(id): InPath<UserId>,
    InPath(key): InPath<DeviceKeyId>,
) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    device_keys::revoke(&visit.ctx(), &admin.operator(), id, key.0).await?;
    Ok(NoContent)
}
