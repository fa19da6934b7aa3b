//! The URLs of the project.

use askama::Template;
use vestibule_domain::operator::Role;
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    frame::{PortalContext, PortalPage},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![PortalRoute::project(Verb::Get, "/portal/p/{project}/addresses", Role::Viewer, show)]
}

async fn show(request: ProjectRequest) -> PageResult {
    request.show(&AddressesPage { origin: request.project.origin.clone() })
}

#[derive(Clone, Debug)]
pub(crate) struct AddressesPage {
    /// The public origin: the issuer, and the endpoint of the SDKs.
    pub origin: String,
}

impl AddressesPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![("plain", Self { origin: "https://auth.shop.example".into() })]
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let at = |path: &str| format!("{}{path}", self.origin);
        vec![
            ("Endpoint (for SDKs) and issuer", self.origin.clone()),
            ("Discovery document", at("/.well-known/openid-configuration")),
            ("Signing keys (JWKS)", at("/oauth2/jwks")),
            ("Authorization", at("/oauth2/authorize")),
            ("Token", at("/oauth2/token")),
            ("UserInfo", at("/oauth2/userinfo")),
            ("Revocation", at("/oauth2/revoke")),
            ("End session", at("/oauth2/end_session")),
            ("Account page for users", at("/settings")),
            ("Forward authentication for reverse proxies", at("/_resolver/resolve")),
            ("Admin API", at("/_api/admin/v1/docs")),
        ]
    }
}

impl PortalPage for AddressesPage {
    fn title(&self) -> String {
        "Endpoints".into()
    }

    fn body(&self, _: &PortalContext) -> String {
        finish(AddressesBody { page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("addresses")
    }
}

#[derive(Template)]
#[template(path = "portal/addresses.html")]
struct AddressesBody<'a> {
    page: &'a AddressesPage,
}
