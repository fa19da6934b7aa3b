//! A request to the portal, in three types: of any caller, of an operator, and of an operator about a project.

use std::{net::IpAddr, ops::Deref, sync::Arc};

use axum::{
    RequestPartsExt,
    extract::{RawPathParams, Request},
    http::StatusCode,
    response::Response,
};
use vestibule_domain::{operator::Role, project::Origin, time::Timestamp};
use vestibule_protocol::form::Form;

use super::{
    HOME, Need,
    answer::{self, Answer, Problem},
    cookies::{self, Kind},
};
use crate::{
    app::App,
    crypto::{hex, sha256},
    flows::{
        actor::{Actor, Permit},
        candidates::Candidates,
        operators::{SignedIn, passkeys::Seat, staff},
    },
    http::{
        body,
        credentials::{Brought, PortalCookies},
        visit,
    },
    projects::Project,
    ui::portal::{OperatorBadge, PortalContext, PortalNotice, PortalPage, ProjectBadge},
};

/// Maximum length of a URL to return to, in bytes.
pub(crate) const NEXT_BYTES: usize = 2 * 1024;

/// The ID of a request, set by the portal's middleware.
#[derive(Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// A request of any caller, possibly not signed in.
#[derive(Clone)]
pub(crate) struct Lobby {
    pub(crate) app: Arc<App>,
    pub(crate) now: Timestamp,
    pub(crate) ip: IpAddr,
    pub(crate) origin: Origin,
    need: Need,
    pub(super) request_id: Arc<str>,
    path: String,
    address: String,
    params: Vec<(String, String)>,
    /// The query and, for a form, the body.
    pub(crate) form: Form,
    session_cookies: Candidates,
    /// The secret of forms before sign-in.
    form_secret: String,
    frame: PortalContext,
}

impl Lobby {
    /// Reads a request whole.
    pub(super) async fn enter(
        app: Arc<App>,
        origin: Origin,
        need: Need,
        mut request: Request,
    ) -> Result<Self, Problem> {
        let brought = request.extensions_mut().remove::<Brought>().unwrap_or_default();
        let cookies = match need {
            Need::Nobody => PortalCookies::of_forms(&brought, &Kind::Lobby.name(&origin)),
            Need::Operator | Need::Everywhere(_) | Need::InProject(_) => {
                PortalCookies::of_operators(&brought, &Kind::Session.name(&origin))
            }
        };
        let ip = visit::address_of(&app, &request);
        let request_id = request.extensions().get::<RequestId>().map(|id| Arc::clone(&id.0)).unwrap_or_default();
        let path = request.uri().path().to_string();
        let address = request.uri().path_and_query().map_or(HOME, |address| address.as_str()).to_string();
        let (mut parts, body) = request.into_parts();
        let params = parts.extract::<RawPathParams>().await;
        let params = params.map(|all| all.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect());
        let body = body::read_form_for(&app, Request::from_parts(parts, body)).await.map_err(Problem::Body)?;
        let form = body.form().map_err(|error| Problem::Unreadable(error.to_string()))?;
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
            need,
            request_id,
            path,
            address,
            params: params.unwrap_or_default(),
            form,
            session_cookies: cookies.session,
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

    /// The context for pages of this request.
    pub(super) fn frame(&self) -> &PortalContext {
        &self.frame
    }

    /// The context for a passkey ceremony: the portal, in this browser.
    pub(super) fn seat(&self) -> Seat<'_> {
        Seat { origin: &self.origin, browser: &self.frame.csrf }
    }

    /// The requested path without query.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The requested path with its query.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// A path parameter, empty if absent.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// A field of the query or form, empty if absent; the first of several.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.get_all(name).next().unwrap_or_default()
    }

    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        self.form.get_all(name).collect()
    }

    /// Whether a check box is checked.
    pub(crate) fn is_checked(&self, name: &str) -> bool {
        self.field(name) == "on"
    }

    /// Responds with a page.
    pub(crate) fn show(&self, page: &dyn PortalPage) -> Answer {
        Ok(self.page(StatusCode::OK, page))
    }

    /// Responds with a page and its form's errors.
    pub(crate) fn complain(&self, page: &dyn PortalPage) -> Answer {
        Ok(self.page(StatusCode::UNPROCESSABLE_ENTITY, page))
    }

    /// Responds with a page and the given status, without a notice.
    pub(crate) fn page(&self, status: StatusCode, page: &dyn PortalPage) -> Response {
        let mut frame = self.frame.clone();
        if status != StatusCode::OK {
            frame.notice = None;
        }
        let mut response = answer::render(&frame, status, page);
        if frame.operator.is_none() {
            cookies::set(response.headers_mut(), Kind::Lobby, &self.origin, &self.form_secret);
        }
        response
    }

    /// Redirects to a URL of the portal.
    #[expect(clippy::unnecessary_wraps, reason = "it ends handlers, as the other answers do")]
    pub(crate) fn go(&self, location: &str) -> Answer {
        Ok(answer::redirect(StatusCode::SEE_OTHER, location))
    }

    /// Redirects to a URL of the portal and shows a notice there.
    pub(crate) fn go_and_say(&self, location: &str, notice: PortalNotice) -> Answer {
        let separator = if location.contains('?') { '&' } else { '?' };
        self.go(&format!("{location}{separator}done={}", notice.code()))
    }

    /// Redirects after sign-in.
    pub(super) fn go_signed_in(&self, cookie: &str, location: &str) -> Answer {
        let mut response = answer::redirect(StatusCode::SEE_OTHER, location);
        cookies::set(response.headers_mut(), Kind::Session, &self.origin, cookie);
        cookies::clear(response.headers_mut(), Kind::Lobby, &self.origin);
        Ok(response)
    }

    /// Redirects after sign-out.
    pub(super) fn go_signed_out(&self, location: &str) -> Answer {
        let mut response = answer::redirect(StatusCode::SEE_OTHER, location);
        cookies::clear(response.headers_mut(), Kind::Session, &self.origin);
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

/// The token in forms: derived from a cookie that only this browser has, so that it needs no storage.
fn form_token(secret: &str) -> String {
    hex(&sha256(format!("portal-form|{secret}").as_bytes()).0)
}

/// Of several secrets the one that the form's token was derived from; for a page, any.
fn choose_secret<'c>(cookies: &'c Candidates, presented: &str) -> Option<&'c str> {
    cookies.iter().find(|secret| is_equal(presented, &form_token(secret))).or(cookies.first())
}

fn is_equal(presented: &str, expected: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(presented.as_bytes(), expected.as_bytes()).is_ok()
}

/// A request of an operator.
#[derive(Clone)]
pub(crate) struct Hall {
    lobby: Lobby,
    pub(crate) who: SignedIn,
}

impl Deref for Hall {
    type Target = Lobby;

    fn deref(&self) -> &Lobby {
        &self.lobby
    }
}

impl Hall {
    /// `cookie` is the one that identified the session.
    pub(super) fn open(mut lobby: Lobby, who: SignedIn, cookie: &str) -> Self {
        lobby.frame.operator =
            Some(OperatorBadge { name: who.operator.name.clone(), email: who.operator.email.clone() });
        lobby.frame.csrf = form_token(cookie);
        Self { lobby, who }
    }

    /// Who acts, with the role that the route asks for.
    pub(crate) fn acting(&self) -> Actor {
        let operator = self.who.operator.id;
        let permit = match self.need {
            Need::Nobody | Need::Operator => None,
            Need::Everywhere(role) => Some(Permit { operator, role, everywhere: true }),
            Need::InProject(role) => Some(Permit { operator, role, everywhere: false }),
        };
        Actor { permit, ..self.who.acting(self.ip) }
    }
}

/// A request of an operator about a project in which it has a role.
#[derive(Clone)]
pub(crate) struct Desk {
    hall: Hall,
    pub(crate) project: Arc<Project>,
    pub(crate) role: Role,
}

impl Deref for Desk {
    type Target = Hall;

    fn deref(&self) -> &Hall {
        &self.hall
    }
}

impl Desk {
    /// Selects the project in the path. An operator without a role there gets the same response as for an unknown
    /// project.
    pub(super) fn open(mut hall: Hall) -> Result<Self, Problem> {
        let project = hall.app.projects.find_by_id(hall.param("project")).ok_or(Problem::Missing)?;
        let role = hall.who.role_in(project.no).ok_or(Problem::Missing)?;
        let name = |project: &Project| project.settings.project.name.clone().unwrap_or_else(|| project.id.clone());
        hall.lobby.frame.project = Some(ProjectBadge { id: project.id.clone(), name: name(&project), role });
        let others = staff::list_projects(&hall.app, &hall.who).into_iter().filter(|(other, _)| other.no != project.no);
        hall.lobby.frame.other_projects = others.map(|(other, _)| (other.id.clone(), name(&other))).collect();
        Ok(Self { hall, project, role })
    }

    /// A path below the project's.
    pub(crate) fn href(&self, path: &str) -> String {
        self.frame().href(path)
    }

    pub(crate) fn may_edit(&self) -> bool {
        self.role >= Role::Editor
    }

    /// Redirects to a page of the project and shows a notice there.
    pub(crate) fn done(&self, path: &str, notice: PortalNotice) -> Answer {
        self.go_and_say(&self.href(path), notice)
    }
}
