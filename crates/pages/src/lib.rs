//! Renders hosted pages with the project's branding, and the responses to apps.

pub mod account;
pub mod consent;
pub mod device;
pub mod end_pages;
pub mod flow;
pub mod messages;
pub mod preview;
#[cfg(test)]
mod proof;
#[cfg(any(test, feature = "samples"))]
pub mod sample;
pub mod security;
pub mod sign_out;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_app::{
    authorize::{AppRedirect, PendingRequest},
    error::Error,
    projects::Project,
};
use vestibule_domain::project;
use vestibule_protocol::oauth::ResponseMode;
use vestibule_web::{
    body::BodyProblem,
    brand::brand_of,
    context::{AssetPlace, PageColorScheme, PageContext},
    error,
    field::TextLink,
    header_text::text_of,
    history::{self, RenderedPage},
    locale::Locales,
    notice::NoticeKind,
    page::Page,
    policy::Forms,
    visit::Visit,
};

use crate::end_pages::{ErrorKind, ErrorPage};

/// The context of a page, besides its content.
pub struct PageFrame<'a> {
    pub status: StatusCode,
    /// The pending authorization request, if any: sets language, colors, app name and the targets of forms.
    pub request: Option<&'a PendingRequest>,
    pub csrf: String,
    /// The sealed flow, if it is not stored.
    pub carried: Option<String>,
    pub notice: Option<NoticeKind>,
}

/// The context for pages and mails of this request.
pub fn context(visit: &Visit, headers: &HeaderMap, request: Option<&PendingRequest>, csrf: String) -> PageContext {
    let settings = &visit.project.settings;
    let accept = headers.get(header::ACCEPT_LANGUAGE).map(text_of);
    let wanted = request.and_then(|request| request.ui_locales.as_deref());
    let allowed = settings.languages().unwrap_or_default();
    let color_scheme = match request.and_then(|request| request.color_scheme.as_deref()) {
        Some(scheme) => PageColorScheme::parse(scheme),
        None => match settings.color_scheme() {
            project::ColorSchemeSetting::Auto => PageColorScheme::Auto,
            project::ColorSchemeSetting::Light => PageColorScheme::Light,
            project::ColorSchemeSetting::Dark => PageColorScheme::Dark,
        },
    };
    let app_name = request
        .and_then(|request| settings.client(&request.client_id))
        .map_or_else(|| settings.display_name(), |client| client.display_name())
        .to_string();
    PageContext {
        locale: Locales::shared().negotiate(wanted, accept.as_deref(), allowed),
        color_scheme,
        brand: brand_of(&visit.project),
        csrf,
        carried: None,
        notice: None,
        app_name,
        assets: AssetPlace::default(),
    }
}

pub fn render(visit: &Visit, headers: &HeaderMap, frame: PageFrame<'_>, page: &dyn Page) -> Response {
    let forms = if frame.request.is_some() { Forms::Leave } else { Forms::Stay };
    render_with(visit, headers, frame, page, forms)
}

/// Renders a page with the given targets of forms.
pub(crate) fn render_with(
    visit: &Visit,
    headers: &HeaderMap,
    frame: PageFrame<'_>,
    page: &dyn Page,
    forms: Forms,
) -> Response {
    let mut context = context(visit, headers, frame.request, frame.csrf);
    context.carried = frame.carried;
    context.notice = frame.notice.map(NoticeKind::notice);
    let logo = context.brand.logo_uri.as_deref().and_then(origin_of);
    let policy = vestibule_web::policy::content_security_policy(forms, logo.as_deref());
    let mut response = (frame.status, page.render(&context)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, history::cache_control(frame.status));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.append(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response.extensions_mut().insert(RenderedPage);
    response
}

fn origin_of(uri: &str) -> Option<String> {
    url::Url::parse(uri).ok().map(|uri| uri.origin().ascii_serialization()).filter(|origin| origin != "null")
}

/// Renders a page without forms.
pub fn page(
    visit: &Visit,
    headers: &HeaderMap,
    request: Option<&PendingRequest>,
    status: StatusCode,
    page: &dyn Page,
) -> Response {
    render(visit, headers, PageFrame { status, request, csrf: String::new(), carried: None, notice: None }, page)
}

/// The response to a form that could not be read.
pub(crate) fn body_error_page(visit: &Visit, headers: &HeaderMap, problem: BodyProblem) -> Response {
    match problem {
        BodyProblem::TooLarge(_) => error_page(visit, headers, None, problem.status(), ErrorKind::TooLarge),
        BodyProblem::Incomplete | BodyProblem::Malformed => {
            error::plain(problem.status(), format!("{}\n", problem.describe()))
        }
    }
}

/// The page for a known kind of error.
pub(crate) fn error_page(
    visit: &Visit,
    headers: &HeaderMap,
    request: Option<&PendingRequest>,
    status: StatusCode,
    kind: ErrorKind,
) -> Response {
    let cancelled = request.map(vestibule_app::authorize::cancel_redirect);
    let back = cancelled.and_then(|cancelled| link_to_app(&visit.project, &cancelled));
    let client_id = request.map(|request| request.client_id.as_str());
    let action = back.map_or_else(|| home_link(&visit.project, client_id), TextLink::to_app);
    let content = ErrorPage::new(kind).with_action(action).with_request_id(visit.request_id.to_string());
    page(visit, headers, request, status, &content)
}

/// The link on pages without a pending request: the application's home page, or the project's, or the account page.
pub fn home_link(project: &Project, client_id: Option<&str>) -> TextLink {
    let settings = &project.settings;
    let client = client_id.and_then(|client_id| settings.client(client_id));
    let home = client.and_then(|client| client.client_uri.as_deref()).or_else(|| settings.default_client_uri());
    home.map_or_else(TextLink::to_account, TextLink::to_app)
}

/// The page for an error of a use case.
pub fn flow_error(visit: &Visit, headers: &HeaderMap, error: &Error) -> Response {
    flow_error_in(visit, headers, None, error)
}

/// The page for an error of a use case, with a link back to the waiting app.
pub(crate) fn flow_error_in(
    visit: &Visit,
    headers: &HeaderMap,
    request: Option<&PendingRequest>,
    error: &Error,
) -> Response {
    error::log(visit, error);
    let after = error::retry_after(error);
    if let Error::ClientChanged = error {
        return client_changed(visit, headers, error);
    }
    let (status, kind) = match (error, after) {
        (Error::RateLimited(_), Some(wait)) => {
            let seconds = u32::try_from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).unwrap_or(u32::MAX);
            let content =
                end_pages::TooManyTriesPage { retry_after_seconds: seconds, retry_href: None, cancel_href: None };
            let response = page(visit, headers, request, StatusCode::TOO_MANY_REQUESTS, &content);
            return error::with_retry_after(response, after);
        }
        (_, Some(_)) => (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::Busy),
        (Error::PublicSignUpDisabled | Error::HookDisallowed(_), None) => {
            (StatusCode::FORBIDDEN, ErrorKind::SignUpClosed)
        }
        (Error::UserDisabled, None) => (StatusCode::FORBIDDEN, ErrorKind::AccountDisabled),
        (Error::HintUsed, None) => (StatusCode::BAD_REQUEST, ErrorKind::PromotionExpired),
        (Error::GuestLeft, None) => (StatusCode::GONE, ErrorKind::GuestGone),
        (_, None) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorKind::Internal),
    };
    error::with_retry_after(error_page(visit, headers, request, status, kind), after)
}

/// The page for a request whose application changed meanwhile. It does not lead to the redirect URI, which may be another
/// application's by now.
fn client_changed(visit: &Visit, headers: &HeaderMap, error: &Error) -> Response {
    let content = ErrorPage { detail: Some(error.to_string()), ..ErrorPage::new(ErrorKind::InvalidRequest) };
    let content = content.with_action(home_link(&visit.project, None)).with_request_id(visit.request_id.to_string());
    page(visit, headers, None, StatusCode::BAD_REQUEST, &content)
}

pub async fn not_found(visit: Visit, headers: HeaderMap) -> Response {
    if wants_html(&headers) {
        error_page(&visit, &headers, None, StatusCode::NOT_FOUND, ErrorKind::NotFound)
    } else {
        error::plain(StatusCode::NOT_FOUND, "Page not found.\n")
    }
}

/// Whether a browser rather than a client program sent the request.
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().any(|value| text_of(value).contains("text/html"))
}

/// A 302 redirect to another page of this server.
pub fn found(location: &str) -> Response {
    redirect(StatusCode::FOUND, location)
}

/// A 303 redirect after a form.
pub fn see_other(location: &str) -> Response {
    redirect(StatusCode::SEE_OTHER, location)
}

fn redirect(status: StatusCode, location: &str) -> Response {
    let body = format!("<p>Continue to <a href=\"{0}\">{0}</a></p>\n", vestibule_web::template::escape(location));
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (status, headers, body).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Returns the response to the app, in its response mode.
pub fn to_app(visit: &Visit, answer: &AppRedirect) -> Response {
    match answer.mode {
        ResponseMode::FormPost => post_to_app(visit, answer),
        ResponseMode::Query | ResponseMode::Fragment => see_other(&location_of(&visit.project.origin, answer)),
    }
}

/// A plain link with the same response, for pages that offer the way back.
pub fn link_to_app(project: &Project, answer: &AppRedirect) -> Option<String> {
    (answer.mode != ResponseMode::FormPost).then(|| location_of(&project.origin, answer))
}

/// The parameters of the response, with the issuer for applications that use several (RFC 9207 §2). This server's own pages need
/// none.
fn parameters_of<'a>(issuer: &'a str, answer: &'a AppRedirect) -> impl Iterator<Item = (&'static str, &'a str)> {
    let is_own_page = answer.uri.strip_prefix(issuer).is_some_and(|rest| rest.starts_with('/'));
    let parameters = || answer.parameters.iter().map(|(name, value)| (*name, value.as_str()));
    let of_request = parameters().filter(|(name, _)| *name == "state");
    let mut of_server = parameters().filter(|(name, _)| *name != "state");
    // Beside the code or error, which it is about.
    let first = of_server.next();
    first.into_iter().chain((!is_own_page).then_some(("iss", issuer))).chain(of_server).chain(of_request)
}

fn location_of(issuer: &str, answer: &AppRedirect) -> String {
    let mut printer = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters_of(issuer, answer) {
        printer.append_pair(name, value);
    }
    let parameters = printer.finish();
    if parameters.is_empty() {
        return answer.uri.clone();
    }
    if answer.mode == ResponseMode::Fragment {
        return format!("{}#{parameters}", answer.uri);
    }
    // Keep the URI as registered, byte for byte: clients compare it as text.
    let separator = match answer.uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{}{separator}{parameters}", answer.uri)
}

fn post_to_app(visit: &Visit, answer: &AppRedirect) -> Response {
    use std::fmt::Write;
    let mut fields = String::new();
    for (name, value) in parameters_of(&visit.project.origin, answer) {
        write!(
            fields,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            vestibule_web::template::escape(name),
            vestibule_web::template::escape(value)
        )
        .expect("writing to a String cannot fail");
    }
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head><body>\
         <form method=\"post\" action=\"{1}\" id=\"answer\">{fields}<button type=\"submit\">{0}</button></form>\
         <script src=\"{2}\"></script></body></html>",
        vestibule_web::template::escape(visit.project.settings.display_name()),
        vestibule_web::template::escape(&answer.uri),
        vestibule_web::asset::asset_href("form-post.js"),
    );
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    let mut response = (StatusCode::OK, headers, body).into_response();
    if let Ok(policy) = HeaderValue::from_str(&vestibule_web::policy::content_security_policy(Forms::Leave, None)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(uri: &str, mode: ResponseMode) -> AppRedirect {
        AppRedirect { uri: uri.into(), mode, parameters: vec![("code", "a b".into()), ("state", "s&t".into())] }
    }

    #[test]
    fn answers_are_added_to_the_redirect_uri_without_rewriting_it() {
        for (uri, mode, before) in [
            ("https://a.example/x", ResponseMode::Query, "https://a.example/x?"),
            ("https://a.example/x?y=1", ResponseMode::Query, "https://a.example/x?y=1&"),
            ("https://a.example/x", ResponseMode::Fragment, "https://a.example/x#"),
            ("com.shop.app://host/path", ResponseMode::Query, "com.shop.app://host/path?"),
            ("https://auth.example.evil/x", ResponseMode::Query, "https://auth.example.evil/x?"),
        ] {
            let expected = format!("{before}code=a+b&iss=https%3A%2F%2Fauth.example&state=s%26t");
            assert_eq!(location_of("https://auth.example", &answer(uri, mode)), expected);
        }
        let own = answer("https://auth.example/settings", ResponseMode::Query);
        assert_eq!(location_of("https://auth.example", &own), "https://auth.example/settings?code=a+b&state=s%26t");
    }
}
