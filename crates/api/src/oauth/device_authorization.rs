//! `POST /oauth2/device_authorization` (RFC 8628 §3.1): gives a device without a browser a code for its user, and one for itself.

use axum::{extract::Request, response::Response};
use vestibule_app::device_authorization::{self, INTERVAL, PAGE};
use vestibule_protocol::oauth::{DeviceAuthorizationRequest, DeviceAuthorizationResponse};
use vestibule_web::{credentials::ClientCredentials, visit::Visit};

use super::client::{self, ClientRefused, ClientRequest, Parameters};
use crate::json;

pub async fn begin(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    let mut received = match client::receive(&visit, &credentials, request, Parameters::OfBodyAndQuery, None).await {
        Ok(received) => received,
        Err(response) => return response,
    };
    match answer(&visit, &mut received).await {
        Ok(response) => json::fresh_grant(&response),
        Err(refused) => refused.answer(&visit, Some(&received.client)),
    }
}

async fn answer(visit: &Visit, received: &mut ClientRequest) -> Result<DeviceAuthorizationResponse, ClientRefused> {
    let request = DeviceAuthorizationRequest::parse(&received.form)?;
    let proof = received.client.prove(visit, "/oauth2/device_authorization").await?;
    let begun = device_authorization::begin(&visit.ctx(), proof, request.scope.as_ref()).await?;
    let page = (visit.project.origin.as_str(), PAGE);
    let response = DeviceAuthorizationResponse::new(begun.device_code, begun.user_code.print(), page);
    Ok(DeviceAuthorizationResponse { expires_in: begun.expires_in, interval: INTERVAL, ..response })
}
