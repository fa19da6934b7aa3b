//! The public origins, asked for as a client would, and the headers that a reverse proxy must pass on.

use std::{error::Error as _, net::SocketAddr, time::Duration};

use reqwest::{Client, Response, StatusCode, header, redirect::Policy};
use vestibule_app::config::Config;
use vestibule_domain::project::Origin;
use vestibule_protocol::echo;

use super::report::Report;
use crate::cli::probe::reachable;

const CHECK: &str = "origin";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Maximum size of an answer that is read.
const LONGEST: usize = 64 * 1024;
const DISCOVERY: &str = "/.well-known/openid-configuration";
const HOST_ADVICE: &str =
    "the reverse proxy must pass on the client's Host header, with its port (nginx: proxy_set_header Host $http_host;)";
const SCHEME_ADVICE: &str = "the reverse proxy must send X-Forwarded-Proto with the client's scheme (nginx: proxy_set_header X-Forwarded-Proto $scheme;)";

pub(super) async fn check(config: &Config, projects: &[(String, Origin)], report: &mut Report) {
    let client = match Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build() {
        Ok(client) => client,
        Err(error) => return report.fail(CHECK, &describe(&error), "this program can't make HTTPS requests here"),
    };
    check_server(&client, config.server.listen, report).await;
    let portal = Origin::parse(&config.portal.public_origin).ok();
    let public = projects.iter().map(|(_, origin)| origin).chain(portal.as_ref());
    let behind_proxy = public.filter(|origin| origin.is_https() || !origin.is_local()).count() > 0;
    if behind_proxy && config.server.trusted_proxies.is_empty() {
        report.fail(
            CHECK,
            "server.trusted_proxies is empty: all users share the address of the reverse proxy, and with it its limits",
            "add the address of the proxy, for example trusted_proxies = [\"127.0.0.1\"]",
        );
    }
    for (id, origin) in projects {
        check_project(&client, id, origin, report).await;
    }
    match portal {
        Some(origin) if projects.iter().all(|(_, other)| *other != origin) => {
            check_portal(&client, &origin, report).await
        }
        Some(_) => {}
        None => {
            report.warn("portal", "there is no portal: portal.public_origin is empty", "set it, unless you need none")
        }
    }
}

/// The process itself, without the proxy.
async fn check_server(client: &Client, listen: SocketAddr, report: &mut Report) {
    const CHECK: &str = "server";
    let address = reachable(listen);
    match client.get(format!("http://{address}/readyz")).send().await {
        Ok(response) if response.status() == StatusCode::OK => report.ok(CHECK, &format!("it is ready at {address}")),
        Ok(response) => {
            let status = response.status();
            let text = read_start(response).await;
            report.fail(
                CHECK,
                &format!("{address} answers {status}: {}", echo(text.trim())),
                "look at the server's log",
            );
        }
        Err(error) => {
            let message = format!("nothing answers at {address} ({})", describe(&error));
            report.warn(CHECK, &message, "start it: vestibule serve, or systemctl start vestibule");
        }
    }
}

async fn check_project(client: &Client, id: &str, origin: &Origin, report: &mut Report) {
    let url = format!("{origin}{DISCOVERY}");
    let response = match client.get(&url).send().await {
        Ok(response) => response,
        Err(error) => {
            return report.fail(CHECK, &format!("{origin} (project {id}): {}", describe(&error)), &advise_on(&error));
        }
    };
    if let Some((problem, advice)) = judge(&response, &url) {
        return report.fail(CHECK, &format!("{origin} (project {id}) {problem}"), &advice);
    }
    let body = read_start(response).await;
    let issuer = serde_json::from_str::<serde_json::Value>(&body).ok();
    let issuer = issuer.as_ref().and_then(|body| body["issuer"].as_str());
    if issuer != Some(origin.as_str()) {
        let found =
            issuer.map_or("no metadata of Vestibule".to_string(), |issuer| format!("the issuer {}", echo(issuer)));
        let message = format!("{origin} (project {id}) answers with {found}");
        return report.fail(CHECK, &message, "the host name or the proxy leads to another server or project");
    }
    report.ok(CHECK, &format!("{origin} (project {id}) answers as itself"));
    if origin.is_https() {
        check_overwritten_scheme(client, origin, &url, report).await;
    }
}

/// A proxy that passes on the scheme that a client claims would be believed.
async fn check_overwritten_scheme(client: &Client, origin: &Origin, url: &str, report: &mut Report) {
    let claimed = client.get(url).header("x-forwarded-proto", "http").send().await;
    if claimed.is_ok_and(|response| response.status().is_redirection()) {
        let message = format!("the proxy of {origin} passes on a client's own X-Forwarded-Proto");
        report.warn(CHECK, &message, SCHEME_ADVICE);
    }
}

async fn check_portal(client: &Client, origin: &Origin, report: &mut Report) {
    const CHECK: &str = "portal";
    let url = format!("{origin}/portal/sign-in");
    match client.get(&url).send().await {
        Err(error) => report.fail(CHECK, &format!("{origin}: {}", describe(&error)), &advise_on(&error)),
        Ok(response) => match judge(&response, &url) {
            Some((problem, advice)) => report.fail(CHECK, &format!("{origin} {problem}"), &advice),
            None => report.ok(CHECK, &format!("{origin}/portal answers")),
        },
    }
}

/// What is wrong with an answer, and what to do; `None` for a success.
fn judge(response: &Response, url: &str) -> Option<(String, String)> {
    let status = response.status();
    if status == StatusCode::OK {
        return None;
    }
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    Some(match (status, location) {
        (StatusCode::MISDIRECTED_REQUEST, _) => {
            ("is answered 421: the server sees another host".into(), HOST_ADVICE.into())
        }
        (_, Some(to)) if status.is_redirection() && to == url => {
            ("redirects to itself without end".into(), SCHEME_ADVICE.into())
        }
        (_, Some(to)) if status.is_redirection() => (
            format!("redirects to {}", echo(to)),
            "clients must reach it without a redirect: make the final address the public_origin".into(),
        ),
        (StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT, _) => (
            format!("is answered {status} by the reverse proxy"),
            "start the server, and let the proxy pass requests to server.listen".into(),
        ),
        (_, _) => (format!("is answered {status}"), "look at the logs of the server and of the proxy".into()),
    })
}

fn advise_on(error: &reqwest::Error) -> String {
    let text = describe(error);
    if text.contains("certificate") {
        "renew the certificate, or install the whole chain of it (fullchain.pem)".into()
    } else if error.is_timeout() {
        "look at the firewall, and at the address of the host name".into()
    } else {
        "start the server and its reverse proxy, and look whether the host name leads here".into()
    }
}

/// The error with its causes: the outermost says only that a request failed.
fn describe(error: &reqwest::Error) -> String {
    let (mut text, mut cause) = (String::new(), error.source());
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

async fn read_start(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = LONGEST - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if bytes.len() == LONGEST {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
