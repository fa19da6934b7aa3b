//! The project's settings and applications.

use vestibule_app::admin::{applications, settings};

use super::{
    access::Admin,
    answer::{Created, Good, NoContent, Tagged},
    bodies::{ApplicationBody, SettingsBody},
    input::{InPath, Json, PathPart, ReplacedVersion},
    operation::{Operation, Tag},
    problem::Problem,
    views::{ApplicationView, ApplicationsView, NewSecretView, ProjectView, SecretsView, WebhookSecretView},
};

pub(crate) struct ClientId(pub(super) String);

impl PathPart for ClientId {
    const NAME: &'static str = "client_id";
    const MEANING: &'static str = "The application's client_id.";

    fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_string()))
    }
}

pub(crate) struct SecretId(String);

impl PathPart for SecretId {
    const NAME: &'static str = "secret_id";
    const MEANING: &'static str = "The secret's ID.";

    fn parse(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_string()))
    }
}

fn print(current: settings::Versioned) -> Tagged<ProjectView> {
    let version = current.version;
    Tagged::print(&ProjectView { settings: current.settings, version }, version)
}

pub(super) const GET: Operation = Operation::new(
    Tag::Project,
    "getProject",
    "The project's settings and their version",
    "The settings; ETag is the version.",
);

/// `GET /project`
pub(crate) async fn get(admin: Admin) -> Result<Tagged<ProjectView>, Problem> {
    Ok(print(settings::get(&admin.visit.ctx()).await?))
}

pub(super) const PUT: Operation =
    Operation::new(Tag::Project, "putProject", "Replace the project's settings", "The new settings.");

/// `PUT /project`, with the version that was read in `If-Match`.
pub(crate) async fn put(
    admin: Admin,
    ReplacedVersion(expected): ReplacedVersion,
    Json(document): Json<SettingsBody>,
) -> Result<Tagged<ProjectView>, Problem> {
    let visit = &admin.visit;
    Ok(print(settings::replace(&visit.ctx(), &admin.operator(), document, expected).await?))
}

pub(super) const ROTATE_WEBHOOK_SECRET: Operation = Operation::new(
    Tag::Project,
    "rotateWebhookSecret",
    "Create a new webhook secret",
    "The secret. It can't be read again.",
)
.note("For 24 hours, webhooks also carry signatures with the old secret, in webhook-signature and in x-vestibule-previous-body-signature.")
.may_refuse(&[412]);

/// `POST /project/webhook-secret`
pub(crate) async fn rotate_webhook_secret(admin: Admin) -> Result<Created<WebhookSecretView>, Problem> {
    let visit = &admin.visit;
    let secret = settings::rotate_webhook_secret(&visit.ctx(), &admin.operator()).await?;
    Ok(Created::print(&WebhookSecretView { secret: secret.plain, standard_webhooks_secret: secret.standard }))
}

pub(super) const LIST_APPLICATIONS: Operation =
    Operation::new(Tag::Applications, "listApplications", "List applications", "All applications.");

/// `GET /applications`
pub(crate) async fn list_applications(admin: Admin) -> Result<Good<ApplicationsView>, Problem> {
    let all = applications::list(&admin.visit.ctx()).await?;
    Ok(Good::print(&ApplicationsView::of(all)))
}

pub(super) const CREATE_APPLICATION: Operation =
    Operation::new(Tag::Applications, "createApplication", "Add an application", "The application.").may_refuse(&[412]);

/// `POST /applications`
pub(crate) async fn create_application(
    admin: Admin,
    Json(client): Json<ApplicationBody>,
) -> Result<Created<ApplicationView>, Problem> {
    let visit = &admin.visit;
    let client = applications::create(&visit.ctx(), &admin.operator(), &client).await?;
    Ok(Created::print(&ApplicationView(client)))
}

pub(super) const GET_APPLICATION: Operation =
    Operation::new(Tag::Applications, "getApplication", "Get an application", "The application.");

/// `GET /applications/{client_id}`
pub(crate) async fn get_application(
    admin: Admin,
    InPath(client_id): InPath<ClientId>,
) -> Result<Good<ApplicationView>, Problem> {
    let client = applications::get(&admin.visit.ctx(), &client_id.0).await?;
    Ok(Good::print(&ApplicationView(client)))
}

pub(super) const PUT_APPLICATION: Operation =
    Operation::new(Tag::Applications, "putApplication", "Replace an application", "The application.")
        .may_refuse(&[412]);

/// `PUT /applications/{client_id}`
pub(crate) async fn put_application(
    admin: Admin,
    InPath(client_id): InPath<ClientId>,
    Json(client): Json<ApplicationBody>,
) -> Result<Good<ApplicationView>, Problem> {
    let visit = &admin.visit;
    let client = applications::replace(&visit.ctx(), &admin.operator(), &client_id.0, &client).await?;
    Ok(Good::print(&ApplicationView(client)))
}

pub(super) const DELETE_APPLICATION: Operation = Operation::new(
    Tag::Applications,
    "deleteApplication",
    "Remove an application with its grants, consents and secrets",
    "Success.",
)
.may_refuse(&[412]);

/// `DELETE /applications/{client_id}`
pub(crate) async fn delete_application(
    admin: Admin,
    InPath(client_id): InPath<ClientId>,
) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    applications::delete(&visit.ctx(), &admin.operator(), &client_id.0).await?;
    Ok(NoContent)
}

pub(super) const LIST_SECRETS: Operation = Operation::new(
    Tag::Applications,
    "listSecrets",
    "List an application's secrets",
    "Names and dates. The secrets themselves are not stored.",
);

/// `GET /applications/{client_id}/secrets`
pub(crate) async fn list_secrets(
    admin: Admin,
    InPath(client_id): InPath<ClientId>,
) -> Result<Good<SecretsView>, Problem> {
    let all = applications::list_secrets(&admin.visit.ctx(), &client_id.0).await?;
    Ok(Good::print(&SecretsView::of(all)))
}

pub(super) const CREATE_SECRET: Operation =
    Operation::new(Tag::Applications, "createSecret", "Create a secret", "The secret. It can't be read again.");

/// `POST /applications/{client_id}/secrets`
pub(crate) async fn create_secret(
    admin: Admin,
    InPath(client_id): InPath<ClientId>,
) -> Result<Created<NewSecretView>, Problem> {
    let visit = &admin.visit;
    let (made, secret) = applications::create_secret(&visit.ctx(), &admin.operator(), &client_id.0).await?;
    Ok(Created::print(&NewSecretView::of(made, secret)))
}

pub(super) const DELETE_SECRET: Operation =
    Operation::new(Tag::Applications, "deleteSecret", "Remove a secret", "Success.");

/// `DELETE /applications/{client_id}/secrets/{secret_id}`
pub(crate) async fn delete_secret(
    admin: Admin,
    InPath(client_id): InPath<ClientId>,
    InPath(secret_id): InPath<SecretId>,
) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    applications::delete_secret(&visit.ctx(), &admin.operator(), &client_id.0, &secret_id.0).await?;
    Ok(NoContent)
}
