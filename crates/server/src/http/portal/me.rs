//! The operator's own account: its passkeys and its password.

use super::{Answer, Door, Hall, Problem, Verb, activity, welcome::complain_of_password};
use crate::{
    flows::operators::{
        PASSWORD_POLICY, Removal,
        passkeys::{self, Renaming},
        sign_in,
    },
    ui::portal::{MePage, Moment, MyPasskey, PasskeyBox, PortalNotice},
};

const PATH: &str = "/portal/me";

pub(super) fn doors() -> Vec<Door> {
    vec![Door::hall(Verb::Get, PATH, None, show).dangerous(), Door::hall(Verb::Post, PATH, None, change).dangerous()]
}

async fn show(hall: Hall) -> Answer {
    let page = page(&hall).await?;
    hall.show(&page)
}

async fn change(hall: Hall) -> Answer {
    match hall.field("action") {
        "passkey" => add_passkey(hall).await,
        "rename_passkey" => rename_passkey(hall).await,
        "remove_passkey" => remove_passkey(hall).await,
        "remove_password" => remove_password(hall).await,
        _ => change_password(hall).await,
    }
}

async fn change_password(hall: Hall) -> Answer {
    let weaknesses = sign_in::change_password(&hall.app, &hall.who, hall.field("password"), hall.ip, hall.now).await?;
    let Some(weakness) = weaknesses.first() else { return hall.go_and_say(PATH, PortalNotice::PasswordChanged) };
    let page = page(&hall).await?;
    hall.complain(&MePage { error: Some(complain_of_password(*weakness)), ..page })
}

async fn add_passkey(hall: Hall) -> Answer {
    let made = (hall.field("credential"), hall.field("name"));
    if passkeys::add(&hall.app, &hall.who, hall.seat(), made, hall.ip, hall.now).await? {
        return hall.go_and_say(PATH, PortalNotice::PasskeyAdded);
    }
    let mut page = page(&hall).await?;
    page.add.error = Some("The passkey was not accepted. Try again.");
    hall.complain(&page)
}

async fn rename_passkey(hall: Hall) -> Answer {
    let Ok(id) = hall.field("id").parse() else { return hall.go_and_say(PATH, PortalNotice::Gone) };
    let typed = hall.field(&format!("name.{}", hall.field("id")));
    match passkeys::rename(&hall.app, &hall.who, id, typed, hall.ip, hall.now).await? {
        Renaming::Done => hall.go_and_say(PATH, PortalNotice::PasskeyRenamed),
        Renaming::Missing => hall.go_and_say(PATH, PortalNotice::Gone),
        Renaming::Nameless => {
            let mut page = page(&hall).await?;
            for one in page.passkeys.iter_mut().filter(|one| one.id == hall.field("id")) {
                one.rename.error = Some("Enter a name.".into());
                one.rename.value = String::new();
            }
            hall.complain(&page)
        }
    }
}

async fn remove_passkey(hall: Hall) -> Answer {
    let removal = match hall.field("id").parse() {
        Ok(id) => passkeys::remove(&hall.app, &hall.who, id, hall.ip, hall.now).await?,
        Err(_) => Removal::Missing,
    };
    hall.go_and_say(PATH, notice_of(removal, PortalNotice::PasskeyRemoved))
}

async fn remove_password(hall: Hall) -> Answer {
    let removal = sign_in::remove_password(&hall.app, &hall.who, hall.ip, hall.now).await?;
    hall.go_and_say(PATH, notice_of(removal, PortalNotice::PasswordRemoved))
}

fn notice_of(removal: Removal, done: PortalNotice) -> PortalNotice {
    match removal {
        Removal::Done => done,
        Removal::LastWayIn => PortalNotice::LastWayIn,
        Removal::Missing => PortalNotice::Gone,
    }
}

async fn page(hall: &Hall) -> Result<MePage, Problem> {
    let operator = &hall.who.operator;
    let known = passkeys::list(&hall.app, &hall.who).await?;
    let owner = (operator.id, operator.email.as_str());
    let options = passkeys::creation_options(&hall.app, hall.seat(), owner, &known, hall.now);
    let mut add = PasskeyBox::to_create(options, PATH, "Add a passkey");
    add.controls.push(MePage::name_control());
    let line = |row: vestibule_store::operator_passkeys::OperatorPasskey| MyPasskey {
        rename: MyPasskey::rename_control(&row.id.to_string(), &row.name, &row.name, None),
        id: row.id.to_string(),
        name: row.name,
        created_at: Moment::new(row.created_at.to_rfc3339()),
        used_at: row.last_used_at.map(|at| Moment::new(at.to_rfc3339())),
    };
    Ok(MePage {
        email: operator.email.clone(),
        passkeys: known.into_iter().map(line).collect(),
        add,
        has_password: operator.password_hash.is_some(),
        min_length: PASSWORD_POLICY.min_length,
        error: None,
        lately: activity::list_own(hall).await?,
    })
}
