//! A phone with one of the four mobile SDKs: what it signs, sends, stores and removes.

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use url::Url;
use vestibule_app::adapters::{clock::Clock, entropy::Entropy};

use super::{
    AppClient, Http, Reply, TestServer,
    app_client::{VERIFIER, query},
    decoder,
    key_pair::{KeyPair, encode},
};

pub(crate) const ANONYMOUS_GRANT: &str = "urn:authgear:params:oauth:grant-type:anonymous-request";
pub(crate) const ID_TOKEN_GRANT: &str = "urn:authgear:params:oauth:grant-type:id-token";
/// The app's redirect URI.
const REDIRECT_URI: &str = "com.example.shop://host/path";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    ReactNative,
    Ios,
    Android,
    Flutter,
}

impl Platform {
    pub(crate) const ALL: [Self; 4] = [Self::ReactNative, Self::Ios, Self::Android, Self::Flutter];

    /// Whether requests of a known key contain the key too.
    fn always_sends_jwk(self) -> bool {
        match self {
            Self::Android | Self::Flutter => true,
            Self::ReactNative | Self::Ios => false,
        }
    }

    /// Whether the numbers of keys have Java's sign byte.
    fn is_java(self) -> bool {
        self.always_sends_jwk()
    }

    fn device_info(self) -> Option<Value> {
        match self {
            Self::ReactNative => None,
            Self::Ios => Some(json!({"ios": {"uname": {"machine": "iPhone16,1"}}})),
            Self::Android => Some(json!({"android": {"Build": {"MANUFACTURER": "Google", "MODEL": "Pixel 8"}}})),
            Self::Flutter => Some(json!({"android": {"Build": {"MANUFACTURER": "Samsung", "MODEL": "S24"}}})),
        }
    }

    /// Whether the anonymous grant contains `x_device_info` and the signed request `device_info`.
    fn describes_itself_at_sign_up(self) -> bool {
        matches!(self, Self::Ios | Self::Android)
    }

    /// `iat` and `exp` as the SDK serializes them.
    fn times(self, now: i64, native_seconds: i64) -> String {
        match self {
            // `org.json` serializes large doubles with an exponent.
            Self::Flutter => {
                let print = |seconds: f64| format!("{}E9", seconds / 1e9);
                format!(r#""iat":{},"exp":{}"#, print(now as f64 + 0.25), print((now + 300) as f64 + 0.25))
            }
            Self::ReactNative | Self::Ios | Self::Android => {
                format!(r#""iat":{now},"exp":{}"#, now + native_seconds)
            }
        }
    }

    fn dpop_seconds(self) -> i64 {
        match self {
            Self::ReactNative | Self::Flutter => 300,
            Self::Ios | Self::Android => 60,
        }
    }
}

/// The session that the SDK stores.
#[derive(Clone, Debug)]
pub(crate) struct HeldKey {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

pub(crate) struct Device {
    pub(crate) platform: Platform,
    pub(crate) http: Http,
    clock: Clock,
    entropy: Entropy,
    pub(crate) client_id: String,
    /// The guest's key; in the keystore, it survives a sign-out of the SDK.
    pub(crate) key: KeyPair,
    /// The key's ID, if the SDK has it stored.
    pub(crate) kid: Option<String>,
    pub(crate) dpop: KeyPair,
    pub(crate) held: Option<HeldKey>,
}

impl Device {
    pub(crate) fn new(server: &TestServer, platform: Platform) -> Self {
        let dpop = if platform == Platform::Ios { KeyPair::ec() } else { KeyPair::rsa() };
        Self {
            platform,
            http: server.http(),
            clock: server.clock.clone(),
            entropy: server.app.entropy.clone(),
            client_id: "phone".into(),
            key: KeyPair::rsa(),
            kid: None,
            dpop,
            held: None,
        }
    }

    /// A device that calls a process, whose clock and randomness are the system's.
    pub(crate) fn of_process(http: &Http, platform: Platform) -> Self {
        Self {
            platform,
            http: http.clone(),
            clock: Clock::System,
            entropy: Entropy::Os,
            client_id: "phone".into(),
            key: KeyPair::ec(),
            kid: None,
            dpop: KeyPair::ec(),
            held: None,
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_seconds()
    }

    /// A UUID as the platform spells it.
    pub(crate) fn uuid(&self) -> String {
        let id = uuid::Builder::from_random_bytes(self.entropy.bytes()).into_uuid().to_string();
        if self.platform == Platform::Ios { id.to_uppercase() } else { id }
    }

    pub(crate) async fn challenge(&self) -> String {
        let target = format!("{}/oauth2/challenge", self.http.origin);
        let content_type = match self.platform {
            Platform::Flutter => "application/json; charset=UTF-8",
            Platform::ReactNative | Platform::Ios | Platform::Android => "application/json",
        };
        let request = self.http.request(Method::POST, "/oauth2/challenge").header("content-type", content_type);
        let request = request.header("dpop", self.proof("POST", &target)).body(r#"{"purpose":"anonymous_request"}"#);
        decoder::challenge(self.platform, Reply::of(request).await)
    }

    /// The signed request: with the key when it is new, or always, depending on the platform.
    pub(crate) fn sign(&self, action: &str, challenge: &str, kid: &str, is_new: bool) -> String {
        let jwk = (is_new || self.platform.always_sends_jwk()).then(|| self.key.jwk(kid, self.platform.is_java()));
        let mut header = json!({"typ": "vnd.authgear.anonymous-request", "alg": self.key.alg(), "kid": kid});
        if let Some(jwk) = jwk {
            header["jwk"] = jwk;
        }
        self.key.sign(&header.to_string(), &self.payload(action, challenge))
    }

    pub(crate) fn payload(&self, action: &str, challenge: &str) -> String {
        let times = self.platform.times(self.now(), 60);
        let info = self.platform.device_info().filter(|_| self.platform.describes_itself_at_sign_up());
        let info = info.map(|info| format!(r#","device_info":{info}"#)).unwrap_or_default();
        format!(r#"{{{times},"challenge":"{challenge}","action":"{action}"{info}}}"#)
    }

    /// A DPoP proof for a request.
    pub(crate) fn proof(&self, method: &str, target: &str) -> String {
        let times = self.platform.times(self.now(), self.platform.dpop_seconds());
        let payload = format!(r#"{{{times},"jti":"{}","htm":"{method}","htu":"{target}"}}"#, self.uuid());
        let jwk = self.dpop.jwk("dpop-key", self.platform.is_java());
        let header = json!({"typ": "dpop+jwt", "alg": self.dpop.alg(), "kid": "dpop-key", "jwk": jwk});
        self.dpop.sign(&header.to_string(), &payload)
    }

    /// `dpop_jkt` as the SDK computes it.
    pub(crate) fn jkt(&self) -> String {
        self.dpop.thumbprint(self.platform.is_java())
    }

    /// A token request with a proof, and with `x_device_info` when the SDK sends it for this grant.
    pub(crate) async fn token(&self, fields: &[(&str, &str)], describe: bool) -> Reply {
        Reply::of(self.token_request(fields, describe)).await
    }

    pub(crate) fn token_request(&self, fields: &[(&str, &str)], describe: bool) -> RequestBuilder {
        let mut form: Vec<(String, String)> = vec![("client_id".into(), self.client_id.clone())];
        form.extend(fields.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        if let Some(info) = self.platform.device_info().filter(|_| describe) {
            form.push(("x_device_info".into(), encode(info.to_string())));
        }
        let target = format!("{}/oauth2/token", self.http.origin);
        self.http.request(Method::POST, "/oauth2/token").header("dpop", self.proof("POST", &target)).form(&form)
    }

    /// The anonymous grant with an arbitrary signed request.
    pub(crate) async fn present(&self, jwt: &str) -> Reply {
        let describe = self.platform.describes_itself_at_sign_up();
        self.token(&[("grant_type", ANONYMOUS_GRANT), ("jwt", jwt)], describe).await
    }

    /// `authenticateAnonymously`: the complete call of the SDK; returns the `sub`.
    pub(crate) async fn authenticate(&mut self) -> String {
        let is_new = self.kid.is_none();
        let kid = self.kid.clone().unwrap_or_else(|| self.uuid());
        let jwt = self.sign("auth", &self.challenge().await, &kid, is_new);
        let body = decoder::token(self.platform, self.present(&jwt).await);
        self.hold(&body);
        let info = self.user_info().await;
        // Only now: with a response that the SDK cannot decode, the guest would have been lost.
        self.kid = Some(kid);
        info["sub"].as_str().expect("a sub").to_string()
    }

    fn hold(&mut self, body: &Map<String, Value>) {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_string);
        let refresh = text("refresh_token").or_else(|| self.held.as_ref().map(|held| held.refresh.clone()));
        let access = text("access_token").expect("decoded");
        self.held = Some(HeldKey { access, refresh: refresh.expect("a refresh token") });
    }

    pub(crate) fn held(&self) -> &HeldKey {
        self.held.as_ref().expect("the device has a session")
    }

    pub(crate) async fn user_info(&self) -> Map<String, Value> {
        let target = format!("{}/oauth2/userinfo", self.http.origin);
        let request = self.http.request(Method::GET, "/oauth2/userinfo").header("dpop", self.proof("GET", &target));
        decoder::user_info(self.platform, Reply::of(request.bearer_auth(&self.held().access)).await)
    }

    pub(crate) async fn refresh(&mut self) {
        let refresh = self.held().refresh.clone();
        let reply = self.token(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)], true).await;
        let body = decoder::token(self.platform, reply);
        self.hold(&body);
    }

    /// `refreshIDToken`.
    pub(crate) async fn refresh_id_token(&self) -> Reply {
        let request = self.token_request(&[("grant_type", ID_TOKEN_GRANT)], true).bearer_auth(&self.held().access);
        Reply::of(request).await
    }

    /// The URL that opens the promotion page, as the SDK builds it.
    pub(crate) async fn promotion_url(&self) -> String {
        let kid = self.kid.clone().expect("a key id");
        let jwt = self.sign("promote", &self.challenge().await, &kid, false);
        self.promotion_url_with(&jwt)
    }

    pub(crate) fn promotion_url_with(&self, jwt: &str) -> String {
        let pairs = [("type", "anonymous"), ("jwt", jwt)];
        let hint: String = Url::parse_with_params("https://authgear.com/login_hint", pairs).expect("a URL").into();
        let jkt = self.jkt();
        let mut more = vec![("prompt", "login"), ("state", "s"), ("login_hint", hint.as_str()), ("x_platform", "ios")];
        if matches!(self.platform, Platform::ReactNative | Platform::Ios) {
            more.push(("dpop_jkt", &jkt));
        }
        self.authorize_url(&more)
    }

    pub(crate) fn authorize_url(&self, more: &[(&str, &str)]) -> String {
        AppClient::new(self.http.clone(), &self.client_id, REDIRECT_URI).authorize_url(more)
    }

    /// The code exchange after the redirect to the app.
    pub(crate) async fn exchange(&self, landing: &Url) -> Reply {
        let code = query(landing, "code").unwrap_or_else(|| panic!("no code in {landing}"));
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", REDIRECT_URI),
        ];
        self.token(&fields, self.platform != Platform::ReactNative).await
    }

    /// What the SDK does after a promotion: stores the new session and removes the key's ID.
    pub(crate) async fn finish_promotion(&mut self, landing: &Url) -> Map<String, Value> {
        let body = decoder::token(self.platform, self.exchange(landing).await);
        self.hold(&body);
        let info = self.user_info().await;
        self.kid = None;
        info
    }

    pub(crate) async fn app_session_token(&self) -> Reply {
        let target = format!("{}/oauth2/app_session_token", self.http.origin);
        let request = self.http.request(Method::POST, "/oauth2/app_session_token");
        let request = request.header("dpop", self.proof("POST", &target));
        Reply::of(request.json(&json!({"refresh_token": self.held().refresh}))).await
    }

    /// The URL of an account page, as the SDK builds it.
    pub(crate) async fn settings_url(&self, page: &str) -> String {
        let token = decoder::app_session_token(self.platform, self.app_session_token().await);
        let pairs = [("type", "app_session_token"), ("app_session_token", token.as_str())];
        let hint: String = Url::parse_with_params("https://authgear.com/login_hint", pairs).expect("a URL").into();
        // iOS and Flutter leave a trailing question mark.
        let mark = if matches!(self.platform, Platform::Ios | Platform::Flutter) { "?" } else { "" };
        let page = format!("{}{page}{mark}", self.http.origin);
        let response_type = if self.platform == Platform::ReactNative { "code" } else { "none" };
        self.authorize_url(&[
            ("prompt", "none"),
            ("redirect_uri", &page),
            ("response_type", response_type),
            ("login_hint", &hint),
        ])
    }

    /// `logout`: revokes and removes the session; iOS removes the key's ID too.
    pub(crate) async fn log_out(&mut self) {
        let token = self.held.take().map(|held| held.refresh).unwrap_or_default();
        self.http.post_form("/oauth2/revoke", &[("token", &token)]).await.expect(200);
        if self.platform == Platform::Ios {
            self.kid = None;
        }
    }

    /// The app is reinstalled, and its keystore kept the key and its ID.
    pub(crate) fn reinstall(&mut self) {
        self.held = None;
    }
}
