//! Discovery, the public keys, and what every answer has in common (protocol facts §0.1, §1).

use serde_json::Value;

use crate::support::{Engine, TestServer, on_both_engines};

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

async fn another_host_name_leads_to_the_public_origin(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let request = server.http().request(reqwest::Method::POST, "/oauth2/token?x=1").header("host", "other.test");
    let reply = crate::support::Reply::of(request).await.expect(307);
    assert_eq!(reply.header("location"), Some(format!("{}/oauth2/token?x=1", server.origin).as_str()));
}

async fn probes_need_no_host_name(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    for path in ["/healthz", "/readyz"] {
        let request = server.http().request(reqwest::Method::GET, path).header("host", "10.0.0.1");
        crate::support::Reply::of(request).await.expect(200);
    }
}

on_both_engines!(
    the_document_names_every_endpoint_on_the_public_origin,
    only_public_halves_of_keys_are_published_and_they_outlive_a_restart,
    every_answer_carries_the_hardening_headers,
    another_host_name_leads_to_the_public_origin,
    probes_need_no_host_name,
);
