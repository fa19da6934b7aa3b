//! Servers like those of the vendors whose providers have types of their own, after what the vendors document: each with its ways,
//! and with lies on request. All are on one port, so no two of them differ in anything but what they say.

mod answers;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use url::Url;
use vestibule_domain::{
    project::ProviderType::{self, Apple, Facebook, GitHub, LinkedIn, Microsoft},
    time::Timestamp,
};

use super::{Browser, KeyPair, Setup, query};

/// The client at every vendor.
pub(crate) const CLIENT: &str = "com.shop.web";
const SECRET: &str = "the secret of the shop";
const TEAM: &str = "A1B2C3D4E5";
const KEY_ID: &str = "F6G7H8J9K0";
pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// The tenant of personal Microsoft accounts.
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The types of the vendors.
pub(crate) const VENDORS: [ProviderType; 5] = [Apple, Microsoft, GitHub, Facebook, LinkedIn];

/// How the vendors answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Lie {
    None,
    /// Every endpoint answers this status.
    Status(u16),
    /// The token endpoint never answers.
    Silent,
    /// The ID token has these claims too, or instead; null removes one.
    Claims(Value),
    /// The API or UserInfo says this too, or instead.
    User(Value),
    /// The access token is another client's.
    ForeignToken,
}

/// A user who has signed in.
#[derive(Clone)]
struct Issued {
    kind: ProviderType,
    redirect_uri: String,
    challenge: Option<String>,
    nonce: Option<String>,
    user: Value,
    at: i64,
}

struct Inner {
    origin: String,
    key: KeyPair,
    /// The public half of the key with which the client signs its secrets for Apple.
    apple_key: Vec<u8>,
    lie: Mutex<Lie>,
    codes: Mutex<HashMap<String, Issued>>,
    tokens: Mutex<HashMap<String, Issued>>,
    count: AtomicUsize,
    /// Calls of the token endpoints.
    exchanges: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct Vendors {
    inner: Arc<Inner>,
    apple_pem: String,
}

/// Where the browser is sent back to.
#[derive(Clone, Debug)]
pub(crate) struct Back {
    pub(crate) url: String,
    /// The form that the vendor's page posts there.
    pub(crate) form: Option<Vec<(String, String)>>,
}

impl Back {
    pub(crate) async fn open(&self, browser: &mut Browser) {
        match &self.form {
            Some(form) => browser.post_from_elsewhere(&self.url, form).await,
            None => browser.open_from_elsewhere(&self.url).await,
        }
    }

    /// The same with another value of a parameter.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let replace = |pairs: Vec<(String, String)>| -> Vec<(String, String)> {
            let kept = pairs.into_iter().filter(|(other, _)| other != name);
            kept.chain([(name.to_string(), value.to_string())]).collect()
        };
        if let Some(form) = &self.form {
            return Self { url: self.url.clone(), form: Some(replace(form.clone())) };
        }
        let mut url = Url::parse(&self.url).expect("a URL");
        let pairs = replace(url.query_pairs().into_owned().collect());
        url.query_pairs_mut().clear().extend_pairs(pairs);
        Self { url: url.into(), form: None }
    }

    pub(crate) fn parameter(&self, name: &str) -> String {
        let in_form = self.form.iter().flatten().find(|(other, _)| other == name).map(|(_, value)| value.clone());
        in_form.or_else(|| query(&Url::parse(&self.url).expect("a URL"), name)).expect("the parameter")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vendors {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("its address"));
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("an EC key");
        let der = pair.to_pkcs8v1().expect("PKCS#8").as_ref().to_vec();
        let encoded = STANDARD.encode(der);
        let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let apple_pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        let inner = Arc::new(Inner {
            origin,
            key: KeyPair::ec(),
            apple_key: pair.public_key().as_ref().to_vec(),
            lie: Mutex::new(Lie::None),
            codes: Mutex::default(),
            tokens: Mutex::default(),
            count: AtomicUsize::default(),
            exchanges: AtomicUsize::default(),
        });
        let router = answers::make_router(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inner, apple_pem }
    }

    /// Leads a server to these vendors, and gives its project all of them.
    pub(crate) fn configure(&self, setup: &mut Setup) {
        setup.configure("providers.private_hosts", "127.0.0.1");
        for (key, path) in [
            ("apple_issuer", "apple"),
            ("microsoft_authority", "microsoft"),
            ("github_origin", "github"),
            ("github_api", "github-api"),
            ("facebook_dialog", "facebook"),
            ("facebook_graph", "graph"),
            ("facebook_limited", "limited"),
            ("linkedin_issuer", "linkedin"),
        ] {
            setup.configure(&format!("providers.{key}"), &format!("{}/{path}", self.inner.origin));
        }
        setup.set("identity.oauth.providers", VENDORS.map(|kind| settings_of(kind, TENANT)).to_vec());
    }

    /// The client secret at a vendor.
    pub(crate) fn secret(&self, kind: ProviderType) -> String {
        if kind == Apple { self.apple_pem.clone() } else { SECRET.to_string() }
    }

    pub(crate) fn behave(&self, lie: Lie) {
        *lock(&self.inner.lie) = lie;
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.inner.exchanges.load(Ordering::Relaxed)
    }

    /// The issuer of a tenant's ID tokens.
    pub(crate) fn issuer_of(&self, tenant: &str) -> String {
        format!("{}/microsoft/{tenant}/v2.0", self.inner.origin)
    }

    /// A user signs in at the URL that the server sent its browser to.
    pub(crate) fn sign_in(&self, kind: ProviderType, at: &Url, user: &Value, now: Timestamp) -> Back {
        self.check_request(kind, at);
        let mut user = user.clone();
        let beside = user.as_object_mut().expect("an object").remove("beside");
        let issued = Issued {
            kind,
            redirect_uri: query(at, "redirect_uri").expect("a redirect URI"),
            challenge: query(at, "code_challenge"),
            nonce: query(at, "nonce"),
            user,
            at: now.as_seconds(),
        };
        let code = format!("code-{}", self.inner.count.fetch_add(1, Ordering::Relaxed));
        lock(&self.inner.codes).insert(code.clone(), issued);
        let beside = beside.map(|beside| ("user", beside.as_str().expect("a text").to_string()));
        send_back(kind, at, [("code", code)].into_iter().chain(beside))
    }

    /// The ID token that a user's native app gets; the claims say for which client and with which nonce.
    pub(crate) fn native_token(&self, kind: ProviderType, claims: &Value, now: Timestamp) -> String {
        let (redirect_uri, challenge, nonce) = (String::new(), None, None);
        let issued = Issued { kind, redirect_uri, challenge, nonce, user: claims.clone(), at: now.as_seconds() };
        answers::print_id_token(&self.inner, &issued)
    }

    /// The user declines.
    pub(crate) fn decline(&self, kind: ProviderType, at: &Url) -> Back {
        let error = match kind {
            Apple => "user_cancelled_authorize",
            LinkedIn => "user_cancelled_login",
            Microsoft | GitHub | Facebook | ProviderType::Google | ProviderType::Oidc => "access_denied",
        };
        send_back(kind, at, [("error", error.to_string())])
    }

    /// The request is the one that the vendor documents.
    fn check_request(&self, kind: ProviderType, at: &Url) {
        let (path, scope, prompt) = match kind {
            Apple => ("/apple/auth/authorize", "name email", None),
            Microsoft => ("/microsoft/authorize", "openid profile email", Some("select_account")),
            GitHub => ("/github/login/oauth/authorize", "read:user user:email", None),
            Facebook => ("/facebook/dialog/oauth", "public_profile email", None),
            LinkedIn => ("/linkedin/authorize", "openid profile email", None),
            ProviderType::Google | ProviderType::Oidc => panic!("no vendor of its own: {kind:?}"),
        };
        assert_eq!((at.origin().ascii_serialization(), at.path()), (self.inner.origin.clone(), path));
        let read = |name: &str| query(at, name);
        assert_eq!(read("response_type").as_deref(), Some("code"));
        assert_eq!((read("client_id").as_deref(), read("scope").as_deref()), (Some(CLIENT), Some(scope)));
        assert_eq!(read("prompt").as_deref(), prompt, "{kind:?}");
        // Apple insists on it for name and address.
        assert_eq!(read("response_mode").as_deref(), (kind == Apple).then_some("form_post"), "{kind:?}");
        let takes_verifier = matches!(kind, Microsoft | GitHub | Facebook);
        assert_eq!(read("code_challenge_method").as_deref(), takes_verifier.then_some("S256"), "{kind:?}");
        assert_eq!(read("nonce").is_some(), matches!(kind, Apple | Microsoft), "{kind:?}");
    }
}

/// The settings of the provider of a vendor.
pub(crate) fn settings_of(kind: ProviderType, tenant: &str) -> toml::Value {
    let mut keys = vec![("alias", kind.as_str()), ("type", kind.as_str()), ("client_id", CLIENT)];
    match kind {
        Apple => keys.extend([("team_id", TEAM), ("key_id", KEY_ID)]),
        Microsoft => keys.push(("tenant", tenant)),
        GitHub | Facebook | LinkedIn | ProviderType::Google | ProviderType::Oidc => {}
    }
    toml::Value::Table(keys.into_iter().map(|(key, value)| (key.to_string(), value.into())).collect())
}

fn send_back(kind: ProviderType, at: &Url, parameters: impl IntoIterator<Item = (&'static str, String)>) -> Back {
    let state = ("state".to_string(), query(at, "state").expect("a state"));
    let own = parameters.into_iter().map(|(name, value)| (name.to_string(), value));
    let all: Vec<(String, String)> = own.chain([state]).collect();
    let url = query(at, "redirect_uri").expect("a redirect URI");
    if kind == Apple {
        return Back { url, form: Some(all) };
    }
    Back { url: Url::parse_with_params(&url, all).expect("a redirect URI").into(), form: None }
}
