//! The list of a member's sessions, and ending them.

use axum::{extract::Request, response::Response};

use super::{Desk, overview::elapsed};
use crate::{
    flows::{
        Error,
        settings::{change::Seat, sessions},
    },
    http::{credentials::AccountCookies, visit::Visit},
    ui::{NoticeKind, SessionEntry},
};

pub(super) async fn list(desk: &Desk) -> Result<Vec<SessionEntry>, Error> {
    let visit = &desk.visit;
    let listed = sessions::list(&visit.app, &visit.project, &desk.caller, visit.now).await?;
    let settings = &visit.project.settings;
    let entries = listed.into_iter().map(|one| {
        let client = one.client_id.as_deref().and_then(|id| settings.client(id));
        SessionEntry {
            id: print(one.seat),
            device: one.device,
            app: client.map(|client| client.display_name().to_string()),
            ip: None,
            last_active: elapsed(one.last_access_at, visit.now),
            current: one.current,
        }
    });
    Ok(entries.collect())
}

/// `POST /settings/sessions`
pub(super) async fn act(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let desk = match Desk::receive(visit, cookies, request).await {
        Ok(desk) => desk,
        Err(response) => return response,
    };
    let visit = &desk.visit;
    let (app, project, caller, now) = (&visit.app, &visit.project, &desk.caller, visit.now);
    let (outcome, notice) = if desk.field("action") == "revoke_others" {
        (sessions::end_others(app, project, caller, now).await, NoticeKind::OtherSessionsRevoked)
    } else {
        let Some(seat) = read(desk.field("session_id")) else { return super::see_other(super::HOME) };
        (sessions::end(app, project, caller, seat, now).await, NoticeKind::SessionRevoked)
    };
    match outcome {
        Ok(outcome) => desk.go_on(outcome, notice),
        Err(error) => desk.fail(&error),
    }
}

fn print(seat: Seat) -> String {
    match seat {
        Seat::Session(id) => format!("session:{id}"),
        Seat::Grant(id) => format!("grant:{id}"),
    }
}

fn read(text: &str) -> Option<Seat> {
    match text.split_once(':')? {
        ("session", id) => id.parse().ok().map(Seat::Session),
        ("grant", id) => id.parse().ok().map(Seat::Grant),
        _ => None,
    }
}
