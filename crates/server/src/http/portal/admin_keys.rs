//! Keys of the Admin API: making and revoking them.

use vestibule_domain::operator::Role;

use super::{Answer, Desk, Door, Problem, Verb};
use crate::{
    flows::admin::{
        AdminError,
        keys::{self, Scope},
    },
    http::admin_api,
    ui::portal::{ConfirmActionPage, Control, ControlKind, Hidden, KeyEntry, KeysPage, PortalNotice, SecretShownPage},
};

pub(super) fn doors() -> Vec<Door> {
    const NEW: &str = "/portal/p/{project}/admin-keys/new";
    const REVOKE: &str = "/portal/p/{project}/admin-keys/{key_id}/revoke";
    vec![
        Door::desk(Verb::Get, "/portal/p/{project}/admin-keys", Role::Owner, list),
        Door::desk(Verb::Get, NEW, Role::Owner, ask).dangerous(),
        Door::desk(Verb::Post, NEW, Role::Owner, make).dangerous(),
        Door::desk(Verb::Get, REVOKE, Role::Owner, ask_revoke).dangerous(),
        Door::desk(Verb::Post, REVOKE, Role::Owner, revoke).dangerous(),
    ]
}

async fn list(desk: Desk) -> Answer {
    let day = |at: String| at.chars().take(10).collect::<String>();
    let all = keys::list(&desk.app, &desk.project).await?;
    let keys = all.into_iter().map(|key| KeyEntry {
        id: key.id,
        name: key.name,
        scopes: key.scopes.join(", "),
        made: day(key.created_at),
        used: key.last_used_at.map(day),
        is_revoked: key.revoked_at.is_some(),
    });
    let address = format!("{}{}", desk.project.origin, admin_api::PREFIX);
    desk.show(&KeysPage { address, keys: keys.collect() })
}

fn scope_hint(scope: Scope) -> &'static str {
    match scope {
        Scope::SettingsRead => "Read settings and applications.",
        Scope::SettingsWrite => "Change settings, applications and their secrets.",
        Scope::UsersRead => "Read users and their sessions.",
        Scope::UsersWrite => "Create, change, promote, disable and delete users; end their sessions.",
        Scope::UsersTransfer => "Export and import users with their password hashes and keys.",
        Scope::EventsRead => "Read events and deliveries, and send deliveries again.",
        Scope::StatisticsRead => "Read statistics.",
        Scope::KeysWrite => "List, make and revoke keys.",
    }
}

fn new_page(desk: &Desk, name_error: Option<&str>, scope_error: Option<&str>) -> ConfirmActionPage {
    let chosen = desk.fields("scope");
    let mut controls = vec![
        Control::new("name", "Name", ControlKind::Line("text"), desk.field("name"))
            .hint("What the key is for, such as Nightly report.")
            .required()
            .error(name_error),
    ];
    for (number, scope) in Scope::ALL.into_iter().enumerate() {
        let on = if chosen.contains(&scope.as_str()) || desk.is_checked(scope.as_str()) { "on" } else { "" };
        controls.push(
            Control::new(scope.as_str(), scope.as_str(), ControlKind::Toggle, on)
                .hint(scope_hint(scope))
                .error(scope_error.filter(|_| number == 0)),
        );
    }
    ConfirmActionPage {
        title: "New key".into(),
        facts: vec!["It is shown once, on the next page. Give it no more than it needs.".into()],
        section: "admin-keys",
        back: ("/admin-keys".into(), "Admin API keys".into()),
        action: desk.path().to_string(),
        controls,
        hidden: Hidden::default(),
        button: "Make the key".into(),
        is_danger: false,
    }
}

async fn ask(desk: Desk) -> Answer {
    desk.show(&new_page(&desk, None, None))
}

async fn make(desk: Desk) -> Answer {
    let name = desk.field("name").trim();
    let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| desk.is_checked(scope.as_str())).collect();
    let is_name = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let name_error = (!is_name).then_some("Write a name of 1 to 100 characters.");
    let scope_error = scopes.is_empty().then_some("Choose at least one.");
    if name_error.is_some() || scope_error.is_some() {
        return desk.complain(&new_page(&desk, name_error, scope_error));
    }
    let made = keys::create_api_key(&desk.app, &desk.project, &desk.acting(), name, &scopes, desk.now).await;
    let (_, secret) = made.map_err(AdminError::from)?;
    desk.show(&SecretShownPage {
        title: "The new key".into(),
        text:
            "Copy it to where the program finds it, now: it is shown this once. It goes into the header Authorization, \
               after the word Bearer."
                .into(),
        secret,
        section: "admin-keys",
        back: ("/admin-keys".into(), "Admin API keys".into()),
    })
}

async fn ask_revoke(desk: Desk) -> Answer {
    let all = keys::list(&desk.app, &desk.project).await?;
    let key = all.into_iter().find(|key| key.id == desk.param("key_id")).ok_or(Problem::Missing)?;
    desk.show(&ConfirmActionPage {
        title: format!("Revoke {}?", key.name),
        facts: vec!["Requests with it are refused from then on. It cannot be undone.".into()],
        section: "admin-keys",
        back: ("/admin-keys".into(), "Admin API keys".into()),
        action: desk.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Revoke the key".into(),
        is_danger: true,
    })
}

async fn revoke(desk: Desk) -> Answer {
    let revoked = keys::revoke(&desk.app, &desk.project, &desk.acting(), desk.param("key_id"), desk.now).await?;
    desk.done("/admin-keys", if revoked { PortalNotice::KeyRevoked } else { PortalNotice::Gone })
}
