//! `/_resolver/resolve`, with any method: tells a reverse proxy in headers who the caller is. Some proxies ask with the method of the
//! caller's request.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use vestibule_app::{
    caller::{ApiCaller, Resolution},
    identities::LoadedUser,
};
use vestibule_domain::user::{Owner, User};
use vestibule_web::{cookies, credentials::ApiCredentials, error, visit::Visit};

use crate::{Answering, json::USUAL_HEADERS};

const VALID: HeaderName = HeaderName::from_static("x-authgear-session-valid");
const USER_ID: HeaderName = HeaderName::from_static("x-authgear-user-id");
const ANONYMOUS: HeaderName = HeaderName::from_static("x-authgear-user-anonymous");
const VERIFIED: HeaderName = HeaderName::from_static("x-authgear-user-verified");
const CAN_REAUTHENTICATE: HeaderName = HeaderName::from_static("x-authgear-user-can-reauthenticate");
const AMR: HeaderName = HeaderName::from_static("x-authgear-session-amr");
const AUTHENTICATED_AT: HeaderName = HeaderName::from_static("x-authgear-session-authenticated-at");

const TRUE: HeaderValue = HeaderValue::from_static("true");
const FALSE: HeaderValue = HeaderValue::from_static("false");

/// A requirement that a proxy may set, so that it need not compare headers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// None: the response is always 200.
    Nothing,
    /// `?require=session`: a valid session, of a guest or member.
    Session,
    /// `?require=member`: a valid session of a member.
    Member,
}

impl Demand {
    /// Parses the requirement. An unknown one is rejected: a typing error must not allow access.
    fn parse(query: Option<&str>) -> Option<Self> {
        match query {
            None | Some("") => Some(Self::Nothing),
            Some("require=session") => Some(Self::Session),
            Some("require=member") => Some(Self::Member),
            Some(_) => None,
        }
    }

    /// The challenge for a caller that does not meet it.
    fn refuse(self, resolution: &Resolution<ApiCaller<Owner>>) -> Option<&'static str> {
        // A session or grant that began as a guest's is no proof of the member.
        let is_member = resolution.live().map(ApiCaller::is_proved_member);
        match (self, is_member) {
            (Self::Nothing, _) | (Self::Session, Some(_)) | (Self::Member, Some(true)) => None,
            (Self::Session | Self::Member, None) => Some("Bearer"),
            // RFC 9470 §3: the session is valid, but its authentication is not sufficient.
            (Self::Member, Some(false)) => Some(
                "Bearer error=\"insufficient_user_authentication\", error_description=\"a guest must be promoted first\"",
            ),
        }
    }
}

/// Identifies the caller. Without a requirement always 200 with an empty body: the proxy decides on access.
pub fn resolve(visit: Visit, credentials: ApiCredentials, request: Request) -> Answering {
    // Drop the request before the first await, to keep the future small.
    let demand = Demand::parse(request.uri().query());
    // The proxy asks about a request to the app, which is a use whatever its method.
    Box::pin(answer(Visit { is_use: true, ..visit }, credentials, demand))
}

async fn answer(visit: Visit, credentials: ApiCredentials, demand: Option<Demand>) -> Response {
    let Some(demand) = demand else {
        return error::plain(StatusCode::BAD_REQUEST, "write ?require=session, ?require=member or nothing\n");
    };
    // A third-party application acts at its own API, not as the member at the operator's.
    let resolution = match credentials.resolve_first_party(&visit).await {
        Ok(resolution) => resolution,
        Err(error) => return error::flow_as_api(&visit, &error),
    };
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = HeaderMap::with_capacity(USUAL_HEADERS);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let challenge = demand.refuse(&resolution);
    match resolution {
        Resolution::Anonymous => {}
        Resolution::Dead { cookie } => {
            headers.insert(VALID, FALSE);
            if cookie {
                cookies::forget_session(headers, &visit.project);
            }
        }
        Resolution::Live(caller) => {
            if let Err(error) = describe(&visit, &caller, headers).await {
                return error::flow_as_api(&visit, &error);
            }
        }
    }
    if let Some(challenge) = challenge {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response
}

async fn describe(
    visit: &Visit,
    caller: &ApiCaller<Owner>,
    headers: &mut HeaderMap,
) -> Result<(), vestibule_app::error::Error> {
    let user_id = caller.user.id();
    let (is_verified, can_reauthenticate) = match &caller.user {
        Owner::Other(user) if !caller.is_seen_as_guest() => {
            let loaded = LoadedUser::read(&visit.app, &visit.project, User::clone(user)).await?;
            let account = loaded.account();
            (account.is_verified(), account.can_reauthenticate())
        }
        Owner::Guest(_) | Owner::Other(_) => (false, false),
    };
    let (amr, authenticated_at) = (caller.via.amr(), caller.via.shown_authenticated_at());
    let flag = |is: bool| if is { TRUE } else { FALSE };
    let text = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    headers.insert(VALID, TRUE);
    headers.insert(USER_ID, text(&user_id.to_string()));
    headers.insert(ANONYMOUS, flag(caller.is_seen_as_guest()));
    headers.insert(VERIFIED, flag(is_verified));
    headers.insert(CAN_REAUTHENTICATE, flag(can_reauthenticate));
    headers.insert(AMR, text(amr.unwrap_or_default()));
    if let Some(at) = authenticated_at {
        headers.insert(AUTHENTICATED_AT, HeaderValue::from(at.as_seconds()));
    }
    Ok(())
}
