//! An application in token mode: the calls of the Web SDK, and PKCE.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{Http, Reply};

/// The PKCE verifier of every request in the tests: 43 characters, the minimum of RFC 7636.
pub(crate) const VERIFIER: &str = "0123456789-abcdefghijklmnopqrstuvwxyz._~ABC";

/// The tokens of a sign-up or an exchange.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: Option<String>,
}

impl Tokens {
    #[track_caller]
    pub(crate) fn read(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().map(str::to_string);
        Self {
            access: text("access_token").unwrap_or_else(|| panic!("no access token: {body}")),
            refresh: text("refresh_token").unwrap_or_else(|| panic!("no refresh token: {body}")),
            id: text("id_token"),
        }
    }
}

#[derive(Clone)]
pub(crate) struct AppClient {
    pub(crate) http: Http,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
}

impl AppClient {
    pub(crate) fn new(http: Http, client_id: &str, redirect_uri: &str) -> Self {
        Self { http, client_id: client_id.into(), redirect_uri: redirect_uri.into() }
    }

    /// Signs up a guest.
    pub(crate) async fn sign_up(&self) -> Tokens {
        let body = json!({ "session_type": "refresh_token", "client_id": self.client_id });
        Tokens::read(&self.http.post_json("/api/anonymous_user/signup", &body).await.result())
    }

    /// A promotion code for this guest.
    pub(crate) async fn promotion_code(&self, guest: &Tokens) -> String {
        let body = json!({ "session_type": "refresh_token", "refresh_token": guest.refresh });
        let result = self.http.post_json("/api/anonymous_user/promotion_code", &body).await.result();
        result["promotion_code"].as_str().expect("a promotion code").into()
    }

    pub(crate) async fn refresh(&self, refresh_token: &str) -> Reply {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", &self.client_id), ("refresh_token", refresh_token)];
        self.http.post_form("/oauth2/token", &fields).await
    }

    pub(crate) async fn user_info(&self, access_token: &str) -> Reply {
        Reply::of(self.http.request(Method::GET, "/oauth2/userinfo").bearer_auth(access_token)).await
    }

    /// The `sub` of an access token.
    pub(crate) async fn subject(&self, access_token: &str) -> String {
        self.user_info(access_token).await.expect(200).json()["sub"].as_str().expect("a sub").into()
    }

    pub(crate) async fn revoke(&self, token: &str) -> Reply {
        self.http.post_form("/oauth2/revoke", &[("token", token)]).await
    }

    /// An authorization request with PKCE; `more` replaces or adds parameters.
    pub(crate) fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
        let mut parameters = vec![
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("scope", "openid offline_access https://authgear.com/scopes/full-access"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("x_suppress_idp_session_cookie", "true"),
            ("x_sso_enabled", "false"),
        ];
        parameters.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        parameters.extend(more);
        let url = Url::parse_with_params(&format!("{}/oauth2/authorize", self.http.origin), parameters);
        url.expect("a URL").into()
    }

    /// The URL that opens the promotion page, as the Web SDK builds it in token mode.
    pub(crate) fn promotion_url(&self, promotion_code: &str) -> String {
        self.authorize_url(&[("prompt", "login"), ("state", "s 1"), ("login_hint", &promotion_hint(promotion_code))])
    }

    /// Exchanges an authorization code, with the verifier of `authorize_url`.
    pub(crate) async fn exchange(&self, code: &str) -> Reply {
        self.exchange_with(code, &[]).await
    }

    /// The same; `more` replaces or adds fields, and an empty value omits a field.
    pub(crate) async fn exchange_with(&self, code: &str, more: &[(&str, &str)]) -> Reply {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("code", code),
            ("code_verifier", VERIFIER),
        ];
        fields.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        fields.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        self.http.post_form("/oauth2/token", &fields).await
    }

    /// Exchanges the code in the URL of an authorization response.
    pub(crate) async fn finish(&self, landing: &Url) -> Tokens {
        let code = query(landing, "code").unwrap_or_else(|| panic!("no code in {landing}"));
        Tokens::read(&self.exchange(&code).await.expect(200).json())
    }
}

/// The `login_hint` for a guest's promotion code.
pub(crate) fn promotion_hint(promotion_code: &str) -> String {
    let pairs = [("type", "anonymous"), ("promotion_code", promotion_code)];
    Url::parse_with_params("https://authgear.com/login_hint", pairs).expect("a URL").into()
}

/// A query parameter of a URL.
pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
