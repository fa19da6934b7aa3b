//! Members made and helped by operators: a new one, an invitation, a link to choose a new password, another login ID.

use askama::Template;
use serde_json::{Map, Value};
use vestibule_app::{
    account::notice::SecurityNotice,
    adapters::mailer::Mail,
    admin::{
        AdminError, Clash,
        credentials::NewLoginId,
        login_ids,
        member_mails::{self, MemberMail},
        users::{self, NewUser},
    },
    identities::LoadedUser,
};
use vestibule_domain::{
    id::{IdentityId, UserId},
    identifier::{LoginId, LoginIdKind},
    identity::Identity,
    operator::Role,
};
use vestibule_web::{
    brand::brand_of,
    locale::Locales,
    mail::{MailContext, MailKind},
    rendered_mail::RenderedMail,
    template::finish,
};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    control::{Control, ControlKind, Pick},
    frame::{PortalContext, PortalPage},
    notice::PortalNotice,
    settings_form,
    user::UserHead,
    user_form::UserFormPage,
    users::{head_of, id_of, kinds_of, load_user, messages_at, path_of, without_key},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const NEW: &str = "/portal/p/{project}/users/new";
    const LOGIN_ID: &str = "/portal/p/{project}/users/{user_id}/login-id";
    const VERIFY: &str = "/portal/p/{project}/users/{user_id}/verify";
    let role = Role::Editor;
    vec![
        // A person who reads the emails to a login ID can sign in with it.
        PortalRoute::project(Verb::Get, NEW, role, show_new).requires_reauthentication(),
        PortalRoute::project(Verb::Post, NEW, role, create).requires_reauthentication(),
        PortalRoute::project(Verb::Get, LOGIN_ID, role, show_login_id).requires_reauthentication(),
        PortalRoute::project(Verb::Post, LOGIN_ID, role, change_login_id).requires_reauthentication(),
        PortalRoute::project(Verb::Get, VERIFY, role, show_user).requires_reauthentication(),
        PortalRoute::project(Verb::Post, VERIFY, role, verify).requires_reauthentication(),
        PortalRoute::project(
            Verb::Post,
            "/portal/p/{project}/users/{user_id}/password-email",
            role,
            send_password_link,
        ),
    ]
}

/// Renders emails to a member in its language: that of its attribute `locale`, or else the project's first.
struct MemberMailWriter {
    ctx: MailContext,
    from: Option<String>,
}

impl MemberMailWriter {
    fn new(request: &ProjectRequest, attributes: &Map<String, Value>) -> Self {
        let settings = &request.project.settings;
        let wanted = attributes.get("locale").and_then(Value::as_str);
        let locale = Locales::shared().negotiate(wanted, None, settings.languages().unwrap_or_default());
        let texts = settings.mail.texts.of(locale.tag()).cloned().unwrap_or_default();
        let ctx = MailContext::new(locale, brand_of(&request.project), settings.display_name());
        Self { ctx: MailContext { texts, ..ctx }, from: settings.mail.from.clone() }
    }

    fn write(&self, to: &str, kind: &MailKind) -> Mail {
        let RenderedMail { subject, text, html } = kind.render(&self.ctx);
        Mail { from: self.from.clone(), to: to.to_string(), subject, text, html, useful_seconds: None }
    }
}

/// Sends an email to a member; `false` when it cannot be sent to this one.
async fn send(request: &ProjectRequest, loaded: &LoadedUser, which: MemberMail) -> Result<bool, PortalError> {
    let writer = MemberMailWriter::new(request, &loaded.user.standard_attributes);
    let write = |to: &str, link: &str| {
        let link = link.to_string();
        let kind = match which {
            MemberMail::Invitation => MailKind::Invitation { link },
            MemberMail::PasswordLink => MailKind::PasswordLink { link },
        };
        writer.write(to, &kind)
    };
    match member_mails::send(&request.ctx(), &request.acting(), (loaded.user.id, which), &write).await {
        Ok(_) => Ok(true),
        Err(AdminError::Invalid(_) | AdminError::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn show_new(request: ProjectRequest) -> PageResult {
    let typed = TypedMember { is_verified: false, is_invited: true, ..TypedMember::default() };
    request.show(&NewMemberPage::new(&request, &typed, [None, None, None, None]))
}

/// The input of the form.
#[derive(Clone, Debug, Default)]
struct TypedMember {
    kind: String,
    value: String,
    name: String,
    is_verified: bool,
    is_invited: bool,
}

async fn create(request: ProjectRequest) -> PageResult {
    let typed = TypedMember {
        kind: request.field("kind").to_string(),
        value: request.field("value").trim().to_string(),
        name: request.field("name").trim().to_string(),
        is_verified: request.is_checked("is_verified"),
        is_invited: request.is_checked("is_invited"),
    };
    let password = Some(request.field("password").to_string()).filter(|text| !text.is_empty());
    let kind = LoginIdKind::ALL.into_iter().find(|one| one.as_str() == typed.kind);
    let complain = |errors: [Option<String>; 4]| request.show_again(&NewMemberPage::new(&request, &typed, errors));
    let Some(kind) = kind else { return complain([Some("Choose an option.".into()), None, None, None]) };
    let standard_attributes = match typed.name.as_str() {
        "" => Map::new(),
        name => Map::from_iter([("name".to_string(), Value::from(name))]),
    };
    let new = NewUser {
        login_ids: vec![NewLoginId { kind, value: typed.value.clone(), is_verified: typed.is_verified }],
        password,
        standard_attributes,
        custom_attributes: Map::new(),
    };
    let created = match users::create(&request.ctx(), &request.acting(), &new).await {
        Ok(created) => created,
        Err(AdminError::Conflict(Clash::LoginIdTaken)) => {
            return complain([None, Some("Another user has this login ID already.".into()), None, None]);
        }
        Err(AdminError::Invalid(faults)) => {
            let of = |at: &str| messages_at(&faults, at).map(|text| settings_form::sentence(&text));
            return complain([
                of("login_ids[0].type"),
                of("login_ids[0].value"),
                of("standard_attributes.name"),
                of("password"),
            ]);
        }
        Err(error) => return Err(error.into()),
    };
    let is_invited = typed.is_invited && kind == LoginIdKind::Email && member_mails::is_possible(&request.project);
    let notice = if !is_invited {
        PortalNotice::UserCreated
    } else {
        // The user is there, whatever becomes of the email.
        match send(&request, &created, MemberMail::Invitation).await {
            Ok(true) => PortalNotice::UserInvited,
            Ok(false) | Err(PortalError::TooMany(_)) => PortalNotice::UserNotInvited,
            Err(error) => return Err(error),
        }
    };
    request.done(&path_of(created.user.id), notice)
}

async fn send_password_link(request: ProjectRequest) -> PageResult {
    let (id, loaded) = load_user(&request).await?;
    let notice = match send(&request, &loaded, MemberMail::PasswordLink).await? {
        true => PortalNotice::PasswordEmailSent,
        false => PortalNotice::PasswordEmailRefused,
    };
    request.done(&path_of(id), notice)
}

/// The login ID that a request names.
fn login_id_in(request: &ProjectRequest, loaded: &LoadedUser) -> Option<(IdentityId, LoginId)> {
    let id: IdentityId = request.field("identity").parse().ok()?;
    let identity = loaded.identities.iter().find(|identity| identity.id == id)?;
    identity.login_id().map(|(login_id, _)| (id, login_id.clone()))
}

async fn show_login_id(request: ProjectRequest) -> PageResult {
    let (user, loaded) = load_user(&request).await?;
    match login_id_in(&request, &loaded) {
        Some((id, login_id)) => {
            let typed = (login_id.original.as_str(), false);
            request.show(&UserFormPage::login_id(head_of(&loaded), &id.to_string(), typed, None))
        }
        None => request.done(&path_of(user), PortalNotice::Gone),
    }
}

async fn change_login_id(request: ProjectRequest) -> PageResult {
    let (user, loaded) = load_user(&request).await?;
    let Some((id, old)) = login_id_in(&request, &loaded) else {
        return request.done(&path_of(user), PortalNotice::Gone);
    };
    let (value, is_verified) = (request.field("value").trim(), request.is_checked("is_verified"));
    if value == old.original {
        return request.done(&path_of(user), PortalNotice::Unchanged);
    }
    let writer = MemberMailWriter::new(&request, &loaded.user.standard_attributes);
    let write = |to: &str, notice: &SecurityNotice| writer.write(to, &MailKind::of_notice(notice));
    let (ctx, acting) = (request.ctx(), request.acting());
    let error = match login_ids::replace(&ctx, &acting, (user, id), (value, is_verified), &write).await {
        Ok(_) => return request.done(&path_of(user), PortalNotice::LoginIdChanged),
        Err(AdminError::NotFound(_)) => return request.done(&path_of(user), PortalNotice::Gone),
        Err(AdminError::Conflict(Clash::LoginIdTaken)) => "Another user has this login ID already.".to_string(),
        Err(AdminError::Invalid(faults)) => {
            let message = faults.into_iter().next().map(|fault| fault.message).unwrap_or_default();
            settings_form::sentence(without_key(&message))
        }
        Err(error) => return Err(error.into()),
    };
    let typed = (value, is_verified);
    request.show_again(&UserFormPage::login_id(head_of(&loaded), &id.to_string(), typed, Some(error)))
}

/// After an operator has reauthenticated: back to where it chose what to do.
async fn show_user(request: ProjectRequest) -> PageResult {
    let user = id_of(&request)?;
    request.go(&request.href(&path_of(user)))
}

async fn verify(request: ProjectRequest) -> PageResult {
    let user: UserId = id_of(&request)?;
    let Ok(id) = request.field("identity").parse() else { return request.done(&path_of(user), PortalNotice::Gone) };
    match login_ids::verify(&request.ctx(), &request.acting(), user, id).await {
        Ok(_) => request.done(&path_of(user), PortalNotice::LoginIdVerified),
        Err(AdminError::NotFound(_)) => request.done(&path_of(user), PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

/// Whether an operator may send this user a link to choose a password.
pub(super) fn may_get_password_link(request: &ProjectRequest, loaded: &LoadedUser) -> bool {
    let is_email =
        |identity: &Identity| identity.login_id().is_some_and(|(login_id, _)| login_id.kind == LoginIdKind::Email);
    loaded.user.is_active()
        && !loaded.user.is_anonymous()
        && loaded.identities.iter().any(is_email)
        && member_mails::is_possible(&request.project)
}

/// The form for a new member.
#[derive(Clone, Debug)]
pub(crate) struct NewMemberPage {
    pub controls: Vec<Control>,
}

impl NewMemberPage {
    fn new(request: &ProjectRequest, typed: &TypedMember, errors: [Option<String>; 4]) -> Self {
        Self::build(&kinds_of(request), member_mails::is_possible(&request.project), typed, errors)
    }

    fn build(
        kinds: &[(&'static str, &'static str)],
        can_invite: bool,
        typed: &TypedMember,
        errors: [Option<String>; 4],
    ) -> Self {
        let [kind_error, value_error, name_error, password_error] = errors;
        let toggle = |is_on: bool| if is_on { "on" } else { "" };
        let picks = kinds.iter().map(|(kind, name)| Pick::new(*kind, *name, "")).collect();
        let mut controls = vec![
            Control::new("kind", "Type", ControlKind::Select(picks), &typed.kind).error(kind_error),
            Control::new("value", "Login ID", ControlKind::Line("text"), &typed.value)
                .hint("The user signs in with it.")
                .error(value_error)
                .required(),
            Control::new("name", "Name", ControlKind::Line("text"), &typed.name).hint("Optional.").error(name_error),
        ];
        if can_invite {
            let invite =
                Control::new("is_invited", "Send an invitation", ControlKind::Toggle, toggle(typed.is_invited));
            controls.push(invite.hint(
                "By email, with a link that works for 7 days. The user requests a code there and chooses a password.",
            ));
        }
        controls.extend([
            Control::new("password", "Password", ControlKind::NewPassword, "")
                .hint("Optional. Without a password, the user signs in with a code or chooses a password.")
                .error(password_error),
            Control::new("is_verified", "Verified", ControlKind::Toggle, toggle(typed.is_verified))
                .hint("You know that the login ID belongs to this user."),
        ]);
        Self { controls }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let kinds = [("email", "Email address"), ("username", "Username")];
        let typed = TypedMember { value: "kim".into(), is_invited: true, ..TypedMember::default() };
        let wrong = Some("Enter an email address.".to_string());
        vec![
            ("empty", Self::build(&kinds, true, &TypedMember::default(), [None, None, None, None])),
            ("wrong", Self::build(&kinds, false, &typed, [None, wrong, None, None])),
        ]
    }
}

impl PortalPage for NewMemberPage {
    fn title(&self) -> String {
        "New user".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/users".into(), "Users".into()))
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.controls.iter().filter_map(Control::problem).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(NewMemberBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/new_member.html")]
struct NewMemberBody<'a> {
    ctx: &'a PortalContext,
    page: &'a NewMemberPage,
}

impl UserFormPage {
    /// The form for another value of a login ID.
    fn login_id(head: UserHead, id: &str, (value, is_verified): (&str, bool), error: Option<String>) -> Self {
        let controls = vec![
            Control::new("value", "New login ID", ControlKind::Line("text"), value)
                .hint("The user signs in with it at once. Sessions continue.")
                .error(error)
                .required(),
            Control::new("is_verified", "Verified", ControlKind::Toggle, if is_verified { "on" } else { "" })
                .hint("You know that it belongs to this user."),
        ];
        Self::of_login_id(head, id, controls)
    }

    #[cfg(test)]
    pub(super) fn login_id_sample(head: UserHead) -> Self {
        Self::login_id(head, "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2aa", ("kim@shop.example", true), None)
    }
}
