//! The doors of the portal: each route with who may pass. Checked here and nowhere else, so that a test can try them all.

use std::{pin::Pin, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode},
    response::Response,
};
use vestibule_domain::operator::Role;
use vestibule_protocol::form::Form;

use super::{
    answer::{self, Answer, Problem},
    lobby::{Desk, Hall, Lobby},
    origin_of,
};
use crate::{
    app::App,
    flows::operators::sign_in,
    http::{
        credentials::Credential,
        error,
        routes::{Face, Route},
    },
    ui::portal::PortalContext,
};

/// Looking, or doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Shows a page and changes nothing.
    Get,
    /// Takes a form of ours.
    Post,
}

/// Who may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Anybody.
    Nobody,
    /// Any operator.
    Operator,
    /// Operators with at least this role in every project.
    Everywhere(Role),
    /// Operators with at least this role in the project the path names.
    InProject(Role),
}

type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

#[derive(Clone)]
enum Handler {
    Lobby(Arc<dyn Fn(Lobby) -> Work + Send + Sync>),
    Hall(Arc<dyn Fn(Hall) -> Work + Send + Sync>),
    Desk(Arc<dyn Fn(Desk) -> Work + Send + Sync>),
}

/// A route of the portal.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    pub(crate) need: Need,
    pub(crate) is_dangerous: bool,
    handler: Handler,
}

impl Door {
    /// A door anybody may pass.
    pub(super) fn lobby<F>(verb: Verb, path: &'static str, work: impl Fn(Lobby) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let handler = Handler::Lobby(Arc::new(move |lobby| Box::pin(work(lobby))));
        Self { verb, path, need: Need::Nobody, is_dangerous: false, handler }
    }

    /// A door for operators, or for those with a role everywhere.
    pub(super) fn hall<F>(
        verb: Verb,
        path: &'static str,
        need: Option<Role>,
        work: impl Fn(Hall) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let need = need.map_or(Need::Operator, Need::Everywhere);
        let handler = Handler::Hall(Arc::new(move |hall| Box::pin(work(hall))));
        Self { verb, path, need, is_dangerous: false, handler }
    }

    /// A door for operators with at least this role in the project; the path begins with `/portal/p/{project}`.
    pub(super) fn desk<F>(
        verb: Verb,
        path: &'static str,
        role: Role,
        work: impl Fn(Desk) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let handler = Handler::Desk(Arc::new(move |desk| Box::pin(work(desk))));
        Self { verb, path, need: Need::InProject(role), is_dangerous: false, handler }
    }

    /// About one project, but only for operators with that role in every project.
    pub(super) fn everywhere(mut self) -> Self {
        if let Need::InProject(role) = self.need {
            self.need = Need::Everywhere(role);
        }
        self
    }

    /// Behind it lies what cannot be undone, or a secret: the operator proves first who it is. What the door takes with
    /// `Post` must have a page with `Get` at the same path, to come back to.
    pub(super) fn dangerous(mut self) -> Self {
        self.is_dangerous = true;
        self
    }

    /// Its row of the table of routes.
    pub(super) fn into_route(self) -> Route {
        let method = match self.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
        };
        let accepts = match self.need {
            Need::Nobody => Credential::PortalFormCookie,
            need @ (Need::Operator | Need::Everywhere(_) | Need::InProject(_)) => Credential::OperatorCookie(need),
        };
        let (path, door) = (self.path, Arc::new(self));
        Route::declare(
            Face::Portal,
            (method, path),
            vec![accepts],
            move |State(app): State<Arc<App>>, request: Request| {
                let door = Arc::clone(&door);
                async move { door.pass(app, request).await }
            },
        )
    }

    async fn pass(&self, app: Arc<App>, request: Request) -> Response {
        let Some(origin) = origin_of(&app) else {
            return error::plain(StatusCode::NOT_FOUND, "There is no portal here.\n");
        };
        let lobby = match Lobby::enter(app, origin, self.need, request).await {
            Ok(lobby) => lobby,
            Err(problem) => return problem.respond(&PortalContext::default(), ""),
        };
        let (mut frame, request_id) = (lobby.frame().clone(), Arc::clone(&lobby.request_id));
        match self.check(lobby, &mut frame).await {
            Ok(response) => response,
            Err(problem) => {
                frame.notice = None;
                problem.respond(&frame, &request_id)
            }
        }
    }

    /// Operator, role, form token, fresh proof: in this order.
    async fn check(&self, lobby: Lobby, frame: &mut PortalContext) -> Answer {
        let need = match (&self.handler, self.need) {
            (Handler::Lobby(work), _) => {
                self.check_form(&lobby)?;
                return work(lobby).await;
            }
            (Handler::Hall(_) | Handler::Desk(_), need) => need,
        };
        let who = sign_in::resolve(&lobby.app, lobby.session_cookies(), lobby.now).await?;
        let Some((who, cookie)) = who.map(|(who, cookie)| (who, cookie.to_string())) else {
            let next = if self.verb == Verb::Get { lobby.address() } else { lobby.path() };
            return lobby.go(&format!("/portal/sign-in?{}", Form::from_pairs([("next", next)]).print()));
        };
        let hall = Hall::open(lobby, who, &cookie);
        frame.clone_from(hall.frame());
        if let Need::Everywhere(role) = need
            && hall.who.role_everywhere() < Some(role)
        {
            return Err(Problem::Forbidden);
        }
        match &self.handler {
            Handler::Desk(work) => {
                let desk = Desk::open(hall)?;
                frame.clone_from(desk.frame());
                if let Need::InProject(role) = need
                    && desk.role < role
                {
                    return Err(Problem::Forbidden);
                }
                self.check_form(&desk)?;
                match self.ask_to_prove(&desk) {
                    Some(response) => Ok(response),
                    None => work(desk).await,
                }
            }
            Handler::Hall(work) => {
                self.check_form(&hall)?;
                match self.ask_to_prove(&hall) {
                    Some(response) => Ok(response),
                    None => work(hall).await,
                }
            }
            Handler::Lobby(_) => Err(Problem::Broken),
        }
    }

    fn check_form(&self, lobby: &Lobby) -> Result<(), Problem> {
        if self.verb == Verb::Get || lobby.has_form_token() { Ok(()) } else { Err(Problem::FormExpired) }
    }

    fn ask_to_prove(&self, hall: &Hall) -> Option<Response> {
        if !self.is_dangerous || sign_in::is_proved(&hall.who, hall.now) {
            return None;
        }
        let next = Form::from_pairs([("next", hall.path())]).print();
        Some(answer::redirect(StatusCode::SEE_OTHER, &format!("/portal/prove?{next}")))
    }
}
