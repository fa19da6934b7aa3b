//! Requests that applications send themselves, and client authentication: in the body, by HTTP Basic (RFC 6749 §2.3.1), or by a signed
//! assertion (RFC 7523 §2.2).

use axum::{extract::Request, http::HeaderMap, response::Response};
use serde::Serialize;
use vestibule_app::{
    error::Error,
    projects::Project,
    tokens::{ClientProof, client_assertion, provider_token::IdentityConflict},
};
use vestibule_domain::secret::Secret;
use vestibule_protocol::{
    form::Form,
    jose::{CLIENT_ASSERTION_TYPE, peek_client_id},
    login_hint::LoginHint,
    oauth::{ErrorCode, OAuthError},
};
use vestibule_web::{body, credentials::ClientCredentials, error, visit::Visit};

use super::SECRETS;
use crate::json;

pub(super) const CHALLENGE: &str = "Basic realm=\"client\"";

/// Where an endpoint reads its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameters {
    /// In the body, followed by the query; secrets in the body only.
    OfBodyAndQuery,
    /// Only in the body: the address may have been changed on the way.
    OfBody,
}

/// A request of an application.
pub(super) struct ClientRequest {
    pub(super) form: Form,
    pub(super) headers: HeaderMap,
    pub(super) client: PresentedClient,
}

/// The client credentials of a request. What they prove is given out only by [`PresentedClient::prove`].
pub(super) struct PresentedClient {
    proof: ClientProof,
    by_basic: bool,
    /// A signed assertion that is not verified yet.
    assertion: Option<String>,
}

/// Why a client's request is refused.
pub(super) enum ClientRefused {
    Protocol(OAuthError),
    Flow(Error),
    /// The header and the body name different applications.
    TwoClients,
    /// The account at a provider, or its address, belongs to another user.
    Conflict(IdentityConflict),
}

impl From<OAuthError> for ClientRefused {
    fn from(error: OAuthError) -> Self {
        Self::Protocol(error)
    }
}

impl From<Error> for ClientRefused {
    fn from(error: Error) -> Self {
        Self::Flow(error)
    }
}

/// Reads the form and the client's credentials of a request.
///
/// # Errors
/// The error response; with `challenge`, and 401, where it says that the client is not known by its credentials.
pub(super) async fn receive(
    visit: &Visit,
    credentials: &ClientCredentials,
    request: Request,
    parameters: Parameters,
    challenge: Option<&'static str>,
) -> Result<ClientRequest, Response> {
    let body = body::read_form(visit, request).await.map_err(error::body_as_oauth)?;
    let form = match parameters {
        Parameters::OfBodyAndQuery => check_query(&body.query).and_then(|()| body.oauth_form()),
        Parameters::OfBody => body.own_form(),
    };
    let form = form.map_err(|problem| error::oauth_by_code(&problem))?;
    let client = read(&visit.project, credentials, &form).map_err(|refused| match challenge {
        Some(challenge) if refused.is_about_the_client() => {
            error::challenge_basic(refused.answer(visit, None), challenge)
        }
        _ => refused.answer(visit, None),
    })?;
    Ok(ClientRequest { form, headers: body.headers, client })
}

/// Refuses secrets in the query.
fn check_query(query: &str) -> Result<(), OAuthError> {
    let query = Form::parse_query(query)?;
    match SECRETS.into_iter().find(|name| query.get_all(name).next().is_some()) {
        None => Ok(()),
        Some(name) => Err(OAuthError::invalid_request(format!("send {name} in the body: the address gets into logs"))),
    }
}

/// Reads the client's credentials. A secret in the body takes precedence over the header. `client_id` in the body
/// beside the header is not a second authentication (RFC 6749 §3.2.1): both must name the same application. A header
/// whose user name is not an application is meant for an intermediate proxy.
fn read(project: &Project, credentials: &ClientCredentials, form: &Form) -> Result<PresentedClient, ClientRefused> {
    let (id, secret) = (text(form, "client_id")?, text(form, "client_secret")?);
    let (kind, assertion) = (text(form, "client_assertion_type")?, text(form, "client_assertion")?);
    if kind.is_some() || assertion.is_some() {
        let names_client = |id: &str| project.settings.client(id).is_some();
        let has_basic = matches!(credentials.basic(), Ok(Some(basic)) if names_client(&basic.client_id));
        return read_assertion(id, secret.is_some() || has_basic, (kind, assertion));
    }
    let in_body = |id: Option<&str>, secret: Option<&str>| PresentedClient {
        proof: ClientProof {
            client_id: id.unwrap_or_default().to_string(),
            client_secret: secret.map(|secret| Secret::new(secret.to_string())),
            key: None,
        },
        by_basic: false,
        assertion: None,
    };
    if secret.is_some() {
        return Ok(in_body(id, secret));
    }
    let basic = match credentials.basic() {
        Ok(Some(basic)) => basic,
        Ok(None) => return Ok(in_body(id, None)),
        Err(_) if id.is_some() => return Ok(in_body(id, None)),
        Err(malformed) => return Err(OAuthError::invalid_request(malformed.to_string()).into()),
    };
    match id {
        Some(id) if id != basic.client_id && project.settings.client(&basic.client_id).is_some() => {
            Err(ClientRefused::TwoClients)
        }
        Some(id) if id != basic.client_id => Ok(in_body(Some(id), None)),
        Some(_) | None => Ok(PresentedClient {
            proof: ClientProof {
                client_id: basic.client_id,
                client_secret: Some(Secret::new(basic.client_secret.into_string())),
                key: None,
            },
            by_basic: true,
            assertion: None,
        }),
    }
}

/// The application of an assertion: the one that the request names, or else the assertion itself.
fn read_assertion(
    id: Option<&str>,
    has_secret: bool,
    (kind, assertion): (Option<&str>, Option<&str>),
) -> Result<PresentedClient, ClientRefused> {
    if has_secret {
        // RFC 6749 §2.3.
        return Err(OAuthError::invalid_request("authenticate by a secret or by an assertion, not by both").into());
    }
    let refuse = |why: &'static str| ClientRefused::from(OAuthError::new(ErrorCode::InvalidClient, why));
    if kind != Some(CLIENT_ASSERTION_TYPE) {
        return Err(refuse("client_assertion_type is not supported"));
    }
    let assertion = assertion.ok_or_else(|| refuse("client_assertion is required"))?;
    let client_id = id.map(str::to_string).or_else(|| peek_client_id(assertion)).unwrap_or_default();
    let proof = ClientProof { client_id, client_secret: None, key: None };
    Ok(PresentedClient { proof, by_basic: false, assertion: Some(assertion.to_string()) })
}

impl PresentedClient {
    /// The application that the request names.
    pub(super) fn client_id(&self) -> &str {
        &self.proof.client_id
    }

    /// Whether it has an assertion that is not verified yet.
    pub(super) fn has_assertion(&self) -> bool {
        self.assertion.is_some()
    }

    /// What the credentials prove. Verifies the assertion of a request to the endpoint at `path`, if there is one.
    pub(super) async fn prove(&mut self, visit: &Visit, path: &str) -> Result<&ClientProof, Error> {
        if let Some(assertion) = self.assertion.take() {
            let key = client_assertion::verify(&visit.ctx(), &self.proof.client_id, &assertion, path).await?;
            self.proof.key = Some(key);
        }
        Ok(&self.proof)
    }
}

fn text<'a>(form: &'a Form, name: &str) -> Result<Option<&'a str>, OAuthError> {
    Ok(form.get(name)?)
}

impl ClientRefused {
    fn is_about_the_client(&self) -> bool {
        match self {
            Self::Protocol(problem) => problem.code == ErrorCode::InvalidClient,
            Self::Flow(problem) => error::is_about_the_client(problem),
            Self::TwoClients => true,
            Self::Conflict(_) => false,
        }
    }

    /// The error response. A client that tried HTTP Basic gets 401 (RFC 6749 §5.2).
    pub(super) fn answer(&self, visit: &Visit, presented: Option<&PresentedClient>) -> Response {
        let by_basic = presented.is_some_and(|presented| presented.by_basic);
        match self {
            Self::Protocol(problem) => error::oauth_by_code(problem),
            Self::Flow(problem) => {
                let answer = error::flow_as_oauth(visit, problem);
                if by_basic && error::is_about_the_client(problem) {
                    error::challenge_basic(answer, CHALLENGE)
                } else {
                    answer
                }
            }
            Self::Conflict(conflict) => refuse_identity(conflict),
            Self::TwoClients => {
                let why = "client_id is not the client of the HTTP Basic credentials";
                error::challenge_basic(error::oauth_by_code(&OAuthError::new(ErrorCode::InvalidClient, why)), CHALLENGE)
            }
        }
    }
}

/// The answer to an exchange whose account, or its address, belongs to another user; with the continuation, the application goes on.
fn refuse_identity(conflict: &IdentityConflict) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        error: OAuthError,
        x_conflict: &'static str,
        x_continuation: &'a str,
        x_login_hint: String,
    }
    let (x_conflict, why) = if conflict.is_claim {
        ("claim", "the email address belongs to a member: open a page with x_login_hint as its login_hint")
    } else {
        (
            "identity",
            "the account belongs to a member: send x_continuation with x_action=login, or open a page with x_login_hint as its login_hint",
        )
    };
    let body = Body {
        error: OAuthError::new(ErrorCode::IdentityConflict, why),
        x_conflict,
        x_continuation: &conflict.continuation,
        x_login_hint: LoginHint::Continuation(conflict.page_continuation.as_str().into()).print(),
    };
    json::refused_grant(&body)
}
