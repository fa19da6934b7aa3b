//! Spans for OpenTelemetry: one per request, store write and outgoing call. Without the feature `otel` a span is empty
//! and costs nothing. A span contains route, status and names; never a path, a query, a token or personal data.

mod log_writer;
#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod on;

#[cfg(not(feature = "otel"))]
pub use self::off::Span;
#[cfg(not(feature = "otel"))]
use self::off::{Exporting, start};
#[cfg(feature = "otel")]
pub use self::on::Span;
#[cfg(feature = "otel")]
use self::on::{Exporting, start};

use std::sync::{Arc, atomic::AtomicU64};

use self::log_writer::LogWriter;
use crate::config::Config;

/// The log, and the export of spans where it is configured. The last lines are written when it is dropped.
pub struct Log {
    writer: Arc<LogWriter>,
    spans: Exporting,
}

impl Log {
    /// The number of lines that were dropped since the start, because they could not be written.
    #[must_use]
    pub fn dropped_lines(&self) -> Arc<AtomicU64> {
        self.writer.dropped()
    }

    /// Exports the last spans.
    pub async fn finish(mut self) {
        std::mem::take(&mut self.spans).finish().await;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.writer.flush();
    }
}

/// Starts the log, and the export of spans when the environment configures a collector. Panics are logged, too.
#[must_use]
pub fn start_log(config: &Config) -> Log {
    let writer = Arc::new(LogWriter::start(std::io::stderr()));
    let spans = start(config, &writer);
    Log { writer, spans }
}

/// Whether the log is colored: on a terminal only, and not when `NO_COLOR` is set (<https://no-color.org>).
fn is_colored(is_terminal: bool, no_color: Option<&std::ffi::OsStr>) -> bool {
    is_terminal && no_color.is_none_or(std::ffi::OsStr::is_empty)
}

fn may_color_log() -> bool {
    is_colored(std::io::IsTerminal::is_terminal(&std::io::stderr()), std::env::var_os("NO_COLOR").as_deref())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::is_colored;

    #[test]
    fn the_log_is_colored_on_terminals_only_and_not_against_the_users_wish() {
        for (is_terminal, no_color, expected) in [
            (true, None, true),
            (true, Some(""), true),
            (true, Some("1"), false),
            (false, None, false),
            (false, Some("1"), false),
        ] {
            assert_eq!(is_colored(is_terminal, no_color.map(OsStr::new)), expected, "{is_terminal} {no_color:?}");
        }
    }
}
