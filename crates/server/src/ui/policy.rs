//! The Content Security Policy of the pages (CSP Level 3).

/// The policy for one page: own scripts and styles only, nothing inline, never framed.
///
/// `form_action_sources` lists where a form's answer may redirect to: Chromium checks `form-action` against redirects
/// after a POST too, so a page whose form ends in the app must name the app's origin or scheme
/// ([`form_action_source`] of its redirect URI). `image_origin` is the origin of the brand's logo.
pub fn content_security_policy(form_action_sources: &[String], image_origin: Option<&str>) -> String {
    let mut policy = String::from(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; img-src 'self'",
    );
    push_source(&mut policy, image_origin.unwrap_or_default());
    policy.push_str("; form-action 'self'");
    for source in form_action_sources {
        push_source(&mut policy, source);
    }
    policy
}

/// The CSP source that lets a form's answer redirect to `redirect_uri`: its origin for `http(s)`, else its scheme.
pub fn form_action_source(redirect_uri: &str) -> Option<String> {
    let (scheme, rest) = redirect_uri.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let well_formed = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !well_formed {
        return None;
    }
    if scheme != "http" && scheme != "https" {
        return Some(format!("{scheme}:"));
    }
    let origin = url::Url::parse(&format!("{scheme}:{rest}")).ok()?.origin();
    // CSP has no syntax for IPv6 hosts: the scheme is the narrowest source that still works.
    let origin = origin.ascii_serialization();
    if origin.contains('[') { Some(format!("{scheme}:")) } else { Some(origin) }
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
    fn a_redirect_uri_is_allowed_by_origin_or_by_scheme() {
        assert_eq!(form_action_source("https://app.example:8443/cb?x=1").as_deref(), Some("https://app.example:8443"));
        assert_eq!(form_action_source("http://[::1]:3000/cb").as_deref(), Some("http:"));
        assert_eq!(form_action_source("com.example.app://host/path").as_deref(), Some("com.example.app:"));
        assert_eq!(form_action_source("nonsense"), None);
        assert_eq!(form_action_source("a;b:c"), None);
    }

    #[test]
    fn a_source_cannot_smuggle_in_a_directive() {
        let policy =
            content_security_policy(&["https://a.example; script-src *".to_owned()], Some("https://cdn.example"));
        assert!(policy.contains("img-src 'self' https://cdn.example;"), "{policy}");
        assert!(policy.ends_with("form-action 'self'"), "{policy}");
    }
}
