//! The Content Security Policy of the pages (CSP Level 3).

/// The targets of a page's forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forms {
    /// Other pages of this server.
    Stay,
    /// Possibly an app, after the last step.
    Leave,
}

/// The policy for one page: own scripts and styles only, nothing inline, no framing.
///
/// A page whose form may lead to an app has no `form-action`. Chromium and Safari apply that directive to every
/// redirect after the form's response, including the app's own (to another host, to an app link). The app decides on
/// those, and a policy that does not list the last one would block the navigation.
/// `image_origin` is the origin of the brand's logo.
pub fn content_security_policy(forms: Forms, image_origin: Option<&str>) -> String {
    let mut policy = String::from(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; img-src 'self'",
    );
    push_source(&mut policy, image_origin.unwrap_or_default());
    match forms {
        Forms::Stay => policy.push_str("; form-action 'self'"),
        Forms::Leave => {}
    }
    policy
}

/// The policy for a hosted page in the frame of a preview: without scripts and forms, and in no frame of others. It keeps its origin,
/// or its style sheets would be fetched without the cookie of who looks at it.
pub fn preview_policy(image_origin: Option<&str>) -> String {
    let mut policy = String::from(
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
         sandbox allow-same-origin; img-src 'self'",
    );
    push_source(&mut policy, image_origin.unwrap_or_default());
    policy
}

/// Adds a source. One that contains a delimiter would start another directive, so it is dropped.
fn push_source(policy: &mut String, source: &str) {
    let clean = source.chars().all(|c| c.is_ascii_graphic() && !matches!(c, ';' | ',' | '\'' | '"'));
    if clean && !source.is_empty() {
        policy.push(' ');
        policy.push_str(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_leaves_is_not_held_back() {
        assert!(content_security_policy(Forms::Stay, None).ends_with("; form-action 'self'"));
        let leaving = content_security_policy(Forms::Leave, None);
        assert!(!leaving.contains("form-action") && leaving.contains("default-src 'none'"), "{leaving}");
    }

    #[test]
    fn a_source_cannot_smuggle_in_a_directive() {
        for (source, end) in [
            ("https://cdn.example", "img-src 'self' https://cdn.example"),
            ("https://a; script-src *", "img-src 'self'"),
        ] {
            let policy = content_security_policy(Forms::Leave, Some(source));
            assert!(policy.ends_with(end), "{policy}");
            let preview = preview_policy(Some(source));
            assert!(preview.ends_with(end) && !preview.contains("script-src"), "{preview}");
        }
    }
}
