//! The connection loop: limits, time-outs and a graceful end. Knows no route.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request, response::Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::ServiceExt;
use vestibule_protocol::limits::{HEAD_BYTES, HEADERS};

use crate::config::Server;

const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Files kept back for the store, mail and webhooks.
const OTHER_FILES: usize = 128;

/// How many connections are taken: as configured, but fewer than files may be open, or the surplus could not even be refused.
pub(crate) fn count_places(limits: &Server) -> usize {
    let room = read_file_limit().map_or(usize::MAX, |files| files.saturating_sub(OTHER_FILES).max(files / 2));
    limits.max_connections.min(room)
}

/// How many files this process may have open; only Linux tells it this way.
fn read_file_limit() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The peer of a connection, before any forwarding header is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Serves the demo's own pages, with the limits a server has by default.
pub(crate) async fn serve_plain(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let defaults =
        crate::config::load(None, std::iter::empty()).expect("the embedded defaults are valid: a test says so");
    let answer = move |_, request| {
        let answered = router.clone().oneshot(request);
        async { answered.await.unwrap_or_else(|never: Infallible| match never {}) }
    };
    serve(listener, answer, &defaults.server, stop).await;
}

/// Serves connections until `stop` resolves, then finishes running requests within the grace period.
pub(crate) async fn serve<A, F>(listener: TcpListener, answer: A, limits: &Server, stop: impl Future<Output = ()>)
where
    A: Fn(Peer, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_timeout_seconds))
        .keep_alive(true)
        // The whole head must fit: more is answered 431.
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    let http = Arc::new(http);
    let places = Arc::new(Semaphore::new(count_places(limits)));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the peer is gone: neither is a reason to stop serving.
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tokio::spawn(refuse(stream));
            continue;
        };
        // Answers are small and whole: waiting to fill a segment only costs time.
        let _ = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let answered = answer(Peer(peer), request.map(Body::new));
            async { Ok::<_, Infallible>(answered.await) }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A peer that goes away or sends nonsense is its own affair.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let grace = Duration::from_secs(limits.shutdown_grace_seconds);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within the grace period");
    }
}

async fn refuse(mut stream: TcpStream) {
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(TOO_MANY)).await;
    let _ = stream.shutdown().await;
}
