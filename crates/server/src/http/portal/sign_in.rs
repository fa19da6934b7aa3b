//! Sign-in, sign-out, reauthentication, and the page for unknown URLs.

use super::{Answer, Door, HOME, Hall, Lobby, Problem, Verb};
use crate::{
    flows::operators::{links, passkeys, sign_in},
    ui::portal::{PasskeyBox, ProvePage, SignInPage},
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
    lobby.show(&page(&lobby).await?)
}

async fn page(lobby: &Lobby) -> Result<SignInPage, Problem> {
    let has_operators = links::has_operators(&lobby.app.store).await?;
    let options = passkeys::request_options(&lobby.app, lobby.seat(), &[], lobby.now);
    Ok(SignInPage {
        email: lobby.field("email").to_string(),
        error: None,
        next: lobby.next().to_string(),
        passkey: PasskeyBox::to_use(options, lobby.path(), "Sign in with a passkey").send("next", lobby.next()),
        has_operators,
    })
}

async fn enter(lobby: Lobby) -> Answer {
    if lobby.field("action") == "passkey" {
        let answer = lobby.field("credential");
        let cookie = passkeys::sign_in(&lobby.app, lobby.seat(), answer, lobby.ip, lobby.now).await?;
        let Some(cookie) = cookie else {
            let page = page(&lobby).await?;
            let passkey = page
                .passkey
                .clone()
                .error(Some("This passkey is not registered for the portal. Use another passkey or your password."));
            return lobby.complain(&SignInPage { passkey, ..page });
        };
        return lobby.go_signed_in(&cookie, lobby.next());
    }
    let (email, password) = (lobby.field("email"), lobby.field("password"));
    match sign_in::sign_in(&lobby.app, email, password, lobby.ip, lobby.now).await? {
        Some(cookie) => lobby.go_signed_in(&cookie, lobby.next()),
        None => {
            let error = Some("Wrong email or password.".into());
            lobby.complain(&SignInPage { error, ..page(&lobby).await? })
        }
    }
}

async fn leave(hall: Hall) -> Answer {
    sign_in::sign_out(&hall.app, &hall.who).await?;
    hall.go_signed_out("/portal/sign-in")
}

async fn show_prove(hall: Hall) -> Answer {
    let page = prove_page(&hall).await?;
    hall.show(&page)
}

async fn prove_page(hall: &Hall) -> Result<ProvePage, Problem> {
    let has_password = hall.who.operator.password_hash.is_some();
    let known = passkeys::list(&hall.app, &hall.who).await?;
    let passkey = (!known.is_empty()).then(|| {
        let options = passkeys::request_options(&hall.app, hall.seat(), &known, hall.now);
        let passkey = PasskeyBox::to_use(options, hall.path(), "Use a passkey").send("next", hall.next());
        PasskeyBox { is_alone: !has_password, ..passkey }
    });
    Ok(ProvePage {
        email: hall.who.operator.email.clone(),
        has_password,
        passkey,
        error: None,
        next: hall.next().to_string(),
    })
}

async fn prove(hall: Hall) -> Answer {
    let is_passkey = hall.field("action") == "passkey";
    let is_proved = if is_passkey {
        passkeys::prove(&hall.app, &hall.who, hall.seat(), hall.field("credential"), hall.ip, hall.now).await?
    } else {
        sign_in::prove(&hall.app, &hall.who, hall.field("password"), hall.ip, hall.now).await?
    };
    if is_proved {
        return hall.go(hall.next());
    }
    let mut page = prove_page(&hall).await?;
    if is_passkey {
        page.passkey = page.passkey.map(|passkey| passkey.error(Some("This passkey does not belong to your account.")));
    } else {
        page.error = Some("Wrong password.".into());
    }
    hall.complain(&page)
}
