//! `POST /oauth2/challenge`

use axum::{extract::Request, response::Response};
use vestibule_app::guests::challenge;
use vestibule_protocol::api::{ChallengeRequest, ChallengeResponse};
use vestibule_web::{credentials::NoCredential, visit::Visit};

use crate::{Answering, anonymous};

/// Issues a challenge to any caller; an invalid bearer token is ignored.
pub fn issue(visit: Visit, _: NoCredential, request: Request) -> Answering {
    Box::pin(answer(visit, request))
}

async fn answer(visit: Visit, request: Request) -> Response {
    let purpose = match anonymous::read::<ChallengeRequest>(&visit, request).await {
        Ok((_, ChallengeRequest { purpose })) => purpose,
        Err(response) => return response,
    };
    let issued = challenge::issue(&visit.ctx(), purpose);
    anonymous::success(ChallengeResponse { token: issued.token, expire_at: issued.expires_at.to_rfc3339() })
}
