//! HTTP to the server under test: requests without redirects, and responses read whole.

use std::{net::SocketAddr, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder,
    header::{self, HeaderMap},
    redirect::Policy,
};
use serde_json::Value;

#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    pub(crate) origin: String,
    /// The `User-Agent` header it sends, if any.
    pub(crate) agent: Option<&'static str>,
    /// The address that a trusted proxy names as the client's, if any.
    pub(crate) client_address: Option<&'static str>,
}

impl Http {
    pub(crate) fn new(origin: &str, address: SocketAddr) -> Self {
        let host = url::Url::parse(origin).expect("an origin").host_str().expect("a host").to_string();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .resolve("localhost", address)
            .resolve(super::binary::HOST, address)
            .resolve(&host, address)
            .timeout(Duration::from_secs(60))
            .build()
            .expect("an HTTP client");
        Self { client, origin: origin.to_string(), agent: None, client_address: None }
    }

    /// A request to a path of the server, or to a complete URL.
    pub(crate) fn request(&self, method: Method, target: &str) -> RequestBuilder {
        let url = if target.starts_with('/') { format!("{}{target}", self.origin) } else { target.to_string() };
        let request = self.client.request(method, url);
        let request = match self.agent {
            Some(agent) => request.header(header::USER_AGENT, agent),
            None => request,
        };
        match self.client_address {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        Reply::of(self.request(Method::GET, target)).await
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        Reply::of(self.request(Method::POST, path).form(fields)).await
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.text().await.expect("a body of text") }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// Asserts a status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The `result` of a success of the JSON API.
    #[track_caller]
    pub(crate) fn result(self) -> Value {
        let mut body = self.expect(200).json();
        assert!(body.as_object().is_some_and(|body| body.len() == 1), "nothing but a result: {body}");
        body["result"].take()
    }

    /// Asserts an error of the JSON API.
    #[track_caller]
    pub(crate) fn expect_api_error(self, status: u16, name: &str, reason: &str, message: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        let error = &self.json()["error"];
        let reported = [&error["name"], &error["reason"], &error["message"]].map(|value| value.as_str().unwrap_or("-"));
        assert_eq!(reported, [name, reason, message]);
        assert_eq!(error["code"], status);
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        self
    }

    /// Asserts an OAuth error.
    #[track_caller]
    pub(crate) fn expect_oauth_error(self, status: u16, error: &str, description: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!([&body["error"], &body["error_description"]], [error, description]);
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        self
    }
}
