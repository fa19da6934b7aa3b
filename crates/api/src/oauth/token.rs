//! `POST /oauth2/token` (RFC 6749 §3.2): checks the client, the grant and its parameters, in the documented order.

use axum::{
    extract::Request,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use vestibule_app::{
    account::notice::SecurityNotice,
    caller::Resolution,
    ctx::Ctx,
    error::Error,
    flow::CodeMessage,
    limits::rates,
    tokens::{
        ClientProof, Tokens, anonymous,
        client_credentials::{self, OwnTokenRequest},
        code, device_code,
        dpop::PresentedProof,
        id_token,
        provider_token::{self, ExchangeOutcome, ExchangeRequest},
        refresh, settings_action,
    },
};
use vestibule_domain::{
    client::{Client, TOKEN_EXCHANGE_GRANT},
    project::ProjectSettings,
};
use vestibule_pages::messages::MessageWriter;
use vestibule_protocol::{
    form::Form,
    oauth::{
        ACCESS_TOKEN_TYPE, CodeExchange, ErrorCode, OAuthError, ProviderAction, ProviderTokenRequest, TokenRequest,
        TokenResponse,
    },
};
use vestibule_web::{
    credentials::{ApiCredentials, TokenCredentials},
    user_agent::device_name,
    visit::Visit,
};

use super::client::{self, ClientRefused, ClientRequest, Parameters};
use crate::{Answering, dpop, json};

/// Exchanges a grant for tokens.
pub fn token(visit: Visit, credentials: TokenCredentials, request: Request) -> Answering {
    Box::pin(receive(visit, credentials, request))
}

async fn receive(visit: Visit, credentials: TokenCredentials, request: Request) -> Response {
    let dpop = match dpop::read(&visit, request.headers(), request.uri().path()) {
        Ok(dpop) => dpop,
        Err(many) => return many.into_response(),
    };
    let parameters = Parameters::OfBodyAndQuery;
    let mut received = match client::receive(&visit, &credentials.client, request, parameters, None).await {
        Ok(received) => received,
        Err(response) => return response,
    };
    match answer(&visit, &credentials.api, &mut received, &dpop).await {
        Ok(response) => json::fresh_grant(&response),
        Err(refused) => refused.answer(&visit, Some(&received.client)),
    }
}

async fn answer(
    visit: &Visit,
    api: &ApiCredentials,
    ClientRequest { form, headers, client: presented }: &mut ClientRequest,
    dpop: &PresentedProof,
) -> Result<TokenResponse, ClientRefused> {
    let allowed = allow(&visit.project.settings, presented.client_id(), form);
    charge(visit, allowed.as_ref().ok().map(|(_, request)| request), presented.has_assertion())?;
    let proof = presented.prove(visit, "/oauth2/token").await?;
    let (client, request) = allowed?;
    let device_info = form.get("x_device_info").map_err(OAuthError::from)?;
    let ctx = visit.ctx();
    let tokens = match request {
        TokenRequest::AuthorizationCode(exchange) => {
            exchange_code(&ctx, (client, proof), &exchange, dpop, device_info, headers).await?
        }
        TokenRequest::RefreshToken { refresh_token, scope } => {
            let request = refresh::RefreshRequest {
                client: proof,
                refresh_token: refresh_token.as_str(),
                scope: scope.as_ref(),
                device_info,
                proof: dpop,
            };
            refresh::refresh(&ctx, request).await?
        }
        TokenRequest::Anonymous { jwt } => {
            let request = anonymous::KeyRequest { client, jwt: jwt.as_str(), device_info, proof: dpop };
            anonymous::log_in(&ctx, request).await?
        }
        TokenRequest::DeviceCode { device_code } => {
            let (browser, device_code) = (device_name(headers), device_code.as_str());
            let request =
                device_code::DeviceCodeRequest { client: proof, device_code, proof: dpop, device_info, browser };
            device_code::poll(&ctx, request).await?
        }
        TokenRequest::IdToken => {
            let resolution = api.resolve_stored(visit).await?;
            let id_token = id_token::renew(&ctx, client, &resolution).await?;
            return Ok(TokenResponse { id_token: Some(id_token), ..TokenResponse::default() });
        }
        TokenRequest::SettingsAction(exchange) => {
            if !client.application_type().is_confidential() {
                exchange.verifier()?;
            }
            settings_action::finish(&ctx, proof, &exchange).await?;
            return Ok(TokenResponse::default());
        }
        TokenRequest::ClientCredentials { resource, scope } => {
            let (resource, scope) = (resource.as_deref(), scope.as_ref());
            let own = client_credentials::issue(&ctx, OwnTokenRequest { client: proof, resource, scope }).await?;
            let response = TokenResponse::bearer(own.access.token, own.access.expires_in);
            return Ok(TokenResponse { scope: Some(own.scopes).filter(|scopes| !scopes.is_empty()), ..response });
        }
        TokenRequest::TokenExchange(exchange) => {
            return exchange_id_token(visit, (client, &exchange), (api, headers), dpop, device_info).await;
        }
    };
    Ok(print(tokens))
}

async fn exchange_id_token(
    visit: &Visit,
    (client, exchange): (&Client, &ProviderTokenRequest),
    (api, headers): (&ApiCredentials, &HeaderMap),
    proof: &PresentedProof,
    device_info: Option<&str>,
) -> Result<TokenResponse, ClientRefused> {
    // A sign-in has no caller: what a browser sends by itself must not matter.
    let caller = match exchange.action {
        ProviderAction::Login => Resolution::Anonymous,
        ProviderAction::Promote | ProviderAction::Link => api.resolve_stored_first_party(visit).await?,
    };
    let writer = MessageWriter::new(visit, headers, None);
    let write_code = |message: &CodeMessage<'_>| writer.compose(message);
    let write_notice = |to: &str, notice: &SecurityNotice| writer.write_notice(to, notice);
    let request = ExchangeRequest {
        client,
        exchange,
        caller: &caller,
        proof,
        device_info,
        write_code: &write_code,
        write_notice: &write_notice,
    };
    match provider_token::exchange(&visit.ctx(), request).await? {
        ExchangeOutcome::Tokens(tokens) => {
            Ok(TokenResponse { issued_token_type: Some(ACCESS_TOKEN_TYPE.to_owned()), ..print(tokens) })
        }
        ExchangeOutcome::Conflict(conflict) => Err(ClientRefused::Conflict(conflict)),
    }
}

async fn exchange_code(
    ctx: &Ctx<'_>,
    (client, proof): (&Client, &ClientProof),
    exchange: &CodeExchange,
    dpop: &PresentedProof,
    device_info: Option<&str>,
    headers: &HeaderMap,
) -> Result<Tokens, ClientRefused> {
    let request = code::CodeRequest {
        client: proof,
        code: exchange.code.as_str(),
        redirect_uri: exchange.redirect_uri.as_deref(),
        code_verifier: exchange.code_verifier.as_ref().map(vestibule_protocol::Credential::as_str),
        proof: dpop,
        device_info,
        browser: device_name(headers),
    };
    let is_confidential = client.application_type().is_confidential();
    if !is_confidential && let Err(refused) = exchange.verifier() {
        code::note_reuse(ctx, client, &request).await?;
        return Err(refused.into());
    }
    Ok(code::exchange(ctx, request).await?)
}

/// The request and its application, if that may use the grant and the project serves it.
fn allow<'a>(
    settings: &'a ProjectSettings,
    client_id: &str,
    form: &Form,
) -> Result<(&'a Client, TokenRequest), ClientRefused> {
    let client = settings.client(client_id).ok_or(Error::UnknownClient)?;
    if form.get("grant_type").ok().flatten() == Some(TOKEN_EXCHANGE_GRANT) && !settings.has_native_sign_in() {
        return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "grant type is not supported").into());
    }
    let request = TokenRequest::parse(form)?;
    if client.allows_grant_type(request.grant_type().as_str()) {
        Ok((client, request))
    } else {
        Err(Error::GrantTypeNotAllowed.into())
    }
}

/// Charges the request to its address, unless it is charged to the user or device key that it proves, and to its address only when it
/// fails. An assertion costs work before it proves anything. Devices ask every few seconds, many of them behind one address.
fn charge(visit: &Visit, allowed: Option<&TokenRequest>, has_assertion: bool) -> Result<(), Error> {
    match allowed {
        Some(TokenRequest::RefreshToken { .. } | TokenRequest::Anonymous { .. }) if !has_assertion => Ok(()),
        Some(TokenRequest::DeviceCode { .. }) if !has_assertion => rates::charge_device_request(&visit.ctx()),
        _ => rates::charge_token_request(&visit.ctx()),
    }
}

fn print(tokens: Tokens) -> TokenResponse {
    let mut response = TokenResponse::bearer(tokens.access.token, tokens.access.expires_in);
    response.refresh_token = tokens.refresh_token;
    response.id_token = tokens.id_token;
    response.scope = tokens.limited_scope;
    response
}
