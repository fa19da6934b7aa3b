//! A request to the portal, in three types: of any caller, of an operator, and of an operator about a project.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use axum::{
    RequestPartsExt,
    body::Bytes,
    extract::{RawPathParams, Request},
    http::{Method, StatusCode},
    response::Response,
};
use vestibule_app::{
    actor::{Actor, Permit},
    candidates::Candidates,
    crypto::{hex, is_equal, sha256},
    ctx::{Ctx, RequestId},
    known_devices,
    operators::{SignInSource, SignedIn, StartedSession, passkeys::CeremonyContext, project_operators},
    projects::Project,
    state::App,
};
use vestibule_domain::{logo, operator::Role, project::Origin, time::Timestamp};
use vestibule_protocol::{
    form::Form,
    limits::{BODY_BYTES, FORM_BYTES},
};
use vestibule_web::{
    body::{self, BodyProblem},
    credentials::{Brought, PortalCookies},
    entry, history,
};

use crate::{
    Access, HOME,
    cookies::{self, CookieKind},
    frame::{OperatorBadge, PortalContext, PortalPage, ProjectBadge},
    notice::PortalNotice,
    response::{self, PageResult, PortalError},
    route::Upload,
};

/// Maximum length of a URL to return to, in bytes.
pub const NEXT_BYTES: usize = 2 * 1024;

/// A request of any caller, possibly not signed in.
#[derive(Clone)]
pub struct PublicRequest {
    pub app: Arc<App>,
    pub now: Timestamp,
    pub ip: IpAddr,
    pub origin: Origin,
    access: Access,
    pub(super) request_id: Option<RequestId>,
    path: String,
    address: String,
    /// Whether it sends a form.
    is_form: bool,
    params: Vec<(String, String)>,
    /// The query and, for a form, the body.
    pub form: Form,
    /// The image of the form.
    pub(crate) file: Option<Bytes>,
    session_cookies: Candidates,
    known_devices: Candidates,
    /// The secret of forms before sign-in.
    form_secret: String,
    frame: PortalContext,
}

impl PublicRequest {
    /// Reads a request whole.
    pub(super) async fn enter(
        app: Arc<App>,
        origin: Origin,
        (access, upload): (Access, Upload),
        mut request: Request,
    ) -> Result<Self, PortalError> {
        let brought = request.extensions_mut().remove::<Brought>().unwrap_or_default();
        let cookies = match access {
            Access::Anonymous => {
                let (form, known_device) = (CookieKind::Form.name(&origin), CookieKind::KnownDevice.name(&origin));
                PortalCookies::of_forms(&brought, &form, &known_device)
            }
            Access::Operator => {
                let (session, known_device) =
                    (CookieKind::Session.name(&origin), CookieKind::KnownDevice.name(&origin));
                PortalCookies::of_own_pages(&brought, &session, &known_device)
            }
            Access::Everywhere(_) | Access::InProject(_) => {
                PortalCookies::of_operators(&brought, &CookieKind::Session.name(&origin))
            }
        };
        let ip = entry::address_of(&app, &request);
        // The portal's middleware adds it.
        let request_id = request.extensions().get::<RequestId>().copied();
        let path = request.uri().path().to_string();
        let address = request.uri().path_and_query().map_or(HOME, |address| address.as_str()).to_string();
        let is_form = request.method() == Method::POST;
        let (mut parts, body) = request.into_parts();
        let params = parts.extract::<RawPathParams>().await;
        let params = params.map(|all| all.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect());
        let request = Request::from_parts(parts, body);
        let (form, file) = read_form(&app, upload, request).await?;
        let now = app.clock.now();
        let notice = form.get("done").ok().flatten().and_then(PortalNotice::parse);
        let form_secret = choose_secret(&cookies.form, form.get_all("_csrf").next().unwrap_or_default());
        let form_secret = form_secret.map_or_else(|| app.entropy.alphanumeric(), str::to_string);
        let csrf = form_token(&form_secret);
        Ok(Self {
            app,
            now,
            ip,
            origin,
            access,
            request_id,
            path,
            address,
            is_form,
            params: params.unwrap_or_default(),
            form,
            file,
            session_cookies: cookies.session,
            known_devices: cookies.known_devices,
            form_secret,
            frame: PortalContext { notice, csrf, ..PortalContext::default() },
        })
    }

    /// Whether the form has the token of this browser.
    pub(super) fn has_form_token(&self) -> bool {
        is_equal(self.field("_csrf"), &self.frame.csrf)
    }

    pub(super) fn session_cookies(&self) -> &Candidates {
        &self.session_cookies
    }

    /// Who signs in: the network address, and the cookies by which the browser is known.
    pub(super) fn source(&self) -> SignInSource<'_> {
        SignInSource { ip: self.ip, known_devices: &self.known_devices }
    }

    /// The context for pages of this request.
    pub(super) fn frame(&self) -> &PortalContext {
        &self.frame
    }

    /// The context for a passkey ceremony: the portal, in this browser.
    pub(super) fn ceremony(&self) -> CeremonyContext<'_> {
        CeremonyContext { origin: &self.origin, browser: &self.frame.csrf }
    }

    /// The requested path without query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The requested path with its query.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// A path parameter, empty if absent.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// A field of the query or form, empty if absent; the first of several.
    pub fn field(&self, name: &str) -> &str {
        self.form.get_all(name).next().unwrap_or_default()
    }

    pub fn fields(&self, name: &str) -> Vec<&str> {
        self.form.get_all(name).collect()
    }

    /// Whether a check box is checked.
    pub(crate) fn is_checked(&self, name: &str) -> bool {
        self.field(name) == "on"
    }

    /// Responds with a page.
    pub fn show(&self, page: &dyn PortalPage) -> PageResult {
        Ok(self.page(StatusCode::OK, page))
    }

    /// Responds with a page and its form's errors.
    pub fn show_again(&self, page: &dyn PortalPage) -> PageResult {
        Ok(self.page(StatusCode::UNPROCESSABLE_ENTITY, page))
    }

    /// Responds with a page and the given status, without a notice.
    pub fn page(&self, status: StatusCode, page: &dyn PortalPage) -> Response {
        let mut frame = self.frame.clone();
        if status != StatusCode::OK {
            frame.notice = None;
        }
        let mut response = response::render(&frame, status, page);
        if self.is_form && page.may_be_stored() {
            history::store(&mut response);
        }
        if frame.operator.is_none() {
            cookies::set(response.headers_mut(), CookieKind::Form, &self.origin, &self.form_secret);
        }
        response
    }

    /// Redirects to a URL of the portal.
    pub fn go(&self, location: &str) -> PageResult {
        Ok(response::redirect(StatusCode::SEE_OTHER, location))
    }

    /// Redirects to a URL of the portal and shows a notice there.
    pub(crate) fn redirect_with_notice(&self, location: &str, notice: PortalNotice) -> PageResult {
        let separator = if location.contains('?') { '&' } else { '?' };
        self.go(&format!("{location}{separator}done={}", notice.code()))
    }

    /// Redirects after sign-in.
    pub(super) fn go_signed_in(&self, started: &StartedSession, location: &str) -> PageResult {
        let mut response = response::redirect(StatusCode::SEE_OTHER, location);
        cookies::set(response.headers_mut(), CookieKind::Session, &self.origin, &started.cookie);
        let known = known_devices::operators::renew_for(&self.app, &self.known_devices, started.account, self.now);
        if let Some(value) = known {
            cookies::set(response.headers_mut(), CookieKind::KnownDevice, &self.origin, &value);
        }
        cookies::clear(response.headers_mut(), CookieKind::Form, &self.origin);
        Ok(response)
    }

    /// Redirects after sign-out.
    pub(super) fn go_signed_out(&self, location: &str) -> PageResult {
        let mut response = response::redirect(StatusCode::SEE_OTHER, location);
        cookies::clear(response.headers_mut(), CookieKind::Session, &self.origin);
        Ok(response)
    }

    /// The URL to continue with: always one of the portal's, whatever the form says.
    pub(super) fn next(&self) -> &str {
        let next = self.field("next");
        let is_ours = next == HOME || next.starts_with("/portal/") || next.starts_with("/portal?");
        let is_short = next.len() <= NEXT_BYTES;
        if is_ours && is_short && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            next
        } else {
            HOME
        }
    }
}

/// The form of a request, and the image that came with it.
async fn read_form(app: &App, upload: Upload, request: Request) -> Result<(Form, Option<Bytes>), PortalError> {
    let with_file = |limit| {
        move |problem| match problem {
            BodyProblem::TooLarge(_) => PortalError::FileTooLarge(limit),
            BodyProblem::Incomplete | BodyProblem::Malformed => PortalError::Body(problem),
        }
    };
    let read = match upload {
        Upload::None => {
            body::read_form_for(app, request).await.map_err(PortalError::Body)?.form().map(|form| (form, None))
        }
        Upload::Text => {
            let received = body::read_upload_for(app, BODY_BYTES, request).await.map_err(with_file(BODY_BYTES))?;
            received.upload_form().map(|form| (form, None))
        }
        Upload::Image => {
            // Its limit, and some room for the form around it.
            let received = body::read_upload_for(app, logo::MAX_BYTES + FORM_BYTES, request).await;
            received.map_err(with_file(logo::MAX_BYTES))?.form_with_file()
        }
    };
    read.map_err(|error| PortalError::Unreadable(error.to_string()))
}

/// The token in forms: derived from a cookie that only this browser has, so that it needs no storage.
fn form_token(secret: &str) -> String {
    hex(&sha256(format!("portal-form|{secret}").as_bytes()).0)
}

/// Of several secrets the one that the form's token was derived from; for a page, any.
fn choose_secret<'c>(cookies: &'c Candidates, presented: &str) -> Option<&'c str> {
    cookies.iter().find(|secret| is_equal(presented, &form_token(secret))).or(cookies.first())
}

/// A request of an operator.
#[derive(Clone)]
pub struct OperatorRequest {
    public_request: PublicRequest,
    pub signed_in: SignedIn,
}

impl Deref for OperatorRequest {
    type Target = PublicRequest;

    fn deref(&self) -> &PublicRequest {
        &self.public_request
    }
}

impl OperatorRequest {
    /// `cookie` is the one that identified the session.
    pub(super) fn open(mut public_request: PublicRequest, signed_in: SignedIn, cookie: &str) -> Self {
        public_request.frame.operator =
            Some(OperatorBadge { name: signed_in.operator.name.clone(), email: signed_in.operator.email.clone() });
        public_request.frame.csrf = form_token(cookie);
        Self { public_request, signed_in }
    }

    /// After a change that ended the operator's other sessions: of the browsers that were known for it, this one stays so.
    pub(crate) async fn stay_known(&self, response: &mut Response) -> Result<(), PortalError> {
        let (cookies, before) = (&self.known_devices, &self.signed_in.operator);
        let renewed = known_devices::operators::renew_after_change(&self.app, cookies, before, self.now).await?;
        if let Some(value) = renewed {
            cookies::set(response.headers_mut(), CookieKind::KnownDevice, &self.origin, &value);
        }
        Ok(())
    }

    /// Who acts, with the role that the route asks for.
    pub fn acting(&self) -> Actor {
        let operator = self.signed_in.operator.id;
        let permit = match self.access {
            Access::Anonymous | Access::Operator => None,
            Access::Everywhere(role) => Some(Permit { operator, role, everywhere: true }),
            Access::InProject(role) => Some(Permit { operator, role, everywhere: false }),
        };
        Actor { permit, ..self.signed_in.acting(Some(self.ip)) }
    }
}

/// A request of an operator about a project in which it has a role.
#[derive(Clone)]
pub struct ProjectRequest {
    operator_request: OperatorRequest,
    pub project: Arc<Project>,
    pub role: Role,
}

impl Deref for ProjectRequest {
    type Target = OperatorRequest;

    fn deref(&self) -> &OperatorRequest {
        &self.operator_request
    }
}

impl ProjectRequest {
    /// Selects the project in the path. An operator without a role there gets the same response as for an unknown
    /// project.
    pub(super) fn open(mut operator_request: OperatorRequest) -> Result<Self, PortalError> {
        let project =
            operator_request.app.projects.find_by_id(operator_request.param("project")).ok_or(PortalError::Missing)?;
        let role = operator_request.signed_in.role_in(project.no).ok_or(PortalError::Missing)?;
        let name = |project: &Project| project.settings.project.name.clone().unwrap_or_else(|| project.id.clone());
        operator_request.public_request.frame.project =
            Some(ProjectBadge { id: project.id.clone(), name: name(&project), role });
        let others = project_operators::list_projects(&operator_request.app, &operator_request.signed_in)
            .into_iter()
            .filter(|(other, _)| other.no != project.no);
        operator_request.public_request.frame.other_projects =
            others.map(|(other, _)| (other.id.clone(), name(&other))).collect();
        Ok(Self { operator_request, project, role })
    }

    /// The context for use cases.
    pub fn ctx(&self) -> Ctx<'_> {
        let (now, ip, request_id) = (self.now, Some(self.ip), self.request_id);
        Ctx { app: &self.app, project: &self.project, now, ip, request_id, is_use: true }
    }

    /// A path below the project's.
    pub fn href(&self, path: &str) -> String {
        self.frame().href(path)
    }

    pub(crate) fn may_edit(&self) -> bool {
        self.role >= Role::Editor
    }

    /// Redirects to a page of the project and shows a notice there.
    pub fn done(&self, path: &str, notice: PortalNotice) -> PageResult {
        self.redirect_with_notice(&self.href(path), notice)
    }
}
