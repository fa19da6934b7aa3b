//! The operator's own account: its passkeys and its password.

use super::{
    OperatorRequest, PageResult, PortalError, PortalRoute, Verb, activity, one_time_link::describe_password_problem,
};
use crate::{
    flows::operators::{
        PASSWORD_POLICY, RemovalOutcome,
        passkeys::{self, Renaming},
        sign_in,
    },
    ui::portal::{MePage, Moment, MyPasskey, PasskeyBox, PortalNotice},
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
    match request.field("action") {
        "passkey" => add_passkey(request).await,
        "rename_passkey" => rename_passkey(request).await,
        "remove_passkey" => remove_passkey(request).await,
        "remove_password" => remove_password(request).await,
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
        lately: activity::list_own(request).await?,
    })
}
