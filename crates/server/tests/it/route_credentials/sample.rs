//! The credentials that the routes are called with.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use vestibule_server::routes::{CredentialKind, RouteView};

/// How a credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Carrier {
    Bearer,
    Basic,
    /// As `client_secret` of a form.
    Form,
    Session,
    AppSession,
    Flow,
    KnownDevice,
    Operator,
    PortalForm,
    PortalKnownDevice,
}

impl Carrier {
    pub(super) const ALL: [Self; 10] = [
        Self::Bearer,
        Self::Basic,
        Self::Form,
        Self::Session,
        Self::AppSession,
        Self::Flow,
        Self::KnownDevice,
        Self::Operator,
        Self::PortalForm,
        Self::PortalKnownDevice,
    ];

    pub(super) fn is_authorization(self) -> bool {
        matches!(self, Self::Bearer | Self::Basic)
    }

    /// The name of the cookie, if it is one.
    pub(super) fn cookie(self) -> Option<&'static str> {
        match self {
            Self::Bearer | Self::Basic | Self::Form => None,
            Self::Session => Some("session"),
            Self::AppSession => Some("app_session"),
            Self::Flow => Some("oauth_ui"),
            Self::KnownDevice => Some("known_device"),
            Self::Operator => Some("vestibule_operator"),
            Self::PortalForm => Some("vestibule_lobby"),
            Self::PortalKnownDevice => Some("vestibule_known_device"),
        }
    }

    /// Whether a route that declares this credential reads what is sent so.
    fn is_read_as(self, declared: CredentialKind) -> bool {
        match declared {
            CredentialKind::SessionCookie => self == Self::Session,
            CredentialKind::AppSessionCookie => self == Self::AppSession,
            CredentialKind::FlowCookie => self == Self::Flow,
            CredentialKind::KnownDeviceCookie => self == Self::KnownDevice,
            CredentialKind::BearerToken(_) | CredentialKind::AdminKey(_) => self == Self::Bearer,
            CredentialKind::ClientAuthentication => matches!(self, Self::Basic | Self::Form),
            CredentialKind::OperatorCookie(_) => self == Self::Operator,
            CredentialKind::PortalFormCookie => self == Self::PortalForm,
            CredentialKind::PortalKnownDeviceCookie => self == Self::PortalKnownDevice,
        }
    }

    pub(super) fn is_read_by(self, route: &RouteView) -> bool {
        route.accepts.iter().any(|declared| self.is_read_as(*declared))
    }
}

/// What a credential is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    Nothing,
    AccessToken,
    /// A third party's access token: it is for UserInfo. It gets no ID token, and is no session at the resolver.
    ThirdParty,
    AdminKey,
    /// What its carrier is declared for.
    Itself,
    /// A browser in which nothing began yet: it is right where something begins.
    NewBrowser,
}

/// One credential.
pub(super) struct Sample {
    pub(super) name: &'static str,
    pub(super) carrier: Carrier,
    pub(super) worth: Worth,
    /// The value of the header, cookie or field.
    pub(super) value: String,
}

impl Sample {
    pub(super) fn bearer(name: &'static str, worth: Worth, token: &str) -> Self {
        Self { name, carrier: Carrier::Bearer, worth, value: format!("Bearer {token}") }
    }

    pub(super) fn basic(name: &'static str, worth: Worth, secret: &str) -> Self {
        let value = format!("Basic {}", STANDARD.encode(format!("backend:{secret}")));
        Self { name, carrier: Carrier::Basic, worth, value }
    }

    pub(super) fn of(name: &'static str, carrier: Carrier, worth: Worth, value: &str) -> Self {
        Self { name, carrier, worth, value: value.into() }
    }

    pub(super) fn is_worth_something(&self) -> bool {
        self.worth != Worth::Nothing
    }

    /// Whether it is a right credential for what the route declares.
    pub(super) fn is_right_for(&self, route: &RouteView) -> bool {
        let begins = if matches!(self.carrier, Carrier::Flow) {
            !route.path.starts_with("/flow/") && !route.path.starts_with("/sso/")
        } else {
            route.method == "GET"
        };
        route.accepts.iter().any(|declared| {
            self.carrier.is_read_as(*declared)
                && match (self.worth, declared) {
                    (Worth::Itself, _)
                    | (Worth::AccessToken, CredentialKind::BearerToken(_))
                    | (Worth::AdminKey, CredentialKind::AdminKey(_)) => true,
                    (Worth::ThirdParty, CredentialKind::BearerToken(_)) => route.path == "/oauth2/userinfo",
                    (Worth::NewBrowser, _) => begins,
                    (Worth::Nothing | Worth::AccessToken | Worth::ThirdParty | Worth::AdminKey, _) => false,
                }
        })
    }
}
