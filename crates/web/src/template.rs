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

/// A URL or an email address for HTML, which may go on in the next line after each of its parts.
#[must_use]
pub fn breakable(url: &str) -> String {
    let mut broken = String::with_capacity(2 * url.len());
    for part in url.split_inclusive(['/', '.', '?', '&', '-', '@']) {
        broken.push_str(&escape(part));
        // Not between the two slashes after the scheme.
        if part.ends_with(['/', '.', '?', '&', '-', '@']) && !broken.ends_with(":/") {
            broken.push_str("<wbr>");
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_breaks_after_its_parts() {
        assert_eq!(
            breakable("https://shop.example/a?b=<c>&d"),
            "https://<wbr>shop.<wbr>example/<wbr>a?<wbr>b=&#60;c&#62;&#38;<wbr>d"
        );
    }

    #[test]
    fn signs_of_html_lose_their_meaning() {
        assert_eq!(
            escape("<a href=\"/?b&amp;c\">'d'</a>"),
            "&#60;a href=&#34;/?b&#38;amp;c&#34;&#62;&#39;d&#39;&#60;/a&#62;"
        );
        assert_eq!(escape("Müller, 2 m²"), "Müller, 2 m²");
    }
}
