//! Requests while the database cannot use its files: each gets 503 with `Retry-After`, and afterwards everything that it carried
//! still works. No token, code or key is called invalid meanwhile.

use std::{fs, path::PathBuf};

use reqwest::Method;
use serde_json::json;

use super::Disk;
use crate::support::{
    AppClient, Browser, Engine, Http, Installation, OWNER_PASSWORD, Reply, TestStore, Tokens, binary::Process,
    connect_to, on_both_engines, query,
};

/// On PostgreSQL each table fails as if the disk did.
const BREAK: &str = "
    CREATE FUNCTION fail() RETURNS boolean LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'could not read block 7' USING ERRCODE = '58030'; END $$;
    CREATE FUNCTION fail_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM fail(); RETURN NULL; END $$;
    DO $$
    DECLARE name text;
    BEGIN
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_away');
        EXECUTE format('CREATE VIEW %I AS SELECT * FROM %I WHERE (SELECT fail())', name, name || '_away');
        EXECUTE format('CREATE TRIGGER fail_write BEFORE INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION fail_write()', name || '_away');
      END LOOP;
    END $$";
const MEND: &str = "
    DO $$
    DECLARE name text;
    BEGIN
      FOR name IN SELECT viewname FROM pg_views WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP VIEW %I', name);
        EXECUTE format('DROP TRIGGER fail_write ON %I', name || '_away');
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name || '_away', name);
      END LOOP;
    END $$;
    DROP FUNCTION fail_write();
    DROP FUNCTION fail()";
/// On SQLite a write of another process makes each connection read again what it remembers.
const TOUCH: &str = "INSERT INTO job_state (name, updated_at) VALUES ('touch', 1)
    ON CONFLICT (name) DO UPDATE SET updated_at = job_state.updated_at + 1";

/// A server, and what makes its store fail.
struct Place {
    store: TestStore,
    installation: Installation,
    /// On SQLite: the disk, and the file that makes it unreadable.
    disk: Option<(Disk, PathBuf)>,
}

impl Place {
    /// `None` where there is no C compiler, on SQLite.
    async fn make(engine: Engine) -> Option<Self> {
        let store = TestStore::make(engine).await;
        let mut installation = Installation::make(&store.url());
        let file = installation.folder.path().join("vestibule.toml");
        let portal = "[portal]\npublic_origin = \"http://vestibule.test\"\nproject = \"crash\"\n";
        fs::write(&file, fs::read_to_string(&file).expect("the configuration") + portal).expect("a file");
        let mut disk = None;
        if engine == Engine::Sqlite {
            let failing = Disk::make()?;
            let (path, blind) = (store.url().trim_start_matches("sqlite:").to_owned(), failing.0.path("blind"));
            let variables = [
                ("DISK_FILE", path.as_str()),
                ("DISK_OTHER", &format!("{path}-wal")),
                ("DISK_BLIND", blind.to_str().expect("text")),
            ];
            installation.wrap(&failing.wrapper(&variables).iter().map(String::as_str).collect::<Vec<_>>());
            disk = Some((failing, blind));
        }
        Some(Self { store, installation, disk })
    }

    async fn fail(&self) {
        match &self.disk {
            Some((_, blind)) => fs::write(blind, "").expect("a file"),
            None => connect_to(&self.store.url()).await.batch_execute(BREAK).await.expect("tables that fail"),
        }
    }

    async fn mend(&self) {
        match &self.disk {
            Some((_, blind)) => fs::remove_file(blind).expect("it was there"),
            None => connect_to(&self.store.url()).await.batch_execute(MEND).await.expect("tables"),
        }
    }

    /// Makes a server forget what it has read.
    fn touch(&self) {
        if self.disk.is_some() {
            let connection = rusqlite::Connection::open(self.store.url().trim_start_matches("sqlite:"));
            connection.and_then(|connection| connection.execute_batch(TOUCH)).expect("a write");
        }
    }
}

/// Those who used the server before its store failed.
struct Cast {
    http: Http,
    app: AppClient,
    guest: Tokens,
    other: Tokens,
    promotion_code: String,
    /// After a promotion, not exchanged yet.
    code: String,
    admin_key: String,
    operator: Browser,
}

impl Cast {
    async fn make(place: &Place, process: &Process) -> Self {
        let (http, app) = (process.http(), process.app_client());
        let link = place.installation.run(&["operator", "link"]);
        let mut operator = Browser::new(http.clone());
        operator.open(link.trim()).await;
        operator.fill("Email", "olga@house.example");
        operator.fill("Your name", "Olga");
        operator.fill("Password", OWNER_PASSWORD);
        operator.press("Create account").await;
        operator.expect_page(200, "Projects");
        let printed = place.installation.run(&["admin", "key", "create", "--project", "crash", "--name", "test"]);
        let admin_key = printed.split_whitespace().find(|word| word.starts_with("vak_")).expect("a key").to_owned();
        let (guest, other, promoted) = (app.sign_up().await, app.sign_up().await, app.sign_up().await);
        let mut browser = Browser::new(http.clone());
        browser.open(&app.promotion_url(&app.promotion_code(&promoted).await)).await;
        browser.fill("Username", "kim");
        browser.fill("Password", "violet tugboat marmalade");
        browser.press("Save my progress").await;
        let code = query(browser.at_app(), "code").expect("a code");
        let promotion_code = app.promotion_code(&guest).await;
        Self { http, app, guest, other, promotion_code, code, admin_key, operator }
    }

    async fn list_users(&self) -> Reply {
        Reply::of(self.http.request(Method::GET, "/_api/admin/v1/users").bearer_auth(&self.admin_key)).await
    }

    async fn resolve(&self) -> Reply {
        Reply::of(self.http.request(Method::GET, "/_resolver/resolve").bearer_auth(&self.guest.access)).await
    }

    /// Uses everything; the responses by what was asked.
    async fn use_everything(&mut self, place: &Place) -> Vec<(&'static str, Reply)> {
        let guest_body = json!({ "session_type": "refresh_token", "refresh_token": self.guest.refresh });
        let sign_up_body = json!({ "session_type": "refresh_token", "client_id": "rotating" });
        let mut replies = Vec::new();
        let mut keep = |what, reply| {
            replies.push((what, reply));
            place.touch();
        };
        place.touch();
        keep("user info", self.app.user_info(&self.guest.access).await);
        keep("the resolver", self.resolve().await);
        keep("an exchange", self.app.exchange(&self.code).await);
        keep("a revocation", self.app.revoke(&self.other.refresh).await);
        keep("a sign-up", self.http.post_json("/api/anonymous_user/signup", &sign_up_body).await);
        keep("a promotion code", self.http.post_json("/api/anonymous_user/promotion_code", &guest_body).await);
        let mut browser = Browser::new(self.http.clone());
        browser.open(&self.app.promotion_url(&self.promotion_code)).await;
        keep("the promotion page", browser.reply().clone());
        keep("the Admin API", self.list_users().await);
        self.operator.open("/portal/").await;
        keep("the portal", self.operator.reply().clone());
        // Last, because it replaces the guest's token.
        keep("a refresh", self.app.refresh(&self.guest.refresh).await);
        replies
    }
}

async fn each_request_gets_503_and_nothing_is_called_invalid(engine: Engine) {
    let Some(place) = Place::make(engine).await else { return };
    let process = place.installation.start();
    let mut cast = Cast::make(&place, &process).await;
    place.fail().await;
    for (what, reply) in cast.use_everything(&place).await {
        assert_eq!(reply.status, 503, "{what}: {reply:?}");
        assert!(reply.header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok()), "{what}: {reply:?}");
    }
    place.mend().await;
    // Nothing was done, and nothing was used up.
    for (what, reply) in cast.use_everything(&place).await {
        assert_eq!(reply.status, 200, "{what}: {reply:?}");
    }
}

on_both_engines!(each_request_gets_503_and_nothing_is_called_invalid);
