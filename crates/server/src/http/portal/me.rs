//! The operator's own account: its password.

use super::{Answer, Door, Hall, Verb, welcome::complain_of_password};
use crate::{
    flows::operators::{PASSWORD_POLICY, sign_in},
    ui::portal::{MyPasswordPage, PortalNotice},
};

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::hall(Verb::Get, "/portal/me", None, show).dangerous(),
        Door::hall(Verb::Post, "/portal/me", None, change).dangerous(),
    ]
}

async fn show(hall: Hall) -> Answer {
    hall.show(&page(&hall, None))
}

async fn change(hall: Hall) -> Answer {
    let weaknesses = sign_in::change_password(&hall.app, &hall.who, hall.field("password")).await?;
    match weaknesses.first() {
        None => hall.go_and_say("/portal", PortalNotice::PasswordChanged),
        Some(weakness) => hall.complain(&page(&hall, Some(complain_of_password(*weakness)))),
    }
}

fn page(hall: &Hall, error: Option<String>) -> MyPasswordPage {
    MyPasswordPage { email: hall.who.operator.email.clone(), min_length: PASSWORD_POLICY.min_length, error }
}
