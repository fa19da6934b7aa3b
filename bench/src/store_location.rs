//! The location of a store during a run: a folder, or a scratch database that is dropped at the end.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use tokio_postgres::{Client, NoTls};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

pub enum StoreLocation {
    Folder(PathBuf),
    Database { admin: String, name: String, url: String },
}

impl StoreLocation {
    pub fn folder(root: &Path, name: &str) -> std::io::Result<Self> {
        let folder = root.join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self::Folder(folder))
    }

    /// Creates a database of this name on the server of `admin`.
    pub async fn database(admin: &str, name: &str) -> Result<Self, Box<dyn Error>> {
        let name = format!("vestibule_bench_{}_{name}", std::process::id());
        connect(admin).await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (base, _) = admin.rsplit_once('/').ok_or("the PostgreSQL URL names no database")?;
        Ok(Self::Database { admin: admin.to_owned(), url: format!("{base}/{name}"), name })
    }

    /// The URL in the server's configuration.
    pub fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite:{}", folder.join("store.db").display()),
            Self::Database { url, .. } => url.clone(),
        }
    }

    /// Bytes on disk; the server must be stopped, so that SQLite's log is in the file.
    pub async fn bytes(&self) -> Result<u64, Box<dyn Error>> {
        match self {
            Self::Folder(folder) => {
                let size = |name: &str| fs::metadata(folder.join(name)).map_or(0, |file| file.len());
                Ok(size("store.db") + size("store.db-wal"))
            }
            Self::Database { url, .. } => {
                let client = connect(url).await?;
                let row = client
                    .query_one(
                        "SELECT sum(pg_total_relation_size(oid))::BIGINT FROM pg_class
                         WHERE relkind = 'r' AND relname IN ('users', 'grants', 'sessions', 'device_keys')",
                        &[],
                    )
                    .await?;
                Ok(u64::try_from(row.get::<_, i64>(0))?)
            }
        }
    }

    pub async fn remove(self) {
        match self {
            Self::Folder(folder) => drop(fs::remove_dir_all(folder)),
            Self::Database { admin, name, .. } => {
                if let Ok(client) = connect(&admin).await {
                    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.ok();
                }
            }
        }
    }
}

pub async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // Ends with an error when the server disconnects; the next query reports it.
        connection.await.ok();
    });
    Ok(client)
}
