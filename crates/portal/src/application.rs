//! One application: all its settings as a form.

use vestibule_app::admin::applications;
use vestibule_domain::{
    client::{ApplicationType, Client, FULL_ACCESS_SCOPE, MAX_M2M_ACCESS_TOKEN_SECONDS, MIN_ACCESS_TOKEN_SECONDS},
    project::client_warnings,
};

use crate::{
    PageResult, PortalError, ProjectRequest,
    bound_control::{self, BoundControl, inverted, member, one},
    control::describe_seconds,
    retention,
    settings_form::{self, DocumentScope, FormView, Panel, SettingsForm},
    settings_page::{Extra, LifetimeHelp},
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

/// The path of an application's key.
fn of(key: &str) -> String {
    format!("oauth.clients[].{key}")
}

fn control(key: &str, name: &str, label: &str) -> BoundControl {
    bound_control::control(&of(key), name, label)
}

/// The controls for this type of application.
pub(super) fn build_form(client: &Client) -> SettingsForm {
    let kind = client.application_type();
    let mut panels = vec![Panel::new("Basics", "", basics(client))];
    if has_refresh_tokens(kind) {
        panels.push(refresh_tokens(client));
    }
    panels.push(Panel::new("Access and ID tokens", "", access_tokens(kind)));
    if kind.has_backchannel_logout() {
        panels.push(Panel::new(
            "Back-channel logout",
            "Notifies the application's server when a session of one of its users ends.",
            vec![
                control("backchannel_logout_uri", "logout_uri", "Logout URL")
                    .hint("Gets a signed logout token, at least once, and again until it answers.")
                    .input("url"),
                control("backchannel_logout_session_required", "logout_session", "Name the session").hint(
                    "If off, the token names only the user, and the application is to end all sessions of the user.",
                ),
            ],
        ));
    }
    if kind.is_confidential() {
        panels.push(Panel::new(
            "Keys",
            "Public keys with which this application authenticates instead of a secret (private_key_jwt). To allow nothing else, remove its secrets.",
            vec![
                control("jwks_uri", "jwks_uri", "URL of the keys")
                    .hint("A JWK set that the application publishes. It can change its keys there.")
                    .input("url"),
                control("jwks", "jwks", "Keys").hint("A JWK set as JSON, if it is not published. Public keys only."),
            ],
        ));
    }
    if kind.has_own_tokens() {
        panels.push(Panel::new(
            "Resources",
            "The APIs that this application calls for itself, without a user: it gets tokens for them with client_credentials.",
            vec![
                control("resources", "resources", "Resources")
                    .hint("One per line: the URI of the API, then the scopes that the application may request there, separated by spaces."),
            ],
        ));
    }
    if kind.allows_anonymous() {
        panels.push(Panel::new(
            "Guests",
            "Lifetimes and scopes for anonymous users of this application. An empty field uses the members' value.",
            guests(kind),
        ));
        panels.extend(retention::panels());
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

fn basics(client: &Client) -> Vec<BoundControl> {
    let (kind, warnings) = (client.application_type(), client_warnings(client));
    let mut rows = vec![control("name", "name", "Name").hint("Shown to users. Defaults to the client ID.")];
    if kind.has_users() {
        rows.push(
            control("redirect_uris", "redirect_uris", "Authorized redirect URIs")
                .hint("One per line; must match exactly. Browser calls from their origins are allowed.")
                .warn(&warnings, "redirect_uris"),
        );
        if !matches!(kind, ApplicationType::Native | ApplicationType::ThirdPartyApp) {
            rows.push(
                control("post_logout_redirect_uris", "post_logout_redirect_uris", "Post-logout redirect URIs")
                    .hint("Where users may return after signing out. One per line.")
                    .warn(&warnings, "post_logout_redirect_uris"),
            );
        }
        rows.push(control("client_uri", "client_uri", "Home page").input("url"));
        rows.push(
            control("require_pushed_authorization_requests", "pushed", "Require pushed authorization requests")
                .hint("Only for applications that send each request to /oauth2/par first (RFC 9126). The SDKs do not."),
        );
        rows.push(
            control("previous_subs_enabled", "previous_subs", "Send earlier IDs of users")
                .hint("ID tokens and UserInfo name the guests that were merged into the user (previous_subs)."),
        );
        rows.push(
            control("device_authorization_enabled", "devices", "Allow devices without a browser")
                .hint("TVs, consoles and command lines show a code that users enter on another device (RFC 8628)."),
        );
    }
    rows
}

fn refresh_tokens(client: &Client) -> Panel {
    let mut rows = vec![
        control("refresh_token_lifetime_seconds", "refresh_lifetime", "Refresh token lifetime")
            .hint("At least as long as the access token lifetime.")
            .with_default(client.default_refresh_token_seconds().into()),
        control("refresh_token_idle_timeout_enabled", "idles", "Expire after idling"),
        control("refresh_token_idle_timeout_seconds", "idle", "Idle timeout").depends("idles"),
        one(&of("x_max_concurrent_session"), "one_session", "Allow only one session per user")
            .hint("A new session ends the user's earlier sessions of this application."),
        control("refresh_token_rotation_enabled", "rotation", "Enable refresh token rotation")
            .hint("Each refresh issues a new refresh token. Reusing an old one ends the session."),
        control("refresh_token_rotation_grace_seconds", "rotation_grace", "Previous token stays valid for")
            .hint("Covers concurrent tabs and lost responses.")
            .depends("rotation"),
    ];
    if client.application_type() == ApplicationType::Native {
        rows.push(
            inverted(&of("x_dpop_disabled"), "dpop", "Enable DPoP validation")
                .hint("Tokens work only on the device they were issued to. If off, mismatched proofs are only logged."),
        );
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
    let least = describe_seconds(MIN_ACCESS_TOKEN_SECONDS.into());
    let range = if kind == ApplicationType::M2m {
        format!("From {least} to {}.", describe_seconds(MAX_M2M_ACCESS_TOKEN_SECONDS.into()))
    } else {
        format!("At least {least}.")
    };
    let mut rows =
        vec![control("access_token_lifetime_seconds", "access_lifetime", "Access token lifetime").hint(&range)];
    let access_alg = control("access_token_signed_response_alg", "access_alg", "Access token signature")
        .hint("Choose ES256 only if every API that verifies the tokens supports it.");
    if kind == ApplicationType::M2m {
        rows.push(access_alg);
    } else {
        rows.extend([
            control("issue_jwt_access_token", "jwt", "Issue JWT as access token").hint(
                "Your backend can verify it without a request to Vestibule. Ended sessions take effect when the token expires.",
            ),
            access_alg.depends("jwt"),
            control("id_token_signed_response_alg", "id_alg", "ID token signature")
                .hint("ES256 costs the server much less CPU. Access tokens are not affected."),
        ]);
    }
    rows
}

/// The label of a choice.
fn describe_creation(word: &str) -> (&str, &'static str) {
    match word {
        "lazy" => ("When something must be kept", "A refresh, a promotion, a late use."),
        _ => ("At sign-up", ""),
    }
}

/// The settings for guests of this type of application; shared with the page Anonymous Users.
pub(super) fn guests(kind: ApplicationType) -> Vec<BoundControl> {
    let number = |key: &str, name: &str, label: &str| control(key, name, label).placeholder("same as members");
    let scope = |word: &'static str, name: &str, label: &str| member(&of("anonymous_scopes"), word, name, label);
    let mut rows = Vec::new();
    // The lifetime of guests with a cookie is the session's.
    if has_refresh_tokens(kind) {
        rows.extend([
            number("anonymous_refresh_token_lifetime_seconds", GUEST_LIFETIME, "Guest lifetime"),
            number("anonymous_refresh_token_idle_timeout_seconds", GUEST_IDLE, "Guest idle timeout"),
            control("guest_creation", "guest_creation", "Store guests").choices(describe_creation).hint(
                "For busy sites: visitors who leave at once cost no row and no write. Their tokens work from the first second.",
            ),
            control("guest_stored_on_use", "guest_stored_on_use", "Store a guest with its first use").hint(
                "Of its access token, for guests who are not stored at sign-up. Turn it on if your backend writes to guests through the Admin API.",
            ),
        ]);
    }
    rows.extend([
        number("anonymous_access_token_lifetime_seconds", "guest_access_lifetime", "Guest access token lifetime"),
        scope("openid", "scope_openid", "Scope openid").hint("Required for a token that identifies the guest."),
        scope("offline_access", "scope_offline", "Scope offline_access")
            .hint("Issues a refresh token, so guests stay signed in."),
        scope(FULL_ACCESS_SCOPE, "scope_full", "Scope full-access").hint("Required by the SDKs for promotion."),
        scope("profile", "scope_profile", "Scope profile"),
        scope("https://authgear.com/scopes/full-userinfo", "scope_userinfo", "Scope full-userinfo"),
    ]);
    rows
}

fn look(request: &ProjectRequest, client: &Client) -> FormView {
    let kind = client.application_type();
    let below = |path: &str| request.href(&format!("/applications/{}{path}", client.client_id));
    let mut links = vec![(below("/quick-start"), "Quick start".to_string())];
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
            ],
            links,
        },
    }
}
