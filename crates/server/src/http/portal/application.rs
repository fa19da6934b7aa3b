//! One application: all its settings as a form.

use vestibule_domain::client::{
    ApplicationType, Client, DEFAULT_ACCESS_TOKEN_SECONDS, DEFAULT_IDLE_SECONDS, DEFAULT_LIFETIME_SECONDS,
    DEFAULT_ROTATION_GRACE_SECONDS, GUEST_SCOPES,
};

use super::{
    PageResult, PortalError, ProjectRequest,
    settings_form::{self, BoundControl, DocumentScope, FieldBinding, FormView, Panel, SettingsForm},
};
use crate::{
    flows::admin::applications,
    ui::portal::{Control, ControlKind, Extra, LifetimeHelp, Pick},
};

/// The name of the control for a guest's lifetime.
pub(super) const GUEST_LIFETIME: &str = "guest_refresh_lifetime";
/// The name of the control for a guest's idle timeout.
pub(super) const GUEST_IDLE: &str = "guest_idle";

/// A type of application in words.
pub(super) fn kind_name(kind: ApplicationType) -> &'static str {
    match kind {
        ApplicationType::Spa => "Single-page application",
        ApplicationType::TraditionalWebapp => "Server-rendered web site",
        ApplicationType::Native => "Native application",
        ApplicationType::Confidential => "OpenID Connect client",
        ApplicationType::ThirdPartyApp => "Third-party client",
        ApplicationType::M2m => "Machine",
        ApplicationType::Unspecified => "Public client",
    }
}

/// The application in the path.
pub(super) async fn load(request: &ProjectRequest) -> Result<Client, PortalError> {
    Ok(applications::get(&request.ctx(), request.param("client_id")).await?)
}

pub(super) async fn show(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    settings_form::show(&request, build_form(&client), look(&request, &client)).await
}

pub(super) async fn save(request: ProjectRequest) -> PageResult {
    let client = load(&request).await?;
    settings_form::save(&request, build_form(&client), |request| look(request, &client)).await
}

fn seconds(min: u32) -> ControlKind {
    ControlKind::Number { unit: "seconds", min }
}

fn toggle(name: &str, label: &str, hint: &str, binding: FieldBinding) -> BoundControl {
    BoundControl { control: Control::new(name, label, ControlKind::Toggle, "").hint(hint), binding }
}

/// The controls for this type of application.
fn build_form(client: &Client) -> SettingsForm {
    let kind = client.application_type();
    let mut panels = vec![Panel::new("Basics", "", basics(kind))];
    if has_refresh_tokens(kind) {
        panels.push(refresh_tokens(client));
    }
    panels.push(Panel::new("Access and ID tokens", "", access_tokens(kind)));
    if kind.allows_anonymous() {
        panels.push(Panel::new(
            "Guests",
            "Lifetimes and scopes for anonymous users of this application. An empty field uses the members' value.",
            guests(kind),
        ));
    }
    SettingsForm { scope: DocumentScope::Application(client.client_id.clone()), panels }
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

fn basics(kind: ApplicationType) -> Vec<BoundControl> {
    let mut rows = vec![BoundControl {
        control: Control::new("name", "Name", ControlKind::Line("text"), "")
            .hint("Shown to users. Defaults to the client ID."),
        binding: FieldBinding::Text { path: "name", default: "" },
    }];
    let lines = |name: &str, label: &str, hint: &str, path: &'static str| BoundControl {
        control: Control::new(name, label, ControlKind::Lines { rows: 4 }, "").hint(hint),
        binding: FieldBinding::Lines { path },
    };
    if kind.has_users() {
        rows.push(lines(
            "redirect_uris",
            "Authorized redirect URIs",
            "One per line; must match exactly. Browser calls from their origins are allowed.",
            "redirect_uris",
        ));
        if !matches!(kind, ApplicationType::Native | ApplicationType::ThirdPartyApp) {
            rows.push(lines(
                "post_logout_redirect_uris",
                "Post-logout redirect URIs",
                "Where users may return after signing out. One per line.",
                "post_logout_redirect_uris",
            ));
        }
        rows.push(BoundControl {
            control: Control::new("client_uri", "Home page", ControlKind::Line("url"), ""),
            binding: FieldBinding::Text { path: "client_uri", default: "" },
        });
    }
    rows
}

fn refresh_tokens(client: &Client) -> Panel {
    let access = client.access_token_lifetime(false).as_secs();
    let default = DEFAULT_LIFETIME_SECONDS.max(u32::try_from(access).unwrap_or(u32::MAX));
    let mut rows = vec![
        BoundControl {
            control: Control::new("refresh_lifetime", "Refresh token lifetime", seconds(1), "")
                .hint("At least as long as the access token lifetime. Default: 52 weeks."),
            binding: FieldBinding::Number { path: "refresh_token_lifetime_seconds", default },
        },
        toggle(
            "idles",
            "Expire after idling",
            "",
            FieldBinding::Flag { path: "refresh_token_idle_timeout_enabled", default: true },
        ),
        BoundControl {
            control: Control::new("idle", "Idle timeout", seconds(1), "").hint("Default: 30 days.").depends("idles"),
            binding: FieldBinding::Number { path: "refresh_token_idle_timeout_seconds", default: DEFAULT_IDLE_SECONDS },
        },
        toggle(
            "one_session",
            "Allow only one session per user",
            "A new session ends the user's earlier sessions of this application.",
            FieldBinding::One { path: "x_max_concurrent_session" },
        ),
        toggle(
            "rotation",
            "Enable refresh token rotation",
            "Each refresh issues a new refresh token. Reusing an old one ends the session.",
            FieldBinding::Flag { path: "refresh_token_rotation_enabled", default: false },
        ),
        BoundControl {
            control: Control::new("rotation_grace", "Previous token stays valid for", seconds(0), "")
                .hint("Covers concurrent tabs and lost responses.")
                .depends("rotation"),
            binding: FieldBinding::Number {
                path: "refresh_token_rotation_grace_seconds",
                default: DEFAULT_ROTATION_GRACE_SECONDS,
            },
        },
    ];
    if client.application_type() == ApplicationType::Native {
        rows.push(toggle(
            "dpop",
            "Enable DPoP validation",
            "Tokens work only on the device they were issued to. If off, mismatched proofs are only logged.",
            FieldBinding::Inverted { path: "x_dpop_disabled" },
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
        "How long users stay signed in. A shorter lifetime ends older sessions at once.",
        rows,
    );
    panel.view.help = Some(help);
    panel
}

fn access_tokens(kind: ApplicationType) -> Vec<BoundControl> {
    let hint = if kind == ApplicationType::M2m {
        "300 to 2419200. Default: 30 minutes."
    } else {
        "At least 300. Default: 30 minutes."
    };
    let mut rows = vec![BoundControl {
        control: Control::new("access_lifetime", "Access token lifetime", seconds(300), "").hint(hint),
        binding: FieldBinding::Number { path: "access_token_lifetime_seconds", default: DEFAULT_ACCESS_TOKEN_SECONDS },
    }];
    if kind != ApplicationType::M2m {
        rows.push(toggle(
            "jwt",
            "Issue JWT as access token",
            "Your backend can verify it without a request to Vestibule. Ended sessions take effect when the token expires.",
            FieldBinding::Flag { path: "issue_jwt_access_token", default: false },
        ));
        rows.push(BoundControl {
            control: Control::new("access_alg", "Access token signature", ControlKind::Select(algorithms()), "")
                .hint("Choose ES256 only if every API that verifies the tokens supports it.")
                .depends("jwt"),
            binding: FieldBinding::Text { path: "access_token_signed_response_alg", default: "RS256" },
        });
        rows.push(BoundControl {
            control: Control::new("id_alg", "ID token signature", ControlKind::Select(algorithms()), "")
                .hint("ES256 costs the server much less CPU. Access tokens are not affected."),
            binding: FieldBinding::Text { path: "id_token_signed_response_alg", default: "RS256" },
        });
    }
    rows
}

fn algorithms() -> Vec<Pick> {
    vec![Pick::new("RS256", "RS256", "Supported by every library"), Pick::new("ES256", "ES256", "Shorter and faster")]
}

/// The settings for guests of this type of application; shared with the page Anonymous Users.
pub(super) fn guests(kind: ApplicationType) -> Vec<BoundControl> {
    let number = |name: &str, label: &str, path: &'static str| BoundControl {
        control: Control::new(name, label, seconds(1), "").placeholder("same as members"),
        binding: FieldBinding::OptionalNumber { path },
    };
    let scope = |name: &str, label: &str, hint: &str, word: &'static str| {
        toggle(
            name,
            label,
            hint,
            FieldBinding::Member { path: "anonymous_scopes", word, default: &GUEST_SCOPES, key: None },
        )
    };
    let mut rows = Vec::new();
    // The lifetime of guests with a cookie is the session's.
    if has_refresh_tokens(kind) {
        rows.extend([
            number(GUEST_LIFETIME, "Guest lifetime", "anonymous_refresh_token_lifetime_seconds"),
            number(GUEST_IDLE, "Guest idle timeout", "anonymous_refresh_token_idle_timeout_seconds"),
        ]);
    }
    rows.extend([
        number("guest_access_lifetime", "Guest access token lifetime", "anonymous_access_token_lifetime_seconds"),
        scope("scope_openid", "Scope openid", "Required for a token that identifies the guest.", "openid"),
        scope(
            "scope_offline",
            "Scope offline_access",
            "Issues a refresh token, so guests stay signed in.",
            "offline_access",
        ),
        scope("scope_full", "Scope full-access", "Required by the SDKs for promotion.", GUEST_SCOPES[2]),
        scope("scope_profile", "Scope profile", "", "profile"),
        scope("scope_userinfo", "Scope full-userinfo", "", "https://authgear.com/scopes/full-userinfo"),
    ]);
    rows
}

fn look(request: &ProjectRequest, client: &Client) -> FormView {
    let kind = client.application_type();
    let below = |path: &str| request.href(&format!("/applications/{}{path}", client.client_id));
    let mut links = Vec::new();
    if kind.has_users() {
        links.push((below("/quick-start"), "Quick start".to_string()));
    }
    if kind.is_confidential() {
        links.push((below("/secrets"), "Client secrets".to_string()));
    }
    if matches!(kind, ApplicationType::TraditionalWebapp | ApplicationType::ThirdPartyApp) {
        links.push((request.href("/session"), "Session settings (cookies)".to_string()));
    }
    if request.may_edit() {
        links.push((below("/delete"), "Delete application".to_string()));
    }
    FormView {
        title: client.display_name().to_string(),
        lead: format!("{}.", kind_name(kind)),
        section: "applications",
        above: Some(("/applications".into(), "Applications".into())),
        extra: Extra::Application {
            facts: vec![
                ("Client ID".into(), client.client_id.clone()),
                ("Endpoint".into(), request.project.origin.clone()),
                ("Application type".into(), kind_name(kind).into()),
            ],
            links,
        },
    }
}
