//! Forged forms and links: no page does anything without its own token and browser.

use reqwest::{Method, header};

use crate::{
    account::{KIM, Scene},
    support::{Engine, Reply, TestServer, on_both_engines},
};

/// Every URL of a flow's pages that accepts a form.
const FLOW_FORMS: [&str; 13] = [
    "identify",
    "code",
    "new-passkey",
    "skip-passkey",
    "passkey-alone",
    "login",
    "password",
    "use-code",
    "login-code",
    "passkey",
    "forgotten",
    "new-password",
    "continue",
];

/// Every URL of the account page that accepts a form.
const ACCOUNT_FORMS: [&str; 12] = [
    "names",
    "password",
    "identity/add?kind=email",
    "identity/change",
    "identity/verify",
    "identity/remove",
    "code",
    "confirm",
    "passkeys",
    "passkeys/name",
    "sessions",
    "delete",
];

async fn post(
    server: &TestServer,
    path: &str,
    cookie: Option<&str>,
    (token, carried): (Option<&str>, Option<&str>),
) -> Reply {
    let mut fields = vec![
        ("login_id", KIM),
        ("password", "violet tugboat marmalade"),
        ("code", "000000"),
        ("action", "continue"),
        ("confirmation", KIM),
        ("given_name", "Mallory"),
    ];
    fields.extend(token.map(|token| ("_csrf", token)));
    fields.extend(carried.map(|carried| ("_flow", carried)));
    let mut request = server.http().request(Method::POST, path).header(header::ACCEPT, "text/html").form(&fields);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    Reply::of(request).await
}

async fn no_form_of_a_flow_is_taken_from_elsewhere(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let mut opened = Vec::new();
    for _ in 0..2 {
        let guest = client.sign_up().await;
        let mut browser = server.browser();
        browser.open(&client.promotion_url(&client.promotion_code(&guest).await)).await;
        browser.expect_page(200, "Save your progress");
        let token = browser.hidden("_csrf").expect("a token");
        let cookie = format!("oauth_ui={}", browser.cookie("oauth_ui").expect("a cookie"));
        opened.push((browser, token, cookie, guest));
    }
    let [(victim, token, cookie, guest), (foreign, foreign_token, foreign_cookie, _)] = &opened[..] else {
        panic!("two")
    };
    let carried = victim.hidden("_flow").expect("the flow");
    let flow = victim.page().forms[0].action.trim_end_matches("/identify").to_string();
    for form in FLOW_FORMS {
        let path = format!("{flow}/{form}");
        for (cookie, token, why) in [
            (Some(cookie), None, "no token"),
            (Some(cookie), Some("forged"), "a forged token"),
            (Some(cookie), Some(foreign_token.as_str()), "another flow's token"),
            (None, Some(token.as_str()), "no cookie"),
            (Some(foreign_cookie), Some(token.as_str()), "a planted link, in another browser"),
            (Some(foreign_cookie), Some(foreign_token.as_str()), "another browser with its own token"),
        ] {
            let reply = post(&server, &path, cookie.map(String::as_str), (token, Some(&carried))).await;
            assert_eq!(reply.status, 403, "{form}: {why}");
        }
        // Nor is a flow accepted from another page, or one that was changed.
        let foreign = foreign.hidden("_flow").expect("the flow");
        let changed = format!("{}{}", if carried.starts_with('A') { 'B' } else { 'A' }, &carried[1..]);
        for (carried, why) in [(None, "none"), (Some(foreign), "another"), (Some(changed), "a changed one")] {
            let reply = post(&server, &path, Some(cookie), (Some(token), carried.as_deref())).await;
            assert_eq!(reply.status, 410, "{form}: {why}");
        }
    }
    let link = post(&server, &format!("{flow}/identify"), Some(cookie), (Some(token), Some(&carried))).await;
    assert_eq!(link.status, 303, "and the real one is taken");
    let info = client.user_info(&guest.access).await.expect(200).json();
    assert_eq!(info["https://authgear.com/claims/user/is_anonymous"], true);
}

async fn no_form_of_the_account_page_is_taken_from_elsewhere(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let cookie = format!("session={}", scene.browser.cookie("session").expect("a session"));
    let other = std::mem::replace(&mut scene.browser, scene.server.browser());
    scene.sign_in(KIM, "violet tugboat marmalade").await;
    let foreign =
        scene.browser.page().forms[0].fields.iter().find(|(name, _)| name == "_csrf").expect("a token").1.clone();
    for form in ACCOUNT_FORMS {
        let path = format!("/settings/{form}");
        for token in [None, Some("forged"), Some(foreign.as_str())] {
            let reply = post(&scene.server, &path, Some(&cookie), (token, None)).await;
            assert_eq!(reply.status, 303, "{form} {token:?}");
            let location = reply.header("location").expect("a way back");
            assert!(location.ends_with("done=form-expired"), "{form} {token:?}: {location}");
        }
    }
    drop(other);
    // Nothing happened.
    let info = scene.client.user_info(&scene.tokens.access).await.expect(200).json();
    assert_eq!((&info["email"], info.get("given_name")), (&serde_json::json!(KIM), None));
    assert!(scene.server.events("session.revoked").await.is_empty());
}

on_both_engines!(no_form_of_a_flow_is_taken_from_elsewhere, no_form_of_the_account_page_is_taken_from_elsewhere,);
