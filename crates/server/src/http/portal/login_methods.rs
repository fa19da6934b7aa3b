//! Login Methods: the identities and authenticators of members.

use vestibule_domain::operator::Role;

use super::{
    Answer, Desk, Door, Verb,
    sheet::{self, Look, Panel, Part, Place, Row, Sheet},
};
use crate::ui::portal::{Control, ControlKind, Extra, Pick};

const PATH: &str = "/portal/p/{project}/login-methods";

pub(super) fn doors() -> Vec<Door> {
    vec![Door::desk(Verb::Get, PATH, Role::Viewer, show), Door::desk(Verb::Post, PATH, Role::Editor, save)]
}

async fn show(desk: Desk) -> Answer {
    sheet::show(&desk, plan(), look(&desk)).await
}

async fn save(desk: Desk) -> Answer {
    sheet::save(&desk, plan(), look).await
}

fn toggle(name: &str, label: &str, hint: &str, place: Place) -> Row {
    Row { control: Control::new(name, label, ControlKind::Toggle, "").hint(hint), place }
}

fn key(word: &'static str) -> Place {
    Place::Member { path: "identity.login_id.keys", word, default: &["email"], key: Some("type") }
}

fn way(word: &'static str) -> Place {
    Place::Member { path: "authentication.primary_authenticators", word, default: &["password"], key: None }
}

fn plan() -> Sheet {
    let country = Row {
        control: Control::new("country", "Default country", ControlKind::Line("text"), "")
            .hint("Two capital letters, such as DE, for phone numbers without a country code. Empty: users enter the country code."),
        place: Place::Text { path: "identity.login_id.default_country", default: "" },
    };
    let known_by = vec![
        toggle("email", "Email address", "", key("email")),
        toggle("phone", "Phone number", "Codes are sent by SMS, so the server needs an SMS provider.", key("phone")),
        country,
        toggle("username", "Username", "Users can't reset a forgotten password by username alone.", key("username")),
    ];
    let ways = vec![
        toggle("password", "Password", "", way("password")),
        toggle("code_email", "One-time code by email", "", way("oob_otp_email")),
        toggle("code_sms", "One-time code by SMS", "", way("oob_otp_sms")),
        toggle(
            "passkey",
            "Passkey",
            "Sign in with a fingerprint, a face or a device PIN instead of a password. Requires https, or localhost.",
            way("passkey"),
        ),
        toggle(
            "passkey_alone",
            "Allow sign-up with only a passkey",
            "Users need no login ID. Requires passkeys above.",
            Place::Member { path: "authentication.identities", word: "passkey", default: &["login_id"], key: None },
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
        Row {
            control: Control::new(
                "min_length",
                "Minimum length",
                ControlKind::Number { unit: "characters", min: 1 },
                "",
            ),
            place: Place::Number { path: "password_policy.min_length", default: 8 },
        },
        Row {
            control: Control::new("min_strength", "Minimum strength", ControlKind::Select(strength), ""),
            place: Place::Number { path: "password_policy.min_strength", default: 1 },
        },
        toggle(
            "refuse_breached",
            "Reject breached passwords",
            "Works if the server has a list of breached passwords.",
            Place::Flag { path: "password_policy.refuse_breached", default: true },
        ),
    ];
    let verification = vec![
        toggle(
            "verify_email",
            "Require email verification",
            "Users enter a code sent to the address before they can use it.",
            Place::Flag { path: "verification.claims.email.required", default: true },
        ),
        toggle(
            "verify_phone",
            "Require phone verification",
            "Users enter a code sent by SMS before they can use the number.",
            Place::Flag { path: "verification.claims.phone_number.required", default: true },
        ),
    ];
    Sheet {
        part: Part::Project,
        panels: vec![
            Panel::new("Login IDs", "Shown to users in the order in which you turned them on.", known_by),
            Panel::new("Sign-in methods", "", ways),
            Panel::new("New passwords", "", passwords),
            Panel::new("Verification", "", verification),
        ],
    }
}

fn look(_: &Desk) -> Look {
    Look {
        title: "Login methods".into(),
        lead: "How guests become members, and how members sign in.".into(),
        section: "login-methods",
        above: None,
        extra: Extra::None,
    }
}
