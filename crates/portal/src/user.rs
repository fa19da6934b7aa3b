//! Actions on a user that cannot be undone by one click: ending sessions, revoking a device key, disabling, deleting.
//! Each asks for confirmation and explains the consequences for this user.

use askama::Template;
use vestibule_app::admin::{
    AdminError, Clash, Thing, device_keys, impact::BoundedCount, sessions, user_details::UserDetails, users,
};
use vestibule_domain::operator::Role;
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden},
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    history::HistoryLine,
    moment::Moment,
    notice::PortalNotice,
    user_retention::RetentionLines,
    users::{head_of, id_of, load, path_of, place_of},
};

const SESSIONS: &str = "/portal/p/{project}/users/{user_id}/sessions";
const KEYS: &str = "/portal/p/{project}/users/{user_id}/keys";
const DISABLED: &str = "/portal/p/{project}/users/{user_id}/disabled";
const DELETE: &str = "/portal/p/{project}/users/{user_id}/delete";
/// The word to type to delete a user.
const DELETE_WORD: &str = "delete";

pub(super) fn routes() -> Vec<PortalRoute> {
    let role = Role::Editor;
    vec![
        PortalRoute::project(Verb::Get, SESSIONS, role, ask_to_end),
        PortalRoute::project(Verb::Post, SESSIONS, role, end_sessions),
        PortalRoute::project(Verb::Get, KEYS, role, ask_to_revoke),
        PortalRoute::project(Verb::Post, KEYS, role, revoke_key),
        PortalRoute::project(Verb::Get, DISABLED, role, ask_to_disable),
        PortalRoute::project(Verb::Post, DISABLED, role, set_disabled),
        PortalRoute::project(Verb::Get, DELETE, role, ask_to_delete).requires_reauthentication(),
        PortalRoute::project(Verb::Post, DELETE, role, delete).requires_reauthentication(),
    ]
}

/// A confirmation about this user.
struct UserConfirmation<'a> {
    title: &'a str,
    facts: Vec<String>,
    /// A hidden field that identifies the target.
    about: (&'a str, &'a str),
    button: &'a str,
}

fn page(request: &ProjectRequest, details: &UserDetails, question: UserConfirmation<'_>) -> ConfirmActionPage {
    let head = head_of(&details.loaded);
    let (name, value) = question.about;
    ConfirmActionPage {
        title: question.title.to_string(),
        facts: question.facts,
        section: "users",
        back: (format!("/users/{}", head.id), head.title()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::of([(name, value), (CONFIRMED, "on")]),
        button: question.button.to_string(),
        is_danger: true,
    }
}

/// Sent only by the button of the confirmation.
const CONFIRMED: &str = "confirmed";

/// What a guest keeps after losing these sessions and keys; `None` for a member.
fn describe_remaining(details: &UserDetails, sessions: usize, keys: usize) -> Option<String> {
    if !details.loaded.user.is_anonymous() || sessions > 0 {
        return None;
    }
    Some(match keys {
        0 => "This guest can no longer be recovered: it has no login and no device key.".to_string(),
        1 => "This guest can sign in again only on the device with its key.".to_string(),
        more => format!("This guest can sign in again only on the {more} devices with its keys."),
    })
}

fn open_keys(details: &UserDetails) -> usize {
    details.keys.iter().filter(|key| key.promoted_at.is_none()).count()
}

fn count(number: usize, one: &str, many: &str) -> String {
    BoundedCount { number, is_least: false }.of(one, many)
}

/// What signing out everywhere means for this user.
fn describe_sign_out(open: usize) -> String {
    match open {
        0 => "The user is not signed in anywhere.".to_string(),
        _ => format!("Signs the user out at once: ends {}.", count(open, "session", "sessions")),
    }
}

/// What is deleted with the user: only what there is.
fn describe_deletion(details: &UserDetails) -> String {
    let owned = [
        (details.sessions.len(), "session", "sessions"),
        (details.loaded.identities.len(), "identity", "identities"),
        (details.keys.len(), "device key", "device keys"),
    ];
    let owned: Vec<String> = owned
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    match owned.as_slice() {
        [] => "Deletes the user at once.".to_string(),
        [one] => format!("Deletes the user at once, with {one}."),
        [first @ .., last] => format!("Deletes the user at once, with {} and {last}.", first.join(", ")),
    }
}

/// The confirmation before one session or all of them end.
fn question_before_end<'a>(
    request: &ProjectRequest,
    details: &UserDetails,
    session: &'a str,
) -> Option<UserConfirmation<'a>> {
    let open = details.sessions.len();
    let (title, ended, first) = match details.sessions.iter().find(|one| one.id.plain_id() == session) {
        Some(one) => ("End this session?", 1, format!("Ends the session of {} at once.", place_of(request, one))),
        None if session == "*" && open > 0 => ("End all sessions?", open, describe_sign_out(open)),
        None => return None,
    };
    let mut facts = vec![first];
    match describe_remaining(details, open - ended, open_keys(details)) {
        Some(left) => facts.push(left),
        None if ended < open => facts.push(format!("{} open.", count(open - ended, "session stays", "sessions stay"))),
        None => facts.push("The user must sign in again.".into()),
    }
    let button = if ended == 1 { "End session" } else { "End sessions" };
    Some(UserConfirmation { title, facts, about: ("session", session), button })
}

async fn ask_to_end(request: ProjectRequest) -> PageResult {
    let (id, details) = load(&request).await?;
    match question_before_end(&request, &details, request.field("session")) {
        Some(question) => request.show(&page(&request, &details, question)),
        None => request.done(&path_of(id), PortalNotice::Gone),
    }
}

async fn end_sessions(request: ProjectRequest) -> PageResult {
    if !request.is_checked(CONFIRMED) {
        return ask_to_end(request).await;
    }
    let id = id_of(&request)?;
    let session = request.field("session");
    let only = Some(session).filter(|session| *session != "*");
    match sessions::revoke(&request.ctx(), &request.acting(), id, only).await {
        Ok(_) => request.done(&path_of(id), PortalNotice::SessionsEnded),
        Err(AdminError::NotFound(Thing::Session)) => request.done(&path_of(id), PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn ask_to_revoke(request: ProjectRequest) -> PageResult {
    let (id, details) = load(&request).await?;
    let Some(key) = details.keys.iter().find(|key| key.id.to_string() == request.field("key")) else {
        return request.done(&path_of(id), PortalNotice::Gone);
    };
    let device = key.device.as_deref().unwrap_or("This device");
    let mut facts = vec![format!("{device} can no longer sign in with this key.")];
    let left = open_keys(&details) - usize::from(key.promoted_at.is_none());
    match details.sessions.len() {
        0 => facts.extend(describe_remaining(&details, 0, left)),
        open => {
            facts.push(format!("{} open.", count(open, "session stays", "sessions stay")));
            if details.loaded.user.is_anonymous() && left == 0 {
                facts.push("When they end, this guest can no longer be recovered.".into());
            }
        }
    }
    let question = UserConfirmation {
        title: "Revoke this device key?",
        facts,
        about: ("key", request.field("key")),
        button: "Revoke key",
    };
    request.show(&page(&request, &details, question))
}

async fn revoke_key(request: ProjectRequest) -> PageResult {
    if !request.is_checked(CONFIRMED) {
        return ask_to_revoke(request).await;
    }
    let id = id_of(&request)?;
    let Ok(key) = request.field("key").parse() else { return request.done(&path_of(id), PortalNotice::Gone) };
    match device_keys::revoke(&request.ctx(), &request.acting(), id, key).await {
        Ok(()) => request.done(&path_of(id), PortalNotice::DeviceKeyRevoked),
        Err(AdminError::NotFound(_)) => request.done(&path_of(id), PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn ask_to_disable(request: ProjectRequest) -> PageResult {
    let (id, details) = load(&request).await?;
    if details.loaded.user.disabled_at.is_some() {
        return request.done(&path_of(id), PortalNotice::Unchanged);
    }
    let open = details.sessions.len();
    let mut facts =
        vec![describe_sign_out(open), "Every sign-in is refused until the user is enabled again.".to_string()];
    if let Some(left) = describe_remaining(&details, 0, open_keys(&details)) {
        facts.push(if open == 0 { left } else { format!("Enabling the user does not restore the sessions. {left}") });
    }
    let question =
        UserConfirmation { title: "Disable this user?", facts, about: ("disabled", "on"), button: "Disable user" };
    request.show(&page(&request, &details, question))
}

async fn set_disabled(request: ProjectRequest) -> PageResult {
    let id = id_of(&request)?;
    let disabled = match request.field("disabled") {
        "on" if !request.is_checked(CONFIRMED) => return ask_to_disable(request).await,
        "on" => true,
        "off" => false,
        _ => return Err(PortalError::Unreadable("The form is incomplete. Reload the page and try again.".into())),
    };
    users::set_disabled(&request.ctx(), &request.acting(), id, disabled).await?;
    request.done(&path_of(id), if disabled { PortalNotice::UserDisabled } else { PortalNotice::UserEnabled })
}

fn delete_page(request: &ProjectRequest, details: &UserDetails, error: Option<String>) -> ConfirmActionPage {
    let facts =
        vec![describe_deletion(details), "This can't be undone. The user's events stay in the audit log.".to_string()];
    let question =
        UserConfirmation { title: "Delete this user?", facts, about: (CONFIRMED, "on"), button: "Delete user" };
    let label = format!("Type “{DELETE_WORD}”");
    let control =
        Control::new("typed", label, ControlKind::Line("text"), request.field("typed")).error(error).required();
    ConfirmActionPage { controls: vec![control], hidden: Hidden::default(), ..page(request, details, question) }
}

async fn ask_to_delete(request: ProjectRequest) -> PageResult {
    let (_, details) = load(&request).await?;
    request.show(&delete_page(&request, &details, None))
}

async fn delete(request: ProjectRequest) -> PageResult {
    let (id, details) = load(&request).await?;
    if request.field("typed").trim() != DELETE_WORD {
        let error = format!("Type “{DELETE_WORD}” to continue.");
        return request.show_again(&delete_page(&request, &details, Some(error)));
    }
    match users::delete(&request.ctx(), &request.acting(), id).await {
        Ok(()) => request.done("/users", PortalNotice::UserDeleted),
        Err(AdminError::Conflict(Clash::MergeWaits)) => {
            let error = "This guest waits to be merged. Settle or refuse its merge first.".to_string();
            request.show_again(&delete_page(&request, &details, Some(error)))
        }
        Err(error) => Err(error.into()),
    }
}

/// An identity.
#[derive(Clone, Debug)]
pub(crate) struct IdentityLine {
    /// Of a login ID, which can be changed.
    pub id: Option<String>,
    pub kind: String,
    pub value: String,
    /// `None` where there is nothing to verify.
    pub is_verified: Option<bool>,
    pub created_at: Moment,
}

/// A device key.
#[derive(Clone, Debug)]
pub(crate) struct KeyLine {
    pub id: String,
    pub device: String,
    /// The key ID, chosen by the device.
    pub key_id: String,
    pub last_used_at: Moment,
    /// Whether its owner was promoted, so that the key is not accepted any more.
    pub is_retired: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct SessionLine {
    pub id: String,
    /// The application's name, or another description.
    pub place: String,
    pub device: String,
    pub created_at: Moment,
    pub last_used_at: Moment,
}

/// The heading of a user's pages.
#[derive(Clone, Debug)]
pub(crate) struct UserHead {
    pub id: String,
    pub name: Option<String>,
    pub is_guest: bool,
    pub is_disabled: bool,
}

impl UserHead {
    pub(crate) fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| if self.is_guest { "Guest".into() } else { "Member".into() })
    }

    pub(super) fn above(&self) -> Option<(String, String)> {
        Some((format!("/users/{}", self.id), self.title()))
    }

    #[cfg(test)]
    pub(super) fn sample(is_guest: bool) -> Self {
        Self {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into(),
            name: (!is_guest).then(|| "kim@shop.example".to_string()),
            is_guest,
            is_disabled: !is_guest,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct UserPage {
    pub head: UserHead,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub promoted_at: Option<Moment>,
    pub last_login_at: Option<Moment>,
    /// The member this guest was given up for.
    pub yielded_to: Option<String>,
    /// Whether there are merges of this guest or into this member.
    pub has_merges: bool,
    pub identities: Vec<IdentityLine>,
    pub authenticators: Vec<String>,
    /// Whether an operator may send a link to choose a password.
    pub may_get_password_link: bool,
    pub keys: Vec<KeyLine>,
    pub sessions: Vec<SessionLine>,
    /// Standard attributes, name and value.
    pub standard: Vec<(String, String)>,
    pub custom: Vec<(String, String)>,
    pub retention: RetentionLines,
    /// The newest entries.
    pub history: Vec<HistoryLine>,
    /// Whether the history has more.
    pub has_earlier: bool,
}

impl UserPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let at = Moment::new("2030-05-01T08:00:00.000Z");
        let guest = Self {
            head: UserHead::sample(true),
            created_at: at.clone(),
            updated_at: at.clone(),
            promoted_at: None,
            last_login_at: None,
            yielded_to: None,
            has_merges: false,
            identities: Vec::new(),
            authenticators: Vec::new(),
            may_get_password_link: false,
            keys: vec![KeyLine {
                id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ad".into(),
                device: "iPhone 15 Pro".into(),
                key_id: "K1".into(),
                last_used_at: at.clone(),
                is_retired: false,
            }],
            sessions: vec![SessionLine {
                id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ae".into(),
                place: "Shop <Web>".into(),
                device: String::new(),
                created_at: at.clone(),
                last_used_at: at.clone(),
            }],
            standard: Vec::new(),
            custom: vec![("cart".into(), "\"c-42\"".into())],
            retention: RetentionLines::samples().0,
            history: HistoryLine::samples().split_off(2),
            has_earlier: false,
        };
        let member = Self {
            head: UserHead::sample(false),
            promoted_at: Some(at.clone()),
            last_login_at: Some(at.clone()),
            identities: vec![IdentityLine {
                id: Some("018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2aa".into()),
                kind: "Email address".into(),
                value: "kim@shop.example".into(),
                is_verified: Some(true),
                created_at: at.clone(),
            }],
            authenticators: vec!["Password".into()],
            may_get_password_link: true,
            keys: vec![KeyLine { is_retired: true, ..guest.keys[0].clone() }],
            sessions: Vec::new(),
            standard: vec![("name".into(), "\"Kim\"".into())],
            custom: Vec::new(),
            retention: RetentionLines::default(),
            history: HistoryLine::samples(),
            has_earlier: true,
            ..guest.clone()
        };
        let yielded =
            Self { yielded_to: Some(guest.keys[0].id.clone()), has_merges: true, keys: Vec::new(), ..guest.clone() };
        let expired = Self { retention: RetentionLines::samples().1, ..guest.clone() };
        vec![("guest", guest), ("member", member), ("yielded", yielded), ("expired", expired)]
    }
}

impl PortalPage for UserPage {
    fn title(&self) -> String {
        self.head.title()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/users".into(), "Users".into()))
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(UserBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/user.html")]
struct UserBody<'a> {
    ctx: &'a PortalContext,
    page: &'a UserPage,
}
