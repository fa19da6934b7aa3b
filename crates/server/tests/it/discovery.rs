//! Discovery, the public keys, and what all responses have in common.

use serde_json::Value;
use url::Url;

use crate::{
    client_authentication::give_secret,
    support::{Engine, Reply, TestServer, on_both_engines, query},
    token::{claims, sign_up_member},
};

async fn the_document_names_every_endpoint_on_the_public_origin(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let document = server.http().get("/.well-known/openid-configuration").await.expect(200);
    assert_eq!(document.header("content-type"), Some("application/json"));
    let document = document.json();
    assert_eq!(document["issuer"], server.origin.as_str());
    for (member, path) in [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "token"),
        ("userinfo_endpoint", "userinfo"),
        ("revocation_endpoint", "revoke"),
        ("end_session_endpoint", "end_session"),
        ("jwks_uri", "jwks"),
    ] {
        let url = format!("{}/oauth2/{path}", server.origin);
        assert_eq!(document[member], url.as_str());
        assert_ne!(server.http().get(&url).await.status, 404, "{member} is served");
    }
    let grants = document["grant_types_supported"].as_array().expect("a list");
    assert!(grants.iter().all(|grant| !grant.as_str().is_some_and(|name| name.starts_with("urn:authgear"))));
    let same = server.http().get("/.well-known/oauth-authorization-server").await.expect(200).json();
    assert_eq!(same, document);
}

async fn what_the_document_promises_is_served(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let document = server.http().get("/.well-known/openid-configuration").await.expect(200).json();
    let list = |member: &str| -> Vec<String> {
        let values = document[member].as_array().unwrap_or_else(|| panic!("{member} is missing"));
        values.iter().map(|value| value.as_str().expect("a word").to_string()).collect()
    };
    for grant in list("grant_types_supported") {
        // Public applications get no tokens for themselves.
        let applications = if grant == "client_credentials" { &["machine", "backend"] } else { &["web", "backend"] };
        for application in applications {
            let fields = [("client_id", *application), ("grant_type", grant.as_str())];
            let body = server.http().post_form("/oauth2/token", &fields).await.expect(400).json();
            assert_ne!(body["error"], "unsupported_grant_type", "{grant}");
            assert_ne!(body["error"], "unauthorized_client", "{grant}");
        }
    }
    let error_of = async |more: &[(&str, &str)]| {
        let reply = server.http().get(&client.authorize_url(more)).await;
        let url = reply.header("location").and_then(|location| Url::parse(location).ok());
        url.filter(|url| url.as_str().starts_with("http://shop.test/")).and_then(|url| query(&url, "error"))
    };
    for scope in list("scopes_supported") {
        assert_eq!(error_of(&[("scope", &format!("openid {scope}"))]).await, None, "{scope}");
    }
    for mode in list("response_modes_supported").iter().filter(|mode| *mode == "query") {
        let reported = error_of(&[("response_mode", mode), ("prompt", "none")]).await;
        assert_eq!(reported.as_deref(), Some("login_required"), "{mode}");
    }
    for prompt in list("prompt_values_supported") {
        let reported = error_of(&[("prompt", &prompt)]).await;
        assert_eq!(reported.as_deref(), (prompt == "none").then_some("login_required"), "{prompt}");
    }
    for (parameter, flag) in
        [("request", "request_parameter_supported"), ("request_uri", "request_uri_parameter_supported")]
    {
        assert_eq!(document[flag], false);
        assert_eq!(error_of(&[(parameter, "x")]).await, Some(format!("{parameter}_not_supported")));
    }
    assert_eq!(document["claims_parameter_supported"], false);
    assert_eq!(list("ui_locales_supported")[0], "en");
    assert_eq!(list("id_token_signing_alg_values_supported"), ["RS256", "ES256"]);
    assert_eq!(
        list("revocation_endpoint_auth_methods_supported"),
        ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"]
    );
    assert_eq!(
        list("introspection_endpoint_auth_methods_supported"),
        ["client_secret_post", "client_secret_basic", "private_key_jwt"]
    );
}

async fn what_is_not_built_is_not_promised(engine: Engine) {
    let server = TestServer::start(engine, |setup| setup.set("ui.languages", vec!["de", "en"])).await;
    let document = server.http().get("/.well-known/openid-configuration").await.expect(200).json();
    let text = document.to_string();
    for word in ["device_sso", "pre-authenticated-url", "token-exchange"] {
        assert!(!text.contains(word), "{word} is in the document");
    }
    assert_eq!(document["ui_locales_supported"], serde_json::json!(["de", "en"]));
    for grant in
        ["urn:ietf:params:oauth:grant-type:token-exchange", "urn:authgear:params:oauth:grant-type:biometric-request"]
    {
        for application in ["web", "phone", "backend", "partner", "machine"] {
            let fields = [("client_id", application), ("grant_type", grant)];
            let reply = server.http().post_form("/oauth2/token", &fields).await;
            reply.expect_oauth_error(400, "unsupported_grant_type", "grant type is not supported");
        }
    }
    // The SDKs still request these scopes; they grant nothing.
    let client = server.app_client();
    give_secret(&server, "backend", "s3cret").await;
    let scope = "openid offline_access device_sso https://authgear.com/scopes/full-access \
                 https://authgear.com/scopes/pre-authenticated-url";
    let code = sign_up_member(&server, &client, &[("scope", scope), ("ui_locales", "en")], "kim@shop.example").await;
    let body = client.exchange(&code).await.expect(200).json();
    assert_eq!(body.get("device_secret"), None);
    let requested =
        server.http().request(reqwest::Method::POST, "/oauth2/introspect").basic_auth("backend", Some("s3cret"));
    let token = [("token", body["access_token"].as_str().expect("a token"))];
    let reported = Reply::of(requested.form(&token)).await.expect(200).json();
    assert_eq!(reported["scope"], "openid offline_access https://authgear.com/scopes/full-access");
}

async fn the_algorithm_of_id_tokens_leaves_access_tokens_alone(engine: Engine) {
    for (id_alg, access_alg) in [("RS256", None), ("ES256", None), ("ES256", Some("ES256")), ("RS256", Some("ES256"))] {
        let server = TestServer::start(engine, |setup| {
            setup.set_client("web", "issue_jwt_access_token", true);
            setup.set_client("web", "id_token_signed_response_alg", id_alg);
            if let Some(alg) = access_alg {
                setup.set_client("web", "access_token_signed_response_alg", alg);
            }
        })
        .await;
        let client = server.app_client();
        let guest = client.sign_up().await;
        let body = client.refresh(&guest.refresh).await.expect(200).json();
        let (access, id) =
            (body["access_token"].as_str().expect("a token"), body["id_token"].as_str().expect("a token"));
        let alg = |jwt: &str| claims(jwt).0["alg"].clone();
        assert_eq!((alg(access).as_str(), alg(id).as_str()), (access_alg.or(Some("RS256")), Some(id_alg)));
        assert_eq!(alg(&guest.access).as_str(), access_alg.or(Some("RS256")));
        client.user_info(access).await.expect(200);
    }
}

async fn only_public_halves_of_keys_are_published_and_they_outlive_a_restart(engine: Engine) {
    let mut server = TestServer::start_plain(engine).await;
    let keys = server.http().get("/oauth2/jwks").await.expect(200).json();
    let list = keys["keys"].as_array().expect("a list");
    let mut kinds: Vec<_> = list.iter().map(|key| (key["kty"].as_str(), key["alg"].as_str())).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [(Some("EC"), Some("ES256")), (Some("RSA"), Some("RS256"))]);
    for key in list {
        assert!(key["kid"].as_str().is_some_and(|kid| !kid.is_empty()));
        assert_eq!(key["use"], "sig");
        for private in ["d", "p", "q", "dp", "dq", "qi"] {
            assert_eq!(key.get(private), None, "{private} is private");
        }
    }
    server.restart().await;
    let after: Value = server.http().get("/oauth2/jwks").await.expect(200).json();
    assert_eq!(after, keys);
}

async fn every_answer_carries_the_hardening_headers(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in
        ["/.well-known/openid-configuration", "/oauth2/userinfo", "/oauth2/authorize", "/nothing-here", "/logged-out"]
    {
        let reply = server.http().get(path).await;
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(reply.header("x-robots-tag").is_some_and(|tag| tag.contains("noindex")), "{path}");
        assert!(reply.header("permissions-policy").is_some(), "{path}");
        assert!(reply.header("x-request-id").is_some_and(|id| id.len() == 16), "{path}");
    }
    let page = server.http().get("/logged-out").await;
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

async fn probes_need_no_host_name(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in ["/healthz", "/readyz"] {
        let request = server.http().request(reqwest::Method::GET, path).header("host", "10.0.0.1");
        Reply::of(request).await.expect(200);
    }
}

on_both_engines!(
    the_document_names_every_endpoint_on_the_public_origin,
    what_the_document_promises_is_served,
    what_is_not_built_is_not_promised,
    the_algorithm_of_id_tokens_leaves_access_tokens_alone,
    only_public_halves_of_keys_are_published_and_they_outlive_a_restart,
    every_answer_carries_the_hardening_headers,
    probes_need_no_host_name,
);
