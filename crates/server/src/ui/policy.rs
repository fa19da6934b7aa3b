//! The Content Security Policy of the pages (CSP Level 3).

/// Where the forms of a page lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forms {
    /// To other pages of ours.
    Stay,
    /// Out to an app, once what was asked for is done.
    Leave,
}

/// The policy for one page: own scripts and styles only, nothing inline, never framed.
///
/// A page whose form may end in an app has no `form-action`. Chromium and Safari hold that directive against every
/// redirect after the form's answer, also those the app makes by itself (to another host, to an app link): the app
/// decides where they lead, and a policy that does not name the last of them strands the person on our page.
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

/// A source with a delimiter inside would start another directive: such a one is dropped.
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
        }
    }
}
