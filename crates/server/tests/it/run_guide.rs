//! Uses the files of docs/guides/run.md as printed: the configuration, the project, and nginx in front of a server.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::header;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::{
    nginx,
    support::{Engine, ScratchInstallation, TestServer, guide::blocks, on_both_engines},
};

const GUIDE: &str = include_str!("../../../../docs/guides/run.md");

/// The code block of a language for the file of this name.
fn file(language: &str, name: &str) -> &'static str {
    let title = format!("# {name}\n");
    blocks(GUIDE, language).into_iter().find(|block| block.starts_with(&title)).expect("the file is in the guide")
}

fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replace(from, to)
}

#[test]
fn the_configuration_and_the_project_are_right() {
    let place = ScratchInstallation::new();
    let configuration = file("toml", "/etc/vestibule/vestibule.toml");
    place.write("vestibule.toml", &replace(configuration, "/var/lib/vestibule/", "data/"));
    place.write("shop.toml", file("toml", "/etc/vestibule/shop.toml"));
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env_remove("VESTIBULE__STORE__URL").env_remove("VESTIBULE__SERVER__LISTEN");
        let output = command.output().expect("it runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(run(&["config", "check", "--config", "vestibule.toml"]), "The configuration is valid.\n");
    let applied = run(&["project", "apply", "--config", "vestibule.toml", "shop.toml"]);
    assert_eq!(applied, "shop: created\n");
}

/// A proxy to the server that counts its connections.
async fn start_counter(to: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, count) = (listener.local_addr().expect("its address"), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.expect("the server listens");
                copy_bidirectional(&mut near, &mut far).await.ok();
            });
        }
    });
    (address, count)
}

/// The guide's file, with this test's ports and a generated certificate.
fn write_nginx(folder: &Path, port: u16, to: SocketAddr) -> PathBuf {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=auth.shop.example", "-keyout"])
        .arg(folder.join("privkey.pem"))
        .arg("-out")
        .arg(folder.join("fullchain.pem"))
        .output()
        .expect("openssl is not installed: run ./test, which installs it");
    assert!(made.status.success(), "{made:?}");
    let dir = folder.display().to_string();
    let text = file("nginx", "/etc/nginx/conf.d/vestibule.conf");
    let text = replace(text, "127.0.0.1:4100", &to.to_string());
    let text = replace(&text, "/etc/letsencrypt/live/auth.shop.example", &dir);
    let text = replace(&text, "listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"));
    let text = replace(&text, "listen 80;", &format!("listen unix:{dir}/plain;"));
    // Not every test machine has IPv6.
    let text = replace(&text, "listen [::]:443 ssl;", "");
    let text = replace(&text, "listen [::]:80;", "");
    nginx::write_main_file(folder, &text)
}

async fn nginx_serves_a_project_on_any_port(engine: Engine) {
    // The port belongs to the requested host.
    const HOST: &str = "auth.shop.example:8443";
    let server = TestServer::start(engine, |setup| {
        setup.set("project.public_origin", format!("https://{HOST}"));
        setup.configure("portal.public_origin", &format!("https://{HOST}"));
        setup.configure("server.trusted_proxies", "127.0.0.1");
    })
    .await;
    let (to, connections) = start_counter(server.address).await;
    let (address, _process, folder) = nginx::run(|folder, port| write_nginx(folder, port, to)).await;
    let tested = nginx::command(folder.path()).arg("-t").output().expect("nginx runs");
    assert!(tested.status.success(), "nginx -t: {}", String::from_utf8_lossy(&tested.stderr));
    let client = reqwest::Client::builder()
        .no_proxy()
        .danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .resolve("auth.shop.example", address)
        .build()
        .expect("a client");
    connections.store(0, Ordering::SeqCst);
    let get = async |path: &str| {
        let url = format!("https://auth.shop.example:{}{path}", address.port());
        let request = client.get(url).header(header::HOST, HOST).header("X-Forwarded-Host", "other.example");
        request.header("X-Forwarded-Proto", "http").send().await.expect("an answer")
    };
    for path in ["/.well-known/openid-configuration", "/oauth2/jwks", "/_resolver/resolve", "/portal/sign-in"] {
        for _ in 0..3 {
            let answer = get(path).await;
            assert_eq!(answer.status(), 200, "{path}: {:?}", answer.headers());
            answer.bytes().await.expect("its body");
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1, "nginx keeps its connection to the server");
    let metadata: serde_json::Value =
        get("/.well-known/openid-configuration").await.json().await.expect("the metadata");
    assert_eq!(metadata["issuer"], format!("https://{HOST}"));
}

on_both_engines!(nginx_serves_a_project_on_any_port; needs nginx);
