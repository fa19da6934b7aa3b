//! One connection to the server. In a build without optimization it takes far less of the processor than a client that keeps
//! a pool, follows redirects and parses addresses.

use std::{net::SocketAddr, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// Longer than any answer takes; only a server that works without end makes a test wait for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// An answer, with the bytes of its body.
    Answer(StatusCode, usize),
    /// The connection was closed while the request was sent.
    Cut,
    /// Nothing, for a minute.
    Silence,
}

pub(super) struct Wire {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Wire {
    pub(super) fn to(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    /// Sends a request and reads the answer whole.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Outcome {
        let mut sender = self.connect().await;
        let answering = async {
            let (parts, mut body) = sender.send_request(request).await?.into_parts();
            let mut length = 0;
            while let Some(frame) = body.frame().await {
                length += frame?.data_ref().map_or(0, Bytes::len);
            }
            Ok::<_, hyper::Error>(Outcome::Answer(parts.status, length))
        };
        match timeout(PATIENCE, answering).await {
            Ok(Ok(answer)) => {
                self.sender = Some(sender);
                answer
            }
            Ok(Err(_)) => Outcome::Cut,
            Err(_) => Outcome::Silence,
        }
    }

    /// Sends requests one after the other.
    pub(super) async fn send_each<N: Copy>(&mut self, requests: Vec<(N, Request<Full<Bytes>>)>) -> Vec<(N, Outcome)> {
        let mut outcomes = Vec::with_capacity(requests.len());
        for (name, request) in requests {
            outcomes.push((name, self.send(request).await));
        }
        outcomes
    }

    /// The connection, or a new one if the server closed it.
    async fn connect(&mut self) -> SendRequest<Full<Bytes>> {
        if let Some(mut sender) = self.sender.take()
            && sender.ready().await.is_ok()
        {
            return sender;
        }
        let stream = TcpStream::connect(self.address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        sender
    }
}
