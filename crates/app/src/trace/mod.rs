//! Spans for OpenTelemetry: one per request, store write and outgoing call. Without the feature `otel` a span is empty
//! and costs nothing. A span contains route, status and names; never a path, a query, a token or personal data.

#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod on;

#[cfg(not(feature = "otel"))]
pub use self::off::{Span, start_log};
#[cfg(feature = "otel")]
pub use self::on::{Span, start_log};

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
