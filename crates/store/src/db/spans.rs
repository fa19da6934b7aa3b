//! A trace span around each named write; contains names, never values.

use tracing::{Instrument as _, Span, field::Empty, instrument::Instrumented};

use super::Engine;

/// Wraps the write in a span of its own.
pub(super) fn wrap<F: Future>(engine: Engine, name: &'static str, writing: F) -> (Span, Instrumented<F>) {
    let system = match engine {
        Engine::Sqlite => "sqlite",
        Engine::Postgres => "postgresql",
    };
    let span = tracing::info_span!(
        target: "vestibule::trace",
        "write",
        otel.kind = "client",
        otel.name = name,
        db.system.name = system,
        db.operation.name = name,
        vestibule.write.kept = Empty,
    );
    let writing = writing.instrument(span.clone());
    (span, writing)
}

/// Records the outcome. A refusal is not a fault, so a write that was rolled back is not an error.
pub(super) fn end(span: &Span, is_kept: bool) {
    span.record("vestibule.write.kept", is_kept);
}
