//! Rate limits: how often one IP address, account or device key can try. The limit of new guests is under Anonymous Users.

use vestibule_domain::project::LimitName;

use crate::{
    PortalRoute, ProjectRequest,
    bound_control::{BoundControl, control},
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::Extra,
};

const PATH: &str = "/portal/p/{project}/rate-limits";

/// The hint of every refill period.
pub(super) const PERIOD_HINT: &str = "The limit refills completely over this time.";

pub(super) fn routes() -> Vec<PortalRoute> {
    settings_form::routes(PATH, build_form, look)
}

/// The switch of a limit, and what it allows.
fn limit(limit: LimitName, label: &str, unit: &'static str) -> [BoundControl; 3] {
    let (path, (group, what)) = (limit.path(), limit.key());
    let name = format!("{group}_{what}");
    [
        control(&format!("{path}.enabled"), &name, label),
        control(&format!("{path}.burst"), &format!("{name}_burst"), "Allowed at once")
            .unit(unit)
            .of(label)
            .depends(&name),
        control(&format!("{path}.period"), &format!("{name}_period"), "Refill period")
            .hint(PERIOD_HINT)
            .of(label)
            .depends(&name),
    ]
}

pub(super) fn panels() -> Vec<Panel> {
    let panel = |title: &str, hint: &str, limits: &[[BoundControl; 3]]| Panel::new(title, hint, limits.concat());
    vec![
        panel(
            "Sign-up",
            "New members who were not guests before.",
            &[limit(LimitName::SignupPerIp, "Limit new members per IP address", "members")],
        ),
        panel(
            "Login ID checks",
            "Requests that reveal whether an account exists, such as entering an email address.",
            &[limit(LimitName::AccountEnumerationPerIp, "Limit login ID checks per IP address", "checks")],
        ),
        panel(
            "Passwords",
            "",
            &[
                limit(LimitName::PasswordPerIp, "Limit password attempts per IP address", "attempts"),
                limit(LimitName::PasswordPerUser, "Limit password attempts per account", "attempts"),
            ],
        ),
        panel(
            "One-time codes",
            "Codes by email and SMS.",
            &[
                limit(LimitName::CodeSendPerIp, "Limit sent codes per IP address", "codes"),
                limit(LimitName::CodeSendPerUser, "Limit sent codes per account or address", "codes"),
                limit(LimitName::CodeTryPerIp, "Limit entered codes per IP address", "attempts"),
                limit(LimitName::CodeTryPerUser, "Limit entered codes per account", "attempts"),
            ],
        ),
        panel(
            "Text messages",
            "They cost money. If the limit is used up, codes by SMS are refused until it refills.",
            &[limit(LimitName::SmsPerProject, "Limit text messages of the project", "messages")],
        ),
        panel("Passkeys", "", &[limit(LimitName::PasskeyPerIp, "Limit passkey attempts per IP address", "attempts")]),
        panel(
            "Device keys",
            "Requests with a wrong signature. Requests with a valid signature are never limited.",
            &[
                limit(LimitName::DeviceKeyPerIp, "Limit wrong device keys per IP address", "requests"),
                limit(LimitName::DeviceKeyPerKey, "Limit wrong signatures per device key", "requests"),
            ],
        ),
    ]
}

fn build_form(request: &ProjectRequest) -> SettingsForm {
    let mut panels = panels();
    if let Some(first) = panels.first_mut() {
        first.view.link = Some((request.href("/anonymous-users"), "Limit of new guests".into()));
    }
    SettingsForm { scope: DocumentScope::Project, panels }
}

fn look(_: &ProjectRequest) -> FormView {
    FormView {
        title: "Rate limits".into(),
        lead: "How often an IP address or an account can try: so many at once, then at a steady rate. People on the same network share the limits per IP address."
            .into(),
        section: "rate-limits",
        above: None,
        extra: Extra::None,
    }
}
