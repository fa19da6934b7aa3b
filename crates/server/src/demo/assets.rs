//! The demo's embedded files and their headers.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/demo-assets"]
struct Assets;

/// The bytes of an embedded file that exists at build time.
pub(super) fn read(path: &str) -> Vec<u8> {
    Assets::get(path).map(|file| file.data.into_owned()).unwrap_or_default()
}

/// Serves one asset by its path below the mount point, or 404.
pub(super) async fn serve(Path(path): Path<String>, request: HeaderMap) -> Response {
    let Some(file) = Assets::get(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = etag(&file);
    if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    // `no-cache` means "revalidate": an edited example shows at the next reload.
    let headers = [
        (header::CONTENT_TYPE, content_type(&path).to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::ETAG, etag),
    ];
    (headers, Body::from(file.data.into_owned())).into_response()
}

/// Serves an embedded page with a Content-Security-Policy that allows its own files and `connect` only.
pub(super) fn page(path: &str, connect: &str) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self'; \
         connect-src 'self' {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, Body::from(read(path))).into_response()
}

/// The page for an address that the shop does not have.
pub(super) fn missing() -> Response {
    let mut response = page("missing.html", "");
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn etag(file: &EmbeddedFile) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&file.metadata.sha256_hash()[..12]))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_file_has_a_content_type_of_its_own() {
        let odd: Vec<_> = Assets::iter().filter(|path| content_type(path) == "application/octet-stream").collect();
        assert!(odd.is_empty(), "no content type for {odd:?}");
    }

    #[test]
    fn pages_have_no_inline_script_style_or_handler() {
        for page in ["index.html", "mailbox.html", "dev-mailbox.html", "missing.html"] {
            let html = String::from_utf8(read(page)).expect("pages are UTF-8");
            assert!(html.starts_with("<!doctype html>"), "{page}");
            assert!(!html.contains("<style") && !html.contains(" style="), "inline style in {page}");
            assert!(!html.contains(" onclick=") && !html.contains("<script>"), "inline script in {page}");
        }
    }

    #[test]
    fn pages_ask_only_for_files_that_exist() {
        for page in ["index.html", "mailbox.html", "dev-mailbox.html", "missing.html"] {
            let html = String::from_utf8(read(page)).expect("pages are UTF-8");
            for part in html.split("/assets/").skip(1) {
                let path = part.split('"').next().expect("split yields at least one part");
                assert!(Assets::get(path).is_some(), "{page} asks for {path}");
            }
        }
    }
}
