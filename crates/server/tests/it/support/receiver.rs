//! A webhook receiver with scripted responses that records its calls.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::any,
};
use serde_json::Value;
use tokio::sync::Notify;

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Call {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a webhook is JSON")
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_string()
    }
}

#[derive(Default)]
struct Inner {
    calls: Mutex<Vec<Call>>,
    /// Responses to the next calls; then 200 and an allowing body.
    answers: Mutex<VecDeque<(u16, String)>>,
    came: Notify,
    /// Locked while no response is sent.
    gate: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    inner: Arc<Inner>,
}

/// No response at all.
pub(crate) const SILENCE: u16 = 0;

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("its address"));
        let inner = Arc::new(Inner::default());
        let router = Router::new().route("/hook", any(take)).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Adds the response to a further call.
    pub(crate) fn answer(&self, status: u16, body: &str) {
        self.inner.answers.lock().unwrap_or_else(PoisonError::into_inner).push_back((status, body.to_string()));
    }

    /// No response is sent until what this returns is dropped.
    pub(crate) async fn hold_back(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.inner.gate).lock_owned().await
    }

    /// Calls from now on are answered as if nothing had been said.
    pub(crate) fn forget_answers(&self) {
        self.inner.answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.inner.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for this many calls.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Call> {
        let arrived = async {
            loop {
                let coming = self.inner.came.notified();
                let calls = self.calls();
                if calls.len() >= count {
                    return calls;
                }
                coming.await;
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, arrived).await;
        arrived.unwrap_or_else(|_| panic!("{count} calls did not come, only {:?}", self.calls()))
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let text = String::from_utf8(body.to_vec()).expect("UTF-8");
    inner.calls.lock().unwrap_or_else(PoisonError::into_inner).push(Call { headers, text });
    inner.came.notify_waiters();
    let answer = inner.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    drop(inner.gate.lock().await);
    let (status, body) = answer.unwrap_or((200, r#"{"is_allowed":true}"#.to_string()));
    if status == SILENCE {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(status).expect("a status"), body)
}
