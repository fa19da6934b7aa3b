//! What the vendors' endpoints answer to the server.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use aws_lc_rs::{
    digest, hmac,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use vestibule_domain::project::ProviderType::{self, Apple, Facebook, GitHub, LinkedIn, Microsoft};

use super::{CLIENT, CONSUMERS, Inner, Issued, KEY_ID, Lie, SECRET, TEAM, TENANT, lock};
use crate::support::encode;

pub(super) fn make_router(inner: Arc<Inner>) -> Router {
    let exchange = |kind| {
        post(move |State(inner): State<Arc<Inner>>, Form(form): Form<HashMap<String, String>>| async move {
            token(&inner, kind, &form).await
        })
    };
    Router::new()
        .route("/apple/auth/token", exchange(Apple))
        .route("/apple/auth/keys", get(keys))
        .route("/microsoft/{tenant}/v2.0/.well-known/openid-configuration", get(microsoft_metadata))
        .route("/microsoft/token", exchange(Microsoft))
        .route("/microsoft/keys", get(keys))
        .route("/github/login/oauth/access_token", exchange(GitHub))
        .route("/github-api/user", get(github_user))
        .route("/github-api/user/emails", get(github_emails))
        .route("/graph/oauth/access_token", exchange(Facebook))
        .route("/graph/me", get(facebook_user))
        .route("/limited/.well-known/oauth/openid/jwks/", get(keys))
        .route("/linkedin/.well-known/openid-configuration", get(linkedin_metadata))
        .route("/linkedin/token", exchange(LinkedIn))
        .route("/linkedin/keys", get(keys))
        .route("/linkedin/userinfo", get(linkedin_user))
        .with_state(inner)
}

fn has_id_token(kind: ProviderType) -> bool {
    matches!(kind, Apple | Microsoft | LinkedIn)
}

fn refusal(inner: &Inner) -> Option<Response> {
    match &*lock(&inner.lie) {
        Lie::Status(status) => Some(StatusCode::from_u16(*status).expect("a status").into_response()),
        Lie::None | Lie::Silent | Lie::Claims(_) | Lie::User(_) | Lie::ForeignToken => None,
    }
}

async fn keys(State(inner): State<Arc<Inner>>) -> Response {
    // Without `use`, as LinkedIn's are.
    refusal(&inner).unwrap_or_else(|| axum::Json(json!({"keys": [inner.key.jwk("k1", false)]})).into_response())
}

async fn microsoft_metadata(State(inner): State<Arc<Inner>>, Path(tenant): Path<String>) -> Response {
    let origin = &inner.origin;
    let named = match tenant.as_str() {
        "common" | "organizations" => "{tenantid}",
        "consumers" => CONSUMERS,
        "shop.example" => TENANT,
        tenant => tenant,
    };
    let metadata = json!({
        "issuer": format!("{origin}/microsoft/{named}/v2.0"),
        "authorization_endpoint": format!("{origin}/microsoft/authorize"),
        "token_endpoint": format!("{origin}/microsoft/token"),
        "jwks_uri": format!("{origin}/microsoft/keys"),
        "userinfo_endpoint": format!("{origin}/nowhere"),
    });
    refusal(&inner).unwrap_or_else(|| axum::Json(metadata).into_response())
}

async fn linkedin_metadata(State(inner): State<Arc<Inner>>) -> Response {
    let base = format!("{}/linkedin", inner.origin);
    let metadata = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "jwks_uri": format!("{base}/keys"),
        "userinfo_endpoint": format!("{base}/userinfo"),
    });
    refusal(&inner).unwrap_or_else(|| axum::Json(metadata).into_response())
}

/// An error of a token endpoint, each vendor's own way.
fn token_error(kind: ProviderType, error: &str) -> Response {
    let object = json!({"error": {"message": "It failed.", "type": "OAuthException", "code": 100}});
    let text = json!({"error": error, "error_description": "It failed."});
    match kind {
        Facebook => (StatusCode::BAD_REQUEST, axum::Json(object)).into_response(),
        GitHub => axum::Json(text).into_response(),
        LinkedIn => (StatusCode::UNAUTHORIZED, axum::Json(text)).into_response(),
        Apple | Microsoft | ProviderType::Google | ProviderType::Oidc => {
            (StatusCode::BAD_REQUEST, axum::Json(text)).into_response()
        }
    }
}

async fn token(inner: &Inner, kind: ProviderType, form: &HashMap<String, String>) -> Response {
    if let Some(refusal) = refusal(inner) {
        return refusal;
    }
    inner.exchanges.fetch_add(1, Ordering::Relaxed);
    if *lock(&inner.lie) == Lie::Silent {
        std::future::pending::<()>().await;
    }
    let read = |name: &str| form.get(name).cloned().unwrap_or_default();
    let secret = read("client_secret");
    let is_client = if kind == Apple { is_signed_for_apple(inner, &secret) } else { secret == SECRET };
    if read("client_id") != CLIENT || !is_client || (kind == LinkedIn && form.contains_key("code_verifier")) {
        return token_error(kind, "invalid_client");
    }
    // A code is used up by the first attempt.
    let issued = lock(&inner.codes).remove(&read("code"));
    let verifier = form.get("code_verifier").map(|text| encode(digest::digest(&digest::SHA256, text.as_bytes())));
    let fits = |issued: &Issued| {
        issued.kind == kind && issued.redirect_uri == read("redirect_uri") && issued.challenge == verifier
    };
    let Some(issued) = issued.filter(fits) else {
        return token_error(kind, if kind == GitHub { "bad_verification_code" } else { "invalid_grant" });
    };
    let access = format!("token-{}", inner.count.fetch_add(1, Ordering::Relaxed));
    let mut answer = json!({"access_token": access, "token_type": "bearer", "expires_in": 60});
    if has_id_token(kind) {
        answer["id_token"] = print_id_token(inner, &issued).into();
    }
    lock(&inner.tokens).insert(access, issued);
    axum::Json(answer).into_response()
}

/// Whether the client secret is a token that the team signed for Apple, and not for long.
fn is_signed_for_apple(inner: &Inner, secret: &str) -> bool {
    let Some((signed, signature)) = secret.rsplit_once('.') else { return false };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let object = |part: &str| serde_json::from_slice::<Value>(&decode(part)).unwrap_or_default();
    let Some((header, payload)) = signed.split_once('.') else { return false };
    let (header, claims) = (object(header), object(payload));
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &inner.apple_key);
    let lifetime = claims["exp"].as_i64().unwrap_or_default() - claims["iat"].as_i64().unwrap_or_default();
    key.verify(signed.as_bytes(), &decode(signature)).is_ok()
        && (&header["alg"], &header["kid"]) == (&json!("ES256"), &json!(KEY_ID))
        && (&claims["iss"], &claims["sub"]) == (&json!(TEAM), &json!(CLIENT))
        && claims["aud"] == format!("{}/apple", inner.origin)
        && (1..=15_777_000).contains(&lifetime)
}

/// Sets members of an object; null removes one.
fn change(object: &mut Value, changes: &Value) {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        if value.is_null() { drop(members.remove(name)) } else { drop(members.insert(name.clone(), value.clone())) }
    }
}

pub(super) fn print_id_token(inner: &Inner, issued: &Issued) -> String {
    let origin = &inner.origin;
    let tenant = issued.user["tid"].as_str().unwrap_or(TENANT);
    let issuer = match issued.kind {
        Apple => format!("{origin}/apple"),
        Microsoft => format!("{origin}/microsoft/{tenant}/v2.0"),
        // The issuer of Limited Login.
        Facebook => origin.clone(),
        LinkedIn | GitHub | ProviderType::Google | ProviderType::Oidc => format!("{origin}/linkedin"),
    };
    let mut claims = json!({"iss": issuer, "aud": CLIENT, "iat": issued.at, "exp": issued.at + 300});
    if let Some(nonce) = &issued.nonce {
        claims["nonce"] = nonce.as_str().into();
    }
    change(&mut claims, &issued.user);
    if let Lie::Claims(changes) = &*lock(&inner.lie) {
        change(&mut claims, changes);
    }
    let header = json!({"alg": inner.key.alg(), "kid": "k1"});
    inner.key.sign(&header.to_string(), &claims.to_string())
}

/// The user of the access token of a request, if the token is this vendor's.
fn user_of(inner: &Inner, kind: ProviderType, headers: &HeaderMap) -> Result<(String, Value), Response> {
    if let Some(refusal) = refusal(inner) {
        return Err(refusal);
    }
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let token = bearer.unwrap_or_default().to_string();
    let issued = lock(&inner.tokens).get(&token).cloned().filter(|issued| issued.kind == kind);
    let issued = issued.ok_or_else(|| StatusCode::UNAUTHORIZED.into_response())?;
    let mut user = issued.user;
    if let Lie::User(changes) = &*lock(&inner.lie) {
        change(&mut user, changes);
    }
    Ok((token, user))
}

async fn github_user(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    match user_of(&inner, GitHub, &headers) {
        // GitHub refuses requests of programs without a name.
        Ok(_) if !headers.contains_key("user-agent") => StatusCode::FORBIDDEN.into_response(),
        Ok((_, user)) => axum::Json(user["user"].clone()).into_response(),
        Err(refusal) => refusal,
    }
}

async fn github_emails(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    match user_of(&inner, GitHub, &headers) {
        Ok((_, user)) if user["emails"].is_array() => axum::Json(user["emails"].clone()).into_response(),
        Ok(_) => StatusCode::NOT_FOUND.into_response(),
        Err(refusal) => refusal,
    }
}

async fn facebook_user(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    let (token, user) = match user_of(&inner, Facebook, &headers) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    // The proof is made with the secret of the client that the token is for.
    let is_foreign = *lock(&inner.lie) == Lie::ForeignToken;
    let secret = if is_foreign { "the secret of another client" } else { SECRET };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let proof: String = hmac::sign(&key, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let fields = asked.get("fields").cloned().unwrap_or_default();
    if asked.get("appsecret_proof") != Some(&proof) {
        let error = json!({"error": {"message": "Invalid proof.", "type": "GraphMethodException", "code": 100}});
        return (StatusCode::BAD_REQUEST, axum::Json(error)).into_response();
    }
    let is_asked = |name: &str| fields.split(',').any(|field| field.split('.').next() == Some(name));
    let members = user.as_object().expect("an object").iter().filter(|(name, _)| is_asked(name));
    axum::Json(Value::from(members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()))
        .into_response()
}

async fn linkedin_user(State(inner): State<Arc<Inner>>, headers: HeaderMap) -> Response {
    match user_of(&inner, LinkedIn, &headers) {
        Ok((_, user)) => axum::Json(user).into_response(),
        Err(refusal) => refusal,
    }
}
