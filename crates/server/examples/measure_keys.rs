//! Measures guests with a device key against guests of the web, over real HTTP on one SQLite store; prints rates.
//! Requests are signed before the clock starts, so that only the server's work and a small client count.
//!
//! `cargo run --release -p vestibule-server --example measure_keys [REQUESTS] [CONNECTIONS]`
#![expect(clippy::print_stdout, reason = "a program that prints its result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::{
    error::Error,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use vestibule_domain::project::ProjectSettings;
use vestibule_server::{
    adapters::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender},
    app::Adapters,
    boot, config,
    flows::{actor::Actor, projects::ProjectWriter},
    hosts::PortalHost,
};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Sign-ins per user within the token endpoint's limit of 60 a minute.
const LOGINS_PER_USER: usize = 40;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let requests = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let connections = arguments.next().map_or(Ok(128), |text| text.parse())?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(requests, connections))
}

async fn measure(requests: usize, connections: usize) -> Result<()> {
    let place = tempfile::tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let environment = [
        ("VESTIBULE__STORE__URL", format!("sqlite:{}", place.path().join("vestibule.db").display())),
        // Each request has its own address, because the token endpoint's limit per address is fixed.
        ("VESTIBULE__SERVER__TRUSTED_PROXIES", "127.0.0.1".to_string()),
        ("VESTIBULE__LOG__FILTER", "error".to_string()),
    ];
    let config = config::load(None, environment.into_iter().map(|(name, value)| (name.to_string(), value)))
        .map_err(|problems| format!("{problems:?}"))?;
    let settings = ProjectSettings::parse_toml(&project(address)).map_err(|problems| format!("{problems:?}"))?;
    let (store, master) = boot::open_store(&config, &Entropy::Os).await?;
    let portal = PortalHost::default();
    let writer = ProjectWriter { store: &store, master: &master, entropy: &Entropy::Os, portal: &portal };
    writer.apply(&settings, &Actor::at_terminal("project apply"), Clock::System.now()).await?;
    store.close().await;
    let app = boot::open(
        config,
        Adapters { clock: Clock::System, entropy: Entropy::Os, mailer: Mailer::None, sms: SmsSender::None },
    )
    .await?;
    tokio::spawn(boot::serve(Arc::clone(&app), listener, std::future::pending()));

    let key = Arc::new(RsaKeyPair::generate(KeySize::Rsa2048)?);
    let run = |name: &'static str, prepared: Vec<Vec<u8>>| run(name, address, prepared, connections);
    let now = app.clock.now().as_seconds();
    let signed = |client: &'static str, users: usize, count: usize| {
        let key = Arc::clone(&key);
        async move { sign_logins(address, &key, client, users, count, now).await }
    };
    let users = requests.div_ceil(LOGINS_PER_USER);

    let web = |number: usize| {
        let body = json!({"session_type": "refresh_token", "client_id": "rs256"}).to_string();
        post(address, "/api/anonymous_user/signup", "application/json", &body, number)
    };
    run("web sign-up", (0..requests).map(web).collect()).await?;
    let challenge = |number: usize| challenge_request(address, number);
    run("challenge", (0..requests).map(challenge).collect()).await?;
    // Registers the keys for the sign-ins below; the result is the figure for sign-ups.
    run("key sign-up, ID token RS256", signed("rs256", requests, requests).await?).await?;
    run("key sign-up again, known key", signed("rs256", users, users).await?).await?;
    run("key re-login, ID token RS256", signed("rs256", users, requests / 2).await?).await?;
    run("key re-login, ID token ES256", signed("es256", users, requests / 2).await?).await?;
    run("web sign-up", (0..requests).map(web).collect()).await?;
    for (name, stats) in &app.store.stats().by_name {
        println!("{name}: {} writes", stats.count);
    }
    Ok(())
}

fn project(address: SocketAddr) -> String {
    format!(
        r#"
[project]
id = "measure"
public_origin = "http://{address}"

[authentication]
identities = ["anonymous"]

[authentication.rate_limits]
signup_anonymous.per_ip.enabled = false
account_enumeration.per_ip.enabled = false

[[oauth.clients]]
client_id = "rs256"
x_application_type = "native"
redirect_uris = ["com.example.shop://host/path"]

[[oauth.clients]]
client_id = "es256"
x_application_type = "native"
redirect_uris = ["com.example.shop://host/path"]
id_token_signed_response_alg = "ES256"
"#
    )
}

fn post(address: SocketAddr, path: &str, content_type: &str, body: &str, number: usize) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(number).unwrap_or(0).to_be_bytes();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nX-Forwarded-For: 10.{a}.{b}.{c}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn challenge_request(address: SocketAddr, number: usize) -> Vec<u8> {
    post(address, "/oauth2/challenge", "application/json", r#"{"purpose":"anonymous_request"}"#, number)
}

/// Signed requests of many users that share a key pair under separate key IDs.
async fn sign_logins(
    address: SocketAddr,
    key: &RsaKeyPair,
    client: &str,
    users: usize,
    count: usize,
    now: i64,
) -> Result<Vec<Vec<u8>>> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
    let n = encode(n.big_endian_without_leading_zero());
    let e = encode(e.big_endian_without_leading_zero());
    let mut stream = TcpStream::connect(address).await?;
    let mut buffer = Vec::new();
    let mut prepared = Vec::with_capacity(count);
    for number in 0..count {
        stream.write_all(&challenge_request(address, number)).await?;
        let body: Value = serde_json::from_slice(&read_reply(&mut stream, &mut buffer).await?.1)?;
        let kid = format!("device-key-{:08}", number % users);
        let jwk = json!({"kid": kid, "kty": "RSA", "alg": "RS256", "n": n, "e": e});
        let header = json!({"typ": "vnd.authgear.anonymous-request", "alg": "RS256", "kid": kid, "jwk": jwk});
        let challenge = &body["result"]["token"];
        let payload = json!({"iat": now, "exp": now + 60, "challenge": challenge, "action": "auth"});
        let mut jwt = format!("{}.{}", encode(header.to_string().as_bytes()), encode(payload.to_string().as_bytes()));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), jwt.as_bytes(), &mut signature)?;
        jwt.push('.');
        jwt.push_str(&encode(&signature));
        let grant = "urn%3Aauthgear%3Aparams%3Aoauth%3Agrant-type%3Aanonymous-request";
        let form = format!("grant_type={grant}&client_id={client}&jwt={jwt}");
        prepared.push(post(address, "/oauth2/token", "application/x-www-form-urlencoded", &form, number));
    }
    Ok(prepared)
}

/// Sends every request once over kept-alive connections, each waiting for its response.
async fn run(name: &str, address: SocketAddr, prepared: Vec<Vec<u8>>, connections: usize) -> Result<()> {
    let (prepared, next) = (Arc::new(prepared), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (prepared, next) = (Arc::clone(&prepared), Arc::clone(&next));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let mut buffer = Vec::new();
                while let Some(request) = prepared.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stream.write_all(request).await?;
                    let (status, body) = read_reply(&mut stream, &mut buffer).await?;
                    if status != 200 {
                        return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
                    }
                }
                Result::Ok(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: {} in {seconds:.2} s, {:.0} a second", prepared.len(), prepared.len() as f64 / seconds);
    Ok(())
}

/// Reads one response: its status and body.
async fn read_reply(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(u16, Vec<u8>)> {
    buffer.clear();
    let mut chunk = [0; 8192];
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let status = head.get(9..12).and_then(|code| code.parse().ok()).ok_or("no status")?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.ok_or("no length")?.trim().parse()?;
            while buffer.len() < end + 4 + length {
                let read = stream.read(&mut chunk).await?;
                buffer.extend_from_slice(&chunk[..read]);
            }
            return Ok((status, buffer[end + 4..end + 4 + length].to_vec()));
        }
        match stream.read(&mut chunk).await? {
            0 => return Err("the server closed the connection".into()),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}
