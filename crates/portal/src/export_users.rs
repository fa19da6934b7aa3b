//! All users as a file: JSON Lines, in the format of `vestibule user export` and the Admin API.

use askama::Template;
use vestibule_app::{admin::transfer, error::Error};
use vestibule_domain::operator::Role;
use vestibule_web::{export, template::finish};

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    frame::{PortalContext, PortalPage},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const PATH: &str = "/portal/p/{project}/users/export";
    vec![
        // The file has password hashes and keys: a person who has it can guess passwords.
        PortalRoute::project(Verb::Get, PATH, Role::Owner, show),
        PortalRoute::project(Verb::Post, PATH, Role::Owner, download).requires_reauthentication(),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    request.show(&ExportUsersPage)
}

async fn download(request: ProjectRequest) -> PageResult {
    let operator = request.signed_in.operator.id.to_string();
    let place = request.app.shares.transfers.take_for(request.project.no, &operator).map_err(Error::from)?;
    transfer::record_export(&request.ctx(), &request.acting()).await?;
    Ok(export::send_users(request.app.clone(), request.project.clone(), place).await?)
}

#[derive(Clone, Debug)]
pub(crate) struct ExportUsersPage;

impl ExportUsersPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![("page", Self)]
    }
}

impl PortalPage for ExportUsersPage {
    fn title(&self) -> String {
        "Export users".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/users".into(), "Users".into()))
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ExportBody { ctx }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/export_users.html")]
struct ExportBody<'a> {
    ctx: &'a PortalContext,
}
