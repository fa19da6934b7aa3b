//! Rendering of templates.

/// A rendered template. Rendering writes to memory from plain values, so it cannot fail.
pub fn finish(rendered: askama::Result<String>) -> String {
    rendered.expect("a template that only prints values into a String cannot fail")
}
