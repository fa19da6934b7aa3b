//! The connection loop: limits, timeouts and graceful shutdown. Knows no routes.

mod activity_timer;
mod connection_permits;
mod framing;
mod socket;

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;
use vestibule_app::{
    config::Server,
    log_rate::OncePerMinute,
    metrics::{Connections, RefusedConnection},
};
use vestibule_protocol::limits::{HEAD_BYTES, HEADERS};
use vestibule_web::peer::Peer;

use self::{
    activity_timer::{ActivityTimer, Timeouts},
    connection_permits::{ConnectionPermit, ConnectionPermits},
    socket::Socket,
};

pub(crate) use self::connection_permits::Capacity;

const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// Maximum connections of a listener for probes and metrics, taken from the reserved files.
const FEW: usize = 64;

/// The limits of a listener.
#[derive(Clone, Debug)]
pub(crate) struct ListenerLimits {
    capacity: Capacity,
    timeouts: Timeouts,
    /// The grace period of running requests after the listener stops.
    grace: Duration,
    counts: Arc<Connections>,
}

impl ListenerLimits {
    /// As configured for the server's own listener.
    pub(crate) fn of(server: &Server, counts: Arc<Connections>) -> Self {
        Self {
            capacity: Capacity::of(server),
            timeouts: Timeouts::of(server),
            grace: server.grace_of_requests(),
            counts,
        }
    }

    /// For a listener of the operator: few connections, from any address.
    pub(crate) fn few(server: &Server) -> Self {
        let capacity = Capacity { total: FEW, per_address: FEW, exempt: Vec::new() };
        Self { capacity, ..Self::of(server, Arc::default()) }
    }
}

/// Serves a separate router, such as the demo's.
pub(crate) async fn serve_router(
    listener: TcpListener,
    router: Router,
    limits: ListenerLimits,
    stop: impl Future<Output = ()>,
) {
    let answer = move |_, request| {
        let answered = router.clone().oneshot(request);
        async { answered.await.unwrap_or_else(|never: Infallible| match never {}) }
    };
    serve(listener, answer, limits, stop).await;
}

/// Serves connections until `stop` resolves, then finishes running requests within the grace period.
pub(crate) async fn serve<A, F>(
    listener: TcpListener,
    answer: A,
    limits: ListenerLimits,
    stop: impl Future<Output = ()>,
) where
    A: Fn(Peer, Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let mut http = hyper::server::conn::http1::Builder::new();
    // The `activity_timer` module has the timeouts: hyper has one for both a slow head and an idle connection, and none for
    // writing.
    http.header_read_timeout(None)
        .keep_alive(true)
        // The whole head must fit; a larger one gets 431.
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    let ListenerLimits { capacity, timeouts, grace, counts } = limits;
    let serving = Arc::new(Serving { http, timeouts, counts, answer });
    let (permits, refusals) = (ConnectionPermits::new(capacity), Refusals::default());
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the peer disconnected: keep serving.
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        match permits.take(peer.ip()) {
            Ok(permit) => {
                tokio::spawn(Arc::clone(&serving).serve_connection(stream, Peer(peer), permit, graceful.watcher()));
            }
            Err(reason) => {
                serving.counts.count_refused(reason);
                refusals.log(reason, peer.ip());
                tokio::spawn(refuse(stream));
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within the grace period");
    }
}

/// What the connections of one listener share.
struct Serving<A> {
    http: hyper::server::conn::http1::Builder,
    timeouts: Timeouts,
    counts: Arc<Connections>,
    answer: A,
}

impl<A, F> Serving<A>
where
    A: Fn(Peer, Request) -> F + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    async fn serve_connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: Peer,
        permit: ConnectionPermit,
        watcher: Watcher,
    ) {
        // Responses are small and written at once, so waiting to fill a segment only adds latency.
        let _ = stream.set_nodelay(true);
        let timer = Arc::new(ActivityTimer::new(self.timeouts));
        let service = service_fn(|request: hyper::Request<Incoming>| {
            let request = request.map(Body::new);
            let (timer, is_last) = (Arc::clone(&timer), timer.begin_answer());
            let answered = match framing::refuse(&request) {
                Some(refusal) => Err(refusal),
                None => Ok((self.answer)(peer, request)),
            };
            async move {
                let mut response = match answered {
                    Ok(answered) => answered.await,
                    Err(refusal) => refusal,
                };
                if is_last {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| AnswerBody { body, timer }))
            }
        });
        let socket = TokioIo::new(Socket::new(stream, Arc::clone(&timer)));
        // Disconnects and invalid requests of a peer are not errors of the server.
        let connection = pin!(watcher.watch(self.http.serve_connection(socket, service)));
        self.counts.count_opened();
        let cut = timer.watch(connection).await;
        self.counts.count_closed(cut);
        drop(permit);
    }
}

/// A response body; dropping it ends the response.
struct AnswerBody {
    body: Body,
    timer: Arc<ActivityTimer>,
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.timer.end_answer();
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Logs refused connections, but not each one.
#[derive(Default)]
struct Refusals {
    full: OncePerMinute,
    address: OncePerMinute,
}

impl Refusals {
    fn log(&self, reason: RefusedConnection, peer: IpAddr) {
        match reason {
            RefusedConnection::Full if self.full.is_due() => {
                tracing::warn!("connections are refused: server.max_connections is reached");
            }
            RefusedConnection::Address if self.address.is_due() => {
                tracing::warn!(
                    peer.is_local = is_local(peer),
                    "connections from one address are refused: server.max_connections_per_address is reached. If it is your reverse proxy, add it to server.trusted_proxies"
                );
            }
            RefusedConnection::Full | RefusedConnection::Address => {}
        }
    }
}

/// Whether an address belongs to this machine or a private network, where reverse proxies are.
fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

async fn refuse(mut stream: TcpStream) {
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(TOO_MANY)).await;
    let _ = stream.shutdown().await;
}
