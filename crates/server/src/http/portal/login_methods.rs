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
        control: Control::new("country", "Country of phone numbers without prefix", ControlKind::Line("text"), "")
            .hint("Two capital letters, such as DE. Empty: people write the prefix."),
        place: Place::Text { path: "identity.login_id.default_country", default: "" },
    };
    let known_by = vec![
        toggle("email", "Email address", "", key("email")),
        toggle("phone", "Phone number", "Codes go by SMS: the server needs a carrier for them.", key("phone")),
        country,
        toggle("username", "Username", "Nothing can be sent to it: a lost password stays lost.", key("username")),
    ];
    let ways = vec![
        toggle("password", "Password", "", way("password")),
        toggle("code_email", "One-time code by mail", "", way("oob_otp_email")),
        toggle("code_sms", "One-time code by SMS", "", way("oob_otp_sms")),
        toggle(
            "passkey",
            "Passkey",
            "A fingerprint, a face or a device's PIN in the place of a password. Needs https, or localhost.",
            way("passkey"),
        ),
        toggle(
            "passkey_alone",
            "A passkey alone makes a member",
            "Without any login ID. Needs passkeys above.",
            Place::Member { path: "authentication.identities", word: "passkey", default: &["login_id"], key: None },
        ),
    ];
    let strength = vec![
        Pick::new("0", "Any", ""),
        Pick::new("1", "Not found at once", ""),
        Pick::new("2", "Fair", ""),
        Pick::new("3", "Good", ""),
        Pick::new("4", "Very good", ""),
    ];
    let passwords = vec![
        Row {
            control: Control::new(
                "min_length",
                "Fewest characters",
                ControlKind::Number { unit: "characters", min: 1 },
                "",
            ),
            place: Place::Number { path: "password_policy.min_length", default: 8 },
        },
        Row {
            control: Control::new("min_strength", "Least strength", ControlKind::Select(strength), ""),
            place: Place::Number { path: "password_policy.min_strength", default: 1 },
        },
        toggle(
            "refuse_breached",
            "Refuse stolen passwords",
            "Where the server has a list of them.",
            Place::Flag { path: "password_policy.refuse_breached", default: true },
        ),
    ];
    let verification = vec![
        toggle(
            "verify_email",
            "An email address must be proved",
            "By a mailed code, before it counts.",
            Place::Flag { path: "verification.claims.email.required", default: true },
        ),
        toggle(
            "verify_phone",
            "A phone number must be proved",
            "By a code in a text message, before it counts.",
            Place::Flag { path: "verification.claims.phone_number.required", default: true },
        ),
    ];
    Sheet {
        part: Part::Project,
        panels: vec![
            Panel::new(
                "What members are known by",
                "They are offered in the order in which they were switched on.",
                known_by,
            ),
            Panel::new("How they prove who they are", "", ways),
            Panel::new("New passwords", "", passwords),
            Panel::new("Proof of addresses", "", verification),
        ],
    }
}

fn look(_: &Desk) -> Look {
    Look {
        title: "Login Methods".into(),
        lead: "How a guest becomes a member, and how members sign in.".into(),
        section: "login-methods",
        above: None,
        extra: Extra::None,
    }
}
