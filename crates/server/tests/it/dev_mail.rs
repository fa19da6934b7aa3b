//! `vestibule serve --dev-mail`: mails are shown on a page of this machine, and only for origins on this machine.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use vestibule_store::{Location, Store, outbox, projects};

use crate::support::ScratchInstallation;

const LOCAL: &str = "[project]\nid = \"shop\"\npublic_origin = \"http://localhost:4100\"\n";
const CODE: &str = "482913";

fn place_of(project: &str) -> ScratchInstallation {
    let place = ScratchInstallation::new();
    place.write("shop.toml", project);
    place.run(&["project", "apply", "shop.toml"]).printed();
    place
}

/// The running server, the address of its mailbox page, and its log.
fn start(place: &ScratchInstallation) -> (Child, String, BufReader<ChildStderr>) {
    let mut command = place.command(&["serve", "--dev-mail"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let log = BufReader::new(child.stderr.take().expect("piped"));
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let page =
        lines.map(|line| line.expect("text")).find_map(|line| line.strip_prefix("Mailbox: ").map(str::to_string));
    (child, page.expect("it says where the mailbox is"), log)
}

/// Queues a mail as the server does.
async fn queue_mail(place: &ScratchInstallation) {
    let store = Store::open(&Location::Sqlite { path: place.path("data/vestibule.db") }).await.expect("the store");
    let all = projects::list_any_project(&mut store.read().await.expect("a connection")).await.expect("projects");
    let (no, now) = (all[0].no, vestibule_app::adapters::clock::Clock::System.now());
    let mail = json!({
        "from": null, "to": "kim@shop.example", "subject": format!("{CODE} is your code"),
        "text": format!("Your code is {CODE}."), "html": format!("<p>{CODE}</p>"),
    });
    let pushed = store.write("test", (), move |tx, ()| {
        let mail = mail.to_string();
        Box::pin(async move { outbox::push(tx, no, "mail", None, &mail, now).await })
    });
    pushed.await.expect("queued");
    store.close().await;
}

async fn fetch(page: &str, host: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.get(format!("{page}/mails.json").replace("localhost", "127.0.0.1")).header("host", host);
    let response = request.send().await.expect("the mailbox answers");
    (response.status().as_u16(), response.text().await.expect("text"))
}

/// Waits until the mailbox answers like this.
async fn wait_for(page: &str, is_right: impl Fn(u16, &str) -> bool) -> String {
    loop {
        let (status, body) = fetch(page, "localhost").await;
        if is_right(status, &body) {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn end(mut child: Child, mut log: BufReader<ChildStderr>) -> String {
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
    let mut text = String::new();
    log.read_to_string(&mut text).expect("the log");
    assert!(child.wait().expect("our child").success(), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_are_on_the_page_and_not_in_the_log() {
    let place = place_of(LOCAL);
    let (child, page, log) = start(&place);
    queue_mail(&place).await;
    let body = wait_for(&page, |_, body| body.contains(CODE)).await;
    let mails: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(mails["mails"][0]["to"], "kim@shop.example");
    let (status, body) = fetch(&page, "attacker.example").await;
    assert!(status == 421 && !body.contains(CODE), "another name for this machine: {status} {body}");
    let log = end(child, log);
    assert!(log.contains("listening") && !log.contains(CODE) && !log.contains("kim@"), "{log}");
}

/// A project may become public while the server runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_closes_when_a_project_is_public() {
    let place = place_of(LOCAL);
    let (child, page, log) = start(&place);
    assert_eq!(fetch(&page, "localhost").await.0, 200);
    place.write("blog.toml", "[project]\nid = \"blog\"\npublic_origin = \"https://auth.blog.example\"\n");
    place.run(&["project", "apply", "blog.toml"]).printed();
    let body = wait_for(&page, |status, _| status == 403).await;
    assert!(body.contains("https://auth.blog.example (project blog)"), "{body}");
    end(child, log);
}

#[test]
fn a_server_that_others_can_reach_is_refused() {
    let place = place_of("[project]\nid = \"shop\"\npublic_origin = \"https://auth.shop.example\"\n");
    let refused = place.run(&["serve", "--dev-mail"]);
    assert!(!refused.succeeded && !refused.out.contains("Mailbox"), "{refused:?}");
    let reason = "--dev-mail is for development and refused, because other machines can reach https://auth.shop.example (project shop)";
    assert!(refused.err.contains(reason), "{refused:?}");

    let place = place_of(LOCAL);
    let mut command = place.command(&["serve", "--dev-mail"]);
    command.env("VESTIBULE__PORTAL__PUBLIC_ORIGIN", "http://192.0.2.1:4100");
    let output = command.output().expect("it runs");
    let problem = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success() && problem.contains("http://192.0.2.1:4100 (the portal)"), "{problem}");
    let alone = place.run(&["serve", "--dev-mail-port", "4180"]);
    assert!(!alone.succeeded && alone.err.contains("--dev-mail"), "a port alone means nothing: {alone:?}");
}
