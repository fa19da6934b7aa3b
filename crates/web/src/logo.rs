//! Uploaded logos: served as what they are, and as nothing else.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use vestibule_app::logos;
use vestibule_domain::logo::ImageFormat;

use crate::{assets::FOR_EVER, credentials::NoCredential, error, route::path_parameter, visit::Visit};

/// Serves the logo of the project.
pub async fn serve(visit: Visit, _: NoCredential, request: Request) -> Response {
    let file = path_parameter(&mut request.into_parts().0, "file").await;
    match logos::find_content(&visit.ctx(), &file).await {
        Ok(Some(found)) => respond(found, FOR_EVER),
        Ok(None) => missing(),
        Err(failed) => {
            let failed = failed.into();
            error::log(&visit, &failed);
            let response = error::plain(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment\n");
            error::with_retry_after(response, error::retry_after(&failed))
        }
    }
}

/// The response with an image.
pub fn respond((format, content): (ImageFormat, Bytes), caching: &'static str) -> Response {
    let mut response = content.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, format.media_type()),
        (header::CACHE_CONTROL, caching),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Nothing runs where the image is opened by itself.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// The response where there is no such logo, or no longer.
pub fn missing() -> Response {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "no such logo\n").into_response()
}
