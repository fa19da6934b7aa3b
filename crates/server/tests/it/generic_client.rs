//! A foreign OpenID Connect client (the `openidconnect` crate) that uses discovery and verifies tokens by itself.

use openidconnect::{
    AuthorizationCode, ClientId, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreJwsSigningAlgorithm, CoreProviderMetadata},
};
use openidconnect::{EmptyAdditionalClaims, UserInfoClaims};

use crate::support::{Engine, Http, TestServer, on_both_engines, query};

/// Sends the client's requests over HTTP.
async fn carry(http: Http, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let sent = http.request(parts.method, &parts.uri.to_string()).headers(parts.headers).body(body).send().await?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = sent.status();
    *response.headers_mut() = sent.headers().clone();
    *response.body_mut() = sent.bytes().await?.to_vec();
    Ok(response)
}

async fn a_generic_client_signs_a_user_in_by_the_standards_alone(engine: Engine) {
    for algorithm in [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256] {
        let server = TestServer::start(engine, |setup| {
            if algorithm == CoreJwsSigningAlgorithm::EcdsaP256Sha256 {
                setup.set_client("web", "id_token_signed_response_alg", "ES256");
            }
        })
        .await;
        let wire = server.http();
        let http = |request| carry(wire.clone(), request);
        let issuer = IssuerUrl::new(server.origin.clone()).expect("an issuer");
        let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.expect("discovery");
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new("web".into()), None)
            .set_redirect_uri(RedirectUrl::new("http://shop.test/after-login".into()).expect("a URL"));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["offline_access", "email"].map(|scope| Scope::new(scope.into())))
            .set_pkce_challenge(challenge)
            .url();

        let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
        browser.open(url.as_str()).await;
        browser.follow("Create an account").await;
        browser.fill("Email address", "kim@shop.example");
        browser.fill("Password", "violet tugboat marmalade");
        browser.press("Create account").await;
        browser.fill("Code", &mailbox.next_code("kim@shop.example").await);
        browser.press("Confirm").await;
        assert_eq!(query(browser.at_app(), "state").as_ref(), Some(state.secret()));
        let code = AuthorizationCode::new(query(browser.at_app(), "code").expect("a code"));

        let exchange = client.exchange_code(code).expect("a token endpoint").set_pkce_verifier(verifier);
        let tokens = exchange.request_async(&http).await.expect("tokens");
        assert!(tokens.refresh_token().is_some());
        // The client's own clock is years behind the server's, so nothing is expired for it.
        let checker = client.id_token_verifier().set_allowed_algs([algorithm.clone()]);
        let id_token = tokens.id_token().expect("an ID token");
        let claims = id_token.claims(&checker, &nonce).expect("a good ID token");
        assert!(id_token.claims(&checker, &Nonce::new("another".into())).is_err());

        let requested = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone()));
        let info: UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim> =
            requested.expect("a userinfo endpoint").request_async(&http).await.expect("userinfo of the same subject");
        assert_eq!(info.email().map(|email| email.as_str()), Some("kim@shop.example"));
        assert_eq!(info.email_verified(), Some(true));

        let refresh = tokens.refresh_token().expect("checked above");
        let refreshed = client.exchange_refresh_token(refresh).expect("a token endpoint").request_async(&http).await;
        assert!(refreshed.expect("fresh tokens").id_token().is_some());
    }
}

on_both_engines!(a_generic_client_signs_a_user_in_by_the_standards_alone);
