//! Creating and revoking Admin API keys.

use vestibule_domain::operator::Role;
use vestibule_protocol::text;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden, SecretShownPage},
    control::{Control, ControlKind},
    notice::PortalNotice,
    operators::{KeyEntry, KeysPage},
};
use vestibule_app::admin::{
    AdminError,
    keys::{self, AdminScope, print_scopes},
    statistics::print_day_of,
};
use vestibule_web::route::ADMIN_API_PREFIX;

pub(super) fn routes() -> Vec<PortalRoute> {
    const NEW: &str = "/portal/p/{project}/admin-keys/new";
    const REVOKE: &str = "/portal/p/{project}/admin-keys/{key_id}/revoke";
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/admin-keys", Role::Owner, list),
        PortalRoute::project(Verb::Get, NEW, Role::Owner, ask).requires_reauthentication(),
        PortalRoute::project(Verb::Post, NEW, Role::Owner, make).requires_reauthentication(),
        PortalRoute::project(Verb::Get, REVOKE, Role::Owner, ask_revoke).requires_reauthentication(),
        PortalRoute::project(Verb::Post, REVOKE, Role::Owner, revoke).requires_reauthentication(),
    ]
}

async fn list(request: ProjectRequest) -> PageResult {
    let all = keys::list(&request.ctx()).await?;
    let keys = all.into_iter().map(|key| KeyEntry {
        id: key.id,
        name: key.name,
        scopes: print_scopes(&key.scopes, ", "),
        made: print_day_of(key.created_at),
        used: key.last_used_at.map(print_day_of),
        is_revoked: key.revoked_at.is_some(),
    });
    let address = format!("{}{}", request.project.origin, ADMIN_API_PREFIX);
    request.show(&KeysPage { address, keys: keys.collect() })
}

fn scope_hint(scope: AdminScope) -> &'static str {
    match scope {
        AdminScope::SettingsRead => "Read settings and applications.",
        AdminScope::SettingsWrite => "Change settings, applications and their secrets.",
        AdminScope::UsersRead => "Read users and their sessions.",
        AdminScope::UsersWrite => "Create, change, promote, disable and delete users; end their sessions.",
        AdminScope::UsersTransfer => "Export and import users with their password hashes and keys.",
        AdminScope::EventsRead => "Read events and deliveries, and resend deliveries.",
        AdminScope::StatisticsRead => "Read statistics.",
        AdminScope::KeysWrite => "List, create and revoke keys.",
    }
}

fn new_page(request: &ProjectRequest, name_error: Option<&str>, scope_error: Option<&str>) -> ConfirmActionPage {
    let chosen = request.fields("scope");
    let mut controls = vec![
        Control::new("name", "Name", ControlKind::Line("text"), request.field("name"))
            .hint("For example Nightly report.")
            .required()
            .error(name_error),
    ];
    for (number, scope) in AdminScope::ALL.into_iter().enumerate() {
        let on = if chosen.contains(&scope.as_str()) || request.is_checked(scope.as_str()) { "on" } else { "" };
        controls.push(
            Control::new(scope.as_str(), scope.as_str(), ControlKind::Toggle, on)
                .hint(scope_hint(scope))
                .error(scope_error.filter(|_| number == 0)),
        );
    }
    ConfirmActionPage {
        title: "New key".into(),
        facts: vec!["The key is shown once, on the next page. Choose only the scopes it needs.".into()],
        section: "admin-keys",
        back: ("/admin-keys".into(), "Admin API keys".into()),
        action: request.path().to_string(),
        controls,
        hidden: Hidden::default(),
        button: "Create key".into(),
        is_danger: false,
    }
}

async fn ask(request: ProjectRequest) -> PageResult {
    request.show(&new_page(&request, None, None))
}

async fn make(request: ProjectRequest) -> PageResult {
    let name = request.field("name").trim();
    let scopes: Vec<AdminScope> =
        AdminScope::ALL.into_iter().filter(|scope| request.is_checked(scope.as_str())).collect();
    let name_error = (!text::is_name(name)).then_some("Enter a name of 1 to 100 characters.");
    let scope_error = scopes.is_empty().then_some("Choose at least one option.");
    if name_error.is_some() || scope_error.is_some() {
        return request.show_again(&new_page(&request, name_error, scope_error));
    }
    let made = keys::create_api_key(&request.ctx(), &request.acting(), name, &scopes).await;
    let (_, secret) = made.map_err(AdminError::from)?;
    request.show(&SecretShownPage {
        title: "New API key".into(),
        text: "Copy this key now. You won't see it again. Send it in the Authorization header, after the word Bearer."
            .into(),
        secret,
        section: "admin-keys",
        back: ("/admin-keys".into(), "Admin API keys".into()),
    })
}

async fn ask_revoke(request: ProjectRequest) -> PageResult {
    let all = keys::list(&request.ctx()).await?;
    let key = all.into_iter().find(|key| key.id == request.param("key_id")).ok_or(PortalError::Missing)?;
    request.show(&ConfirmActionPage {
        title: format!("Revoke {}?", key.name),
        facts: vec!["Requests with this key are refused at once. This can't be undone.".into()],
        section: "admin-keys",
        back: ("/admin-keys".into(), "Admin API keys".into()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Revoke key".into(),
        is_danger: true,
    })
}

async fn revoke(request: ProjectRequest) -> PageResult {
    let revoked = keys::revoke(&request.ctx(), &request.acting(), request.param("key_id")).await?;
    request.done("/admin-keys", if revoked { PortalNotice::KeyRevoked } else { PortalNotice::Gone })
}
