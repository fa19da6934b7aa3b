//! Runs the code of docs/guides/backend.md as printed: the Rust recipe, and the row policies in PostgreSQL.

use jsonwebtoken::errors::ErrorKind;

use crate::support::{Engine, TestServer, connect_to, guide::blocks, on_both_engines};

const GUIDE: &str = include_str!("../../../../docs/guides/backend.md");

include!("backend_guide/authenticate.rs.in");

async fn the_rust_recipe_distinguishes_guests_members_and_others(engine: Engine) {
    assert_eq!(blocks(GUIDE, "rust"), [include_str!("backend_guide/authenticate.rs.in")], "it is the guide's");
    let server = TestServer::start(engine, |setup| setup.set_client("web", "issue_jwt_access_token", true)).await;
    let client = server.app_client();
    let guest = client.sign_up().await;
    let sub = client.subject(&guest.access).await;
    let keys: JwkSet = serde_json::from_value(server.http().get("/oauth2/jwks").await.json()).expect("a key set");
    let ask = |token: &str| authenticate(token, &server.origin, &["web", "phone"], &keys);
    assert_eq!(ask(&guest.access), Some((sub.clone(), true)));
    let (mut browser, mut mailbox) = (server.browser(), server.mailbox());
    crate::guest_journey::promote(&client, &guest, &mut browser, &mut mailbox, "kim@shop.example").await;
    let member = client.finish(browser.at_app()).await;
    assert_eq!(ask(&member.access), Some((sub, false)));
    let id_token = member.id.expect("an ID token");
    let (head, signature) = member.access.rsplit_once('.').expect("a JWT");
    let turned: String = signature.chars().rev().collect();
    for bad in [id_token.as_str(), &member.refresh, "nonsense", "a.b.c", &format!("{head}.{turned}")] {
        assert_eq!(ask(bad), None, "{bad}");
    }
    assert_eq!(authenticate(&member.access, "https://auth.shop.example", &["web"], &keys), None);
    // A token of another application, such as a third party's, is not the user.
    for clients in [&["phone"][..], &[], &["webb"]] {
        assert_eq!(authenticate(&member.access, &server.origin, clients, &keys), None);
    }
    // The recipe uses the system clock; the test's tokens expire much later.
    let none = Validation::new(Algorithm::RS256);
    let key = DecodingKey::from_secret(b"x");
    let wrong = decode::<serde_json::Value>(&member.access, &key, &none).expect_err("the key is of another kind");
    assert!(!matches!(wrong.kind(), ErrorKind::ExpiredSignature));
}

on_both_engines!(the_rust_recipe_distinguishes_guests_members_and_others);

const KIM: &str = "00000000-0000-7000-8000-00000000000a";
const ANN: &str = "00000000-0000-7000-8000-00000000000b";

/// A connection with the role of a backend, to a database with the guide's policies.
async fn open_orders(role: &str, url: &str) -> tokio_postgres::Client {
    let client = connect_to(url).await;
    client.batch_execute(&format!("SET ROLE {role}")).await.expect("the backend's role");
    client
}

/// The guide's transaction with its parameters.
async fn insert(client: &tokio_postgres::Client, user: &str, is_guest: bool) -> Result<(), tokio_postgres::Error> {
    let statements = blocks(GUIDE, "sql")[1];
    let settings = [format!("'{user}'"), format!("'{is_guest}'")];
    let row = [format!("'{user}'"), "'tea'".to_string()];
    let mut text = String::new();
    for statement in statements.split_inclusive(';') {
        let values = if statement.contains("set_config") { &settings } else { &row };
        text.push_str(&statement.replace("$1", &values[0]).replace("$2", &values[1]));
    }
    client.batch_execute(&text).await
}

/// Runs a statement as a user; returns how many rows it changed or found.
async fn run(client: &tokio_postgres::Client, user: &str, is_guest: bool, statement: &str) -> u64 {
    client.batch_execute("BEGIN").await.expect("a transaction");
    let settings = "SELECT set_config('app.user_id', $1, true), set_config('app.is_guest', $2, true)";
    client.query(settings, &[&user, &is_guest.to_string()]).await.expect("the settings");
    let changed = client.execute(statement, &[]).await.expect("the statement");
    client.batch_execute("COMMIT").await.expect("a commit");
    changed
}

async fn drop_role(url: &str, role: &str) {
    let owner = connect_to(url).await;
    owner.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.expect("the role is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs VESTIBULE_TEST_POSTGRES"]
async fn row_policies_let_users_see_their_own_and_members_write() {
    let server = TestServer::start_plain(Engine::Postgres).await;
    let (url, role) = (server.store_url(), format!("vestibule_guide_{}", std::process::id()));
    let owner = connect_to(&url).await;
    let table = "CREATE TABLE orders (user_id uuid NOT NULL, item text NOT NULL)";
    owner.batch_execute(table).await.expect("a table");
    owner.batch_execute(blocks(GUIDE, "sql")[0]).await.expect("the guide's policies");
    let rights = format!("CREATE ROLE {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO {role}");
    owner.batch_execute(&rights).await.expect("a role");
    owner.batch_execute(&format!("INSERT INTO orders VALUES ('{ANN}', 'milk')")).await.expect("a row");

    let client = open_orders(&role, &url).await;
    let (read, change, delete) = ("SELECT * FROM orders", "UPDATE orders SET item = 'x'", "DELETE FROM orders");
    assert_eq!(client.execute(read, &[]).await.expect("no settings were made yet"), 0);
    insert(&client, KIM, false).await.expect("a member writes");
    // The same connection after a transaction with these settings: they are empty now.
    assert_eq!(client.execute(read, &[]).await.expect("an empty setting is none"), 0);
    assert_eq!(run(&client, KIM, false, read).await, 1, "only its own");
    assert_eq!(run(&client, KIM, false, change).await, 1);

    insert(&client, ANN, true).await.expect_err("a guest does not write");
    client.batch_execute("ROLLBACK").await.expect("the transaction ends");
    assert_eq!(run(&client, ANN, true, read).await, 1);
    assert_eq!(run(&client, ANN, true, change).await, 0);
    assert_eq!(run(&client, ANN, true, delete).await, 0);
    assert_eq!(client.execute(change, &[]).await.expect("no changes"), 0);
    assert_eq!(client.execute(delete, &[]).await.expect("nothing to delete"), 0);
    let kept = owner.query("SELECT item FROM orders ORDER BY item", &[]).await.expect("the rows");
    let kept: Vec<String> = kept.iter().map(|row| row.get(0)).collect();
    assert_eq!(kept, ["milk", "x"]);

    assert_eq!(run(&client, ANN, false, delete).await, 1, "a member deletes its own");
    let other = format!("INSERT INTO orders VALUES ('{KIM}', 'tea')");
    client.batch_execute("BEGIN").await.expect("a transaction");
    let member = format!("SELECT set_config('app.user_id', '{ANN}', true), set_config('app.is_guest', 'false', true)");
    client.batch_execute(&member).await.expect("the settings");
    client.batch_execute(&other).await.expect_err("nobody writes a row of another");
    drop(client);
    drop_role(&url, &role).await;
}
