//! Tracing without the feature `otel`: only the log.

use http::{HeaderMap, Method};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Span;

impl Span {
    pub(crate) const fn of_request(_: &Method, _: Option<&HeaderMap>) -> Self {
        Self
    }

    pub(crate) const fn of_call(_: &'static str, _: Option<&str>) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "a span that is one does something with itself")]
    pub(crate) fn around<F: Future>(&self, work: F) -> F {
        work
    }

    #[expect(clippy::unused_self, reason = "a span that is one does something with itself")]
    pub(crate) const fn answered(&self, _: &Method, _: &str, _: u16) {}

    #[expect(clippy::unused_self, reason = "a span that is one does something with itself")]
    pub(crate) const fn ended(&self, _: Option<u16>, _: bool) {}

    #[expect(clippy::unused_self, reason = "a span that is one does something with itself")]
    pub(crate) const fn write_into(&self, _: &mut HeaderMap) {}
}

pub(crate) struct Exporting;

impl Exporting {
    pub(crate) async fn finish(self) {}
}

pub(crate) fn start_log(config: &Config) -> Exporting {
    let filter = config.log.filter.parse::<EnvFilter>().unwrap_or_default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that cannot be written must not end the thread that writes it.
    let log = log.with_ansi(super::may_color_log()).log_internal_errors(false);
    // A second call, as in tests, keeps the first configuration.
    let _ = match config.log.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        tracing::warn!("OTEL_EXPORTER_OTLP_ENDPOINT is set, but this binary was built without the feature otel");
    }
    Exporting
}
