//! Settings in the portal: guests, lifetimes, login methods, branding, applications; and concurrent changes.

use serde_json::json;

use crate::support::{Browser, Engine, TestServer, on_both_engines};

on_both_engines!(
    guests_are_switched_on_and_off,
    guests_get_lifetimes_and_scopes_of_their_own,
    guests_of_an_application_added_or_removed_concurrently,
    two_editors_meet_a_clear_conflict,
    other_pages_do_not_disturb_each_other,
    a_shorter_session_lifetime_counts_at_once,
    wrong_values_are_shown_beside_their_field,
    absent_keys_stay_absent,
    an_application_is_made_and_edited,
    a_secret_is_shown_once_and_removed,
    an_application_is_deleted_after_its_name_was_typed,
    login_methods_and_branding_are_saved,
    the_branding_preview_is_the_hosted_page_with_what_is_typed,
    a_setting_has_one_label_on_every_page,
    the_back_button_returns_to_a_page_that_answered_a_form,
    rate_limits_show_their_defaults_and_return_to_them,
    a_passkey_can_be_offered_and_verification_switched_off,
    a_probable_mistake_is_shown_beside_its_field,
);

async fn start(engine: Engine) -> (TestServer, Browser) {
    let server = TestServer::start(engine, |setup| setup.open_portal()).await;
    let owner = server.owner().await;
    (server, owner)
}

fn settings(server: &TestServer) -> serde_json::Value {
    let project = server.app.projects.find_by_id("test").expect("the project");
    serde_json::to_value(&project.settings).expect("JSON")
}

async fn guests_are_switched_on_and_off(engine: Engine) {
    let server = TestServer::start(engine, |setup| {
        setup.open_portal();
        setup.set("authentication.identities", vec!["login_id"]);
    })
    .await;
    let mut owner = server.owner().await;
    let sign_up = json!({"session_type": "refresh_token", "client_id": "web"});
    let http = server.http();
    assert_eq!(http.post_json("/api/anonymous_user/signup", &sign_up).await.status, 400);
    owner.open("/portal/p/test/anonymous-users").await;
    owner.tick("Enable anonymous users?");
    owner.fill("If the email or phone already has an account", "login");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Anonymous users").text.contains("Changes saved."));
    assert_eq!(http.post_json("/api/anonymous_user/signup", &sign_up).await.status, 200);
    let now = settings(&server);
    assert_eq!(now["authentication"]["identities"], json!(["login_id", "anonymous"]));
    assert_eq!(now["identity"]["on_conflict"]["promotion"], "login");
    let changed = server.events("project.changed").await;
    assert_eq!(changed[0]["context"]["triggered_by"], "portal");
    assert_eq!(changed[0]["context"]["audit_context"]["operator_email"], "olga@house.example");
    owner.untick("Enable anonymous users?");
    owner.press("Save").await;
    owner.expect_page(200, "Save changes to “Anonymous users”?");
    assert_eq!(http.post_json("/api/anonymous_user/signup", &sign_up).await.status, 200);
    owner.press("Save changes").await;
    assert_eq!(http.post_json("/api/anonymous_user/signup", &sign_up).await.status, 400);
}

async fn guests_get_lifetimes_and_scopes_of_their_own(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let client = server.app_client();
    owner.open("/portal/p/test/anonymous-users").await;
    let page = owner.expect_page(200, "Anonymous users");
    assert!(page.text.contains("Guests of Corner Shop Default settings"), "{}", page.text);
    assert!(!page.text.contains("Guest lifetime (Corner Blog)"), "cookies live as long as the session");
    owner.fill("Guest lifetime (Corner Shop)", "60");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Anonymous users");
    assert!(page.problem("guest_refresh_lifetime.web").is_some(), "{:?}", page.problems);
    assert!(page.problem("guest_refresh_lifetime.phone").is_none(), "{:?}", page.problems);
    owner.fill("Guest lifetime (Corner Shop)", "86400");
    owner.fill("Guest idle timeout (Corner Shop)", "3600");
    owner.tick("Scope profile (Corner Shop)");
    owner.tick("Close sign-up");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Anonymous users");
    assert!(page.text.contains("Guests of Corner Shop Custom settings"), "{}", page.text);
    let sentence = "Ends 1 hour after the last use, and at most 1 day after sign-in.";
    assert!(page.text.contains(sentence), "{}", page.text);
    let now = settings(&server);
    let web = &now["oauth"]["clients"][0];
    let own = ["refresh_token_lifetime_seconds", "refresh_token_idle_timeout_seconds", "access_token_lifetime_seconds"]
        .map(|key| web.get(format!("anonymous_{key}")).cloned());
    assert_eq!(own, [Some(json!(86_400)), Some(json!(3_600)), None]);
    let scopes = ["openid", "offline_access", "https://authgear.com/scopes/full-access", "profile"];
    assert_eq!(web["anonymous_scopes"], json!(scopes));
    assert_eq!(now["authentication"]["public_signup_disabled"], true);
    let changed = server.events("project.changed").await;
    assert_eq!(changed.len(), 1, "one page, one change: {changed:?}");

    owner.untick("Close sign-up");
    owner.press("Save").await;
    let guest = client.sign_up().await;
    server.clock.advance_seconds(3_500);
    client.refresh(&guest.refresh).await.expect(200);
    server.clock.advance_seconds(3_700);
    client.refresh(&guest.refresh).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
}

async fn guests_of_an_application_added_or_removed_concurrently(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/anonymous-users").await;
    let mut second = owner.clone();
    owner.open("/portal/p/test/applications/phone/delete").await;
    owner.fill("Type phone to confirm", "phone");
    owner.press("Delete application").await;
    owner.expect_page(200, "Applications");
    owner.open("/portal/p/test/applications/new/react").await;
    owner.fill("Client ID", "newer");
    owner.fill("Authorized redirect URIs", "https://newer.example/");
    owner.press("Create application").await;
    owner.expect_page(200, "Quick start");
    let mut third = second.clone();

    // Without changes to the deleted application there is no conflict, and the new one stays unchanged.
    third.fill("Guest lifetime (Corner Shop)", "7200");
    third.press("Save").await;
    assert!(third.expect_page(200, "Anonymous users").text.contains("Changes saved."));
    let clients = settings(&server)["oauth"]["clients"].clone();
    let newer = clients.as_array().and_then(|all| all.last()).expect("the new one");
    assert!(newer["client_id"] == "newer" && newer.get("anonymous_scopes").is_none(), "{newer}");

    second.fill("Guest idle timeout (Corner Shop App)", "900");
    second.fill("Guest idle timeout (Corner Shop)", "800");
    second.press("Save").await;
    let page = second.expect_page(409, "Anonymous users");
    assert!(page.text.contains("phone there gone changed"), "{}", page.text);
    assert!(page.text.contains("Guest lifetime (Corner Shop) nothing 2 hours not changed"), "{}", page.text);
    second.press("Save").await;
    assert!(second.expect_page(200, "Anonymous users").text.contains("Changes saved."));
    let web = settings(&server)["oauth"]["clients"][0].clone();
    let own = |key: &str| web[format!("anonymous_refresh_token_{key}_seconds")].clone();
    assert_eq!((own("lifetime"), own("idle_timeout")), (json!(7_200), json!(800)));
}

async fn two_editors_meet_a_clear_conflict(engine: Engine) {
    let (server, mut first) = start(engine).await;
    first.open("/portal/p/test/session").await;
    let mut second = first.clone();
    first.fill("Maximum session lifetime", "7200");
    first.press("Save").await;
    first.expect_page(200, "Session");
    second.fill("Maximum session lifetime", "9000");
    second.fill("Idle timeout", "600");
    second.press("Save").await;
    let page = second.expect_page(409, "Session");
    assert!(page.text.contains("changed this page while you were editing"), "{}", page.text);
    assert!(page.text.contains("Maximum session lifetime 52 weeks 2 hours 2 hours 30 minutes"), "{}", page.text);
    assert_eq!(settings(&server)["session"]["lifetime_seconds"], 7200, "nothing was lost");
    // The input is still there; saving it again is a decision.
    second.press("Save").await;
    assert!(second.expect_page(200, "Session").text.contains("Changes saved."));
    let now = settings(&server);
    assert_eq!(now["session"], json!({"lifetime_seconds": 9000, "idle_timeout_seconds": 600}));
}

async fn other_pages_do_not_disturb_each_other(engine: Engine) {
    let (server, mut first) = start(engine).await;
    first.open("/portal/p/test/session").await;
    let mut second = first.clone();
    second.open("/portal/p/test/branding").await;
    first.fill("Maximum session lifetime", "7200");
    first.press("Save").await;
    second.fill("Name", "Corner Store");
    second.press("Save").await;
    assert!(second.expect_page(200, "Branding").text.contains("Changes saved."));
    let now = settings(&server);
    assert_eq!((&now["session"]["lifetime_seconds"], &now["ui"]["name"]), (&json!(7200), &json!("Corner Store")));
}

async fn a_shorter_session_lifetime_counts_at_once(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let mut guest = server.browser();
    let body = json!({"session_type": "cookie", "client_id": "blog"});
    assert_eq!(guest.fetch_json("/api/anonymous_user/signup", &body).await.status, 200);
    server.clock.advance_seconds(3_600);
    assert_eq!(guest.fetch("/_resolver/resolve").await.header("x-authgear-session-valid"), Some("true"));
    owner.open("/portal/p/test/session").await;
    owner.fill("Maximum session lifetime", "1800");
    owner.press("Save").await;
    assert_eq!(guest.fetch("/_resolver/resolve").await.header("x-authgear-session-valid"), Some("true"));
    owner.expect_page(200, "Save changes to “Session”?");
    owner.press("Save and sign out 1 person").await;
    assert_ne!(guest.fetch("/_resolver/resolve").await.header("x-authgear-session-valid"), Some("true"));
    assert!(owner.page().text.contains("Ends 30 minutes after sign-in"), "{}", owner.page().text);
}

async fn wrong_values_are_shown_beside_their_field(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let before = settings(&server);
    owner.open("/portal/p/test/session").await;
    owner.fill("Maximum session lifetime", "a week");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Session");
    assert_eq!(page.problem("lifetime"), Some("Enter a whole number from 1 to 3153600000."));
    owner.fill("Maximum session lifetime", "0");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Session");
    assert_eq!(page.problem("lifetime"), Some("Enter a whole number from 1 to 3153600000."));
    owner.open("/portal/p/test/anonymous-users").await;
    owner.fill("Refill period", "soon");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Anonymous users").problem("period").is_some());
    owner.open("/portal/p/test/applications/web").await;
    owner.fill("Refresh token lifetime", "600");
    owner.fill("Authorized redirect URIs", "http://shop.test/after-login\nnowhere");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Corner Shop");
    assert!(page.problem("redirect_uris").is_some_and(|text| text.starts_with("Line 2:")), "{:?}", page.problems);
    owner.fill("Authorized redirect URIs", "http://shop.test/after-login");
    owner.press("Save").await;
    let reported = owner.expect_page(422, "Corner Shop").problem("refresh_lifetime").map(str::to_string);
    let expected = "Refresh token lifetime must be greater than or equal to access token lifetime.";
    assert_eq!(reported.as_deref(), Some(expected));
    assert_eq!(settings(&server), before);
}

async fn absent_keys_stay_absent(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let before = settings(&server);
    for page in [
        "session",
        "anonymous-users",
        "login-methods",
        "rate-limits",
        "branding",
        "applications/web",
        "applications/machine",
    ] {
        owner.open(&format!("/portal/p/test/{page}")).await;
        owner.press("Save").await;
        assert!(owner.page().text.contains("No changes to save"), "{page}: {}", owner.page().text);
    }
    assert_eq!(settings(&server), before);
    owner.open("/portal/p/test/session").await;
    owner.fill("Maximum session lifetime", "0007200");
    owner.press("Save").await;
    assert_eq!(settings(&server)["session"], json!({"lifetime_seconds": 7200}));
    // An empty field resets to the default.
    owner.fill("Maximum session lifetime", "");
    owner.press("Save").await;
    assert_eq!(settings(&server), before);
}

async fn an_application_is_made_and_edited(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/applications").await;
    owner.follow("New application").await;
    owner.follow("React").await;
    owner.fill("Name", "New Shop");
    owner.fill("Client ID", "web");
    owner.fill("Authorized redirect URIs", "nonsense");
    owner.press("Create application").await;
    let page = owner.expect_page(422, "New application: React");
    assert!(page.problem("client_id").is_some() || page.problem("redirect_uris").is_some(), "{:?}", page.problems);
    owner.fill("Client ID", "new-shop");
    owner.fill("Authorized redirect URIs", "https://new.example/after-login");
    owner.press("Create application").await;
    let page = owner.expect_page(200, "Quick start");
    let reported = |text: &str| page.text.contains(text);
    assert!(
        reported(&format!("endpoint: \"{}\"", server.origin)) && reported("clientID: \"new-shop\""),
        "{}",
        page.text
    );
    owner.open("/portal/p/test/applications/new-shop").await;
    owner.untick("Expire after idling");
    owner.tick("Enable refresh token rotation");
    owner.tick("Allow only one session per user");
    owner.fill("Refresh token lifetime", "604800");
    owner.fill("Guest lifetime", "86400");
    owner.fill("Store guests", "lazy");
    owner.untick("Scope offline_access");
    owner.press("Save").await;
    let page = owner.expect_page(200, "New Shop");
    assert!(page.text.contains("Ends 1 week after sign-in, even if it is used."), "{}", page.text);
    let now = settings(&server);
    let client = now["oauth"]["clients"].as_array().and_then(|all| all.last()).expect("the new one");
    assert_eq!(
        client,
        &json!({
            "client_id": "new-shop",
            "name": "New Shop",
            "x_application_type": "spa",
            "redirect_uris": ["https://new.example/after-login"],
            "id_token_signed_response_alg": "ES256",
            "refresh_token_lifetime_seconds": 604_800,
            "refresh_token_idle_timeout_enabled": false,
            "refresh_token_rotation_enabled": true,
            "x_max_concurrent_session": 1,
            "anonymous_refresh_token_lifetime_seconds": 86_400,
            "anonymous_scopes": ["openid", "https://authgear.com/scopes/full-access"],
            "guest_creation": "lazy",
        })
    );
}

async fn a_secret_is_shown_once_and_removed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/applications/backend/secrets").await;
    owner.follow("New secret").await;
    owner.press("Create secret").await;
    owner.expect_page(200, "New client secret");
    let body = owner.reply().body.clone();
    let (_, rest) = body.split_once("data-copy=\"the secret\">").expect("the secret");
    let secret = rest.split('<').next().expect("its end").to_string();
    assert_eq!(secret.len(), 32);
    let ask = [("token", "x"), ("client_id", "backend"), ("client_secret", secret.as_str())];
    assert_eq!(server.http().post_form("/oauth2/introspect", &ask).await.status, 200);
    owner.open("/portal/p/test/applications/backend/secrets").await;
    assert!(!owner.reply().body.contains(&secret));
    owner.follow("Remove").await;
    owner.press("Remove secret").await;
    assert!(owner.expect_page(200, "Client secrets").text.contains("Secret removed."));
    assert_eq!(server.http().post_form("/oauth2/introspect", &ask).await.status, 401);
    assert_eq!(server.events("application.secret_created").await.len(), 1);
    assert_eq!(server.events("application.secret_deleted").await.len(), 1);
    owner.open("/portal/p/test/applications/web/secrets").await;
    owner.expect_page(404, "Page not found");
}

async fn an_application_is_deleted_after_its_name_was_typed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/applications/blog").await;
    owner.follow("Delete application").await;
    owner.fill("Type blog to confirm", "block");
    owner.press("Delete application").await;
    owner.expect_page(422, "Delete Corner Blog?");
    owner.fill("Type blog to confirm", "blog");
    owner.press("Delete application").await;
    assert!(owner.expect_page(200, "Applications").text.contains("Application deleted."));
    assert!(!settings(&server)["oauth"].to_string().contains("\"blog\""));
    owner.open("/portal/p/test/applications/blog").await;
    owner.expect_page(404, "Page not found");
}

async fn login_methods_and_branding_are_saved(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/login-methods").await;
    owner.tick("Username");
    owner.tick("One-time code by email");
    owner.untick("Password");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Login methods");
    assert!(page.problem("password").is_some(), "a user name has no address for codes: {:?}", page.problems);
    owner.tick("Password");
    owner.press("Save").await;
    let now = settings(&server);
    assert_eq!(now["identity"]["login_id"]["keys"], json!([{"type": "email"}, {"type": "username"}]));
    assert_eq!(now["authentication"]["primary_authenticators"], json!(["password", "oob_otp_email"]));
    owner.open("/portal/p/test/branding").await;
    owner.fill("Color", "red");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Branding").problem("accent").is_some());
    owner.fill("Color", "#b0432b");
    owner.tick("English");
    owner.tick("German");
    owner.press("Save").await;
    let now = settings(&server);
    assert_eq!((&now["ui"]["accent_color"], &now["ui"]["languages"]), (&json!("#b0432b"), &json!(["en", "de"])));
    // In their order, whatever the order of the choices is.
    server.change_project(|setup| setup.set("ui.languages", vec!["de", "en"])).await;
    owner.open("/portal/p/test/branding").await;
    owner.tick("Japanese");
    owner.press("Save").await;
    assert_eq!(settings(&server)["ui"]["languages"], json!(["de", "en", "ja"]));
}

async fn the_branding_preview_is_the_hosted_page_with_what_is_typed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/branding").await;
    let page = owner.reply().clone();
    assert!(page.header("content-security-policy").expect("a policy").ends_with("; frame-src 'self'"));
    assert!(page.body.contains("src=\"/portal/p/test/branding/preview\""), "{}", page.body);

    let saved = owner.fetch("/portal/p/test/branding/preview").await;
    let policy = saved.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'") && policy.contains("sandbox allow-same-origin"), "{policy}");
    assert!(!policy.contains("script") && policy.contains("frame-ancestors 'self'"), "{policy}");
    assert_eq!(
        (saved.header("x-frame-options"), saved.header("cache-control")),
        (Some("SAMEORIGIN"), Some("no-store"))
    );
    assert!(saved.body.contains("Save your progress") && saved.body.contains("lang=\"en\""), "{}", saved.body);
    let theme = saved.body.split('"').find(|href| href.contains("/branding/theme.css")).expect("its colors");
    let css = owner.fetch(&theme.replace("&#38;", "&")).await;
    assert!(css.body.starts_with(":root{--accent:#"), "{}", css.body);
    assert_ne!(owner.fetch("/portal/p/test/branding/theme.css?accent=%23b0432b").await.body, css.body);
    let style = saved.body.split('"').find(|href| href.contains("/vestibule.")).expect("its style sheet");
    assert!(style.starts_with("/portal/assets/") && owner.fetch(style).await.status == 200, "{style}");

    let before = settings(&server);
    owner.fill("Name", "<b>Corner</b>");
    owner.fill("Logo URL", "https://cdn.shop.example/logo.svg");
    owner.fill("Language", "ar");
    owner.fill("Colors", "dark");
    owner.fill("Page", "login");
    owner.press("Show preview").await;
    let typed = owner.reply().clone();
    assert!(typed.body.contains("&#60;b&#62;Corner") && typed.body.contains("dir=\"rtl\""), "{}", typed.body);
    assert!(
        typed.body.contains("data-color-scheme=\"dark\"") && typed.body.contains("name=\"password\""),
        "{}",
        typed.body
    );
    let policy = typed.header("content-security-policy").expect("a policy");
    assert!(policy.ends_with("img-src 'self' https://cdn.shop.example"), "{policy}");
    assert_eq!(settings(&server), before, "nothing is saved");

    owner.open("/portal/p/test/branding").await;
    owner.fill("Color", "red");
    owner.press("Show preview").await;
    assert!(owner.page().text.contains("Color: "), "{}", owner.page().text);
    owner.open("/portal/p/test/branding/preview?preview_page=code&preview_language=de").await;
    assert!(owner.reply().body.contains("lang=\"de\""), "{}", owner.reply().body);
    assert!(owner.page().text.contains("kim@shop.example"), "{}", owner.page().text);
}

/// A setting that several pages show or edit.
async fn a_setting_has_one_label_on_every_page(engine: Engine) {
    let (_server, mut owner) = start(engine).await;
    for (label, pages) in [
        ("Enable anonymous users?", ["/portal/projects/new", "/portal/p/test/anonymous-users"]),
        ("Maximum session lifetime", ["/portal/p/test/session", "/portal/p/test/anonymous-users"]),
        ("Sender", ["/portal/p/test/branding", "/portal/p/test/messages"]),
        ("Authorized redirect URIs", ["/portal/p/test/applications/web", "/portal/p/test/applications/new/react"]),
    ] {
        for page in pages {
            owner.open(page).await;
            assert!(owner.page().text.contains(label), "{label} on {page}: {}", owner.page().text);
        }
    }
}

/// A browser asks to send the form again on the way back to a page that it was not allowed to store.
async fn the_back_button_returns_to_a_page_that_answered_a_form(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    server.app_client().sign_up().await;
    let cached = |owner: &Browser| owner.reply().header("cache-control").map(str::to_string);
    owner.open("/portal/p/test/session").await;
    assert_eq!(cached(&owner).as_deref(), Some("no-store"));
    owner.fill("Maximum session lifetime", "a week");
    owner.press("Save").await;
    owner.expect_page(422, "Session");
    assert_eq!(cached(&owner).as_deref(), Some("private, no-cache"), "a refused form");
    owner.open("/portal/p/test/anonymous-users").await;
    owner.untick("Enable anonymous users?");
    owner.press("Save").await;
    owner.expect_page(200, "Save changes to “Anonymous users”?");
    assert_eq!(cached(&owner).as_deref(), Some("private, no-cache"), "a confirmation");
    owner.open("/portal/p/test/applications/backend/secrets/new").await;
    owner.press("Create secret").await;
    owner.expect_page(200, "New client secret");
    assert_eq!(cached(&owner).as_deref(), Some("no-store"), "a secret is never stored");
}

/// The value of a field, as the page shows it.
fn shown(owner: &Browser, name: &str) -> Option<String> {
    let page = owner.page();
    let mut fields = page.forms.iter().flat_map(|form| &form.fields);
    fields.find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

async fn rate_limits_show_their_defaults_and_return_to_them(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let before = settings(&server);
    owner.open("/portal/p/test/session").await;
    owner.follow("Rate limits").await;
    for (label, name, default, value) in [
        ("Allowed at once (Limit password attempts per account)", "password_per_user_burst", json!(10), json!(5)),
        (
            "Refill period (Limit sent codes per account or address)",
            "oob_otp_trigger_per_user_period",
            json!("1h"),
            json!("2h"),
        ),
        ("Allowed at once (Limit wrong device keys per IP address)", "device_key_per_ip_burst", json!(60), json!(7)),
    ] {
        let print = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
        let page = owner.expect_page(200, "Rate limits");
        // A period is said in words, and written as in the project file.
        let said = if default == "1h" { "1 hour".to_string() } else { print(&default) };
        assert!(page.text.contains(&format!("Default: {said}")), "{}", page.text);
        assert_eq!(shown(&owner, name), Some(print(&default)));
        owner.fill(label, &print(&value));
        owner.press("Save").await;
        assert!(owner.expect_page(200, "Rate limits").text.contains("Changes saved."));
        assert_eq!(shown(&owner, name), Some(print(&value)));
        let written = settings(&server)["authentication"]["rate_limits"].clone();
        let (limit, key) = name.rsplit_once('_').expect("a limit and its key");
        let (group, limit) = ["password", "oob_otp", "device_key"]
            .into_iter()
            .find_map(|group| Some((group, limit.strip_prefix(group)?.strip_prefix('_')?)))
            .expect("a group");
        assert_eq!(written[group][limit], json!({key: value}), "{written}");
        owner.fill(label, "");
        owner.press("Save").await;
        owner.expect_page(200, "Rate limits");
        assert_eq!(
            (shown(&owner, name), settings(&server)),
            (Some(print(&default)), before.clone()),
            "the key is gone"
        );
    }
    owner.fill("Allowed at once (Limit new members per IP address)", "0");
    owner.fill("Refill period (Limit passkey attempts per IP address)", "soon");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Rate limits");
    let expected = "Enter a whole number from 1 to 1000000.";
    assert_eq!(page.problem("signup_per_ip_burst"), Some(expected));
    assert!(page.problem("passkey_per_ip_period").is_some_and(|text| text.starts_with("Write a duration")));
    assert_eq!(settings(&server), before);
}

async fn a_passkey_can_be_offered_and_verification_switched_off(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/login-methods").await;
    assert_eq!(shown(&owner, "passkey_offer"), None, "off by default");
    assert_eq!(shown(&owner, "verifies_email").as_deref(), Some("on"), "on by default");
    owner.tick("Passkey");
    owner.tick("Offer a passkey after sign-up");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Login methods").text.contains("Changes saved."));
    assert_eq!(settings(&server)["authentication"]["passkey_offer_enabled"], true);
    owner.untick("Enable email verification");
    owner.press("Save").await;
    owner.expect_page(200, "Save changes to “Login methods”?");
    assert!(settings(&server).pointer("/verification/claims/email/enabled").is_none(), "nothing is saved yet");
    owner.press("Save changes").await;
    owner.expect_page(200, "Login methods");
    assert_eq!(settings(&server)["verification"]["claims"]["email"], json!({"enabled": false}));
}

async fn a_probable_mistake_is_shown_beside_its_field(engine: Engine) {
    let (_server, mut owner) = start(engine).await;
    let suffix = "anyone can register a name below vercel.app";
    owner.open("/portal/p/test/settings").await;
    assert!(!owner.page().text.contains(suffix));
    owner.fill("Allowed origins", "https://*.vercel.app");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Project settings").text.contains(suffix));
    owner.open("/portal/p/test/applications/web").await;
    assert!(!owner.page().text.contains("has no path"));
    owner.fill("Authorized redirect URIs", "https://shop.test");
    owner.press("Save").await;
    assert!(owner.page().text.contains("\"https://shop.test\" has no path"), "{}", owner.page().text);
}
