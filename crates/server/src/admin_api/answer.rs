//! What handlers return: JSON of a view, no content, or a stream. The type names the view, so that the description can.

use std::marker::PhantomData;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::{
    describe::{Draft, Output},
    input::JSON_LINES,
    read,
};

/// A view of this type as JSON, with this status.
pub(crate) struct Answer<const STATUS: u16, V> {
    response: Response,
    view: PhantomData<fn() -> V>,
}

/// 200 with a view.
pub(crate) type Good<V> = Answer<200, V>;
/// 201 with a view of what was created.
pub(crate) type Created<V> = Answer<201, V>;

impl<const STATUS: u16, V: Serialize> Answer<STATUS, V> {
    /// Prints the view.
    pub(crate) fn print(view: &V) -> Self {
        let status = StatusCode::from_u16(STATUS).expect("the two aliases name statuses of HTTP");
        Self { response: read::json(status, view), view: PhantomData }
    }
}

impl<const STATUS: u16, V> IntoResponse for Answer<STATUS, V> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<const STATUS: u16, V: JsonSchema> Output for Answer<STATUS, V> {
    fn describe(draft: &mut Draft<'_>) {
        draft.set_json_success::<V>(STATUS);
    }
}

/// 200 with a view and its version as `ETag`.
pub(crate) struct Tagged<V>(Good<V>);

impl<V: Serialize> Tagged<V> {
    pub(crate) fn print(view: &V, version: i64) -> Self {
        let mut good = Good::print(view);
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
            good.response.headers_mut().insert(header::ETAG, tag);
        }
        Self(good)
    }
}

impl<V> IntoResponse for Tagged<V> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl<V: JsonSchema> Output for Tagged<V> {
    fn describe(draft: &mut Draft<'_>) {
        draft.set_json_success::<V>(200);
        draft.success.1.insert("headers".into(), json!({"ETag": {"schema": {"type": "string"}}}));
    }
}

/// 204.
pub(crate) struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Output for NoContent {
    fn describe(draft: &mut Draft<'_>) {
        draft.success.0 = 204;
    }
}

/// What a stream can be.
pub(crate) trait Media {
    const TYPES: &'static [&'static str];
}

/// A response of this kind that is sent while it is made.
pub(crate) struct Streamed<M>(Response, PhantomData<fn() -> M>);

impl<M: Media> Streamed<M> {
    pub(crate) fn new(response: Response) -> Self {
        Self(response, PhantomData)
    }
}

impl<M> IntoResponse for Streamed<M> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<M: Media> Output for Streamed<M> {
    fn describe(draft: &mut Draft<'_>) {
        let content = M::TYPES.iter().map(|name| ((*name).to_string(), json!({"schema": {"type": "string"}})));
        draft.success.1.insert("content".into(), content.collect::<serde_json::Map<_, _>>().into());
    }
}

/// JSON Lines.
pub(crate) struct JsonLines;

impl Media for JsonLines {
    const TYPES: &'static [&'static str] = &[JSON_LINES];
}

/// JSON Lines or CSV, as the query says.
pub(crate) struct LinesOrCsv;

impl Media for LinesOrCsv {
    const TYPES: &'static [&'static str] = &[JSON_LINES, "text/csv"];
}

/// Server-sent events.
pub(crate) struct EventStream;

impl Media for EventStream {
    const TYPES: &'static [&'static str] = &["text/event-stream"];
}
