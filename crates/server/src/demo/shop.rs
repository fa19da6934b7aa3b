//! The demo shop's HTTP handlers: its page, the page's settings, and carts behind an access token.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    assets,
    bearer::{Bearers, WhoseError},
    cart::{Carts, Items, MOST, OpenError},
    signature,
};

/// The path of the shop after sign-in; register `public_origin` + this as a redirect URI.
pub const REDIRECT_PATH: &str = "/after-login";
/// The path of the shop's webhook.
pub const HOOK_PATH: &str = "/hooks/vestibule";

/// The shop's configuration.
#[derive(Clone, Debug)]
pub struct ShopConfig {
    /// Public origin of the identity server, without a trailing slash.
    pub issuer: String,
    /// The shop's client ID.
    pub client_id: String,
    /// The shop's own public origin, without a trailing slash.
    pub public_origin: String,
    pub data_file: PathBuf,
    /// The project's webhook secret; without one, the shop takes no events.
    pub webhook_secret: Option<Vec<u8>>,
}

struct Shop {
    config: ShopConfig,
    products: BTreeSet<String>,
    bearers: Bearers,
    carts: Carts,
}

#[derive(Deserialize)]
struct Product {
    id: String,
}

#[derive(Deserialize)]
struct Quantity {
    quantity: u32,
}

/// The shop's routes, on a separate origin.
///
/// # Errors
/// [`OpenError`] when the data file cannot be read and written.
pub fn router(config: ShopConfig) -> Result<Router, OpenError> {
    let products: Vec<Product> =
        serde_json::from_slice(&assets::read("products.json")).expect("products.json is embedded, and a test reads it");
    let shop = Arc::new(Shop {
        products: products.into_iter().map(|product| product.id).collect(),
        bearers: Bearers::new(&config.issuer)?,
        carts: Carts::open(config.data_file.clone())?,
        config,
    });
    Ok(Router::new()
        .route("/", get(show_page))
        .route(REDIRECT_PATH, get(show_page))
        .route("/config.json", get(show_config))
        .route("/assets/{*path}", get(assets::serve))
        .fallback(|| async { assets::missing() })
        .route(HOOK_PATH, post(take_event))
        .route("/api/cart", get(show_cart))
        .route("/api/cart/{product}", put(set_quantity))
        .route("/api/cart/from/{guest}", get(show_whether_come))
        .with_state(shop))
}

async fn show_page(State(shop): State<Arc<Shop>>) -> Response {
    assets::page("index.html", &shop.config.issuer)
}

async fn show_config(State(shop): State<Arc<Shop>>) -> Response {
    let ShopConfig { issuer, client_id, public_origin, .. } = &shop.config;
    answer(json!({ "issuer": issuer, "client_id": client_id, "public_origin": public_origin }))
}

async fn show_cart(State(shop): State<Arc<Shop>>, headers: HeaderMap) -> Result<Response, ShopError> {
    let sub = shop.find_sub(&headers).await?;
    Ok(answer_cart(&shop.carts.find(&sub).await))
}

/// Whether a guest's cart has come into the cart of this user. The identity server asks the shop to move it right after the visitor has
/// agreed: that may be before the page is back, or after.
async fn show_whether_come(
    State(shop): State<Arc<Shop>>,
    Path(guest): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ShopError> {
    let sub = shop.find_sub(&headers).await?;
    Ok(answer(json!({ "has_come": shop.carts.has_come(&guest, &sub).await })))
}

async fn set_quantity(
    State(shop): State<Arc<Shop>>,
    Path(product): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Quantity>, JsonRejection>,
) -> Result<Response, ShopError> {
    let sub = shop.find_sub(&headers).await?;
    if !shop.products.contains(&product) {
        return Err(ShopError::UnknownProduct);
    }
    let quantity = match body {
        Ok(Json(Quantity { quantity })) if quantity <= MOST => quantity,
        Ok(_) | Err(_) => return Err(ShopError::BadQuantity),
    };
    match shop.carts.set_quantity(sub, product, quantity).await {
        Ok(items) => Ok(answer_cart(&items)),
        Err(error) => {
            tracing::error!(error = %error, "the demo shop could not store a cart");
            Err(ShopError::NotStored)
        }
    }
}

#[derive(Deserialize)]
struct HookEvent {
    #[serde(rename = "type")]
    kind: String,
    payload: serde_json::Value,
}

/// Moves the cart of a guest that is merged into a member, and says so; moves it back when the merge does not last. Everything else is
/// taken and changes nothing.
async fn take_event(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: String) -> Result<Response, ShopError> {
    let secret = shop.config.webhook_secret.as_deref().ok_or(ShopError::NotSigned)?;
    if !signature::is_right(secret, &headers, &body) {
        return Err(ShopError::NotSigned);
    }
    let event: HookEvent = serde_json::from_str(&body).map_err(|_| ShopError::BadEvent)?;
    let text = |name: &str| event.payload[name].as_str().map(str::to_string).ok_or(ShopError::BadEvent);
    let merge = || Ok::<_, ShopError>((text("merge_id")?, text("from")?, text("into")?));
    let (moved, reply) = match event.kind.as_str() {
        "user.merge.requested" => {
            let (id, from, into) = merge()?;
            (shop.carts.move_cart(id, from, into).await, json!({ "merge": "settled" }))
        }
        "user.merge.refused" | "user.merge.undone" => {
            let (id, from, into) = merge()?;
            (shop.carts.move_back(id, from, into).await, json!({}))
        }
        _ => return Ok(answer(json!({}))),
    };
    // A failure is no answer: the shop is asked again.
    moved.map_err(|error| {
        tracing::error!(error = %error, "the demo shop could not move a cart");
        ShopError::NotStored
    })?;
    Ok(answer(reply))
}

impl Shop {
    async fn find_sub(&self, headers: &HeaderMap) -> Result<String, ShopError> {
        let token = find_bearer(headers).ok_or(ShopError::NoToken)?;
        self.bearers.find_sub(token).await.map_err(|error| match error {
            WhoseError::Unknown => ShopError::DeadToken,
            WhoseError::Unreachable(reason) => {
                tracing::warn!(%reason, "the demo shop could not verify a token");
                ShopError::IdentityServerUnavailable
            }
        })
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1; the scheme is case-insensitive).
fn find_bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

fn answer_cart(items: &Items) -> Response {
    answer(json!({ "items": items }))
}

fn answer(body: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// Why the shop refused a request.
#[derive(Clone, Copy, Debug)]
enum ShopError {
    NoToken,
    DeadToken,
    IdentityServerUnavailable,
    UnknownProduct,
    BadQuantity,
    NotStored,
    NotSigned,
    BadEvent,
}

impl IntoResponse for ShopError {
    fn into_response(self) -> Response {
        let (status, code) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, "no_token"),
            Self::DeadToken => (StatusCode::UNAUTHORIZED, "dead_token"),
            Self::IdentityServerUnavailable => (StatusCode::BAD_GATEWAY, "identity_server_unreachable"),
            Self::UnknownProduct => (StatusCode::NOT_FOUND, "unknown_product"),
            Self::BadQuantity => (StatusCode::BAD_REQUEST, "bad_quantity"),
            Self::NotSigned => (StatusCode::UNAUTHORIZED, "not_signed"),
            Self::BadEvent => (StatusCode::BAD_REQUEST, "bad_event"),
            Self::NotStored => (StatusCode::INTERNAL_SERVER_ERROR, "not_stored"),
        };
        (status, answer(json!({ "error": code }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    /// An identity server that knows two tokens and counts the requests.
    async fn start_issuer(request_count: Arc<AtomicUsize>) -> String {
        let userinfo = move |headers: HeaderMap| async move {
            request_count.fetch_add(1, Ordering::SeqCst);
            match find_bearer(&headers) {
                Some("token-of-anna") => Json(json!({ "sub": "anna" })).into_response(),
                Some("token-of-ben") => Json(json!({ "sub": "ben" })).into_response(),
                Some("token-of-trouble") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                Some(_) | None => (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_grant" }))).into_response(),
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/oauth2/userinfo", get(userinfo));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        origin
    }

    struct Fixture {
        router: Router,
        request_count: Arc<AtomicUsize>,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        async fn start() -> Self {
            let request_count = Arc::new(AtomicUsize::new(0));
            let folder = tempfile::tempdir().unwrap();
            let config = ShopConfig {
                issuer: start_issuer(Arc::clone(&request_count)).await,
                client_id: "demo-web".into(),
                public_origin: "http://localhost:4101".into(),
                data_file: folder.path().join("shop.json"),
                webhook_secret: Some(b"of the demo".to_vec()),
            };
            Self { router: router(config).unwrap(), request_count, _folder: folder }
        }

        async fn send(
            &self,
            method: &str,
            path: &str,
            token: Option<&str>,
            body: &str,
        ) -> (StatusCode, serde_json::Value) {
            let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
            if let Some(token) = token {
                request = request.header("authorization", format!("bearer {token}"));
            }
            let response =
                self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
            let status = response.status();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            (status, serde_json::from_slice(&bytes).unwrap_or_default())
        }
    }

    #[tokio::test]
    async fn a_cart_belongs_to_the_sub_of_the_token() {
        let shop = Fixture::start().await;
        let (status, body) = shop.send("PUT", "/api/cart/mat", Some("token-of-anna"), r#"{"quantity":2}"#).await;
        assert_eq!((status, body), (StatusCode::OK, json!({ "items": { "mat": 2 } })));
        let (_, body) = shop.send("GET", "/api/cart", Some("token-of-ben"), "").await;
        assert_eq!(body, json!({ "items": {} }));
        let (_, body) = shop.send("GET", "/api/cart", Some("token-of-anna"), "").await;
        assert_eq!(body, json!({ "items": { "mat": 2 } }));
    }

    #[tokio::test]
    async fn a_cart_moves_when_a_signed_event_says_so() {
        let shop = Fixture::start().await;
        shop.send("PUT", "/api/cart/mat", Some("token-of-anna"), r#"{"quantity":2}"#).await;
        let event =
            json!({"type": "user.merge.requested", "payload": {"merge_id": "m1", "from": "anna", "into": "ben"}})
                .to_string();
        let tell = |secret: &'static str, event: String| {
            let router = shop.router.clone();
            async move {
                let (id, at) = ("msg_1", signature::now().to_string());
                let signed = signature::sign(secret.as_bytes(), (id, &at), &event);
                let request = Request::builder().method("POST").uri(HOOK_PATH);
                let request = request
                    .header("webhook-id", id)
                    .header("webhook-timestamp", at)
                    .header("webhook-signature", signed);
                let response = router.oneshot(request.body(Body::from(event)).unwrap()).await.unwrap();
                let status = response.status().as_u16();
                let bytes = response.into_body().collect().await.unwrap().to_bytes();
                (status, serde_json::from_slice::<serde_json::Value>(&bytes).unwrap())
            }
        };
        assert_eq!(tell("guessed", event.clone()).await.0, 401);
        assert_eq!(tell("of the demo", "{}".into()).await.0, 400);
        assert_eq!(tell("of the demo", event.replace("merge.requested", "merged")).await, (200, json!({})));
        let (_, body) = shop.send("GET", "/api/cart", Some("token-of-ben"), "").await;
        assert_eq!(body, json!({ "items": {} }));
        let has_come = |token: &'static str| {
            let shop = &shop;
            async move { shop.send("GET", "/api/cart/from/anna", Some(token), "").await.1 }
        };
        assert_eq!(has_come("token-of-ben").await, json!({ "has_come": false }));
        for _ in 0..2 {
            assert_eq!(tell("of the demo", event.clone()).await, (200, json!({"merge": "settled"})));
        }
        let (_, body) = shop.send("GET", "/api/cart", Some("token-of-ben"), "").await;
        assert_eq!(body, json!({ "items": { "mat": 2 } }));
        assert_eq!(has_come("token-of-ben").await, json!({ "has_come": true }));
        assert_eq!(has_come("token-of-anna").await, json!({ "has_come": false }), "only its new owner is told");
        for end in ["undone", "refused"] {
            assert_eq!(tell("of the demo", event.replace("requested", end)).await, (200, json!({})));
            let (_, body) = shop.send("GET", "/api/cart", Some("token-of-anna"), "").await;
            assert_eq!(body, json!({ "items": { "mat": 2 } }), "{end}");
            assert_eq!(has_come("token-of-ben").await, json!({ "has_come": false }));
        }
    }

    #[tokio::test]
    async fn the_identity_server_is_called_once_for_a_token_in_use() {
        let shop = Fixture::start().await;
        for _ in 0..5 {
            assert_eq!(shop.send("GET", "/api/cart", Some("token-of-anna"), "").await.0, StatusCode::OK);
        }
        assert_eq!(shop.request_count.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_done_is_refused_by_name() {
        let shop = Fixture::start().await;
        let anna = Some("token-of-anna");
        let table = [
            ("GET", "/api/cart", None, "", 401, "no_token"),
            ("GET", "/api/cart", Some(""), "", 401, "no_token"),
            ("GET", "/api/cart", Some("dead"), "", 401, "dead_token"),
            ("GET", "/api/cart", Some("token-of-trouble"), "", 502, "identity_server_unreachable"),
            ("PUT", "/api/cart/castle", anna, r#"{"quantity":1}"#, 404, "unknown_product"),
            ("PUT", "/api/cart/mat", anna, r#"{"quantity":100}"#, 400, "bad_quantity"),
            ("PUT", "/api/cart/mat", anna, r#"{"quantity":-1}"#, 400, "bad_quantity"),
            ("PUT", "/api/cart/mat", anna, "two", 400, "bad_quantity"),
        ];
        for (method, path, token, body, status, code) in table {
            let (got, answer) = shop.send(method, path, token, body).await;
            assert_eq!((got.as_u16(), &answer["error"]), (status, &json!(code)), "{method} {path} {body}");
        }
    }

    #[tokio::test]
    async fn an_address_that_the_shop_does_not_have_gets_a_page() {
        let request = Request::builder().uri("/nowhere").body(Body::empty()).unwrap();
        let response = Fixture::start().await.router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains("Back to the shop"));
    }

    #[tokio::test]
    async fn the_page_may_connect_only_to_its_identity_server() {
        let shop = Fixture::start().await;
        for path in ["/", REDIRECT_PATH] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = shop.router.clone().oneshot(request).await.unwrap();
            let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
            assert_eq!(response.status(), StatusCode::OK);
            assert!(policy.contains("connect-src 'self' http://127.0.0.1:"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[tokio::test]
    async fn every_product_has_a_picture() {
        let shop = Fixture::start().await;
        let (_, products) = shop.send("GET", "/assets/products.json", None, "").await;
        let products = products.as_array().unwrap();
        assert!(!products.is_empty());
        for product in products {
            let path = format!("/assets/art/{}.svg", product["id"].as_str().unwrap());
            assert_eq!(shop.send("GET", &path, None, "").await.0, StatusCode::OK, "{path}");
        }
    }
}
