//! `POST /oauth2/challenge`

use axum::{extract::Request, response::Response};
use vestibule_protocol::api::{ChallengeRequest, ChallengeResponse};

use crate::{
    flows::challenge,
    http::{anonymous, credentials::NoCredential, visit::Visit},
};

/// Issues a challenge to any caller; an invalid bearer token is ignored.
pub(crate) async fn issue(visit: Visit, _: NoCredential, request: Request) -> Response {
    let purpose = match anonymous::read::<ChallengeRequest>(&visit, request).await {
        Ok((_, ChallengeRequest { purpose })) => purpose,
        Err(response) => return response,
    };
    let issued = challenge::issue(&visit.ctx(), purpose);
    anonymous::success(ChallengeResponse { token: issued.token, expire_at: issued.expires_at.to_rfc3339() })
}
