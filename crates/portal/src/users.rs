//! Users: the list, and one user with its actions.

use askama::Template;
use serde_json::{Map, Value};
use vestibule_app::{
    admin::{
        AdminError, Clash, Fault,
        credentials::NewLoginId,
        handshakes, history, subjects,
        user_details::{self, NamedUser, UserDetails},
        user_lists::{self, UserFilter, UserQuery, UserSort, UserTotal},
        users::{self, AttributeChange, Promotion},
    },
    identities::LoadedUser,
    sessions::ListedSession,
};
use vestibule_domain::{
    id::UserId,
    identifier::{LoginId, LoginIdKind},
    identity::{Authenticator, Identity, IdentityDetail},
    operator::Role,
    person_name,
    project::AuthenticatorKind,
    subject::Subject,
    time::Timestamp,
};
use vestibule_protocol::form::Form;
use vestibule_web::{count::count_of, template::finish};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    frame::{PortalContext, PortalPage},
    history::HistoryLine,
    members,
    moment::Moment,
    notice::PortalNotice,
    user::{IdentityLine, KeyLine, SessionLine, UserHead, UserPage},
    user_form::UserFormPage,
    user_retention::RetentionLines,
};

const LIMIT: u32 = 50;
const DAYS: u32 = 30;
/// Events of a user on its page; the rest is on the page of its history.
const RECENT: u32 = 10;

pub(super) fn routes() -> Vec<PortalRoute> {
    let (see, change) = (Role::Viewer, Role::Editor);
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/users", see, list),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/users/{user_id}", see, show),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/users/{user_id}/promote", change, show_promote),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/users/{user_id}/promote", change, promote),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/users/{user_id}/attributes", change, show_attributes),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/users/{user_id}/attributes", change, save_attributes),
    ]
}

/// The filter that a request names, with its word, and the days.
pub(super) fn filter_of(request: &ProjectRequest) -> ((UserFilter, &'static str), u32) {
    let filter = match request.field("kind") {
        "guest" => (UserFilter::Guest, "guest"),
        "member" => (UserFilter::Member, "member"),
        "promoted" => (UserFilter::Promoted, "promoted"),
        "dormant" => (UserFilter::Dormant, "dormant"),
        "disabled" => (UserFilter::Disabled, "disabled"),
        "expiring" => (UserFilter::Expiring, "expiring"),
        "held" => (UserFilter::Held, "held"),
        _ => (UserFilter::All, "all"),
    };
    let days = request.field("days").trim().parse().ok().filter(|days| (1..=3_650).contains(days)).unwrap_or(DAYS);
    (filter, days)
}

/// The order that a request names, with its word. Only members are sorted by their last login.
fn sort_of(request: &ProjectRequest, kind: UserFilter) -> (UserSort, &'static str) {
    match request.field("sort") {
        "oldest" => (UserSort::Oldest, "oldest"),
        "latest_login" if kind == UserFilter::Member => (UserSort::LatestLogin, "latest_login"),
        "earliest_login" if kind == UserFilter::Member => (UserSort::EarliestLogin, "earliest_login"),
        _ => (UserSort::Newest, "newest"),
    }
}

/// The total of a list in words.
fn print_total(total: UserTotal) -> String {
    let users = count_of(total.count, "user", "users");
    match total.is_exact {
        true => users,
        false if total.count == user_lists::MOST_COUNTED => format!("More than {users}"),
        false => format!("At least {users}"),
    }
}

async fn list(request: ProjectRequest) -> PageResult {
    let ((kind, word), days) = filter_of(&request);
    let (sort, sort_word) = sort_of(&request, kind);
    let (search, cursor) = (request.field("q").trim(), request.field("cursor"));
    let query = UserQuery {
        kind,
        days,
        sort,
        search: Some(search.to_string()).filter(|text| !text.is_empty()),
        cursor: Some(cursor.to_string()).filter(|text| !text.is_empty()),
        limit: LIMIT,
    };
    let page = user_details::list(&request.ctx(), &query).await?;
    // Once, at the beginning: it does not change much while a person reads on.
    let total = match cursor.is_empty() && !page.items.is_empty() {
        true => Some(print_total(user_lists::count(&request.ctx(), &query, page.items.len()).await?)),
        false => None,
    };
    let days_text = days.to_string();
    let next = page.next.map(|cursor| {
        Form::from_pairs([("kind", word), ("days", &days_text), ("sort", sort_word), ("cursor", &cursor)]).print()
    });
    request.show(&UsersPage {
        search: search.to_string(),
        kind: word.to_string(),
        days,
        sort: sort_word.to_string(),
        total,
        users: page.items.into_iter().map(row_of).collect(),
        next,
        is_later: !cursor.is_empty(),
        limit: usize::try_from(LIMIT).unwrap_or(usize::MAX),
    })
}

fn row_of(named: NamedUser) -> UserRow {
    let user = named.user;
    let (name, person) = match (named.login_id, named.person) {
        (Some(login_id), person) => (Some(login_id), person),
        (None, person) => (person, None),
    };
    UserRow {
        id: user.id.to_string(),
        name,
        person,
        is_guest: user.is_anonymous(),
        has_ended: user.yielded_to.is_some(),
        is_disabled: user.disabled_at.is_some(),
        created_at: Moment::new(user.created_at.to_rfc3339()),
        promoted_at: user.promoted_at.map(|at| Moment::new(at.to_rfc3339())),
        last_login_at: user.last_login_at.map(|at| Moment::new(at.to_rfc3339())),
    }
}

pub(super) fn id_of(request: &ProjectRequest) -> Result<UserId, PortalError> {
    request.param("user_id").parse().map_err(|_| PortalError::Missing)
}

pub(super) fn path_of(id: UserId) -> String {
    format!("/users/{id}")
}

pub(super) async fn load(request: &ProjectRequest) -> Result<(UserId, UserDetails), PortalError> {
    let id = id_of(request)?;
    Ok((id, user_details::load(&request.ctx(), id).await?))
}

/// The user alone, for pages that show nothing else of it.
pub(super) async fn load_user(request: &ProjectRequest) -> Result<(UserId, LoadedUser), PortalError> {
    let id = id_of(request)?;
    Ok((id, users::get(&request.ctx(), id).await?))
}

pub(super) fn head_of(loaded: &LoadedUser) -> UserHead {
    let user = &loaded.user;
    let known = loaded.identities.iter().find_map(Identity::login_id).map(|(login_id, _)| print_login_id(login_id));
    UserHead {
        id: user.id.to_string(),
        name: known.or_else(|| person_name::display(&user.standard_attributes)),
        is_guest: user.is_anonymous(),
        is_disabled: user.disabled_at.is_some(),
    }
}

/// A line about an identity; none for the anonymous identity, which the page shows as device keys.
fn line_of(identity: &Identity) -> Option<IdentityLine> {
    let (kind, value, is_verified) = match &identity.detail {
        IdentityDetail::Anonymous { .. } => return None,
        IdentityDetail::Passkey => ("Passkey", identity.id.to_string(), None),
        IdentityDetail::External(external) => {
            let email = external.profile.get("email").and_then(Value::as_str).unwrap_or(&external.subject);
            let provider = external.alias.as_deref().unwrap_or(&external.provider);
            ("Account at a provider", format!("{provider} · {email}"), None)
        }
        IdentityDetail::LoginId { login_id, verified_at } => {
            let is_verified = (login_id.kind != LoginIdKind::Username).then_some(verified_at.is_some());
            (name_of(login_id.kind), print_login_id(login_id), is_verified)
        }
    };
    Some(IdentityLine {
        id: identity.login_id().map(|_| identity.id.to_string()),
        kind: kind.to_string(),
        value,
        is_verified,
        created_at: Moment::new(identity.created_at.to_rfc3339()),
    })
}

/// An email address or phone number as messages are sent to it, a username as it was entered.
fn print_login_id(login_id: &LoginId) -> String {
    login_id.address().unwrap_or_else(|| login_id.original.clone())
}

pub(super) fn name_of(kind: LoginIdKind) -> &'static str {
    match kind {
        LoginIdKind::Email => "Email address",
        LoginIdKind::Phone => "Phone number",
        LoginIdKind::Username => "Username",
    }
}

fn print_attributes(attributes: &Map<String, Value>) -> Vec<(String, String)> {
    attributes.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

/// The name of a session: its application, or another description.
pub(super) fn place_of(request: &ProjectRequest, session: &ListedSession) -> String {
    match &session.client_id {
        None => "Cookie session".to_string(),
        Some(id) => request.project.settings.client(id).and_then(|one| one.name.clone()).unwrap_or_else(|| id.clone()),
    }
}

async fn show(request: ProjectRequest) -> PageResult {
    let (id, details) = load(&request).await?;
    let merges = handshakes::list_of_user(&request.ctx(), id).await?;
    // Of a merged guest, only its name is left.
    if let Some(member) = subjects::find_current(&request.ctx(), &Subject::Id(id)).await? {
        return request.go(&request.href(&path_of(member)));
    }
    let recent = history::list(&request.ctx(), &details, None, RECENT).await?;
    let UserDetails { loaded, keys, sessions, mark, holds, .. } = details;
    let may_get_password_link = members::may_get_password_link(&request, &loaded);
    let moment = |at: Timestamp| Moment::new(at.to_rfc3339());
    let user = &loaded.user;
    request.show(&UserPage {
        head: head_of(&loaded),
        created_at: moment(user.created_at),
        updated_at: moment(user.updated_at),
        promoted_at: user.promoted_at.map(moment),
        last_login_at: user.last_login_at.map(moment),
        yielded_to: user.yielded_to.map(|id| id.to_string()),
        has_merges: !merges.is_empty(),
        identities: loaded.identities.iter().filter_map(line_of).collect(),
        authenticators: loaded.authenticators.iter().map(describe_authenticator).collect(),
        may_get_password_link,
        keys: keys
            .into_iter()
            .map(|key| KeyLine {
                id: key.id.to_string(),
                device: key.device.unwrap_or_else(|| "Unnamed device".to_string()),
                key_id: key.key_id,
                last_used_at: moment(key.last_used_at),
                is_retired: key.promoted_at.is_some(),
            })
            .collect(),
        sessions: sessions
            .into_iter()
            .map(|session| SessionLine {
                place: place_of(&request, &session),
                id: session.id.plain_id(),
                device: session.device.unwrap_or_default(),
                created_at: moment(session.created_at),
                last_used_at: moment(session.last_access_at),
            })
            .collect(),
        standard: print_attributes(&user.standard_attributes),
        custom: print_attributes(&user.custom_attributes),
        retention: RetentionLines::of(user, mark, holds),
        history: recent.items.iter().map(|entry| HistoryLine::of(&request, entry)).collect(),
        has_earlier: recent.next.is_some(),
    })
}

fn describe_authenticator(authenticator: &Authenticator) -> String {
    match authenticator.kind {
        AuthenticatorKind::Password => "Password",
        AuthenticatorKind::Passkey => "Passkey",
        AuthenticatorKind::OobOtpEmail => "One-time code by email",
        AuthenticatorKind::OobOtpSms => "One-time code by SMS",
    }
    .to_string()
}

/// The project's kinds of login ID, with their names.
pub(super) fn kinds_of(request: &ProjectRequest) -> Vec<(&'static str, &'static str)> {
    request.project.settings.login_id_kinds().iter().map(|kind| (kind.as_str(), name_of(*kind))).collect()
}

async fn show_promote(request: ProjectRequest) -> PageResult {
    let (id, loaded) = load_user(&request).await?;
    if !loaded.user.is_anonymous() {
        return request.go(&request.href(&path_of(id)));
    }
    request.show(&UserFormPage::promote(head_of(&loaded), &kinds_of(&request), ["", "", ""], true, [None, None, None]))
}

async fn promote(request: ProjectRequest) -> PageResult {
    let (id, loaded) = load_user(&request).await?;
    let (kind, value, password) = (request.field("kind"), request.field("value").trim(), request.field("password"));
    let is_verified = request.is_checked("is_verified");
    let read = LoginIdKind::ALL.into_iter().find(|one| one.as_str() == kind);
    let done = match read {
        None => Err(AdminError::fault("login_id.type", "Choose an option.")),
        Some(kind) => {
            let login_id = NewLoginId { kind, value: value.to_string(), is_verified };
            let password = Some(password.to_string()).filter(|text| !text.is_empty());
            let promotion = Promotion { login_id, password };
            users::promote(&request.ctx(), &request.acting(), id, &promotion).await
        }
    };
    let errors = match done {
        Ok(_) => return request.done(&path_of(id), PortalNotice::UserPromoted),
        Err(AdminError::Conflict(Clash::LoginIdTaken)) => {
            [None, Some("Another user has this login ID already.".to_string()), None]
        }
        Err(AdminError::Conflict(Clash::AlreadyMember)) => return request.done(&path_of(id), PortalNotice::Unchanged),
        Err(AdminError::Invalid(faults)) => {
            ["login_id.type", "login_id.value", "password"].map(|at| messages_at(&faults, at))
        }
        Err(error) => return Err(error.into()),
    };
    // Passwords are not sent back, so it must be typed again.
    let page = UserFormPage::promote(head_of(&loaded), &kinds_of(&request), [kind, value, ""], is_verified, errors);
    request.show_again(&page)
}

/// A message without the name that it has for programs, such as ` (email.missing_at)`.
pub(super) fn without_key(message: &str) -> &str {
    let is_key =
        |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte));
    match message.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        Some((plain, key)) if is_key(key) => plain,
        _ => message,
    }
}

/// The errors of a member and of those inside it.
pub(super) fn messages_at(faults: &[Fault], path: &str) -> Option<String> {
    let of_it = |fault: &&Fault| fault.path == path || fault.path.starts_with(&format!("{path}."));
    let messages: Vec<String> = faults
        .iter()
        .filter(of_it)
        .map(|fault| match fault.path.strip_prefix(path).map(|rest| rest.trim_start_matches('.')) {
            Some(inner) if !inner.is_empty() => format!("{inner}: {}", without_key(&fault.message)),
            _ => without_key(&fault.message).to_string(),
        })
        .collect();
    (!messages.is_empty()).then(|| messages.join("; "))
}

async fn show_attributes(request: ProjectRequest) -> PageResult {
    let (_, loaded) = load_user(&request).await?;
    let print = |map: &Map<String, Value>| serde_json::to_string_pretty(map).unwrap_or_default();
    let user = &loaded.user;
    let values = [print(&user.standard_attributes), print(&user.custom_attributes)];
    request.show(&UserFormPage::attributes(head_of(&loaded), [&values[0], &values[1]], [None, None]))
}

async fn save_attributes(request: ProjectRequest) -> PageResult {
    let (id, loaded) = load_user(&request).await?;
    let values = [request.field("standard"), request.field("custom")];
    let read = values.map(serde_json::from_str::<Map<String, Value>>);
    let complain =
        |errors: [Option<String>; 2]| request.show_again(&UserFormPage::attributes(head_of(&loaded), values, errors));
    let [Ok(standard), Ok(custom)] = read else {
        return complain(read.map(|one| one.err().map(|error| format!("This is not a JSON object: {error}."))));
    };
    let user = &loaded.user;
    let change = AttributeChange {
        standard_attributes: difference(&user.standard_attributes, standard),
        custom_attributes: difference(&user.custom_attributes, custom),
    };
    if change.standard_attributes.is_empty() && change.custom_attributes.is_empty() {
        return request.done(&path_of(id), PortalNotice::Unchanged);
    }
    match users::change_attributes(&request.ctx(), &request.acting(), id, change).await {
        Ok(_) => request.done(&path_of(id), PortalNotice::Saved),
        Err(AdminError::Invalid(faults)) => {
            complain(["standard_attributes", "custom_attributes"].map(|path| messages_at(&faults, path)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The change from one set of attributes to another: removed members become null (RFC 7396).
fn difference(before: &Map<String, Value>, after: Map<String, Value>) -> Map<String, Value> {
    let gone: Vec<String> = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
    let changed = after.into_iter().filter(|(name, value)| before.get(name) != Some(value));
    changed.chain(gone.into_iter().map(|name| (name, Value::Null))).collect()
}

/// A user in the list.
#[derive(Clone, Debug)]
pub struct UserRow {
    pub id: String,
    /// A login ID or a name, if any.
    pub name: Option<String>,
    /// The name of one that has a login ID.
    pub person: Option<String>,
    pub is_guest: bool,
    /// Whether it was a guest, and was given up for a member or merged into one.
    pub has_ended: bool,
    pub is_disabled: bool,
    pub created_at: Moment,
    pub promoted_at: Option<Moment>,
    pub last_login_at: Option<Moment>,
}

impl UserRow {
    fn short_id(&self) -> &str {
        self.id.get(..13).unwrap_or(&self.id)
    }
}

#[derive(Clone, Debug)]
pub struct UsersPage {
    pub search: String,
    pub kind: String,
    /// Days, for recently promoted and dormant users.
    pub days: u32,
    pub sort: String,
    /// How many users match, in words; only on the first page.
    pub total: Option<String>,
    pub users: Vec<UserRow>,
    pub next: Option<String>,
    pub is_later: bool,
    pub limit: usize,
}

/// The heading of a column with times.
struct TimeColumn {
    label: &'static str,
    /// How the list is sorted by it, in the words of ARIA.
    sorted: Option<&'static str>,
    /// The order that its link asks for.
    other: Option<&'static str>,
}

/// The filters and their labels.
pub(super) const KINDS: [(&str, &str); 8] = [
    ("all", "All users"),
    ("guest", "Guests"),
    ("member", "Members"),
    ("promoted", "Recently promoted"),
    ("dormant", "Dormant guests"),
    ("disabled", "Disabled"),
    ("expiring", "Guests about to expire, or expired"),
    ("held", "Held"),
];

impl UsersPage {
    #[cfg(test)]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let guest = UserRow {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into(),
            name: None,
            person: None,
            is_guest: true,
            has_ended: false,
            is_disabled: false,
            created_at: Moment::new("2030-05-01T08:00:00.000Z"),
            promoted_at: None,
            last_login_at: None,
        };
        let member = UserRow {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ac".into(),
            name: Some("kim+<b>@shop.example".into()),
            person: Some("Kim <i>Doe</i>".into()),
            is_guest: false,
            has_ended: false,
            is_disabled: true,
            promoted_at: Some(Moment::new("2030-05-02T08:00:00.000Z")),
            last_login_at: Some(Moment::new("2030-05-03T08:00:00.000Z")),
            ..guest.clone()
        };
        let some = Self {
            search: String::new(),
            kind: "all".into(),
            days: 30,
            sort: "newest".into(),
            total: Some("More than 10 000 users".into()),
            users: vec![guest, member],
            next: Some("kind=all&cursor=AAAA".into()),
            is_later: false,
            limit: 50,
        };
        let by_login = Self { kind: "member".into(), sort: "latest_login".into(), ..some.clone() };
        let promoted = Self { kind: "promoted".into(), sort: "oldest".into(), ..some.clone() };
        let none = Self { users: Vec::new(), next: None, total: None, ..some.clone() };
        let not_found = Self { search: "kim@".into(), ..none.clone() };
        let walked = Self { kind: "dormant".into(), next: some.next.clone(), is_later: true, ..none.clone() };
        vec![
            ("some", some),
            ("by-login", by_login),
            ("promoted", promoted),
            ("none", none),
            ("not-found", not_found),
            ("walked", walked),
        ]
    }

    /// The headings of the columns with times.
    fn time_columns(&self) -> [TimeColumn; 3] {
        let is_promoted = self.kind == "promoted";
        let by_time = ("newest", "oldest");
        [
            self.column("First seen", (!is_promoted).then_some(by_time)),
            self.column("Signed up", is_promoted.then_some(by_time)),
            self.column("Last login", (self.kind == "member").then_some(("latest_login", "earliest_login"))),
        ]
    }

    /// A column, with the words of its two orders if the list can be sorted by it.
    fn column(&self, label: &'static str, sorts: Option<(&'static str, &'static str)>) -> TimeColumn {
        let sorts = sorts.filter(|_| self.search.is_empty());
        let sorted = match sorts {
            Some((latest, _)) if latest == self.sort => Some("descending"),
            Some((_, earliest)) if earliest == self.sort => Some("ascending"),
            _ => None,
        };
        let other = sorts.map(|(latest, earliest)| if sorted == Some("descending") { earliest } else { latest });
        TimeColumn { label, sorted, other }
    }

    fn kinds(&self) -> [(&'static str, &'static str, bool); 8] {
        KINDS.map(|(kind, name)| (kind, name, kind == self.kind))
    }

    fn has_days(&self) -> bool {
        matches!(self.kind.as_str(), "promoted" | "dormant")
    }

    fn is_filtered(&self) -> bool {
        self.kind != "all" || !self.search.is_empty()
    }

    fn is_cut(&self) -> bool {
        !self.search.is_empty() && self.users.len() >= self.limit
    }
}

impl PortalPage for UsersPage {
    fn title(&self) -> String {
        "Users".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(UsersBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/users.html")]
struct UsersBody<'a> {
    ctx: &'a PortalContext,
    page: &'a UsersPage,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_says_what_came_what_changed_and_what_is_gone() {
        let map = |value: Value| value.as_object().cloned().expect("an object");
        let before = map(json!({"cart": "c-1", "size": 3, "old": true}));
        let after = map(json!({"cart": "c-1", "size": 4, "new": []}));
        assert_eq!(difference(&before, after), map(json!({"size": 4, "new": [], "old": null})));
        assert!(difference(&before, before.clone()).is_empty());
    }

    #[test]
    fn a_total_says_when_there_may_be_more() {
        let print = |count, is_exact| print_total(UserTotal { count, is_exact });
        assert_eq!(print(1, true), "1 user");
        assert_eq!(print(10_000, true), "10\u{202f}000 users");
        assert_eq!(print(10_000, false), "More than 10\u{202f}000 users");
        assert_eq!(print(812, false), "At least 812 users");
    }

    #[test]
    fn problems_are_reported_by_field() {
        let faults = [Fault::new("custom_attributes.x", "is too long"), Fault::new("other", "no")];
        assert_eq!(messages_at(&faults, "custom_attributes"), Some("x: is too long".to_string()));
        assert_eq!(messages_at(&faults, "custom"), None);
    }
    #[test]
    fn a_message_loses_its_name_for_programs_only() {
        assert_eq!(without_key("the email address has no @ (email.missing_at)"), "the email address has no @");
        for whole in ["use at most 3 (or 4)", "plain", "write one (such as A.b)", "none ()"] {
            assert_eq!(without_key(whole), whole);
        }
    }
}
