//! Users: the list, and one user with what an operator may do about it.

use serde_json::{Map, Value};
use vestibule_domain::{id::UserId, identifier::LoginIdKind, operator::Role};
use vestibule_protocol::form::Form;

use super::{Answer, Desk, Door, Problem, Verb, audit::event_line};
use crate::{
    flows::admin::{
        AdminError, Clash, Fault,
        credentials::NewLoginId,
        people::{self, Named, Sheet},
        sessions::SessionView,
        user_lists::{UserKind, UserQuery},
        users::{self, AttributeChange, IdentityView, Promotion},
    },
    ui::portal::{
        IdentityLine, KeyLine, Moment, PortalNotice, SessionLine, UserFormPage, UserHead, UserPage, UserRow, UsersPage,
    },
};

const LIMIT: u32 = 50;
const DAYS: u32 = 30;

pub(super) fn doors() -> Vec<Door> {
    let (see, change) = (Role::Viewer, Role::Editor);
    vec![
        Door::desk(Verb::Get, "/portal/p/{project}/users", see, list),
        Door::desk(Verb::Get, "/portal/p/{project}/users/{user_id}", see, show),
        Door::desk(Verb::Get, "/portal/p/{project}/users/{user_id}/promote", change, show_promote),
        Door::desk(Verb::Post, "/portal/p/{project}/users/{user_id}/promote", change, promote),
        Door::desk(Verb::Get, "/portal/p/{project}/users/{user_id}/attributes", change, show_attributes),
        Door::desk(Verb::Post, "/portal/p/{project}/users/{user_id}/attributes", change, save_attributes),
    ]
}

async fn list(desk: Desk) -> Answer {
    let kind = match desk.field("kind") {
        "guest" => UserKind::Guest,
        "member" => UserKind::Member,
        "promoted" => UserKind::Promoted,
        "dormant" => UserKind::Dormant,
        "disabled" => UserKind::Disabled,
        _ => UserKind::All,
    };
    let word = if kind == UserKind::All { "all" } else { desk.field("kind") };
    let days = desk.field("days").parse().ok().filter(|days| (1..=3_650).contains(days)).unwrap_or(DAYS);
    let (search, cursor) = (desk.field("q").trim(), desk.field("cursor"));
    let query = UserQuery {
        kind,
        days,
        search: Some(search.to_string()).filter(|text| !text.is_empty()),
        cursor: Some(cursor.to_string()).filter(|text| !text.is_empty()),
        limit: LIMIT,
    };
    let page = people::list(&desk.app, &desk.project, &query, desk.now).await?;
    let days_text = days.to_string();
    let next =
        page.next.map(|cursor| Form::from_pairs([("kind", word), ("days", &days_text), ("cursor", &cursor)]).print());
    desk.show(&UsersPage {
        search: search.to_string(),
        kind: word.to_string(),
        days,
        users: page.items.into_iter().map(row_of).collect(),
        next,
        is_later: !cursor.is_empty(),
        limit: usize::try_from(LIMIT).unwrap_or(usize::MAX),
    })
}

fn row_of(named: Named) -> UserRow {
    let user = named.user;
    UserRow {
        id: user.id.to_string(),
        name: named.name,
        is_guest: user.is_anonymous(),
        is_disabled: user.disabled_at.is_some(),
        created_at: Moment::new(user.created_at.to_rfc3339()),
        promoted_at: user.promoted_at.map(|at| Moment::new(at.to_rfc3339())),
        last_login_at: user.last_login_at.map(|at| Moment::new(at.to_rfc3339())),
    }
}

pub(super) fn id_of(desk: &Desk) -> Result<UserId, Problem> {
    desk.param("user_id").parse().map_err(|_| Problem::Missing)
}

pub(super) fn path_of(id: UserId) -> String {
    format!("/users/{id}")
}

pub(super) async fn load(desk: &Desk) -> Result<(UserId, Sheet), Problem> {
    let id = id_of(desk)?;
    Ok((id, people::load(&desk.app, &desk.project, id).await?))
}

pub(super) fn head_of(sheet: &Sheet) -> UserHead {
    let user = &sheet.detail.user;
    let known = sheet.detail.identities.iter().find(|one| one.kind == "login_id").map(value_of);
    let named = user.standard_attributes.get("name").and_then(Value::as_str).map(str::to_string);
    UserHead { id: user.id.clone(), name: known.or(named), is_guest: user.is_anonymous, is_disabled: user.is_disabled }
}

/// What a login ID says.
fn value_of(identity: &IdentityView) -> String {
    let claims = ["email", "phone_number", "preferred_username"];
    claims.iter().find_map(|name| identity.claims.get(*name)).and_then(Value::as_str).unwrap_or_default().to_string()
}

fn line_of(identity: &IdentityView, verified: &[String]) -> IdentityLine {
    let has = |name: &str| identity.claims.contains_key(name);
    let is_verified = Some(verified.contains(&identity.id));
    let (kind, is_verified) = match identity.kind.as_str() {
        "login_id" if has("email") => ("E-mail", is_verified),
        "login_id" if has("phone_number") => ("Phone", is_verified),
        "login_id" => ("Username", None),
        "passkey" => ("Passkey", None),
        other => (other, None),
    };
    IdentityLine {
        kind: kind.to_string(),
        value: if identity.kind == "login_id" { value_of(identity) } else { identity.id.clone() },
        is_verified,
        created_at: Moment::new(&*identity.created_at),
    }
}

fn print_attributes(attributes: &Map<String, Value>) -> Vec<(String, String)> {
    attributes.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

/// What a session is called: its application, or what else it is.
pub(super) fn place_of(desk: &Desk, session: &SessionView) -> String {
    match &session.client_id {
        None => "Cookie session".to_string(),
        Some(id) => desk.project.settings.client(id).and_then(|one| one.name.clone()).unwrap_or_else(|| id.clone()),
    }
}

async fn show(desk: Desk) -> Answer {
    let (_, sheet) = load(&desk).await?;
    let head = head_of(&sheet);
    let Sheet { detail, verified, keys, sessions, events } = sheet;
    let moment = |text: Option<String>| text.map(Moment::new);
    let user = detail.user;
    desk.show(&UserPage {
        head,
        created_at: Moment::new(user.created_at),
        updated_at: Moment::new(user.updated_at),
        promoted_at: moment(user.promoted_at),
        last_login_at: moment(user.last_login_at),
        yielded_to: user.yielded_to,
        identities: detail
            .identities
            .iter()
            .filter(|one| one.kind != "anonymous")
            .map(|one| line_of(one, &verified))
            .collect(),
        authenticators: detail.authenticators.iter().map(say_authenticator).collect(),
        keys: keys
            .into_iter()
            .map(|key| KeyLine {
                id: key.id,
                device: key.device.unwrap_or_else(|| "Unnamed device".to_string()),
                key_id: key.key_id,
                last_used_at: Moment::new(key.last_used_at),
                is_retired: key.promoted_at.is_some(),
            })
            .collect(),
        sessions: sessions
            .into_iter()
            .map(|session| SessionLine {
                place: place_of(&desk, &session),
                id: session.id,
                device: session.display_name.unwrap_or_default(),
                created_at: Moment::new(session.created_at),
                last_used_at: Moment::new(session.last_accessed_at),
            })
            .collect(),
        standard: print_attributes(&user.standard_attributes),
        custom: print_attributes(&user.custom_attributes),
        events: events.iter().map(event_line).collect(),
    })
}

fn say_authenticator(authenticator: &Value) -> String {
    match authenticator["type"].as_str().unwrap_or_default() {
        "password" => "Password".to_string(),
        "passkey" => "Passkey".to_string(),
        "oob_otp_email" => "Code by e-mail".to_string(),
        "oob_otp_sms" => "Code by text message".to_string(),
        other => other.to_string(),
    }
}

/// The kinds of login ID the project has, with their names.
fn kinds_of(desk: &Desk) -> Vec<(&'static str, &'static str)> {
    let name = |kind: &LoginIdKind| match kind {
        LoginIdKind::Email => ("email", "E-mail"),
        LoginIdKind::Phone => ("phone", "Phone"),
        LoginIdKind::Username => ("username", "Username"),
    };
    desk.project.settings.login_id_kinds().iter().map(name).collect()
}

async fn show_promote(desk: Desk) -> Answer {
    let (id, sheet) = load(&desk).await?;
    if !sheet.detail.user.is_anonymous {
        return desk.go(&desk.href(&path_of(id)));
    }
    desk.show(&UserFormPage::promote(head_of(&sheet), &kinds_of(&desk), ["", "", ""], true, [None, None, None]))
}

async fn promote(desk: Desk) -> Answer {
    let (id, sheet) = load(&desk).await?;
    let (kind, value, password) = (desk.field("kind"), desk.field("value").trim(), desk.field("password"));
    let is_verified = desk.is_checked("is_verified");
    let read = LoginIdKind::ALL.into_iter().find(|one| one.as_str() == kind);
    let done = match read {
        None => Err(AdminError::fault("login_id.type", "Choose one.")),
        Some(kind) => {
            let login_id = NewLoginId { kind, value: value.to_string(), is_verified };
            let password = Some(password.to_string()).filter(|text| !text.is_empty());
            let promotion = Promotion { login_id, password };
            users::promote(&desk.app, &desk.project, &desk.acting(), id, &promotion, desk.now).await
        }
    };
    let errors = match done {
        Ok(_) => return desk.done(&path_of(id), PortalNotice::UserPromoted),
        Err(AdminError::Conflict(Clash::LoginIdTaken)) => [None, Some("It belongs to another user.".to_string()), None],
        Err(AdminError::Conflict(Clash::AlreadyMember)) => return desk.done(&path_of(id), PortalNotice::Unchanged),
        Err(AdminError::Invalid(faults)) => ["login_id.type", "login_id.value", "password"].map(|at| said(&faults, at)),
        Err(error) => return Err(error.into()),
    };
    // A password is typed anew: it is not sent back.
    let page = UserFormPage::promote(head_of(&sheet), &kinds_of(&desk), [kind, value, ""], is_verified, errors);
    desk.complain(&page)
}

/// What is said of a member and of what is in it.
fn said(faults: &[Fault], path: &str) -> Option<String> {
    let of_it = |fault: &&Fault| fault.path == path || fault.path.starts_with(&format!("{path}."));
    let told: Vec<String> = faults
        .iter()
        .filter(of_it)
        .map(|fault| match fault.path.strip_prefix(path).map(|rest| rest.trim_start_matches('.')) {
            Some(inner) if !inner.is_empty() => format!("{inner}: {}", fault.message),
            _ => fault.message.clone(),
        })
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

async fn show_attributes(desk: Desk) -> Answer {
    let (_, sheet) = load(&desk).await?;
    let print = |map: &Map<String, Value>| serde_json::to_string_pretty(map).unwrap_or_default();
    let user = &sheet.detail.user;
    let values = [print(&user.standard_attributes), print(&user.custom_attributes)];
    desk.show(&UserFormPage::attributes(head_of(&sheet), [&values[0], &values[1]], [None, None]))
}

async fn save_attributes(desk: Desk) -> Answer {
    let (id, sheet) = load(&desk).await?;
    let values = [desk.field("standard"), desk.field("custom")];
    let read = values.map(serde_json::from_str::<Map<String, Value>>);
    let complain =
        |errors: [Option<String>; 2]| desk.complain(&UserFormPage::attributes(head_of(&sheet), values, errors));
    let [Ok(standard), Ok(custom)] = read else {
        return complain(read.map(|one| one.err().map(|error| format!("This is not a JSON object: {error}."))));
    };
    let user = &sheet.detail.user;
    let change = AttributeChange {
        standard_attributes: difference(&user.standard_attributes, standard),
        custom_attributes: difference(&user.custom_attributes, custom),
    };
    if change.standard_attributes.is_empty() && change.custom_attributes.is_empty() {
        return desk.done(&path_of(id), PortalNotice::Unchanged);
    }
    match users::change_attributes(&desk.app, &desk.project, &desk.acting(), id, change, desk.now).await {
        Ok(_) => desk.done(&path_of(id), PortalNotice::Saved),
        Err(AdminError::Invalid(faults)) => {
            complain(["standard_attributes", "custom_attributes"].map(|path| said(&faults, path)))
        }
        Err(error) => Err(error.into()),
    }
}

/// What turns one set of attributes into another: what is gone becomes null.
fn difference(before: &Map<String, Value>, after: Map<String, Value>) -> Map<String, Value> {
    let gone: Vec<String> = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
    let changed = after.into_iter().filter(|(name, value)| before.get(name) != Some(value));
    changed.chain(gone.into_iter().map(|name| (name, Value::Null))).collect()
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
    fn complaints_are_told_with_the_name_inside() {
        let faults = [Fault::new("custom_attributes.x", "is too long"), Fault::new("other", "no")];
        assert_eq!(said(&faults, "custom_attributes"), Some("x: is too long".to_string()));
        assert_eq!(said(&faults, "custom"), None);
    }
}
