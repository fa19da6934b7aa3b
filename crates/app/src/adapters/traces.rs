//! The exporter of spans: a collector with OTLP over HTTP, configured by OpenTelemetry's standard environment
//! variables.

use std::{fmt, pin::Pin, time::Duration};

use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokio::runtime::Handle;

use super::http_client;

/// Timeout of one batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum size of a collector's response, in bytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Sets up the export; `None` when no collector is configured, or `OTEL_SDK_DISABLED` is `true`. Must be called within
/// the runtime.
///
/// # Errors
/// A sentence for the operator.
pub fn connect() -> Result<Option<SdkTracerProvider>, String> {
    let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let is_named = is_set("OTEL_EXPORTER_OTLP_ENDPOINT") || is_set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
    if !is_named || is_off {
        return Ok(None);
    }
    let courier = TraceTransport { client: http_client::make_client(PATIENCE)?, runtime: Handle::current() };
    let exporter = SpanExporter::builder().with_http().with_http_client(courier).build();
    let exporter = exporter.map_err(|error| error.to_string())?;
    let mut resource = Resource::builder();
    if !is_set("OTEL_SERVICE_NAME") {
        resource = resource.with_service_name("vestibule");
    }
    Ok(Some(SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build()))
}

/// Sends batches on the runtime's threads: the exporter's own thread has no runtime.
struct TraceTransport {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for TraceTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").finish_non_exhaustive()
    }
}

type ExportResult = Result<http::Response<Bytes>, HttpError>;

impl HttpClient for TraceTransport {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: http::Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = ExportResult> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let client = self.client.clone();
        let carried = self.runtime.spawn(carry(client, request));
        Box::pin(async { carried.await? })
    }
}

async fn carry(client: reqwest::Client, request: http::Request<Bytes>) -> ExportResult {
    let mut response = client.execute(request.try_into()?).await?;
    let mut answer = http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_LIMIT {
            return Err("the collector's response is too long".into());
        }
    }
    Ok(answer.body(body.into())?)
}
