//! A real nginx asks the resolver with `auth_request`, as docs/guides/backend.md shows it.

use std::{path::Path, process::Stdio};

use axum::{Router, http::HeaderMap};
use reqwest::{Method, header};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::lifetimes::sign_up_cookie;
use crate::support::{Engine, Http, Reply, TestServer, on_both_engines, start_neighbour};

/// The app behind the proxy: says what it was told.
async fn start_app() -> u16 {
    async fn tell(headers: HeaderMap) -> String {
        let told = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-").to_string();
        format!(
            "{} {} {}",
            told("x-authgear-session-valid"),
            told("x-authgear-user-id"),
            told("x-authgear-user-anonymous")
        )
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(tell)).await });
    port
}

fn write_configuration(folder: &Path, port: u16, app: u16, auth: u16) -> std::path::PathBuf {
    let dir = folder.display();
    let tell = "auth_request_set $session_valid $upstream_http_x_authgear_session_valid;
      auth_request_set $user_id $upstream_http_x_authgear_user_id;
      auth_request_set $user_anonymous $upstream_http_x_authgear_user_anonymous;
      proxy_set_header X-Authgear-Session-Valid $session_valid;
      proxy_set_header X-Authgear-User-Id $user_id;
      proxy_set_header X-Authgear-User-Anonymous $user_anonymous;";
    let ask = format!(
        "internal;
      proxy_pass_request_body off;
      proxy_set_header Content-Length \"\";
      proxy_set_header Host localhost:{auth};"
    );
    let text = format!(
        "daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {dir}/body;
  proxy_temp_path {dir}/proxy;
  fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi;
  scgi_temp_path {dir}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      auth_request /_auth/anyone;
      {tell}
      proxy_pass http://127.0.0.1:{app};
    }}
    location /orders/ {{
      auth_request /_auth/session;
      {tell}
      proxy_pass http://127.0.0.1:{app};
    }}
    location /members/ {{
      auth_request /_auth/member;
      {tell}
      proxy_pass http://127.0.0.1:{app};
    }}
    location = /_auth/anyone {{
      proxy_pass http://127.0.0.1:{auth}/_resolver/resolve;
      {ask}
    }}
    location = /_auth/session {{
      proxy_pass http://127.0.0.1:{auth}/_resolver/resolve?require=session;
      {ask}
    }}
    location = /_auth/member {{
      proxy_pass http://127.0.0.1:{auth}/_resolver/resolve?require=member;
      {ask}
    }}
  }}
}}
"
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, text).expect("the configuration is written");
    path
}

/// A running nginx; it ends with the test.
struct Nginx {
    http: Http,
    _process: Child,
    _folder: TempDir,
}

async fn start_nginx(app: u16, auth: u16) -> Nginx {
    let run = |folder: &TempDir, port| {
        let configuration = write_configuration(folder.path(), port, app, auth);
        Command::new("nginx")
            .args([
                "-p".as_ref(),
                folder.path(),
                "-c".as_ref(),
                configuration.as_path(),
                "-e".as_ref(),
                "stderr".as_ref(),
            ])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx is not installed: run ./test, which installs it")
    };
    let (address, process, folder) = start_neighbour("nginx", run).await;
    let http = Http::new(&format!("http://localhost:{}", address.port()), address);
    Nginx { http, _process: process, _folder: folder }
}

async fn nginx_lets_in_whom_the_resolver_names(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
    let promoted = client.sign_up().await;
    crate::guest_journey::promote(&client, &promoted, &mut browser, &mut mailbox, "kim@shop.example").await;
    let member = client.finish(browser.at_app()).await;
    let member_sub = client.subject(&member.access).await;
    let cookie = sign_up_cookie(&server).await;
    let nginx = start_nginx(start_app().await, server.address.port()).await;
    let ask = async |path: &str, bearer: Option<&str>, cookie: Option<&str>| {
        // A caller that claims to be somebody is not believed.
        let mut request = nginx.http.request(Method::GET, path).header("X-Authgear-User-Id", "forged");
        request = request.header("X-Authgear-Session-Valid", "true").header("X-Authgear-User-Anonymous", "false");
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        Reply::of(request).await
    };

    assert_eq!(ask("/", None, None).await.expect(200).body, "- - -");
    assert_eq!(ask("/", Some("bad"), None).await.expect(200).body, "false - -");
    assert_eq!(ask("/", Some(&guest.access), None).await.expect(200).body, format!("true {sub} true"));
    assert_eq!(ask("/", Some(&member.access), None).await.expect(200).body, format!("true {member_sub} false"));
    assert!(ask("/", None, Some(&cookie)).await.expect(200).body.starts_with("true "));

    for (bearer, cookie) in [(None, None), (Some("bad"), None), (None, Some("session=bad"))] {
        assert_eq!(ask("/orders/1", bearer, cookie).await.status, 401);
        assert_eq!(ask("/members/1", bearer, cookie).await.status, 401);
    }
    assert_eq!(ask("/orders/1", Some(&guest.access), None).await.expect(200).body, format!("true {sub} true"));
    ask("/orders/1", None, Some(&cookie)).await.expect(200);
    let refused = ask("/members/1", Some(&guest.access), None).await.expect(401);
    let challenge = refused.header("www-authenticate").expect("nginx passes the challenge on");
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    ask("/members/1", Some(&member.access), None).await.expect(200);

    client.revoke(&guest.refresh).await.expect(200);
    assert_eq!(ask("/orders/1", Some(&guest.access), None).await.status, 401, "a revocation counts at once");
}

on_both_engines!(nginx_lets_in_whom_the_resolver_names);
