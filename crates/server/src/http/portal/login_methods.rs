//! Login Methods: the identities and authenticators of members.

use vestibule_domain::operator::Role;

use super::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    settings_form::{self, BoundControl, DocumentScope, FieldBinding, FormView, Panel, SettingsForm},
};
use crate::ui::portal::{Control, ControlKind, Extra, Pick};

const PATH: &str = "/portal/p/{project}/login-methods";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, save),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    settings_form::show(&request, build_form(), look(&request)).await
}

async fn save(request: ProjectRequest) -> PageResult {
    settings_form::save(&request, build_form(), look).await
}

fn toggle(name: &str, label: &str, hint: &str, binding: FieldBinding) -> BoundControl {
    BoundControl { control: Control::new(name, label, ControlKind::Toggle, "").hint(hint), binding }
}

fn key(word: &'static str) -> FieldBinding {
    FieldBinding::Member { path: "identity.login_id.keys", word, default: &["email"], key: Some("type") }
}

fn authenticator(word: &'static str) -> FieldBinding {
    FieldBinding::Member { path: "authentication.primary_authenticators", word, default: &["password"], key: None }
}

fn build_form() -> SettingsForm {
    let country = BoundControl {
        control: Control::new("country", "Default country", ControlKind::Line("text"), "")
            .hint("Two capital letters, such as DE, for phone numbers without a country code. Empty: users enter the country code."),
        binding: FieldBinding::Text { path: "identity.login_id.default_country", default: "" },
    };
    let known_by = vec![
        toggle("email", "Email address", "", key("email")),
        toggle("phone", "Phone number", "Codes are sent by SMS, so the server needs an SMS provider.", key("phone")),
        country,
        toggle("username", "Username", "Users can't reset a forgotten password by username alone.", key("username")),
    ];
    let method_rows = vec![
        toggle("password", "Password", "", authenticator("password")),
        toggle("code_email", "One-time code by email", "", authenticator("oob_otp_email")),
        toggle("code_sms", "One-time code by SMS", "", authenticator("oob_otp_sms")),
        toggle(
            "passkey",
            "Passkey",
            "Sign in with a fingerprint, a face or a device PIN instead of a password. Requires https, or localhost.",
            authenticator("passkey"),
        ),
        toggle(
            "passkey_alone",
            "Allow sign-up with only a passkey",
            "Users need no login ID. Requires passkeys above.",
            FieldBinding::Member {
                path: "authentication.identities",
                word: "passkey",
                default: &["login_id"],
                key: None,
            },
        ),
    ];
    let strength = vec![
        Pick::new("0", "Any", ""),
        Pick::new("1", "Weak", ""),
        Pick::new("2", "Fair", ""),
        Pick::new("3", "Strong", ""),
        Pick::new("4", "Very strong", ""),
    ];
    let passwords = vec![
        BoundControl {
            control: Control::new(
                "min_length",
                "Minimum length",
                ControlKind::Number { unit: "characters", min: 1 },
                "",
            ),
            binding: FieldBinding::Number { path: "password_policy.min_length", default: 8 },
        },
        BoundControl {
            control: Control::new("min_strength", "Minimum strength", ControlKind::Select(strength), ""),
            binding: FieldBinding::Number { path: "password_policy.min_strength", default: 1 },
        },
        toggle(
            "refuse_breached",
            "Reject breached passwords",
            "Works if the server has a list of breached passwords.",
            FieldBinding::Flag { path: "password_policy.refuse_breached", default: true },
        ),
    ];
    let verification = vec![
        toggle(
            "verify_email",
            "Require email verification",
            "Users enter a code sent to the address before they can use it.",
            FieldBinding::Flag { path: "verification.claims.email.required", default: true },
        ),
        toggle(
            "verify_phone",
            "Require phone verification",
            "Users enter a code sent by SMS before they can use the number.",
            FieldBinding::Flag { path: "verification.claims.phone_number.required", default: true },
        ),
    ];
    SettingsForm {
        scope: DocumentScope::Project,
        panels: vec![
            Panel::new("Login IDs", "Shown to users in the order in which you turned them on.", known_by),
            Panel::new("Sign-in methods", "", method_rows),
            Panel::new("New passwords", "", passwords),
            Panel::new("Verification", "", verification),
        ],
    }
}

fn look(_: &ProjectRequest) -> FormView {
    FormView {
        title: "Login methods".into(),
        lead: "How guests become members, and how members sign in.".into(),
        section: "login-methods",
        above: None,
        extra: Extra::None,
    }
}
