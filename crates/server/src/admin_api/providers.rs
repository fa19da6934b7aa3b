//! The providers of external accounts and their client secrets.

use vestibule_app::providers::secrets;
use vestibule_domain::secret::Secret;

use super::{
    access::Admin,
    answer::{Good, NoContent},
    bodies::ProviderSecretBody,
    input::{InPath, Json, PathPart},
    operation::{Operation, Tag},
    problem::Problem,
    views::ProvidersView,
};

pub(crate) struct ProviderAlias(String);

impl PathPart for ProviderAlias {
    const NAME: &'static str = "alias";
    const MEANING: &'static str = "The provider's alias.";

    fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_string()))
    }
}

pub(super) const LIST: Operation = Operation::new(
    Tag::Project,
    "listProviders",
    "List the providers of external accounts",
    "The providers of the project's settings. Their client secrets are not shown.",
);

/// `GET /providers`
pub(crate) async fn list(admin: Admin) -> Result<Good<ProvidersView>, Problem> {
    let all = secrets::list(&admin.visit.ctx()).await?;
    Ok(Good::print(&ProvidersView::of(all)))
}

pub(super) const SET_SECRET: Operation = Operation::new(
    Tag::Project,
    "setProviderSecret",
    "Set the client secret of a provider",
    "Success. The secret can't be read again.",
)
.note("The provider must be in the project's settings.");

/// `PUT /providers/{alias}/secret`
pub(crate) async fn set_secret(
    admin: Admin,
    InPath(alias): InPath<ProviderAlias>,
    Json(body): Json<ProviderSecretBody>,
) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    secrets::set(&visit.ctx(), &admin.operator(), &alias.0, Secret::new(body.secret)).await?;
    Ok(NoContent)
}

pub(super) const REMOVE_SECRET: Operation = Operation::new(
    Tag::Project,
    "removeProviderSecret",
    "Remove the client secret of a provider",
    "Success. Users can't sign in with the provider until it has one again.",
);

/// `DELETE /providers/{alias}/secret`
pub(crate) async fn remove_secret(admin: Admin, InPath(alias): InPath<ProviderAlias>) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    secrets::remove(&visit.ctx(), &admin.operator(), &alias.0).await?;
    Ok(NoContent)
}
