//! The credentials of a request. They are removed from its headers first and reach a handler only as the type that its
//! route declares; undeclared credentials are not accessible (ADR 67).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use cookie::Cookie;
use vestibule_app::{
    admin::keys,
    caller::{self, AccountCaller, ApiCaller, CallerUser, Resolution, SessionCaller},
    candidates::Candidates,
    error::Error,
    known_devices,
    projects::Project,
};
use vestibule_domain::{operator::Role, user::Owner};
use vestibule_protocol::{
    basic::{BasicCredentials, BasicError},
    bearer::Bearer,
    limits::{COOKIE_BYTES, HEADER_BYTES},
    oauth::Scope,
};

use crate::{
    access::Access,
    cookies::{Names, is_secret, known_device_name},
    header_text::parts_of,
    visit::Visit,
};

/// A kind of credential that a route accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    SessionCookie,
    /// The `app_session` cookie: the account page of an application's user.
    AppSessionCookie,
    /// The `oauth_ui` cookie, which binds a flow to one browser.
    FlowCookie,
    /// The cookie by which a browser is known for accounts that signed in there: it gives attempt limits of their own, and
    /// no access.
    KnownDeviceCookie,
    /// An access token whose grant has this scope, as `Authorization: Bearer`. No DPoP proof is required.
    BearerToken(Scope),
    /// A client's ID and secret, as `Authorization: Basic` or in the form, or its signed assertion.
    ClientAuthentication,
    /// An Admin API key with this scope, as `Authorization: Bearer`.
    AdminKey(keys::AdminScope),
    /// An operator's session cookie in the portal, and the required role.
    OperatorCookie(Access),
    /// The cookie that binds the portal's forms before sign-in to one browser.
    PortalFormCookie,
    /// The same as [`Self::KnownDeviceCookie`] for the portal's sign-in.
    PortalKnownDeviceCookie,
}

impl CredentialKind {
    /// The name, with its scope or role.
    #[must_use]
    pub fn describe(self) -> String {
        let role = |role| match role {
            Role::Viewer => "viewer",
            Role::Editor => "editor",
            Role::Owner => "owner",
        };
        match self {
            Self::SessionCookie => "session cookie".into(),
            Self::AppSessionCookie => "app session cookie".into(),
            Self::FlowCookie => "flow cookie".into(),
            Self::KnownDeviceCookie => "known device cookie".into(),
            Self::BearerToken(scope) => format!("bearer token (`{scope}`)"),
            Self::ClientAuthentication => "client authentication".into(),
            Self::AdminKey(scope) => format!("admin key (`{}`)", scope.as_str()),
            Self::OperatorCookie(Access::Anonymous | Access::Operator) => "operator cookie".into(),
            Self::OperatorCookie(Access::Everywhere(least)) => {
                format!("operator cookie ({} of every project)", role(least))
            }
            Self::OperatorCookie(Access::InProject(least)) => {
                format!("operator cookie ({} of the project)", role(least))
            }
            Self::PortalFormCookie => "portal form cookie".into(),
            Self::PortalKnownDeviceCookie => "portal known device cookie".into(),
        }
    }
}

/// The credentials of a request, readable only in this module.
#[derive(Clone, Default)]
pub struct Brought {
    authorization: Option<HeaderValue>,
    cookies: Option<HeaderValue>,
    /// Further `Cookie` headers; HTTP/2 allows several (RFC 9113 §8.2.3).
    more_cookies: Vec<HeaderValue>,
}

impl Brought {
    /// Removes the credentials from a request's headers.
    pub fn take(headers: &mut HeaderMap) -> Self {
        let authorization = headers.remove(header::AUTHORIZATION);
        let mut lines = headers.get_all(header::COOKIE).iter().cloned();
        let (cookies, more_cookies) = (lines.next(), lines.collect());
        if cookies.is_some() {
            headers.remove(header::COOKIE);
        }
        Self { authorization, cookies, more_cookies }
    }

    fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().and_then(|value| value.to_str().ok())
    }

    /// The well-formed values of all cookies of this name, in the order sent.
    fn all(&self, name: &str, is_well_formed: impl Fn(&str) -> bool) -> Candidates {
        let lines = self.cookies.iter().chain(&self.more_cookies);
        // Pair by pair: a neighbor's cookie may hold anything.
        let cookies = lines.flat_map(|line| parts_of(line, b';')).filter_map(|pair| Cookie::parse(pair).ok());
        let mut candidates = Candidates::default();
        for cookie in cookies.filter(|cookie| cookie.name() == name) {
            candidates.add(cookie.value(), &is_well_formed);
        }
        candidates
    }

    /// The values of one of the project's cookies.
    fn project_cookies(
        &self,
        name: impl FnOnce(Names) -> String,
        project: &Project,
        is_well_formed: impl Fn(&str) -> bool,
    ) -> Candidates {
        // Most callers with a token send no cookie.
        if self.cookies.is_none() {
            return Candidates::default();
        }
        self.all(&name(Names::of(project)), is_well_formed)
    }

    fn session(&self, project: &Project) -> Candidates {
        self.project_cookies(|names| names.session, project, caller::is_session_cookie)
    }

    fn app_session(&self, project: &Project) -> Candidates {
        let is_ours = |value: &str| project.keys.mac.read_app_session(value).is_some();
        self.project_cookies(|names| names.app_session, project, is_ours)
    }

    /// The secrets that may bind a flow to this browser. Only values in this server's format are accepted: an attacker
    /// may have planted others.
    fn flow(&self, project: &Project) -> Candidates {
        self.project_cookies(|names| names.flow, project, is_secret)
    }

    fn known_devices(&self, project: &Project) -> Candidates {
        if self.cookies.is_none() {
            return Candidates::default();
        }
        self.all(&known_device_name(project), known_devices::is_well_formed)
    }
}

/// Maximum bytes of a header of this name.
pub fn longest_header(name: &HeaderName) -> usize {
    if *name == header::COOKIE { COOKIE_BYTES } else { HEADER_BYTES }
}

/// The credentials that a handler accepts: the type of one of its parameters, from which its route is declared.
pub trait Accepts: Sized + Send + 'static {
    const ACCEPTS: &'static [CredentialKind];

    /// Keeps the accepted credentials and drops the rest.
    fn keep(brought: Brought, project: &Project) -> Self;
}

/// No credential: the response is the same for all callers, or the handler reads a credential from its parameters.
pub struct NoCredential;

impl Accepts for NoCredential {
    const ACCEPTS: &'static [CredentialKind] = &[];

    fn keep(_: Brought, _: &Project) -> Self {
        Self
    }
}

pub struct SessionCookie {
    session: Candidates,
    /// Whether the request came from a page of the same site.
    pub is_same_site: bool,
}

impl Accepts for SessionCookie {
    const ACCEPTS: &'static [CredentialKind] = &[CredentialKind::SessionCookie];

    fn keep(brought: Brought, project: &Project) -> Self {
        let strict = brought.project_cookies(|names| names.same_site_strict, project, |value| value == "true");
        Self { session: brought.session(project), is_same_site: !strict.is_empty() }
    }
}

impl SessionCookie {
    /// The user signed in to this browser.
    pub async fn resolve(&self, visit: &Visit) -> Result<Resolution<SessionCaller>, Error> {
        caller::resolve_session(&visit.ctx(), &self.session).await
    }

    /// The user signed in to this browser, if there is one. App sessions are closed on the account pages.
    pub async fn signed_in(&self, visit: &Visit) -> Result<Option<SessionCaller>, Error> {
        Ok(self.resolve(visit).await?.live().cloned())
    }
}

/// The token of the forms of a user of [`SessionCookie`].
#[must_use]
pub fn form_token(visit: &Visit, caller: &SessionCaller) -> String {
    visit.project.keys.mac.session_form_token(caller.session.id)
}

/// The credentials of a flow's pages: the session cookie, the cookie that binds the flow to its browser, and the one by which
/// the browser is known for accounts.
pub struct FlowCookies {
    session: Candidates,
    pub flow: Candidates,
    pub known_devices: Candidates,
}

impl Accepts for FlowCookies {
    const ACCEPTS: &'static [CredentialKind] =
        &[CredentialKind::SessionCookie, CredentialKind::FlowCookie, CredentialKind::KnownDeviceCookie];

    fn keep(brought: Brought, project: &Project) -> Self {
        let known_devices = brought.known_devices(project);
        Self { session: brought.session(project), flow: brought.flow(project), known_devices }
    }
}

impl FlowCookies {
    /// The user signed in to this browser.
    pub async fn resolve(&self, visit: &Visit) -> Result<Resolution<SessionCaller>, Error> {
        caller::resolve_session(&visit.ctx(), &self.session).await
    }
}

/// Only the cookie that binds a flow to its browser.
pub struct FlowCookie {
    pub flow: Candidates,
}

impl Accepts for FlowCookie {
    const ACCEPTS: &'static [CredentialKind] = &[CredentialKind::FlowCookie];

    fn keep(brought: Brought, project: &Project) -> Self {
        Self { flow: brought.flow(project) }
    }
}

impl From<FlowCookie> for FlowCookies {
    fn from(FlowCookie { flow }: FlowCookie) -> Self {
        Self { session: Candidates::default(), flow, known_devices: Candidates::default() }
    }
}

/// The credentials of the account pages: the session cookie or the app session cookie.
pub struct AccountCookies {
    session: Candidates,
    app_session: Candidates,
}

impl Accepts for AccountCookies {
    const ACCEPTS: &'static [CredentialKind] = &[CredentialKind::SessionCookie, CredentialKind::AppSessionCookie];

    fn keep(brought: Brought, project: &Project) -> Self {
        Self { session: brought.session(project), app_session: brought.app_session(project) }
    }
}

impl AccountCookies {
    /// The app sessions, for `tokens::app_session` of the app crate.
    pub fn app_session(&self) -> &Candidates {
        &self.app_session
    }

    /// The user whose account it is.
    pub async fn resolve(&self, visit: &Visit) -> Result<Resolution<AccountCaller>, Error> {
        let cookies = caller::PresentedAccountCookies { session: &self.session, app_session: &self.app_session };
        caller::resolve_account(&visit.ctx(), cookies).await
    }
}

/// The credentials of account pages after which browsers that were known for the account are no longer, except this one.
pub struct KnownAccountCookies {
    pub account: AccountCookies,
    pub known_devices: Candidates,
}

impl Accepts for KnownAccountCookies {
    const ACCEPTS: &'static [CredentialKind] =
        &[CredentialKind::SessionCookie, CredentialKind::AppSessionCookie, CredentialKind::KnownDeviceCookie];

    fn keep(brought: Brought, project: &Project) -> Self {
        let known_devices = brought.known_devices(project);
        Self { account: AccountCookies::keep(brought, project), known_devices }
    }
}

/// The credentials for starting a flow: the flow's and the account's cookies.
pub struct BrowserCookies {
    pub account: AccountCookies,
    pub flow: Candidates,
}

impl Accepts for BrowserCookies {
    const ACCEPTS: &'static [CredentialKind] =
        &[CredentialKind::SessionCookie, CredentialKind::AppSessionCookie, CredentialKind::FlowCookie];

    fn keep(brought: Brought, project: &Project) -> Self {
        let flow = brought.flow(project);
        Self { account: AccountCookies::keep(brought, project), flow }
    }
}

impl BrowserCookies {
    /// The credentials for the pages of the new flow.
    pub fn of_flow(&self) -> FlowCookies {
        let (session, flow) = (self.account.session.clone(), self.flow.clone());
        // A flow that begins tries no credential.
        FlowCookies { session, flow, known_devices: Candidates::default() }
    }

    /// The user signed in to this browser, without app sessions.
    pub async fn resolve_session(&self, visit: &Visit) -> Result<Resolution<SessionCaller>, Error> {
        caller::resolve_session(&visit.ctx(), &self.account.session).await
    }
}

/// The credentials of an API call: a bearer token or the session cookie.
pub struct ApiCredentials {
    brought: Brought,
    session: Candidates,
}

impl Accepts for ApiCredentials {
    const ACCEPTS: &'static [CredentialKind] =
        &[CredentialKind::BearerToken(Scope::OPENID), CredentialKind::SessionCookie];

    fn keep(brought: Brought, project: &Project) -> Self {
        let session = brought.session(project);
        Self { brought, session }
    }
}

impl ApiCredentials {
    /// Finds the caller: by bearer token, or by cookie when that is invalid.
    pub async fn resolve(&self, visit: &Visit) -> Result<Resolution<ApiCaller>, Error> {
        self.find(visit, true, false).await
    }

    /// The same for a request that needs the rows of a guest: one that is not stored is stored.
    pub async fn resolve_stored(&self, visit: &Visit) -> Result<Resolution<ApiCaller>, Error> {
        self.find(visit, true, true).await
    }

    /// The same without tokens of third-party applications, which are treated as invalid. Of an active guest no more is read than that it
    /// is one.
    pub async fn resolve_first_party(&self, visit: &Visit) -> Result<Resolution<ApiCaller<Owner>>, Error> {
        self.find(visit, false, false).await
    }

    /// [`Self::resolve_first_party`] for a request that needs the rows of a guest.
    pub async fn resolve_stored_first_party(&self, visit: &Visit) -> Result<Resolution<ApiCaller>, Error> {
        self.find(visit, false, true).await
    }

    async fn find<U: CallerUser>(
        &self,
        visit: &Visit,
        accepts_third_parties: bool,
        stores_guest: bool,
    ) -> Result<Resolution<ApiCaller<U>>, Error> {
        let bearer = Bearer::parse(self.brought.authorization());
        let (bearer, session) = (bearer.token(), &self.session);
        let presented = caller::PresentedApiCredentials { bearer, session, accepts_third_parties, stores_guest };
        caller::resolve_api(&visit.ctx(), presented).await
    }
}

pub struct ClientCredentials(Brought);

impl Accepts for ClientCredentials {
    const ACCEPTS: &'static [CredentialKind] = &[CredentialKind::ClientAuthentication];

    fn keep(brought: Brought, _: &Project) -> Self {
        Self(brought)
    }
}

impl ClientCredentials {
    /// The credentials in the header.
    pub fn basic(&self) -> Result<Option<BasicCredentials>, BasicError> {
        BasicCredentials::parse(self.0.authorization())
    }
}

/// The credentials at the token endpoint: the client's and, for the `id-token` grant, the caller's.
pub struct TokenCredentials {
    pub client: ClientCredentials,
    pub api: ApiCredentials,
}

impl Accepts for TokenCredentials {
    const ACCEPTS: &'static [CredentialKind] = &[
        CredentialKind::ClientAuthentication,
        CredentialKind::BearerToken(Scope::OPENID),
        CredentialKind::SessionCookie,
    ];

    fn keep(brought: Brought, project: &Project) -> Self {
        // There is one header with one scheme, so only one of the two finds a credential in it.
        let client = Brought { authorization: brought.authorization.clone(), ..Brought::default() };
        Self { client: ClientCredentials(client), api: ApiCredentials::keep(brought, project) }
    }
}

/// An Admin API key. Its route declares the required scope.
pub struct AdminKey(Brought);

impl AdminKey {
    pub fn keep(brought: Brought) -> Self {
        Self(brought)
    }

    /// The key, if one was presented.
    pub fn token(&self) -> Option<String> {
        Bearer::parse(self.0.authorization()).token().map(str::to_string)
    }
}

/// The portal's cookies, by their names there.
pub struct PortalCookies {
    pub session: Candidates,
    pub form: Candidates,
    pub known_devices: Candidates,
}

impl PortalCookies {
    /// For routes before sign-in: the form cookie, and the one by which the browser is known for operators.
    pub fn of_forms(brought: &Brought, form: &str, known_device: &str) -> Self {
        let known_devices = brought.all(known_device, known_devices::is_well_formed);
        Self { session: Candidates::default(), form: brought.all(form, is_secret), known_devices }
    }

    /// For routes of operators: the session cookie.
    pub fn of_operators(brought: &Brought, name: &str) -> Self {
        let session = brought.all(name, is_secret);
        Self { session, form: Candidates::default(), known_devices: Candidates::default() }
    }

    /// For an operator's own pages: the session cookie, and the one by which the browser is known.
    pub fn of_own_pages(brought: &Brought, name: &str, known_device: &str) -> Self {
        let known_devices = brought.all(known_device, known_devices::is_well_formed);
        Self { known_devices, ..Self::of_operators(brought, name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_headers_and_every_cookie_line_is_read() {
        let mut headers = HeaderMap::new();
        let text = HeaderValue::from_static;
        headers.insert(header::AUTHORIZATION, text("Bearer abc"));
        headers.append(header::COOKIE, text("a=1; b=2"));
        headers.append(header::COOKIE, text("c=3; a=4"));
        headers.insert(header::ACCEPT, text("text/html"));
        let brought = Brought::take(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), [header::ACCEPT]);
        assert_eq!(Bearer::parse(brought.authorization()).token(), Some("abc"));
        let found = ["a", "b", "c", "d"].map(|name| brought.all(name, |_| true));
        let found = found.each_ref().map(|values| values.iter().collect::<Vec<_>>().join(","));
        assert_eq!(found, ["1,4", "2", "3", ""]);
    }

    #[test]
    fn an_odd_cookie_of_a_neighbor_hides_none_of_ours() {
        for line in [
            &b"session=abc; theme=b\xe9"[..],
            b"theme=\xff\xfe; session=abc",
            b"n\xe9=1; =; ;; novalue; session=abc; q=\"a b\"; x={\"y\":1}",
            b"b\xc3\xa9=\xc3\xa9; session=abc",
        ] {
            let value = HeaderValue::from_bytes(line).expect("a header value");
            let brought = Brought::take(&mut HeaderMap::from_iter([(header::COOKIE, value)]));
            assert_eq!(brought.all("session", |_| true).iter().collect::<Vec<_>>(), ["abc"], "{line:?}");
        }
    }
}
