//! A real nginx calls the resolver with `auth_request`, with the configuration of docs/guides/backend.md.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use axum::{Json, Router, extract::ConnectInfo, http::HeaderMap};
use reqwest::{Method, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::lifetimes::sign_up_cookie;
use crate::support::{Engine, Http, Reply, TestServer, guide::blocks, on_both_engines, start_external_program};

const GUIDE: &str = include_str!("../../../../docs/guides/backend.md");

/// The app behind the proxy: returns the headers it got, and the connection.
async fn start_app() -> u16 {
    async fn report(ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Json<Value> {
        let reported = headers.iter().filter(|(name, _)| name.as_str().replace('_', "-").starts_with("x-authgear"));
        let reported: BTreeMap<&str, &str> =
            reported.map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect();
        Json(json!({"told": reported, "connection": peer.port()}))
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let app = Router::new().fallback(report).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

/// The guide's three files and a main file; its location with a requirement, and two variants with others.
fn write_configuration(folder: &Path, port: u16, app: u16, auth: u16) -> PathBuf {
    let files = blocks(GUIDE, "nginx");
    let [upstreams, snippet, locations] = files.as_slice() else { panic!("three files, not {files:?}") };
    let replace = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    };
    let upstreams = replace(upstreams, "127.0.0.1:4100", &format!("127.0.0.1:{auth}"));
    let upstreams = replace(&upstreams, "127.0.0.1:8080", &format!("127.0.0.1:{app}"));
    let locations = replace(locations, "auth.shop.example", &format!("localhost:{auth}"));
    let demand = |name: &str, query: &str, path: &str| {
        let text = replace(&locations, "?require=session", query);
        let text = replace(&text, "/_auth/session", &format!("/_auth/{name}"));
        replace(&text, "/orders/", path)
    };
    let (anyone, member) = (demand("anyone", "", "/"), demand("member", "?require=member", "/members/"));
    std::fs::create_dir(folder.join("snippets")).expect("a folder");
    std::fs::write(folder.join("snippets/vestibule.conf"), snippet).expect("the snippet is written");
    write_main_file(folder, &format!("{upstreams} server {{ listen 127.0.0.1:{port}; {anyone} {locations} {member} }}"))
}

/// A main file around the contents of `http`; uses no file outside the folder.
pub(crate) fn write_main_file(folder: &Path, http: &str) -> PathBuf {
    let dir = folder.display();
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
  {http}
}}
"
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, text).expect("the configuration is written");
    path
}

/// nginx with the configuration in a folder.
pub(crate) fn command(folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
    command.stdin(Stdio::null());
    command
}

/// Runs nginx; `write` writes its configuration into a folder, for a port.
pub(crate) async fn run(write: impl Fn(&Path, u16) -> PathBuf) -> (SocketAddr, Child, TempDir) {
    let run = |folder: &TempDir, port| {
        write(folder.path(), port);
        let process = Command::from(command(folder.path())).kill_on_drop(true).spawn();
        process.expect("nginx is not installed: run ./test, which installs it")
    };
    start_external_program("nginx", run).await
}

/// A running nginx; it ends with the test.
struct Nginx {
    http: Http,
    _process: Child,
    _folder: TempDir,
}

async fn start_nginx(app: u16, auth: u16) -> Nginx {
    let (address, process, folder) = run(|folder, port| write_configuration(folder, port, app, auth)).await;
    let http = Http::new(&format!("http://localhost:{}", address.port()), address);
    Nginx { http, _process: process, _folder: folder }
}

/// Every header that a backend may read.
const FORGED: [&str; 8] = [
    "X-Authgear-Session-Valid",
    "X-Authgear-User-Id",
    "X-Authgear-User-Anonymous",
    "X-Authgear-User-Verified",
    "X-Authgear-User-Can-Reauthenticate",
    "X-Authgear-User-Roles",
    "X-Authgear-Session-Amr",
    "X-Authgear-Session-Authenticated-At",
];

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
        // A client that claims to be a user is not believed, whichever header it forges.
        let mut request = nginx.http.request(Method::GET, path).header("X-Forwarded-Host", "other.example");
        request = request.header("X-Forwarded-Proto", "http").header("X-AUTHGEAR_user-id", "forged");
        for name in FORGED {
            request = request.header(name, "forged").header(name.to_lowercase(), "true");
        }
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        Reply::of(request).await
    };
    let reported = |reply: Reply| reply.expect(200).json()["told"].clone();
    let at = server.clock.now().as_seconds().to_string();
    let user = |sub: &str, guest: bool, amr: &str| {
        let mut expected = json!({
            "x-authgear-session-valid": "true",
            "x-authgear-user-id": sub,
            "x-authgear-user-anonymous": guest.to_string(),
            "x-authgear-user-verified": (!guest).to_string(),
            "x-authgear-user-can-reauthenticate": (!guest).to_string(),
            "x-authgear-session-authenticated-at": at,
        });
        if !amr.is_empty() {
            expected["x-authgear-session-amr"] = amr.into();
        }
        expected
    };

    assert_eq!(reported(ask("/", None, None).await), json!({}));
    assert_eq!(reported(ask("/", Some("bad"), None).await), json!({"x-authgear-session-valid": "false"}));
    assert_eq!(reported(ask("/", Some(&guest.access), None).await), user(&sub, true, ""));
    assert_eq!(reported(ask("/", Some(&member.access), None).await), user(&member_sub, false, "pwd"));
    assert_eq!(reported(ask("/", None, Some(&cookie)).await)["x-authgear-session-valid"], "true");

    for (bearer, cookie) in [(None, None), (Some("bad"), None), (None, Some("session=bad"))] {
        assert_eq!(ask("/orders/1", bearer, cookie).await.status, 401);
        assert_eq!(ask("/members/1", bearer, cookie).await.status, 401);
    }
    assert_eq!(reported(ask("/orders/1", Some(&guest.access), None).await), user(&sub, true, ""));
    let connection = async || ask("/orders/1", None, Some(&cookie)).await.expect(200).json()["connection"].clone();
    assert_eq!(connection().await, connection().await, "connections are kept open");
    let refused = ask("/members/1", Some(&guest.access), None).await.expect(401);
    let challenge = refused.header("www-authenticate").expect("nginx passes the challenge on");
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    ask("/members/1", Some(&member.access), None).await.expect(200);

    client.revoke(&guest.refresh).await.expect(200);
    assert_eq!(ask("/orders/1", Some(&guest.access), None).await.status, 401, "a revocation counts at once");
}

on_both_engines!(nginx_lets_in_whom_the_resolver_names; needs nginx);
