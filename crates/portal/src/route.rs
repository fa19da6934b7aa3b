//! The routes of the portal, each with the role it requires. The role is checked only here, so that one test can try
//! all routes.

use std::{pin::Pin, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use vestibule_app::{operators::sign_in, state::App};
use vestibule_domain::operator::Role;
use vestibule_protocol::form::Form;
use vestibule_web::{
    credentials::CredentialKind,
    error,
    route::{Face, Route},
};

use crate::{
    Access,
    frame::PortalContext,
    origin_of,
    request::{OperatorRequest, ProjectRequest, PublicRequest},
    response::{self, PageResult, PortalError},
};

/// The method of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Shows a page and changes nothing.
    Get,
    /// Handles a form with a token.
    Post,
}

type HandlerFuture = Pin<Box<dyn Future<Output = PageResult> + Send>>;

#[derive(Clone)]
enum RouteHandler {
    Public(Arc<dyn Fn(PublicRequest) -> HandlerFuture + Send + Sync>),
    Operator(Arc<dyn Fn(OperatorRequest) -> HandlerFuture + Send + Sync>),
    Project(Arc<dyn Fn(ProjectRequest) -> HandlerFuture + Send + Sync>),
}

/// Whether a route takes a form with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upload {
    None,
    /// A file of text, which is a field of the form.
    Text,
    /// An image, apart from the form.
    Image,
}

#[derive(Clone)]
pub struct PortalRoute {
    pub verb: Verb,
    pub path: &'static str,
    pub access: Access,
    pub requires_reauthentication: bool,
    /// Whether it is a `Get` that HEAD and prefetches must not cause.
    has_effect: bool,
    upload: Upload,
    handler: RouteHandler,
}

impl PortalRoute {
    fn new(verb: Verb, path: &'static str, access: Access, handler: RouteHandler) -> Self {
        Self { verb, path, access, requires_reauthentication: false, has_effect: false, upload: Upload::None, handler }
    }

    /// A route without authentication.
    pub(super) fn public<F>(
        verb: Verb,
        path: &'static str,
        work: impl Fn(PublicRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = PageResult> + Send + 'static,
    {
        let handler = RouteHandler::Public(Arc::new(move |public_request| Box::pin(work(public_request))));
        Self::new(verb, path, Access::Anonymous, handler)
    }

    /// A route for operators, or for those with a role in all projects.
    pub(super) fn operator<F>(
        verb: Verb,
        path: &'static str,
        access: Option<Role>,
        work: impl Fn(OperatorRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = PageResult> + Send + 'static,
    {
        let access = access.map_or(Access::Operator, Access::Everywhere);
        let handler = RouteHandler::Operator(Arc::new(move |operator_request| Box::pin(work(operator_request))));
        Self::new(verb, path, access, handler)
    }

    /// A route for operators with at least this role in the project; the path begins with `/portal/p/{project}`.
    pub(super) fn project<F>(
        verb: Verb,
        path: &'static str,
        role: Role,
        work: impl Fn(ProjectRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = PageResult> + Send + 'static,
    {
        let handler = RouteHandler::Project(Arc::new(move |project_request| Box::pin(work(project_request))));
        Self::new(verb, path, Access::InProject(role), handler)
    }

    /// Requires the role in all projects, for a route about one project.
    pub(super) fn everywhere(mut self) -> Self {
        if let Access::InProject(role) = self.access {
            self.access = Access::Everywhere(role);
        }
        self
    }

    /// Marks an action that is irreversible or reveals a secret: the operator must reauthenticate first. A `Post` route
    /// needs a page with `Get` at the same path to return to.
    pub(super) fn requires_reauthentication(mut self) -> Self {
        self.requires_reauthentication = true;
        self
    }

    /// Marks a `Get` that takes what its query brings, once. A sign-in leads back to it without the query.
    pub(super) fn with_effect(mut self) -> Self {
        self.has_effect = true;
        self
    }

    /// Also takes a form with a file of text.
    pub(super) fn takes_upload(mut self) -> Self {
        self.upload = Upload::Text;
        self
    }

    /// Also takes a form with an image.
    pub(super) fn takes_image(mut self) -> Self {
        self.upload = Upload::Image;
        self
    }

    /// Its entry in the table of routes.
    pub(super) fn into_route(self) -> Route {
        let method = match self.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
        };
        let accepts = match self.access {
            Access::Anonymous => vec![CredentialKind::PortalFormCookie, CredentialKind::PortalKnownDeviceCookie],
            access @ Access::Operator => {
                vec![CredentialKind::OperatorCookie(access), CredentialKind::PortalKnownDeviceCookie]
            }
            access @ (Access::Everywhere(_) | Access::InProject(_)) => vec![CredentialKind::OperatorCookie(access)],
        };
        let (path, has_effect, route) = (self.path, self.has_effect, Arc::new(self));
        let handler = move |State(app): State<Arc<App>>, request: Request| {
            let route = Arc::clone(&route);
            async move { route.handle(app, request).await }
        };
        let declared = Route::declare(Face::Portal, (method, path), accepts, handler);
        if has_effect { declared.with_effect() } else { declared }
    }

    async fn handle(&self, app: Arc<App>, request: Request) -> Response {
        let Some(origin) = origin_of(&app) else {
            return error::plain(StatusCode::NOT_FOUND, "The portal is not served at this host.\n");
        };
        let public_request = match PublicRequest::enter(app, origin, (self.access, self.upload), request).await {
            Ok(public_request) => public_request,
            Err(problem) => return problem.respond(&PortalContext::default(), None),
        };
        let (mut frame, request_id) = (public_request.frame().clone(), public_request.request_id);
        match self.check(public_request, &mut frame).await {
            Ok(response) => response,
            Err(problem) => {
                frame.notice = None;
                problem.respond(&frame, request_id)
            }
        }
    }

    /// Checks operator, role, form token and recent authentication, in this order.
    async fn check(&self, public_request: PublicRequest, frame: &mut PortalContext) -> PageResult {
        let access = match (&self.handler, self.access) {
            (RouteHandler::Public(work), _) => {
                self.check_form(&public_request)?;
                return work(public_request).await;
            }
            (RouteHandler::Operator(_) | RouteHandler::Project(_), access) => access,
        };
        let signed_in =
            sign_in::resolve(&public_request.app, public_request.session_cookies(), public_request.now).await?;
        let Some((signed_in, cookie)) = signed_in.map(|(signed_in, cookie)| (signed_in, cookie.to_string())) else {
            let keeps_query = self.verb == Verb::Get && !self.has_effect;
            let next = if keeps_query { public_request.address() } else { public_request.path() };
            let next = if next.len() <= crate::request::NEXT_BYTES { next } else { crate::HOME };
            return public_request.go(&format!("/portal/sign-in?{}", Form::from_pairs([("next", next)]).print()));
        };
        let operator_request = OperatorRequest::open(public_request, signed_in, &cookie);
        frame.clone_from(operator_request.frame());
        if let Access::Everywhere(role) = access
            && operator_request.signed_in.role_everywhere() < Some(role)
        {
            return Err(PortalError::Forbidden);
        }
        match &self.handler {
            RouteHandler::Project(work) => {
                let project_request = ProjectRequest::open(operator_request)?;
                frame.clone_from(project_request.frame());
                if let Access::InProject(role) = access
                    && project_request.role < role
                {
                    return Err(PortalError::Forbidden);
                }
                self.check_form(&project_request)?;
                match self.ask_to_prove(&project_request) {
                    Some(response) => Ok(response),
                    None => work(project_request).await,
                }
            }
            RouteHandler::Operator(work) => {
                self.check_form(&operator_request)?;
                match self.ask_to_prove(&operator_request) {
                    Some(response) => Ok(response),
                    None => work(operator_request).await,
                }
            }
            RouteHandler::Public(_) => Err(PortalError::Broken),
        }
    }

    fn check_form(&self, public_request: &PublicRequest) -> Result<(), PortalError> {
        if self.verb == Verb::Get || public_request.has_form_token() { Ok(()) } else { Err(PortalError::FormExpired) }
    }

    fn ask_to_prove(&self, operator_request: &OperatorRequest) -> Option<Response> {
        if !self.requires_reauthentication || sign_in::is_proved(&operator_request.signed_in, operator_request.now) {
            return None;
        }
        let next = Form::from_pairs([("next", operator_request.path())]).print();
        Some(response::redirect(StatusCode::SEE_OTHER, &format!("/portal/prove?{next}")))
    }
}
