//! The loader: writes millions of dormant guests directly into a store.

use std::{error::Error, fmt::Write as _, fs::File, path::Path};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures_util::SinkExt as _;
use rusqlite::{Connection, params};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{
    loading::Loading,
    store_location::{StoreLocation, connect},
};

/// The secret half of every loaded guest's refresh token.
const SECRET: &str = "benchmarkbenchmarkbenchmark12345";
/// Guests per batch.
const BATCH: u64 = 200_000;

/// IDs and times of the n-th guest: spread evenly over the last twenty days, oldest first.
struct Guest {
    user: [u8; 16],
    grant: [u8; 16],
    micros: i64,
}

impl Guest {
    fn make(number: u64, count: u64, now_millis: u64) -> Self {
        const DAYS_20: u64 = 20 * 86_400_000;
        let millis =
            now_millis - DAYS_20 + (u128::from(DAYS_20) * u128::from(number) / u128::from(count.max(1))) as u64;
        let id = |salt: u64| {
            let mut mixed = number.wrapping_mul(2).wrapping_add(salt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed ^= mixed >> 27;
            let mut id = [0; 16];
            id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
            id[6..14].copy_from_slice(&mixed.to_be_bytes());
            id[14..].copy_from_slice(&(number as u16).to_be_bytes());
            id[6] = 0x70 | (id[6] & 0x0F);
            id[8] = 0x80 | (id[8] & 0x3F);
            id
        };
        Self { user: id(0), grant: id(1), micros: millis as i64 * 1_000 }
    }

    fn refresh_token(&self) -> String {
        format!("{}.{SECRET}", Uuid::from_bytes(self.grant))
    }
}

/// Loads `count` guests into a store whose server is stopped; returns refresh tokens of `sample` of them.
pub async fn load(location: &StoreLocation, count: u64, sample: usize) -> Result<Vec<String>, Box<dyn Error>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as u64;
    let hash = digest(&SHA256, SECRET.as_bytes());
    match location {
        StoreLocation::Folder(folder) => load_sqlite(&folder.join("store.db"), count, now, hash.as_ref())?,
        StoreLocation::Database { url, .. } => load_postgres(url, count, now, hash.as_ref()).await?,
    }
    let step = (count / sample.max(1) as u64).max(1);
    Ok((0..count)
        .step_by(step as usize)
        .take(sample)
        .map(|number| Guest::make(number, count, now).refresh_token())
        .collect())
}

/// The newest guest.
fn last_counted(count: u64, now: u64) -> [u8; 16] {
    Guest::make(count, count, now).user
}

/// Finishes a load: syncs it to disk and moves the cursor of the job that counts new guests to the newest, so that
/// neither runs during the measurement.
pub fn settle_sqlite(
    connection: &Connection,
    path: &Path,
    last_counted: [u8; 16],
    now_micros: i64,
) -> Result<(), Box<dyn Error>> {
    connection.execute(
        "INSERT INTO job_state (name, cursor, updated_at) VALUES ('guests/1', ?1, ?2)",
        params![last_counted, now_micros],
    )?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    File::open(path)?.sync_all()?;
    Ok(())
}

/// The same for PostgreSQL, with the planner's statistics.
pub async fn settle_postgres(
    client: &Client,
    tables: &[&str],
    last_counted: [u8; 16],
    now_micros: i64,
) -> Result<(), Box<dyn Error>> {
    client
        .execute(
            "INSERT INTO job_state (name, cursor, updated_at) VALUES ('guests/1', $1, $2)",
            &[&last_counted.as_slice(), &now_micros],
        )
        .await?;
    for table in tables {
        client.batch_execute(&format!("VACUUM ANALYZE {table}")).await?;
    }
    // CHECKPOINT needs a privilege; without it the checkpoint runs during the measurement.
    if let Err(error) = client.batch_execute("CHECKPOINT").await {
        eprintln!("  the load may still be on its way to the disk: {error}");
    }
    Ok(())
}

fn load_sqlite(path: &Path, count: u64, now: u64, hash: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut connection = Connection::open(path)?;
    // The data is discarded after the benchmark, so it need not survive a power cut.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144")?;
    let mut loading = Loading::of(count);
    for first in (0..count).step_by(BATCH as usize) {
        let transaction = connection.transaction()?;
        {
            let mut user = transaction.prepare_cached(
                "INSERT INTO users (project_no, id, created_at, updated_at, anonymous_since) VALUES (1, ?1, ?2, ?2, ?2)",
            )?;
            let mut grant = transaction.prepare_cached(
                "INSERT INTO grants (project_no, id, user_id, client_id, token_hash, created_at, last_access_at, authenticated_at)
                 VALUES (1, ?1, ?2, 'bench', ?3, ?4, ?4, ?4)",
            )?;
            for number in first..(first + BATCH).min(count) {
                let guest = Guest::make(number, count, now);
                user.execute(params![guest.user, guest.micros])?;
                grant.execute(params![guest.grant, guest.user, hash, guest.micros])?;
            }
        }
        transaction.commit()?;
        loading.advance_to((first + BATCH).min(count));
    }
    settle_sqlite(&connection, path, last_counted(count, now), now as i64 * 1_000)
}

async fn load_postgres(url: &str, count: u64, now: u64, hash: &[u8]) -> Result<(), Box<dyn Error>> {
    let client = connect(url).await?;
    let mut loading = Loading::of(count);
    let mut text = String::new();
    for first in (0..count).step_by(BATCH as usize) {
        let numbers = first..(first + BATCH).min(count);
        let sink =
            client.copy_in("COPY users (project_no, id, created_at, updated_at, anonymous_since) FROM STDIN").await?;
        let mut sink = Box::pin(sink);
        for number in numbers.clone() {
            let Guest { user, micros, .. } = Guest::make(number, count, now);
            writeln!(text, "1\t\\\\x{}\t{micros}\t{micros}\t{micros}", hex(&user))?;
            if text.len() > 1 << 18 {
                sink.send(Bytes::from(std::mem::take(&mut text))).await?;
            }
        }
        sink.send(Bytes::from(std::mem::take(&mut text))).await?;
        sink.as_mut().finish().await?;
        let sink = client.copy_in("COPY grants (project_no, id, user_id, client_id, token_hash, created_at, last_access_at, authenticated_at) FROM STDIN").await?;
        let mut sink = Box::pin(sink);
        for number in numbers {
            let Guest { user, grant, micros } = Guest::make(number, count, now);
            writeln!(
                text,
                "1\t\\\\x{}\t\\\\x{}\tbench\t\\\\x{}\t{micros}\t{micros}\t{micros}",
                hex(&grant),
                hex(&user),
                hex(hash)
            )?;
            if text.len() > 1 << 18 {
                sink.send(Bytes::from(std::mem::take(&mut text))).await?;
            }
        }
        sink.send(Bytes::from(std::mem::take(&mut text))).await?;
        sink.as_mut().finish().await?;
        loading.advance_to((first + BATCH).min(count));
    }
    settle_postgres(&client, &["users", "grants"], last_counted(count, now), now as i64 * 1_000).await
}

pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}
