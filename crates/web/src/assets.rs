//! Style sheets, scripts and icons: embedded, with hashed names, cached forever.

use axum::{
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    asset,
    brand::{Brand, brand_of},
    credentials::NoCredential,
    route::path_parameter,
    theme,
    visit::Visit,
};

/// For what has its hash in its URL.
pub const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Serves an embedded asset, or the project's colors.
pub async fn serve(visit: Visit, _: NoCredential, request: Request) -> Response {
    let path = path_parameter(&mut request.into_parts().0, "path").await;
    find(&path, &brand_of(&visit.project))
}

/// An embedded asset, or the colors of this brand.
pub fn find(path: &str, brand: &Brand) -> Response {
    if format!("/assets/{path}") == theme::theme_href(brand) {
        let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, FOR_EVER)];
        return (headers, theme::theme_css(brand)).into_response();
    }
    match asset::asset(path) {
        Some(asset) => {
            // A page of an earlier release may request an older hash: it gets the current file, but must revalidate it.
            let caching = if asset.immutable { FOR_EVER } else { "no-cache" };
            let headers = [(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, caching)];
            (headers, asset.bytes).into_response()
        }
        None => (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "no such asset\n").into_response(),
    }
}
