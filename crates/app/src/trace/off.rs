//! Tracing without the feature `otel`: only the log.

use std::sync::Arc;

use http::{HeaderMap, Method};
use tracing_subscriber::EnvFilter;

use super::log_writer::{LogWriter, log_panics};
use crate::config::{Config, LogFormat};

#[derive(Clone, Copy, Debug)]
pub struct Span;

impl Span {
    pub const fn of_request(_: &Method, _: Option<&HeaderMap>) -> Self {
        Self
    }

    pub(crate) const fn of_call(_: &'static str, _: Option<&str>) -> Self {
        Self
    }

    pub fn around<F: Future>(&self, work: F) -> F {
        work
    }

    pub const fn answered(&self, _: &Method, _: &str, _: u16) {}

    pub const fn ended(&self, _: Option<u16>, _: bool) {}

    pub(crate) const fn write_into(&self, _: &mut HeaderMap) {}
}

#[derive(Default)]
pub(super) struct Exporting;

impl Exporting {
    pub(super) async fn finish(self) {}
}

pub(super) fn start(config: &Config, writer: &Arc<LogWriter>) -> Exporting {
    let filter = config.log.filter.parse::<EnvFilter>().unwrap_or_default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Arc::clone(writer));
    // A log that cannot be written must not end the thread that writes it.
    let log = log.with_ansi(crate::trace::may_color_log()).log_internal_errors(false);
    // A second call, as in tests, keeps the first configuration.
    let started = match config.log.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if started.is_ok() {
        log_panics();
    }
    if ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        tracing::warn!("OTEL_EXPORTER_OTLP_ENDPOINT is set, but this binary was built without the feature otel");
    }
    Exporting
}
