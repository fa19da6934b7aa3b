//! Applications: the list, the wizard, what to paste where, secrets, the end. Editing one is `application.rs`.

use serde_json::json;
use vestibule_domain::{
    client::{ApplicationType, Client},
    operator::Role,
};

use super::{Answer, Desk, Door, Problem, Verb, question::describe_signed_out};
use crate::{
    flows::admin::{AdminError, Clash, Fault, applications, impact},
    ui::portal::{
        ApplicationEntry, ApplicationsPage, ConfirmActionPage, Control, ControlKind, Framework, FrameworksPage, Hidden,
        NewApplicationPage, PortalNotice, QuickStartPage, SecretShownPage, SecretsPage,
    },
};

pub(super) fn doors() -> Vec<Door> {
    const ONE: &str = "/portal/p/{project}/applications/{client_id}";
    const NEW: &str = "/portal/p/{project}/applications/new/{framework}";
    const NEW_SECRET: &str = "/portal/p/{project}/applications/{client_id}/secrets/new";
    const REMOVE: &str = "/portal/p/{project}/applications/{client_id}/secrets/{secret_id}/remove";
    const DELETE: &str = "/portal/p/{project}/applications/{client_id}/delete";
    vec![
        Door::desk(Verb::Get, "/portal/p/{project}/applications", Role::Viewer, list),
        Door::desk(Verb::Get, "/portal/p/{project}/applications/new", Role::Editor, choose),
        Door::desk(Verb::Get, NEW, Role::Editor, show_new),
        Door::desk(Verb::Post, NEW, Role::Editor, make),
        Door::desk(Verb::Get, ONE, Role::Viewer, super::application::show),
        Door::desk(Verb::Post, ONE, Role::Editor, super::application::save),
        Door::desk(Verb::Get, "/portal/p/{project}/applications/{client_id}/quick-start", Role::Viewer, quick_start),
        Door::desk(Verb::Get, "/portal/p/{project}/applications/{client_id}/secrets", Role::Viewer, list_secrets),
        Door::desk(Verb::Get, NEW_SECRET, Role::Editor, ask_secret).dangerous(),
        Door::desk(Verb::Post, NEW_SECRET, Role::Editor, make_secret).dangerous(),
        Door::desk(Verb::Get, REMOVE, Role::Editor, ask_remove).dangerous(),
        Door::desk(Verb::Post, REMOVE, Role::Editor, remove_secret).dangerous(),
        Door::desk(Verb::Get, DELETE, Role::Editor, ask_delete).dangerous(),
        Door::desk(Verb::Post, DELETE, Role::Editor, delete).dangerous(),
    ]
}

/// A kind of application in words.
pub(super) fn kind_name(kind: ApplicationType) -> &'static str {
    match kind {
        ApplicationType::Spa => "Single-page application",
        ApplicationType::TraditionalWebapp => "Server-rendered web site",
        ApplicationType::Native => "Native application",
        ApplicationType::Confidential => "OpenID Connect client",
        ApplicationType::ThirdPartyApp => "Third-party client",
        ApplicationType::M2m => "Machine",
        ApplicationType::Unspecified => "Public client",
    }
}

/// The application the path names.
pub(super) async fn load(desk: &Desk) -> Result<Client, Problem> {
    Ok(applications::get(&desk.app, &desk.project, desk.param("client_id")).await?)
}

async fn list(desk: Desk) -> Answer {
    let all = applications::list(&desk.app, &desk.project).await?;
    let guests = desk.project.settings.anonymous_enabled();
    let applications = all.iter().map(|client| ApplicationEntry {
        client_id: client.client_id.clone(),
        name: client.display_name().to_string(),
        kind: kind_name(client.application_type()).to_string(),
        has_guests: guests && client.application_type().allows_anonymous(),
        has_quick_start: client.application_type().has_users(),
    });
    desk.show(&ApplicationsPage { applications: applications.collect() })
}

async fn choose(desk: Desk) -> Answer {
    desk.show(&FrameworksPage)
}

fn framework(desk: &Desk) -> Result<Framework, Problem> {
    Framework::parse(desk.param("framework")).ok_or(Problem::Missing)
}

async fn show_new(desk: Desk) -> Answer {
    let framework = framework(&desk)?;
    let suggested = format!("{}-{}", desk.project.id, framework.as_str());
    desk.show(&new_page(framework, ["", &suggested, framework.example_redirect()], &[]))
}

async fn make(desk: Desk) -> Answer {
    let framework = framework(&desk)?;
    let typed = [desk.field("name").trim(), desk.field("client_id").trim(), desk.field("redirect_uris")];
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
    let faults = match applications::create(&desk.app, &desk.project, &desk.acting(), &client, desk.now).await {
        Ok(_) => {
            return desk.go(&desk.href(&format!("/applications/{client_id}/quick-start?for={}", framework.as_str())));
        }
        Err(AdminError::Invalid(faults)) => faults,
        Err(AdminError::Conflict(Clash::ClientIdTaken)) => {
            vec![Fault::new("client_id", "another application has this client id")]
        }
        Err(error) => return Err(error.into()),
    };
    desk.complain(&new_page(framework, typed, &faults))
}

fn new_page(framework: Framework, [name, client_id, redirects]: [&str; 3], faults: &[Fault]) -> NewApplicationPage {
    // Complaints name the place in the list of applications: only what comes after it matters here.
    let error = |key: &str| {
        faults
            .iter()
            .find(|fault| {
                fault.path.rsplit("].").next().is_some_and(|rest| rest.starts_with(key))
                    || fault.path.contains(&format!(".{key}"))
            })
            .map(|fault| fault.message.clone())
    };
    let mut controls = vec![
        Control::new("name", "Name", ControlKind::Line("text"), name)
            .hint("What people see; the client id without it.")
            .error(error("name")),
        Control::new("client_id", "Client ID", ControlKind::Line("text"), client_id)
            .hint("The application's name on the wire. It stays for ever.")
            .required()
            .error(error("client_id")),
    ];
    if framework.kind().has_users() {
        controls.push(
            Control::new("redirect_uris", "Authorized Redirect URIs", ControlKind::Lines { rows: 3 }, redirects)
                .hint("Where people come back to, one a line, compared letter by letter. Their origins may call us from a browser.")
                .required()
                .error(error("redirect_uris")),
        );
    }
    NewApplicationPage { framework, controls }
}

async fn quick_start(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    let others = Framework::of_kind(client.application_type());
    let wanted = Framework::parse(desk.field("for")).filter(|framework| others.contains(framework));
    let framework = wanted.or_else(|| others.first().copied()).ok_or(Problem::Missing)?;
    desk.show(&QuickStartPage {
        name: client.display_name().to_string(),
        redirect_uri: client.redirect_uris.first().cloned().unwrap_or_default(),
        client_id: client.client_id,
        endpoint: desk.project.origin.clone(),
        framework,
        others,
        has_guests: desk.project.settings.anonymous_enabled(),
    })
}

async fn list_secrets(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    if !client.application_type().is_confidential() {
        return Err(Problem::Missing);
    }
    let secrets = applications::list_secrets(&desk.app, &desk.project, &client.client_id).await?;
    let day = |at: String| at.chars().take(10).collect::<String>();
    desk.show(&SecretsPage {
        name: client.display_name().to_string(),
        client_id: client.client_id,
        secrets: secrets.into_iter().map(|secret| (secret.id, day(secret.created_at))).collect(),
    })
}

fn secrets_of(desk: &Desk) -> (String, String) {
    (format!("/applications/{}/secrets", desk.param("client_id")), "Client secrets".into())
}

async fn ask_secret(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    desk.show(&ConfirmActionPage {
        title: format!("Another secret for {}", client.display_name()),
        facts: vec![
            "It is shown once, on the next page.".into(),
            "The secrets there are stay valid until you remove them.".into(),
        ],
        section: "applications",
        back: secrets_of(&desk),
        action: desk.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Make the secret".into(),
        is_danger: false,
    })
}

async fn make_secret(desk: Desk) -> Answer {
    let (_, secret) =
        applications::create_secret(&desk.app, &desk.project, &desk.acting(), desk.param("client_id"), desk.now)
            .await?;
    desk.show(&SecretShownPage {
        title: "The new secret".into(),
        text: "Copy it to where the program finds it, now: it is shown this once.".into(),
        secret,
        section: "applications",
        back: secrets_of(&desk),
    })
}

async fn ask_remove(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    desk.show(&ConfirmActionPage {
        title: "Remove the secret?".into(),
        facts: vec![format!(
            "A program that still uses {}… is refused from then on. Has {} the new one?",
            desk.param("secret_id"),
            client.display_name()
        )],
        section: "applications",
        back: secrets_of(&desk),
        action: desk.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Remove the secret".into(),
        is_danger: true,
    })
}

async fn remove_secret(desk: Desk) -> Answer {
    let (client_id, secret_id) = (desk.param("client_id"), desk.param("secret_id"));
    applications::delete_secret(&desk.app, &desk.project, &desk.acting(), client_id, secret_id, desk.now).await?;
    desk.done(&secrets_of(&desk).0, PortalNotice::SecretDeleted)
}

async fn delete_page(desk: &Desk, client: &Client, error: Option<String>) -> Result<ConfirmActionPage, Problem> {
    let phrase = &client.client_id;
    let people = impact::count_signed_in_to(&desk.app, &desk.project, phrase, desk.now).await?;
    let mut facts = describe_signed_out(people);
    facts.push("Its secrets are removed. Users stay.".into());
    Ok(ConfirmActionPage {
        title: format!("Delete {}?", client.display_name()),
        facts,
        section: "applications",
        back: (format!("/applications/{phrase}"), client.display_name().to_string()),
        action: desk.path().to_string(),
        controls: vec![
            Control::new("confirmation", format!("Type {phrase} to confirm"), ControlKind::Line("text"), "")
                .required()
                .error(error),
        ],
        hidden: Hidden::default(),
        button: "Delete the application".into(),
        is_danger: true,
    })
}

async fn ask_delete(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    desk.show(&delete_page(&desk, &client, None).await?)
}

async fn delete(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    if desk.field("confirmation").trim() != client.client_id {
        let error = Some(format!("Type exactly: {}", client.client_id));
        return desk.complain(&delete_page(&desk, &client, error).await?);
    }
    applications::delete(&desk.app, &desk.project, &desk.acting(), &client.client_id, desk.now).await?;
    desk.done("/applications", PortalNotice::ApplicationDeleted)
}
