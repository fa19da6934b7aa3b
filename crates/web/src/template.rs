//! Rendering of templates, and of HTML that is written without one.

use askama::filters::{Escaper as _, Html};

/// A rendered template. Rendering writes to memory from plain values, so it cannot fail.
pub fn finish(rendered: askama::Result<String>) -> String {
    rendered.expect("a template that only prints values into a String cannot fail")
}

/// Text for HTML and SVG, also within an attribute's quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    Html.write_escaped_str(&mut escaped, text).expect("writing to a String cannot fail");
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_html_lose_their_meaning() {
        assert_eq!(
            escape("<a href=\"/?b&amp;c\">'d'</a>"),
            "&#60;a href=&#34;/?b&#38;amp;c&#34;&#62;&#39;d&#39;&#60;/a&#62;"
        );
        assert_eq!(escape("Müller, 2 m²"), "Müller, 2 m²");
    }
}
