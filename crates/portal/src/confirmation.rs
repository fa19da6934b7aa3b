//! Confirmation before saving settings that sign users out, prevent them from signing in or remove a protection. The page
//! keeps the form, so that saving continues after the confirmation, with or without JavaScript.

use askama::Template;
use vestibule_app::{
    admin::impact::{self, AffectedUsers, BoundedCount, Consequence},
    crypto::{hex, sha256},
};
use vestibule_domain::{
    identifier::LoginIdKind,
    project::{AuthenticatorKind, LimitName, ProjectSettings, diff},
};
use vestibule_web::template::finish;

use crate::{
    PortalError, ProjectRequest,
    control::Control,
    frame::{PortalContext, PortalPage},
};

/// The field with the confirmed change.
const CONFIRMED: &str = "_confirmed";
/// The field of the button that returns to the form.
const STEP: &str = "_step";
/// Fields of a form that belong to one request.
const OF_ONE_REQUEST: [&str; 4] = ["_csrf", CONFIRMED, STEP, "done"];

/// Whether the button that returns to the form was pressed.
pub(super) fn is_going_back(request: &ProjectRequest) -> bool {
    request.field(STEP) == "edit"
}

/// The confirmation to show before the change is saved; `None` if the change affects no one or was confirmed.
pub(super) async fn find(
    request: &ProjectRequest,
    (old, new): (&ProjectSettings, &ProjectSettings),
    (section, name): (&'static str, &str),
) -> Result<Option<ConfirmActionPage>, PortalError> {
    let change = name_change(old, new);
    if request.field(CONFIRMED) == change {
        return Ok(None);
    }
    let consequences = impact::of_change(&request.ctx(), old, new).await?;
    if consequences.is_empty() {
        return Ok(None);
    }
    let is_kept = |name: &str| !OF_ONE_REQUEST.contains(&name);
    let mut kept: Vec<_> = request.form.pairs().filter(|(name, _)| is_kept(name)).collect();
    kept.push((CONFIRMED, change.as_str()));
    Ok(Some(ConfirmActionPage {
        title: format!("Save changes to “{name}”?"),
        facts: consequences.iter().flat_map(describe).collect(),
        section,
        back: (request.path().strip_prefix(&request.href("")).unwrap_or_default().to_string(), name.to_string()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden { is_form: true, ..Hidden::of(kept) },
        button: button(&consequences),
        is_danger: true,
    }))
}

/// Identifies the confirmed change: another operator may have changed the project meanwhile.
fn name_change(old: &ProjectSettings, new: &ProjectSettings) -> String {
    let changes =
        diff(old, new).into_iter().map(|change| format!("{}\n{:?}\n{:?}\n", change.path, change.from, change.to));
    hex(&sha256(changes.collect::<String>().as_bytes()).0[..16])
}

fn button(consequences: &[Consequence]) -> String {
    let signed_out = consequences.iter().find_map(|one| match one {
        Consequence::SignsOut(people) => Some(people.all),
        Consequence::GuestsOff(_)
        | Consequence::LoginIdOff(..)
        | Consequence::AuthenticatorOff(..)
        | Consequence::VerificationOff(_)
        | Consequence::LimitOff(_) => None,
    });
    match signed_out {
        Some(all) if all.number > 0 => format!("Save and sign out {}", all.of("person", "people")),
        Some(_) | None => "Save changes".to_string(),
    }
}

/// The consequences for users, one sentence each.
fn describe(consequence: &Consequence) -> Vec<String> {
    match consequence {
        Consequence::SignsOut(people) => describe_signed_out(*people),
        Consequence::GuestsOff(guests) => {
            vec!["Visitors can no longer become guests.".to_string(), describe_remaining_guests(*guests)]
        }
        Consequence::LoginIdOff(kind, count) => {
            let (one, many) = match kind {
                LoginIdKind::Email => ("login ID is an email address", "login IDs are email addresses"),
                LoginIdKind::Phone => ("login ID is a phone number", "login IDs are phone numbers"),
                LoginIdKind::Username => ("login ID is a username", "login IDs are usernames"),
            };
            vec![describe_off(*count, one, many)]
        }
        Consequence::AuthenticatorOff(authenticator, count) => {
            let (one, many) = match authenticator {
                AuthenticatorKind::Password => ("person has a password", "people have a password"),
                AuthenticatorKind::Passkey => ("passkey is registered", "passkeys are registered"),
                AuthenticatorKind::OobOtpEmail => ("email address can get codes", "email addresses can get codes"),
                AuthenticatorKind::OobOtpSms => ("phone number can get codes", "phone numbers can get codes"),
            };
            vec![describe_off(*count, one, many)]
        }
        Consequence::VerificationOff(kind) => {
            let what = match kind {
                LoginIdKind::Email => "email addresses",
                LoginIdKind::Phone => "phone numbers",
                LoginIdKind::Username => "usernames",
            };
            vec![format!("Users can sign up with {what} that they have not verified, also with those of other people.")]
        }
        Consequence::LimitOff(limit) => vec![format!("{} are no longer limited.", describe_limit(*limit))],
    }
}

fn describe_limit(limit: LimitName) -> &'static str {
    match limit {
        LimitName::SignupAnonymousPerIp => "New guests per IP address",
        LimitName::SignupPerIp => "New members per IP address",
        LimitName::AccountEnumerationPerIp => "Login ID checks per IP address",
        LimitName::PasswordPerIp => "Password attempts per IP address",
        LimitName::PasswordPerUser => "Password attempts per account",
        LimitName::CodeSendPerIp => "Sent codes per IP address",
        LimitName::CodeSendPerUser => "Sent codes per account or address",
        LimitName::CodeTryPerIp => "Entered codes per IP address",
        LimitName::CodeTryPerUser => "Entered codes per account",
        LimitName::PasskeyPerIp => "Passkey attempts per IP address",
        LimitName::DeviceKeyPerIp => "Wrong device keys per IP address",
        LimitName::DeviceKeyPerKey => "Wrong signatures per device key",
        LimitName::SmsPerProject => "Text messages of the project",
    }
}

fn describe_off(count: BoundedCount, one: &str, many: &str) -> String {
    let it = if count.is_one() { "it" } else { "them" };
    format!("{}. Signing in with {it} stops working.", capitalize(&count.of(one, many)))
}

/// What happens to the guests that are signed in while guests are turned off.
fn describe_remaining_guests(guests: BoundedCount) -> String {
    if guests.is_one() {
        return "1 guest stays signed in until its session ends. After that, it can no longer be recovered.".into();
    }
    if guests.number == 0 {
        return "Guests who are signed in stay so until their sessions end. After that, they can no longer be recovered."
            .into();
    }
    let text = format!(
        "{guests} guests stay signed in until their sessions end. After that, they can no longer be recovered."
    );
    capitalize(&text)
}

/// How many users are signed out, and what that means for guests.
pub(super) fn describe_signed_out(people: AffectedUsers) -> Vec<String> {
    if people.all.number == 0 && people.all.is_least {
        return vec!["May sign out people: there are too many sessions to count them all.".into()];
    }
    if people.all.number == 0 {
        return vec!["No one is signed in, so no one is signed out.".into()];
    }
    let mut facts = vec![format!("Signs out {} at once.", people.all.of("person", "people"))];
    if people.guests.number > 0 {
        facts.push(format!(
            "{} them. A guest without a device key can no longer be recovered.",
            capitalize(&people.guests.of("guest is among", "guests are among")),
        ));
    }
    facts
}

fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Hidden fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden {
    pub fields: Vec<(String, String)>,
    /// Whether they belong to a form that the confirmation interrupts; a second button then leads back to it.
    pub is_form: bool,
}

impl Hidden {
    pub(crate) fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { fields, is_form: false }
    }
}

/// Confirms an action.
#[derive(Clone, Debug)]
pub(crate) struct ConfirmActionPage {
    pub title: String,
    /// The consequences, one sentence each.
    pub facts: Vec<String>,
    pub section: &'static str,
    /// The page to return to: its path below the project's, and its name.
    pub back: (String, String),
    pub action: String,
    pub controls: Vec<Control>,
    pub hidden: Hidden,
    pub button: String,
    pub is_danger: bool,
}

impl ConfirmActionPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use crate::control::ControlKind;
        let typed = Control::new("confirmation", "Type shop to confirm", ControlKind::Line("text"), "")
            .error(Some("Type shop exactly as shown."));
        let delete = Self {
            title: "Delete this project?".into(),
            facts: vec!["Deletes every user.".into()],
            section: "settings",
            back: ("/settings".into(), "Project settings".into()),
            action: "/portal/p/shop/settings/delete".into(),
            controls: vec![typed],
            hidden: Hidden::default(),
            button: "Delete".into(),
            is_danger: true,
        };
        let make = Self { controls: Vec::new(), is_danger: false, button: "Make one".into(), ..delete.clone() };
        let save = Self {
            title: "Save changes to “Session”?".into(),
            facts: vec!["Signs out 1,240 people at once.".into()],
            controls: Vec::new(),
            hidden: Hidden { is_form: true, ..Hidden::of([("lifetime", "60\n<b>")]) },
            button: "Save and sign out 1,240 people".into(),
            ..delete.clone()
        };
        vec![("delete", delete), ("make", make), ("save", save)]
    }
}

impl PortalPage for ConfirmActionPage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ConfirmBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some(self.section)
    }

    fn above(&self) -> Option<(String, String)> {
        Some(self.back.clone())
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }

    fn may_be_stored(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/confirm.html")]
struct ConfirmBody<'a> {
    ctx: &'a PortalContext,
    page: &'a ConfirmActionPage,
}

/// Shows a secret once.
#[derive(Clone, Debug)]
pub(crate) struct SecretShownPage {
    pub title: String,
    pub text: String,
    pub secret: String,
    pub section: &'static str,
    /// The page to continue with: its path below the project's, and its name.
    pub back: (String, String),
}

impl SecretShownPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let shown = Self {
            title: "New client secret".into(),
            text: "Copy this secret now. You won't see it again.".into(),
            secret: "abcdefgh".into(),
            section: "applications",
            back: ("/applications/web/secrets".into(), "Client secrets".into()),
        };
        vec![("shown", shown)]
    }
}

impl PortalPage for SecretShownPage {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(ShownBody { ctx, page: self }.render())
    }

    fn section(&self) -> Option<&'static str> {
        Some(self.section)
    }

    fn above(&self) -> Option<(String, String)> {
        Some(self.back.clone())
    }
}

#[derive(Template)]
#[template(path = "portal/secret_shown.html")]
struct ShownBody<'a> {
    ctx: &'a PortalContext,
    page: &'a SecretShownPage,
}
