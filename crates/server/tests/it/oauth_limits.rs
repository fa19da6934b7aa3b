//! The limits of devices and of pushed requests are settings of the server.

use reqwest::Method;

use crate::{
    device_grant::{allow_devices, expect_error},
    support::{Engine, Reply, TestServer, on_both_engines},
};

on_both_engines!(the_limits_of_devices_are_settings, the_limit_of_pushed_requests_is_a_setting);

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn start(engine: Engine, limits: &[(&str, &str)]) -> TestServer {
    TestServer::start(engine, |setup| {
        allow_devices(setup);
        setup.configure("server.trusted_proxies", "127.0.0.1");
        for (name, count) in limits {
            setup.configure(&format!("rate_limits.{name}"), count);
        }
    })
    .await
}

/// Posts a form from an address.
async fn post(server: &TestServer, address: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
    let request = server.http().request(Method::POST, path).header("x-forwarded-for", address);
    Reply::of(request.form(fields)).await
}

/// Expects that a request was refused for so many seconds.
#[track_caller]
fn expect_limit(reply: &Reply, seconds: &str) {
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some(seconds)), "{reply:?}");
}

async fn the_limits_of_devices_are_settings(engine: Engine) {
    let limits = [
        ("device_codes_per_address", "3"),
        ("device_codes_per_project", "4"),
        ("device_token_requests_per_address", "2"),
        ("user_codes_per_address", "5"),
    ];
    let server = start(engine, &limits).await;
    let begin =
        async |address: &str| post(&server, address, "/oauth2/device_authorization", &[("client_id", "phone")]).await;
    for _ in 0..3 {
        begin("203.0.113.1").await.expect(200);
    }
    expect_limit(&begin("203.0.113.1").await, "20");
    begin("203.0.113.2").await.expect(200);
    expect_limit(&begin("203.0.113.2").await, "150");

    let poll = async |address: &str, code: &str| {
        let fields = [("grant_type", DEVICE_CODE), ("client_id", "phone"), ("device_code", code)];
        post(&server, address, "/oauth2/token", &fields).await
    };
    for code in ["one", "two"] {
        expect_error(poll("203.0.113.1", code).await, "invalid_grant");
    }
    expect_limit(&poll("203.0.113.1", "three").await, "30");
    expect_error(poll("203.0.113.2", "three").await, "invalid_grant");

    let open = async |address: &str| {
        let request = server.http().request(Method::GET, "/device?user_code=BBBB-BBBB");
        Reply::of(request.header("x-forwarded-for", address)).await
    };
    for _ in 0..5 {
        open("203.0.113.1").await.expect(422);
    }
    expect_limit(&open("203.0.113.1").await, "120");
    open("203.0.113.2").await.expect(422);
}

async fn the_limit_of_pushed_requests_is_a_setting(engine: Engine) {
    let server = start(engine, &[("pushed_requests_per_address", "2")]).await;
    let url = url::Url::parse(&server.app_client().authorize_url(&[])).expect("a URL");
    let fields: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(_, value)| !value.is_empty()).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for _ in 0..2 {
        post(&server, "203.0.113.1", "/oauth2/par", &fields).await.expect(201);
    }
    expect_limit(&post(&server, "203.0.113.1", "/oauth2/par", &fields).await, "30");
    post(&server, "203.0.113.2", "/oauth2/par", &fields).await.expect(201);
}
