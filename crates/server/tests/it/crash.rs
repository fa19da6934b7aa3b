//! The real binary, killed in the middle of its work: what was acknowledged is there after the restart.

use std::sync::Arc;

use serde_json::json;
use tokio::{
    sync::{Mutex, Notify},
    task::JoinSet,
};

use crate::support::{Http, Workplace};

const PROJECT: &str = r#"
[project]
id = "shop"
public_origin = "http://auth.test"

[authentication]
identities = ["login_id", "anonymous"]

[authentication.rate_limits.signup_anonymous.per_ip]
enabled = false

[[oauth.clients]]
client_id = "web"
x_application_type = "spa"
redirect_uris = ["http://shop.test/after-login"]
"#;

/// Signs guests up until the server is gone; every refresh token it was given.
async fn sign_up_until_the_end(http: Http, acknowledged: Arc<Mutex<Vec<String>>>, enough: Arc<Notify>) {
    let body = json!({ "session_type": "refresh_token", "client_id": "web" });
    loop {
        let request = http.request(reqwest::Method::POST, "/api/anonymous_user/signup").header("host", "auth.test");
        let Ok(response) = request.json(&body).send().await else { return };
        // The head of an answer may arrive and its body not: then nothing was acknowledged.
        let Ok(answer) = response.json::<serde_json::Value>().await else { return };
        let token = answer["result"]["refresh_token"].as_str().expect("a token").to_string();
        let mut all = acknowledged.lock().await;
        all.push(token);
        if all.len() >= 300 {
            enough.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_guest_survives_a_kill_amid_a_stream_of_sign_ups() {
    let place = Workplace::new();
    place.write("shop.toml", PROJECT);
    place.run(&["project", "apply", "shop.toml"]).printed();
    let mut checked = 0;
    // The second life begins on what the first one's end left.
    for _ in 0..2 {
        let mut running = place.serve();
        let (acknowledged, enough) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let mut crowd = JoinSet::new();
        for _ in 0..16 {
            let http = running.http("localhost");
            crowd.spawn(sign_up_until_the_end(http, Arc::clone(&acknowledged), Arc::clone(&enough)));
        }
        enough.notified().await;
        running.child.kill().expect("SIGKILL");
        crowd.join_all().await;
        assert!(!running.wait(), "it was killed");

        let running = place.serve();
        let http = running.http("localhost");
        for token in acknowledged.lock().await.iter() {
            let body = json!({ "session_type": "refresh_token", "client_id": "web", "refresh_token": token });
            let request = http.request(reqwest::Method::POST, "/api/anonymous_user/signup");
            crate::support::Reply::of(request.header("host", "auth.test").json(&body)).await.result();
            checked += 1;
        }
    }
    assert!(checked >= 600);
    assert!(place.path().join("data/vestibule.db").exists());
}
