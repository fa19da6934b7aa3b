//! Writes with an `Idempotency-Key` are done once; a repeated request gets the first response (ADR 83). Refused requests
//! changed nothing, so their responses are not stored (ADR 56).

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument as _;
use vestibule_app::{
    StoreError,
    admin::idempotency::{self, KeptAnswer, KnownKey, Once},
    crypto::sha256,
    error::Error,
    pool,
};
use vestibule_domain::secret::TokenHash;
use vestibule_web::body::{self, PARSED_AT_ONCE};

use super::{access::Admin, kept_answers, problem::Problem};

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
    match answer(admin, &key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

/// A request with its key, both as hashes.
#[derive(Clone, Copy)]
struct KeyedRequest {
    key: TokenHash,
    request: TokenHash,
}

async fn answer(admin: Admin, key: &HeaderValue, request: Request, next: Next) -> Result<Response, Problem> {
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
    let keyed = KeyedRequest {
        // Different API keys may use the same idempotency key.
        key: sha256(&[admin.holder.key_id.as_bytes(), b"\n", key.as_bytes()].concat()),
        request: hash_request(&admin, head, bytes.clone()).await?,
    };
    let request = Request::from_parts(parts, Body::from(bytes));
    // In a task of its own: a caller that hangs up does not stop it half-way.
    match tokio::spawn(run_once(admin, keyed, request, next).in_current_span()).await {
        Ok(answered) => answered,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The server stops.
        Err(_) => Err(StoreError::Closed.into()),
    }
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

/// Runs the request unless its key has an answer. Repeats in this process wait for each other; of two nodes, the one whose
/// transaction comes second is refused, and reads the answer of the first.
async fn run_once(admin: Admin, keyed: KeyedRequest, mut request: Request, next: Next) -> Result<Response, Problem> {
    let visit = admin.visit.clone();
    let Some(_lock) = visit.app.key_locks.lock(visit.project.no, keyed.key).await else { return Err(still_running()) };
    if let Some(response) = find(&admin, keyed).await? {
        return Ok(response);
    }
    let place = (visit.app.clone(), visit.project.clone());
    let once = Once::new(place, (keyed.key, keyed.request), kept_answers::print);
    request.extensions_mut().insert(Admin { once: Some(once.clone()), ..admin.clone() });
    let response = next.run(request).await;
    if !response.status().is_success() {
        // Another node may have done it meanwhile, or the reply to this one's COMMIT was lost.
        let found = find(&admin, keyed).await;
        return Ok(found.ok().flatten().unwrap_or(response));
    }
    if once.is_kept() { Ok(response) } else { keep(&admin, keyed, &once, response).await }
}

fn still_running() -> Problem {
    let detail = "the first request with this Idempotency-Key is still running: try again in a moment";
    Problem::new(StatusCode::CONFLICT, "still_running", detail)
}

/// The response that is stored under the key.
async fn find(admin: &Admin, keyed: KeyedRequest) -> Result<Option<Response>, Problem> {
    match idempotency::find(&admin.visit.ctx(), keyed.key, keyed.request).await? {
        KnownKey::New => Ok(None),
        KnownKey::Running => Err(still_running()),
        KnownKey::Reused => {
            let detail = "this Idempotency-Key was used for another request: choose a new one";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail))
        }
        KnownKey::Done(answer) => Ok(Some(print(answer))),
    }
}

fn print(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    if status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(header::CONTENT_TYPE);
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(tag) = answer.version.and_then(|version| HeaderValue::from_str(&version).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

/// Stores the response of a request that changed nothing, or of an import, which has no single transaction.
async fn keep(admin: &Admin, keyed: KeyedRequest, once: &Once, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, LARGEST_ANSWER).await.unwrap_or_default();
    let version = parts.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_string);
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let answer = KeptAnswer { status: parts.status.as_u16(), version, body };
    if let Err(error) = once.keep(&admin.visit.ctx(), &answer).await {
        // Another node was first: its answer counts.
        return find(admin, keyed).await?.ok_or_else(|| error.into());
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}
