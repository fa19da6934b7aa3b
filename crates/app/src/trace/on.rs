//! Spans for OpenTelemetry, separate from the log, which does not contain them.

use std::sync::Arc;

use http::{HeaderMap, Method};
use opentelemetry::{
    propagation::TextMapPropagator as _,
    trace::{SpanKind, TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::{propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Instrument as _, Level, field::Empty, instrument::Instrumented};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::log_writer::{LogWriter, log_panics};
use crate::{
    adapters::traces,
    config::{Config, LogFormat},
};

/// The target of all spans, including the store's.
const TARGET: &str = "vestibule::trace";

/// A span that ends when it is dropped.
#[derive(Clone, Debug)]
pub struct Span(tracing::Span);

impl Span {
    /// The span of a request; `headers` are given only if the sender's trace context is trusted.
    pub fn of_request(method: &Method, headers: Option<&HeaderMap>) -> Self {
        let span = tracing::span!(
            target: TARGET,
            Level::INFO,
            "request",
            otel.kind = ?SpanKind::Server,
            otel.status_code = Empty,
            http.request.method = known(method),
            http.route = Empty,
            http.response.status_code = Empty,
        );
        if let Some(headers) = headers {
            // Fails when spans are not collected; there is then no parent to set.
            let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(headers)));
        }
        Self(span)
    }

    /// The span of an outgoing call.
    pub(crate) fn of_call(name: &'static str, host: Option<&str>) -> Self {
        Self(tracing::span!(
            target: TARGET,
            Level::INFO,
            "call",
            otel.kind = ?SpanKind::Client,
            otel.name = name,
            otel.status_code = Empty,
            server.address = host,
            http.response.status_code = Empty,
        ))
    }

    /// Runs the work within the span.
    pub fn around<F: Future>(&self, work: F) -> Instrumented<F> {
        work.instrument(self.0.clone())
    }

    /// Records the response; `route` is the pattern, never the path.
    pub fn answered(&self, method: &Method, route: &str, status: u16) {
        if self.0.is_disabled() {
            return;
        }
        // A span's name can only be changed through OpenTelemetry's own context.
        self.0.context().span().update_name(format!("{} {route}", known(method)));
        self.0.record("http.route", route);
        self.ended(Some(status), status >= 500);
    }

    /// Records the result of a call.
    pub fn ended(&self, status: Option<u16>, has_failed: bool) {
        if let Some(status) = status {
            self.0.record("http.response.status_code", i64::from(status));
        }
        if has_failed {
            self.0.record("otel.status_code", "ERROR");
        }
    }

    /// Adds the trace context to a request's headers (W3C Trace Context).
    pub(crate) fn write_into(&self, headers: &mut HeaderMap) {
        TraceContextPropagator::new().inject_context(&self.0.context(), &mut HeaderInjector(headers));
    }
}

/// Maps unknown methods to one name: clients can send any word.
fn known(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "_OTHER",
    }
}

/// The exporter, to be flushed when the process ends.
#[derive(Default)]
pub(super) struct Exporting(Option<SdkTracerProvider>);

impl Exporting {
    pub(super) async fn finish(self) {
        let Some(provider) = self.0 else { return };
        // Shutting down waits for the collector, which must not block this thread.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be exported");
        }
    }
}

pub(super) fn start(config: &Config, writer: &Arc<LogWriter>) -> Exporting {
    let (provider, problem) = match traces::connect() {
        Ok(provider) => (provider, None),
        Err(problem) => (None, Some(problem)),
    };
    let spans = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("vestibule"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
    });
    let filter = config.log.filter.parse::<EnvFilter>().unwrap_or_default();
    let filter = filter.add_directive("vestibule::trace=off".parse().expect("a directive"));
    let log = tracing_subscriber::fmt::layer().with_writer(Arc::clone(writer)).with_ansi(crate::trace::may_color_log());
    // A log that cannot be written must not end the thread that writes it.
    let log = log.log_internal_errors(false);
    let log: Box<dyn Layer<Registry> + Send + Sync> = match config.log.format {
        LogFormat::Text => log.with_filter(filter).boxed(),
        LogFormat::Json => log.json().flatten_event(true).with_filter(filter).boxed(),
    };
    // A second call, as in tests, keeps the first configuration.
    if tracing_subscriber::registry().with(log).with(spans).try_init().is_ok() {
        log_panics();
    }
    match (problem, &provider) {
        (Some(problem), _) => tracing::warn!(error = problem, "tracing is disabled"),
        (None, Some(_)) => tracing::info!("exporting traces"),
        (None, None) => {}
    }
    Exporting(provider)
}
