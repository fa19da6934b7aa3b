//! The list of a member's sessions, and ending them.

use axum::{extract::Request, response::Response};
use vestibule_app::{account::sessions, error::Error, sessions::ListedSession};
use vestibule_web::{credentials::KnownAccountCookies, notice::NoticeKind, visit::Visit};

use super::{AccountRequest, elapsed};
use crate::account::overview::SessionEntry;

pub(super) async fn list(request: &AccountRequest) -> Result<Vec<SessionEntry>, Error> {
    let visit = &request.visit;
    let listed = sessions::list(&visit.ctx(), &request.caller).await?;
    Ok(listed.into_iter().map(|one| describe(visit, one.session, one.current)).collect())
}

/// A session as the account page and the pages of security links list it.
pub(crate) fn describe(visit: &Visit, session: ListedSession, current: bool) -> SessionEntry {
    let client = session.client_id.as_deref().and_then(|id| visit.project.settings.client(id));
    SessionEntry {
        id: session.id.to_string(),
        device: session.device,
        app: client.map(|client| client.display_name().to_string()),
        ip: None,
        last_active: elapsed(session.last_access_at, visit.now),
        current,
    }
}

/// `POST /settings/sessions`
pub async fn act(visit: Visit, cookies: KnownAccountCookies, request: Request) -> Response {
    let KnownAccountCookies { account, known_devices } = cookies;
    let request = match AccountRequest::receive(visit, account, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    let visit = &request.visit;
    let caller = &request.caller;
    let ends_others = request.field("action") == "revoke_others";
    let named = request.field("session_id").parse().ok();
    // The caller may end its own. With a stolen session, it could keep signing the owner out.
    if (ends_others || named.is_some_and(|session| session != caller.via.reference()))
        && let Some(response) = request.ask_to_prove()
    {
        return response;
    }
    if ends_others {
        let ended = request.stay_known(&known_devices, async || {
            let outcome = sessions::end_others(&visit.ctx(), caller).await?;
            Ok(request.go_on(outcome, NoticeKind::OtherSessionsRevoked))
        });
        return ended.await.unwrap_or_else(|error| request.fail(&error));
    }
    let Some(session) = named else {
        return crate::account::see_other(crate::account::HOME);
    };
    match sessions::end(&visit.ctx(), caller, session).await {
        Ok(outcome) => request.go_on(outcome, NoticeKind::SessionRevoked),
        Err(error) => request.fail(&error),
    }
}
