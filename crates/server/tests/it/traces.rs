//! With the feature `otel`: what a collector receives about a request, its write and its webhook, and what it does not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Installation, Receiver, Reply};

/// A generous timeout, reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(30);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

type Batches = Arc<Mutex<Vec<Bytes>>>;

/// A collector that stores what it receives.
async fn start_collector() -> (String, Batches) {
    async fn take(State(batches): State<Batches>, body: Bytes) {
        batches.lock().expect("no panic").push(body);
    }
    let batches = Batches::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&batches));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, batches)
}

/// One field of a protobuf message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a protobuf message, in their order.
fn read_message(mut rest: &[u8]) -> Vec<(u64, Field<'_>)> {
    fn read_number(rest: &mut &[u8]) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (byte, more) = rest.split_first().expect("a whole number");
            *rest = more;
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return number;
            }
        }
    }
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = read_number(&mut rest);
        let field = match tag & 7 {
            0 => Field::Number(read_number(&mut rest)),
            kind @ (1 | 2 | 5) => {
                let length = match kind {
                    1 => 8,
                    5 => 4,
                    _ => usize::try_from(read_number(&mut rest)).expect("short"),
                };
                let (bytes, more) = rest.split_at(length);
                rest = more;
                Field::Bytes(bytes)
            }
            kind => panic!("no protobuf: {kind}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

/// The messages in one field of another.
fn parts(message: &[u8], number: u64) -> Vec<&[u8]> {
    let fields = read_message(message).into_iter().filter(|(found, _)| *found == number);
    fields.filter_map(|(_, field)| if let Field::Bytes(bytes) = field { Some(bytes) } else { None }).collect()
}

fn text(message: &[u8], number: u64) -> String {
    parts(message, number).first().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

fn hex(message: &[u8], number: u64) -> String {
    let bytes = parts(message, number).first().copied().unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A span as the collector got it.
#[derive(Clone, Debug)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    attributes: BTreeMap<String, String>,
}

/// Reads an `ExportTraceServiceRequest`; the service's name and its spans.
fn read_batch(batch: &[u8]) -> (Vec<String>, Vec<Span>) {
    let value = |attribute: &[u8]| {
        let value = parts(attribute, 2).first().copied().unwrap_or_default();
        let shown = read_message(value).into_iter().map(|(_, field)| match field {
            Field::Number(number) => number.to_string(),
            Field::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        });
        shown.collect::<String>()
    };
    let (mut services, mut spans) = (Vec::new(), Vec::new());
    for of_resource in parts(batch, 1) {
        let resource = parts(of_resource, 1);
        let attributes = resource.iter().flat_map(|resource| parts(resource, 1));
        services.extend(attributes.filter(|one| text(one, 1) == "service.name").map(value));
        for span in parts(of_resource, 2).iter().flat_map(|scope| parts(scope, 2)) {
            spans.push(Span {
                trace: hex(span, 1),
                id: hex(span, 2),
                parent: hex(span, 4),
                name: text(span, 5),
                attributes: parts(span, 9).iter().map(|one| (text(one, 1), value(one))).collect(),
            });
        }
    }
    (services, spans)
}

async fn wait_for(batches: &Batches, name: &str) -> Span {
    let looking = async {
        loop {
            let all = batches.lock().expect("no panic").clone();
            let spans = all.iter().flat_map(|batch| read_batch(batch).1);
            if let Some(found) = spans.into_iter().find(|span| span.name == name) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("no span {name}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_sees_a_sign_up_its_write_and_its_webhook_in_the_callers_trace() {
    let (collector, batches) = start_collector().await;
    let receiver = Receiver::start().await;
    let folder = TempDir::new().expect("a scratch folder");
    let mut installation = Installation::make(&format!("sqlite:{}", folder.path().join("store.db").display()));
    let file = installation.folder.path().join("project.toml");
    let mut project = std::fs::read_to_string(&file).expect("the project's file");
    project
        .push_str(&format!("\n[[hook.blocking_handlers]]\nevent = \"user.pre_create\"\nurl = \"{}\"\n", receiver.url));
    std::fs::write(&file, project).expect("written");
    installation.run(&["project", "apply", file.to_str().expect("text")]);
    let endpoint = format!("OTEL_EXPORTER_OTLP_ENDPOINT={collector}");
    let private = "VESTIBULE__HOOKS__ALLOW_PRIVATE_ADDRESSES=true";
    installation.wrap(&["env", &endpoint, "OTEL_BSP_SCHEDULE_DELAY=100", private]);
    let process = installation.start();

    let body = json!({ "client_id": "rotating", "session_type": "refresh_token" });
    let request = process.http().request(Method::POST, "/api/anonymous_user/signup?secret=hunter2").json(&body);
    let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let guest = Reply::of(request).await.result();

    let route = "/api/anonymous_user/signup";
    let requested = wait_for(&batches, "POST /api/anonymous_user/signup").await;
    assert_eq!((requested.trace.as_str(), requested.parent.as_str()), (TRACE, CALLER));
    assert_eq!(requested.attributes["http.request.method"], "POST");
    assert_eq!(requested.attributes["http.route"], route);
    assert_eq!(requested.attributes["http.response.status_code"], "200");
    let write = wait_for(&batches, "sign_up_anonymous").await;
    assert_eq!((write.trace.as_str(), &write.parent), (TRACE, &requested.id));
    assert_eq!(
        (write.attributes["db.system.name"].as_str(), write.attributes["vestibule.write.kept"].as_str()),
        ("sqlite", "1")
    );
    let webhook = wait_for(&batches, "webhook").await;
    assert_eq!((webhook.trace.as_str(), &webhook.parent), (TRACE, &requested.id));
    assert_eq!(webhook.attributes["http.response.status_code"], "200");
    let reported = receiver.wait_for(1).await[0].headers["traceparent"].to_str().expect("text").to_owned();
    assert_eq!(reported, format!("00-{TRACE}-{}-01", webhook.id), "the receiver's spans belong below the webhook's");

    // No secrets, and no user.
    let everything: Vec<u8> = batches.lock().expect("no panic").iter().flatten().copied().collect();
    let everything = String::from_utf8_lossy(&everything);
    let refresh = guest["refresh_token"].as_str().expect("a token");
    for secret in ["hunter2", refresh, "127.0.0.1:"] {
        assert!(!everything.contains(secret), "{secret}");
    }
    let services = batches.lock().expect("no panic").iter().flat_map(|batch| read_batch(batch).0).collect::<Vec<_>>();
    assert!(services.iter().all(|name| name == "vestibule") && !services.is_empty(), "{services:?}");
}
