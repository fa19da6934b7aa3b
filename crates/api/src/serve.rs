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
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};
use tower::ServiceExt;
use vestibule_app::{
    config::Server,
    log_rate::OncePerMinute,
    metrics::{Connections, Cut, RefusedConnection},
};
use vestibule_protocol::limits::{HEAD_BYTES, HEADERS};
use vestibule_web::peer::Peer;

use crate::front::Front;

use self::{
    activity_timer::{ActivityTimer, Rested, Timeouts, Watched},
    connection_permits::{ConnectionPermit, ConnectionPermits},
    socket::Socket,
};

pub use self::connection_permits::Capacity;

const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
/// Maximum connections of a listener for probes and metrics, taken from the reserved files.
const FEW: usize = 64;

/// The limits of a listener.
#[derive(Clone, Debug)]
pub struct ListenerLimits {
    capacity: Capacity,
    timeouts: Timeouts,
    /// The grace period of running requests after the listener stops.
    grace: Duration,
    counts: Arc<Connections>,
}

impl ListenerLimits {
    /// As configured for the server's own listener.
    pub fn of(server: &Server, counts: Arc<Connections>) -> Self {
        Self {
            capacity: Capacity::of(server),
            timeouts: Timeouts::of(server),
            grace: server.grace_of_requests(),
            counts,
        }
    }

    /// For a listener of the operator: few connections, from any address.
    pub fn few(server: &Server) -> Self {
        let capacity = Capacity { total: FEW, per_address: FEW, exempt: Vec::new() };
        Self { capacity, ..Self::of(server, Arc::default()) }
    }
}

/// Serves the server's own listener until `stop` resolves, then finishes running requests within the grace period.
pub async fn serve_front(listener: TcpListener, front: Front, limits: ListenerLimits, stop: impl Future<Output = ()>) {
    accept_for_front(listener, front, limits).finish(stop).await;
}

/// The same for a separate router, such as the demo's.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    limits: ListenerLimits,
    stop: impl Future<Output = ()>,
) {
    accept_for_router(listener, router, limits).finish(stop).await;
}

/// Not generic, so that the code of connections is generated in this crate, and with it optimized for speed.
fn accept_for_front(listener: TcpListener, front: Front, limits: ListenerLimits) -> Accepting {
    // One count of references for each request, not one for each part.
    let front = Arc::new(front);
    let answer = move |peer, request| {
        let front = Arc::clone(&front);
        async move { front.answer(peer, request).await }
    };
    Accepting::begin(listener, answer, limits)
}

fn accept_for_router(listener: TcpListener, router: Router, limits: ListenerLimits) -> Accepting {
    let answer = move |_, request| {
        let answered = router.clone().oneshot(request);
        async { answered.await.unwrap_or_else(|never: Infallible| match never {}) }
    };
    Accepting::begin(listener, answer, limits)
}

/// A listener whose connections are served.
struct Accepting {
    task: JoinHandle<()>,
    /// Its receivers are dropped by each connection that ends.
    stopping: watch::Sender<bool>,
    grace: Duration,
}

impl Accepting {
    fn begin<A, F>(listener: TcpListener, answer: A, limits: ListenerLimits) -> Self
    where
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
        let (stopping, told) = watch::channel(false);
        // A task of its own, because the runtime's workers start the tasks of connections at less cost than a thread that is none of them.
        let task = tokio::spawn(serving.accept(listener, ConnectionPermits::new(capacity), told));
        Self { task, stopping, grace }
    }

    async fn finish(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        tokio::select! {
            () = &mut stop => {
                self.stopping.send_replace(true);
                self.task.await.ok();
            }
            // Only if it panicked, and the process must not stay without a listener.
            _ = &mut self.task => {
                tracing::error!("connections are no longer accepted: the server stops");
                self.stopping.send_replace(true);
            }
        }
        if tokio::time::timeout(self.grace, self.stopping.closed()).await.is_err() {
            tracing::warn!("some requests did not finish within the grace period");
        }
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
    /// Accepts connections until the server stops.
    async fn accept(
        self: Arc<Self>,
        listener: TcpListener,
        permits: Arc<ConnectionPermits>,
        mut stop: watch::Receiver<bool>,
    ) {
        let refusals = Refusals::default();
        // Where sockets have it from the listener, a call for each is saved.
        let mut has_nodelay = None;
        loop {
            let accepted = tokio::select! {
                _ = stop.wait_for(|is_stopping| *is_stopping) => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the peer disconnected: keep serving.
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            match permits.take(peer.ip()) {
                Ok(permit) => {
                    // Responses are small and written at once, so waiting to fill a segment only adds latency.
                    if !*has_nodelay.get_or_insert_with(|| stream.nodelay().unwrap_or(false)) {
                        let _ = stream.set_nodelay(true);
                    }
                    let serving = Arc::clone(&self).serve_connection(stream, Peer(peer), permit, stop.clone());
                    // In a box: the allocator is slow for tasks that are large, because they are aligned.
                    tokio::spawn(Box::pin(serving));
                }
                Err(reason) => {
                    self.counts.count_refused(reason);
                    refusals.log(reason, peer.ip());
                    tokio::spawn(refuse(stream));
                }
            }
        }
    }

    async fn serve_connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: Peer,
        permit: ConnectionPermit,
        stop: watch::Receiver<bool>,
    ) {
        self.counts.count_opened();
        let cut = self.serve_requests(stream, peer, stop).await;
        self.counts.count_closed(cut);
        drop(permit);
    }

    /// Serves the requests of a connection; returns the timeout that it exceeded, if it did. Between requests it rests: the buffers of
    /// HTTP and the memory of a request are made anew when the next one arrives.
    async fn serve_requests(&self, mut stream: TcpStream, peer: Peer, mut stop: watch::Receiver<bool>) -> Option<Cut> {
        let timer = Arc::new(ActivityTimer::new(self.timeouts));
        let mut alarm = pin!(timer.alarm());
        let mut ahead = Bytes::new();
        loop {
            match timer.rest(&stream, alarm.as_mut(), &mut stop).await {
                Rested::Readable => {}
                Rested::Ended => return None,
                Rested::Cut(cut) => return Some(cut),
            }
            let service = service_fn(|request| self.answer(request, peer, &timer));
            let socket = TokioIo::new(Socket::new(stream, ahead, Arc::clone(&timer)));
            // In a box, so that a connection that rests does not keep its place.
            let mut connection = Box::pin(self.http.serve_connection(socket, service));
            let shut_down = hyper::server::conn::http1::Connection::graceful_shutdown;
            // Disconnects and invalid requests of a peer are not errors of the server.
            let watched = timer.watch(connection.as_mut(), alarm.as_mut(), &mut stop, shut_down).await;
            let cut = match watched {
                Watched::Ended => return None,
                Watched::Cut(cut) => Some(cut),
                Watched::Resting => None,
            };
            let parts = Pin::into_inner(connection).into_parts();
            stream = parts.io.into_inner().into_stream();
            // What is empty still holds the whole buffer that it is a part of.
            ahead = if parts.read_buf.is_empty() { Bytes::new() } else { parts.read_buf };
            if cut == Some(Cut::Write) {
                // Otherwise the operating system would keep unsent data and retransmit it for minutes.
                let _ = stream.set_zero_linger();
            }
            if cut.is_some() {
                return cut;
            }
        }
    }

    fn answer(
        &self,
        request: hyper::Request<Incoming>,
        peer: Peer,
        timer: &Arc<ActivityTimer>,
    ) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> + Send + use<A, F> {
        let request = request.map(Body::new);
        let (timer, is_last) = (Arc::clone(timer), timer.begin_answer());
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
            Ok(response.map(|body| AnswerBody { body, timer }))
        }
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
