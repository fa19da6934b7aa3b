//! Spans for OpenTelemetry: one for each request, store write and call to the outside. Without the feature `otel` a span is
//! nothing and costs nothing. A span holds route, status and names; never a path, a query, a token or who it was.

#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod on;

#[cfg(not(feature = "otel"))]
pub(crate) use self::off::{Span, start_log};
#[cfg(feature = "otel")]
pub(crate) use self::on::{Span, start_log};
