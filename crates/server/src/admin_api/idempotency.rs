//! Writes with an `Idempotency-Key` are done once; a repeated request gets the first response. Refused requests changed
//! nothing, so their responses are not stored (ADR 56).

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use vestibule_app::{
    admin::idempotency::{self, IdempotencyKey, WriteState},
    crypto::sha256,
    error::Error,
    pool,
};
use vestibule_domain::secret::TokenHash;
use vestibule_web::body::{self, PARSED_AT_ONCE};

use super::{access::Admin, problem::Problem};

const NAME: &str = "idempotency-key";
/// Maximum length of a key, in bytes.
pub(crate) const KEY_BYTES: usize = 255;
/// Maximum size of a stored response: more than an import's, which has a line for each line of the request.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// Runs a request, or returns its earlier response.
pub(crate) async fn answer_once(admin: Admin, request: Request, next: Next) -> Response {
    let is_write = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let Some(key) = request.headers().get(NAME).filter(|_| is_write).cloned() else {
        return next.run(request).await;
    };
    match answer(&admin, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(admin: &Admin, key: &HeaderValue, request: Request, next: Next) -> Result<Response, Problem> {
    let is_visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    if key.is_empty() || key.len() > KEY_BYTES || !is_visible {
        return Err(Problem::unreadable(format!("Idempotency-Key: write 1 to {KEY_BYTES} visible ASCII characters")));
    }
    let (parts, body) = request.into_parts();
    let bytes = body::read(&admin.visit, Request::from_parts(parts.clone(), body)).await?.bytes;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    // The replaced version is part of the request; the body's media type is not.
    let expected = parts.headers.get(header::IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
    let head = [parts.method.as_str().as_bytes(), b" ", target.as_bytes(), b"\n", expected, b"\n"].concat();
    let request_hash = hash_request(admin, head, bytes.clone()).await?;
    // Different API keys may use the same idempotency key.
    let key_hash = sha256(&[admin.holder.key_id.as_bytes(), b"\n", key.as_bytes()].concat());
    if let Some(response) = begin(admin, key_hash, request_hash).await? {
        return Ok(response);
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    keep(admin, key_hash, response).await
}

/// The hash of a request. That of a large body takes milliseconds.
async fn hash_request(admin: &Admin, head: Vec<u8>, body: Bytes) -> Result<TokenHash, Problem> {
    let (is_short, turns) = (body.len() <= PARSED_AT_ONCE, pool::turns_for(body.len()));
    let hash = move || sha256(&[&head, &*body].concat());
    if is_short {
        return Ok(hash());
    }
    let visit = &admin.visit;
    Ok(visit.app.pool.run(visit.project.no, turns, hash).await.map_err(Error::from)?)
}

/// Begins the write; `Some` is its earlier response.
async fn begin(admin: &Admin, key: TokenHash, request: TokenHash) -> Result<Option<Response>, Problem> {
    let visit = &admin.visit;
    let IdempotencyKey { status, version, body } = match idempotency::begin(&visit.ctx(), key, request).await? {
        WriteState::Now => return Ok(None),
        WriteState::Running => {
            let detail = "the first request with this Idempotency-Key is still running: try again in a moment";
            return Err(Problem::new(StatusCode::CONFLICT, "still_running", detail));
        }
        WriteState::Reused => {
            let detail = "this Idempotency-Key was used for another request: choose a new one";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail));
        }
        WriteState::Before(kept) => kept,
    };
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    if status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(header::CONTENT_TYPE);
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(tag) = version.and_then(|version| HeaderValue::from_str(&version).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(Some(response))
}

/// Stores the response of a successful write. A refused one may be corrected and sent again with the same key.
async fn keep(admin: &Admin, key: TokenHash, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LARGEST_ANSWER).await.unwrap_or_default();
    let answer = parts.status.is_success().then(|| {
        let version = parts.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_string);
        let body = String::from_utf8_lossy(&bytes).into_owned();
        IdempotencyKey { status: i64::from(parts.status.as_u16()), version, body }
    });
    idempotency::finish(&admin.visit.ctx(), key, answer).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}
