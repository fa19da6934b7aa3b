//! A client of the Admin API.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use vestibule_app::admin::keys::AdminScope;
use vestibule_domain::secret::TokenHash;
use vestibule_store::admin_keys::{self, AdminKeyRow};

use super::{Http, Reply, TestServer};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);

/// Numbers the keys, so that each has its own ID.
static KEYS: AtomicU64 = AtomicU64::new(1);

#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) http: Http,
    pub(crate) token: String,
    pub(crate) key_id: String,
}

impl Admin {
    /// With an API key that has these scopes.
    pub(crate) async fn new(server: &TestServer, scopes: &[AdminScope]) -> Self {
        Self::in_project(server, "test", scopes).await
    }

    /// The same with a key of any project; requests go to the test project.
    pub(crate) async fn in_project(server: &TestServer, project: &str, scopes: &[AdminScope]) -> Self {
        let app = &server.app;
        let no = app.projects.find_by_id(project).expect("the project").no;
        // Inserted without an event, because tests count the events.
        let secret = "the-secret-half-of-a-test";
        let row = AdminKeyRow {
            id: format!("{:016x}", KEYS.fetch_add(1, Ordering::Relaxed)),
            name: "test".into(),
            secret_hash: Some(TokenHash(digest(&SHA256, secret.as_bytes()).as_ref().try_into().expect("32 bytes"))),
            public_jwk: None,
            scopes: scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
            created_at: app.clock.now(),
            last_used_at: None,
            revoked_at: None,
        };
        let key_id = row.id.clone();
        let written = app.store.write("test", row, move |tx, row| Box::pin(admin_keys::insert(tx, no, row))).await;
        assert!(written.expect("the store works"));
        Self { http: server.http(), token: format!("vak_{key_id}_{secret}"), key_id }
    }

    /// With an API key that has all scopes.
    pub(crate) async fn of(server: &TestServer) -> Self {
        Self::new(server, &AdminScope::ALL).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, &format!("/_api/admin/v1{path}")).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(method, path).json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path)).await
    }

    /// Polls until the condition holds.
    pub(crate) async fn wait_until(&self, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            let mut pace = tokio::time::interval(Duration::from_millis(50));
            loop {
                pace.tick().await;
                let answer = self.get(path).await.expect(200).json();
                if is_right(&answer) {
                    return answer;
                }
            }
        };
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        answered.unwrap_or_else(|_| panic!("{path} never answered as it should"))
    }
}
