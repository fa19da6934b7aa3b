//! Testing a provider: the operator signs in there, and sees what the provider said. No one is signed in here, and nothing is stored.

use askama::Template;
use axum::http::StatusCode;
use vestibule_app::{
    admin::AdminError,
    flow::external::ExternalProblem,
    providers::trial::{self, ReceivedUser, TrialEnd, TrialFailure, TrialStart},
};
use vestibule_domain::operator::Role;
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    frame::{PortalContext, PortalPage},
    notice::PortalNotice,
    providers::{LIST, find},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const TRIED: &str = "/portal/p/{project}/providers/{alias}/tried";
    vec![
        PortalRoute::project(Verb::Post, "/portal/p/{project}/providers/{alias}/try", Role::Editor, begin),
        // The callback of the project's host leads here.
        PortalRoute::project(Verb::Get, TRIED, Role::Editor, end).with_effect(),
    ]
}

async fn begin(request: ProjectRequest) -> PageResult {
    let alias = request.param("alias").to_string();
    match trial::start(&request.ctx(), &request.signed_in.session.token, &alias).await {
        Ok(TrialStart::Redirect(url)) => request.go(&url),
        Ok(TrialStart::Failed(failure)) => show(&request, Outcome::Failed(failure)).await,
        Err(AdminError::NotFound(_)) => request.done(LIST, PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn end(request: ProjectRequest) -> PageResult {
    let alias = request.param("alias").to_string();
    let (ctx, session) = (request.ctx(), &request.signed_in.session.token);
    match trial::answer(&ctx, session, &alias, request.form.clone()).await {
        Ok(TrialEnd::Received(user)) => show(&request, Outcome::Received(user)).await,
        Ok(TrialEnd::Failed(failure)) => show(&request, Outcome::Failed(failure)).await,
        Ok(TrialEnd::Stale) => show(&request, Outcome::Stale).await,
        Err(AdminError::NotFound(_)) => request.done(LIST, PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn show(request: &ProjectRequest, outcome: Outcome) -> PageResult {
    let info = find(request).await?;
    let status = match outcome {
        Outcome::Received(_) => StatusCode::OK,
        Outcome::Failed(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Outcome::Stale => StatusCode::GONE,
    };
    let name = info.provider.display_name().to_string();
    Ok(request.page(status, &TrialPage { name, alias: info.provider.alias, outcome }))
}

#[derive(Clone, Debug)]
enum Outcome {
    Received(ReceivedUser),
    Failed(TrialFailure),
    Stale,
}

/// What a test of a provider led to.
#[derive(Clone, Debug)]
pub(crate) struct TrialPage {
    name: String,
    alias: String,
    outcome: Outcome,
}

impl TrialPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let page = |outcome| Self { name: "Google".into(), alias: "google".into(), outcome };
        let email =
            |is_believed| trial::ReceivedEmail {
                masked: "k•••@shop.example".into(), is_verified: true, is_believed
            };
        let user = ReceivedUser {
            subject: "1098•••".into(),
            email: Some(email(true)),
            names: vec![("name", "Kim <Li>".into()), ("given_name", "Kim".into())],
            others: vec!["locale".into(), "picture".into()],
        };
        let sparse = ReceivedUser { email: None, names: Vec::new(), others: Vec::new(), ..user.clone() };
        let unbelieved = ReceivedUser { email: Some(email(false)), ..user.clone() };
        let failed = |problem, reason: &str| Outcome::Failed(TrialFailure { problem, reason: reason.into() });
        vec![
            ("received", page(Outcome::Received(user))),
            ("sparse", page(Outcome::Received(sparse))),
            ("unbelieved", page(Outcome::Received(unbelieved))),
            ("denied", page(failed(ExternalProblem::Denied, "refused: access_denied"))),
            ("unavailable", page(failed(ExternalProblem::Unavailable, "unavailable: it answered 503"))),
            ("refused", page(failed(ExternalProblem::NotAccepted, "refused: invalid_client"))),
            ("not-set-up", page(failed(ExternalProblem::NotSetUp, "the client secret of the provider is not set"))),
            ("stale", page(Outcome::Stale)),
        ]
    }

    fn user(&self) -> Option<&ReceivedUser> {
        match &self.outcome {
            Outcome::Received(user) => Some(user),
            Outcome::Failed(_) | Outcome::Stale => None,
        }
    }

    /// What a user would be told, and the reason.
    fn failure(&self) -> (String, Option<&str>) {
        let name = &self.name;
        match &self.outcome {
            Outcome::Failed(failure) => {
                let told = match failure.problem {
                    ExternalProblem::Denied => format!("You, or {name} for you, declined."),
                    ExternalProblem::Unavailable => format!("{name} does not answer, or not as a provider does."),
                    ExternalProblem::NotSetUp => format!("{name} is not set up: its client secret is not set."),
                    ExternalProblem::NotAccepted
                    | ExternalProblem::BelongsToMember
                    | ExternalProblem::Unknown
                    | ExternalProblem::OtherAccount => format!("What {name} answered proves nothing."),
                };
                (told, Some(&failure.reason))
            }
            Outcome::Received(_) | Outcome::Stale => (
                "This answer was shown before, is older than ten minutes, or belongs to another sign-in to the portal or to other settings of the provider. Test it again.".into(),
                None,
            ),
        }
    }
}

impl PortalPage for TrialPage {
    fn title(&self) -> String {
        format!("Test of {}", self.name)
    }

    fn section(&self) -> Option<&'static str> {
        Some("providers")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((LIST.into(), "Providers".into()))
    }

    fn forms(&self) -> vestibule_web::policy::Forms {
        vestibule_web::policy::Forms::Leave
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(TrialBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/provider_trial.html")]
struct TrialBody<'a> {
    ctx: &'a PortalContext,
    page: &'a TrialPage,
}
