//! Signing in and out, proving again who one is, and addresses where nothing is.

use super::{Answer, Door, HOME, Hall, Lobby, Problem, Verb};
use crate::{
    flows::operators::sign_in,
    ui::portal::{ProvePage, SignInPage},
};

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::lobby(Verb::Get, "/portal/sign-in", show),
        Door::lobby(Verb::Post, "/portal/sign-in", enter),
        Door::hall(Verb::Post, "/portal/sign-out", None, leave),
        Door::hall(Verb::Get, "/portal/prove", None, show_prove),
        Door::hall(Verb::Post, "/portal/prove", None, prove),
        Door::lobby(Verb::Get, "/portal/", async |lobby| lobby.go(HOME)),
        Door::lobby(Verb::Get, "/portal/{*rest}", async |_| Err(Problem::Missing)),
    ]
}

async fn show(lobby: Lobby) -> Answer {
    lobby.show(&SignInPage { email: String::new(), error: None, next: lobby.next().to_string() })
}

async fn enter(lobby: Lobby) -> Answer {
    let (email, password) = (lobby.field("email"), lobby.field("password"));
    match sign_in::sign_in(&lobby.app, email, password, lobby.ip, lobby.now).await? {
        Some(cookie) => lobby.go_signed_in(&cookie, lobby.next()),
        None => lobby.complain(&SignInPage {
            email: email.to_string(),
            error: Some("Address or password is not right.".into()),
            next: lobby.next().to_string(),
        }),
    }
}

async fn leave(hall: Hall) -> Answer {
    sign_in::sign_out(&hall.app, &hall.who).await?;
    hall.go_signed_out("/portal/sign-in")
}

async fn show_prove(hall: Hall) -> Answer {
    hall.show(&ProvePage { email: hall.who.operator.email.clone(), error: None, next: hall.next().to_string() })
}

async fn prove(hall: Hall) -> Answer {
    if sign_in::prove(&hall.app, &hall.who, hall.field("password"), hall.ip, hall.now).await? {
        return hall.go(hall.next());
    }
    hall.complain(&ProvePage {
        email: hall.who.operator.email.clone(),
        error: Some("That is not your password.".into()),
        next: hall.next().to_string(),
    })
}
