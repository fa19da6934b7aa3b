//! `vestibule provider …`, run as a process.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::{
    providers::settings_of,
    support::{Engine, OpenIdProvider, SECRET, TestServer, on_both_engines},
};

/// Runs the binary on the data of a test's server; answers whether it succeeded, and what it says.
async fn run(server: &TestServer, arguments: &[&str], input: &'static str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command
        .args(["provider"])
        .args(arguments)
        .args(["--project", "test"])
        .env("VESTIBULE__STORE__URL", server.store_url())
        .env("VESTIBULE__SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        .env("VESTIBULE__PROVIDERS__PRIVATE_HOSTS", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // The provider of the test answers meanwhile.
    let ran = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("the binary runs");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
        child.wait_with_output().expect("it ends")
    });
    let output = ran.await.expect("it was waited for");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

async fn a_provider_is_set_up_and_checked(engine: Engine) {
    let provider = OpenIdProvider::start().await;
    let server = TestServer::start(engine, |setup| {
        setup.set("identity.oauth.providers", vec![settings_of("ours", "Our ID", &provider.issuer)]);
    })
    .await;
    let (_, text) = run(&server, &["list"], "").await;
    assert!(text.contains("/sso/oauth2/callback/ours\tno secret"), "{text}");
    let (is_good, text) = run(&server, &["check", "ours"], "").await;
    assert!(!is_good && text.contains("bad\tThe client secret is not set."), "{text}");
    let (is_good, text) = run(&server, &["set-secret", "ours"], "another secret\n").await;
    assert!(is_good, "{text}");
    let (is_good, text) = run(&server, &["check", "ours"], "").await;
    assert!(!is_good && text.contains("it answers invalid_client"), "{text}");
    let (is_good, text) = run(&server, &["set-secret", "ours"], SECRET).await;
    assert!(is_good && !text.contains(SECRET), "{text}");
    let (is_good, text) = run(&server, &["check", "ours"], "").await;
    assert!(is_good && text.contains("good\tIt accepts the client ID and the client secret."), "{text}");
    let (is_good, text) = run(&server, &["check", "unknown"], "").await;
    assert!(!is_good && text.contains("no provider \"unknown\""), "{text}");
}

on_both_engines!(a_provider_is_set_up_and_checked);
