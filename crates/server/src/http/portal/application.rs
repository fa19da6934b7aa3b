//! One application: all its settings as a form.

use vestibule_domain::client::{
    ApplicationType, Client, DEFAULT_ACCESS_TOKEN_SECONDS, DEFAULT_IDLE_SECONDS, DEFAULT_LIFETIME_SECONDS,
    DEFAULT_ROTATION_GRACE_SECONDS, GUEST_SCOPES,
};

use super::{
    Answer, Desk,
    applications::{kind_name, load},
    sheet::{self, Look, Panel, Part, Place, Row, Sheet},
};
use crate::ui::portal::{Control, ControlKind, Extra, LifetimeHelp, Pick};

/// The name of the control for a guest's lifetime.
pub(super) const GUEST_LIFETIME: &str = "guest_refresh_lifetime";
/// The name of the control for a guest's idle timeout.
pub(super) const GUEST_IDLE: &str = "guest_idle";

pub(super) async fn show(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    sheet::show(&desk, plan(&client), look(&desk, &client)).await
}

pub(super) async fn save(desk: Desk) -> Answer {
    let client = load(&desk).await?;
    sheet::save(&desk, plan(&client), |desk| look(desk, &client)).await
}

fn seconds(min: u32) -> ControlKind {
    ControlKind::Number { unit: "seconds", min }
}

fn toggle(name: &str, label: &str, hint: &str, place: Place) -> Row {
    Row { control: Control::new(name, label, ControlKind::Toggle, "").hint(hint), place }
}

/// The controls for this type of application.
fn plan(client: &Client) -> Sheet {
    let kind = client.application_type();
    let mut panels = vec![Panel::new("Basics", "", basics(kind))];
    if has_refresh_tokens(kind) {
        panels.push(refresh_tokens(client));
    }
    panels.push(Panel::new("Access and ID tokens", "", access_tokens(kind)));
    if kind.allows_anonymous() {
        panels.push(Panel::new(
            "Guests",
            "Anonymous users of this application can have lifetimes and scopes of their own. An empty field: as for members.",
            guests(kind),
        ));
    }
    Sheet { part: Part::Application(client.client_id.clone()), panels }
}

fn has_refresh_tokens(kind: ApplicationType) -> bool {
    match kind {
        ApplicationType::Spa
        | ApplicationType::Native
        | ApplicationType::Confidential
        | ApplicationType::ThirdPartyApp
        | ApplicationType::Unspecified => true,
        ApplicationType::TraditionalWebapp | ApplicationType::M2m => false,
    }
}

fn basics(kind: ApplicationType) -> Vec<Row> {
    let mut rows = vec![Row {
        control: Control::new("name", "Name", ControlKind::Line("text"), "")
            .hint("What people see; the client id without it."),
        place: Place::Text { path: "name", default: "" },
    }];
    let lines = |name: &str, label: &str, hint: &str, path: &'static str| Row {
        control: Control::new(name, label, ControlKind::Lines { rows: 4 }, "").hint(hint),
        place: Place::Lines { path },
    };
    if kind.has_users() {
        rows.push(lines(
            "redirect_uris",
            "Authorized Redirect URIs",
            "One a line, compared letter by letter. Their origins may call us from a browser.",
            "redirect_uris",
        ));
        if !matches!(kind, ApplicationType::Native | ApplicationType::ThirdPartyApp) {
            rows.push(lines(
                "post_logout_redirect_uris",
                "Post Logout Redirect URIs",
                "Where people may be sent after signing out, one a line.",
                "post_logout_redirect_uris",
            ));
        }
        rows.push(Row {
            control: Control::new("client_uri", "Home page", ControlKind::Line("url"), ""),
            place: Place::Text { path: "client_uri", default: "" },
        });
    }
    rows
}

fn refresh_tokens(client: &Client) -> Panel {
    let access = client.access_token_lifetime(false).as_secs();
    let default = DEFAULT_LIFETIME_SECONDS.max(u32::try_from(access).unwrap_or(u32::MAX));
    let mut rows = vec![
        Row {
            control: Control::new("refresh_lifetime", "Refresh Token Lifetime", seconds(1), "")
                .hint("Not shorter than the access token's. Empty for the default, 52 weeks."),
            place: Place::Number { path: "refresh_token_lifetime_seconds", default },
        },
        toggle(
            "idles",
            "Expire after idling",
            "",
            Place::Flag { path: "refresh_token_idle_timeout_enabled", default: true },
        ),
        Row {
            control: Control::new("idle", "Idle Timeout", seconds(1), "")
                .hint("Empty for the default, 30 days.")
                .depends("idles"),
            place: Place::Number { path: "refresh_token_idle_timeout_seconds", default: DEFAULT_IDLE_SECONDS },
        },
        toggle(
            "one_session",
            "Expire when login on another device",
            "A new session of the same user ends the earlier ones of this application.",
            Place::One { path: "x_max_concurrent_session" },
        ),
        toggle(
            "rotation",
            "Enable Refresh Token Rotation",
            "Each refresh hands out a new token; one used again after that ends the session.",
            Place::Flag { path: "refresh_token_rotation_enabled", default: false },
        ),
        Row {
            control: Control::new("rotation_grace", "The token before still works for", seconds(0), "")
                .hint("For tabs that race and answers that get lost.")
                .depends("rotation"),
            place: Place::Number {
                path: "refresh_token_rotation_grace_seconds",
                default: DEFAULT_ROTATION_GRACE_SECONDS,
            },
        },
    ];
    if client.application_type() == ApplicationType::Native {
        rows.push(toggle(
            "dpop",
            "Enable DPoP validation",
            "Tokens work only for the device they were given to. Off: proofs that do not fit are only logged.",
            Place::Inverted { path: "x_dpop_disabled" },
        ));
    }
    let help = LifetimeHelp {
        lifetime: "refresh_lifetime".into(),
        enabled: Some("idles".into()),
        idle: "idle".into(),
        otherwise: None,
    };
    let mut panel = Panel::new(
        "Refresh token",
        "How long people stay signed in. A shorter lifetime ends older sessions at once.",
        rows,
    );
    panel.view.help = Some(help);
    panel
}

fn access_tokens(kind: ApplicationType) -> Vec<Row> {
    let hint = if kind == ApplicationType::M2m {
        "At least 300, at most 2419200. Empty for the default, 30 minutes."
    } else {
        "At least 300. Empty for the default, 30 minutes."
    };
    let mut rows = vec![Row {
        control: Control::new("access_lifetime", "Access Token Lifetime", seconds(300), "").hint(hint),
        place: Place::Number { path: "access_token_lifetime_seconds", default: DEFAULT_ACCESS_TOKEN_SECONDS },
    }];
    if kind != ApplicationType::M2m {
        rows.push(toggle(
            "jwt",
            "Issue JWT as access token",
            "Your backend can verify it without asking us. A session that was ended is noticed when the token expires.",
            Place::Flag { path: "issue_jwt_access_token", default: false },
        ));
        rows.push(Row {
            control: Control::new("access_alg", "Signature of access tokens", ControlKind::Select(algorithms()), "")
                .hint("ES256 only when every API that verifies the JWTs accepts it.")
                .depends("jwt"),
            place: Place::Text { path: "access_token_signed_response_alg", default: "RS256" },
        });
        rows.push(Row {
            control: Control::new("id_alg", "Signature of ID tokens", ControlKind::Select(algorithms()), "")
                .hint("ES256 is many times cheaper for the server. It does not change access tokens."),
            place: Place::Text { path: "id_token_signed_response_alg", default: "RS256" },
        });
    }
    rows
}

fn algorithms() -> Vec<Pick> {
    vec![Pick::new("RS256", "RS256", "Every library accepts it"), Pick::new("ES256", "ES256", "Shorter and faster")]
}

/// The settings for guests of this type of application; shared with the page Anonymous Users.
pub(super) fn guests(kind: ApplicationType) -> Vec<Row> {
    let number = |name: &str, label: &str, path: &'static str| Row {
        control: Control::new(name, label, seconds(1), "").placeholder("as for members"),
        place: Place::OptionalNumber { path },
    };
    let scope = |name: &str, label: &str, hint: &str, word: &'static str| {
        toggle(name, label, hint, Place::Member { path: "anonymous_scopes", word, default: &GUEST_SCOPES, key: None })
    };
    let mut rows = Vec::new();
    // The lifetime of guests with a cookie is the session's.
    if has_refresh_tokens(kind) {
        rows.extend([
            number(GUEST_LIFETIME, "Lifetime of a guest", "anonymous_refresh_token_lifetime_seconds"),
            number(GUEST_IDLE, "Idle timeout of a guest", "anonymous_refresh_token_idle_timeout_seconds"),
        ]);
    }
    rows.extend([
        number("guest_access_lifetime", "Access token lifetime of a guest", "anonymous_access_token_lifetime_seconds"),
        scope("scope_openid", "Scope openid", "Without it a token says nothing of the guest.", "openid"),
        scope("scope_offline", "Scope offline_access", "A refresh token: the guest comes back.", "offline_access"),
        scope("scope_full", "Scope full-access", "The SDKs need it for promotion.", GUEST_SCOPES[2]),
        scope("scope_profile", "Scope profile", "", "profile"),
        scope("scope_userinfo", "Scope full-userinfo", "", "https://authgear.com/scopes/full-userinfo"),
    ]);
    rows
}

fn look(desk: &Desk, client: &Client) -> Look {
    let kind = client.application_type();
    let below = |path: &str| desk.href(&format!("/applications/{}{path}", client.client_id));
    let mut links = Vec::new();
    if kind.has_users() {
        links.push((below("/quick-start"), "Quick start".to_string()));
    }
    if kind.is_confidential() {
        links.push((below("/secrets"), "Client secrets".to_string()));
    }
    if matches!(kind, ApplicationType::TraditionalWebapp | ApplicationType::ThirdPartyApp) {
        links.push((desk.href("/session"), "Session settings (cookies)".to_string()));
    }
    if desk.may_edit() {
        links.push((below("/delete"), "Delete the application".to_string()));
    }
    Look {
        title: client.display_name().to_string(),
        lead: format!("{}.", kind_name(kind)),
        section: "applications",
        above: Some(("/applications".into(), "Applications".into())),
        extra: Extra::Application {
            facts: vec![
                ("Client ID".into(), client.client_id.clone()),
                ("Endpoint".into(), desk.project.origin.clone()),
                ("Application type".into(), kind_name(kind).into()),
            ],
            links,
        },
    }
}
