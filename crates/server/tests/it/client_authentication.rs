//! Client authentication (RFC 6749 §2.3.1, §3.2.1, §5.2) at the three endpoints that use it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use vestibule_domain::secret::TokenHash;
use vestibule_store::client_secrets;

use crate::{
    account::Scene,
    consent::ConsentingClient,
    support::{Engine, Reply, TestServer, on_both_engines},
};

const TOKEN: &str = "/oauth2/token";

/// Gives an application of the test project a secret.
pub(crate) async fn give_secret(server: &TestServer, client: &'static str, secret: &str) {
    let project = server.app.projects.find_by_id("test").expect("the project");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes());
    let hash = TokenHash(hash.as_ref().try_into().expect("32 bytes"));
    let (no, now) = (project.no, server.clock.now());
    let write = server.app.store.write("test", (), move |tx, ()| {
        Box::pin(async move { client_secrets::insert(tx, no, client, hash, now).await })
    });
    assert!(write.await.expect("the secret is stored"));
}

async fn post(server: &TestServer, path: &str, basic: Option<&str>, fields: &[(&str, &str)]) -> Reply {
    let mut request = server.http().request(Method::POST, path).form(fields);
    if let Some(pair) = basic {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(pair)));
    }
    Reply::of(request).await
}

const NO_CODE: (u16, &str) = (400, "invalid authorization code");
const MISSING: &str = "client secret is required";
const WRONG: &str = "invalid client secret";
const UNKNOWN: &str = "invalid client ID";
const TWO: &str = "client_id is not the client of the HTTP Basic credentials";

async fn a_client_proves_itself_in_body_or_header(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    give_secret(&server, "backend", "p@ss:w").await;
    give_secret(&server, "partner", "other").await;
    let (right, wrong) = (Some("backend:p%40ss%3Aw"), Some("backend:nope"));
    let (id, secret, bad_secret) = (("client_id", "backend"), ("client_secret", "p@ss:w"), ("client_secret", "nope"));
    type Case<'a> = (Option<&'a str>, Vec<(&'a str, &'a str)>, (u16, &'a str));
    // The correct secret leads to the next check, that of the code.
    let cases: Vec<Case<'_>> = vec![
        (None, vec![id, secret], NO_CODE),
        (None, vec![id, bad_secret], (400, WRONG)),
        (None, vec![id], (400, MISSING)),
        (right, vec![], NO_CODE),
        (Some("backend:p@ss:w"), vec![], NO_CODE),
        (wrong, vec![], (401, WRONG)),
        (Some("backend:"), vec![], (401, WRONG)),
        (Some("nobody:x"), vec![], (401, UNKNOWN)),
        (Some("backend:%zz"), vec![], (400, "malformed percent-encoding in Basic credentials")),
        // Named twice, authenticated once.
        (right, vec![id], NO_CODE),
        (wrong, vec![id], (401, WRONG)),
        // Two applications.
        (right, vec![("client_id", "partner")], (401, TWO)),
        (right, vec![("client_id", "web"), ("code_verifier", "x")], (401, TWO)),
        // A secret in the body takes precedence over the header.
        (wrong, vec![id, secret], NO_CODE),
        (right, vec![id, bad_secret], (400, WRONG)),
        (Some("partner:other"), vec![id, secret], NO_CODE),
        // Credentials for an intermediate proxy.
        (Some("staging:x"), vec![("client_id", "web"), ("code_verifier", "x")], NO_CODE),
        (Some("staging:x"), vec![id, secret], NO_CODE),
        (Some("staging:x"), vec![id], (400, MISSING)),
    ];
    for (basic, fields, (status, description)) in cases {
        let fields = [&[("grant_type", "authorization_code"), ("code", "x")], &fields[..]].concat();
        let reply = post(&server, TOKEN, basic, &fields).await;
        let error = match description {
            MISSING | WRONG | UNKNOWN | TWO => "invalid_client",
            "invalid authorization code" => "invalid_grant",
            _ => "invalid_request",
        };
        assert_eq!(reply.header("www-authenticate"), (status == 401).then_some("Basic realm=\"client\""), "{fields:?}");
        reply.expect_oauth_error(status, error, description);
    }
}

async fn introspection_and_revocation_read_the_same_credentials(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    give_secret(&server, "backend", "s3cret").await;
    let guest = server.app_client().sign_up().await;
    let token = ("token", guest.access.as_str());
    let (right, wrong) = (Some("backend:s3cret"), Some("backend:nope"));
    for (basic, id, status) in [
        (right, None, 200),
        (right, Some("backend"), 200),
        (right, Some("partner"), 401),
        (wrong, Some("backend"), 401),
        (wrong, None, 401),
        (None, Some("backend"), 401),
    ] {
        let fields: Vec<_> = [token].into_iter().chain(id.map(|id| ("client_id", id))).collect();
        let reply = post(&server, "/oauth2/introspect", basic, &fields).await;
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401, "{basic:?} {id:?}");
        let body = reply.expect(status).json();
        assert_eq!(body["active"] == true, status == 200, "{body}");
        assert_eq!(body["error"] == "invalid_client", status == 401, "{body}");
    }
    for (basic, id, status) in [
        (right, Some("partner"), 401),
        (wrong, None, 401),
        (wrong, Some("backend"), 401),
        (Some("staging:x"), None, 200),
        (None, None, 200),
        (right, Some("backend"), 200),
    ] {
        let nothing = [("token", "nonsense")];
        let fields: Vec<_> = nothing.into_iter().chain(id.map(|id| ("client_id", id))).collect();
        let reply = post(&server, "/oauth2/revoke", basic, &fields).await.expect(status);
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401, "{basic:?} {id:?}");
    }
}

/// RFC 7009 §2.1. The tokens are of a confidential, a third-party and a public application.
async fn a_token_is_revoked_by_its_own_application_only(engine: Engine) {
    let mut scene = Scene::make(engine, |_| {}).await;
    let partner = ConsentingClient::new(&scene.server, "partner").await;
    let backend = ConsentingClient::new(&scene.server, "backend").await;
    let of_partner = partner.sign_in(&mut scene.browser, "openid offline_access").await;
    let of_backend = backend.sign_in(&mut scene.browser, "openid offline_access").await;
    let public = scene.client.sign_up().await;
    let (server, http) = (&scene.server, scene.server.http());
    let id = |id: &'static str| ("client_id", id);
    let secret = |secret: &'static str| ("client_secret", secret);
    let own = ("client_secret", backend.secret.as_str());
    for (owner, others) in [(&of_backend, "partner"), (&of_partner, "backend")] {
        for token in [&owner.refresh, &owner.access] {
            let token = ("token", token.as_str());
            let unauthenticated: [&[(&str, &str)]; 5] = [
                &[token],
                &[token, id("backend")],
                &[token, id("backend"), secret("")],
                &[token, id("backend"), secret("nope")],
                &[token, id("nonsense"), secret("nope")],
            ];
            for fields in unauthenticated {
                let reply = http.post_form("/oauth2/revoke", fields).await.expect(401);
                assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"client\""), "{fields:?}");
                assert_eq!(reply.json()["error"], "invalid_client", "{fields:?}");
            }
            let proof = format!("{others}:{}", if others == "partner" { &partner.secret } else { &backend.secret });
            for (basic, fields) in [(None, vec![token, id("web")]), (Some(proof.as_str()), vec![token])] {
                let reply = post(server, "/oauth2/revoke", basic, &fields).await;
                reply.expect_oauth_error(400, "invalid_grant", "the token was issued to another client");
            }
        }
        scene.client.user_info(&owner.access).await.expect(200);
    }
    // A public application's token: named wrongly, by its own name, and unnamed as the SDKs send it.
    for (client, proof) in [(id("blog"), None), (id("backend"), Some(own))] {
        for token in [&public.refresh, &public.access] {
            let fields: Vec<_> = [("token", token.as_str()), client].into_iter().chain(proof).collect();
            let reply = http.post_form("/oauth2/revoke", &fields).await;
            reply.expect_oauth_error(400, "invalid_grant", "the token was issued to another client");
        }
    }
    scene.client.user_info(&public.access).await.expect(200);
    http.post_form("/oauth2/revoke", &[("token", &public.access), id("web")]).await.expect(200);
    scene.client.user_info(&public.access).await.expect(401);
    scene.client.revoke(&public.refresh).await.expect(200);
    // The right secret, in the body and by HTTP Basic; a third party ends its own access only.
    let token = ("token", of_partner.refresh.as_str());
    post(server, "/oauth2/revoke", Some(&format!("partner:{}", partner.secret)), &[token]).await.expect(200);
    scene.client.user_info(&of_partner.access).await.expect(401);
    scene.client.user_info(&of_backend.access).await.expect(200);
    http.post_form("/oauth2/revoke", &[("token", &of_backend.access), id("backend"), own]).await.expect(200);
    scene.client.user_info(&of_backend.access).await.expect(401);
    // An unknown token is no error for those who prove who they are.
    http.post_form("/oauth2/revoke", &[("token", "nonsense"), id("backend"), own]).await.expect(200);
    http.post_form("/oauth2/revoke", &[("token", "nonsense"), id("backend")]).await.expect(401);
}

on_both_engines!(
    a_client_proves_itself_in_body_or_header,
    introspection_and_revocation_read_the_same_credentials,
    a_token_is_revoked_by_its_own_application_only,
);
