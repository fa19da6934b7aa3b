//! Sign-in, sign-out, reauthentication, and the page for unknown URLs.

use askama::Template;
use vestibule_app::operators::{links, passkeys, sign_in};
use vestibule_web::template::finish;

use crate::{
    HOME, OperatorRequest, PageResult, PortalError, PortalRoute, PublicRequest, Verb,
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
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

/// Asks for address and password.
#[derive(Clone, Debug)]
pub(crate) struct SignInPage {
    pub email: String,
    pub error: Option<String>,
    pub next: String,
    pub passkey: PasskeyBox,
    /// Whether any operator exists.
    pub has_operators: bool,
}

impl SignInPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::passkey::Ceremony;
        let plain = Self {
            email: String::new(),
            error: None,
            next: "/portal".into(),
            passkey: PasskeyBox::sample(Ceremony::Use),
            has_operators: true,
        };
        let wrong =
            Self { email: "kim@shop.example".into(), error: Some("Wrong email or password.".into()), ..plain.clone() };
        let refused = Self {
            passkey: plain.passkey.clone().error(Some("This passkey is not registered here.")),
            ..plain.clone()
        };
        let unused = Self { has_operators: false, ..plain.clone() };
        vec![("plain", plain), ("wrong", wrong), ("refused", refused), ("unused", unused)]
    }

    fn controls(&self) -> Vec<Control> {
        vec![
            Control::new("email", "Email", ControlKind::Line("email"), &self.email).required().autocomplete("username"),
            Control::new("password", "Password", ControlKind::Password, "").required().error(self.error.clone()),
        ]
    }
}

impl PortalPage for SignInPage {
    fn title(&self) -> String {
        "Sign in to the portal".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(SignInBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls().iter().filter_map(Control::problem).collect()
    }

    fn has_passkey(&self) -> bool {
        self.has_operators
    }
}

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
struct SignInBody<'a> {
    ctx: &'a PortalContext,
    page: &'a SignInPage,
}

/// Reauthentication before a dangerous action.
#[derive(Clone, Debug)]
pub(crate) struct ProvePage {
    pub email: String,
    pub has_password: bool,
    pub passkey: Option<PasskeyBox>,
    pub error: Option<String>,
    pub next: String,
}

impl ProvePage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::passkey::Ceremony;
        let plain = Self {
            email: "kim@shop.example".into(),
            has_password: true,
            passkey: None,
            error: None,
            next: "/portal/p/shop/settings/delete".into(),
        };
        let wrong = Self { error: Some("Wrong password.".into()), ..plain.clone() };
        let both = Self { passkey: Some(PasskeyBox::sample(Ceremony::Use)), ..plain.clone() };
        let passkey = PasskeyBox { is_alone: true, ..PasskeyBox::sample(Ceremony::Use) };
        let only = Self { has_password: false, passkey: Some(passkey), ..plain.clone() };
        vec![("plain", plain), ("wrong", wrong), ("both", both), ("only", only)]
    }

    fn control(&self) -> Control {
        Control::new("password", "Password", ControlKind::Password, "").required().error(self.error.clone())
    }
}

impl PortalPage for ProvePage {
    fn title(&self) -> String {
        "Confirm that it's you".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ProveBody { ctx, page: self }.render())
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.control().problem().into_iter().collect()
    }

    fn has_passkey(&self) -> bool {
        self.passkey.is_some()
    }
}

#[derive(Template)]
#[template(path = "portal/prove.html")]
struct ProveBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ProvePage,
}
