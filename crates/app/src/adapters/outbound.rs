//! Outgoing HTTP: sending a request within its span, and what the status of its response means.

use crate::trace::Span;

/// Sends a request within its own span and adds `traceparent` (W3C Trace Context), if spans are collected.
pub(super) async fn send(name: &'static str, request: reqwest::RequestBuilder) -> reqwest::Result<reqwest::Response> {
    let (client, request) = request.build_split();
    let mut request = request?;
    let span = Span::of_call(name, request.url().host_str());
    span.write_into(request.headers_mut());
    let sent = span.around(client.execute(request)).await;
    let status = sent.as_ref().ok().map(|response| response.status().as_u16());
    span.ended(status, status.is_none_or(|status| status >= 400));
    sent
}

/// What a response's status means for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryVerdict {
    Taken,
    Later,
    /// A retry would fail again.
    Never,
}

/// Classifies a status: 2xx is success; 408, 429 and 5xx are temporary; the rest is permanent.
#[must_use]
pub fn judge(status: u16) -> DeliveryVerdict {
    match status {
        200..=299 => DeliveryVerdict::Taken,
        408 | 429 | 500.. => DeliveryVerdict::Later,
        _ => DeliveryVerdict::Never,
    }
}
