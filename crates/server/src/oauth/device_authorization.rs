//! `POST /oauth2/device_authorization` (RFC 8628 §3.1): gives a device without a browser a code for its user, and one for itself.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use vestibule_app::device_authorization::{self, INTERVAL, PAGE};
use vestibule_protocol::oauth::{DeviceAuthorizationRequest, DeviceAuthorizationResponse};
use vestibule_web::{body, credentials::ClientCredentials, error, visit::Visit};

use super::client::{self, ClientRefused, PresentedClient};
use crate::json;

pub(crate) async fn begin(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    let form = match body.oauth_form() {
        Ok(form) => form,
        Err(problem) => return error::oauth_by_code(&problem),
    };
    let mut presented = match client::read(&visit.project, &credentials, &form) {
        Ok(presented) => presented,
        Err(refused) => return refused.answer(&visit, None),
    };
    let parsed = DeviceAuthorizationRequest::parse(&form).map_err(ClientRefused::from);
    let answered = match parsed {
        Ok(request) => answer(&visit, &mut presented, &request).await,
        Err(refused) => Err(refused),
    };
    match answered {
        Ok(response) => {
            let mut response = json::fresh(StatusCode::OK, &response);
            response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            response
        }
        Err(refused) => refused.answer(&visit, Some(&presented)),
    }
}

async fn answer(
    visit: &Visit,
    presented: &mut PresentedClient,
    request: &DeviceAuthorizationRequest,
) -> Result<DeviceAuthorizationResponse, ClientRefused> {
    presented.prove(visit, "/oauth2/device_authorization").await?;
    let begun = device_authorization::begin(&visit.ctx(), &presented.proof, request.scope.as_ref()).await?;
    let page = (visit.project.origin.as_str(), PAGE);
    let response = DeviceAuthorizationResponse::new(begun.device_code, begun.user_code.print(), page);
    Ok(DeviceAuthorizationResponse { expires_in: begun.expires_in, interval: INTERVAL, ..response })
}
