//! Forwarding headers of correctly and incorrectly configured proxies: headers with several values, and unknown hosts.

use std::net::SocketAddr;

use crate::{
    connections::send_raw,
    support::{Engine, Setup, TestServer, on_both_engines},
};

const ORIGIN: &str = "https://auth.shop.example";
const HOST: &str = "Host: auth.shop.example";

fn behind_tls(setup: &mut Setup) {
    setup.set("project.public_origin", ORIGIN);
    setup.configure("portal.public_origin", ORIGIN);
    setup.configure("server.trusted_proxies", "127.0.0.1");
}

async fn get(to: SocketAddr, path: &str, headers: &[&str]) -> String {
    send_raw(to, &format!("GET {path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", headers.join("\r\n"))).await
}

async fn the_first_value_of_a_forwarded_header_is_about_the_client(engine: Engine) {
    let server = TestServer::start(engine, behind_tls).await;
    for path in ["/oauth2/jwks", "/_resolver/resolve", "/portal/sign-in"] {
        for (headers, is_tls) in [
            (&["X-Forwarded-Proto: https"][..], true),
            (&["X-Forwarded-Proto: https,http"], true),
            (&["X-Forwarded-Proto: https, https"], true),
            (&["X-Forwarded-Proto: HTTPS , http"], true),
            (&["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"], true),
            (&["X-Forwarded-Proto: , https"], true),
            (&["X-Forwarded-Proto: ", "X-Forwarded-Proto: https"], true),
            (&["X-Forwarded-Proto: wss"], true),
            (&["X-Forwarded-Proto: "], true),
            (&[], true),
            (&["X-Forwarded-Proto: http"], false),
            (&["X-Forwarded-Proto: http, https"], false),
            (&["X-Forwarded-Proto: http", "X-Forwarded-Proto: https"], false),
        ] {
            let output = get(server.address, path, &[&[HOST], headers].concat()).await;
            if is_tls {
                assert!(output.starts_with("HTTP/1.1 200 "), "{path} {headers:?}: {output}");
            } else {
                assert!(output.starts_with("HTTP/1.1 307 "), "{path} {headers:?}: {output}");
                let location = format!("location: {ORIGIN}{path}\r\n");
                assert!(output.to_lowercase().contains(&location), "{path} {headers:?}: {output}");
            }
        }
        let lists = ["Host: inner:4100", "X-Forwarded-Host: auth.shop.example, inner:4100"];
        let output = get(server.address, path, &lists).await;
        assert!(output.starts_with("HTTP/1.1 200 "), "{path}: {output}");
    }
}

async fn what_came_over_tls_is_not_redirected_to_itself(engine: Engine) {
    let server = TestServer::start(engine, behind_tls).await;
    for path in ["/oauth2/jwks", "/portal/sign-in"] {
        let headers = [HOST, "X-Forwarded-Proto: http", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none"];
        let output = get(server.address, path, &headers).await;
        assert!(output.starts_with("HTTP/1.1 200 "), "{path}: {output}");
    }
}

async fn an_unknown_host_gets_an_error_and_no_redirect_loop(engine: Engine) {
    let server = TestServer::start(engine, behind_tls).await;
    for headers in [
        &["Host: 127.0.0.1:4100"][..],
        &["Host: 127.0.0.1:4100", "X-Forwarded-Proto: https"],
        &["Host: auth.shop.example:4100", "X-Forwarded-For: 203.0.113.9"],
        &["Host: other.test", "X-Forwarded-Host: another.test"],
        &["Host: "],
    ] {
        for path in ["/oauth2/jwks", "/_resolver/resolve", "/portal", "/"] {
            let output = get(server.address, path, headers).await;
            assert!(output.starts_with("HTTP/1.1 421 "), "{path} {headers:?}: {output}");
            assert!(output.contains("proxy_set_header Host $http_host;"), "{path} {headers:?}: {output}");
        }
    }
    let long = format!("Host: {}.test", "a".repeat(300));
    let output = get(server.address, "/oauth2/jwks", &[&long]).await;
    assert!(output.contains(&format!("\"{}\"", "a".repeat(64))), "at most 64 characters are repeated: {output}");
}

async fn another_name_of_a_server_without_proxy_leads_to_its_public_origin(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let port = server.address.port();
    let output = get(server.address, "/oauth2/jwks?x=1", &[&format!("Host: 127.0.0.1:{port}")]).await;
    assert!(output.starts_with("HTTP/1.1 307 "), "{output}");
    assert!(output.to_lowercase().contains(&format!("location: {}/oauth2/jwks?x=1\r\n", server.origin)), "{output}");
    for headers in [
        // Another port, or a proxy's header: the redirect could loop.
        &["Host: other.test".to_string()][..],
        &[format!("Host: 127.0.0.1:{port}"), "X-Forwarded-For: 203.0.113.9".into()],
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let output = get(server.address, "/oauth2/jwks", &headers).await;
        assert!(output.starts_with("HTTP/1.1 421 "), "{headers:?}: {output}");
    }
}

on_both_engines!(
    the_first_value_of_a_forwarded_header_is_about_the_client,
    what_came_over_tls_is_not_redirected_to_itself,
    an_unknown_host_gets_an_error_and_no_redirect_loop,
    another_name_of_a_server_without_proxy_leads_to_its_public_origin,
);
