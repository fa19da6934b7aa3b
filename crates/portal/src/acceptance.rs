//! Accepting a role in a new place, for an operator who has an account.

use askama::Template;
use axum::http::StatusCode;
use vestibule_app::operators::{
    acceptance::{self, Offer},
    links,
};
use vestibule_domain::operator::OperatorLink;
use vestibule_web::template::finish;

use crate::{
    HOME, OperatorRequest, PageResult, PortalRoute, Verb,
    frame::{PortalContext, PortalPage},
    message::MessagePage,
    notice::PortalNotice,
    one_time_link::{gone_page, place_name, role_name},
};

const PATH: &str = "/portal/invitations/{token}";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::operator(Verb::Get, PATH, None, show).requires_reauthentication(),
        PortalRoute::operator(Verb::Post, PATH, None, accept).requires_reauthentication(),
    ]
}

async fn show(request: OperatorRequest) -> PageResult {
    match acceptance::find(&request.app, &request.signed_in, request.param("token"), request.now).await? {
        Offer::Open(link) => request.show(&AcceptRolePage {
            role: role_name(link.assignment.role).into(),
            place: place_name(&request.app, &link),
            email: link.email.clone(),
            action: request.path().to_string(),
        }),
        refused @ (Offer::Elsewhere(_) | Offer::Claim | Offer::AddressNotProved | Offer::Gone) => {
            refuse(&request, &refused)
        }
    }
}

async fn accept(request: OperatorRequest) -> PageResult {
    let link: Box<OperatorLink> =
        match acceptance::find(&request.app, &request.signed_in, request.param("token"), request.now).await? {
            Offer::Open(link) => link,
            refused @ (Offer::Elsewhere(_) | Offer::Claim | Offer::AddressNotProved | Offer::Gone) => {
                return refuse(&request, &refused);
            }
        };
    let place = place_name(&request.app, &link);
    let accepted =
        acceptance::accept(&request.app, &request.signed_in, (*link, &place), request.ip, request.now).await?;
    if !accepted {
        return refuse(&request, &Offer::Gone);
    }
    request.redirect_with_notice(HOME, PortalNotice::RoleAccepted)
}

fn refuse(request: &OperatorRequest, offer: &Offer) -> PageResult {
    let (title, text, link) = match offer {
        Offer::Elsewhere(email) => (
            "This invitation is for another operator",
            format!("It is for {email}. Sign out, then open the link again and sign in with that address."),
            (HOME, "Projects"),
        ),
        Offer::AddressNotProved => (
            "Confirm your email address first",
            "Send a code to your address and enter it. Then open the invitation again.".to_string(),
            ("/portal/me", "Your account"),
        ),
        Offer::Claim => return request.go(&links::path_of(request.param("token"))),
        Offer::Gone | Offer::Open(_) => return Ok(request.page(StatusCode::GONE, &gone_page())),
    };
    let link = Some((link.0.to_string(), link.1.to_string()));
    Ok(request.page(StatusCode::CONFLICT, &MessagePage { title: title.into(), text, link, request_id: None }))
}

/// Asks an operator who has an account to accept a role in a new place.
#[derive(Clone, Debug)]
pub(crate) struct AcceptRolePage {
    pub role: String,
    pub place: String,
    pub email: String,
    pub action: String,
}

impl AcceptRolePage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let page = Self {
            role: "editor".into(),
            place: "Corner <Shop>".into(),
            email: "kim@shop.example".into(),
            action: "/portal/invitations/abc".into(),
        };
        vec![("open", page)]
    }
}

impl PortalPage for AcceptRolePage {
    fn title(&self) -> String {
        "You are invited".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(AcceptRoleBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/accept_role.html")]
struct AcceptRoleBody<'a> {
    ctx: &'a PortalContext,
    page: &'a AcceptRolePage,
}
