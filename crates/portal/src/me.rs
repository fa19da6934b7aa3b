//! The operator's own account: its passkeys and its password.

use askama::Template;
use vestibule_app::adapters::mailer::Mail;
use vestibule_app::operators::{
    PASSWORD_POLICY, RemovalOutcome,
    address::{self, AddressProven, Sending},
    passkeys::{self, Renaming},
    sign_in,
};
use vestibule_web::template::finish;

use crate::{
    OperatorRequest, PageResult, PortalError, PortalRoute, Verb,
    activity::{self, ActivityLine},
    control::{Control, ControlKind},
    frame::{PortalContext, PortalPage},
    invitation::{address_code_mail, mail_to_operator},
    moment::Moment,
    notice::PortalNotice,
    one_time_link::describe_password_problem,
    passkey::PasskeyBox,
};

const PATH: &str = "/portal/me";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::operator(Verb::Get, PATH, None, show).requires_reauthentication(),
        PortalRoute::operator(Verb::Post, PATH, None, change).requires_reauthentication(),
    ]
}

async fn show(request: OperatorRequest) -> PageResult {
    let page = page(&request).await?;
    request.show(&page)
}

async fn change(request: OperatorRequest) -> PageResult {
    let before = request.clone();
    let mut response = act(request).await?;
    before.stay_known(&mut response).await?;
    Ok(response)
}

async fn act(request: OperatorRequest) -> PageResult {
    match request.field("action") {
        "passkey" => add_passkey(request).await,
        "rename_passkey" => rename_passkey(request).await,
        "remove_passkey" => remove_passkey(request).await,
        "remove_password" => remove_password(request).await,
        "send_code" => send_code(request).await,
        "prove_address" => prove_address(request).await,
        _ => change_password(request).await,
    }
}

async fn change_password(request: OperatorRequest) -> PageResult {
    let weaknesses =
        sign_in::change_password(&request.app, &request.signed_in, request.field("password"), request.ip, request.now)
            .await?;
    let Some(weakness) = weaknesses.first() else {
        return request.redirect_with_notice(PATH, PortalNotice::PasswordChanged);
    };
    let page = page(&request).await?;
    request.show_again(&MePage { error: Some(describe_password_problem(*weakness)), ..page })
}

async fn add_passkey(request: OperatorRequest) -> PageResult {
    let made = (request.field("credential"), request.field("name"));
    if passkeys::add(&request.app, &request.signed_in, request.ceremony(), made, request.ip, request.now).await? {
        return request.redirect_with_notice(PATH, PortalNotice::PasskeyAdded);
    }
    let mut page = page(&request).await?;
    page.add.error = Some("The passkey was not accepted. Try again.");
    request.show_again(&page)
}

async fn rename_passkey(request: OperatorRequest) -> PageResult {
    let Ok(id) = request.field("id").parse() else { return request.redirect_with_notice(PATH, PortalNotice::Gone) };
    let typed = request.field(&format!("name.{}", request.field("id")));
    match passkeys::rename(&request.app, &request.signed_in, id, typed, request.ip, request.now).await? {
        Renaming::Done => request.redirect_with_notice(PATH, PortalNotice::PasskeyRenamed),
        Renaming::Missing => request.redirect_with_notice(PATH, PortalNotice::Gone),
        Renaming::Nameless => {
            let mut page = page(&request).await?;
            for one in page.passkeys.iter_mut().filter(|one| one.id == request.field("id")) {
                one.rename.error = Some("Enter a name.".into());
                one.rename.value = String::new();
            }
            request.show_again(&page)
        }
    }
}

async fn remove_passkey(request: OperatorRequest) -> PageResult {
    let removal = match request.field("id").parse() {
        Ok(id) => passkeys::remove(&request.app, &request.signed_in, id, request.ip, request.now).await?,
        Err(_) => RemovalOutcome::Missing,
    };
    request.redirect_with_notice(PATH, notice_of(removal, PortalNotice::PasskeyRemoved))
}

async fn remove_password(request: OperatorRequest) -> PageResult {
    let removal = sign_in::remove_password(&request.app, &request.signed_in, request.ip, request.now).await?;
    request.redirect_with_notice(PATH, notice_of(removal, PortalNotice::PasswordRemoved))
}

async fn send_code(request: OperatorRequest) -> PageResult {
    let useful_seconds = Some(address::LIFETIME.as_secs());
    let write = |to: &str, code: &str| Mail { useful_seconds, ..mail_to_operator(to, address_code_mail(code)) };
    let sent = address::send_code(&request.app, &request.signed_in, &write, request.now).await?;
    let mut page = page(&request).await?;
    match sent {
        Sending::Sent(challenge) => page.address.ask(&challenge, None),
        Sending::Failed(why) => page.address.error = Some(format!("The code could not be sent: {why}.")),
    }
    request.show(&page)
}

async fn prove_address(request: OperatorRequest) -> PageResult {
    let typed = (request.field("challenge"), request.field("code"), request.field("new_password"));
    let proven = address::prove(&request.app, &request.signed_in, typed, request.ip, request.now).await?;
    let mut page = page(&request).await?;
    match proven {
        AddressProven::Done => return request.redirect_with_notice(PATH, PortalNotice::AddressProved),
        AddressProven::WrongCode => page.address.ask(typed.0, Some("This code is wrong or has expired.")),
        AddressProven::Weak(weakness) => {
            page.address.ask(typed.0, None);
            page.address.password_error = Some(describe_password_problem(weakness));
        }
    }
    request.show_again(&page)
}

fn notice_of(removal: RemovalOutcome, done: PortalNotice) -> PortalNotice {
    match removal {
        RemovalOutcome::Done => done,
        RemovalOutcome::LastLoginMethod => PortalNotice::LastLoginMethod,
        RemovalOutcome::Missing => PortalNotice::Gone,
    }
}

async fn page(request: &OperatorRequest) -> Result<MePage, PortalError> {
    let operator = &request.signed_in.operator;
    let known = passkeys::list(&request.app, &request.signed_in).await?;
    let owner = (operator.id, operator.email.as_str());
    let options = passkeys::creation_options(&request.app, request.ceremony(), owner, &known, request.now);
    let mut add = PasskeyBox::to_create(options, PATH, "Add a passkey");
    add.controls.push(MePage::name_control());
    let passkeys = known.into_iter().map(|one| MyPasskey {
        rename: MyPasskey::rename_control(&one.id.to_string(), &one.name, &one.name, None),
        id: one.id.to_string(),
        name: one.name,
        created_at: Moment::new(one.created_at.to_rfc3339()),
        used_at: one.last_used_at.map(|at| Moment::new(at.to_rfc3339())),
    });
    Ok(MePage {
        email: operator.email.clone(),
        address: AddressProof::new(operator.email_proved_at.is_some(), request.app.mailer.is_configured()),
        passkeys: passkeys.collect(),
        add,
        has_password: operator.password_hash.is_some(),
        min_length: PASSWORD_POLICY.min_length,
        error: None,
        lately: activity::list_own(request).await?,
    })
}

/// One passkey of the operator.
#[derive(Clone, Debug)]
pub(crate) struct MyPasskey {
    pub id: String,
    pub name: String,
    pub created_at: Moment,
    pub used_at: Option<Moment>,
    pub rename: Control,
}

impl MyPasskey {
    /// The control for renaming a passkey, and its error.
    pub(crate) fn rename_control(id: &str, name: &str, typed: &str, error: Option<&str>) -> Control {
        Control::new(format!("name.{id}"), "New name", ControlKind::Line("text"), typed)
            .of(name)
            .required()
            .error(error)
    }
}

/// Whether the operator's address is proved, and the form to prove it.
#[derive(Clone, Debug, Default)]
pub struct AddressProof {
    pub is_proved: bool,
    /// Whether a code can be mailed.
    pub can_send: bool,
    pub error: Option<String>,
    pub password_error: Option<String>,
    /// The field for the code that was sent, and the challenge sent with it.
    pub code: Option<(Control, String)>,
}

impl AddressProof {
    pub fn new(is_proved: bool, can_send: bool) -> Self {
        Self { is_proved, can_send, ..Self::default() }
    }

    /// Asks for the code that was sent.
    pub fn ask(&mut self, challenge: &str, error: Option<&str>) {
        let control = Control::new("code", "Code", ControlKind::Line("text"), "")
            .required()
            .autocomplete("one-time-code")
            .hint("We sent it to your address. It works for 10 minutes.")
            .error(error);
        self.code = Some((control, challenge.to_string()));
    }

    /// The password to choose with it.
    fn password(&self) -> Control {
        Control::new("new_password", "Password for your confirmed account", ControlKind::NewPassword, "")
            .required()
            .hint("Replaces your password and your passkeys, in case another person set them. Then add your passkeys again.")
            .error(self.password_error.clone())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct MePage {
    pub email: String,
    pub address: AddressProof,
    pub passkeys: Vec<MyPasskey>,
    pub add: PasskeyBox,
    pub has_password: bool,
    pub min_length: usize,
    pub error: Option<String>,
    pub lately: Vec<ActivityLine>,
}

impl MePage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use vestibule_web::passkey::Ceremony;
        let plain = Self {
            email: "kim@shop.example".into(),
            address: AddressProof::new(true, true),
            passkeys: Vec::new(),
            add: PasskeyBox::sample(Ceremony::Create),
            has_password: true,
            min_length: 10,
            error: None,
            lately: ActivityLine::samples(),
        };
        let short = Self { error: Some("Use at least 10 characters.".into()), ..plain.clone() };
        let key = |id: &str, used: Option<&str>| MyPasskey {
            id: id.into(),
            name: "Blue <key>".into(),
            created_at: Moment::new("2030-05-01T08:00:00.000Z"),
            used_at: used.map(Moment::new),
            rename: MyPasskey::rename_control(id, "Blue <key>", "", used.map(|_| "Enter a name.")),
        };
        let keys = Self {
            passkeys: vec![key("0190", None), key("0191", Some("2030-05-02T08:00:00.000Z"))],
            has_password: false,
            add: PasskeyBox::sample(Ceremony::Create).error(Some("That did not work.")),
            lately: Vec::new(),
            ..plain.clone()
        };
        let both = Self { has_password: true, ..keys.clone() };
        let unproved = Self { address: AddressProof::new(false, true), ..plain.clone() };
        let mut asked = unproved.clone();
        asked.address.ask("challenge", Some("This code is wrong or has expired."));
        let mut failed = unproved.clone();
        failed.address.error = Some("The code could not be sent: it is <b>closed</b>.".into());
        let pages = [("plain", plain), ("short", short), ("keys", keys), ("both", both)];
        pages.into_iter().chain([("unproved", unproved), ("asked", asked), ("failed", failed)]).collect()
    }

    pub(crate) fn name_control() -> Control {
        Control::new("name", "Name of the new passkey", ControlKind::Line("text"), "")
            .hint("For example Laptop or Blue security key.")
    }

    fn control(&self) -> Control {
        Control::new("password", "New password", ControlKind::NewPassword, "")
            .required()
            .hint(format!("At least {} characters. Your other sessions end.", self.min_length))
            .error(self.error.clone())
    }

    fn may_remove_password(&self) -> bool {
        self.has_password && !self.passkeys.is_empty()
    }

    fn button(&self) -> &'static str {
        if self.has_password { "Change password" } else { "Set password" }
    }
}

impl PortalPage for MePage {
    fn title(&self) -> String {
        "Your account".into()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(MeBody { ctx, page: self }.render())
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Projects".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        let renames = self.passkeys.iter().filter_map(|one| one.rename.problem());
        let code = self.address.code.as_ref().and_then(|(control, _)| control.problem());
        let password = self.address.code.as_ref().and_then(|_| self.address.password().problem());
        renames.chain(self.control().problem()).chain(code).chain(password).collect()
    }

    fn has_passkey(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/me.html")]
struct MeBody<'a> {
    ctx: &'a PortalContext,
    page: &'a MePage,
}
