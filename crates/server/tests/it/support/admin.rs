//! A program of an operator with a key of the Admin API.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use vestibule_server::flows::admin::keys::{self, Scope};

use super::{Http, Reply, TestServer};

/// Longer than a job ever takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A caller of the Admin API.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) http: Http,
    pub(crate) token: String,
    pub(crate) key_id: String,
}

impl Admin {
    /// With an API key that has these scopes.
    pub(crate) async fn new(server: &TestServer, scopes: &[Scope]) -> Self {
        let app = &server.app;
        let no = app.projects.find_by_id("test").expect("the test project").no;
        let made = keys::create_api_key(&app.store, &app.entropy, no, "test", scopes, app.clock.now()).await;
        let (view, token) = made.expect("a key is made");
        Self { http: server.http(), token, key_id: view.id }
    }

    /// With an API key that may do everything.
    pub(crate) async fn of(server: &TestServer) -> Self {
        Self::new(server, &Scope::ALL).await
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

    /// Asks again and again until the answer is as it should be.
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
