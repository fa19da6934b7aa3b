//! `vestibule user keys …`, run as a process.

use std::process::{Command, Output};

use crate::support::{Device, Engine, Platform, TestServer, connect_to, on_both_engines};

/// Runs the binary on the data of a test's server.
fn run(server: &TestServer, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vestibule"))
        .args(arguments)
        .env("VESTIBULE__STORE__URL", server.store_url())
        .env("VESTIBULE__SECRETS__MASTER_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        .output()
        .expect("the binary runs")
}

fn output(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn a_key_is_listed_and_revoked(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Ios);
    let sub = device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    let of = |command: &'static str| ["user", "keys", command, "--project", "test", "--user", sub.as_str()];

    let listed = output(&run(&server, &of("list")));
    assert!(listed.starts_with(&format!("{kid}\tiPhone 15 Pro\tregistered 2030-05-01T08:00:00")), "{listed}");

    let nobodys = run(&server, &[&of("revoke")[..], &["another-key-id"]].concat());
    assert!(!nobodys.status.success());
    assert!(output(&nobodys).contains("has no device key \"another-key-id\""));

    let revoked = run(&server, &[&of("revoke")[..], &[kid.as_str()]].concat());
    assert!(revoked.status.success(), "{}", output(&revoked));
    let jwt = device.sign("auth", &device.challenge().await, &kid, false);
    device.present(&jwt).await.expect_oauth_error(400, "invalid_grant", "InvalidCredentials");
    device.refresh().await;
    assert!(output(&run(&server, &of("list"))).contains("has no device keys."));
}

async fn revoking_a_lost_devices_key_ends_its_sessions_too(engine: Engine) {
    let server = TestServer::start_plain(engine).await;
    let mut device = Device::new(&server, Platform::Android);
    let sub = device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    let command = ["user", "keys", "revoke", "--project", "test", "--user", &sub, "--end-sessions", &kid];
    let revoked = output(&run(&server, &command));
    assert!(revoked.contains("Sessions ended: 1."), "{revoked}");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", device.held().refresh.as_str())];
    device.token(&fields, true).await.expect_oauth_error(400, "invalid_grant", "invalid refresh token");
    assert!(
        output(&run(&server, &["user", "keys", "list", "--project", "nope", "--user", &sub])).contains("no project")
    );
}

/// If the sessions cannot be ended, the key stays: the operator can repeat the command for both.
#[tokio::test]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn a_lost_devices_key_and_sessions_go_together_or_not_at_all() {
    let server = TestServer::start_plain(Engine::Postgres).await;
    let mut device = Device::new(&server, Platform::Android);
    let sub = device.authenticate().await;
    let kid = device.kid.clone().expect("a key id");
    let database = connect_to(&server.store_url()).await;
    database
        .batch_execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
             CREATE TRIGGER refuse BEFORE DELETE ON grants FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await
        .expect("a trigger");
    let command = ["user", "keys", "revoke", "--project", "test", "--user", &sub, "--end-sessions", &kid];
    assert!(!run(&server, &command).status.success());
    let listed = output(&run(&server, &["user", "keys", "list", "--project", "test", "--user", &sub]));
    assert!(listed.starts_with(&kid), "{listed}");
    database.batch_execute("DROP TRIGGER refuse ON grants").await.expect("gone");
    assert!(output(&run(&server, &command)).contains("Sessions ended: 1."));
    let listed = output(&run(&server, &["user", "keys", "list", "--project", "test", "--user", &sub]));
    assert!(listed.contains("has no device keys."), "{listed}");
}

on_both_engines!(a_key_is_listed_and_revoked, revoking_a_lost_devices_key_ends_its_sessions_too);
