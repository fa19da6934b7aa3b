//! Applications: the list, the wizard, quick start, secrets, deletion. `application.rs` edits one.

use askama::Template;
use serde_json::json;
use vestibule_app::admin::{AdminError, Clash, Fault, applications, impact, statistics::print_day_of};
use vestibule_domain::{
    client::{ApplicationType, Client},
    operator::Role,
};
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    application::{self, kind_name, load},
    confirmation::{ConfirmActionPage, Hidden, SecretShownPage, describe_signed_out},
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    guide::GuideLink,
    notice::PortalNotice,
    quick_start::Framework,
    settings_form::describe,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const ONE: &str = "/portal/p/{project}/applications/{client_id}";
    const NEW: &str = "/portal/p/{project}/applications/new/{framework}";
    const NEW_SECRET: &str = "/portal/p/{project}/applications/{client_id}/secrets/new";
    const REMOVE: &str = "/portal/p/{project}/applications/{client_id}/secrets/{secret_id}/remove";
    const DELETE: &str = "/portal/p/{project}/applications/{client_id}/delete";
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/applications", Role::Viewer, list),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/applications/new", Role::Editor, choose),
        PortalRoute::project(Verb::Get, NEW, Role::Editor, show_new),
        PortalRoute::project(Verb::Post, NEW, Role::Editor, make),
        PortalRoute::project(Verb::Get, ONE, Role::Viewer, application::show),
        PortalRoute::project(Verb::Post, ONE, Role::Editor, application::save),
        PortalRoute::project(
            Verb::Get,
            "/portal/p/{project}/applications/{client_id}/quick-start",
            Role::Viewer,
            quick_start,
        ),
        PortalRoute::project(
            Verb::Get,
            "/portal/p/{project}/applications/{client_id}/secrets",
            Role::Viewer,
            list_secrets,
        ),
        PortalRoute::project(Verb::Get, NEW_SECRET, Role::Editor, ask_secret).requires_reauthentication(),
        PortalRoute::project(Verb::Post, NEW_SECRET, Role::Editor, make_secret).requires_reauthentication(),
        PortalRoute::project(Verb::Get, REMOVE, Role::Editor, ask_remove).requires_reauthentication(),
        PortalRoute::project(Verb::Post, REMOVE, Role::Editor, remove_secret).requires_reauthentication(),
        PortalRoute::project(Verb::Get, DELETE, Role::Editor, ask_delete).requires_reauthentication(),
        PortalRoute::project(Verb::Post, DELETE, Role::Editor, delete).requires_reauthentication(),
    ]
}

async fn list(request: ProjectRequest) -> PageResult {
    let all = applications::list(&request.ctx()).await?;
    let guests = request.project.settings.anonymous_enabled();
    let applications = all.iter().map(|client| ApplicationEntry {
        client_id: client.client_id.clone(),
        name: client.display_name().to_string(),
        kind: kind_name(client.application_type()).to_string(),
        has_guests: guests && client.application_type().allows_anonymous(),
    });
    request.show(&ApplicationsPage { applications: applications.collect() })
}

async fn choose(request: ProjectRequest) -> PageResult {
    request.show(&FrameworksPage)
}

fn framework(request: &ProjectRequest) -> Result<Framework, PortalError> {
    Framework::parse(request.param("framework")).ok_or(PortalError::Missing)
}

async fn show_new(request: ProjectRequest) -> PageResult {
    let framework = framework(&request)?;
    let base = format!("{}-{}", request.project.id, framework.as_str());
    let numbered = (2..100).map(|number| format!("{base}-{number}"));
    let is_free = |id: &String| request.project.settings.client(id).is_none();
    let suggested = std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or_default();
    request.show(&new_page(framework, ["", &suggested, framework.example_redirect()], &[]))
}

async fn make(request: ProjectRequest) -> PageResult {
    let framework = framework(&request)?;
    let typed = [request.field("name").trim(), request.field("client_id").trim(), request.field("redirect_uris")];
    let [name, client_id, redirects] = typed;
    let uris: Vec<&str> = redirects.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut client = json!({
        "client_id": client_id,
        "x_application_type": framework.kind().as_str(),
    });
    if !name.is_empty() {
        client["name"] = name.into();
    }
    if !uris.is_empty() {
        client["redirect_uris"] = uris.into();
    }
    if framework.kind() == ApplicationType::TraditionalWebapp && client["redirect_uris"].is_array() {
        client["post_logout_redirect_uris"] = client["redirect_uris"].clone();
    }
    let faults = match applications::create(&request.ctx(), &request.acting(), &client).await {
        Ok(_) => {
            return request
                .go(&request.href(&format!("/applications/{client_id}/quick-start?for={}", framework.as_str())));
        }
        Err(AdminError::Invalid(faults)) => faults,
        Err(AdminError::Conflict(Clash::ClientIdTaken)) => {
            vec![Fault::new("client_id", "another application has this client ID")]
        }
        Err(error) => return Err(error.into()),
    };
    request.show_again(&new_page(framework, typed, &faults))
}

fn new_page(framework: Framework, [name, client_id, redirects]: [&str; 3], faults: &[Fault]) -> NewApplicationPage {
    // Error paths include the index in the list of applications: only the rest matters here.
    let error = |key: &str| {
        faults
            .iter()
            .find(|fault| {
                fault.path.rsplit("].").next().is_some_and(|rest| rest.starts_with(key))
                    || fault.path.contains(&format!(".{key}"))
            })
            .map(describe)
    };
    let mut controls = vec![
        Control::new("name", "Name", ControlKind::Line("text"), name)
            .hint("Shown to users. Defaults to the client ID.")
            .error(error("name")),
        Control::new("client_id", "Client ID", ControlKind::Line("text"), client_id)
            .hint("Identifies the app in requests. Can't be changed later.")
            .required()
            .error(error("client_id")),
    ];
    if framework.kind().has_users() {
        controls.push(
            Control::new("redirect_uris", "Authorized redirect URIs", ControlKind::Lines { rows: 3 }, redirects)
                .hint("Where users return after signing in. One per line; must match exactly. Browser calls from their origins are allowed.")
                .required()
                .error(error("redirect_uris")),
        );
    }
    NewApplicationPage { framework, controls }
}

async fn quick_start(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    let others = Framework::of_kind(client.application_type());
    let wanted = Framework::parse(request.field("for")).filter(|framework| others.contains(framework));
    let framework = wanted.or_else(|| others.first().copied()).ok_or(PortalError::Missing)?;
    request.show(&QuickStartPage {
        name: client.display_name().to_string(),
        redirect_uri: client.redirect_uris.first().cloned().unwrap_or_default(),
        client_id: client.client_id,
        endpoint: request.project.origin.clone(),
        framework,
        others,
        has_guests: request.project.settings.anonymous_enabled(),
    })
}

async fn list_secrets(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    if !client.application_type().is_confidential() {
        return Err(PortalError::Missing);
    }
    let secrets = applications::list_secrets(&request.ctx(), &client.client_id).await?;
    request.show(&SecretsPage {
        name: client.display_name().to_string(),
        client_id: client.client_id,
        secrets: secrets.into_iter().map(|secret| (secret.id, print_day_of(secret.created_at))).collect(),
    })
}

fn secrets_of(request: &ProjectRequest) -> (String, String) {
    (format!("/applications/{}/secrets", request.param("client_id")), "Client secrets".into())
}

async fn ask_secret(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    request.show(&ConfirmActionPage {
        title: format!("Create a client secret for {}", client.display_name()),
        facts: vec![
            "The secret is shown once, on the next page.".into(),
            "Existing secrets stay valid until you remove them.".into(),
        ],
        section: "applications",
        back: secrets_of(&request),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Create secret".into(),
        is_danger: false,
    })
}

async fn make_secret(request: ProjectRequest) -> PageResult {
    let (_, secret) =
        applications::create_secret(&request.ctx(), &request.acting(), request.param("client_id")).await?;
    request.show(&SecretShownPage {
        title: "New client secret".into(),
        text: "Copy this secret now. You won't see it again.".into(),
        secret,
        section: "applications",
        back: secrets_of(&request),
    })
}

async fn ask_remove(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    request.show(&ConfirmActionPage {
        title: "Remove this secret?".into(),
        facts: vec![format!(
            "Requests with the secret {}… are refused at once. First make sure that {} uses another secret.",
            request.param("secret_id"),
            client.display_name()
        )],
        section: "applications",
        back: secrets_of(&request),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Remove secret".into(),
        is_danger: true,
    })
}

async fn remove_secret(request: ProjectRequest) -> PageResult {
    let (client_id, secret_id) = (request.param("client_id"), request.param("secret_id"));
    applications::delete_secret(&request.ctx(), &request.acting(), client_id, secret_id).await?;
    request.done(&secrets_of(&request).0, PortalNotice::SecretDeleted)
}

async fn delete_page(
    request: &ProjectRequest,
    client: &Client,
    error: Option<String>,
) -> Result<ConfirmActionPage, PortalError> {
    let phrase = &client.client_id;
    let people = impact::count_signed_in_to(&request.ctx(), phrase).await?;
    let mut facts = describe_signed_out(people);
    if people.sessions.number > 0 {
        facts.push(format!("Ends {} for good.", people.sessions.of("session", "sessions")));
    }
    facts.push("Its client secrets and the consents to it are deleted. Users are kept.".into());
    facts.push("An application that you create later with the same client ID gets none of this back.".into());
    Ok(ConfirmActionPage {
        title: format!("Delete {}?", client.display_name()),
        facts,
        section: "applications",
        back: (format!("/applications/{phrase}"), client.display_name().to_string()),
        action: request.path().to_string(),
        controls: vec![
            Control::new("confirmation", format!("Type {phrase} to confirm"), ControlKind::Line("text"), "")
                .required()
                .error(error),
        ],
        hidden: Hidden::default(),
        button: "Delete application".into(),
        is_danger: true,
    })
}

async fn ask_delete(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    request.show(&delete_page(&request, &client, None).await?)
}

async fn delete(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    if request.field("confirmation").trim() != client.client_id {
        let error = Some(format!("Type {} exactly as shown.", client.client_id));
        return request.show_again(&delete_page(&request, &client, error).await?);
    }
    applications::delete(&request.ctx(), &request.acting(), &client.client_id).await?;
    request.done("/applications", PortalNotice::ApplicationDeleted)
}

fn above() -> Option<(String, String)> {
    Some(("/applications".into(), "Applications".into()))
}

/// An application in the list.
#[derive(Clone, Debug)]
pub struct ApplicationEntry {
    pub client_id: String,
    pub name: String,
    pub kind: String,
    pub has_guests: bool,
}

#[derive(Clone, Debug)]
pub struct ApplicationsPage {
    pub applications: Vec<ApplicationEntry>,
}

impl ApplicationsPage {
    #[cfg(test)]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let web = ApplicationEntry {
            client_id: "web".into(),
            name: "Corner Shop".into(),
            kind: "Single-page application".into(),
            has_guests: true,
        };
        let machine =
            ApplicationEntry { client_id: "cron".into(), kind: "Machine".into(), has_guests: false, ..web.clone() };
        vec![("two", Self { applications: vec![web, machine] }), ("none", Self { applications: Vec::new() })]
    }
}

impl PortalPage for ApplicationsPage {
    fn title(&self) -> String {
        "Applications".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ApplicationsBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }
}

#[derive(Template)]
#[template(path = "portal/applications.html")]
struct ApplicationsBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ApplicationsPage,
}

/// Offers frameworks for a new application.
#[derive(Clone, Debug)]
pub(crate) struct FrameworksPage;

impl FrameworksPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        vec![("all", Self)]
    }
}

impl PortalPage for FrameworksPage {
    fn title(&self) -> String {
        "New application".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(FrameworksBody { ctx }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        above()
    }
}

#[derive(Template)]
#[template(path = "portal/frameworks.html")]
struct FrameworksBody<'a> {
    ctx: &'a PortalContext,
}

/// Asks for name, client ID and redirect URIs of a new application.
#[derive(Clone, Debug)]
pub(crate) struct NewApplicationPage {
    pub framework: Framework,
    pub controls: Vec<Control>,
}

impl NewApplicationPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use crate::control::ControlKind;
        let name = Control::new("name", "Name", ControlKind::Line("text"), "");
        vec![("plain", Self { framework: Framework::React, controls: vec![name] })]
    }
}

impl PortalPage for NewApplicationPage {
    fn title(&self) -> String {
        format!("New application: {}", self.framework.label())
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(NewApplicationBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/applications/new".into(), "Choose another framework".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }
}

#[derive(Template)]
#[template(path = "portal/new_application.html")]
struct NewApplicationBody<'a> {
    ctx: &'a PortalContext,
    page: &'a NewApplicationPage,
}

/// Code to paste, with the real endpoint and client ID.
#[derive(Clone, Debug)]
pub(crate) struct QuickStartPage {
    pub client_id: String,
    pub name: String,
    pub endpoint: String,
    pub redirect_uri: String,
    pub framework: Framework,
    pub others: Vec<Framework>,
    pub has_guests: bool,
}

impl QuickStartPage {
    /// One state for each framework.
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let sample = |framework: Framework| Self {
            client_id: "web".into(),
            name: "Corner Shop".into(),
            endpoint: "https://auth.shop.example".into(),
            redirect_uri: "https://shop.example/after-login".into(),
            framework,
            others: Framework::ALL.to_vec(),
            has_guests: framework != Framework::Web,
        };
        Framework::ALL.into_iter().map(|framework| (framework.as_str(), sample(framework))).collect()
    }

    fn steps(&self) -> Vec<(&'static str, String)> {
        self.framework.steps(&self.endpoint, &self.client_id, &self.redirect_uri)
    }
}

impl PortalPage for QuickStartPage {
    fn title(&self) -> String {
        "Quick start".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(QuickStartBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((format!("/applications/{}", self.client_id), self.name.clone()))
    }

    fn guides(&self) -> Vec<GuideLink> {
        self.framework.guides().to_vec()
    }
}

#[derive(Template)]
#[template(path = "portal/quick_start.html")]
struct QuickStartBody<'a> {
    ctx: &'a PortalContext,
    page: &'a QuickStartPage,
}

/// The secrets of an application, by names that reveal nothing of them.
#[derive(Clone, Debug)]
pub(crate) struct SecretsPage {
    pub client_id: String,
    pub name: String,
    /// ID and creation time of each, oldest first.
    pub secrets: Vec<(String, String)>,
}

impl SecretsPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let one = Self {
            client_id: "backend".into(),
            name: "Backend".into(),
            secrets: vec![("0011223344556677".into(), "2030-01-01".into())],
        };
        vec![("none", Self { secrets: Vec::new(), ..one.clone() }), ("one", one)]
    }
}

impl PortalPage for SecretsPage {
    fn title(&self) -> String {
        "Client secrets".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(SecretsBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some("applications")
    }

    fn above(&self) -> Option<(String, String)> {
        Some((format!("/applications/{}", self.client_id), self.name.clone()))
    }
}

#[derive(Template)]
#[template(path = "portal/secrets.html")]
struct SecretsBody<'a> {
    ctx: &'a PortalContext,
    page: &'a SecretsPage,
}
