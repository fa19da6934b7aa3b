//! Which credentials each route accepts, written by hand from what each route is for, not read from the server: a route that
//! accepts more or less than this, that is not here, or that is here and not served, fails the test. Who changes a line here
//! widens or narrows what a route accepts.

use std::collections::BTreeMap;

use vestibule_server::routes::list_routes;

/// Credentials, what the paths begin with, and the routes that accept exactly these.
const DECLARED: [(&str, &str, &[&str]); 25] = [
    (
        "none",
        "",
        &[
            "GET /.well-known/openid-configuration",
            "GET /.well-known/oauth-authorization-server",
            "GET /oauth2/jwks",
            "POST /oauth2/challenge",
            "POST /oauth2/app_session_token",
            "POST /oauth2/end_session",
            "POST /sso/oauth2/callback/{alias}",
            "GET /logged-out",
            "GET POST /security/{link}",
            "GET /device/done",
            "GET /device/refused",
            "GET /settings/sessions",
            "GET /settings/{*rest}",
            "GET /.well-known/change-password",
            "GET /",
            "GET /_api/admin/v1/openapi.json",
            "GET /_api/admin/v1/docs",
            "GET /portal/assets/{*path}",
            "GET /healthz",
            "GET /readyz",
            "GET /metrics",
            "GET /assets/{*path}",
            "GET /logo/{file}",
        ],
    ),
    ("client authentication, bearer token (`openid`), session cookie", "", &["POST /oauth2/token"]),
    (
        "client authentication",
        "",
        &["POST /oauth2/revoke", "POST /oauth2/introspect", "POST /oauth2/device_authorization", "POST /oauth2/par"],
    ),
    ("bearer token (`openid`), session cookie", "", &["GET POST /oauth2/userinfo", "GET /_resolver/resolve"]),
    ("session cookie, app session cookie, flow cookie", "", &["GET POST /oauth2/authorize", "GET /settings/promote"]),
    (
        "session cookie",
        "",
        &[
            "GET /oauth2/end_session",
            "POST /api/anonymous_user/signup",
            "POST /api/anonymous_user/promotion_code",
            "GET POST /logout",
            "GET POST /device",
        ],
    ),
    (
        "session cookie, flow cookie, known device cookie",
        "",
        &["GET /flow/{id}", "GET POST /flow/{id}/{view}", "GET /device/sign-in", "GET /sso/oauth2/callback/{alias}"],
    ),
    (
        "session cookie, app session cookie",
        "",
        &[
            "GET /settings",
            "POST /settings/close",
            "GET POST /settings/names",
            "GET /settings/password",
            "GET POST /settings/identity/add",
            "GET POST /settings/identity/change",
            "GET POST /settings/identity/verify",
            "GET POST /settings/identity/remove",
            "GET POST /settings/code",
            "GET POST /settings/confirm",
            "GET POST /settings/passkeys",
            "GET POST /settings/passkeys/name",
            "GET POST /settings/delete",
            "GET /settings/export",
            "GET POST /settings/applications",
            "GET POST /settings/external-accounts",
            "GET POST /settings/external-accounts/connect",
            "GET /settings/external-accounts/answer",
        ],
    ),
    (
        "session cookie, app session cookie, known device cookie",
        "",
        &["POST /settings/password", "POST /settings/sessions"],
    ),
    ("flow cookie", "", &["GET /settings/sign-in"]),
    (
        "admin key (`settings:read`)",
        "/_api/admin/v1",
        &[
            "GET /project",
            "GET /project/logo",
            "GET /retention",
            "GET /providers",
            "GET /applications",
            "GET /applications/{client_id}",
            "GET /applications/{client_id}/secrets",
        ],
    ),
    (
        "admin key (`settings:write`)",
        "/_api/admin/v1",
        &[
            "PUT /project",
            "PUT DELETE /project/logo",
            "POST /project/webhook-secret",
            "POST /project/webhook-test",
            "POST /retention/confirm",
            "PUT DELETE /providers/{alias}/secret",
            "POST /applications",
            "PUT DELETE /applications/{client_id}",
            "POST /applications/{client_id}/secrets",
            "DELETE /applications/{client_id}/secrets/{secret_id}",
        ],
    ),
    (
        "admin key (`users:read`)",
        "/_api/admin/v1",
        &[
            "GET /users",
            "GET /users/{user_id}",
            "GET /users/{user_id}/sessions",
            "GET /users/{user_id}/consents",
            "GET /users/{user_id}/device-keys",
            "GET /users/{user_id}/holds",
            "GET /users/{user_id}/aliases",
            "GET /users/{user_id}/merge",
            "GET /merges",
            "GET /merges/{merge_id}",
        ],
    ),
    (
        "admin key (`users:write`)",
        "/_api/admin/v1",
        &[
            "POST /users",
            "PATCH DELETE /users/{user_id}",
            "POST /users/{user_id}/promote",
            "POST /users/{user_id}/merge",
            "POST /merges/{merge_id}/settle",
            "POST /merges/{merge_id}/refuse",
            "POST /merges/{merge_id}/undo",
            "POST /merges/{merge_id}/ask",
            "POST /users/{user_id}/disable",
            "POST /users/{user_id}/enable",
            "POST /users/{user_id}/revive",
            "POST /users/{user_id}/holds",
            "DELETE /users/{user_id}/holds/{hold_id}",
            "DELETE /users/{user_id}/sessions",
            "DELETE /users/{user_id}/sessions/{session_id}",
            "DELETE /users/{user_id}/consents/{client_id}",
            "DELETE /users/{user_id}/device-keys/{device_key_id}",
        ],
    ),
    ("admin key (`users:transfer`)", "/_api/admin/v1", &["GET /export/users", "POST /import/users"]),
    (
        "admin key (`events:read`)",
        "/_api/admin/v1",
        &[
            "GET /export/events",
            "GET /events",
            "GET /events/stream",
            "GET /deliveries",
            "POST /deliveries/{delivery_id}/replay",
        ],
    ),
    ("admin key (`statistics:read`)", "/_api/admin/v1", &["GET /statistics"]),
    ("admin key (`keys:write`)", "/_api/admin/v1", &["GET POST /keys", "DELETE /keys/{key_id}"]),
    (
        "portal form cookie, portal known device cookie",
        "",
        &["GET POST /portal/welcome/{token}", "GET POST /portal/sign-in", "GET /portal/", "GET /portal/{*rest}"],
    ),
    (
        "operator cookie, portal known device cookie",
        "",
        &[
            "POST /portal/sign-out",
            "GET POST /portal/prove",
            "GET POST /portal/me",
            "GET /portal",
            "GET /portal/guides/{guide}",
            "GET POST /portal/invitations/{token}",
        ],
    ),
    (
        "operator cookie (owner of every project)",
        "",
        &["GET /portal/activity", "GET /portal/health", "GET POST /portal/projects/new"],
    ),
    (
        "operator cookie (viewer of the project)",
        "/portal/p/{project}",
        &[
            "GET ",
            "GET /anonymous-users",
            "GET /retention",
            "GET /merges",
            "GET /login-methods",
            "GET /session",
            "GET /rate-limits",
            "GET /applications",
            "GET /applications/{client_id}",
            "GET /applications/{client_id}/quick-start",
            "GET /applications/{client_id}/secrets",
            "GET /branding",
            "GET /branding/preview",
            "GET /branding/theme.css",
            "GET /branding/logo",
            "GET /branding/logo/{file}",
            "GET /email-texts",
            "GET /email-texts/{language}/{kind}",
            "GET /email-texts/{language}/{kind}/preview",
            "GET /addresses",
            "GET /messages",
            "GET /overview",
            "GET /users",
            "GET /users/{user_id}",
            "GET /users/{user_id}/history",
            "GET /events",
            "GET /events/export",
            "GET /providers",
            "GET /providers/{alias}",
            "GET /webhooks",
            "GET /webhooks/deliveries/{delivery}",
            "GET /webhooks/{kind}/{handler}",
            "GET /webhooks/time-outs",
            "GET /operators",
            "GET /settings",
        ],
    ),
    (
        "operator cookie (editor of the project)",
        "/portal/p/{project}",
        &[
            "POST /anonymous-users",
            "POST /retention",
            "GET POST /merges/decide",
            "POST /login-methods",
            "POST /session",
            "POST /rate-limits",
            "GET /applications/new",
            "GET POST /applications/new/{framework}",
            "POST /applications/{client_id}",
            "GET POST /applications/{client_id}/secrets/new",
            "GET POST /applications/{client_id}/secrets/{secret_id}/remove",
            "GET POST /applications/{client_id}/delete",
            "POST /branding",
            "POST /branding/logo",
            "GET POST /branding/logo/remove",
            "POST /email-texts/{language}/{kind}",
            "POST /messages/mail",
            "POST /messages/sms",
            "GET POST /users/{user_id}/promote",
            "GET POST /users/{user_id}/attributes",
            "GET POST /users/{user_id}/sessions",
            "GET POST /users/{user_id}/keys",
            "GET POST /users/{user_id}/holds",
            "POST /users/{user_id}/holds/lift",
            "POST /users/{user_id}/revive",
            "GET POST /users/{user_id}/disabled",
            "GET POST /users/{user_id}/delete",
            "GET POST /users/new",
            "GET POST /users/bulk",
            "GET POST /users/{user_id}/login-id",
            "GET POST /users/{user_id}/verify",
            "POST /users/{user_id}/password-email",
            "POST /providers/{alias}",
            "POST /providers/{alias}/move",
            "POST /providers/{alias}/check",
            "POST /providers/{alias}/try",
            "GET /providers/{alias}/tried",
            "GET /new-provider",
            "GET POST /new-provider/{type}",
            "POST /webhooks/test",
            "POST /webhooks/replay",
            "GET POST /webhooks/{kind}/new",
            "POST /webhooks/{kind}/{handler}",
            "GET POST /webhooks/{kind}/{handler}/remove",
            "POST /webhooks/time-outs",
            "POST /settings",
        ],
    ),
    (
        "operator cookie (owner of the project)",
        "/portal/p/{project}",
        &[
            "GET POST /providers/{alias}/secret",
            "GET POST /providers/{alias}/remove",
            "GET POST /webhooks/secret",
            "GET POST /users/export",
            "GET POST /users/import",
            "POST /operators",
            "GET POST /operators/{operator}",
            "GET POST /operators/{operator}/link",
            "POST /operators/invitations/revoke",
            "GET /admin-keys",
            "GET POST /admin-keys/new",
            "GET POST /admin-keys/{key_id}/revoke",
            "GET POST /settings/delete",
        ],
    ),
    ("operator cookie (owner of every project)", "/portal/p/{project}", &["GET POST /settings/origin"]),
];

/// Documents and calls of scripts, which browsers ask for with `OPTIONS` first. No credential comes with that.
const ASKED_FIRST: [&str; 12] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth2/jwks",
    "/oauth2/token",
    "/oauth2/device_authorization",
    "/oauth2/par",
    "/oauth2/challenge",
    "/oauth2/app_session_token",
    "/oauth2/revoke",
    "/oauth2/userinfo",
    "/api/anonymous_user/signup",
    "/api/anonymous_user/promotion_code",
];

/// Route and credentials, as written here.
fn written() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (credentials, prefix, lines) in DECLARED {
        for line in lines {
            let (methods, path) = line.rsplit_once(' ').expect("methods and a path");
            for method in methods.split(' ') {
                let earlier = all.insert(format!("{method} {prefix}{path}"), credentials.to_string());
                assert_eq!(earlier, None, "{method} {prefix}{path} is here twice");
            }
        }
    }
    all.extend(ASKED_FIRST.map(|path| (format!("OPTIONS {path}"), "none".to_string())));
    all
}

#[test]
fn each_route_declares_what_is_written_here() {
    let (mut differences, mut written) = (Vec::new(), written());
    for route in list_routes() {
        let place = format!("{} {}", route.method, route.path);
        let kinds: Vec<String> = route.accepts.iter().map(|credential| credential.describe()).collect();
        let declared = if kinds.is_empty() { "none".into() } else { kinds.join(", ") };
        match written.remove(&place) {
            Some(right) if right == declared => {}
            Some(right) => differences.push(format!("{place} accepts: {declared}; it should be: {right}")),
            None => differences.push(format!("{place} accepts: {declared}; say in declared.rs whether it should")),
        }
    }
    differences.extend(written.into_keys().map(|place| format!("{place} is not in the table of routes")));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
