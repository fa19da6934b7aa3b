//! What an operator does to a user that cannot be taken back by the same click: ending sessions, revoking a device key,
//! disabling, deleting. Each asks first and says what it means for this user.

use vestibule_domain::operator::Role;

use super::{
    Answer, Desk, Door, Problem, Verb,
    users::{head_of, id_of, load, path_of, place_of},
};
use crate::{
    flows::admin::{AdminError, device_keys, impact::Count, people::Sheet, sessions, users},
    ui::portal::{ConfirmActionPage, Control, ControlKind, Hidden, PortalNotice},
};

const SESSIONS: &str = "/portal/p/{project}/users/{user_id}/sessions";
const KEYS: &str = "/portal/p/{project}/users/{user_id}/keys";
const DISABLED: &str = "/portal/p/{project}/users/{user_id}/disabled";
const DELETE: &str = "/portal/p/{project}/users/{user_id}/delete";
/// What has to be typed to delete a user.
const DELETE_WORD: &str = "delete";

pub(super) fn doors() -> Vec<Door> {
    let role = Role::Editor;
    vec![
        Door::desk(Verb::Get, SESSIONS, role, ask_to_end),
        Door::desk(Verb::Post, SESSIONS, role, end_sessions),
        Door::desk(Verb::Get, KEYS, role, ask_to_revoke),
        Door::desk(Verb::Post, KEYS, role, revoke_key),
        Door::desk(Verb::Get, DISABLED, role, ask_to_disable),
        Door::desk(Verb::Post, DISABLED, role, set_disabled),
        Door::desk(Verb::Get, DELETE, role, ask_to_delete).dangerous(),
        Door::desk(Verb::Post, DELETE, role, delete).dangerous(),
    ]
}

/// A question about this user.
struct Question<'a> {
    title: &'a str,
    facts: Vec<String>,
    /// What the answer is about, sent along.
    about: (&'a str, &'a str),
    button: &'a str,
}

fn page(desk: &Desk, sheet: &Sheet, question: Question<'_>) -> ConfirmActionPage {
    let head = head_of(sheet);
    let (name, value) = question.about;
    ConfirmActionPage {
        title: question.title.to_string(),
        facts: question.facts,
        section: "users",
        back: (format!("/users/{}", head.id), head.title()),
        action: desk.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::of([(name, value), (CONFIRMED, "on")]),
        button: question.button.to_string(),
        is_danger: true,
    }
}

/// Sent by the button of the question, and by nothing else.
const CONFIRMED: &str = "confirmed";

/// What is left to a guest that loses these sessions and keys; nothing to say about a member.
fn say_what_is_left(sheet: &Sheet, sessions: usize, keys: usize) -> Option<String> {
    if !sheet.detail.user.is_anonymous || sessions > 0 {
        return None;
    }
    Some(match keys {
        0 => "This guest can never come back: it has no login and no device key.".to_string(),
        1 => "This guest can come back only on the device that has its key.".to_string(),
        more => format!("This guest can come back only on the {more} devices that have its keys."),
    })
}

fn open_keys(sheet: &Sheet) -> usize {
    sheet.keys.iter().filter(|key| key.promoted_at.is_none()).count()
}

fn count(number: usize, one: &str, many: &str) -> String {
    Count { number, is_least: false }.of(one, many)
}

/// The question before sessions end: one, or all of them.
fn question_before_end<'a>(desk: &Desk, sheet: &Sheet, session: &'a str) -> Option<Question<'a>> {
    let open = sheet.sessions.len();
    let (title, ended, first) = match sheet.sessions.iter().find(|one| one.id == session) {
        Some(one) => ("End this session?", 1, format!("The session of {} ends at once.", place_of(desk, one))),
        None if session == "*" && open > 0 => (
            "End all sessions?",
            open,
            format!("Signs the user out at once: ends {}.", count(open, "session", "sessions")),
        ),
        None => return None,
    };
    let mut facts = vec![first];
    match say_what_is_left(sheet, open - ended, open_keys(sheet)) {
        Some(left) => facts.push(left),
        None if ended < open => facts.push(format!("{} open.", count(open - ended, "session stays", "sessions stay"))),
        None => facts.push("The user has to sign in again.".into()),
    }
    let button = if ended == 1 { "End the session" } else { "End the sessions" };
    Some(Question { title, facts, about: ("session", session), button })
}

async fn ask_to_end(desk: Desk) -> Answer {
    let (id, sheet) = load(&desk).await?;
    match question_before_end(&desk, &sheet, desk.field("session")) {
        Some(question) => desk.show(&page(&desk, &sheet, question)),
        None => desk.done(&path_of(id), PortalNotice::Gone),
    }
}

async fn end_sessions(desk: Desk) -> Answer {
    if !desk.is_checked(CONFIRMED) {
        return ask_to_end(desk).await;
    }
    let id = id_of(&desk)?;
    let session = desk.field("session");
    let only = Some(session).filter(|session| *session != "*");
    match sessions::revoke(&desk.app, &desk.project, &desk.acting(), id, only, desk.now).await {
        Ok(_) => desk.done(&path_of(id), PortalNotice::SessionsEnded),
        Err(AdminError::NotFound("session")) => desk.done(&path_of(id), PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn ask_to_revoke(desk: Desk) -> Answer {
    let (id, sheet) = load(&desk).await?;
    let Some(key) = sheet.keys.iter().find(|key| key.id == desk.field("key")) else {
        return desk.done(&path_of(id), PortalNotice::Gone);
    };
    let device = key.device.as_deref().unwrap_or("The device");
    let mut facts = vec![format!("{device} can no longer sign in with this key.")];
    let left = open_keys(&sheet) - usize::from(key.promoted_at.is_none());
    match sheet.sessions.len() {
        0 => facts.extend(say_what_is_left(&sheet, 0, left)),
        open => {
            facts.push(format!("{} open.", count(open, "session stays", "sessions stay")));
            if sheet.detail.user.is_anonymous && left == 0 {
                facts.push("Without one, this guest can never come back.".into());
            }
        }
    }
    let question = Question {
        title: "Revoke this device key?",
        facts,
        about: ("key", desk.field("key")),
        button: "Revoke the key",
    };
    desk.show(&page(&desk, &sheet, question))
}

async fn revoke_key(desk: Desk) -> Answer {
    if !desk.is_checked(CONFIRMED) {
        return ask_to_revoke(desk).await;
    }
    let id = id_of(&desk)?;
    let Ok(key) = desk.field("key").parse() else { return desk.done(&path_of(id), PortalNotice::Gone) };
    match device_keys::revoke(&desk.app, &desk.project, &desk.acting(), id, key, desk.now).await {
        Ok(()) => desk.done(&path_of(id), PortalNotice::DeviceKeyRevoked),
        Err(AdminError::NotFound(_)) => desk.done(&path_of(id), PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn ask_to_disable(desk: Desk) -> Answer {
    let (id, sheet) = load(&desk).await?;
    if sheet.detail.user.is_disabled {
        return desk.done(&path_of(id), PortalNotice::Unchanged);
    }
    let open = sheet.sessions.len();
    let mut facts = vec![
        format!("Signs the user out at once: ends {}.", count(open, "session", "sessions")),
        "Every sign-in is refused until the user is enabled again.".to_string(),
    ];
    if let Some(left) = say_what_is_left(&sheet, 0, open_keys(&sheet)) {
        facts.push(format!("The sessions stay ended when it is enabled again. {left}"));
    }
    let question =
        Question { title: "Disable this user?", facts, about: ("disabled", "on"), button: "Disable the user" };
    desk.show(&page(&desk, &sheet, question))
}

async fn set_disabled(desk: Desk) -> Answer {
    let id = id_of(&desk)?;
    let disabled = match desk.field("disabled") {
        "on" if !desk.is_checked(CONFIRMED) => return ask_to_disable(desk).await,
        "on" => true,
        "off" => false,
        _ => return Err(Problem::Unreadable("The form did not say what to do.".into())),
    };
    users::set_disabled(&desk.app, &desk.project, &desk.acting(), id, disabled, desk.now).await?;
    desk.done(&path_of(id), if disabled { PortalNotice::UserDisabled } else { PortalNotice::UserEnabled })
}

fn delete_page(desk: &Desk, sheet: &Sheet, error: Option<String>) -> ConfirmActionPage {
    let (sessions, identities) = (sheet.sessions.len(), sheet.detail.identities.len());
    let facts = vec![
        format!(
            "Deletes the user at once, with {}, {} and {}.",
            count(sessions, "session", "sessions"),
            count(identities, "identity", "identities"),
            count(sheet.keys.len(), "device key", "device keys"),
        ),
        "It cannot be undone. Its events stay in the audit log.".to_string(),
    ];
    let question = Question { title: "Delete a user", facts, about: (CONFIRMED, "on"), button: "Delete the user" };
    let label = format!("Type “{DELETE_WORD}”");
    let control = Control::new("typed", label, ControlKind::Line("text"), desk.field("typed")).error(error).required();
    ConfirmActionPage { controls: vec![control], hidden: Hidden::default(), ..page(desk, sheet, question) }
}

async fn ask_to_delete(desk: Desk) -> Answer {
    let (_, sheet) = load(&desk).await?;
    desk.show(&delete_page(&desk, &sheet, None))
}

async fn delete(desk: Desk) -> Answer {
    let (id, sheet) = load(&desk).await?;
    if desk.field("typed").trim() != DELETE_WORD {
        let error = format!("Type the word “{DELETE_WORD}” to go on.");
        return desk.complain(&delete_page(&desk, &sheet, Some(error)));
    }
    users::delete(&desk.app, &desk.project, &desk.acting(), id, desk.now).await?;
    desk.done("/users", PortalNotice::UserDeleted)
}
