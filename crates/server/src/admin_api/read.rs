//! Parses bodies and queries of requests, and prints JSON; each problem says what is wrong.

use axum::{
    extract::Request,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use vestibule_app::{admin::AdminError, error::Error, pool};
use vestibule_protocol::{echo_quoted, limits::ADMIN_JSON_VALUES};
use vestibule_web::{body, visit::Visit};

use super::problem::Problem;

/// Reads a body whole, if it has this media type.
pub(crate) async fn read_body(visit: &Visit, request: Request, media_types: &[&str]) -> Result<Vec<u8>, Problem> {
    let body = body::read(visit, request).await?;
    let sent = body.content_type.as_deref().and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if !media_types.iter().any(|one| sent.eq_ignore_ascii_case(one)) {
        let detail = format!("send the body as {}", media_types.join(" or "));
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail));
    }
    Ok(body.bytes.to_vec())
}

/// The number of values in a JSON text, or a few more: every value but the first follows one of these signs.
fn count_values(text: &[u8]) -> usize {
    let (mut count, mut is_text, mut is_escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

/// Reads a JSON body, and checks its size with what was read. A body that may take longer than a millisecond is read, checked
/// and, if it is refused, dropped in the pool.
pub(crate) async fn read_checked<B, T>(
    visit: &Visit,
    request: Request,
    check: fn(&T) -> Result<(), AdminError>,
) -> Result<T, Problem>
where
    B: DeserializeOwned,
    T: From<B> + Send + 'static,
{
    let bytes = read_body(visit, request, &["application/json", "application/merge-patch+json"]).await?;
    let (is_short, turns) = (bytes.len() <= body::PARSED_AT_ONCE, pool::turns_for(bytes.len()));
    let read = move || -> Result<T, Problem> {
        if count_values(&bytes) > ADMIN_JSON_VALUES {
            let detail = format!("the body has more than {ADMIN_JSON_VALUES} JSON values: send less in one request");
            return Err(Problem::too_large(detail));
        }
        let unreadable = |error: serde_json::Error| {
            Problem::unreadable(format!("the body is not valid: {}", echo_quoted(&error.to_string())))
        };
        let value = T::from(serde_json::from_slice::<B>(&bytes).map_err(unreadable)?);
        check(&value)?;
        Ok(value)
    };
    if is_short { read() } else { visit.app.pool.run(visit.project.no, turns, read).await.map_err(Error::from)? }
}

/// Parses the query; rejects unknown and repeated parameters.
pub(crate) fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    axum::extract::Query::<T>::try_from_uri(uri).map(|query| query.0).map_err(|error| {
        let why = error.body_text();
        let why = why.trim_start_matches("Failed to deserialize query string: ");
        Problem::unreadable(format!("the query is not valid: {}", echo_quoted(why)))
    })
}

/// Rejects a number of items outside 1 to `most`; absent means 50.
pub(crate) fn check_limit(limit: Option<u32>, most: u32) -> Result<u32, Problem> {
    match limit {
        None => Ok(50),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::unreadable(format!("limit: write a number from 1 to {most}"))),
    }
}

pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let body = serde_json::to_string(value).expect("an answer is plain JSON");
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_texts() {
        assert_eq!(count_values(b"1"), 1);
        assert_eq!(count_values(br#"{"a":[1,2,3]}"#), 5);
        assert_eq!(count_values(br#""a,b:[\",["#), 1);
        assert!(count_values("[1,".repeat(100).as_bytes()) > 200);
    }
}
