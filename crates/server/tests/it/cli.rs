//! The command line, run as a process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::support::{Http, ScratchInstallation};

const SHOP: &str = r#"
[project]
id = "shop"
public_origin = "https://auth.shop.example"

[authentication]
identities = ["login_id", "anonymous"]

[session]
lifetime_seconds = 31449600

[[oauth.clients]]
client_id = "shop-web"
name = "Shop"
x_application_type = "spa"
redirect_uris = ["https://shop.example/after-login"]
post_logout_redirect_uris = ["https://shop.example/"]
refresh_token_idle_timeout_seconds = 2592000
"#;

#[test]
fn a_project_is_created_applied_exported_and_listed() {
    let place = ScratchInstallation::new();
    // Commands that only read create no store by accident.
    let nothing = place.run(&["project", "list"]).problem();
    assert!(
        nothing.starts_with("vestibule: there is no store at data/vestibule.db: name the server's configuration"),
        "{nothing}"
    );
    let created =
        place.run(&["project", "create", "--id", "blog", "--public-origin", "https://auth.blog.example/"]).printed();
    assert!(
        created.contains("id = \"blog\"") && created.contains("public_origin = \"https://auth.blog.example\""),
        "{created}"
    );
    let again = place.run(&["project", "create", "--id", "blog", "--public-origin", "https://b.example"]).problem();
    assert!(again.starts_with("vestibule: the project \"blog\" exists already"), "{again}");

    place.write("shop.toml", SHOP);
    assert_eq!(place.run(&["project", "apply", "shop.toml"]).printed(), "shop: created\n");
    assert_eq!(place.run(&["project", "apply", "shop.toml"]).printed(), "shop: no changes\n");
    place.write("shop.toml", &SHOP.replace("31449600", "3600").replace("name = \"Shop\"", "name = \"Corner\""));
    let changed = place.run(&["project", "apply", "shop.toml"]).printed();
    assert!(changed.starts_with("shop: 2 changes\n"), "{changed}");
    assert!(changed.contains("session.lifetime_seconds: 31449600 → 3600"), "{changed}");

    let exported = place.run(&["project", "export", "shop"]).printed();
    place.write("exported.toml", &exported);
    assert_eq!(place.run(&["project", "apply", "exported.toml"]).printed(), "shop: no changes\n");
    let listed = place.run(&["project", "list"]).printed();
    assert_eq!(listed, "blog\thttps://auth.blog.example\tversion 1\nshop\thttps://auth.shop.example\tversion 2\n");
    let missing = place.run(&["project", "export", "nobody"]).problem();
    assert_eq!(missing, "vestibule: there is no project \"nobody\"\n");
}

#[test]
fn what_is_probably_a_mistake_is_applied_with_a_warning() {
    let place = ScratchInstallation::new();
    let odd = SHOP.replace("https://shop.example/after-login", "com.shop.app://done");
    place.write("shop.toml", &format!("{odd}\n[http]\nallowed_origins = [\"https://*.vercel.app\"]\n"));
    for arguments in [&["project", "apply", "--dry-run", "shop.toml"][..], &["project", "apply", "shop.toml"]] {
        let printed = place.run(arguments).printed();
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines.len(), 3, "{printed}");
        assert!(lines[1].starts_with("warning: http.allowed_origins[0]: anyone can register a name below vercel.app"));
        assert!(
            lines[2].starts_with("warning: oauth.clients[0].redirect_uris[0]: \"com.shop.app://done\" has no path")
        );
    }
}

/// Every file below a folder with its bytes.
fn snapshot(place: &ScratchInstallation) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut folders = vec![place.path("")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let bytes = std::fs::read(&entry).expect("a file");
                files.push((entry, bytes));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_dry_run_says_what_would_change_and_touches_nothing() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    let before = snapshot(&place);
    assert_eq!(place.run(&["project", "apply", "--dry-run", "shop.toml"]).printed(), "shop: would be created\n");
    assert_eq!(snapshot(&place), before, "neither a database nor a master key nor their folder");
    place.run(&["project", "apply", "shop.toml"]).printed();
    place.write("shop.toml", &SHOP.replace("31449600", "3600"));
    place.write("other.toml", &SHOP.replace("\"shop\"", "\"other\"").replace("https:", "http:"));
    let before = snapshot(&place);
    let shown = place.run(&["project", "apply", "--dry-run", "shop.toml"]).printed();
    assert!(shown.contains("session.lifetime_seconds: 31449600 → 3600"), "{shown}");
    let clash = place.run(&["project", "apply", "--dry-run", "other.toml"]).problem();
    assert!(clash.contains("another project is served at this host"), "{clash}");
    assert_eq!(snapshot(&place), before);
    assert!(place.run(&["project", "list"]).printed().ends_with("version 1\n"));
    // The same while a server has the store open.
    let running = place.serve();
    let shown = place.run(&["project", "apply", "--dry-run", "shop.toml"]).printed();
    assert!(shown.contains("session.lifetime_seconds: 31449600 → 3600"), "{shown}");
    drop(running);
}

#[test]
fn what_the_file_does_not_name_is_removed_only_on_request() {
    let place = ScratchInstallation::new();
    let more = "\n[[oauth.clients]]\nclient_id = \"from-the-portal\"\nx_application_type = \"spa\"\n\
                redirect_uris = [\"https://shop.example/\"]\n\n[[hook.non_blocking_handlers]]\nevents = [\"*\"]\n\
                url = \"https://hooks.shop.example/\"\n";
    place.write("all.toml", &format!("{SHOP}{more}"));
    place.run(&["project", "apply", "all.toml"]).printed();
    let changed = SHOP.replace("31449600", "3600").replace("name = \"Shop\"\n", "");
    place.write("shop.toml", &changed);
    let problem = place.run(&["project", "apply", "shop.toml"]).problem();
    for lost in [
        "oauth.clients[from-the-portal]",
        "hook.non_blocking_handlers[https://hooks.shop.example/]",
        "oauth.clients[shop-web].name",
        "--prune",
    ] {
        assert!(problem.contains(lost), "{lost} is missing in:\n{problem}");
    }
    let shown = place.run(&["project", "apply", "--dry-run", "shop.toml"]).printed();
    assert!(shown.contains("Without --prune this is refused") && shown.contains("[from-the-portal]"), "{shown}");
    let exported = place.run(&["project", "export", "shop"]).printed();
    assert!(exported.contains("from-the-portal") && exported.contains("31449600"), "nothing was changed: {exported}");
    place.run(&["project", "apply", "--prune", "shop.toml"]).printed();
    let exported = place.run(&["project", "export", "shop"]).printed();
    assert!(!exported.contains("from-the-portal") && exported.contains("3600"), "{exported}");
    // Changes and additions need no flag.
    place.write("shop.toml", &format!("{}{more}", changed.replace("after-login", "after")));
    place.run(&["project", "apply", "shop.toml"]).printed();
}

#[test]
fn a_project_that_exists_can_be_left_as_it_is() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    assert_eq!(place.run(&["project", "apply", "--if-new", "shop.toml"]).printed(), "shop: created\n");
    place.write("shop.toml", &SHOP.replace("31449600", "3600"));
    let left = place.run(&["project", "apply", "--if-new", "shop.toml"]).printed();
    assert_eq!(left, "shop: exists, and is left as it is\n");
    assert!(place.run(&["project", "export", "shop"]).printed().contains("31449600"));
}

#[test]
fn a_probe_succeeds_only_while_the_server_is_ready() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let mut running = place.serve();
    let listen = running.address.to_string();
    let probe = || place.command(&["probe"]).env("VESTIBULE__SERVER__LISTEN", &listen).output().expect("it runs");
    assert!(probe().status.success());
    running.terminate();
    assert!(running.wait());
    let output = probe();
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("vestibule: nothing answers at {listen}\n"));
}

#[test]
fn completions_and_manual_name_every_command() {
    let place = ScratchInstallation::new();
    let pages = place.path("man");
    place.run(&["man", "--dir", "man"]).printed();
    let manual = place.run(&["man"]).printed();
    assert!(manual.starts_with(".ie") || manual.contains(".TH vestibule 1"), "{manual}");
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell]).printed();
        for command in ["doctor", "init", "migrate-store", "dev-mail"] {
            assert!(script.contains(command), "{command} is missing for {shell}");
        }
    }
    for command in ["vestibule", "vestibule-serve", "vestibule-user-delete", "vestibule-project-apply"] {
        let page = std::fs::read_to_string(pages.join(format!("{command}.1"))).expect(command);
        assert!(page.contains("config") || command == "vestibule", "{page}");
    }
}

#[test]
fn everything_wrong_with_a_project_file_is_said_at_once_with_its_line() {
    let place = ScratchInstallation::new();
    let bad = SHOP
        .replace("lifetime_seconds = 31449600", "lifetime_seconds = \"long\"\nlifetime_secons = 5")
        .replace("\"spa\"", "\"webapp\"")
        .replace("https://auth.shop.example", "auth.shop.example");
    place.write("shop.toml", &bad);
    let problem = place.run(&["project", "apply", "shop.toml"]).problem();
    assert!(problem.starts_with("vestibule: shop.toml is not valid, nothing was changed:\n"), "{problem}");
    for (line, key) in
        [(4, "public_origin"), (10, "lifetime_seconds"), (11, "lifetime_secons"), (16, "x_application_type")]
    {
        let reported = problem.lines().any(|text| text.contains(&format!("line {line}")) && text.contains(key));
        assert!(reported, "line {line}, {key}, is missing in:\n{problem}");
    }
    assert!(place.run(&["project", "list"]).problem().contains("there is no store"));
    let missing = place.run(&["project", "apply", "nowhere.toml"]).problem();
    assert!(missing.starts_with("vestibule: can't read nowhere.toml"), "{missing}");
}

#[test]
fn two_projects_cannot_share_a_host() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", SHOP);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let taken =
        "vestibule: project.public_origin: another project is served at this host and port: choose another one\n";
    for origin in ["https://auth.shop.example", "http://auth.shop.example", "https://AUTH.shop.example.:443"] {
        let other = SHOP.replace("\"shop\"", "\"other\"").replace("https://auth.shop.example", origin);
        place.write("other.toml", &other);
        assert_eq!(place.run(&["project", "apply", "other.toml"]).problem(), taken, "{origin}");
        let created = place.run(&["project", "create", "--id", "other", "--public-origin", origin]).problem();
        assert_eq!(created, taken, "{origin}");
    }
    assert_eq!(place.run(&["project", "list"]).printed().lines().count(), 1);
    // The command line may move a project.
    place.write("shop.toml", &SHOP.replace("https://auth.shop.example", "https://id.shop.example"));
    assert!(place.run(&["project", "apply", "shop.toml"]).printed().contains("project.public_origin"));
}

#[test]
fn the_portals_host_is_kept_for_the_named_project() {
    let place = ScratchInstallation::new();
    let portal = "[portal]\npublic_origin = \"https://auth.shop.example\"\nproject = \"shop\"\n";
    place.write("vestibule.toml", portal);
    let apply = ["project", "apply", "--config", "vestibule.toml"];
    place.write("other.toml", &SHOP.replace("\"shop\"", "\"other\"").replace("https:", "http:"));
    let problem = place.run(&[&apply[..], &["other.toml"]].concat()).problem();
    assert!(problem.contains("the portal is served at this host"), "{problem}");
    assert!(problem.contains("portal.project"), "{problem}");
    place.write("shop.toml", SHOP);
    assert_eq!(place.run(&[&apply[..], &["shop.toml"]].concat()).printed(), "shop: created\n");
}

#[test]
fn the_configuration_is_checked_and_explained() {
    let place = ScratchInstallation::new();
    let reference = place.run(&["config", "reference"]).printed();
    let table: toml::Table = reference.parse().expect("the reference is a configuration");
    assert!(
        ["server", "store", "secrets", "smtp", "passwords", "log"].iter().all(|section| table.contains_key(*section))
    );
    place.write("good.toml", &reference);
    assert_eq!(place.run(&["config", "check", "--config", "good.toml"]).printed(), "The configuration is valid.\n");

    place.write(
        "bad.toml",
        "[server]\nlisten = \"nowhere\"\nport = 1\n[store]\nmax_connections = 0\n[passwords]\nmemory_kib = 1\n",
    );
    let mut command = place.command(&["config", "check", "--config", "bad.toml"]);
    command.env_remove("VESTIBULE__SERVER__LISTEN").env("VESTIBULE__LOG__FORMAT", "xml");
    let output = command.output().expect("it runs");
    let problem = String::from_utf8(output.stderr).expect("text");
    assert!(
        !output.status.success() && problem.starts_with("vestibule: the configuration is not valid:\n"),
        "{problem}"
    );
    for reported in [
        "server.listen (from bad.toml)",
        "server.port (from bad.toml)",
        "log.format (from environment variable VESTIBULE__LOG__FORMAT)",
    ] {
        assert!(problem.contains(reported), "{reported} is missing in:\n{problem}");
    }
}

#[test]
fn help_names_every_command() {
    let place = ScratchInstallation::new();
    let help = place.run(&["--help"]).printed();
    for command in ["demo", "serve", "config", "project"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}: {help}");
    }
}

#[test]
fn a_taken_port_and_an_unusable_folder_are_one_clear_line() {
    let place = ScratchInstallation::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let mut serve = place.command(&["serve"]);
    let output = serve.env("VESTIBULE__SERVER__LISTEN", address.to_string()).output().expect("it runs");
    let problem = String::from_utf8(output.stderr).expect("text");
    assert!(!output.status.success() && problem.lines().count() == 1, "{problem}");
    assert!(problem.starts_with(&format!("vestibule: cannot listen on {address}: ")), "{problem}");

    let port = address.port().to_string();
    let problem = place.run(&["demo", "--port", &port]).problem();
    assert!(problem.lines().count() == 1 && problem.contains(&format!("127.0.0.1:{port}")), "{problem}");

    place.write("file", "not a folder");
    let (first, _) = free_pair();
    let problem = place.run(&["demo", "--port", &first.to_string(), "--data", "file/data"]).problem();
    assert!(
        problem.lines().count() == 1 && problem.starts_with("vestibule: can't create the directory file/data"),
        "{problem}"
    );
    let mut create =
        place.command(&["project", "create", "--id", "blog", "--public-origin", "https://auth.blog.example"]);
    let output = create.env("VESTIBULE__STORE__URL", "sqlite:file/x.db").output().expect("it runs");
    let problem = String::from_utf8(output.stderr).expect("text");
    assert!(problem.lines().count() == 1 && problem.contains("can't create the directory file"), "{problem}");
}

/// Two free neighboring ports: the demo uses a port and the next one.
fn free_pair() -> (u16, u16) {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").and_then(|first| first.local_addr()).expect("a free port").port();
        let Some(second) = first.checked_add(1) else { continue };
        if TcpListener::bind(("127.0.0.1", second)).is_ok() {
            return (first, second);
        }
    }
}

/// Starts the demo and waits until it announces that it runs; `None` when the ports were taken meanwhile.
fn start_demo(place: &ScratchInstallation, port: u16) -> Option<Demo> {
    let mut command = place.command(&["demo", "--data", "demo-data", "--port", &port.to_string()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let out = BufReader::new(child.stdout.take().expect("it was asked for"));
    let mut lines = out.lines().map(|line| line.expect("text"));
    let output = lines.by_ref().find(|line| line.contains("Identity server"));
    let mut demo = Demo { child, rest: Box::new(lines) };
    output.map(|line| {
        assert!(line.ends_with(&format!("http://localhost:{port}")), "{line}");
        // Without an operator, the portal's URL is the first-run link.
        let portal = demo.rest.next().expect("a line about the portal");
        assert!(portal.starts_with(&format!("  Portal           http://localhost:{port}/portal/welcome/")), "{portal}");
        demo
    })
}

struct Demo {
    child: Child,
    rest: Box<dyn Iterator<Item = String>>,
}

impl Demo {
    fn stop(mut self) {
        let kill = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
        assert!(self.rest.any(|line| line == "Stopping."));
        assert!(self.child.wait().expect("our child").success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn the_demo_starts_and_its_guests_survive_ctrl_c() {
    let place = ScratchInstallation::new();
    let (port, demo) = loop {
        let (port, _) = free_pair();
        if let Some(demo) = start_demo(&place, port) {
            break (port, demo);
        }
    };
    let http = Http::new(&format!("http://localhost:{port}"), ([127, 0, 0, 1], port).into());
    let body = json!({ "session_type": "refresh_token", "client_id": "demo-web" });
    let guest = http.post_json("/api/anonymous_user/signup", &body).await.result();
    let shop = Http::new(&format!("http://localhost:{}", port + 1), ([127, 0, 0, 1], port + 1).into());
    for path in ["/", "/mailbox"] {
        assert!(shop.get(path).await.expect(200).body.contains("<h1"), "{path}");
    }
    http.get("/portal/sign-in").await.expect(200);
    demo.stop();
    let again = start_demo(&place, port).expect("the ports are ours");
    let body = json!({ "session_type": "refresh_token", "refresh_token": guest["refresh_token"] });
    let http = Http::new(&http.origin, ([127, 0, 0, 1], port).into());
    http.post_json("/api/anonymous_user/promotion_code", &body).await.result();
    again.stop();
    // Ctrl-C right after the announcement works.
    start_demo(&place, port).expect("the ports are ours").stop();
}

#[test]
fn a_running_request_is_finished_after_sigterm() {
    let place = ScratchInstallation::new();
    place.write("shop.toml", &SHOP.replace("https://auth.shop.example", "http://auth.test"));
    place.run(&["project", "apply", "shop.toml"]).printed();
    let mut running = place.serve();
    let body = json!({ "session_type": "refresh_token", "client_id": "shop-web" }).to_string();
    let mut stream = TcpStream::connect(running.address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    write!(
        stream,
        "POST /api/anonymous_user/signup HTTP/1.1\r\nHost: auth.test\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    )
    .expect("sent");
    // The server requests the body, so the request is running.
    let mut requested = [0; 25];
    stream.read_exact(&mut requested).expect("an interim answer");
    assert_eq!(&requested, b"HTTP/1.1 100 Continue\r\n\r\n");
    running.terminate();
    // It accepts no new connections.
    while TcpStream::connect(running.address).is_ok() {
        std::thread::yield_now();
    }
    stream.write_all(body.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, then the end");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"refresh_token\""), "{answer}");
    assert!(running.wait(), "it ends well");
}
