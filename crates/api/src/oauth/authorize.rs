//! `GET|POST /oauth2/authorize` (RFC 6749 §4.1, OIDC Core §3.1.2).

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use vestibule_app::{
    authorize::{BrowserState, PendingRequest, Submission, error_redirect, outcome::AuthorizeOutcome, pushed},
    tokens::app_session::SwitchQuestion,
};
use vestibule_domain::client::Client;
use vestibule_pages::{
    self as pages, PageFrame,
    end_pages::{ErrorKind, ErrorPage},
    flow::switch_account::SwitchAccountPage,
};
use vestibule_protocol::{
    echo,
    form::Form,
    oauth::{AuthorizeDetails, AuthorizeRequest, ErrorCode, OAuthError},
};
use vestibule_web::{
    body, cookies::set_app_session, credentials::BrowserCookies, error, field::TextLink, visit::Visit,
};

/// The field of the form of [`SwitchAccountPage`] with the user's agreement.
const AGREEMENT: &str = "_csrf";

/// The request in the query.
pub async fn get(visit: Visit, cookies: BrowserCookies, request: Request) -> Response {
    let form = Form::parse_query(request.uri().query().unwrap_or_default());
    match form {
        Ok(form) => authorize(&visit, (&cookies, Submission::Navigation), request.headers(), &form).await,
        Err(problem) => refuse(&visit, request.headers(), &problem.into()),
    }
}

/// The request in the body.
pub async fn post(visit: Visit, cookies: BrowserCookies, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    match body.form() {
        Ok(form) => {
            let agreement = form.get(AGREEMENT).ok().flatten();
            authorize(&visit, (&cookies, Submission::Form { agreement }), &headers, &form).await
        }
        Err(problem) => refuse(&visit, &headers, &problem),
    }
}

async fn authorize(
    visit: &Visit,
    (cookies, sent): (&BrowserCookies, Submission<'_>),
    headers: &HeaderMap,
    form: &Form,
) -> Response {
    let pushed = match pushed::open(&visit.ctx(), form) {
        Ok(pushed) => pushed,
        Err(error) => return refuse(visit, headers, &error),
    };
    let request = match AuthorizeRequest::parse(pushed.as_ref().unwrap_or(form)) {
        Ok(request) => request,
        Err(error) => return refuse(visit, headers, &error),
    };
    let project = &visit.project;
    let target = vestibule_app::authorize::find_target(project, &request.client_id, request.redirect_uri.as_deref());
    let (client, redirect_uri) = match target {
        Ok(target) => target,
        Err(error) => return refuse_target(visit, headers, &error, &request),
    };
    let details = match details_of(&request.details, client, pushed.is_some()) {
        Ok(details) => details,
        Err(error) => {
            let redirect =
                vestibule_app::authorize::early_error(redirect_uri, request.response_mode, request.state, &error);
            return pages::to_app(visit, &redirect);
        }
    };
    let pending = PendingRequest::new(&client.client_id, redirect_uri, request.response_mode, request.state, details);
    let resolution = match cookies.resolve_session(visit).await {
        Ok(resolution) => resolution,
        Err(error) => return pages::flow_error(visit, headers, &error),
    };
    let has_session = resolution.live().is_some();
    let browser = BrowserState {
        caller: resolution.live(),
        app_session: cookies.account.app_session(),
        browser: &cookies.flow,
        sent,
    };
    let begun = vestibule_app::authorize::begin::begin(&visit.ctx(), client, pending.clone(), details, browser).await;
    match begun {
        Ok(Ok(AuthorizeOutcome::Redirect(redirect))) => pages::to_app(visit, &redirect),
        Ok(Ok(AuthorizeOutcome::Pages { flow, browser })) => match &details.oauth_provider_alias {
            Some(alias) => {
                let flow = (*flow, alias.as_str(), has_session);
                Box::pin(pages::flow::provider::begin(visit, cookies.of_flow(), headers, flow, browser)).await
            }
            None => Box::pin(pages::flow::begin(visit, cookies.of_flow(), headers, *flow, browser)).await,
        },
        // A separate URL, so that the back button leads from the code page to the first page.
        Ok(Ok(AuthorizeOutcome::Resume(flow))) => pages::found(&format!("/flow/{flow}/start")),
        Ok(Ok(AuthorizeOutcome::AppSession { cookie, location })) => {
            let mut response = pages::found(&location);
            set_app_session(response.headers_mut(), project, &cookie);
            response
        }
        Ok(Ok(AuthorizeOutcome::Ask(question))) => ask(visit, headers, &pending, form, *question),
        Ok(Ok(AuthorizeOutcome::Navigate)) => {
            let query = Form::from_pairs(go_on_with(form)).print();
            pages::see_other(&format!("/oauth2/authorize?{query}"))
        }
        Ok(Ok(AuthorizeOutcome::SettingsAction { cookie, settings_action, action })) => {
            let mut response = pages::found(&pages::account::path_of(settings_action, action));
            if let Some(cookie) = cookie {
                set_app_session(response.headers_mut(), project, &cookie);
            }
            response
        }
        Ok(Ok(AuthorizeOutcome::BadHint { back })) => {
            let action = pages::link_to_app(project, &back).map(TextLink::to_app);
            let action = action.unwrap_or_else(|| pages::home_link(project, Some(&pending.client_id)));
            let page = ErrorPage::new(ErrorKind::PromotionExpired).with_action(action);
            pages::page(visit, headers, Some(&pending), StatusCode::BAD_REQUEST, &page)
        }
        Ok(Err(error)) => pages::to_app(visit, &error_redirect(&pending, &error)),
        Err(error) => pages::flow_error(visit, headers, &error),
    }
}

/// The parameters of a request, or the error to send to its redirect URI.
fn details_of<'r>(
    details: &'r Result<AuthorizeDetails, OAuthError>,
    client: &Client,
    is_pushed: bool,
) -> Result<&'r AuthorizeDetails, OAuthError> {
    if !is_pushed && client.requires_pushed_requests() {
        return Err(OAuthError::invalid_request("this client must push its authorization requests (RFC 9126)"));
    }
    details.as_ref().map_err(Clone::clone)
}

/// The parameters of a posted request that are sent again.
fn go_on_with(form: &Form) -> impl Iterator<Item = (&str, &str)> {
    crate::oauth::without_secrets(form).filter(|(name, _)| *name != AGREEMENT)
}

/// Asks before another user's account page opens. The form repeats the request with the agreement.
fn ask(
    visit: &Visit,
    headers: &HeaderMap,
    pending: &PendingRequest,
    form: &Form,
    question: SwitchQuestion,
) -> Response {
    let fields = go_on_with(form).map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let client = visit.project.settings.client(&question.client_id);
    let page = SwitchAccountPage {
        action: "/oauth2/authorize".into(),
        fields,
        app: client.map(|client| client.display_name().to_string()),
        opened: question.opened.name,
        present: question.present.name,
        stay_href: "/settings".into(),
    };
    let frame = PageFrame {
        status: StatusCode::OK,
        request: Some(pending),
        csrf: question.agreement,
        carried: None,
        notice: None,
    };
    pages::render(visit, headers, frame, &page)
}

/// An error that must not be redirected: text for clients, a page for browsers.
fn refuse(visit: &Visit, headers: &HeaderMap, oauth: &OAuthError) -> Response {
    refuse_with(visit, headers, oauth, ErrorPage::new(ErrorKind::InvalidRequest))
}

/// The same for an unknown application or redirect URI: the page says what was received, and what to do about it.
fn refuse_target(visit: &Visit, headers: &HeaderMap, oauth: &OAuthError, request: &AuthorizeRequest) -> Response {
    let mut page = ErrorPage::new(ErrorKind::InvalidRequest);
    page.received.push(("developer-client-id", echo(&request.client_id).into_owned()));
    if let Some(uri) = &request.redirect_uri {
        page.received.push(("developer-redirect-uri", echo(uri).into_owned()));
        page.remedy = Some("developer-add-redirect-uri");
    }
    if oauth.code == ErrorCode::UnauthorizedClient {
        page.remedy = Some("developer-check-client-id");
    }
    refuse_with(visit, headers, oauth, page)
}

fn refuse_with(visit: &Visit, headers: &HeaderMap, oauth: &OAuthError, page: ErrorPage) -> Response {
    let text = format!("Invalid OAuth authorization request: {oauth}");
    if !pages::wants_html(headers) {
        return error::plain(StatusCode::BAD_REQUEST, format!("{text}\n"));
    }
    let page = ErrorPage { detail: Some(text), ..page }
        .with_action(pages::home_link(&visit.project, None))
        .with_request_id(visit.request_id.to_string());
    pages::page(visit, headers, None, StatusCode::BAD_REQUEST, &page)
}
