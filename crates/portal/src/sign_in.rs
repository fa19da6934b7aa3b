//! Sign-in, sign-out, reauthentication, and the page for unknown URLs.

use vestibule_app::operators::{links, passkeys, sign_in};

use crate::{HOME, OperatorRequest, PageResult, PortalError, PortalRoute, PublicRequest, Verb};
use crate::{
    entry_pages::{ProvePage, SignInPage},
    passkey::PasskeyBox,
};

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::public(Verb::Get, "/portal/sign-in", show),
        PortalRoute::public(Verb::Post, "/portal/sign-in", enter),
        PortalRoute::operator(Verb::Post, "/portal/sign-out", None, sign_out),
        PortalRoute::operator(Verb::Get, "/portal/prove", None, show_prove),
        PortalRoute::operator(Verb::Post, "/portal/prove", None, prove),
        PortalRoute::public(Verb::Get, "/portal/", async |request| request.go(HOME)),
        PortalRoute::public(Verb::Get, "/portal/{*rest}", async |_| Err(PortalError::Missing)),
    ]
}

async fn show(request: PublicRequest) -> PageResult {
    request.show(&page(&request).await?)
}

async fn page(request: &PublicRequest) -> Result<SignInPage, PortalError> {
    let has_operators = links::has_operators(&request.app).await?;
    let options = passkeys::request_options(&request.app, request.ceremony(), &[], request.now);
    Ok(SignInPage {
        email: request.field("email").to_string(),
        error: None,
        next: request.next().to_string(),
        passkey: PasskeyBox::to_use(options, request.path(), "Sign in with a passkey").send("next", request.next()),
        has_operators,
    })
}

async fn enter(request: PublicRequest) -> PageResult {
    if request.field("action") == "passkey" {
        let answer = request.field("credential");
        let started = passkeys::sign_in(&request.app, request.ceremony(), answer, request.ip, request.now).await?;
        let Some(started) = started else {
            let page = page(&request).await?;
            let passkey = page
                .passkey
                .clone()
                .error(Some("This passkey is not registered for the portal. Use another passkey or your password."));
            return request.show_again(&SignInPage { passkey, ..page });
        };
        return request.go_signed_in(&started, request.next());
    }
    let typed = (request.field("email"), request.field("password"));
    match sign_in::sign_in(&request.app, typed, request.source(), request.now).await? {
        Some(started) => request.go_signed_in(&started, request.next()),
        None => {
            let error = Some("Wrong email or password.".into());
            request.show_again(&SignInPage { error, ..page(&request).await? })
        }
    }
}

async fn sign_out(request: OperatorRequest) -> PageResult {
    sign_in::sign_out(&request.app, &request.signed_in, request.ip, request.now).await?;
    request.go_signed_out("/portal/sign-in")
}

async fn show_prove(request: OperatorRequest) -> PageResult {
    let page = prove_page(&request).await?;
    request.show(&page)
}

async fn prove_page(request: &OperatorRequest) -> Result<ProvePage, PortalError> {
    let has_password = request.signed_in.operator.password_hash.is_some();
    let known = passkeys::list(&request.app, &request.signed_in).await?;
    let passkey = (!known.is_empty()).then(|| {
        let options = passkeys::request_options(&request.app, request.ceremony(), &known, request.now);
        let passkey = PasskeyBox::to_use(options, request.path(), "Use a passkey").send("next", request.next());
        PasskeyBox { is_alone: !has_password, ..passkey }
    });
    Ok(ProvePage {
        email: request.signed_in.operator.email.clone(),
        has_password,
        passkey,
        error: None,
        next: request.next().to_string(),
    })
}

async fn prove(request: OperatorRequest) -> PageResult {
    let is_passkey = request.field("action") == "passkey";
    let is_proved = if is_passkey {
        passkeys::prove(
            &request.app,
            &request.signed_in,
            request.ceremony(),
            request.field("credential"),
            request.ip,
            request.now,
        )
        .await?
    } else {
        sign_in::prove(&request.app, &request.signed_in, request.field("password"), request.ip, request.now).await?
    };
    if is_proved {
        return request.go(request.next());
    }
    let mut page = prove_page(&request).await?;
    if is_passkey {
        page.passkey = page.passkey.map(|passkey| passkey.error(Some("This passkey does not belong to your account.")));
    } else {
        page.error = Some("Wrong password.".into());
    }
    request.show_again(&page)
}
