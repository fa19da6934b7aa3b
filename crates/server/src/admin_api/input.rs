//! What handlers take from a request: parts of the path, the query, headers and the body. Each type is read here, refused with a
//! problem that says what is wrong, and describes itself.

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
    http::{header, request::Parts},
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vestibule_app::admin::AdminError;
use vestibule_web::visit::Visit;

use super::{
    access::Admin,
    describe::{Draft, RequestPart},
    problem::Problem,
    read::{read_body, read_checked, read_query},
};

/// A part of the path.
pub(crate) trait PathPart: Sized {
    /// The name in the route's path.
    const NAME: &'static str;
    const MEANING: &'static str;
    /// The name in the description, of a part that many routes have.
    const SHARED: Option<&'static str> = None;

    fn parse(text: &str) -> Result<Self, Problem>;

    fn schema() -> Value {
        json!({"type": "string", "minLength": 1})
    }

    fn parameter() -> Value {
        json!({"name": Self::NAME, "in": "path", "required": true, "description": Self::MEANING, "schema": Self::schema()})
    }
}

/// This part of the path.
pub(crate) struct InPath<P>(pub(crate) P);

impl<P: PathPart, S: Send + Sync> FromRequestParts<S> for InPath<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let all = RawPathParams::from_request_parts(parts, state).await;
        let all = all.map_err(|_| Problem::unreadable("the path is not UTF-8"))?;
        let text = all.iter().find(|(name, _)| *name == P::NAME).map(|(_, text)| text);
        P::parse(text.unwrap_or_default()).map(Self)
    }
}

impl<P: PathPart> RequestPart for InPath<P> {
    fn describe(draft: &mut Draft<'_>) {
        draft.add_parameter(match P::SHARED {
            Some(name) => json!({"$ref": format!("#/components/parameters/{name}")}),
            None => P::parameter(),
        });
    }
}

/// The query. Unknown and repeated parameters are refused.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read_query(&parts.uri).map(Self)
    }
}

impl<T: JsonSchema> RequestPart for Query<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.add_query::<T>();
    }
}

/// A JSON body.
pub(crate) trait Body: DeserializeOwned + JsonSchema {
    /// What it is converted to before it is checked.
    type Value: From<Self> + Send + 'static;
    /// A body, as JSON text.
    const EXAMPLE: Option<&'static str>;

    /// Refuses what is too large to be worked on.
    fn check(_: &Self::Value) -> Result<(), AdminError> {
        Ok(())
    }
}

/// The body, as JSON.
pub(crate) struct Json<B: Body>(pub(crate) B::Value);

impl<B: Body, S: Send + Sync> FromRequest<S> for Json<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let visit = visit_of(&request)?;
        read_checked::<B, B::Value>(&visit, request, B::check).await.map(Self)
    }
}

impl<B: Body> RequestPart for Json<B> {
    fn describe(draft: &mut Draft<'_>) {
        let example = B::EXAMPLE.map(|text| {
            serde_json::from_str::<B>(text).expect("an example is a body of its type");
            serde_json::from_str(text).expect("an example is JSON")
        });
        draft.set_json_body::<B>(example);
    }
}

/// The media type of JSON Lines.
pub(super) const JSON_LINES: &str = "application/x-ndjson";

/// The body, as JSON Lines.
pub(crate) struct Lines(pub(crate) Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Lines {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let visit = visit_of(&request)?;
        read_body(&visit, request, &[JSON_LINES, "application/jsonl"]).await.map(Self)
    }
}

impl RequestPart for Lines {
    fn describe(draft: &mut Draft<'_>) {
        let example = "{\"id\":\"018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab\",\"created_at\":1767225600000000,\
                       \"updated_at\":1767225600000000,\"anonymous_since\":1767225600000000,\
                       \"custom_attributes\":{\"cart\":\"c-42\"}}\n";
        draft.set_body(JSON_LINES, json!({"type": "string"}), Some(example.into()));
    }
}

/// The context of a request with a key.
pub(super) fn visit_of(request: &Request) -> Result<Visit, Problem> {
    // `access::admit` adds it on every route.
    request.extensions().get::<Admin>().map(|admin| admin.visit.clone()).ok_or_else(Problem::unexpected)
}

/// The version that a request replaces, from `If-Match`.
pub(crate) struct ReplacedVersion(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for ReplacedVersion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let expected = parts.headers.get(header::IF_MATCH).ok_or_else(Problem::version_missing)?;
        // Proxies that compress responses mark the tag as weak; the version is the same.
        let tag = expected.to_str().unwrap_or_default();
        let version = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse().ok();
        version.map(Self).ok_or_else(|| Problem::unreadable("If-Match: write the ETag of GET /project"))
    }
}

impl RequestPart for ReplacedVersion {
    fn describe(draft: &mut Draft<'_>) {
        draft.add_parameter(json!({
            "name": "If-Match",
            "in": "header",
            "required": true,
            "description": "The ETag of the settings you read. 412 if they were changed since, 428 if the header is missing.",
            "schema": {"type": "string", "pattern": "^\"[1-9][0-9]{0,9}\"$"},
        }));
        draft.refusals.extend([412, 428]);
    }
}

/// The event after which a stream resumes, from `Last-Event-ID`. A value that is no number is ignored.
pub(crate) struct LastEventId(pub(crate) Option<i64>);

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let id = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok());
        Ok(Self(id.and_then(|id| id.parse().ok())))
    }
}

impl RequestPart for LastEventId {
    fn describe(draft: &mut Draft<'_>) {
        draft.add_parameter(json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "Resume after this event. Without it, the stream starts with new events.",
            "schema": {"type": "string"},
        }));
    }
}
