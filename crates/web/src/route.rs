//! A route: method, path, accepted credentials and handler. A handler's declaration is the type of what it is given.

use std::sync::Arc;

use axum::{
    RequestPartsExt,
    extract::{RawPathParams, Request, State},
    handler::Handler,
    http::{Method, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, any, on},
};
use vestibule_app::state::App;

use crate::{
    credentials::{Accepts, Brought, CredentialKind, NoCredential},
    look_ahead::guard_effect,
    visit::Visit,
};

/// The path below which the Admin API is served.
pub const ADMIN_API_PREFIX: &str = "/_api/admin/v1";

/// One of the HTTP surfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// OAuth 2.0 and OpenID Connect.
    OAuth,
    /// The JSON API of the SDKs.
    SdkApi,
    /// The pages of sign-up, sign-in and promotion.
    HostedPages,
    /// The account pages.
    AccountPages,
    /// What a reverse proxy asks.
    Resolver,
    /// The operators' portal.
    Portal,
    /// The Admin API.
    AdminApi,
    /// Health and readiness.
    Probes,
    /// Style sheets, scripts and images.
    Assets,
    /// The metrics page, on a listener of its own.
    Metrics,
}

/// A route: who answers what, and which credentials of a request it is given.
pub struct Route {
    pub face: Face,
    pub method: Method,
    /// What stands before the path.
    pub mount: &'static str,
    pub path: &'static str,
    pub accepts: Vec<CredentialKind>,
    /// Credentials in the request's own parameters, which the handler reads itself.
    pub parameters: &'static [&'static str],
    /// Read by the table only, which builds the routers.
    pub endpoint: MethodRouter<Arc<App>>,
}

impl Face {
    /// Every face, in the order of the reference page.
    pub const ALL: [Self; 10] = [
        Self::OAuth,
        Self::SdkApi,
        Self::HostedPages,
        Self::AccountPages,
        Self::Resolver,
        Self::AdminApi,
        Self::Portal,
        Self::Probes,
        Self::Metrics,
        Self::Assets,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OAuth => "OAuth and OpenID Connect",
            Self::SdkApi => "SDK API",
            Self::HostedPages => "Hosted pages",
            Self::AccountPages => "Account pages",
            Self::Resolver => "Resolver",
            Self::Portal => "Portal",
            Self::AdminApi => "Admin API",
            Self::Probes => "Probes",
            Self::Assets => "Assets",
            Self::Metrics => "Metrics",
        }
    }
}

impl Route {
    /// A route of a project. What it accepts is the type of the handler's second parameter.
    pub fn new<A, F>(
        face: Face,
        method: Method,
        path: &'static str,
        handler: impl Fn(Visit, A, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        A: Accepts,
        F: Future<Output = Response> + Send + 'static,
    {
        Self::declare(face, (method, path), A::ACCEPTS.to_vec(), with_credentials(handler))
    }

    /// A route of a project that answers every method alike; it is listed as GET.
    pub fn of_any_method<A, F>(
        face: Face,
        path: &'static str,
        handler: impl Fn(Visit, A, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        A: Accepts,
        F: Future<Output = Response> + Send + 'static,
    {
        let endpoint = any(with_credentials(handler.clone()));
        Self { endpoint, ..Self::new(face, Method::GET, path, handler) }
    }

    /// A route that is asked without a project.
    pub fn of_server<F, R>(
        face: Face,
        path: &'static str,
        handler: impl Fn(Arc<App>) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = R> + Send + 'static,
        R: IntoResponse,
    {
        let endpoint = move |State(app): State<Arc<App>>| handler(app);
        Self::declare(face, (Method::GET, path), Vec::new(), endpoint)
    }

    /// A route with its declaration, for faces that give their handlers another caller.
    pub fn declare<T: 'static>(
        face: Face,
        (method, path): (Method, &'static str),
        accepts: Vec<CredentialKind>,
        handler: impl Handler<T, Arc<App>>,
    ) -> Self {
        let filter = MethodFilter::try_from(method.clone()).expect("a method of the table is one of the usual ones");
        Self { face, method, mount: "", path, accepts, parameters: &[], endpoint: on(filter, handler) }
    }

    /// The same below a path.
    pub fn below(self, mount: &'static str) -> Self {
        Self { mount, ..self }
    }

    /// Names the credentials that the handler reads from the request's own parameters.
    pub fn reads(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    /// Says that the GET has an effect, which HEAD and prefetches must not have.
    pub fn with_effect(self) -> Self {
        self.around(|endpoint| endpoint.route_layer(middleware::from_fn(guard_effect)))
    }

    /// Puts something around the handler.
    pub fn around(mut self, wrap: impl FnOnce(MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>>) -> Self {
        self.endpoint = wrap(self.endpoint);
        self
    }

    /// The whole path, with `{parameters}`.
    pub fn full_path(&self) -> String {
        format!("{}{}", self.mount, self.path)
    }
}

/// The handler with the credentials that it accepts.
fn with_credentials<A, F>(
    handler: impl Fn(Visit, A, Request) -> F + Clone + Send + Sync + 'static,
) -> impl Fn(Visit, Request) -> F + Clone + Send + Sync + 'static
where
    A: Accepts,
    F: Future<Output = Response> + Send + 'static,
{
    move |visit: Visit, mut request: Request| {
        let brought = request.extensions_mut().remove::<Brought>().unwrap_or_default();
        let kept = A::keep(brought, &visit.project);
        handler(visit, kept, request)
    }
}

/// A page of the account.
pub fn account_page<A, F>(
    method: Method,
    path: &'static str,
    handler: impl Fn(Visit, A, Request) -> F + Clone + Send + Sync + 'static,
) -> Route
where
    A: Accepts,
    F: Future<Output = Response> + Send + 'static,
{
    Route::new(Face::AccountPages, method, path, handler)
}

/// A route of the Admin API that is asked without a key.
pub fn api_description<F>(
    path: &'static str,
    handler: impl Fn(Visit, NoCredential, Request) -> F + Clone + Send + Sync + 'static,
) -> Route
where
    F: Future<Output = Response> + Send + 'static,
{
    Route::new(Face::AdminApi, Method::GET, path, handler)
}

/// A part of the path, empty if there is no such one.
pub async fn path_parameter(parts: &mut Parts, name: &str) -> String {
    let all = parts.extract::<RawPathParams>().await;
    let found = all.ok().and_then(|all| all.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string()));
    found.unwrap_or_default()
}
