//! Moving the project to another public origin. Needs two confirmations, because it signs out every user.

use vestibule_app::admin::{
    AdminError, impact,
    origin::{Moved, change},
};
use vestibule_domain::{operator::Role, project::Origin};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    confirmation::{ConfirmActionPage, Hidden, describe_signed_out},
    control::{Control, ControlKind},
    notice::PortalNotice,
    settings_form::sentence,
};

/// The path below the project's.
pub(super) const BELOW: &str = "/settings/origin";

pub(super) fn routes() -> Vec<PortalRoute> {
    const PATH: &str = "/portal/p/{project}/settings/origin";
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Owner, ask).everywhere().requires_reauthentication(),
        PortalRoute::project(Verb::Post, PATH, Role::Owner, make).everywhere().requires_reauthentication(),
    ]
}

/// The errors of the fields.
#[derive(Default)]
struct OriginFormErrors {
    origin: Option<String>,
    confirmation: Option<String>,
}

async fn page(request: &ProjectRequest, errors: OriginFormErrors) -> Result<ConfirmActionPage, PortalError> {
    let now = &request.project.origin;
    let people = impact::count_signed_in(&request.ctx()).await?;
    let mut facts = vec![format!(
        "The public origin is now {now}. Every application must use the new one as its endpoint and issuer."
    )];
    facts.extend(describe_signed_out(people));
    facts.extend(
        [
            "Tokens, cookies and links of the old origin stop working.",
            "Passkeys work only for the host name they were created for.",
            "The new host name must point to this server. Otherwise, the project can't be reached.",
        ]
        .map(str::to_string),
    );
    let line = |name: &str, label: &str, value: &str| Control::new(name, label, ControlKind::Line("text"), value);
    Ok(ConfirmActionPage {
        title: "Change public origin".into(),
        facts,
        section: "settings",
        back: ("/settings".into(), "Project settings".into()),
        action: request.path().to_string(),
        controls: vec![
            line("origin", "New public origin", request.field("origin"))
                .placeholder("https://auth.shop.example")
                .required()
                .error(errors.origin),
            line("confirmation", "Type the new public origin again", request.field("confirmation"))
                .required()
                .error(errors.confirmation),
        ],
        hidden: Hidden::default(),
        button: "Change public origin".into(),
        is_danger: true,
    })
}

async fn ask(request: ProjectRequest) -> PageResult {
    request.show(&page(&request, OriginFormErrors::default()).await?)
}

async fn make(request: ProjectRequest) -> PageResult {
    let origin = match Origin::parse(request.field("origin")) {
        Ok(origin) => origin,
        Err(refusal) => {
            let origin = Some(sentence(&refusal.to_string()));
            return request
                .show_again(&page(&request, OriginFormErrors { origin, ..OriginFormErrors::default() }).await?);
        }
    };
    if Origin::parse(request.field("confirmation")).as_ref() != Ok(&origin) {
        let confirmation = Some(format!("Type {origin} exactly as shown."));
        return request
            .show_again(&page(&request, OriginFormErrors { confirmation, ..OriginFormErrors::default() }).await?);
    }
    match change(&request.ctx(), &request.signed_in, &origin).await {
        Ok(Moved::Done) => request.done("/settings", PortalNotice::OriginChanged),
        Ok(Moved::Unchanged) => request.done("/settings", PortalNotice::Unchanged),
        Ok(Moved::NotOwner) => Err(PortalError::Forbidden),
        Err(AdminError::Invalid(faults)) => {
            let messages = faults.iter().map(|fault| match fault.path.as_str() {
                "project.public_origin" => sentence(&fault.message),
                path => format!("{path}: {}.", fault.message),
            });
            let origin = Some(messages.collect::<Vec<_>>().join(" "));
            request.show_again(&page(&request, OriginFormErrors { origin, ..OriginFormErrors::default() }).await?)
        }
        Err(error) => Err(error.into()),
    }
}
