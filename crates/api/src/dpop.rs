//! The `DPoP` header of a request (RFC 9449 §4.1), verified for the use cases.

use axum::{
    http::{HeaderMap, HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use vestibule_app::tokens::dpop::{self, PresentedProof};
use vestibule_protocol::dpop::MULTIPLE_HEADERS;
use vestibule_web::{error, visit::Visit};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The request has more than one proof.
pub(crate) struct ManyProofs;

impl IntoResponse for ManyProofs {
    fn into_response(self) -> Response {
        error::plain(StatusCode::BAD_REQUEST, MULTIPLE_HEADERS)
    }
}

/// Verifies the proof of a `POST` to a path; more than one proof is always rejected.
pub(crate) fn read(visit: &Visit, headers: &HeaderMap, path: &str) -> Result<PresentedProof, ManyProofs> {
    let one = one_header(headers)?;
    Ok(dpop::judge(&visit.project, one.as_deref(), "POST", path, visit.now))
}

/// Rejects more than one proof, for endpoints that need none.
pub(crate) fn refuse_many(headers: &HeaderMap) -> Result<(), ManyProofs> {
    one_header(headers).map(|_| ())
}

/// The header's value; one that is not text is passed on as an invalid proof.
fn one_header(headers: &HeaderMap) -> Result<Option<String>, ManyProofs> {
    let mut values = headers.get_all(DPOP).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => Ok(Some(String::from_utf8_lossy(one.as_bytes()).into_owned())),
        (Some(_), Some(_)) => Err(ManyProofs),
    }
}
