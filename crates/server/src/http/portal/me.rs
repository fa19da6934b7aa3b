//! The operator's own account: its passkeys and its password.

use super::{Answer, Door, Hall, Problem, Verb, welcome::complain_of_password};
use crate::{
    flows::operators::{
        PASSWORD_POLICY,
        passkeys::{self, Removal},
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
        "remove_passkey" => remove_passkey(hall).await,
        _ => change_password(hall).await,
    }
}

async fn change_password(hall: Hall) -> Answer {
    let weaknesses = sign_in::change_password(&hall.app, &hall.who, hall.field("password")).await?;
    let Some(weakness) = weaknesses.first() else { return hall.go_and_say(PATH, PortalNotice::PasswordChanged) };
    let page = page(&hall).await?;
    hall.complain(&MePage { error: Some(complain_of_password(*weakness)), ..page })
}

async fn add_passkey(hall: Hall) -> Answer {
    let made = (hall.field("credential"), hall.field("name"));
    if passkeys::add(&hall.app, &hall.who, hall.seat(), made, hall.now).await? {
        return hall.go_and_say(PATH, PortalNotice::PasskeyAdded);
    }
    let mut page = page(&hall).await?;
    page.add.error = Some("That passkey was not taken. Try again.");
    hall.complain(&page)
}

async fn remove_passkey(hall: Hall) -> Answer {
    let notice = match hall.field("id").parse() {
        Ok(id) => match passkeys::remove(&hall.app, &hall.who, id).await? {
            Removal::Done => PortalNotice::PasskeyRemoved,
            Removal::LastWayIn => PortalNotice::LastWayIn,
            Removal::Missing => PortalNotice::Gone,
        },
        Err(_) => PortalNotice::Gone,
    };
    hall.go_and_say(PATH, notice)
}

async fn page(hall: &Hall) -> Result<MePage, Problem> {
    let operator = &hall.who.operator;
    let known = passkeys::list(&hall.app, &hall.who).await?;
    let owner = (operator.id, operator.email.as_str());
    let options = passkeys::creation_options(&hall.app, hall.seat(), owner, &known, hall.now);
    let mut add = PasskeyBox::to_create(options, PATH, "Add a passkey");
    add.controls.push(MePage::name_control());
    let line = |row: vestibule_store::operator_passkeys::OperatorPasskey| MyPasskey {
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
    })
}
