//! What operators change in the portal: guests, lifetimes, login methods, looks, applications; and two of them at once.

use serde_json::json;

use crate::support::{Browser, Engine, TestServer, on_both_engines};

on_both_engines!(
    guests_are_switched_on_and_off,
    guests_get_lifetimes_and_scopes_of_their_own,
    guests_of_an_application_that_comes_or_goes_meanwhile,
    two_editors_meet_a_clear_conflict,
    other_pages_do_not_disturb_each_other,
    a_shorter_session_lifetime_counts_at_once,
    wrong_values_are_told_beside_their_field,
    absent_keys_stay_absent,
    an_application_is_made_and_edited,
    a_secret_is_shown_once_and_removed,
    an_application_is_deleted_after_its_name_was_typed,
    login_methods_and_branding_are_saved,
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
    owner.fill("User identity conflict when promote to normal user", "login");
    owner.press("Save").await;
    assert!(owner.expect_page(200, "Anonymous Users").text.contains("Saved."));
    assert_eq!(http.post_json("/api/anonymous_user/signup", &sign_up).await.status, 200);
    let now = settings(&server);
    assert_eq!(now["authentication"]["identities"], json!(["login_id", "anonymous"]));
    assert_eq!(now["identity"]["on_conflict"]["promotion"], "login");
    let changed = server.events("project.changed").await;
    assert_eq!(changed[0]["context"]["triggered_by"], "portal");
    assert_eq!(changed[0]["context"]["audit_context"]["operator_email"], "olga@house.example");
    owner.untick("Enable anonymous users?");
    owner.press("Save").await;
    owner.expect_page(200, "Save these changes to “Anonymous Users”?");
    assert_eq!(http.post_json("/api/anonymous_user/signup", &sign_up).await.status, 200);
    owner.press("Save the changes").await;
    assert_eq!(http.post_json("/api/anonymous_user/signup", &sign_up).await.status, 400);
}

async fn guests_get_lifetimes_and_scopes_of_their_own(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let client = server.app_client();
    owner.open("/portal/p/test/anonymous-users").await;
    let page = owner.expect_page(200, "Anonymous Users");
    assert!(page.text.contains("Guests of Corner Shop As usual"), "{}", page.text);
    assert!(!page.text.contains("Lifetime of a guest (Corner Blog)"), "cookies live as long as the session");
    owner.fill("Lifetime of a guest (Corner Shop)", "60");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Anonymous Users");
    assert!(page.complaint("guest_refresh_lifetime.web").is_some(), "{:?}", page.complaints);
    assert!(page.complaint("guest_refresh_lifetime.phone").is_none(), "{:?}", page.complaints);
    owner.fill("Lifetime of a guest (Corner Shop)", "86400");
    owner.fill("Idle timeout of a guest (Corner Shop)", "3600");
    owner.tick("Scope profile (Corner Shop)");
    owner.tick("Close sign-up");
    owner.press("Save").await;
    let page = owner.expect_page(200, "Anonymous Users");
    assert!(page.text.contains("Guests of Corner Shop Settings of their own"), "{}", page.text);
    let sentence = "It ends 1 hour after its last use, and 1 day after it began at the latest.";
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

async fn guests_of_an_application_that_comes_or_goes_meanwhile(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/anonymous-users").await;
    let mut second = owner.clone();
    owner.open("/portal/p/test/applications/phone/delete").await;
    owner.fill("Type phone to confirm", "phone");
    owner.press("Delete the application").await;
    owner.expect_page(200, "Applications");
    owner.open("/portal/p/test/applications/new/react").await;
    owner.fill("Client ID", "newer");
    owner.fill("Authorized Redirect URIs", "https://newer.example/");
    owner.press("Create the application").await;
    owner.expect_page(200, "Quick start");
    let mut third = second.clone();

    // Who changed nothing of the application that is gone is not bothered, and the new one stays as it is.
    third.fill("Lifetime of a guest (Corner Shop)", "7200");
    third.press("Save").await;
    assert!(third.expect_page(200, "Anonymous Users").text.contains("Saved."));
    let clients = settings(&server)["oauth"]["clients"].clone();
    let newer = clients.as_array().and_then(|all| all.last()).expect("the new one");
    assert!(newer["client_id"] == "newer" && newer.get("anonymous_scopes").is_none(), "{newer}");

    second.fill("Idle timeout of a guest (Corner Shop App)", "900");
    second.fill("Idle timeout of a guest (Corner Shop)", "800");
    second.press("Save").await;
    let page = second.expect_page(409, "Anonymous Users");
    assert!(page.text.contains("phone there gone changed"), "{}", page.text);
    assert!(page.text.contains("Lifetime of a guest (Corner Shop) nothing 7200 not changed"), "{}", page.text);
    second.press("Save").await;
    assert!(second.expect_page(200, "Anonymous Users").text.contains("Saved."));
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
    assert!(page.text.contains("changed this while you were editing"), "{}", page.text);
    assert!(page.text.contains("Maximum session lifetime 31449600 7200 9000"), "{}", page.text);
    assert_eq!(settings(&server)["session"]["lifetime_seconds"], 7200, "nothing was lost");
    // What was typed is still there; saving it again is a decision.
    second.press("Save").await;
    assert!(second.expect_page(200, "Session").text.contains("Saved."));
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
    assert!(second.expect_page(200, "Branding").text.contains("Saved."));
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
    owner.expect_page(200, "Save these changes to “Session”?");
    owner.press("Save and sign out 1 person").await;
    assert_ne!(guest.fetch("/_resolver/resolve").await.header("x-authgear-session-valid"), Some("true"));
    assert!(owner.page().text.contains("It ends 30 minutes after it began"), "{}", owner.page().text);
}

async fn wrong_values_are_told_beside_their_field(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let before = settings(&server);
    owner.open("/portal/p/test/session").await;
    owner.fill("Maximum session lifetime", "a week");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Session");
    assert_eq!(page.complaint("lifetime"), Some("Write a whole number, digits only."));
    owner.open("/portal/p/test/anonymous-users").await;
    owner.fill("Grow back within", "soon");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Anonymous Users").complaint("period").is_some());
    owner.open("/portal/p/test/applications/web").await;
    owner.fill("Refresh Token Lifetime", "600");
    owner.fill("Authorized Redirect URIs", "http://shop.test/after-login\nnowhere");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Corner Shop");
    assert!(page.complaint("redirect_uris").is_some_and(|text| text.starts_with("Line 2:")), "{:?}", page.complaints);
    owner.fill("Authorized Redirect URIs", "http://shop.test/after-login");
    owner.press("Save").await;
    let told = owner.expect_page(422, "Corner Shop").complaint("refresh_lifetime").map(str::to_string);
    let expected = "Refresh token lifetime must be greater than or equal to access token lifetime.";
    assert_eq!(told.as_deref(), Some(expected));
    assert_eq!(settings(&server), before);
}

async fn absent_keys_stay_absent(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    let before = settings(&server);
    for page in ["session", "anonymous-users", "login-methods", "branding", "applications/web", "applications/machine"]
    {
        owner.open(&format!("/portal/p/test/{page}")).await;
        owner.press("Save").await;
        assert!(owner.page().text.contains("Nothing was changed"), "{page}: {}", owner.page().text);
    }
    assert_eq!(settings(&server), before);
    owner.open("/portal/p/test/session").await;
    owner.fill("Maximum session lifetime", "0007200");
    owner.press("Save").await;
    assert_eq!(settings(&server)["session"], json!({"lifetime_seconds": 7200}));
    // An empty field is the default again.
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
    owner.fill("Authorized Redirect URIs", "nonsense");
    owner.press("Create the application").await;
    let page = owner.expect_page(422, "New application: React");
    assert!(
        page.complaint("client_id").is_some() || page.complaint("redirect_uris").is_some(),
        "{:?}",
        page.complaints
    );
    owner.fill("Client ID", "new-shop");
    owner.fill("Authorized Redirect URIs", "https://new.example/after-login");
    owner.press("Create the application").await;
    let page = owner.expect_page(200, "Quick start");
    let told = |text: &str| page.text.contains(text);
    assert!(told(&format!("endpoint: \"{}\"", server.origin)) && told("clientID: \"new-shop\""), "{}", page.text);
    owner.open("/portal/p/test/applications/new-shop").await;
    owner.untick("Expire after idling");
    owner.tick("Enable Refresh Token Rotation");
    owner.tick("Expire when login on another device");
    owner.fill("Refresh Token Lifetime", "604800");
    owner.fill("Lifetime of a guest", "86400");
    owner.untick("Scope offline_access");
    owner.press("Save").await;
    let page = owner.expect_page(200, "New Shop");
    assert!(page.text.contains("It ends 1 week after it began, used or not."), "{}", page.text);
    let now = settings(&server);
    let client = now["oauth"]["clients"].as_array().and_then(|all| all.last()).expect("the new one");
    assert_eq!(
        client,
        &json!({
            "client_id": "new-shop",
            "name": "New Shop",
            "x_application_type": "spa",
            "redirect_uris": ["https://new.example/after-login"],
            "refresh_token_lifetime_seconds": 604_800,
            "refresh_token_idle_timeout_enabled": false,
            "refresh_token_rotation_enabled": true,
            "x_max_concurrent_session": 1,
            "anonymous_refresh_token_lifetime_seconds": 86_400,
            "anonymous_scopes": ["openid", "https://authgear.com/scopes/full-access"],
        })
    );
}

async fn a_secret_is_shown_once_and_removed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/applications/backend/secrets").await;
    owner.follow("New secret").await;
    owner.press("Make the secret").await;
    owner.expect_page(200, "The new secret");
    let body = owner.reply().body.clone();
    let (_, rest) = body.split_once("class=\"secret\" tabindex=\"0\">").expect("the secret");
    let secret = rest.split('<').next().expect("its end").to_string();
    assert_eq!(secret.len(), 32);
    let ask = [("token", "x"), ("client_id", "backend"), ("client_secret", secret.as_str())];
    assert_eq!(server.http().post_form("/oauth2/introspect", &ask).await.status, 200);
    owner.open("/portal/p/test/applications/backend/secrets").await;
    assert!(!owner.reply().body.contains(&secret));
    owner.follow("Remove").await;
    owner.press("Remove the secret").await;
    assert!(owner.expect_page(200, "Client secrets").text.contains("The secret is removed."));
    assert_eq!(server.http().post_form("/oauth2/introspect", &ask).await.status, 401);
    assert_eq!(server.events("application.secret_created").await.len(), 1);
    assert_eq!(server.events("application.secret_deleted").await.len(), 1);
    owner.open("/portal/p/test/applications/web/secrets").await;
    owner.expect_page(404, "There is nothing here");
}

async fn an_application_is_deleted_after_its_name_was_typed(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/applications/blog").await;
    owner.follow("Delete the application").await;
    owner.fill("Type blog to confirm", "block");
    owner.press("Delete the application").await;
    owner.expect_page(422, "Delete Corner Blog?");
    owner.fill("Type blog to confirm", "blog");
    owner.press("Delete the application").await;
    assert!(owner.expect_page(200, "Applications").text.contains("The application is deleted."));
    assert!(!settings(&server)["oauth"].to_string().contains("\"blog\""));
    owner.open("/portal/p/test/applications/blog").await;
    owner.expect_page(404, "There is nothing here");
}

async fn login_methods_and_branding_are_saved(engine: Engine) {
    let (server, mut owner) = start(engine).await;
    owner.open("/portal/p/test/login-methods").await;
    owner.tick("Username");
    owner.tick("One-time code by mail");
    owner.untick("Password");
    owner.press("Save").await;
    let page = owner.expect_page(422, "Login Methods");
    assert!(page.complaint("password").is_some(), "a user name has no address for codes: {:?}", page.complaints);
    owner.tick("Password");
    owner.press("Save").await;
    let now = settings(&server);
    assert_eq!(now["identity"]["login_id"]["keys"], json!([{"type": "email"}, {"type": "username"}]));
    assert_eq!(now["authentication"]["primary_authenticators"], json!(["password", "oob_otp_email"]));
    owner.open("/portal/p/test/branding").await;
    owner.fill("Colour", "red");
    owner.press("Save").await;
    assert!(owner.expect_page(422, "Branding").complaint("accent").is_some());
    owner.fill("Colour", "#b0432b");
    owner.fill("Languages", "en\nde");
    owner.press("Save").await;
    let now = settings(&server);
    assert_eq!((&now["ui"]["accent_color"], &now["ui"]["languages"]), (&json!("#b0432b"), &json!(["en", "de"])));
    let css = owner.fetch("/portal/p/test/branding/preview.css?accent=%23b0432b").await;
    assert!(css.body.contains(".preview-light{--accent:#"), "{}", css.body);
}
