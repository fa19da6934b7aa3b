//! A small OpenID provider for tests: its users sign in by a call of the test, and it can be told to lie.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_lc_rs::{digest, hmac};
use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use url::Url;
use vestibule_domain::time::Timestamp;

use super::{KeyPair, encode, query};

/// The client of the tests' project.
pub(crate) const CLIENT: &str = "shop-at-provider";
pub(crate) const SECRET: &str = "the secret of the shop";

/// How the provider answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Manner {
    Honest,
    /// Every endpoint answers this status.
    Status(u16),
    /// The token endpoint never answers.
    Silent,
    /// The ID token has these claims too, or instead; null removes one.
    Claims(Value),
    /// The ID token has `alg: none` and no signature.
    Unsigned,
    /// The ID token is signed with the client secret.
    SignedWithSecret,
    /// The ID token is signed with a key that is not published, under the name of one that is.
    SignedByAnother,
    NoIdToken,
    /// The ID token has no email; UserInfo has these claims.
    UserInfo(Value),
    /// The metadata names another issuer.
    ForeignMetadata,
}

/// A code that was issued.
#[derive(Clone)]
struct Issued {
    redirect_uri: String,
    challenge: String,
    nonce: String,
    claims: Value,
    at: i64,
}

struct Inner {
    issuer: String,
    /// With its ID.
    key: Mutex<(String, KeyPair)>,
    manner: Mutex<Manner>,
    codes: Mutex<HashMap<String, Issued>>,
    count: AtomicUsize,
    key_reads: AtomicUsize,
    /// Calls of the token endpoint.
    exchanges: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct OpenIdProvider {
    pub(crate) issuer: String,
    inner: Arc<Inner>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenIdProvider {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let issuer = format!("http://{}", listener.local_addr().expect("its address"));
        let inner = Arc::new(Inner {
            issuer: issuer.clone(),
            key: Mutex::new(("k1".into(), KeyPair::ec())),
            manner: Mutex::new(Manner::Honest),
            codes: Mutex::default(),
            count: AtomicUsize::default(),
            key_reads: AtomicUsize::default(),
            exchanges: AtomicUsize::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, inner }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *lock(&self.inner.manner) = manner;
    }

    /// Signs with another key from now on.
    pub(crate) fn rotate(&self, kid: &str) {
        *lock(&self.inner.key) = (kid.into(), KeyPair::rsa());
    }

    pub(crate) fn key_reads(&self) -> usize {
        self.inner.key_reads.load(Ordering::Relaxed)
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.inner.exchanges.load(Ordering::Relaxed)
    }

    /// A user signs in at the URL that the server sent its browser to; answers the URL that the browser is sent back to.
    pub(crate) fn sign_in(&self, at: &Url, claims: &Value, now: Timestamp) -> String {
        assert_eq!(at.origin().ascii_serialization(), self.issuer, "the browser is at this provider");
        let read = |name: &str| query(at, name).unwrap_or_else(|| panic!("no {name} in {at}"));
        assert_eq!((read("response_type"), read("client_id")), ("code".into(), CLIENT.into()));
        assert_eq!(read("code_challenge_method"), "S256");
        let mut claims = claims.clone();
        // OpenID Connect Core §3.1.2.1: the claim is required then. A user who was signed in before has its own.
        if query(at, "max_age").is_some() && claims.get("auth_time").is_none() {
            claims["auth_time"] = now.as_seconds().into();
        }
        let issued = Issued {
            redirect_uri: read("redirect_uri"),
            challenge: read("code_challenge"),
            nonce: read("nonce"),
            claims,
            at: now.as_seconds(),
        };
        let number = self.inner.count.fetch_add(1, Ordering::Relaxed);
        let code = format!("code-{number}");
        lock(&self.inner.codes).insert(code.clone(), issued);
        answer(&read("redirect_uri"), &[("code", &code), ("state", &read("state"))])
    }

    /// The ID token that a user's native app gets, with these claims, which say for which client and with which nonce. Unless they say
    /// otherwise, the user has just signed in.
    pub(crate) fn native_token(&self, claims: &Value, now: Timestamp) -> String {
        let mut claims = claims.clone();
        if claims.get("auth_time").is_none() {
            claims["auth_time"] = now.as_seconds().into();
        }
        let none = String::new;
        let (redirect_uri, challenge, nonce) = (none(), none(), none());
        let issued = Issued { redirect_uri, challenge, nonce, claims: claims.clone(), at: now.as_seconds() };
        let manner = lock(&self.inner.manner).clone();
        print_id_token(&self.inner, &issued, &manner)
    }

    /// The user declines.
    pub(crate) fn decline(&self, at: &Url) -> String {
        let read = |name: &str| query(at, name).unwrap_or_default();
        answer(&read("redirect_uri"), &[("error", "access_denied"), ("state", &read("state"))])
    }
}

fn answer(redirect_uri: &str, parameters: &[(&str, &str)]) -> String {
    Url::parse_with_params(redirect_uri, parameters).expect("a redirect URI").into()
}

fn refusal(inner: &Inner) -> Option<Response> {
    match &*lock(&inner.manner) {
        Manner::Status(status) => Some(StatusCode::from_u16(*status).expect("a status").into_response()),
        Manner::Honest
        | Manner::Silent
        | Manner::Claims(_)
        | Manner::Unsigned
        | Manner::SignedWithSecret
        | Manner::SignedByAnother
        | Manner::NoIdToken
        | Manner::UserInfo(_)
        | Manner::ForeignMetadata => None,
    }
}

async fn metadata(State(inner): State<Arc<Inner>>) -> Response {
    if let Some(refusal) = refusal(&inner) {
        return refusal;
    }
    let issuer = &inner.issuer;
    let is_foreign = *lock(&inner.manner) == Manner::ForeignMetadata;
    axum::Json(json!({
        "issuer": if is_foreign { "https://another.example" } else { issuer.as_str() },
        "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
    }))
    .into_response()
}

async fn keys(State(inner): State<Arc<Inner>>) -> Response {
    inner.key_reads.fetch_add(1, Ordering::Relaxed);
    if let Some(refusal) = refusal(&inner) {
        return refusal;
    }
    let (kid, key) = lock(&inner.key).clone();
    let mut jwk = key.jwk(&kid, false);
    jwk["use"] = "sig".into();
    axum::Json(json!({"keys": [{"kty": "oct", "k": "AAAA"}, jwk]})).into_response()
}

async fn token(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(refusal) = refusal(&inner) {
        return refusal;
    }
    inner.exchanges.fetch_add(1, Ordering::Relaxed);
    let manner = lock(&inner.manner).clone();
    if manner == Manner::Silent {
        std::future::pending::<()>().await;
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{}", SECRET.replace(' ', "+"))));
    if headers.get("authorization").is_none_or(|value| *value != *basic) {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({"error": "invalid_client"}))).into_response();
    }
    let read = |name: &str| form.get(name).cloned().unwrap_or_default();
    // A code is used up by the first attempt.
    let issued = lock(&inner.codes).remove(&read("code"));
    let verifier = encode(digest::digest(&digest::SHA256, read("code_verifier").as_bytes()));
    let issued = issued.filter(|issued| issued.redirect_uri == read("redirect_uri") && issued.challenge == verifier);
    let Some(issued) = issued else {
        return (StatusCode::BAD_REQUEST, axum::Json(json!({"error": "invalid_grant"}))).into_response();
    };
    let mut answer = json!({"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 60});
    if manner != Manner::NoIdToken {
        answer["id_token"] = print_id_token(&inner, &issued, &manner).into();
    }
    axum::Json(answer).into_response()
}

fn print_id_token(inner: &Inner, issued: &Issued, manner: &Manner) -> String {
    let mut claims = json!({
        "iss": inner.issuer, "aud": CLIENT, "nonce": issued.nonce, "iat": issued.at, "exp": issued.at + 300,
    });
    let changes = match manner {
        Manner::Claims(changes) => changes.clone(),
        Manner::UserInfo(_) => json!({"email": null, "email_verified": null}),
        Manner::Honest
        | Manner::Status(_)
        | Manner::Silent
        | Manner::Unsigned
        | Manner::SignedWithSecret
        | Manner::SignedByAnother
        | Manner::NoIdToken
        | Manner::ForeignMetadata => json!({}),
    };
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in [&issued.claims, &changes].into_iter().flat_map(|set| set.as_object().expect("an object")) {
        if value.is_null() { drop(members.remove(name)) } else { drop(members.insert(name.clone(), value.clone())) }
    }
    let payload = claims.to_string();
    let (kid, key) = lock(&inner.key).clone();
    match manner {
        Manner::Unsigned => format!("{}.{}.", encode(r#"{"alg":"none","typ":"JWT"}"#), encode(payload)),
        Manner::SignedWithSecret => {
            let input = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(payload));
            let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
            format!("{input}.{}", encode(hmac::sign(&key, input.as_bytes())))
        }
        Manner::SignedByAnother => KeyPair::ec().sign(&json!({"alg": "ES256", "kid": kid}).to_string(), &payload),
        Manner::Honest
        | Manner::Status(_)
        | Manner::Silent
        | Manner::Claims(_)
        | Manner::NoIdToken
        | Manner::UserInfo(_)
        | Manner::ForeignMetadata => key.sign(&json!({"alg": key.alg(), "kid": kid}).to_string(), &payload),
    }
}

async fn user_info(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    let is_own = headers.get("authorization").is_some_and(|value| value == "Bearer an-access-token");
    if let Manner::UserInfo(claims) = lock(&inner.manner).clone()
        && is_own
    {
        return axum::Json(claims).into_response();
    }
    StatusCode::UNAUTHORIZED.into_response()
}
