//! Login Methods: the identities and authenticators of members.

use crate::{
    PortalRoute, ProjectRequest,
    bound_control::{BoundControl, control, member},
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::Extra,
};

const PATH: &str = "/portal/p/{project}/login-methods";

pub(super) fn routes() -> Vec<PortalRoute> {
    settings_form::routes(PATH, |_| build_form(), look)
}

fn login_id(word: &'static str, label: &str) -> BoundControl {
    member("identity.login_id.keys", word, word, label)
}

fn authenticator(word: &'static str, name: &str, label: &str) -> BoundControl {
    member("authentication.primary_authenticators", word, name, label)
}

pub(super) fn build_form() -> SettingsForm {
    let login_ids = vec![
        login_id("email", "Email address"),
        login_id("phone", "Phone number").hint("Codes are sent by SMS, so the server needs an SMS provider."),
        control("identity.login_id.default_country", "country", "Default country").hint(
            "Two capital letters, such as DE, for phone numbers without a country code. Empty: users enter the country code.",
        ),
        control("sms.allowed_countries", "sms_countries", "Countries that get codes by SMS")
            .hint("One a line, such as DE, or * for every country. Empty: the default country; without one, every country.")
            .rows(3),
        login_id("username", "Username").hint("Users can't reset a forgotten password by username alone."),
    ];
    SettingsForm {
        scope: DocumentScope::Project,
        panels: vec![
            Panel::new("Login IDs", "Shown to users in the order in which you turned them on.", login_ids),
            Panel::new(
                "Sign-in methods",
                "Accounts elsewhere, such as Google accounts, are set up under Providers.",
                sign_in_methods(),
            ),
            Panel::new("New passwords", "", new_passwords()),
            Panel::new("Verification", "", verification()),
        ],
    }
}

fn sign_in_methods() -> Vec<BoundControl> {
    vec![
        authenticator("password", "password", "Password"),
        authenticator("oob_otp_email", "code_email", "One-time code by email"),
        authenticator("oob_otp_sms", "code_sms", "One-time code by SMS"),
        authenticator("passkey", "passkey", "Passkey").hint(
            "Sign in with a fingerprint, a face or a device PIN instead of a password. Requires https, or localhost.",
        ),
        member("authentication.identities", "passkey", "passkey_alone", "Allow sign-up with only a passkey")
            .hint("Users need no login ID. Requires passkeys above."),
        control("authentication.passkey_offer_enabled", "passkey_offer", "Offer a passkey after sign-up")
            .hint("Users who sign up without a passkey can create one at the end, or skip it.")
            .depends("passkey"),
        control("identity.on_conflict.oauth", "external_conflict", "If a provider's verified email address is a member's")
            .hint("For accounts at providers that are new here.")
            .choices(|word| match word {
                "error" => ("Say so", ""),
                "login_and_link" => ("Connect the account after the member has signed in", ""),
                other => (other, ""),
            }),
        control("authentication.recovery_preselect_days", "recovery_days", "Preselect for removal at recovery")
            .unit("days")
            .hint("Members who recover a forgotten password can remove their other sign-in methods. Those added less than this many days ago are preselected."),
    ]
}

/// The label of a level, from 0.
fn describe_strength(level: &str) -> (&str, &'static str) {
    match level {
        "0" => ("Any", ""),
        "1" => ("Weak", ""),
        "2" => ("Fair", ""),
        "3" => ("Strong", ""),
        _ => ("Very strong", ""),
    }
}

fn new_passwords() -> Vec<BoundControl> {
    vec![
        control("password_policy.min_length", "min_length", "Minimum length").unit("characters"),
        control("password_policy.min_strength", "min_strength", "Minimum strength").choices(describe_strength),
        control("password_policy.refuse_breached", "refuse_breached", "Reject breached passwords")
            .hint("Works if the server has a list of breached passwords."),
    ]
}

fn verification() -> Vec<BoundControl> {
    vec![
        control("verification.claims.email.enabled", "verifies_email", "Enable email verification")
            .hint("Users can prove that an address is theirs with a code sent to it."),
        control("verification.claims.email.required", "verify_email", "Require email verification")
            .hint("Users enter a code sent to the address before they can use it.")
            .depends("verifies_email"),
        control("verification.claims.phone_number.enabled", "verifies_phone", "Enable phone verification")
            .hint("Users can prove that a number is theirs with a code sent by SMS."),
        control("verification.claims.phone_number.required", "verify_phone", "Require phone verification")
            .hint("Users enter a code sent by SMS before they can use the number.")
            .depends("verifies_phone"),
    ]
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
